"""``roomtone init``: make the data folder, an account, an app and an admin token."""

import json

import click
from msgspec import to_builtins

from roomtone.cli.credentials import Credentials, prepare
from roomtone.cli.options import on_folder, with_settings
from roomtone.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data", "host", "port", "base_url")
def init(settings: Settings, *, as_json: bool) -> None:
    """Make the data folder, an account, an app and an admin token; again changes nothing."""
    credentials, made = on_folder(settings, prepare)
    if as_json:
        click.echo(json.dumps(to_builtins(credentials)))
        return
    click.echo("Made." if made else "Was there already.")
    show(credentials)


def show(credentials: Credentials) -> None:
    """The four things that a caller needs."""
    click.echo(f"  base URL    {credentials.base_url}/client/v4")
    click.echo(f"  account_id  {credentials.account_id}")
    click.echo(f"  app_id      {credentials.app_id}")
    click.echo(f"  API token   {credentials.api_token}")
