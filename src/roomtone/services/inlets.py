"""Inlets: making, listing and closing the doors for other collectors and servers."""

import secrets
from base64 import b64encode

from msgspec.structs import replace

from roomtone.model.errors import Fault, Invalid, NotFound, Unauthenticated
from roomtone.model.inlets import KINDS, Inlet
from roomtone.model.limits import MAX_NAME_CHARS, MAX_SECRET_CHARS
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, Transaction
from roomtone.services.remembered import Remembered

MAX_HELD = 10_000
SECRET_BYTES = 32
API_KEY_CHARS = 32
"""peermetrics' client refuses a key of any other length, and all but a-z and 0-9."""
NAMED = frozenset({"livekit", "janus"})
"""Kinds whose sender gives a name beside its secret."""


class Inlets:
    """Who else may tell us of calls, and how each proves itself."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._held: Remembered[str, Inlet] = Remembered(records, MAX_HELD, outlive=True)

    async def create(
        self, app_id: str, kind: str, name: str = "", key: str = "", secret: str = ""
    ) -> Inlet:
        """A new door; without ``secret`` one is made. Raises Invalid with every fault."""
        faults = []
        if kind not in KINDS:
            faults.append(Fault("/kind", f"must be one of {', '.join(KINDS)}"))
        if kind in NAMED and not key:
            faults.append(Fault("/key", f"is needed: the name that {kind} signs or logs in with"))
        if kind == "realtimekit" and not secret:
            faults.append(Fault("/secret", "is needed: the vendor's public key, as PEM"))
        for field, text, most in (
            ("name", name, MAX_NAME_CHARS),
            ("key", key, MAX_NAME_CHARS),
            ("secret", secret, MAX_SECRET_CHARS),
        ):
            if len(text) > most:
                faults.append(Fault(f"/{field}", f"must be at most {most} characters"))
        if faults:
            raise Invalid("The inlet is not valid.", tuple(faults))
        inlet = Inlet(
            id=self._clock.new_id(),
            app_id=app_id,
            kind=kind,
            name=name.strip() or kind,
            key=key,
            secret=secret or _new_secret(kind),
            created_at=self._clock.now(),
        )
        await self._records.write(lambda tx: tx.inlets.put_inlet(inlet))
        return inlet

    async def find(self, app_id: str) -> list[Inlet]:
        """Every inlet of the app, oldest first, closed ones too."""
        return await self._records.read(lambda tx: tx.inlets.inlets(app_id))

    async def revoke(self, app_id: str, inlet_id: str) -> Inlet:
        """Close a door for good; a second time changes nothing. Raises NotFound."""
        now = self._clock.now()

        def close(tx: Transaction) -> Inlet:
            found = tx.inlets.inlet(inlet_id)
            if found is None or found.app_id != app_id:
                raise NotFound("No such inlet.")
            if found.revoked_at is None:
                found = replace(found, revoked_at=now)
                tx.inlets.put_inlet(found)
            return found

        return await self._records.write(close)

    def open(self, inlet_id: str, *kinds: str) -> Inlet:
        """The inlet behind a path, if it is of one of these kinds. Raises Unauthenticated.

        One answer for what is unknown, closed and of another kind: nothing tells a stranger which.
        """
        found = self._held.get(inlet_id, lambda tx: tx.inlets.inlet(inlet_id))
        if found is None or found.revoked_at is not None or (kinds and found.kind not in kinds):
            raise Unauthenticated("No such inlet, or it was closed: look at its URL.")
        return found


def _new_secret(kind: str) -> str:
    if kind == "peermetrics":
        return secrets.token_hex(API_KEY_CHARS // 2)
    if kind == "daily":
        # Daily takes no other form.
        return b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return secrets.token_urlsafe(SECRET_BYTES)


def lines_to_paste(inlet: Inlet, base_url: str) -> tuple[str, ...]:
    """What its sender is configured with; docs/howto/ has a page for each kind."""
    at = f"{base_url}/in/{inlet.id}"
    socket = "ws" + at.removeprefix("http")
    secret = inlet.secret
    return {
        "rtcstats": (f"url:    {socket}?rtcstats-token=JWT", f"secret: {secret}   (HS256)"),
        "jitsi": (
            "config.analytics.rtcstatsEnabled = true;",
            f"config.analytics.rtcstatsEndpoint = '{socket}/{secret}';",
        ),
        "peermetrics": (f"apiRoot: '{at}/v1'", f"apiKey:  '{secret}'"),
        "observertc": (f"POST or WebSocket: {at}/{secret}",),
        "livekit": (
            "keys:",
            f"  {inlet.key}: {secret}",
            "webhook:",
            f"  api_key: {inlet.key}",
            f"  urls: ['{at}']",
        ),
        "janus": (
            f'backend = "{at}"',
            f'backend_user = "{inlet.key}"',
            f'backend_pwd = "{secret}"',
        ),
        "prosody": (
            f'api_prefix = "{at}"',
            f'api_headers = {{ ["Authorization"] = "Bearer {secret}" }}',
        ),
        "realtimekit": (f"webhook url: {at}",),
        "daily": (f"url:  {at}", f"hmac: {secret}"),
        "bigbluebutton": (f"callbackURL: {at}", f"secret:      {secret}"),
        "generic": (f"POST {at}", f"Authorization: Bearer {secret}"),
    }[inlet.kind]
