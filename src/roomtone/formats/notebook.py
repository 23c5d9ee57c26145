"""What reading a file has to say: the faults that refuse it, the notes on what was mended.

A file of 200,000 lines can be wrong 200,000 times: places are named up to a limit and counted
beyond it.
"""

from collections.abc import Iterable

from msgspec import Struct, field

from roomtone.model.errors import Fault, Invalid

MAX_FAULTS = 100
"""A list that a person still reads; past it the list says how many more there are."""
GIVE_UP_FAULTS = 10_000
"""A file with that many is of another kind; reading it to its end tells nothing more."""
MAX_PLACES = 5
"""Places named in one note."""


class _Note(Struct):
    count: int = 0
    places: list[str] = field(default_factory=list)


class Notebook(Struct):
    """Faults and notes of one reading, in the order in which they were first met."""

    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0
    _notes: dict[str, _Note] = field(default_factory=dict)

    def fault(self, where: str, why: str) -> None:
        """Something that the file is refused for. Raises Invalid when it is one too many."""
        self.fault_count += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(where, why))
        if self.fault_count >= GIVE_UP_FAULTS:
            self.refuse_if_faulty("The file")

    def note(self, said: str, where: str = "") -> None:
        """Something that was mended or is worth knowing. ``where`` is empty for the whole file."""
        note = self._notes.get(said)
        if note is None:
            note = self._notes[said] = _Note()
        note.count += 1
        if where and len(note.places) < MAX_PLACES:
            note.places.append(where)

    def notes(self) -> tuple[str, ...]:
        """One sentence a kind: ``has no words; left out (2: line 4, line 9)``."""
        return tuple(_sentence(said, note) for said, note in self._notes.items())

    def refuse_if_faulty(self, what: str) -> None:
        """Raises Invalid with every fault, if there is one. ``what``: the file, as ``The SRT``."""
        if not self.faults:
            return
        faults = tuple(self.faults)
        if self.fault_count > len(faults):
            faults += (Fault("", f"and {self.fault_count - len(faults)} more faults"),)
        times = "once" if self.fault_count == 1 else f"in {self.fault_count} places"
        raise Invalid(f"{what} cannot be read: it is wrong {times}.", faults)

    def note_all(self, said: Iterable[str], where: str) -> None:
        """Several notes on one place."""
        for each in said:
            self.note(each, where)


def _sentence(said: str, note: _Note) -> str:
    if not note.places:
        return said if note.count == 1 else f"{said} ({note.count} times)"
    more = ", …" if note.count > len(note.places) else ""
    return f"{said} ({note.count}: {', '.join(note.places)}{more})"
