"""Sections of a participant's statistics: what ``filters`` keeps of a peer report or of details."""

from typing import Any

from roomtone.web.realtimekit.parameters import SECTIONS

SECTION_OF_METADATA = {
    "audio_devices_updates": "device_info",
    "video_devices_updates": "device_info",
    "speaker_devices_updates": "device_info",
    "selected_device_updates": "device_info",
    "browser_metadata": "device_info",
    "device_info": "device_info",
    "native_metadata": "device_info",
    "sdk_name": "device_info",
    "sdk_type": "device_info",
    "sdk_version": "device_info",
    "room_view_type": "device_info",
    "ip_information": "ip_information",
    "pc_metadata": "precall_network_information",
    "events": "events",
    # Counted during the call, as the readings are.
    "candidate_pairs": "quality_stats",
}
"""Which name of ``filters`` keeps which part of ``peer_report.metadata``; undocumented, so ours."""


def keep_sections(participant: dict[str, Any], sections: frozenset[str]) -> None:
    """Take out of a peer report or of details whatever was not asked for; empty: keep all."""
    if not sections:
        return
    stats = participant["peer_stats"]
    for section in SECTIONS:
        if section not in sections:
            stats.pop(section, None)
    if "quality_stats" not in sections:
        participant.pop("quality_stats", None)
    report = participant.get("peer_report")
    if report is None:
        return
    if "quality_stats" not in sections:
        report.pop("quality", None)
    report["metadata"] = {
        name: value
        for name, value in report["metadata"].items()
        if SECTION_OF_METADATA[name] in sections
    }
