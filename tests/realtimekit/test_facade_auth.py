"""Who gets in, and what they are told if not (contract 10: answered before any look-up)."""

import asyncio
from base64 import b64encode

import pytest
from facade_world import MINUTE, START, a_world

from roomtone.model.tenancy import ADMIN, READ

NOBODY = "00000000-0000-4000-8000-0000000000ff"


@pytest.fixture(scope="module")
def world():
    with a_world() as made:
        made.put_session("s1", ended_at=START + MINUTE)
        yield made


def status(world, headers, path="sessions", method="GET", **more):
    return world.client.request(method, world.path(path), headers=headers, **more).status_code


@pytest.mark.parametrize(
    "header",
    [
        lambda token: {"authorization": f"Bearer {token}"},
        lambda token: {"authorization": f"bearer  {token}"},
        lambda token: {"x-auth-key": token, "x-auth-email": "someone@example.com"},
        lambda token: {"x-auth-user-service-key": token},
    ],
    ids=["bearer", "bearer in lower case", "key and e-mail", "service key"],
)
def test_each_header_of_the_sdks_lets_a_good_token_in(world, header):
    assert status(world, header(world.token)) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer"},
        {"authorization": "Bearer nonsense"},
        {"authorization": "Bearer rt_" + "A" * 43},
        {"authorization": b"Bearer rt_\xff\xfe" + b"A" * 41},
        {"authorization": "Basic cnQ6eA=="},
        {"x-auth-email": "someone@example.com"},
        {"x-auth-key": b"rt_" + "é".encode() * 20},
    ],
)
def test_no_token_or_a_bad_one_is_401(world, headers):
    response = world.client.get(world.path("sessions"), headers=headers)

    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_revoked_token_is_401_at_once(world):
    issued = asyncio.run(world.tenants.create_token(world.account_id, None, "brief", READ))
    headers = {"authorization": f"Bearer {issued.text}"}
    assert status(world, headers) == 200

    asyncio.run(world.tenants.revoke_token(world.account_id, issued.token.id))

    assert status(world, headers) == 401


def test_a_token_is_stored_only_as_its_digest(world):
    tokens = asyncio.run(world.tenants.list_tokens(world.account_id))

    assert all(len(token.sha256) == 32 for token in tokens)
    assert not any(world.token.encode() in token.sha256 for token in tokens)
    assert len(world.token) == 46
    assert world.token.startswith("rt_")


def test_another_account_is_403_whether_or_not_it_exists(world):
    other = asyncio.run(world.tenants.create_account("Other"))
    for account_id in (other.id, "f" * 32, "nonsense"):
        path = f"/client/v4/accounts/{account_id}/realtime/kit/{world.app_id}/sessions/s1"

        assert world.client.get(path, headers=world.bearer).status_code == 403


def test_a_token_of_one_app_is_403_at_every_other(world):
    other = asyncio.run(world.tenants.create_app(world.account_id, "Other"))
    headers = {"authorization": f"Bearer {world.token_for(ADMIN, other.id)}"}

    for app_id in (world.app_id, NOBODY):
        path = world.path("sessions/s1", app_id)
        assert world.client.get(path, headers=headers).status_code == 403
    assert world.client.get(world.path("sessions", other.id), headers=headers).status_code == 200


def test_a_token_of_one_app_does_not_reach_the_account(world):
    headers = {"authorization": f"Bearer {world.token_for(ADMIN, world.app_id)}"}

    assert world.client.get(world.path("", "apps"), headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "meetings"),
        ("PATCH", "meetings/m1"),
        ("PUT", "meetings/m1"),
        ("POST", "meetings/m1/participants"),
        ("DELETE", "presets/p1"),
        ("POST", "sessions/s1/summary"),
        ("POST", "meetings/m1/active-session/kick-all"),
    ],
)
def test_a_token_that_may_only_read_is_403_for_whatever_writes(world, method, path):
    headers = {"authorization": f"Bearer {world.token_for(READ)}"}

    assert status(world, headers, path, method) == 403
    assert status(world, headers, "sessions/s1") == 200
    assert status(world, headers, "sessions/s1", "HEAD") == 200


def test_refusals_of_a_stranger_come_before_any_look_up(world):
    # A bad query and an unknown session are not told to who may not ask.
    headers = {"authorization": f"Bearer {world.token_for(READ, world.app_id)}"}
    path = world.path("sessions/unknown/participants?per_page=nonsense", NOBODY)

    assert world.client.get(path).status_code == 401
    assert world.client.get(path, headers=headers).status_code == 403


def test_an_unknown_app_and_one_of_another_account_read_the_same(world):
    other = asyncio.run(world.tenants.create_account("Third"))
    foreign = asyncio.run(world.tenants.create_app(other.id, "Foreign"))
    told = [
        world.client.get(world.path("sessions", app_id), headers=world.bearer)
        for app_id in (NOBODY, "not-an-id", foreign.id)
    ]

    assert {response.status_code for response in told} == {404}
    assert len({response.text for response in told}) == 1


def test_ids_of_another_app_read_like_ids_that_never_were(world):
    other = asyncio.run(world.tenants.create_app(world.account_id, "Neighbour"))
    for path in ("sessions/{}", "sessions/{}/participants", "sessions/{}/chat"):
        told = [
            world.client.get(world.path(path.format(one), other.id), headers=world.bearer)
            for one in ("s1", NOBODY, "%20")
        ]

        assert {response.status_code for response in told} == {404}
        assert len({response.text for response in told}) == 1


def test_both_base_urls_answer(world):
    path = world.path("sessions")
    bodies = [
        world.client.get(url, headers=world.bearer).json()
        for url in (path, path.removeprefix("/client/v4"))
    ]

    assert bodies[0] == bodies[1]
    assert bodies[0]["success"]


def test_the_old_host_takes_basic_with_the_app_as_user(world):
    def ask(user, password):
        pair = b64encode(f"{user}:{password}".encode()).decode()
        return world.client.get("/v2/sessions/s1", headers={"authorization": f"Basic {pair}"})

    assert ask(world.app_id, world.token).json() == world.ask("GET", "sessions/s1").json()
    assert ask(world.app_id, "nonsense").status_code == 401
    assert ask(NOBODY, world.token).status_code == 404
    assert world.client.get("/v2/sessions", headers=world.bearer).status_code == 401
    assert (
        world.client.get("/v2/sessions", headers={"authorization": "Basic %%%"}).status_code == 401
    )


def test_over_the_limit_is_429_with_a_time_to_wait():
    with a_world(rate_limit=3) as limited:
        answers = [limited.ask("GET", "sessions") for _ in range(5)]
        another = {"authorization": f"Bearer {limited.token_for(READ)}"}

        assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
        assert int(answers[-1].headers["retry-after"]) > 0
        assert answers[-1].json()["errors"][0]["code"] == 429
        assert limited.client.get(limited.path("sessions"), headers=another).status_code == 200
        limited.clock.t += 10 * MINUTE
        assert limited.ask("GET", "sessions").status_code == 200
