"""Where the façade answers."""

from starlette.routing import BaseRoute, Mount

from roomtone.web.console.live import LIVE
from roomtone.web.realtimekit.call import Facade, Roster
from roomtone.web.realtimekit.door import Door
from roomtone.web.realtimekit.table import RESOURCES

__all__ = ["Facade", "Roster", "facade_routes"]


def facade_routes(facade: Facade) -> list[BaseRoute]:
    """The façade under both base URLs that SDKs are given, and as on the old host (contract 0)."""
    door = Door(facade, (*RESOURCES, LIVE))
    return [
        Mount("/client/v4/accounts", door),
        Mount("/accounts", door),
        Mount("/v2", Door(facade, RESOURCES, legacy=True)),
    ]
