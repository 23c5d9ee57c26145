"""Reported: facts of words as what they say of one message or one segment, cleaned and checked."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from roomtone.formats.messages import message_object, read_message
from roomtone.formats.segments import content_id
from roomtone.formats.spoken import clean_name, clean_sentence
from roomtone.model.errors import Invalid
from roomtone.model.facts import AnyFact, Chatted, Transcribed
from roomtone.model.words import KeptMessage, KeptSegment, Message, Segment, Speaker
from roomtone.services.merging import (
    ADD,
    EDIT,
    PUT,
    merged_message,
    merged_partial,
    merged_segment,
)

WITH_CONTENT = frozenset({ADD, EDIT, PUT})
NOBODY = Speaker()


class ChatReport(Struct, frozen=True):
    """What a fact says of a message."""

    id: str
    action: str
    t: int
    message: Message | None

    def merged(self, kept: KeptMessage | None) -> KeptMessage:
        """What is kept of the message, with this."""
        return merged_message(kept or KeptMessage(id=self.id), self.action, self.t, self.message)


class SpeechReport(Struct, frozen=True):
    """What a fact says of a segment; ``segment`` is None for a partial one, at ``t``."""

    id: str
    t: int
    segment: Segment | None
    timed: bool

    def merged(self, kept: KeptSegment | None) -> KeptSegment:
        """What is kept of the segment, with this."""
        kept = kept or KeptSegment(id=self.id)
        if self.segment is None:
            return merged_partial(kept, self.t)
        return merged_segment(kept, self.t, self.segment, timed=self.timed)


Report = ChatReport | SpeechReport


def has_words(facts: Iterable[AnyFact]) -> bool:
    """Whether any of the facts is of words."""
    return any(type(fact) in (Chatted, Transcribed) for fact in facts)


def reports_of(facts: Iterable[AnyFact], sender: Speaker = NOBODY) -> list[Report]:
    """The reports of a batch. ``sender``: who speaks where the words themselves do not say.

    Raises Invalid for a message that cannot be one.
    """
    reports: list[Report] = []
    for fact in facts:
        if isinstance(fact, Chatted):
            reports.append(_chat(fact, sender))
        elif isinstance(fact, Transcribed):
            report = _speech(fact, sender)
            if report is not None:
                reports.append(report)
    return reports


def known_reports(facts: Iterable[AnyFact], sender: Speaker) -> list[Report]:
    """As :func:`reports_of`, for facts from the journal: what cannot be read any more is left."""
    reports: list[Report] = []
    for fact in facts:
        try:
            reports += reports_of((fact,), sender)
        except Invalid:
            continue
    return reports


def _chat(fact: Chatted, sender: Speaker) -> ChatReport:
    if fact.action not in WITH_CONTENT:
        return ChatReport(str(fact.message.get("id", "")), fact.action, fact.t, None)
    said = fact.message
    if said.get("time") is None and said.get("timeMs") is None:
        said = {**said, "timeMs": fact.t}
    message, _ = read_message(msgspec.json.encode(said), "metaData.message")
    if message.speaker == NOBODY:
        message = replace(message, speaker=sender)
    return ChatReport(message.id, fact.action, fact.t, message)


def _speech(fact: Transcribed, sender: Speaker) -> SpeechReport | None:
    if fact.is_partial:
        return SpeechReport(fact.id, fact.end_at, None, False) if fact.id else None
    sentence, _ = clean_sentence(fact.sentence)
    if not sentence:
        return None
    speaker = Speaker(
        peer_id=fact.peer_id,
        user_id=fact.user_id,
        custom_participant_id=fact.custom_participant_id,
        display_name=clean_name(fact.display_name)[0],
    )
    if speaker == NOBODY:
        speaker = sender
    timed = fact.start_at is not None
    segment = Segment(
        id=fact.id or content_id(fact.end_at, speaker, sentence),
        speaker=speaker,
        sentence=sentence,
        start_at=fact.end_at if fact.start_at is None else fact.start_at,
        end_at=fact.end_at,
    )
    return SpeechReport(segment.id, fact.t, segment, timed)


def fact_of_message(message: Message, t: int) -> Chatted:
    """The fact that a server says at ``t`` how a message stands."""
    return Chatted(t=t, action=PUT, message=message_object(message))


def fact_of_segment(segment: Segment, t: int) -> Transcribed:
    """The fact that a server says at ``t`` what was said, and when."""
    return Transcribed(
        t=t,
        id=segment.id,
        sentence=segment.sentence,
        end_at=segment.end_at,
        start_at=segment.start_at,
        peer_id=segment.speaker.peer_id,
        user_id=segment.speaker.user_id,
        custom_participant_id=segment.speaker.custom_participant_id,
        display_name=segment.speaker.display_name,
    )
