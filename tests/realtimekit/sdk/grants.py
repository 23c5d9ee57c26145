"""Where an answer may differ from what an SDK declares, and why. Everything else is a failure.

The SDKs declare nearly every field optional. The tests ask for all of them anyway, and for a value
where the TypeScript SDKs do not say ``| null``. What remains is on this page; a test finds what
has become unnecessary.

Most of it is one rule: what cannot be known is ``null``, and not left out or made up. The Python
SDK types nearly everything so; the vendor's own example has it where no SDK says it can be.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from sdk.drive import Call, Result


@dataclass(frozen=True)
class Grant:
    """One kind of difference: paths (``*`` is anything), how the fault begins, the reason."""

    paths: tuple[str, ...]
    fault: str
    reason: str

    def covers(self, path: str, fault: str) -> bool:
        """Whether a fault at a path is this difference."""
        return fault.startswith(self.fault) and any(fnmatchcase(path, p) for p in self.paths)


METADATA = "data.participant.peer_report.metadata"
QUALITY = "data.participant.peer_report.quality"
OLD_STATS = "data.participant.peer_stats"
OLD_QUALITY = "data.participant.quality_stats"

GRANTS = (
    Grant(("*.ended_at",), "null", "contract 1.0: null while LIVE"),
    Grant(("*.left_at",), "null", "contract 1.3: null while connected"),
    Grant(
        (f"{QUALITY}.*_cumulative", f"{QUALITY}.*_cumulative.*"),
        "empty",
        "contract 6.2: {} when there is nothing",
    ),
    Grant(
        (f"{METADATA}.events.metadata", f"{OLD_STATS}.events.metadata*"),
        "missing",
        "contract 3: an event carries what its client told, most of them nothing",
    ),
    Grant(
        (
            f"{METADATA}.candidate_pairs.*.available_incoming_bitrate",
            f"{METADATA}.candidate_pairs.*.local_candidate_related_*",
            f"{METADATA}.candidate_pairs.*_candidate_url",
        ),
        "null",
        "webrtc-stats: only where the browser measures it, or the candidate is no host candidate",
    ),
    Grant(
        (f"{METADATA}.ip_information.*", f"{OLD_STATS}.ip_information.*"),
        "null",
        "no geo database is set",
    ),
    Grant(("*.webgl_support",), "null", "contract 6.1: null in the vendor's own example"),
    Grant(("*.device_info.os_version",), "null", "the recorded client did not tell it (Linux)"),
    Grant((f"{METADATA}.native_metadata.*",), "null", "a browser is no native app"),
    Grant((f"{METADATA}.sdk_type",), "null", "contract 6.1: no client tells it"),
    Grant(
        (f"{METADATA}.pc_metadata.*", f"{OLD_STATS}.precall_network_information.*"),
        "null",
        "the recorded client made no network test before the call",
    ),
    Grant((f"{OLD_STATS}.config",), "null", "declared without a word on what it is"),
    Grant(
        (
            f"{QUALITY}.*_producer.jitter",
            f"{QUALITY}.*_producer.packets_lost",
            f"{QUALITY}.*_producer.mos_quality",
        ),
        "null",
        "RealtimeKit's client tells nothing of what arrived at the other end",
    ),
    Grant(
        (
            f"{QUALITY}.*_consumer.mos_quality",
            f"{QUALITY}.video_*.frames_per_second",
            f"{QUALITY}.screenshare_video_*.frames_per_second",
            f"{OLD_QUALITY}.*_stats.quality",
            f"{OLD_QUALITY}.video_stats.frames_per_second",
        ),
        "null",
        "nothing was sent, or too little to judge, in that interval",
    ),
    Grant(
        (
            f"{METADATA}.candidate_pairs.*.available_outgoing_bitrate",
            f"{OLD_QUALITY}.average_quality",
            f"{OLD_QUALITY}.audio_bandwidth",
            f"{OLD_QUALITY}.video_bandwidth",
        ),
        "expected int",
        "Python 5.2 types fractions as integers (contract 6.2); later generations say number",
    ),
    Grant(
        tuple(
            f"data.recording_config.storage_config.{name}"
            for name in ("secret", "password", "private_key")
        ),
        "missing",
        "secrets are not given back",
    ),
    Grant(("data.participants.email",), "missing", "Roomtone knows no e-mail addresses"),
    Grant(("data.participants.picture",), "null", "none was given"),
    Grant(
        ("data.permissions.plugins.config", "data.ui.config_diff"),
        "",
        "a preset is given back as it was given: here in the newer generation's form",
    ),
)


def grant_for(path: str, fault: str) -> Grant | None:
    """The grant that covers a fault, if any."""
    return next((grant for grant in GRANTS if grant.covers(path, fault)), None)


def _not_asked_for(path: str, fault: str, call: Call) -> bool:
    lacks = call.get("may_lack", [])
    return fault in ("missing", "empty") and any(fnmatchcase(path, lack) for lack in lacks)


def open_faults(call: Call, result: Result) -> list[tuple[str, str]]:
    """The (path, fault) pairs of an answer that its call does not explain, each once.

    What pydantic says is dropped where the walk over the annotations said it already.
    """
    told = [(fault["path"], fault["fault"]) for fault in result["faults"]]
    walked = {path for path, fault in told if not fault.startswith("pydantic")}
    return list(
        dict.fromkeys(
            (path, fault)
            for path, fault in told
            if not _not_asked_for(path, fault, call)
            and not (fault.startswith("pydantic") and _near(path, walked))
        )
    )


def _near(path: str, walked: set[str]) -> bool:
    # pydantic names a union's member behind the path: `config.str`.
    return path in walked or path.rpartition(".")[0] in walked


def faults_of(call: Call, result: Result) -> list[str]:
    """What is wrong with an answer, without what is granted."""
    return [
        f"{path}: {fault}"
        for path, fault in open_faults(call, result)
        if grant_for(path, fault) is None
    ]
