"""A disk of a few megabytes of its own, which a test can fill, make read-only and free again."""

import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

PIECE = 64 * 1024


def _mounting(*arguments: str | Path) -> None:
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*sudo, *map(str, arguments)], check=True, capture_output=True)


class SmallDisk:
    """A file system in memory, mounted at a new folder while inside ``with``."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self._megabytes = megabytes
        self._ballast = folder / "ballast"

    def __enter__(self) -> "SmallDisk":
        self.folder.mkdir()
        options = f"size={self._megabytes}m,mode=755,uid={os.geteuid()},gid={os.getegid()}"
        _mounting("mount", "-t", "tmpfs", "-o", options, "roomtone-test", self.folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Lazily: whatever still has a file open there ends with its test.
        _mounting("umount", "-l", self.folder)

    def fill(self) -> int:
        """Take every byte there is; how many."""
        handle = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        taken = 0
        piece = PIECE
        try:
            while piece:
                try:
                    taken += os.write(handle, bytes(piece))
                except OSError:
                    piece //= 2
        finally:
            os.close(handle)
        return taken

    def free(self) -> None:
        """Give it back."""
        self._ballast.unlink()

    def read_only(self, on: bool) -> None:
        """Nobody may write there; only while nothing is open for writing."""
        _mounting("mount", "-o", f"remount,{'ro' if on else 'rw'}", self.folder)


def here() -> bool:
    """Whether this machine lets the tests mount one."""
    if os.geteuid() == 0:
        probe = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    else:
        probe = ["sudo", "-n", "true"]
    try:
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def immutable_files_here() -> bool:
    """Whether this machine lets the tests make a file that nobody may change."""
    with tempfile.NamedTemporaryFile() as file:
        try:
            subprocess.run(["chattr", "+i", file.name], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return False
        subprocess.run(["chattr", "-i", file.name], check=True, capture_output=True)
    return True
