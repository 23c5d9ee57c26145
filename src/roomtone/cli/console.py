"""``roomtone console``: a link that signs in to the console of a running Roomtone."""

import time
from pathlib import Path

import click

from roomtone.cli.credentials import read
from roomtone.cli.options import with_settings
from roomtone.settings import Settings
from roomtone.storage.blobs import link_secret
from roomtone.storage.database import Database
from roomtone.storage.processes import shared_secret
from roomtone.web.console.door import console_link
from roomtone.web.console.keys import ConsoleKeys


@click.command()
@with_settings("data", "host", "port", "base_url")
def console(settings: Settings) -> None:
    """Print a link to the console: it signs in once, within ten minutes."""
    click.echo(link_for(settings))


def link_for(settings: Settings) -> str:
    """The link for the holder of a data folder's credentials. Raises Failed without any."""
    credentials = read(settings)
    now = time.time_ns() // 1_000_000
    database = Database.open(settings.database) if settings.database else None
    try:
        folder = Path(settings.data)
        secret = link_secret(folder) if database is None else shared_secret(database)
    finally:
        if database is not None:
            database.close()
    keys = ConsoleKeys(secret, now)
    return console_link(keys, credentials.base_url, credentials.api_token, now)
