"""RatingPlanEstimator: policies and claims in, a rating plan out."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Self

import joblib
import numpy as np
from sklearn.base import BaseEstimator

from cyberscore.exceptions import TrainingError
from cyberscore.market import market_parameters
from cyberscore.perils import BASIS_RETENTION, COUNTRY_GROUPS, PERILS
from cyberscore.profile import sectors, signals
from cyberscore.rating.audit import repair
from cyberscore.rating.coverage import STANDARD_LAYER
from cyberscore.rating.expected_loss import expected_losses_of_many, totals_of_many
from cyberscore.rating.library import shipped_text
from cyberscore.rating.parts import N_PERILS, WIDTH, Floats, factors
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.plan_file import FORMAT, PlanFiles, canonical, catalogue_digest, rounded
from cyberscore.rating.pricing import Pricing
from cyberscore.training.book import Book
from cyberscore.training.encoding import EncodedClaims, EncodedPolicies
from cyberscore.training.frequency import REVENUE_NODES, FrequencyFit, fit_frequency, revenue_hats
from cyberscore.training.reference import (
    blended_codes,
    fit_level,
    mean_by_revenue,
    mean_mixtures,
    risk_load_factors,
    score_reference,
    unknowns_model,
    with_fitted_pricing,
)
from cyberscore.training.severity import CAP, THRESHOLD, SeverityFit, fit_severity, mean_shift

_LOG = logging.getLogger(__name__)

Trend = Mapping[int, tuple[float, float]]


class RatingPlanEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Learn a rating plan: frequency by peril (stage 0, then boosting), severity by peril, references, level.

    Parameters
    ----------
    name : str
        Name of the plan.
    pairs : sequence of (str, str)
        Factors that may meet.
    n_bags : int
        Bootstrap fits; their mean is the plan, their spread its uncertainty.
    learning_rate, max_iter, max_leaf_nodes, min_samples_leaf
        Of the booster.
    trend : dict of year to (frequency index, severity index), optional
        What each year is multiplied by; claims are brought to `trend_to`.
    trend_to : (float, float)
        Index at which the plan is stated.
    pricing, rules : str, optional
        Text of pricing.toml and rules.toml; default those of the shipped plan. Level, fixed expense and risk load are
        refitted.
    about : dict, optional
        Provenance to record.
    random_state : int
    n_jobs : int, optional
        Bags in parallel (joblib).

    Attributes
    ----------
    plan_ : RatingPlan
    report_ : dict
        Counts, balance, level fit and its residuals.

    Notes
    -----
    Progress goes to the logger ``cyberscore.training.plan_estimator`` at level INFO.
    """

    def __init__(
        self,
        *,
        name: str = "own",
        pairs: Sequence[tuple[str, str]] = (),
        n_bags: int = 8,
        learning_rate: float = 0.05,
        max_iter: int = 150,
        max_leaf_nodes: int = 4,
        min_samples_leaf: int = 50,
        trend: Trend | None = None,
        trend_to: tuple[float, float] = (1.0, 1.0),
        pricing: str | None = None,
        rules: str | None = None,
        about: Mapping[str, Any] | None = None,
        random_state: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.name = name
        self.pairs = pairs
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
            When the book has too few claims, or a year without a trend.
        """
        encoded = book.encoded_policies
        found = self._on_level(book.encoded_claims, encoded)
        if len(found.peril) < 30:
            raise TrainingError(f"a plan needs at least 30 claims above {BASIS_RETENTION:,.0f}; got {len(found.peril)}")
        seeds = np.random.SeedSequence(self.random_state).spawn(self.n_bags + 2)
        running = joblib.Parallel(n_jobs=self.n_jobs, return_as="generator")(
            joblib.delayed(self._fit_bag)(encoded, found, seed, boot=self.n_bags > 1) for seed in seeds[: self.n_bags]
        )
        bags = []
        for bag in running:
            bags.append(bag)
            _LOG.info("bag %d of %d learned", len(bags), self.n_bags)
        self._assemble(encoded, found, bags, seeds[self.n_bags :])
        return self

    def _on_level(self, claims: EncodedClaims, policies: EncodedPolicies) -> EncodedClaims:
        if self.trend is None:
            return claims
        years = policies.year
        if years is None:
            raise TrainingError("a trend needs a column year in policies")
        unknown = sorted({int(y) for y in np.unique(years)} - set(self.trend))
        if unknown:
            raise TrainingError(f"trend has no index for the years {unknown}")
        factor = np.array([self.trend_to[1] / self.trend[int(y)][1] for y in years[claims.policy]])
        return EncodedClaims(
            claims.policy, claims.peril, claims.excess * factor, claims.censored, claims.truncation * factor
        )

    def _fit_bag(
        self, policies: EncodedPolicies, claims: EncodedClaims, seed: np.random.SeedSequence, *, boot: bool
    ) -> tuple[FrequencyFit, SeverityFit]:
        rng = np.random.default_rng(seed)
        weight = rng.poisson(1.0, len(policies)).astype(float) if boot else np.ones(len(policies))
        codes = blended_codes(policies, rng)
        n_codes = tuple(len(factor.labels) for factor in factors())
        log_revenue = np.log(policies.revenue)
        severity = fit_severity(
            claims, codes[claims.policy], log_revenue[claims.policy], n_codes, weight[claims.policy]
        )
        frequency = fit_frequency(
            codes,
            log_revenue,
            self._counts(policies, claims),
            self._exposure(policies, codes, severity),
            weight,
            pairs=tuple(self.pairs),
            boosting={
                "learning_rate": self.learning_rate,
                "max_iter": self.max_iter,
                "max_leaf_nodes": self.max_leaf_nodes,
                "min_samples_leaf": self.min_samples_leaf,
            },
            random_state=int(rng.integers(2**31)),
        )
        return frequency, severity

    @staticmethod
    def _counts(policies: EncodedPolicies, claims: EncodedClaims) -> Floats:
        counts = np.zeros((len(policies), N_PERILS))
        np.add.at(counts, (claims.policy, claims.peril), 1.0)
        return counts

    def _exposure(self, policies: EncodedPolicies, codes: Any, severity: SeverityFit) -> Floats:
        """Years, times the frequency trend, times the share of claims that the retention lets through.

        The claims are those above the basis.
        """
        from scipy.special import ndtr  # noqa: PLC0415  kept off the import of the package

        years = policies.exposure[:, None] * policies.reported
        if self.trend is not None and policies.year is not None:
            index = np.array([self.trend[int(y)][0] / self.trend_to[0] for y in policies.year])
            years = years * index[:, None]
        hidden = np.maximum(policies.retention - BASIS_RETENTION, 0.0)
        some = hidden > 0
        mu = severity.location(codes[some], np.log(policies.revenue[some]))
        years[some] *= ndtr((mu - np.log(hidden[some])[:, None]) / severity.sigma)
        return years

    def _assemble(
        self,
        policies: EncodedPolicies,
        claims: EncodedClaims,
        bags: list[tuple[FrequencyFit, SeverityFit]],
        seeds: list[np.random.SeedSequence],
    ) -> None:
        own = factors()
        stacked = [_stack(frequency, severity, self.pairs) for frequency, severity in bags]
        base = _mean([b for b, _, _ in stacked])
        tables = {factor.name: _mean([t[factor.name] for _, t, _ in stacked]) for factor in own}
        pairs = {(a, b): np.round(_mean([p[a, b] for _, _, p in stacked]), 6) + 0.0 for a, b in self.pairs}
        tables, raised = repair({name: np.round(table, 6) + 0.0 for name, table in tables.items()}, pairs)
        severity = _mean_severity([s for _, s in bags])
        content: dict[str, Any] = {
            "format": FORMAT,
            "name": self.name,
            "about": dict(self.about or {}),
            "catalogue": catalogue_digest(),
            "perils": list(PERILS),
            "factors": {factor.name: list(factor.labels) for factor in own},
            "log_revenue_nodes": rounded(np.log(REVENUE_NODES)),
            "base": rounded(base),
            "log_balance": [0.0] * N_PERILS,
            "severity": severity,
            "tables": {name: rounded(table) for name, table in tables.items()},
            "pairs": {" x ".join(pair): rounded(table) for pair, table in pairs.items()},
        }
        mean_codes = mean_mixtures(policies)
        content["score"] = {
            "log_expected_loss": [[0.0]] * len(REVENUE_NODES),
            **score_reference(np.zeros(len(policies)), policies, mean_codes),
        }
        content["unknowns"] = unknowns_model(policies, int(np.random.default_rng(seeds[0]).integers(2**31)))
        spread = [_deviation(bag, base, tables, pairs) for bag in stacked] if len(stacked) > 1 else []
        bag_file = {
            "base": [rounded(b) for b, _ in spread],
            "deviations": [rounded(d) for _, d in spread],
        }
        pricing = self.pricing if self.pricing is not None else shipped_text("pricing.toml")
        rules = self.rules if self.rules is not None else shipped_text("rules.toml")
        others = {
            "pricing.toml": pricing.encode(),
            "rules.toml": rules.encode(),
            "bags.json": canonical(bag_file) + b"\n",
        }

        plan = RatingPlan.from_files(PlanFiles(content, others))
        weights = policies.weights.astype(float)
        totals = totals_of_many(plan, policies.codes, weights, policies.revenue)
        location = totals[claims.policy, N_PERILS + claims.peril]
        top = (policies.retention + policies.limit)[claims.policy] - BASIS_RETENTION
        shift = mean_shift(plan.severity, claims, location, top)
        content["base"] = rounded(base + np.concatenate([np.zeros(N_PERILS), shift]))
        plan = RatingPlan.from_files(PlanFiles(content, others))
        totals = totals_of_many(plan, policies.codes, weights, policies.revenue)
        mean_fit = _location_fit(plan)
        exposure = self._exposure(policies, policies.codes, mean_fit)
        expected = (np.exp(totals[:, :N_PERILS]) * exposure).sum(axis=0)
        counts = np.bincount(claims.peril, minlength=N_PERILS)
        content["log_balance"] = rounded(np.log(np.maximum(counts, 0.5) / expected))
        plan = RatingPlan.from_files(PlanFiles(content, others))
        totals = totals_of_many(plan, policies.codes, weights, policies.revenue)
        losses = expected_losses_of_many(plan, totals, STANDARD_LAYER).sum(axis=1)
        reference = mean_by_revenue(losses, np.log(policies.revenue))
        scores = 50.0 + 10.0 * np.log2(losses / np.exp(revenue_hats(np.log(policies.revenue)) @ reference))
        content["score"] = {
            "log_expected_loss": rounded(reference[:, None]),
            **score_reference(scores, policies, mean_codes),
        }
        loads = risk_load_factors(plan, totals, int(np.random.default_rng(seeds[1]).integers(2**31)))
        level = fit_level(plan, totals, policies)
        others["pricing.toml"] = with_fitted_pricing(pricing, level, loads).encode()
        Pricing.from_toml(others["pricing.toml"].decode())
        self.plan_ = RatingPlan.from_files(PlanFiles(content, others))
        self.report_ = {
            "policies": len(policies),
            "claims_above_basis": len(claims.peril),
            "claims_by_peril": dict(zip(PERILS, counts.tolist(), strict=True)),
            "balance": dict(zip(PERILS, np.exp(content["log_balance"]).round(4).tolist(), strict=True)),
            "mean_cost_shift": dict(zip(PERILS, shift.round(4).tolist(), strict=True)),
            "largest_monotone_repair": raised,
            "level": level.level,
            "fixed_expense": level.fixed,
            "technical_over_published_premium": level.residuals,
        }


def _mean(arrays: Sequence[Floats]) -> Floats:
    """Mean of the bags."""
    mean: Floats = np.mean(arrays, axis=0)
    return mean


def _stack(
    frequency: FrequencyFit, severity: SeverityFit, pairs: Sequence[tuple[str, str]]
) -> tuple[Floats, dict[str, Floats], dict[tuple[str, str], Floats]]:
    """One bag as plan tables: relativity 1.00 at unknown (signals), the largest sector and the US."""
    nodes = np.log(REVENUE_NODES)
    location = severity.intercept + severity.slope * (nodes - np.log(1e7))[:, None]
    base = np.column_stack([frequency.base, location])
    tables = {}
    catalogue = list(signals().values())
    reference = {
        "sector": sectors().index("professional_services"),
        "country": COUNTRY_GROUPS.index("US"),
        "record_count": 3,
    }
    for f, factor in enumerate(factors()):
        shift = severity.tables.get(f, np.zeros((len(factor.labels), N_PERILS)))
        table = np.column_stack([frequency.tables[f], shift])
        at = catalogue[f].unknown if f < len(catalogue) else reference[factor.name]
        base = base + table[at]
        tables[factor.name] = table - table[at]
    met = {
        (a, b): np.concatenate([frequency.pairs[a, b], np.zeros_like(frequency.pairs[a, b])], axis=2) for a, b in pairs
    }
    return base, tables, met


def _deviation(
    bag: tuple[Floats, dict[str, Floats], dict[tuple[str, str], Floats]],
    base: Floats,
    tables: Mapping[str, Floats],
    pairs: Mapping[tuple[str, str], Floats],
) -> tuple[Floats, Floats]:
    """Return a bag's base and cells less the plan's, cells in the plan's order."""
    own_base, own_tables, own_pairs = bag
    cells = [own_tables[factor.name] - tables[factor.name] for factor in factors()]
    cells += [(own_pairs[pair] - table).reshape(-1, WIDTH) for pair, table in pairs.items()]
    return own_base - base, np.concatenate(cells)


def _mean_severity(fits: list[SeverityFit]) -> list[dict[str, float]]:
    """Shape of each peril's losses, with the ground-up lognormal of the evidence below the basis (claims.md b)."""
    evidence = market_parameters().raw["perils"]
    sigma = np.exp(np.mean([np.log(fit.sigma) for fit in fits], axis=0))
    alpha = np.mean([fit.alpha for fit in fits], axis=0)
    return [
        {
            "basis": BASIS_RETENTION,
            "sigma": round(float(sigma[k]), 6),
            "threshold": THRESHOLD,
            "alpha": round(float(alpha[k]), 6),
            "cap": CAP,
            "small_median": float(evidence[peril]["median"]),
            "small_log_sigma": float(evidence[peril]["log_sigma"]),
            "small_revenue_exponent": float(evidence[peril]["revenue_exponent"]),
        }
        for k, peril in enumerate(PERILS)
    ]


def _location_fit(plan: RatingPlan) -> SeverityFit:
    """Return the plan's severity as a fit, to bring its exposure to the basis."""
    nodes = np.array(plan.base.log_revenue)
    location = plan.base.values[:, N_PERILS:]
    slope = (location[-1] - location[0]) / (nodes[-1] - nodes[0])
    return SeverityFit(
        intercept=location[0] + slope * (np.log(1e7) - nodes[0]),
        slope=slope,
        sigma=np.array([s.sigma for s in plan.severity]),
        alpha=np.array([s.alpha for s in plan.severity]),
        tables={f: plan.tables[factor.name][:, N_PERILS:] for f, factor in enumerate(factors())},
    )
