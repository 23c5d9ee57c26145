"""A façade over an empty database in memory, with a clock that stands still until it is moved."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Union, get_args, get_origin
from uuid import UUID

import msgspec
from starlette.testclient import TestClient

from roomtone.findings.session import Story, Thresholds, story
from roomtone.model.attendance import TalkTime
from roomtone.model.peer_report import PeerReport
from roomtone.model.presence import Presence
from roomtone.model.sessions import ENDED, LIVE, Peer, Session
from roomtone.model.subjects import subject_key
from roomtone.model.times import iso
from roomtone.ports.records import StoredReport
from roomtone.services.analytics import Analytics
from roomtone.services.artifacts import Artifacts
from roomtone.services.inlets import Inlets
from roomtone.services.invitations import Invitations
from roomtone.services.links import Links
from roomtone.services.origins import Origins
from roomtone.services.rate import RateLimit
from roomtone.services.register import Register
from roomtone.services.rooms import Rooms
from roomtone.services.sessions import Sessions
from roomtone.services.summaries import Summaries
from roomtone.services.summarising import Summariser
from roomtone.services.tenants import Tenants
from roomtone.services.thresholds import FindingThresholds
from roomtone.services.timelines import Timelines
from roomtone.services.webhooks import Webhooks
from roomtone.services.words import Words
from roomtone.storage.blobs import LocalBlobs
from roomtone.storage.database import Database
from roomtone.storage.journal import SqlJournal
from roomtone.storage.records import SqlRecords
from roomtone.web.app import create_app
from roomtone.web.console.door import ConsoleDoor
from roomtone.web.console.feed import Feed
from roomtone.web.console.keys import ConsoleKeys
from roomtone.web.console.live import row_encoder
from roomtone.web.files import Files
from roomtone.web.openapi import docs_routes
from roomtone.web.realtimekit.routes import Facade, facade_routes
from roomtone.web.recent import Recent

START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MINUTE = 60_000


class StillClock:
    """Tests move it."""

    def __init__(self) -> None:
        self.t = START
        self._ids = 0

    def now(self) -> int:
        return self.t

    def new_id(self) -> str:
        self._ids += 1
        return str(UUID(int=(self._ids << 64) | 0x8000_0000_0000_0000, version=4))


def blank(kind: Any) -> Any:
    """The least value of a type: what a peer report looks like when nothing is known."""
    if get_origin(kind) is Union or type(kind).__name__ == "UnionType":
        options = get_args(kind)
        if type(None) in options:
            return None
        return msgspec.UNSET if msgspec.UnsetType in options else blank(options[0])
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind(**{f.name: blank(f.type) for f in msgspec.structs.fields(kind)})
    return (get_origin(kind) or kind)()


class Fold:
    """Stands where the fold is: a blank report with the peer's identity; counts its use."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def live_report(self, peer: Peer) -> PeerReport:
        self.asked.append(peer.peer_id)
        return report_of(peer)

    async def live_reports(self, session_id: str) -> list[tuple[Peer, PeerReport]]:
        return []

    async def live_story(self, session_id: str) -> Story:
        return story([], Thresholds.of(None))

    async def live_talk(self, session: Session, peers: list[Peer]) -> dict[bytes, TalkTime]:
        self.asked += [peer.peer_id for peer in peers]
        return {}


def report_of(peer: Peer) -> PeerReport:
    """A blank report of a peer."""
    report = blank(PeerReport)
    report.id = peer.peer_id
    report.quality_stats.peer_ids = [peer.peer_id]
    report.user_id = peer.user_id
    report.custom_participant_id = peer.custom_participant_id
    report.display_name = peer.display_name
    report.preset_name = report.role = peer.preset_name
    report.session_id = peer.session_id
    report.joined_at = iso(peer.joined_at)
    report.left_at = None if peer.left_at is None else iso(peer.left_at)
    return report


class Told:
    """Stands where the webhooks are: notes what it is told."""

    def __init__(self) -> None:
        self.files: list[tuple[str, str, str]] = []

    async def chat_synced(self, session: Session, url: str, expires_at: int, made: str) -> int:
        self.files.append(("chat", session.id, url))
        return 1

    async def transcript_ready(self, session: Session, url: str, expires_at: int, made: str) -> int:
        self.files.append(("transcript", session.id, url))
        return 1

    async def summary_ready(self, session: Session, url: str, expires_at: int, made: str) -> int:
        self.files.append(("summary", session.id, url))
        return 1


class Doorkeeper:
    """Stands where the roster is: shows out whom it is told to know."""

    async def catch_up(self) -> None:
        """The rows are put by the tests themselves."""

    def __init__(self) -> None:
        self.inside: dict[str, list[str]] = {}

    async def kick(
        self, app_id: str, meeting_id: str, participant_ids: list[str], custom_ids: list[str]
    ) -> list[str] | None:
        inside = self.inside.get(meeting_id)
        return None if inside is None else sorted({*participant_ids} & {*inside})

    async def kick_all(self, app_id: str, meeting_id: str) -> int | None:
        inside = self.inside.pop(meeting_id, None)
        return None if inside is None else len(inside)


class World:
    """Services, a client with the admin's token, and short cuts to put rows in place."""

    def __init__(self, rate_limit: int = 0) -> None:
        self.clock = StillClock()
        self.database = Database.open(":memory:")
        self.records = SqlRecords(self.database)
        self.tenants = Tenants(self.records, self.clock)
        self.rooms = Rooms(self.records, self.clock, token_hours=24)
        self.fold = Fold()
        self.sessions = Sessions(self.records, self.clock, self.fold)
        self.timelines = Timelines(self.records, self.sessions, self.clock)
        self.register = Register(self.records, self.clock, self.fold)
        self.roster = Doorkeeper()
        self.journal = SqlJournal(self.database)
        self.words = Words(self.journal, self.records, self.roster, self.clock)
        self.folder = TemporaryDirectory()
        self.links = Links(b"a secret of tests", "http://testserver")
        self.invitations = Invitations(
            b"a secret of tests", "http://testserver", self.records, self.rooms, self.clock
        )
        self.blobs = LocalBlobs(Path(self.folder.name), self.links)
        self.told = Told()
        self.artifacts = Artifacts(self.records, self.blobs, self.clock, self.told, link_days=7)
        self.summaries = Summaries(self.records, self.artifacts, self.clock)
        self.summariser = Summariser(self.records, self.artifacts, self.clock, self.told)
        made = asyncio.run(self.tenants.first_start())
        assert made is not None
        self.account_id, self.app_id, self.token = made.account.id, made.app.id, made.issued.text
        self.console_keys = ConsoleKeys(b"a secret of tests", self.clock.now())
        self.console = ConsoleDoor(self.console_keys, self.tenants, self.clock, "http://testserver")
        self.feed = Feed(self.records, row_encoder(self.clock))
        rate = RateLimit(rate_limit)
        recent = Recent(self.records, self.clock, rate)
        facade = Facade(
            self.tenants,
            self.rooms,
            self.sessions,
            self.roster,
            self.clock,
            rate,
            Webhooks(self.records, self.clock, allow_private=False),
            Inlets(self.records, self.clock),
            self.words,
            self.artifacts,
            self.summaries,
            register=self.register,
            thresholds=FindingThresholds(self.records),
            origins=Origins(self.records, self.clock),
            invitations=self.invitations,
            timelines=self.timelines,
            imports=None,
            analytics=Analytics(self.records, self.clock),
            visitor=self.console.visitor,
            follow=self.feed.listen,
            recent=recent,
        )
        files = Files(self.blobs, self.links, self.clock)
        routes = [
            *facade_routes(facade),
            *self.console.routes(),
            *files.routes(),
            *docs_routes(),
        ]
        self.application = create_app(routes, ready, lifespan, recent=recent)
        self.client = TestClient(self.application, raise_server_exceptions=False)

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def path(self, path: str, app_id: str | None = None) -> str:
        app = self.app_id if app_id is None else app_id
        return f"/client/v4/accounts/{self.account_id}/realtime/kit/{app}/{path}"

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """Ask as the admin; the whole response."""
        return self.client.request(method, self.path(path), **{"headers": self.bearer, **more})

    def get(self, path: str, **params: Any) -> Any:
        """The body of a GET that succeeds."""
        response = self.ask("GET", path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def token_for(self, scope: str, app_id: str | None = None) -> str:
        """Another API token of the account."""
        issued = asyncio.run(self.tenants.create_token(self.account_id, app_id, "another", scope))
        return issued.text

    def write(self, change: Any) -> Any:
        return asyncio.run(self.records.write(change))

    def put_session(self, session_id: str, **fields: Any) -> Session:
        """A session of the app; ENDED if it has an end."""
        started = fields.pop("started_at", START)
        held = Session(
            **{
                "id": session_id,
                "app_id": self.app_id,
                "meeting_id": "m1",
                "title": "Weekly sync",
                "status": ENDED if fields.get("ended_at") else LIVE,
                "started_at": started,
                "created_at": started,
                "updated_at": started,
                **fields,
            }
        )
        self.write(lambda tx: tx.sessions.put_session(held))
        return held

    def put_peer(self, session_id: str, peer_id: str, **fields: Any) -> Peer:
        """A peer of a session; its user is named after it unless said otherwise."""
        joined = fields.pop("joined_at", START)
        left = fields.get("left_at")
        user = fields.get("user_id", f"user-{peer_id}")
        peer = Peer(
            **{
                "subject": subject_key(self.app_id, user, peer_id),
                "app_id": self.app_id,
                "session_id": session_id,
                "peer_id": peer_id,
                "user_id": user,
                "custom_participant_id": f"custom-{user}",
                "display_name": peer_id.title(),
                "preset_name": "group_call_host",
                "joined_at": joined,
                "last_sign_at": left or joined,
                "presence": Presence(
                    joins=((joined, "call_join"),),
                    leaves=((left, "disconnect"),) if left else (),
                ),
                "created_at": joined,
                "updated_at": left or joined,
                **fields,
            }
        )
        self.write(lambda tx: tx.sessions.put_peer(peer))
        return peer

    def seal(self, peer: Peer) -> bytes:
        """Store a report as the sealer does; its bytes as they are to be sent."""
        content = {"success": True, "data": {"participant": report_of(peer)}}
        body = gzip.compress(msgspec.json.encode(content), mtime=0)
        report = StoredReport(
            subject=peer.subject,
            app_id=peer.app_id,
            peer_id=peer.peer_id,
            session_id=peer.session_id,
            model="test",
            body=body,
            sealed_at=self.clock.t,
        )
        self.write(lambda tx: tx.reports.put_report(report))
        return body

    def close(self) -> None:
        closing = self.database.close()
        if asyncio.iscoroutine(closing):
            asyncio.run(closing)
        self.folder.cleanup()


async def ready() -> bool:
    return True


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    yield


@contextmanager
def a_world(**settings: Any) -> Iterator[World]:
    """A world, closed afterwards."""
    world = World(**settings)
    try:
        yield world
    finally:
        world.close()
