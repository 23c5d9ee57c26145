"""Roomtone on a disk whose syncs take as long as the file ``SYNC_TAKES`` says, in seconds."""

import os
import sys
import time
from pathlib import Path

TAKES = Path(os.environ["SYNC_TAKES"])

if __name__ == "__main__":
    from roomtone.storage.connections import SqliteConnection

    commit = SqliteConnection.commit

    def slow_commit(connection: SqliteConnection) -> None:
        """Every commit of the writer waits for the disk."""
        time.sleep(float(TAKES.read_text()))
        commit(connection)

    SqliteConnection.commit = slow_commit
    from roomtone.cli import main

    sys.argv[0] = "roomtone"
    main()
