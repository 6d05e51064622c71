"""Severity: a lognormal body of the excess, truncated and censored; a Pareto tail with a prior.

HistGradientBoostingRegressor has no likelihood for truncated and censored losses, and a book has few claims: so the
body is a penalised maximum likelihood fit of the same additive form as a rating plan, its coefficients along an ordered
factor held monotone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import log_ndtr

from cyberscore.perils import PERILS
from cyberscore.profile import signals
from cyberscore.rating.layers import PerilSeverity
from cyberscore.training.books.encoding import Codes, EncodedClaims, Floats

TAIL_PRIOR_ALPHA = 1.1
"""Tail index of the evidence (DS34, DS35).

It counts as much as TAIL_PRIOR_CLAIMS claims above the threshold (judgement).
"""
TAIL_PRIOR_CLAIMS = 50.0
THRESHOLD = 1_000_000.0
CAP = 10_000_000.0
SLOPE, SIGMA = 0.27, 1.6
# strengths are one over a variance (judgement): slopes .07, sigmas 20 %, sectors .22, steps .45
SLOPE_PENALTY, SIGMA_PENALTY, SECTOR_PENALTY, STEP_PENALTY = 200.0, 30.0, 20.0, 5.0
# around a prior plan: levels .15, slopes .05, sigmas 10 %, sectors and steps .1
PRIOR_PENALTIES = {"level": 45.0, "slope": 400.0, "sigma": 100.0, "sector": 100.0, "step": 100.0}


@dataclass(frozen=True, slots=True)
class SeverityFit:
    """Location of the log excess, and its spread and tail.

    `intercept` and `slope` (in log revenue / 10M) by peril, `tables[f]` shifts of factor f's codes by peril; `sigma`
    and `alpha` by peril.
    """

    intercept: Floats
    slope: Floats
    sigma: Floats
    alpha: Floats
    tables: dict[int, Floats]

    def location(self, codes: Codes, log_revenue: Floats) -> Floats:
        """`mu` of policies, (n, perils)."""
        mu = self.intercept + self.slope * (log_revenue - np.log(1e7))[:, None]
        for factor, table in self.tables.items():
            mu = mu + table[codes[:, factor]]
        return np.asarray(mu, dtype=float)


def severity_factors() -> dict[int, tuple[int, ...]]:
    """Which factors shift which perils' severity.

    Sector all; resilience signals ransomware and outage; records breach.
    """
    names = list(signals())
    shape: dict[int, tuple[int, ...]] = {len(names): tuple(range(len(PERILS)))}
    for name in ("backup_isolation", "backup_coverage", "restore_test_age_days"):
        shape[names.index(name)] = (PERILS.index("ransomware"), PERILS.index("system_outage"))
    shape[names.index("incident_response_test_age_days")] = tuple(
        PERILS.index(peril) for peril in ("ransomware", "data_breach", "system_outage")
    )
    shape[len(names) + 2] = (PERILS.index("data_breach"),)
    return shape


def fit_severity(
    claims: EncodedClaims,
    codes: Codes,
    log_revenue: Floats,
    n_codes: tuple[int, ...],
    weight: Floats | None = None,
    *,
    prior: SeverityFit | None = None,
) -> SeverityFit:
    """Fit body and tail.

    Parameters
    ----------
    claims : EncodedClaims
    codes, log_revenue : arrays of the claims' policies, one row a claim
    n_codes : number of codes of every factor
    weight : array, optional
        Weight of each claim (bootstrap counts).
    prior : SeverityFit, optional
        What few claims leave as it is; without it levels are free, and the rest is shrunk to the evidence.
    """
    design = _Design(claims.peril, codes, log_revenue, n_codes, prior)
    weight = np.ones(len(claims.peril)) if weight is None else weight
    censored = claims.censored | (claims.excess >= THRESHOLD)
    log_y = np.log(np.minimum(claims.excess, THRESHOLD))
    hidden = claims.truncation > 0
    log_hidden = np.log(np.where(hidden, np.minimum(claims.truncation, THRESHOLD), 1.0))

    def objective(theta: Floats) -> tuple[float, Floats]:
        mu, log_sigma = design.split(theta)
        sigma = np.exp(log_sigma)[claims.peril]
        z = (log_y - mu) / sigma
        density = -0.5 * z * z - np.log(sigma)
        beyond = log_ndtr(-z)
        hazard = np.exp(-0.5 * z * z - 0.5 * np.log(2 * np.pi) - beyond)
        zt = (log_hidden - mu) / sigma
        seen = np.where(hidden, log_ndtr(-zt), 0.0)
        hazard_t = np.where(hidden, np.exp(-0.5 * zt * zt - 0.5 * np.log(2 * np.pi) - log_ndtr(-zt)), 0.0)
        value = np.where(censored, beyond, density) - seen
        d_mu = np.where(censored, hazard, z) / sigma - hazard_t / sigma
        d_log_sigma = np.where(censored, hazard * z, z * z - 1.0) - hazard_t * zt
        penalty, d_penalty = design.penalty(theta)
        gradient = design.gradient(-weight * d_mu, -weight * d_log_sigma) + d_penalty
        return float(-(weight * value).sum() + penalty), gradient

    start = design.start(log_y)
    found = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=design.bounds(),
        options={"maxiter": 3000, "ftol": 1e-13, "gtol": 1e-7, "maxcor": 30},
    )
    intercept, slope, sigma, tables = design.unpack(found.x)
    return SeverityFit(intercept, slope, sigma, _tail_index(claims, weight, prior), tables)


def _tail_index(claims: EncodedClaims, weight: Floats, prior: SeverityFit | None) -> Floats:
    """Hill estimate above the threshold (censored at the limit), one for all perils, shrunk to evidence or a prior."""
    expected = TAIL_PRIOR_ALPHA if prior is None else float(prior.alpha.mean())
    above = claims.excess > THRESHOLD
    logs = np.log(np.minimum(claims.excess, CAP)[above] / THRESHOLD)
    closed = (~claims.censored & (claims.excess < CAP))[above]
    events = float((weight[above] * closed).sum())
    exposure = float((weight[above] * logs).sum())
    alpha = (events + TAIL_PRIOR_CLAIMS) / (exposure + TAIL_PRIOR_CLAIMS / expected)
    return np.full(len(PERILS), np.clip(alpha, 0.8, 1.3))


class _Design:
    """Parameters in one vector: by peril intercept, slope and log sigma; then factor by factor its levels or steps."""

    def __init__(
        self,
        peril: np.ndarray,
        codes: Codes,
        log_revenue: Floats,
        n_codes: tuple[int, ...],
        prior: SeverityFit | None,
    ) -> None:
        self.peril = peril
        self.x = log_revenue - np.log(1e7)
        self.k = len(PERILS)
        self.blocks: list[tuple[int, tuple[int, ...], int, bool, int]] = []
        self.columns: list[tuple[np.ndarray, int, bool, int]] = []
        start = 3 * self.k
        sector = len(signals())
        for factor, perils in severity_factors().items():
            ordered = factor != sector
            size = n_codes[factor] - 1 if ordered else n_codes[factor]
            inside = np.isin(peril, perils)
            self.blocks.append((factor, perils, start, ordered, size))
            self.columns.append((np.where(inside, codes[:, factor], 255).astype(np.int64), start, ordered, size))
            start += size
        self.size = start
        self.centre, self.strength = self._shrinkage(prior)

    def _shrinkage(self, prior: SeverityFit | None) -> tuple[Floats, Floats]:
        """Shrink slopes to .27 and sigmas to 1.6 (claims.md b), or all to a prior; return centres and strengths."""
        k = self.k
        centre, strength = np.zeros(self.size), np.zeros(self.size)
        centre[k : 2 * k], strength[k : 2 * k] = SLOPE, SLOPE_PENALTY
        centre[2 * k : 3 * k], strength[2 * k : 3 * k] = np.log(SIGMA), SIGMA_PENALTY
        for _, _, start, ordered, size in self.blocks:
            strength[start : start + size] = STEP_PENALTY if ordered else SECTOR_PENALTY
        if prior is not None:
            level = prior.intercept.copy()
            for factor, perils, start, ordered, size in self.blocks:
                table = prior.tables[factor][:, perils[0]]
                centre[start : start + size] = np.diff(table) if ordered else table
                if ordered:
                    level[list(perils)] += table[0]
            centre[:k], strength[:k] = level, PRIOR_PENALTIES["level"]
            centre[k : 2 * k], strength[k : 2 * k] = prior.slope, PRIOR_PENALTIES["slope"]
            centre[2 * k : 3 * k], strength[2 * k : 3 * k] = np.log(prior.sigma), PRIOR_PENALTIES["sigma"]
            for _, _, start, ordered, size in self.blocks:
                strength[start : start + size] = PRIOR_PENALTIES["step" if ordered else "sector"]
        return centre, strength

    def bounds(self) -> list[tuple[float | None, float | None]]:
        low: list[tuple[float | None, float | None]] = [(None, None)] * self.k
        low += [(0.0, 0.8)] * self.k
        low += [(np.log(0.5), np.log(3.5))] * self.k
        for _, _, _, ordered, size in self.blocks:
            low += [(0.0, None) if ordered else (None, None)] * size
        return low

    def start(self, log_y: Floats) -> Floats:
        theta = self.centre.copy()
        if not self.strength[: self.k].any():
            for p in range(self.k):
                mine = log_y[self.peril == p]
                theta[p] = mine.mean() if len(mine) else np.log(5e4)
        low = np.array([-np.inf if bound[0] is None else bound[0] for bound in self.bounds()])
        start: Floats = np.maximum(theta, low)
        return start

    def split(self, theta: Floats) -> tuple[Floats, Floats]:
        k = self.k
        mu = theta[:k][self.peril] + theta[k : 2 * k][self.peril] * self.x
        for code, start, ordered, size in self.columns:
            own = theta[start : start + size]
            table = np.concatenate([[0.0], np.cumsum(own)]) if ordered else own
            mu = mu + np.where(code < 255, table[np.minimum(code, len(table) - 1)], 0.0)
        return mu, theta[2 * k : 3 * k]

    def gradient(self, d_mu: Floats, d_log_sigma: Floats) -> Floats:
        k = self.k
        out = np.zeros(self.size)
        out[:k] = np.bincount(self.peril, d_mu, minlength=k)
        out[k : 2 * k] = np.bincount(self.peril, d_mu * self.x, minlength=k)
        out[2 * k : 3 * k] = np.bincount(self.peril, d_log_sigma, minlength=k)
        for code, start, ordered, size in self.columns:
            inside = code < 255
            by_code = np.bincount(code[inside], d_mu[inside], minlength=size + 1 if ordered else size)
            out[start : start + size] = np.cumsum(by_code[::-1])[::-1][1:] if ordered else by_code
        return out

    def penalty(self, theta: Floats) -> tuple[float, Floats]:
        """Half the weighted squares of what is away from the centre, and their gradient."""
        gap = theta - self.centre
        slope: Floats = self.strength * gap
        return 0.5 * float((slope * gap).sum()), slope

    def unpack(self, theta: Floats) -> tuple[Floats, Floats, Floats, dict[int, Floats]]:
        k = self.k
        intercept = theta[:k].copy()
        tables = {}
        for factor, perils, start, ordered, size in self.blocks:
            own = theta[start : start + size]
            table = np.concatenate([[0.0], np.cumsum(own)]) if ordered else own - own.mean()
            if not ordered:
                intercept[list(perils)] += own.mean()
            wide = np.zeros((len(table), k))
            wide[:, list(perils)] = table[:, None]
            tables[factor] = wide
        return intercept, theta[k : 2 * k].copy(), np.exp(theta[2 * k : 3 * k]), tables


MEAN_CREDIBILITY_CLAIMS = 500.0
"""Claims at which the observed mean cost is believed half (judgement)."""


def mean_shift(severity: Sequence[PerilSeverity], claims: EncodedClaims, location: Floats, top: Floats) -> Floats:
    """Shift of each peril's location, so that the mean cost of its claims is met, by credibility.

    The excess of a lognormal is not quite lognormal: the body fits its logs, this meets its mean.

    Parameters
    ----------
    severity : one PerilSeverity a peril
    claims : EncodedClaims
    location : (claims,), of each claim's own policy and peril
    top : (claims,), excess at which its policy stops paying
    """
    shift = np.zeros(len(PERILS))
    for k, shape in enumerate(severity):
        mine = np.flatnonzero(claims.peril == k)
        if len(mine) == 0:
            continue
        low = claims.truncation[mine]
        # an open claim costs at least what is known of it
        open_now = claims.censored[mine] & (claims.excess[mine] < top[mine])
        paid = np.where(open_now, np.nan, np.minimum(claims.excess[mine], np.minimum(top[mine], shape.cap)) - low)
        known = np.where(open_now, claims.excess[mine], low)
        rows = list(zip(low.tolist(), known.tolist(), top[mine].tolist(), location[mine].tolist(), paid, strict=True))

        found = _solve_shift(shape, rows)
        shift[k] = found * len(mine) / (len(mine) + MEAN_CREDIBILITY_CLAIMS)
    return shift


def _solve_shift(shape: PerilSeverity, rows: list[tuple[float, float, float, float, float]]) -> float:
    """Shift of the location at which claims cost in all what they did; none when two either way are not enough."""

    def beyond(low: float, top: float, mu: float) -> float:
        """Mean cost above `low` of a loss that exceeds it."""
        return (shape.limited_mean(top, mu) - shape.limited_mean(low, mu)) / shape.survival(low, mu)

    def gap(by: float) -> float:
        total = 0.0
        for low, known, top, mu, paid in rows:
            cost = known - low + beyond(known, top, mu + by) if np.isnan(paid) else paid
            total += beyond(low, top, mu + by) - cost
        return total

    return float(brentq(gap, -2.0, 2.0, xtol=1e-7)) if gap(-2.0) < 0.0 < gap(2.0) else 0.0
