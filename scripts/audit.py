"""Looks the pinned versions up among known vulnerabilities (OSV), with pip-audit.

That needs the network: where it is not to be had this says so and is content, unless
``--required``. What is known and does not concern Roomtone is in IGNORED, with the reason.
"""
# ruff: noqa: T201 - this talks to the person who runs it

import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVICE = "api.osv.dev"
REACH_S = 5
AUDIT_S = 300
IGNORED: dict[str, str] = {}
"""Id of a vulnerability → why it does not concern Roomtone."""


def reachable() -> bool:
    """Whether the service answers at all."""
    try:
        with socket.create_connection((SERVICE, 443), REACH_S):
            return True
    except OSError:
        return False


def main() -> int:
    """See the module."""
    if not reachable():
        print(f"audit: {SERVICE} cannot be reached from here, so nothing was looked up.")
        return 1 if "--required" in sys.argv[1:] else 0
    asked = [sys.executable, "-m", "pip_audit", "--requirement", str(ROOT / "constraints.txt")]
    asked += ["--vulnerability-service", "osv", "--no-deps", "--disable-pip", "--strict"]
    for each in IGNORED:
        asked += ["--ignore-vuln", each]
    return subprocess.run(asked, check=False, timeout=AUDIT_S).returncode  # noqa: S603 - our own words


if __name__ == "__main__":
    sys.exit(main())
