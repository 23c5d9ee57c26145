"""``roomtone explain``: why a call went as it did, told in a terminal."""

import gzip
from datetime import UTC
from typing import Any

import click
import msgspec
from msgspec.structs import replace
from rich.console import Console

from roomtone.cli.options import on_folder, with_settings
from roomtone.cli.storyboard import Story, Storyboard, names_of
from roomtone.model.errors import NotFound
from roomtone.model.findings import Finding, Verdict
from roomtone.model.sessions import Session
from roomtone.model.timeline import PeerTimeline
from roomtone.model.times import iso, iso_or_none, parse_iso
from roomtone.ports.records import Page, SessionFilter, Transaction
from roomtone.services.sessions import NO_SUCH_SESSION
from roomtone.services.timelines import SessionTimeline, TimelineAnswer
from roomtone.settings import Settings
from roomtone.wiring import Roomtone

PLAIN_WIDTH = 80
LATEST = 20
MOST_APPS = 1_000
WORST_FIRST = ("bad", "fair", "unknown", "good", None)


@click.command()
@click.argument("session_id", required=False)
@click.option("--peer", help="Only what concerns this person: a peer id, user id or name.")
@click.option("--utc", is_flag=True, help="Times in UTC, not in this machine's zone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data", "reading_ms", "quality_scale")
def explain(
    settings: Settings, *, session_id: str | None, peer: str | None, utc: bool, as_json: bool
) -> None:
    """Tell the story of the session SESSION_ID: verdict, each person's quality over time, what was
    found and when, whose side it was on, and what to do. LIVE ones too, as far as they have come.

    Without an id: the one that went worst of the latest 20.
    """

    async def work(roomtone: Roomtone) -> Story:
        await roomtone.roster.catch_up()
        if session_id is None:
            session = await roomtone.records.read(_worst)
        else:
            session = await roomtone.records.read(
                lambda tx: tx.sessions.session_by_id(session_id.lower())
            )
        if session is None:
            raise NotFound(NO_SUCH_SESSION if session_id else "There is no session yet.")
        return await _story(roomtone, session)

    story = on_folder(settings, work)
    if peer is not None:
        story = about(story, peer)
    if as_json:
        click.echo(msgspec.json.encode(_told(story)))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    Storyboard(console, story, UTC if utc else None).draw()


def _worst(tx: Transaction) -> Session | None:
    """Of the latest sessions of all apps the worst, the latest of them."""
    found: list[Session] = []
    for account in tx.tenants.accounts():
        for app in tx.tenants.apps(account.id, None, descending=True, page=Page(0, MOST_APPS))[0]:
            found += tx.sessions.list_sessions(SessionFilter(app_id=app.id), Page(0, LATEST))[0]
    found.sort(key=lambda session: session.started_at, reverse=True)
    latest = found[:LATEST]
    headlines = tx.digests.headlines([session.id for session in latest])

    def rank(session: Session) -> int:
        headline = headlines.get(session.id)
        return WORST_FIRST.index(None if headline is None else headline.outcome)

    return min(latest, key=rank, default=None)


async def _story(roomtone: Roomtone, session: Session) -> Story:
    body = await roomtone.timelines.timeline(session.app_id, session.id)
    drawn: SessionTimeline = msgspec.json.decode(gzip.decompress(body), type=TimelineAnswer).data
    judged: tuple[Verdict, tuple[Finding, ...]] | None
    if session.sealed_at is None and session.trimmed_at is None:
        live = await roomtone.sealer.live_story(session.id)
        judged = live.verdict, live.findings
    else:
        digest = await roomtone.records.read(lambda tx: tx.digests.digest(session.id))
        judged = (digest.verdict, digest.findings) if digest and digest.model else None
    return Story(
        session=session,
        start=parse_iso(drawn.start),
        end=parse_iso(drawn.end),
        bin_ms=drawn.bin_ms,
        bins=drawn.bins,
        quality_scale=drawn.quality_scale,
        peers=drawn.peers,
        names=names_of(drawn.peers),
        verdict=judged[0] if judged else None,
        findings=judged[1] if judged else (),
    )


def _told(story: Story) -> dict[str, Any]:
    """For a program; findings and peers as the API has them."""
    session = story.session
    return {
        "session_id": session.id,
        "associated_id": session.meeting_id,
        "meeting_display_name": session.title,
        "status": session.status,
        "started_at": iso(session.started_at),
        "ended_at": iso_or_none(session.ended_at),
        "verdict": story.verdict,
        "findings": story.findings,
        "bin_ms": story.bin_ms,
        "bins": story.bins,
        "quality_scale": story.quality_scale,
        "peers": story.peers,
    }


def about(story: Story, who: str) -> Story:
    """What of a story concerns one person. Raises NotFound."""
    wanted = who.casefold()
    meant = tuple(peer for peer in story.peers if wanted in _names(peer))
    if not meant:
        known = ", ".join(sorted({peer.display_name or peer.user_id for peer in story.peers}))
        raise NotFound(f"Nobody here is called {who}. There were: {known}.")
    ids = {peer.peer_id for peer in meant}
    concerned = tuple(finding for finding in story.findings if _concerns(finding, ids))
    return replace(story, peers=meant, findings=concerned)


def _names(peer: PeerTimeline) -> set[str]:
    told = (peer.peer_id, peer.user_id, peer.custom_participant_id, peer.display_name)
    return {name.casefold() for name in told if name}


def _concerns(finding: Finding, ids: set[str]) -> bool:
    return bool(ids & {finding.peer_id, finding.blamed_peer_id, finding.other_peer_id})
