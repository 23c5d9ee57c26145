"""``roomtone import``: recordings from files."""

import gzip
import json
from hashlib import blake2b
from pathlib import Path

import click
from rich.progress import Progress

from roomtone.cli.options import on_folder, with_settings
from roomtone.cli.token import chosen_account
from roomtone.model.errors import BadRequest, NotFound, Refused, TooLarge
from roomtone.ports.records import Page
from roomtone.services.importing import Imported
from roomtone.settings import Settings
from roomtone.sources.recordings import decode_file
from roomtone.wiring import Roomtone

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_PLAIN_BYTES = 512 * 1024 * 1024
"""A four-hour, one-a-second recording of two peers is about 450 MB of JSON."""


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--app", "app_id", help="The app to import into; needed when there are several.")
@click.option("--meeting", "title", help="The meeting's title; default the file's name.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per file.")
@with_settings("data", "reading_ms", "quality_scale")
def import_(
    settings: Settings,
    *,
    files: tuple[Path, ...],
    app_id: str | None,
    title: str | None,
    as_json: bool,
) -> None:
    """Import recordings of getStats() (JSON, plain or gzip) and Jitsi dumps, one peer per side.

    Importing a file again changes nothing.
    """

    async def work(roomtone: Roomtone) -> int:
        app = app_id or await _only_app(roomtone)
        refused = 0
        with Progress(disable=as_json) as progress:
            for file in progress.track(files, description="Importing"):
                try:
                    outcome = await _take(roomtone, app, file, title)
                except Refused as error:
                    refused += 1
                    _say(as_json, file, error)
                else:
                    _say(as_json, file, outcome)
        return refused

    refused = on_folder(settings, work)
    if refused:
        raise click.ClickException(f"{refused} of {len(files)} files were not imported.")


async def _take(roomtone: Roomtone, app_id: str, file: Path, title: str | None) -> Imported:
    data = _read(file)
    digest = blake2b(data, digest_size=16).digest()
    peers = decode_file(data)
    name = file.name.removesuffix(".gz").rsplit(".", 1)[0]
    return await roomtone.importer.take(app_id, title or name, digest, peers)


def _read(file: Path) -> bytes:
    """The file's content, inflated, within limits. Raises Refused."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise TooLarge(f"{file} is larger than {MAX_FILE_BYTES} bytes.")
        data = file.read_bytes()
        if not data.startswith(b"\x1f\x8b"):
            return data
        with gzip.open(file) as stream:
            plain = stream.read(MAX_PLAIN_BYTES + 1)
    except (OSError, EOFError) as error:
        raise BadRequest(f"{file} cannot be read: {error}") from None
    if len(plain) > MAX_PLAIN_BYTES:
        raise TooLarge(f"{file} inflates to more than {MAX_PLAIN_BYTES} bytes.")
    return plain


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
        }
        click.echo(json.dumps(shown))
        return
    known = " (was there already)" if outcome.known else ""
    sessions = ", ".join(outcome.session_ids)
    click.echo(f"{file}: session {sessions}, {len(outcome.peer_ids)} peers{known}")
    for peer_id in outcome.peer_ids:
        click.echo(f"  roomtone report {peer_id}")


async def _only_app(roomtone: Roomtone) -> str:
    account = await chosen_account(roomtone, None)
    apps, total = await roomtone.tenants.list_apps(account.id, Page(0, 2))
    if total == 1:
        return apps[0].id
    raise NotFound("There are several apps: name one with --app (`roomtone app list`).")
