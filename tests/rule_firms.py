"""A firm of which nothing is wrong and everything is told, to change one thing of: for tests of underwriting rules."""

from datetime import date

from cyberscore import Coverage, Profile, quote

AS_OF = date(2026, 11, 23)
CLEAN = {
    "mfa_email_coverage": (1.0, "telemetry"),
    "mfa_remote_coverage": (1.0, "telemetry"),
    "mfa_admin_coverage": (1.0, "telemetry"),
    "exposed_rdp": (0, "scan"),
    "risky_services": (0, "scan"),
    "exposed_login_panels": (0, "scan"),
    "edge_vpn_class": ("none_or_ztna", "scan"),
    "backup_isolation": ("offline_or_immutable", "telemetry"),
    "kev_open_external": (0, "scan"),
    "end_of_life_share": (0.0, "scan"),
    "payment_verification": ("dual_approval_and_callback", "document"),
}
FIRM = {
    "naics": "541110",
    "country": "US",
    "annual_revenue": 2e6,
    "record_count": 5_000,
    "active_incident": False,
    "known_circumstances": False,
    "business_activities": [],
    "claims_36m": 0,
    "application_signed_at": "2026-11-16",
    "bank_details_verified": True,
    "dual_approval_above": 10_000,
}
UNKNOWN = "unknown"
CONNECTIONS = {  # what a connection is, and when it delivered something
    "tenant": ({"kind": "telemetry"}, "2026-08-25"),
    "stale": ({"kind": "telemetry"}, "2026-08-24"),
    "silent": ({"kind": "telemetry"}, None),
    "withdrawn": ({"kind": "telemetry", "withdrawn_at": "2026-11-23"}, "2026-11-20"),
}


def firm_profile(firm=None, connection=None, **seen):
    """Build a firm without any weakness, but for what is given; "unknown" or None leaves a signal or a field out.

    A signal is (value, source), or the value that a scan saw.
    """
    found = {name: tuple(value) if isinstance(value, tuple | list) else (value, "scan") for name, value in seen.items()}
    observations = [
        {"signal": name, "value": value, "observed_at": "2026-11-23", "source": source}
        for name, (value, source) in {**CLEAN, **found}.items()
        if value not in {None, UNKNOWN}
    ]
    sources = []
    if connection is not None:
        about, delivered = CONNECTIONS[connection]
        sources.append({"name": connection, **about})
        if delivered is not None:
            one = {"signal": "central_log_days", "value": 365, "source": "telemetry"}
            observations.append({**one, "observed_at": delivered, "connection": connection})
    insured = {name: value for name, value in {**FIRM, **(firm or {})}.items() if value not in (None, UNKNOWN)}
    return Profile.from_dict({"insured": insured, "observations": observations, "sources": sources})


def quoted(firm=None, cover=None, connection=None, **seen):
    """Quote that firm."""
    cover = Coverage.from_dict(cover) if isinstance(cover, dict) else cover
    return quote(firm_profile(firm, connection, **seen), cover, as_of=AS_OF)
