"""The line of batches: a few in each turn of the event loop, in order, and nobody forgotten."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from roomtone.web.gate import AT_ONCE, AT_ONCE_BYTES, Gate


class Turns:
    """Counts the turns of the loop, and who began in which."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.now = 0
        self.began: list[tuple[int, int]] = []
        """(turn, who)."""
        self._counting: asyncio.Handle | None = None

    def count(self) -> None:
        self.now += 1
        self._counting = asyncio.get_running_loop().call_soon(self.count)

    async def one(self, who: int, size: int = 100) -> None:
        await self.gate.passed(size)
        self.began.append((self.now, who))

    def in_turns(self) -> list[int]:
        """How many began in each turn that any began in."""
        turns = [turn for turn, _ in self.began]
        return [turns.count(turn) for turn in sorted(set(turns))]


def run(scenario: Callable[[Turns], Awaitable[None]]) -> Turns:
    turns = Turns()

    async def main() -> None:
        turns.count()
        async with asyncio.timeout(10):
            await scenario(turns)
        assert turns._counting is not None
        turns._counting.cancel()

    asyncio.run(main())
    assert len(turns.gate) == 0
    return turns


def test_who_comes_alone_does_not_wait() -> None:
    async def scenario(turns: Turns) -> None:
        for who in range(3 * AT_ONCE):
            before = turns.now
            await turns.one(who)
            assert turns.now == before
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    run(scenario)


def test_many_begin_a_few_at_a_time_and_in_order() -> None:
    async def scenario(turns: Turns) -> None:
        await asyncio.gather(*map(turns.one, range(10 * AT_ONCE)))

    turns = run(scenario)
    assert [who for _, who in turns.began] == list(range(10 * AT_ONCE))
    assert turns.in_turns() == [AT_ONCE] * 10


def test_who_comes_later_does_not_pass_the_line() -> None:
    async def scenario(turns: Turns) -> None:
        first = [asyncio.create_task(turns.one(who)) for who in range(3 * AT_ONCE)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        late = asyncio.create_task(turns.one(999))
        await asyncio.gather(*first, late)

    assert run(scenario).began[-1][1] == 999


def test_large_bodies_are_begun_alone() -> None:
    async def scenario(turns: Turns) -> None:
        await asyncio.gather(*(turns.one(who, 4 * AT_ONCE_BYTES) for who in range(5)))

    assert run(scenario).in_turns() == [1] * 5


def test_bodies_share_a_turn_as_far_as_it_goes() -> None:
    async def scenario(turns: Turns) -> None:
        await asyncio.gather(*(turns.one(who, AT_ONCE_BYTES // 2) for who in range(6)))

    assert run(scenario).in_turns() == [2] * 3


@pytest.mark.parametrize("which", ["first", "all"])
def test_who_went_away_is_passed_over(which: str) -> None:
    async def scenario(turns: Turns) -> None:
        began = [asyncio.create_task(turns.one(who)) for who in range(AT_ONCE)]
        waiting = [asyncio.create_task(turns.one(100 + who)) for who in range(2 * AT_ONCE)]
        await asyncio.sleep(0)
        gone = waiting[:1] if which == "first" else waiting
        for one in gone:
            one.cancel()
        await asyncio.gather(*began)
        await asyncio.gather(*waiting, return_exceptions=True)
        await turns.one(999)

    turns = run(scenario)
    assert turns.began[-1][1] == 999
    assert len(turns.began) == AT_ONCE + 1 + (2 * AT_ONCE - 1 if which == "first" else 0)


def test_a_line_that_is_over_costs_no_turns() -> None:
    async def scenario(turns: Turns) -> None:
        await asyncio.gather(*map(turns.one, range(3 * AT_ONCE)))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not turns.gate._turning

    run(scenario)
