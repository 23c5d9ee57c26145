"""Grouping: the intervals of all streams → the arrays of ``peer_report.quality`` and their sums."""

from collections.abc import Mapping

from roomtone.model import readings as r
from roomtone.report import cumulative
from roomtone.report.consumed import Consumer
from roomtone.report.intervals import (
    Label,
    ReceivedAudio,
    ReceivedVideo,
    Sent,
    SentVideo,
    labels_of,
)
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

    def sort(self) -> None:
        """By time; readings of one moment by stream."""
        for screen in (False, True):
            self.audio_producer[screen].sort(key=lambda x: (x.timestamp, x.producer_id))
            self.video_producer[screen].sort(key=lambda x: (x.timestamp, x.producer_id))
            self.audio_consumer[screen].sort(key=lambda x: (x.timestamp, x.consumer_id))
            self.video_consumer[screen].sort(key=lambda x: (x.timestamp, x.consumer_id))


def arrays(
    state: PeerState, others: Mapping[str, ProducerTrace], offset: int, scale: str
) -> Arrays:
    """All readings of a peer; ``offset`` puts its times on the server's clock."""
    made = Arrays()
    senders = Senders(others)
    for streams in state.streams.values():
        for producer in streams.producers.values():
            _produced(made, producer, peer_id_of(state), offset, scale)
        for series in streams.inbound.values():
            intervals = series.all_intervals()
            consumer = Consumer(series, senders, offset, scale)
            for it, label in zip(intervals, labels_of(intervals), strict=True):
                screen = is_screen(label)
                if isinstance(it, ReceivedAudio):
                    made.audio_consumer[screen].append(consumer.audio(it, label))
                elif isinstance(it, ReceivedVideo):
                    made.video_consumer[screen].append(consumer.video(it, label, screen))
    made.sort()
    return made


def is_screen(label: Label) -> bool:
    """Streams that nobody labelled count as microphone and camera."""
    return label.source in SCREEN


def _produced(made: Arrays, series: OutboundSeries, peer_id: str, offset: int, scale: str) -> None:
    intervals = series.all_intervals()
    makers = {screen: VideoProducer(screen, offset, scale) for screen in (False, True)}
    for it, label in zip(intervals, labels_of(intervals), strict=True):
        name = producer_name(series, label.producer_id, peer_id)
        screen = is_screen(label)
        if isinstance(it, SentVideo):
            made.video_producer[screen].append(makers[screen].reading(it, name))
        elif isinstance(it, Sent):
            made.audio_producer[screen].append(audio_reading(it, name, offset, scale))


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
