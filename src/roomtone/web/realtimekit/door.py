"""The façade's door: who are you, may you, how often, and then to the handler.

Order of refusals: 404 unknown path, 405 wrong method, 401 no or bad token, 429 too many, 403 token
of somebody else or with too little scope, 404 unknown app, 422 bad query; only then is anything of
the resource looked up (contract 10). Everything up to the handler is synchronous: on the hot path
one look-up of the token, by its digest.
"""

from base64 import b64decode
from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

from roomtone.model.errors import Refused, TooMany, Unauthenticated
from roomtone.model.tenancy import ApiToken
from roomtone.services.tenants import check_reach
from roomtone.web.errors import encoded, error_body, error_headers
from roomtone.web.query import read_query
from roomtone.web.realtimekit.call import Answer, Call, Facade, Header, Operation, Resource
from roomtone.web.realtimekit.paths import Paths
from roomtone.web.realtimekit.pieces import send_pieces
from roomtone.web.recent import Kept

READS = frozenset({"GET", "HEAD"})

NO_TOKEN = "Send an API token: Authorization: Bearer rt_…"  # noqa: S105 - advice, not a token


def template(resource: Resource) -> str:
    """A resource's whole path below ``/accounts``."""
    above = "/{account_id}/realtime/kit"
    return above + resource.path if resource.of_account else f"{above}/{{app_id}}{resource.path}"


class Door:
    """One ASGI application over a table of resources.

    ``legacy``: paths have no account and no app; ``Authorization: Basic`` names the app and brings
    the token (contract 0, legacy hosts).
    """

    def __init__(
        self, facade: Facade, resources: Sequence[Resource], *, legacy: bool = False
    ) -> None:
        self._facade = facade
        self._legacy = legacy
        self._paths = Paths(
            (resource.path if legacy else template(resource), resource.operations)
            for resource in resources
            if not (legacy and resource.of_account)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        try:
            answer = await self._answer(scope, receive)
        except Refused as refused:
            answer = _refused(refused)
        body, pieces = answer.body, answer.pieces
        headers = _headers(answer)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": pieces is not None})
        if pieces is not None:
            await send_pieces(pieces, receive, send, silent=scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        method: str = scope["method"]
        # A mount leaves the path whole and says how much of it was its own.
        found = self._paths.find(scope["path"][len(scope.get("root_path", "")) :])
        if found is None:
            return _plain(404, f"No route for {method} {scope['path']}.")
        operations, path = found
        operation = operations.get("GET" if method == "HEAD" else method)
        if operation is None:
            return _wrong_method(operations, method, scope["path"])
        call = self._admit(operation, method, path, scope, receive)
        answer = await operation.handler(call)
        if answer.lasts and self._facade.recent is not None:
            kept = Kept(call.token_id, _headers(answer), answer.body)
            self._facade.recent.keep(scope, call.headers, call.version, kept)
        return answer

    def _admit(
        self,
        operation: Operation,
        method: str,
        path: dict[str, str],
        scope: Scope,
        receive: Receive,
    ) -> Call:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        facade = self._facade
        app_id: str | None
        text: str | None
        if self._legacy:
            app_id, text = _basic(headers)
        else:
            app_id, text = path.get("app_id"), None
        token = authenticate(facade, headers, text)
        version = facade.tenants.version
        if not facade.rate.allow(token.id, facade.clock.now()):
            raise TooMany("Too many requests with this API token.", facade.rate.retry_after_s)
        account_id = token.account_id if self._legacy else path["account_id"]
        check_reach(token, account_id, app_id, writes=method not in READS)
        app = None if app_id is None else facade.tenants.app(account_id, app_id)
        query = read_query(scope["query_string"], operation.parameters)
        return Call(
            facade, account_id, token.id, version, app, path, query, headers, scope, receive
        )


def authenticate(facade: Facade, headers: dict[bytes, bytes], text: str | None = None) -> ApiToken:
    """The API token that a request brings: as ``text``, in a header, or as the console's cookie.

    Raises Unauthenticated, or Forbidden for a cookie that another site's page sent.
    """
    if text is None:
        visitor = facade.visitor(headers)
        if visitor is not None:
            return visitor
        text = _token(headers)
    return facade.tenants.authenticate(text)


def _token(headers: dict[bytes, bytes]) -> str:
    """The API token from whichever of the SDK's three headers brings it."""
    kind, _, text = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() == b"bearer":
        return text.strip().decode("latin-1")
    text = headers.get(b"x-auth-key") or headers.get(b"x-auth-user-service-key") or b""
    if not text:
        raise Unauthenticated(NO_TOKEN)
    return text.decode("latin-1")


def _basic(headers: dict[bytes, bytes]) -> tuple[str, str]:
    """(app id, API token) from ``Basic base64(orgId:apiKey)``."""
    kind, _, text = headers.get(b"authorization", b"").partition(b" ")
    try:
        pair = b64decode(text.strip()).decode() if kind.lower() == b"basic" else ""
    except ValueError:
        pair = ""
    app_id, colon, token = pair.partition(":")
    if not colon:
        raise Unauthenticated("Send Authorization: Basic base64(app id:API token).")
    return app_id, token


def _headers(answer: Answer) -> list[Header]:
    headers: list[Header] = [(b"content-type", answer.content_type)]
    if answer.pieces is None:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    headers += answer.headers
    return headers


def _refused(refused: Refused) -> Answer:
    headers = tuple(
        (name.encode(), value.encode()) for name, value in error_headers(refused).items()
    )
    return Answer(error_body(refused), refused.status, headers)


def _plain(status: int, message: str) -> Answer:
    return Answer(encoded(status, message), status)


def _wrong_method(operations: dict[str, Operation], method: str, path: str) -> Answer:
    allowed = ", ".join(sorted(operations))
    message = f"{method} {path}: this method is not known here; use {allowed}."
    return Answer(encoded(405, message), 405, ((b"allow", allowed.encode()),))
