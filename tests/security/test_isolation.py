"""Tenants see nothing of each other: every operation × every kind of caller × ids of another.

The matrix is made from the table that the routes are made from, so a new endpoint is in it at once;
the last test is what fails when a route is added elsewhere.
"""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from starlette.routing import BaseRoute, Host, Mount, Route, WebSocketRoute
from two_tenants import PRIVATE, TwoTenants, batch, bearer

from roomtone.model.tenancy import ADMIN, READ
from roomtone.web.console.live import LIVE
from roomtone.web.realtimekit.call import Resource
from roomtone.web.realtimekit.table import RESOURCES

OPERATIONS = [
    pytest.param(resource, method, id=f"{method} {resource.path}")
    for resource in RESOURCES
    for method in resource.operations
]
WRITES = [param for param in OPERATIONS if param.values[1] != "GET"]
PARAMETER = re.compile(r"\{(\w+)\}")
NAMING = [param for param in OPERATIONS if PARAMETER.search(param.values[0].path)]
BODIES: dict[str, Any] = {
    "addSessionChat": {"messages": []},
    "addSessionTranscript": {"segments": []},
    "updateMeetingById": {"title": "taken over"},
    "replaceMeetingById": {"title": "taken over"},
    "addParticipant": {"custom_participant_id": "x", "preset_name": "group_call_host"},
    "editParticipant": {"name": "taken over"},
    "kickParticipants": {"participant_ids": ["x"]},
    "createPreset": {"name": "taken over"},
    "updatePreset": {"name": "taken over"},
    "replacePresetById": {"name": "taken over"},
    "replaceFindingThresholds": {"thresholds": {}},
    "createWebhook": {
        "name": "x", "url": "https://e.example.com/", "events": ["meeting.started"],
    },
    "replaceWebhook": {
        "name": "x", "url": "https://e.example.com/", "events": ["meeting.started"],
    },
    "editWebhook": {"name": "taken over"},
    "replayWebhookDeliveries": {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"},
    "createInlet": {"kind": "generic"},
    "replaceOrigins": {"origins": ["https://evil.example.com"]},
    "createApp": {"name": "taken over"},
    "createApiToken": {"name": "taken over", "scope": "admin"},
}  # fmt: skip
"""Bodies that the operation takes, so that who may not is refused for that and nothing else."""


def url(resource: Resource, account_id: str, app_id: str, ids: dict[str, str]) -> str:
    """The address of a resource."""
    path = PARAMETER.sub(lambda found: ids[found.group(1)], resource.path)
    app = "" if resource.of_account else f"/{app_id}"
    return f"/client/v4/accounts/{account_id}/realtime/kit{app}{path}"


def of_victim(site: TwoTenants, resource: Resource) -> str:
    """The victim's own address of it."""
    return url(resource, site.victim.account_id, site.victim.app_id, site.victim.ids)


def unknown(ids: dict[str, str]) -> dict[str, str]:
    """Ids of the same form that nobody has."""
    return {name: str(uuid4()) for name in ids}


def send(site: TwoTenants, resource: Resource, method: str, path: str, **more: Any) -> Any:
    """Ask, with a body that the operation takes."""
    body = BODIES.get(resource.operations[method].name)
    return site.client.request(method, path, json=body, **more)


CALLERS: dict[str, tuple[int, Callable[[TwoTenants], dict[str, str]]]] = {
    "nobody": (401, lambda _: {}),
    "a token that never was": (401, lambda _: bearer("rt_" + "A" * 43)),
    "a revoked token": (401, lambda site: bearer(site.revoked(site.victim))),
    "the victim's participant": (401, lambda site: bearer(site.victim.participant_token)),
    "a participant elsewhere": (401, lambda site: bearer(site.neighbour.participant_token)),
    "a forged cookie": (
        401,
        lambda site: {
            "x-roomtone-console": "1",
            "cookie": f"{site.roomtone.console_keys.cookie_name}=WyJ4IiwieCIsOV0.x",
        },
    ),
    "another account's admin": (403, lambda site: site.neighbour.bearer),
    "another account's reader": (403, lambda site: bearer(site.token(site.neighbour, READ))),
    "another account's app": (
        403,
        lambda site: bearer(site.token(site.neighbour, ADMIN, site.neighbour.app_id)),
    ),
    "another app of the account": (
        403,
        lambda site: bearer(site.token(site.victim, ADMIN, site.victim.other_app_id)),
    ),
}


@pytest.mark.parametrize("caller", CALLERS)
def test_who_may_not_is_told_the_same_everywhere_and_changes_nothing(
    site: TwoTenants, caller: str
) -> None:
    status, headers_of = CALLERS[caller]
    headers = headers_of(site)
    before = site.rows_of(site.victim)
    told = set()

    for param in OPERATIONS:
        resource, method = param.values
        nowhere = url(
            resource, site.victim.account_id, site.victim.app_id, unknown(site.victim.ids)
        )
        for path in (of_victim(site, resource), nowhere):
            answer = send(site, resource, method, path, headers=headers)
            assert answer.status_code == status, f"{param.id}: {answer.text}"
            assert PRIVATE not in answer.text
            told.add(answer.text)
    live = site.client.get(of_victim(site, LIVE), headers=headers)

    assert live.status_code == status
    assert len(told) == 1, told
    assert site.rows_of(site.victim) == before


@pytest.mark.parametrize(("resource", "method"), WRITES)
def test_who_may_only_read_writes_nothing(
    site: TwoTenants, resource: Resource, method: str
) -> None:
    reader = bearer(site.token(site.victim, READ))
    before = site.rows_of(site.victim)

    answer = send(site, resource, method, of_victim(site, resource), headers=reader)

    assert answer.status_code == 403
    assert site.rows_of(site.victim) == before


@pytest.mark.parametrize(
    "resource", [one for one in RESOURCES if one.of_account], ids=lambda one: one.path
)
def test_a_token_of_one_app_does_not_reach_its_account(
    site: TwoTenants, resource: Resource
) -> None:
    headers = bearer(site.token(site.victim, ADMIN, site.victim.app_id))

    for method in resource.operations:
        path = of_victim(site, resource)
        assert send(site, resource, method, path, headers=headers).status_code == 403


@pytest.mark.parametrize(("resource", "method"), NAMING)
def test_ids_of_another_tenant_read_like_ids_that_never_were(
    site: TwoTenants, resource: Resource, method: str
) -> None:
    victim, neighbour = site.victim, site.neighbour
    none = unknown(victim.ids)
    before = site.rows_of(victim)
    insiders = [
        (neighbour.account_id, neighbour.app_id, neighbour.bearer),
        (victim.account_id, victim.other_app_id, victim.bearer),
    ]
    # Tokens and apps belong to the account: the victim's own token rightly sees those.
    for account_id, app_id, headers in insiders[: 1 if resource.of_account else 2]:
        taken = {
            name: send(
                site, resource, method, url(resource, account_id, app_id, ids), headers=headers
            )
            for name, ids in (("theirs", victim.ids), ("nobody's", none))
        }
        bodies = {
            name: re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", answer.text)
            for name, answer in taken.items()
        }

        assert taken["theirs"].status_code == taken["nobody's"].status_code == 404
        assert bodies["theirs"] == bodies["nobody's"]
        assert PRIVATE not in taken["theirs"].text
    assert site.rows_of(victim) == before


def test_the_lists_of_a_tenant_hold_its_own_alone(site: TwoTenants) -> None:
    asked = [
        (resource, path)
        for resource in RESOURCES
        if "GET" in resource.operations and not PARAMETER.search(resource.path)
        for path in (
            url(resource, site.neighbour.account_id, site.neighbour.app_id, {}),
            url(resource, site.neighbour.account_id, site.neighbour.app_id, {}) + "?search=Merger",
        )
    ]

    for resource, path in asked:
        answer = site.client.get(path, headers=site.neighbour.bearer)
        assert PRIVATE not in answer.text, resource.path
        assert not any(one in answer.text for one in site.victim.ids.values()), resource.path


def test_a_body_that_names_another_tenants_things_gets_nowhere(site: TwoTenants) -> None:
    victim, neighbour = site.victim, site.neighbour
    own = neighbour.ids["meeting_id"]
    before = site.rows_of(victim)

    def post(path: str, body: Any, method: str = "POST") -> int:
        return site.ask(neighbour, method, path, json=body).status_code

    parent = {"title": "x", "parent_meeting_id": victim.ids["meeting_id"]}
    assert post("/meetings", parent) == 422
    assert (
        post(f"/meetings/{own}", {"parent_meeting_id": parent["parent_meeting_id"]}, "PATCH") == 422
    )
    invited = {"custom_participant_id": "x", "preset_name": PRIVATE}
    assert post(f"/meetings/{own}/participants", invited) == 422
    kick = {"participant_ids": [victim.ids["participant_id"]]}
    assert post(f"/meetings/{own}/active-session/kick", kick) == 404
    account = f"/client/v4/accounts/{neighbour.account_id}/realtime/kit/tokens"
    wanted = {"name": "x", "scope": "admin", "app_id": victim.app_id}
    answer = site.client.post(account, headers=neighbour.bearer, json=wanted)
    assert answer.status_code == 404
    words = b"1\n00:00:01,000 --> 00:00:02,000\nSomebody: taken over\n"
    imported = site.ask(
        neighbour, "POST", f"/imports?name=a.srt&session_id={victim.ids['session_id']}",
        content=words,
    )  # fmt: skip
    assert imported.status_code == 404
    assert site.rows_of(victim) == before


def test_the_old_host_opens_only_the_app_that_the_token_reaches(site: TwoTenants) -> None:
    victim = site.victim
    other_app = site.token(victim, ADMIN, victim.other_app_id)
    for token, status in ((site.neighbour.token, 404), (other_app, 403), (victim.token, 200)):
        answer = site.client.get(
            f"/v2/meetings/{victim.ids['meeting_id']}", auth=(victim.app_id, token)
        )
        assert answer.status_code == status
        assert (PRIVATE in answer.text) == (status == 200)


# --- the collector's doors, the call page, the inlets, the files, the console --------------------


@pytest.mark.parametrize("door", ["/v1/collect", "/api/v1/message"])
def test_an_api_token_opens_no_collector_door(site: TwoTenants, door: str) -> None:
    body = batch(str(uuid4()), site.roomtone.clock.now())

    for token in (site.victim.token, "", "nonsense", site.victim.participant_token[:-2] + "xx"):
        answer = site.client.post(door, content=body, headers=bearer(token))
        assert answer.status_code == 401


def test_a_batch_for_another_tenants_peer_lands_beside_it(site: TwoTenants) -> None:
    before = site.rows_of(site.victim)
    body = batch(site.victim.peer_id, site.roomtone.clock.now())

    answer = site.client.post(
        "/v1/collect", content=body, headers=bearer(site.neighbour.participant_token)
    )
    site.run(site.roomtone.roster.catch_up)

    assert answer.status_code == 202  # of an app of its own, where the id is free
    assert site.rows_of(site.victim) == before


def test_an_invitation_opens_its_own_meeting_alone(site: TwoTenants) -> None:
    victim, neighbour = site.victim, site.neighbour
    own = site.made(neighbour, f"/meetings/{neighbour.ids['meeting_id']}/invitation", {})
    invite = own["url"].partition("invite=")[2]
    meeting = f"/call/{victim.ids['meeting_id']}"
    before = site.rows_of(victim)

    about = site.client.get(f"{meeting}/about", params={"invite": invite})
    join = {"invite": invite, "name": "Eve", "key": str(uuid4())}
    joined = site.client.post(f"{meeting}/join", json=join)
    record = site.client.get(
        f"{meeting}/record",
        params={"peer_id": victim.peer_id},
        headers=bearer(neighbour.participant_token),
    )

    assert (about.status_code, joined.status_code, record.status_code) == (403, 403, 400)
    assert PRIVATE not in about.text + joined.text + record.text
    assert site.rows_of(victim) == before


def test_one_inlets_secret_opens_no_other_inlet(site: TwoTenants) -> None:
    own = site.made(site.neighbour, "/inlets", {"kind": "generic"})
    before = site.rows_of(site.victim)

    answers = [
        site.client.post(f"/in/{inlet}", json={"events": []}, headers=bearer(own["secret"]))
        for inlet in (site.victim.ids["inlet_id"], str(uuid4()))
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert site.rows_of(site.victim) == before


def test_a_link_to_a_file_cannot_be_made_or_bent(site: TwoTenants) -> None:
    from roomtone.ports.blobs import Download

    url_of = site.roomtone.links.url("chat/x.csv", Download("x.csv", "text/csv"), 9_999_999_999_999)
    token = url_of.rpartition("/")[2]
    invite = site.made(
        site.neighbour, f"/meetings/{site.neighbour.ids['meeting_id']}/invitation", {}
    )["url"].partition("invite=")[2]

    for bent in (token[:-1], token[1:], token + "x", "", "../roomtone.db", invite):
        answer = site.client.get(f"/files/{bent}")
        assert answer.status_code in (403, 404), bent


def test_who_is_signed_in_reaches_what_the_token_reaches(site: TwoTenants) -> None:
    headers = {"x-roomtone-console": "1", "sec-fetch-site": "same-origin"}
    entered = site.client.post(
        "/console/sign-in", json={"token": site.neighbour.token}, headers=headers
    )
    name, value = next(iter(entered.cookies.items()))
    site.client.cookies.clear()
    signed_in = {**headers, "cookie": f"{name}={value}"}

    for param in OPERATIONS:
        resource, method = param.values
        answer = send(site, resource, method, of_victim(site, resource), headers=signed_in)
        assert answer.status_code == 403, param.id
    me = site.client.get("/console/me", headers=signed_in)
    assert me.status_code == 200
    assert site.victim.app_id not in me.text
    assert site.victim.account_id not in me.text


def test_a_revoked_token_is_refused_at_once_wherever_it_was_used(site: TwoTenants) -> None:
    tenants = site.roomtone.tenants
    made = site.run(tenants.create_token, site.victim.account_id, None, "brief", READ)
    path = site.path(site.victim, "/sessions")
    headers = {"x-roomtone-console": "1", "sec-fetch-site": "same-origin"}
    entered = site.client.post("/console/sign-in", json={"token": made.text}, headers=headers)
    name, value = next(iter(entered.cookies.items()))
    site.client.cookies.clear()
    ways = (bearer(made.text), {"x-auth-key": made.text}, {**headers, "cookie": f"{name}={value}"})
    assert [site.client.get(path, headers=way).status_code for way in ways] == [200] * 3

    site.run(tenants.revoke_token, site.victim.account_id, made.token.id)

    assert [site.client.get(path, headers=way).status_code for way in ways] == [401] * 3


OPEN = {
    "/call", "/call/{meeting_id}",  # the page holds nothing
    "/console", "/console/sign-in", "/console/sign-out",
    "/docs", "/docs/docs.js", "/docs/docs.css", "/openapi.json",
    "/healthz", "/readyz",
    "/roomtone.js", "/roomtone.d.ts", "/roomtone-precall.js", "/roomtone-precall.d.ts",
    "/assets/{name:path}",
}  # fmt: skip
"""What everybody may ask, since it tells of nobody."""
TESTED = {
    "/client/v4/accounts", "/accounts", "/v2",  # the matrix
    "/v1/collect", "/api/v1/message",
    "/call/{meeting_id}/about", "/call/{meeting_id}/join", "/call/{meeting_id}/record",
    "/call/{meeting_id}/signal",  # tests/journeys/test_call_signalling.py
    "/in/{inlet_id}", "/in/{inlet_id}/{rest:path}",
    "/files/{token}", "/console/me", "/metrics",
}  # fmt: skip


def places(routes: list[BaseRoute]) -> set[str]:
    """Where a site answers, by the templates of its routes."""
    found = set()
    for route in routes:
        if isinstance(route, Host):
            assert route.host.startswith(
                ("location.", "location-legacy.")
            )  # the caller's own place
        else:
            assert isinstance(route, Route | Mount | WebSocketRoute), route
            found.add(route.path)
    return found


def test_every_operation_that_openapi_tells_of_is_in_the_matrix(site: TwoTenants) -> None:
    told = site.client.get("/openapi.json").json()
    below = "/accounts/{account_id}/realtime/kit"
    matrix = {
        (f"{below}{'' if resource.of_account else '/{app_id}'}{resource.path}", method.lower())
        for resource, method in (param.values for param in OPERATIONS)
    }
    listed = {
        (path, method)
        for path, operations in told["paths"].items()
        for method in operations
        if method in ("get", "put", "post", "patch", "delete")
    }

    assert listed
    assert {(path.partition("/v4")[2] or path, method) for path, method in listed} <= matrix


def test_every_route_is_open_on_purpose_or_tested_here(site: TwoTenants) -> None:
    known = {path for path in places(site.application.routes) if "well-known" not in path}

    assert known - OPEN - TESTED == set()
