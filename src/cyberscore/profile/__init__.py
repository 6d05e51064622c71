"""What is known of a firm: who it is, what was observed, and what that says at a date."""

from cyberscore.profile.evidence import SOURCES, Observation, Source
from cyberscore.profile.industries import Industry, industry, sectors
from cyberscore.profile.insured import Insured
from cyberscore.profile.posture import Posture, SignalState, posture_at
from cyberscore.profile.profile import Connection, Profile
from cyberscore.profile.signals import Signal, signal, signals

__all__ = [
    "SOURCES",
    "Connection",
    "Industry",
    "Insured",
    "Observation",
    "Posture",
    "Profile",
    "Signal",
    "SignalState",
    "Source",
    "industry",
    "posture_at",
    "sectors",
    "signal",
    "signals",
]
