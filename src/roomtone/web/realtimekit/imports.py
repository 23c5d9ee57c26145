"""``/imports``: Roomtone's own. Takes one file in, as ``roomtone import`` does."""

from typing import Any

from msgspec import Struct

from roomtone.model.errors import Fault, Invalid
from roomtone.model.limits import MAX_UPLOAD_BYTES
from roomtone.model.times import parse_iso
from roomtone.services.importing import Given
from roomtone.services.imports import ImportedFile
from roomtone.web.query import text
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok

NAME = text("name", "The file's name: the title of the meeting that a recording makes.")
SESSION = text("session_id", "The session that the words belong to; left out for a recording.")
MEETING = text("meeting", "The meeting that a recording belongs to: an id, or a room's name.")
PARTICIPANT = text("participant", "Who a recording of one person is: an id or a custom id.")
AT = text("at", "When the recording began, if its own times are wrong; ISO 8601.")
UNNAMED = "upload"


class ImportAnswer(Struct, frozen=True):
    success: bool
    data: ImportedFile


class RecordingGiven(Struct):
    """A recording of getStats() results; any other kind of file is sent as it is."""

    samples: list[dict[str, Any]]
    ua: str | None = None


async def add_import(call: Call) -> Answer:
    """Roomtone's own: a recording of a call becomes a session; words go into the one that is named.

    The body is the file itself, plain or gzip, whatever its content type says. A file that was
    taken in before changes nothing.
    """
    data = await call.file(MAX_UPLOAD_BYTES)
    name = call.query[NAME] or UNNAMED
    given = Given(call.query[MEETING] or "", call.query[PARTICIPANT] or "", _at(call.query[AT]))
    taken = await call.facade.imports.take(call.app_id, name, data, call.query[SESSION], given)
    return ok(ImportAnswer(True, taken))


def _at(said: str | None) -> int | None:
    try:
        return None if said is None else parse_iso(said)
    except (ValueError, OverflowError):
        raise Invalid("The query is not valid.", (Fault("at", "is not ISO 8601"),)) from None


IMPORTS = Resource(
    "/imports",
    {
        "POST": Operation(
            handler=add_import,
            name="importFile",
            summary="Import a recording, a chat or a transcript",
            answer=ImportAnswer,
            parameters=(NAME, SESSION, MEETING, PARTICIPANT, AT),
            body=RecordingGiven,
            uploads=("application/gzip", "application/octet-stream", "text/plain"),
        )
    },
    "Imports",
)
