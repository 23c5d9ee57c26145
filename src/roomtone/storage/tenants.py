"""Accounts, apps and API tokens in their tables."""

import msgspec
import sqlalchemy as sa

from roomtone.model.tenancy import Account, ApiToken, App
from roomtone.ports.records import Page
from roomtone.storage import tables
from roomtone.storage.connections import Connection
from roomtone.storage.rows import Kept, holds, searchable

_ACCOUNT = Kept(Account, tables.accounts)
_ACCOUNT_BY_ID = _ACCOUNT.by("id")
_ACCOUNTS = _ACCOUNT.by(order=(tables.accounts.c.created_at, tables.accounts.c.id))
_PUT_ACCOUNT = _ACCOUNT.upsert("id")

_APP = Kept(App, tables.apps)
_APP_BY_ID = _APP.by("id")
_PUT_APP = _APP.upsert("id", "searchable")

_THRESHOLDS = "SELECT thresholds FROM apps WHERE id = ?"
_PUT_THRESHOLDS = "UPDATE apps SET thresholds = ? WHERE id = ?"

_ORIGINS = "SELECT origins FROM apps WHERE id = ?"
_PUT_ORIGINS = "UPDATE apps SET origins = ? WHERE id = ?"

_TOKEN = Kept(ApiToken, tables.api_tokens)
_TOKEN_BY_SHA256 = _TOKEN.by("sha256")
_TOKENS = _TOKEN.by("account_id", order=(tables.api_tokens.c.created_at, tables.api_tokens.c.id))
_PUT_TOKEN = _TOKEN.upsert("id")


class SqlTenants:
    """See :class:`roomtone.ports.records.Tenants`. Accounts and tokens are listed oldest first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def account(self, account_id: str) -> Account | None:
        return _ACCOUNT.one(self._connection, _ACCOUNT_BY_ID, account_id)

    def accounts(self) -> list[Account]:
        return _ACCOUNT.all(self._connection, _ACCOUNTS)

    def put_account(self, account: Account) -> None:
        _PUT_ACCOUNT.run(self._connection, account)

    def app(self, app_id: str) -> App | None:
        return _APP.one(self._connection, _APP_BY_ID, app_id)

    def apps(
        self, account_id: str, search: str | None, descending: bool, page: Page
    ) -> tuple[list[App], int]:
        """By creation, ties by id. ``search`` looks in the name and the id."""
        column = tables.apps.c
        where: list[sa.ColumnElement[bool]] = [column.account_id == account_id]
        if search:
            where.append(holds(column.searchable, search))
        created = column.created_at.desc() if descending else column.created_at.asc()
        return _APP.page(self._connection, where, (created, column.id), page)

    def put_app(self, app: App) -> None:
        _PUT_APP.run(self._connection, app, searchable=searchable(app.name, app.id))

    def thresholds(self, app_id: str) -> dict[str, dict[str, float]]:
        row = self._connection.raw.execute(_THRESHOLDS, (app_id,)).fetchone()
        return {} if row is None or row[0] is None else msgspec.json.decode(row[0])

    def put_thresholds(self, app_id: str, own: dict[str, dict[str, float]]) -> None:
        text = msgspec.json.encode(own, order="sorted").decode() if own else None
        self._connection.raw.execute(_PUT_THRESHOLDS, (text, app_id))

    def origins(self, app_id: str) -> tuple[str, ...]:
        row = self._connection.raw.execute(_ORIGINS, (app_id,)).fetchone()
        return () if row is None or row[0] is None else tuple(msgspec.json.decode(row[0]))

    def put_origins(self, app_id: str, origins: tuple[str, ...]) -> None:
        text = msgspec.json.encode(origins).decode() if origins else None
        self._connection.raw.execute(_PUT_ORIGINS, (text, app_id))

    def token_by_sha256(self, sha256: bytes) -> ApiToken | None:
        return _TOKEN.one(self._connection, _TOKEN_BY_SHA256, sha256)

    def tokens(self, account_id: str) -> list[ApiToken]:
        return _TOKEN.all(self._connection, _TOKENS, account_id)

    def put_token(self, token: ApiToken) -> None:
        _PUT_TOKEN.run(self._connection, token)
