"""Every format in → out → in gives the same words, as far as the format can carry them.

CSV carries start, ids, name and sentence; JSON the end as well; SRT and VTT start, end, name and
sentence. And the readers are total: any bytes give segments or one refusal.
"""

import contextlib
import csv
import io
import json
import re

import pytest
import srt as second_reader
from hypothesis import given, settings
from hypothesis import strategies as st

from roomtone.formats.chat_csv import HEADER, chat_csv, read_chat_csv
from roomtone.formats.messages import message_object, read_message, read_messages
from roomtone.formats.reading import READ_FORMATS, read_transcript
from roomtone.formats.spoken import clean_name, clean_sentence, clean_text
from roomtone.formats.writing import TRANSCRIPT_KINDS, write_transcript
from roomtone.model.errors import Refused
from roomtone.model.times import iso
from roomtone.model.words import MESSAGE_TYPES, TEXT, Message, Segment, Speaker

law = settings(deadline=None)

STARTED_AT = 1_780_000_000_000
TRICKY = st.sampled_from(
    [
        "-->", "00:00:01,000 --> 00:00:02,000", "\n", "\n\n", "\r\n", "<b>", "</i>", "<v Bob>", "<",
        ">", "&", "&amp;", "&lt;", "&#58;", "{\\an8}", ": ", ":", "Note: ", '"', '""', "'", "=1+1",
        "@SUM(A1)", "+", "-", "\t", ",", ";", "WEBVTT", "NOTE x", "1", "42\n", "＝", "\u2060",
        "\u200b", "\u202e", "\u200d", "é", "日本", "👩‍💻", "\ufeff", "\x00", "\x85", "\u2028",
        "[", "{",
    ]
)  # fmt: skip
ANY_TEXT = st.lists(TRICKY | st.text(max_size=12), max_size=8).map("".join)
ALMOST_ANY_TEXT = ANY_TEXT.map(lambda text: text.encode("utf-8", "ignore").decode())
NAMES = ALMOST_ANY_TEXT.map(lambda text: clean_name(text)[0][:64].strip()).map(
    lambda text: clean_name(text)[0]
)
IDS = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=40).map(
    lambda text: clean_name(text)[0]
)
SENTENCES = ALMOST_ANY_TEXT.map(lambda text: clean_sentence(text)[0]).filter(bool)
SPEAKERS = st.builds(
    Speaker, peer_id=IDS, user_id=IDS, custom_participant_id=IDS, display_name=NAMES
)


@st.composite
def segments(draw):
    start_ms = draw(st.integers(0, 40 * 3_600_000))
    return Segment(
        id=draw(st.text("abc123", min_size=1, max_size=8)),
        speaker=draw(SPEAKERS),
        sentence=draw(SENTENCES),
        start_at=STARTED_AT + start_ms,
        end_at=STARTED_AT + start_ms + draw(st.integers(1, 60_000)),
    )


TRANSCRIPTS = st.lists(segments(), max_size=6)


def carried(format_, segment):
    """What a format can carry of a segment."""
    who = segment.speaker
    ids = (who.peer_id, who.user_id, who.custom_participant_id)
    said = (segment.start_at, who.display_name, segment.sentence)
    return {
        "CSV": (*said, *ids),
        "JSON": (*said, *ids, segment.end_at),
        "SRT": (*said, segment.end_at),
        "VTT": (*said, segment.end_at),
    }[format_]


def written(format_, transcript):
    return b"".join(write_transcript(format_, transcript, started_at=STARTED_AT))


@pytest.mark.parametrize("format_", TRANSCRIPT_KINDS)
@law
@given(transcript=TRANSCRIPTS)
def test_what_is_written_reads_back_the_same(format_, transcript):
    if not transcript and format_ in ("CSV", "SRT"):
        return  # nothing at all is an empty file, which is refused
    again = read_transcript(written(format_, transcript), format_, STARTED_AT)

    assert [carried(format_, each) for each in again.segments] == [
        carried(format_, each) for each in transcript
    ]
    assert len(again.segments) == len(transcript)


@pytest.mark.parametrize("format_", TRANSCRIPT_KINDS)
@law
@given(transcript=TRANSCRIPTS.filter(bool))
def test_and_a_second_time_to_the_letter(format_, transcript):
    once = written(format_, transcript)
    again = read_transcript(once, format_, STARTED_AT)

    assert written(format_, again.segments) == once


@pytest.mark.parametrize("format_", TRANSCRIPT_KINDS)
@law
@given(transcript=TRANSCRIPTS.filter(bool))
def test_the_format_is_told_from_the_content(format_, transcript):
    assert read_transcript(written(format_, transcript), None, STARTED_AT).format == format_


@pytest.mark.parametrize("format_", TRANSCRIPT_KINDS)
@law
@given(transcript=TRANSCRIPTS.filter(bool))
def test_reading_twice_gives_the_same_ids(format_, transcript):
    file = written(format_, transcript)
    first, second = (read_transcript(file, None, STARTED_AT) for _ in range(2))

    assert [each.id for each in first.segments] == [each.id for each in second.segments]


@law
@given(transcript=TRANSCRIPTS.filter(bool))
def test_ids_are_the_same_in_whatever_format_the_words_come(transcript):
    named = [each for each in transcript if each.speaker.display_name]
    ids = {
        format_: [
            each.id
            for each in read_transcript(written(format_, named), format_, STARTED_AT).segments
        ]
        for format_ in (TRANSCRIPT_KINDS if named else ())
    }

    assert len({tuple(each) for each in ids.values()}) <= 1


@law
@given(name=ALMOST_ANY_TEXT.map(lambda text: text[:64]), sentence=ALMOST_ANY_TEXT)
def test_uncleaned_words_do_not_break_a_subtitle_file(name, sentence):
    said = Segment(
        id="a",
        speaker=Speaker(display_name=name),
        sentence=sentence,
        start_at=STARTED_AT,
        end_at=STARTED_AT + 1000,
    )
    for format_ in ("SRT", "VTT"):
        again = list(read_transcript(written(format_, [said]), format_, STARTED_AT).segments)

        if clean_sentence(sentence)[0]:
            assert [each.sentence for each in again] == [clean_sentence(sentence)[0]]
            assert again[0].speaker.display_name == clean_name(name)[0]


@law
@given(transcript=TRANSCRIPTS)
def test_pythons_csv_reads_the_transcript(transcript):
    text = written("CSV", transcript).decode()
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))

    assert [len(row) for row in rows] == [6] * len(transcript)
    assert [int(row[0]) for row in rows] == [each.start_at - STARTED_AT for each in transcript]
    assert not any(cell[:1] in tuple("=+-@\t\r\n") for row in rows for cell in row[1:] if cell)


@law
@given(transcript=TRANSCRIPTS)
def test_pythons_json_reads_the_transcript_as_the_vendor_documents_it(transcript):
    items = json.loads(written("JSON", transcript))

    assert [item["sentence"] for item in items] == [each.sentence for each in transcript]
    for item in items:
        assert list(item) == ["startTime", "endTime", "sentence", "peerData"]
        assert list(item["peerData"]) == [
            "id", "userId", "displayName", "cpi", "joinedAt", "leftAt",
        ]  # fmt: skip


@law
@given(transcript=TRANSCRIPTS)
def test_a_second_srt_reader_finds_the_same_cues(transcript):
    cues = list(second_reader.parse(written("SRT", transcript).decode()))

    assert [
        (round(cue.start.total_seconds() * 1000), round(cue.end.total_seconds() * 1000))
        for cue in cues
    ] == [(each.start_at - STARTED_AT, each.end_at - STARTED_AT) for each in transcript]
    assert [cue.content.replace("\u2060", "") for cue in cues] == [
        f"{each.speaker.display_name}: {each.sentence}"
        if each.speaker.display_name
        else each.sentence
        for each in transcript
    ]
    assert [cue.index for cue in cues] == list(range(1, len(cues) + 1))


@law
@given(transcript=TRANSCRIPTS.filter(bool))
def test_what_a_second_writer_makes_of_our_srt_reads_the_same(transcript):
    theirs = second_reader.compose(second_reader.parse(written("SRT", transcript).decode()))

    again = read_transcript(theirs.encode(), None, STARTED_AT).segments
    assert sorted(carried("SRT", each) for each in again) == sorted(
        carried("SRT", each) for each in transcript
    )


@pytest.mark.parametrize("format_", [*READ_FORMATS, None])
@law
@given(data=st.binary(max_size=200) | ALMOST_ANY_TEXT.map(str.encode))
def test_any_bytes_give_segments_or_one_refusal(format_, data):
    try:
        read = read_transcript(data, format_, STARTED_AT)
    except Refused:
        return
    for segment in read.segments:
        assert segment.sentence
        assert segment.id
        assert segment.start_at <= segment.end_at
        assert iso(segment.start_at) <= iso(segment.end_at)


@law
@given(transcript=TRANSCRIPTS.filter(bool), cut=st.integers(1, 50))
def test_the_pieces_that_a_file_comes_in_do_not_matter(transcript, cut):
    file = written("VTT", transcript)
    pieces = [file[at : at + cut] for at in range(0, len(file), cut)]

    assert list(read_transcript(iter(pieces), None, STARTED_AT).segments) == list(
        read_transcript(file, None, STARTED_AT).segments
    )


@law
@given(text=ANY_TEXT)
def test_cleaning_twice_is_cleaning_once(text):
    for clean in (clean_name, clean_sentence, clean_text):
        once = clean(text)[0]
        again, done = clean(once)

        assert again == once
        assert done == ()


@law
@given(text=ANY_TEXT)
def test_a_cleaned_name_is_one_line_of_what_can_be_seen(text):
    name = clean_name(text)[0]

    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069]", name)
    assert len(name.splitlines()) <= 1


PAYLOADS = {
    "text": st.fixed_dictionaries(
        {"message": ALMOST_ANY_TEXT.map(lambda text: clean_text(text)[0])}
    ),
    "image": st.fixed_dictionaries({"link": ALMOST_ANY_TEXT}),
    "file": st.fixed_dictionaries(
        {"name": ALMOST_ANY_TEXT, "size": st.integers(0, 2**40), "link": ALMOST_ANY_TEXT}
    ),
    "custom": st.dictionaries(st.sampled_from(["message", "html", "files"]), ALMOST_ANY_TEXT),
    "poll": st.fixed_dictionaries(
        {"question": ALMOST_ANY_TEXT, "options": st.lists(IDS, max_size=3)}
    ),
}


@st.composite
def messages(draw):
    kind = draw(st.sampled_from(MESSAGE_TYPES))
    return Message(
        id=draw(IDS.filter(bool)),
        speaker=draw(SPEAKERS),
        type=kind,
        payload=draw(PAYLOADS[kind]),
        target_user_ids=tuple(draw(st.lists(IDS, max_size=2))),
        sent_at=STARTED_AT + draw(st.integers(0, 10**9)),
        is_edited=draw(st.booleans()),
        pinned=draw(st.booleans()),
    )


def written_chat(chat):
    return b"".join(chat_csv(chat, session_id="s", meeting_id="m"))


@law
@given(chat=st.lists(messages(), max_size=6))
def test_a_chat_reads_back_the_same(chat):
    again = read_chat_csv(written_chat(chat)).messages

    assert [
        (each.id, each.speaker.peer_id, each.speaker.display_name, each.type, each.payload,
         each.sent_at, each.is_edited, each.pinned)
        for each in again
    ] == [
        (each.id, each.speaker.peer_id or each.speaker.user_id, each.speaker.display_name,
         each.type, each.payload, each.sent_at, each.is_edited, each.pinned)
        for each in chat
    ]  # fmt: skip


@law
@given(chat=st.lists(messages(), max_size=6))
def test_pythons_csv_reads_the_chat(chat):
    rows = list(csv.reader(io.StringIO(written_chat(chat).decode(), newline=""), strict=True))

    assert tuple(rows[0]) == HEADER
    assert [len(row) for row in rows] == [10] * (len(chat) + 1)
    assert not any(cell[:1] in tuple("=+-@\t\r\n") for row in rows for cell in row if cell)
    assert [row[8].lstrip("'") for row in rows[1:] if row[7] == "TEXT_MESSAGE"] == [
        each.payload["message"].lstrip("'") for each in chat if each.type == TEXT
    ]


@law
@given(message=messages())
def test_a_message_object_reads_back_the_same(message):
    raw = json.dumps(message_object(message)).encode()

    assert read_message(raw) == (message, ())


@law
@given(data=st.binary(max_size=100) | ALMOST_ANY_TEXT.map(str.encode))
def test_any_bytes_give_messages_or_one_refusal(data):
    for read in (read_messages, read_chat_csv, read_message):
        with contextlib.suppress(Refused):
            read(data)
