"""Roomtone's own, for pages that draw a session: its timeline, its words, and what of a peer's
media the others received.
"""

import gzip

from msgspec import Struct

from roomtone.model.limits import MAX_SESSION_DELIVERIES
from roomtone.ports.words import START, Place
from roomtone.services.timelines import ReceivedAnswer, TimelineAnswer, WordsAnswer
from roomtone.web.query import Parameter
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok
from roomtone.web.realtimekit.peer_report import GZIPPED, VARY, accepts_gzip
from roomtone.web.realtimekit.webhooks import DeliveryObject, delivery_object


class SessionDeliveriesAnswer(Struct, frozen=True):
    success: bool
    data: tuple[DeliveryObject, ...]


def _read_place(given: str) -> Place:
    at, colon, name = given.partition(":")
    if not colon or not at.isascii() or not at.isdecimal() or len(at) > 15 or len(given) > 300:
        raise ValueError("must be what an earlier answer gave as next")
    return Place(int(at), name)


AFTER: Parameter[Place] = Parameter(
    name="after",
    read=_read_place,
    default=START,
    schema={"type": "string", "pattern": "^[0-9]{1,15}:", "maxLength": 300},
    help="Go on behind this place: `next` of an earlier answer.",
)


async def get_timeline(call: Call) -> Answer:
    """Roomtone's own: everything that a session's timeline draws, binned by time."""
    body = await call.facade.timelines.timeline(call.app_id, call.path["session_id"])
    if accepts_gzip(call.headers.get(b"accept-encoding", b"")):
        return Answer(body, 200, GZIPPED)
    return Answer(gzip.decompress(body), 200, VARY)


async def get_words(call: Call) -> Answer:
    """Roomtone's own: chat messages and sentences of the transcript together, by time."""
    session_id = call.path["session_id"]
    words = await call.facade.timelines.words(call.app_id, session_id, call.query[AFTER])
    return ok(WordsAnswer(True, words))


async def get_received(call: Call) -> Answer:
    """Roomtone's own: every stream of this peer as each other peer received it, worst first."""
    received = await call.facade.timelines.received(call.app_id, call.path["peer_id"])
    return ok(ReceivedAnswer(True, received))


async def get_deliveries(call: Call) -> Answer:
    """Roomtone's own: what webhooks were told of this session, latest first."""
    told = await call.facade.webhooks.told_of(
        call.app_id, call.path["session_id"], MAX_SESSION_DELIVERIES
    )
    return ok(SessionDeliveriesAnswer(True, tuple(delivery_object(one) for one in told)))


SESSION_TIMELINE = Resource(
    "/sessions/{session_id}/timeline",
    {
        "GET": Operation(
            handler=get_timeline,
            name="getSessionTimeline",
            summary="Get a session on one axis of time",
            answer=TimelineAnswer,
        )
    },
    "Sessions",
)

SESSION_WORDS = Resource(
    "/sessions/{session_id}/words",
    {
        "GET": Operation(
            handler=get_words,
            name="getSessionWords",
            summary="List what was said in a session",
            answer=WordsAnswer,
            parameters=(AFTER,),
        )
    },
    "Sessions",
)

SESSION_DELIVERIES = Resource(
    "/sessions/{session_id}/deliveries",
    {
        "GET": Operation(
            handler=get_deliveries,
            name="getSessionDeliveries",
            summary="List what webhooks were told of a session",
            answer=SessionDeliveriesAnswer,
        )
    },
    "Sessions",
)

RECEIVED = Resource(
    "/sessions/peer-report/{peer_id}/received",
    {
        "GET": Operation(
            handler=get_received,
            name="getReceivedOfPeer",
            summary="Get what the others received of a peer",
            answer=ReceivedAnswer,
        )
    },
    "Sessions",
)
