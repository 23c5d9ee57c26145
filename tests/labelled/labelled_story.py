"""A kept call told again: facts → fold → findings, and how that agrees with the call's label."""

from dataclasses import dataclass, field
from functools import cache

from call_facts_file import PeerFacts, load
from scenarios import Person, Scenario, Wanted

from roomtone.findings.catalogue import Thresholds
from roomtone.findings.session import Story, story_of
from roomtone.model.facts import Identified
from roomtone.model.findings import Finding
from roomtone.report.build import build_observed
from roomtone.report.fold import fold, new_state
from roomtone.report.observed import Observed
from roomtone.report.order import in_order
from roomtone.report.state import PeerState
from roomtone.report.stay import clock_offset, stay
from roomtone.report.traces import traces

READING_MS = 7_000
INFO = "info"


@cache
def story_of_call(name: str) -> Story:
    """What Roomtone says of a kept call, with the thresholds that it comes with."""
    peers = load(name)
    states = {peer.peer_id: _folded(peer) for peer in peers}
    seen = [_observed(peer, peers, states) for peer in peers]
    return story_of(seen, Thresholds.of(None))


def _folded(peer: PeerFacts) -> PeerState:
    who = Identified(0, "app", "meeting", "call", peer.peer_id, peer.user_id, "", peer.name, "")
    return fold(fold(new_state(READING_MS), [who]), in_order([(0, lambda: peer.facts)]))


def _observed(peer: PeerFacts, peers: list[PeerFacts], states: dict[str, PeerState]) -> Observed:
    others = {}
    for other in peers:
        if other.peer_id != peer.peer_id:
            others |= traces(states[other.peer_id], clock_offset(other.presence))
    there = stay(peer.presence)
    assert there is not None
    _, seen = build_observed(
        states[peer.peer_id], there, others, clock_offset_ms=clock_offset(peer.presence)
    )
    return seen


@dataclass
class Score:
    """One call's findings against its label."""

    scenario: Scenario
    story: Story
    people: dict[str, Person]
    """By peer id."""
    right: list[Finding] = field(default_factory=list)
    """Wanted, or a true consequence."""
    wrong: list[Finding] = field(default_factory=list)
    """Neither, or of a person whose fault it was not."""
    missed: list[Wanted] = field(default_factory=list)

    @property
    def found(self) -> int:
        """How many of the wanted ones are there."""
        return len(self.scenario.wanted) - len(self.missed)

    @property
    def wanted_ids(self) -> set[str]:
        """Every id that would do."""
        return {name for wanted in self.scenario.wanted for name in wanted.ids}

    def person(self, peer_id: str | None) -> Person | None:
        """Whose peer it is."""
        return None if peer_id is None else self.people[peer_id]

    def told(self, finding: Finding) -> str:
        """A finding in one line."""
        blamed = self.person(finding.blamed_peer_id) or "nobody"
        other = self.person(finding.other_peer_id)
        echo = " (echo)" if finding.echo_of else ""
        return (
            f"{finding.severity} {finding.id} at {self.person(finding.peer_id)}"
            f"{f' of {other}' if other else ''}: {finding.side}, {blamed}{echo} - {finding.title}"
        )

    def __str__(self) -> str:
        lines = [f"{self.scenario.name}: {self.scenario.says}"]
        lines += [f"  missed: {one}" for one in self.missed]
        lines += [f"  wrong: {self.told(one)}" for one in self.wrong]
        lines += [f"  right: {self.told(one)}" for one in self.right]
        lines += [f"  verdict: {self.story.verdict.outcome}"]
        lines += [f"    {sentence}" for sentence in self.story.verdict.sentences]
        return "\n".join(lines)


def score(scenario: Scenario) -> Score:
    """Hold what is said of a call against what is to be said of it.

    Of warnings and errors, each is right (wanted; or a true consequence, of the person it was done
    to) or wrong; information is wrong only where it is forbidden or blames somebody whose fault it
    was not.
    """
    story = story_of_call(scenario.name)
    people = {peer.peer_id: peer.name.lower() for peer in load(scenario.name)}
    made = Score(scenario, story, people)
    may_blame = {*scenario.may_blame, *(one.blamed for one in scenario.wanted)}
    matched: set[Wanted] = set()
    for finding in story.findings:
        blamed = made.person(finding.blamed_peer_id)
        at = made.person(finding.peer_id)
        fits = [one for one in scenario.wanted if _fits(one, finding, blamed, at)]
        matched.update(fits)
        # Nobody's fault is never a wrong accusation; whose it is must be right.
        fair = blamed is None or blamed in may_blame
        if fits:
            made.right.append(finding)
        elif finding.id in scenario.forbidden or not fair:
            made.wrong.append(finding)
        elif finding.severity == INFO:
            continue
        elif _follows(scenario, finding.id) and (
            scenario.people == 2
            or scenario.affected in (at, blamed, made.person(finding.other_peer_id))
        ):
            made.right.append(finding)
        else:
            made.wrong.append(finding)
    made.missed = [one for one in scenario.wanted if one not in matched]
    return made


def _follows(scenario: Scenario, finding_id: str) -> bool:
    return finding_id in scenario.allowed or any(
        finding_id in wanted.ids for wanted in scenario.wanted
    )


def _fits(wanted: Wanted, finding: Finding, blamed: Person | None, at: Person | None) -> bool:
    return (
        finding.id in wanted.ids
        and blamed == wanted.blamed
        and (not wanted.sides or finding.side in wanted.sides)
        and wanted.at in (None, at)
        and (wanted.echo or finding.echo_of is None)
    )
