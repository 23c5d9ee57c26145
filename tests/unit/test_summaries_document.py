"""docs/summaries.md shows what summaries are, not what they were."""

import subprocess
import sys
from pathlib import Path

from roomtone.summaries.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "summaries.md"


def test_the_examples_are_current():
    checked = subprocess.run(
        [sys.executable, ROOT / "scripts" / "summaries_doc.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr


def test_every_kind_is_documented_with_its_sections():
    rows = {line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")}

    for name, kind in KINDS.items():
        row = next(line for line in rows if line.startswith(f"| `{name}` |"))
        own = [part.heading for part in kind.parts if part.heading not in VENDORS]
        assert row == f"| `{name}` | {', '.join(own)} |".replace("|  |", "| |")


VENDORS = ("Action Items", "Decisions Made", "Open Questions")
