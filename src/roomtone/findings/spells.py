"""Spells: stretches of time, epoch ms on the server's clock, ascending; what a client said of them.

Muted microphones, cameras that are off and pages that nobody sees are no trouble.
"""

from collections.abc import Iterable, Sequence
from math import inf

from msgspec import Struct

from roomtone.model.facts import Happened

Spell = tuple[float, float]
Spells = tuple[Spell, ...]

PAD_MS = 2_000
"""Around a switch the buffers run empty and full again."""
CAMERA, MICROPHONE, HIDDEN, SCREEN = "camera", "microphone", "hidden", "screen"
SWITCHES: dict[str, tuple[str, bool]] = {
    # event: (of what, whether it begins a pause)
    "audio_off": (MICROPHONE, True),
    "audio_on": (MICROPHONE, False),
    "video_off": (CAMERA, True),
    "video_on": (CAMERA, False),
    "screenshare_stopped": (SCREEN, True),
    "screenshare_started": (SCREEN, False),
    "browser_backgrounded": (HIDDEN, True),
    "browser_foregrounded": (HIDDEN, False),
    "page_frozen": (HIDDEN, True),
    "page_resumed": (HIDDEN, False),
}
TRACKS = {"audio": MICROPHONE, "video": CAMERA}
SOURCES = {"screenshare": SCREEN, "screenshare_audio": SCREEN}


class Pauses(Struct, frozen=True):
    """When a peer's own media or page was switched off, as its client said."""

    microphone: Spells = ()
    camera: Spells = ()
    screen: Spells = ()
    hidden: Spells = ()
    tells: bool = False
    """Whether this client says anything of mutes: without that, silence proves nothing."""


def pauses_of(events: Iterable[Happened], offset: int = 0) -> Pauses:
    """What the events of a peer say; ``offset`` puts their times on the server's clock."""
    since: dict[str, float] = {}
    spells: dict[str, list[Spell]] = {MICROPHONE: [], CAMERA: [], SCREEN: [], HIDDEN: []}
    tells = False
    for event in events:
        switch = _switch(event)
        if switch is None:
            continue
        what, off = switch
        # Whoever only tells that a microphone was opened may still leave out its mutes.
        tells = tells or (what == MICROPHONE and event.name != "user_media")
        if off:
            since.setdefault(what, event.t + offset)
        elif what in since:
            spells[what].append((since.pop(what) - PAD_MS, event.t + offset + PAD_MS))
    for what, start in since.items():
        spells[what].append((start - PAD_MS, inf))
    return Pauses(
        microphone=united(spells[MICROPHONE]),
        camera=united(spells[CAMERA]),
        screen=united(spells[SCREEN]),
        hidden=united(spells[HIDDEN]),
        tells=tells,
    )


def _switch(event: Happened) -> tuple[str, bool] | None:
    told = event.metadata or {}
    name = event.name
    if name in ("track_disabled", "track_enabled"):
        what = SOURCES.get(str(told.get("source"))) or TRACKS.get(str(told.get("kind")))
        return None if what is None else (what, name == "track_disabled")
    if name == "user_media" and told.get("audio") and not told.get("error"):
        return MICROPHONE, False
    if name == "tab_change" and isinstance(told.get("is_meetings_tab_active"), bool):
        return HIDDEN, not told["is_meetings_tab_active"]
    return SWITCHES.get(name)


def united(spells: Iterable[Spell]) -> Spells:
    """Overlapping ones as one."""
    made: list[Spell] = []
    for start, end in sorted(spells):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return tuple(made)


def touches(spells: Sequence[Spell], start: float, end: float) -> bool:
    """Whether any of them overlaps this time."""
    return any(begun <= end and ended >= start for begun, ended in spells)
