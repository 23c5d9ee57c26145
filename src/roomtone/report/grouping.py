"""Grouping: the intervals of all streams → the arrays of ``peer_report.quality`` and their sums."""

from collections.abc import Mapping

from roomtone.model import readings as r
from roomtone.report import cumulative
from roomtone.report.consumed import Consumer
from roomtone.report.intervals import (
    Interval,
    Label,
    ReceivedAudio,
    ReceivedVideo,
    Sent,
    SentVideo,
    labels_of,
)
from roomtone.report.observed import AUDIO, RECEIVED, SENT, VIDEO, ObservedStream
from roomtone.report.outbound import OutboundSeries
from roomtone.report.produced import VideoProducer, audio_reading
from roomtone.report.state import PeerState
from roomtone.report.traces import ProducerTrace, Senders, peer_id_of, producer_name

SCREEN = ("screenshare", "screenshare_audio")
"""Sources of a track that belong to a shared screen; the kind tells its picture from its sound."""


class Arrays:
    """The eight arrays, by (is it a screen's) → readings."""

    def __init__(self) -> None:
        self.audio_producer: dict[bool, list[r.AudioProducerReading]] = {False: [], True: []}
        self.audio_consumer: dict[bool, list[r.AudioConsumerReading]] = {False: [], True: []}
        self.video_producer: dict[bool, list[r.VideoProducerReading]] = {False: [], True: []}
        self.video_consumer: dict[bool, list[r.VideoConsumerReading]] = {False: [], True: []}
        self.streams: list[ObservedStream] = []

    def sort(self) -> None:
        """By time; readings of one moment by stream."""
        for screen in (False, True):
            self.audio_producer[screen].sort(key=lambda x: (x.timestamp, x.producer_id))
            self.video_producer[screen].sort(key=lambda x: (x.timestamp, x.producer_id))
            self.audio_consumer[screen].sort(key=lambda x: (x.timestamp, x.consumer_id))
            self.video_consumer[screen].sort(key=lambda x: (x.timestamp, x.consumer_id))


class Seen:
    """Puts the readings of one series to the streams that they are of: a label may change."""

    def __init__(self, into: list[ObservedStream], way: str, transport: str) -> None:
        self._into = into
        self._way = way
        self._transport = transport
        self._by_name: dict[tuple[str, bool, str], ObservedStream] = {}

    def _stream(
        self, kind: str, screen: bool, stream_id: str, producer_id: str, peer_id: str
    ) -> ObservedStream:
        found = self._by_name.get((stream_id, screen, producer_id))
        if found is None:
            found = ObservedStream(
                self._way,
                *(kind, screen, stream_id, peer_id, producer_id),
                *(self._transport, False, [], [], []),
            )
            self._by_name[stream_id, screen, producer_id] = found
            self._into.append(found)
        return found

    def received(
        self, kind: str, screen: bool, reading: r.ConsumerReading, it: Interval, consumer: Consumer
    ) -> None:
        """A consumer's."""
        sender, producer = reading.peer_id or "", reading.producer_id or ""
        stream = self._stream(kind, screen, reading.consumer_id, producer, sender)
        stream.peer_id = stream.peer_id or sender
        stream.direct = stream.direct or consumer.direct
        stream.readings.append(reading)
        stream.intervals.append(it)
        if kind == VIDEO:
            stream.sent_fps.append(consumer.sent_fps)

    def sent(
        self, kind: str, screen: bool, reading: r.ProducerReading, it: Interval, peer_id: str
    ) -> None:
        """A producer's."""
        name = reading.producer_id
        stream = self._stream(kind, screen, name, name, peer_id)
        stream.readings.append(reading)
        stream.intervals.append(it)


def arrays(
    state: PeerState, others: Mapping[str, ProducerTrace], offset: int, scale: str
) -> Arrays:
    """All readings of a peer; ``offset`` puts its times on the server's clock."""
    made = Arrays()
    senders = Senders(others)
    for streams in state.streams.values():
        for producer in streams.producers.values():
            _produced(made, producer, peer_id_of(state), offset, scale)
        transport = streams.path.transport_id
        for series in streams.inbound.values():
            intervals = series.all_intervals()
            consumer = Consumer(series, senders, offset, scale)
            seen = Seen(made.streams, RECEIVED, transport)
            for it, label in zip(intervals, labels_of(intervals), strict=True):
                screen = is_screen(label)
                if isinstance(it, ReceivedAudio):
                    heard = consumer.audio(it, label)
                    made.audio_consumer[screen].append(heard)
                    seen.received(AUDIO, screen, heard, it, consumer)
                elif isinstance(it, ReceivedVideo):
                    shown = consumer.video(it, label, screen)
                    made.video_consumer[screen].append(shown)
                    seen.received(VIDEO, screen, shown, it, consumer)
    made.sort()
    return made


def is_screen(label: Label) -> bool:
    """Streams that nobody labelled count as microphone and camera."""
    return label.source in SCREEN


def _produced(made: Arrays, series: OutboundSeries, peer_id: str, offset: int, scale: str) -> None:
    intervals = series.all_intervals()
    seen = Seen(made.streams, SENT, series.path.transport_id)
    makers = {screen: VideoProducer(screen, offset, scale) for screen in (False, True)}
    for it, label in zip(intervals, labels_of(intervals), strict=True):
        name = producer_name(series, label.producer_id, peer_id)
        screen = is_screen(label)
        if isinstance(it, SentVideo):
            filmed = makers[screen].reading(it, name)
            made.video_producer[screen].append(filmed)
            seen.sent(VIDEO, screen, filmed, it, peer_id)
        elif isinstance(it, Sent):
            spoken = audio_reading(it, name, offset, scale)
            made.audio_producer[screen].append(spoken)
            seen.sent(AUDIO, screen, spoken, it, peer_id)


def quality(made: Arrays) -> r.Quality:
    """The sixteen keys."""
    return r.Quality(
        audio_producer=made.audio_producer[False],
        audio_producer_cumulative=cumulative.audio_producer(made.audio_producer[False]),
        audio_consumer=made.audio_consumer[False],
        audio_consumer_cumulative=cumulative.audio_consumer(made.audio_consumer[False]),
        video_producer=made.video_producer[False],
        video_producer_cumulative=cumulative.video_producer(made.video_producer[False]),
        video_consumer=made.video_consumer[False],
        video_consumer_cumulative=cumulative.video_consumer(made.video_consumer[False]),
        screenshare_audio_producer=made.audio_producer[True],
        screenshare_audio_producer_cumulative=cumulative.audio_producer(made.audio_producer[True]),
        screenshare_audio_consumer=made.audio_consumer[True],
        screenshare_audio_consumer_cumulative=cumulative.audio_consumer(made.audio_consumer[True]),
        screenshare_video_producer=made.video_producer[True],
        screenshare_video_producer_cumulative=cumulative.video_producer(made.video_producer[True]),
        screenshare_video_consumer=made.video_consumer[True],
        screenshare_video_consumer_cumulative=cumulative.video_consumer(made.video_consumer[True]),
    )
