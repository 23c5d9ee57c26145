"""peermetrics' door: the API of its SDK at ``/in/{id}/v1``; the inlet's secret is the ``apiKey``.

The SDK sends JSON as text/plain, to spare browsers the preflight, and its token in the body. The
token says whose session it is and is signed, so nothing has to be looked up. Answers and
``error_code`` are those of peermetrics' own server: the SDK stops for good at some of them, and
tries again what got no answer or a status above 500.
"""

import hmac
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import jwt
import msgspec
import structlog
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from roomtone.model.errors import Failed, Forbidden, Refused
from roomtone.model.facts import AnyFact, Located
from roomtone.model.inlets import Arrival, Inlet
from roomtone.model.limits import MAX_IDLE_STREAMS, MAX_NAME_CHARS
from roomtone.model.subjects import Subject
from roomtone.ports.clock import Clock
from roomtone.services.inflow import Inflow, peer_id_of
from roomtone.sources.peermetrics import Talk, read_body, text_of
from roomtone.sources.rtcstats.reader import described
from roomtone.web.addresses import client_address
from roomtone.web.bodies import read_body as read_bytes

ALGORITHM = "HS256"
TOKEN_S = 24 * 3600
STATS_MS = 5_000
"""How often the SDK is told to read getStats(); its own server says the same."""
MAX_TOKEN_CHARS = 8_192
_CORS = {"access-control-allow-origin": "*"}
_PREFLIGHT = {
    **_CORS,
    "access-control-allow-methods": "POST, PUT, OPTIONS",
    "access-control-allow-headers": "content-type",
    "access-control-max-age": "7200",
}
_PLACES = frozenset(
    (
        *("sessions", "connection", "connection/batch", "stats", "tracks"),
        *("events/get-user-media", "events/browser"),
    )
)

log = structlog.get_logger()
Locate = Callable[[str, int], Located]


class Claims(Struct, frozen=True):
    """What a token says: ``session`` is "" between ``initialize`` and ``sessions``."""

    inlet: str
    conference: str
    person: str
    exp: int
    title: str = ""
    name: str = ""
    session: str = ""


class _Stop(Exception):
    """An answer that is an error, in peermetrics' words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        self.message = message


class PeermetricsDoor:
    """The endpoints that the SDK calls."""

    def __init__(
        self,
        inflow: Inflow,
        clock: Clock,
        locate: Locate,
        trusted: frozenset[str],
        *,
        mask: bool,
    ) -> None:
        self._inflow = inflow
        self._clock = clock
        self._locate = locate
        self._trusted = trusted
        self._mask = mask
        self._talks: OrderedDict[str, Talk] = OrderedDict()
        self._here: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    async def request(self, request: Request, inlet: Inlet, rest: str) -> Response:
        """Any of them."""
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_PREFLIGHT)
        try:
            return _answer(await self._answered(request, inlet, rest.strip("/")))
        except _Stop as stop:
            return _error(stop.status, stop.code, stop.message)
        except Forbidden as refused:
            # The one code that makes the SDK stop: the meeting takes nobody in.
            return _error(400, "app_not_recording", refused.message)
        except Refused as refused:
            return _error(refused.status, "invalid_parameters", refused.message)
        except Failed as failed:
            log.error("a request could not be stored", error=failed.message, hint=failed.hint)
            answer = _error(503, "unknown_error", "Roomtone could not store it; send it again.")
            answer.headers["retry-after"] = "5"
            return answer

    async def _answered(self, request: Request, inlet: Inlet, rest: str) -> dict[str, Any]:
        version, _, place = rest.partition("/")
        if version != "v1" or place not in _PLACES | {"initialize"}:
            raise _Stop(404, "unknown_error", "There is nothing here: apiRoot ends with /v1.")
        if request.method not in ("POST", "PUT"):
            raise _Stop(405, "method_not_allowed", "Method not allowed.")
        body = read_body(await read_bytes(request))
        if place == "initialize":
            return self._initialize(inlet, body)
        claims = self._claims(inlet, body.pop("token", None))
        if place == "sessions" and request.method == "POST":
            return await self._begin(request, inlet, claims, body)
        if not claims.session:
            raise _Stop(401, "invalid_token", "This token begins a session: POST /sessions.")
        return await self._take(inlet, claims, place, body)

    # --- who ------------------------------------------------------------------------------------

    def _initialize(self, inlet: Inlet, body: dict[str, Any]) -> dict[str, Any]:
        conference, person = text_of(body, "conferenceId"), text_of(body, "userId")
        key = body.get("apiKey")
        if not conference or not person or not isinstance(key, str) or not key:
            raise _Stop(400, "missing_parameters", "conferenceId, userId and apiKey are needed.")
        if not hmac.compare_digest(key.encode(errors="replace"), inlet.secret.encode()):
            raise _Stop(400, "invalid_api_key", "Invalid api key: it is the inlet's secret.")
        claims = Claims(
            inlet=inlet.id,
            conference=conference,
            person=person,
            exp=self._clock.now() // 1000 + TOKEN_S,
            title=text_of(body, "conferenceName"),
            name=text_of(body, "userName"),
        )
        return {
            "token": _signed(inlet, claims),
            "getStatsInterval": STATS_MS,
            "batchConnectionEvents": False,
            "time": self._clock.now() / 1000,
        }

    def _claims(self, inlet: Inlet, token: Any) -> Claims:
        if not isinstance(token, str) or not token:
            raise _Stop(401, "missing_token", "No token supplied.")
        if len(token) > MAX_TOKEN_CHARS:
            raise _Stop(401, "invalid_token", "Invalid token.")
        try:
            said = jwt.decode(
                token, _key_of(inlet), algorithms=[ALGORITHM], options={"verify_exp": False}
            )
            claims = msgspec.convert(said, Claims)
        except (jwt.PyJWTError, msgspec.ValidationError):
            raise _Stop(401, "invalid_token", "Invalid token.") from None
        if claims.inlet != inlet.id:
            raise _Stop(401, "invalid_token", "Invalid token.")
        if claims.exp * 1000 < self._clock.now():
            raise _Stop(401, "expired_token", "Expired token.")
        return claims

    # --- what it says ---------------------------------------------------------------------------

    async def _begin(
        self, request: Request, inlet: Inlet, claims: Claims, body: dict[str, Any]
    ) -> dict[str, Any]:
        """A session begins: a peer of ours, whatever became of the one before."""
        claims = msgspec.structs.replace(claims, session=self._clock.new_id())
        talk = Talk(mask=self._mask)
        facts = talk.begin(body, self._clock.now())
        t = facts[0].t
        introduced = described(request.headers.get("user-agent"), t)
        address = client_address(request, self._trusted)
        if address is not None:
            introduced.append(self._locate(address, t))
        await self._store(inlet, claims, self._clock.new_id(), [*introduced, *facts])
        self._hold(claims.session, talk)
        self._here[inlet.id, claims.conference, claims.person] = claims.session
        if len(self._here) > MAX_IDLE_STREAMS:
            self._here.popitem(last=False)
        return {"token": _signed(inlet, claims)}

    async def _take(
        self, inlet: Inlet, claims: Claims, place: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        talk = self._talks.get(claims.session) or Talk(mask=self._mask)
        answer: dict[str, Any] = {}
        if place == "connection" and text_of(body, "eventName") == "addConnection":
            answer = self._connect(inlet, claims, talk, body)
        late = {name: said for name, said in body.items() if name != "delta"}
        facts = talk.receive(place, body, self._clock.now())
        # Only these say in themselves which one they are; of others the same may come twice.
        key = _digest(late) if place == "stats" else self._clock.new_id()
        try:
            if facts:
                await self._store(inlet, claims, key, facts)
        except (Refused, Failed):
            self._talks.pop(claims.session, None)  # it remembers what was not stored
            raise
        self._hold(claims.session, talk)
        return answer

    def _connect(
        self, inlet: Inlet, claims: Claims, talk: Talk, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Name a connection, and know whom it leads to if that one is here too."""
        other = self._here.get((inlet.id, claims.conference, text_of(body, "peerId")), "")
        peer_id = peer_id_of(inlet.app_id, other) if other else ""
        body["connectionId"] = connection = self._clock.new_id()
        talk.connect(connection, "" if body.get("isSfu") is True else peer_id)
        return {"peer_id": peer_id or self._clock.new_id(), "connection_id": connection}

    def _hold(self, session: str, talk: Talk) -> None:
        self._talks[session] = talk
        self._talks.move_to_end(session)
        if len(self._talks) > MAX_IDLE_STREAMS:
            self._talks.popitem(last=False)

    async def _store(self, inlet: Inlet, claims: Claims, key: str, facts: list[AnyFact]) -> None:
        arrival = Arrival(
            room=claims.conference,
            person=claims.person,
            peer=claims.session,
            key="",
            facts=(),
            room_title=claims.title[:MAX_NAME_CHARS],
            display_name=claims.name,
        )
        subject: Subject = await self._inflow.place(inlet.app_id, arrival)
        await self._inflow.append([(subject, f"p:{key}", tuple(facts))])


def _key_of(inlet: Inlet) -> bytes:
    """What signs tokens: a key of its own, since browsers hold the secret as it is."""
    return blake2b(inlet.secret.encode(), digest_size=32, person=b"peermetrics").digest()


def _signed(inlet: Inlet, claims: Claims) -> str:
    return jwt.encode(msgspec.to_builtins(claims), _key_of(inlet), algorithm=ALGORITHM)


def _digest(body: dict[str, Any]) -> str:
    return blake2b(msgspec.json.encode(body), digest_size=16).hexdigest()


def _answer(body: dict[str, Any]) -> Response:
    return JSONResponse(body, 200, headers=_CORS)


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error_code": code, "message": message}, status, headers=_CORS)
