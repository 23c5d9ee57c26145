"""A backup is whole and says so; a damaged one is refused; a restored folder is the same."""

import json
import sqlite3
import threading
from pathlib import Path

import pytest

from roomtone.model.errors import Failed
from roomtone.ports.blobs import Download
from roomtone.services.links import Links
from roomtone.storage.backup import back_up, place_of, restore, verify
from roomtone.storage.blobs import LocalBlobs, link_secret
from roomtone.storage.database import Database

KEY = "app/session/chat.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    Database.open(data / "roomtone.db").close()
    secret = link_secret(data)
    blobs = LocalBlobs(data / "files", Links(secret, "http://x"))
    blobs.put(KEY, [b"hello"], Download("chat.csv", "text/csv"))
    with sqlite3.connect(data / "roomtone.db") as raw:
        raw.execute(
            "INSERT INTO artifacts VALUES ('session', 'chat', 'CSV', 'app', ?, 5, 1)", (KEY,)
        )
    return data


def test_a_restored_folder_has_every_byte(folder: Path, tmp_path: Path) -> None:
    made = back_up(folder, tmp_path / "backup", "1", "now")
    assert made.rows["artifacts"] == 1

    restore(tmp_path / "backup", tmp_path / "again")

    assert link_secret(tmp_path / "again") == link_secret(folder)
    blobs = LocalBlobs(tmp_path / "again" / "files", Links(b"x", "http://x"))
    assert b"".join(blobs.read(KEY, 0, 5)) == b"hello"
    assert (tmp_path / "again").stat().st_mode & 0o777 == 0o700
    Database.open(tmp_path / "again" / "roomtone.db").close()


def test_backups_know_where_files_lie(folder: Path) -> None:
    assert (folder / "files" / place_of(KEY)).read_bytes() == b"hello"


def test_what_is_written_meanwhile_is_in_it_whole_or_not_at_all(
    folder: Path, tmp_path: Path
) -> None:
    over = threading.Event()

    def write() -> None:
        with sqlite3.connect(folder / "roomtone.db", timeout=30) as raw:
            number = 0
            while not over.is_set():
                number += 1
                # Two rows a transaction: an odd count would be half of one.
                for place in "ab":
                    raw.execute("INSERT INTO cursors VALUES (?, 1)", (f"{place}{number}",))
                raw.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        counts = [
            back_up(folder, tmp_path / f"backup{n}", "1", "now").rows["cursors"] for n in range(5)
        ]
    finally:
        over.set()
        writer.join()
    assert all(count % 2 == 0 for count in counts)
    assert counts == sorted(counts)
    assert counts[-1] > 0


@pytest.mark.parametrize("name", ["roomtone.db", "links.key", f"files/{place_of(KEY)}"])
def test_a_damaged_backup_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    back_up(folder, tmp_path / "backup", "1", "now")
    file = tmp_path / "backup" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    with pytest.raises(Failed, match="damaged"):
        verify(tmp_path / "backup")
    with pytest.raises(Failed):
        restore(tmp_path / "backup", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_backup_that_lost_a_file_is_refused(folder: Path, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "backup", "1", "now")
    (tmp_path / "backup" / "files" / place_of(KEY)).unlink()
    with pytest.raises(Failed, match="damaged"):
        verify(tmp_path / "backup")


def test_nothing_is_written_over(folder: Path, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "backup", "1", "now")
    with pytest.raises(Failed, match="there already"):
        back_up(folder, tmp_path / "backup", "1", "now")
    with pytest.raises(Failed, match="there already"):
        restore(tmp_path / "backup", folder)
    assert json.loads((tmp_path / "backup" / "backup.json").read_text())["version"] == "1"
