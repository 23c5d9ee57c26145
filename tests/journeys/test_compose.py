"""deploy/compose.yaml: every container of Roomtone in it, run here as a process, with its command,
its settings and its secrets; only the names of the other containers are this machine's."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from journey_server import environment, wait_for

from own_servers import OwnNats, OwnPostgres, free_port
from roomtone.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
PAGE = (ROOT / "docs/howto/scale-out.md").read_text()
OURS = {name: one for name, one in COMPOSE["services"].items() if one["image"] == "roomtone"}


def test_it_names_what_there_is() -> None:
    variables = {setting.variable for setting in SETTINGS}
    services, secrets = COMPOSE["services"], COMPOSE["secrets"]
    for one in services.values():
        assert set(one.get("depends_on", ())) <= set(services)
        assert set(one.get("secrets", ())) <= set(secrets)
        volumes = {place.split(":")[0] for place in one.get("volumes", ())}
        assert {name for name in volumes if not name.startswith(".")} <= set(COMPOSE["volumes"])
    for one in OURS.values():
        assert set(one["environment"]) <= variables
        for value in one["environment"].values():
            if value.startswith("/run/secrets/"):
                assert value.removeprefix("/run/secrets/") in one["secrets"]
    proxied = set(re.findall(r"dynamic a (\w+) 8787", (ROOT / "deploy/Caddyfile").read_text()))
    assert proxied == {"collect", "api"} <= set(OURS)


def test_the_one_on_the_page_names_what_there_is_too() -> None:
    told = yaml.safe_load(PAGE.partition("```yaml")[2].partition("```")[0])
    services = told["services"]
    ours = {name: one for name, one in services.items() if one["image"] == "roomtone"}
    variables = {setting.variable for setting in SETTINGS}

    assert set(ours) == set(OURS)
    for name, one in ours.items():
        assert {each for each in one["environment"] if not each.startswith("AWS_")} <= variables
        assert one["command"].split() == OURS[name]["command"]
        assert set(one["depends_on"]) <= set(services)


@pytest.mark.slow
@pytest.mark.needs("own-servers")
def test_its_containers_work_together(tmp_path: Path) -> None:
    postgres, nats = OwnPostgres(tmp_path / "pg").start(), OwnNats(tmp_path / "nats").start()
    (tmp_path / "database").write_text(postgres.url + "\n")
    (tmp_path / "words_key").write_text("ab" * 32)
    running: list[subprocess.Popen[bytes]] = []

    def settings(service: dict[str, Any], port: int) -> dict[str, str]:
        told = {
            name: value.replace("/run/secrets", str(tmp_path)).replace("nats://nats", nats.url)
            for name, value in service["environment"].items()
        }
        told["ROOMTONE_BASE_URL"] = "http://localhost:8080"
        # The Containerfile's own.
        more = environment(data=tmp_path / "data", host="127.0.0.1", port=port)
        return {**more, **told}

    def run(service: dict[str, Any], port: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "roomtone", *service["command"]]
        with (tmp_path / "log").open("ab") as log:
            return subprocess.Popen(command, env=settings(service, port), stdout=log, stderr=log)

    try:
        assert run(OURS["migrate"], 0).wait(60) == 0, (tmp_path / "log").read_text()
        ports = {}
        for name in ("api", "collect", "work"):
            # Two of each share one volume, as there.
            for copy in range(OURS[name]["deploy"]["replicas"]):
                ports[name, copy] = free_port()
                running.append(run(OURS[name], ports[name, copy]))
        for name, port in ports.items():
            url = f"http://127.0.0.1:{port}/readyz"
            wait_for(f"{name} to be ready", lambda url=url: _ok(url), 60)
        made = (tmp_path / "data" / "credentials.json").read_text()
        assert "api_token" in made
    finally:
        for one in running:
            one.terminate()
        for one in running:
            one.wait(30)
        nats.stop()
        postgres.stop()


def _ok(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
