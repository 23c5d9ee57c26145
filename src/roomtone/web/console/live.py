"""``…/live``: Server-Sent Events of the sessions of an app, as they change (HTML, 9.2).

``event: session`` brings a row as the list of sessions has it; ``event: reset`` says that more was
missed than is kept, so the list has to be read again. Roomtone's own, for the console and for
whoever watches calls: a cookie or an API token opens it.
"""

from collections.abc import Callable

from roomtone.model.errors import Failed, Refused
from roomtone.model.sessions import Session
from roomtone.ports.clock import Clock
from roomtone.ports.records import Transaction
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, encode
from roomtone.web.realtimekit.door import authenticate
from roomtone.web.realtimekit.session_answers import SessionsAnswer, session_object

STREAM_HEADERS = (
    (b"cache-control", b"no-store"),
    # nginx would hold events back until its buffer is full.
    (b"x-accel-buffering", b"no"),
)
MAX_ID_DIGITS = 18


def row_encoder(clock: Clock) -> Callable[[Transaction, list[Session]], list[bytes]]:
    """What makes list rows of sessions, as JSON."""

    def rows(tx: Transaction, sessions: list[Session]) -> list[bytes]:
        now = clock.now()
        told = tx.digests.headlines([one.id for one in sessions if one.sealed_at is not None])
        return [encode(session_object(one, now, told.get(one.id))) for one in sessions]

    return rows


async def follow_sessions(call: Call) -> Answer:
    """Rows of sessions as they change, until the token is revoked or its holder signs out."""
    facade, headers = call.facade, call.headers

    def welcome() -> bool:
        try:
            authenticate(facade, headers)
        except (Refused, Failed):  # nor is anything told where nobody can be asked
            return False
        return True

    last = headers.get(b"last-event-id", b"")
    last_id = int(last) if last.isdigit() and len(last) <= MAX_ID_DIGITS else None
    stream = await facade.follow(call.app_id, last_id, welcome)
    return Answer(
        b"", headers=STREAM_HEADERS, content_type=b"text/event-stream; charset=utf-8", pieces=stream
    )


LIVE = Resource(
    "/live",
    {
        "GET": Operation(
            handler=follow_sessions,
            name="followSessions",
            summary="Follow sessions as they change",
            answer=SessionsAnswer,
        )
    },
    "Sessions",
)
"""Not in the table that ``openapi.json`` is made from: OpenAPI 3.1 cannot describe a stream."""
