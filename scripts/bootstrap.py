"""Makes the virtual environments that ``make`` works in, with nothing but Python's own library.

``bootstrap.py run``   .venv with Roomtone and what it needs
``bootstrap.py dev``   the same, and the tools of the ``dev`` group in pyproject.toml
``bootstrap.py sdk``   .envs/ with the vendor's SDKs: two virtual environments, one of Node's; and
                       the programs that the tests open files and pages with
``bootstrap.py lock``  writes constraints.txt from what .venv holds

Each environment keeps a stamp of what it was made from, so a second run does nothing. ``run`` and
``dev`` must succeed. ``sdk`` does what it can and says what it could not: the tests that need the
missing part then skip by name, and with CI=true they fail.
"""
# ruff: noqa: S603, T201 - this starts pip and npm, and talks to the person who waits

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
ENVS = ROOT / ".envs"
CONSTRAINTS = ROOT / "constraints.txt"
SDK = ROOT / "tests" / "realtimekit" / "sdk"
PYTHON_SDKS = ("5.2.0", "5.9.0")
PROGRAMS = {
    # Debian's package: the program under any of its names
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "libreoffice-calc": ("soffice",),
    "coturn": ("turnserver",),
    "curl": ("curl",),
    "janus": ("janus",),
    "nats-server": ("nats-server",),
    "postgresql": ("postgres", "pg_ctlcluster"),
}


class CannotMakeError(Exception):
    """Something could not be made; the message says what to do."""


def run(*command: object, cwd: Path = ROOT) -> None:
    """Run a command; its output is shown only when it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-25:])
        raise CannotMakeError(f"{' '.join(words)} ended with {done.returncode}:\n{tail}")


def say(text: str) -> None:
    """A line for the person who waits."""
    print(f"bootstrap: {text}", flush=True)


def python_in(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def apt_install(*packages: str) -> None:
    """Install Debian packages, where that is possible."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise CannotMakeError(f"install {', '.join(packages)} (this is not a root shell with apt)")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    say(f"apt-get install {' '.join(packages)}")
    run("apt-get", "update")
    run("apt-get", "install", "-y", "--no-install-recommends", *packages)


def make_venv(environment: Path) -> None:
    """A fresh virtual environment with pip, also where Debian has split ensurepip off."""
    shutil.rmtree(environment, ignore_errors=True)
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        try:
            apt_install(package)
        except CannotMakeError as cannot:
            raise CannotMakeError(
                f"this Python cannot make virtual environments: {cannot}\n"
                f"On Debian or Ubuntu: sudo apt install {package}"
            ) from None
    run(sys.executable, "-m", "venv", environment)


def stamp_of(parts: list[str]) -> str:
    """Names what an environment is made from."""
    return hashlib.sha256("\0".join([sys.version, *parts]).encode()).hexdigest()


def ensure_pip_environment(environment: Path, name: str, stamp: str, arguments: list[str]) -> None:
    """``pip install <arguments>`` into an environment, unless its stamp says that it was done."""
    mark = environment / f".roomtone-{name}"
    if python_in(environment).exists() and mark.exists() and mark.read_text() == stamp:
        return
    if not python_in(environment).exists() or not works(environment):
        say(f"making {environment.relative_to(ROOT)}")
        make_venv(environment)
    say(f"installing into {environment.relative_to(ROOT)} (once, about a minute)")
    run(
        python_in(environment), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        *arguments,
    )  # fmt: skip
    mark.write_text(stamp)


def works(environment: Path) -> bool:
    """Whether an environment's pip still runs (its base Python may have gone)."""
    try:
        run(python_in(environment), "-m", "pip", "--version")
    except (CannotMakeError, OSError):
        return False
    return True


def ensure_main(with_tools: bool) -> None:
    """.venv: Roomtone itself, editable, at the versions of constraints.txt."""
    project = (ROOT / "pyproject.toml").read_text()
    stamp = stamp_of([project, CONSTRAINTS.read_text(), str(ROOT)])
    pinned = ["--constraint", str(CONSTRAINTS)]
    ensure_pip_environment(VENV, "run", stamp, [*pinned, "--editable", str(ROOT)])
    if with_tools:
        # Read here rather than with `pip install --group`, which Python 3.11's own pip lacks.
        tools = tomllib.loads(project)["dependency-groups"]["dev"]
        ensure_pip_environment(VENV, "dev", stamp, [*pinned, *tools])


def ensure_node() -> None:
    """node and npm on the PATH."""
    if shutil.which("node") and shutil.which("npm"):
        return
    apt_install("nodejs", "npm")


def ensure_node_sdks() -> None:
    """.envs/node: both TypeScript SDKs and the compiler that reads their types."""
    home = ENVS / "node"
    stamp = stamp_of([(SDK / "package-lock.json").read_text()])
    mark = home / ".roomtone-node"
    if mark.exists() and mark.read_text() == stamp:
        return
    ensure_node()
    say("installing the TypeScript SDKs into .envs/node")
    home.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SDK / name, home / name)
    run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=home)
    mark.write_text(stamp)


def ensure_programs() -> int:
    """The programs that open our files and pages in the tests. Returns how many are missing."""
    absent = [name for name in PROGRAMS if not any(map(shutil.which, PROGRAMS[name]))]
    try:
        if absent:
            apt_install(*absent)
    except CannotMakeError as problem:
        say(f"no {', '.join(absent)}: {problem}")
        return len(absent)
    return 0


def ensure_sdks() -> int:
    """Every SDK that can be had. Returns how many could not."""
    missing = 0
    for version in PYTHON_SDKS:
        wanted = SDK / f"python-{version}.txt"
        try:
            ensure_pip_environment(
                ENVS / f"cloudflare-{version}", "sdk", stamp_of([wanted.read_text()]),
                ["--requirement", str(wanted)],
            )  # fmt: skip
        except CannotMakeError as problem:
            say(f"no Python SDK {version}: {problem}")
            missing += 1
    try:
        ensure_node_sdks()
    except CannotMakeError as problem:
        say(f"no TypeScript SDKs: {problem}")
        missing += 1
    return missing


def lock() -> None:
    """constraints.txt from what is installed in .venv."""
    frozen = subprocess.run(
        [str(python_in(VENV)), "-m", "pip", "freeze", "--exclude-editable"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    head = CONSTRAINTS.read_text().splitlines()[0]
    pins = sorted((pin for pin in frozen if "==" in pin), key=str.lower)
    CONSTRAINTS.write_text("\n".join([head, *pins]) + "\n")


def main() -> int:
    """See the module."""
    task = sys.argv[1] if len(sys.argv) == 2 else ""
    try:
        if task in ("run", "dev"):
            ensure_main(with_tools=task == "dev")
        elif task == "sdk":
            missing = ensure_sdks() + ensure_programs()
            return 1 if missing and os.environ.get("CI") == "true" else 0
        elif task == "lock":
            lock()
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except CannotMakeError as problem:
        print(f"bootstrap: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
