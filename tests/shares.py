"""Which tests one worker of a run gets together.

A file's tests share what they start, so a worker gets whole files. Some files are kept together as
well: they measure time, or load the machine, and must not run beside each other.

Paths say so, not marks: pytest-xdist 3.8 loses every ``xdist_group`` with pytest 9.2, in silence
(https://github.com/pytest-dev/pytest-xdist/issues/1386).
"""

from pathlib import PurePosixPath

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

TOGETHER = {
    "tests/browser/test_*.py": "browsers",  # one server, one console; and two cores play one call
    "tests/faults/test_*.py": "faults",  # fleets, full disks, clocks: each wants the machine
    "tests/journeys/test_rebuild.py": "stage",  # everything imported and played
    "tests/journeys/test_totals.py": "stage",
    "tests/realtimekit/test_sdk_*.py": "sdk",  # one server that every SDK visits
    "tests/realtimekit/test_facade_webhooks.py": "sdk",
}
"""Patterns of files: the name of their share."""
LONGEST = ("faults", "browsers")
"""These begin before all others: a share of ten minutes that began last would end alone."""


def share_of(nodeid: str) -> str:
    """The share of a test: of its file."""
    file = PurePosixPath(nodeid.partition("::")[0])
    return next((name for files, name in TOGETHER.items() if file.match(files)), str(file))


class Shares(LoadScopeScheduling):
    """A worker that has little left gets the next share: the longest first, then in the order of
    the folders, so that the many short files of ``unit`` fill up the end."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        for share in reversed(LONGEST):
            if share in self.workqueue:
                self.workqueue.move_to_end(share, last=False)
        super()._assign_work_unit(node)
