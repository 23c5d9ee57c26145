"""``roomtone inlet``: doors for other collectors and servers."""

import json
from typing import TextIO

import click

from roomtone.cli.options import on_folder, with_settings
from roomtone.cli.token import chosen_account
from roomtone.model.errors import NotFound
from roomtone.model.inlets import KINDS, Inlet
from roomtone.model.times import iso, iso_or_none
from roomtone.ports.records import Page
from roomtone.services.inlets import lines_to_paste
from roomtone.settings import Settings
from roomtone.wiring import Roomtone


@click.group()
def inlet() -> None:
    """Doors for other collectors and servers: open, list, close."""


@inlet.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--app", "app_id", help="The app; needed when there are several.")
@click.option("--name", default="", help="What it is for.")
@click.option("--key", default="", help="What the sender calls itself (LiveKit, Janus).")
@click.option(
    "--secret-file",
    type=click.File("r"),
    help="A file with the sender's secret (- reads it from standard input); else one is made.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data", "host", "port", "base_url")
def add(
    settings: Settings,
    *,
    kind: str,
    app_id: str | None,
    name: str,
    key: str,
    secret_file: TextIO | None,
    as_json: bool,
) -> None:
    """Open a door for a sender of this KIND, and print what to paste there."""
    secret = "" if secret_file is None else secret_file.read().strip()

    async def work(roomtone: Roomtone) -> Inlet:
        app = await _chosen_app(roomtone, app_id)
        return await roomtone.inlets.create(app, kind, name, key, secret)

    made = on_folder(settings, work)
    if as_json:
        click.echo(json.dumps({**_shown(made), "secret": made.secret}))
        return
    click.echo(f"Opened {made.kind} inlet {made.id}. Paste there (the secret is not shown again):")
    for line in lines_to_paste(made, settings.url):
        click.echo(f"  {line}")


@inlet.command(name="list")
@click.option("--app", "app_id", help="The app; needed when there are several.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data")
def list_(settings: Settings, *, app_id: str | None, as_json: bool) -> None:
    """List the doors, closed ones too."""

    async def work(roomtone: Roomtone) -> list[Inlet]:
        return await roomtone.inlets.find(await _chosen_app(roomtone, app_id))

    found = on_folder(settings, work)
    if as_json:
        click.echo(json.dumps([_shown(one) for one in found]))
        return
    for one in found:
        state = "open" if one.revoked_at is None else f"closed {iso(one.revoked_at)}"
        click.echo(f"{one.id}  {one.kind:13}  {iso(one.created_at)}  {state}  {one.name}")


@inlet.command()
@click.argument("inlet_id")
@click.option("--app", "app_id", help="The app; needed when there are several.")
@with_settings("data")
def close(settings: Settings, *, inlet_id: str, app_id: str | None) -> None:
    """Close the door with this id, at once and for good. What came through it stays."""

    async def work(roomtone: Roomtone) -> Inlet:
        return await roomtone.inlets.revoke(await _chosen_app(roomtone, app_id), inlet_id)

    on_folder(settings, work)
    click.echo(f"Closed {inlet_id}.")


async def _chosen_app(roomtone: Roomtone, app_id: str | None) -> str:
    """The named app, or the only one. Raises NotFound."""
    if app_id is not None:
        return app_id
    account = await chosen_account(roomtone, None)
    found, total = await roomtone.tenants.list_apps(account.id, Page(0, 2))
    if total != 1:
        raise NotFound("There are several apps: name one with --app (`roomtone app list`).")
    return found[0].id


def _shown(one: Inlet) -> dict[str, str | None]:
    return {
        "id": one.id,
        "kind": one.kind,
        "name": one.name,
        "key": one.key,
        "path": f"/in/{one.id}",
        "created_at": iso(one.created_at),
        "revoked_at": iso_or_none(one.revoked_at),
    }
