"""Trying, trying again, giving up: the schedule, the log, and the order of what waited."""

import asyncio
import json
from base64 import b64decode
from itertools import chain, repeat

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hook_world import DAY, SECOND, HookWorld, in_a_world

from roomtone.model.errors import Failed, Invalid, NotFound
from roomtone.model.hooks import DELIVERED, FAILED, PENDING, SigningKey
from roomtone.ports.courier import Answer
from roomtone.services.hook_delivery import MAX_RESPONSE_CHARS
from roomtone.services.hook_keys import HookKeys

NOBODY = Answer(error="no answer within 10 s")


async def one_queued(world: HookWorld, **given):
    hook = await world.hook(events=["meeting.started"], **given)
    await world.join(0)
    return hook


@pytest.mark.parametrize(
    ("status", "then"),
    [
        *((status, DELIVERED) for status in (200, 201, 202, 204, 299)),
        *((status, FAILED) for status in (199, 300, 301, 302, 307, 400, 401, 404, 408, 410, 429)),
        *((status, PENDING) for status in (500, 502, 503, 504, 599)),
    ],
)
def test_2xx_is_delivered_5xx_is_tried_again_and_the_rest_is_final(status, then):
    async def scenario(world: HookWorld):
        hook = await one_queued(world)
        world.courier.answer = lambda url, body: Answer(status=status, body="said")
        assert await world.deliverer.drain(hook.id) == 1
        (row,) = await world.queued(hook)
        return row

    row = in_a_world(scenario)

    assert (row.status, row.tries, row.response_status) == (then, 1, status)
    assert row.response_body == "said"
    assert (row.delivered_at is not None) == (then == DELIVERED)


def test_the_pauses_grow_and_it_gives_up_after_a_day():
    async def scenario(world: HookWorld):
        hook = await one_queued(world)
        world.courier.answer = lambda url, body: NOBODY
        begun, tries = world.clock.t, 0
        for pause_s in chain((0, 5, 30, 120, 600, 1800), repeat(3600)):
            # Not a second early.
            world.clock.t += max(0, pause_s - 1) * SECOND
            if pause_s:
                assert not await world.deliverer.due()
                world.clock.t += SECOND
            if not await world.deliverer.due():
                break
            last = world.clock.t - begun
            tries += 1
            await world.deliverer.drain(hook.id)
        world.clock.t += DAY
        assert not await world.deliverer.due()
        (row,) = await world.queued(hook)
        return tries, last, row

    tries, last, row = in_a_world(scenario)

    assert 22 * 3600 * SECOND < last <= DAY
    assert (row.status, row.tries, row.error) == (FAILED, tries, NOBODY.error)


def test_an_address_that_may_not_be_called_is_final():
    async def scenario(world: HookWorld):
        hook = await one_queued(world)
        world.courier.answer = lambda url, body: Answer(error="not public", forbidden=True)
        await world.deliverer.drain(hook.id)
        (row,) = await world.queued(hook)
        return row

    row = in_a_world(scenario)

    assert (row.status, row.error, row.response_status) == (FAILED, "not public", None)


def test_every_try_has_the_same_id_and_body_and_a_signature_that_holds():
    async def scenario(world: HookWorld):
        hook = await one_queued(world)
        world.courier.answer = lambda url, body: Answer(status=500)
        for _ in range(3):
            await world.deliverer.drain(hook.id)
            world.clock.t += 3600 * SECOND
        (row,) = await world.queued(hook)
        return hook, row, world.courier.sent, await world.keys.public_pem()

    hook, row, sent, pem = in_a_world(scenario)
    key = load_pem_public_key(pem.encode())

    assert len(sent) == 3
    for url, headers, body in sent:
        assert url == hook.url
        assert (headers["rtk-uuid"], headers["rtk-webhook-id"]) == (row.id, hook.id)
        assert body == json.loads(row.body)
        signature = b64decode(headers["rtk-signature"], validate=True)
        key.verify(signature, row.body, padding.PKCS1v15(), hashes.SHA256())
        with pytest.raises(InvalidSignature):
            key.verify(signature, row.body + b" ", padding.PKCS1v15(), hashes.SHA256())
    assert key.key_size == 2048
    assert pem.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert pem.endswith("\n-----END PUBLIC KEY-----")


def test_a_long_answer_is_cut():
    async def scenario(world: HookWorld):
        hook = await one_queued(world)
        world.courier.answer = lambda url, body: Answer(status=404, body="x" * 100_000)
        await world.deliverer.drain(hook.id)
        (row,) = await world.queued(hook)
        return row

    assert len(in_a_world(scenario).response_body) == MAX_RESPONSE_CHARS


def test_events_go_out_in_the_order_in_which_they_happened():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        for peer in range(4):
            await world.join(peer)
        await world.roster.kick_all("app", "m")
        await world.deliverer.drain(hook.id)
        return [(body["event"], body.get("participant")) for _, _, body in world.courier.sent]

    sent = in_a_world(scenario)

    assert [event.partition(".")[2] for event, _ in sent] == [
        "started",
        *["participantJoined"] * 4,
        *["participantLeft"] * 4,
        "ended",
    ]
    assert [person["peerId"] for _, person in sent[1:5]] == [f"peer-{n}" for n in range(4)]


def test_when_a_receiver_is_back_all_that_waited_goes_out_at_once_and_in_order():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        world.courier.answer = lambda url, body: NOBODY
        for peer in range(3):
            await world.join(peer)
            await world.deliverer.drain(hook.id)
            world.clock.t += 700 * SECOND
            await world.deliverer.drain(hook.id)
        world.courier.sent.clear()
        world.courier.answer = lambda url, body: Answer(status=200)
        await world.leave(0)
        await world.deliverer.drain(hook.id)
        return world.courier.events(), await world.queued(hook)

    events, rows = in_a_world(scenario)

    # What is due finds the receiver there again; the others follow in their order.
    assert events == ["participantLeft", "started", *["participantJoined"] * 3]
    assert {row.status for row in rows} == {DELIVERED}


def test_one_event_that_a_receiver_cannot_digest_holds_up_no_other_and_is_not_hurried():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        world.courier.answer = lambda url, body: Answer(
            status=500 if body["event"] == "meeting.started" else 200
        )
        for peer in range(4):
            await world.join(peer)
            await world.deliverer.drain(hook.id)
        return world.courier.events()

    assert in_a_world(scenario) == ["started", *["participantJoined"] * 4]


def test_while_a_webhook_is_disabled_its_deliveries_wait():
    async def scenario(world: HookWorld):
        hook = await one_queued(world)
        await world.webhooks.change("app", hook.id, {"enabled": False}, whole=False)
        waiting = await world.deliverer.due(), await world.deliverer.drain(hook.id)
        new = {"enabled": True, "url": "https://example.org/new"}
        await world.webhooks.change("app", hook.id, new, whole=False)
        due = await world.deliverer.due()
        await world.deliverer.drain(hook.id)
        return waiting, due == [hook.id], [url for url, _, _ in world.courier.sent]

    assert in_a_world(scenario) == (([], 0), True, ["https://example.org/new"])


def test_a_deleted_webhook_takes_its_log_and_its_queue_with_it():
    async def scenario(world: HookWorld):
        hook = await one_queued(world)
        await world.webhooks.delete("app", hook.id)
        with pytest.raises(NotFound):
            await world.queued(hook)
        left = await world.records.read(lambda tx: tx.hooks.drop_deliveries(hook.id, 10))
        return left, await world.deliverer.due(), await world.deliverer.drain(hook.id)

    assert in_a_world(scenario) == (0, [], 0)


def test_a_replay_sends_the_same_body_under_the_same_id_for_another_day():
    async def scenario(world: HookWorld):
        hook = await one_queued(world)
        await world.deliverer.drain(hook.id)
        (row,) = await world.queued(hook)
        world.clock.t += 3 * DAY
        again = await world.webhooks.replay("app", hook.id, row.id)
        world.courier.answer = lambda url, body: Answer(status=500)
        await world.deliverer.drain(hook.id)
        (after,) = await world.queued(hook)
        with pytest.raises(NotFound):
            await world.webhooks.replay("app", hook.id, "unknown")
        with pytest.raises(NotFound):
            await world.webhooks.replay("other", hook.id, row.id)
        return again, after, [headers["rtk-uuid"] for _, headers, _ in world.courier.sent]

    again, after, ids = in_a_world(scenario)

    assert (again.status, again.tries) == (PENDING, 0)
    assert (after.status, after.tries) == (PENDING, 1)
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_a_span_of_time_is_replayed_in_its_order_both_ends_included():
    async def scenario(world: HookWorld):
        hook = await world.hook(events=["meeting.participantJoined"])
        times = []
        for peer in range(4):
            times.append(world.clock.t)
            await world.join(peer)
            await world.deliverer.drain(hook.id)
            world.clock.t += 60 * SECOND
        world.courier.sent.clear()
        count = await world.webhooks.replay_range("app", hook.id, times[1], times[2])
        none = await world.webhooks.replay_range("app", hook.id, 0, times[0] - 1)
        with pytest.raises(Invalid):
            await world.webhooks.replay_range("app", hook.id, 2, 1)
        await world.deliverer.drain(hook.id)
        return count, none, [b["participant"]["peerId"] for _, _, b in world.courier.sent]

    assert in_a_world(scenario) == (2, 0, ["peer-1", "peer-2"])


def test_a_new_key_signs_from_then_on_and_a_second_process_follows():
    async def scenario(world: HookWorld):
        neighbour = HookKeys(world.records, world.clock)
        first = await asyncio.gather(world.keys.public_pem(), neighbour.public_pem())
        world.clock.t += 1
        await neighbour.rotate()
        second = [await world.keys.public_pem(), await neighbour.public_pem()]
        same = await world.keys.signature(b"x") == await neighbour.signature(b"x")
        return first, second, same

    first, second, same = in_a_world(scenario)

    assert len(set(first)) == len(set(second)) == 1
    assert first[0] != second[0]
    assert same


def test_a_key_that_cannot_be_read_says_what_to_do():
    async def scenario(world: HookWorld):
        broken = SigningKey(id="k", private_pem="nonsense", created_at=world.clock.t)
        await world.records.write(lambda tx: tx.hooks.put_signing_key(broken))
        await world.keys.public_pem()

    with pytest.raises(Failed) as failed:
        in_a_world(scenario)
    assert "rotate-key" in failed.value.hint


def test_what_was_told_of_a_peer_or_a_session_can_be_erased():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        await world.join(0)
        await world.join(1)
        (row, *_) = await world.queued(hook)
        of_peer = await world.records.write(
            lambda tx: tx.hooks.erase_deliveries(row.session_id, "peer-1")
        )
        left = await world.names(hook)
        rest = await world.records.write(lambda tx: tx.hooks.erase_deliveries(row.session_id))
        return of_peer, left, rest, await world.names(hook)

    assert in_a_world(scenario) == (1, ["started", "participantJoined"], 2, [])


def test_an_old_log_is_dropped_in_bites_but_never_what_is_still_to_be_sent():
    async def scenario(world: HookWorld):
        hook = await world.hook()
        for peer in range(3):
            await world.join(peer)
        await world.deliverer.drain(hook.id)
        world.clock.t += DAY
        await world.leave(0)
        later = world.clock.t + DAY
        return [
            await world.records.write(lambda tx: tx.hooks.drop_old_deliveries(later, 3))
            for _ in range(3)
        ], await world.names(hook)

    assert in_a_world(scenario) == ([3, 1, 0], ["participantLeft"])
