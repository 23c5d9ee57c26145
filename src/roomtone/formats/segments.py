"""What every transcript reader shares: from what a file says to segments.

A reader gives drafts; :func:`settled` cleans them, puts the ends that a file does not say, makes
ids, and notes what is odd but true (people talk at once). One draft is looked ahead, no more is
held.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b

from msgspec import Struct

from roomtone.formats.notebook import Notebook
from roomtone.formats.spoken import clean_name, clean_sentence
from roomtone.model.errors import TooLarge
from roomtone.model.limits import (
    MAX_ID_CHARS,
    MAX_NAME_CHARS,
    MAX_SEGMENTS,
    MAX_SENTENCE_CHARS,
    MAX_TRANSCRIPT_MS,
)
from roomtone.model.words import Segment, Speaker

MS_PER_CHAR = 66
"""15 characters a second, a usual reading speed of subtitles and close to the speed of speech."""
MIN_ESTIMATE_MS = 1_000
LATEST_MS = 253_402_300_799_999
"""The end of the year 9999, the last that ISO 8601 can show."""
ID_BYTES = 16
RAW_FACTOR = 4
"""How much longer than its limit a text may be before it is cleaned: markup, invisible padding."""

REVERSED = "ends before it starts; its end is estimated"
NO_END = "says no end; it is taken to last until the next starts, or as long as saying it takes"
NO_ENDS = (
    "The file has no ends: a segment lasts until the next starts, or as long as saying it takes."
)
NO_WORDS = "has no words; left out"
OVERLAPPING = "starts before an earlier one has ended; kept as it is"


class Draft(Struct, frozen=True, kw_only=True):
    """A segment as a file says it. Times are epoch ms; ``end_at`` None: the file does not say."""

    where: str
    start_at: int
    end_at: int | None
    sentence: str
    speaker: Speaker
    id: str = ""


def settled(drafts: Iterable[Draft], notebook: Notebook) -> Iterator[Segment]:
    """Drafts as segments, in their order; faults and notes go into ``notebook``.

    An end that is missing or before the start is the next start that is later, or
    :func:`estimated_ms` after the start, whichever comes first.
    Raises TooLarge past MAX_SEGMENTS.
    """
    waiting: Draft | None = None
    latest_end = 0
    for count, draft in enumerate(_checked(drafts, notebook), 1):
        if count > MAX_SEGMENTS:
            raise TooLarge(f"More than {MAX_SEGMENTS} segments in one file; split it.")
        if waiting is not None:
            yield _segment(waiting, draft.start_at)
            latest_end = max(latest_end, waiting.end_at or 0)
        if draft.start_at < latest_end:
            notebook.note(OVERLAPPING, draft.where)
        waiting = draft
    if waiting is not None:
        yield _segment(waiting, None)


def estimated_ms(sentence: str) -> int:
    """How long it takes to say something."""
    return max(MIN_ESTIMATE_MS, MS_PER_CHAR * len(sentence))


def content_id(at: int, who: Speaker, said: str) -> str:
    """The id of words that came without one: 32 hex digits from when (epoch ms), who and what.

    The same words read from files of different formats get the same id where the speaker's name,
    which all formats carry, is the same. Unique within a session, not beyond.
    """
    name = who.display_name or who.peer_id or who.user_id or who.custom_participant_id
    content = f"{at}\x00{name}\x00{said}".encode("utf-8", "surrogatepass")
    return blake2b(content, digest_size=ID_BYTES).hexdigest()


def _checked(drafts: Iterable[Draft], notebook: Notebook) -> Iterator[Draft]:
    """Cleaned drafts without faults."""
    for draft in drafts:
        if len(draft.sentence) > RAW_FACTOR * MAX_SENTENCE_CHARS:
            notebook.fault(draft.where, _too_long(len(draft.sentence)))
            continue
        sentence, done = clean_sentence(draft.sentence)
        speaker, done_to_name, fault = _clean_speaker(draft.speaker)
        notebook.note_all((f"text: {each}" for each in done), draft.where)
        notebook.note_all((f"name: {each}" for each in done_to_name), draft.where)
        why = fault or _what_is_wrong(draft, sentence)
        if why:
            notebook.fault(draft.where, why)
            continue
        if not sentence:
            notebook.note(NO_WORDS, draft.where)
            continue
        end_at = draft.end_at
        if end_at is not None and end_at < draft.start_at:
            notebook.note(REVERSED, draft.where)
            end_at = None
        yield Draft(
            where=draft.where,
            start_at=draft.start_at,
            end_at=end_at,
            sentence=sentence,
            speaker=speaker,
            id=clean_name(draft.id)[0],
        )


def _what_is_wrong(draft: Draft, sentence: str) -> str | None:
    if len(sentence) > MAX_SENTENCE_CHARS:
        return _too_long(len(sentence))
    if len(draft.id) > MAX_ID_CHARS:
        return f"the id is longer than {MAX_ID_CHARS} characters"
    end_at = draft.start_at if draft.end_at is None else draft.end_at
    if not (0 <= draft.start_at <= LATEST_MS and end_at <= LATEST_MS):
        return "a time outside the years 1970 to 9999"
    if end_at - draft.start_at > MAX_TRANSCRIPT_MS:
        return f"lasts longer than {MAX_TRANSCRIPT_MS // 3_600_000} hours"
    return None


def _too_long(length: int) -> str:
    return f"{length} characters in one segment; at most {MAX_SENTENCE_CHARS} are taken"


@lru_cache(maxsize=1024)
def _clean_speaker(speaker: Speaker) -> tuple[Speaker, tuple[str, ...], str | None]:
    """A speaker fit to be shown, what was done to the name, and what is wrong. There are few
    speakers and many segments: each is looked at once, and kept in memory once."""
    ids = (speaker.peer_id, speaker.user_id, speaker.custom_participant_id)
    if max(map(len, (speaker.display_name, *ids))) > RAW_FACTOR * MAX_NAME_CHARS:
        return speaker, (), "a speaker's name or id is far too long"
    name, done = clean_name(speaker.display_name)
    peer_id, user_id, custom_id = (clean_name(each)[0] for each in ids)
    fault = None
    if len(name) > MAX_NAME_CHARS:
        fault = f"a name of {len(name)} characters; at most {MAX_NAME_CHARS} are taken"
    elif max(len(peer_id), len(user_id), len(custom_id)) > MAX_ID_CHARS:
        fault = f"a speaker's id is longer than {MAX_ID_CHARS} characters"
    cleaned = Speaker(
        peer_id=peer_id, user_id=user_id, custom_participant_id=custom_id, display_name=name
    )
    return cleaned, done, fault


def _segment(draft: Draft, next_start: int | None) -> Segment:
    end_at = draft.end_at
    if end_at is None:
        end_at = draft.start_at + estimated_ms(draft.sentence)
        if next_start is not None and next_start > draft.start_at:
            end_at = min(end_at, next_start)
    return Segment(
        id=draft.id or content_id(draft.start_at, draft.speaker, draft.sentence),
        speaker=draft.speaker,
        sentence=draft.sentence,
        start_at=draft.start_at,
        end_at=end_at,
    )
