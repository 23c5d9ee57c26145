"""Inlets and the names of other systems' rooms, in their tables."""

from roomtone.model.inlets import Inlet
from roomtone.storage import inlet_tables
from roomtone.storage.connections import Connection
from roomtone.storage.rows import Kept

_INLET = Kept(Inlet, inlet_tables.inlets)
_BY_ID = _INLET.by("id")
_OF_APP = _INLET.by("app_id", order=(inlet_tables.inlets.c.created_at, inlet_tables.inlets.c.id))
_PUT = _INLET.upsert("id")
_ROOM = "SELECT meeting_id FROM room_names WHERE app_id = ? AND name = ?"
_PUT_ROOM = (
    "INSERT INTO room_names (app_id, name, meeting_id) VALUES (?, ?, ?) "
    "ON CONFLICT (app_id, name) DO NOTHING"
)


class SqlInlets:
    """See :class:`roomtone.ports.inlets.Inlets`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def inlet(self, inlet_id: str) -> Inlet | None:
        return _INLET.one(self._connection, _BY_ID, inlet_id)

    def inlets(self, app_id: str) -> list[Inlet]:
        """Oldest first, ties by id."""
        return _INLET.all(self._connection, _OF_APP, app_id)

    def put_inlet(self, inlet: Inlet) -> None:
        _PUT.run(self._connection, inlet)

    def meeting_of_room(self, app_id: str, room: str) -> str | None:
        """The id of the meeting that this room of another system is."""
        found = self._connection.raw.execute(_ROOM, (app_id, room)).fetchone()
        return None if found is None else str(found[0])

    def put_room(self, app_id: str, room: str, meeting_id: str) -> None:
        """Remember it; a room that is known stays with its meeting."""
        self._connection.raw.execute(_PUT_ROOM, (app_id, room, meeting_id))
