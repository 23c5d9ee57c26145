"""A stream whose servers are away when it is first asked for: refused soon, and found later."""

import asyncio
import socket
import time
from pathlib import Path

import pytest

from own_servers import OwnNats, free_port
from roomtone.model.errors import Failed
from roomtone.storage.jetstream import OPEN_S, Stream

SOON_S = OPEN_S + 2


async def refused(stream: Stream) -> tuple[float, str]:
    """How long it took to be refused, and in what words."""
    began = time.monotonic()
    with pytest.raises(Failed) as failed:
        await asyncio.wait_for(stream.context(), 3 * OPEN_S)
    return time.monotonic() - began, failed.value.message


def test_a_server_that_is_away_is_told_soon_to_all_who_wait_and_at_once_to_who_comes_next() -> None:
    async def ask() -> None:
        stream = Stream(f"nats://u:s3cr3t@127.0.0.1:{free_port()}", "roomtone", 1)
        told = await asyncio.gather(*(refused(stream) for _ in range(20)))
        later, words = await refused(stream)

        assert max(took for took, _ in told) < SOON_S
        assert later < 0.5
        assert "does not answer" in words
        assert "s3cr3t" not in words

    asyncio.run(ask())


def test_a_server_that_accepts_and_says_nothing_is_away() -> None:
    async def ask(url: str) -> float:
        return (await refused(Stream(url, "roomtone", 1)))[0]

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert asyncio.run(ask(f"nats://127.0.0.1:{port}")) < SOON_S


@pytest.mark.needs("own-servers")
def test_it_is_found_once_it_is_there(tmp_path: Path) -> None:
    nats = OwnNats(tmp_path)

    async def ask() -> None:
        stream = Stream(nats.url, "roomtone", 1)
        await refused(stream)
        await asyncio.to_thread(nats.start)
        until = time.monotonic() + 30
        while True:
            try:
                context = await stream.context()
            except Failed:
                assert time.monotonic() < until
                await asyncio.sleep(0.1)
            else:
                break
        assert (await context.stream_info("roomtone")).config.name == "roomtone"
        await stream.close()

    try:
        asyncio.run(ask())
    finally:
        nats.stop()


@pytest.mark.needs("own-servers")
def test_a_wrong_password_is_told_as_such(tmp_path: Path) -> None:
    nats = OwnNats(tmp_path, ("--user", "u", "--pass", "right")).start()
    try:
        stream = Stream(nats.url.replace("//", "//u:wr0ng@"), "roomtone", 1)
        _, words = asyncio.run(refused(stream))
    finally:
        nats.stop()

    assert "Authorization" in words
    assert "wr0ng" not in words
