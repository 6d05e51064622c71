"""RatingPlanEstimator: a book in, a rating plan out."""

import inspect
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import joblib
import numpy as np
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from cyberscore.exceptions import TrainingError
from cyberscore.perils import BASIS_RETENTION
from cyberscore.rating.parts import Floats, factors
from cyberscore.rating.plan import RatingPlan
from cyberscore.training.books.book import Book
from cyberscore.training.books.encoding import EncodedClaims, EncodedPolicies
from cyberscore.training.books.problems import nearest
from cyberscore.training.learning.assembly import Material, assemble, severity_of
from cyberscore.training.learning.departure import compute_departure
from cyberscore.training.learning.exposure import Experience, basis_exposure, claim_counts
from cyberscore.training.learning.frequency import FrequencyFit, FrequencyOptions, fit_frequency
from cyberscore.training.learning.reference import blended_codes
from cyberscore.training.learning.selection import MIN_CLAIMS_TO_BOOST, Selection, select
from cyberscore.training.learning.severity import SeverityFit, fit_severity

_LOG = logging.getLogger(__name__)

Trend = Mapping[int, tuple[float, float]]
LEAST_CLAIMS, LEAST_CLAIMS_WITH_PRIOR = 30, 5
BOOSTER_OPTIONS = ("learning_rate", "max_iter", "max_leaf_nodes", "min_samples_leaf")


class RatingPlanEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Learn a rating plan: frequency by peril (shrunk additive part, then boosting), severity, references, level.

    Parameters
    ----------
    name : str
        Name of the plan.
    prior : RatingPlan, optional
        A plan to start from, such as the shipped one. Few claims leave it almost as it is; its pricing is kept.
    pairs : sequence of (str, str)
        Factors that may meet, whatever the screen says; they count as far as boosting does.
    screen_pairs : bool
        Whether to look for more pairs out of fold; needs 2,000 claims above the basis.
    boosting_share : float, optional
        How much of the boosting counts, 0 to 1; default: what does best out of fold. So is how far to leave the prior.
    n_bags : int
        Bootstrap fits (by insured); their mean is the plan, their spread its uncertainty. 8 suffice for means, 30 for
        intervals.
    learning_rate, max_iter, max_leaf_nodes, min_samples_leaf
        Of the booster.
    trend : dict of year to (frequency index, severity index), optional
        What each year is multiplied by; claims are brought to `trend_to`.
    trend_to : (float, float)
        Index at which the plan is stated.
    pricing, rules : str, optional
        Text of pricing.toml and rules.toml; default those of the prior, else of the shipped plan. Without a prior,
        level, fixed expense and risk load are refitted.
    about : dict, optional
        Provenance to record.
    random_state : int
    n_jobs : int, optional
        Bags in parallel, through joblib and so its backends (Dask's among them).

    Attributes
    ----------
    plan_ : RatingPlan
    selection_ : Selection or None
        What earned its place out of fold; None when nothing was left to choose.
    report_ : dict
        Counts, balance, what was chosen out of fold, how far each table moved from the prior, level and its residuals;
        `notes` are sentences on options that did nothing, and why.

    Notes
    -----
    Progress goes to loggers under ``cyberscore.training`` at level INFO, what an option could not do at level WARNING.
    Same book, options and wheels give the same
    plan, whatever `n_jobs`.
    """

    def __init__(
        self,
        *,
        name: str = "own",
        prior: RatingPlan | None = None,
        pairs: Sequence[tuple[str, str]] = (),
        screen_pairs: bool = False,
        boosting_share: float | None = None,
        n_bags: int = 8,
        learning_rate: float = 0.05,
        max_iter: int = 40,
        max_leaf_nodes: int = 4,
        min_samples_leaf: int = 200,
        trend: Trend | None = None,
        trend_to: tuple[float, float] = (1.0, 1.0),
        pricing: str | None = None,
        rules: str | None = None,
        about: Mapping[str, Any] | None = None,
        random_state: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.name = name
        self.prior = prior
        self.pairs = pairs
        self.screen_pairs = screen_pairs
        self.boosting_share = boosting_share
        self.n_bags = n_bags
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.trend = trend
        self.trend_to = trend_to
        self.pricing = pricing
        self.rules = rules
        self.about = about
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, book: Book) -> Self:
        """Learn a plan.

        Parameters
        ----------
        book : Book
            Policies and claims.

        Raises
        ------
        TrainingError
            When the book has too few claims, a year without a trend, or the options are not valid.
        """
        # one thread a bag: sums in another order would change the last digits, and so the plan's digest
        with threadpool_limits(1):
            return self._fit(book)

    def _fit(self, book: Book) -> Self:
        policies = book.encoded_policies
        options = self._options()
        frequency_index, claims = self._on_level(book.encoded_claims, policies)
        least = LEAST_CLAIMS if self.prior is None else LEAST_CLAIMS_WITH_PRIOR
        if len(claims.peril) < least:
            remedy = "" if self.prior is not None else "; with a prior plan few are enough (prior=...)"
            raise TrainingError(
                f"a plan needs at least {least} claims above {BASIS_RETENTION:,.0f}; got {len(claims.peril)}{remedy}"
            )
        seeds = np.random.SeedSequence(self.random_state).spawn(self.n_bags + 2)
        later = [int(np.random.default_rng(seed).integers(2**31)) for seed in seeds[self.n_bags :]]
        counts = claim_counts(policies, claims)
        self.selection_: Selection | None = None
        if self.boosting_share is None or self.screen_pairs:
            severity = self._fit_severity(policies, claims, policies.codes, np.ones(len(policies)))
            exposure = basis_exposure(policies, policies.codes, severity, frequency_index)
            self.selection_ = select(
                Experience(policies, counts, exposure),
                options=options,
                prior=self.prior,
                screen=self.screen_pairs,
                seed=later[0],
                n_jobs=self.n_jobs,
            )
            chosen = self.selection_.boosting_share if self.boosting_share is None else self.boosting_share
            options = replace(options, pairs=self.selection_.pairs, boosting_share=chosen, way=self.selection_.way)
            _LOG.info("boosting counts by %g; factors that meet: %s", chosen, options.pairs or "none")
            if self.prior is not None:
                _LOG.info("own claims lead %g of the way from the prior plan to the fit", options.way)
        running = joblib.Parallel(n_jobs=self.n_jobs, return_as="generator")(
            joblib.delayed(self._fit_bag)(policies, claims, frequency_index, options, seed=seed)
            for seed in seeds[: self.n_bags]
        )
        bags = []
        for bag in running:
            bags.append(bag)
            _LOG.info("bag %d of %d learned", len(bags), self.n_bags)
        material = Material(
            name=self.name,
            about=self._about(policies, claims) if self.about is None else dict(self.about),
            way=options.way,
            policies=policies,
            claims=claims,
            frequency_index=frequency_index,
            prior=self.prior,
            pricing=self.pricing,
            rules=self.rules,
            seeds=(later[0], later[1]),
        )
        self.plan_, self.report_ = assemble(material, bags)
        if self.selection_ is not None:
            self.report_["out_of_fold"] = self.selection_.to_dict()
        self.report_["boosting_share"] = options.boosting_share
        self.report_["way_from_prior"] = options.way if self.prior is not None else None
        self.report_["pairs"] = [list(pair) for pair in self.plan_.pairs]
        self.report_["notes"] = self._notes(int(counts.sum()), options)
        for told in self.report_["notes"]:
            _LOG.warning("%s", told)
        if self.prior is not None:
            moved = compute_departure(self.plan_, self.prior)
            told = moved.set_index("factor").round(4).astype(object)
            # None, not NaN, which JSON does not know: an error of one bag, a share kept of a flat table
            self.report_["moved_from_prior"] = told.where(told.notna(), None).to_dict(orient="index")
        return self

    def _notes(self, claims: int, options: FrequencyOptions) -> list[str]:
        """Sentences on options that the caller set and that did nothing."""
        notes = []
        few = f"{claims:,} claims above {BASIS_RETENTION:,.0f}, and at least {MIN_CLAIMS_TO_BOOST:,} are needed"
        if self.screen_pairs and claims < MIN_CLAIMS_TO_BOOST:
            notes.append(f"screen_pairs did nothing: the book has {few}")
        boosted = options.boosting_share > 0.0
        if not boosted:
            why = "boosting_share is 0"
            if self.boosting_share is None:
                why = f"the book has {few}" if claims < MIN_CLAIMS_TO_BOOST else "boosting gained nothing out of fold"
            if self.pairs:
                named = ", ".join(" x ".join(pair) for pair in self.pairs)
                notes.append(f"pairs did nothing ({named}): only boosting lets them meet, and {why}")
            if self.screen_pairs and self.boosting_share is not None and claims >= MIN_CLAIMS_TO_BOOST:
                notes.append(f"screen_pairs did nothing: only boosting lets pairs meet, and {why}")
            changed = [name for name in BOOSTER_OPTIONS if getattr(self, name) != _default(name)]
            if changed:
                notes.append(f"{', '.join(changed)} did nothing: {why}")
        elif options.pairs and self.max_leaf_nodes < 3:
            leaves = self.max_leaf_nodes
            notes.append(
                f"pairs did nothing: a tree of {leaves} leaves holds one factor; give max_leaf_nodes=3 or more"
            )
        if self.trend is None and tuple(self.trend_to) != (1.0, 1.0):
            notes.append("trend_to did nothing: no trend is given")
        return notes

    def _about(self, policies: EncodedPolicies, claims: EncodedClaims) -> dict[str, Any]:
        """Provenance when the caller gives none."""
        prior = {} if self.prior is None else {"prior": self.prior.plan_id}
        return {
            "data": "a book of policies and claims",
            "policies": len(policies),
            "claims": len(claims.peril),
            "bags": self.n_bags,
            "seed": self.random_state,
            **prior,
        }

    def _options(self) -> FrequencyOptions:
        if self.prior is not None and not isinstance(self.prior, RatingPlan):
            raise TrainingError(f"prior must be a RatingPlan, such as cyberscore.load_plan(); got {self.prior!r}")
        if self.n_bags < 1:
            raise TrainingError(f"n_bags must be at least 1; got {self.n_bags}")
        if self.boosting_share is not None and not 0.0 <= self.boosting_share <= 1.0:
            raise TrainingError(f"boosting_share must be between 0 and 1; got {self.boosting_share}")
        # the booster names its pairs in the order of the factors, and frequency does not know record counts
        order = [factor.name for factor in factors() if factor.name != "record_count"]
        for pair in self.pairs:
            if len(pair) != 2 or len({*pair} & {*order}) != 2:
                hints = "".join(nearest(name, order) for name in pair if name not in order)
                raise TrainingError(
                    f"pairs must name two factors each, and not record_count; got {tuple(pair)!r}{hints}"
                )
        ordered = [sorted(pair, key=order.index) for pair in self.pairs]
        return FrequencyOptions(
            pairs=tuple(dict.fromkeys((a, b) for a, b in ordered)),
            boosting={name: getattr(self, name) for name in BOOSTER_OPTIONS},
            boosting_share=self.boosting_share or 0.0,
        )

    def _on_level(self, claims: EncodedClaims, policies: EncodedPolicies) -> tuple[Floats, EncodedClaims]:
        """Frequency index of every term, and claims at the plan's severity level."""
        if self.trend is None:
            return np.ones(len(policies)), claims
        years = policies.year
        if years is None:
            raise TrainingError("a trend needs dates, or a column year, in policies")
        distinct, at = np.unique(years, return_inverse=True)
        unknown = sorted({int(y) for y in distinct} - set(self.trend))
        if unknown:
            raise TrainingError(f"trend has no index for the years {unknown}")
        frequency = np.array([self.trend[int(y)][0] / self.trend_to[0] for y in distinct])[at]
        factor = np.array([self.trend_to[1] / self.trend[int(y)][1] for y in distinct])[at[claims.policy]]
        return frequency, EncodedClaims(
            claims.policy, claims.peril, claims.excess * factor, claims.censored, claims.truncation * factor
        )

    def _fit_severity(
        self, policies: EncodedPolicies, claims: EncodedClaims, codes: Any, weight: Floats
    ) -> SeverityFit:
        return fit_severity(
            claims,
            codes[claims.policy],
            np.log(policies.revenue[claims.policy]),
            tuple(len(factor.labels) for factor in factors()),
            weight[claims.policy],
            prior=None if self.prior is None else severity_of(self.prior),
        )

    def _fit_bag(
        self,
        policies: EncodedPolicies,
        claims: EncodedClaims,
        frequency_index: Floats,
        options: FrequencyOptions,
        *,
        seed: np.random.SeedSequence,
    ) -> tuple[FrequencyFit, SeverityFit]:
        with threadpool_limits(1):
            return self._fit_bag_alone(policies, claims, frequency_index, options, np.random.default_rng(seed))

    def _fit_bag_alone(
        self,
        policies: EncodedPolicies,
        claims: EncodedClaims,
        frequency_index: Floats,
        options: FrequencyOptions,
        rng: np.random.Generator,
    ) -> tuple[FrequencyFit, SeverityFit]:
        weight = np.ones(len(policies))
        if self.n_bags > 1:
            weight = rng.poisson(1.0, int(policies.insured.max()) + 1).astype(float)[policies.insured]
        codes = blended_codes(policies, rng)
        severity = self._fit_severity(policies, claims, codes, weight)
        exposure = basis_exposure(policies, codes, severity, frequency_index)
        frequency = fit_frequency(
            Experience(policies, claim_counts(policies, claims), exposure),
            codes,
            weight,
            options=options,
            prior=self.prior,
            seed=int(rng.integers(2**31)),
        )
        return frequency, severity


def _default(option: str) -> object:
    return inspect.signature(RatingPlanEstimator.__init__).parameters[option].default
