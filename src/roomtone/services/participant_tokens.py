"""Participant tokens: what a client shows at the collector's door (contract 5, 10).

A JWT, HS256 with the app's own key, with the claims ``orgId`` (app), ``meetingId``,
``participantId``, ``iat``, ``exp``, and a ``jti`` that makes each one different. The web client
reads the payload with plain ``atob``, which knows no URL-safe alphabet: no segment that it decodes
may hold ``-`` or ``_``. Those two come only from the characters ``>``, ``?``, ``~`` and DEL at
every third place of ASCII text, so these four are written as ``\\u003e`` and the like, which JSON
allows inside strings and nowhere else has them.
"""

from base64 import urlsafe_b64decode
from collections import OrderedDict

import jwt
import msgspec
from msgspec import Struct

from roomtone.model.errors import Unauthenticated
from roomtone.model.rooms import Participant
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, Transaction

ALGORITHM = "HS256"
MAX_TOKEN_CHARS = 4_096
MAX_REMEMBERED = 20_000
"""Verified tokens kept in memory: one for each participant of a busy server."""

NOT_VALID = "This participant token is not valid."
EXPIRED = "This participant token has expired; ask for a new one."

_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in ">?~\x7f"}
_JWS = jwt.PyJWS(algorithms=[ALGORITHM])


class Claims(Struct, frozen=True):
    """What a participant token says. Times are epoch ms."""

    app_id: str
    meeting_id: str
    participant_id: str
    issued_at: int
    expires_at: int


class _Payload(Struct, frozen=True):
    """The claims as they travel; ``iat`` and ``exp`` are epoch seconds (RFC 7519)."""

    orgId: str  # noqa: N815 - a wire name
    meetingId: str  # noqa: N815
    participantId: str  # noqa: N815
    iat: int
    exp: int
    jti: str = ""


_decode_payload = msgspec.json.Decoder(_Payload).decode


class ParticipantTokens:
    """Makes and checks them."""

    def __init__(self, records: Records, clock: Clock, hours: int) -> None:
        self._records = records
        self._clock = clock
        self._lifetime_s = hours * 3600
        self._keys: dict[str, bytes] = {}
        self._verified: OrderedDict[str, Claims] = OrderedDict()

    def issue(self, participant: Participant) -> str:
        """A token for this participant, good for the configured hours."""
        key = self._key(participant.app_id)
        if key is None:
            raise Unauthenticated(NOT_VALID)
        now_s = self._clock.now() // 1000
        payload = _Payload(
            orgId=participant.app_id,
            meetingId=participant.meeting_id,
            participantId=participant.id,
            iat=now_s,
            exp=now_s + self._lifetime_s,
            jti=self._clock.new_id(),
        )
        return _JWS.encode(_plain(payload), key, algorithm=ALGORITHM)

    def verify(self, token: str) -> Claims:
        """What a token says, if an app signed it and it is still good. Raises Unauthenticated."""
        claims = self._verified.get(token)
        if claims is None:
            claims = self._checked(token)
            self._verified[token] = claims
            if len(self._verified) > MAX_REMEMBERED:
                self._verified.popitem(last=False)
        if self._clock.now() >= claims.expires_at:
            raise Unauthenticated(EXPIRED)
        return claims

    def _checked(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN_CHARS:
            raise Unauthenticated(NOT_VALID)
        try:
            # Unproven as yet: it only says whose key is to be tried.
            segment = token.split(".")[1]
            said = _decode_payload(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
            key = self._key(said.orgId)
            if key is None:
                raise Unauthenticated(NOT_VALID)
            proven = _decode_payload(_JWS.decode(token, key, algorithms=[ALGORITHM]))
        except (IndexError, ValueError, msgspec.DecodeError, jwt.PyJWTError):
            raise Unauthenticated(NOT_VALID) from None
        return Claims(
            app_id=proven.orgId,
            meeting_id=proven.meetingId,
            participant_id=proven.participantId,
            issued_at=proven.iat * 1000,
            expires_at=proven.exp * 1000,
        )

    def _key(self, app_id: str) -> bytes | None:
        key = self._keys.get(app_id)
        if key is None:

            def ask(tx: Transaction) -> bytes | None:
                app = tx.tenants.app(app_id)
                return None if app is None else bytes.fromhex(app.signing_key)

            key = self._records.peek(ask)
            if key is not None:
                self._keys[app_id] = key
        return key


def _plain(payload: _Payload) -> bytes:
    """The payload as ASCII JSON whose base64 holds neither 62nd nor 63rd digit."""
    text = msgspec.json.encode(payload).decode()
    escaped = text.translate(_ESCAPES)
    # Ids are ASCII in practice; anything else is escaped as well, since its bytes reach past 0x7f.
    return "".join(_escape(char) for char in escaped).encode("ascii")


def _escape(char: str) -> str:
    if char < "\x80":
        return char
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
