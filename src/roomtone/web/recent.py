"""Recent: answers as they went out, given again before anything is routed.

A sealed report is asked for again and again by whoever shows it, and nothing of its answer depends
on more than the request's path, query, API token and encodings, for as long as nobody, in any
process, commits anything. So the bytes are kept, and whether anything was committed is asked at
every single request: a read after an acknowledged write is fresh, and a token that was revoked
opens nothing from that moment on. The token's limit counts each of them like any other request.
"""

from collections.abc import Hashable
from hashlib import sha256

from msgspec import Struct
from starlette.types import Scope

from roomtone.model.errors import Failed
from roomtone.model.limits import MAX_RECENT_BYTES
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records
from roomtone.services.rate import RateLimit
from roomtone.web.console.keys import HEADER as CONSOLE

ENTRY_BYTES = 1_000
"""What an entry takes besides its body, and a little more."""

Headers = dict[bytes, bytes]
Key = tuple[str, bytes, bytes, bytes]


class Kept(Struct, frozen=True):
    """One answer, of status 200."""

    token_id: str
    """Whose request it answers."""
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Recent:
    """Answers by request, of at most ``most_bytes`` together."""

    def __init__(
        self, records: Records, clock: Clock, rate: RateLimit, most_bytes: int = MAX_RECENT_BYTES
    ) -> None:
        """``rate``: the limit of requests for each API token, which the façade counts on too."""
        self._records = records
        self._clock = clock
        self._rate = rate
        self._most_bytes = most_bytes
        self._version: Hashable = None
        self._kept: dict[Key, Kept] = {}
        self._bytes = 0

    def find(self, scope: Scope, headers: Headers) -> Kept | None:
        """The answer to this request, counted; None: it has to be looked up, or refused."""
        if not self._kept or scope["method"] != "GET":
            return None
        key = _key(scope, headers)
        found = None if key is None else self._kept.get(key)
        if found is None:
            return None
        try:
            version = self._records.version()
        except Failed:  # what the database has to say is told on the way through the handlers
            return None
        if version != self._version:
            self._forget()
            return None
        # Who is over the limit is refused by the façade, in its words.
        return found if self._rate.allow(found.token_id, self._clock.now()) else None

    def keep(self, scope: Scope, headers: Headers, version: Hashable, answer: Kept) -> None:
        """Keep an answer. ``version``: of the records, from before anything was looked up."""
        key = _key(scope, headers) if scope["method"] == "GET" else None
        size = len(answer.body) + ENTRY_BYTES
        if key is None or size > self._most_bytes:
            return
        if version != self._version or self._bytes + size > self._most_bytes:
            self._forget()
            self._version = version
        if key not in self._kept:
            self._kept[key] = answer
            self._bytes += size

    def _forget(self) -> None:
        self._kept.clear()
        self._bytes = 0


def _key(scope: Scope, headers: Headers) -> Key | None:
    """All that such an answer depends on; None: on more, such as who is signed in."""
    authorization = headers.get(b"authorization", b"")
    # Any other kind lets another header bring the token, and the console's cookie comes first.
    if CONSOLE in headers or authorization[:7].lower() != b"bearer ":
        return None
    encodings = headers.get(b"accept-encoding", b"")
    # The digest alone: no token is kept, and none is compared byte by byte.
    token = sha256(authorization).digest()
    return scope["path"], scope["query_string"], encodings, token
