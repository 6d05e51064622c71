"""Exports of claims systems in Germany, France and China: what is read, what is asked, and what is told of the rest."""

import codecs
import gzip
import json
import re
import sys
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberscore import TrainingError
from cyberscore.exceptions import MissingExtraError
from cyberscore.profile import signals
from cyberscore.training.books import csv_layout, mapping
from cyberscore.training.books.book import Book
from cyberscore.training.books.development import default_delays
from cyberscore.training.books.mapping import yes_and_no
from cyberscore.training.books.notation import folded, read_dates, read_numbers

AS_OF = date(2026, 6, 30)
SIGNALS = list(signals())
GERMAN_COLUMNS = {
    "Policennummer": "policy_id",
    "Kunde": "insured_id",
    "Beginn": "start",
    "Ende": "end",
    "Umsatz": "annual_revenue",
    "Branche": "sector",
    "Land": "country",
    "Selbstbehalt": "retention",
    "Versicherungssumme": "limit",
    "MFA E-Mail": "mfa_email_coverage",
    "MDR": "mdr_24x7",
    "Schadennummer": "claim_id",
    "Ursache": "peril",
    "Schadendatum": "occurred_at",
    "Meldedatum": "reported_at",
    "Aufwand": "incurred",
    "Zahlung": "paid",
    "Status": "status",
}
GERMAN_VALUES = {
    "sector": {"Einzelhandel": "retail", "Gesundheit": "healthcare"},
    "peril": {"Erpressung": "ransomware", "Datenverlust": "data_breach"},
    "status": {"offen": "open", "erledigt": "closed"},
}
GERMAN_POLICIES = """\
Policennummer;Kunde;Beginn;Ende;Umsatz;Branche;Land;Selbstbehalt;Versicherungssumme;MFA E-Mail;MDR;Vermittler
0017;Müller;01.03.2025;01.03.2026;1.234.567,50;Einzelhandel;DE;5.000;1.000.000;87 %;ja;A
0018;Weiß;15.04.2025;15.04.2026;12.500.000,00;Gesundheit;AT;10.000;500.000;92,5 %;nein;B

0019;Zoë;31.12.2025;31.12.2026;800.000;Einzelhandel;DE;5.000;250.000;;;B
;;;;;;;;;;;
Summe;;;;14.534.567,50;;;20.000;1.750.000;;;
"""
GERMAN_CLAIMS = """\
Schadennummer;Policennummer;Ursache;Schadendatum;Meldedatum;Aufwand;Zahlung;Status
S1;0017;Erpressung;05.06.2025;06.06.2025;51.234,56;51.234,56;erledigt
S2;0018;Datenverlust;31.01.2026;02.02.2026;120.000,00;1.000,00;offen
Summe;;;;;171.234,56;52.234,56;
"""


def plain():
    """Return the German book as it would be written here."""
    policies = pd.DataFrame(
        {
            "policy_id": ["0017", "0018", "0019"],
            "insured_id": ["a", "b", "c"],
            "start": ["2025-03-01", "2025-04-15", "2025-12-31"],
            "end": ["2026-03-01", "2026-04-15", "2026-12-31"],
            "annual_revenue": [1_234_567.5, 12_500_000.0, 800_000.0],
            "sector": ["retail", "healthcare", "retail"],
            "country": ["DE", "AT", "DE"],
            "retention": [5e3, 1e4, 5e3],
            "limit": [1e6, 5e5, 2.5e5],
            "mfa_email_coverage": [0.87, 0.925, None],
            "mdr_24x7": [1, 0, None],
        }
    )
    claims = pd.DataFrame(
        {
            "claim_id": ["S1", "S2"],
            "policy_id": ["0017", "0018"],
            "peril": ["ransomware", "data_breach"],
            "occurred_at": ["2025-06-05", "2026-01-31"],
            "reported_at": ["2025-06-06", "2026-02-02"],
            "incurred": [51_234.56, 120e3],
            "paid": [51_234.56, 1e3],
            "status": ["closed", "open"],
        }
    )
    return policies, claims


def assert_same(one, other):
    for name in ("codes", "weights", "revenue", "exposure", "retention", "limit", "year", "reported"):
        np.testing.assert_array_equal(getattr(one.encoded_policies, name), getattr(other.encoded_policies, name), name)
    for name in ("policy", "peril", "excess", "censored", "truncation"):
        np.testing.assert_array_equal(getattr(one.encoded_claims, name), getattr(other.encoded_claims, name), name)
    assert list(one.encoded_policies.index_of) == list(other.encoded_policies.index_of)


@pytest.fixture
def files(tmp_path):
    """Write two files and return their paths; text in an encoding, bytes and frames as they are."""

    def write(policies, claims, encoding="utf-8", suffix=".csv"):
        paths = tmp_path / f"policies{suffix}", tmp_path / f"claims{suffix}"
        for path, content in zip(paths, (policies, claims), strict=True):
            if isinstance(content, pd.DataFrame):
                (content.to_parquet if suffix == ".parquet" else content.to_csv)(path, index=False)
            elif content is not None:
                path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return paths

    return write


def said_of(paths, **options):
    with pytest.raises(TrainingError) as told:
        Book.from_csv(*paths, **options)
    return str(told.value)


def drafts(said):
    """Mappings that an error drafts, copied as a reader would copy them."""
    _, _, text = said.partition("then pass it on:\n")
    found = {}
    for name in ("columns", "values"):
        found[name] = {}
        if (at := text.find(f"{name}=")) >= 0:
            found[name], _ = json.JSONDecoder().raw_decode(text[at + len(name) + 1 :])
    return found


# --- a German export


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_german_export_is_the_plain_book(files, encoding, packed):
    texts = [text.encode(encoding) for text in (GERMAN_POLICIES, GERMAN_CLAIMS)]
    paths = files(*([gzip.compress(text) for text in texts] if packed else texts))
    given = {"encoding": "cp1252"} if encoding == "cp1252" else {}
    book = Book.from_csv(*paths, as_of=AS_OF, columns=GERMAN_COLUMNS, values=GERMAN_VALUES, decimal=",", **given)
    assert_same(book, Book(*plain(), as_of=AS_OF))
    assert book.notes[:4] == (
        "policies: empty rows left out: 1",
        "policies: the last row is one of totals (Summe, 14.534.567,50, 20.000, 1.750.000) and left out",
        "claims: the last row is one of totals (Summe, 171.234,56, 52.234,56) and left out",
        "policies: columns not used: Vermittler",
    )


def test_the_same_arguments_serve_tables(files):
    policies = pd.read_csv(files(GERMAN_POLICIES, None)[0], sep=";", dtype=str).dropna(subset="Beginn")
    claims = pd.read_csv(files(None, GERMAN_CLAIMS)[1], sep=";", dtype=str).dropna(subset="Schadendatum")
    book = Book(policies, claims, as_of=AS_OF, columns=GERMAN_COLUMNS, values=GERMAN_VALUES, decimal=",")
    assert_same(book, Book(*plain(), as_of=AS_OF))


def test_the_first_round_tells_everything_and_drafts_the_mapping(files):
    """Not one problem comes to light only after another was mended, and the draft brings the book home."""
    paths = files(GERMAN_POLICIES, GERMAN_CLAIMS, "cp1252")
    said = said_of(paths, as_of=AS_OF)
    for line in (
        "policies: .*policies.csv is not UTF-8; line 2 is the first that is not: encoding='cp1252' reads '0017;Müller",
        "policies need the columns policy_id, .*; missing: policy_id, annual_revenue, sector, country, exposure",
        r"policies: retention \(their 'Selbstbehalt'\) in rows 0, 1, 2: '5.000' can be 5 or 5,000, and no other number",
        r"policies: sector \(their 'Branche'\) must be one of .*; wrong in rows 0, 1, 2 \(policy_id '0017', got 'Ein",
        "claims need the columns policy_id, peril, incurred, occurred_at; missing:",
        r"claims: peril \(their 'Ursache'\) must be one of .*; wrong in rows 0, 1 \(claim_id 'S1', got 'Erpressung'\)",
        "claims: status .* must be open or closed; wrong in rows 0, 1",
    ):
        assert re.search(line, said), line
    draft = drafts(said)
    assert draft["values"]["peril"] == {"Erpressung": "?", "Datenverlust": "?"}
    assert {theirs: ours for theirs, ours in GERMAN_COLUMNS.items() if theirs not in draft["columns"]} == {
        "MFA E-Mail": "mfa_email_coverage",
        "MDR": "mdr_24x7",
    }
    for column, words in draft["values"].items():
        assert set(words) == set(GERMAN_VALUES[column])
        words.update(GERMAN_VALUES[column])
    signal_columns = {"MFA E-Mail": "mfa_email_coverage", "MDR": "mdr_24x7"}
    book = Book.from_csv(
        *paths,
        as_of=AS_OF,
        encoding="cp1252",
        decimal=",",
        columns=draft["columns"] | signal_columns,
        values=draft["values"],
    )
    assert_same(book, Book(*plain(), as_of=AS_OF))


def test_capitalised_names_are_told_with_the_draft(files):
    policies, claims = plain()
    capitals = {column: column.upper().replace("_", " ") for column in (*policies.columns, *claims.columns)}
    tables = policies.rename(columns=capitals), claims.rename(columns=capitals)
    with pytest.raises(TrainingError) as told:
        Book(*tables, as_of=AS_OF)
    said = str(told.value)
    assert "unknown column 'ANNUAL REVENUE': did you mean 'annual_revenue'?" in said
    assert "must be" not in said  # the columns were read, and hold nothing wrong
    assert drafts(said)["columns"] == {theirs: ours for ours, theirs in capitals.items()}
    assert_same(Book(*tables, as_of=AS_OF, columns=drafts(said)["columns"]), Book(policies, claims, as_of=AS_OF))
    assert drafts(said_of(files(*tables)))["columns"] == drafts(said)["columns"]


# --- exports of other countries

CHINESE = {
    "保单号": "policy_id",
    "起保日期": "start",
    "终保日期": "end",
    "营业收入": "annual_revenue",
    "行业": "sector",
    "国家": "country",
    "免赔额": "retention",
    "保险金额": "limit",
    "邮箱MFA": "mfa_email_coverage",
    "全天监控": "mdr_24x7",
    "赔案号": "claim_id",
    "出险原因": "peril",
    "出险日期": "occurred_at",
    "赔款金额": "incurred",
}


def test_a_chinese_export(files):
    policies = (
        "保单号,起保日期,终保日期,营业收入,行业,国家,免赔额,保险金额,邮箱MFA,全天监控\n"
        '0017,2025年3月1日,2026年3月1日,"1,234,567.50",零售,CN,"5,000","1,000,000",87\uff05,是\n'
        '0018,2025/4/15,2026/4/15,"12,500,000.00",零售,CN,"10,000","500,000",0.925,否\n'
        '合计,,,"13,734,567.50",,,,,,\n'
    )
    claims = '赔案号,保单号,出险原因,出险日期,赔款金额\nS1,0017,ransomware,2025/6/5,"51,234.56"\n'
    paths = files(policies, claims, "gb18030")
    said = said_of(paths)
    assert "encoding='gb18030' reads '保单号,起保日期" in said
    assert set(drafts(said)["columns"].items()) == set(CHINESE.items()) - {
        ("邮箱MFA", "mfa_email_coverage"),
        ("全天监控", "mdr_24x7"),
    }
    assert drafts(said)["values"] == {"sector": {"零售": "?"}}
    book = Book.from_csv(
        *paths, encoding="gb18030", columns=CHINESE, values={"sector": {"零售": "retail"}}, decimal="."
    )
    encoded = book.encoded_policies
    assert encoded.revenue.tolist() == [1_234_567.5, 12_500_000.0]
    assert encoded.retention.tolist() == [5e3, 1e4]
    wanted = Book(*(table.head(rows).assign(country="CN") if rows == 2 else table.head(rows)
                    for table, rows in zip(plain(), (2, 1), strict=True)))  # fmt: skip
    signal = SIGNALS.index("mfa_email_coverage"), SIGNALS.index("mdr_24x7")
    np.testing.assert_array_equal(encoded.codes[:, signal], wanted.encoded_policies.codes[:, signal])
    np.testing.assert_array_equal(encoded.exposure, wanted.encoded_policies.exposure)
    assert book.encoded_claims.excess.tolist() == [46_234.56]


def test_a_french_export(files):
    policies = (
        "N° Police;Date d'effet;Date d'échéance;Chiffre d'affaires;sector;Pays;Franchise;Plafond;mdr_24x7\n"
        "A1;03/04/2025;03/04/2026;1\u202f234\u202f567,50 $;retail;FR;5\u00a0000;1 000 000;Oui\n"
        "A2;31/12/2025;31/12/2026;-;retail;FR;5 000;1 000 000;Non\n"
    )
    claims = "policy_id;peril;occurred_at;incurred\nA1;ransomware;05/06/2025;51234,56\n"
    said = said_of(files(policies, claims))
    columns = drafts(said)["columns"]
    assert columns == {
        "N° Police": "policy_id",
        "Date d'effet": "start",
        "Date d'échéance": "end",
        "Chiffre d'affaires": "annual_revenue",
        "Pays": "country",
        "Franchise": "retention",
        "Plafond": "limit",
    }
    assert (
        "annual_revenue (their \"Chiffre d'affaires\") must be numeric: wrong in row 1 (policy_id 'A2', got '-')"
        in said
    )
    assert "'05/06/2025' can be 2025-06-05 or 2025-05-06" in said
    assert "start" not in said.partition("draft of")[0].replace("start and end", "")  # 31/12 proves it for that column
    mended = policies.replace(";-;", ";2 000 000;")
    book = Book.from_csv(*files(mended, claims), columns=columns, dayfirst=True)
    assert book.encoded_policies.revenue.tolist() == [1_234_567.5, 2e6]
    assert book.encoded_policies.retention.tolist() == [5e3, 5e3]
    assert repr(book).startswith("<Book: 2 terms of 2 policies from 2025-04-03 to 2026-12-31")
    assert book.encoded_policies.codes[:, SIGNALS.index("mdr_24x7")].tolist() == [
        signals()["mdr_24x7"].code(1),
        signals()["mdr_24x7"].code(0),
    ]


# --- numbers


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1.234,56", "10.000"], [1234.56, 10_000]),
        (["1,234.56", "10,000"], [1234.56, 10_000]),
        (["1234,5", "2.000"], [1234.5, 2_000]),
        (["0.125", "1.234"], [0.125, 1.234]),
        (["0,125", "1,234"], [0.125, 1.234]),
        (["1.234.567", "500.000"], [1_234_567, 500_000]),
        (["1 234 567", "10 000,5"], [1_234_567, 10_000.5]),
        (["1'234'567.80", "10\u2019000"], [1_234_567.8, 10_000]),
        (["12,34,567.50", "1,00,000"], [1_234_567.5, 100_000]),
        (["1.234,56-", "-5,5", "(7,5)", "+3", "\u22122"], [-1234.56, -5.5, -7.5, 3, -2]),
        (["1,5E+06", "2E3"], [1.5e6, 2e3]),
        (["1.5e6", "2e3"], [1.5e6, 2e3]),
        (["$1,234.50", "US$ 5", "7 USD", "-$3"], [1234.5, 5, 7, -3]),
        (["\uff11\uff12\uff13\uff14", "5"], [1234, 5]),
        (["7", "12", "0"], [7, 12, 0]),
    ],
)
def test_a_whole_column_proves_its_decimal_mark(texts, numbers):
    found = read_numbers(texts, money=True)
    assert found.numbers == pytest.approx(numbers)
    assert not found.question


@pytest.mark.parametrize("texts", [["1.234"], ["1,234", "12"], ["10.000", "25.000", "500"], ["1.234", "1,234"]])
def test_what_nothing_proves_is_asked(texts):
    found = read_numbers(texts)
    assert "give decimal='.'" in found.question
    assert np.isnan(found.numbers[0])
    point, comma = (read_numbers(texts, decimal=mark) for mark in ".,")
    assert not point.question
    assert not comma.question
    assert point.numbers[0] != comma.numbers[0]


def test_a_range_is_a_proof_too():
    assert read_numbers(["1.000"], high=1.0).numbers == [1.0]
    assert read_numbers(["85,500", "90,250"], high=100.0).numbers == [85.5, 90.25]
    assert read_numbers(["1.500"], high=1.0).question


def test_two_ways_in_one_column_are_told():
    found = read_numbers(["1.234,56", "1,234.56", "5"])
    assert "written in two ways ('1,234.56' and '1.234,56')" in found.question
    assert found.unclear == [0, 1]


@pytest.mark.parametrize(
    "text", ["", "1.2.3", "1.23.456,7", "12.34,5.6", "2M", "abc", "--1", "1 23", "1,23,4", "0x10", "1_000", "50%", "€5"]
)
def test_what_is_no_number(text):
    assert np.isnan(read_numbers([text]).numbers[0])


def test_currencies_other_than_usd_are_no_numbers():
    found = read_numbers(["€ 1.234,56", "5 CHF", "￥100", "£5", "100元", "5 kg"], money=True)
    assert found.currencies == {0: "EUR", 1: "CHF", 2: "JPY or CNY", 3: "GBP", 4: "CNY"}
    assert np.isnan(found.numbers).all()


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.decimals(-1_000_000, 10_000_000, places=2), min_size=1, max_size=8),
    decimal=st.sampled_from(".,"),
    group=st.sampled_from(["", "mark", " ", "'"]),
)
def test_numbers_are_read_back_whatever_the_notation(values, decimal, group):
    """Whether proven or given: never another number, and with two decimals nothing is asked."""
    mark = {"mark": "," if decimal == "." else "."}.get(group, group)
    texts = [f"{value:,.2f}".replace(",", "\0").replace(".", decimal).replace("\0", mark) for value in values]
    assert read_numbers(texts, decimal=decimal).numbers == pytest.approx([float(value) for value in values])
    assert read_numbers(texts).numbers == pytest.approx([float(value) for value in values])


@settings(max_examples=300, deadline=None)
@given(texts=st.lists(st.from_regex(r"-?[0-9]{1,4}([.,][0-9]{1,3}){0,2}", fullmatch=True), min_size=1, max_size=6))
def test_nothing_is_guessed(texts):
    """Without a mark given, a number is read only where it is that under every mark its column allows."""
    found = read_numbers(texts)
    readings = [read_numbers(texts, decimal=mark).numbers for mark in ".,"]
    allowed = [numbers for numbers in readings if not np.isnan(numbers).any()]
    if len(allowed) == 2 and found.question:
        return
    for place, number in enumerate(found.numbers):
        if not np.isnan(number):
            assert all(number == pytest.approx(numbers[place]) for numbers in allowed)


def test_points_that_group_thousands_are_not_decimal_in_files(files):
    """What reads as 10.0 or 1.234 may be 10,000 or 1,234, however it is spelt: it is asked, or proven by others."""
    policies, claims = plain()
    policies["retention"] = policies["retention"].map(lambda value: f"{value:,.0f}".replace(",", "."))
    claims["incurred"], claims["paid"] = ["51.234", "120.500"], ["51.234", "1.250"]
    said = said_of(files(policies, claims))
    assert "retention in rows 0, 1, 2: '5.000' can be 5 or 5,000" in said
    assert "incurred in rows 0, 1: '51.234' can be 51.234 or 51,234" in said
    assert "paid in rows 0, 1: '51.234'" in said
    for table in (policies, claims):
        for column in table.select_dtypes("number"):
            table[column] = table[column].map(lambda value: f"{value:.3f}".replace(".", ","), na_action="ignore")
    book = Book.from_csv(*files(policies, claims), decimal=",")
    assert book.encoded_policies.retention.tolist() == [5e3, 1e4, 5e3]
    assert book.encoded_claims.excess.tolist() == [46_234.0, 1_250.0]  # the second is open: at least what is paid
    assert_same(book, Book(policies, claims, decimal=","))


@pytest.mark.parametrize("column", ["annual_revenue", "limit", "retention"])
def test_what_stands_for_a_wrong_number_is_not_blamed(column):
    """One fault, one line: neither the claims above a limit nor a paid above an incurred that cannot be read."""
    policies, claims = plain()
    assert "\n- " not in said_of_tables(policies.assign(**{column: "viel"}), claims)
    assert "\n- " not in said_of_tables(policies, claims.assign(incurred="viel"))


def said_of_tables(*tables, **options):
    with pytest.raises(TrainingError) as told:
        Book(*tables, **options)
    return str(told.value)


def test_a_decimal_that_columns_contradict_is_told(files):
    said = said_of(files(*plain()), decimal=",")
    assert "annual_revenue must be numeric: wrong in rows 0, 1, 2" in said
    assert "decimal=',' is given, and it is not written so" in said


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("limit", "€ 1.000.000,00", "limit must be in USD, and not in EUR; wrong in row 1 (policy_id '0018', got"),
        ("limit", "1,5 Mio.", "limit must be numeric: wrong in row 1 (policy_id '0018', got '1,5 Mio.'): write the"),
        ("limit", "100万", "got '100万'): write the number out, without a unit"),
        ("annual_revenue", "#NV", "got '#NV'): a spreadsheet's error"),
        ("annual_revenue", "k.A.", 'leave it empty, or say what it means: values={"annual_revenue": {"k.A.": ...}}'),
        ("exposed_rdp", "50 %", "got '50 %'): it is no share, so leave the percent sign out"),
        ("mdr_24x7", "vielleicht", "mdr_24x7 must be numeric, empty where unknown: wrong in row 1"),
    ],
)
def test_what_is_no_number_gets_a_remedy(column, value, said):
    policies, claims = plain()
    policies[column] = ["1", value, "1"]
    with pytest.raises(TrainingError, match=re.escape(said)):
        Book(policies, claims)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *[(word, 1) for word in ("Yes", "TRUE", "ja", "OUI", "Sí", "是")],
        *[(word, 0) for word in ("No", "false", "Nein", "non", "NÃO", "否")],
    ],
)
def test_flags_say_yes_and_no(word, value):
    policies, claims = plain()
    policies["mdr_24x7"] = [word, None, None]
    place = SIGNALS.index("mdr_24x7")
    assert Book(policies, claims).encoded_policies.codes[0, place] == signals()["mdr_24x7"].code(value)


def test_no_word_says_both_yes_and_no():
    """The vocabulary would hold fewer words than its lists."""
    assert set(yes_and_no().values()) == {0.0, 1.0}
    words = mapping._vocabulary()
    assert not {folded(word) for word in words["yes"]} & {folded(word) for word in words["no"]}


# --- dates


@pytest.mark.parametrize(
    ("texts", "dates"),
    [
        (["31.12.2025", "01.02.2025"], ["2025-12-31", "2025-02-01"]),
        (["01.02.2025"], ["2025-02-01"]),
        (["1. 2. 2025"], ["2025-02-01"]),
        (["31/12/2025", "01/02/2025"], ["2025-12-31", "2025-02-01"]),
        (["12/31/2025", "01/02/2025"], ["2025-12-31", "2025-01-02"]),
        (["31-12-2025 00:00:00"], ["2025-12-31"]),
        (["2025年12月31日", "2025年1月2日"], ["2025-12-31", "2025-01-02"]),
        (["12/31/2025 12:00:00 AM"], ["2025-12-31"]),
        (["05/05/2025"], ["2025-05-05"]),
        (["30.02.2025", "01.02.2025"], [None, "2025-02-01"]),
        (["31.12.2025", "12/31/2025", "01.02.2025"], ["2025-12-31", None, "2025-02-01"]),
    ],
)
def test_a_whole_column_proves_the_order_of_its_dates(texts, dates):
    found = read_dates(texts)
    assert [one and one.isoformat() for one in found.dates] == dates
    assert not found.question


@pytest.mark.parametrize(
    ("texts", "asks"),
    [
        (["03/04/2026"], "'03/04/2026' can be 2026-04-03 or 2026-03-04"),
        (["03-04-2026", "05-05-2026"], "'03-04-2026' can be"),
        (["31/12/2025", "12/31/2025"], "written in two ways ('31/12/2025' and '12/31/2025')"),
        (["31.12.25"], "a year of two digits"),
    ],
)
def test_an_order_that_nothing_proves_is_asked(texts, asks):
    found = read_dates(texts)
    assert asks in found.question
    assert found.dates[0] is None
    assert not read_dates(texts, dayfirst=True).question


@settings(max_examples=200, deadline=None)
@given(
    days=st.lists(st.dates(date(1990, 1, 1), date(2089, 12, 31)), min_size=1, max_size=6),
    shape=st.sampled_from(["%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%y", "%Y年%m月%d日", "%m/%d/%y"]),
)
def test_dates_are_read_back_whatever_the_notation(days, shape):
    """Given the order, always; without it, the same or nothing."""
    texts = [day.strftime(shape) for day in days]
    assert read_dates(texts, dayfirst=not shape.startswith("%m")).dates == days
    found = read_dates(texts)
    assert found.dates == days or found.question


def test_compact_dates_and_day_numbers(files):
    policies, claims = plain()
    for table, columns in ((policies, ["start", "end"]), (claims, ["occurred_at", "reported_at"])):
        for column in columns:
            table[column] = table[column].str.replace("-", "")
    assert_same(Book.from_csv(*files(policies, claims), as_of=AS_OF), Book(*plain(), as_of=AS_OF))
    policies["start"] = ["45717", "45762", "46022"]
    assert "start must be a date" in (said := said_of(files(policies, claims)))
    assert "a spreadsheet's number of a day" in said


def test_ambiguous_dates_of_files_are_asked(files):
    policies, claims = plain()
    claims["occurred_at"] = ["06/05/2025", "02/01/2026"]
    said = said_of(files(policies, claims.drop(columns="reported_at")))
    assert said.startswith("claims: occurred_at in rows 0, 1: '06/05/2025' can be 2025-05-06 or 2025-06-05")


# --- files


def test_parquet(files):
    policies, claims = plain()
    typed = policies.assign(
        policy_id=[17, 18, 19],
        start=pd.to_datetime(policies["start"]).dt.date,
        sector=policies["sector"].astype("category"),
        mdr_24x7=pd.array([True, False, None], dtype="boolean"),
    )
    paths = files(typed, claims.assign(policy_id=["17", "18"]).astype({"policy_id": str}), suffix=".parquet")
    book = Book.from_csv(*paths, as_of=AS_OF)
    wanted = Book(policies.assign(policy_id=["17", "18", "19"]), claims.assign(policy_id=["17", "18"]), as_of=AS_OF)
    assert_same(book, wanted)
    claims_csv = files(None, claims.assign(policy_id=["17", "18"]))[1]
    assert_same(Book.from_csv(paths[0], claims_csv, as_of=AS_OF), wanted)


def test_parquet_without_pyarrow_names_the_extra(files, monkeypatch):
    paths = files(*plain(), suffix=".parquet")
    for name in [name for name in sys.modules if name.split(".")[0] == "pyarrow"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"pyarrow is not installed: pip install 'cyberscore\[parquet\]'"):
        Book.from_csv(*paths)


def cut(data):
    return data[: len(data) // 2]


def flipped(data):
    return data[:20] + bytes(255 - byte for byte in data[20:60]) + data[60:]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (cut(gzip.compress(GERMAN_POLICIES.encode() * 50)), "the gzip file is damaged or cut short"),
        (flipped(gzip.compress(GERMAN_POLICIES.encode() * 50)), "the gzip file is damaged or cut short"),
        (b"PAR1" + b"\0" * 50, "it is a damaged Parquet file"),
        (b"PK\x03\x04rest", "it is an Excel workbook or a zip file: save the sheet as CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "it is an old Excel workbook"),
        ("policy_id,start\n".encode("utf-16-le"), "it holds zero bytes: it is no text, or UTF-16 without a mark"),
        (
            b"Bestand 2025\n\npolicy_id;start;end\n1;2;3\n4;5;6\n",
            "its line 1 is 'Bestand 2025', and others have 3 values",
        ),
        (b"Bestand 2025;;\npolicy_id;start;end\n1;2;3\n", "its line 1 is 'Bestand 2025;;', and others have 3 values"),
        (b"policy_id,start\n1,2,3\n4,5,6\n", "its lines have more values than its header has names (2)"),
        (b"a;b,c|d\n1;2,3|4\n", "it can be parted by ',' or ';' or '|': give sep=',' or the other"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_the_other_is_checked(files, content, said):
    told = said_of(files(content, GERMAN_CLAIMS))
    assert "policies: cannot read " in told
    assert said in told
    assert "claims need the columns policy_id, peril, incurred" in told
    assert drafts(told)["columns"]["Aufwand"] == "incurred"


def test_both_files_may_be_beyond_reading(tmp_path):
    said = said_of((tmp_path / "none.csv", tmp_path / "nothing.parquet"))
    assert "policies: cannot read" in said
    assert "claims: cannot read" in said


def test_a_file_named_parquet_that_is_none(files):
    paths = files(b"policy_id,start\n", b"policy_id,peril\n", suffix=".parquet")
    assert "it is not a Parquet file" in said_of(paths)


def test_unpacked_bytes_are_bounded(files, monkeypatch):
    monkeypatch.setattr(csv_layout, "MAX_BYTES", 3_000)
    policies = "policy_id,start\n" + "P1,2025-01-01\n" * 1_000
    paths = files(gzip.compress(policies.encode()), "policy_id,peril\n")
    assert paths[0].stat().st_size < 3_000
    assert "more than 3,000 bytes unpacked: split it" in said_of(paths)


@pytest.mark.parametrize("encoding", ["latin-9000", "ascii"])
def test_an_encoding_that_does_not_fit(files, encoding):
    said = said_of(files(GERMAN_POLICIES, GERMAN_CLAIMS, "cp1252"), encoding=encoding)
    assert f"cannot be read as {encoding!r}" in said or "it cannot be read in ascii: line 2" in said
    assert "cp1252" in said


def test_letters_that_are_not_utf_8_far_down_are_found(files):
    rows = "".join(f"P{k},2025-01-01,2026-01-01,1e6,retail,DE,5e3,1e6,x\n" for k in range(20_000))
    text = f"policy_id,start,end,annual_revenue,sector,country,retention,limit,place\n{rows}"
    text += "P0x,2025-01-01,2026-01-01,1e6,retail,DE,5e3,1e6,Köln\n"
    claims = "policy_id,peril,incurred,occurred_at\nP1,ransomware,5e4,2025-05-05\n"
    said = said_of(files(text, claims, "cp1252"))
    assert "is not UTF-8; line 20002 is the first that is not: encoding='cp1252' reads" in said
    assert len(Book.from_csv(*files(text, claims, "cp1252"), encoding="cp1252")) == 20_001


def test_a_mark_of_bytes_outweighs_the_encoding_given(files):
    paths = files(codecs.BOM_UTF8 + GERMAN_POLICIES.encode(), GERMAN_CLAIMS.encode("cp1252"))
    book = Book.from_csv(
        *paths, encoding="cp1252", columns=GERMAN_COLUMNS, values=GERMAN_VALUES, decimal=",", as_of=AS_OF
    )
    assert_same(book, Book(*plain(), as_of=AS_OF))


@pytest.mark.parametrize("sep", [";", "\t", "|", ","])
def test_separators_are_found_and_may_be_named(files, sep):
    policies, claims = plain()
    policies["broker"] = ["a, b; c", "d", "e"]
    texts = [table.to_csv(index=False, sep=sep) for table in (policies, claims)]
    for named in ({}, {"sep": sep}):
        assert_same(Book.from_csv(*files(*texts), as_of=AS_OF, **named), Book(*plain(), as_of=AS_OF))
    hinted = [f"sep={sep}\r\n{text}" for text in texts]
    assert_same(Book.from_csv(*files(*hinted), as_of=AS_OF), Book(*plain(), as_of=AS_OF))
    ended = [text.replace("\n", f"{sep}\n") for text in texts]
    assert_same(Book.from_csv(*files(*ended), as_of=AS_OF), Book(*plain(), as_of=AS_OF))
    header, _, rows = texts[0].partition("\n")
    ended_rows = f"{header}\n{rows}".replace("\n", f"{sep}\n").replace(f"{header}{sep}", header)
    assert_same(Book.from_csv(*files(ended_rows, texts[1]), as_of=AS_OF), Book(*plain(), as_of=AS_OF))


def test_a_separator_is_one_character(files):
    assert "sep must be such as ';'" in said_of(files(*plain()), sep=";;")


def test_columns_that_appear_twice_are_told_with_the_rest(files):
    policies, claims = (table.to_csv(index=False) for table in plain())
    said = said_of(files(policies.replace("mdr_24x7", "start"), claims.replace("ransomware", "fire")))
    assert "policies: the column start appears twice: drop or rename one" in said
    assert "claims: peril must be one of" in said


def test_a_last_row_is_left_out_only_if_it_is_one_of_totals(files):
    policies, claims = plain()
    last = pd.DataFrame([{"policy_id": None, "annual_revenue": 14_534_567.5, "limit": 1_750_000}])
    book = Book.from_csv(*files(pd.concat([policies, last]), claims))
    assert book.notes[0].startswith("policies: the last row is one of totals (14534567.5, 1750000")
    broken = policies.assign(country=["DE", "AT", None])
    assert "country must be one of" in said_of(files(broken, claims))
    named = policies.assign(policy_id=["0017", "0018", "Total"])
    assert len(Book.from_csv(*files(named, claims))) == 3
    assert "policies: policy_id must be given in every row; wrong in row 2" in said_of(
        files(policies.assign(policy_id=["0017", "0018", None]), claims)
    )


def test_a_book_without_claims_may_be_read(files):
    """One mapping serves with and without them."""
    path = files(GERMAN_POLICIES, None)[0]
    book = Book.from_csv(path, None, columns=GERMAN_COLUMNS, values=GERMAN_VALUES, decimal=",")
    assert len(book) == 3
    assert len(book.encoded_claims.peril) == 0
    assert not [note for note in book.notes if "values" in note]


# --- mappings that do nothing, or cannot be


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"columns": {"Polciennummer": "policy_id"}},
            "columns names 'Polciennummer', which is a column of neither table",
        ),
        (
            {"columns": {"policy_id": "policyid"}},
            "columns maps 'policy_id' to 'policyid', which is no name of ours: did",
        ),
        ({"columns": {"insured_id": "policy_id"}}, "both 'policy_id' and 'insured_id' are read as policy_id"),
        ({"columns": ["policy_id"]}, "columns must be a dict of your names to ours"),
        ({"columns": {"policy_id": 3}}, "columns['policy_id'] must be one of our names"),
        ({"values": {"peri": {"a": "b"}}}, "values names 'peri', which is no name of ours: did you mean 'peril'?"),
        ({"values": {"peril": "ransomware"}}, "values must be a dict by our name of a column"),
        ({"values": {"status": {"closed": "?"}}}, "status must be open or closed; wrong in row 0"),
        ({"decimal": ";"}, "decimal must be '.' or ',', or left out; got ';'"),
        ({"dayfirst": "yes"}, "dayfirst must be True or False, or left out; got 'yes'"),
    ],
)
def test_mappings_are_checked(options, said):
    with pytest.raises(TrainingError) as told:
        Book(*plain(), **options)
    assert said in str(told.value)


def test_words_of_a_mapping_that_do_not_occur_are_told():
    book = Book(*plain(), values={"status": {"offen": "open"}})
    assert "values: 'offen' of status does not occur" in book.notes


def test_one_column_may_stand_for_several_and_be_left_out():
    policies, claims = plain()
    policies = policies.drop(columns="insured_id").rename(columns={"policy_id": "Vertrag"}).assign(Status="x")
    claims = claims.rename(columns={"policy_id": "Vertrag"})
    book = Book(policies, claims, columns={"Vertrag": ["policy_id", "insured_id"], "Status": None})
    assert book.encoded_policies.insured.tolist() == [0, 1, 2]
    assert not any("Status" in note for note in book.notes)


def test_words_map_to_numbers_and_to_unknown():
    policies, claims = plain()
    policies["privileged_access_level"] = ["hoch", "n/a", None]
    book = Book(policies, claims, values={"privileged_access_level": {"hoch": 2, "n/a": None}})
    about = signals()["privileged_access_level"]
    place = SIGNALS.index(about.name)
    assert book.encoded_policies.codes[:, place].tolist() == [about.code(2), about.unanswered, about.unanswered]


@pytest.mark.parametrize("empty", [False, True])
def test_a_book_without_a_signal_is_told(empty):
    policies, claims = plain()
    policies = policies.drop(columns=["mfa_email_coverage", "mdr_24x7"])
    if empty:
        policies["mdr_24x7"] = None
    note = "the columns of signals are all empty" if empty else "there is no column of a signal"
    assert any(note in one for one in Book(policies, claims).notes)
    assert not any("column of a signal" in one or "all empty" in one for one in Book(*plain()).notes)


def test_delays_without_a_date_of_valuation_are_told():
    assert any("delays are not used" in note for note in Book(*plain(), delays=default_delays()).notes)


# --- spellings of ids, blanks, and a currency that nobody mapped


def test_blanks_around_words_and_ids_do_not_count():
    policies, claims = plain()
    padded = policies.assign(country=["DE ", "\u00a0AT", " DE"], sector="retail ", start=policies["start"] + " ")
    book = Book(padded, claims.assign(policy_id=["0017 ", " 0018"], status=["closed", " open "]), as_of=AS_OF)
    assert_same(book, Book(policies.assign(sector="retail"), claims, as_of=AS_OF))
    blank = policies.assign(mfa_email_coverage=["0.87", " ", None], mdr_24x7=["1", "\t", " "])
    codes = Book(blank, claims).encoded_policies.codes[1:]
    for name in ("mfa_email_coverage", "mdr_24x7"):
        assert set(codes[:, SIGNALS.index(name)]) == {signals()[name].unanswered}


@pytest.mark.parametrize(
    ("ours", "theirs", "shown"), [("0017", "17", "'0017'"), ("17", "17.0", "'17'"), ("AB1", "ab1", "'AB1'")]
)
def test_ids_that_are_spelt_otherwise_are_told(ours, theirs, shown):
    policies, claims = plain()
    said = said_of_tables(policies.assign(policy_id=[ours, "x", "y"]), claims.assign(policy_id=[theirs, "x"]))
    assert f"(got {theirs!r}): policies have {shown}; spell ids alike, with their zeros and without .0" in said


def test_a_column_of_another_currency_is_not_passed_over():
    policies, claims = plain()
    said = said_of_tables(policies.assign(Waehrung="EUR"), claims)
    assert said.startswith("policies: the column 'Waehrung' is not used, and says EUR: amounts must be in USD.")
    assert len(Book(policies.assign(Waehrung="EUR"), claims, columns={"Waehrung": None})) == 3
    assert len(Book(policies.assign(Waehrung="USD"), claims)) == 3
    mapped = said_of_tables(policies.assign(Waehrung="EUR"), claims, columns={"Waehrung": "currency"})
    assert "currency must be USD; got EUR" in mapped


def test_a_file_without_a_header_is_asked_for_one(files):
    policies, claims = (table.to_csv(index=False, header=False) for table in plain())
    said = said_of(files(policies, claims))
    assert said.count("is the first line of the file no header?") == 2


@pytest.mark.parametrize("text", ['"policy_id,start\nP1,2\n', "a" * 200_000, 'a,b\n"' + "x" * 200_000])
def test_quotes_that_are_not_closed_and_lines_without_end(files, text):
    said = said_of(files(text, GERMAN_CLAIMS))
    assert "policies: cannot read" in said
    assert "quote" in said
