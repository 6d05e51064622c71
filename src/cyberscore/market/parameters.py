"""Parameters of the simulated market, read from market.toml; each names its evidence there."""

import copy
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cyberscore.perils import BASIS_RETENTION, PERILS
from cyberscore.profile import signals
from cyberscore.profile.industries import sectors

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MarketParameters:
    """Everything the market is made from. Arrays are (signals, perils) or (perils,) in catalogue and peril order.

    `effects[j]` is (cells, perils): the log effect of each cell of signal j on each peril's frequency;
    `severity_effects[j]` the same on severity.
    """

    raw: dict[str, Any]
    prevalence: tuple[Floats, ...]
    effects: tuple[Floats, ...]
    severity_effects: tuple[Floats, ...]
    loading_general: Floats
    loading_domain: Floats
    size_slope: Floats
    domains: tuple[str, ...]
    curve: Floats

    def peril(self, key: str) -> Floats:
        """One number a peril."""
        return np.array([float(self.raw["perils"][peril][key]) for peril in PERILS])


@cache
def market_parameters() -> MarketParameters:
    """Parameters as shipped."""
    text = files("cyberscore.market").joinpath("market.toml").read_text(encoding="utf-8")
    return parameters_from(tomllib.loads(text))


def parameters_from(raw: dict[str, Any]) -> MarketParameters:
    """Parameters from the content of a market.toml."""
    own = raw["signals"]
    if list(own) != list(signals()):
        raise ValueError("market.toml: signals must be those of the catalogue, in its order")
    if set(raw["sectors"]) != set(sectors()):
        raise ValueError("market.toml: sectors must be those of industries.toml")
    effects, severity_effects = [], []
    for spec in own.values():
        effect = np.zeros((len(spec["prevalence"]), len(PERILS)))
        severity = np.zeros_like(effect)
        for k, peril in enumerate(PERILS):
            about = raw["perils"][peril]
            key = about["relative_risk"]
            badness = np.array(spec.get("badness_by_peril", {}).get(key, spec["badness"]))
            log_risk = np.log(spec["relative_risk"][key]) * spec.get("decades", 1.0)
            if peril in spec.get("severity_only", ()):
                severity[:, k] = raw["severity"]["temper"] * log_risk * badness
            else:
                effect[:, k] = about["temper"] * log_risk * badness
        effects.append(effect)
        severity_effects.append(severity)
    return MarketParameters(
        raw=raw,
        prevalence=tuple(np.array(spec["prevalence"]) for spec in own.values()),
        effects=tuple(effects),
        severity_effects=tuple(severity_effects),
        loading_general=np.array([spec["loading_general"] for spec in own.values()]),
        loading_domain=np.array([spec["loading_domain"] for spec in own.values()]),
        size_slope=np.array([spec["size_slope"] for spec in own.values()]),
        domains=tuple(about.domain for about in signals().values()),
        curve=np.array([raw["perils"][peril].get("log_rate", [0.0] * 3) for peril in PERILS]),
    )


def perturbed(market: MarketParameters, *, seed: int, spread: float = 0.3, level: float = 0.0) -> MarketParameters:
    """Return another market of the same form: what a plan learned here meets there.

    Parameters
    ----------
    market : MarketParameters
    seed : int
    spread : float
        Standard deviation of the log of the factor on each signal's effect on each peril and on each sector's and
        country's log frequency: .3 is "effects 30 % off".
    level : float
        The same on each peril's frequency.
    """
    rng = np.random.default_rng(seed)
    raw = copy.deepcopy(market.raw)
    k = len(PERILS)
    effects = tuple(effect * np.exp(spread * rng.standard_normal(k)) for effect in market.effects)
    severity = tuple(effect * np.exp(spread * rng.standard_normal(k)) for effect in market.severity_effects)
    for about in raw["sectors"].values():
        for peril in PERILS:
            about[peril] = float(about.get(peril, about["frequency"]) ** np.exp(spread * rng.standard_normal()))
    frequency = raw["country"]["frequency"]
    for name in frequency:
        frequency[name] = float(frequency[name] ** np.exp(spread * rng.standard_normal()))
    curve = market.curve + level * rng.standard_normal(k)[:, None]
    return replace(market, raw=raw, effects=effects, severity_effects=severity, curve=curve)


__all__ = ["BASIS_RETENTION", "MarketParameters", "market_parameters", "parameters_from", "perturbed"]
