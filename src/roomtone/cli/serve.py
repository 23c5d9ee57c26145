"""``roomtone serve``: the whole system in one process."""

import asyncio
import gc
import socket
import sys

import click
import uvicorn
import uvloop
from msgspec.structs import replace

from roomtone.cli.credentials import prepare
from roomtone.cli.init import show
from roomtone.cli.logs import log_to_stderr
from roomtone.cli.options import with_settings
from roomtone.model.errors import Failed
from roomtone.settings import Settings
from roomtone.wiring import Roomtone

BACKLOG = 2048
GC_YOUNG = 20_000
"""Allocations between two looks at young objects: a request makes a few hundred, few in cycles."""
KEEP_ALIVE_S = 75
"""Longer than collectors pause: making a connection anew costs more than keeping it."""
GRACE_S = 10
"""How long requests that are under way may take when the server is asked to stop."""


@click.command()
@with_settings()
def serve(settings: Settings) -> None:
    """Serve the API and the collector doors from one data folder."""
    log_to_stderr(settings.log_level)
    listener = listen(settings.host, settings.port)
    # Port 0 asks for any free port: what people are shown is the one that was given.
    settings = replace(settings, port=listener.getsockname()[1])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, listener))


async def _serve(settings: Settings, listener: socket.socket) -> None:
    roomtone = Roomtone(settings)
    credentials, made = await prepare(roomtone)
    click.echo(
        f"Roomtone serves {settings.url}  (data: {roomtone.folder}, docs: {settings.url}/docs)"
    )
    if made:
        click.echo("First start: made an account, an app and an admin token.")
        show(credentials)
        click.echo(f"They are kept in {roomtone.folder}/credentials.json (readable by you only).")
    sys.stdout.flush()
    _settle_memory()
    config = uvicorn.Config(
        roomtone.application(),
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    await uvicorn.Server(config).serve(sockets=[listener])


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
