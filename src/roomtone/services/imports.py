"""Imports: a file that somebody hands over, whatever it is, into the session that it belongs to.

A recording makes its own session (:mod:`importing`); words go into one that is named. One file is
taken in at a time, for a recording unfolds to many times its size.
"""

import asyncio
import zlib
from hashlib import blake2b

import msgspec
from msgspec import Struct

from roomtone.formats.calls import is_calls, read_calls
from roomtone.formats.chat_csv import HEADER, read_chat_csv
from roomtone.formats.encodings import encoded
from roomtone.formats.messages import read_messages
from roomtone.formats.reading import read_transcript
from roomtone.formats.said import is_said, read_said
from roomtone.model.errors import BadRequest, Fault, Invalid, NotFound, Refused, TooLarge
from roomtone.model.limits import MAX_NAME_CHARS, MAX_UPLOAD_PLAIN_BYTES, MAX_WORDS_FILE_BYTES
from roomtone.model.sessions import Session
from roomtone.ports.records import Records
from roomtone.services.artifacts import Artifacts
from roomtone.services.importing import NOTHING, Given, Importer
from roomtone.services.returning import Returner
from roomtone.services.sessions import NO_SUCH_SESSION
from roomtone.services.words import Taken, Words
from roomtone.sources.recorded import RecordedPeer
from roomtone.sources.recordings import decode_file
from roomtone.sources.rtcstats.dump import MAGIC

HEAD_CHARS = 4_096
PIECE_BYTES = 1 << 20
WORD_ENDINGS = ("SRT", "VTT", "CSV", "TXT")
NAME_A_SESSION = "This file holds words: say with session_id which session they belong to."
SAYS_ITSELF = "An export of Roomtone says itself whose it is and when it was."
NO_SESSION = "There is no session {} here: import the export of its calls before that of its words."
NO_CALLS = "There are no calls in the file."
NO_MEDIA = "The recording tells of no connection, so there is no call to show."


class ImportedFile(Struct, frozen=True, kw_only=True):
    """What came of a file."""

    name: str
    kind: str
    """``recording``, ``calls`` or ``words`` (our own exports), ``chat``, or ``transcript``."""
    session_ids: tuple[str, ...]
    """The session that the recording made, those that the export holds, or that the words went
    into."""
    peer_ids: tuple[str, ...]
    new: int
    """Facts of a recording, messages, segments."""
    changed: int
    known: int
    """There were there already."""
    notes: tuple[str, ...]
    """What was mended on the way in."""


class Imports:
    """Takes files in."""

    def __init__(
        self,
        records: Records,
        importer: Importer,
        words: Words,
        artifacts: Artifacts,
        returner: Returner,
        *,
        mask: bool = True,
    ) -> None:
        self._mask = mask
        self._returner = returner
        self._records = records
        self._importer = importer
        self._words = words
        self._artifacts = artifacts
        self._turn = asyncio.Semaphore(1)

    async def take(
        self,
        app_id: str,
        name: str,
        data: bytes,
        session_id: str | None,
        given: Given = NOTHING,
    ) -> ImportedFile:
        """Take a file in; doing it again changes nothing. Raises Refused with what is wrong."""
        async with self._turn:
            if session_id is not None:
                return await self._take_words(app_id, session_id, name, data)
            # What unfolds to more than this is refused before it is told apart.
            plain = await asyncio.to_thread(unfolded, data, MAX_UPLOAD_PLAIN_BYTES)
            if is_calls(plain) or is_said(plain):
                if given != NOTHING:
                    raise Invalid(SAYS_ITSELF)
                take = self.take_calls if is_calls(plain) else self.take_said
                return await take(app_id, name, plain)
            return await self._take_recording(app_id, name, plain, given)

    async def take_calls(self, app_id: str, name: str, plain: bytes) -> ImportedFile:
        """Take the calls of an export back, one after the other. Raises Refused at the first that
        is wrong; those before it are there."""
        calls = read_calls(plain)
        sessions: list[str] = []
        peers: list[str] = []
        new = known = 0
        while (call := await asyncio.to_thread(next, calls, None)) is not None:
            returned = await self._returner.take(app_id, call)
            sessions.append(returned.session_id)
            peers += returned.peer_ids
            new += returned.new
            known += returned.known
            if call.messages or call.segments:
                await self._artifacts.publish(returned.session_id)
        return ImportedFile(
            name=name,
            kind="calls",
            session_ids=tuple(sessions),
            peer_ids=tuple(peers),
            new=new,
            changed=0,
            known=known,
            notes=() if sessions else (NO_CALLS,),
        )

    async def take_said(self, app_id: str, name: str, plain: bytes) -> ImportedFile:
        """Take the words of an export into the sessions that they name. Raises Refused, before
        anything is taken, where one of those is not there."""
        said = await asyncio.to_thread(read_said, plain)
        sessions = [await self._named(app_id, one.session_id) for one in said]
        taken = Taken()
        for one, session in zip(said, sessions, strict=True):
            if one.messages is not None:
                taken += await self._words.put_messages(session, one.messages)
            if one.transcript is not None:
                taken += await self._words.put_segments(session, one.transcript)
            if session.sealed_at is not None:
                await self._artifacts.publish(session.id)
        return ImportedFile(
            name=name,
            kind="words",
            session_ids=tuple(session.id for session in sessions),
            peer_ids=(),
            new=taken.new,
            changed=taken.changed,
            known=taken.known,
            notes=taken.notes,
        )

    async def _named(self, app_id: str, session_id: str) -> Session:
        session = await self._records.read(lambda tx: tx.sessions.session(app_id, session_id))
        if session is None:
            raise NotFound(NO_SESSION.format(session_id))
        return session

    async def _take_recording(
        self, app_id: str, name: str, data: bytes, given: Given
    ) -> ImportedFile:
        digest, peers = await asyncio.to_thread(_read_recording, name, data, self._mask)
        if not peers:
            raise Invalid(NO_MEDIA)
        taken = await self._importer.take(app_id, title_of(name), digest, peers, given)
        return ImportedFile(
            name=name,
            kind="recording",
            session_ids=taken.session_ids,
            peer_ids=taken.peer_ids,
            new=0 if taken.known else taken.facts,
            changed=0,
            known=taken.facts if taken.known else 0,
            notes=taken.notes,
        )

    async def _take_words(
        self, app_id: str, session_id: str, name: str, data: bytes
    ) -> ImportedFile:
        session = await self._records.read(lambda tx: tx.sessions.session(app_id, session_id))
        if session is None:
            raise NotFound(NO_SUCH_SESSION)
        plain = await asyncio.to_thread(unfolded, data, MAX_WORDS_FILE_BYTES)
        kind, taken = await take_words(self._words, session, name, plain)
        if session.sealed_at is not None:
            await self._artifacts.publish(session_id)
        return ImportedFile(
            name=name,
            kind=kind.partition(" ")[0],
            session_ids=(session_id,),
            peer_ids=(),
            new=taken.new,
            changed=taken.changed,
            known=taken.known,
            notes=taken.notes,
        )


async def take_words(words: Words, session: Session, name: str, data: bytes) -> tuple[str, Taken]:
    """Take a chat or a transcript into a session: (what it was, what came of it)."""
    head = encoded(data).head(HEAD_CHARS)
    if head.lstrip("\ufeff").startswith(",".join(HEADER)):
        read = await asyncio.to_thread(read_chat_csv, data)
        return "chat", await words.put_messages(session, read)
    if head.lstrip().startswith("{") and _has_messages(data):
        return "chat", await words.put_messages(
            session, await asyncio.to_thread(read_messages, data)
        )
    ending = _ending(name)
    told = ending if ending in ("SRT", "VTT") else None
    transcript = await asyncio.to_thread(read_transcript, data, told, session.started_at)
    return f"transcript ({transcript.format})", await words.put_segments(session, transcript)


def title_of(name: str) -> str:
    """A meeting's title from a file's name: without its folder and endings."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return (last.removesuffix(".gz").rsplit(".", 1)[0] or "Imported call")[:MAX_NAME_CHARS]


def unfolded(data: bytes, most: int) -> bytes:
    """Plain bytes of a file that may be gzip. Raises TooLarge, BadRequest."""
    plain = bytearray()
    while data.startswith(b"\x1f\x8b"):
        machine = zlib.decompressobj(wbits=31)
        try:
            plain += machine.decompress(data, most - len(plain) + 1)
        except zlib.error as error:
            raise BadRequest(f"The file is not whole gzip: {error}.") from None
        if len(plain) > most:
            raise TooLarge(f"The file inflates to more than {most} bytes.")
        if not machine.eof:
            raise BadRequest("The file is not whole gzip: it ends too early.")
        data = machine.unused_data
        if not data:
            return bytes(plain)
    if plain:
        return bytes(plain)  # what follows the last member is padding
    if len(data) > most:
        raise TooLarge(f"The file is larger than {most} bytes.")
    return data


def _read_recording(name: str, plain: bytes, mask: bool) -> tuple[bytes, list[RecordedPeer]]:
    if not plain.strip():
        raise BadRequest("The file is empty.")
    # A dump may have any name: Chrome calls its own webrtc_internals_dump.txt.
    named_words = _ending(name) in WORD_ENDINGS and plain.lstrip()[:1] not in (b"{", b"[")
    named_words = named_words and not plain.startswith(MAGIC)
    if named_words or (plain[:1] == b"{" and _has_words(plain)):
        raise Invalid(NAME_A_SESSION, (Fault("session_id", "is needed for a file of words"),))
    try:
        peers = decode_file(plain, mask=mask)
    except Refused:
        if plain.lstrip().startswith(b"WEBVTT"):
            raise Invalid(
                NAME_A_SESSION, (Fault("session_id", "is needed for a file of words"),)
            ) from None
        raise
    return blake2b(plain, digest_size=16).digest(), peers


def _ending(name: str) -> str:
    return name.removesuffix(".gz").rsplit(".", 1)[-1].upper()


class _Top(Struct):
    """Members that tell words from a recording, unread."""

    messages: msgspec.Raw = msgspec.Raw(b"")
    segments: msgspec.Raw = msgspec.Raw(b"")


_top = msgspec.json.Decoder(_Top).decode


def _has_messages(data: bytes) -> bool:
    try:
        return bool(bytes(_top(data).messages))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _has_words(data: bytes) -> bool:
    try:
        top = _top(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return bool(bytes(top.messages) or bytes(top.segments))
