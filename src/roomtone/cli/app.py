"""``roomtone app``: the apps of an account."""

import json

import click

from roomtone.cli.options import on_folder, with_settings
from roomtone.cli.token import chosen_account
from roomtone.model.tenancy import App
from roomtone.model.times import iso
from roomtone.ports.records import Page
from roomtone.settings import Settings
from roomtone.wiring import Roomtone

MOST = 1_000


@click.group()
def app() -> None:
    """Apps: make, list."""


@app.command()
@click.argument("name")
@click.option("--account", "account_id", help="The account; needed when there are several.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data")
def create(settings: Settings, *, name: str, account_id: str | None, as_json: bool) -> None:
    """Make an app of this NAME."""

    async def work(roomtone: Roomtone) -> App:
        account = await chosen_account(roomtone, account_id)
        return await roomtone.tenants.create_app(account.id, name)

    made = on_folder(settings, work)
    click.echo(json.dumps(_shown(made)) if as_json else f"{made.id}  {made.name}")


@app.command(name="list")
@click.option("--account", "account_id", help="The account; needed when there are several.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data")
def list_(settings: Settings, *, account_id: str | None, as_json: bool) -> None:
    """List the apps, newest first."""

    async def work(roomtone: Roomtone) -> list[App]:
        account = await chosen_account(roomtone, account_id)
        found, _ = await roomtone.tenants.list_apps(account.id, Page(0, MOST))
        return found

    found = on_folder(settings, work)
    if as_json:
        click.echo(json.dumps([_shown(one) for one in found]))
        return
    for one in found:
        click.echo(f"{one.id}  {iso(one.created_at)}  {one.name}")


def _shown(one: App) -> dict[str, str]:
    return {
        "id": one.id,
        "account_id": one.account_id,
        "name": one.name,
        "created_at": iso(one.created_at),
    }
