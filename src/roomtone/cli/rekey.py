"""``roomtone rekey``: chats and transcripts under another key, a first one, or none."""

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from roomtone.cli.options import on_folder, with_settings
from roomtone.model.errors import Failed
from roomtone.settings import Settings
from roomtone.wiring import Roomtone


@click.command()
@click.option("--decrypt", is_flag=True, help="Write everything in clear again.")
@click.option("--vacuum", is_flag=True, help="Then write SQLite's files anew; stop the server.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data")
def rekey(settings: Settings, *, decrypt: bool, vacuum: bool, as_json: bool) -> None:
    """Encrypt all chats, transcripts and summaries anew with the first key of words_key.

    Every process must have that key first of all already. It may be cut off, and goes on when it is
    called again. Keys that it calls retired may then be left out of words_key.
    """
    from roomtone.wiring.rekeying import rekey as work_through
    from roomtone.wiring.rekeying import vacuum as write_anew

    if vacuum and settings.database:
        raise Failed(
            "--vacuum is for a data folder.",
            "In PostgreSQL: VACUUM FULL messages, segments, journal, journal_chunks, quarantine.",
        )
    with Progress(console=Console(stderr=True), disable=as_json, transient=True) as progress:
        task = progress.add_task("Rekeying", total=None)

        def told(name: str, count: int) -> None:
            progress.update(task, description=f"Rekeying {name}", advance=count)

        async def work(roomtone: Roomtone):  # type: ignore[no-untyped-def]
            return await work_through(roomtone, told, decrypt=decrypt)

        done = on_folder(settings, work)
        if vacuum:
            write_anew(Path(settings.data))
    if as_json:
        click.echo(msgspec.json.encode(done))
        return
    for name, count in done.changed.items():
        click.echo(f"  {name:12} {count:>9} written anew")
    click.echo(f"Encrypted with {done.key}." if done.key else "Nothing is encrypted any more.")
    for name in done.retired:
        click.echo(f"Retired: {name}. It may be left out of words_key.")
    if done.waiting:
        click.echo(f"No key is retired yet: {done.waiting}.")
