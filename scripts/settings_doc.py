"""Writes docs/settings.md from the settings table; ``--check`` only says whether it is current."""
# ruff: noqa: T201 - this talks to the person who runs it

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from roomtone.settings import SETTINGS, Setting  # noqa: E402 - the path comes first

DOCUMENT = ROOT / "docs" / "settings.md"
HEAD = """\
# Settings

Made by `make docs` from [settings.py](../src/roomtone/settings.py); a test checks that it is
current.

A setting can be given as a flag of `roomtone`, as an environment variable, or in a TOML file that
`--config` names (the name as in the first column). A flag beats a variable, a variable beats the
file, the file beats the default.

| setting | flag | variable | default | what it does |
|---|---|---|---|---|
"""


def _row(setting: Setting) -> str:
    default = str(setting.default).lower() if setting.type is bool else str(setting.default)
    shown = f"`{default}`" if default else "–"
    flag = f"`{setting.flag}`"
    if setting.type is bool:
        flag += f" `--no-{setting.flag[2:]}`"
    does = setting.help.replace("|", "\\|")
    return f"| `{setting.name}` | {flag} | `{setting.variable}` | {shown} | {does} |\n"


def rendered() -> str:
    """The whole document."""
    return HEAD + "".join(_row(setting) for setting in SETTINGS)


def main() -> int:
    """See the module."""
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(rendered())
        return 0
    if DOCUMENT.exists() and DOCUMENT.read_text() == rendered():
        return 0
    print("docs/settings.md is not what settings.py says: run make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
