"""Janus' media statistics of one handle → W3C stats as that peer's own browser would count them.

Janus counts from its own end. What it *receives* of a publisher is that peer's outbound stream, and
Janus is its remote-inbound: loss and jitter are those of the uplink, as Janus measured them. What
it *sends* to a subscriber is that peer's inbound stream; loss and jitter are those that the peer
reported back in RTCP. So:

* sent = received by Janus + lost on the way to it; bytes are those that arrived.
* received = sent by Janus - lost on the way from it; bytes are those that Janus sent.
* Janus gives whole milliseconds, and 0 for what it does not know: a round trip of 0 is unknown, and
  until a peer's first report is seen its loss and jitter are unknown, not zero.
"""

from typing import Annotated

from msgspec import Meta, Struct

from roomtone.model.stats import (
    CandidatePair,
    Codec,
    InboundRtp,
    KeptStat,
    OutboundRtp,
    RemoteInboundRtp,
)

_Count = Annotated[float, Meta(ge=0, le=2.0**53)]


class MediaStats(Struct, frozen=True, rename="kebab"):
    """Type 32, subtype 3. Members that are not used are not named."""

    media: str
    mid: str = ""
    codec: str = ""
    base: _Count = 0
    rtt: _Count = 0
    lost: Annotated[float, Meta(ge=-(2.0**53), le=2.0**53)] = 0
    lost_by_remote: Annotated[float, Meta(ge=-(2.0**53), le=2.0**53)] = 0
    jitter_local: _Count = 0
    jitter_remote: _Count = 0
    out_link_quality: _Count = 0
    packets_received: _Count = 0
    packets_sent: _Count = 0
    bytes_received: _Count = 0
    bytes_sent: _Count = 0
    bytes_received_lastsec: _Count = 0
    bytes_sent_lastsec: _Count = 0
    nacks_received: _Count = 0
    nacks_sent: _Count = 0

    @property
    def kind(self) -> str:
        """``audio`` or ``video``; simulcast layers are ``video-sim1``, ``video-sim2``."""
        return self.media.partition("-")[0]

    @property
    def place(self) -> str:
        """Names the stream within its handle; servers before 1.0 gave no mid."""
        return self.mid or self.kind

    @property
    def flows(self) -> bool:
        """Whether anything came or went within the last second."""
        return self.bytes_received_lastsec > 0 or self.bytes_sent_lastsec > 0

    @property
    def heard_back(self) -> bool:
        """Whether this shows that the peer has reported on what it receives."""
        return bool(self.rtt or self.jitter_remote or self.lost_by_remote or self.out_link_quality)


def published(said: MediaStats, t: float) -> list[KeptStat]:
    """What a publisher sends; nothing before its first packet. ``t``: epoch ms."""
    if not said.packets_received:
        return []
    name, lost = said.media + said.mid, max(0.0, said.lost)
    codec = _codec(said, t)
    return [
        *codec,
        OutboundRtp(
            id=name,
            timestamp=t,
            kind=said.kind,
            mid=said.place,
            codec_id=codec[0].id if codec else None,
            packets_sent=said.packets_received + lost,
            bytes_sent=said.bytes_received,
            nack_count=said.nacks_sent,
        ),
        RemoteInboundRtp(
            id=f"remote {name}",
            timestamp=t,
            kind=said.kind,
            local_id=name,
            packets_received=said.packets_received,
            packets_lost=said.lost,
            jitter=said.jitter_local / 1_000,
            round_trip_time=said.rtt / 1_000 if said.rtt else None,
        ),
    ]


def subscribed(
    said: MediaStats, t: float, heard_back: bool, received_before: float
) -> list[KeptStat]:
    """What a subscriber receives; nothing before the first packet. ``t``: epoch ms.

    ``received_before``: packets of the report before. A loss that is reported late must not lower
    the count: that would look like a stream that began anew.
    """
    if not said.packets_sent:
        return []
    lost = said.lost_by_remote if heard_back else None
    codec = _codec(said, t)
    stats: list[KeptStat] = [
        *codec,
        InboundRtp(
            id=said.media + said.mid,
            timestamp=t,
            kind=said.kind,
            mid=said.place,
            codec_id=codec[0].id if codec else None,
            packets_received=max(received_before, said.packets_sent - max(0.0, lost or 0.0)),
            packets_lost=lost,
            jitter=said.jitter_remote / 1_000 if heard_back else None,
            bytes_received=said.bytes_sent,
            nack_count=said.nacks_received,
        ),
    ]
    if said.rtt:
        pair = CandidatePair(
            id="rtcp", timestamp=t, nominated=True, current_round_trip_time=said.rtt / 1_000
        )
        stats.append(pair)
    return stats


def _codec(said: MediaStats, t: float) -> list[KeptStat]:
    if not said.codec:
        return []
    return [
        Codec(
            id=f"codec {said.codec}",
            timestamp=t,
            mime_type=f"{said.kind}/{said.codec}",
            clock_rate=said.base or None,
        )
    ]
