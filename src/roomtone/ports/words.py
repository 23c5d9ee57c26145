"""The rows of what was said, and of the files made of it. Part of the records port."""

from typing import Protocol

from msgspec import Struct

from roomtone.model.artifacts import Artifact, SummaryJob
from roomtone.model.times import NEVER
from roomtone.model.words import KeptMessage, KeptSegment, Message, Segment, Spoken


class Place(Struct, frozen=True):
    """Where a listing goes on: behind this row, in the order of time, then id."""

    at: int
    id: str


START = Place(-1, "")


class Said(Struct, frozen=True):
    """A message or segment with the session that it belongs to."""

    app_id: str
    session_id: str
    word: Message | Segment


class Words(Protocol):
    """Messages and segments of sessions. ``put`` inserts or replaces by session and id."""

    def message(self, session_id: str, message_id: str) -> KeptMessage | None: ...
    def put_message(self, app_id: str, session_id: str, kept: KeptMessage) -> None: ...
    def messages(self, session_id: str, after: Place, limit: int) -> list[Message]:
        """Those that show, by time; pins and deletions applied."""
        ...

    def kept_messages(self, session_id: str, after: str, limit: int) -> list[KeptMessage]:
        """All of them, by id."""
        ...

    def segment(self, session_id: str, segment_id: str) -> KeptSegment | None: ...
    def put_segment(self, app_id: str, session_id: str, kept: KeptSegment) -> None: ...
    def segments(self, session_id: str, after: Place, limit: int) -> list[Segment]:
        """Those that are final, by their start."""
        ...

    def kept_segments(self, session_id: str, after: str, limit: int) -> list[KeptSegment]:
        """All of them, by id."""
        ...

    def said_between(
        self, kind: str, app_id: str | None, since: int, until: int, after: Place, limit: int
    ) -> list[Said]:
        """What shows of ``chat`` or ``transcript`` from ``since`` to before ``until``, by time."""
        ...

    def drop_word(self, kind: str, session_id: str, word_id: str) -> None: ...
    def drop_words(self, kind: str, session_id: str, limit: int) -> int:
        """Erase some of a session; how many."""
        ...

    def spoken(self, session_id: str) -> Spoken | None: ...
    def put_spoken(self, spoken: Spoken) -> None: ...
    def drop_spoken(self, session_id: str) -> None: ...
    def due_sessions(self, before: int, limit: int, *, ahead: int = NEVER) -> list[Spoken]:
        """ENDED and sealed ones whose files are older than their words, changed before then; or
        after ``ahead``, which only a clock that was set back makes possible."""
        ...

    def put_pending(self, subject: bytes, now: int) -> None:
        """Words of this peer wait in the journal for its row. Noted again, its time moves on."""
        ...

    def pending_joined(self, limit: int) -> list[tuple[bytes, int]]:
        """Subjects with waiting words whose peer has a row now, and when that was noted."""
        ...

    def drop_pending(self, subject: bytes, noted_at: int | None = None) -> None:
        """They wait no more; ``noted_at``: unless more were noted since."""
        ...


class Artifacts(Protocol):
    """Files of sessions, and requests for summaries."""

    def artifact(self, session_id: str, kind: str, format: str) -> Artifact | None: ...  # noqa: A002
    def artifacts(self, session_id: str) -> list[Artifact]: ...
    def put_artifact(self, artifact: Artifact) -> None:
        """Insert or replace by session, kind and format."""
        ...

    def drop_artifacts(self, session_id: str, kind: str | None) -> None:
        """``kind`` None: every one."""
        ...

    def summary_job(self, session_id: str) -> SummaryJob | None: ...
    def summary_job_by_id(self, job_id: str) -> SummaryJob | None: ...
    def put_summary_job(self, job: SummaryJob) -> None:
        """Insert or replace by session: only the latest request is known."""
        ...

    def drop_summary_job(self, session_id: str) -> None: ...
    def open_summary_jobs(self, limit: int) -> list[SummaryJob]:
        """QUEUED and IN_PROGRESS ones, oldest first."""
        ...
