"""``roomtone export``: whole calls, or what was written and said, of a time range as JSON Lines."""

import gzip
from collections.abc import Callable
from typing import Any

import click
import msgspec

from roomtone.cli.apps import only_app
from roomtone.cli.options import on_folder, with_settings
from roomtone.formats.messages import message_object
from roomtone.model.artifacts import CHAT, TRANSCRIPT
from roomtone.model.times import iso, parse_iso
from roomtone.model.words import Message
from roomtone.ports.words import Said
from roomtone.services.speakers import Speakers
from roomtone.settings import Settings
from roomtone.wiring import Roomtone

CALLS = "calls"
IN_CLEAR = "Stored words are encrypted (words_key); in this file they are in clear. Guard it."
LATEST_MS = 253_402_300_799_999
REMEMBERED = 100
"""Sessions whose people are kept in memory."""


class When(click.ParamType[int]):
    """ISO 8601; no zone means UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Epoch ms."""
        try:
            return value if isinstance(value, int) else parse_iso(str(value))
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not an ISO 8601 time such as 2026-01-02T03:04:05Z.")


@click.command()
@click.option(
    "--kind", type=click.Choice([CALLS, CHAT, TRANSCRIPT]), required=True, help="What of it."
)
@click.option("--from", "since", type=When(), default=0, help="From this time on; ISO 8601.")
@click.option("--to", "until", type=When(), default=LATEST_MS, help="Before this time.")
@click.option("--app", "app_id", help="Only this app's.")
@click.option(
    "--out",
    type=click.File("wb"),
    default="-",
    help="A file, gzip for .gz; default standard output.",
)
@with_settings("data")
def export(
    settings: Settings, *, kind: str, since: int, until: int, app_id: str | None, out: Any
) -> None:
    """Write calls, chat messages or transcript segments of a time range as JSON Lines, by time.

    Calls are everything of the sessions that started then and have ended: meetings, people, facts,
    words. `roomtone import` takes them back, with their ids, into any Roomtone; their reports come
    out the same. They are of one app. Files that were made of words, summaries and settings are
    made again or set again there.

    Each line of a chat or a transcript is the vendor's own object, with the ids of app and session.
    What was said is in clear, also where words are stored under a key.
    """
    packed = gzip.GzipFile(fileobj=out, mode="wb", mtime=0) if _is_gzip(out) else None
    write = out.write if packed is None else packed.write

    async def work(roomtone: Roomtone) -> int:
        if kind == CALLS:
            return await _calls(roomtone, app_id or await only_app(roomtone), since, until, write)
        people = _People(roomtone)
        count = 0
        async for page in roomtone.words.export(kind, app_id, since, until):
            for said in page:
                speakers = await people.of(said.session_id)
                write(msgspec.json.encode(_object(said, speakers)) + b"\n")
            count += len(page)
        return count

    count = on_folder(settings, work)
    if packed is not None:
        packed.close()
    click.echo(f"{count} {'calls' if kind == CALLS else 'lines'}", err=True)
    if settings.words_key:
        click.echo(IN_CLEAR, err=True)


def _is_gzip(out: Any) -> bool:
    return str(getattr(out, "name", "")).endswith(".gz")


async def _calls(
    roomtone: Roomtone, app_id: str, since: int, until: int, write: Callable[[bytes], Any]
) -> int:
    exporter = roomtone.exporter
    write(exporter.header())
    count = 0
    async for session in exporter.sessions(app_id, since, until):
        async for line in exporter.lines(session):
            write(line)
        count += 1
    return count


class _People:
    """The people of the sessions that were met last."""

    def __init__(self, roomtone: Roomtone) -> None:
        self._roomtone = roomtone
        self._known: dict[str, Speakers] = {}

    async def of(self, session_id: str) -> Speakers:
        known = self._known.get(session_id)
        if known is None:
            peers = await self._roomtone.records.read(lambda tx: tx.sessions.peers(session_id))
            known = self._known[session_id] = Speakers(peers)
            if len(self._known) > REMEMBERED:
                del self._known[next(iter(self._known))]
        return known


def _object(said: Said, speakers: Speakers) -> dict[str, Any]:
    word = said.word
    whose = {"app_id": said.app_id, "session_id": said.session_id}
    if isinstance(word, Message):
        return {**whose, **message_object(speakers.sent(word))}
    word = speakers.said(word)
    return {
        **whose,
        "id": word.id,
        "start_time": iso(word.start_at),
        "end_time": iso(word.end_at),
        "sentence": word.sentence,
        "peerData": {
            "id": word.speaker.peer_id,
            "userId": word.speaker.user_id,
            "displayName": word.speaker.display_name,
            "cpi": word.speaker.custom_participant_id,
        },
    }
