"""A quote as one HTML page for an underwriter and the insured, in English or Simplified Chinese."""

from cyberscore.report.page import render_report

__all__ = ["render_report"]
