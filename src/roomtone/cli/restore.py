"""``roomtone restore``: a data folder of a backup."""

import json
from pathlib import Path

import click

from roomtone.cli.options import with_settings
from roomtone.settings import Settings
from roomtone.storage.backup import restore as restore_backup
from roomtone.storage.backup import verify


@click.command()
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--check", is_flag=True, help="Only verify the backup; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data")
def restore(settings: Settings, *, source: Path, check: bool, as_json: bool) -> None:
    """Verify the backup SOURCE and make a new data folder (--data) of it."""
    made = verify(source) if check else restore_backup(source, Path(settings.data))
    told = {"made_at": made.made_at, "version": made.version, "sessions": made.rows["sessions"]}
    if as_json:
        click.echo(json.dumps(told))
        return
    done = "is sound" if check else f"restored to {settings.data}"
    click.echo(
        f"{source}, made {made.made_at} by Roomtone {made.version}, {done}: "
        f"{made.rows['sessions']} sessions."
    )
