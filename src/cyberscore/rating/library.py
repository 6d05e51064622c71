"""Where plans are found: inside the package, or in models/ beside src/ when installed in place."""

from functools import lru_cache
from importlib.resources import files
from os import PathLike
from pathlib import Path

from cyberscore.exceptions import PlanError
from cyberscore.rating.plan import RatingPlan
from cyberscore.rating.plan_file import OTHER_FILES

DEFAULT_PLAN = "sme-2026"


def models_folder() -> Path:
    """Folder of the shipped plans.

    Raises
    ------
    PlanError
        When neither place has one.
    """
    inside = Path(str(files("cyberscore"))) / "models"
    beside = Path(str(files("cyberscore"))).parents[1] / "models"
    for folder in (inside, beside):
        if folder.is_dir():
            return folder
    raise PlanError(f"no plans found in {inside} or {beside}: reinstall cyberscore, or give the folder of a plan")


def shipped_text(name: str) -> str:
    """Text of one file of the shipped plan, such as pricing.toml."""
    return (models_folder() / DEFAULT_PLAN / name).read_text(encoding="utf-8")


def plan_folder(name_or_path: str | PathLike[str] | None = None) -> Path:
    """Folder of a plan that is named or given; whether there is one, `load_plan` says."""
    folder = Path(name_or_path) if name_or_path is not None else models_folder() / DEFAULT_PLAN
    if not _holds_plan(folder) and isinstance(name_or_path, str):
        folder = models_folder() / name_or_path
    return folder


def load_plan(name_or_path: str | PathLike[str] | None = None) -> RatingPlan:
    """Load a rating plan.

    Parameters
    ----------
    name_or_path : str or path, optional
        Name of a shipped plan, or a folder that holds a plan.json; default the shipped plan. A plan is read again when
        its files have changed.

    Raises
    ------
    PlanError
        When there is no such plan, or its digest, bounds or version are wrong.
    """
    folder = plan_folder(name_or_path)
    if not _holds_plan(folder):
        names = sorted(path.parent.name for path in models_folder().glob("*/plan.json"))
        raise PlanError(
            f"no plan {str(name_or_path)!r:.200}: give the folder of a plan.json, "
            f"or one of {', '.join(names) or 'none shipped'}"
        )
    try:
        facts = [(folder / name).stat() for name in ("plan.json", *OTHER_FILES)]
    except OSError as error:
        raise PlanError(f"{error.filename}: cannot be read: {error.strerror}") from error
    return _load(folder.resolve(), tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in facts))


def _holds_plan(folder: Path) -> bool:
    try:
        return (folder / "plan.json").is_file()
    except (OSError, ValueError):  # a name that no file system takes
        return False


@lru_cache(maxsize=8)
def _load(folder: Path, stamps: tuple[tuple[int, int, int], ...]) -> RatingPlan:  # noqa: ARG001  part of the key
    return RatingPlan.load(folder)
