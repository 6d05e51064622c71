"""What may be claimed of a share that is only known to lie between two: callers are readers of incomplete counts."""

from itertools import pairwise

from cyberscore.profile.signals import signal


def certain_end(name: str, least: float, most: float) -> float | None:
    """Return the end of a range that may be claimed, None when it depends on the rest.

    Whatever the truth is, it is at least as bad as the better end: where that is adverse already, it is claimed. It
    is at least as good as the worse end: where that is favourable, it is claimed.

    Parameters
    ----------
    name : str
        A signal whose values are numbers.
    least, most : float
        In the signal's unit.
    """
    about = signal(name)
    better, worse = (least, most) if about.safer == "lower" else (most, least)
    if about.code(better) > about.unknown:
        return better
    return worse if about.code(worse) < about.unknown else None


def mildest_adverse(name: str) -> float:
    """Return the middle of the mildest adverse cell: what to claim of bad news whose size is not told.

    Parameters
    ----------
    name : str
        A signal whose values are numbers.
    """
    about = signal(name)
    middles = [(low + high) / 2 for low, high in pairwise((about.low, *about.breakpoints, about.high))]
    codes = {about.code(middle): middle for middle in middles}
    return round(codes[min(code for code in codes if code > about.unknown)], 6)
