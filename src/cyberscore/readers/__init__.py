"""Exports of security tools as observations: a module a tool, and `read`, which finds the one for a file."""

from cyberscore.readers import nmap, scubagear
from cyberscore.readers.base import Assets, NotMapped, Reading
from cyberscore.readers.detection import READERS, detect, options_of, read

__all__ = ["READERS", "Assets", "NotMapped", "Reading", "detect", "nmap", "options_of", "read", "scubagear"]
