"""One real server, visited by each of the vendor's SDKs; its answers are what the tests read."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
from sdk import plan, said
from sdk.drive import SDKS, Result, drive
from sdk.replay import Replayed, cut, read, replay
from sdk.running_server import RunningServer, running_server

from parts import require

ENDED_AGO_S = 300
"""Longer than the keep-alive: the session ends as soon as the server looks."""
PATIENCE_S = 60


@dataclass(frozen=True)
class Visit:
    """What one SDK made, and every answer it got, by the name of the call."""

    sdk: str
    ended: plan.Room
    live: plan.Room
    results: dict[str, Result]
    files: dict[str, httpx.Response]
    """What lay behind the links, by the name of the call."""
    counted: list[dict]
    """What the server said of each upload of words."""

    def body(self, name: str) -> dict:
        """The body of a successful answer."""
        result = self.results[name]
        assert result["status"] == plan.ALL_CALLS[name].get("expect", 200), result["body"]
        return result["body"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A Roomtone in a process of its own; without rate limits, which tests of their own look at."""
    data = tmp_path_factory.mktemp("roomtone") / "data"
    with running_server(data, rate_limit=0, ingest_limit=0, silence_s=3600) as running:
        yield running


def _held(results: dict[str, Result], suffix: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """A meeting's id, its participants' ids and their tokens, as the SDK got them."""
    people = {who: results[f"participants: add {who}{suffix}"]["body"]["data"] for who in "ab"}
    return (
        results[f"meetings: create{suffix}"]["body"]["data"]["id"],
        {who: person["id"] for who, person in people.items()},
        {who: person["token"] for who, person in people.items()},
    )


def _session_of(server: RunningServer, app_id: str, meeting_id: str, status: str) -> str:
    """Wait until the meeting's session is in a state."""
    deadline = time.monotonic() + PATIENCE_S
    rows: list[dict] = []
    while time.monotonic() < deadline:
        rows = server.api("sessions", app_id, associated_id=meeting_id)["sessions"]
        if rows and rows[0]["status"] == status:
            return rows[0]["id"]
        time.sleep(0.2)
    raise AssertionError(f"no session became {status} in {PATIENCE_S} s; there is {rows}")


def _room(
    server: RunningServer,
    app_id: str,
    status: str,
    meeting_id: str,
    ids: dict[str, str],
    done: Replayed,
) -> plan.Room:
    session_id = _session_of(server, app_id, meeting_id, status)
    return plan.Room(
        meeting_id, session_id, ids["a"], tuple(done.peers["a"]), ids["b"], tuple(done.peers["b"])
    )


def _say(
    server: RunningServer, address: str, live: plan.Room, tokens: dict[str, str]
) -> list[dict]:
    """Words through every door, thirty seconds ago; Bob is here as his second peer."""
    people = {
        "a": {"peer_id": live.a_peers[0], "user_id": live.a_user, "token": tokens["a"]},
        "b": {"peer_id": live.b_peers[1], "user_id": live.b_user, "token": tokens["b"]},
    }
    now = int(time.time() * 1000)
    return said.say(server.url, address, server.api_token, people, now - 30_000)


def _downloads(results: dict[str, Result]) -> dict[str, httpx.Response]:
    """The file behind each link, fetched at once: a later file takes its place."""
    return {
        name: said.fetch(result["body"]["data"][plan.DOWNLOADS[kind][1]])
        for name, result in results.items()
        if (kind := name.partition(":")[0]) in plan.DOWNLOADS
        and result["status"] == 200
        and name != "summary: generate"
    }


def _visit(sdk: str, server: RunningServer) -> Visit:
    keys = {
        "api_token": server.api_token,
        "account_id": server.account_id,
        "app_id": server.app_id,
    }
    results = drive(sdk, server.sdk_base_url, keys, plan.app_calls(sdk))
    keys["app_id"] = results["apps: create"]["body"]["data"]["app"]["id"]
    results |= drive(sdk, server.sdk_base_url, keys, plan.making_calls())

    meeting, ids, tokens = _held(results, "")
    over = replay(server.url, read("realtimekit-clean"), tokens, ENDED_AGO_S)
    ended = _room(server, keys["app_id"], "ENDED", meeting, ids, over)

    meeting, ids, tokens = _held(results, " another")
    # Up to 70 s of 75: Bob has left and come back, and both are still there.
    going_on = replay(server.url, cut(read("realtimekit-mute"), 70), tokens, 1)
    live = _room(server, keys["app_id"], "LIVE", meeting, ids, going_on)

    app = f"accounts/{server.account_id}/realtime/kit/{keys['app_id']}"
    address = f"{server.sdk_base_url}/{app}/sessions/{live.session_id}"
    counted = _say(server, address, live, tokens)
    told = drive(sdk, server.sdk_base_url, keys, plan.words_calls(live))
    files = _downloads(told)
    said.wait_for(f"{address}/summary", server.api_token, PATIENCE_S)

    foreign = os.urandom(16).hex()
    asked = drive(sdk, server.sdk_base_url, keys, plan.visiting_calls(ended, live, foreign))
    files |= _downloads(asked)
    return Visit(sdk, ended, live, results | told | asked, files, counted)


@pytest.fixture(scope="session")
def visits(server: RunningServer) -> Callable[[str], Visit]:
    """The visit of an SDK, made once: an app, rooms and people, two calls, and every question."""
    made: dict[str, Visit] = {}

    def visit_of(sdk: str) -> Visit:
        if sdk.startswith("typescript"):
            require("node")
        require(sdk)
        if sdk not in made:
            made[sdk] = _visit(sdk, server)
        return made[sdk]

    return visit_of


@pytest.fixture(params=SDKS)
def visit(request: pytest.FixtureRequest, visits: Callable[[str], Visit]) -> Visit:
    """The visit of each SDK in turn."""
    return visits(request.param)
