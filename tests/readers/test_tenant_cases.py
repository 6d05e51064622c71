"""Small inputs beside the checkout on which readers of tenants, mail, TLS and benchmarks said too much or too little.

Each is named as its table names it; the same promises are tested on the project's own inputs.
"""

from pathlib import Path

import pytest

from cyberscore import readers
from cyberscore.exceptions import ReadingError
from cyberscore.profile.signals import signal

CASES = Path(__file__).parents[3] / "shared" / "cases" / "readers"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the inputs are not beside the checkout")


def read(name, **options):
    (path,) = CASES.glob(f"{name}_*")
    return readers.read(path, observed_at="2026-11-01", **options)


def said(reading):
    return {one.signal: one.value for one in reading.observations}


@pytest.mark.parametrize(
    ("name", "expected", "reason"),
    [
        ("s01", {}, "it excludes groups"), ("s02", {}, "it excludes groups"),
        ("s03", {"mfa_email_coverage": 0.5}, ""), ("s04", {"mfa_email_coverage": 0.5}, ""),
        ("s05", {}, "depends on UserRiskLevels"), ("s06", {}, "no conditional access policies"),
        ("s07", {}, "compliantdevice is enough"), ("s09", {}, "could not check"), ("s10", {}, "omits it"),
        ("g01", {"mfa_email_coverage": 1.0, "mfa_admin_coverage": 1.0}, ""), ("g02", {}, "may be federated"),
        ("d01", {"spf_dkim_level": 1, "mail_platform": "microsoft_365"}, "withheld"),
        ("t01", {"tls_dns_hygiene": 100.0}, ""), ("t02", {}, "internal server"),
        ("t03", {"tls_dns_hygiene": 100.0}, ""),
        ("l01", {}, "test_group ssh"), ("l02", {}, "fewer than"), ("l03", {"hardening_score": 0.63}, ""),
        ("p01", {}, "s3 alone"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("options", [{}, {"vantage": "external"}], ids=["auto", "external"])
def test_what_a_case_says(name, expected, reason, options):
    if options and not name.startswith("t"):
        options = {}
    reading = read(name, **options)
    assert said(reading) == expected
    assert any(reason in f"{one.why} {one.what}" for one in reading.not_mapped) or not reason


def test_no_share_of_registration_is_certain_where_it_may_be_elsewhere():
    assert not [one for name in ("g01", "g02") for one in read(name).observations if one.source == "telemetry"]


def test_failed_checks_of_microsoft_365_are_bad_news():
    found = said(read("p02"))
    assert set(found) == {"mfa_email_coverage", "mfa_admin_coverage", "legacy_auth_enabled"}
    assert all(signal(name).code(value) > signal(name).unknown for name, value in found.items())


def test_damaged_json_is_refused():
    with pytest.raises(ReadingError, match="not valid JSON"):
        read("t04")
