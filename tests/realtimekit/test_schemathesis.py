"""Schemathesis reads the server's own openapi.json and asks everything that it can think of.

Nothing may be answered with a 5xx, with an undeclared status or content type, or with a body that
its declared schema does not fit. It knows none of our code and invents what we would not.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sdk.replay import read, replay
from sdk.running_server import RunningServer, running_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("schemathesis")]

SECONDS = 60
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of its own with one session in it, so that an invented id is not all there is."""
    data = tmp_path_factory.mktemp("schemathesis") / "data"
    with running_server(data, rate_limit=0, ingest_limit=0, log_level="warning") as running:
        meeting = running.post("meetings", {"title": "Weekly sync"})
        tokens = {
            who: running.post(
                f"meetings/{meeting['id']}/participants",
                {"custom_participant_id": who, "preset_name": "group_call_participant"},
            )["token"]
            for who in "ab"
        }
        replay(running.url, read("realtimekit-clean"), tokens, 300)
        yield running


def test_no_request_gets_an_undeclared_answer(furnished, tmp_path):
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{furnished.url}/openapi.json",
            "--header", f"Authorization: Bearer {furnished.api_token}",
            "--checks", ",".join(CHECKS),
            "--phases", "examples,coverage,fuzzing",
            "--max-examples", "20",
            "--max-time", str(SECONDS),
            "--request-timeout", "20",
            "--max-failures", "20",
            "--suppress-health-check", "all",
            "--seed", "20260722",
            "--no-shrink",
            "--no-color",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS * 5, check=False,
    )  # fmt: skip

    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
    assert "Traceback" not in furnished.log.read_text()
