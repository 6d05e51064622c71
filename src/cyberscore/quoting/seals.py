"""What seals rest on: numbers of ten digits, JSON in one form, and its digest. Callers are the record and its log."""

import hashlib
import json
from typing import Any

DIGITS = 10
"""Digits that a record keeps of a number: fewer than any two processors agree on, more than a replay compares."""


def rounded(content: Any) -> Any:
    """Round the numbers of plain JSON types to ten digits, amounts of whole thousandths aside.

    The last bits of a sum depend on the processor and on the version of numpy; what a record seals does not.
    """
    if isinstance(content, float):
        return content if content == round(content, 3) else float(f"{content:.{DIGITS}g}")
    if isinstance(content, dict):
        return {name: rounded(value) for name, value in content.items()}
    if isinstance(content, list):
        return [rounded(value) for value in content]
    return content


def canonical(content: Any) -> str:
    """JSON text that is the same for the same content: keys sorted, no spaces, ASCII."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(content: Any) -> str:
    """SHA-256 of canonical JSON."""
    return sha256(canonical(content))


def sha256(text: str) -> str:
    """SHA-256 of text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
