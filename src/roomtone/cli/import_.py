"""``roomtone import``: recordings from files."""

import json
from hashlib import blake2b
from pathlib import Path

import click
from rich.progress import Progress

from roomtone.cli.options import on_folder, with_settings
from roomtone.cli.token import chosen_account
from roomtone.cli.words import read_file, take_words
from roomtone.model.errors import NotFound, Refused
from roomtone.ports.records import Page
from roomtone.services.importing import Imported
from roomtone.settings import Settings
from roomtone.sources.recordings import decode_file
from roomtone.wiring import Roomtone


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--app", "app_id", help="The app to import into; needed when there are several.")
@click.option("--session", "session_id", help="The files hold words (SRT, VTT, CSV, JSON) of this.")
@click.option("--meeting", "title", help="The meeting's title; default the file's name.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per file.")
@with_settings("data", "reading_ms", "quality_scale")
def import_(
    settings: Settings,
    *,
    files: tuple[Path, ...],
    app_id: str | None,
    session_id: str | None,
    title: str | None,
    as_json: bool,
) -> None:
    """Import recordings of getStats() (JSON, plain or gzip) and Jitsi dumps, one peer per side.

    With --session, import what was said in it: a transcript (SRT, VTT, the vendor's JSON or CSV,
    Jigasi's JSON) or a chat (CSV or JSON). Importing a file again changes nothing.
    """

    async def work(roomtone: Roomtone) -> int:
        if session_id is not None:
            return await take_words(roomtone, session_id, files, as_json=as_json)
        app = app_id or await only_app(roomtone)
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
    data = read_file(file)
    digest = blake2b(data, digest_size=16).digest()
    peers = decode_file(data)
    name = file.name.removesuffix(".gz").rsplit(".", 1)[0]
    return await roomtone.importer.take(app_id, title or name, digest, peers)


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


async def only_app(roomtone: Roomtone) -> str:
    account = await chosen_account(roomtone, None)
    apps, total = await roomtone.tenants.list_apps(account.id, Page(0, 2))
    if total == 1:
        return apps[0].id
    raise NotFound("There are several apps: name one with --app (`roomtone app list`).")
