"""Bodies for the collector's door, made of the recordings of real calls that Roomtone bundles."""

import gzip
import json
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

from msgspec import Struct

from bench.servers import HOST
from roomtone.sources.recorded import Sample
from roomtone.sources.recordings import decode_file

CLEAN, LOSSY, MESH = (
    "getstats-clean.json.gz",
    "getstats-lossy.json.gz",
    "getstats-mesh3-clean.json.gz",
)
SEQ = 1_000_000_000
"""Where the numbers of batches start: they keep one width, so bodies are made once."""
_SEQ_MARK = b"1000000000"
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"

_EPOCH_MEMBERS = frozenset(
    {"timestamp", "lastPacketReceivedTimestamp", "lastPacketSentTimestamp", "remoteTimestamp"}
)


class Connection(Struct, frozen=True):
    """One recorded RTCPeerConnection: its getStats() results in the order of time."""

    name: str
    samples: tuple[Sample, ...]


def connections(name: str) -> list[Connection]:
    """The connections of a bundled recording, without certificates: they tell nothing of a call."""
    found: dict[str, list[Sample]] = {}
    for peer in decode_file(
        gzip.decompress((files("roomtone") / "recordings" / name).read_bytes())
    ):
        for sample in peer.samples:
            report = [stat for stat in sample.report if stat["type"] != "certificate"]
            found.setdefault(sample.pc, []).append(Sample(sample.t, sample.pc, report))
    return [Connection(f"{name}:{pc}", tuple(samples)) for pc, samples in found.items()]


def now_ms() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000


def moved(report: list[dict[str, Any]], by_ms: float) -> list[dict[str, Any]]:
    """The report, told ``by_ms`` later."""
    return [
        {k: v + by_ms if k in _EPOCH_MEMBERS and v else v for k, v in stat.items()}
        for stat in report
    ]


def stats_entry(t: int, pc: str, report: list[Any], tracks: list[Any]) -> dict[str, Any]:
    """A ``stats`` entry of the collector protocol."""
    return {
        "event": "stats",
        "timestamp": t,
        "metaData": {"pc": pc, "report": report, "tracks": tracks},
    }


def own_tracks(report: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What a page tells of the tracks in a report."""
    return [
        {
            "track_identifier": stat["trackIdentifier"],
            "source": "microphone" if stat["kind"] == "audio" else "camera",
        }
        for stat in report
        if stat["type"] in ("media-source", "inbound-rtp") and stat.get("trackIdentifier")
    ]


def entries_at(connection: Connection, at: int, count: int, end: int) -> list[dict[str, Any]]:
    """``count`` snapshots in a row, from number ``at`` on, the last of them taken at ``end``."""
    chosen = [connection.samples[n % len(connection.samples)] for n in range(at, at + count)]
    entries = []
    for number, sample in enumerate(chosen, 1):
        t = end - (count - number) * 1_000
        report = moved(sample.report, t - sample.t)
        entries.append(stats_entry(t, "pc", report, own_tracks(report)))
    return entries


def request(path: str, token: str, body: bytes) -> bytes:
    """A POST as bytes."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {HOST}\r\nauthorization: Bearer {token}\r\n"
        f"user-agent: {USER_AGENT}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def encoded(peer_id: str, entries: list[Any], seq: int = SEQ) -> bytes:
    """A body of the collector protocol, compact as a browser writes it."""
    said = {"peer_id": peer_id, "seq": seq, "entries": entries}
    return json.dumps(said, separators=(",", ":")).encode()


def numbered(requests: Sequence[bytes], start: int) -> Callable[[], bytes]:
    """The requests in turn, each with a number of its own: ``start``, and on from there."""
    split = []
    for whole in requests:
        head, mark, tail = whole.partition(b'"seq":' + _SEQ_MARK)
        split.append((head + mark[:-10], tail))
    count = start

    def make() -> bytes:
        nonlocal count
        head, tail = split[count % len(split)]
        count += 1
        return b"%b%d%b" % (head, SEQ + count, tail)

    return make
