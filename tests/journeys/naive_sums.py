"""The cumulative numbers of a peer report, computed a second time, by the book (docs/quality.md).

Reads nothing but the readings of the same response.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

Reading = dict[str, Any]

LOSS_STEPS = (5, 10, 25, 50)
DELAY_STEPS = (100, 250, 500)
PERCENTILES = (50, 75, 90)


def close(mine: Any, theirs: Any, where: str = "") -> list[str]:
    """Where two JSON values differ by more than 1e-9."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        if mine.keys() != theirs.keys():
            return [f"{where}: {sorted(mine)} here, {sorted(theirs)} there"]
        return [line for key in mine for line in close(mine[key], theirs[key], f"{where}.{key}")]
    if isinstance(mine, int | float) and isinstance(theirs, int | float):
        return [] if abs(mine - theirs) <= 1e-9 else [f"{where}: {mine} here, {theirs} there"]
    return [] if mine == theirs else [f"{where}: {mine!r} here, {theirs!r} there"]


def cumulative(name: str, readings: list[Reading]) -> dict[str, Any]:
    """What ``<name>_cumulative`` must be; ``name`` as ``screenshare_video_consumer``."""
    if not readings:
        return {}
    *_, kind, side = name.split("_")
    consumer = side == "consumer"
    losses = [consumer_loss(one) if consumer else producer_loss(one) for one in readings]
    scores = [one["mos_quality"] for one in readings]
    made: dict[str, Any] = {
        "packet_loss": steps(losses, LOSS_STEPS, ""),
        "quality_mos": spread(scores),
        "quality_mos_p10": percentile(scores, 10),
    }
    if consumer:
        made["jitter_buffer_delay"] = steps(map(buffer_ms, readings), DELAY_STEPS, "ms")
    else:
        rtts = [None if one["rtt"] is None else 1000 * one["rtt"] for one in readings]
        made["rtt"] = steps(rtts, DELAY_STEPS, "ms")
    if kind == "video":
        live = [one for one in readings if one["frames_per_second"] is not None]
        made["frame_per_second"] = spread(one["frames_per_second"] for one in live)
        made["frame_width"] = spread(one["frame_width"] for one in live)
        done = "decoded" if consumer else "encoded"
        frames = f"frames_{done}"
        made[f"key_frames_{done}_fraction"] = key_frames(readings, frames)
        issues = {
            "no_video_fraction": share([one[frames] == 0 for one in live]),
            "poor_resolution_fraction": share([poor(one) for one in live if sized(one)]),
        }
        if consumer:
            issues["lag_fraction"] = share([lags(one) for one in live])
        else:
            made["high_negative_feedback_fraction"] = negative_feedback(readings)
            issues |= limitation(readings, live)
        made["issues"] = {key: value for key, value in issues.items() if value is not None}
    return {key: value for key, value in made.items() if value is not None}


# --- values of one reading ------------------------------------------------------------------------


def consumer_loss(one: Reading) -> float | None:
    """Percent of what was expected."""
    if one["paused"]:
        return None
    if one["outage"]:
        return 100.0
    lost, came = one["packets_lost"], one["packets_received"]
    if lost is None or came is None or lost + came < 25:
        return None
    return 100 * lost / (lost + came)


def producer_loss(one: Reading) -> float | None:
    """Percent of what was sent."""
    lost, sent = one["packets_lost"], one["packets_sent"]
    if one["paused"] or lost is None or sent is None or sent < 25:
        return None
    return 100 * min(1.0, lost / sent)


def buffer_ms(one: Reading) -> float | None:
    """Mean delay in the jitter buffer."""
    delay, count = one["jitter_buffer_delay"], one["jitter_buffer_emitted_count"]
    return None if delay is None or not count else 1000 * delay / count


def sized(one: Reading) -> bool:
    return one["frame_width"] is not None and one["frame_height"] is not None


def poor(one: Reading) -> bool:
    """Under 320 x 240, or under a quarter of what was to be expected."""
    pixels = one["frame_width"] * one["frame_height"]
    return bool(pixels < 320 * 240 or pixels < 0.25 * (one["expected_pixels"] or 0))


def lags(one: Reading) -> bool:
    """Frozen for a tenth of the time, under half the frame rate, or half a second in the buffer."""
    wanted, delay = one["expected_frames_per_second"], buffer_ms(one)
    return (
        (one["frozen_fraction"] or 0) >= 0.1
        or (wanted is not None and one["frames_per_second"] < 0.5 * wanted)
        or (delay is not None and delay >= 500)
    )


# --- over readings --------------------------------------------------------------------------------


def known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def steps(values: Iterable[float | None], at: tuple[int, ...], unit: str) -> dict[str, float]:
    """The mean, and the share at or over each threshold."""
    told = known(values)
    if not told:
        return {}
    over = {
        f"{step}{unit}_or_greater_event_fraction": sum(v >= step for v in told) / len(told)
        for step in at
    }
    return {"avg": sum(told) / len(told), **over}


def percentile(values: Iterable[float | None], at: float) -> float | None:
    told = known(values)
    return float(np.percentile(told, at)) if told else None


def spread(values: Iterable[float | None]) -> dict[str, float]:
    """The mean and three percentiles."""
    told = known(values)
    if not told:
        return {}
    return {
        "avg": sum(told) / len(told),
        **{f"p{at}": float(np.percentile(told, at)) for at in PERCENTILES},
    }


def share(hits: list[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None


def key_frames(readings: list[Reading], frames: str) -> float | None:
    """Key frames of all frames."""
    both = [
        (one[f"key_{frames}"], one[frames])
        for one in readings
        if one[f"key_{frames}"] is not None and one[frames] is not None
    ]
    whole = sum(all_ for _, all_ in both)
    return sum(keys for keys, _ in both) / whole if whole else None


def negative_feedback(readings: list[Reading]) -> float | None:
    """Half a PLI or FIR a second, or a NACK for every twentieth packet."""
    hits = []
    for one in readings:
        asked = [one["pli_count"], one["fir_count"], one["nack_count"]]
        if one["paused"] or not one["interval_ms"] or not one["packets_sent"] or not known(asked):
            continue
        requests = (one["pli_count"] or 0) + (one["fir_count"] or 0)
        often = requests / (one["interval_ms"] / 1000) >= 0.5
        hits.append(often or (one["nack_count"] or 0) / one["packets_sent"] >= 0.05)
    return share(hits)


def limitation(readings: list[Reading], live: list[Reading]) -> dict[str, float | None]:
    """Shares of the seconds that the browser counted; without any, of the readings' reasons."""
    spent = [s for one in readings if (s := one["quality_limitation_durations"])]
    sums = {key: sum(one[key] for one in spent) for key in ("bandwidth", "cpu", "none", "other")}
    whole = sum(sums.values())
    if whole:
        fractions = [
            sums["bandwidth"] / whole,
            sums["cpu"] / whole,
            (sums["bandwidth"] + sums["cpu"] + sums["other"]) / whole,
        ]
    else:
        reasons = [r for one in live if (r := one["quality_limitation_reason"]) is not None]
        fractions = [
            share([reason == "bandwidth" for reason in reasons]),
            share([reason == "cpu" for reason in reasons]),
            share([reason != "none" for reason in reasons]),
        ]
    names = ("bandwidth_quality_limitation", "cpu_quality_limitation", "quality_limitation")
    return {f"{name}_fraction": value for name, value in zip(names, fractions, strict=True)}


# --- the old block --------------------------------------------------------------------------------


def received_block(quality: dict[str, Any]) -> dict[str, Any]:
    """The numbers of ``quality_stats`` that sum up what was received."""
    made: dict[str, Any] = {}
    scores = []
    for kind in ("audio", "video"):
        all_ = [*quality[f"{kind}_consumer"], *quality[f"screenshare_{kind}_consumer"]]
        scores += known(one["mos_quality"] for one in all_)
        came = sum(known(one["packets_received"] for one in all_))
        lost = sum(known(one["packets_lost"] for one in all_))
        timed = [one for one in all_ if one["interval_ms"] and one["packets_received"]]
        seconds = sum(one["interval_ms"] for one in timed) / 1000
        bits = 8 * sum(known(one["bytes_received"] for one in timed))
        made |= {
            f"total_{kind}_packets": came,
            f"total_{kind}_packets_lost": lost,
            f"{kind}_packet_loss": 100 * lost / (lost + came) if lost + came else None,
            f"{kind}_bandwidth": bits / seconds if seconds else 0,
        }
    made["average_quality"] = sum(scores) / len(scores) if scores else 0
    return made
