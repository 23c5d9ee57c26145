"""The documents are true: links lead somewhere, every setting is told, what is made is current."""

import re
import subprocess
import sys
import tomllib

import pytest
from sources_of_truth import ROOT, name_of, project_files

from roomtone.settings import SETTINGS, Settings

DOCUMENTS = tuple(path for path in project_files() if path.suffix == ".md")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def _prose(path):
    return FENCE.sub("", path.read_text())


def _anchors(path):
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.*)$", _prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for text in headings}


def _broken(path):
    for match in LINK.finditer(_prose(path)):
        target = match.group(1) or match.group(2)
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        aimed = (path.parent / name).resolve() if name else path
        known = not anchor or aimed.suffix != ".md"
        if not aimed.exists() or not (known or anchor in _anchors(aimed)):
            yield target


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path):
    assert list(_broken(path)) == []


def test_every_decision_is_on_the_list_of_decisions():
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text()

    assert [p.name for p in folder.glob("[0-9]*.md") if p.name not in listed] == []


def test_the_table_of_settings_and_the_settings_agree():
    fields = {name: getattr(Settings(), name) for name in Settings.__struct_fields__}

    assert {setting.name: setting.default for setting in SETTINGS} == fields


def test_every_setting_is_documented_as_it_is():
    checked = subprocess.run(
        [sys.executable, ROOT / "scripts" / "settings_doc.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr


def test_the_readme_names_the_two_commands():
    readme = (ROOT / "README.md").read_text()

    assert "make demo" in readme
    assert "make test" in readme


def test_every_dependency_is_pinned_and_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[^\w.-]", each)[0].lower().replace("_", "-") for each in wanted}
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    reasons = (ROOT / "docs/decisions/0001-dependencies.md").read_text().lower()

    assert names <= pinned
    assert {name for name in names if f"`{name}`" not in reasons} == set()
