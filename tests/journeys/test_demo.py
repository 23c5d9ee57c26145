"""``roomtone demo``: one command shows the main job, and what it prints can be pasted."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from journey_server import roomtone_command

from own_servers import free_port
from parts import ENVS
from roomtone.cli.scripts import BUNDLED

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Demo:
    """A demo that was started, and what it printed."""

    folder: Path
    said: str

    def after(self, heading: str) -> str:
        """The example under a heading, up to the next blank line or heading."""
        _, _, rest = self.said.partition(heading)
        lines = rest.splitlines()[1:]
        kept = []
        for line in lines:
            if not line.strip() or line.startswith(("With ", "It goes on")):
                break
            kept.append(line)
        return "\n".join(kept) + "\n"

    def printed(self, name: str) -> str:
        """An id that it printed."""
        found = re.search(rf"{name}\s+(\S+)", self.said)
        assert found, self.said
        return found[1]

    def api(self) -> tuple[str, str, dict[str, str]]:
        """Where the server is, where the app's API is, and what opens it."""
        base = re.search(r"running\s+at (http://\S+)", self.said)
        assert base, self.said
        account, app = self.printed("account_id"), self.printed("app_id")
        kit = f"{base[1]}/client/v4/accounts/{account}/realtime/kit/{app}"
        return base[1], kit, {"authorization": f"Bearer {self.printed('API token')}"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, played."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    done = roomtone_command("demo", "--data", folder, "--port", str(free_port()))
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield Demo(folder, done.stdout)
    finally:
        roomtone_command("demo", "--stop", "--data", folder)


def test_every_recording_is_a_row_of_its_table(demo: Demo) -> None:
    table = [line for line in demo.said.splitlines() if UUID.search(line) and "  " in line.strip()]
    for title, _ in BUNDLED:
        (row,) = [line for line in table if line.strip().startswith(title)]
        people, peak, minutes, audio, video, outcome, _ = row.replace(title, "").split()
        assert outcome in ("good", "fair", "bad", "unknown")
        assert int(people) >= int(peak) >= 1
        assert float(minutes) > 0
        assert 1 <= float(audio) <= 4.5
        assert 1 <= float(video) <= 4.5


def test_the_call_that_went_badly_is_explained_by_the_command_that_it_printed(demo: Demo) -> None:
    heading = re.search(r"^Why did .*$", demo.said, re.MULTILINE)
    assert heading, demo.said
    assert "“Three people, one breaks up” go bad" in heading[0]
    command = demo.after(heading[0]).split()
    assert command[1] == "explain"
    done = roomtone_command(*command[1:])
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    first_screen = " ".join(" ".join(done.stdout.splitlines()[:24]).split())
    assert "of what Alice sent was lost on the way" in first_screen
    assert "Bob and Carol noticed it: the fault was on Alice's side, on the way out" in first_screen
    assert "uplink_loss" in done.stdout
    assert "Do: " in done.stdout
    assert "bob" not in done.stdout, "nobody else is to blame"


def test_the_call_that_went_badly_has_words_of_everybody(demo: Demo) -> None:
    _, kit, headers = demo.api()
    found = httpx.get(
        f"{kit}/sessions", params={"finding": "uplink_loss", "per_page": 50}, headers=headers
    ).json()["data"]["sessions"]
    (worst,) = [one for one in found if one["meeting_display_name"].endswith("breaks up")]
    assert worst["finding_counts"]["error"] == 1
    words = httpx.get(f"{kit}/sessions/{worst['id']}/words", headers=headers).json()["data"]
    chat = [one for one in words["words"] if one["kind"] == "chat"]
    said = [one for one in words["words"] if one["kind"] == "transcript"]
    assert {one["display_name"] for one in chat} == {"Alice", "Bob", "Carol"}
    assert {one["display_name"] for one in said} == {"Alice", "Bob", "Carol"}
    assert all(one["peer_id"] for one in words["words"])


def test_what_it_printed_opens_the_api(demo: Demo) -> None:
    base, kit, headers = demo.api()
    answer = httpx.get(f"{kit}/sessions", headers=headers)
    assert answer.status_code == 200
    sessions = answer.json()["data"]["sessions"]
    assert {one["meeting_display_name"] for one in sessions} == {title for title, _ in BUNDLED}
    assert {one["status"] for one in sessions} == {"ENDED"}
    for one in sessions:
        assert one["id"] in demo.said
        assert one["minutes_consumed"] > 0
    docs = httpx.get(f"{base}/docs", follow_redirects=True)
    assert docs.status_code == 200


@pytest.mark.needs("curl")
def test_the_curl_example_works_when_pasted(demo: Demo) -> None:
    example = demo.after("With curl")
    done = subprocess.run(["sh", "-c", example], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    assert body["success"] is True
    assert len(body["data"]["sessions"]) == 3


@pytest.mark.needs("python-5.9.0")
def test_the_sdk_example_works_when_pasted(demo: Demo) -> None:
    python = ENVS / "cloudflare-5.9.0/bin/python"
    example = demo.after("With the vendor's own SDK")
    done = subprocess.run([python, "-"], input=example, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{example}\n{done.stderr}"
    for title, _ in BUNDLED:
        assert title in done.stdout


def test_it_goes_on_until_it_is_told_to_stop_and_can_be_played_again(
    tmp_path: Path,
) -> None:
    folder, port = tmp_path / "data", str(free_port())
    url = f"http://127.0.0.1:{port}/healthz"
    try:
        first = roomtone_command("demo", "--data", folder, "--port", port)
        assert first.returncode == 0, first.stdout + first.stderr
        assert f"roomtone demo --stop --data {folder}" in first.stdout
        assert httpx.get(url).status_code == 200
        again = roomtone_command("demo", "--data", folder, "--port", port)
        assert again.returncode == 0, again.stdout + again.stderr
        assert httpx.get(url).status_code == 200, "it took the place of the first"
        stopped = roomtone_command("demo", "--stop", "--data", folder)
        assert "Stopped." in stopped.stdout
        with pytest.raises(httpx.TransportError):
            httpx.get(url)
        nothing = roomtone_command("demo", "--stop", "--data", folder)
        assert nothing.returncode == 0
        assert "No demo is running." in nothing.stdout
    finally:
        roomtone_command("demo", "--stop", "--data", folder)


def test_it_empties_no_folder_but_its_own(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "roomtone.db").write_text("years of calls")
    for arguments, settings in (
        (("--data", precious), {}),
        ((), {"data": precious}),
    ):
        done = roomtone_command("demo", *arguments, **settings)
        assert done.returncode == 1
        assert "not a demo's folder" in done.stderr
    assert (precious / "roomtone.db").read_text() == "years of calls"
