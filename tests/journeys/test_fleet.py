"""Several processes on one PostgreSQL: roles, work that is shared, a part that is away.

What becomes of processes and servers that are killed is in tests/faults.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fleet import Fleet, FleetServer
from journey_server import new_peer, now_ms, roomtone_command, told, wait_for
from test_kill import Talker, check

from own_servers import OwnNats, OwnPostgres

pytestmark = [pytest.mark.slow, pytest.mark.needs("own-servers")]

TALKERS = 4


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgres]:
    server = OwnPostgres(tmp_path_factory.mktemp("postgres")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnNats]:
    server = OwnNats(tmp_path_factory.mktemp("nats")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def fleet(
    tmp_path_factory: pytest.TempPathFactory, postgres: OwnPostgres, nats: OwnNats
) -> Iterator[Fleet]:
    running = Fleet(
        tmp_path_factory.mktemp("fleet"), postgres.url, journal=nats.url, webhooks_allow_private=1
    )
    yield running
    running.stop()


@pytest.fixture(scope="module")
def collect(fleet: Fleet) -> FleetServer:
    return fleet.add("collect")


@pytest.fixture(scope="module")
def work(fleet: Fleet) -> FleetServer:
    return fleet.add("work")


class Receiver:
    """Hears of joins: (peer id, delivery's id), in the order of their coming."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.wanted: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                peer = body["participant"]["peerId"]
                receiver.heard.append((peer, self.headers["rtk-uuid"]))
                time.sleep(0.1)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Crowd:
    """Talkers who send to whatever collector is up, again and again until it is taken."""

    def __init__(self, api: FleetServer, collectors: list[FleetServer]) -> None:
        self.meeting = api.meeting()
        self.talkers = [
            Talker(api.invite(self.meeting, f"p{n}"), self.meeting) for n in range(TALKERS)
        ]
        self._collectors = collectors
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep_on, args=(talker,)) for talker in self.talkers
        ]

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _keep_on(self, talker: Talker) -> None:
        dice = random.Random(talker.peer_id)
        while not self._over.is_set():
            talker.talk(dice.choice(self._collectors).url, 1)
            time.sleep(0.02)

    def taken(self) -> int:
        """Batches that were acknowledged so far."""
        return sum(len(one.acknowledged) for one in self.talkers)

    def finish(self, url: str) -> None:
        """Send what still waits."""
        for one in self.talkers:
            wait_for("the last batch", lambda one=one: one.waiting is None or _again(one, url))


def _again(talker: Talker, url: str) -> bool:
    talker.talk(url, 1)
    return talker.waiting is None


def told_once(api: FleetServer, crowd: Crowd) -> None:
    """End the call: everything that was acknowledged is in its reports, once."""
    if any(one["status"] == "LIVE" for one in api.sessions(crowd.meeting)):
        api.kick_all(crowd.meeting)
    wait_for("the seal", lambda: api.unsealed() == 0)
    for one in crowd.talkers:
        report = api.soon(one.peer_id)
        markers = [e for e in report["peer_stats"]["events"] if e["type"] == "marker"]
        check(one, Counter(e["metadata"]["n"] for e in markers), one.peer_id)
    (session,) = api.sessions(crowd.meeting)
    assert session["total_participants"] == TALKERS


def ready(server: FleetServer) -> bool:
    """Whether a balancer would send anything to it."""
    return server.client.get(f"{server.url}/readyz").status_code == 200


def test_roles_answer_for_what_they_are_and_for_nothing_else(
    fleet: Fleet, collect: FleetServer, work: FleetServer
) -> None:
    api = fleet.api
    asked = {"/v1/collect": "POST", "/client/v4/openapi.json": "GET", "/console": "GET"}
    answers = {
        server.settings["role"]: {
            path: server.client.request(method, server.url + path).status_code != 404
            for path, method in asked.items()
        }
        for server in (api, collect, work)
    }
    assert answers["collect"] == {**dict.fromkeys(asked, False), "/v1/collect": True}
    assert answers["work"] == dict.fromkeys(asked, False)
    assert not answers["api"]["/v1/collect"]
    assert answers["api"]["/console"]
    for server in (api, collect, work):
        assert ready(server)


def test_a_call_goes_through_three_processes_to_its_sealed_reports(
    fleet: Fleet, collect: FleetServer, work: FleetServer
) -> None:
    crowd = Crowd(fleet.api, [collect])
    with crowd:
        wait_for("some batches", lambda: crowd.taken() > 20)
        wait_for("live rows", lambda: fleet.api.sessions(crowd.meeting))
    crowd.finish(collect.url)
    told_once(fleet.api, crowd)


def test_links_and_the_console_are_signed_alike_by_every_process(fleet: Fleet) -> None:
    other = fleet.add("api")
    cookie = fleet.api.client.post(
        f"{fleet.api.url}/console/sign-in",
        json={"token": fleet.api.api_token},
        headers={"x-roomtone-console": "1", "sec-fetch-site": "same-origin"},
    )
    assert cookie.status_code == 200
    headers = {
        "x-roomtone-console": "1",
        "sec-fetch-site": "same-origin",
        "cookie": cookie.headers["set-cookie"].split(";")[0],
    }
    for server in (fleet.api, other):
        assert server.client.get(f"{server.url}/console/me", headers=headers).status_code == 200
    assert other.client.post(f"{other.url}/console/sign-out", headers=headers).status_code == 204
    # Signed out at one is signed out at all.
    for server in (fleet.api, other):
        assert server.client.get(f"{server.url}/console/me", headers=headers).status_code == 401
    other.stop()


def test_doctor_finds_the_whole_deployment_in_order(
    fleet: Fleet, collect: FleetServer, work: FleetServer
) -> None:
    found = told("doctor", "--data", fleet.api.data, database=fleet.database, journal=fleet.journal)
    assert {one["check"] for one in found} >= {"database", "schema", "journal", "workers"}
    assert [one for one in found if not one["ok"] and one["check"] != "disk"] == []


def test_doctor_misses_workers_that_were_all_killed_though_their_rows_are_there(
    fleet: Fleet, work: FleetServer
) -> None:
    work.kill()
    done = roomtone_command("doctor", "--json", "--data", fleet.api.data, database=fleet.database)
    work.start()
    workers = next(one for one in json.loads(done.stdout) if one["check"] == "workers")

    assert done.returncode == 1
    assert not workers["ok"]
    assert workers["found"].startswith("0 alive, 1 ")


def test_two_workers_tell_a_webhook_of_everything_once_and_in_order(
    fleet: Fleet, collect: FleetServer, work: FleetServer
) -> None:
    second = fleet.add("work")
    with Receiver() as receiver:
        hook = {"name": "counts", "url": receiver.url, "events": ["meeting.participantJoined"]}
        webhook = fleet.api.post("/webhooks", hook)
        meeting = fleet.api.meeting()
        for number in range(12):
            person, peer = fleet.api.invite(meeting, f"p{number}"), new_peer()
            entry = {"event": "call_join", "timestamp": now_ms()}
            body = {"peer_id": peer, "seq": 1, "entries": [entry]}
            assert collect.send("/v1/collect", person.token, body).status_code == 202
            receiver.wanted.append(peer)
        # The leader goes in the middle of it; the other goes on from there.
        work.stop()
        wait_for("every join", lambda: len(receiver.heard) >= len(receiver.wanted))
        time.sleep(1)
        assert [one for one, _ in receiver.heard] == receiver.wanted
        fleet.api.ask("DELETE", f"/webhooks/{webhook['id']}")
    work.start()
    fleet.api.kick_all(meeting)
    second.stop()


def test_collecting_goes_on_while_postgresql_is_away_and_drains_afterwards(
    fleet: Fleet, collect: FleetServer, work: FleetServer, postgres: OwnPostgres
) -> None:
    late = fleet.api.invite(fleet.api.meeting(), "late")
    crowd = Crowd(fleet.api, [collect])
    with crowd:
        wait_for("some batches", lambda: crowd.taken() > 10)
        postgres.stop()
        before = crowd.taken()
        wait_for("batches without a database", lambda: crowd.taken() > before + 50)
        assert ready(collect)
        # Somebody who had not been heard before, and says something.
        peer = "0a0a0a0a-0000-4000-8000-000000000001"
        message = {
            "id": "m1",
            "type": "text",
            "userId": late.user_id,
            "displayName": "late",
            "time": now_ms(),
            "message": "does anybody hear me?",
        }
        meta = {"action": "add", "message": message}
        said = {"event": "chat_message", "timestamp": now_ms(), "metaData": meta}
        join = {"event": "call_join", "timestamp": now_ms()}
        body = {"peer_id": peer, "seq": 1, "entries": [join, said]}
        answer = collect.send("/v1/collect", late.token, body)
        assert answer.status_code == 202, answer.text
        refused = fleet.api.ask("GET", "/sessions")
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        postgres.start()
        wait_for("the API", lambda: fleet.api.ask("GET", "/sessions").status_code == 200)
    crowd.finish(collect.url)
    assert fleet.api.soon(peer)["peer_stats"]
    kept = "SELECT count(*) FROM messages WHERE id = 'm1'"
    wait_for("what was said", lambda: fleet.api.rows(kept) == [(1,)])
    told_once(fleet.api, crowd)


def test_without_jetstream_senders_are_told_to_keep_what_they_have(
    fleet: Fleet, collect: FleetServer, work: FleetServer, nats: OwnNats
) -> None:
    alone = fleet.add("all")
    crowd = Crowd(fleet.api, [collect])
    with crowd:
        wait_for("some batches", lambda: crowd.taken() > 10)
        nats.stop()
        talker = crowd.talkers[0]
        refused = wait_for(
            "a refusal", lambda: next((r for r in talker.refused if r.startswith("503")), None)
        )
        assert "keep it" in refused
        body = {"peer_id": talker.peer_id, "entries": [{"event": "late", "timestamp": now_ms()}]}
        asked = time.monotonic()
        answer = collect.send("/v1/collect", talker.person.token, body)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert time.monotonic() - asked < 5, "whoever is refused is refused soon"
        for server in (collect, work, alone):
            unready = server.client.get(f"{server.url}/readyz")
            assert unready.status_code == 503, server.role
            assert "Start NATS" in unready.json()["reason"]
        # What is sealed can be read without it.
        assert ready(fleet.api)
        nats.start()
        before = crowd.taken()
        wait_for("batches again", lambda: crowd.taken() > before + 20)
        for server in (collect, work, alone):
            wait_for(f"{server.role} to be ready again", lambda one=server: ready(one))
    alone.stop()
    crowd.finish(collect.url)
    told_once(fleet.api, crowd)


def test_a_worker_that_drains_loses_no_request(fleet: Fleet) -> None:
    leaving = fleet.add("collect", drain_s=5)
    other = fleet.add("collect")
    balancer = [leaving, other]
    crowd = Crowd(fleet.api, balancer)
    with crowd:
        wait_for("some batches", lambda: crowd.taken() > 20)
        ended = threading.Thread(target=leaving.stop)
        ended.start()
        wait_for(
            "readyz to say so",
            lambda: leaving.client.get(f"{leaving.url}/readyz").status_code == 503,
        )
        balancer.remove(leaving)
        ended.join()
    crowd.finish(other.url)
    assert [one.refused for one in crowd.talkers if one.refused] == []
    told_once(fleet.api, crowd)
    other.stop()
