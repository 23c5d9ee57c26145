"""Participant tokens: what a browser can read, and what a forger cannot make."""

import asyncio
import json
from base64 import b64decode, urlsafe_b64encode

import jwt
import pytest
from facade_world import MINUTE, START, a_world
from hypothesis import given, settings
from hypothesis import strategies as st

from roomtone.model.errors import Unauthenticated
from roomtone.model.rooms import Participant

DAY = 24 * 60 * MINUTE


@pytest.fixture(scope="module")
def world():
    with a_world() as made:
        yield made


@pytest.fixture
def clock(world):
    world.clock.t = START
    return world.clock


def somebody(world, participant_id="u1", meeting_id="m1"):
    return Participant(
        id=participant_id,
        app_id=world.app_id,
        meeting_id=meeting_id,
        custom_participant_id="c1",
        preset_name="group_call_host",
        created_at=START,
        updated_at=START,
    )


def issue(world, **fields):
    return world.rooms._tokens.issue(somebody(world, **fields))


def atob(segment):
    """As the browser's: the plain alphabet and no other, padding forgiven."""
    assert not set(segment) & set("-_")
    return b64decode(segment + "=" * (-len(segment) % 4), validate=True)


def signing_key(world, app_id=None):
    app = world.records.peek(lambda tx: tx.tenants.app(app_id or world.app_id))
    return bytes.fromhex(app.signing_key)


@given(ids=st.tuples(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40)))
@settings(max_examples=300, deadline=None)
def test_what_the_client_decodes_with_atob_never_holds_dash_or_underscore(world, ids):
    token = issue(world, participant_id=ids[0], meeting_id=ids[1])
    header, payload, _ = token.split(".")

    assert token.startswith("eyJ")
    assert json.loads(atob(header)) == {"alg": "HS256", "typ": "JWT"}
    read = json.loads(atob(payload))
    assert (read["orgId"], read["participantId"], read["meetingId"]) == (world.app_id, *ids)
    assert read["exp"] - read["iat"] == 24 * 3600
    claims = world.rooms.verify(token)
    assert (claims.app_id, claims.participant_id, claims.meeting_id) == (world.app_id, *ids)


def test_any_jwt_library_verifies_it_with_the_apps_key(world, clock):
    token = issue(world)
    read = jwt.decode(
        token, signing_key(world), algorithms=["HS256"], options={"verify_exp": False}
    )

    assert read["iat"] == clock.t // 1000


def test_each_one_is_different(world, clock):
    assert issue(world) != issue(world)


def test_it_is_good_until_it_expires(world, clock):
    token = issue(world)
    clock.t = START + DAY - 1
    assert world.rooms.verify(token).participant_id == "u1"
    clock.t = START + DAY

    for _ in range(2):  # also when it is remembered
        with pytest.raises(Unauthenticated, match="expired"):
            world.rooms.verify(token)


def forged(world, key, algorithm="HS256", **changed):
    claims = {
        "orgId": world.app_id,
        "meetingId": "m1",
        "participantId": "u1",
        "iat": START // 1000,
        "exp": START // 1000 + 3600,
    }
    return jwt.encode({**claims, **changed}, key, algorithm)


def test_what_the_apps_own_key_signed_is_taken(world, clock):
    assert world.rooms.verify(forged(world, signing_key(world))).meeting_id == "m1"


def forgeries(world):
    other = asyncio.run(world.tenants.create_app(world.account_id, "Other"))
    good = forged(world, signing_key(world))
    header, payload, signature = good.split(".")
    changed = urlsafe_b64encode(atob_any(payload).replace(b'"u1"', b'"u2"')).decode().rstrip("=")
    return {
        "another key": forged(world, b"k" * 32),
        "the key of another app": forged(world, signing_key(world, other.id)),
        "an app that is not": forged(world, signing_key(world), orgId="nobody"),
        "no algorithm": forged(world, None, "none"),
        "another algorithm": forged(world, signing_key(world), "HS512"),
        "a changed payload": f"{header}.{changed}.{signature}",
        "no signature": f"{header}.{payload}.",
        "cut": good[:-4],
        "a claim missing": forged(world, signing_key(world), meetingId=None),
        "a claim of another kind": forged(world, signing_key(world), exp="never"),
        "no claims": jwt.encode({}, signing_key(world)),
        "nothing": "",
        "words": "not.a.token",
        "more words": "a.b.c.d",
        "no text": "é.ü.\ud800",
        "an API token": world.token,
        "endless": good + "A" * 10_000,
    }


def atob_any(segment):
    return b64decode(segment.replace("-", "+").replace("_", "/") + "==")


def test_every_forgery_is_refused_in_the_same_words(world, clock):
    for name, token in forgeries(world).items():
        with pytest.raises(Unauthenticated, match="not valid") as refused:
            world.rooms.verify(token)
        assert refused.value.faults == (), name


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_token_or_refused(world, text):
    with pytest.raises(Unauthenticated):
        world.rooms.verify(text)
