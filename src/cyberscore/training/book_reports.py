"""Plans and a book on disk, or a simulated one: what `cyberscore plan learn`, `validate` and `compare` do."""

import json
import logging
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from cyberscore.exceptions import TrainingError
from cyberscore.market import simulate
from cyberscore.rating.plan import RatingPlan
from cyberscore.training.books.book import Book
from cyberscore.training.card import card_of_own_plan
from cyberscore.training.learning.plan_estimator import RatingPlanEstimator
from cyberscore.training.release import TREND_TO, market_trend
from cyberscore.training.validation import Validation, validate
from cyberscore.training.validation.comparison import Comparison, compare

SEED = 1
MOST_SIMULATED = 1_000_000

_LOG = logging.getLogger(__name__)


def learn_plan(
    folder: Path,
    policies: Path,
    claims: Path,
    *,
    as_of: date | None = None,
    prior: RatingPlan | None = None,
    n_bags: int = 8,
    seed: int = 0,
    n_jobs: int | None = None,
    written: Mapping[str, Any] | None = None,
) -> RatingPlan:
    """Learn a plan from a book and write its folder, card and metrics included.

    Parameters
    ----------
    folder : path
        Of the plan; its name is the plan's.
    policies, claims : path
        Files of the book, as `Book.from_csv` reads them.
    as_of : date, optional
        Last day they know of.
    prior : RatingPlan, optional
        What few claims leave almost as it is.
    n_bags, seed, n_jobs
        As `RatingPlanEstimator` has them.
    written : dict, optional
        How the files are written: further arguments of `Book.from_csv`.

    Raises
    ------
    TrainingError
        When the book contradicts itself, or has too few claims.
    """
    book = Book.from_csv(policies, claims, as_of=as_of, **(written or {}))
    for told in book.notes:
        _LOG.info("note: %s", told)
    estimator = RatingPlanEstimator(
        name=folder.resolve().name, prior=prior, n_bags=n_bags, random_state=seed, n_jobs=n_jobs
    ).fit(book)
    plan, report = estimator.plan_, estimator.report_
    metrics = json.dumps({"training": report}, indent=1) + "\n"
    card = card_of_own_plan(plan, report, (*book.notes, *report["notes"]))
    plan.save(folder)
    for name, text in (("metrics.json", metrics), ("MODEL_CARD.md", card)):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return plan


def validate_plan(
    plan: RatingPlan,
    output: Path,
    *,
    policies: Path | None = None,
    claims: Path | None = None,
    as_of: date | None = None,
    simulated: int | None = None,
    seed: int | None = None,
    against: RatingPlan | None = None,
    written: Mapping[str, Any] | None = None,
) -> Validation:
    """Judge a plan on a book and write the page.

    Parameters
    ----------
    plan : RatingPlan
    output : path
        HTML file to write.
    policies, claims : path
        Files of a book, as `Book.from_csv` reads them; or
    simulated : int
        Policies of a simulated book, whose truth is known and whose years are each judged at their own level.
    as_of : date, optional
        Last day the files know of.
    seed : int, optional
        Of the simulated book; default `SEED`.
    against : RatingPlan, optional
        A plan to hold it against.
    written : dict, optional
        How the files are written: further arguments of `Book.from_csv`.

    Raises
    ------
    TrainingError
        When neither or both kinds of book are given, the plan was learned from the simulated book, or the page cannot
        be written.
    """
    _check_output(output)
    if simulated is None:
        _check_no_seed(seed)
        if policies is None or claims is None:
            raise TrainingError("give a book with --policies and --claims, or a simulated one with --simulated")
        label = f"{policies.name} and {claims.name}"
        book = Book.from_csv(policies, claims, as_of=as_of, **(written or {}))
        for note in book.notes:
            _LOG.warning("Note: %s", note)
        found = validate(plan, book, other=against, book_label=label)
    else:
        _check_simulated(simulated, policies or claims or as_of or written or None)
        seed = SEED if seed is None else seed
        if seed == plan.about.get("seed"):
            raise TrainingError(f"seed {seed} is that of the book {plan.name} was learned from: give another --seed")
        market = simulate(simulated, seed)
        found = validate(
            plan,
            Book(market.policies, market.claims),
            other=against,
            true_rates=market.true_rates,
            trend=market_trend(),
            trend_to=TREND_TO,
            book_label=f"simulated market, {simulated:,} policies, seed {seed}",
        )
    _save(found, output)
    return found


def compare_plans(
    old: RatingPlan,
    new: RatingPlan,
    output: Path,
    *,
    policies: Path | None = None,
    as_of: date | None = None,
    simulated: int | None = None,
    seed: int | None = None,
    written: Mapping[str, Any] | None = None,
) -> Comparison:
    """Compare two plans on a book and write the page; the parameters and errors of `validate_plan`, without claims."""
    _check_output(output)
    if simulated is None:
        _check_no_seed(seed)
        if policies is None:
            raise TrainingError("give a book with --policies, or a simulated one with --simulated")
        book = Book.from_csv(policies, None, as_of=as_of, **(written or {}))  # a comparison asks for no claims
        for note in book.notes:
            _LOG.warning("Note: %s", note)
        found = compare(old, new, book)
    else:
        _check_simulated(simulated, policies or as_of or written or None)
        market = simulate(simulated, SEED if seed is None else seed)
        found = compare(old, new, Book(market.policies, market.claims))
    _save(found, output)
    return found


def _check_no_seed(seed: int | None) -> None:
    if seed is not None:
        raise TrainingError("--seed is that of a simulated book: give --simulated as well, or leave it out")


def _check_simulated(simulated: int, book: object) -> None:
    if book is not None:
        raise TrainingError(
            "--simulated makes a book of its own: leave out --policies, --claims, --as-of and how files are written"
        )
    if not 1 <= simulated <= MOST_SIMULATED:
        raise TrainingError(f"--simulated must be between 1 and {MOST_SIMULATED:,}; got {simulated:,}")


def _check_output(output: Path) -> None:
    """Refuse before the work what could not be written after it."""
    if output.is_dir() or not output.parent.is_dir():
        raise TrainingError(f"{output}: cannot be written: give a file in a folder that is there with -o")


def _save(found: Validation | Comparison, output: Path) -> None:
    try:
        found.save(output)
    except OSError as error:
        raise TrainingError(f"{output}: cannot be written: {error.strerror}: give another file with -o") from error
