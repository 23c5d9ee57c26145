"""``credentials.json`` in the data folder: what the first start made, for its owner only."""

import json
import os
from pathlib import Path

from msgspec import Struct, convert, to_builtins

from roomtone.model.errors import Failed
from roomtone.settings import Settings
from roomtone.wiring import Roomtone

FILE = "credentials.json"


class Credentials(Struct, frozen=True):
    """How to reach a Roomtone and get in."""

    account_id: str
    app_id: str
    api_token: str
    base_url: str


async def prepare(roomtone: Roomtone) -> tuple[Credentials, bool]:
    """The credentials of a data folder, made if it is new; and whether they were made just now."""
    found, made = await prepare_shared(roomtone)
    return found or read(roomtone.settings), made


async def prepare_shared(roomtone: Roomtone) -> tuple[Credentials | None, bool]:
    """As :func:`prepare`; None where another process, with a folder of its own, made them."""
    file = roomtone.folder / FILE
    made = await roomtone.tenants.first_start()
    if made is None:
        if roomtone.database.shared and not file.is_file():
            return None, False
        return read(roomtone.settings), False
    credentials = Credentials(
        account_id=made.account.id,
        app_id=made.app.id,
        api_token=made.issued.text,
        base_url=roomtone.settings.url,
    )
    _write(file, credentials)
    return credentials, True


def read(settings: Settings) -> Credentials:
    """The credentials that an earlier start wrote, with today's base URL. Raises Failed."""
    file = Path(settings.data) / FILE
    try:
        stored = convert(json.loads(file.read_text()), Credentials)
    except (OSError, ValueError):
        raise Failed(
            f"{file} is missing or unreadable",
            "Only the token's hash is stored elsewhere. Make a new token with "
            f"`roomtone token create --data {settings.data}` and use that.",
        ) from None
    return Credentials(stored.account_id, stored.app_id, stored.api_token, settings.url)


def _write(file: Path, credentials: Credentials) -> None:
    # Created with its mode, so that there is no moment in which others could read it.
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump(to_builtins(credentials), out, indent=2)
        out.write("\n")
