"""Wording: a finding in the making → the finding, in words."""

from collections.abc import Mapping

from roomtone.findings.attribution import Case
from roomtone.findings.catalogue import BY_ID
from roomtone.findings.detector import Detector
from roomtone.model.findings import Finding
from roomtone.model.times import iso
from roomtone.report.rounding import micro

SOMEBODY = "somebody"
MEDIA = {
    "audio_producer": "microphone",
    "video_producer": "camera",
    "screenshare_video_producer": "shared screen",
    "screenshare_audio_producer": "shared sound",
}
Names = Mapping[str, str]
PAIR_ADVICE = (
    "The fault is between these two, on either side: both may try a cable or another network; a "
    "call with a third person would show which side it is."
)
LAST_CLAUSE = ", for up to {worst} of the time"


def worded(case: Case, names: Names) -> Finding:
    """The finding that goes out."""
    one = case.raised
    detector = BY_ID[one.id]
    worst = None if one.worst is None else micro(one.worst)
    return Finding(
        id=one.id,
        severity=one.severity,
        start=iso(one.start),
        end=None if one.open else iso(one.end),
        peer_id=one.peer_id,
        side=case.side,
        blamed_peer_id=case.blamed or None,
        other_peer_id=one.other_peer_id or None,
        stream=one.stream,
        worst=worst,
        unit=None if worst is None else detector.unit,
        echo_of=case.cause or None,
        title=sentence(case, detector, names),
        advice=advice(case),
        evidence=one.evidence,
    )


def advice(case: Case) -> str:
    """What to do: for both ends, where it is not known which it is."""
    return PAIR_ADVICE if case.side == "pair" else BY_ID[case.raised.id].advice


def sentence(case: Case, detector: Detector, names: Names) -> str:
    """A plain sentence in the past tense."""
    one = case.raised
    said = detector.says
    if one.worst is None and LAST_CLAUSE in said:
        said = said.replace(LAST_CLAUSE, "")
    received = one.array.endswith("consumer")
    who = names.get(one.peer_id) or SOMEBODY
    other = names.get(one.other_peer_id) or SOMEBODY
    text = said.format(
        who=who,
        other=other,
        stream_owner=f"{other}, as {who} received them,"
        if received and _plural(said)
        else other
        if received
        else who,
        worst=quantity(one.worst, detector.unit),
        medium=MEDIA.get(one.array, one.array) or "stream",
    )
    if case.cause:
        cause, _, peer_id = case.cause.partition("@")
        title = BY_ID[cause].title.lower()
        text = f"{text[:-1]} (what caused it: {title}, {names.get(peer_id) or SOMEBODY})."
    elif case.side == "pair":
        text = f"{text[:-1]} (between {who} and {other}: which end cannot be told)."
    return text[:1].upper() + text[1:]


def _plural(said: str) -> bool:
    return said.startswith("Audio packets")


def quantity(worst: float | None, unit: str | None) -> str:
    """A number with its unit, as people say it."""
    if worst is None:
        return "some time" if unit == "s" else "some"
    if unit == "%":
        return f"{worst:.1f} %" if worst < 10 else f"{worst:.0f} %"
    if unit in ("of the expected rate", "of the frames"):
        return f"{100 * worst:.0f} % {unit}"
    if unit in ("changes", "joins"):
        return f"{worst:.0f} times"
    if unit == "/s":
        return f"{worst:.1f} a second"
    if unit == "MOS":
        return f"{worst:.1f}"
    if unit == "s":
        return duration(worst)
    return f"{worst:.0f} {unit or ''}".strip()


def duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 90:
        whole = max(1, round(seconds))
        return f"{whole} second" if whole == 1 else f"{whole} seconds"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 90 else f"{seconds / 3600:.1f} hours"
