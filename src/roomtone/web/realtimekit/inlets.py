"""``/inlets``: doors for other collectors and servers. Roomtone's own."""

from msgspec import UNSET, Struct, UnsetType

from roomtone.model.inlets import Inlet, Kind
from roomtone.model.times import iso, iso_or_none
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok


class InletGiven(Struct, kw_only=True):
    """Body of POST. ``secret``: unset, one is made."""

    kind: Kind
    name: str | UnsetType = UNSET
    key: str | UnsetType = UNSET
    secret: str | UnsetType = UNSET


class InletObject(Struct, frozen=True, kw_only=True):
    """An inlet as it goes out: without its secret."""

    id: str
    kind: str
    name: str
    key: str
    path: str
    """Where its sender sends to, below this server's address."""
    created_at: str
    revoked_at: str | None


class InletMade(InletObject, frozen=True, kw_only=True):
    """What POST answers, once."""

    secret: str


class InletAnswer(Struct, frozen=True):
    success: bool
    data: InletObject


class InletMadeAnswer(Struct, frozen=True):
    success: bool
    data: InletMade


class InletsAnswer(Struct, frozen=True):
    success: bool
    data: tuple[InletObject, ...]


def _shown(inlet: Inlet) -> dict[str, str | None]:
    return {
        "id": inlet.id,
        "kind": inlet.kind,
        "name": inlet.name,
        "key": inlet.key,
        "path": f"/in/{inlet.id}",
        "created_at": iso(inlet.created_at),
        "revoked_at": iso_or_none(inlet.revoked_at),
    }


async def list_inlets(call: Call) -> Answer:
    """Every inlet of the app, oldest first, closed ones too."""
    found = await call.facade.inlets.find(call.app_id)
    return ok(InletsAnswer(True, tuple(InletObject(**_shown(one)) for one in found)))  # type: ignore[arg-type]


async def create_inlet(call: Call) -> Answer:
    """Open a door; the answer shows its secret, once."""
    inlet = await call.facade.inlets.create(call.app_id, **await call.given(InletGiven))
    made = InletMade(**_shown(inlet), secret=inlet.secret)  # type: ignore[arg-type]
    return ok(InletMadeAnswer(True, made), 201)


async def delete_inlet(call: Call) -> Answer:
    """Close a door for good; what came through it stays."""
    inlet = await call.facade.inlets.revoke(call.app_id, call.path["inlet_id"])
    return ok(InletAnswer(True, InletObject(**_shown(inlet))))  # type: ignore[arg-type]


INLETS = Resource(
    "/inlets",
    {
        "GET": Operation(
            handler=list_inlets,
            name="getInlets",
            summary="List the doors for other collectors and servers",
            answer=InletsAnswer,
        ),
        "POST": Operation(
            handler=create_inlet,
            name="createInlet",
            summary="Open a door for another collector or server",
            answer=InletMadeAnswer,
            status=201,
            body=InletGiven,
        ),
    },
    "Inlets",
)

INLET = Resource(
    "/inlets/{inlet_id}",
    {
        "DELETE": Operation(
            handler=delete_inlet,
            name="deleteInlet",
            summary="Close a door",
            answer=InletAnswer,
        )
    },
    "Inlets",
)
