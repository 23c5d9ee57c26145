"""Records: the rows that the API lists. Nouns with small repositories inside a transaction.

``write`` runs a function in one serialised, durable transaction; ``read`` runs one on a
consistent view. The functions are plain synchronous code and may be run again after a conflict, so
they have no effect but through the transaction.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from roomtone.model.hooks import Delivery, SigningKey, Webhook
from roomtone.model.rooms import Meeting, Participant, Preset
from roomtone.model.sessions import Peer, Session
from roomtone.model.tenancy import Account, ApiToken, App
from roomtone.model.times import NEVER
from roomtone.ports.attendance import TalkTimes
from roomtone.ports.digests import Digests
from roomtone.ports.inlets import Inlets
from roomtone.ports.vitals import Vitals
from roomtone.ports.words import Artifacts, Words

T = TypeVar("T")


class Page(Struct, frozen=True):
    """A slice of a list: rows ``offset`` … ``offset + limit``."""

    offset: int
    limit: int


class SessionFilter(Struct, frozen=True, kw_only=True):
    """What a session list is asked for (contract 1.1, 10). None: not asked."""

    app_id: str
    meeting_id: str | None = None
    status: str | None = None
    started_from: int | None = None
    started_to: int | None = None
    people_min: int | None = None
    people_max: int | None = None
    search: str | None = None
    finding_ids: frozenset[str] = frozenset()
    """Any of them; of what was found when the session was sealed, as are the next four."""
    min_severity: int = 0
    """A place in ``model.digests.SEVERITIES`` plus 1; 0: not asked."""
    browser: str | None = None
    """Of any peer; whatever its case. So is ``country``."""
    country: str | None = None
    mos_below: int | None = None
    """Hundredths. A session whose MOS is not known is not below."""
    sort_by: str = "createdAt"
    """``createdAt`` (by started_at) or ``minutesConsumed`` (by sort_ms); ties by id."""
    descending: bool = True


class PeerFilter(Struct, frozen=True, kw_only=True):
    """What a participants list is asked for (contract 1.3)."""

    session_id: str
    search: str | None = None
    sort_by: str = "joinedAt"
    """``joinedAt`` or ``duration``; ties by peer id."""
    include_attempts: bool = False
    """Also those that never connected."""
    descending: bool = True


class MeetingFilter(Struct, frozen=True, kw_only=True):
    """What a meeting list is asked for (contract 5)."""

    app_id: str
    search: str | None = None
    created_from: int | None = None
    created_to: int | None = None
    status: str | None = None


class Tenants(Protocol):
    """Accounts, apps, API tokens."""

    def account(self, account_id: str) -> Account | None: ...
    def accounts(self) -> list[Account]: ...
    def put_account(self, account: Account) -> None: ...
    def app(self, app_id: str) -> App | None: ...
    def apps(
        self, account_id: str, search: str | None, descending: bool, page: Page
    ) -> tuple[list[App], int]: ...
    def put_app(self, app: App) -> None: ...
    def thresholds(self, app_id: str) -> dict[str, dict[str, float]]:
        """Detector id → name → number: the app's own thresholds of findings; mostly none."""
        ...

    def put_thresholds(self, app_id: str, own: dict[str, dict[str, float]]) -> None: ...
    def origins(self, app_id: str) -> tuple[str, ...]:
        """Of the web pages that may send telemetry for an app; none: all of them."""
        ...

    def put_origins(self, app_id: str, origins: tuple[str, ...]) -> None: ...
    def token_by_sha256(self, sha256: bytes) -> ApiToken | None: ...
    def tokens(self, account_id: str) -> list[ApiToken]: ...
    def put_token(self, token: ApiToken) -> None: ...


class Rooms(Protocol):
    """Meetings, participants, presets. ``put`` inserts or replaces by id."""

    def meeting(self, app_id: str, meeting_id: str) -> Meeting | None: ...
    def meetings(self, asked: MeetingFilter, page: Page) -> tuple[list[Meeting], int]: ...
    def put_meeting(self, meeting: Meeting) -> None: ...
    def participant(self, app_id: str, participant_id: str) -> Participant | None: ...
    def participants(self, meeting_id: str, page: Page) -> tuple[list[Participant], int]: ...
    def put_participant(self, participant: Participant) -> None: ...
    def people_called(self, app_id: str, name: str) -> list[Participant]:
        """Those of an app, deleted or not, whose id or custom id this is."""
        ...

    def taken_elsewhere(self, app_id: str, ids: Sequence[str]) -> set[str]:
        """Those of these ids that meetings or participants of other apps have."""
        ...

    def drop_participant(self, participant_id: str) -> None: ...
    def preset(self, app_id: str, preset_id: str) -> Preset | None: ...
    def preset_named(self, app_id: str, name: str) -> Preset | None: ...
    def presets(self, app_id: str, page: Page) -> tuple[list[Preset], int]: ...
    def put_preset(self, preset: Preset) -> None: ...
    def delete_preset(self, preset_id: str) -> None: ...


class Sessions(Protocol):
    """Sessions and peers. ``put`` inserts or replaces by id (subject for peers)."""

    def session(self, app_id: str, session_id: str) -> Session | None: ...
    def session_by_id(self, session_id: str) -> Session | None: ...
    def list_sessions(self, asked: SessionFilter, page: Page) -> tuple[list[Session], int]: ...
    def live_session(self, meeting_id: str) -> Session | None: ...
    def session_at(self, meeting_id: str, t: int, grace_ms: int) -> Session | None:
        """The session of a meeting whose time, widened by the grace at both ends, holds ``t``."""
        ...

    def live_sessions(self) -> Iterator[Session]: ...
    def unsealed_sessions(self, limit: int) -> list[Session]:
        """ENDED ones whose reports are not stored (or were unsealed by late facts)."""
        ...

    def child_sessions(self, session_id: str) -> list[Session]: ...
    def changed_since(self, revision: int, limit: int) -> list[tuple[int, Session]]:
        """Those put after this revision, each with its own, in that order; of every app. The
        latest revision is the cursor ``sessions.revision``."""
        ...

    def put_session(self, session: Session) -> None: ...
    def peer_by_subject(self, subject: bytes) -> Peer | None: ...
    def peers_by_subject(self, subjects: Iterable[bytes]) -> dict[bytes, Peer]: ...
    def peer(self, app_id: str, peer_id: str) -> Peer | None: ...
    def peers(self, session_id: str) -> list[Peer]:
        """All of them: merged ones and attempts too."""
        ...

    def list_peers(self, asked: PeerFilter, page: Page, now: int) -> tuple[list[Peer], int]: ...
    def put_peer(self, *peers: Peer) -> None: ...
    def silent_peers(
        self, before: int, limit: int, servers_before: int = 0, *, moved_before: int = NEVER
    ) -> list[Peer]:
        """Connected peers whose last sign of life, own or vouched for, is older than ``before``; of
        those that only servers tell of, older than ``servers_before``. ``moved_before``: only rows
        that nothing has moved since then."""
        ...

    def peers_ahead(self, ahead: int, limit: int) -> list[Peer]:
        """Connected clients' peers with a time of ours later than ``ahead``, written before the
        clock was set back; first those of which nothing was heard since."""
        ...

    def count_peers(self, session_id: str) -> int:
        """How many rows there are of a session, whether they count or not."""
        ...

    def first_peer(self, session_id: str) -> Peer | None:
        """The first who joined of those that count, ties by peer id."""
        ...

    def last_peer(self, session_id: str) -> Peer | None:
        """The last who left of those that count, of ties the greatest peer id."""
        ...

    def all_session_ids(self) -> Iterator[str]: ...
    def sessions_of(self, meeting_id: str) -> list[Session]: ...
    def started_between(
        self, meeting_id: str, since: int, until: int, after: tuple[int, str], limit: int
    ) -> list[Session]:
        """Sessions of a meeting with ``since`` <= started_at <= ``until`` (epoch ms) that come
        after (started_at, id), in that order."""
        ...

    def sealed_between(self, after: int, before: int, limit: int) -> list[Session]:
        """Those with ``after`` < sealed_at < ``before``, in that order."""
        ...

    def peers_called(self, app_id: str, name: str, user_ids: list[str]) -> list[Peer]:
        """Peers of an app with one of these user ids, or with this user id or custom id."""
        ...

    def drop_peer(self, subject: bytes) -> None: ...
    def drop_session(self, session_id: str) -> None:
        """Erase the row alone; lists show it no more."""
        ...


class StoredReport(Struct, frozen=True, kw_only=True):
    """A sealed report: the gzip bytes of the peer-report answer, as they will be sent."""

    subject: bytes
    app_id: str
    peer_id: str
    session_id: str
    model: str
    """Names the fold and formulas that made it."""
    body: bytes
    sealed_at: int


class Reports(Protocol):
    """Sealed reports."""

    def report(self, app_id: str, peer_id: str) -> StoredReport | None: ...
    def sealed_report(self, app_id: str, peer_id: str) -> StoredReport | None:
        """As ``report``, but only while the session is sealed: late facts unseal it."""
        ...

    def sealed_as_sent(self, app_id: str, peer_id: str) -> StoredReport | None:
        """As ``sealed_report``, but only one that is not packed: that takes no time to read."""

    def unpacked_reports(self, before: int, limit: int) -> list[StoredReport]:
        """Those sealed before this moment that may still be packed, the oldest first."""

    def pack_report(self, report: StoredReport, packed: bytes | None) -> None:
        """Store it packed, or (None) for good as it is; not if it was replaced meanwhile."""

    def put_report(self, report: StoredReport) -> None:
        """Replace by subject. What another model had made is kept as the previous one."""
        ...

    def previous_report(self, app_id: str, peer_id: str) -> StoredReport | None:
        """As it was before another model made it anew; at most one is kept."""
        ...

    def drop_previous_report(self, subject: bytes) -> None: ...
    def drop_report(self, subject: bytes) -> None:
        """The previous one too."""
        ...


class Quarantined(Struct, frozen=True, kw_only=True):
    """Bytes that no decoder understood, kept to be tried again after an upgrade."""

    id: str
    app_id: str
    source: str
    reason: str
    body: bytes
    context: str
    """JSON: the subject, as far as it was known, and the content type."""
    received_at: int


class Quarantine(Protocol):
    """What could not be understood."""

    def put_quarantined(self, item: Quarantined) -> None: ...
    def quarantined(self, app_id: str | None, page: Page) -> tuple[list[Quarantined], int]: ...
    def drop_quarantined(self, item_id: str) -> None: ...


class Hooks(Protocol):
    """Webhooks, their deliveries (an outbox and its log), and the keys that sign them."""

    def webhook(self, app_id: str, webhook_id: str) -> Webhook | None: ...
    def webhook_by_id(self, webhook_id: str) -> Webhook | None: ...
    def webhooks(self, app_id: str | None) -> list[Webhook]:
        """Of an app, or all; oldest first, ties by id."""
        ...

    def put_webhook(self, webhook: Webhook) -> None: ...
    def delete_webhook(self, webhook_id: str) -> None:
        """Its deliveries stay until :meth:`drop_deliveries` takes them."""
        ...

    def add_delivery(self, delivery: Delivery) -> bool:
        """Queue one; False: this webhook was told, or is being told, of this cause already."""
        ...

    def put_delivery(self, delivery: Delivery) -> None:
        """Replace by id; one that is gone stays gone."""
        ...

    def delivery(self, webhook_id: str, delivery_id: str) -> Delivery | None: ...
    def deliveries(
        self, webhook_id: str, status: str | None, page: Page
    ) -> tuple[list[Delivery], int]:
        """Latest first."""
        ...

    def session_deliveries(self, app_id: str, session_id: str, limit: int) -> list[Delivery]:
        """Of all webhooks, latest first."""
        ...

    def next_delivery(self, webhook_id: str, now: int) -> Delivery | None:
        """The PENDING one of a webhook that has been due for longest; None: none is due."""
        ...

    def webhooks_due(self, now: int) -> list[str]:
        """Ids of the enabled webhooks that have a PENDING delivery which is due."""
        ...

    def recall_deliveries(self, now: int, ahead: int, far: int) -> int:
        """Make due what the clock, set back, has moved away: what was to be sent at once and stands
        after ``ahead``, and what is to be tried again after ``far``; how much."""
        ...

    def hasten_deliveries(self, webhook_id: str) -> None:
        """Make due what is PENDING because its receiver could not be reached."""
        ...

    def requeue_deliveries(self, webhook_id: str, since: int, until: int, now: int) -> int:
        """Queue again all that was created between, both ends included; how many."""
        ...

    def drop_deliveries(self, webhook_id: str, limit: int) -> int:
        """Erase some deliveries of a webhook; how many."""
        ...

    def drop_old_deliveries(self, before: int, limit: int) -> int:
        """Erase some that are not PENDING and were created before; how many."""
        ...

    def erase_deliveries(self, session_id: str, peer_id: str | None = None) -> int:
        """Erase what was told of a session, or of one peer in it; how many."""
        ...

    def signing_key(self) -> SigningKey | None:
        """The newest."""
        ...

    def put_signing_key(self, key: SigningKey) -> None: ...


class Transaction(Protocol):
    """What ``read`` and ``write`` hand to their function."""

    @property
    def tenants(self) -> Tenants: ...
    @property
    def rooms(self) -> Rooms: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def reports(self) -> Reports: ...
    @property
    def quarantine(self) -> Quarantine: ...
    @property
    def hooks(self) -> Hooks: ...
    @property
    def words(self) -> Words: ...
    @property
    def artifacts(self) -> Artifacts: ...
    @property
    def inlets(self) -> Inlets: ...
    @property
    def digests(self) -> Digests: ...
    @property
    def talk(self) -> TalkTimes: ...
    def vitals(self) -> Vitals:
        """How the service is doing; for a page that is read every few seconds."""
        ...

    def cursor(self, name: str) -> int:
        """A named position, 0 at first."""
        ...

    def set_cursor(self, name: str, position: int) -> None: ...


class Records(Protocol):
    """See the module."""

    async def read(self, ask: Callable[[Transaction], T]) -> T: ...
    def peek(self, ask: Callable[[Transaction], T]) -> T:
        """As ``read``, at once on the caller's thread: for look-ups by key only."""
        ...

    def version(self) -> Hashable:
        """Equal to an earlier answer only if nothing was committed in between, by anybody."""
        ...

    async def write(self, change: Callable[[Transaction], T]) -> T: ...
