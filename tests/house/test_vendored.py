"""What browsers get from others is what its authors published, and says under which licence."""

import hashlib
import json

import pytest
from sources_of_truth import SRC

VENDOR = SRC / "web" / "assets" / "vendor"
SUMS = "checksums.json"
OURS = {SUMS, "lit.d.ts"}
TOLD = json.loads((VENDOR / SUMS).read_text())
LIBRARIES = {name: one for name, one in TOLD.items() if isinstance(one, dict)}


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_is_byte_for_byte_what_was_taken_in(name):
    for file, expected in LIBRARIES[name]["files"].items():
        assert hashlib.sha256((VENDOR / file).read_bytes()).hexdigest() == expected, file


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_names_its_version_source_and_licence(name):
    library = LIBRARIES[name]
    licence = (VENDOR / f"LICENSE.{name}.txt").read_text()

    assert "Copyright" in licence
    assert library["source"].startswith("npm: ")
    assert any(one.startswith(f"{name}@{library['version']}") for one in library["integrity"])
    first = (VENDOR / f"{name}.js").read_text().splitlines()[0]
    assert library["version"] in first
    assert f"LICENSE.{name}.txt" in first


def test_nothing_else_is_in_the_folder():
    known = OURS.union(*(library["files"] for library in LIBRARIES.values()))

    assert {path.name for path in VENDOR.iterdir()} == known
