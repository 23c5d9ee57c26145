"""Recordings of getStats(): ``{"ua": …, "samples": [{label: {"t": …, "stats": …}}]}``.

A label is a peer (``a``: its only connection) or ``<local>-<remote>``, one RTCPeerConnection of a
mesh. ``stats`` is an RTCStatsReport as an object by id, or as a list.
"""

from typing import Any

import msgspec
from msgspec import Struct

from roomtone.model.errors import BadRequest, Fault, Invalid
from roomtone.model.limits import MAX_ID_CHARS
from roomtone.model.stats import EpochMs
from roomtone.sources.faults import MALFORMED
from roomtone.sources.recorded import RecordedPeer, Sample, inflated, recording_facts

__all__ = ["RecordedPeer", "decode_recording", "recording_facts"]


class _Sample(Struct, frozen=True):
    t: EpochMs
    stats: dict[str, dict[str, Any]] | list[dict[str, Any]]


class _File(Struct, frozen=True):
    samples: list[dict[str, _Sample | None]]
    ua: str | None = None


_DECODER = msgspec.json.Decoder(_File)


def decode_recording(data: bytes) -> list[RecordedPeer]:
    """The peers of a recording, plain or gzip, in the order of their labels. Raises Refused."""
    try:
        file = _DECODER.decode(inflated(data))
    except msgspec.ValidationError as error:
        raise Invalid("Not a recording of getStats().", (Fault("", str(error)),)) from None
    except MALFORMED as error:
        raise BadRequest(f"The recording is not JSON: {error}.") from None
    samples: dict[str, list[Sample]] = {}
    labels: set[str] = set()
    for row in file.samples:
        for pc, sample in row.items():
            labels.add(pc)
            if sample is not None:
                local = pc.partition("-")[0][:MAX_ID_CHARS]
                samples.setdefault(local, []).append(_sample(pc[:MAX_ID_CHARS], sample))
    return [
        RecordedPeer(
            label=local,
            remote_labels=_remotes(local, labels),
            user_agent=file.ua,
            samples=sorted(of_peer, key=lambda sample: sample.t),
        )
        for local, of_peer in sorted(samples.items())
    ]


def _sample(pc: str, sample: _Sample) -> Sample:
    stats = sample.stats
    report = list(stats.values()) if isinstance(stats, dict) else stats
    return Sample(t=int(sample.t), pc=pc, report=report)


def _remotes(local: str, labels: set[str]) -> dict[str, str]:
    """In a mesh the label says who is at the other end; in a call of two it is the other one."""
    remotes = {}
    for label in sorted(labels):
        here, dash, there = label.partition("-")
        if here == local and dash:
            remotes[label] = there
        elif here == local and len(labels) == 2:
            (remotes[label],) = labels - {label}
    return remotes
