"""Claims of terms, and the exposure they are set against: years, trend, the share reported and above the retention."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from cyberscore.perils import BASIS_RETENTION
from cyberscore.rating.parts import N_PERILS, Floats
from cyberscore.training.books.encoding import EncodedClaims, EncodedPolicies
from cyberscore.training.books.signal_columns import Codes
from cyberscore.training.learning.severity import SeverityFit


@dataclass(frozen=True, slots=True)
class Experience:
    """What frequency is learned from: terms, their claims and exposures, (terms, perils)."""

    policies: EncodedPolicies
    counts: Floats
    exposure: Floats


def claim_counts(policies: EncodedPolicies, claims: EncodedClaims) -> Floats:
    """Claims above the basis by term and peril."""
    counts = np.zeros((len(policies), N_PERILS))
    np.add.at(counts, (claims.policy, claims.peril), 1.0)
    return counts


def basis_exposure(policies: EncodedPolicies, codes: Codes, severity: SeverityFit, frequency_index: Floats) -> Floats:
    """Years by term and peril that the claims above the basis are set against.

    Parameters
    ----------
    policies : EncodedPolicies
    codes : (terms, factors)
        What the severity is looked up by.
    severity : SeverityFit
        Gives the share of claims above the basis that the retention lets through.
    frequency_index : (terms,)
        Frequency of the term's year over that of the plan.
    """
    years = policies.exposure[:, None] * policies.reported * frequency_index[:, None]
    hidden = np.maximum(policies.retention - BASIS_RETENTION, 0.0)
    some = hidden > 0
    mu = severity.location(codes[some], np.log(policies.revenue[some]))
    years[some] *= ndtr((mu - np.log(hidden[some])[:, None]) / severity.sigma)
    return years
