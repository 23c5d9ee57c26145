"""The site: every route of the web over the services."""

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from roomtone.services.analytics import Analytics
from roomtone.services.rate import RateLimit
from roomtone.services.roster import CURSOR
from roomtone.web.app import Lifespan, create_app
from roomtone.web.assets import asset_routes
from roomtone.web.call.doorkeeper import Doorkeeper
from roomtone.web.call.ice_servers import ice_servers
from roomtone.web.call.pages import CallPages, Visitor
from roomtone.web.call.socket import Sockets
from roomtone.web.collector import Doors
from roomtone.web.console.door import ConsoleDoor
from roomtone.web.files import Files
from roomtone.web.inlets.doors import InletDoors
from roomtone.web.inlets.jitsi import JitsiDoor
from roomtone.web.inlets.observertc import ObserveRtcDoor
from roomtone.web.inlets.peermetrics import PeermetricsDoor
from roomtone.web.inlets.rtcstats import RtcstatsDoor
from roomtone.web.inlets.servers import KINDS as SERVERS
from roomtone.web.inlets.servers import ServerDoors
from roomtone.web.openapi import docs_routes
from roomtone.web.realtimekit.routes import Facade, facade_routes
from roomtone.web.recent import Recent
from roomtone.web.well_known import well_known_routes

if TYPE_CHECKING:
    from roomtone.wiring.service import Roomtone


def site(of: "Roomtone", lifespan: Lifespan) -> Starlette:
    """The ASGI application: everything, or what is asked of this role."""
    role = of.settings.role
    told = of.settings.log_level == "debug"
    turned_away = None if of.metrics is None else of.metrics.turned_away

    async def ready() -> str | None:
        if of.draining:
            return "is about to stop"
        if role == "collect":
            # All that its doors need; the records may be away.
            await of.journal.answers()
            return None
        await of.records.read(lambda tx: tx.cursor(CURSOR))
        await of.database.check_writes()
        if role != "api" and of.journal.apart:
            # Else nothing is taken in or sealed. An API answers without it for all that is sealed.
            await of.journal.answers()
        return None

    if role == "work":
        return create_app(_metrics(of), ready, lifespan, told=told, turned_away=turned_away)
    trusted = frozenset(filter(None, of.settings.trusted_proxies.replace(" ", "").split(",")))
    routes, recent = _metrics(of), None
    if role in ("all", "collect"):
        routes = [*_doors(of, trusted), *_inlet_doors(of, trusted).routes(), *routes]
    if role in ("all", "api"):
        console = ConsoleDoor(of.console_keys, of.tenants, of.clock, of.settings.url)
        rate = RateLimit(of.settings.rate_limit)
        recent = Recent(of.records, of.clock, rate)
        routes = [
            *facade_routes(_facade(of, console, rate, recent)),
            *routes,
            *Files(of.blobs, of.links, of.clock).routes(),
            *console.routes(),
            *_call_pages(of, trusted, console.visitor).routes(),
            *docs_routes(),
            *well_known_routes(of.hook_keys.public_pem),
        ]
    return create_app(
        [*routes, *asset_routes()],
        ready,
        lifespan,
        told=told,
        recent=recent,
        turned_away=turned_away,
    )


def _facade(of: "Roomtone", console: ConsoleDoor, rate: RateLimit, recent: Recent) -> Facade:
    return Facade(
        tenants=of.tenants,
        rooms=of.rooms,
        sessions=of.sessions,
        inlets=of.inlets,
        roster=Doorkeeper(of.roster, of.hub),
        clock=of.clock,
        rate=rate,
        webhooks=of.webhooks,
        words=of.words,
        artifacts=of.artifacts,
        summaries=of.summaries,
        register=of.register,
        thresholds=of.thresholds,
        origins=of.origins,
        invitations=of.invitations,
        timelines=of.timelines,
        imports=of.imports,
        analytics=Analytics(of.records, of.clock),
        visitor=console.visitor,
        follow=of.feed.listen,
        recent=recent,
    )


def _call_pages(of: "Roomtone", trusted: frozenset[str], visitor: Visitor) -> CallPages:
    return CallPages(
        of.invitations,
        of.rooms,
        of.records,
        of.clock,
        of.hub,
        Sockets(of.hub, of.rooms, of.records, of.clock, of.settings.url),
        ice_servers(of.settings.ice_servers),
        trusted,
        visitor,
    )


def _inlet_doors(of: "Roomtone", trusted: frozenset[str]) -> InletDoors:
    locate, mask = of.geo.locate, of.settings.mask_addresses
    rtcstats = RtcstatsDoor(of.streams, of.inflow, of.rooms, of.clock, locate, trusted, mask=mask)
    jitsi = JitsiDoor(of.streams, of.clock, locate, trusted, mask=mask)
    peermetrics = PeermetricsDoor(of.inflow, of.clock, locate, trusted, mask=mask)
    observertc = ObserveRtcDoor(of.inflow, of.streams, of.clock, locate, trusted, mask=mask)
    servers = ServerDoors(of.inflow, of.clock, of.streams.quarantine, of.settings.url, mask=mask)
    return InletDoors(
        of.inlets,
        of.origins,
        {
            **dict.fromkeys(SERVERS, servers.request),
            "rtcstats": rtcstats.upload,
            "peermetrics": peermetrics.request,
            "observertc": observertc.request,
        },
        {
            "rtcstats": rtcstats.socket,
            "jitsi": jitsi.socket,
            "observertc": observertc.socket,
        },
    )


def _doors(of: "Roomtone", trusted: frozenset[str]) -> list[BaseRoute]:
    doors = Doors(of.collector, of.geo.locate, trusted).routes()
    if of.metrics is None:
        return doors
    return of.metrics.doors(doors)


def _metrics(of: "Roomtone") -> list[BaseRoute]:
    return [] if of.metrics is None else of.metrics.routes()
