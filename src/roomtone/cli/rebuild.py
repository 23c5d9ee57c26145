"""``roomtone rebuild``: replay the journal into fresh reports."""

import json

import click
from rich.progress import Progress

from roomtone.cli.options import on_folder, with_settings
from roomtone.settings import Settings
from roomtone.wiring import Roomtone


@click.command()
@click.option("--session", "session_id", help="Only this session; without, all of them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data", "reading_ms", "quality_scale")
def rebuild(settings: Settings, *, session_id: str | None, as_json: bool) -> None:
    """Replay the journal into fresh reports and say how many differ from the stored ones; write
    again what was said.

    Reports that differ are replaced: after an upgrade that changed a formula, or a setting.
    """

    async def work(roomtone: Roomtone) -> tuple[int, int, int, int]:
        await roomtone.roster.catch_up()
        ids = await roomtone.records.read(lambda tx: list(tx.sessions.all_session_ids()))
        wanted = [one for one in ids if session_id in (None, one)]
        sessions = peers = changed = words = 0
        with Progress(disable=as_json, transient=True) as progress:
            for one in progress.track(wanted, description="Replaying"):
                words += await roomtone.words.rebuild(one)
                outcome = await roomtone.sealer.rebuild(one)
                if outcome is not None:
                    sessions += 1
                    peers += outcome.peers
                    changed += outcome.changed
        return sessions, peers, changed, words

    sessions, peers, changed, words = on_folder(settings, work)
    if as_json:
        click.echo(
            json.dumps({"sessions": sessions, "reports": peers, "changed": changed, "words": words})
        )
    else:
        click.echo(
            f"{peers} reports of {sessions} ended sessions replayed: "
            f"{peers - changed} byte-identical, {changed} changed; {words} messages and segments "
            "were missing or other."
        )
