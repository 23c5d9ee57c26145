"""Backup: a data folder as it is at one moment, beside a server that goes on, and back again.

The database is copied by SQLite itself, as of one transaction; then the files that its rows tell
of. What a backup holds is written down with checksums, and read again before it counts as made.
The queues of durable work are left out: what is due is found again in the rows.
"""

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
from msgspec import Struct

from roomtone.model.errors import Failed

MANIFEST = "backup.json"
DATABASE = "roomtone.db"
FILES = "files"
LOOSE = ("links.key", "credentials.json")
TRIES = 3
"""A file that was erased between the two copies has the whole copied again."""


class Manifest(Struct, frozen=True):
    """What a backup holds."""

    version: str
    schema: str
    made_at: str
    rows: dict[str, int]
    sha256: dict[str, str]
    """By the path inside the backup."""


def back_up(folder: Path, target: Path, version: str, made_at: str) -> Manifest:
    """Copy a data folder into a new one. Raises Failed."""
    if not (folder / DATABASE).is_file():
        raise Failed(f"{folder} holds no {DATABASE}.", "Name the data folder with --data.")
    _check_new(target)
    beside = target.with_name(f"{target.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700, parents=True)
    try:
        for _ in range(TRIES):
            _copy_database(folder / DATABASE, beside / DATABASE)
            _copy_files(folder, beside)
            if not _missing(beside):
                break
        else:
            raise Failed("Files are erased faster than they are copied.", "Try again later.")
        made = Manifest(version, _schema(beside), made_at, _rows(beside), _sums(beside))
        (beside / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(made)))
        verify(beside)
        _sync(beside)
        beside.rename(target)
    except (OSError, sqlite3.Error) as error:
        raise Failed(f"The backup failed: {error}", "Look at the disk, and try again.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return made


def verify(backup: Path) -> Manifest:
    """Read a backup through: checksums, the database's own check, and a file for every row that
    tells of one. Raises Failed."""
    try:
        made = msgspec.json.decode((backup / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise Failed(
            f"{backup} is no backup: {error}", "Name what `roomtone backup` made."
        ) from None
    found = _sums(backup)
    wrong = [name for name, sum_ in made.sha256.items() if found.get(name) != sum_]
    if wrong:
        told = f"{wrong[0]} and {len(wrong) - 1} more files" if len(wrong) > 1 else wrong[0]
        raise Failed(f"{backup} is damaged: {told}.", "Use another backup.")
    with closing(_opened(backup / DATABASE)) as database:
        said = database.execute("PRAGMA integrity_check").fetchall()
    if said != [("ok",)] or _rows(backup) != made.rows or _missing(backup):
        raise Failed(f"The database of {backup} is damaged.", "Use another backup.")
    return made


def restore(backup: Path, folder: Path) -> Manifest:
    """Make a data folder of a backup. Raises Failed."""
    made = verify(backup)
    _check_new(folder)
    beside = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        shutil.copytree(backup, beside, ignore=shutil.ignore_patterns(MANIFEST))
        if _sums(beside) != made.sha256:
            raise Failed(f"{beside} came out other than the backup.", "Look at the disk.")
        beside.chmod(0o700)
        _sync(beside)
        if folder.exists():
            folder.rmdir()
        beside.rename(folder)
    except OSError as error:
        raise Failed(f"It cannot be restored: {error}", "Look at the disk.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return made


def _check_new(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Failed(f"{folder} is there already.", "Name a folder that is new: nothing is mixed.")


def _opened(file: Path) -> sqlite3.Connection:
    # What nobody writes needs no write-ahead log beside it.
    return sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)


def _copy_database(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT, 0o600)
    os.close(handle)
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as read,
        closing(sqlite3.connect(target)) as write,
    ):
        read.backup(write)
        # One file, with no log beside it that somebody might forget.
        write.execute("PRAGMA journal_mode = DELETE")


def _copy_files(folder: Path, target: Path) -> None:
    for name in LOOSE:
        if (folder / name).is_file():
            shutil.copy2(folder / name, target / name)
    for file in (folder / FILES).rglob("*"):
        place = target / file.relative_to(folder)
        if not file.is_file() or file.suffix == ".part":
            continue
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            shutil.copy2(file, place)
        except FileNotFoundError:
            continue  # erased meanwhile: if the database still tells of it, all is copied again


def _missing(backup: Path) -> list[str]:
    """Keys of files that the rows tell of and that are not there. Where a file lies is LocalBlobs'
    to know; files in S3 are not in a folder at all."""
    if not (backup / FILES).is_dir():
        return []
    with closing(_opened(backup / DATABASE)) as database:
        keys = [str(row[0]) for row in database.execute("SELECT blob_key FROM artifacts")]
    return [key for key in keys if not (backup / FILES / place_of(key)).is_file()]


def place_of(key: str) -> Path:
    """As :class:`roomtone.storage.blobs.LocalBlobs` lays files out."""
    name = hashlib.blake2b(key.encode(), digest_size=20).hexdigest()
    return Path(name[:2]) / name[2:]


def _schema(backup: Path) -> str:
    with closing(_opened(backup / DATABASE)) as database:
        found = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found[0])


def _rows(backup: Path) -> dict[str, int]:
    with closing(_opened(backup / DATABASE)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608
            for (name,) in sorted(tables)
        }


def _sums(folder: Path) -> dict[str, str]:
    sums = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name != MANIFEST:
            with file.open("rb") as read:
                sums[str(file.relative_to(folder))] = hashlib.file_digest(
                    read, "sha256"
                ).hexdigest()
    return sums


def _sync(folder: Path) -> None:
    for place in (*folder.rglob("*"), folder):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
