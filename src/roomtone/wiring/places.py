"""Where things lie: the settings' database, journal, files and clocks, opened.

What only some need (S3, NATS, a language model) is imported only where the settings name it.
"""

import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from roomtone.model.errors import Failed
from roomtone.ports.blobs import Blobs
from roomtone.ports.journal import Journal
from roomtone.services.links import Links
from roomtone.services.retention import Keep
from roomtone.services.tracing import UNTRACED, Untraced
from roomtone.settings import Settings
from roomtone.storage.blobs import LocalBlobs, link_secret
from roomtone.storage.ciphers import CLEAR
from roomtone.storage.connections import Explained
from roomtone.storage.database import Database, connected
from roomtone.storage.journal import SqlJournal
from roomtone.storage.processes import SharedNonces, shared_secret
from roomtone.storage.records import SqlRecords
from roomtone.web.console.keys import ConsoleKeys

if TYPE_CHECKING:
    from roomtone.jobs.durable import Place
    from roomtone.ports.writer import Writer
    from roomtone.storage.keyring import Keys
    from roomtone.web.metrics import Metrics

DATABASE = "roomtone.db"
JOBS = "jobs.db"
JOBS_SCHEMA = "roomtone_jobs"
ALONE = "local"
FILES = "files"
TRACES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
STREAM = "roomtone"
"""What the journal is called in NATS."""


class SystemClock:
    """The machine's time and randomness."""

    def now(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000

    def new_id(self) -> str:
        """A UUID v4."""
        return str(uuid4())


def database_of(settings: Settings, folder: Path) -> Database:
    """The records, and the journal unless it lies elsewhere. Raises Failed."""
    if settings.role != "all" and not settings.database:
        raise Failed(
            f"role={settings.role} is for several processes, which a data folder cannot carry.",
            "Set database to a PostgreSQL that all of them use, or leave role at all.",
        )
    return Database.open(settings.database or folder / DATABASE)


def standing_of(settings: Settings, *, move: bool) -> tuple[str | None, str]:
    """Where the database's tables stand (None: it has none) and where they should; ``move``: brings
    them there. Raises Failed."""
    from roomtone.storage.schema import HEAD, ensure, revision_of

    if not settings.database:
        file = Path(settings.data) / DATABASE
        if not move and not file.exists():
            return None, HEAD
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with Explained():
        connection = connected(settings.database or str(Path(settings.data) / DATABASE))
        try:
            before = revision_of(connection)
            if move:
                ensure(connection)
            return before, HEAD
        finally:
            connection.close()


def journal_of(settings: Settings, database: Database) -> Journal:
    """Where facts go first. The client of NATS is imported only where it is used."""
    if not settings.journal:
        return SqlJournal(database)
    from roomtone.storage.jetstream import Stream
    from roomtone.storage.journal_jetstream import JetStreamJournal

    return JetStreamJournal(Stream(settings.journal, STREAM, settings.journal_replicas), database)


def blobs_of(settings: Settings, folder: Path, links: Links) -> Blobs:
    """Where files go. The S3 client is imported only where it is used."""
    if not settings.files:
        return LocalBlobs(folder / FILES, links)
    from roomtone.storage.blobs_s3 import MAX_LINK_S, S3Blobs

    if settings.link_days * 86_400 > MAX_LINK_S:
        raise Failed(
            f"link_days={settings.link_days} is too long for S3, whose links live for 7 days.",
            "Set link_days to 7 or less, or unset files.",
        )
    return S3Blobs(settings.files, settings.files_endpoint)


def encrypt_words(settings: Settings, database: Database) -> "Keys | None":
    """Have the database write words under the settings' keys; None: it writes them in clear. Raises
    Failed where they are under a key that is not there."""
    from roomtone.storage.word_keys import admit

    if not settings.words_key:
        database.peek(lambda connection: admit(connection, CLEAR))
        return None
    from roomtone.storage.keyring import keys_of

    keys = keys_of(settings.words_key)
    database.peek(lambda connection: admit(connection, keys or CLEAR))
    if keys is not None:
        database.encrypt_with(keys)
    return keys


def word_blobs_of(settings: Settings, folder: Path, links: Links, keys: "Keys | None") -> Blobs:
    """Where files of words go: encrypted, if there are keys."""
    blobs = blobs_of(settings, folder, links)
    if keys is None:
        return blobs
    from roomtone.storage.encrypted_blobs import EncryptedBlobs

    return EncryptedBlobs(blobs, links, keys)


def secret_of(database: Database, folder: Path) -> bytes:
    """What links, invitations and the console are signed with: the same in every process."""
    return shared_secret(database) if database.shared else link_secret(folder)


def console_keys_of(database: Database, secret: bytes, now: int) -> ConsoleKeys:
    """Several processes share what is used up, and for as long as it matters."""
    if database.shared:
        return ConsoleKeys(secret, 0, SharedNonces(database))
    return ConsoleKeys(secret, now)


def worker_id_of(database: Database) -> str:
    """This process among those that share the work. One alone has the same name after a restart,
    and so takes up its own work."""
    if not database.shared:
        return ALONE
    return f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"


def metrics_of(
    settings: Settings, records: SqlRecords, clock: SystemClock, database: Path
) -> "Metrics | None":
    """What counts, if anybody is to read it."""
    if not settings.metrics:
        return None
    from roomtone.web.metrics import Metrics

    return Metrics(records, clock, database, settings.metrics_token)


def tracing_of(settings: Settings, worker_id: str) -> Untraced:
    """Who is told of spans: nobody, unless the standard variables name a collector."""
    named = [name for name in TRACES if os.environ.get(name)]
    if not named or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return UNTRACED
    try:
        from roomtone.web.tracing import Tracing
    except ModuleNotFoundError as error:
        raise Failed(
            f"{named[0]} asks for traces, and {error.name} is not installed.",
            "Install roomtone[otel], or unset that variable.",
        ) from None
    return Tracing(settings.role, worker_id)


def writer_of(settings: Settings) -> "Writer | None":
    """The language model that the settings name, if any."""
    if not settings.summary_url:
        return None
    from roomtone.jobs.writer import writer_from

    return writer_from(settings)


def jobs_place_of(settings: Settings, database: Database, folder: Path, worker_id: str) -> "Place":
    """The durable queues: a file, or a schema beside that of the shared records."""
    from roomtone.jobs.durable import Place

    if not database.shared:
        return Place.file(folder / JOBS)
    schema = database.peek(lambda c: c.raw.execute("SELECT current_schema()").fetchone()[0])
    schema = JOBS_SCHEMA if schema == "public" else f"{schema}_jobs"
    from roomtone.storage.postgres import ALIVE, CONNECT_S, only_reads

    also = {**ALIVE, "connect_timeout": CONNECT_S}
    return Place.shared(settings.database, worker_id, schema, also, only_reads)


def keep_of(settings: Settings) -> Keep:
    """How long each kind of thing is kept."""
    return Keep(
        journal=settings.keep_journal_days,
        reports=settings.keep_reports_days,
        chat=settings.keep_chat_days,
        transcripts=settings.keep_transcripts_days,
        summaries=settings.keep_summaries_days,
        webhook_log=settings.keep_webhook_log_days,
    )
