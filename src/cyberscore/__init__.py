"""Underwrite the cyber risk of small and medium enterprises."""
