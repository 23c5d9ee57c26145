"""Every kind of inlet × its doors (HTTP, WebSocket) × everything a stranger may hold: what opens it
is its own secret, for as long as it is open."""

from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from urllib.parse import quote
from uuid import uuid4

import pytest
from inlet_senders import KEY, NEIGHBOURS_VENDOR, SOCKETS, VICTIMS_VENDOR, delivery
from listening_end import PATIENCE_S, ListeningEnd
from starlette.testclient import WebSocketDisconnect
from two_tenants import Tenant, TwoTenants

from roomtone.model.inlets import KINDS
from roomtone.model.tenancy import ADMIN
from roomtone.services.inlets import NAMED

BY_HTTP = [kind for kind in KINDS if kind != "jitsi"]
"""Jitsi's clients have a socket alone."""


def opened(site: TwoTenants, tenant: Tenant, kind: str) -> tuple[str, str]:
    """(id, secret) of a new inlet."""
    wanted = {"kind": kind, "name": "matrix"}
    if kind in NAMED:
        wanted["key"] = KEY
    if kind == "realtimekit":
        wanted["secret"] = VICTIMS_VENDOR if tenant is site.victim else NEIGHBOURS_VENDOR
    made = site.made(tenant, "/inlets", wanted)
    return made["id"], made.get("secret") or wanted["secret"]


STRANGERS: dict[str, Callable[[TwoTenants, str], str]] = {
    "nothing": lambda site, kind: "",
    "a guess": lambda site, kind: str(uuid4()),
    "another tenant's inlet of the kind": lambda site, kind: opened(site, site.neighbour, kind)[1],
    "another inlet of the same app": lambda site, kind: opened(site, site.victim, "generic")[1],
    "the victim's own API token": lambda site, kind: site.token(site.victim, ADMIN),
    "another tenant's participant": lambda site, kind: site.neighbour.participant_token,
    "the victim's participant": lambda site, kind: site.victim.participant_token,
}


def status(site: TwoTenants, kind: str, inlet_id: str, secret: str) -> int:
    """How a delivery is answered."""
    return site.client.request(**delivery(kind, inlet_id, secret)).status_code


def kept(site: TwoTenants) -> list[str]:
    """What nobody understood of the victim's."""
    return site.rows_of(site.victim)["quarantine.app_id"]


def is_heard(site: TwoTenants, inlet_id: str, secret: str) -> bool:
    """Whether what nobody understands, said over a socket, is kept as such; else it was ended."""
    before = kept(site)
    path = f"/in/{inlet_id}/{quote(secret, safe='')}/room?statsSessionId={uuid4()}"
    with suppress(WebSocketDisconnect), site.client.websocket_connect(path) as socket:
        end = ListeningEnd(socket)
        for _ in range(2):  # the first of rtcstats' names its page
            socket.send_text("nonsense")
        until = monotonic() + PATIENCE_S
        while kept(site) == before and not end.ended.wait(0.02):
            assert monotonic() < until, "neither heard nor ended"
    return kept(site) != before


@pytest.mark.parametrize("kind", BY_HTTP)
def test_by_http_its_own_secret_opens_it_and_nothing_else(site: TwoTenants, kind: str) -> None:
    inlet_id, secret = opened(site, site.victim, kind)
    strange = {name: of(site, kind) for name, of in STRANGERS.items()}
    before = site.rows_of(site.victim)
    refused = (400,) if kind == "peermetrics" else (401, 403)  # as its own server says it

    for name, held in strange.items():
        assert status(site, kind, inlet_id, held) in refused, name
    assert site.rows_of(site.victim) == before
    assert status(site, kind, inlet_id, secret) in (200, 400, 422)  # read, if not understood

    site.ask(site.victim, "DELETE", f"/inlets/{inlet_id}")
    assert status(site, kind, inlet_id, secret) == 401


@pytest.mark.parametrize("kind", SOCKETS)
def test_by_socket_its_own_secret_opens_it_and_nothing_else(site: TwoTenants, kind: str) -> None:
    inlet_id, secret = opened(site, site.victim, kind)
    strange = {name: of(site, kind) for name, of in STRANGERS.items()}
    if kind == "rtcstats":  # whose door is open to the app's own participants
        del strange["the victim's participant"]
    before = site.rows_of(site.victim)

    for name, held in strange.items():
        assert not is_heard(site, inlet_id, held), name
    assert site.rows_of(site.victim) == before
    assert is_heard(site, inlet_id, secret)

    site.ask(site.victim, "DELETE", f"/inlets/{inlet_id}")
    assert not is_heard(site, inlet_id, secret)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SOCKETS])
def test_a_kind_that_has_no_socket_opens_none(site: TwoTenants, kind: str) -> None:
    inlet_id, secret = opened(site, site.victim, kind)

    assert not is_heard(site, inlet_id, secret)
