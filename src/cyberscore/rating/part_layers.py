"""How the cost of a claim splits into coverage parts, and what sublimits, coinsurance and waiting leave of it.

A claim of a peril costs each part a fixed share of it (`PartShares`, a table of the plan). A sublimit S on a part of
share s therefore ends that part where the whole claim reaches S / s: a layer of the claim like any other, with a
weight. Called when a cover is settled; the layers are priced by `cyberscore.rating.expected_loss`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import RootModel, model_validator

from cyberscore.exceptions import CoverageError, PlanError
from cyberscore.perils import PARTS, PERILS
from cyberscore.rating.coverage import Coverage
from cyberscore.rating.numbers_of_plan import PartShare

SHARE_ERROR = 1e-9


class PartShares(RootModel[dict[str, dict[str, PartShare]]]):
    """Share of each coverage part in the cost of a claim, by peril; each row sums to 1."""

    @model_validator(mode="after")
    def _complete(self) -> "PartShares":
        if set(self.root) != set(PERILS):
            raise PlanError(f"parts must have one row for each peril: {', '.join(PERILS)}; got {', '.join(self.root)}")
        for peril, row in self.root.items():
            strange = sorted(set(row) - set(PARTS))
            if strange:
                raise PlanError(f"parts.{peril}: unknown part {strange[0]!r}: the parts are {', '.join(PARTS)}")
            if abs(sum(row.values()) - 1.0) > SHARE_ERROR:
                raise PlanError(f"parts.{peril}: shares must sum to 1; got {sum(row.values()):.9f}")
        return self

    def of(self, peril: str) -> Mapping[str, float]:
        """Shares of one peril by part."""
        return self.root[peril]


@dataclass(frozen=True, slots=True)
class PartLayer:
    """One part of a peril's claims: its share, and the depth of the claim's layer it pays to, with what weight.

    `weight` is the share less coinsurance, times the waiting factor where the part waits.
    """

    part: str
    share: float
    depth: float
    weight: float


@dataclass(frozen=True, slots=True)
class PerilLayers:
    """What a cover pays of one peril: `layers` of the claim above the retention, as (depth, weight).

    The expected cost is the sum of weight times the cost of the layer to that depth. `waiting` is the factor that the
    waiting period alone has on the peril.
    """

    limit: float
    waiting: float
    layers: tuple[tuple[float, float], ...]
    parts: tuple[PartLayer, ...]

    @property
    def pays(self) -> bool:
        """Whether it pays anything at all."""
        return any(depth > 0.0 and weight > 0.0 for depth, weight in self.layers)


def peril_layers(
    cover: Coverage, shares: PartShares | None, waiting: Mapping[str, float], waiting_of: Mapping[str, float]
) -> tuple[PerilLayers, ...]:
    """Lay out what a cover pays, by peril.

    Parameters
    ----------
    cover : Coverage
        In USD.
    shares : PartShares or None
        None for a plan without coverage parts.
    waiting : dict of peril to float
        Factor of the waiting period on the whole peril.
    waiting_of : dict of part to float
        Factor of the waiting period on each part that waits.

    Notes
    -----
    A claim with Y above the retention pays part j ``min(s_j Y, S_j)`` while Y is within the limit L of the claim; so
    part j ends at depth ``min(S_j / s_j, L)``, and a sublimit of L or more changes nothing. Two simplifications: shares
    are those of every claim, and what a sublimit leaves of the limit is not used by the other parts. The price rises
    with every limit and sublimit, and falls with retention, waiting and coinsurance, since every term does.

    Where ransoms are paid in three cases of ten, a cap of 25,000 to 500,000 on them is priced between 1 % of the
    peril's cost too low and 5 % too high (simulated at a limit of 1,000,000 in tests/rating/test_part_layers.py).

    Raises
    ------
    CoverageError
        When the cover speaks of parts and the plan has none.
    """
    if shares is None:
        if cover.has_part_terms:
            raise CoverageError(
                "the plan has no table of coverage parts ([parts] in pricing.toml): "
                "give sublimits and coinsurance by peril, or use a plan that has one"
            )
        limits = [(peril, cover.limit_for(peril)) for peril in PERILS]
        return tuple(
            [
                PerilLayers(limit, waiting[peril], ((limit, waiting[peril] * (1.0 - cover.borne(peril))),), ())
                for peril, limit in limits
            ]
        )
    return tuple([_layers(peril, cover, shares.of(peril), waiting[peril], waiting_of) for peril in PERILS])


def _layers(
    peril: str, cover: Coverage, shares: Mapping[str, float], waiting: float, waiting_of: Mapping[str, float]
) -> PerilLayers:
    limit = cover.limit_for(peril)
    parts = []
    for part, share in shares.items():
        depth = min(cover.sublimits[part] / share, limit) if part in cover.sublimits else limit
        parts.append(
            PartLayer(part, share, depth, share * waiting_of.get(part, 1.0) * (1.0 - cover.borne(peril, part)))
        )
    if all(one.depth == limit for one in parts) and PARTS.keys().isdisjoint(cover.coinsurance):
        layers: tuple[tuple[float, float], ...] = ((limit, waiting * (1.0 - cover.borne(peril))),)
    else:
        depths = sorted({one.depth for one in parts})
        layers = tuple([(depth, sum(one.weight for one in parts if one.depth == depth)) for depth in depths])
    return PerilLayers(limit, waiting, layers, tuple(parts))
