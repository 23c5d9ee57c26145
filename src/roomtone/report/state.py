"""State: everything the fold remembers of one peer. Bounded (model/limits.py); cuts are counted."""

from msgspec.structs import asdict, replace

from roomtone.model import facts as f
from roomtone.model.limits import MAX_EVENTS_PER_PEER
from roomtone.model.peer_report import Truncated
from roomtone.report.inbound import InboundSeries
from roomtone.report.layout import Layouts
from roomtone.report.outbound import Layer, OutboundSeries
from roomtone.report.path import Path
from roomtone.report.series import Budget
from roomtone.report.talk import EVENT, Talk
from roomtone.report.transit import Transit

StreamKey = tuple[str, int | None, str | None]
"""(stats id, ssrc, kind) within a transport: an id is never reused for another stream (W3C)."""


class Streams:
    """The streams of one transport."""

    __slots__ = ("inbound", "layers", "layouts", "path", "producers", "transit")

    def __init__(self, transport_id: str) -> None:
        self.path = Path(transport_id)
        self.transit = Transit()
        self.layouts = Layouts()
        self.inbound: dict[StreamKey, InboundSeries] = {}
        self.layers: dict[StreamKey, tuple[OutboundSeries, Layer]] = {}
        self.producers: dict[StreamKey, OutboundSeries] = {}


class DevicesChange:
    """What came and went when the client listed its devices of one kind."""

    __slots__ = ("added", "removed", "t")

    def __init__(self, t: int, added: list[f.Device], removed: list[f.Device]) -> None:
        self.t = t
        self.added = added
        self.removed = removed


class PeerState:
    """Mutable, and only the fold changes it: a build reads it as often as it likes."""

    __slots__ = (
        "budget",
        "described",
        "device_changes",
        "devices",
        "events",
        "identified",
        "located",
        "precalls",
        "selected",
        "streams",
        "streams_total",
        "talk",
        "truncated",
    )

    def __init__(self, reading_ms: int) -> None:
        self.budget = Budget(reading_ms)
        self.identified: f.Identified | None = None
        self.described = f.Described(0)
        self.located: f.Located | None = None
        self.devices: dict[str, tuple[f.Device, ...]] = {}
        """The latest list by kind."""
        self.device_changes: dict[str, list[DevicesChange]] = {}
        self.selected: list[f.DeviceSelected] = []
        self.precalls: list[f.PrecallTested] = []
        self.events: list[f.Happened] = []
        self.streams: dict[str, Streams] = {}
        """By transport."""
        self.streams_total = 0
        self.talk = Talk()
        self.truncated = Truncated()

    def identify(self, fact: f.Identified) -> None:
        """The latest word on who this is."""
        self.identified = fact

    def describe(self, fact: f.Described) -> None:
        """What a fact does not know, an earlier one may have said."""
        said = {name: value for name, value in asdict(fact).items() if value is not None}
        self.described = replace(self.described, **said)

    def locate(self, fact: f.Located) -> None:
        """The latest address is the one that counts."""
        self.located = fact

    def list_devices(self, fact: f.DevicesListed) -> None:
        """A list becomes the difference to the one before; no difference is no update."""
        before = self.devices.get(fact.kind, ())
        had, has = set(before), set(fact.devices)
        added = [device for device in fact.devices if device not in had]
        removed = [device for device in before if device not in has]
        if not added and not removed:
            return
        changes = self.device_changes.setdefault(fact.kind, [])
        if self._room(changes):
            self.devices[fact.kind] = fact.devices
            changes.append(DevicesChange(fact.t, added, removed))

    def select_device(self, fact: f.DeviceSelected) -> None:
        """Another device is in use."""
        if self._room(self.selected):
            self.selected.append(fact)

    def test_precall(self, fact: f.PrecallTested) -> None:
        """A pre-call test ended."""
        if self._room(self.precalls):
            self.precalls.append(fact)

    def happen(self, fact: f.Happened) -> None:
        """An event of the client; ``ping_stat`` is a carrier, not an event."""
        if fact.name == EVENT:
            self.talk.lead(fact)
        if fact.name != "ping_stat" and self._room(self.events):
            self.events.append(fact)

    def ignore(self, fact: f.Fact) -> None:
        """Presence is told by the stay, not by the fold."""

    def _room(
        self,
        kept: list[DevicesChange]
        | list[f.Happened]
        | list[f.DeviceSelected]
        | list[f.PrecallTested],
    ) -> bool:
        if len(kept) < MAX_EVENTS_PER_PEER:
            return True
        self.truncated.events += 1
        return False
