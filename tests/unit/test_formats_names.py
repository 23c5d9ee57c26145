"""Names and sentences lose what hides or turns text round, and keep what scripts and emoji need."""

import pytest

from roomtone.formats.spoken import (
    BIDI,
    CONTROL,
    FOLDED,
    ZERO_WIDTH,
    clean_name,
    clean_sentence,
    clean_text,
)


@pytest.mark.parametrize(
    ("name", "cleaned", "done"),
    [
        ("Alice", "Alice", ()),
        ("  Alice \u00a0", "Alice", ()),
        ("Ali\u200bce", "Alice", (ZERO_WIDTH,)),
        ("\ufeffAlice\u2060", "Alice", (ZERO_WIDTH,)),
        ("\u202eecilA\u202c", "ecilA", (BIDI,)),
        ("Alice\u2066 (host)\u2069", "Alice (host)", (BIDI,)),
        ("Al\x00ice\x1b[31m", "Alice[31m", (CONTROL,)),
        ("Alice\r\n\r\nBob", "Alice Bob", (FOLDED,)),
        ("Alice\u2028Bob\tEve", "Alice Bob Eve", (FOLDED,)),
        ("\u3164", "", (ZERO_WIDTH,)),
        ("\u200b\u200d\u202e", "", (ZERO_WIDTH, BIDI)),
        ("Al\u200dice", "Alice", (ZERO_WIDTH,)),
        ("Ann\U000e0061\U000e0062", "Ann", (ZERO_WIDTH,)),
    ],
)
def test_a_name_is_what_can_be_seen_of_it(name, cleaned, done):
    assert clean_name(name) == (cleaned, done)


@pytest.mark.parametrize(
    "name",
    [
        "می‌خواهم",  # Persian needs its zero-width non-joiner
        "क्‍ष",  # Devanagari its joiner
        "👩‍💻 Zoë",
        "❤️‍🔥",
        "葛\U000e0100城",  # a variant of a character, in Japanese names
        "Łukasz Żółć",
        "שלום",
    ],
)
def test_a_name_in_any_script_stays_as_it_is(name):
    assert clean_name(name) == (name, ())


def test_a_sentence_keeps_the_marks_of_hebrew_and_arabic_but_no_override():
    assert clean_sentence("מחיר \u200f(5$)\u200f") == ("מחיר \u200f(5$)\u200f", ())
    assert clean_sentence("pay \u202e001\u202c now") == ("pay 001 now", (BIDI,))


def test_a_sentence_is_one_line_and_a_chat_text_keeps_its_lines():
    assert clean_sentence("one\n\n  two\r\nthree") == ("one two three", (FOLDED,))
    assert clean_text("one\n\n  two\r\nthree\tx ") == ("one\n\n  two\r\nthree\tx ", ())


def test_a_long_run_of_spaces_takes_no_long_time():
    assert clean_sentence("a\n" + " " * 200_000 + "b")[0] == "a b"
