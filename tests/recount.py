"""A second, naive reading of docs/metrics.md: every cumulative number, from a report's JSON alone.

Shares nothing with roomtone.report but the published readings.
"""

from typing import Any

import numpy as np
import pytest

Json = dict[str, Any]


def known(values: Any) -> list[float]:
    return [value for value in values if value is not None]


def spread(values: Any) -> Json:
    found = known(values)
    if not found:
        return {}
    return {
        "avg": float(np.mean(found)),
        **{f"p{p}": float(np.percentile(found, p)) for p in (50, 75, 90)},
    }


def events(values: Any, thresholds: tuple[int, ...], unit: str) -> Json:
    found = known(values)
    if not found:
        return {}
    over = {
        f"{n}{unit}_or_greater_event_fraction": sum(x >= n for x in found) / len(found)
        for n in thresholds
    }
    return {"avg": float(np.mean(found)), **over}


def loss(values: Any) -> Json:
    return events(values, (5, 10, 25, 50), "")


def delay(values: Any) -> Json:
    return events(values, (100, 250, 500), "ms")


def sent_loss(x: Json) -> float | None:
    if x["paused"] or x["packets_lost"] is None or (x["packets_sent"] or 0) < 25:
        return None
    return 100 * min(1, x["packets_lost"] / x["packets_sent"])


def received_loss(x: Json) -> float | None:
    if x["paused"]:
        return None
    if x["outage"]:
        return 100
    if x["packets_lost"] is None or x["packets_received"] is None:
        return None
    expected = x["packets_lost"] + x["packets_received"]
    return 100 * x["packets_lost"] / expected if expected >= 25 else None


def buffer_ms(x: Json) -> float | None:
    if x["jitter_buffer_delay"] is None or not x["jitter_buffer_emitted_count"]:
        return None
    return 1000 * x["jitter_buffer_delay"] / x["jitter_buffer_emitted_count"]


def put(into: Json, name: str, hits: list[bool]) -> None:
    if hits:
        into[name] = sum(hits) / len(hits)


def poor(live: list[Json]) -> list[bool]:
    sized = [x for x in live if x["frame_width"] is not None and x["frame_height"] is not None]
    px = [(x["frame_width"] * x["frame_height"], x["expected_pixels"] or 0) for x in sized]
    return [got < 320 * 240 or got < 0.25 * wanted for got, wanted in px]


def lags(x: Json) -> bool:
    slow = x["frames_per_second"] < 0.5 * x["expected_frames_per_second"]
    return (x["frozen_fraction"] or 0) >= 0.1 or slow or (buffer_ms(x) or 0) >= 500


def key_frames(rows: list[Json], keys: str, frames: str) -> float | None:
    both = [x for x in rows if x[keys] is not None and x[frames] is not None]
    total = sum(x[frames] for x in both)
    return sum(x[keys] for x in both) / total if total else None


def mos(rows: list[Json]) -> Json:
    found = known(x["mos_quality"] for x in rows)
    p10 = {"quality_mos_p10": float(np.percentile(found, 10))} if found else {}
    return {"quality_mos": spread(found), **p10}


def pictures(rows: list[Json], frames: str) -> Json:
    live = [x for x in rows if x["frames_per_second"] is not None]
    issues: Json = {}
    put(issues, "no_video_fraction", [x[frames] == 0 for x in live])
    put(issues, "poor_resolution_fraction", poor(live))
    return {
        "frame_per_second": spread(x["frames_per_second"] for x in live),
        "frame_width": spread(x["frame_width"] for x in live),
        "issues": issues,
    }


def producer(rows: list[Json]) -> Json:
    return {
        "packet_loss": loss(map(sent_loss, rows)),
        "rtt": delay(None if x["rtt"] is None else 1000 * x["rtt"] for x in rows),
        **mos(rows),
    }


def consumer(rows: list[Json]) -> Json:
    return {
        "packet_loss": loss(map(received_loss, rows)),
        "jitter_buffer_delay": delay(map(buffer_ms, rows)),
        **mos(rows),
    }


def video_producer(rows: list[Json]) -> Json:
    made = producer(rows) | pictures(rows, "frames_encoded")
    if (keys := key_frames(rows, "key_frames_encoded", "frames_encoded")) is not None:
        made["key_frames_encoded_fraction"] = keys
    asked = []
    for x in rows:
        counts = known((x["pli_count"], x["fir_count"], x["nack_count"]))
        if x["paused"] or not x["interval_ms"] or not x["packets_sent"] or not counts:
            continue
        requests = (x["pli_count"] or 0) + (x["fir_count"] or 0)
        many = requests / (x["interval_ms"] / 1000) >= 0.5
        asked.append(many or (x["nack_count"] or 0) / x["packets_sent"] >= 0.05)
    put(made, "high_negative_feedback_fraction", asked)
    spent = known(x["quality_limitation_durations"] for x in rows)
    total = sum(sum(each.values()) for each in spent)
    if total:
        shares = {name: sum(each[name] for each in spent) / total for name in spent[0]}
    else:
        live = [x for x in rows if x["frames_per_second"] is not None]
        told = known(x["quality_limitation_reason"] for x in live)
        shares = {n: told.count(n) / len(told) for n in ("bandwidth", "cpu", "none") if told}
    if shares:
        made["issues"]["bandwidth_quality_limitation_fraction"] = shares["bandwidth"]
        made["issues"]["cpu_quality_limitation_fraction"] = shares["cpu"]
        made["issues"]["quality_limitation_fraction"] = 1 - shares["none"]
    return made


def video_consumer(rows: list[Json]) -> Json:
    made = consumer(rows) | pictures(rows, "frames_decoded")
    live = [x for x in rows if x["frames_per_second"] is not None]
    put(made["issues"], "lag_fraction", [lags(x) for x in live])
    if (keys := key_frames(rows, "key_frames_decoded", "frames_decoded")) is not None:
        made["key_frames_decoded_fraction"] = keys
    return made


RECOUNTS = {
    "audio_producer": producer,
    "audio_consumer": consumer,
    "video_producer": video_producer,
    "video_consumer": video_consumer,
}


def assert_follows(quality: Json) -> None:
    """Every ``*_cumulative`` of a ``peer_report.quality`` follows from its array to 1e-9."""
    for prefix in ("", "screenshare_"):
        for name, recount in RECOUNTS.items():
            rows = quality[prefix + name]
            expected = recount(rows) if rows else {}
            assert_same(quality[f"{prefix}{name}_cumulative"], expected, prefix + name)


def assert_same(got: Json, expected: Json, where: str) -> None:
    assert got.keys() == expected.keys(), where
    for name, value in expected.items():
        if isinstance(value, dict):
            assert_same(got[name], value, f"{where}.{name}")
        else:
            assert got[name] == pytest.approx(value, abs=1e-9, rel=1e-12), f"{where}.{name}"


def assert_old_block_follows(stats: Json) -> None:
    """The totals of ``quality_stats`` follow from its own lists."""
    scores = known(x["quality"] for x in stats["audio_stats"] + stats["video_stats"])
    mean = float(np.mean(scores)) if scores else 0
    assert stats["average_quality"] == pytest.approx(mean, abs=1e-9)
    for kind in ("audio", "video"):
        rows = stats[f"{kind}_stats"]
        received = sum(x["packets_received"] or 0 for x in rows)
        lost = sum(x["packets_lost"] or 0 for x in rows)
        assert stats[f"total_{kind}_packets"] == received
        assert stats[f"total_{kind}_packets_lost"] == lost
        percent = 100 * lost / (lost + received) if lost + received else None
        assert stats[f"{kind}_packet_loss"] == pytest.approx(percent, abs=1e-9)
        coming = [x for x in rows if x["interval_ms"] and x["packets_received"]]
        seconds = sum(x["interval_ms"] for x in coming) / 1000
        bits = 8 * sum(x["bytes_received"] or 0 for x in coming)
        wanted = bits / seconds if seconds else 0
        assert stats[f"{kind}_bandwidth"] == pytest.approx(wanted, rel=1e-9)
