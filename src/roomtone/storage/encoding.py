"""How facts and presences lie in the database: msgpack, and zstd over the facts.

A batch is stored as it came, in a microsecond or thirty. Packing (:mod:`packing`) makes it dense
once nobody waits for it.
"""

import threading
from collections.abc import Sequence

import msgspec
import zstandard

from roomtone.model.errors import Failed
from roomtone.model.facts import AnyFact
from roomtone.model.presence import Presence

_LEVEL = -1
"""On batches of 10 KB that become 2.2, level 1 takes half as long again for a tenth of the bytes,
which are here only until they are packed."""

_encode = msgspec.msgpack.Encoder().encode
_decode_facts = msgspec.msgpack.Decoder(list[AnyFact]).decode
_decode_presence = msgspec.msgpack.Decoder(Presence).decode


class _Zstd(threading.local):
    """Compressors keep a state, so each thread has its own."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=_LEVEL).compress
        self.decompress = zstandard.ZstdDecompressor().decompress


_zstd = _Zstd()


def unreadable() -> Failed:
    """What to raise for stored bytes that make no sense."""
    return Failed(
        "A stored row cannot be read.",
        "It was written by a newer Roomtone, or the database file is damaged: "
        "run the newest version, or restore a backup.",
    )


def encode_facts(facts: Sequence[AnyFact]) -> bytes:
    """Facts as the bytes of one batch."""
    return _zstd.compress(_encode(facts))


def decode_facts(data: bytes) -> list[AnyFact]:
    """The facts of one batch. Raises Failed."""
    try:
        return _decode_facts(_zstd.decompress(data))
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise unreadable() from error


def encode_presence(presence: Presence) -> bytes:
    """A presence as msgpack."""
    return _encode(presence)


def decode_presence(data: bytes) -> Presence:
    """And back. Raises Failed."""
    try:
        return _decode_presence(data)
    except msgspec.DecodeError as error:
        raise unreadable() from error


def distinct(facts: Sequence[AnyFact]) -> list[AnyFact]:
    """The facts without repetitions: two that encode to the same bytes are one fact."""
    return list({_encode(fact): fact for fact in facts}.values())
