"""A Roomtone without its loops whose clock stands still, and servers that post to its inlets."""

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import httpx
from starlette.testclient import TestClient

from roomtone.model.facts import AnyFact, ServerSaw
from roomtone.model.inlets import Inlet
from roomtone.model.subjects import Subject, room_subject
from roomtone.ports.records import Page
from roomtone.services.inflow import peer_id_of
from roomtone.settings import Settings
from roomtone.wiring import service
from roomtone.wiring.site import site

NOW = 1_795_394_480_000  # just after the recorded videoroom


class StillClock(service.SystemClock):
    """Tests move it."""

    t = NOW

    def now(self) -> int:
        return self.t


class World:
    """The service, its front door, and what it keeps."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(data=str(folder), base_url="https://rt.example")
        with patch.object(service, "SystemClock", StillClock):
            self.of = service.Roomtone(settings)
        self.clock = self.of.clock

        @asynccontextmanager
        async def nothing(_: Any):
            yield

        self.web = TestClient(
            site(self.of, nothing), base_url="https://rt.example", raise_server_exceptions=False
        )
        self.web.__enter__()
        self.app_id = self.run(self.of.tenants.first_start()).app.id

    def run(self, doing: Any) -> Any:
        """Wait for something on the server's own event loop."""

        async def wait() -> Any:
            return await doing

        assert self.web.portal is not None
        return self.web.portal.call(wait)

    def close(self) -> None:
        """End it."""
        self.web.__exit__(None, None, None)
        asyncio.run(self.of.close())

    def inlet(self, kind: str, key: str = "", secret: str = "") -> Inlet:
        """A new door."""
        return self.run(self.of.inlets.create(self.app_id, kind, key=key, secret=secret))

    def post(
        self, inlet: Inlet, body: bytes, headers: dict[str, str] | None = None, rest: str = ""
    ) -> httpx.Response:
        """Deliver something."""
        return self.web.post(f"/in/{inlet.id}{rest}", content=body, headers=headers or {})

    def meeting(self, room: str) -> str:
        """The id of the meeting that a room became."""
        found = self.of.records.peek(lambda tx: tx.inlets.meeting_of_room(self.app_id, room))
        assert found is not None, f"no meeting for {room}"
        return str(found)

    def person(self, room: str, identity: str) -> Any:
        """The participant that an identity became."""
        meeting = self.meeting(room)
        people = self.of.records.peek(lambda tx: tx.rooms.people_called(self.app_id, identity))
        return next(one for one in people if one.meeting_id == meeting)

    def subject(self, room: str, identity: str, peer: str) -> Subject:
        """Whose journal a peer's facts are in."""
        person = self.person(room, identity)
        return Subject(self.app_id, person.meeting_id, person.id, peer_id_of(self.app_id, peer))

    def facts(self, subject: Subject) -> list[AnyFact]:
        """What the journal holds, each fact once."""
        chunks = self.run(self.of.journal.read(subject.key))
        return _hashable(chunks)

    def saw(self, room: str, identity: str, peer: str) -> list[tuple[str, int]]:
        """What servers said of a peer, by time."""
        return sightings(self.facts(self.subject(room, identity, peer)))

    def room_saw(self, room: str) -> list[tuple[str, int]]:
        """What servers said of a room."""
        return sightings(self.facts(room_subject(self.app_id, self.meeting(room))))

    def quarantined(self) -> list[Any]:
        """What nobody understood."""
        return self.run(self.of.quarantine.held(Page(0, 100)))[0]


class Said:
    """A fact that can be a key: two that are equal are one."""

    def __init__(self, fact: AnyFact) -> None:
        self.fact = fact
        self._text = repr(fact)

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Said) and self._text == other._text


def _hashable(chunks: Any) -> list[Any]:
    return [said.fact for said in dict.fromkeys(Said(f) for c in chunks for f in c.facts())]


def sightings(facts: Any) -> list[tuple[str, int]]:
    """(what, t) of what servers saw."""
    return sorted({(fact.what, fact.t) for fact in facts if isinstance(fact, ServerSaw)})


@contextmanager
def a_world() -> Iterator[World]:
    """One of its own."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            yield world
        finally:
            world.close()
