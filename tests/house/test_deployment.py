"""What operators take over: the dashboard, the list of parts, the unit, the image."""

import configparser
import json
import re
import shutil
import subprocess
import sys

import pytest
from sources_of_truth import ROOT

from roomtone.settings import SETTINGS

OPERATIONS = (ROOT / "docs/operations.md").read_text()
SUFFIXES = ("_bucket", "_count", "_sum")


def documented():
    """Names of metrics that docs/operations.md tells of; tests/unit/test_metrics_page.py compares
    those with the page itself."""
    return set(re.findall(r"^\| `(\w+)`", OPERATIONS, re.MULTILINE))


def asked():
    """Names of metrics in the dashboard's questions."""
    board = json.loads((ROOT / "docs/grafana.json").read_text())
    questions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return {name for one in questions for name in re.findall(r"\b(?:roomtone|process)_\w+", one)}


@pytest.mark.parametrize("script", ["dashboard.py", "sbom.py"])
def test_what_is_made_from_code_is_current(script):
    checked = subprocess.run(
        [sys.executable, ROOT / "scripts" / script, "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr


def test_the_dashboard_asks_for_metrics_that_there_are():
    known = documented()
    histograms = {name + suffix for name in known for suffix in SUFFIXES}

    assert asked() - known - histograms == set()


def test_the_dashboard_shows_every_metric_of_ours_but_the_constant_ones():
    shown = {name.removesuffix("_bucket") for name in asked()}
    ours = {name for name in documented() if name.startswith("roomtone_")}

    assert ours - shown <= {"roomtone_build_info", "roomtone_journal_position"}


def test_the_list_of_parts_names_every_one_with_its_licence():
    told = json.loads((ROOT / "docs/sbom.cdx.json").read_text())
    parts = {part["name"]: part for part in told["components"]}

    assert told["bomFormat"] == "CycloneDX"
    assert {"starlette", "uvicorn", "msgspec", "cryptography"} <= set(parts)
    assert not {"pytest", "ruff", "mypy"} & set(parts)
    assert [name for name, part in parts.items() if not part.get("licenses")] == []


def _unit():
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read_string((ROOT / "deploy/roomtone.service").read_text())
    return unit


def test_the_unit_runs_a_command_with_settings_that_there_are():
    command = _unit()["Service"]["ExecStart"].split()
    flags = {setting.flag for setting in SETTINGS} | {"--config"}

    assert command[1] == "serve"
    assert {word for word in command if word.startswith("--")} <= flags


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_the_unit_is_understood_and_leaves_little_exposed():
    unit = ROOT / "deploy/roomtone.service"

    def analyze(*arguments):
        done = subprocess.run(
            ["systemd-analyze", *arguments, unit],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.stdout + done.stderr

    said = analyze("verify", "--man=no").splitlines()
    assert [line for line in said if "is not executable" not in line] == []
    level = re.search(r"exposure level[^:]*: ([\d.]+)", analyze("security", "--offline=true"))
    assert level is None or float(level.group(1)) < 2


def test_the_image_runs_as_nobody_special_and_holds_no_secret():
    lines = (ROOT / "deploy/Containerfile").read_text().splitlines()
    words = [line.split()[0] for line in lines if line and not line.startswith((" ", "#"))]

    assert words.index("USER") < words.index("ENTRYPOINT")
    assert not any(re.search(r"(?i)(token|secret|password|_key)=", line) for line in lines)
    for line in lines:
        if line.startswith("COPY") and "--from" not in line:
            assert all((ROOT / name).exists() for name in line.split()[1:-1]), line
