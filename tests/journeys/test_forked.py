"""Forked Roomtones are handled as processes that were started, and no first start is a fork."""

import signal
import subprocess
from pathlib import Path

import pytest
from journey_server import JourneyServer, environment, roomtone_command

import roomtone
from forked import Starts


def test_a_fork_has_its_own_arguments_folder_variables_and_status(tmp_path: Path) -> None:
    first = roomtone_command("init", "--data", "here", "--json", cwd=tmp_path)
    for name in ("one", "other"):
        again = roomtone_command("init", "--data", name, "--json", cwd=tmp_path)
        assert (tmp_path / name / "credentials.json").read_text()
        assert (again.returncode, again.stderr) == (0, "")
        assert again.stdout != first.stdout
    assert roomtone_command("report", "no such peer", "--data", tmp_path / "one").returncode == 1
    wrong = roomtone_command("report", "no such peer", "--data", tmp_path / "one")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "Traceback" not in wrong.stderr
    version = roomtone_command("--version")
    assert roomtone_command("--version").stdout == version.stdout
    assert roomtone.__version__ in version.stdout


def test_a_forked_server_is_stopped_and_killed_as_any_other(tmp_path: Path) -> None:
    server = JourneyServer(tmp_path / "data")
    pids = set()
    for end in (server.stop, server.kill, server.stop):
        server.start()
        pids.add(server.pid)
        forked = b"forked.py" in Path(f"/proc/{server.pid}/cmdline").read_bytes()
        end()
    assert forked  # the third, whatever ran before
    assert len(pids) == 3
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert server.log.read_text().count("stopped in order") == 2


def test_the_first_start_with_anything_new_is_no_fork() -> None:
    fresh = Starts(environment())
    try:
        serve, plain = ["serve", "--data", "a"], environment()
        looks = [fresh.may_fork(serve, plain), fresh.may_fork(["serve", "--data", "b"], plain)]
        assert looks == [False, True]
        for words, variables in (
            (["doctor", "--data", "a"], plain),
            ([*serve, "--port", "0"], plain),
            (serve, environment(words_key="k")),
            (serve, environment(role="work")),
        ):
            assert not fresh.may_fork(words, variables)
            assert fresh.may_fork(words, variables)
        assert not fresh.may_fork(serve, plain, Path("launch.py"))
        # What an import could read is not as it was.
        assert not fresh.may_fork(serve, plain | {"TZ": "Asia/Tokyo"})
        assert not fresh.may_fork(serve, plain | {"TZ": "Asia/Tokyo"})
    finally:
        fresh.close()


def test_forks_end_with_whoever_started_them(tmp_path: Path) -> None:
    mine = Starts(environment())
    with (tmp_path / "log").open("wb") as log, (tmp_path / "said").open("wb") as said:
        child = mine.fork(
            ["serve", "--data", tmp_path / "data", "--port", "0"],
            environment(),
            stdout=said.fileno(),
            stderr=log.fileno(),
        )
    assert child.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.01)
    mine.close()
    assert child.wait(10) == -signal.SIGKILL
