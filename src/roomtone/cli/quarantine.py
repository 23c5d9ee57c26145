"""``roomtone quarantine``: bodies that no decoder understood."""

import json

import click

from roomtone.cli.options import on_folder, with_settings
from roomtone.model.times import iso
from roomtone.ports.records import Page, Quarantined
from roomtone.services.quarantine import Retried
from roomtone.settings import Settings
from roomtone.wiring import Roomtone

MOST_SHOWN = 1_000


@click.group()
def quarantine() -> None:
    """Bodies that no decoder understood: list, retry."""


@quarantine.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data")
def list_(settings: Settings, *, as_json: bool) -> None:
    """List what is held, newest first, and why."""

    async def work(roomtone: Roomtone) -> tuple[list[Quarantined], int]:
        return await roomtone.quarantine.held(Page(0, MOST_SHOWN))

    items, total = on_folder(settings, work)
    if as_json:
        click.echo(json.dumps([_shown(item) for item in items]))
        return
    for item in items:
        click.echo(f"{iso(item.received_at)}  {item.source}  {len(item.body):7} B  {item.reason}")
    click.echo(f"{total} in all.")


@quarantine.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data", "mask_addresses")
def retry(settings: Settings, *, as_json: bool) -> None:
    """Try everything that is held once more, after an upgrade."""

    async def work(roomtone: Roomtone) -> Retried:
        return await roomtone.quarantine.retry()

    retried = on_folder(settings, work)
    if as_json:
        click.echo(
            json.dumps({"understood": retried.understood, "still_unknown": retried.still_unknown})
        )
    else:
        click.echo(f"{retried.understood} understood now, {retried.still_unknown} still not.")


def _shown(item: Quarantined) -> dict[str, object]:
    return {
        "id": item.id,
        "app_id": item.app_id,
        "source": item.source,
        "reason": item.reason,
        "bytes": len(item.body),
        "received_at": iso(item.received_at),
    }
