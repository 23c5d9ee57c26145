"""What a handler gets and gives, and how an operation is described."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.types import Receive, Scope

from roomtone.model.tenancy import App
from roomtone.ports.clock import Clock
from roomtone.services.artifacts import Artifacts
from roomtone.services.rate import RateLimit
from roomtone.services.rooms import Rooms
from roomtone.services.sessions import Sessions
from roomtone.services.summaries import Summaries
from roomtone.services.tenants import Tenants
from roomtone.services.webhooks import Webhooks
from roomtone.services.words import Words
from roomtone.web.bodies import read_body
from roomtone.web.query import Parameter, Query
from roomtone.web.realtimekit.given import read_given

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
    words: Words
    artifacts: Artifacts
    summaries: Summaries


class Call:
    """One request that was let in. ``app`` is None for what belongs to the account."""

    __slots__ = ("_app", "_receive", "_scope", "account_id", "facade", "headers", "path", "query")

    def __init__(
        self,
        facade: Facade,
        account_id: str,
        app: App | None,
        path: dict[str, str],
        query: Query,
        headers: dict[bytes, bytes],
        scope: Scope,
        receive: Receive,
    ) -> None:
        self.facade = facade
        self.account_id = account_id
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


class Answer(Struct, frozen=True):
    """What goes out."""

    body: bytes
    status: int = 200
    headers: tuple[Header, ...] = ()


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
    narrowed: type[Struct] | None = None
    """The answer's shape when ``filters`` took sections out of it."""


class Resource(Struct, frozen=True):
    """One path below ``/accounts/{account_id}/realtime/kit/{app_id}``, or of the account itself."""

    path: str
    operations: dict[str, Operation]
    tag: str
    of_account: bool = False
