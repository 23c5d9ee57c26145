"""Which app a command is about."""

from roomtone.cli.token import chosen_account
from roomtone.model.errors import NotFound
from roomtone.ports.records import Page
from roomtone.wiring import Roomtone


async def only_app(roomtone: Roomtone) -> str:
    """The id of the one app that there is. Raises NotFound where there are several."""
    account = await chosen_account(roomtone, None)
    apps, total = await roomtone.tenants.list_apps(account.id, Page(0, 2))
    if total == 1:
        return apps[0].id
    raise NotFound("There are several apps: name one with --app (`roomtone app list`).")
