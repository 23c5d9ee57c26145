"""A peer's chunks come out as one stream in time, each fact once, decoded no sooner than needed."""

from roomtone.model.facts import Happened, Left
from roomtone.report.order import in_order


def event(t, name="x"):
    return Happened(t, name)


def chunk(*facts):
    return min(f.t for f in facts), lambda: list(facts)


def test_facts_of_overlapping_chunks_are_merged_by_time():
    merged = in_order([chunk(event(5), event(1), event(9)), chunk(event(3), event(7))])
    assert [fact.t for fact in merged] == [1, 3, 5, 7, 9]


def test_byte_equal_facts_are_one_fact_wherever_they_are():
    once = event(4, "a")
    merged = list(in_order([chunk(event(1), once, once), chunk(event(4, "a"), event(4, "b"))]))
    assert merged == [event(1), event(4, "a"), event(4, "b")]


def test_facts_of_one_moment_have_one_order_however_they_came():
    facts = [event(4, "b"), Left(4, "disconnect"), event(4, "a")]
    orders = [list(in_order([chunk(*facts)])), list(in_order([chunk(*reversed(facts))]))]
    orders.append(list(in_order([chunk(fact) for fact in facts])))
    assert orders[0] == orders[1] == orders[2]


def test_a_chunk_is_decoded_when_the_stream_reaches_it_and_no_sooner():
    decoded = []

    def lazily(t, *facts):
        def decode():
            decoded.append(t)
            return facts

        return t, decode

    stream = in_order([lazily(0, event(0), event(10)), lazily(20, event(20), event(21))])
    assert next(stream).t == 0
    assert decoded == [0]
    assert [fact.t for fact in stream] == [10, 20, 21]


def test_empty_chunks_and_no_chunks_give_nothing():
    assert list(in_order([(0, list), (1, list)])) == []
    assert list(in_order([])) == []
