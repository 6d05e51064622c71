"""Fields of JSON that may be missing or of another type than a tool writes: callers are readers of JSON."""

from typing import Any

from cyberscore.exceptions import ReadingError


def objects(value: object, place: str) -> list[dict[str, Any]]:
    """Return the objects of a list; none when it is missing.

    Raises
    ------
    ReadingError
        When it is no list of objects; `place` names the file and the field.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise ReadingError(f"{place} must be a list; got {type(value).__name__}: use the file as the tool wrote it")
    for one in value:
        if not isinstance(one, dict):
            raise ReadingError(
                f"{place} must hold objects; got {type(one).__name__}: use the file as the tool wrote it"
            )
    return value


def at(found: object, *path: str) -> Any:
    """Return what stands at a path of fields, None when one is missing or no object."""
    for name in path:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def text_at(found: object, *path: str) -> str:
    """Return text or a number at a path as text; empty when it is missing or something else."""
    value = found
    for name in path:  # as `at` does, which takes twice as long as it is called for each field of each object
        if not isinstance(value, dict):
            return ""
        value = value.get(name)
    if value is None or isinstance(value, str):
        return value or ""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def texts_at(found: object, *path: str) -> list[str]:
    """Return the texts at a path, whether one, a list or text with commas."""
    value = at(found, *path)
    if isinstance(value, str):
        return [one.strip() for one in value.split(",") if one.strip()]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
