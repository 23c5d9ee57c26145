"""Schemathesis reads the server's own openapi.json and asks everything that it can think of.

Nothing may be answered with a 5xx, with an undeclared status or content type, or with a body that
its declared schema does not fit. It knows none of our code and invents what we would not. Ids that
exist are mixed in, so that it gets further than a 404.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sdk.replay import read, replay
from sdk.running_server import RunningServer, running_server

from roomtone.model.hooks import EVENTS

pytestmark = [pytest.mark.slow]

SECONDS = 60
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
FROM_THE_START = ("account_id", "app_id")
MIXED_IN = 0.8
"""How often a path gets an id that exists, not an invented one."""


@dataclass(frozen=True)
class Furnished:
    """A server of its own with a session in it, and what its ids are, by the name in the paths."""

    server: RunningServer
    ids: dict[str, list[str]]

    def config(self) -> str:
        """schemathesis.toml: where those ids go."""
        lines = ["[parameters]"]
        lines += [f'"path.{name}" = {json.dumps(self.ids[name][0])}' for name in FROM_THE_START]
        mixed = [name for name in self.ids if name not in FROM_THE_START]
        for name in mixed:
            binding = f'{{ dictionary = "{name}", probability = {MIXED_IN} }}'
            lines.append(f'"path.{name}" = {binding}')
        for name in mixed:
            lines += [f"[dictionaries.{name}]", f"values = {json.dumps(self.ids[name])}"]
        return "\n".join(lines)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    data = tmp_path_factory.mktemp("schemathesis") / "data"
    with running_server(data, rate_limit=0, ingest_limit=0, log_level="warning") as server:
        meeting = server.post("meetings", {"title": "Weekly sync"})
        people = {
            who: server.post(
                f"meetings/{meeting['id']}/participants",
                {"custom_participant_id": who, "preset_name": "group_call_participant"},
            )
            for who in "ab"
        }
        hook = {"name": "told", "url": "https://receiver.invalid/", "events": list(EVENTS)}
        hooks = [server.post("webhooks", hook)["id"] for _ in range(5)]
        tokens = {who: person["token"] for who, person in people.items()}
        peers = replay(server.url, read("realtimekit-clean"), tokens, 300).peers
        peer_ids = [peer_id for known in peers.values() for peer_id in known]
        ids = {
            "account_id": [server.account_id],
            "app_id": [server.app_id],
            "meeting_id": [meeting["id"]],
            "session_id": [server.api("sessions")["sessions"][0]["id"]],
            "peer_id": peer_ids,
            "participant_id": [*(person["id"] for person in people.values()), *peer_ids],
            "preset_id": [preset["id"] for preset in server.api("presets")[:3]],
            "webhook_id": hooks,
            "delivery_id": [
                delivery["id"]
                for hook_id in hooks
                for delivery in server.api(f"webhooks/{hook_id}/deliveries")
            ],
        }
        yield Furnished(server, ids)


def test_no_request_gets_an_undeclared_answer(furnished, tmp_path):
    config = tmp_path / "schemathesis.toml"
    config.write_text(furnished.config())
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "--config-file", str(config),
            "--no-color",
            "run", f"{furnished.server.url}/openapi.json",
            "--header", f"Authorization: Bearer {furnished.server.api_token}",
            "--checks", ",".join(CHECKS),
            "--phases", "examples,coverage,fuzzing",
            "--max-examples", "50",
            "--max-time", str(SECONDS),
            "--request-timeout", "20",
            "--max-failures", "20",
            "--suppress-health-check", "all",
            "--seed", "20260722",
            "--no-shrink",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS * 5, check=False,
    )  # fmt: skip

    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
    assert "Traceback" not in furnished.server.log.read_text()
    # It got in, and through every operation. What an earlier request had erased is only asked for
    # without a token (401) and in vain (404): those of that kind stay below a half.
    selected, tested = map(
        int, re.search(r"Selected: \d+/(\d+)\s+Tested: (\d+)", done.stdout).groups()
    )
    assert selected == tested
    kept_out = re.search(r"Authentication failed: (\d+) operations", done.stdout)
    assert kept_out is None or int(kept_out[1]) < tested / 2, done.stdout[-8000:]
