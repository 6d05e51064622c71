"""A rating plan in memory: factors, tables of relativities, severities, score references, pricing and rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np

from cyberscore.exceptions import PlanError
from cyberscore.profile import sectors
from cyberscore.rating.audit import audit_tables
from cyberscore.rating.layers import PerilSeverity
from cyberscore.rating.parts import (
    N_PERILS,
    WIDTH,
    Curve,
    Floats,
    IntervalWidths,
    ScoreReference,
    UnknownsModel,
    factors,
)
from cyberscore.rating.plan_file import PlanFiles, build_parts
from cyberscore.rating.price_audit import audit_prices
from cyberscore.rating.pricing import Pricing
from cyberscore.rules import RuleBook


@dataclass(frozen=True, slots=True, eq=False)
class RatingPlan:
    """A rating plan: everything a quote needs.

    Attributes
    ----------
    files : PlanFiles
        What it was built from, as on disk.
    name : str
    digest : str
        SHA-256 of the plan's files.
    about : dict
        Provenance: the market or book, seed, counts of policies and claims.
    base : Curve
        Log frequency and log severity location by revenue, `WIDTH` columns.
    tables : dict of factor name to array (codes, WIDTH)
    pairs : dict of (factor, factor) to array (codes, codes, WIDTH)
    log_balance : array (perils,)
    severity : tuple of PerilSeverity
    intervals : IntervalWidths
    bag_base, bag_deviations : arrays (bags, nodes, WIDTH) and (bags, cells, WIDTH), or None
        Each bag's base and cells less the plan's.
    """

    files: PlanFiles
    name: str
    digest: str
    about: Mapping[str, Any]
    base: Curve
    tables: Mapping[str, Floats]
    pairs: Mapping[tuple[str, str], Floats]
    log_balance: Floats
    severity: tuple[PerilSeverity, ...]
    score: ScoreReference
    unknowns: UnknownsModel
    intervals: IntervalWidths
    pricing: Pricing
    rules: RuleBook
    bag_base: Floats | None
    bag_deviations: Floats | None
    cells: Floats = field(init=False)
    offsets: tuple[int, ...] = field(init=False)
    pair_index: tuple[tuple[int, int, int, int], ...] = field(init=False)
    balance_row: Floats = field(init=False)
    sector_codes: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        parts, offsets, pair_index, start = [], [], [], 0
        names = [factor.name for factor in factors()]
        for factor in factors():
            table = self.tables.get(factor.name)
            if table is None or table.shape != (len(factor.labels), WIDTH):
                raise PlanError(f"the table of {factor.name} must have {len(factor.labels)} rows of {WIDTH} numbers")
            offsets.append(start)
            parts.append(table)
            start += len(table)
        for (a, b), table in self.pairs.items():
            for name in (a, b):
                if name not in names:
                    raise PlanError(f"pair {a} x {b}: unknown factor {name!r}")
            if a == b:
                raise PlanError(f"pair {a} x {b}: a pair needs two factors")
            shape = (len(factors()[names.index(a)].labels), len(factors()[names.index(b)].labels), WIDTH)
            if table.shape != shape:
                raise PlanError(f"the table of {a} x {b} must have shape {shape}; got {table.shape}")
            pair_index.append((names.index(a), names.index(b), start, shape[1]))
            parts.append(table.reshape(-1, WIDTH))
            start += shape[0] * shape[1]
        cells = np.concatenate(parts)
        if self.bag_deviations is not None and self.bag_deviations.shape[1] != len(cells):
            raise PlanError(f"bags.deviations must have {len(cells)} cells a bag; got {self.bag_deviations.shape[1]}")
        if not np.isfinite(cells).all() or np.abs(cells).max() > 10.0:
            raise PlanError("every relativity must be finite and its log within -10..10")
        cells.setflags(write=False)
        object.__setattr__(self, "cells", cells)
        object.__setattr__(self, "balance_row", np.concatenate([self.log_balance, np.zeros(N_PERILS)]))
        object.__setattr__(self, "sector_codes", {name: code for code, name in enumerate(sectors())})
        object.__setattr__(self, "offsets", tuple(offsets))
        object.__setattr__(self, "pair_index", tuple(pair_index))

    @property
    def plan_id(self) -> str:
        """Name and digest: what a quote records."""
        return f"{self.name}@{self.digest}"

    @classmethod
    def from_files(cls, files: PlanFiles) -> "RatingPlan":
        """Build a plan from the content of its files and audit it.

        Raises
        ------
        PlanError
            When a field is missing or out of bounds, or better security would cost more.
        """
        plan = cls(files=files, digest=files.digest, **build_parts(files))
        audit_tables(plan.tables, plan.pairs)
        audit_prices(plan.base, plan.log_balance, plan.tables, plan.pairs, severity=plan.severity, pricing=plan.pricing)
        return plan

    @classmethod
    def load(cls, folder: str | PathLike[str]) -> "RatingPlan":
        """Read a plan from its folder.

        Raises
        ------
        PlanError
            When a file is missing, damaged or of an unknown format, a number is out of bounds, or the digest does not
            fit.
        """
        return cls.from_files(PlanFiles.read(folder))

    def save(self, folder: str | PathLike[str]) -> None:
        """Write the plan to a folder; loading it gives the same digest."""
        self.files.write(folder)

    def __repr__(self) -> str:
        return f"RatingPlan({self.plan_id!r}, {len(self.tables)} factors, {len(self.pairs)} pairs)"
