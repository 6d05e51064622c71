"""Options of readers: each is taken or refused by name, and none is ignored."""

import inspect

import pytest

from cyberscore import readers
from cyberscore.exceptions import ReadingError

SCAN = (
    b'<nmaprun scanner="nmap" args="nmap -oX -" start="1699999000" version="7.94">'
    b'<scaninfo type="syn" protocol="tcp" numservices="1000" services="1-10000"/>'
    b'<host><status state="up" reason="echo-reply"/><address addr="10.0.0.1" addrtype="ipv4"/>'
    b'<ports><extraports state="closed" count="990"/></ports></host>'
    b'<runstats><finished time="1700000000" exit="success"/><hosts up="1" down="0"/></runstats></nmaprun>'
)
REGISTRATION = (
    b'{"value": [{"isMfaCapable": true, "isMfaRegistered": true, "methodsRegistered": [], "isAdmin": false}]}'
)
DATED = {"observed_at": "2026-01-02"}


def test_an_option_is_passed_on():
    assert readers.read(SCAN).observations == ()
    assert readers.read(SCAN, vantage="external").observations


def test_a_misspelt_option_is_refused_with_the_nearest_and_those_there_are():
    with pytest.raises(ReadingError) as caught:
        readers.read(SCAN, vantge="external")
    assert isinstance(caught.value, ValueError)
    assert str(caught.value) == (
        "bytes: the reader of nmap takes no option 'vantge': it takes vantage, catalogue; did you mean 'vantage'?"
    )


@pytest.mark.parametrize(
    ("option", "near"),
    [("observd_at", "observed_at"), ("asset_total", "assets_total"), ("catalog", "catalogue"), ("tol", "tool")],
)
def test_the_nearest_may_be_what_every_reader_takes(option, near):
    with pytest.raises(ReadingError, match=f"takes no option '{option}': .*; did you mean '{near}'"):
        readers.read(SCAN, **{option: "x"})


@pytest.mark.parametrize("value", ["external", None])
def test_an_option_of_another_tools_reader_is_refused_and_its_tools_are_named(value):
    with pytest.raises(ReadingError) as caught:
        readers.read(REGISTRATION, **DATED, vantage=value)
    said = str(caught.value)
    assert "the reader of graph_registration takes no option 'vantage': it takes none: leave it out (those of " in said
    assert "masscan, nessus, nexpose, nmap" in said


def test_a_catalogue_is_no_path():
    with pytest.raises(ReadingError, match=r"catalogue must be one that Catalogue\.load"):
        readers.read(SCAN, catalogue="kev.json")


def test_a_misspelt_tool_is_told_with_the_nearest():
    with pytest.raises(ReadingError, match=r"there is no reader for 'nmpa': .*; did you mean 'nmap'"):
        readers.read(SCAN, tool="nmpa")


@pytest.mark.parametrize("name", sorted(readers.READERS))
def test_options_of_a_reader_are_those_of_its_signature(name):
    parameters = inspect.signature(readers.READERS[name].read).parameters.values()
    own = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
    assert sorted(own) == sorted(("observed_at", "assets_total", *readers.options_of(name)))
    assert not [one for one in parameters if one.kind is one.VAR_KEYWORD]
