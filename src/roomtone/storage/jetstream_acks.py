"""Acks: publishes to JetStream, any number under way at once, each waiting for its acknowledgement.

The client's own ``publish`` makes a name, a task and a timer for every message, and objects of an
answer of which one number matters: half of what an append cost. Here one inbox hears of them all.
https://docs.nats.io/reference/reference-protocols/nats_api_reference
"""

import asyncio
from itertools import count

import msgspec
from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, TimeoutError  # noqa: A004 - what the client raises itself
from nats.js.errors import NoStreamResponseError

_STATUS = "Status"
_NOBODY = "503"
"""The status of what the server answers itself where nobody keeps such a subject."""


class AckError(Struct, frozen=True):
    """Why a message was not stored."""

    err_code: int = 0
    description: str = ""


class _Ack(Struct, frozen=True):
    """JetStream's answer to a message, as far as it is looked at."""

    error: AckError | None = None


_decode = msgspec.json.Decoder(_Ack).decode


class Acks:
    """Of one connection, on its event loop."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = client.new_inbox()
        self._numbers = count()
        self._waiting: dict[str, asyncio.Future[AckError | None]] = {}

    async def listen(self) -> None:
        """Begin to hear. Raises nats.errors.Error."""
        await self._client.subscribe(f"{self._inbox}.*", cb=self._heard)

    async def publish(
        self, subject: str, data: bytes, headers: dict[str, str], within_s: float
    ) -> AckError | None:
        """Send one message and wait for its acknowledgement: None where it is stored. Raises
        nats.errors.Error, as where none comes within so many seconds."""
        loop = asyncio.get_running_loop()
        reply = f"{self._inbox}.{next(self._numbers)}"
        answer: asyncio.Future[AckError | None] = loop.create_future()
        self._waiting[reply] = answer
        timer = loop.call_later(within_s, _give_up, answer)
        try:
            await self._client.publish(subject, data, reply=reply, headers=headers)
            return await answer
        finally:
            timer.cancel()
            del self._waiting[reply]

    async def _heard(self, message: Msg) -> None:
        answer = self._waiting.get(message.subject)
        if answer is None or answer.done():
            return  # nobody waits any more
        if message.headers and message.headers.get(_STATUS) == _NOBODY:
            answer.set_exception(NoStreamResponseError())
            return
        try:
            answer.set_result(_decode(message.data).error)
        except msgspec.DecodeError as error:
            answer.set_exception(Error(f"the answer cannot be read: {error}"))


def _give_up(answer: "asyncio.Future[AckError | None]") -> None:
    if not answer.done():
        answer.set_exception(TimeoutError())
