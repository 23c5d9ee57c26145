"""The console's JavaScript holds what its JSDoc says, as TypeScript's compiler reads it."""

import json
import subprocess
from pathlib import Path

import pytest
from sources_of_truth import SRC

from parts import ENVS

CONSOLE = SRC / "web" / "assets" / "console"
TSC = ENVS / "node" / "node_modules" / "typescript" / "bin" / "tsc"
OPTIONS = {
    "checkJs": True,
    "allowJs": True,
    "noEmit": True,
    "strict": True,
    "target": "es2022",
    "module": "esnext",
    "moduleResolution": "bundler",
    "lib": ["es2023", "dom", "dom.iterable"],
    "types": [],
    "skipLibCheck": True,
}


@pytest.mark.needs("node", "typescript-7.3.0")
def test_the_compiler_finds_no_fault_in_the_console(tmp_path: Path):
    files = sorted(str(path) for path in CONSOLE.rglob("*.js"))
    settings = tmp_path / "tsconfig.json"
    settings.write_text(json.dumps({"compilerOptions": OPTIONS, "files": files}))
    done = subprocess.run(
        ["node", str(TSC), "-p", str(settings)], capture_output=True, text=True, check=False
    )

    assert done.stdout == ""
    assert done.returncode == 0


def test_every_file_of_the_console_asks_to_be_checked():
    unchecked = [
        path.name
        for path in CONSOLE.rglob("*.js")
        if not path.read_text().startswith("// @ts-check")
    ]

    assert unchecked == []
