"""Posting: the courier over HTTP, which calls no address that it may not.

Names are looked up here, every address is checked, and the connection goes to a checked address
itself, so nobody can change what a name leads to in between. The name stays in the Host header and
in TLS. No redirects, no cookies, no proxies from the environment.
"""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import httpcore

from roomtone import __version__
from roomtone.ports.courier import Answer
from roomtone.services.hook_targets import is_public, parse_target

TOTAL_S = 10.0
"""For everything: the look-up, the connection, the answer."""
BODY_S = 2.0
BODY_BYTES = 1_024
"""What is read of an answer; whether it is well is in its status."""
KEEP_S = 5.0
"""How long a connection waits for the next delivery of a burst."""
MAX_ADDRESSES = 4
MAX_ERROR_CHARS = 300


class ForbiddenAddress(Exception):
    """The receiver's name leads to an address that is not public."""


class Resolver:
    """Looks names up, each on a thread of its own: a name server that does not answer holds up
    only the names that it is asked for."""

    def __init__(self) -> None:
        self._asked: dict[str, asyncio.Future[list[str]]] = {}

    async def addresses(self, host: str) -> list[str]:
        """In the system's order. Raises OSError."""
        asked = self._asked.get(host)
        if asked is None:
            asked = self._asked[host] = asyncio.get_running_loop().create_future()
            asked.add_done_callback(lambda _: self._asked.pop(host, None))
            threading.Thread(
                target=_look_up, args=(host, asked), name="roomtone-dns", daemon=True
            ).start()
        return await asyncio.shield(asked)


def _look_up(host: str, asked: "asyncio.Future[list[str]]") -> None:
    found: list[str] = []
    error: OSError | None = None
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        found = list(dict.fromkeys(str(info[4][0]) for info in infos))
    except OSError as raised:
        error = raised
    except UnicodeError:
        error = OSError("this is no name that can be looked up")

    def tell() -> None:
        if asked.done():
            return
        if error is None:
            asked.set_result(found)
        else:
            asked.set_exception(error)
            asked.exception()  # seen, also when nobody waits any more

    with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
        asked.get_loop().call_soon_threadsafe(tell)


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to checked addresses only."""

    def __init__(self, resolver: Resolver, *, allow_private: bool) -> None:
        self._resolver = resolver
        self._allow_private = allow_private
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises ForbiddenAddress, httpcore.ConnectError."""
        try:
            addresses = await self._resolver.addresses(host)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be looked up: {error}") from error
        if not self._allow_private:
            for address in addresses:
                if not is_public(address):
                    raise ForbiddenAddress(f"{host} leads to {address}, which is not public")
        failed: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses[:MAX_ADDRESSES]:
            try:
                return await self._plain.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise ForbiddenAddress("a webhook is called over the network")

    async def sleep(self, seconds: float) -> None:
        """As it says."""
        await asyncio.sleep(seconds)


class HttpCourier:
    """See :class:`roomtone.ports.courier.Courier`."""

    def __init__(self, *, allow_private: bool) -> None:
        self._network = GuardedNetwork(Resolver(), allow_private=allow_private)
        self._pool: httpcore.AsyncConnectionPool | None = None
        self._opening = asyncio.Lock()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """See the port."""
        try:
            async with asyncio.timeout(TOTAL_S):
                return await self._post(url, headers, body)
        except TimeoutError:
            return Answer(error=f"no answer within {TOTAL_S:g} s")
        except ForbiddenAddress as error:
            return Answer(
                error=f"{error}; the setting webhooks_allow_private permits it", forbidden=True
            )
        except ValueError as error:
            return Answer(error=f"the URL {error}", forbidden=True)
        except (
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            OSError,
        ) as error:
            told = str(error) or type(error).__name__
            return Answer(error=f"no answer: {told[:MAX_ERROR_CHARS]}")

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        target = parse_target(url)
        pool = await self._opened()
        sent = {
            "host": target.authority,
            "user-agent": f"Roomtone/{__version__}",
            "accept": "*/*",
            "content-length": str(len(body)),
            **headers,
        }
        where = httpcore.URL(
            scheme=target.scheme.encode(),
            host=target.host.encode(),
            port=target.port,
            target=target.path.encode(),
        )
        pairs = [(name.encode(), value.encode()) for name, value in sent.items()]
        async with pool.stream("POST", where, headers=pairs, content=body) as response:
            return Answer(status=response.status, body=await _beginning(response))

    async def _opened(self) -> httpcore.AsyncConnectionPool:
        async with self._opening:
            if self._pool is None:
                self._pool = httpcore.AsyncConnectionPool(
                    ssl_context=await asyncio.to_thread(_trusted),
                    max_connections=None,
                    keepalive_expiry=KEEP_S,
                    network_backend=self._network,
                )
        return self._pool

    async def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            await self._pool.aclose()


async def _beginning(response: httpcore.Response) -> str:
    """The first bytes of an answer as text, whatever they are; what comes late is left out."""
    read = b""
    with contextlib.suppress(
        TimeoutError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException
    ):
        async with asyncio.timeout(BODY_S):
            async for piece in response.aiter_stream():
                read += piece
                if len(read) >= BODY_BYTES:
                    break
    return read[:BODY_BYTES].decode("utf-8", "replace").replace("\x00", "�")


def _trusted() -> ssl.SSLContext:
    """Mozilla's roots, and those that the machine's owner added."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context
