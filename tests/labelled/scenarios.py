"""The calls of the labelled set: what is done to whom, and what is then to be found.

The labels were written from what the harness does, before any detector had seen the call.
"""

from dataclasses import dataclass, field
from typing import Any

Person = str
ALICE, BOB, CAROL = "alice", "bob", "carol"

SPOILT_AFTER_S = 6.0
"""A call is let to settle first: what goes wrong later is told from how it began."""
CALL_S = 42.0
"""At least three readings of trouble at the cadence of 7 s, and one before it."""

LOSS_FOLLOWS = (
    *("uplink_loss", "downlink_loss", "remote_uplink_loss", "call_loss_summary", "low_mos"),
    *("audible_concealment", "jitter_buffer_high", "time_stretch", "keyframe_storm"),
    *("video_frozen", "low_fps", "bandwidth_limited"),
)
"""What packets that do not come do to sound and picture, all of it audible or visible."""
DELAY_FOLLOWS = ("high_rtt", "low_mos", "jitter_buffer_high", "bandwidth_limited")
JITTER_FOLLOWS = (
    *("high_jitter", "jitter_buffer_high", "time_stretch", "audible_concealment", "low_mos"),
    *("video_frozen", "low_fps", "bandwidth_limited", "keyframe_storm", "call_loss_summary"),
)
"""Packets that overtake each other look lost for a while, and late ones are."""
RATE_FOLLOWS = tuple(dict.fromkeys((*LOSS_FOLLOWS, *DELAY_FOLLOWS, *JITTER_FOLLOWS)))
"""A queue that is full delays, jitters and drops."""


@dataclass(frozen=True)
class Wanted:
    """A finding that has to be there."""

    ids: tuple[str, ...]
    """Any of these says it."""
    blamed: Person | None
    """None: nobody is to be blamed."""
    sides: tuple[str, ...] = ()
    """Any of these is right; none: any is."""
    at: Person | None = None
    """At whom it has to be noticed; None: at anybody."""
    echo: bool = False
    """Whether it may be told as what follows from another finding that blames the same person."""

    def __str__(self) -> str:
        who = f"at {self.at}" if self.at else self.blamed or "nobody"
        return f"{' or '.join(self.ids)} ({who}{': ' + '/'.join(self.sides) if self.sides else ''})"


@dataclass(frozen=True)
class Do:
    """At ``at`` seconds into the call, ``what`` is done to ``who``."""

    at: float
    what: str
    who: Person
    how: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """One call."""

    name: str
    says: str
    """What happened, in plain words."""
    people: int = 3
    script: tuple[Do, ...] = ()
    seconds: float = CALL_S
    wanted: tuple[Wanted, ...] = ()
    allowed: tuple[str, ...] = ()
    """True consequences, which may be told or not; of whoever may be blamed."""
    may_blame: tuple[Person | None, ...] = ()
    """Whom any finding may blame; whoever is wanted may be blamed anyway."""
    forbidden: tuple[str, ...] = ()
    """Not even as information."""
    people_how: dict[Person, dict[str, Any]] = field(default_factory=dict)
    """How somebody's page differs: ``audio``, ``video``, ``camera``, ``turn``, ``denied``."""

    @property
    def affected(self) -> Person | None:
        """To whom something was done: whatever follows from it is about them."""
        return next(iter((*(do.who for do in self.script), *self.people_how)), None)

    @property
    def named(self) -> Person | None:
        """Who the verdict has to name."""
        return next((one.blamed for one in self.wanted if one.blamed), None)


WAYS = {"up": ("up",), "down": ("down",), "both": ("up", "down")}
WORDS = {"up": "uplink", "down": "downlink", "both": "network, both ways,"}
TROUBLES: dict[str, tuple[dict[str, float], str, dict[str, tuple[str, ...]], tuple[str, ...]]] = {
    # name: (the line, in words, who says it by way, what may follow)
    "loss": (
        {"loss": 0.12},
        "loses 12 % of the packets",
        {
            "up": ("uplink_loss",),
            "down": ("downlink_loss",),
            "both": ("uplink_loss", "downlink_loss"),
        },
        LOSS_FOLLOWS,
    ),
    "latency": (
        {"delay_ms": 420.0},
        "is 420 ms slow",
        dict.fromkeys(WAYS, ("high_rtt",)),
        DELAY_FOLLOWS,
    ),
    "jitter": (
        {"jitter_ms": 300.0},
        "holds each packet back for 0 to 300 ms",
        dict.fromkeys(WAYS, ("high_jitter",)),
        JITTER_FOLLOWS,
    ),
    "rate": (
        {"rate_kbps": 180.0},
        "carries 180 kbit/s",
        dict.fromkeys(WAYS, ("bandwidth_limited",)),
        RATE_FOLLOWS,
    ),
}
LARGER = {"width": 640, "height": 480, "kbps": 800}
SIDES = {"up": ("uplink",), "down": ("downlink",), "both": ("uplink", "downlink", "unknown")}


def _spoilt(trouble: str, way: str, people: int) -> Scenario:
    line, words, says, follows = TROUBLES[trouble]
    if (trouble, way) == ("jitter", "both"):
        # With more, the round trip would be long as well, which is another trouble.
        line, words = {"jitter_ms": 240.0}, words.replace("300", "240")
    ids = says[way]
    if people == 2:
        # With two people, one's uplink and the other's downlink are the same thing.
        ids = tuple(dict.fromkeys((*says["up"], *says["down"], *says["both"])))
    # A round trip has no direction: which half of it is slow cannot be told from it.
    undirected = trouble == "latency" or people == 2
    blamed = ALICE if people > 2 else None
    # A line that is full drops packets: whether that or the lack of room is the cause is open.
    echo = trouble == "rate"
    wanted = (Wanted(ids, blamed, () if undirected else SIDES[way], echo=echo),)
    if trouble == "loss" and way == "both" and people > 2:
        wanted = tuple(Wanted(says[one], blamed, SIDES[one]) for one in WAYS[way])
    return Scenario(
        name=f"{trouble}-{way}-{people}",
        says=f"Alice's {WORDS[way]} {words}; {people} people",
        people=people,
        script=tuple(Do(SPOILT_AFTER_S, "line", ALICE, {"way": one, **line}) for one in WAYS[way]),
        wanted=wanted,
        allowed=follows,
        may_blame=(ALICE, None),
        # How much there is to send over shows only once a browser has worked its way up.
        seconds=50 if trouble == "rate" else CALL_S,
        # A larger picture is made smaller by the browser, a small one only worse.
        people_how={ALICE: {"camera": LARGER}} if (trouble, people) == ("rate", 2) else {},
    )


NETWORK = tuple(
    _spoilt(trouble, way, people)
    for trouble in TROUBLES
    for people, ways in ((3, WAYS), (2, WAYS if trouble == "loss" else ("up",)))
    for way in ways
)
CLEAN = (
    Scenario("clean-2", "Nothing goes wrong; 2 people", people=2),
    Scenario("clean-3", "Nothing goes wrong; 3 people"),
)
DEVICES = (
    Scenario(
        "cpu-3",
        "Alice's computer is too slow for her camera at 960x540",
        wanted=(Wanted(("cpu_limited_encode",), ALICE, ("device",)),),
        allowed=(
            *("low_fps", "low_resolution", "video_frozen", "low_mos", "audible_concealment"),
            *("cpu_limited_decode", "jitter_buffer_high", "time_stretch", "high_jitter"),
        ),
        may_blame=(ALICE,),
        script=(Do(12, "busy", ALICE, {"share": 0.1}),),
        people_how={
            # AV1 in software is the hardest work that a call gives a computer.
            ALICE: {
                "camera": {"width": 960, "height": 540, "fps": 20, "kbps": 1200, "codec": "AV1"}
            }
        },
    ),
    Scenario(
        "silent-microphone-3",
        "Alice's microphone is on and gives silence",
        wanted=(Wanted(("silent_microphone",), ALICE, ("device",)),),
        may_blame=(ALICE,),
        forbidden=("one_way_audio", "speaking_while_muted"),
        people_how={ALICE: {"audio": "silent"}},
        seconds=50,
    ),
    Scenario(
        "muted-microphone-3",
        "Alice has muted herself",
        script=(Do(4, "trick", ALICE, {"trick": "mute"}),),
        forbidden=("silent_microphone", "one_way_audio", "outbound_dry", "speaking_while_muted"),
        seconds=50,
    ),
    Scenario(
        "camera-covered-3",
        "Alice's camera sees black",
        forbidden=("video_frozen", "outbound_dry"),
        people_how={ALICE: {"video": "black"}},
    ),
    Scenario(
        "camera-stopped-3",
        "Alice turns her camera off",
        script=(Do(12, "trick", ALICE, {"trick": "stopCamera"}),),
        forbidden=("video_frozen", "outbound_dry", "inbound_dry", "device_lost"),
    ),
    Scenario(
        "camera-frozen-3",
        "Alice's camera is on and gives no new picture",
        script=(Do(12, "trick", ALICE, {"trick": "stopDrawing"}),),
        wanted=(Wanted(("outbound_dry", "video_frozen", "low_fps"), ALICE, ("device",)),),
        allowed=("outbound_dry", "video_frozen", "low_fps"),
        may_blame=(ALICE,),
        people_how={ALICE: {"video": "canvas"}},
    ),
    Scenario(
        "permission-denied-3",
        "Carol does not allow camera and microphone, and only listens",
        wanted=(Wanted(("permission_denied",), CAROL, ("device",)),),
        forbidden=("silent_microphone", "one_way_audio", "outbound_dry", "inbound_dry"),
        people_how={CAROL: {"denied": True}},
    ),
    Scenario(
        "device-unplugged-3",
        "Alice's camera is pulled out",
        script=(Do(14, "trick", ALICE, {"trick": "unplug"}),),
        wanted=(Wanted(("device_lost",), ALICE, ("device",)),),
        allowed=("outbound_dry", "video_frozen", "low_fps"),
        may_blame=(ALICE,),
        people_how={ALICE: {"video": "unpluggable"}},
    ),
    Scenario(
        "background-3",
        "Alice's tab is in the background and its scripts stand still for 25 s",
        script=(Do(10, "freeze", ALICE, {"seconds": 25}),),
        wanted=(Wanted(("stats_gap",), ALICE),),
        may_blame=(ALICE,),
    ),
)
CONNECTIONS = (
    Scenario(
        "ice-failure-3",
        "Carol's network lets no UDP through; she never reaches anybody",
        script=tuple(Do(-1, "line", CAROL, {"way": way, "dead": True}) for way in ("up", "down")),
        wanted=(Wanted(("ice_failed",), CAROL),),
        allowed=("slow_connect", "ice_disconnected"),
        may_blame=(CAROL, None),
        forbidden=("outbound_dry", "inbound_dry", "one_way_audio"),
    ),
    Scenario(
        "turn-tcp-2",
        "Alice's network only lets TCP out: her media goes over TURN; 2 people",
        people=2,
        wanted=(Wanted(("tcp_or_tls_transport",), ALICE), Wanted(("turn_relay",), ALICE)),
        people_how={ALICE: {"turn": True}},
        may_blame=(ALICE,),
    ),
    Scenario(
        "rejoin-3",
        "Bob loads the page again, twice",
        script=(Do(13, "reload", BOB), Do(27, "reload", BOB)),
        wanted=(Wanted(("rejoins",), None, at=BOB),),  # why he did is his business
        forbidden=("ice_failed", "inbound_dry", "outbound_dry", "transport_stall"),
    ),
    Scenario(
        "offline-3",
        "Bob has no network for 20 s",
        script=(Do(14, "offline", BOB, {"seconds": 20}),),
        wanted=(Wanted(("ice_disconnected", "ice_failed", "transport_stall"), BOB),),
        allowed=(
            *("ice_disconnected", "ice_failed", "transport_stall", "inbound_dry", "slow_connect"),
            *LOSS_FOLLOWS,
        ),
        may_blame=(BOB, None),
        seconds=54,
    ),
)
ALL = {one.name: one for one in (*CLEAN, *NETWORK, *DEVICES, *CONNECTIONS)}
