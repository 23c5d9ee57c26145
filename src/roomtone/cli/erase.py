"""``roomtone erase``: take a person or a session out of everything."""

import json

import click
from msgspec import to_builtins

from roomtone.cli.apps import only_app
from roomtone.cli.options import on_folder, with_settings
from roomtone.services.erasing import Erased
from roomtone.settings import Settings
from roomtone.wiring import Roomtone


@click.command()
@click.option("--participant", help="A user id or custom participant id.")
@click.option("--session", "session_id", help="A session's id; it must have ended.")
@click.option("--app", "app_id", help="The participant's app; needed when there are several.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data", "files", "files_endpoint", "base_url", "host", "port")
def erase(
    settings: Settings,
    *,
    participant: str | None,
    session_id: str | None,
    app_id: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase a person or a session everywhere, and say what went. There is no way back.

    Journal, rows, reports, words, files, summaries, webhook deliveries, quarantine. Backups and
    what webhooks were sent are not in reach.
    """
    if (participant is None) == (session_id is None):
        raise click.UsageError("Name either --participant or --session.")
    if not yes:
        click.confirm(f"Erase {participant or session_id} for good?", abort=True)

    async def work(roomtone: Roomtone) -> Erased:
        await roomtone.roster.catch_up()
        if session_id is not None:
            return await roomtone.eraser.session(session_id)
        app = app_id or await only_app(roomtone)
        return await roomtone.eraser.participant(app, participant or "")

    erased = on_folder(settings, work)
    told = {name: count for name, count in to_builtins(erased).items() if count or as_json}
    if as_json:
        click.echo(json.dumps(told))
    else:
        click.echo("Erased: " + (", ".join(f"{n} {what}" for what, n in told.items()) or "nothing"))
