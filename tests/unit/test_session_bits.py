"""Packed flags against plain comparisons."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomtone.storage import session_bits
from roomtone.storage.session_bits import Fitting, Names, Slices
from roomtone.storage.session_search import Sets

numbers = st.integers(0, 70) | st.integers(0, 2**31)
bounds = st.none() | st.integers(-2, 72) | st.integers(-(2**70), 2**70)


def flagged(fitting: Fitting, length: int) -> list[int]:
    """The places; and nothing is counted beyond the last row."""
    places: list[int] = session_bits.places_of(fitting, length).tolist()
    assert isinstance(fitting, bool) or session_bits.count(fitting) == len(places)
    return places


@given(st.lists(numbers, max_size=300), bounds, bounds)
def test_sliced_numbers_compare_as_numbers_do(
    held: list[int], low: int | None, high: int | None
) -> None:
    fitting = Slices(np.array(held, np.uint32)).between(low, high)
    assert flagged(fitting, len(held)) == [
        at
        for at, number in enumerate(held)
        if (low is None or number >= low) and (high is None or number <= high)
    ]


@pytest.mark.parametrize("number", [0, 7, 511])
def test_equal_numbers_are_all_or_none(number: int) -> None:
    slices = Slices(np.full(13, number, np.int16))
    assert slices.between(number, number) is True
    assert slices.between(number + 1, None) is False
    assert slices.between(None, number - 1) is False


@given(st.lists(st.frozensets(st.sampled_from("abc")), max_size=300), st.frozensets(st.just("d")))
def test_names_are_found_however_many_rows_hold_them(
    held: list[frozenset[str]], rare: frozenset[str]
) -> None:
    held = [*held, rare]
    sets = Sets()
    places = np.array(sets.numbers(["\n".join(sorted(names)) for names in held]))
    names = Names(places, sets)
    for wanted in (frozenset("a"), frozenset("ab"), frozenset("d"), frozenset("cd"), frozenset()):
        fitting = names.any_of(sets.names(wanted))
        assert flagged(fitting, len(held)) == [at for at, has in enumerate(held) if has & wanted]


@given(st.integers(1, 200), st.data())
def test_cleared_places_are_clear_and_the_rest_is_not(length: int, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, length - 1), unique=True))
    flags = session_bits.stretch(0, length, length)
    session_bits.clear(flags, np.array(places, np.int64))
    assert flagged(flags, length) == sorted(set(range(length)) - set(places))
