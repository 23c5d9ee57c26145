"""What is read of a stream is all there is of it, or it is not believed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from roomtone.model.errors import Failed
from roomtone.storage import jetstream
from roomtone.storage.jetstream import Stream
from roomtone.storage.jetstream_pull import Pull


def message(number: int, turn: int) -> Any:
    return SimpleNamespace(reply=f"$JS.ACK.roomtone.reader.1.{number}.{turn}.1700000000.0")


class Server:
    """A client of a server that sends these (number, turn) when it is asked for the next."""

    def __init__(self, sent: Sequence[tuple[int, int]]) -> None:
        self.sent = sent

    def new_inbox(self) -> str:
        return "inbox"

    async def subscribe(self, _: str, cb: Callable[[Any], Awaitable[None]]) -> Any:
        self.heard = cb
        return SimpleNamespace()

    async def publish(self, *_: Any, reply: str) -> None:
        for number, turn in self.sent:
            await self.heard(message(number, turn))


def read(sent: Sequence[tuple[int, int]]) -> list[Any]:
    server: Any = Server(sent)
    info: Any = SimpleNamespace(num_pending=len(sent), stream_name="roomtone", name="reader")
    return asyncio.run(Pull(server, server, info).messages(len(sent)))


def test_numbers_may_have_gaps_where_others_lie_between() -> None:
    assert len(read([(5, 1), (9, 2), (70, 3)])) == 3


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([(5, 1), (70, 3), (71, 4)], id="lost with a connection"),
        pytest.param([(5, 1), (9, 2), (5, 1), (9, 2)], id="its node began anew"),
    ],
)
def test_what_was_sent_and_did_not_arrive_is_noticed(sent: list[tuple[int, int]]) -> None:
    with pytest.raises(ConnectionError):
        read(sent)


def believed(
    monkeypatch: pytest.MonkeyPatch, copies: Sequence[list[int]], *, newest: int, count: int
) -> list[int]:
    """The numbers that are believed of what one copy after another has of a subject."""
    stream = Stream("nats://localhost", "roomtone", 3)
    answers = iter(copies)

    async def looked(*_: Any) -> list[Any]:
        return [message(number, turn) for turn, number in enumerate(next(answers), 1)]

    async def told(value: int) -> int:
        return value

    monkeypatch.setattr(stream, "_looked", looked)
    monkeypatch.setattr(stream, "_newest", lambda _: told(newest))
    monkeypatch.setattr(stream, "_count", lambda _: told(count))
    found = asyncio.run(stream.messages("roomtone.*.peer.*"))
    return [int(one.reply.split(".")[5]) for one in found]


def test_a_copy_that_is_behind_or_lacks_some_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    behind, torn, whole = [1, 4], [1, 9], [1, 4, 9]
    assert believed(monkeypatch, [behind, torn, whole], newest=9, count=3) == whole


def test_what_came_since_does_not_stand_for_what_is_lacking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torn, whole = [1, 9, 12], [1, 4, 9, 12]
    assert believed(monkeypatch, [torn, whole], newest=9, count=3) == whole


def test_nobody_is_believed_who_lacks_some_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream, "ACK_S", 0.1)
    with pytest.raises(Failed, match="behind"):
        believed(monkeypatch, [[1, 9]] * 50, newest=9, count=3)
