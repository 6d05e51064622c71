"""From fits to a plan: bags are averaged, repaired, balanced and measured, and written as a plan's files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np

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
from cyberscore.training.books.encoding import EncodedClaims, EncodedPolicies
from cyberscore.training.learning.design import REVENUE_NODES, revenue_hats
from cyberscore.training.learning.exposure import basis_exposure
from cyberscore.training.learning.frequency import FrequencyFit
from cyberscore.training.learning.reference import (
    fit_level,
    mean_by_revenue,
    mean_mixtures,
    risk_load_factors,
    score_reference,
    unknowns_model,
    with_fitted_pricing,
)
from cyberscore.training.learning.severity import CAP, THRESHOLD, SeverityFit, mean_shift

Pairs = Mapping[tuple[str, str], Floats]


@dataclass(frozen=True, slots=True)
class Material:
    """What a plan is put together from: policies, claims at the plan's level, frequency index a term, texts, seeds."""

    name: str
    about: Mapping[str, Any]
    policies: EncodedPolicies
    claims: EncodedClaims
    frequency_index: Floats
    prior: RatingPlan | None
    way: float
    pricing: str | None
    rules: str | None
    seeds: tuple[int, int]


def assemble(material: Material, bags: Sequence[tuple[FrequencyFit, SeverityFit]]) -> tuple[RatingPlan, dict[str, Any]]:
    """Put a plan together; return it with what is worth reporting of how it went."""
    policies, claims, prior = material.policies, material.claims, material.prior
    content, bag_file, raised = _learned(material, bags)
    pricing = material.pricing or _text("pricing.toml", prior)
    rules = material.rules or _text("rules.toml", prior)
    others = {
        "pricing.toml": pricing.encode(),
        "rules.toml": rules.encode(),
        "bags.json": canonical(bag_file) + b"\n",
    }
    weights = policies.weights.astype(float)

    def built() -> tuple[RatingPlan, Floats]:
        plan = RatingPlan.from_files(PlanFiles(content, others))
        return plan, totals_of_many(plan, policies.codes, weights, policies.revenue)

    plan, totals = built()
    location = totals[claims.policy, N_PERILS + claims.peril]
    top = (policies.retention + policies.limit)[claims.policy] - BASIS_RETENTION
    shift = mean_shift(plan.severity, claims, location, top)
    content["base"] = rounded(np.array(content["base"]) + np.concatenate([np.zeros(N_PERILS), shift]))
    counts = np.bincount(claims.peril, minlength=N_PERILS)
    plan, totals = built()
    exposure = basis_exposure(policies, policies.codes, severity_of(plan), material.frequency_index)
    expected = (np.exp(totals[:, :N_PERILS]) * exposure).sum(axis=0)
    if prior is None:
        content["log_balance"] = rounded(np.log(np.maximum(counts, 0.5) / expected))
        plan, totals = built()
    if prior is None:
        losses = expected_losses_of_many(plan, totals, STANDARD_LAYER).sum(axis=1)
        reference = mean_by_revenue(losses, np.log(policies.revenue))
        scores = 50.0 + 10.0 * np.log2(losses / np.exp(revenue_hats(np.log(policies.revenue)) @ reference))
        content["score"] = {
            "log_expected_loss": rounded(reference[:, None]),
            **score_reference(scores, policies, content["score"]["mean_codes"]),
        }
    report: dict[str, Any] = {
        "policies": len(policies),
        "claims_above_basis": len(claims.peril),
        "claims_by_peril": dict(zip(PERILS, counts.tolist(), strict=True)),
        "claims_over_expected": dict(zip(PERILS, (counts / expected).round(4).tolist(), strict=True)),
        "balance": dict(zip(PERILS, np.exp(content["log_balance"]).round(4).tolist(), strict=True)),
        "mean_cost_shift": dict(zip(PERILS, shift.round(4).tolist(), strict=True)),
        "largest_monotone_repair": raised,
    }
    if prior is None:
        loads = risk_load_factors(plan, totals, material.seeds[1])
        level = fit_level(plan, totals, policies)
        others["pricing.toml"] = with_fitted_pricing(pricing, level, loads).encode()
        Pricing.from_toml(others["pricing.toml"].decode())
        report |= {
            "level": level.level,
            "fixed_expense": level.fixed,
            "technical_over_published_premium": level.residuals,
        }
    else:
        before = totals_of_many(prior, policies.codes, weights, policies.revenue)[:, :N_PERILS]
        by_prior = (np.exp(before) * exposure).sum(axis=0)
        report["claims_over_expected_by_prior"] = dict(zip(PERILS, (counts / by_prior).round(4).tolist(), strict=True))
        given = {"pricing": material.pricing, "rules": material.rules}
        kept = [name for name in ("pricing", "rules") if given[name] is None]
        report["kept_from_prior"] = [*kept, *(name for name in ("score", "unknowns", "intervals") if name in content)]
    return RatingPlan.from_files(PlanFiles(content, others)), report


def _main_cells() -> int:
    """Cells of all single factors; those of pairs come after."""
    return sum(len(factor.labels) for factor in factors())


def _text(name: str, prior: RatingPlan | None) -> str:
    """Read a file of the prior plan, or of the shipped one."""
    return shipped_text(name) if prior is None else prior.files.others[name].decode()


def _learned(
    material: Material, bags: Sequence[tuple[FrequencyFit, SeverityFit]]
) -> tuple[dict[str, Any], dict[str, Any], float]:
    """Content of plan.json and bags.json before balance, and how far the repair of the order had to raise a cell."""
    policies, prior = material.policies, material.prior
    stacked = [_stack(frequency, severity) for frequency, severity in bags]
    base = _mean([b for b, _, _ in stacked])
    tables = {factor.name: _mean([t[factor.name] for _, t, _ in stacked]) for factor in factors()}
    pairs = {pair: np.round(_mean([p[pair] for _, _, p in stacked]), 6) + 0.0 for pair in stacked[0][2]}
    tables, raised = repair({name: np.round(table, 6) + 0.0 for name, table in tables.items()}, pairs)
    content: dict[str, Any] = {
        "format": FORMAT,
        "name": material.name,
        "about": dict(material.about),
        "catalogue": catalogue_digest(),
        "perils": list(PERILS),
        "factors": {factor.name: list(factor.labels) for factor in factors()},
        "log_revenue_nodes": rounded(np.log(REVENUE_NODES)),
        "base": rounded(base),
        "log_balance": [0.0] * N_PERILS,
        "severity": _mean_severity([s for _, s in bags]),
        "tables": {name: rounded(table) for name, table in tables.items()},
        "pairs": {" x ".join(pair): rounded(table) for pair, table in pairs.items()},
    }
    if prior is not None:
        # scores stay on one scale
        content["score"], content["unknowns"] = prior.files.content["score"], prior.files.content["unknowns"]
    else:
        content["score"] = {
            "log_expected_loss": [[0.0]] * len(REVENUE_NODES),
            **score_reference(np.zeros(len(policies)), policies, mean_mixtures(policies)),
        }
        content["unknowns"] = unknowns_model(policies, material.seeds[0])
    if prior is not None and "intervals" in prior.files.content:
        content["intervals"] = prior.files.content["intervals"]
    spread = [_deviation(bag, base, tables, pairs) for bag in stacked] if len(stacked) > 1 else []
    if prior is not None and prior.bag_deviations is not None and prior.bag_base is not None:
        # what stays the prior's is as uncertain as it was there
        kept, mains = 1.0 - material.way, _main_cells()
        before = zip(cycle(prior.bag_base), cycle(prior.bag_deviations[:, :mains]), strict=True)
        spread = [
            (own_base + kept * base_before, np.concatenate([own[:mains] + kept * cells_before, own[mains:]]))
            for (own_base, own), (base_before, cells_before) in zip(spread, before, strict=False)
        ]
    bag_file = {"base": [rounded(b) for b, _ in spread], "deviations": [rounded(d) for _, d in spread]}
    return content, bag_file, raised


def _mean(arrays: Sequence[Floats]) -> Floats:
    """Mean of the bags."""
    mean: Floats = np.mean(arrays, axis=0)
    return mean


def _stack(
    frequency: FrequencyFit, severity: SeverityFit
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
    met = {pair: np.concatenate([table, np.zeros_like(table)], axis=2) for pair, table in frequency.pairs.items()}
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


def severity_of(plan: RatingPlan) -> SeverityFit:
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
