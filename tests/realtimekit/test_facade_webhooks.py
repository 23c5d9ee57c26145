"""Webhooks through the façade: the vendor's own CRUD, and our log and replays beside it."""

import asyncio
import base64
import json
import subprocess

import pytest
from facade_world import MINUTE, a_world
from sdk.drive import SDKS, drive
from sdk.plan import call
from starlette.testclient import TestClient

from parts import require
from roomtone.model.hooks import DELIVERED, EVENTS, FAILED, VENDOR_EVENTS, Delivery
from roomtone.services.hook_keys import HookKeys
from roomtone.web.app import create_app
from roomtone.web.well_known import well_known_routes

GIVEN = {
    "name": "All events webhook",
    "url": "https://webhook.example/b23a5bbd",
    "events": list(VENDOR_EVENTS),
}


@pytest.fixture
def world():
    with a_world() as made:
        yield made


def made(response, status=201):
    assert response.status_code == status, response.text
    body = response.json()
    assert body["success"] is True
    return body["data"]


@pytest.fixture
def hook(world):
    return made(world.ask("POST", "webhooks", json=GIVEN))


# --- CRUD -------------------------------------------------------------------------------------


def test_a_webhook_is_made_enabled_and_read_back(world, hook):
    assert set(hook) == {"id", "name", "url", "events", "enabled", "created_at", "updated_at"}
    assert {name: hook[name] for name in GIVEN} == GIVEN
    assert hook["enabled"] is True
    assert hook["created_at"] == hook["updated_at"] == "2026-01-01T00:00:00.000Z"
    assert made(world.ask("GET", f"webhooks/{hook['id']}"), 200) == hook
    assert made(world.ask("GET", "webhooks"), 200) == [hook]


def test_patch_changes_what_is_given_and_put_replaces_all(world, hook):
    path = f"webhooks/{hook['id']}"
    world.clock.t += MINUTE
    patched = made(world.ask("PATCH", path, json={"enabled": False, "unknown": 1}), 200)
    put = made(world.ask("PUT", path, json={**GIVEN, "events": ["meeting.ended"]}), 200)

    assert patched == {**hook, "enabled": False, "updated_at": "2026-01-01T00:01:00.000Z"}
    assert put == {**patched, "enabled": True, "events": ["meeting.ended"]}
    missing = world.ask("PUT", path, json={"name": "only"})
    assert {fault["source"]["pointer"] for fault in missing.json()["errors"]} == {"/url", "/events"}


def test_our_own_event_can_be_asked_for_beside_the_vendors(world):
    asked = ["meeting.ended", "session.findings"]
    hook = made(world.ask("POST", "webhooks", json={**GIVEN, "events": asked}))

    assert hook["events"] == asked


def test_delete_answers_with_what_it_was(world, hook):
    path = f"webhooks/{hook['id']}"

    assert made(world.ask("DELETE", path), 200) == hook
    assert [world.ask(method, path).status_code for method in ("GET", "DELETE")] == [404, 404]
    assert made(world.ask("GET", "webhooks"), 200) == []


def test_the_events_are_listed(world):
    assert made(world.ask("GET", "webhooks/all"), 200) == list(EVENTS)


def test_an_event_that_is_named_twice_is_kept_once(world):
    hook = made(world.ask("POST", "webhooks", json={**GIVEN, "events": ["meeting.ended"] * 3}))

    assert hook["events"] == ["meeting.ended"]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({}, {"/name", "/url", "/events"}),
        ({"name": "", "url": "", "events": []}, {"/name", "/url", "/events"}),
        ({"name": 1, "url": 2, "events": "x", "enabled": 3}, {"/name", "/url", "/events"}),
        ({**GIVEN, "events": ["meeting.ended", "meeting.exploded"]}, {"/events/1"}),
        ({**GIVEN, "events": [None]}, {"/events/0"}),
        ({**GIVEN, "name": " "}, {"/name"}),
        ({**GIVEN, "name": "x" * 600}, {"/name"}),
        ({**GIVEN, "name": " ", "url": "ftp://x"}, {"/name", "/url"}),
        ({**GIVEN, "url": "http://127.0.0.1/"}, {"/url"}),
        ({**GIVEN, "url": "http://localhost/"}, {"/url"}),
        ({**GIVEN, "url": "http://[::ffff:10.0.0.1]/"}, {"/url"}),
        ({**GIVEN, "url": "http://169.254.169.254/latest/meta-data"}, {"/url"}),
        ({**GIVEN, "url": "https://user:secret@example.com/"}, {"/url"}),
    ],
)
def test_every_fault_is_listed(world, wrong, where):
    response = world.ask("POST", "webhooks", json=wrong)
    pointers = {fault["source"]["pointer"] for fault in response.json()["errors"]}

    assert response.status_code == 422
    assert pointers - {"/enabled"} == where
    assert ("/enabled" in pointers) == (wrong.get("enabled", True) is not True)
    assert made(world.ask("GET", "webhooks"), 200) == []


def test_a_change_is_checked_as_the_making_was(world, hook):
    path = f"webhooks/{hook['id']}"
    for method, body in (("PATCH", {"url": "http://10.0.0.1/"}), ("PATCH", {"events": []})):
        assert world.ask(method, path, json=body).status_code == 422
    assert world.ask("PUT", path, json={**GIVEN, "url": "http://0/"}).status_code == 422
    assert made(world.ask("GET", path), 200) == hook


def test_an_app_has_a_hundred_webhooks_at_most(world):
    for _ in range(100):
        made(world.ask("POST", "webhooks", json=GIVEN))
    response = world.ask("POST", "webhooks", json=GIVEN)

    assert response.status_code == 422
    assert "at most 100" in response.text


def test_nobody_elses_webhook_can_be_seen_or_touched(world, hook):
    other = asyncio.run(world.tenants.create_app(world.account_id, "Other"))
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "mine"}),
        ("PUT", "", GIVEN),
        ("DELETE", "", None),
        ("GET", "/deliveries", None),
        ("POST", "/deliveries/x/replay", None),
        ("POST", "/replay", {"from": "2026-01-01", "to": "2026-01-02"}),
    ):
        url = world.path(f"webhooks/{hook['id']}{path}", other.id)
        response = world.client.request(method, url, headers=world.bearer, json=body)
        assert response.status_code == 404, (method, path)
    url = world.path("webhooks", other.id)
    assert world.client.get(url, headers=world.bearer).json()["data"] == []


def test_a_token_that_may_only_read_changes_nothing(world, hook):
    headers = {"authorization": f"Bearer {world.token_for('read')}"}
    path = f"webhooks/{hook['id']}"

    assert world.ask("GET", path, headers=headers).status_code == 200
    assert world.ask("GET", f"{path}/deliveries", headers=headers).status_code == 200
    for method, where in (("POST", "webhooks"), ("DELETE", path), ("POST", f"{path}/replay")):
        assert world.ask(method, where, headers=headers, json=GIVEN).status_code == 403


# --- the log ----------------------------------------------------------------------------------


def log(world, hook, *statuses):
    """A delivery of each status, a minute apart."""
    rows = [
        Delivery(
            id=f"d{place}",
            webhook_id=hook["id"],
            app_id=world.app_id,
            event="meeting.ended",
            session_id="s",
            cause=f"ended:s:{place}",
            body=b'{"event":"meeting.ended"}',
            status=status,
            tries=1,
            response_status=200 if status == DELIVERED else None,
            error="no answer" if status == FAILED else None,
            created_at=world.clock.t + place * MINUTE,
            updated_at=world.clock.t + place * MINUTE,
            queued_at=world.clock.t,
            next_try_at=world.clock.t,
        )
        for place, status in enumerate(statuses)
    ]
    for row in rows:
        world.write(lambda tx, row=row: tx.hooks.add_delivery(row))


def test_the_log_is_paged_latest_first_and_filtered(world, hook):
    log(world, hook, DELIVERED, FAILED, DELIVERED, "PENDING")
    path = f"webhooks/{hook['id']}/deliveries"
    whole = world.get(path)
    page = world.get(path, per_page=2, page_no=2)
    failed = world.get(path, status="FAILED")

    assert [row["id"] for row in whole["data"]] == ["d3", "d2", "d1", "d0"]
    assert whole["data"][0]["payload"] == {"event": "meeting.ended"}
    assert whole["data"][0]["next_try_at"] == "2026-01-01T00:00:00.000Z"
    assert whole["data"][1]["next_try_at"] is None
    assert [row["id"] for row in page["data"]] == ["d1", "d0"]
    assert page["paging"] == {"total_count": 4, "start_offset": 3, "end_offset": 4}
    assert [(row["id"], row["error"]) for row in failed["data"]] == [("d1", "no answer")]
    assert world.ask("GET", path, params={"status": "LOST"}).status_code == 422


def test_a_delivery_is_replayed_under_its_own_id(world, hook):
    log(world, hook, FAILED)
    again = made(world.ask("POST", f"webhooks/{hook['id']}/deliveries/d0/replay"), 200)

    assert (again["id"], again["status"], again["tries"]) == ("d0", "PENDING", 0)
    assert world.ask("POST", f"webhooks/{hook['id']}/deliveries/d9/replay").status_code == 404


def test_a_span_of_time_is_replayed(world, hook):
    log(world, hook, DELIVERED, FAILED, DELIVERED)
    span = {"from": "2026-01-01T00:01:00Z", "to": "2026-01-01T00:02:00.000+00:00"}
    again = made(world.ask("POST", f"webhooks/{hook['id']}/replay", json=span), 200)
    rows = world.get(f"webhooks/{hook['id']}/deliveries")["data"]

    assert again == {"replayed": 2}
    assert [row["status"] for row in rows] == ["PENDING", "PENDING", "DELIVERED"]


@pytest.mark.parametrize(
    ("span", "where"),
    [
        ({}, {"/from", "/to"}),
        ({"from": "yesterday", "to": ""}, {"/from", "/to"}),
        ({"from": "2026-01-02", "to": "2026-01-01"}, {"/to"}),
        ({"from": 1, "to": None}, {"/from", "/to"}),
    ],
)
def test_a_span_that_is_none_is_refused(world, hook, span, where):
    response = world.ask("POST", f"webhooks/{hook['id']}/replay", json=span)

    assert response.status_code == 422
    assert {fault["source"]["pointer"] for fault in response.json()["errors"]} == where


# --- the public key ---------------------------------------------------------------------------


def test_the_public_key_is_where_the_vendor_has_it_in_its_very_words(world):
    keys = HookKeys(world.records, world.clock)
    client = TestClient(create_app(well_known_routes(keys.public_pem), None, None))
    response = client.get("/.well-known/webhooks.json")
    pem = response.json()["data"]["publicKey"]

    assert response.status_code == 200
    assert response.content == (
        b'{"success":true,"data":{"publicKey":' + json.dumps(pem).encode() + b'},"message":""}'
    )
    assert response.headers["content-type"] == "application/json"
    assert client.post("/.well-known/webhooks.json").status_code == 405
    der = base64.b64decode("".join(pem.splitlines()[1:-1]), validate=True)
    assert der[:2] == b"\x30\x82"


@pytest.mark.needs("node")
def test_node_reads_the_key_and_verifies_what_is_signed_with_it(world):
    keys = HookKeys(world.records, world.clock)
    body = '{"event":"meeting.started","name":"Zoë \u2028 😀"}'

    async def signed():
        return await keys.public_pem(), await keys.signature(body.encode())

    pem, signature = asyncio.run(signed())
    program = """
        const { pem, signature, body } = JSON.parse(require("fs").readFileSync(0, "utf8"));
        const verify = (text, by) => require("crypto").createVerify("RSA-SHA256")
            .update(text).verify(pem, by, "base64");
        console.log(JSON.stringify([verify(body, signature), verify(body + " ", signature),
            verify(JSON.stringify(JSON.parse(body)), signature), verify(body, "AAAA")]));
    """
    given = json.dumps({"pem": pem, "signature": signature, "body": body})
    done = subprocess.run(
        ["node", "-e", program], input=given, capture_output=True, text=True, check=True
    )

    assert json.loads(done.stdout) == [True, False, True, False]


# --- the vendor's SDKs ------------------------------------------------------------------------


HOOK = {"webhook_id": "$create:data.id"}
CALLS = [
    call("create", "webhooks", "create_webhook", params=GIVEN),
    call("list", "webhooks", "get_webhooks"),
    call("get", "webhooks", "get_webhook_by_id", ids=HOOK),
    call("edit", "webhooks", "edit_webhook", ids=HOOK, params={"enabled": False}),
    call("replace", "webhooks", "replace_webhook", ids=HOOK, params={**GIVEN, "name": "New"}),
    call("delete", "webhooks", "delete_webhook", ids=HOOK),
    call("gone", "webhooks", "get_webhook_by_id", ids=HOOK),
    call("wrong", "webhooks", "create_webhook", params={**GIVEN, "url": "http://10.0.0.1/"}),
]


@pytest.mark.slow
@pytest.mark.parametrize("sdk", SDKS)
def test_the_vendors_sdk_does_all_of_it_and_finds_its_own_types(sdk, server):
    if sdk.startswith("typescript"):
        require("node")
    require(sdk)
    keys = {
        "api_token": server.api_token,
        "account_id": server.account_id,
        "app_id": server.app_id,
    }
    results = drive(sdk, server.sdk_base_url, keys, CALLS)

    assert {name: result["status"] for name, result in results.items()} == {
        "create": 201,
        **dict.fromkeys(("list", "get", "edit", "replace", "delete"), 200),
        "gone": 404,
        "wrong": 422,
    }
    assert [fault for result in results.values() for fault in result["faults"]] == []
    assert all(results[name]["typed"] for name in ("create", "list", "get", "edit", "replace"))
    assert results["replace"]["body"]["data"]["name"] == "New"
    assert results["replace"]["body"]["data"]["enabled"] is True
    assert results["wrong"]["error"] == "UnprocessableEntityError"
