"""``/origins``: the web pages that may send telemetry for an app. Our own."""

from msgspec import Struct

from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok


class OriginsData(Struct, frozen=True):
    """None at all: pages of every origin may."""

    origins: tuple[str, ...]


class OriginsAnswer(Struct, frozen=True):
    success: bool
    data: OriginsData


class OriginsGiven(Struct):
    """Body of PUT: ``https://app.example.com`` and the like; `[]` lets every page in again."""

    origins: list[str]


async def get_origins(call: Call) -> Answer:
    """The origins of web pages that may send telemetry for this app; none: all of them."""
    return _told(await call.facade.origins.get(call.app_id))


async def put_origins(call: Call) -> Answer:
    """Replace the origins of web pages that may send telemetry for this app. A page elsewhere is
    then answered 403, without CORS headers, at the collector's doors and the inlets."""
    given = await call.given(OriginsGiven)
    return _told(await call.facade.origins.put(call.app_id, given["origins"]))


def _told(origins: tuple[str, ...]) -> Answer:
    return ok(OriginsAnswer(True, OriginsData(origins)))


ORIGINS = Resource(
    "/origins",
    {
        "GET": Operation(
            handler=get_origins,
            name="getOrigins",
            summary="Get the origins that may send telemetry",
            answer=OriginsAnswer,
        ),
        "PUT": Operation(
            handler=put_origins,
            name="replaceOrigins",
            summary="Replace the origins that may send telemetry",
            answer=OriginsAnswer,
            body=OriginsGiven,
        ),
    },
    "Apps",
)
