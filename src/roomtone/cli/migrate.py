"""``roomtone migrate``: bring a database's tables to what this version needs."""

import json

import click

from roomtone.cli.options import with_settings
from roomtone.settings import Settings
from roomtone.wiring.places import standing_of


@click.command()
@click.option("--check", is_flag=True, help="Only say where it stands; exit 1 if it must be moved.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data")
def migrate(settings: Settings, *, check: bool, as_json: bool) -> None:
    """Migrate the database. PostgreSQL only moves by this; a file does so at its next start.

    It is one transaction: done whole or not at all. Run it before the new version's processes
    start; those of the version before may go on meanwhile, but wait while it lasts.
    """
    before, head = standing_of(settings, move=not check)
    moved = before != head
    if as_json:
        click.echo(json.dumps({"before": before, "head": head, "moved": moved and not check}))
    elif not moved:
        click.echo(f"The database stands at {head}: nothing to do.")
    elif check:
        click.echo(f"The database stands at {before or 'nothing'}; this version needs {head}.")
    else:
        click.echo(f"Migrated from {before or 'nothing'} to {head}.")
    if check and moved:
        raise click.exceptions.Exit(1)
