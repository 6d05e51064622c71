"""What is known of a firm: who it is, what was observed, and what that says at a date."""

from cyberscore.profile.connections import Connection
from cyberscore.profile.contradictions import Claim, Contradiction, contradictions
from cyberscore.profile.disputes import Dispute
from cyberscore.profile.evidence import SOURCES, Observation, Source
from cyberscore.profile.industries import Industry, industry, sectors
from cyberscore.profile.insured import Insured
from cyberscore.profile.posture import Posture, SignalState, posture_at
from cyberscore.profile.profile import Profile
from cyberscore.profile.signals import Signal, signal, signals

__all__ = [
    "SOURCES",
    "Claim",
    "Connection",
    "Contradiction",
    "Dispute",
    "Industry",
    "Insured",
    "Observation",
    "Posture",
    "Profile",
    "Signal",
    "SignalState",
    "Source",
    "contradictions",
    "industry",
    "posture_at",
    "sectors",
    "signal",
    "signals",
]
