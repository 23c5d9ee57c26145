"""The console's own door: its page, signing in, signing out, and who is signed in.

A cookie travels with every request that a browser makes, also with those that another site's page
caused. So it counts only beside the header ``X-Roomtone-Console``, which a page of another origin
cannot add without asking first (and no path of ours lets it), and only where the browser itself
says that the request is of the same origin.
"""

from collections.abc import Mapping
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from roomtone import __version__
from roomtone.model.errors import Forbidden, Invalid, Unauthenticated
from roomtone.model.limits import MAX_SESSIONS_PER_PAGE
from roomtone.model.tenancy import ApiToken
from roomtone.model.times import iso
from roomtone.ports.clock import Clock
from roomtone.ports.records import Page
from roomtone.services.tenants import Tenants, digest
from roomtone.web.assets import address, page, text
from roomtone.web.bodies import read_body
from roomtone.web.console.keys import COOKIE_MS, HEADER, ConsoleKeys, Visit
from roomtone.web.realtimekit.apps import AppObject, app_object

HTML = "console/console.html"
LINKED = ("console/tokens.css", "console/console.css", "console/app.js")
"""What the page links to, by addresses that change with the content."""

NOT_OURS = "The console's cookie counts only for requests of the console's own page."


class SignIn(Struct):
    """Body of signing in: one of the two."""

    ticket: str = ""
    token: str = ""


class AccountSeen(Struct, frozen=True):
    id: str
    name: str


class TokenSeen(Struct, frozen=True):
    id: str
    name: str


class Me(Struct, frozen=True, kw_only=True):
    """Who is signed in, and to what. ``app_id`` null: every app of the account."""

    account: AccountSeen
    apps: tuple[AppObject, ...]
    app_id: str | None
    scope: str
    token: TokenSeen
    expires_at: str
    version: str
    url: str


class MeAnswer(Struct, frozen=True):
    success: bool
    data: Me


class ConsoleDoor:
    """``/console`` and what is below it. ``url``: what clients call this server."""

    def __init__(self, keys: ConsoleKeys, tenants: Tenants, clock: Clock, url: str) -> None:
        self._keys = keys
        self._tenants = tenants
        self._clock = clock
        self._url = url
        self._host = urlsplit(url).netloc
        self._https = urlsplit(url).scheme == "https"

    def routes(self) -> list[BaseRoute]:
        """Where it stands."""
        return [
            Route("/console", self.page, methods=["GET"]),
            Route("/console/sign-in", self.sign_in, methods=["POST"]),
            Route("/console/sign-out", self.sign_out, methods=["POST"]),
            Route("/console/me", self.me, methods=["GET"]),
        ]

    def visitor(self, headers: Mapping[bytes, bytes]) -> ApiToken | None:
        """The API token whose holder is signed in; None: this is no request of the console.

        Raises Unauthenticated, and Forbidden for a request that another site's page caused.
        """
        if HEADER not in headers:
            return None
        return self._tenants.known(self._visit(headers).token_sha256)

    def _visit(self, headers: Mapping[bytes, bytes]) -> Visit:
        self._check_origin(headers)
        jar = SimpleCookie()
        try:
            jar.load(headers.get(b"cookie", b"").decode("latin-1"))
        except CookieError:
            jar.clear()
        morsel = jar.get(self._keys.cookie_name)
        if morsel is None:
            raise Unauthenticated("You are not signed in.")
        return self._keys.visit(morsel.value, self._clock.now())

    def _check_origin(self, headers: Mapping[bytes, bytes]) -> None:
        """Raise Forbidden unless the page that asks is ours."""
        site = headers.get(b"sec-fetch-site")
        if HEADER not in headers or (site is not None and site != b"same-origin"):
            raise Forbidden(NOT_OURS)
        origin = headers.get(b"origin")
        if site is None and origin is not None:
            # Browsers say Sec-Fetch-Site over https and to this machine, but not over plain http.
            host = urlsplit(origin.decode("latin-1")).netloc
            if host not in (headers.get(b"host", b"").decode("latin-1"), self._host):
                raise Forbidden(NOT_OURS)

    async def page(self, _: Request) -> Response:
        """The page itself, open to everybody: it holds nothing."""
        html = text(HTML)
        for name in LINKED:
            html = html.replace(f"/assets/{name}", address(name))
        return page(html)

    async def sign_in(self, request: Request) -> Response:
        """With a ticket or an API token; the answer sets the cookie."""
        self._check_origin(dict(request.scope["headers"]))
        try:
            given = msgspec.json.decode(await read_body(request), type=SignIn)
        except msgspec.DecodeError:
            raise Invalid('Send {"token": "rt_…"} or {"ticket": "…"}.') from None
        now = self._clock.now()
        if given.ticket:
            token = self._tenants.known(self._keys.take(given.ticket, now))
        else:
            token = self._tenants.authenticate(given.token.strip())
        value, visit = self._keys.cookie(token.sha256, now)
        answer = await self._me(token, visit)
        answer.set_cookie(
            self._keys.cookie_name,
            value,
            max_age=COOKIE_MS // 1000,
            path="/",
            secure=self._https or request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return answer

    async def sign_out(self, request: Request) -> Response:
        """Close the cookie here and in the browser; being signed out already is no error."""
        headers = dict(request.scope["headers"])
        self._check_origin(headers)
        with suppress(Unauthenticated):
            self._keys.sign_out(self._visit(headers), self._clock.now())
        answer = Response(status_code=204)
        answer.delete_cookie(self._keys.cookie_name, path="/", httponly=True, samesite="strict")
        return answer

    async def me(self, request: Request) -> Response:
        """Who is signed in."""
        visit = self._visit(dict(request.scope["headers"]))
        return await self._me(self._tenants.known(visit.token_sha256), visit)

    async def _me(self, token: ApiToken, visit: Visit) -> Response:
        if token.app_id is None:
            page_ = Page(0, MAX_SESSIONS_PER_PAGE)
            apps, _ = await self._tenants.list_apps(token.account_id, page_, descending=False)
        else:
            apps = [self._tenants.app(token.account_id, token.app_id)]
        names = {account.id: account.name for account in await self._tenants.accounts()}
        me = Me(
            account=AccountSeen(token.account_id, names.get(token.account_id, "")),
            apps=tuple(map(app_object, apps)),
            app_id=token.app_id,
            scope=token.scope,
            token=TokenSeen(token.id, token.name),
            expires_at=iso(visit.expires_at),
            version=__version__,
            url=self._url,
        )
        body = msgspec.json.encode(MeAnswer(True, me))
        return Response(body, media_type="application/json", headers={"cache-control": "no-store"})


def console_link(keys: ConsoleKeys, url: str, api_token: str, now: int) -> str:
    """The link that signs the holder of this API token in, once. What stands behind ``#`` is not
    sent to servers, so it is in nobody's log."""
    return f"{url}/console#/enter/{keys.ticket(digest(api_token), now)}"
