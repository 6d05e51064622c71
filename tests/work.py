"""How much work a call does, counted in lines of this library, so that a test need not trust a clock."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import cyberscore

HOME = str(Path(cyberscore.__file__).parent)


def lines_run(call: Callable[[], object]) -> int:
    """Lines of the library that a call runs, each turn of a loop counted."""
    counted = 0

    def within(_: FrameType, event: str, __: Any) -> Any:
        nonlocal counted
        counted += event == "line"
        return within

    def entered(frame: FrameType, _: str, __: Any) -> Any:
        return within if frame.f_code.co_filename.startswith(HOME) else None

    before = sys.gettrace()
    sys.settrace(entered)
    try:
        call()
    finally:
        sys.settrace(before)
    return counted
