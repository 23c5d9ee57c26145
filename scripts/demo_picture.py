"""Draws docs/images/demo.svg: what ``roomtone demo`` prints, as a terminal shows it.

.venv/bin/python scripts/demo_picture.py
"""
# ruff: noqa: S603 - this starts our own demo

import os
import re
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "demo.svg"
WIDTH = 144
CURSOR = re.compile(r"\x1b\[\??[0-9;]*[A-HJKSTfhl]|\r")


def main() -> None:
    """Run the demo and draw its last page."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "roomtone", "demo", "--data", f"{folder}/roomtone-demo"]
        environment = dict(os.environ, COLUMNS=str(WIDTH), FORCE_COLOR="1")
        shown = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout
        subprocess.run([*command, "--stop"], check=True, capture_output=True)
    plain = CURSOR.sub("", shown)
    start = plain.index("audio MOS")
    end = plain.index("With the vendor")
    page = plain[plain.rindex("\n", 0, start) + 1 : plain.rindex("\n", 0, end)]
    console = Console(record=True, width=WIDTH, file=StringIO())
    console.print(Text("$ make demo", style="bold"))
    console.print(Text.from_ansi(page.rstrip()))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    console.save_svg(str(PICTURE), title="make demo")


if __name__ == "__main__":
    main()
