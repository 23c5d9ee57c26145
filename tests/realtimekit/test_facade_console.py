"""Signing in to the console, and what its cookie is good for: the console's own page alone."""

import asyncio
import json
from typing import Any

import pytest
from facade_world import START, World

from roomtone.model.sessions import Session
from roomtone.services.tenants import digest
from roomtone.web.console.keys import COOKIE_MS

OURS = {"x-roomtone-console": "1", "sec-fetch-site": "same-origin"}


@pytest.fixture
def world() -> World:
    return World()


def sign_in(world: World, **body: str) -> Any:
    return world.client.post("/console/sign-in", json=body, headers=OURS)


def sessions(world: World, headers: dict[str, str]) -> int:
    return world.client.get(world.path("sessions"), headers=headers).status_code


def test_a_token_is_exchanged_for_a_cookie_that_pages_cannot_read(world: World):
    answer = sign_in(world, token=world.token)

    assert answer.status_code == 200
    said = answer.headers["set-cookie"].lower()
    assert "httponly" in said
    assert "samesite=strict" in said
    assert "secure" not in said  # plain http; over https see below
    assert world.token not in said
    me = answer.json()["data"]
    assert me["account"]["id"] == world.account_id
    assert [app["id"] for app in me["apps"]] == [world.app_id]
    assert "signing_key" not in answer.text
    assert sessions(world, OURS) == 200


def test_over_https_the_cookie_is_secure(world: World):
    world.client.base_url = "https://testserver"

    assert "secure" in sign_in(world, token=world.token).headers["set-cookie"].lower()


def test_a_ticket_signs_in_once(world: World):
    ticket = world.console_keys.ticket(digest(world.token), world.clock.now())

    assert sign_in(world, ticket=ticket).status_code == 200
    assert sessions(world, OURS) == 200
    again = sign_in(world, ticket=ticket)
    assert again.status_code == 401
    assert "roomtone console" in again.json()["error"]["message"]


@pytest.mark.parametrize("body", [{}, {"token": "rt_wrong"}, {"ticket": "wrong"}])
def test_the_wrong_token_or_ticket_signs_nobody_in(world: World, body: dict[str, str]):
    answer = sign_in(world, **body)

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_what_is_no_sign_in_is_refused_in_words(world: World):
    answer = world.client.post("/console/sign-in", content=b"[1", headers=OURS)

    assert answer.status_code == 422
    assert "rt_" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),  # as a form or an image of another page would send it
        ({"x-roomtone-console": "1", "sec-fetch-site": "cross-site"}, 403),
        ({"x-roomtone-console": "1", "sec-fetch-site": "same-site"}, 403),
        ({"x-roomtone-console": "1", "sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "same-origin"}, 401),
        ({"x-roomtone-console": "1", "origin": "https://evil.example"}, 403),
        ({"x-roomtone-console": "1", "origin": "null"}, 403),
        ({"x-roomtone-console": "1", "origin": "http://testserver"}, 200),
        ({"x-roomtone-console": "1"}, 200),  # plain http says no Sec-Fetch-Site
        (OURS, 200),
    ],
)
def test_the_cookie_counts_for_the_consoles_own_page_alone(
    world: World, headers: dict[str, str], status: int
):
    sign_in(world, token=world.token)

    assert sessions(world, headers) == status


@pytest.mark.parametrize("path", ["/console/sign-in", "/console/sign-out"])
def test_another_page_signs_nobody_in_or_out(world: World, path: str):
    sign_in(world, token=world.token)
    body = {"token": world.token}

    assert world.client.post(path, json=body).status_code == 403
    theirs = {**OURS, "sec-fetch-site": "cross-site"}
    assert world.client.post(path, json=body, headers=theirs).status_code == 403
    assert sessions(world, OURS) == 200


def test_no_path_of_the_console_or_the_api_lets_another_origin_in(world: World):
    asked = {
        "origin": "https://evil.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "x-roomtone-console",
    }
    for path in ("/console/sign-in", "/console/me", world.path("sessions")):
        answer = world.client.request("OPTIONS", path, headers=asked)
        assert "access-control-allow-origin" not in answer.headers, path


def test_signing_out_ends_the_cookie_also_for_who_copied_it(world: World):
    sign_in(world, token=world.token)
    copied = dict(world.client.cookies)
    answer = world.client.post("/console/sign-out", headers=OURS)

    assert answer.status_code == 204
    assert not dict(world.client.cookies)
    world.client.cookies.update(copied)
    assert sessions(world, OURS) == 401
    assert world.client.post("/console/sign-out", headers=OURS).status_code == 204


def test_the_cookie_dies_with_its_token(world: World):
    text = world.token_for("admin")
    sign_in(world, token=text)
    assert sessions(world, OURS) == 200
    mine = world.client.get("/console/me", headers=OURS).json()["data"]["token"]["id"]
    url = f"/client/v4/accounts/{world.account_id}/realtime/kit/tokens/{mine}"

    assert world.client.delete(url, headers=OURS).status_code == 200
    assert sessions(world, OURS) == 401
    assert world.client.get("/console/me", headers=OURS).status_code == 401


def test_the_cookie_ends_after_twelve_hours(world: World):
    sign_in(world, token=world.token)
    world.clock.t += COOKIE_MS + 1

    assert sessions(world, OURS) == 401


def test_the_cookie_reaches_no_further_than_its_token(world: World):
    sign_in(world, token=world.token_for("read", world.app_id))

    assert sessions(world, OURS) == 200
    made = world.client.post(world.path("meetings"), json={"title": "x"}, headers=OURS)
    assert made.status_code == 403
    tokens = f"/client/v4/accounts/{world.account_id}/realtime/kit/tokens"
    assert world.client.get(tokens, headers=OURS).status_code == 403
    elsewhere = world.path("sessions").replace(world.account_id, "0" * 32)
    assert world.client.get(elsewhere, headers=OURS).status_code == 403
    assert world.client.get("/console/me", headers=OURS).json()["data"]["app_id"] == world.app_id


def test_a_bearer_token_still_works_where_the_consoles_header_is_missing(world: World):
    assert sessions(world, world.bearer) == 200


def test_the_page_is_open_and_strict_and_knows_nothing(world: World):
    answer = world.client.get("/console")

    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert world.account_id not in answer.text
    assert world.app_id not in answer.text
    assert "?v=" in answer.text


# --- API tokens -----------------------------------------------------------------------------------


def tokens_url(world: World, token_id: str = "") -> str:
    tail = f"/{token_id}" if token_id else ""
    return f"/client/v4/accounts/{world.account_id}/realtime/kit/tokens{tail}"


def test_a_tokens_text_is_shown_once_and_works_until_it_is_revoked(world: World):
    body = {"name": "dashboard", "scope": "read", "app_id": world.app_id}
    made = world.client.post(tokens_url(world), json=body, headers=world.bearer)

    assert made.status_code == 201
    text, token = made.json()["data"]["text"], made.json()["data"]["token"]
    assert sessions(world, {"authorization": f"Bearer {text}"}) == 200
    listed = world.client.get(tokens_url(world), headers=world.bearer)
    assert token in listed.json()["data"]
    assert text not in listed.text
    gone = world.client.delete(tokens_url(world, token["id"]), headers=world.bearer)
    assert gone.json()["data"]["revoked_at"] is not None
    assert sessions(world, {"authorization": f"Bearer {text}"}) == 401


def test_all_that_is_wrong_with_a_new_token_is_told(world: World):
    answer = world.client.post(
        tokens_url(world), json={"name": "", "scope": "root"}, headers=world.bearer
    )

    assert answer.status_code == 422
    assert {one["source"]["pointer"] for one in answer.json()["errors"]} == {"/name", "/scope"}
    body = {"name": "x", "scope": "read", "app_id": "nobody's"}
    assert world.client.post(tokens_url(world), json=body, headers=world.bearer).status_code == 404
    assert world.client.delete(tokens_url(world, "x"), headers=world.bearer).status_code == 404


def test_who_may_only_read_makes_and_revokes_no_tokens(world: World):
    reader = {"authorization": f"Bearer {world.token_for('read')}"}
    body = {"name": "more", "scope": "admin"}

    assert world.client.post(tokens_url(world), json=body, headers=reader).status_code == 403
    assert world.client.delete(tokens_url(world, "x"), headers=reader).status_code == 403
    assert world.client.get(tokens_url(world), headers=reader).status_code == 200


# --- live -----------------------------------------------------------------------------------------


async def follow(world: World, headers: dict[str, str], work: Any) -> tuple[int, bytes]:
    """Ask for the stream as a server would, do something meanwhile, and go away."""
    gone = asyncio.Event()
    sent: list[dict[str, Any]] = []
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": world.path("live"),
        "raw_path": b"",
        "root_path": "",
        "query_string": b"",
        "scheme": "http",
        "server": ("testserver", 80),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    running = asyncio.ensure_future(world.application(scope, receive, send))
    await asyncio.sleep(0.1)
    await work()
    for _ in range(100):
        if b"data:" in b"".join(one.get("body", b"") for one in sent) or running.done():
            break
        await asyncio.sleep(0.02)
    gone.set()
    await asyncio.wait_for(running, 2)
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent)


def test_a_changed_session_arrives_as_the_list_has_it(world: World):
    async def work() -> None:
        held = Session(
            id="s1",
            app_id=world.app_id,
            meeting_id="m1",
            title="Weekly sync",
            live_participants=2,
            started_at=START,
            created_at=START,
            updated_at=START,
        )
        await world.records.write(lambda tx: tx.sessions.put_session(held))

    status, body = asyncio.run(follow(world, world.bearer, work))

    assert status == 200
    data = next(line for line in body.decode().split("\n") if line.startswith("data: "))
    row = json.loads(data.removeprefix("data: "))
    assert row == world.get("sessions")["data"]["sessions"][0]
    assert world.feed._listeners == 0


def test_nobody_follows_without_a_token(world: World):
    async def nothing() -> None:
        pass

    assert asyncio.run(follow(world, {}, nothing))[0] == 401
