"""SRT and VTT as found: read as meant, mended with a note, or refused with every fault."""

import contextlib

import pytest

from roomtone.formats.cue_text import MAX_CUE_NAME_CHARS
from roomtone.formats.reading import read_transcript
from roomtone.formats.subtitles import srt, vtt
from roomtone.model.errors import Invalid
from roomtone.model.words import Segment, Speaker

STARTED_AT = 1_780_000_000_000
TIMES = "00:00:01,000 --> 00:00:02,500"


def read(text, format_=None):
    return read_transcript(text.encode(), format_, STARTED_AT)


def cues(text, format_=None):
    return [
        (
            each.start_at - STARTED_AT,
            each.end_at - STARTED_AT,
            each.speaker.display_name,
            each.sentence,
        )
        for each in read(text, format_).segments
    ]


def faults(text, format_=None):
    with pytest.raises(Invalid) as refused:
        read(text, format_)
    return [(fault.where, fault.why) for fault in refused.value.faults]


def said(start_ms, end_ms, name, sentence):
    return Segment(
        id="x",
        speaker=Speaker(display_name=name),
        sentence=sentence,
        start_at=STARTED_AT + start_ms,
        end_at=STARTED_AT + end_ms,
    )


VENDORS_OWN = """1
00:00:01,000 --> 00:00:02,500
Alice: Hello everyone

2
00:00:03,000 --> 00:00:04,500
Bob: Hi Alice

"""
BOTH = [(1000, 2500, "Alice", "Hello everyone"), (3000, 4500, "Bob", "Hi Alice")]


def test_the_srt_of_the_vendors_page_is_read_and_written_to_the_letter():
    assert cues(VENDORS_OWN) == BOTH
    assert (
        b"".join(srt((said(*each) for each in BOTH), started_at=STARTED_AT)).decode() == VENDORS_OWN
    )


def test_the_vtt_has_the_same_cues_with_a_point():
    assert b"".join(vtt((said(*each) for each in BOTH), started_at=STARTED_AT)).decode() == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nAlice: Hello everyone\n\n"
        "00:00:03.000 --> 00:00:04.500\nBob: Hi Alice\n\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        VENDORS_OWN,
        VENDORS_OWN.replace("\n", "\r\n"),
        VENDORS_OWN.replace("\n", "\r"),
        "\ufeff" + VENDORS_OWN,
        VENDORS_OWN.strip(),
        VENDORS_OWN.replace(",", "."),
        VENDORS_OWN.replace("00:00:0", "00:0"),
        VENDORS_OWN.replace("\n\n", "\n"),
        VENDORS_OWN.replace("\n\n", "\n\n\n \n"),
        VENDORS_OWN.replace("2\n00", "17\n00"),
        VENDORS_OWN.replace("1\n00", "00").replace("2\n00", "00"),
        VENDORS_OWN.replace(" --> ", "-->"),
        VENDORS_OWN.replace("2,500", "2,5").replace("4,500", "4,5  X1:10 X2:20 Y1:30 Y2:40"),
        VENDORS_OWN.replace("Hello everyone", "<i>Hello</i> <font color='red'>every</font>one"),
        VENDORS_OWN.replace("Hello everyone", "{\\an8}Hello\neveryone"),
        VENDORS_OWN.replace("Alice: Hello everyone", "Alice:\nHello\neveryone"),
        VENDORS_OWN.replace("Alice: Hello everyone", "\nAlice: Hello everyone"),
        VENDORS_OWN.replace("Alice: Hello everyone", "<v Alice>Hello everyone"),
    ],
)
def test_srt_of_many_editors_means_the_same(text):
    assert cues(text) == BOTH


@pytest.mark.parametrize(
    "text",
    [
        "WEBVTT\n\n00:01.000 --> 00:02.500\nAlice: Hello everyone\n\n"
        "00:03.000 --> 00:04.500\nBob: Hi Alice",
        "WEBVTT - a title\nKind: captions\n\n"
        "NOTE made\nby hand\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:r\n\n"
        "intro\n00:01.000 --> 00:02.500 align:start position:10%\n"
        "<v.loud Alice>Hello everyone</v>\n\n"
        "2\n000:00:03.000 --> 00:00:04.500\n<v Bob>Hi <c.x><00:00:03.500>Alice</c>",
        "\ufeffWEBVTT\r\n00:01.000 --> 00:02.500\r\nAlice: Hello everyone\r\n"
        "00:03.000 --> 00:04.500\r\nBob: Hi Alice\r\n",
        "WEBVTT\n\n00:01.000 --> 00:02.500\nAlice&#58; Hello &#101;veryone\n\n"
        "NOTE\n00:00 is not an arrow\n\n00:03.000 --> 00:04.500\nBob:&nbsp;Hi Alice",
    ],
)
def test_vtt_of_many_editors_means_the_same(text):
    assert cues(text) == BOTH


def test_two_voices_in_one_cue_are_two_segments():
    assert cues("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Al &amp; Bo>Hi</v>\n<v Eve>Yo</v>\n") == [
        (1000, 2000, "Al & Bo", "Hi"),
        (1000, 2000, "Eve", "Yo"),
    ]


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        ("nobody known said this", "", "nobody known said this"),
        ("at 10:30 we meet", "", "at 10:30 we meet"),
        ("see https://example.com/ now", "", "see https://example.com/ now"),
        (f"{'x' * MAX_CUE_NAME_CHARS}: y", "x" * MAX_CUE_NAME_CHARS, "y"),
        (f"{'x' * (MAX_CUE_NAME_CHARS + 1)}: y", "", f"{'x' * (MAX_CUE_NAME_CHARS + 1)}: y"),
        ("Smith, J.: so: no", "Smith, J.", "so: no"),
    ],
)
def test_a_name_is_what_stands_before_a_colon_and_a_space(text, name, sentence):
    assert cues(f"1\n{TIMES}\n{text}\n") == [(1000, 2500, name, sentence)]


def test_a_name_too_long_for_a_cue_is_cut():
    file = b"".join(srt([said(0, 1, "n" * 200, "hello")], started_at=STARTED_AT)).decode()

    assert cues(file) == [(0, 1, "n" * 63 + "…", "hello")]


def test_what_was_said_before_the_session_began_is_shown_at_its_start():
    for write in (srt, vtt):
        file = b"".join(write([said(-500, -100, "A", "early")], started_at=STARTED_AT)).decode()

        assert cues(file) == [(0, 1, "A", "early")]


def test_overlapping_cues_stay_and_are_counted():
    text = f"1\n{TIMES}\nA: one\n\n2\n00:00:02,000 --> 00:00:03,000\nB: two\n\n"

    assert [each[:2] for each in cues(text)] == [(1000, 2500), (2000, 3000)]
    assert read(text).notes == (
        "starts before an earlier one has ended; kept as it is (1: line 6)",
    )


def test_a_reversed_cue_gets_an_estimated_end():
    text = "1\n00:00:09,000 --> 00:00:02,000\nA: one\n\n2\n00:00:09,500 --> 00:00:12,000\nB: two\n"

    assert [each[:2] for each in cues(text)] == [(9000, 9500), (9500, 12000)]
    assert read(text).notes == ("ends before it starts; its end is estimated (1: line 2)",)


def test_a_missing_end_is_estimated_from_what_was_said():
    text = "1\n00:00:09,000 -->\nA: " + "w" * 100

    assert [each[:2] for each in cues(text)] == [(9000, 9000 + 6600)]
    assert "says no end" in read(text).notes[0]


def test_every_cue_without_readable_times_is_named():
    text = (
        "1\nabc --> def\nA: one\n\n"
        "2\n--> 00:00:04,000\nA: two\n\n"
        "3\n00:61:00,000 --> 00:62:00,000\nA: three\n\n"
        "4\nA: four\n\n"
        f"5\n{TIMES}\nA: five\n"
    )

    assert faults(text, "SRT") == [
        ("line 2", "not the times of a cue: 'abc --> def'"),
        ("line 6", "not the times of a cue: '--> 00:00:04,000'"),
        ("line 10", "not the times of a cue: '00:61:00,000 --> 00:62:00,000'"),
        ("line 13", "cue 4 has no times"),
    ]


def test_an_srt_of_one_broken_cue_is_told_to_be_one():
    assert faults("1\nabc --> def\nA: one\n") == [
        ("line 2", "not the times of a cue: 'abc --> def'")
    ]


def test_text_before_the_first_times_of_an_srt_is_a_fault():
    assert faults(f"hello\n\n1\n{TIMES}\nA: x", "SRT") == [
        ("line 1", "text before the first times")
    ]


def test_a_blank_line_inside_a_cue_of_srt_is_joined():
    text = f"1\n{TIMES}\nA: one\n\ntwo\n\n2\n00:00:03,000 --> 00:00:04,000\nB: three\n"

    assert [each[3] for each in cues(text)] == ["one two", "three"]
    assert "has a blank line inside" in read(text).notes[0]


def test_an_arrow_in_the_text_of_an_srt_is_text():
    assert cues(f"1\n{TIMES}\nA: a --> b\n") == [(1000, 2500, "A", "a --> b")]


def test_text_outside_of_vtt_cues_is_left_out_and_said():
    read_ = read(f"WEBVTT\n\nlost words\n\n{TIMES}\nA: x\n")

    assert [each.sentence for each in read_.segments] == ["x"]
    assert read_.notes == ("text outside of cues; left out (1: line 3)",)


def test_a_cue_without_words_is_left_out_and_said():
    read_ = read(f"1\n{TIMES}\n<b></b>\n\n2\n{TIMES}\n\n3\n{TIMES}\nA: x\n")

    assert [each.sentence for each in read_.segments] == ["x"]
    assert read_.notes == ("has no words; left out (2: line 2, line 6)",)


def test_a_vtt_without_its_header_is_read_and_said():
    read_ = read("00:01.000 --> 00:02.000\nA: x", "VTT")

    assert len(read_.segments) == 1
    assert read_.notes == ("The file does not begin with WEBVTT; it was read as if it did.",)


def test_a_file_without_words_says_so():
    assert read("WEBVTT\n").notes == ("There are no words in the file.",)


def test_tricks_in_names_are_cleaned_and_said():
    read_ = read(f"1\n{TIMES}\n\u202eecilA\u202c\u200b: Hello\n")

    assert [each.speaker.display_name for each in read_.segments] == ["ecilA"]
    assert read_.notes == (
        "name: invisible characters taken out (1: line 2)",
        "name: characters that turn the direction of text taken out (1: line 2)",
    )


def test_a_thousand_faults_are_counted_and_a_hundred_named():
    listed = faults("\n\n".join(f"{n}\nx --> y\ntext" for n in range(1000)), "SRT")

    assert len(listed) == 101
    assert listed[-1] == ("", "and 900 more faults")


@pytest.mark.parametrize(
    "text",
    [
        "<b " * 10_000,
        "<v " * 10_000,
        "{\\" * 10_000,
        ":" * 30_000,
        "&" * 30_000,
        "\u2060" * 30_000,
        ": \u2060" * 10_000,
        " " * 39_000,
        " " * 1_000_000 + "-->",
        "1 " * 500_000 + "-->",
        "\n" * 100_000 + "-->",
    ],
)
def test_no_text_takes_a_long_time_to_read(text):
    for head in ("", "WEBVTT\n\n"):
        with contextlib.suppress(Invalid):
            assert len(read(f"{head}{TIMES}\n{text}\n").segments) <= 1
