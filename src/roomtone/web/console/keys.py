"""Tickets and cookies of the console, both signed with the data folder's secret.

A ticket is in the link that ``serve``, ``demo`` and ``roomtone console`` print: it signs in once,
within ten minutes. A cookie says which API token its holder brought, as that token's SHA-256:
whoever reads it learns nothing that opens anything, and it dies with the token.
"""

import hashlib
import hmac
import secrets
from typing import Any, Protocol

from itsdangerous import BadSignature, URLSafeSerializer
from msgspec import Struct

from roomtone.model.errors import Unauthenticated
from roomtone.model.limits import MAX_CONSOLE_SIGN_OUTS

HEADER = b"x-roomtone-console"
"""The console's requests have it, and a cookie; forms and links of other sites cannot send it."""
TICKET_MS = 10 * 60 * 1000
"""Long enough to walk to another machine with the link, too short to be found in a scrollback."""
COOKIE_MS = 12 * 3600 * 1000
"""A working day."""
MAX_CHARS = 1_024

STALE = "This link was used already, or it is too old; `roomtone console` prints another."
SIGNED_OUT = "You are not signed in any more; sign in again."


class Visit(Struct, frozen=True):
    """What a cookie says. ``expires_at``: epoch ms."""

    nonce: str
    token_sha256: bytes
    expires_at: int


class Nonces(Protocol):
    """What is used up."""

    def use(self, nonce: str, until: int, now: int) -> bool:
        """Use a nonce up that is good until then (epoch ms); False if it was used before."""
        ...

    def used(self, nonce: str) -> bool:
        """Whether it is used up."""
        ...


class HeldNonces:
    """Nonces in the memory of one process."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def use(self, nonce: str, until: int, now: int) -> bool:
        """See :class:`Nonces`."""
        if nonce in self._used:
            return False
        _remember(self._used, nonce, until, now)
        return True

    def used(self, nonce: str) -> bool:
        """See :class:`Nonces`."""
        return nonce in self._used


class ConsoleKeys:
    """Makes tickets and cookies, reads them, and remembers which are used up.

    Several processes share their ``nonces``; one alone holds them in memory. ``since`` (epoch ms)
    is when that memory began: tickets from before are refused, so that a restart makes no used
    ticket good again.
    """

    def __init__(self, secret: bytes, since: int, nonces: Nonces | None = None) -> None:
        self._tickets = _signer(secret, "roomtone.console.ticket")
        self._cookies = _signer(secret, "roomtone.console.cookie")
        self._since = since
        self._used = nonces or HeldNonces()
        self._signed_out = nonces or HeldNonces()
        # Cookies know no ports: two Roomtones on one host would take each other's.
        name = hmac.new(secret, b"roomtone.console.name", hashlib.sha256).hexdigest()[:8]
        self.cookie_name = f"roomtone_console_{name}"

    def ticket(self, token_sha256: bytes, now: int) -> str:
        """A ticket for the holder of this API token."""
        return str(self._tickets.dumps([secrets.token_hex(8), token_sha256.hex(), now]))

    def take(self, ticket: str, now: int) -> bytes:
        """Use a ticket up; the SHA-256 of its API token. Raises Unauthenticated."""
        try:
            nonce, sha256, made_at = _opened(self._tickets, ticket)
        except ValueError:
            raise Unauthenticated("This link is incomplete or was changed.") from None
        if made_at < self._since or now > made_at + TICKET_MS:
            raise Unauthenticated(STALE)
        if not self._used.use(f"ticket:{nonce}", made_at + TICKET_MS, now):
            raise Unauthenticated(STALE)
        return bytes.fromhex(sha256)

    def cookie(self, token_sha256: bytes, now: int) -> tuple[str, Visit]:
        """A fresh cookie's value and what it says."""
        visit = Visit(secrets.token_hex(8), token_sha256, now + COOKIE_MS)
        return str(self._cookies.dumps([visit.nonce, token_sha256.hex(), visit.expires_at])), visit

    def visit(self, cookie: str, now: int) -> Visit:
        """What a cookie says. Raises Unauthenticated: forged, expired or signed out."""
        try:
            nonce, sha256, expires_at = _opened(self._cookies, cookie)
        except ValueError:
            raise Unauthenticated(SIGNED_OUT) from None
        if now > expires_at or self._signed_out.used(f"cookie:{nonce}"):
            raise Unauthenticated(SIGNED_OUT)
        return Visit(nonce, bytes.fromhex(sha256), expires_at)

    def sign_out(self, visit: Visit, now: int) -> None:
        """Close a cookie, for whoever else may have a copy of it."""
        self._signed_out.use(f"cookie:{visit.nonce}", visit.expires_at, now)


def _signer(secret: bytes, salt: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        secret,
        salt=salt,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


def _opened(signer: URLSafeSerializer, text: str) -> tuple[str, str, int]:
    """The three things that were signed. Raises ValueError."""
    if len(text) > MAX_CHARS:
        raise ValueError("too long to be ours")
    try:
        found: Any = signer.loads(text)
    except BadSignature as bad:
        raise ValueError(str(bad)) from None
    first, second, third = found
    return first, second, third


def _remember(used: dict[str, int], nonce: str, until: int, now: int) -> None:
    """Keep a nonce for as long as it could be used again."""
    if len(used) >= MAX_CONSOLE_SIGN_OUTS:
        for old in [name for name, end in used.items() if end < now]:
            del used[old]
    while len(used) >= MAX_CONSOLE_SIGN_OUTS:
        del used[next(iter(used))]
    used[nonce] = until
