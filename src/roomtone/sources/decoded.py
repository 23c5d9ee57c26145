"""What a decoder hands on."""

from msgspec import Struct

from roomtone.model.facts import AnyFact


class Decoded(Struct, frozen=True):
    """One body of a collector request, understood."""

    peer_id: str
    """A lower-case UUID."""
    seq: int | None
    """The batch's number, from senders that number their batches."""
    facts: tuple[AnyFact, ...]
    entries: int
    """How many entries the body held; an entry may make any number of facts."""
