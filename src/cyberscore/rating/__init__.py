"""The rating plan and what it charges: tables, severities, layers, pricing, and the ledger of a premium."""
