"""A dump of chrome://webrtc-internals of half an hour, taken in: read, kept, folded, sealed."""

import asyncio
import gzip
import json
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any

from bench.figures import Figure, median
from roomtone.services.importing import Importer
from roomtone.services.tenants import Tenants
from roomtone.settings import Settings
from roomtone.sources.recordings import decode_file
from roomtone.wiring import Roomtone

GOAL_S = 2.0
SAMPLES = 1_000
"""All that Chrome keeps of half an hour at one a second."""
LASTING = 25
TIMES, QUICK_TIMES = 5, 2
RECORDED = Path(__file__).resolve().parents[1] / "tests/data/wires/webrtc-internals-clean.json.gz"


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """The recorded dump with every series as long as Chrome lets it grow."""
    file = json.dumps(stretched(json.loads(gzip.decompress(RECORDED.read_bytes())))).encode()
    spent = asyncio.run(_import(folder / "import", file, QUICK_TIMES if quick else TIMES))
    return [
        Figure(
            part="import",
            what=f"webrtc-internals, 30 minutes, {len(file) / 1e6:.0f} MB",
            value=median(spent),
            unit="s",
            goal=GOAL_S,
            more_is_better=False,
        )
    ]


def stretched(dump: dict[str, Any]) -> dict[str, Any]:
    """Counters go on at the pace at which they ended; all else stays as it was."""
    for connection in dump["PeerConnections"].values():
        for series in connection["stats"].values():
            values = json.loads(series["values"])
            if len(values) < LASTING:
                continue  # gone before the end, as in the recorded call
            missing = SAMPLES - len(values)
            step = _step(values)
            grown = [values[-1] + step * n if step else values[-1] for n in range(1, missing + 1)]
            series["values"] = json.dumps([*values, *grown])
    return dump


def _step(values: list[Any]) -> float:
    last = values[-2:]
    if len(last) < 2 or any(isinstance(v, bool) or not isinstance(v, int | float) for v in last):
        return 0
    return max(0, last[1] - last[0])


async def _import(data: Path, file: bytes, times: int) -> list[float]:
    roomtone = Roomtone(Settings(data=str(data)))
    tenants: Tenants = roomtone.tenants
    importer: Importer = roomtone.importer
    spent = []
    try:
        account = await tenants.create_account("bench")
        app = await tenants.create_app(account.id, "bench")
        for number in range(times):
            start = time.perf_counter()
            peers = decode_file(file)
            digest = blake2b(file + b"%d" % number, digest_size=16).digest()
            await importer.take(app.id, "half an hour", digest, peers)
            spent.append(time.perf_counter() - start)
    finally:
        await roomtone.close()
    return spent
