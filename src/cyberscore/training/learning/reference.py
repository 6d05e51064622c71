"""What a new plan is measured against: book mean by revenue, bands, peers, how signals hang together, loads, level."""

import re
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from sklearn.linear_model import PoissonRegressor

from cyberscore.perils import COUNTRY_GROUPS, PERILS
from cyberscore.profile import sectors, signals
from cyberscore.rating.coverage import Coverage
from cyberscore.rating.expected_loss import expected_losses_of_many
from cyberscore.rating.parts import N_PERILS, Floats, factors
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.plan_file import rounded
from cyberscore.training.books.encoding import Codes, EncodedPolicies
from cyberscore.training.learning.design import revenue_hats

BAND_QUANTILES = (0.2, 0.4, 0.6, 0.8, 0.95)
PEER_REVENUE = (1e6, 5e6, 2.5e7)
PEER_STEPS = 20
N_LATENT = 4
N_NODES = 64
SIZE_CENTRE, SIZE_SCALE = float(np.log(3.7e6)), 1.42
RISK_YEARS = 20_000
STANDARD_TERMS = Coverage(sublimits={"funds_transfer_fraud": 250_000.0})
"""The cover that market_reference prices.

Limit 1M, retention 10k, and the market's usual sublimit for transfer fraud.
"""


def mean_by_revenue(values: Floats, log_revenue: Floats) -> Floats:
    """Log of the mean of `values` at the revenue nodes, piecewise linear in log revenue; it keeps the total."""
    model = PoissonRegressor(alpha=1e-8, solver="newton-cholesky", max_iter=200, tol=1e-10)
    scale = float(values.mean())
    model.fit(revenue_hats(log_revenue), values / scale)
    nodes: Floats = np.log(scale) + model.intercept_ + model.coef_
    return nodes


def score_reference(scores: Floats, policies: EncodedPolicies, mean_codes: dict[str, list[float]]) -> dict[str, object]:
    """Band edges and peer quantiles of a book's scores, as plan.json holds them (without the mean by revenue)."""
    size = np.searchsorted(PEER_REVENUE, policies.revenue, side="right")
    sector = policies.codes[:, len(signals())]
    levels = np.linspace(0.0, 1.0, PEER_STEPS + 1)
    peers: dict[str, list[list[float]]] = {}
    for code, name in enumerate(sectors()):
        rows = []
        for group in range(len(PEER_REVENUE) + 1):
            mine = scores[(sector == code) & (size == group)]
            # too few firms of a kind: compare with all of that size
            mine = mine if len(mine) >= 200 else scores[size == group]
            rows.append(rounded(np.quantile(mine if len(mine) else scores, levels)))
        peers[name] = rows
    return {
        "band_edges": rounded(np.quantile(scores, BAND_QUANTILES)),
        "peer_revenue": list(PEER_REVENUE),
        "peer_quantiles": peers,
        "mean_codes": mean_codes,
    }


def mean_mixtures(policies: EncodedPolicies) -> dict[str, list[float]]:
    """Mean weight of every code of every factor over the book."""
    found = {}
    catalogue = list(signals().values())
    n = len(policies)
    for f, factor in enumerate(factors()):
        codes = policies.codes[:, f]
        if f < len(catalogue):
            weight = policies.weights[:, f].astype(float)
            mean = np.bincount(codes, weight, minlength=len(factor.labels)) / n
            adverse = codes > catalogue[f].unknown
            mean[catalogue[f].unanswered] += float(((1.0 - weight) * adverse).mean())
            mean[catalogue[f].unknown] += float(((1.0 - weight) * ~adverse).mean())
        else:
            mean = np.bincount(codes, minlength=len(factor.labels)) / n
        found[factor.name] = rounded(mean / mean.sum())
    return found


def unknowns_model(policies: EncodedPolicies, seed: int) -> dict[str, object]:
    """Fit how signals hang together from what was seen, and fix the nodes that stand in for chance.

    Normal scores of the cells seen, weighted by evidence; their slope on size; principal axis factoring of what is
    left.
    """
    catalogue = list(signals().values())
    n = len(policies)
    size = (np.log(policies.revenue) - SIZE_CENTRE) / SIZE_SCALE
    z = np.zeros((n, len(catalogue)))
    w = np.zeros_like(z)
    thresholds, slopes = [], np.zeros(len(catalogue))
    for j, about in enumerate(catalogue):
        shift = about.n_codes - len(about.code_of_cell)
        code = policies.codes[:, j].astype(int)
        seen = (code < about.unknown) | (code >= about.unknown + shift)
        cell = np.where(code < about.unknown, code, code - shift)
        weight = np.where(seen, policies.weights[:, j], 0.0)
        share = np.bincount(cell[seen], weight[seen], minlength=len(about.code_of_cell)) + 0.5
        share = share / share.sum()
        upto = np.cumsum(share)
        thresholds.append(rounded(-ndtri(upto[:-1])))
        middle = -ndtri(upto - share / 2)
        spread = np.sqrt((share * middle**2).sum())
        score = np.where(seen, (middle / spread)[np.clip(cell, 0, len(share) - 1)], 0.0)
        slopes[j] = np.clip((weight * score * size).sum() / max((weight * size * size).sum(), 1e-9), -0.8, 0.8)
        z[:, j] = np.where(seen, score - slopes[j] * size, 0.0)
        w[:, j] = weight
    both = w.T @ w
    correlation = (w * z).T @ (w * z) / np.maximum(both, 1.0)
    scale = np.sqrt(np.maximum(np.diag(correlation), 1e-12))  # a signal never seen hangs together with none
    correlation = np.clip(correlation / np.outer(scale, scale), -0.9, 0.9)
    loadings = _principal_axes(correlation, N_LATENT)
    rng = np.random.default_rng(seed)
    half = N_NODES // 2
    latent, own = rng.standard_normal((half, N_LATENT)), rng.standard_normal((half, len(catalogue)))
    uniform = rng.random((half, len(catalogue)))
    return {
        "size_centre": round(SIZE_CENTRE, 6),
        "size_scale": SIZE_SCALE,
        "size_slope": rounded(slopes),
        "loadings": rounded(loadings),
        "thresholds": thresholds,
        "latent_nodes": rounded(np.concatenate([latent, -latent])),
        "own_nodes": rounded(np.concatenate([own, -own])),
        "uniform_nodes": rounded(np.concatenate([uniform, 1.0 - uniform])),
    }


def _principal_axes(correlation: Floats, k: int) -> Floats:
    """Find loadings by principal axis factoring; signs fixed so that each axis sums to something positive."""
    communality = np.full(len(correlation), 0.3)
    loadings = np.zeros((len(correlation), k))
    for _ in range(200):
        reduced = correlation.copy()
        np.fill_diagonal(reduced, communality)
        values, vectors = np.linalg.eigh(reduced)
        loadings = vectors[:, ::-1][:, :k] * np.sqrt(np.maximum(values[::-1][:k], 0.0))
        updated = np.clip((loadings**2).sum(axis=1), 0.0, 0.8)
        if np.abs(updated - communality).max() < 1e-10:
            break
        communality = updated
    size = np.sqrt(np.maximum((loadings**2).sum(axis=1), 1e-12))
    loadings = loadings * np.minimum(1.0, np.sqrt(0.8) / size)[:, None]
    signs = np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)
    return np.asarray(loadings * signs)


def risk_load_factors(plan: RatingPlan, totals: Floats, seed: int) -> dict[str, list[float]]:
    """Co-TVaR99 load of a simulated reference book by peril and limit, over the mean; at the basis retention.

    Years share a lognormal shock (log-sd .17, ransomware .18: claims.md d). Each factor is `rate * (E[loss of the peril
    in the worst 1 % of years] - mean) / mean`, made non-decreasing in the limit.
    """
    about = plan.pricing.risk_load
    rng = np.random.default_rng(seed)
    book = rng.choice(len(totals), size=about.reference_policies)
    rates = np.exp(totals[book, :N_PERILS])
    mu = totals[book, N_PERILS:]
    shock = rng.standard_normal(RISK_YEARS)
    limits = np.array(about.limits)
    by_peril = np.zeros((N_PERILS, len(limits), RISK_YEARS))
    for k, severity in enumerate(plan.severity):
        sd = 0.18 if PERILS[k] == "ransomware" else 0.17
        counts = rng.poisson(rates[:, k].sum() * np.exp(sd * shock - 0.5 * sd * sd))
        year = np.repeat(np.arange(RISK_YEARS), counts)
        hit = rng.choice(len(book), size=len(year), p=rates[:, k] / rates[:, k].sum())
        excess = np.exp(mu[hit, k] + severity.sigma * rng.standard_normal(len(year)))
        tail = excess > severity.threshold
        excess[tail] = severity.threshold * (1.0 - rng.random(int(tail.sum()))) ** (-1.0 / severity.alpha)
        for i, limit in enumerate(limits):
            by_peril[k, i] = np.bincount(year, np.minimum(excess, min(limit, severity.cap)), minlength=RISK_YEARS)
    total = by_peril.sum(axis=0)
    factors_found = np.zeros((N_PERILS, len(limits)))
    for i in range(len(limits)):
        worst = np.argsort(total[i], kind="stable")[-RISK_YEARS // 100 :]
        mean = by_peril[:, i].mean(axis=1)
        factors_found[:, i] = about.rate * np.maximum(by_peril[:, i][:, worst].mean(axis=1) - mean, 0.0) / mean
    rising = np.maximum.accumulate(factors_found, axis=1)
    return {peril: [round(float(x), 4) for x in row] for peril, row in zip(PERILS, rising, strict=True)}


@dataclass(frozen=True, slots=True)
class LevelFit:
    """Level and fixed expense, and technical over published premium at each published revenue."""

    level: float
    fixed: float
    residuals: dict[str, float]


def fit_level(plan: RatingPlan, totals: Floats, policies: EncodedPolicies) -> LevelFit:
    """Least squares of relative errors of technical against published base premiums, 0.5M to 10M of revenue.

    Average class and controls is the mean of the book's US policies at that revenue.
    """
    pricing = plan.pricing
    home = policies.codes[:, len(signals()) + 1] == COUNTRY_GROUPS.index("US")
    log_revenue = np.log(policies.revenue[home])
    losses = expected_losses_of_many(plan, totals[home], STANDARD_TERMS)
    at = np.log(pricing.market_reference.revenue)
    published = np.array(pricing.market_reference.premium)
    hats = revenue_hats(at)
    pure = np.zeros((len(at), N_PERILS))
    for k in range(N_PERILS):
        pure[:, k] = np.exp(hats @ mean_by_revenue(losses[:, k], log_revenue))
    loads = np.array([pricing.risk_load.at(peril, STANDARD_TERMS.limit_for(peril)) for peril in PERILS])
    kept = 1.0 - pricing.expenses.variable - pricing.expenses.profit - pricing.systemic_share
    per_level = (pure * (1.0 + pricing.expenses.loss_adjustment + loads)).sum(axis=1) / kept
    use = (np.exp(at) >= 4.9e5) & (np.exp(at) <= 1.01e7)
    X = np.column_stack([per_level, np.full(len(at), 1.0 / kept)])[use] / published[use, None]
    level, fixed = np.linalg.lstsq(X, np.ones(int(use.sum())), rcond=None)[0]
    level, fixed = round(float(np.clip(level, 0.3, 3.0)), 4), round(float(np.clip(fixed, 0.0, 2000.0)), 2)
    technical = per_level * level + fixed / kept
    residuals = {
        f"{int(r)}": round(float(t / p - 1.0), 4)
        for r, t, p in zip(np.exp(at).round(), technical, published, strict=True)
    }
    return LevelFit(level, fixed, residuals)


def with_fitted_pricing(text: str, level: LevelFit, loads: dict[str, list[float]]) -> str:
    """pricing.toml with the fitted numbers put in, everything else untouched.

    Raises
    ------
    ValueError
        When the text lacks one of the lines.
    """
    lines = {
        "level": f"{level.level}",
        "fixed": f"{level.fixed}",
        **{name: str(row) for name, row in loads.items()},
    }
    for name, value in lines.items():
        text, found = re.subn(rf"(?m)^{name} = (?:\[[^\]]*\]|[0-9.]+)", f"{name} = {value}", text)
        if found != 1:
            raise ValueError(f"pricing.toml must have one line that starts with '{name} = '; found {found}")
    return text


def blended_codes(policies: EncodedPolicies, rng: np.random.Generator) -> Codes:
    """Codes with each observation masked to the rest (`Signal.rest_of`) with probability one minus its weight."""
    codes = policies.codes.copy()
    for j, about in enumerate(signals().values()):
        masked = rng.random(len(codes)) > policies.weights[:, j]
        codes[masked, j] = np.where(codes[masked, j] > about.unknown, about.unanswered, about.unknown)
    return codes
