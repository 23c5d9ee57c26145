"""Fuzz the decoders: ``run.py`` all of them, ``run.py --only file,jitsi`` some.

``--inputs N``  in all, shared among the decoders (1,000,000)
``--found DIR`` where an input that shows a fault is kept

Needs atheris (``pip install --group fuzz``). Each decoder runs in a process of its own, which ends
at the first fault, at an input that takes longer than 10 s, and beyond 1 GB of memory.
"""

import argparse
import copy
import json
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import atheris

SLOWEST_S = 10
MEMORY_MB = 1_024
MAX_INPUT_BYTES = 10_000
DONE = re.compile(r"Done (\d+) (?:runs )?in (\d+) second")
ODD = (
    None, True, 0, -1, 1.5, 2**63, -(2**70), 1e308, "", "x", "x" * 300, "\ud800", "0", [], {}, [[]],
    1_795_397_118_000, "2026-11-23T00:00:00Z", "inbound-rtp", "timestamp", {"id": 1},
)  # fmt: skip

with atheris.instrument_imports(include=["roomtone"]):
    from decoders import TARGETS

    from roomtone.model.errors import Refused


def main() -> int:
    """See the module."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--inputs", type=int, default=1_000_000)
    arguments.add_argument("--only", default=",".join(TARGETS))
    arguments.add_argument("--found", type=Path, default=Path("fuzz-found"))
    arguments.add_argument("--one", choices=TARGETS, help=argparse.SUPPRESS)
    arguments.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.one:
        _fuzz(given.one, given.corpus, given.inputs, given.found)
        return 0
    names = given.only.split(",")
    given.found.mkdir(parents=True, exist_ok=True)
    outcomes = [_run(name, -(-given.inputs // len(names)), given.found) for name in names]
    inputs, seconds = (sum(numbers) for numbers in zip(*[one[:2] for one in outcomes], strict=True))
    print(f"{'all':14} {inputs:>9} inputs {seconds:>7.0f} s")
    return 1 if any(one[2] for one in outcomes) else 0


def _run(name: str, inputs: int, found: Path) -> tuple[int, float, int]:
    """Fuzz one decoder: (inputs, seconds, faults)."""
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(TARGETS[name][1]()):
            (Path(folder) / f"seed-{number:03}").write_bytes(seed)
        command = [sys.executable, __file__, "--one", name, "--inputs", inputs, "--found", found]
        started = time.monotonic()
        done = subprocess.run(
            [*map(str, command), "--corpus", folder], capture_output=True, check=False
        )
        seconds = time.monotonic() - started
    told = done.stderr.decode(errors="replace")
    said = DONE.search(told)
    faulty = done.returncode != 0 or said is None
    number = int(said[1]) if said else _last_input(told)
    print(f"{name:14} {number:>9} inputs {seconds:>7.0f} s  {'FAULT' if faulty else 'none'}")
    if faulty:
        lines = [line for line in told.splitlines() if not line.startswith("#")]
        print("\n".join(f"    {line[:200]}" for line in lines[-30:]))
    sys.stdout.flush()
    return number, seconds, int(faulty)


def _last_input(told: str) -> int:
    """How far it got that did not get to its end."""
    numbers = re.findall(r"^#(\d+)", told, re.MULTILINE)
    return int(numbers[-1]) if numbers else 0


def _fuzz(name: str, corpus: Path, inputs: int, found: Path) -> None:
    target = TARGETS[name][0]

    def one(data: bytes) -> None:
        try:
            target(data)
        except Refused:
            return
        except BaseException:
            traceback.print_exc()  # libFuzzer keeps the input, and says nothing of why
            raise

    options = [
        f"-runs={inputs}", "-seed=1", f"-max_len={MAX_INPUT_BYTES}", f"-timeout={SLOWEST_S}",
        f"-rss_limit_mb={MEMORY_MB}", f"-artifact_prefix={found}/{name}-", "-len_control=0",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=_mutated)
    atheris.Fuzz()


def _mutated(data: bytes, max_size: int, seed: int) -> bytes:
    """Half of the inputs stay well-formed: members of the JSON are dropped, doubled or replaced."""
    chance = random.Random(seed)
    if chance.random() < 0.5:
        return bytes(atheris.Mutate(data, max_size))
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    begins = next((n for n, byte in enumerate(lines[at][:2]) if byte in b"[{"), None)
    try:
        said = json.loads(lines[at][begins:]) if begins is not None else None
    except (ValueError, RecursionError):
        said = None
    if said is None:
        return bytes(atheris.Mutate(data, max_size))
    try:
        for _ in range(chance.randint(1, 3)):
            _change(chance, said)
        text = json.dumps(said, separators=(",", ":"))
    except RecursionError:
        return bytes(atheris.Mutate(data, max_size))
    lines[at] = lines[at][:begins] + text.encode()
    if chance.random() < 0.1:
        lines.insert(at, lines[chance.randrange(len(lines))])
    return b"\n".join(lines)[:max_size]


def _change(chance: random.Random, said: Any) -> None:
    at = said
    while isinstance(at, dict | list) and at:
        key = chance.choice(list(at)) if isinstance(at, dict) else chance.randrange(len(at))
        inner = at[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.85:
            at = inner
            continue
        if isinstance(inner, str) and inner[:1] in ("[", "{") and chance.random() < 0.8:
            at[key] = _changed_text(chance, inner)
            return
        kind = chance.randrange(5)
        if kind == 0:
            del at[key]
        elif kind == 1 and isinstance(at, list):
            at.append(copy.deepcopy(inner))
        elif kind == 2 and isinstance(inner, int | float) and not isinstance(inner, bool):
            at[key] = -inner if chance.random() < 0.5 else inner * 1e6
        elif kind == 3 and isinstance(at, dict):
            at[chance.choice(list(at))] = copy.deepcopy(inner)
        else:
            at[key] = copy.deepcopy(chance.choice(ODD))
        return


def _changed_text(chance: random.Random, text: str) -> str:
    """JSON within JSON, as dumps have it."""
    try:
        inner = json.loads(text)
    except (ValueError, RecursionError):
        return text[: chance.randrange(len(text))]
    _change(chance, inner)
    return json.dumps(inner)


if __name__ == "__main__":
    sys.exit(main())
