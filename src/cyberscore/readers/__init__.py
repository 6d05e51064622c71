"""Exports of security tools as observations: a module a tool, and `read`, which finds the one for a file."""

from cyberscore.readers import nmap, scubagear
from cyberscore.readers.base import NotMapped, Reading
from cyberscore.readers.detection import read

__all__ = ["NotMapped", "Reading", "nmap", "read", "scubagear"]
