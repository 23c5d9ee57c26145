"""A long transcript passes through in memory that does not grow with it."""

import tracemalloc

import pytest

from roomtone.formats.chat_csv import chat_csv
from roomtone.formats.reading import read_transcript
from roomtone.formats.writing import TRANSCRIPT_KINDS, write_transcript
from roomtone.model.words import Message, Segment, Speaker

SEGMENTS = 20_000
"""An hour in which nobody pauses; to be traced, everything takes several times as long."""
READ = 5_000
"""Reading takes longer; held as text, these are more than what is allowed."""
STARTED_AT = 1_780_000_000_000
MB = 1024 * 1024
SPEAKERS = [
    Speaker(peer_id=f"peer-{n}", user_id=f"user-{n}", display_name=f"Person {n}") for n in range(50)
]


def segments(count):
    for n in range(count):
        yield Segment(
            id=str(n),
            speaker=SPEAKERS[n % 50],
            sentence=f"This is what was said as number {n}, of no great weight & < 20 words.",
            start_at=STARTED_AT + n * 180,
            end_at=STARTED_AT + n * 180 + 170,
        )


def peak_mb(work):
    tracemalloc.start()
    try:
        result = work()
        return tracemalloc.get_traced_memory()[1] / MB, result
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("format_", TRANSCRIPT_KINDS)
def test_a_transcript_is_written_in_memory_that_does_not_grow_with_it(format_):
    peak, size = peak_mb(
        lambda: sum(map(len, write_transcript(format_, segments(SEGMENTS), started_at=STARTED_AT)))
    )

    assert size > 2 * MB
    assert peak < 0.5


def test_a_chat_is_written_in_memory_that_does_not_grow_with_it():
    messages = (
        Message(id=s.id, speaker=s.speaker, payload={"message": s.sentence}, sent_at=s.start_at)
        for s in segments(SEGMENTS)
    )
    peak, size = peak_mb(lambda: sum(map(len, chat_csv(messages, session_id="s", meeting_id="m"))))

    assert size > 2 * MB
    assert peak < 1


@pytest.mark.parametrize("format_", TRANSCRIPT_KINDS)
def test_reading_holds_little_beside_the_file(format_):
    file = b"".join(write_transcript(format_, segments(READ), started_at=STARTED_AT))

    peak, count = peak_mb(lambda: sum(1 for _ in read_transcript(file, None, STARTED_AT).segments))

    assert count == READ
    assert peak < 0.5  # JSON holds where each item is: 62 bytes an item
