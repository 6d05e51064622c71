"""The report in a real Chromium: it loads nothing, is silent on the console, fits, prints; axe-core finds no fault.

`CYBERSCORE_BROWSER` names the browser; without it `chromium` is looked for. Run it by name,
`pytest tests/browser`, with the extra `browser`: no browser or no driver is a failure, never a skip.
"""

import os
import shutil
from datetime import date
from importlib.resources import files

import pytest

import cyberscore
from cyberscore import Coverage
from cyberscore.report import render_report

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
GRID = Coverage.grid(limits=[5e5, 1e6, 2e6], retentions=[2.5e3, 1e4, 2.5e4])
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# what passed comes back as a number alone: to name every node that passed would take most of the time
RUN_AXE = """rules => axe.run(document, {runOnly: rules, resultTypes: ["violations"]}).then(found => [
  found.passes.length,
  found.violations.map(({impact, id, nodes: [one]}) => [impact, `${id}: ${one.html} ${one.failureSummary}`]),
])"""

CUT_OFF = """[...document.querySelectorAll('.wide')].filter(one => one.scrollWidth > one.clientWidth + 1)
  .map(one => one.ariaLabel)"""
OVERLAPPING = """[...document.querySelectorAll('.chart text')]
  .map(one => [one.textContent, one.getBoundingClientRect()])
  .filter(([, box]) => box.width).flatMap(([told, a], k, all) => all.slice(k + 1)
    .filter(([, b]) => a.left < b.right && b.left < a.right && a.top + 3 < b.bottom - 3 && b.top + 3 < a.bottom - 3)
    .map(([other]) => `${told} / ${other}`))"""


def fullest():
    """Give a profile whose report has every section: options, a contradiction, a dispute, conditions."""
    raw = cyberscore.example("manufacturer").to_dict()
    for value, day, source in ((1.0, "2026-11-01", "attestation"), (0.4, "2026-11-10", "document")):
        raw["observations"].append(
            {"signal": "mfa_email_coverage", "value": value, "observed_at": day, "source": source}
        )
    found = next(one for one in cyberscore.Profile.from_dict(raw).observations if one.signal == "exposed_rdp")
    raw["disputes"] = [{"observation": found.digest, "kind": "fixed", "note": "Closed since.", "at": "2026-11-22"}]
    return cyberscore.Profile.from_dict(raw)


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Write the reports to files, as the command line does."""
    folder = tmp_path_factory.mktemp("reports")
    profile = fullest()
    answer = cyberscore.quote(profile, as_of=date(2026, 11, 23), options=GRID)
    for lang in ("en", "zh"):
        page = render_report(profile, answer, lang=lang)
        (folder / f"full_{lang}.html").write_text(page, encoding="utf-8", newline="\n")
    # in euros the axis of losses has one decade more
    raw = cyberscore.example("manufacturer").to_dict()
    raw["insured"] |= {"country": "DE", "currency": "EUR"}
    profile, cover = cyberscore.Profile.from_dict(raw), Coverage(currency="EUR", aggregate_limit=2e6, retention=2.5e4)
    page = render_report(profile, cyberscore.quote(profile, cover, as_of=date(2026, 11, 23)), lang="zh")
    (folder / "euros_zh.html").write_text(page, encoding="utf-8", newline="\n")
    return folder


@pytest.fixture(scope="module")
def browser():
    """Start Chromium with a new, empty profile of its own."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CYBERSCORE_BROWSER") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "no browser: install chromium, or name one in CYBERSCORE_BROWSER"
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def axe():
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def opened(context, file):
    """Open a report, and keep what it says and asks for."""
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    return page, said, asked


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_report_in_chromium(browser, axe, reports, lang, scheme, width):
    file = reports / f"full_{lang}.html"
    # axe-core is a script: the page's own policy, which allows none, is lifted for it alone, and tested below
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    try:
        page, said, asked = opened(context, file)
        assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") == (scheme == "dark")
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == ("rgb(18, 22, 28)" if scheme == "dark" else "rgb(255, 255, 255)")
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        # no column is hidden beside the page, and the waterfall has room
        assert page.evaluate(CUT_OFF) == []
        assert page.evaluate("document.querySelector('.falls .bar svg').getBoundingClientRect().width") > 300
        assert page.evaluate(OVERLAPPING) == []
        page.evaluate(axe + "; undefined")
        passed, violations = page.evaluate(RUN_AXE, RULES)
        assert passed > 20, "axe-core checked next to nothing"
        faults = [told for impact, told in violations if impact in {"serious", "critical"}]
        assert faults == []
        assert said == []
        assert asked == [file.as_uri()]
    finally:
        context.close()


def test_no_label_of_the_chart_covers_another_on_a_phone(browser, reports):
    context = browser.new_context(viewport={"width": 375, "height": 900})
    try:
        page, _, _ = opened(context, reports / "euros_zh.html")
        assert page.evaluate("document.querySelectorAll('.chart text.odd').length") == 3
        assert page.evaluate(OVERLAPPING) == []
    finally:
        context.close()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_keeps_to_its_own_policy_and_prints(browser, reports, lang):
    file = reports / f"full_{lang}.html"
    context = browser.new_context(color_scheme="dark")  # prints dark on white all the same
    try:
        page, said, asked = opened(context, file)
        assert page.title()
        printed = page.pdf(format="A4", prefer_css_page_size=True, print_background=True)
        assert printed.startswith(b"%PDF-")
        assert printed.count(b"/Type /Page\n") > 5
        assert len(printed) > 50_000
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        # nothing wider than an A4 page less its margins, 182 mm at 96 px to the inch
        page.set_viewport_size({"width": 687, "height": 900})
        wide = "[...document.querySelectorAll('table')].filter(one => one.getBoundingClientRect().right > 688).length"
        assert page.evaluate(wide) == 0
        # the id of a rule is not broken into letters
        lines = "[...document.querySelectorAll('.rules code')].map(one => one.getClientRects().length)"
        assert max(page.evaluate(lines)) <= 2
        assert said == []
        assert asked == [file.as_uri()]
    finally:
        context.close()
