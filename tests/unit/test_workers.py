"""Who leads, who is dead, and whose work is taken over: by beats alone, never by a time of day."""

import asyncio
from collections.abc import Callable

from roomtone.ports.workers import Worker
from roomtone.services.workers import DEAD_S, Membership


class Rows:
    """Workers in memory."""

    def __init__(self) -> None:
        self.all: list[Worker] = []
        self._number = 0

    async def beat(self, worker_id: str) -> list[Worker]:
        if worker_id not in {one.id for one in self.all}:
            self._number += 1
            self.all.append(Worker(self._number, worker_id, 0))
        self.all = [
            Worker(one.number, one.id, one.beats + 1) if one.id == worker_id else one
            for one in self.all
        ]
        return list(self.all)

    async def leave(self, worker_id: str) -> None:
        self.all = [
            Worker(one.number, one.id, -1) if one.id == worker_id else one for one in self.all
        ]

    async def bury(self, worker_id: str) -> None:
        self.all = [one for one in self.all if one.id != worker_id]

    async def claim(self, worker_id: str, webhook_id: str) -> bool:
        raise NotImplementedError

    async def release(self, worker_id: str, webhook_id: str) -> None:
        raise NotImplementedError

    def holds(self, worker_id: str, webhook_id: str) -> bool:
        raise NotImplementedError


class Team:
    """Workers on one set of rows, and what was taken over by whom."""

    def __init__(self, *names: str) -> None:
        self.rows = Rows()
        self.taken: list[tuple[str, str]] = []
        self.members = {name: Membership(self.rows, name, self._taker(name)) for name in names}

    def _taker(self, name: str) -> Callable[[str], "asyncio.Future[None]"]:
        async def take_over(worker_id: str) -> None:
            self.taken.append((name, worker_id))

        return take_over  # type: ignore[return-value]

    async def beat(self, at: float, *names: str) -> None:
        for name in names:
            await self.members[name].beat(at)

    def leaders(self) -> list[str]:
        return [n for n, one in self.members.items() if one.leadership.gained.is_set()]


def test_the_first_to_come_leads_and_the_others_follow() -> None:
    async def story() -> list[str]:
        team = Team("a", "b", "c")
        for at in range(20):
            await team.beat(at, "a", "b", "c")
        assert team.taken == []
        return team.leaders()

    assert asyncio.run(story()) == ["a"]


def test_a_leader_that_falls_silent_is_replaced_and_its_work_taken_over_once() -> None:
    async def story() -> None:
        team = Team("a", "b", "c")
        await team.beat(0, "a", "b", "c")
        at = 0.0
        while at < DEAD_S - 1:
            at += 1
            await team.beat(at, "b", "c")
        assert team.taken == []
        for _ in range(3):
            at += 1
            await team.beat(at, "b", "c")
        assert team.taken == [("b", "a")]
        # The silent one does not know yet: it learns of it at its next beat, and follows.
        assert "b" in team.leaders()
        await team.beat(at, "a", "b", "c")
        assert team.leaders() == ["b"]

    asyncio.run(story())


def test_who_leaves_in_peace_is_replaced_at_the_next_beat() -> None:
    async def story() -> None:
        team = Team("a", "b")
        await team.beat(0, "a", "b")
        await team.members["a"].leave()
        assert team.leaders() == []
        await team.beat(0.5, "b")
        assert team.leaders() == ["b"]
        assert team.taken == [("b", "a")]

    asyncio.run(story())


def test_one_who_comes_to_a_team_of_the_dead_waits_before_it_believes_so() -> None:
    async def story() -> None:
        team = Team("old", "new")
        await team.beat(0, "old")
        await team.beat(1_000_000, "new")  # another machine's clock says something else entirely
        assert team.taken == []
        await team.beat(1_000_000 + DEAD_S, "new")
        assert team.taken == [("new", "old")]

    asyncio.run(story())
