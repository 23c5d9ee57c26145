"""Several Roomtones on one PostgreSQL (and one JetStream), each in its role."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
from journey_server import JourneyServer, told

from own_servers import free_port


class FleetServer(JourneyServer):
    """One process of them, with a data folder of its own."""

    def __init__(self, data: Path, first: "FleetServer | None", **settings: Any) -> None:
        self._first = first
        self._database = str(settings["database"])
        self._places = {
            name: value for name, value in settings.items() if name in ("database", "journal")
        }
        self._port = 0
        super().__init__(data, **settings)

    @property
    def role(self) -> str:
        """What it does."""
        return str(self.settings["role"])

    def launch(self, port: int = 0) -> None:
        """Where it was before, as behind a balancer."""
        self._port = port or self._port or free_port()
        super().launch(self._port)

    def _init(self) -> Any:
        first = self._first
        if first is None:
            return told("init", "--data", self.data, **self._places)
        return {
            "account_id": first.account_id,
            "app_id": first.app_id,
            "api_token": first.api_token,
        }

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database beside the servers; ``?`` for parameters."""
        with psycopg.connect(self._database) as connection:
            found = connection.execute(statement.replace("?", "%s"), values)
            return found.fetchall()


class Fleet:
    """All of them. ``api`` is the one that is asked; the others are started as wanted."""

    def __init__(self, folder: Path, database: str, **settings: Any) -> None:
        self._folder = folder
        self._settings = {"database": database, **settings}
        self.database, self.journal = database, str(settings.get("journal", ""))
        self.servers: list[FleetServer] = []
        self.api = self.add("api")

    def add(self, role: str, **settings: Any) -> FleetServer:
        """One more process."""
        data = self._folder / f"{role}{len(self.servers)}"
        first = self.servers[0] if self.servers else None
        server = FleetServer(data, first, **{**self._settings, "role": role, **settings})
        self.servers.append(server)
        server.start()
        return server

    def stop(self) -> None:
        """End them all, even if one of them does not want to."""
        with ExitStack() as ends:
            for server in self.servers:
                ends.callback(server.stop)

    def logs(self) -> str:
        """What all of them wrote."""
        return "\n".join(server.log.read_text() for server in self.servers)

    def events(self, event: str) -> list[dict[str, Any]]:
        """The lines of all their logs that tell of an event."""
        found = []
        for line in self.logs().splitlines():
            try:
                said = json.loads(line)
            except ValueError:
                continue  # such as a traceback of the interpreter itself
            if isinstance(said, dict) and str(said.get("event", "")).startswith(event):
                found.append(said)
        return found

    def surprises(self) -> list[str]:
        """The errors in their logs that nobody foresaw: those that are told with a traceback."""
        return [str(one["exception"]) for one in self.events("") if "exception" in one]
