"""Who owns what: accounts, their apps, and the API tokens that open them."""

from msgspec import Struct

ADMIN = "admin"
READ = "read"
SCOPES = (ADMIN, READ)
"""``admin`` may do everything in its account (or app); ``read`` may only GET."""


class Account(Struct, frozen=True, kw_only=True):
    """A tenant; ``id`` is 32 hex digits, as the vendor's."""

    id: str
    name: str
    created_at: int


class App(Struct, frozen=True, kw_only=True):
    """A tenant's application; ``signing_key`` (hex) signs its participants' tokens."""

    id: str
    account_id: str
    name: str
    signing_key: str
    created_at: int


class ApiToken(Struct, frozen=True, kw_only=True):
    """An API token, known only by the SHA-256 of its text. ``app_id`` None: every app."""

    id: str
    account_id: str
    app_id: str | None
    name: str
    scope: str
    sha256: bytes
    created_at: int
    revoked_at: int | None = None
