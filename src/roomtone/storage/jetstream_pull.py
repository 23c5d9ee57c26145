"""Pull: what one pull consumer of a stream has to tell, in handfuls.

The client's own ``fetch`` makes a task and a timer for every message, which cost as much as all
else about it. Here the messages of an inbox are put into a list, and whoever waits is woken once.
https://docs.nats.io/reference/reference-protocols/nats_api_reference
"""

import asyncio
from contextlib import suppress

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error
from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo

AT_ONCE = 500
LULL_S = 0.5
EXPIRES_NS = 400_000_000
"""When the server forgets what was asked for: before it is asked again, so that it counts once."""
FETCH_S = 5
_ACK = "$JS.ACK."
"""How the reply of a message begins; what the server says itself has none."""


class Pull:
    """From one consumer, once it was made."""

    def __init__(self, client: Client, context: JetStreamContext, info: ConsumerInfo) -> None:
        self._client = client
        self._context = context
        self._info = info
        self.pending = info.num_pending or 0
        """How many messages there are to read."""
        self._inbox = client.new_inbox()
        self._subscription: Subscription | None = None
        self._found: list[Msg] = []
        self._wanted = 0
        self._torn = False
        self._full = asyncio.Event()

    async def messages(self, wanted: int) -> list[Msg]:
        """So many, or fewer if some are taken away (packed, erased) meanwhile; none is left out
        between them. Raises nats.errors.Error, TimeoutError, OSError."""
        loop = asyncio.get_running_loop()
        heard, found = loop.time(), self._found
        while (before := len(found)) < wanted:
            await self._ask(min(AT_ONCE, wanted - before))
            if self._torn:
                raise ConnectionError("some of what was sent did not arrive")
            if len(found) > before:
                heard = loop.time()
                continue
            told = await self._context.consumer_info(self._info.stream_name, self._info.name)
            # What was sent may still be on its way to a client that is slow just now.
            sent = told.delivered.consumer_seq if told.delivered else 0
            if not told.num_pending and len(found) >= sent:
                break
            if loop.time() - heard > FETCH_S:
                raise TimeoutError
        return found[:wanted]

    async def _ask(self, count: int) -> None:
        """Ask for some more, and wait until they are there or nothing comes for a while."""
        if self._subscription is None:
            self._subscription = await self._client.subscribe(self._inbox, cb=self._heard)
        self._wanted = len(self._found) + count
        self._full.clear()
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._info.stream_name}.{self._info.name}"
        asked = msgspec.json.encode({"batch": count, "expires": EXPIRES_NS})
        await self._client.publish(subject, asked, reply=self._inbox)
        with suppress(TimeoutError):
            async with asyncio.timeout(LULL_S):
                await self._full.wait()

    async def _heard(self, message: Msg) -> None:
        if not message.reply.startswith(_ACK):
            return
        if _turn(message) != len(self._found) + 1:
            # Lost with a connection, or its node began anew: nobody sends it again.
            self._torn = True
        self._found.append(message)
        if self._torn or len(self._found) >= self._wanted:
            self._full.set()

    async def stop(self) -> None:
        """Hear no more."""
        if self._subscription is not None:
            with suppress(Error, TimeoutError, OSError):
                await self._subscription.unsubscribe()


def position(message: Msg) -> int:
    """The stream's number of a message that was read."""
    return _numbers(message)[0]


def _turn(message: Msg) -> int:
    """The consumer's number of it: the first that is sent has 1."""
    return _numbers(message)[1]


def _numbers(message: Msg) -> tuple[int, int]:
    """Both are in its reply, which has two tokens more where the server has a domain (ADR-15)."""
    tokens = message.reply.split(".")
    at = 5 if len(tokens) == 9 else 7
    return int(tokens[at]), int(tokens[at + 1])
