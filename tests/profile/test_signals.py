"""The catalogue: its order, its labels and what it refuses."""

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberscore.exceptions import ProfileError
from cyberscore.profile import SOURCES, Profile, signal, signals
from cyberscore.profile.signals import _FIELDS, NOT_APPLICABLE, _signal
from strategies import SIGNED, some_values

ALL = list(signals().values())
each = pytest.mark.parametrize("about", ALL, ids=lambda about: about.name)


def test_there_are_39_signals():
    assert len(signals()) == 39
    assert list(signals()) == [about.name for about in ALL]
    assert [about.name for about in ALL if about.is_context] == [
        "internet_footprint",
        "mail_platform",
        "critical_saas_dependencies",
    ]
    assert [about.name for about in ALL if not about.monotone] == ["mail_platform"]


@each
def test_unknown_lies_between_the_best_and_the_worst_cell(about):
    cells = sorted(about.code_of_cell)
    assert about.labels[about.unknown] == "unknown"
    assert cells[0] == 0 < about.unknown < cells[-1] == about.n_codes - 1
    reserved = {about.unknown, about.unanswered}
    assert reserved.isdisjoint(cells)
    assert sorted(reserved | set(cells)) == list(range(about.n_codes))
    assert about.unanswered == about.unknown + about.required
    assert about.labels[about.unanswered] == ("unanswered" if about.required else "unknown")


@each
def test_sources_exist_and_audit_comes_with_document(about):
    assert set(about.sources) <= set(SOURCES)
    assert len(set(about.sources)) == len(about.sources)
    assert "document" not in about.sources or "audit" in about.sources


@each
def test_a_signal_can_be_talked_about(about):
    assert about.title
    assert about.unit
    assert re.search(r"\bC\d{3}\b|judgement", about.basis)
    assert about.half_life_days > 0
    assert not about.advice or about.target is not None
    assert len(set(about.labels)) == about.n_codes


@pytest.mark.parametrize("about", [one for one in SIGNED if one.target is not None], ids=lambda about: about.name)
def test_the_target_is_in_the_safest_cell(about):
    assert about.code(about.check(about.target)) == 0


@each
def test_code_is_monotone_in_the_value(about):
    codes = [about.code(value) for value in some_values(about)]
    assert len(set(codes)) == len(about.code_of_cell)  # every cell is reached
    if about.monotone:
        assert codes == sorted(codes)


@given(st.sampled_from([about for about in ALL if not about.levels]), st.floats(0, 1), st.floats(0, 1))
def test_code_is_monotone_between_any_two_numbers(about, one, other):
    top = min(about.high, about.breakpoints[-1] * 2)
    low, high = sorted((one * top, other * top))
    assert (about.code(low) <= about.code(high)) == (about.safer != "higher") or about.code(low) == about.code(high)


@each
def test_labels_match_cells(about):
    if about.levels:
        assert [about.labels[about.code(level)] for level in about.levels] == list(about.levels)
    elif about.kind in {"count", "level", "flag"}:
        for value in range(int(about.low), int(min(about.high, about.breakpoints[-1] + 20)) + 1):
            label = about.labels[about.code(value)]
            numbers = [int(number) for number in re.findall(r"\d+", label)]
            last = math.inf if "or more" in label else numbers[-1]
            assert numbers[0] <= value <= last, label
    else:
        for point, after in zip(about.breakpoints, [*about.breakpoints[1:], None], strict=True):
            wanted = f"{point:g} or more" if after is None else f"{point:g} to under {after:g}"
            assert about.labels[about.code(point)] == wanted
            assert about.labels[about.code(math.nextafter(point, -1))].endswith(f"under {point:g}")


@given(st.sampled_from(ALL), st.data())
def test_check_keeps_what_is_valid(about, data):
    value = data.draw(st.sampled_from(some_values(about)))
    assert about.check(value) == value
    assert about.check(about.check(value)) == about.check(value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("edr_coverage", 82, "a share is wanted, not a percentage; did you mean 0.82?"),
        ("edr_coverage", 1.01, "must be between 0 and 1; got 1.01"),
        ("edr_coverage", -0.01, "must be between 0 and 1; got -0.01"),
        ("edr_coverage", True, "must be a number (share of endpoints); got True"),
        ("edr_coverage", "0.9", "must be a number (share of endpoints); got '0.9'"),
        ("edr_coverage", None, "must be a number"),
        ("edr_coverage", math.nan, "must be finite; got nan: leave the observation out if it is unknown"),
        ("edr_coverage", -math.inf, "must be finite"),
        ("edr_coverage", 10**400, "must be between 0 and 1; got a number above 1e+15: check its unit"),
        ("exposed_rdp", 10**400, "must be at least 0; got a number above 1e+15: check its unit"),
        ("exposed_rdp", 1e300, "check its unit"),
        ("exposed_rdp", 1.5, "must be a whole number (hosts); got 1.5"),
        ("exposed_rdp", True, "must be a number (hosts)"),
        ("legacy_auth_enabled", 2, "must be between 0 and 1"),
        ("spf_dkim_level", 3, "must be between 0 and 2"),
        ("restore_test_age_days", 731, 'give 730 or "never" for anything longer'),
        ("edr_coverage", "never", "must be a number"),
        (
            "edr_coverage",
            NOT_APPLICABLE,
            "cannot be not_applicable: give its value, or leave it out if unknown",
        ),
        (
            "dmarc_policy",
            "Reject",
            "must be one of reject, quarantine, monitor, none; got 'Reject': did you mean 'reject'?",
        ),
        ("dmarc_policy", 0, "must be one of"),
    ],
)
def test_check_refuses(name, value, message):
    with pytest.raises(ProfileError, match=rf"^{name} .*{re.escape(message)}"):
        signal(name).check(value)


def test_flags_may_be_true_or_false():
    assert signal("legacy_auth_enabled").check(True) == 1
    assert type(signal("mdr_24x7").check(False)) is int


@pytest.mark.parametrize(("asked", "offered"), [("edr_coverge", "edr_coverage"), ("dmarc_polcy", "dmarc_policy")])
def test_an_unknown_signal_is_told_the_nearest(asked, offered):
    with pytest.raises(ProfileError, match=rf"unknown signal '{asked}': did you mean '{offered}'\?"):
        signal(asked)
    with pytest.raises(ProfileError, match=r"unknown signal 'zzzz' \(cyberscore signals lists all\)"):
        signal("zzzz")


RAW = {
    "title": "A", "domain": "d", "kind": "share", "unit": "u", "safer": "higher", "low": 0, "high": 1,
    "basis": "judgement",
    "breakpoints": [0.2, 0.8], "unknown_after": 1, "half_life_days": 9, "sources": ["scan"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unknown_after": 0}, "unknown_after must lie between 1 and 2; got 0"),
        ({"unknown_after": 3}, "unknown_after must lie between 1 and 2; got 3"),
        ({"breakpoints": [0.8, 0.2]}, "breakpoints must ascend"),
        ({"breakpoints": [0.2, 0.2]}, "breakpoints must ascend"),
        ({"sources": ["gossip"]}, "unknown sources"),
        ({"sources": []}, "unknown sources"),
        ({"colour": "red"}, "unknown fields"),
    ],
)
def test_a_wrong_catalogue_is_refused(change, message):
    assert set(RAW) <= _FIELDS
    assert _signal("a", RAW).labels == ("0.8 or more", "unknown", "0.2 to under 0.8", "under 0.2")
    with pytest.raises(ProfileError, match=rf"signals\.toml: a .*{re.escape(message)}"):
        _signal("a", {**RAW, **change})


def test_the_json_schema_can_be_exported():
    schema = json.loads(json.dumps(Profile.model_json_schema()))
    assert set(schema["properties"]) == {"insured", "observations", "sources", "disputes"}
    observation = schema["$defs"]["Observation"]
    assert {one["type"] for one in observation["properties"]["value"]["anyOf"]} == {
        "number",
        "boolean",
        "string",
    }
    assert observation["properties"]["source"]["enum"] == list(SOURCES)
    assert observation["properties"]["observed_at"]["format"] == "date-time"
    assert observation["properties"]["occurred_at"]["anyOf"][0]["format"] == "date"
    assert schema["$defs"]["Insured"]["properties"]["annual_revenue"]["type"] == "number"
    assert all(about["additionalProperties"] is False for about in (schema, *schema["$defs"].values()))
