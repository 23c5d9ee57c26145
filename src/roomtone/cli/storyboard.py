"""Storyboard: the story of a call, drawn for a terminal: 80 columns, and no colour needed."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo

from msgspec import Struct
from rich.console import Console
from rich.text import Text

from roomtone.model.findings import Finding, Verdict
from roomtone.model.sessions import LIVE, Session
from roomtone.model.timeline import Lane, PeerTimeline
from roomtone.model.times import parse_iso

GOOD_MOS = 3.6
POOR_MOS = 2.6
"""ITU-T G.107: most users are satisfied above, nearly all dissatisfied below."""
VENDOR_SCALE = "vendor"
LETTERS = {"G": "green", "F": "yellow", "P": "red"}
NOT_MEASURED = "·"
NOT_THERE = " "
LABEL = 8
MAX_PEOPLE = 20
MAX_FINDINGS = 40
OUTCOMES = {
    "good": ("All was well", "green"),
    "fair": ("It could have been better", "yellow"),
    "bad": ("It went badly", "red"),
    "unknown": ("Not known", "default"),
}
SEVERITIES = {"error": "red", "warning": "yellow", "info": "cyan"}
SIDES = {
    "uplink": "{who}: uplink, what they sent",
    "downlink": "{who}: downlink, what they received",
    "device": "{who}: the device itself",
    "path": "{who}: the way there: relay, TCP or VPN",
    "server": "the server between them",
    "pair": "between {at} and {other}; which end of it cannot be told",
    "unknown": "not known",
}


class Story(Struct, frozen=True, kw_only=True):
    """All that is drawn. ``verdict`` None: nobody has judged it."""

    session: Session
    start: int
    end: int
    bin_ms: int
    bins: int
    quality_scale: str | None
    peers: tuple[PeerTimeline, ...]
    names: dict[str, str]
    """What to call everybody, also those who are not drawn, by peer id."""
    verdict: Verdict | None
    findings: tuple[Finding, ...]


class Storyboard:
    """Draws one story. ``zone`` None: the viewer's own."""

    def __init__(self, console: Console, story: Story, zone: tzinfo | None) -> None:
        self._console = console
        self._story = story
        self._zone = zone
        self._names = story.names
        self._width = max(20, min(console.width, 120) - LABEL - 8)

    def draw(self) -> None:
        """All of it."""
        self._head()
        self._verdict()
        self._bars()
        self._findings()

    def _say(self, text: str = "", style: str = "", indent: int = 0) -> None:
        told = Text(text, style=style)
        for line in told.wrap(self._console, self._console.width - indent) or [Text()]:
            line.rstrip()
            self._console.print(Text(" " * indent).append_text(line))

    def _at(self, t: int, form: str = "%H:%M:%S") -> str:
        return datetime.fromtimestamp(t / 1000, self._zone).astimezone(self._zone).strftime(form)

    def _head(self) -> None:
        story = self._story
        session = story.session
        self._say(session.title or session.meeting_id, "bold")
        zone = datetime.now(self._zone).astimezone(self._zone).strftime("%Z (UTC%z)")
        still = "still going on" if session.status == LIVE else f"to {self._at(story.end)}"
        minutes = max(0, story.end - story.start) / 60_000
        self._say(f"  session {session.id}")
        self._say(f"  {self._at(story.start, '%A, %d %B %Y')}, times in {zone}")
        self._say(
            f"  from {self._at(story.start)} {still}, {minutes:.1f} min, "
            f"{_count(session.total_participants, 'person', 'people')}, "
            f"{_count(len(story.peers), 'connection')}"
        )
        self._say()

    def _verdict(self) -> None:
        verdict = self._story.verdict
        if verdict is None:
            self._say("No verdict: this session was sealed by a version that had none.")
            self._say("roomtone rebuild makes one.")
        else:
            words, colour = OUTCOMES[verdict.outcome]
            self._say(f"{words.upper()}", f"bold {colour}")
            for sentence in verdict.sentences:
                self._say(sentence)
        self._say()

    # --- the bars ---------------------------------------------------------------------------------

    def _bars(self) -> None:
        story, width = self._story, self._width
        if not story.peers:
            return
        legend = "G good  F fair  P poor  · not measured  (blank) not there"
        self._say(f"Quality over time: {legend}")
        first, last = self._at(story.start), self._at(story.end)
        self._say(f"{'':{LABEL}}{first}{last:>{max(1, width - len(first))}}")
        for peer in story.peers[:MAX_PEOPLE]:
            about = ", ".join(word for word in (peer.browser, peer.network, peer.path) if word)
            self._say(self._names[peer.peer_id] + (f"  ({about})" if about else ""), "bold")
            self._bar("  hears", peer, peer.received, peer.received_mos)
            self._bar("  sends", peer, peer.sent, peer.sent_mos)
            self._say(f"  {self._stay(peer)}")
        if len(story.peers) > MAX_PEOPLE:
            self._say(f"… and {len(story.peers) - MAX_PEOPLE} more; --peer shows one of them.")
        self._say()

    def _bar(self, label: str, peer: PeerTimeline, lane: Lane, mos: float | None) -> None:
        bar = Text(f"{label:{LABEL}}")
        for letter in self._letters(peer, lane):
            bar.append(letter, style=LETTERS.get(letter, ""))
        bar.append(f"  {'–' if mos is None else format(mos, '.2f')}")
        self._console.print(bar)

    def _letters(self, peer: PeerTimeline, lane: Lane) -> list[str]:
        story = self._story
        length = max(1, story.end - story.start)
        spans = [(parse_iso(a), story.end if b is None else parse_iso(b)) for a, b in peer.spans]
        letters = []
        for place in range(self._width):
            start = story.start + place * length // self._width
            end = story.start + (place + 1) * length // self._width
            if not any(joined < end and left > start for joined, left in spans):
                letters.append(NOT_THERE)
                continue
            first = (start - story.start) // story.bin_ms - peer.first_bin
            last = (end - 1 - story.start) // story.bin_ms - peer.first_bin
            told = [mos for mos in lane.mos[max(0, first) : max(0, last + 1)] if mos is not None]
            letters.append(self._letter(min(told)) if told else NOT_MEASURED)
        return letters

    def _letter(self, mos: float) -> str:
        if self._story.quality_scale == VENDOR_SCALE:
            mos = 1 + 3.5 * mos
        return "G" if mos >= GOOD_MOS else "F" if mos >= POOR_MOS else "P"

    def _stay(self, peer: PeerTimeline) -> str:
        told = [
            f"joined {self._at(parse_iso(joined))}, "
            + ("still there" if left is None else f"left {self._at(parse_iso(left))}")
            for joined, left in peer.spans
        ]
        return "; ".join(told[:4]) + (f"; and {len(told) - 4} times more" if len(told) > 4 else "")

    # --- the findings -----------------------------------------------------------------------------

    def _findings(self) -> None:
        found = sorted(self._story.findings, key=lambda one: (one.start, one.id, one.peer_id))
        causes = [one for one in found if one.echo_of is None]
        echoes = Counter(one.id for one in found if one.echo_of is not None)
        if not found:
            self._say("Nothing was found.")
            return
        self._say(f"What was found: {_count(len(causes), 'finding')}", "bold")
        for finding in causes[:MAX_FINDINGS]:
            self._finding(finding)
        if len(causes) > MAX_FINDINGS:
            self._say(f"… and {len(causes) - MAX_FINDINGS} more; --json has all of them.")
        if echoes:
            told = [f"{name} ×{count}" if count > 1 else name for name, count in echoes.items()]
            self._say(f"Only followed from these: {', '.join(told)}")

    def _finding(self, finding: Finding) -> None:
        start, end = parse_iso(finding.start), finding.end
        until = "now" if end is None else self._at(parse_iso(end))
        line = Text(f"{self._at(start)} – {until}  ")
        line.append(finding.severity.upper(), style=f"bold {SEVERITIES[finding.severity]}")
        worst = "" if finding.worst is None else f", worst {finding.worst:.3g} {finding.unit or ''}"
        line.append(f"  {finding.id}{worst.rstrip()}")
        self._console.print(line)
        self._say(finding.title, indent=2)
        self._say(f"Whose side: {self._side(finding)}", indent=2)
        self._say(f"Do: {finding.advice}", indent=2)

    def _side(self, finding: Finding) -> str:
        name: Callable[[str | None], str] = lambda peer_id: self._names.get(  # noqa: E731
            peer_id or "", "somebody"
        )
        return SIDES[finding.side].format(
            who=name(finding.blamed_peer_id or finding.peer_id),
            at=name(finding.peer_id),
            other=name(finding.other_peer_id),
        )


def names_of(peers: Sequence[PeerTimeline]) -> dict[str, str]:
    """Peer id → what to call them; those who share a name are numbered."""
    names: dict[str, str] = {}
    times: dict[str, int] = {}
    for peer in peers:
        name = peer.display_name or peer.custom_participant_id or peer.user_id
        times[name] = times.get(name, 0) + 1
        names[peer.peer_id] = name if times[name] == 1 else f"{name} ({times[name]})"
    return names


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
