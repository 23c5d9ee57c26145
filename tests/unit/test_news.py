"""A loop looks when there may be something to see, and otherwise leaves the database alone."""

import pytest

from roomtone.jobs.news import News
from roomtone.model.errors import Failed


class Rows:
    """Records of which only the version matters."""

    def __init__(self) -> None:
        self.at = 0
        self.away = False

    def version(self) -> int:
        if self.away:
            raise Failed("away", "wait")
        return self.at


class Loop:
    """Asks once a second of a clock of its own."""

    def __init__(self, **spans: float) -> None:
        self.rows = Rows()
        self.time = 100.0
        self.news = News(self.rows, now=lambda: self.time, **spans)

    def looks(self, seconds: int) -> list[bool]:
        """Whether it looked, second by second."""
        looked = []
        for _ in range(seconds):
            looked.append(self.news.worth_a_look())
            self.time += 1
        return looked


@pytest.fixture
def loop() -> Loop:
    made = Loop(linger_s=2, at_least_s=10)
    assert made.looks(3) == [True] * 3
    return made


def test_where_nothing_happens_it_looks_now_and_then(loop: Loop) -> None:
    looked = loop.looks(40)
    assert sum(looked) == 4
    assert looked[:9] == [False] * 9


def test_after_a_commit_it_looks_until_all_of_it_is_due(loop: Loop) -> None:
    loop.looks(5)
    loop.rows.at += 1
    assert loop.looks(6) == [True, True, True, False, False, False]


def test_while_commits_go_on_it_looks_every_time(loop: Loop) -> None:
    for _ in range(20):
        loop.rows.at += 1
        assert loop.looks(1) == [True]


def test_while_the_database_is_away_the_look_itself_tells(loop: Loop) -> None:
    loop.rows.away = True
    assert loop.looks(5) == [True] * 5
    loop.rows.away = False
    assert sum(loop.looks(20)) == 2
