"""How many values JSON text holds, counted before it is parsed: callers are `parse_json` and the readers of JSON.

A value of three bytes, such as `[],`, takes some hundred in memory: bytes alone bound neither memory nor time.
"""

MAX_VALUES = 16_000_000
"""JSON of more keys and values than this is refused."""
FREE_VALUES, BYTES_A_VALUE = 500_000, 5
"""Keys and values that any JSON may hold, and for how many bytes one more; tools write one for 8 bytes or more."""
FREE_BRACKETS, BYTES_A_BRACKET = 250_000, 20
"""The same of objects and lists together: tools write one for 34 bytes or more."""

_PART = 1 << 16
"""Characters looked at together, so that counting needs no memory to speak of."""


class JsonValues:
    """Counts keys, values and brackets of JSON text, given in one piece or in several that follow each other.

    Each key and value has a comma, a colon or a bracket before it. What stands after a mistake may be miscounted; it is
    not parsed either.

    Parameters
    ----------
    most : int
        Keys and values that are allowed, however long the text is.
    """

    def __init__(self, most: int = MAX_VALUES) -> None:
        self.most = most
        self.size = self.values = self.brackets = 0
        self._inside = False  # a text that did not end yet
        self._rest = ""  # a backslash, which belongs to what follows

    def excess(self, text: str) -> str:
        """Count more text; say what there is too much of, or nothing."""
        for start in range(0, len(text), _PART):
            self._count(text[start : start + _PART])
            if self.values > min(self.most, FREE_VALUES + self.size // BYTES_A_VALUE):
                return f"{self.values:,} keys and values in {self.size / 1e6:.3g} MB"
            if self.brackets > FREE_BRACKETS + self.size // BYTES_A_BRACKET:
                return f"{self.brackets:,} objects and lists in {self.size / 1e6:.3g} MB"
        return ""

    def _count(self, part: str) -> None:
        self.size += len(part)
        part = (self._rest + part).replace("\\\\", "")
        self._rest = "\\" if part.endswith("\\") else ""
        parts = part.removesuffix(self._rest).replace('\\"', "").split('"')
        outside = "".join(parts[self._inside :: 2])
        self._inside ^= len(parts) % 2 == 0
        brackets = outside.count("[") + outside.count("{")
        self.brackets += brackets
        self.values += brackets + outside.count(",") + outside.count(":")
