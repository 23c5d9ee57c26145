"""Timelines: what the console's session page and peer page draw, in one answer each.

Made of the stored reports once a session is sealed, and kept as gzip bytes until one of them
changes; made of the fold so far while it is LIVE, and then at most so often that making it takes a
small part of the time.
"""

import asyncio
import gzip
import time
from collections import OrderedDict
from functools import partial

import msgspec
from msgspec import Struct

from roomtone.model.artifacts import SummaryJob
from roomtone.model.errors import NotFound
from roomtone.model.limits import (
    MAX_RECEIVED_SERIES,
    MAX_TIMELINE_BINS,
    MAX_TIMELINE_CELLS,
    MAX_WORDS_AT_ONCE,
    MIN_TIMELINE_BINS,
)
from roomtone.model.peer_report import PeerReport
from roomtone.model.sessions import LIVE, Peer, Session
from roomtone.model.timeline import PeerTimeline, Series
from roomtone.model.times import iso, iso_or_none
from roomtone.model.words import Message, Segment
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, StoredReport, Transaction
from roomtone.ports.words import Place
from roomtone.report.received import heard_report, mean_mos, received_series
from roomtone.report.timeline import (
    Axis,
    axis_of,
    drawn_report,
    peer_timeline,
    unknown_report,
)
from roomtone.services.peer_events import PEER_JOINING, PEER_LEAVING, peer_events
from roomtone.services.sessions import NO_SUCH_SESSION, Sessions
from roomtone.services.shelves import answer
from roomtone.services.speakers import Speakers

GZIP_LEVEL = 6
KEPT_BYTES = 32 * 1024 * 1024
"""Timelines kept as they were sent; an hour of ten people is about 30 KB."""
LIVE_MS = 3_000
"""A LIVE session's reports are folded anew at most so often …"""
LIVE_SHARE = 10
"""… and after at least so many times what folding them took."""
KEPT_LIVE = 16
"""LIVE sessions whose reports are kept between two looks."""


class SessionTimeline(Struct, frozen=True, kw_only=True):
    """``data`` of the timeline endpoint."""

    session_id: str
    status: str
    start: str
    end: str
    """The moment of asking while the session is LIVE."""
    bin_ms: int
    bins: int
    quality_scale: str | None
    """``mos`` or ``vendor`` (0 to 1); null: nobody has a report."""
    peers: tuple[PeerTimeline, ...]


class TimelineAnswer(Struct, frozen=True):
    success: bool
    data: SessionTimeline


class Received(Struct, frozen=True, kw_only=True):
    """``data`` of the received endpoint: what the others received of one peer, worst first."""

    peer_id: str
    start: str
    """What ``at_ms`` counts from: the session's start."""
    series: tuple[Series, ...]
    series_cut: int
    """Streams past the limit, the better ones."""


class ReceivedAnswer(Struct, frozen=True):
    success: bool
    data: Received


class Word(Struct, frozen=True, kw_only=True):
    """A chat message or a sentence of the transcript."""

    id: str
    kind: str
    """``chat`` or ``transcript``."""
    at: str
    end: str | None
    """Of a sentence."""
    peer_id: str
    user_id: str
    display_name: str
    text: str
    type: str
    """Of a message: ``text``, ``image``, ``file``, ``custom``, ``poll``; of a sentence ``text``."""
    private: bool


class Words(Struct, frozen=True, kw_only=True):
    """``data`` of the words endpoint, by time; ``next`` goes on behind them, null: that was all."""

    words: tuple[Word, ...]
    next: str | None
    summary_status: str | None
    """``QUEUED``, ``IN_PROGRESS``, ``COMPLETED``, ``FAILED``; null: no summary was asked for."""


class WordsAnswer(Struct, frozen=True):
    success: bool
    data: Words


class _Told(Struct, frozen=True):
    """A peer and the body of its report as it stands; None: the report is no longer kept."""

    peer: Peer
    body: bytes | None


class _Live(Struct, frozen=True):
    made_at: float
    good_for: float
    told: list[_Told]


class Timelines:
    """See the module."""

    def __init__(self, records: Records, sessions: Sessions, clock: Clock) -> None:
        self._records = records
        self._sessions = sessions
        self._clock = clock
        self._kept: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        self._live: OrderedDict[str, _Live] = OrderedDict()

    async def timeline(self, app_id: str, session_id: str) -> bytes:
        """The whole answer of the endpoint, as gzip. Raises NotFound."""
        session, peers, stored = await self._records.read(partial(_of, app_id, session_id))
        if session.status != LIVE and None not in stored:
            # A gzip stream ends with the CRC-32 of its content.
            ends = tuple(report.body[-8:] for report in stored if report is not None)
            key = (session.id, session.updated_at, *ends)
            found = self._kept.get(key)
            if found is None:
                told = await asyncio.to_thread(_opened, peers, stored)
                found = await asyncio.to_thread(_drawn, session, told, self._clock.now())
                self._keep(key, found)
            return found
        told = await self._told(session, peers, stored)
        return await asyncio.to_thread(_drawn, session, told, self._clock.now())

    async def received(self, app_id: str, peer_id: str) -> Received:
        """What every other peer of the session received of this one. Raises NotFound."""
        peer = self._sessions.peer(app_id, peer_id)
        session, peers, stored = await self._records.read(partial(_of, app_id, peer.session_id))
        told = await self._told(session, peers, stored)
        series = await asyncio.to_thread(_received, told, peer_id, session.started_at)
        return Received(
            peer_id=peer_id,
            start=iso(session.started_at),
            series=tuple(series[:MAX_RECEIVED_SERIES]),
            series_cut=max(0, len(series) - MAX_RECEIVED_SERIES),
        )

    async def words(self, app_id: str, session_id: str, after: Place) -> Words:
        """What was said, by time, from behind a place. Raises NotFound."""

        def ask(tx: Transaction) -> tuple[list[Message], list[Segment], SummaryJob | None]:
            if tx.sessions.session(app_id, session_id) is None:
                raise NotFound(NO_SUCH_SESSION)
            more = MAX_WORDS_AT_ONCE + 1
            speakers = Speakers(tx.sessions.peers(session_id))
            return (
                [speakers.sent(one) for one in tx.words.messages(session_id, after, more)],
                [speakers.said(one) for one in tx.words.segments(session_id, after, more)],
                tx.artifacts.summary_job(session_id),
            )

        messages, segments, job = await self._records.read(ask)
        said = [((m.sent_at, m.id), _message(m)) for m in messages]
        said += [((s.start_at, s.id), _segment(s)) for s in segments]
        said.sort(key=lambda each: each[0])
        page = said[:MAX_WORDS_AT_ONCE]
        following = f"{page[-1][0][0]}:{page[-1][0][1]}" if len(said) > len(page) else None
        return Words(
            words=tuple(word for _, word in page),
            next=following,
            summary_status=None if job is None else job.status,
        )

    def _keep(self, key: tuple[object, ...], body: bytes) -> None:
        for other in [known for known in self._kept if known[0] == key[0]]:
            del self._kept[other]
        self._kept[key] = body
        while sum(map(len, self._kept.values())) > KEPT_BYTES and len(self._kept) > 1:
            self._kept.popitem(last=False)

    async def _told(
        self, session: Session, peers: list[Peer], stored: list[StoredReport | None]
    ) -> list[_Told]:
        """Every peer with its report, stored or folded from what is known up to now."""
        if None not in stored:
            return await asyncio.to_thread(_opened, peers, stored)
        known = self._live.get(session.id)
        began = time.monotonic()
        if known is not None and began - known.made_at < known.good_for:
            # Who is there is told as it is now; whoever came since has no report yet.
            bodies = {one.peer.subject: one.body for one in known.told}
            return [_Told(peer, bodies.get(peer.subject)) for peer in peers]
        try:
            live = await self._sessions.live_reports(session.id)
        except NotFound:
            live = {}  # the journal is gone, and so is what was not stored of it
        told = await asyncio.to_thread(_told_of, peers, stored, live)
        took = time.monotonic() - began
        good_for = max(LIVE_MS / 1000, LIVE_SHARE * took)
        self._live[session.id] = _Live(time.monotonic(), good_for, told)
        while len(self._live) > KEPT_LIVE:
            self._live.popitem(last=False)
        return told


def _of(
    app_id: str, session_id: str, tx: Transaction
) -> tuple[Session, list[Peer], list[StoredReport | None]]:
    session = tx.sessions.session(app_id, session_id)
    if session is None:
        raise NotFound(NO_SUCH_SESSION)
    own = [peer for peer in tx.sessions.peers(session_id) if not peer.merged_into]
    peers = sorted(own, key=lambda peer: (peer.joined_at, peer.peer_id))
    return session, peers, [tx.reports.sealed_report(app_id, peer.peer_id) for peer in peers]


def _opened(peers: list[Peer], stored: list[StoredReport | None]) -> list[_Told]:
    return [
        _Told(peer, None if report is None else gzip.decompress(report.body))
        for peer, report in zip(peers, stored, strict=True)
    ]


def _told_of(
    peers: list[Peer], stored: list[StoredReport | None], live: dict[bytes, PeerReport]
) -> list[_Told]:
    """Stored where there is one, else the live one."""
    made = []
    for peer, report in zip(peers, stored, strict=True):
        if report is not None:
            made.append(_Told(peer, gzip.decompress(report.body)))
        elif peer.subject in live:
            made.append(_Told(peer, msgspec.json.encode(answer(live[peer.subject]))))
        else:
            made.append(_Told(peer, None))
    return made


def _drawn(session: Session, told: list[_Told], now: int) -> bytes:
    """The timeline endpoint's body."""
    end = now if session.ended_at is None else session.ended_at
    most = min(MAX_TIMELINE_BINS, MAX_TIMELINE_CELLS // max(1, len(told)))
    axis = axis_of(session.started_at, max(end, session.started_at), max(MIN_TIMELINE_BINS, most))
    scales = [_Scale.of(one.body) for one in told if one.body is not None]
    data = SessionTimeline(
        session_id=session.id,
        status=session.status,
        start=iso(axis.start),
        end=iso(axis.end),
        bin_ms=axis.bin_ms,
        bins=axis.bins,
        quality_scale=scales[0] if scales else None,
        peers=tuple(_peer(one, axis) for one in told),
    )
    return gzip.compress(msgspec.json.encode(TimelineAnswer(True, data)), GZIP_LEVEL, mtime=0)


class _Scale(Struct):
    """The scale that a report's scores are on."""

    quality_scale: str

    @staticmethod
    def of(body: bytes) -> str:
        """Of the body of a peer report's endpoint."""
        return _read_scale(body).data["participant"].quality_scale


class _ScaleAnswer(Struct):
    data: dict[str, _Scale]


_read_scale = msgspec.json.Decoder(_ScaleAnswer).decode


def _peer(told: _Told, axis: Axis) -> PeerTimeline:
    peer = told.peer
    report = unknown_report(peer) if told.body is None else drawn_report(told.body)
    left = axis.end if peer.left_at is None else peer.left_at
    last = min(axis.bins - 1, max(0, (left - axis.start - 1) // axis.bin_ms))
    first = min(last, max(0, (peer.joined_at - axis.start) // axis.bin_ms))
    return peer_timeline(report, axis, _spans(peer), first, last)


def _spans(peer: Peer) -> tuple[tuple[str, str | None], ...]:
    """From each joining to the leaving that follows it, before the next joining."""
    spans: list[tuple[int, int | None]] = []
    for event in peer_events(peer):
        if event.name == PEER_JOINING:
            if not spans or spans[-1][1] is not None:
                spans.append((event.t, None))
        elif event.name == PEER_LEAVING and spans:
            spans[-1] = (spans[-1][0], event.t)
    return tuple((iso(joined), iso_or_none(left)) for joined, left in spans)


def _received(told: list[_Told], sender_id: str, start: int) -> list[Series]:
    made: list[Series] = []
    for one in told:
        if one.body is not None and one.peer.peer_id != sender_id:
            made += received_series(heard_report(one.body), sender_id, start)
    return sorted(made, key=lambda series: (mean_mos(series), series.peer_id, series.consumer_id))


def _message(message: Message) -> Word:
    told = message.payload
    text = next(
        (told[name] for name in ("message", "name", "link") if isinstance(told.get(name), str)), ""
    )
    return Word(
        id=message.id,
        kind="chat",
        at=iso(message.sent_at),
        end=None,
        peer_id=message.speaker.peer_id,
        user_id=message.speaker.user_id,
        display_name=message.speaker.display_name,
        text=text,
        type=message.type,
        private=bool(message.target_user_ids),
    )


def _segment(segment: Segment) -> Word:
    return Word(
        id=segment.id,
        kind="transcript",
        at=iso(segment.start_at),
        end=iso(segment.end_at),
        peer_id=segment.speaker.peer_id,
        user_id=segment.speaker.user_id,
        display_name=segment.speaker.display_name,
        text=segment.sentence,
        type="text",
        private=False,
    )
