"""``roomtone move``: everything from one place to another: folder, PostgreSQL, disk, S3."""

import json
from pathlib import Path

import click
from msgspec.structs import replace
from rich.console import Console
from rich.progress import Progress

from roomtone.cli.options import with_settings
from roomtone.model.errors import Failed
from roomtone.settings import Settings
from roomtone.wiring.moving import move_everything


@click.command()
@click.option("--to-data", help="The data folder that it goes to.")
@click.option("--to-database", default="", help="The PostgreSQL that the records go to.")
@click.option("--to-files", default="", help="Where files go: s3://bucket/prefix; unset: a folder.")
@click.option("--to-files-endpoint", default="", help="Endpoint of S3 that is not Amazon's.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data", "files", "files_endpoint", "link_days")
def move(
    settings: Settings,
    *,
    to_data: str | None,
    to_database: str,
    to_files: str,
    to_files_endpoint: str,
    as_json: bool,
) -> None:
    """Copy records, journal, files and secrets to an empty place, and compare every row and file.

    Stop the server first; whatever writes all the same is refused while it lasts. The source stays
    as it is. Ids, tokens and links given out stay good.
    """
    target = replace(
        settings,
        data=to_data or settings.data,
        database=to_database,
        files=to_files,
        files_endpoint=to_files_endpoint,
    )
    if not to_data and not to_database:
        raise Failed("Where to?", "Name --to-data FOLDER, --to-database postgresql://…, or both.")
    if (target.data, target.database) == (settings.data, settings.database):
        raise Failed("Source and target are the same place.", "Name another --to-data.")
    with Progress(console=Console(stderr=True), disable=as_json, transient=True) as progress:
        task = progress.add_task("Moving", total=None)
        moved = move_everything(settings, target, lambda _, n: progress.advance(task, n))
    if as_json:
        click.echo(json.dumps(moved))
        return
    for name, content in moved["tables"].items():
        if content["rows"]:
            click.echo(f"  {name:20} {content['rows']:>9} rows  {content['sum']}  alike")
    click.echo(f"  {'files':20} {moved['files']:>9}       {moved['bytes']} bytes  alike")
    place = Path(target.data) if not target.database else "the database"
    click.echo(f"Everything is in {place}: start Roomtone with its settings.")
