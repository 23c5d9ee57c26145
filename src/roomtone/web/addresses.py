"""Whose address a request comes from: the socket's, or what a trusted proxy says it saw."""

from starlette.requests import HTTPConnection


def client_address(request: HTTPConnection, trusted: frozenset[str]) -> str | None:
    """The nearest address that is not a trusted proxy's; None when there is no telling."""
    if request.client is None:
        return None
    address = request.client.host
    if address not in trusted:
        return address
    hops = request.headers.get("x-forwarded-for", "").split(",")
    for hop in reversed([hop.strip() for hop in hops if hop.strip()]):
        if hop not in trusted:
            return hop
    return address
