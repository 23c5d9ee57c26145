"""Tenants: accounts, their apps, and the API tokens that open them.

An API token is ``rt_`` and 256 random bits in the URL-safe alphabet. Only its SHA-256 is stored, so
a stolen database opens nothing; a lost token is replaced, never recovered.
"""

import hmac
import secrets
from collections.abc import Hashable
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from roomtone.model.errors import Fault, Forbidden, Invalid, NotFound, Unauthenticated
from roomtone.model.limits import MAX_NAME_CHARS
from roomtone.model.tenancy import ADMIN, SCOPES, Account, ApiToken, App
from roomtone.ports.clock import Clock
from roomtone.ports.records import Page, Records, Transaction
from roomtone.services.presets import default_presets
from roomtone.services.remembered import Remembered

TOKEN_PREFIX = "rt_"  # noqa: S105 - what every token begins with, not a token
TOKEN_BYTES = 32
TOKEN_CHARS = len(TOKEN_PREFIX) + 43

MAX_HELD = 1_000

NO_SUCH_APP = "No such app."


class IssuedToken(Struct, frozen=True):
    """A fresh API token; ``text`` is shown once and stored nowhere."""

    token: ApiToken
    text: str


class FirstStart(Struct, frozen=True):
    """What the first start made."""

    account: Account
    app: App
    issued: IssuedToken


def digest(text: str) -> bytes:
    """What is stored of an API token."""
    return sha256(text.encode("utf-8", "surrogateescape")).digest()


def check_name(name: str) -> str:
    """The name without blanks around it; raises Invalid for an empty or endless one."""
    name = name.strip()
    if not name:
        raise Invalid("A name is needed.", (Fault("/name", "must not be empty"),))
    if len(name) > MAX_NAME_CHARS:
        why = f"must be at most {MAX_NAME_CHARS} characters"
        raise Invalid("The name is too long.", (Fault("/name", why),))
    return name


class Tenants:
    """Who may come in, and to what."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._apps: dict[str, App] = {}
        self._tokens: Remembered[bytes, ApiToken] = Remembered(records, MAX_HELD)

    # --- at the door ----------------------------------------------------------------------------

    def authenticate(self, text: str) -> ApiToken:
        """The token behind this text. Raises Unauthenticated if there is none or it was revoked."""
        if len(text) == TOKEN_CHARS and text.startswith(TOKEN_PREFIX):
            wanted = digest(text)
            found = self._tokens.get(wanted, lambda tx: tx.tenants.token_by_sha256(wanted))
            if (
                found is not None
                and found.revoked_at is None
                and hmac.compare_digest(found.sha256, wanted)
            ):
                return found
        raise Unauthenticated("This API token is not valid: it is unknown, or it was revoked.")

    @property
    def version(self) -> Hashable:
        """Of the records, from before the latest token was looked up: whatever the same request
        finds afterwards is no older."""
        return self._tokens.version

    def known(self, sha256: bytes) -> ApiToken:
        """The token with this digest, for who proved earlier that it had the text. Raises
        Unauthenticated if it was revoked meanwhile."""
        found = self._tokens.get(sha256, lambda tx: tx.tenants.token_by_sha256(sha256))
        if found is None or found.revoked_at is not None:
            raise Unauthenticated("The API token that you signed in with was revoked.")
        return found

    def app(self, account_id: str, app_id: str) -> App:
        """An app of this account. Raises NotFound. What never changes of it is remembered."""
        app = self._apps.get(app_id)
        if app is None:
            app = self._records.peek(lambda tx: tx.tenants.app(app_id))
            if app is None:
                raise NotFound(NO_SUCH_APP)
            self._apps[app_id] = app
        if app.account_id != account_id:
            raise NotFound(NO_SUCH_APP)
        return app

    # --- for the operator and the apps endpoints --------------------------------------------------

    async def first_start(self) -> FirstStart | None:
        """Make an account, an app and an admin token; None if there already is an account."""
        account = self._new_account("Roomtone")
        app = self._new_app(account.id, "Default")
        issued = self._new_token(account.id, None, "first start", ADMIN)

        def make(tx: Transaction) -> bool:
            if tx.tenants.accounts():
                return False
            tx.tenants.put_account(account)
            _put_app(tx, app, self._clock)
            tx.tenants.put_token(issued.token)
            return True

        return FirstStart(account, app, issued) if await self._records.write(make) else None

    async def accounts(self) -> list[Account]:
        """Every account."""
        return await self._records.read(lambda tx: tx.tenants.accounts())

    async def create_account(self, name: str) -> Account:
        """A new, empty account."""
        account = self._new_account(check_name(name))
        await self._records.write(lambda tx: tx.tenants.put_account(account))
        return account

    async def create_app(self, account_id: str, name: str) -> App:
        """A new app with the default presets. Raises NotFound for an unknown account."""
        app = self._new_app(account_id, check_name(name))

        def make(tx: Transaction) -> None:
            _known_account(tx, account_id)
            _put_app(tx, app, self._clock)

        await self._records.write(make)
        return app

    async def list_apps(
        self, account_id: str, page: Page, *, search: str | None = None, descending: bool = True
    ) -> tuple[list[App], int]:
        """Apps of an account by creation time, and how many there are."""
        return await self._records.read(
            lambda tx: tx.tenants.apps(account_id, search, descending, page)
        )

    async def create_token(
        self, account_id: str, app_id: str | None, name: str, scope: str
    ) -> IssuedToken:
        """A new API token; ``app_id`` None reaches every app. Raises Invalid, NotFound."""
        if scope not in SCOPES:
            why = f"must be one of {', '.join(SCOPES)}"
            raise Invalid("Unknown scope.", (Fault("/scope", why),))
        issued = self._new_token(account_id, app_id, check_name(name), scope)

        def make(tx: Transaction) -> None:
            _known_account(tx, account_id)
            app = None if app_id is None else tx.tenants.app(app_id)
            if app_id is not None and (app is None or app.account_id != account_id):
                raise NotFound(NO_SUCH_APP)
            tx.tenants.put_token(issued.token)

        await self._records.write(make)
        return issued

    async def list_tokens(self, account_id: str) -> list[ApiToken]:
        """The tokens of an account, revoked ones too."""
        return await self._records.read(lambda tx: tx.tenants.tokens(account_id))

    async def revoke_token(self, account_id: str, token_id: str) -> ApiToken:
        """Close a token for good; a second time changes nothing. Raises NotFound."""
        now = self._clock.now()

        def revoke(tx: Transaction) -> ApiToken:
            found = [token for token in tx.tenants.tokens(account_id) if token.id == token_id]
            if not found:
                raise NotFound("No such token.")
            token = found[0]
            if token.revoked_at is None:
                token = replace(token, revoked_at=now)
                tx.tenants.put_token(token)
            return token

        return await self._records.write(revoke)

    # --- new ones -------------------------------------------------------------------------------

    def _new_account(self, name: str) -> Account:
        # 32 hex digits, as the vendor's account ids (contract 2.1).
        account_id = self._clock.new_id().replace("-", "")
        return Account(id=account_id, name=name, created_at=self._clock.now())

    def _new_app(self, account_id: str, name: str) -> App:
        return App(
            id=self._clock.new_id(),
            account_id=account_id,
            name=name,
            signing_key=secrets.token_hex(32),
            created_at=self._clock.now(),
        )

    def _new_token(self, account_id: str, app_id: str | None, name: str, scope: str) -> IssuedToken:
        text = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        token = ApiToken(
            id=self._clock.new_id(),
            account_id=account_id,
            app_id=app_id,
            name=name,
            scope=scope,
            sha256=digest(text),
            created_at=self._clock.now(),
        )
        return IssuedToken(token, text)


def check_reach(token: ApiToken, account_id: str, app_id: str | None, *, writes: bool) -> None:
    """Raise Forbidden unless this token opens this account and app for what is asked.

    ``app_id`` None is the account itself, which a token of one app does not reach.
    """
    if token.account_id != account_id:
        raise Forbidden("This API token belongs to another account.")
    if token.app_id is not None and token.app_id != app_id:
        raise Forbidden("This API token belongs to another app.")
    if writes and token.scope != ADMIN:
        raise Forbidden("This API token may only read; use one with the scope 'admin'.")


def _put_app(tx: Transaction, app: App, clock: Clock) -> None:
    tx.tenants.put_app(app)
    for preset in default_presets(app.id, clock):
        tx.rooms.put_preset(preset)


def _known_account(tx: Transaction, account_id: str) -> None:
    if tx.tenants.account(account_id) is None:
        raise NotFound("No such account.")
