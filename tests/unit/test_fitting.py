"""A report that another service made reads as one of ours, and loses nothing."""

import msgspec

from roomtone.model.peer_report import PeerReport
from roomtone.services.fitting import fitted

VENDORS = {
    "id": "p",
    "display_name": "Ana",
    "joined_at": "2026-11-23T10:00:00.000Z",
    "duration": 5,
    "beta_member": {"x": 1},
    "peer_report": {
        "metadata": {"events": [{"name": "audio_on", "timestamp": "t"}]},
        "quality": {"audio_consumer": [{"timestamp": "t", "mos_quality": 1}]},
    },
}


def test_nothing_at_all_becomes_a_report_that_says_nothing() -> None:
    made = fitted({}, PeerReport)
    report = msgspec.convert(made.value, PeerReport)
    assert report.left_at is None
    assert report.peer_report.quality.audio_consumer == []
    assert made.misfits == ()


def test_what_the_vendor_says_stays_also_what_we_do_not_know() -> None:
    made = fitted(VENDORS, PeerReport)
    report = msgspec.convert(made.value, PeerReport)
    assert (report.display_name, report.duration) == ("Ana", 5)
    assert report.peer_report.metadata.events[0].name == "audio_on"
    assert made.value["beta_member"] == {"x": 1}
    (reading,) = made.value["peer_report"]["quality"]["audio_consumer"]
    assert reading["mos_quality"] == 1
    assert reading["packets_lost"] is None, "missing is not zero"
    assert made.misfits == ()


def test_a_member_of_another_type_is_replaced_and_named() -> None:
    strange = VENDORS | {"duration": "five", "quality_stats": {"audio_stats": [7]}}
    made = fitted(strange, PeerReport)
    assert msgspec.convert(made.value, PeerReport).duration == 0
    assert "duration" in made.misfits
    assert "quality_stats.audio_stats[0]" in made.misfits
