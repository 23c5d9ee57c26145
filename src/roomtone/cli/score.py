"""``roomtone score``: what one interval of audio or video scores, computed here and now.

For checking a number of a report by hand, and for asking "what if". Nothing is stored.
"""

import math
from typing import Any, get_args

import click
import msgspec
from rich.console import Console
from rich.table import Table

from roomtone.quality import audio as audio_quality
from roomtone.quality import video as video_quality


class Between(click.FloatRange):
    """A number from ``low`` to ``high``, both allowed; anything else is told what is."""

    name = "number"

    def __init__(self, low: float, high: float, unit: str = "") -> None:
        super().__init__(low, high)
        self.low = low
        self.high = high
        self.allowed = f"a number from {low:g} to {high:.10g} {unit}".rstrip()

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number; fails with the range when it is none or outside (NaN is no number)."""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        # Every comparison with NaN is False, so it is refused together with what is out of range.
        if not self.low <= number <= self.high:
            self.fail(f"{value} is not {self.allowed}.", param, ctx)
        return number


AUDIO_CODECS = click.Choice(["opus", "red", "pcmu", "pcma", "g722"], case_sensitive=False)
VIDEO_CODECS = click.Choice(["vp8", "vp9", "h264", "h265", "av1"], case_sensitive=False)
RTT_MS = Between(0, audio_quality.MAX_RTT_MS, "ms")
JITTER_MS = Between(0, audio_quality.MAX_JITTER_MS, "ms")
JITTER_BUFFER_MS = Between(0, audio_quality.MAX_JITTER_BUFFER_MS, "ms")
AUDIO_BITRATE = Between(1, 10_000_000, "bit/s")
VIDEO_BITRATE = Between(0, 1_000_000_000, "bit/s")
LENGTH_PX = Between(1, 16_384, "px")
AREA_PX = Between(1, 16_384 * 16_384, "px")
FPS = Between(0, 1_000, "frames/s")
EXP_FPS = Between(1, video_quality.MAX_EXPECTED_FPS, "frames/s")

AUDIO_ROWS = {
    "mos": "MOS (estimated, 1 to 4.5)",
    "r": "R",
    "basis": "Basis (CQ: with delay, LQ: without)",
    "ta_ms": "Mouth to ear, ms",
    "idd": "R lost to delay",
    "ie_eff": "R lost to codec and loss",
    "model": "Model",
}
VIDEO_ROWS = {"mos": "Score (1 to 4.5)", "model": "Model"}


@click.group()
def score() -> None:
    """Score one interval of audio or video, as reports do."""


@score.command("audio")
@click.option("--loss", required=True, type=Between(0, 100, "%"), help="Lost packets, percent.")
@click.option("--rtt", type=RTT_MS, help="Round trip, ms. Without it: a listening score.")
@click.option("--jitter", type=JITTER_MS, help="Interarrival jitter, ms.")
@click.option("--jitter-buffer", type=JITTER_BUFFER_MS, help="Mean delay, ms. [20 + 2 * jitter]")
@click.option("--codec", type=AUDIO_CODECS, default="opus", show_default=True)
@click.option("--bitrate", type=AUDIO_BITRATE, help="Target bitrate of Opus, bit/s. [32000]")
@click.option("--burst-ratio", type=Between(1, 2), default=1, help="G.107 BurstR. [1: random]")
@click.option("--fec", is_flag=True, help="Opus in-band FEC is negotiated.")
@click.option("--red", is_flag=True, help="RED (RFC 2198) is negotiated.")
@click.option("--concealment", is_flag=True, help="--loss is the share of concealed samples.")
@click.option(
    "--model",
    type=click.Choice(get_args(audio_quality.Model)),
    default="fb",
    show_default=True,
    help="fb: G.107.2 fullband. nb: G.107 narrowband. legacy: rule of thumb.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def audio_command(
    loss: float,
    rtt: float | None,
    jitter: float | None,
    jitter_buffer: float | None,
    codec: str,
    bitrate: float | None,
    burst_ratio: float,
    fec: bool,
    red: bool,
    concealment: bool,
    model: audio_quality.Model,
    as_json: bool,
) -> None:
    """MOS of an audio stream, by the E-model of ITU-T G.107.2."""
    result = audio_quality.score_audio(
        loss,
        rtt,
        jitter,
        jitter_buffer,
        codec,
        bitrate,
        fec=fec,
        red=red,
        burst_ratio=burst_ratio,
        concealment=concealment,
        model=model,
    )
    found = {} if result is None else msgspec.structs.asdict(result)
    _show({**found, "model": audio_quality.MODEL_NAMES[model]}, AUDIO_ROWS, as_json)


@score.command("video")
@click.option("--bitrate", required=True, type=VIDEO_BITRATE, help="Media bit/s, without RTX, FEC.")
@click.option("--width", required=True, type=LENGTH_PX, help="Frame width, px.")
@click.option("--height", required=True, type=LENGTH_PX, help="Frame height, px.")
@click.option("--fps", required=True, type=FPS, help="Frames decoded or encoded a second.")
@click.option("--codec", type=VIDEO_CODECS, default="vp8", show_default=True)
@click.option("--exp-fps", type=EXP_FPS, help="Rate to expect. [what came; shared screen: 5]")
@click.option("--exp-width", type=LENGTH_PX, help="Width to expect. [what came]")
@click.option("--exp-height", type=LENGTH_PX, help="Height to expect. [what came]")
@click.option("--exp-px", type=AREA_PX, help="Width times height to expect, instead of both.")
@click.option("--frozen", type=Between(0, 1), default=0, help="Frozen share of the time. [0]")
@click.option("--screenshare", is_flag=True, help="A shared screen, not a camera.")
@click.option("--qp", type=Between(0, 255), help="Mean quantiser; shared screens only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def video_command(
    bitrate: float,
    width: float,
    height: float,
    fps: float,
    codec: str,
    exp_fps: float | None,
    exp_width: float | None,
    exp_height: float | None,
    exp_px: float | None,
    frozen: float,
    screenshare: bool,
    qp: float | None,
    as_json: bool,
) -> None:
    """Score of a camera or a shared screen."""
    expected = _expected_px(exp_width, exp_height, exp_px)
    if screenshare:
        if expected is not None:
            raise click.UsageError(
                "A shared screen is not scored by size: --exp-width, --exp-height and --exp-px "
                "are allowed without --screenshare only."
            )
        scale = video_quality.QP_RANGES.get(codec)
        if scale is not None and qp is not None and qp > scale.top:
            raise click.UsageError(f"--qp of {codec} is a number from 0 to {scale.top:g}.")
        mos = video_quality.score_screenshare(
            bitrate, width, height, fps, codec, qp, exp_fps, frozen
        )
    else:
        if qp is not None:
            raise click.UsageError("--qp is allowed with --screenshare only.")
        mos = video_quality.score_video(
            bitrate, width, height, fps, codec, expected, exp_fps, frozen
        )
    _show({"mos": mos, "model": video_quality.MODEL}, VIDEO_ROWS, as_json)


def _expected_px(width: float | None, height: float | None, px: float | None) -> float | None:
    if px is not None:
        if width is not None or height is not None:
            raise click.UsageError("Give --exp-px, or --exp-width and --exp-height; not both.")
        return px
    if width is None and height is None:
        return None
    if width is None or height is None:
        raise click.UsageError("--exp-width and --exp-height are allowed together only.")
    return width * height


def _show(found: dict[str, Any], rows: dict[str, str], as_json: bool) -> None:
    rounded = {
        key: round(value, 4) if isinstance(value, float) else value for key, value in found.items()
    }
    if as_json:
        click.echo(msgspec.json.encode(rounded).decode())
        return
    table = Table(show_header=False)
    for key, label in rows.items():
        value = rounded.get(key)
        unknown = "not scorable" if key == "mos" else "not known"
        table.add_row(label, unknown if value is None else str(value))
    Console().print(table)
