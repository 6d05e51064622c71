"""Policies and claims of a book in numbers.

Codes and evidence weights of every signal, exposure and claims by peril.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cyberscore.exceptions import TrainingError
from cyberscore.perils import (
    BASIS_RETENTION,
    COUNTRY_GROUPS,
    PERILS,
    RECORD_BREAKPOINTS,
    RECORD_UNKNOWN,
)
from cyberscore.profile import SOURCES, Signal, sectors, signals

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]
REQUIRED_POLICY_COLUMNS = (
    "policy_id",
    "annual_revenue",
    "sector",
    "country",
    "exposure",
    "retention",
    "limit",
)
REQUIRED_CLAIM_COLUMNS = ("policy_id", "peril", "incurred")


@dataclass(frozen=True, slots=True)
class EncodedPolicies:
    """Policies in numbers.

    `codes` is (policies, factors) in the order of the plan's factors, `weights` (policies, signals). `insured` numbers
    who is insured: terms of one insured share a number. `reported` (policies, perils) is the share of a term's claims
    that is known by now.
    """

    codes: Codes
    weights: NDArray[np.float32]
    revenue: Floats
    exposure: Floats
    retention: Floats
    limit: Floats
    year: NDArray[np.int64] | None
    insured: NDArray[np.int64]
    reported: Floats
    index_of: pd.Index

    def __len__(self) -> int:
        return len(self.revenue)


@dataclass(frozen=True, slots=True)
class EncodedClaims:
    """Claims above the basis.

    `excess` is over the basis, `censored` those cut by the limit, `truncation` the excess below which the policy's
    retention hides claims.
    """

    policy: NDArray[np.int64]
    peril: NDArray[np.int64]
    excess: Floats
    censored: NDArray[np.bool_]
    truncation: Floats


def encode_policies(policies: pd.DataFrame) -> EncodedPolicies:
    """Check a policies frame and turn it into codes and weights.

    Raises
    ------
    TrainingError
        Naming the column and the first rows that are wrong.
    """
    missing = [name for name in REQUIRED_POLICY_COLUMNS if name not in policies.columns]
    if missing:
        raise TrainingError(
            f"policies need the columns {', '.join(REQUIRED_POLICY_COLUMNS)}; missing: {', '.join(missing)}"
        )
    if len(policies) == 0:
        raise TrainingError("policies are empty")
    if policies["policy_id"].duplicated().any():
        raise TrainingError(f"policy_id must be unique; {_rows(policies['policy_id'].duplicated())} repeat one")
    numbers = {name: _number(policies, name) for name in ("annual_revenue", "exposure", "retention", "limit")}
    for name, low in (("annual_revenue", 0.0), ("exposure", 0.0), ("limit", 0.0), ("retention", -1.0)):
        bad = ~(numbers[name] > low)
        if bad.any():
            raise TrainingError(
                f"policies: {name} must be {'positive' if low == 0 else 'at least 0'}; wrong in {_rows(bad)}"
            )
    orphans = [
        str(name)
        for name in policies.columns
        for end in ("__source", "__age_days")
        if str(name).endswith(end) and not {str(name).removesuffix(end)} <= (set(signals()) & set(policies.columns))
    ]
    if orphans:
        raise TrainingError(
            f"policies: {', '.join(orphans)} without a column of the signal: mend the name, or drop them"
        )
    columns, weights = [], []
    for about in signals().values():
        code, weight = _encode_signal(policies, about)
        columns.append(code)
        weights.append(weight)
    columns.append(_category(policies, "sector", sectors()))
    columns.append(_category(policies, "country", COUNTRY_GROUPS))
    columns.append(_records(policies))
    return EncodedPolicies(
        codes=np.column_stack(columns),
        weights=np.column_stack(weights),
        revenue=numbers["annual_revenue"],
        exposure=numbers["exposure"],
        retention=numbers["retention"],
        limit=numbers["limit"],
        year=_number(policies, "year").astype(np.int64) if "year" in policies.columns else None,
        insured=pd.factorize(policies["insured_id" if "insured_id" in policies.columns else "policy_id"])[0],
        reported=np.ones((len(policies), len(PERILS))),
        index_of=pd.Index(policies["policy_id"]),
    )


def encode_claims(claims: pd.DataFrame, policies: EncodedPolicies) -> EncodedClaims:
    """Check a claims frame (incurred is net of the retention, up to the limit) and bring it to the basis.

    Raises
    ------
    TrainingError
        Naming the column and the first rows that are wrong.
    """
    missing = [name for name in REQUIRED_CLAIM_COLUMNS if name not in claims.columns]
    if missing:
        raise TrainingError(
            f"claims need the columns {', '.join(REQUIRED_CLAIM_COLUMNS)}; missing: {', '.join(missing)}"
        )
    policy = policies.index_of.get_indexer(pd.Index(claims["policy_id"]))
    if (policy < 0).any():
        raise TrainingError(f"claims of unknown policies: {_rows(policy < 0)} name a policy_id that policies lack")
    peril = pd.Index(PERILS).get_indexer(pd.Index(claims["peril"].astype(str)))
    if (peril < 0).any():
        raise TrainingError(f"claims: peril must be one of {', '.join(PERILS)}; wrong in {_rows(peril < 0)}")
    incurred = _number(claims, "incurred")
    if (~(incurred > 0)).any():
        raise TrainingError(
            f"claims: incurred must be positive, net of the retention; wrong in {_rows(~(incurred > 0))}"
        )
    retention, limit = policies.retention[policy], policies.limit[policy]
    above_limit = incurred > limit * (1 + 1e-9)
    if above_limit.any():
        raise TrainingError(f"claims: incurred must not exceed the policy's limit; wrong in {_rows(above_limit)}")
    gross = incurred + retention
    keep = gross > BASIS_RETENTION
    excess = gross - BASIS_RETENTION
    return EncodedClaims(
        policy=policy[keep],
        peril=peril[keep],
        excess=excess[keep],
        censored=(incurred >= limit * (1 - 1e-9))[keep],
        truncation=np.maximum(retention - BASIS_RETENTION, 0.0)[keep],
    )


def _rows(bad: object) -> str:
    rows = np.flatnonzero(np.asarray(bad))
    shown = ", ".join(str(row) for row in rows[:5])
    return f"row{'s' if len(rows) > 1 else ''} {shown}{f' and {len(rows) - 5} more' if len(rows) > 5 else ''}"


def _number(frame: pd.DataFrame, name: str) -> Floats:
    try:
        values = frame[name].to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"{name} must be numeric: {error}") from error
    if not np.isfinite(values).all():
        raise TrainingError(f"{name} must be finite; wrong in {_rows(~np.isfinite(values))}")
    return values


def _number_or_nan(policies: pd.DataFrame, name: str) -> Floats:
    try:
        return policies[name].to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"policies: {name} must be numeric, empty where unknown: {error}") from error


def _category(policies: pd.DataFrame, name: str, known: tuple[str, ...]) -> Codes:
    codes = pd.Index(known).get_indexer(pd.Index(policies[name].astype(str)))
    if (codes < 0).any():
        raise TrainingError(f"policies: {name} must be one of {', '.join(known)}; wrong in {_rows(codes < 0)}")
    return codes.astype(np.uint8)


def _records(policies: pd.DataFrame) -> Codes:
    if "record_count" not in policies.columns:
        return np.full(len(policies), RECORD_UNKNOWN, dtype=np.uint8)
    values = _number_or_nan(policies, "record_count")
    if (values < 0).any():
        raise TrainingError(f"policies: record_count must be at least 0; wrong in {_rows(values < 0)}")
    return record_codes(values)


def record_codes(values: Floats) -> Codes:
    """Code of the record count, NaN is unknown."""
    cell = np.searchsorted(RECORD_BREAKPOINTS, np.nan_to_num(values, nan=0.0), side="right")
    code = np.where(cell < RECORD_UNKNOWN, cell, cell + 1)
    return np.where(np.isnan(values), RECORD_UNKNOWN, code).astype(np.uint8)


def _encode_signal(policies: pd.DataFrame, about: Signal) -> tuple[Codes, NDArray[np.float32]]:
    n = len(policies)
    if about.name not in policies.columns:
        return np.full(n, about.unanswered, dtype=np.uint8), np.ones(n, dtype=np.float32)
    column = policies[about.name]
    seen = column.notna().to_numpy()
    cells = np.array(about.code_of_cell)
    if about.levels:
        index = pd.Index(about.levels).get_indexer(pd.Index(column.astype(object)))
        bad = seen & (index < 0)
        wanted = ", ".join(about.levels)
    else:
        values = _number_or_nan(policies, about.name)
        bad = seen & ~((values >= about.low) & (values <= about.high))
        wanted = about.range_text()
        index = np.searchsorted(about.breakpoints, np.nan_to_num(values), side="right")
    if bad.any():
        raise TrainingError(f"policies: {about.name} must be {wanted}; wrong in {_rows(bad)}")
    code = np.where(seen, cells[index], about.unanswered)
    return code.astype(np.uint8), _weights(policies, about, code, seen)


def _weights(
    policies: pd.DataFrame, about: Signal, code: NDArray[np.int64], seen: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Weigh a column as `Prepared.weight_at` weighs an observation.

    Without source and age columns an observation is certain.
    """
    n = len(code)
    source, age = f"{about.name}__source", f"{about.name}__age_days"
    if source not in policies.columns:
        return np.ones(n, dtype=np.float32)
    index = pd.Index(list(SOURCES)).get_indexer(pd.Index(policies[source].astype(object)))
    wrong = seen & (index < 0)
    if wrong.any():
        raise TrainingError(f"policies: {source} must be one of {', '.join(SOURCES)}; wrong in {_rows(wrong)}")
    favourable = np.array([s.favourable for s in SOURCES.values()])[index]
    adverse = np.array([s.adverse for s in SOURCES.values()])[index]
    days = np.zeros(n)
    if age in policies.columns and not about.is_context and about.kind != "age":
        days = np.where(seen, np.nan_to_num(_number_or_nan(policies, age)), 0.0)
        if (days < 0).any():
            raise TrainingError(f"policies: {age} must be at least 0; wrong in {_rows(days < 0)}")
    faded = favourable * 2.0 ** (-days / about.half_life_days)
    weight = np.where((code > about.unknown) & (not about.is_context), adverse, faded)
    return np.where(seen, weight, 1.0).astype(np.float32)
