"""Sections of a participant's statistics: what ``filters`` keeps, and the details' old spelling.

Works on the decoded JSON of a peer report, whichever fold made it.
"""

from typing import Any

from roomtone.model.peer_report import Participant, QualityStat
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

_IDENTITY = Participant.__struct_fields__
_QUALITY_STAT = QualityStat.__struct_fields__


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


def details_of(report: dict[str, Any]) -> dict[str, Any]:
    """A peer report, told as the participant's details were (contract 6.6): ``peer_stats`` with the
    vendor's own spelling, ``quality_stats`` as a list with this peer's entry."""
    stats = report["peer_stats"]
    precall = dict(stats["precall_network_information"])
    precall["throughtput"] = precall.pop("throughput")
    details = {name: report[name] for name in _IDENTITY if name in report}
    details["session_id"] = report["session_id"]
    details["peer_stats"] = {
        "config": None,
        "device_info": stats["device_info"],
        "events": stats["events"],
        # ``portal`` may have meant the postal code, which the report does not keep.
        "ip_information": {**stats["ip_information"], "portal": None},
        "precall_network_information": precall,
        "status": "CONNECTED" if report["left_at"] is None else "LEFT",
    }
    received = {"peer_id": report["id"], **report["quality_stats"]}
    details["quality_stats"] = [{name: received[name] for name in _QUALITY_STAT}]
    details["mos_model"] = report["mos_model"]
    details["quality_scale"] = report["quality_scale"]
    return details
