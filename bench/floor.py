"""The floors: what Starlette and uvicorn give on this machine before Roomtone does anything.

``same``     Roomtone itself, with a journal that keeps nothing and without its loops
``collect``  a bare Starlette: reads and decodes the body into the same structs, answers the same
``report``   returns the bytes of a file with the headers of a sealed report, on a route as deep
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import msgspec
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from bench.servers import HOST
from roomtone.ports.journal import Batch
from roomtone.settings import Settings
from roomtone.sources.wire import decode_batch
from roomtone.wiring import Roomtone

CORS = {"access-control-allow-origin": "*"}
REPORT_HEADERS = {"content-encoding": "gzip", "vary": "accept-encoding"}
JSON = "application/json"
BACKLOG = 2048


def collect_app() -> Starlette:
    """The collector's door with nothing behind it."""

    async def collect(request: Request) -> Response:
        body = await request.body()
        decoded = decode_batch(
            body,
            now=time.time_ns() // 1_000_000,
            mask=True,
            user_agent=request.headers.get("user-agent"),
        )
        data = {"accepted": decoded.entries, "next_seq": (decoded.seq or 0) + 1}
        answer = msgspec.json.encode({"success": True, "data": data})
        return Response(answer, 202, headers=CORS, media_type=JSON)

    return Starlette(routes=[_ready(), Route("/v1/collect", collect, methods=["POST"])])


def same_app(data: Path, database: str = "") -> Starlette:
    """The same server over the same folder, for whom every batch is new and none is kept."""
    settings = Settings(data=str(data), database=database, rate_limit=0, ingest_limit=0)
    server = Roomtone(settings)

    async def forget(batches: Sequence[Batch]) -> list[bool]:
        return [True] * len(batches)

    server.journal.append = forget  # type: ignore[method-assign]
    return server.application()


def report_app(file: Path, *, plain: bool, copies: int = 1) -> Starlette:
    """One route as deep as the peer report's, and always the same bytes, from as many places in
    memory: one alone would never leave the processor's cache."""
    bodies = cycle([bytes(bytearray(file.read_bytes())) for _ in range(copies)])
    headers = {"vary": REPORT_HEADERS["vary"]} if plain else REPORT_HEADERS

    async def report(request: Request) -> Response:
        return Response(next(bodies), 200, headers=headers, media_type=JSON)

    path = "/{account_id}/realtime/kit/{app_id}/sessions/peer-report/{peer_id}"
    deep = Mount("/client/v4/accounts", routes=[Route(path, report)])
    return Starlette(routes=[_ready(), deep])


def _ready() -> Route:
    async def ready(_: Request) -> Response:
        return Response(b"{}", media_type=JSON)

    return Route("/readyz", ready)


def main() -> None:
    """Serve one of them until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=("same", "collect", "report"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--database", default="", help="of the same server, if not its file")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--plain", action="store_true", help="say nothing of gzip")
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--port", type=int, required=True)
    asked = parser.parse_args()
    if asked.kind == "same":
        app = same_app(asked.data, asked.database)
    elif asked.kind == "collect":
        app = collect_app()
    else:
        app = report_app(asked.file, plain=asked.plain, copies=asked.copies)
    config = uvicorn.Config(
        app,
        host=HOST,
        port=asked.port,
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        backlog=BACKLOG,
        lifespan="off",  # no loops: a floor does nothing but answer
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
