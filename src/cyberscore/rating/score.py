"""From expected loss to risk score, band and place among peers."""

import math
from bisect import bisect_right

from cyberscore.rating.plan import RatingPlan

BANDS = ("A", "B", "C", "D", "E", "F")
POINTS_PER_DOUBLING = 10.0
CENTRE = 50.0


def expected_loss_of_book(plan: RatingPlan, revenue: float) -> float:
    """Mean expected loss of the plan's book at a revenue, in the standard layer (USD)."""
    return math.exp(float(plan.score.expected_loss.at(math.log(revenue))[0]))


def unclipped_score(expected_loss: float, reference: float) -> float:
    """`50 + 10 log2(E / E_ref)`: ten points more is twice the expected loss."""
    return CENTRE + POINTS_PER_DOUBLING * math.log2(expected_loss / reference)


def score_change(log_change: float) -> float:
    """Points of score of a change of the log expected loss."""
    return POINTS_PER_DOUBLING * log_change / math.log(2.0)


def clipped(score: float) -> float:
    """Score as shown, 0 to 100."""
    return min(max(score, 0.0), 100.0)


def band(plan: RatingPlan, score: float) -> str:
    """Band A (safest) to F by the book's quantiles."""
    return BANDS[bisect_right(plan.score.band_edges, score)]


def safer_than(plan: RatingPlan, score: float, sector: str, revenue: float) -> float:
    """Share of peers (same sector and size) with a higher, riskier score; 0..1."""
    size = bisect_right(plan.score.peer_revenue, revenue)
    quantiles = plan.score.peer_quantiles[sector][size]
    steps = len(quantiles) - 1
    k = bisect_right(quantiles, score)
    if k == 0:
        return 1.0
    if k > steps:
        return 0.0
    width = quantiles[k] - quantiles[k - 1]
    inside = (score - quantiles[k - 1]) / width if width > 0 else 0.0
    return 1.0 - (k - 1 + inside) / steps
