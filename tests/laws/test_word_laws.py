"""Laws of what was said: any order, any repetition, the same words (merging.py)."""

from functools import reduce

from hypothesis import example, given
from hypothesis import strategies as st

from roomtone.formats.segments import estimated_ms
from roomtone.model.words import KeptMessage, KeptSegment, Message, Segment, Speaker
from roomtone.services.merging import (
    ADD,
    DELETE,
    EDIT,
    PIN,
    PUT,
    UNPIN,
    merged_message,
    merged_partial,
    merged_segment,
    shown_message,
)

T0 = 1_700_000_000_000
TIMES = st.integers(T0, T0 + 5)


@st.composite
def chat_reports(draw):
    action = draw(st.sampled_from([ADD, EDIT, PUT, DELETE, PIN, UNPIN]))
    message = Message(
        id="m",
        speaker=Speaker(user_id=draw(st.sampled_from(["u", "v"]))),
        payload={"message": draw(st.sampled_from(["a", "b"]))},
        sent_at=draw(TIMES),
        is_edited=draw(st.booleans()),
        pinned=draw(st.booleans()),
    )
    return action, draw(TIMES), message


def heard(reports):
    return reduce(lambda kept, report: merged_message(kept, *report), reports, KeptMessage(id="m"))


@given(st.lists(chat_reports(), max_size=8), st.randoms(use_true_random=False))
def test_reports_of_a_message_give_the_same_in_any_order_and_however_often(reports, dice):
    shuffled = [*reports, *(dice.choices(reports, k=4) if reports else [])]
    dice.shuffle(shuffled)

    assert heard(shuffled) == heard(reports)


@given(st.lists(chat_reports(), max_size=8))
def test_a_deletion_stands_for_ever(reports):
    shown = shown_message(heard(reports))

    if any(action == DELETE for action, _, _ in reports):
        assert shown is None
    if not any(action in (ADD, EDIT, PUT) for action, _, _ in reports):
        assert shown is None


@given(st.lists(chat_reports(), max_size=8))
def test_the_content_is_the_latest_editing_or_else_the_adding(reports):
    kept = heard(reports)
    said = [
        (int(action != ADD or message.is_edited), t, message.payload)
        for action, t, message in reports
        if action in (ADD, EDIT, PUT)
    ]
    if said:
        last = max(rank_t[:2] for rank_t in said)
        assert kept.message.payload in [payload for *at, payload in said if tuple(at) == last]


@given(st.lists(chat_reports(), max_size=8))
def test_the_pin_goes_by_its_own_time(reports):
    pins = [
        (t, pinned)
        for action, t, message in reports
        for pinned in (
            {PIN: [True], UNPIN: [False], PUT: [message.pinned], DELETE: []}.get(
                action, [True] if message.pinned else []
            )
        )
    ]
    assert heard(reports).pinned == max(pins, default=(0, False))[1]


def segment(end_at, words, start_at=None):
    start_at = end_at if start_at is None else start_at
    return Segment(id="s", speaker=Speaker(), sentence=words, start_at=start_at, end_at=end_at)


@st.composite
def speech_reports(draw):
    kind = draw(st.sampled_from(["partial", "final", "timed"]))
    at = draw(TIMES)
    words = draw(st.sampled_from(["one", "another sentence that is longer"]))
    if kind == "partial":
        return lambda kept: merged_partial(kept, at)
    if kind == "final":
        t = draw(TIMES)
        return lambda kept: merged_segment(kept, t, segment(at, words), timed=False)
    start, t = draw(TIMES), draw(TIMES)
    return lambda kept: merged_segment(kept, t, segment(max(at, start), words, start), timed=True)


@given(st.lists(speech_reports(), max_size=8), st.randoms(use_true_random=False))
@example([], None)
def test_reports_of_a_segment_give_the_same_in_any_order_and_however_often(reports, dice):
    def spoken(told):
        return reduce(lambda kept, report: report(kept), told, KeptSegment(id="s"))

    shuffled = [*reports, *(dice.choices(reports, k=4) if reports else [])]
    if dice:
        dice.shuffle(shuffled)

    assert spoken(shuffled) == spoken(reports)


@given(st.lists(TIMES, max_size=4), TIMES)
def test_the_first_partial_is_the_start_and_the_final_the_end(partials, end):
    kept = merged_segment(KeptSegment(id="s"), T0, segment(end, "some words"), timed=False)
    for at in partials:
        kept = merged_partial(kept, at)
    first = min(partials, default=end + 1)
    started = first if first <= end else end - estimated_ms("some words")

    assert (kept.segment.start_at, kept.segment.end_at) == (started, end)


@given(st.lists(TIMES, max_size=4))
def test_partials_alone_show_nothing(partials):
    kept = reduce(merged_partial, partials, KeptSegment(id="s"))

    assert kept.segment is None
