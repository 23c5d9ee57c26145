"""``roomtone backup``: a copy of a data folder, made while the server runs."""

import json
import time
from pathlib import Path

import click

from roomtone import __version__
from roomtone.cli.options import with_settings
from roomtone.model.errors import Failed
from roomtone.model.times import iso
from roomtone.settings import Settings
from roomtone.storage.backup import back_up


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data")
def backup(settings: Settings, *, target: Path, as_json: bool) -> None:
    """Copy the data folder to TARGET, a new folder, as it is at one moment, and verify the copy.

    A server may run on it meanwhile. The copy holds chats, keys and credentials: keep it as safe as
    the folder itself.
    """
    if settings.database:
        raise Failed(
            "The records are in PostgreSQL.",
            "Back that up with its own tools: pg_dump --format=custom --file=roomtone.dump URL, or "
            "a base backup; it holds the secrets too. Files in S3 have their bucket's versions.",
        )
    if settings.journal:
        raise Failed(
            "Fresh facts are in JetStream.",
            "Back both up together, with the server stopped: `nats stream backup roomtone …`, then "
            "`roomtone backup` with journal unset.",
        )
    made = back_up(Path(settings.data), target, __version__, iso(time.time_ns() // 1_000_000))
    told = {
        "target": str(target),
        "schema": made.schema,
        "rows": sum(made.rows.values()),
        "sessions": made.rows.get("sessions", 0),
        "files": len(made.sha256),
    }
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(
        f"{target}: {told['sessions']} sessions, {told['rows']} rows, {told['files']} files, "
        "verified."
    )
