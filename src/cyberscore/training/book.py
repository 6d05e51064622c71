"""`Book`: policies and claims of a carrier, checked, from pandas, polars or Arrow."""

from dataclasses import dataclass, field

import pandas as pd

from cyberscore.training.encoding import EncodedClaims, EncodedPolicies, encode_claims, encode_policies


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Policies and claims, checked when made.

    Parameters
    ----------
    policies : DataFrame
        One row a policy term: policy_id, annual_revenue, retention, limit (USD), exposure (years), sector, country
        (group), optionally insured_id, record_count and year, and a column a signal with `<signal>__source` and
        `<signal>__age_days`.
    claims : DataFrame
        One row a claim: policy_id, peril, incurred (USD, net of the retention, up to the limit, at ultimate).

    Attributes
    ----------
    encoded_policies, encoded_claims
        The same in numbers.

    Raises
    ------
    TrainingError
        Naming columns and rows.
    """

    policies: pd.DataFrame
    claims: pd.DataFrame
    encoded_policies: EncodedPolicies = field(init=False)
    encoded_claims: EncodedClaims = field(init=False)

    def __post_init__(self) -> None:
        encoded = encode_policies(self.policies)
        object.__setattr__(self, "encoded_policies", encoded)
        object.__setattr__(self, "encoded_claims", encode_claims(self.claims, encoded))

    def __len__(self) -> int:
        return len(self.encoded_policies)
