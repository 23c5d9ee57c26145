"""``roomtone serve``: the whole system in one process, or one role of several."""

import asyncio
import gc
import signal
import socket
import sys
from types import FrameType

import click
import structlog
import uvicorn
import uvloop
from msgspec.structs import replace

from roomtone.cli.credentials import Credentials, prepare_shared
from roomtone.cli.init import show
from roomtone.cli.logs import log_to_stderr
from roomtone.cli.options import with_settings
from roomtone.cli.tls import check_tls
from roomtone.model.errors import Failed
from roomtone.model.limits import MAX_SOCKET_MESSAGE_BYTES
from roomtone.settings import Settings
from roomtone.web.connections import CLOSE, answering_early
from roomtone.web.console.door import console_link
from roomtone.wiring import Roomtone

BACKLOG = 2048
ACCEPTED_AT_ONCE = 8
"""Connections taken in one turn of the event loop. libuv takes one from each socket that listens
(since 1.46), so a thousand that come to a busy server would wait a thousand turns; and an empty
look costs less than a microsecond."""
GC_YOUNG = 20_000
"""Allocations between two looks at young objects: a request makes a few hundred, few in cycles."""
KEEP_ALIVE_S = 75
"""Longer than collectors pause: making a connection anew costs more than keeping it."""
GRACE_S = 10
"""How long requests that are under way may take when the server is asked to stop."""

log = structlog.get_logger()


@click.command()
@click.option("--call", "meeting_id", help="Print a link to the call page of this meeting.")
@with_settings()
def serve(settings: Settings, *, meeting_id: str | None) -> None:
    """Serve the API and the collector doors from one data folder, or one role of a deployment."""
    log_to_stderr(settings.log_level)
    check_tls(settings)
    listener = listen(settings.host, settings.port)
    # Port 0 asks for any free port: what people are shown is the one that was given.
    settings = replace(settings, port=listener.getsockname()[1])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, listener, meeting_id))


async def _serve(settings: Settings, listener: socket.socket, meeting_id: str | None) -> None:
    roomtone = Roomtone(settings)
    credentials, made = await prepare_shared(roomtone)
    log.info("started", role=settings.role, url=settings.url, worker=roomtone.worker_id)
    click.echo(
        f"Roomtone serves {settings.url}  (data: {roomtone.folder}, docs: {settings.url}/docs)"
    )
    if credentials is not None:
        await _greet(roomtone, credentials, meeting_id, made=made)
    elif meeting_id is not None:
        raise Failed("--call needs the credentials of this data folder.", "Use `roomtone call`.")
    sys.stdout.flush()
    _settle_memory()
    application = roomtone.application()
    config = uvicorn.Config(
        application,
        http=answering_early(application.state.early),
        access_log=False,
        log_config=None,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        ws="websockets-sansio",
        ws_max_size=MAX_SOCKET_MESSAGE_BYTES,
        timeout_graceful_shutdown=GRACE_S,
        # Else a request that was sent ahead would begin with what its predecessor put in the log.
        reset_contextvars=True,
        # Whom to believe about addresses is for the setting trusted_proxies to say.
        proxy_headers=False,
        ssl_certfile=settings.tls_certificate or None,
        ssl_keyfile=settings.tls_key or None,
    )
    listeners = [listener, *(listener.dup() for _ in range(ACCEPTED_AT_ONCE - 1))]
    await _Server(config, roomtone).serve(sockets=listeners)


async def _greet(
    roomtone: Roomtone, credentials: Credentials, meeting_id: str | None, *, made: bool
) -> None:
    """Tell the person who started it how to get in: what opens anything, at a terminal only.

    Where somebody else reads along, as in a container's log or the journal of a service, the
    secrets are told by the place where they are kept.
    """
    url = roomtone.settings.url
    seen = sys.stdout.isatty()
    if made:
        click.echo("First start: made an account, an app and an admin token.")
        if seen:
            show(credentials)
        click.echo(f"They are kept in {roomtone.folder}/credentials.json (readable by you only).")
    if meeting_id is not None:
        invited = await roomtone.invitations.link(credentials.app_id, meeting_id)
        click.echo(f"Call: {invited.url}")
    if roomtone.settings.role in ("all", "api"):
        if seen:
            link = console_link(
                roomtone.console_keys, url, credentials.api_token, roomtone.clock.now()
            )
            how = f"{link}  (once, within ten minutes; `roomtone console` prints another)"
        else:
            how = f"{url}/console  (`roomtone console` prints a link that signs in)"
        click.echo(f"Console: {how}")


class _Server(uvicorn.Server):
    """Drains before it stops, and ends streams, for which it would wait otherwise."""

    def __init__(self, config: uvicorn.Config, roomtone: Roomtone) -> None:
        super().__init__(config)
        self._roomtone = roomtone
        self._asked_before = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Asked to stop, by a signal; a second one, or a key, does not wait for balancers."""
        loop = asyncio.get_running_loop()
        drain_s = self._roomtone.settings.drain_s
        loop.call_soon_threadsafe(self._roomtone.feed.close)
        if sig != signal.SIGTERM or drain_s == 0 or self._asked_before:
            super().handle_exit(sig, frame)
            return
        self._asked_before = True
        log.info("draining", seconds=drain_s)
        self._roomtone.drain()
        # Every answer from now on ends its connection: at the end none is left for a balancer to
        # send one more request on. The server makes its headers anew every second, of these.
        self.config.encoded_headers.append(CLOSE)
        self.server_state.default_headers = [*self.server_state.default_headers, CLOSE]
        loop.call_soon_threadsafe(loop.call_later, drain_s, super().handle_exit, sig, None)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is under way, and say so: a start that follows no such line follows a
        crash."""
        await super().shutdown(sockets)
        log.info("stopped in order", role=self._roomtone.settings.role)


def _settle_memory() -> None:
    """Take what start-up made out of the garbage collector's sight.

    A quarter of a million objects live as long as the process; looking through them again and again
    cost a third of the time of a hot request (docs/performance.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_YOUNG, 20, 50)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Failed, with what to do, when the port is not to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise Failed(
            f"cannot listen on {host} port {port}: {error}",
            "Stop what uses the port, or choose another with --port (0 takes any free one).",
        ) from None
    return listener
