"""What the house tests read: the files of the project, and its modules as syntax trees."""

import ast
import subprocess
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "roomtone"
PURE = ("model", "sources", "quality", "formats", "summaries", "report", "findings")
"""The floors without I/O, clock, randomness or async (ARCHITECTURE.md)."""


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that is, or would be, committed."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(sorted(p for name in listed.split("\0") if name and (p := ROOT / name).is_file()))


def floors() -> set[str]:
    """Every package and module that the floors of pyproject.toml name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = project["tool"]["importlinter"]["contracts"]
    return {name.strip() for layer in contract["layers"] for name in layer.split("|")}


@cache
def modules() -> tuple[Path, ...]:
    """The Python modules of the package."""
    return tuple(path for path in project_files() if path.suffix == ".py" and SRC in path.parents)


def pure_modules() -> tuple[Path, ...]:
    """Those of the pure floors."""
    return tuple(path for path in modules() if path.relative_to(SRC).parts[0] in PURE)


@cache
def tree(path: Path) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(path.read_text(), str(path))


def name_of(path: Path) -> str:
    """How a file is named to people: from the root."""
    return path.relative_to(ROOT).as_posix()
