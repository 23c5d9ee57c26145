"""The parts a machine may lack, and how their absence is told (see conftest.py)."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ENVS = ROOT / ".envs"
MISSING = "missing part: "

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def _program(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) for name in names)


def _file(path: Path) -> Callable[[], bool]:
    return path.exists


PARTS: dict[str, tuple[Callable[[], bool], str]] = {
    # name: (is it here?, how to get it)
    "chromium": (_program(*CHROMIUM), "install Chromium or Chrome"),
    "curl": (_program("curl"), "install curl"),
    "libreoffice": (_program("soffice"), "install LibreOffice Calc"),
    "node": (_program("node"), "install Node 18 or newer"),
    "python-5.2.0": (_file(ENVS / "cloudflare-5.2.0/.roomtone-sdk"), "run make test"),
    "python-5.9.0": (_file(ENVS / "cloudflare-5.9.0/.roomtone-sdk"), "run make test"),
    "typescript-6.0.0": (_file(ENVS / "node/.roomtone-node"), "run make test, with Node installed"),
    "typescript-7.3.0": (_file(ENVS / "node/.roomtone-node"), "run make test, with Node installed"),
}


def require(part: str) -> None:
    """Skip the running test, by name, if this machine lacks a part of :data:`PARTS`."""
    here, remedy = PARTS[part]
    if here():
        return
    reason = f"{MISSING}{part} ({remedy})"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; with CI=true nothing may be missing", pytrace=False)
    pytest.skip(reason)
