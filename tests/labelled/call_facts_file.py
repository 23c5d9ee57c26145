"""The kept calls: facts of each peer as the journal held them, small."""

import gzip
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from roomtone.model.facts import AnyFact
from roomtone.model.presence import Presence

CALLS = Path(__file__).resolve().parent.parent / "data" / "calls"


class PeerFacts(Struct, frozen=True):
    """Everything that the journal held of a peer."""

    peer_id: str
    user_id: str
    name: str
    presence: Presence
    facts: tuple[AnyFact, ...]


_decode = msgspec.json.Decoder(list[PeerFacts]).decode


def path_of(name: str) -> Path:
    """Where a call is kept."""
    return CALLS / f"{name}.json.gz"


def save(name: str, peers: list[PeerFacts]) -> Path:
    """Keep a call."""
    path = path_of(name)
    path.write_bytes(gzip.compress(msgspec.json.encode(peers), 9, mtime=0))
    return path


@cache
def load(name: str) -> list[PeerFacts]:
    """A kept call."""
    return _decode(gzip.decompress(path_of(name).read_bytes()))
