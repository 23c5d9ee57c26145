"""Whose address counts: the socket's, unless the operator named the proxy that says otherwise."""

import pytest
from journey_server import Serve, new_peer, now_ms
from starlette.requests import Request

from roomtone.web.addresses import client_address

CLAIMED = "203.0.113.77"


@pytest.mark.parametrize(
    ("hops", "trusted", "found"),
    [
        (CLAIMED, (), "10.0.0.1"),
        (CLAIMED, ("10.0.0.1",), CLAIMED),
        (f"198.51.100.1, {CLAIMED}", ("10.0.0.1",), CLAIMED),  # who is before it may say anything
        (f"{CLAIMED}, 10.0.0.2", ("10.0.0.1", "10.0.0.2"), CLAIMED),
        ("", ("10.0.0.1",), "10.0.0.1"),
    ],
)
def test_the_nearest_address_that_no_trusted_proxy_has(
    hops: str, trusted: tuple[str, ...], found: str
) -> None:
    headers = [(b"x-forwarded-for", hops.encode())]
    request = Request({"type": "http", "headers": headers, "client": ("10.0.0.1", 1)})

    assert client_address(request, frozenset(trusted)) == found


@pytest.mark.parametrize("trusted", ["", "127.0.0.1"])
def test_a_claim_is_believed_from_a_named_proxy_alone(serve: Serve, trusted: str) -> None:
    server = serve(trusted_proxies=trusted, mask_addresses=0)
    person = server.invite(server.meeting(), "Ana")
    peer = new_peer()
    join = {"peer_id": peer, "entries": [{"event": "call_join", "timestamp": now_ms()}]}

    assert person.collect(join, headers={"x-forwarded-for": CLAIMED}).status_code == 202

    assert (CLAIMED in str(server.soon(peer))) == bool(trusted)
