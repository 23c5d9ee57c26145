"""Erasing: a session, or a person, taken out of everything, and what that was.

Other people's reports name whom they heard by a random peer id; once the person's own rows are gone
it leads to nobody, and it stays. Everything else that says who somebody was or what they said goes.
"""

from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct
from msgspec.structs import asdict, replace

from roomtone.model.artifacts import CHAT, SUMMARY, TRANSCRIPT
from roomtone.model.errors import Fault, Invalid, NotFound
from roomtone.model.facts import AnyFact, Chatted, Transcribed
from roomtone.model.rooms import Participant
from roomtone.model.sessions import LIVE, Peer, Session
from roomtone.model.words import KeptMessage, KeptSegment, Speaker
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Journal
from roomtone.ports.records import Page, Records, Transaction
from roomtone.services.artifacts import Artifacts
from roomtone.services.digesting import redacted, without
from roomtone.services.holding import recount
from roomtone.services.sessions import NO_SUCH_SESSION
from roomtone.services.speakers import Speakers
from roomtone.services.words import count_up, session_subject

AT_ONCE = 1_000
SOMEBODY = "erased"
"""Stands in a private message where the id of somebody who was erased stood."""


class Erased(Struct, frozen=True, kw_only=True):
    """How much went, kind by kind."""

    participants: int = 0
    sessions: int = 0
    peers: int = 0
    batches: int = 0
    """Batches of the journal."""
    facts: int = 0
    """Single facts taken out of batches of others, such as a message that they received."""
    reports: int = 0
    messages: int = 0
    segments: int = 0
    summaries: int = 0
    files: int = 0
    deliveries: int = 0
    """Webhook deliveries that told of it."""
    quarantined: int = 0

    def __add__(self, other: "Erased") -> "Erased":
        theirs = asdict(other)
        return Erased(**{name: count + theirs[name] for name, count in asdict(self).items()})


class _Person(Struct, frozen=True):
    """Everything that somebody goes by."""

    user_ids: frozenset[str]
    custom_ids: frozenset[str]
    peer_ids: frozenset[str]

    def is_meant(self, speaker: Speaker) -> bool:
        """Whether a joined speaker is this person."""
        return (
            speaker.user_id in self.user_ids
            or speaker.peer_id in self.peer_ids
            or speaker.custom_participant_id in self.custom_ids
        )


class Eraser:
    """Erases. Every step can be done again, so an erasing that was cut off is simply asked anew."""

    def __init__(
        self, journal: Journal, records: Records, artifacts: Artifacts, clock: Clock
    ) -> None:
        self._journal = journal
        self._records = records
        self._artifacts = artifacts
        self._clock = clock

    async def session(self, session_id: str) -> Erased:
        """Erase an ENDED session. Raises NotFound, Invalid (LIVE)."""
        session, peers = await self._records.read(
            lambda tx: (tx.sessions.session_by_id(session_id), tx.sessions.peers(session_id))
        )
        if session is None:
            raise NotFound(NO_SUCH_SESSION)
        if session.status == LIVE:
            why = "is LIVE: end it first (kick-all), or wait until it has ended"
            raise Invalid("The session cannot be erased now.", (Fault("session", why),))
        return await self._session(session, peers)

    async def _session(self, session: Session, peers: list[Peer]) -> Erased:
        files = await self._artifacts.erase(session)
        messages = await self._drop_all(session, CHAT)
        segments = await self._drop_all(session, TRANSCRIPT)

        def drop(tx: Transaction) -> Erased:
            reports = sum(_drop_peer(tx, peer) for peer in peers)
            summaries = _drop_summary(tx, session)
            tx.artifacts.drop_artifacts(session.id, None)
            tx.words.drop_spoken(session.id)
            deliveries = tx.hooks.erase_deliveries(session.id)
            tx.digests.drop(session.id)
            tx.sessions.drop_session(session.id)
            return Erased(
                sessions=1,
                peers=len(peers),
                reports=reports,
                summaries=summaries,
                deliveries=deliveries,
            )

        # The rows last: until then a crash leaves something that can be asked for again.
        batches = await self._journal.forget(session_subject(session).key)
        batches += await self._forget(peers)
        dropped = await self._records.write(drop)
        return dropped + Erased(files=files, messages=messages, segments=segments, batches=batches)

    async def _drop_all(self, session: Session, kind: str) -> int:
        gone = 0
        while some := await self._records.write(
            lambda tx: tx.words.drop_words(kind, session.id, AT_ONCE)
        ):
            gone += some
        return gone

    async def participant(self, app_id: str, name: str) -> Erased:
        """Erase a person by user id or custom id. Raises NotFound, Invalid (connected now)."""
        people, peers, sessions = await self._records.read(lambda tx: _found(tx, app_id, name))
        if not people and not peers:
            raise NotFound("No such participant.")
        if any(peer.left_at is None for peer in peers):
            why = "is connected: remove them from the session first (kick)"
            raise Invalid("The participant cannot be erased now.", (Fault("participant", why),))
        person = _Person(
            frozenset([one.id for one in people] + [peer.user_id for peer in peers]),
            frozenset(
                custom
                for custom in (
                    *(one.custom_participant_id for one in people),
                    *(peer.custom_participant_id for peer in peers),
                )
                if custom
            ),
            frozenset(peer.peer_id for peer in peers),
        )
        erased = Erased()
        for session in sessions:
            erased += await self._from_session(session, person)
        return erased + await self._records.write(lambda tx: _drop_people(tx, app_id, people))

    async def _from_session(self, session: Session, person: _Person) -> Erased:
        peers = await self._records.read(lambda tx: tx.sessions.peers(session.id))
        own = [peer for peer in peers if peer.user_id in person.user_ids]
        others = [peer for peer in peers if peer.user_id not in person.user_ids]
        if own and not others:
            return await self._session(session, own)
        speakers = Speakers(peers)
        erased, gone = await self._words(session, person, speakers)
        change = _without(person, speakers, gone)
        facts = 0
        for subject in (session_subject(session).key, *(peer.subject for peer in others)):
            facts += await self._journal.redact(subject, change)
        if not (own or erased.messages or erased.segments):
            return erased + Erased(facts=facts)
        # A summary may quote anybody; the other files only name those whose words are in them.
        kinds = [SUMMARY]
        kinds += [CHAT] if erased.messages else []
        kinds += [TRANSCRIPT] if erased.segments else []
        files = 0
        for kind in kinds:
            files += await self._artifacts.erase(session, kind)
        now = self._clock.now()

        def drop(tx: Transaction) -> Erased:
            reports = sum(_drop_peer(tx, peer) for peer in own)
            deliveries = sum(tx.hooks.erase_deliveries(session.id, peer.peer_id) for peer in own)
            summaries = _drop_summary(tx, session)
            for kind in kinds:
                tx.artifacts.drop_artifacts(session.id, kind)
            chat, speech = erased.messages > 0, erased.segments > 0
            if chat or speech:
                count_up(tx, session.app_id, session.id, now, chat=chat, speech=speech)
            if own:
                recount(tx, session.id, now)
                _redact(tx, session.id, own, others)
            return Erased(
                peers=len(own), reports=reports, deliveries=deliveries, summaries=summaries
            )

        batches = await self._forget(own)
        dropped = await self._records.write(drop)
        return erased + dropped + Erased(facts=facts, files=files, batches=batches)

    async def _forget(self, peers: list[Peer]) -> int:
        return sum([await self._journal.forget(peer.subject) for peer in peers])

    async def _words(
        self, session: Session, person: _Person, speakers: Speakers
    ) -> tuple[Erased, frozenset[str]]:
        """Erase what somebody wrote and said; how much, and the ids of the messages."""
        gone: set[str] = set()
        count, after = 0, ""

        def next_messages(tx: Transaction) -> list[KeptMessage]:
            return tx.words.kept_messages(session.id, after, AT_ONCE)

        def next_segments(tx: Transaction) -> list[KeptSegment]:
            return tx.words.kept_segments(session.id, after, AT_ONCE)

        while messages := await self._records.read(next_messages):
            after = messages[-1].id
            theirs = [one for one in messages if _wrote(one, person, speakers)]
            gone |= {one.id for one in theirs}
            await self._drop_some(session, CHAT, [one.id for one in theirs])
            await self._unaddress(session, person, messages)
        after = ""
        while segments := await self._records.read(next_segments):
            after = segments[-1].id
            said = [one.id for one in segments if _said(one, person, speakers)]
            count += len(said)
            await self._drop_some(session, TRANSCRIPT, said)
        return Erased(messages=len(gone), segments=count), frozenset(gone)

    async def _drop_some(self, session: Session, kind: str, ids: list[str]) -> None:
        def drop(tx: Transaction) -> None:
            for word_id in ids:
                tx.words.drop_word(kind, session.id, word_id)

        if ids:
            await self._records.write(drop)

    async def _unaddress(
        self, session: Session, person: _Person, messages: list[KeptMessage]
    ) -> None:
        """Take somebody's id out of private messages that others sent to them."""

        def put(tx: Transaction) -> None:
            for kept in messages:
                message = kept.message
                if message is None or not person.user_ids & set(message.target_user_ids):
                    continue
                if tx.words.message(session.id, kept.id) is None:
                    continue
                targets = tuple(
                    SOMEBODY if one in person.user_ids else one for one in message.target_user_ids
                )
                changed = replace(kept, message=replace(message, target_user_ids=targets))
                tx.words.put_message(session.app_id, session.id, changed)

        await self._records.write(put)


def _found(
    tx: Transaction, app_id: str, name: str
) -> tuple[list[Participant], list[Peer], list[Session]]:
    """A person's rows, and the sessions that may mention them: all of their meetings'."""
    people = tx.rooms.people_called(app_id, name)
    peers = tx.sessions.peers_called(app_id, name, [one.id for one in people])
    sessions = {
        session.id: session
        for meeting_id in {one.meeting_id for one in people}
        for session in tx.sessions.sessions_of(meeting_id)
    }
    for peer in peers:
        session = tx.sessions.session_by_id(peer.session_id)
        if session is not None:
            sessions[session.id] = session
    return people, peers, list(sessions.values())


def _drop_peer(tx: Transaction, peer: Peer) -> int:
    """1 if it had a report."""
    had = tx.reports.report(peer.app_id, peer.peer_id) is not None
    tx.reports.drop_report(peer.subject)
    tx.words.drop_pending(peer.subject)
    tx.sessions.drop_peer(peer.subject)
    return int(had)


def _redact(tx: Transaction, session_id: str, gone: list[Peer], others: list[Peer]) -> None:
    """Take erased peers out of the session's digest, and out of what was found at the others."""
    session = tx.sessions.session_by_id(session_id)
    digest = tx.digests.digest(session_id)
    if session is not None and digest is not None:
        counted = replace(digest, started_at=session.started_at, closed_ms=session.closed_ms)
        tx.digests.put(without(counted, gone))
    for peer in others:
        tx.reports.drop_previous_report(peer.subject)
        report = tx.reports.report(peer.app_id, peer.peer_id)
        if report is not None:
            tx.reports.put_report(replace(report, body=redacted(report.body, gone)))
        before = tx.reports.previous_report(peer.app_id, peer.peer_id)
        if before is not None and redacted(before.body, gone) is not before.body:
            tx.reports.drop_previous_report(peer.subject)


def _drop_summary(tx: Transaction, session: Session) -> int:
    there = tx.artifacts.summary_job(session.id) is not None
    tx.artifacts.drop_summary_job(session.id)
    tx.artifacts.drop_artifacts(session.id, SUMMARY)
    return int(there)


def _drop_people(tx: Transaction, app_id: str, people: Iterable[Participant]) -> Erased:
    ids = {one.id for one in people}
    for participant_id in ids:
        tx.rooms.drop_participant(participant_id)
    refused = 0
    if ids:
        items, _ = tx.quarantine.quarantined(app_id, Page(0, 1 << 30))
        for item in items:
            context = msgspec.json.decode(item.context)
            if context.get("participant_id") in ids:
                tx.quarantine.drop_quarantined(item.id)
                refused += 1
    return Erased(participants=len(ids), quarantined=refused)


def _wrote(kept: KeptMessage, person: _Person, speakers: Speakers) -> bool:
    message = kept.message
    return message is not None and (
        person.is_meant(message.speaker) or person.is_meant(speakers.sent(message).speaker)
    )


def _said(kept: KeptSegment, person: _Person, speakers: Speakers) -> bool:
    segment = kept.segment
    return segment is not None and (
        person.is_meant(segment.speaker) or person.is_meant(speakers.said(segment).speaker)
    )


def _without(
    person: _Person, speakers: Speakers, gone: frozenset[str]
) -> Callable[[AnyFact], AnyFact | None]:
    """What of a fact in somebody else's journal may stay."""

    def change(fact: AnyFact) -> AnyFact | None:
        if isinstance(fact, Chatted):
            said = fact.message
            theirs = said.get("id") in gone or _is_meant(
                person,
                speakers,
                Speaker(
                    peer_id=str(said.get("peerId") or ""),
                    user_id=str(said.get("userId") or ""),
                    custom_participant_id=str(said.get("customParticipantId") or ""),
                    display_name=str(said.get("displayName") or ""),
                ),
                fact.t,
            )
            return None if theirs else _unaddressed(fact, person)
        if isinstance(fact, Transcribed):
            speaker = Speaker(
                peer_id=fact.peer_id,
                user_id=fact.user_id,
                custom_participant_id=fact.custom_participant_id,
                display_name=fact.display_name,
            )
            return None if _is_meant(person, speakers, speaker, fact.end_at) else fact
        return fact

    return change


def _is_meant(person: _Person, speakers: Speakers, speaker: Speaker, at: int) -> bool:
    return person.is_meant(speaker) or person.is_meant(speakers.of(speaker, at))


def _unaddressed(fact: Chatted, person: _Person) -> Chatted:
    targets = fact.message.get("targetUserIds")
    if not isinstance(targets, list) or not person.user_ids & {str(one) for one in targets}:
        return fact
    changed = [SOMEBODY if one in person.user_ids else one for one in targets]
    return replace(fact, message={**fact.message, "targetUserIds": changed})
