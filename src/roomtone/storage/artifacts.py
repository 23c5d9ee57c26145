"""Files of sessions and requests for summaries, in their tables."""

import msgspec
from msgspec.structs import replace

from roomtone.model.artifacts import IN_PROGRESS, QUEUED, Artifact, SummaryJob
from roomtone.storage import tables
from roomtone.storage.ciphers import is_current_text
from roomtone.storage.connections import Connection
from roomtone.storage.rows import Kept

_ARTIFACT = Kept(Artifact, tables.artifacts)
_ONE = _ARTIFACT.by("session_id", "kind", "format")
_OF_SESSION = _ARTIFACT.by("session_id", order=(tables.artifacts.c.kind, tables.artifacts.c.format))
_NAMES = tuple(field.name for field in msgspec.structs.fields(Artifact))
_PUT = (
    f"INSERT INTO artifacts ({', '.join(_NAMES)}) "  # noqa: S608
    f"VALUES ({', '.join('?' for _ in _NAMES)}) ON CONFLICT (session_id, kind, format) DO UPDATE "
    "SET blob_key = excluded.blob_key, size = excluded.size, made_at = excluded.made_at"
)
_DROP = "DELETE FROM artifacts WHERE session_id = ?"

_JOB = Kept(SummaryJob, tables.summary_jobs)
_JOB_OF = _JOB.by("session_id")
_JOB_BY_ID = _JOB.by("id")
_OPEN = _JOB.by("status", order=(tables.summary_jobs.c.requested_at,)) + " LIMIT ?"
_PUT_JOB = _JOB.upsert("session_id")
REASON = "reason"
_REASONS = "SELECT id, reason FROM summary_jobs WHERE reason IS NOT NULL"
_PUT_REASON = "UPDATE summary_jobs SET reason = ? WHERE id = ? AND reason = ?"


class SqlArtifacts:
    """See :class:`roomtone.ports.words.Artifacts`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def artifact(self, session_id: str, kind: str, format: str) -> Artifact | None:  # noqa: A002
        return _ARTIFACT.one(self._connection, _ONE, session_id, kind, format)

    def artifacts(self, session_id: str) -> list[Artifact]:
        return _ARTIFACT.all(self._connection, _OF_SESSION, session_id)

    def put_artifact(self, artifact: Artifact) -> None:
        values = [getattr(artifact, name) for name in _NAMES]
        self._connection.raw.execute(_PUT, values)

    def drop_artifacts(self, session_id: str, kind: str | None) -> None:
        if kind is None:
            self._connection.raw.execute(_DROP, (session_id,))
        else:
            self._connection.raw.execute(_DROP + " AND kind = ?", (session_id, kind))

    def summary_job(self, session_id: str) -> SummaryJob | None:
        return self._shown(_JOB.one(self._connection, _JOB_OF, session_id))

    def summary_job_by_id(self, job_id: str) -> SummaryJob | None:
        return self._shown(_JOB.one(self._connection, _JOB_BY_ID, job_id))

    def put_summary_job(self, job: SummaryJob) -> None:
        if job.reason is not None:
            # A language model's endpoint may repeat what it was sent.
            hidden = self._connection.cipher.encrypt_text((REASON, job.id), job.reason)
            job = replace(job, reason=hidden)
        _PUT_JOB.run(self._connection, job)

    def renew_reasons(self) -> int:
        """Write the reasons of jobs as they would be written now; how many were not."""
        rows = self._connection.raw.execute(_REASONS).fetchall()
        cipher, changed = self._connection.cipher, 0
        for job_id, stored in rows:
            if not is_current_text(cipher, stored):
                reason = cipher.decrypt_text((REASON, job_id), stored)
                values = (cipher.encrypt_text((REASON, job_id), reason), job_id, stored)
                changed += self._connection.raw.execute(_PUT_REASON, values).rowcount
        return changed

    def _shown(self, job: SummaryJob | None) -> SummaryJob | None:
        if job is None or job.reason is None:
            return job
        shown = self._connection.cipher.decrypt_text((REASON, job.id), job.reason)
        return replace(job, reason=shown)

    def drop_summary_job(self, session_id: str) -> None:
        self._connection.raw.execute("DELETE FROM summary_jobs WHERE session_id = ?", (session_id,))

    def open_summary_jobs(self, limit: int) -> list[SummaryJob]:
        return [
            job
            for status in (QUEUED, IN_PROGRESS)
            for stored in _JOB.all(self._connection, _OPEN, status, limit)
            if (job := self._shown(stored)) is not None
        ]
