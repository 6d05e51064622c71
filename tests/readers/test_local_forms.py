"""Forms as spreadsheets of other countries save them: the same answers, or a question where two are possible."""

import csv
import io
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberscore import ReadingError, readers
from cyberscore.readers import application
from cyberscore.readers.documents import delimiter_of
from cyberscore.readers.local_text import Habits, dates_in, numbers_in

DAY = "2026-11-22"
ANSWERS = {
    "signed_on": DAY,
    "mfa_email": "0.8",
    "mfa_remote": "yes",
    "edr": "92.5%",
    "mdr": "no",
    "critical_patch_days": "12.5 days",
    "prior_incidents": "2",
    "training": "2026-03-04",
    "restore_test": "2026-10-31",
}


def written(answer, *, decimal, day, true_and_false):
    """Write an answer as a spreadsheet of a country does."""
    if answer[:2] == "20" and "-" in answer:
        return day(date.fromisoformat(answer))
    return true_and_false.get(answer, answer.replace(".", decimal))


COUNTRIES = {
    "United States": {"decimal": ".", "day": lambda d: f"{d.month}/{d.day}/{d.year}", "true_and_false": {}},
    "Germany": {
        "decimal": ",",
        "day": lambda d: f"{d:%d.%m.%Y}",
        "true_and_false": {"yes": "WAHR", "no": "FALSCH"},
    },
    "France": {"decimal": ",", "day": lambda d: f"{d:%d/%m/%Y}", "true_and_false": {"yes": "VRAI", "no": "FAUX"}},
    "Spain": {"decimal": ",", "day": lambda d: f"{d.day}/{d.month}/{d.year}", "true_and_false": {"yes": "Sí"}},
    "Netherlands": {"decimal": ",", "day": lambda d: f"{d.day}-{d.month}-{d.year}", "true_and_false": {"yes": "WAAR"}},
    "Switzerland": {"decimal": ".", "day": lambda d: f"{d.day}.{d.month}.{d.year}", "true_and_false": {"no": "nein"}},
    "Finland": {
        "decimal": ",",
        "day": lambda d: f"{d.day}.{d.month}.{d.year} 14:30",
        "true_and_false": {"no": "EPÄTOSI"},
    },
}


def form(country, delimiter, *, changes=None, mark=False):
    """Fill the template in, as saved in a country."""
    rows = list(csv.reader(application.template().splitlines()))
    filled = {key: written(answer, **COUNTRIES[country]) for key, answer in ANSWERS.items()} | (changes or {})
    text = io.StringIO()
    if mark:
        text.write(f"sep={delimiter}\r\n")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(rows[0])
    writer.writerows([key, question, filled.get(key, ""), how] for key, question, _, how in rows[1:])
    return text.getvalue()


def told(reading):
    return {one.signal: (one.value, one.occurred_at) for one in reading.observations}, reading.observed_at.date()


def asked(reading):
    return [what for one in reading.not_mapped if one.why == "answer that may be read in two ways" for what in one.what]


EXPECTED = told(application.read(json.dumps(ANSWERS).encode()))


def test_the_plain_form_says_what_is_expected():
    values, signed = EXPECTED
    assert signed.isoformat() == DAY
    assert values["mfa_email_coverage"] == (0.8, None)
    assert values["critical_patch_median_days"] == (12.5, None)
    assert values["training_age_days"] == (None, date(2026, 3, 4))


@pytest.mark.parametrize("country", COUNTRIES)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_form_says_the_same_wherever_it_was_saved(country, delimiter, encoding):
    data = form(country, delimiter).encode(encoding)
    assert readers.detect(data) == "application"
    found = readers.read(data)
    assert told(found) == EXPECTED
    assert not asked(found)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_first_line_may_name_the_delimiter(delimiter):
    assert told(readers.read(form("Germany", delimiter, mark=True).encode("utf-8-sig"))) == EXPECTED


def test_questions_hold_more_commas_than_a_line_has_columns():
    text = "id;question;answer\n" + "".join(
        f"{key};a, b, c, d, e, f, g or h, i?;{said}\n" for key, said in ANSWERS.items()
    )
    assert text.count(",") > 2 * text.count(";")
    assert delimiter_of(text) == ";"
    assert told(readers.read(text.encode())) == EXPECTED


@pytest.mark.parametrize(
    ("key", "answer", "meanings"),
    [
        ("critical_patch_days", "1.234", ("1234", "1.234")),
        ("critical_patch_days", "1,234 days", ("1234", "1.234")),
        ("prior_incidents", "1.200", ("1200", "1.2")),
        ("prior_incidents", "1,200", ("1200", "1.2")),
        ("training", "03/04/2026", ("2026-04-03", "2026-03-04")),
        ("training", "3-4-2026", ("2026-04-03", "2026-03-04")),
        ("restore_test", "tested on 03/04/2026", ("2026-04-03", "2026-03-04")),
        ("incident_response_test", "1.234 days ago", ("1234", "1.234")),
    ],
)
def test_what_may_be_read_in_two_ways_is_asked(key, answer, meanings):
    found = application.read(json.dumps({"signed_on": DAY, "mdr": "no", key: answer}).encode())
    assert set(told(found)[0]) == {"mdr_24x7"}
    assert asked(found) == [f"{key}: {answer} may be {' or '.join(meanings)}: write the one that is meant"]
    assert found.scope["said"]["unclear"] == 1


@pytest.mark.parametrize(
    ("hint", "key", "answer", "value"),
    [
        ({"mfa_email": "0,8"}, "critical_patch_days", "1.234", 1234.0),
        ({"mfa_email": "0,8"}, "critical_patch_days", "1,234", 1.234),
        ({"mfa_email": "80,5 %"}, "prior_incidents", "1.200", 1200),
        ({"mfa_email": "0.8"}, "critical_patch_days", "1,234", 1234.0),
        ({"restore_test": "31/10/2026"}, "training", "03/04/2026", date(2026, 4, 3)),
        ({"restore_test": "10/31/2026"}, "training", "03/04/2026", date(2026, 3, 4)),
        ({}, "training", "03.04.2026", date(2026, 4, 3)),
        ({}, "training", "05/05/2026", date(2026, 5, 5)),
        ({}, "training", "22.11.2026 00:00:00", date(2026, 11, 22)),
    ],
)
def test_the_rest_of_the_form_tells_which_is_meant(hint, key, answer, value):
    found = application.read(json.dumps({"signed_on": DAY, **hint, key: answer}).encode())
    signal = next(one.signal for one in application.questions() if one.id == key)
    assert value in told(found)[0][signal]
    assert not asked(found)


def test_hints_that_contradict_each_other_tell_nothing():
    answers = {"signed_on": DAY, "mfa_email": "0,8", "edr": "0.8", "critical_patch_days": "1.234"}
    assert len(asked(application.read(json.dumps(answers).encode()))) == 1
    answers = {"signed_on": "31/10/2026", "restore_test": "10/31/2026", "training": "03/04/2026"}
    assert len(asked(application.read(json.dumps(answers).encode()))) == 1


def test_other_questions_tell_nothing_of_how_numbers_are_written():
    answers = {"signed_on": DAY, "version of your firewall": "3.11", "critical_patch_days": "1,234"}
    assert len(asked(application.read(json.dumps(answers).encode()))) == 1


def test_a_date_of_signature_in_two_readings_is_asked():
    data = json.dumps({"signed_on": "03/04/2026", "mdr": "no"}).encode()
    with pytest.raises(ReadingError, match="signature 03/04/2026 may be 2026-04-03 or 2026-03-04: write"):
        application.read(data)
    found = application.read(data, observed_at="2026-04-03")
    assert found.observed_at.date().isoformat() == "2026-04-03"
    assert "date of signature that may be read in two ways" in [one.why for one in found.not_mapped]


@pytest.mark.parametrize(
    ("text", "meanings"),
    [
        ("0,8", (0.8,)), ("0.8", (0.8,)), ("0,125", (0.125,)), ("12,5", (12.5,)), ("1234", (1234.0,)),
        ("1234,567", (1234.567,)), ("1.234.567", (1234567.0,)), ("1,234,567", (1234567.0,)), ("1 234", (1234.0,)),
        ("1'234", (1234.0,)), ("1.234,5", (1234.5,)), ("1,234.5", (1234.5,)), ("1 234,5", (1234.5,)),
        ("1'234.50", (1234.5,)), ("1.234", (1234.0, 1.234)), ("999,000", (999000.0, 999.0)),
        ("1.234.5", ()), ("1,23,456", ()), ("1.2.3", ()), (",5", ()), ("5,", ()), ("1..2", ()), ("", ()), ("x", ()),
        ("1" * 40, ()), ("1." * 400, ()),
    ],
)  # fmt: skip
def test_numbers_of_all_countries(text, meanings):
    assert numbers_in(text) == meanings


@given(
    st.integers(0, 10**6),
    st.integers(1, 99),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", ",")]),
)
def test_a_number_with_two_decimals_is_itself_in_every_country(whole, hundredths, marks):
    thousands, decimal = marks
    text = f"{whole:,}".replace(",", thousands) + f"{decimal}{hundredths:02}"
    assert numbers_in(text) == (float(f"{whole}.{hundredths:02}"),)


@given(st.dates(date(1998, 1, 1), date(2099, 12, 31)), st.sampled_from("./-"), st.booleans())
def test_a_date_is_among_its_readings_and_with_habits_the_only_one(day, mark, day_first):
    first, second = (day.day, day.month) if day_first or mark == "." else (day.month, day.day)
    text = f"{first}{mark}{second:02}{mark}{day.year}"
    assert day in dates_in(text)
    assert dates_in(text, Habits(day_first=day_first)) == (day,)
    assert len(dates_in(text)) == (2 if mark != "." and day.day <= 12 and day.day != day.month else 1)


@pytest.mark.parametrize(
    "text", ["31/31/2026", "22.11.26", "2026.11.22", "1.22.11.2026", "22.11.2026 and 23.11.2026", "0/1/2026"]
)
def test_what_is_no_one_date_is_none(text):
    assert dates_in(text) == ()
