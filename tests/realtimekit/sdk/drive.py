"""Runs a plan of calls in one of the vendor's SDKs, in the SDK's own environment."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ENVS = HERE.parents[2] / ".envs"

SDKS = ("python-5.2.0", "python-5.9.0", "typescript-6.0.0", "typescript-7.3.0")
"""Two generations in two languages; the older of each is the seed's."""

Call = dict[str, Any]
Result = dict[str, Any]


def is_new(sdk: str) -> bool:
    """Whether an SDK is of the newer generation (contract 7)."""
    return sdk in ("python-5.9.0", "typescript-7.3.0")


def command(sdk: str) -> list[str]:
    """The driver's command line."""
    language, _, version = sdk.partition("-")
    if language == "python":
        return [str(ENVS / f"cloudflare-{version}/bin/python"), str(HERE / "driver.py")]
    return ["node", str(HERE / "driver.cjs"), str(ENVS / "node"), version]


def drive(
    sdk: str, base_url: str, credentials: dict[str, str], calls: list[Call]
) -> dict[str, Result]:
    """The result of each call, by its name. ``credentials``: api_token, account_id, app_id."""
    plan = {"base_url": base_url, **credentials, "calls": calls}
    # The SDKs read CLOUDFLARE_* variables; the plan alone shall decide.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLOUDFLARE_")}
    done = subprocess.run(
        command(sdk),
        input=json.dumps(plan),
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, f"the {sdk} driver failed:\n{done.stderr[-4000:]}"
    return json.loads(done.stdout)
