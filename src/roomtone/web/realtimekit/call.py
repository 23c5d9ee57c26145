"""What a handler gets and gives, and how an operation is described."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Hashable
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.types import Receive, Scope

from roomtone.model.errors import NotFound
from roomtone.model.tenancy import ApiToken, App
from roomtone.ports.clock import Clock
from roomtone.services.analytics import Analytics
from roomtone.services.artifacts import Artifacts
from roomtone.services.imports import Imports
from roomtone.services.inlets import Inlets
from roomtone.services.invitations import Invitations
from roomtone.services.origins import Origins
from roomtone.services.rate import RateLimit
from roomtone.services.register import Register
from roomtone.services.rooms import Rooms
from roomtone.services.sessions import Sessions
from roomtone.services.summaries import Summaries
from roomtone.services.tenants import Tenants
from roomtone.services.thresholds import FindingThresholds
from roomtone.services.timelines import Timelines
from roomtone.services.webhooks import Webhooks
from roomtone.services.words import Words
from roomtone.web.bodies import read_body
from roomtone.web.query import Parameter, Query
from roomtone.web.realtimekit.given import read_given
from roomtone.web.recent import Recent
from roomtone.web.uploads import read_upload

encode = msgspec.json.Encoder().encode

Header = tuple[bytes, bytes]


class Roster(Protocol):
    """What the façade asks of the roster: to show people out."""

    async def kick(
        self, app_id: str, meeting_id: str, participant_ids: list[str], custom_ids: list[str]
    ) -> list[str] | None:
        """The user ids of those who were connected and no longer are; None: no live session."""
        ...

    async def kick_all(self, app_id: str, meeting_id: str) -> int | None:
        """Remove everybody and end the session; how many people. None: no live session."""
        ...


def nobody(_: dict[bytes, bytes]) -> ApiToken | None:
    """Where there is no console, nobody is signed in."""
    return None


async def nothing_to_follow(
    app_id: str, last_id: int | None, welcome: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Where there is no feed."""
    raise NotFound("There is nothing to follow here.")


class Facade(Struct, frozen=True):
    """The services behind the façade."""

    tenants: Tenants
    rooms: Rooms
    sessions: Sessions
    roster: Roster
    clock: Clock
    rate: RateLimit
    """Requests per API token."""
    webhooks: Webhooks
    inlets: Inlets
    words: Words
    artifacts: Artifacts
    summaries: Summaries
    register: Register
    thresholds: FindingThresholds
    origins: Origins
    invitations: Invitations
    timelines: Timelines
    imports: Imports
    analytics: Analytics
    visitor: Callable[[dict[bytes, bytes]], ApiToken | None] = nobody
    """Who is signed in to the console; None: the request is not the console's."""
    follow: Callable[
        [str, int | None, Callable[[], bool]], Coroutine[Any, Any, AsyncIterator[bytes]]
    ] = nothing_to_follow
    """Server-Sent Events of an app's sessions, after an id, for as long as one is welcome."""
    recent: Recent | None = None
    """Where answers that last are kept to be given again."""


class Call:
    """One request that was let in. ``app`` is None for what belongs to the account."""

    __slots__ = (
        "_app",
        "_receive",
        "_scope",
        "account_id",
        "facade",
        "headers",
        "path",
        "query",
        "token_id",
        "version",
    )

    def __init__(
        self,
        facade: Facade,
        account_id: str,
        token_id: str,
        version: Hashable,
        app: App | None,
        path: dict[str, str],
        query: Query,
        headers: dict[bytes, bytes],
        scope: Scope,
        receive: Receive,
    ) -> None:
        self.facade = facade
        self.account_id = account_id
        self.token_id = token_id
        self.version = version
        """Of the records, from before anything was looked up."""
        self.path = path
        self.query = query
        self.headers = headers
        self._app = app
        self._scope = scope
        self._receive = receive

    @property
    def app_id(self) -> str:
        """The app that the path (or the Basic user of the old host) names."""
        if self._app is None:
            raise RuntimeError("this operation belongs to the account, not to an app")
        return self._app.id

    async def given(self, shape: type[Struct]) -> dict[str, Any]:
        """The fields of the JSON body that were given, checked. Raises Refused with all faults."""
        return read_given(await read_body(Request(self._scope, self._receive)), shape)

    async def upload(self, most: int) -> bytes:
        """The body, whatever it is, of at most so many bytes. Raises TooLarge, BadRequest."""
        return await read_body(Request(self._scope, self._receive), most)

    async def file(self, most: int) -> bytes:
        """The body as a file, as it was sent: larger and slower. Raises TooLarge, BadRequest."""
        return await read_upload(Request(self._scope, self._receive), most)


JSON_TYPE = b"application/json"


class Answer(Struct, frozen=True):
    """What goes out."""

    body: bytes
    status: int = 200
    headers: tuple[Header, ...] = ()
    content_type: bytes = JSON_TYPE
    pieces: AsyncIterator[bytes] | None = None
    """What follows ``body``, made while it is sent: of a size that nobody has to know."""
    lasts: bool = False
    """Whether it is the same until somebody commits something, whatever the clock says."""


def ok(content: Struct, status: int = 200) -> Answer:
    """An answer with this content as JSON."""
    return Answer(encode(content), status)


Handler = Callable[[Call], Awaitable[Answer]]


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one path: what runs, and what ``openapi.json`` says of it."""

    handler: Handler
    name: str
    """The ``operationId``: the vendor's method name in camel case."""
    summary: str
    answer: type[Struct]
    status: int = 200
    parameters: tuple[Parameter[Any], ...] = ()
    body: type[Struct] | None = None
    uploads: tuple[str, ...] = ()
    """Content types of files that the body may be instead."""
    downloads: tuple[str, ...] = ()
    """Content types of files that the answer may be instead."""
    narrowed: type[Struct] | None = None
    """The answer's shape when ``filters`` took sections out of it."""


class Resource(Struct, frozen=True):
    """One path below ``/accounts/{account_id}/realtime/kit/{app_id}``, or of the account itself."""

    path: str
    operations: dict[str, Operation]
    tag: str
    of_account: bool = False
