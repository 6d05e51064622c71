"""The one writer of amounts, and the reader of numbers that people type."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberscore.money import MINOR_UNITS, decimals_of, literal, number_of, outward, plain, rate_text, short, written
from cyberscore.profile.places import CURRENCIES

WITHOUT, THOUSANDTHS = "ISK JPY KRW VND XAF CLP", "BHD IQD JOD KWD LYD OMR TND"
AMOUNT = re.compile(r"\d{1,3}(?:,\d{3})*(?:\.(\d+))?")
currencies = st.sampled_from(sorted(CURRENCIES))
units = st.integers(0, 10**15)


def value(text):
    return float(text.removesuffix("M").replace(",", "").replace("_", "")) * (1e6 if text.endswith("M") else 1)


def test_decimals_are_those_of_iso_4217():
    assert {decimals_of(one) for one in WITHOUT.split()} == {0}
    assert {decimals_of(one) for one in THOUSANDTHS.split()} == {3}
    assert {decimals_of(one) for one in CURRENCIES - set(MINOR_UNITS)} == {2}
    assert set(MINOR_UNITS) - {"UYI"} <= CURRENCIES  # a unit of account, in which no insured is


@given(currencies, units)
def test_every_writer_keeps_every_digit_and_the_currencys_decimals(currency, minor):
    decimals = decimals_of(currency)
    amount = minor / 10**decimals
    text = written(amount, currency)
    assert len(AMOUNT.fullmatch(text)[1] or "") == decimals
    assert int(re.sub(r"[,.]", "", text)) == minor
    told = plain(amount, currency)
    assert told == (text if minor % 10**decimals else text.partition(".")[0])
    for other in (told, short(amount, currency)):
        assert "e" not in other
        assert value(other) == pytest.approx(amount, rel=1e-15)
    if amount >= 1e9:  # one way for very large amounts
        assert short(amount, currency) == told
    if amount < 1e12:
        assert value(literal(amount)) == amount


@given(currencies, units)
def test_what_is_written_is_read_back_or_refused_but_never_as_another_number(currency, minor):
    amount = minor / 10 ** decimals_of(currency)
    text = written(amount, currency)
    if re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", text):
        with pytest.raises(ValueError, match="may be") as caught:
            number_of(text)
        larger, smaller = re.search(r"may be (\S+) or (\S+): write", str(caught.value)).groups()
        assert (number_of(larger), number_of(smaller)) == (float(text.replace(".", "")), float(text))
    else:
        assert number_of(text) == pytest.approx(amount, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1200", 1200.0), ("1,200", 1200.0), ("1_200", 1200.0), ("1,200.50", 1200.5), ("1200.500", 1200.5),
        ("1.2", 1.2), ("1.20", 1.2), ("0.125", 0.125), (".125", 0.125), ("1,234,567", 1234567.0), ("1e6", 1e6),
        (" 12 ", 12.0), ("-3", -3.0), ("1.2345", 1.2345),
    ],
)  # fmt: skip
def test_numbers_that_are_read(text, wanted):
    assert number_of(text) == wanted


@pytest.mark.parametrize("text", ["1.200", "12.000", "999.999", "+1.200", "-1.200"])
def test_a_number_that_may_be_two_is_refused_with_both(text):
    with pytest.raises(ValueError, match=r"may be -?\+?\d+ or -?\+?[\d.]+: write the one that is meant"):
        number_of(text)


@pytest.mark.parametrize(
    "text",
    ["", "1,20", "1.200,50", "1.200.000", "1 200", "1'200", "12,34,567", "1,2345", "1.2M", "5k", "12 %", "e5", "x"],
)
def test_what_is_no_number_is_refused_with_how_to_write_one(text):
    with pytest.raises(ValueError, match=r"is not a number such as 1200, 1,200 or 1200\.50"):
        number_of(text)


@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_an_interval_is_written_so_that_it_holds_what_it_held(one, other):
    low, high = sorted((one, other))
    first, second = (float(text.replace(",", "")) for text in outward(low, high))
    assert low - 1.0 <= first <= low <= high <= second <= high + 1.0


def test_rates_are_never_powers_of_ten():
    assert [rate_text(one) for one in (1.31, 3.25, 3.9e-5, 0.0065, 1.0)] == ["1.31", "3.25", "0.000039", "0.0065", "1"]
