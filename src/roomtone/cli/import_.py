"""``roomtone import``: recordings from files and folders."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from roomtone.cli.apps import only_app
from roomtone.cli.export import When
from roomtone.cli.options import on_folder, with_settings
from roomtone.cli.words import read_file, take_words
from roomtone.formats.calls import is_calls
from roomtone.formats.said import is_said
from roomtone.model.errors import Invalid, Refused
from roomtone.services.importing import NOTHING, Given, Imported
from roomtone.services.imports import NO_MEDIA, SAYS_ITSELF, title_of
from roomtone.settings import Settings
from roomtone.sources.recordings import decode_file
from roomtone.wiring import Roomtone

SHOWN_PEERS = 10
"""Whose reports a line each says how to see; --json lists all."""


@click.command(name="import")
@click.argument(
    "paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--app", "app_id", help="The app to import into; needed when there are several.")
@click.option("--session", "session_id", help="The files hold words (SRT, VTT, CSV, JSON) of this.")
@click.option("--meeting", default="", help="The meeting it belongs to: an id, or a room's name.")
@click.option("--participant", default="", help="Who it is: an id or a custom id.")
@click.option("--at", type=When(), help="When the recording began; ISO 8601.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per file.")
@with_settings("data", "reading_ms", "quality_scale")
def import_(
    settings: Settings,
    *,
    paths: tuple[Path, ...],
    app_id: str | None,
    session_id: str | None,
    meeting: str,
    participant: str,
    at: int | None,
    as_json: bool,
) -> None:
    """Import recordings, plain or gzip: RTCStatsDump files, dumps of chrome://webrtc-internals,
    Jitsi dumps, getStats() samples, and what `roomtone export` wrote.

    A folder is imported whole; what was taken in before is passed over, so an import that was
    stopped goes on where it stopped. --meeting, --participant and --at say what a file does not;
    files of one call given the same --meeting become one session.

    With --session, import what was said in it: a transcript (SRT, VTT, the vendor's JSON or CSV,
    Jigasi's JSON) or a chat (CSV or JSON). Importing a file again changes nothing.
    """
    given = Given(meeting, participant, at)

    async def work(roomtone: Roomtone) -> _Tally:
        if session_id is not None:
            wrong = await take_words(roomtone, session_id, paths, as_json=as_json)
            return _Tally(len(paths), wrong)
        app = app_id or await only_app(roomtone)
        found = list(_found(paths))
        tally = _Tally(len(found))
        with _progress(hidden=as_json) as progress:
            for file, from_folder in progress.track(found, description="Importing"):
                try:
                    outcome = await _take(roomtone, app, file, given, again=not from_folder)
                except Refused as error:
                    tally.refused += 1
                    _say(as_json, file, error)
                else:
                    tally.known += outcome.known
                    _say(as_json, file, outcome)
        return tally

    tally = on_folder(settings, work)
    if tally.files > 1 and session_id is None:
        new = tally.files - tally.known - tally.refused
        click.echo(f"{tally.files} files: {new} imported, {tally.known} known already", err=True)
    if tally.refused:
        raise click.ClickException(f"{tally.refused} of {tally.files} files were not imported.")


@dataclass
class _Tally:
    """What came of all files."""

    files: int
    refused: int = 0
    known: int = 0


def _found(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """(file, whether a folder was named); of a folder all that is in it, by name, none hidden."""
    for file in paths:
        if not file.is_dir():
            yield file, False
            continue
        for inside in sorted(file.rglob("*")):
            hidden = any(part.startswith(".") for part in inside.relative_to(file).parts)
            if inside.is_file() and not hidden:
                yield inside, True


def _progress(*, hidden: bool) -> Progress:
    """On standard error, so that what is printed stays clean."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=hidden,
    )


async def _take(
    roomtone: Roomtone, app_id: str, file: Path, given: Given, *, again: bool
) -> Imported:
    data = read_file(file)
    if is_calls(data) or is_said(data):
        return await _take_export(roomtone, app_id, file.name, data, given)
    digest = blake2b(data, digest_size=16).digest()
    if not again:
        before = await roomtone.importer.taken(app_id, digest, given)
        if before is not None:
            return before
    peers = decode_file(data, mask=roomtone.settings.mask_addresses)
    if not peers:
        raise Invalid(NO_MEDIA)
    return await roomtone.importer.take(app_id, title_of(file.name), digest, peers, given)


async def _take_export(
    roomtone: Roomtone, app_id: str, name: str, data: bytes, given: Given
) -> Imported:
    if given != NOTHING:
        raise Invalid(SAYS_ITSELF)
    take = roomtone.imports.take_calls if is_calls(data) else roomtone.imports.take_said
    taken = await take(app_id, name, data)
    new = taken.new + taken.changed
    return Imported(taken.session_ids, taken.peer_ids, new or taken.known, not new, taken.notes)


def _say(as_json: bool, file: Path, outcome: Imported | Refused) -> None:
    if isinstance(outcome, Refused):
        if as_json:
            click.echo(json.dumps({"file": str(file), "error": outcome.message}))
        else:
            click.echo(f"{file}: not imported. {outcome.message}")
        return
    if as_json:
        shown = {
            "file": str(file),
            "session_ids": outcome.session_ids,
            "peer_ids": outcome.peer_ids,
            "facts": outcome.facts,
            "known": outcome.known,
            "notes": outcome.notes,
        }
        click.echo(json.dumps(shown))
        return
    known = " (was there already)" if outcome.known else ""
    sessions = ", ".join(outcome.session_ids[:3])
    more = len(outcome.session_ids) - 3
    sessions += f" and {more} more" if more > 0 else ""
    count = len(outcome.peer_ids)
    people = f", {count} peer{'s' * (count != 1)}, {outcome.facts} facts" if count else ""
    click.echo(f"{file}: session {sessions}{people}{known}")
    for note in outcome.notes:
        click.echo(f"  note: {note}")
    for peer_id in outcome.peer_ids[:SHOWN_PEERS]:
        click.echo(f"  roomtone report {peer_id}")
