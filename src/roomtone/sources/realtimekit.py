"""The ``ping_stat`` event of RealtimeKit's own web client → Snapshots (contract 6.5).

A ping holds the running getStats() totals of two transports, already regrouped by producer and
consumer. They become the W3C's objects again, with the tracks that name producer, consumer and
sender. What the client does to the numbers on the way (callstats 8.0.0, read and recorded):

* ``totalEncodeTime`` holds ``targetBitrate`` on Blink, and ``totalEncodeTime`` elsewhere; only the
  user agent tells, so without one neither is believed.
* ``|| 0`` on a few members makes "not measured" look like zero. Where Blink always measures them
  zero stays zero. Elsewhere a zero among ``_MAYBE_ABSENT`` is None: missing is not zero.
  ``currentRoundTripTime`` is not among those: Blink rounds it to ms, so 0 is a fast network.
* Several pairs stay nominated; the one that sent last is in use (the client's own choice is wrong).
* Consumers that are new are ``null`` for one ping, with nothing to say about that interval.
* There is no codec, only Chrome's codec id, which ends with the fmtp line.
"""

from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import asdict

from roomtone.model.facts import Snapshot, Track
from roomtone.model.stats import (
    CandidatePair,
    Codec,
    InboundRtp,
    KeptStat,
    LocalCandidate,
    OutboundRtp,
    RemoteCandidate,
    RemoteInboundRtp,
    Transport,
)
from roomtone.sources.addresses import masked
from roomtone.sources.faults import decode_or_refuse
from roomtone.sources.ids import peer_id_of
from roomtone.sources.realtimekit_wire import (
    Ping,
    PingAppData,
    PingConsumer,
    PingPair,
    PingProducer,
    PingReceived,
    PingRemoteData,
    PingSent,
    PingTransport,
    PingTransportStats,
)
from roomtone.sources.selection import ABSURD_JITTER_S, liveliness
from roomtone.sources.user_agents import BLINK, GECKO, WEBKIT

_MAYBE_ABSENT = (
    "total_decode_time",
    "total_freezes_duration",
    "freeze_count",
    "pause_count",
    "qp_sum",
)

_DECODER = msgspec.json.Decoder(Ping)


class _Streams(Struct):
    """Streams of one transport, with what they are."""

    stats: list[KeptStat]
    tracks: list[Track]
    codecs: dict[str, Codec]


def ping_facts(raw: Raw, t: int, *, engine: str | None, mask: bool) -> tuple[Snapshot, ...]:
    """The one or two snapshots of a ping. Raises Invalid with every fault."""
    ping = decode_or_refuse(_DECODER, raw, Ping)
    up, down = ping.producing_transport_stats, ping.consuming_transport_stats
    sent = _Streams([], [], {})
    received = _Streams([], [], {})
    for producer in ping.producer_stats or ():
        if producer is not None:
            _send(sent, producer, t, _transport_id(up), engine)
    for consumer in ping.consumer_stats or ():
        if consumer is not None:
            _receive(received, consumer, t, _transport_id(down), engine)
    if up is not None and down is not None and up.transport_id and _same(up, down):
        merged = _Streams(
            sent.stats + received.stats,
            sent.tracks + received.tracks,
            sent.codecs | received.codecs,
        )
        return (_snapshot(up if up.stats else down, merged, t, "both", mask),)
    made = []
    if up is None or up.transport_id or sent.stats:
        made.append(_snapshot(up, sent, t, "producing", mask))
    if (down is not None and down.transport_id) or received.stats:
        made.append(_snapshot(down, received, t, "consuming", mask))
    return tuple(made) or (_snapshot(None, sent, t, "producing", mask),)


def _same(up: PingTransport, down: PingTransport) -> bool:
    return up.transport_id == down.transport_id


def _transport_id(transport: PingTransport | None) -> str | None:
    return None if transport is None else transport.transport_id


def _snapshot(
    transport: PingTransport | None, streams: _Streams, t: int, role: str, mask: bool
) -> Snapshot:
    """A transport that the client has no longer, or never named, goes by its role."""
    name = _transport_id(transport) or role
    stats: list[KeptStat] = []
    if transport is not None and transport.stats is not None:
        stats = _connection(transport.stats, name, t, mask)
    return Snapshot(
        t=t,
        transport=name,
        role=role,
        stats=(*stats, *streams.codecs.values(), *streams.stats),
        tracks=tuple(streams.tracks),
    )


def _connection(said: PingTransportStats, name: str, t: int, mask: bool) -> list[KeptStat]:
    """The transport, and the pair in use with its two candidates."""
    nominated = [
        (_as_pair(pair, t), pair) for pair in said.candidate_pairs or () if pair and pair.nominated
    ]
    pair, ends = max(nominated, key=lambda both: liveliness(both[0]), default=(None, None))
    transport = Transport(
        id=name,
        timestamp=t,
        dtls_state=said.dtls_state,
        bytes_sent=said.bytes_sent,
        bytes_received=said.bytes_received,
        selected_candidate_pair_id=None if pair is None else pair.id,
    )
    if pair is None or ends is None:
        return [transport]
    address = masked if mask else _as_is
    local = LocalCandidate(
        id=pair.local_candidate_id or "",
        timestamp=t,
        candidate_type=ends.local_candidate_type,
        address=address(ends.local_candidate_address),
        port=ends.local_candidate_port,
        protocol=ends.local_candidate_protocol,
        network_type=ends.local_candidate_network_type,
        related_address=address(ends.local_candidate_related_address),
        related_port=ends.local_candidate_related_port,
        url=ends.local_candidate_url,
    )
    remote = RemoteCandidate(
        id=pair.remote_candidate_id or "",
        timestamp=t,
        candidate_type=ends.remote_candidate_type,
        address=address(ends.remote_candidate_address),
        port=ends.remote_candidate_port,
        protocol=ends.remote_candidate_protocol,
        url=ends.remote_candidate_url,
    )
    return [transport, pair, local, remote]


def _as_is(address: str | None) -> str | None:
    return address or None


def _as_pair(pair: PingPair, t: int) -> CandidatePair:
    return CandidatePair(
        id=f"{pair.local_candidate_id}_{pair.remote_candidate_id}",
        timestamp=t,
        local_candidate_id=pair.local_candidate_id,
        remote_candidate_id=pair.remote_candidate_id,
        nominated=pair.nominated,
        bytes_sent=pair.bytes_sent,
        bytes_received=pair.bytes_received,
        packets_sent=pair.packets_sent,
        packets_received=pair.packets_received,
        bytes_discarded_on_send=pair.bytes_discarded_on_send,
        packets_discarded_on_send=pair.packets_discarded_on_send,
        current_round_trip_time=pair.current_round_trip_time,
        total_round_trip_time=pair.total_round_trip_time,
        available_outgoing_bitrate=pair.available_outgoing_bitrate,
        available_incoming_bitrate=pair.available_incoming_bitrate,
        last_packet_sent_timestamp=pair.last_packet_sent_timestamp,
        last_packet_received_timestamp=pair.last_packet_received_timestamp,
    )


def _send(
    into: _Streams, producer: PingProducer, t: int, transport: str | None, engine: str | None
) -> None:
    share = producer.app_data is not None and producer.app_data.screen_share is True
    for kind, layers in (("audio", producer.audio_stats), ("video", producer.video_stats)):
        for sent in layers or ():
            if sent is None:
                continue
            members = asdict(sent)
            remote = members.pop("remote_data")
            told = members.pop("total_encode_time")
            if engine == BLINK:
                members["target_bitrate"] = told or None  # 0: the encoder has no target yet
            elif engine in (GECKO, WEBKIT):
                members["total_encode_time"] = told
            _mend(members)
            _note_codec(into, sent.codec_id, t, transport)
            stat_id = _stat_id("out", sent, producer.producer_id)
            into.stats.append(
                OutboundRtp(id=stat_id, timestamp=t, kind=kind, transport_id=transport, **members)
            )
            if remote is not None:
                into.stats.append(_heard_back(remote, stat_id, sent.ssrc, kind, t))
            _note_track(
                into,
                sent,
                Track(
                    match="", source=_source(kind, share), producer_id=producer.producer_id or ""
                ),
            )


def _heard_back(
    remote: PingRemoteData, local_id: str, ssrc: int | None, kind: str, t: int
) -> RemoteInboundRtp:
    """Declared by the client's types, though 8.0.0 never sends it."""
    return RemoteInboundRtp(
        id=f"remote-{local_id}",
        timestamp=t,
        ssrc=ssrc,
        kind=kind,
        local_id=local_id,
        **asdict(remote),
    )


def _receive(
    into: _Streams, consumer: PingConsumer, t: int, transport: str | None, engine: str | None
) -> None:
    app_data = consumer.app_data or PingAppData()
    peer_id = peer_id_of(consumer.peer_id or app_data.peer_id)
    share = app_data.screen_share is True
    for kind, layers in (("audio", consumer.audio_stats), ("video", consumer.video_stats)):
        for received in layers or ():
            if received is None:
                continue
            members = asdict(received)
            if received.jitter is not None and received.jitter > ABSURD_JITTER_S:
                members["jitter"] = None
            if engine != BLINK:
                for name in _MAYBE_ABSENT:
                    members[name] = members[name] or None
            _mend(members)
            _note_codec(into, received.codec_id, t, transport)
            stat_id = _stat_id("in", received, consumer.consumer_id)
            into.stats.append(
                InboundRtp(id=stat_id, timestamp=t, kind=kind, transport_id=transport, **members)
            )
            track = Track(
                match="",
                source=_source(kind, share),
                producer_id=consumer.producer_id or "",
                consumer_id=consumer.consumer_id or "",
                peer_id=peer_id,
            )
            _note_track(into, received, track)


def _mend(members: dict[str, Any]) -> None:
    """No frame is 0 pixels wide: none has come yet."""
    members["frame_width"] = members["frame_width"] or None
    members["frame_height"] = members["frame_height"] or None


def _stat_id(way: str, stream: PingSent | PingReceived, owner: str | None) -> str:
    return f"{way}-{owner or stream.mid}" if stream.ssrc is None else f"{way}-{stream.ssrc}"


def _source(kind: str, share: bool) -> str:
    if kind == "audio":
        return "screenshare_audio" if share else "microphone"
    return "screenshare" if share else "camera"


def _note_track(into: _Streams, stream: PingSent | PingReceived, track: Track) -> None:
    if stream.ssrc is not None:
        match = f"ssrc:{stream.ssrc}"
    elif stream.mid is not None:
        match = f"mid:{stream.mid}"
    else:
        return
    into.tracks.append(msgspec.structs.replace(track, match=match))


def _note_codec(into: _Streams, codec_id: str | None, t: int, transport: str | None) -> None:
    """Chrome's codec id is ``COT01_111_minptime=10;useinbandfec=1``: way, payload type, fmtp.

    ``useinbandfec`` and ``minptime`` are Opus's own parameters (RFC 7587 clause 6.1).
    """
    if codec_id is None or codec_id in into.codecs:
        return
    fmtp = codec_id.split("_", 2)[2] if codec_id.count("_") >= 2 else None
    if fmtp:
        opus = "useinbandfec=" in fmtp or "minptime=" in fmtp
        into.codecs[codec_id] = Codec(
            id=codec_id,
            timestamp=t,
            mime_type="audio/opus" if opus else None,
            sdp_fmtp_line=fmtp,
            clock_rate=48_000 if opus else None,
        )
