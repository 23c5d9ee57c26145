"""What is remembered of lists, and for how long."""

import numpy as np
from msgspec.structs import replace

from roomtone.ports.records import SessionFilter
from roomtone.storage.session_blocks import Block
from roomtone.storage.session_columns import Columns
from roomtone.storage.session_memory import Memory

ASKED = SessionFilter(app_id="app", people_min=3)


def block(rows: int) -> Block:
    columns = Columns({"bucket": np.uint16, "mos": np.int16}, ["people"])
    columns.extend(rows, {"bucket": 0, "mos": 0, "people": [1] * rows})
    return Block(np.arange(rows, dtype=np.uint32), np.arange(rows), columns, {})


def test_a_count_holds_until_a_row_leaves_its_block() -> None:
    memory, blocks = Memory(2), [block(9), block(9)]
    for held in blocks:
        memory.counts(ASKED, blocks)[held.state or 0] = 4
    assert len(memory.counts(ASKED, blocks)) == 2
    blocks[0].leave(np.array([3]))
    assert memory.counts(ASKED, blocks) == {blocks[1].state: 4}


def test_the_other_direction_has_the_same_counts_and_another_filter_its_own() -> None:
    memory, held = Memory(2), block(9)
    memory.counts(ASKED, [held])[held.state or 0] = 4
    assert memory.counts(replace(ASKED, descending=not ASKED.descending), [held])
    assert not memory.counts(replace(ASKED, people_min=4), [held])
    assert not memory.counts(replace(ASKED, sort_by="minutesConsumed"), [held])


def test_the_filter_that_was_asked_longest_ago_is_forgotten() -> None:
    memory, held = Memory(2), block(9)
    for least in (1, 2, 1, 3):
        memory.counts(replace(ASKED, people_min=least), [held])[held.state or 0] = least
    assert memory.counts(replace(ASKED, people_min=1), [held])
    assert not memory.counts(replace(ASKED, people_min=2), [held])


def test_texts_are_remembered_until_a_row_is_named_anew() -> None:
    memory = Memory(64)
    found = np.array([True, False, True] * 5)
    memory.keep("retro", found)
    assert memory.found("retro").tolist() == found.tolist()
    assert not len(memory.found("daily"))
    for text in "abcd":
        memory.keep(text, found)
    assert not len(memory.found("retro"))
    memory.forget_texts()
    assert not len(memory.found("d"))


def test_nothing_is_remembered_where_that_is_not_wanted() -> None:
    memory, held = Memory(0), block(9)
    memory.counts(ASKED, [held])[held.state or 0] = 4
    memory.keep("retro", np.ones(9, np.bool_))
    assert not memory.counts(ASKED, [held])
    assert not len(memory.found("retro"))
