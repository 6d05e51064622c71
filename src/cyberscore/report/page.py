"""The page itself: `render_report` makes one self-contained HTML text of a profile and its quote.

jinja2 is imported when the first page is made, so that a quote does not wait for it.
"""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from cyberscore.profile import Profile
from cyberscore.quoting import Quote
from cyberscore.rating.plan import RatingPlan

if TYPE_CHECKING:
    from jinja2 import Template


def render_report(profile: Profile, quote: Quote, *, plan: RatingPlan | None = None, lang: str = "en") -> str:
    """Render a quote as a self-contained HTML page.

    It loads nothing, runs no script, and prints on A4 or Letter. A pure function: the same arguments give the same
    text.

    Parameters
    ----------
    profile : Profile
        The one quoted.
    quote : Quote
    plan : RatingPlan, optional
        The one quoted with; default the shipped plan.
    lang : {"en", "zh"}
        English or Simplified Chinese.

    Raises
    ------
    ProfileError, PlanError
        When the quote was made of another profile, or with another plan.
    ValueError
        When there is no such language.

    Examples
    --------
    >>> from datetime import date
    >>> import cyberscore
    >>> clinic = cyberscore.example("dental_clinic")
    >>> page = cyberscore.render_report(clinic, cyberscore.quote(clinic, as_of=date(2026, 11, 23)), lang="zh")
    >>> "指示性报价" in page
    True
    """
    from cyberscore.report.language import language  # noqa: PLC0415  needs markupsafe
    from cyberscore.report.view import view_of  # noqa: PLC0415

    words = language(lang)
    return _template().render(view_of(profile, quote, plan, words)) + "\n"


def _shown(value: Any) -> Any:
    """Clean every text that is put into the page."""
    from cyberscore.report.language import clean  # noqa: PLC0415

    return clean(value) if type(value) is str else value


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  imported when the first page is made
    from markupsafe import Markup  # noqa: PLC0415

    folder = files("cyberscore.report")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_shown, trim_blocks=True, lstrip_blocks=True
    )
    # the style is ours: no text of a profile goes into it
    environment.globals["style"] = Markup((folder / "page.css").read_text(encoding="utf-8"))  # noqa: S704
    return environment.from_string((folder / "page.html").read_text(encoding="utf-8"))
