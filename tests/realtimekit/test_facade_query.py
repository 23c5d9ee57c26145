"""Query strings as SDKs, browsers and people send them."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomtone.model.errors import Invalid, Refused
from roomtone.web.query import (
    flag,
    instant,
    maybe_choice,
    names,
    read_query,
    span,
    text,
    whole,
)

PAGE = whole("page_no", 1, 0, 1000, "")
WHEN = instant("when", "")
SURE = flag("sure", "")
PEOPLE = span("people", "")
STATUS = maybe_choice("status", ("LIVE", "ENDED"), "")
WORDS = text("words", "")
FILTERS = names("filters", ("events", "device_info", "quality_stats"), "")
ALL = (PAGE, WHEN, SURE, PEOPLE, STATUS, WORDS, FILTERS)

NEW_YEAR = 1_704_067_200_000  # 2024-01-01T00:00:00Z, from `date -d … +%s`


def read(raw, parameter):
    return read_query(raw.encode(), (parameter,))[parameter]


@pytest.mark.parametrize(
    ("raw", "number"),
    [("2", 2), ("2.0", 2), ("2.", 2), ("+2", 2), ("%2B2", None), ("0", 0), ("007", 7)],
)
def test_whole_numbers_may_come_as_a_float_prints_them(raw, number):
    if raw.startswith("+"):
        # A bare plus is a blank in a query.
        with pytest.raises(Invalid):
            read(f"page_no={raw}", PAGE)
    else:
        assert read(f"page_no={raw}", PAGE) == (2 if number is None else number)


@pytest.mark.parametrize("raw", ["", "2.5", "two", "1e3", "-1", "1001", "9" * 40, "٣", "nan"])
def test_what_is_no_whole_number_in_range_is_a_fault(raw):
    with pytest.raises(Invalid) as refused:
        read(f"page_no={quote(raw)}", PAGE)

    assert [fault.where for fault in refused.value.faults] == ["page_no"]


@pytest.mark.parametrize(
    "raw",
    [
        "2024-01-01T00%3A00%3A00%2B00%3A00",
        "2024-01-01T00:00:00+00:00",
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00.000Z",
        "2024-01-01T00:00:00",
        "2024-01-01+00:00:00",
        "2024-01-01",
        "2024-01-01T05:30:00+05:30",
        "2024-01-01T05:30:00%2B05:30",
        "2024-01-01T05:30+0530",
        "2023-12-31T19:00:00-05:00",
        "2024-01-01+05:30:00+05:30",
    ],
)
def test_a_moment_is_understood_however_it_is_spelled(raw):
    assert read(f"when={raw}", WHEN) == NEW_YEAR


@pytest.mark.parametrize("raw", ["", "now", "1704067200", "2024-02-30", "24:00", "0000-01-01"])
def test_what_is_no_moment_is_a_fault(raw):
    with pytest.raises(Invalid):
        read(f"when={raw}", WHEN)


@pytest.mark.parametrize(
    ("raw", "sure"), [("true", True), ("True", True), ("1", True), ("false", False), ("0", False)]
)
def test_booleans(raw, sure):
    assert read(f"sure={raw}", SURE) is sure


@pytest.mark.parametrize(
    ("raw", "people"),
    [
        ("1:10", (1, 10)),
        ("2:", (2, None)),
        (":3", (None, 3)),
        (":", (None, None)),
        ("4%3A4", (4, 4)),
    ],
)
def test_ranges_may_be_open(raw, people):
    assert read(f"people={raw}", PEOPLE) == people


@pytest.mark.parametrize("raw", ["", "3", "a:b", "5:1", "-1:2", "1:2:3"])
def test_what_is_no_range_is_a_fault(raw):
    with pytest.raises(Invalid):
        read(f"people={raw}", PEOPLE)


def test_lists_are_comma_separated():
    assert read("filters=events,device_info", FILTERS) == {"events", "device_info"}
    assert read("filters=events%2Cdevice_info", FILTERS) == {"events", "device_info"}
    with pytest.raises(Invalid):
        read("filters=events,everything", FILTERS)


def test_unknown_parameters_are_passed_over_and_the_last_of_a_name_counts():
    assert read("meeting_id=x&page_no=3&page_no=4", PAGE) == 4


def test_an_empty_search_asks_for_nothing():
    assert read("words=", WORDS) is None
    assert read("words=a+b%20c", WORDS) == "a b c"


@given(st.binary(max_size=200))
def test_any_bytes_give_values_or_one_refusal(raw):
    try:
        query = read_query(raw, ALL)
    except Refused:
        return
    assert 0 <= query[PAGE] <= 1000
    assert isinstance(query[SURE], bool)


@given(st.dictionaries(st.sampled_from([p.name for p in ALL]), st.text(max_size=30)))
def test_each_bad_parameter_is_named_once_and_good_ones_never(asked):
    raw = "&".join(f"{name}={quote(value)}" for name, value in asked.items()).encode()
    bad = set()
    for parameter in ALL:
        if parameter.name in asked:
            try:
                read_query(
                    f"{parameter.name}={quote(asked[parameter.name])}".encode(), (parameter,)
                )
            except Invalid:
                bad.add(parameter.name)
    try:
        read_query(raw, ALL)
        named = []
    except Invalid as refused:
        named = [fault.where for fault in refused.faults]

    assert sorted(named) == sorted(bad)
