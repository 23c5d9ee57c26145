"""The façade: RealtimeKit's API, as the vendor's own SDKs call it. README.md says how exactly."""

from starlette.routing import BaseRoute, Mount

from roomtone.services.rate import RateLimit
from roomtone.web.realtimekit.call import Facade, Roster
from roomtone.web.realtimekit.door import Door
from roomtone.web.realtimekit.table import RESOURCES

__all__ = ["Facade", "Roster", "routes"]


def routes(facade: Facade) -> list[BaseRoute]:
    """The façade under both base URLs that SDKs are given, and as on the old host (contract 0)."""
    limit = RateLimit(facade.settings.rate_limit)
    door = Door(facade, list(RESOURCES), limit)
    return [
        Mount("/client/v4/accounts", door),
        Mount("/accounts", door),
        Mount("/v2", Door(facade, list(RESOURCES), limit, legacy=True)),
    ]
