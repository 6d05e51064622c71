"""What the package offers, and what it does without."""

import subprocess
import sys
import warnings
from importlib.metadata import version
from importlib.resources import files

import pytest

import cyberscore

PUBLIC = [
    "Alert",
    "ChangeExplanation",
    "ChangeStep",
    "Connection",
    "Contradiction",
    "Coverage",
    "CoverageError",
    "CyberscoreError",
    "Dispute",
    "Improvement",
    "Insured",
    "NextEvidence",
    "NextQuestion",
    "Observation",
    "PathStep",
    "PathToTarget",
    "PlanError",
    "Posture",
    "Profile",
    "ProfileError",
    "Quote",
    "QuoteLog",
    "QuoteRecord",
    "RatingPlan",
    "ReadingError",
    "Reason",
    "RecordError",
    "Replay",
    "RuleError",
    "Signal",
    "Target",
    "TargetError",
    "TrainingError",
    "Trajectory",
    "TrajectoryPoint",
    "Watch",
    "WatchState",
    "WhatIf",
    "contradictions",
    "example",
    "example_names",
    "explain_change",
    "load_plan",
    "next_evidence",
    "path_to",
    "posture_at",
    "quote",
    "record",
    "render_report",
    "risk_score",
    "signals",
    "trajectory",
    "watch",
    "what_if",
]
HEAVY = ("sklearn", "pandas", "scipy", "joblib", "matplotlib")


def test_public_names_are_pinned_and_sorted():
    assert cyberscore.__all__ == PUBLIC
    assert sorted(cyberscore.__all__) == cyberscore.__all__
    for name in PUBLIC:
        assert getattr(cyberscore, name).__doc__


DEPRECATIONS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


def warns(category):
    """Whether a warning of this category is told in this run, and not an error."""
    with warnings.catch_warnings(record=True):
        try:
            warnings.warn("a trial", category, stacklevel=1)
        except category:
            return False
    return True


def fresh(code):
    """Run in a fresh interpreter; what it prints. What others deprecate fails only where it fails in this run."""
    told = [category for category in DEPRECATIONS if warns(category)]
    options = [option for category in told for option in ("-W", f"default::{category.__name__}")]
    done = subprocess.run(
        [sys.executable, "-W", "error", *options, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "work",
    [
        """
import datetime, cyberscore
answer = cyberscore.quote(cyberscore.example("law_firm"), cyberscore.Coverage(), as_of=datetime.date(2026, 11, 23))
answer.to_json(); answer._repr_html_(); answer.ledger.replay()
""",
        """
import cyberscore.readers, cyberscore.cli
from typer.testing import CliRunner
assert CliRunner().invoke(cyberscore.cli.app, ["plan", "check"]).exit_code == 0
assert CliRunner().invoke(cyberscore.cli.app, ["--help"]).exit_code == 0
""",
    ],
    ids=["quote", "command line"],
)
def test_no_heavy_imports(work):
    assert fresh(f"{work}\nimport sys; print(sorted(set({HEAVY!r}) & set(sys.modules)))") == "[]"


def test_nothing_is_read_from_the_clock_or_the_network():
    code = """
import datetime, socket, time
import cyberscore
profile, plan = cyberscore.example("dental_clinic"), cyberscore.load_plan()
def refuse(*_, **__):
    raise AssertionError("a quote must not ask")
socket.socket = time.time = time.time_ns = refuse
class Clock(datetime.date):
    today = refuse
print(cyberscore.quote(profile, as_of=datetime.date(2026, 11, 23), plan=plan).decision)
"""
    assert fresh(code) in {"quote", "quote_with_contingencies", "refer", "decline"}


def test_the_package_is_typed():
    assert files("cyberscore").joinpath("py.typed").is_file()


def test_the_package_has_its_data():
    for folder, name in (("profile", "signals.toml"), ("profile", "naics.csv"), ("market", "market.toml")):
        assert files("cyberscore").joinpath(folder, name).is_file()
    assert version("cyberscore")


def test_every_error_is_of_one_tree():
    tree = {
        "ProfileError": cyberscore.CyberscoreError,
        "CoverageError": cyberscore.CyberscoreError,
        "ReadingError": cyberscore.CyberscoreError,
        "PlanError": cyberscore.CyberscoreError,
        "RuleError": cyberscore.PlanError,
        "TrainingError": cyberscore.CyberscoreError,
        "RecordError": cyberscore.CyberscoreError,
        "TargetError": cyberscore.CyberscoreError,
    }
    for name, parent in tree.items():
        assert issubclass(getattr(cyberscore, name), parent)
        assert issubclass(getattr(cyberscore, name), ValueError)
