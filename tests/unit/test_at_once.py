"""Which reads run on the event loop's own thread, and which have one of their own."""

import asyncio
from types import SimpleNamespace

import pytest

from roomtone.storage.at_once import LATELY_S, SHORT_S, TURN_S, UNKNOWN_S, AtOnce

QUICK_S = SHORT_S / 10
ENOUGH = 20


@pytest.fixture
def clock() -> SimpleNamespace:
    return SimpleNamespace(steady=0.0, worked=0.0)


@pytest.fixture
def reads(clock: SimpleNamespace) -> AtOnce:
    return AtOnce(lambda: clock.steady, lambda: clock.worked)


def works(clock: SimpleNamespace, seconds: float, waits: float = 0.0):  # type: ignore[no-untyped-def]
    def read() -> str:
        clock.worked += seconds
        clock.steady += seconds + waits
        return "found"

    return read


def known(reads: AtOnce, clock: SimpleNamespace) -> None:
    for _ in range(ENOUGH):
        assert reads.on_a_thread("list", works(clock, QUICK_S, waits=0.05)) == "found"
    assert reads.may("list")


def test_what_is_not_known_or_takes_long_has_a_thread(
    reads: AtOnce, clock: SimpleNamespace
) -> None:
    assert not reads.may("list")
    for _ in range(ENOUGH):
        reads.on_a_thread("export", works(clock, 0.05))
    assert not reads.may("export")


def test_what_waits_for_its_turns_only_is_short(reads: AtOnce, clock: SimpleNamespace) -> None:
    known(reads, clock)
    assert not reads.may("another")


def test_what_was_not_asked_lately_has_a_thread(reads: AtOnce, clock: SimpleNamespace) -> None:
    known(reads, clock)
    clock.steady += LATELY_S
    assert not reads.may("list")


@pytest.mark.parametrize("worked", [0.0, 0.05], ids=["the disk", "the work"])
def test_one_that_took_long_gives_its_kind_a_thread(
    reads: AtOnce, clock: SimpleNamespace, worked: float
) -> None:
    known(reads, clock)

    async def story() -> None:
        reads.run("list", works(clock, worked, waits=2 * UNKNOWN_S - worked))
        await asyncio.sleep(0)
        assert not reads.may("list")

    asyncio.run(story())


def test_a_turn_of_the_loop_has_only_so_much_time_for_them(
    reads: AtOnce, clock: SimpleNamespace
) -> None:
    known(reads, clock)

    async def story() -> None:
        for _ in range(round(TURN_S / QUICK_S) + 1):
            if not reads.may("list"):
                break
            reads.run("list", works(clock, QUICK_S))
        assert not reads.may("list")
        await asyncio.sleep(0)
        assert reads.may("list")

    asyncio.run(story())


def test_a_read_that_fails_counts_and_fails(reads: AtOnce, clock: SimpleNamespace) -> None:
    known(reads, clock)

    def fails() -> None:
        clock.steady += 1.0
        raise ZeroDivisionError

    async def story() -> None:
        with pytest.raises(ZeroDivisionError):
            reads.run("list", fails)
        await asyncio.sleep(0)
        assert not reads.may("list")

    asyncio.run(story())
