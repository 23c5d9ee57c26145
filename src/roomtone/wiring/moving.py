"""Moving house: records and journal, files, secrets and credentials, from settings to settings."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from roomtone.model.artifacts import Artifact
from roomtone.model.errors import Failed
from roomtone.model.sessions import Session
from roomtone.ports.blobs import Blobs
from roomtone.services.artifacts import download_of
from roomtone.services.links import Links
from roomtone.settings import Settings
from roomtone.storage.blobs import SECRET_FILE, keep_secret, link_secret
from roomtone.storage.connections import Connection, Explained
from roomtone.storage.database import connected
from roomtone.storage.moving import Told, move_rows
from roomtone.storage.processes import put_secret, secret_in
from roomtone.storage.records import SqlTransaction
from roomtone.storage.sessions import SessionList
from roomtone.storage.word_keys import carry
from roomtone.wiring.places import DATABASE, blobs_of

CREDENTIALS = "credentials.json"


def move_everything(source: Settings, target: Settings, told: Told) -> dict[str, Any]:
    """What was moved, for people and programs. Raises Failed."""
    if source.journal:
        raise Failed(
            "Fresh facts are in JetStream.",
            "Let every call end and be sealed, which packs them into the database; then move with "
            "journal unset.",
        )
    old, new = Path(source.data), Path(target.data)
    if not source.database and not (old / DATABASE).is_file():
        raise Failed(f"{old} holds no {DATABASE}.", "Name the data folder with --data.")
    new.mkdir(mode=0o700, parents=True, exist_ok=True)
    with Explained():
        read = connected(source.database or str(old / DATABASE))
        try:
            write = connected(target.database or str(new / DATABASE))
            try:
                return _moved(source, target, read, write, told)
            finally:
                write.close()
        finally:
            read.close()


def _moved(
    source: Settings, target: Settings, read: Connection, write: Connection, told: Told
) -> dict[str, Any]:
    old, new = Path(source.data), Path(target.data)
    secret = secret_in(read) if source.database else link_secret(old)
    # Files first: what has a row has a file, whenever this is cut off.
    files, size = _move_files(
        read,
        blobs_of(source, old, Links(secret, source.url)),
        blobs_of(target, new, Links(secret, target.url)),
    )
    tables = move_rows(read, write, told)
    carry(read, write)  # what is encrypted was moved as it is
    if target.database:
        put_secret(write, secret)
    else:
        keep_secret(new, secret)
    if old != new and (old / CREDENTIALS).is_file() and not (new / CREDENTIALS).exists():
        shutil.copy2(old / CREDENTIALS, new / CREDENTIALS)
    return {"tables": to_builtins(tables), "files": files, "bytes": size, "secret": SECRET_FILE}


def _move_files(read: Connection, source: Blobs, target: Blobs) -> tuple[int, int]:
    """How many, and their bytes. Raises Failed for one that is not there, or came out other."""
    tx = SqlTransaction(read, SessionList())
    rows = read.raw.execute("SELECT DISTINCT session_id FROM artifacts ORDER BY session_id")
    count = size = 0
    for (session_id,) in rows.fetchall():
        session = tx.sessions.session_by_id(str(session_id))
        if session is None:
            continue
        for artifact in tx.artifacts.artifacts(session.id):
            size += _move_file(artifact, session, source, target)
            count += 1
    return count, size


def _move_file(artifact: Artifact, session: Session, source: Blobs, target: Blobs) -> int:
    key = artifact.blob_key
    info = source.info(key)
    if info is None:
        raise Failed(f"The file {key} is missing.", "Restore it from a backup, or erase its words.")
    target.put(
        key,
        source.read(key, 0, info.size),
        download_of(session, artifact.kind, artifact.format),
    )
    there = target.info(key)
    if there is None or _sum(source, key, info.size) != _sum(target, key, there.size):
        raise Failed(f"The file {key} came out other than it was.", "Look at the target's disk.")
    return info.size


def _sum(blobs: Blobs, key: str, size: int) -> bytes:
    hashed = hashlib.sha256()
    for piece in blobs.read(key, 0, size):
        hashed.update(piece)
    return hashed.digest()
