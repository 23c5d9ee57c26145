"""Writes docs/sbom.cdx.json: what Roomtone installs (CycloneDX 1.6); ``--check``: is it current?

The parts are Roomtone's own dependencies and theirs, in the versions of constraints.txt, with their
licences as their packages state them. Tools for work on Roomtone are not among them.
"""
# ruff: noqa: T201 - this talks to the person who runs it

import json
import re
import sys
from importlib import metadata
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "sbom.cdx.json"
ROOTS = ("roomtone",)
MAX_LICENSE_CHARS = 100
"""Some packages state a licence's whole text."""


def pinned() -> dict[str, str]:
    """Name → version, of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if re.match(r"[\w.-]+==", line))
    return {str(canonicalize_name(name)): version.strip() for name, version in pairs}


def needed(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """Names of what an installed package needs on this machine."""
    found = set()
    for line in metadata.requires(name) or ():
        wanted = Requirement(line)
        marker = wanted.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            found.add(str(canonicalize_name(wanted.name)))
    return found


def licence(name: str) -> str:
    """As the package states it."""
    about = metadata.metadata(name)
    said = about.get("License-Expression") or about.get("License") or ""
    if not said or len(said) > MAX_LICENSE_CHARS:
        classes = [one for one in about.get_all("Classifier") or () if one.startswith("License")]
        said = classes[0].rpartition(" :: ")[2] if classes else ""
    return said


def bom() -> Bom:
    """All of it, as a graph from Roomtone on."""
    versions, made = pinned(), Bom()
    parts: dict[str, Component] = {}

    def part(name: str) -> Component:
        version = versions.get(name) or metadata.version(name)
        one = Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            bom_ref=f"{name}@{version}",
            purl=PackageURL("pypi", name=name, version=version),
        )
        if said := licence(name):
            one.licenses.add(LicenseFactory().make_from_string(said))
        return one

    waiting = [*ROOTS]
    while waiting:
        name = waiting.pop()
        if name in parts:
            continue
        parts[name] = part(name)
        waiting += needed(name)
    for name, one in parts.items():
        made.register_dependency(one, [parts[other] for other in needed(name)])
        if name in ROOTS:
            one.type = ComponentType.APPLICATION
            made.metadata.component = one
        else:
            made.components.add(one)
    return made


def rendered() -> str:
    """The document; without the moment and number of its making it is the same each time."""
    told = json.loads(JsonV1Dot6(bom()).output_as_string())
    told.pop("serialNumber", None)
    told["metadata"].pop("timestamp", None)
    return json.dumps(told, indent=1, sort_keys=True) + "\n"


def stale() -> list[str]:
    """What is wrong with the document that is there; pins are compared, not this machine."""
    told = json.loads(DOCUMENT.read_text()) if DOCUMENT.exists() else {}
    listed = {part["name"]: part["version"] for part in told.get("components", ())}
    versions = pinned()
    wrong = [
        f"{name} {version}: constraints.txt has {versions.get(name)}"
        for name, version in listed.items()
        if versions.get(name) != version
    ]
    return wrong + [f"{name} is missing" for name in sorted(needed(ROOTS[0]) - set(listed))]


def main() -> int:
    """See the module."""
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(rendered())
        return 0
    wrong = stale()
    for line in wrong:
        print(f"docs/sbom.cdx.json: {line}: run make sbom", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
