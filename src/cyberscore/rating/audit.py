"""Monotonicity of a plan: in every context a riskier code must not lower a log rate or a severity.

Also the repair of tables that rounding has put out of order.
"""

from collections.abc import Mapping

import numpy as np

from cyberscore.exceptions import PlanError
from cyberscore.rating.parts import WIDTH, Floats, factors

TOLERANCE = 1e-9


def steps_of(name: str, tables: Mapping[str, Floats], pairs: Mapping[tuple[str, str], Floats]) -> Floats:
    """Smallest rise from each code of a factor to the next, over every context, (codes - 1, WIDTH).

    The sum over pairs of the smallest rise of each bounds the rise in any joint context from below.
    """
    steps = np.diff(tables[name], axis=0)
    for (a, b), table in pairs.items():
        if a == name:
            steps = steps + np.diff(table, axis=0).min(axis=1)
        if b == name:
            steps = steps + np.diff(table, axis=1).min(axis=0)
    return steps


def repair(tables: dict[str, Floats], pairs: Mapping[tuple[str, str], Floats]) -> tuple[dict[str, Floats], float]:
    """Raise the tables just enough that no step falls; return them and the largest raise."""
    fixed, largest = dict(tables), 0.0
    for factor in factors():
        if not factor.monotone:
            continue
        lack = np.maximum(-steps_of(factor.name, fixed, pairs), 0.0)
        largest = max(largest, float(lack.max(initial=0.0)))
        raised = np.concatenate([np.zeros((1, WIDTH)), np.cumsum(lack, axis=0)])
        fixed[factor.name] = np.round(fixed[factor.name] + raised, 6) + 0.0
    return fixed, largest


def audit_tables(tables: Mapping[str, Floats], pairs: Mapping[tuple[str, str], Floats]) -> None:
    """Refuse a plan in which better security could cost more.

    Raises
    ------
    PlanError
        Naming the factor and the two codes.
    """
    for factor in factors():
        if not factor.monotone:
            continue
        steps = steps_of(factor.name, tables, pairs)
        if (steps < -TOLERANCE).any():
            code, column = (int(x) for x in np.argwhere(steps < -TOLERANCE)[0])
            raise PlanError(
                f"factor {factor.name}: {factor.labels[code + 1]!r} is rated below the safer {factor.labels[code]!r} "
                f"(column {column}, step {steps[code, column]:.6f}): raise it, or retrain"
            )
