"""``roomtone call``: a link to the call page of a meeting."""

import json

import click

from roomtone.cli.app import MOST
from roomtone.cli.options import on_folder, with_settings
from roomtone.cli.token import chosen_account
from roomtone.model.errors import NotFound
from roomtone.model.times import iso
from roomtone.ports.records import Page
from roomtone.services.invitations import DEFAULT_DAYS, Link
from roomtone.settings import Settings
from roomtone.wiring import Roomtone


@click.command()
@click.argument("meeting_id", metavar="[MEETING]", required=False)
@click.option("--title", help="Without a MEETING: make one of this title.")
@click.option("--days", type=int, default=DEFAULT_DAYS, show_default=True, help="Good for so long.")
@click.option("--app", "app_id", help="The app; needed when the account has several.")
@click.option("--account", "account_id", help="The account; needed when there are several.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data", "host", "port", "base_url")
def call(
    settings: Settings,
    *,
    meeting_id: str | None,
    title: str | None,
    days: int,
    app_id: str | None,
    account_id: str | None,
    as_json: bool,
) -> None:
    """Print a link that lets whoever opens it join a call in MEETING (made, if none is named).

    A `roomtone serve` must run on the same data folder; --base-url says how browsers reach it.
    """

    async def work(roomtone: Roomtone) -> tuple[str, Link]:
        app = await _chosen_app(roomtone, account_id, app_id)
        room = meeting_id
        if room is None:
            room = (await roomtone.rooms.create_meeting(app, {"title": title or "Call"})).id
        return room, await roomtone.invitations.link(app, room, days)

    room, link = on_folder(settings, work)
    if as_json:
        told = {"meeting_id": room, "url": link.url, "expires_at": iso(link.expires_at)}
        click.echo(json.dumps(told))
    else:
        click.echo(f"{link.url}\n  Whoever opens it may join until {iso(link.expires_at)}.")


async def _chosen_app(roomtone: Roomtone, account_id: str | None, app_id: str | None) -> str:
    account = await chosen_account(roomtone, account_id)
    apps, _ = await roomtone.tenants.list_apps(account.id, Page(0, MOST))
    if app_id is None and len(apps) != 1:
        raise NotFound("There are several apps: name one with --app.")
    for app in apps:
        if app_id in (None, app.id):
            return app.id
    raise NotFound("No such app.")
