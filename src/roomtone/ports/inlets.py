"""The inlets' rows, and which meeting a room of another system is."""

from typing import Protocol

from roomtone.model.inlets import Inlet


class Inlets(Protocol):
    """Part of a :class:`roomtone.ports.records.Transaction`."""

    def inlet(self, inlet_id: str) -> Inlet | None: ...
    def inlets(self, app_id: str) -> list[Inlet]:
        """Oldest first, ties by id; revoked ones too."""
        ...

    def put_inlet(self, inlet: Inlet) -> None: ...
    def meeting_of_room(self, app_id: str, room: str) -> str | None:
        """The id of the meeting that this room of another system is."""
        ...

    def put_room(self, app_id: str, room: str, meeting_id: str) -> None:
        """Remember it; a room that is known stays with its meeting."""
        ...
