"""Origins: the web pages that may send telemetry for an app (RFC 6454).

None at all, as an app begins, is every page: what opens the door is the participant's token, and an
origin only says which page a browser was on when it used that token. What names no origin (a
server, a telephone's own client) is no page and is let in, since it could claim any.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from roomtone.model.errors import Failed, Fault, Forbidden, Invalid, NotFound
from roomtone.model.limits import MAX_ORIGIN_CHARS, MAX_ORIGINS
from roomtone.model.times import holds
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, Transaction

BELIEVED_MS = 3_000
"""How long an app's origins are believed before the rows are asked again, as with admissions."""
MAX_HELD = 10_000
DEFAULT_PORTS = {"http": 80, "https": 443}

_ORIGIN = re.compile(
    r"([a-z][a-z0-9+.-]*)://([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?"
)


class ForeignOrigin(Forbidden):
    """The page that sends is not of the app's origins: nothing is told to it."""


def origin_of(text: str) -> str:
    """An origin as browsers write it. Raises ValueError with words that follow the field's name."""
    text = text.strip().lower()
    found = _ORIGIN.fullmatch(text) if len(text) <= MAX_ORIGIN_CHARS else None
    if found is None:
        raise ValueError(
            "must be like https://app.example.com or http://localhost:3000: scheme, host and port "
            "alone, in ASCII"
        )
    scheme, host, port = found.groups()
    if port is None:
        return f"{scheme}://{host}"
    number = int(port)
    if not 0 < number < 65_536:
        raise ValueError("must have a port from 1 to 65535")
    return f"{scheme}://{host}" if DEFAULT_PORTS.get(scheme) == number else text


class Origins:
    """Reads, replaces and asks them. ``own``: this server's URL; its call page may always send."""

    def __init__(self, records: Records, clock: Clock, own: str = "") -> None:
        self._records = records
        self._clock = clock
        parts = urlsplit(own.lower())
        self._own = f"{parts.scheme}://{parts.netloc}"
        self._held: dict[str, tuple[frozenset[str], int]] = {}

    async def get(self, app_id: str) -> tuple[str, ...]:
        """Those of an app, by name; none: every page."""
        return await self._records.read(lambda tx: tx.tenants.origins(app_id))

    async def put(self, app_id: str, given: Sequence[str]) -> tuple[str, ...]:
        """Replace them. Raises Invalid with every fault, NotFound."""
        if len(given) > MAX_ORIGINS:
            why = f"must be at most {MAX_ORIGINS}"
            raise Invalid("Too many origins.", (Fault("/origins", why),))
        faults, origins = [], set()
        for place, text in enumerate(given):
            try:
                origins.add(origin_of(text))
            except ValueError as error:
                faults.append(Fault(f"/origins/{place}", str(error)))
        if faults:
            raise Invalid("Some origins are none.", tuple(faults))
        kept = tuple(sorted(origins))

        def put(tx: Transaction) -> None:
            if tx.tenants.app(app_id) is None:
                raise NotFound("No such app.")
            tx.tenants.put_origins(app_id, kept)

        await self._records.write(put)
        self._held.pop(app_id, None)
        return kept

    def check(self, app_id: str, origin: str | None) -> None:
        """Raise ForeignOrigin if a page of this origin may not send for this app."""
        if origin is None:
            return
        allowed = self._allowed(app_id)
        if allowed and origin not in allowed and origin != self._own:
            raise ForeignOrigin(
                "This page's origin is not among those that the app allows: see PUT …/origins."
            )

    def _allowed(self, app_id: str) -> frozenset[str]:
        now = self._clock.now()
        origins, good_until = self._held.get(app_id, (frozenset[str](), 0))
        if holds(now, good_until, BELIEVED_MS):
            return origins
        try:
            origins = frozenset(self._records.peek(lambda tx: tx.tenants.origins(app_id)))
        except Failed:
            # The records are away while collecting goes on: what was true last still is.
            return origins
        if len(self._held) >= MAX_HELD:
            self._held.clear()
        self._held[app_id] = origins, now + BELIEVED_MS
        return origins
