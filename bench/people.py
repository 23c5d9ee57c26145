"""People at the front door: meetings and participants made through the API, as a backend does."""

from typing import Any
from uuid import uuid4

import httpx
from msgspec import Struct

from bench.servers import HOST, Credentials, Server

PRESET = "group_call_participant"
TIMEOUT_S = 60.0


class Person(Struct, frozen=True):
    """A participant with a token, and the id of the one connection it makes."""

    meeting_id: str
    user_id: str
    peer_id: str
    token: str


class Backend:
    """Calls the API as an operator's backend."""

    def __init__(self, server: Server, credentials: Credentials) -> None:
        self._client = httpx.Client(
            base_url=f"http://{HOST}:{server.port}{credentials.api}",
            headers={"authorization": f"Bearer {credentials.api_token}"},
            timeout=TIMEOUT_S,
        )

    def __enter__(self) -> "Backend":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The ``data`` of an answer."""
        answer = self._client.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()["data"]

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A whole answer."""
        return self._client.get(path, headers=headers)

    def meet(self, people: int, title: str = "A call") -> list[Person]:
        """A new meeting with so many people."""
        meeting = self.ask("POST", "/meetings", {"title": title})
        made = []
        for number in range(people):
            about = {
                "name": f"Person {number + 1}",
                "custom_participant_id": f"{meeting['id'][:8]}-{number + 1}",
                "preset_name": PRESET,
            }
            told = self.ask("POST", f"/meetings/{meeting['id']}/participants", about)
            made.append(Person(meeting["id"], told["id"], str(uuid4()), told["token"]))
        return made

    def end(self, meeting_id: str) -> None:
        """Show everybody out, which ends the session."""
        self.ask("POST", f"/meetings/{meeting_id}/active-session/kick-all")
