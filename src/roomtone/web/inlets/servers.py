"""Servers' doors: what media servers and platforms post of rooms and people, at ``/in/{id}``.

Each proves itself in its own way (signatures.py) and is read by its own decoder (sources/). 200
comes when everything is durable. A delivery that is proven but not understood is kept in
quarantine, and answered 200 as well: its sender cannot mend it, and would send it for ever or give
the webhook up. Only whoever writes their own sender, at a generic inlet, is told every fault.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from roomtone.model.errors import Fault, Forbidden, Invalid, Refused
from roomtone.model.facts import AnyFact
from roomtone.model.inlets import Arrival, Inlet
from roomtone.model.limits import MAX_FUTURE_MS, MAX_PAST_MS, MAX_SERVERS_HELD
from roomtone.model.subjects import Subject
from roomtone.ports.clock import Clock
from roomtone.services.inflow import Inflow, peer_id_of
from roomtone.sources import daily, generic, livekit, prosody, realtimekit_webhooks
from roomtone.sources.bigbluebutton import BigBlueButton
from roomtone.sources.janus import Janus
from roomtone.web.bodies import read_body
from roomtone.web.inlets import signatures

KINDS = ("livekit", "janus", "prosody", "realtimekit", "daily", "bigbluebutton", "generic")
Keep = Callable[[Inlet, str, bytes, str, dict[str, Any]], Awaitable[None]]
"""(inlet, source, body, reason, context): keeps what no decoder understood."""

log = structlog.get_logger()


class ServerDoors:
    """All of them. ``base_url``: what this server is called by, without a slash at its end."""

    def __init__(
        self, inflow: Inflow, clock: Clock, keep: Keep, base_url: str, *, mask: bool
    ) -> None:
        self._inflow = inflow
        self._clock = clock
        self._keep = keep
        self._base_url = base_url
        self._mask = mask
        self._readers: OrderedDict[str, Janus | BigBlueButton] = OrderedDict()

    async def request(self, request: Request, inlet: Inlet, rest: str) -> Response:
        """One delivery. Raises Refused, Failed."""
        if request.method != "POST":
            return JSONResponse({"message": "Deliveries are posted."}, 405, {"allow": "POST"})
        body = await self._proven(request, inlet)
        if inlet.kind == "daily" and daily.is_registration_test(body):
            return _accepted(0)
        try:
            arrivals, unread = self._read(inlet, body)
        except Refused as refused:
            if inlet.kind == "generic":
                raise
            arrivals, unread = [], [(body, refused.message + _faults(refused))]
        for part, reason in unread:
            await self._keep(inlet, inlet.kind, part, reason, {})
        return _accepted(await self._take(inlet, arrivals))

    async def _proven(self, request: Request, inlet: Inlet) -> bytes:
        """The body, if it is its sender's own. Raises Unauthenticated, TooLarge, BadRequest."""
        kind = inlet.kind
        if kind == "janus":
            signatures.check_basic(inlet, request)
        elif kind in ("prosody", "generic"):
            signatures.check_bearer(inlet, request)
        body = await read_body(request)
        if kind == "livekit":
            signatures.check_livekit(inlet, request, body, self._clock.now())
        elif kind == "realtimekit":
            signatures.check_realtimekit(inlet, request, body)
        elif kind == "daily" and not daily.is_registration_test(body):
            signatures.check_daily(inlet, request, body)
        elif kind == "bigbluebutton":
            signatures.check_bigbluebutton(inlet, request, body, self._base_url)
        return body

    def _read(self, inlet: Inlet, body: bytes) -> tuple[list[Arrival], list[tuple[bytes, str]]]:
        """The arrivals, and the parts that nobody reads. Raises Refused."""
        match inlet.kind:
            case "livekit":
                return livekit.decode_webhook(body, mask=self._mask), []
            case "prosody":
                return prosody.decode_event(body), []
            case "daily":
                return daily.decode_webhook(body), []
            case "realtimekit":
                return realtimekit_webhooks.decode_webhook(body, self._clock.now()), []
            case "generic":
                arrivals = generic.decode_events(body, mask=self._mask)
                for arrival in arrivals:
                    self._check_times(arrival)
                return arrivals, []
        reader = self._reader(inlet)
        if isinstance(reader, Janus):
            received = reader.receive(body)
            return received.arrivals, received.unread
        return reader.receive(body), []

    def _reader(self, inlet: Inlet) -> Janus | BigBlueButton:
        """What remembers a server's handles and rooms between deliveries."""
        reader = self._readers.get(inlet.id)
        if reader is None:
            app_id = inlet.app_id
            reader = (
                Janus(lambda peer: peer_id_of(app_id, peer), mask=self._mask)
                if inlet.kind == "janus"
                else BigBlueButton()
            )
            self._readers[inlet.id] = reader
            if len(self._readers) > MAX_SERVERS_HELD:
                self._readers.popitem(last=False)
        self._readers.move_to_end(inlet.id)
        return reader

    async def _take(self, inlet: Inlet, arrivals: Sequence[Arrival]) -> int:
        """Store them; how many. What one person may not is no reason to refuse the others, and a
        room that is closed no reason for a platform to give its webhook up: only a generic sender
        is told. Raises Refused."""
        stored: list[tuple[Subject, str, tuple[AnyFact, ...]]] = []
        refusal: Refused | None = None
        for arrival in arrivals:
            try:
                self._check_times(arrival)
                subject = await self._place(inlet, arrival)
            except (Forbidden, Invalid) as refused:
                refusal = refused
                log.info("a server's word was not taken", inlet=inlet.id, why=refused.message)
                continue
            if subject is not None:
                stored.append((subject, arrival.key, arrival.facts))
        if refusal is not None and not stored and inlet.kind == "generic":
            raise refusal
        await self._inflow.append(stored)
        return len(stored)

    async def _place(self, inlet: Inlet, arrival: Arrival) -> Subject | None:
        if arrival.person or not arrival.peer:
            return await self._inflow.place(inlet.app_id, arrival, by_server=True)
        return await self._inflow.known(inlet.app_id, arrival.peer)

    def _check_times(self, arrival: Arrival) -> None:
        """Raises Invalid for a time that no delivery can be so late, or so early, for."""
        now = self._clock.now()
        if any(not now - MAX_PAST_MS <= fact.t <= now + MAX_FUTURE_MS for fact in arrival.facts):
            why = "is more than a week ago or more than a day ahead of this server's clock"
            raise Invalid("The event was not taken.", (Fault("at", why),))


def _faults(refused: Refused) -> str:
    return "".join(f" {fault.where} {fault.why}" for fault in refused.faults[:3])


def _accepted(count: int) -> Response:
    return JSONResponse({"success": True, "data": {"accepted": count}})
