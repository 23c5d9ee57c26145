"""Ledger: a steady load of numbered batches through real doors, and what became of every one.

Calls of a few callers each (callers.py), who in the end deliver all that they made.

At the end everything is recounted, naively, from the reports that the API gives: what was
acknowledged and is not there was lost, what is there more often was doubled, and what nobody sent
was invented.

    load = Load(api, Doors([collect, other]), outcome)
    with load:
        ...                 # faults; load.taken() tells how many were accepted so far
    load.settle()           # every kept batch is delivered, calls are ended and sealed, recounted
    load.check()            # asserts: lost 0, doubled 0, invented 0
"""

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import httpx
from callers import CHATS_EVERY, MOST, PACKETS, Caller, Doors
from journey_server import JourneyServer, Person, wait_for
from outcome import Outcome

CALLERS = 4
"""In a call."""
EVERY_S = 0.05
"""Between two batches of a caller: a hundred times as often as a real one."""
PATIENCE_S = 90
"""How long recovery may take, of anything."""


@dataclass
class Call:
    """A meeting and who is in it."""

    meeting: str
    callers: list[Caller]


class Load:
    """Calls under way, one after another or at once, until it is left."""

    def __init__(
        self,
        api: JourneyServer,
        doors: Doors,
        outcome: Outcome,
        *,
        callers: int = CALLERS,
        every_s: float = EVERY_S,
    ) -> None:
        self.api = api
        self.doors = doors
        self.outcome = outcome
        self.calls: list[Call] = []
        self._open: list[Call] = []
        self._callers = callers
        self._every_s = every_s
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._running = False
        self._recounted: set[str] = set()

    def __enter__(self) -> "Load":
        self._over.clear()
        self._running = True
        if not self._open:
            self.begin_call()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._running = False
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    # --- calls ----------------------------------------------------------------------------------

    def begin_call(self) -> Call:
        """One more call, whose callers send from now on."""
        meeting = str(self._made("/meetings", {"title": "a call"})["id"])
        call = Call(meeting, [self._invited(meeting, n) for n in range(self._callers)])
        self.calls.append(call)
        self._open.append(call)
        for caller in call.callers:
            self._start(caller)
        return call

    def end_call(self) -> None:
        """End the oldest call as it stands: kicked, with what its callers still hold coming late;
        another one begins."""
        if self._running:
            self.begin_call()
        call = self._open.pop(0)
        for caller in call.callers:
            caller.made = max(caller.made, MOST)  # makes no more, but sends what it holds
        self._kick(call)

    def keep_going(self) -> None:
        """Another call, if those who are in the newest one have not much left to say."""
        if all(caller.made > MOST // 2 for caller in self._open[-1].callers):
            self.end_call()

    def _start(self, caller: Caller) -> None:
        thread = threading.Thread(
            target=caller.run, args=(self.doors, self._every_s, self._over), daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _invited(self, meeting: str, number: int) -> Caller:
        about = {
            "name": f"p{number}",
            "custom_participant_id": f"c{number}",
            "preset_name": "group_call_participant",
        }
        made = self._made(f"/meetings/{meeting}/participants", about)
        return Caller(Person(self.api, made), meeting)

    def _made(self, path: str, about: dict[str, Any]) -> dict[str, Any]:
        """What the API makes, asked again for as long as it is away. It may be made twice, which
        harms nobody: of the other one nothing is ever heard."""
        return self._patiently(f"POST {path}", lambda: self.api.ask("POST", path, json=about))

    def _patiently(self, what: str, ask: Callable[[], httpx.Response]) -> dict[str, Any]:
        def look() -> httpx.Response | None:
            try:
                answer = ask()
            except httpx.TransportError:
                return None
            if answer.status_code == 503:
                return None
            return answer

        answer = wait_for(what, look, PATIENCE_S)
        assert answer.is_success, f"{what}: {answer.status_code} {answer.text}"
        data: dict[str, Any] = answer.json()["data"]
        return data

    def _kick(self, call: Call) -> None:
        path = f"/meetings/{call.meeting}/active-session/kick-all"

        def ended() -> bool:
            try:
                if self.api.ask("POST", path).status_code == 503:
                    return False
                found = self.api.ask("GET", "/sessions", params={"associated_id": call.meeting})
            except httpx.TransportError:
                return False
            if found.status_code != 200:
                return False
            sessions = found.json()["data"]["sessions"]
            return bool(sessions) and all(one["status"] == "ENDED" for one in sessions)

        wait_for(f"the end of {call.meeting}", ended, PATIENCE_S)

    # --- what was accepted ----------------------------------------------------------------------

    @property
    def callers(self) -> list[Caller]:
        """Of every call there was."""
        return [caller for call in self.calls for caller in call.callers]

    def taken(self) -> int:
        """Batches acknowledged so far."""
        return sum(len(caller.accepted) for caller in self.callers)

    def held(self) -> int:
        """Batches that clients hold just now."""
        return sum(len(caller.waiting) for caller in self.callers)

    def asked_to_wait(self) -> int:
        """How often a client was told to come back later."""
        return sum(sum(caller.asked_to_wait.values()) for caller in self.callers)

    def asks(self, server: JourneyServer) -> bool:
        """Whether a request is under way at it just now."""
        door = server.url.removeprefix("http://")
        return any(caller.asks == door for caller in self.callers)

    def cut_off_at(self, moment: float) -> bool:
        """Whether a request was under way at a moment of the steady clock that had no answer."""
        return any(a < moment < b for one in self.callers for a, b in one.cut_off)

    def may_miss(self, since: float, until: float) -> None:
        """Somebody took away what was stored between two moments of the steady clock. What is
        missing of it, from its end, was not lost by the server."""
        for caller in self.callers:
            caller.may_miss.append({n for n, at in caller.accepted.items() if since <= at < until})

    def wait_for_more(self, batches: int, patience_s: float = PATIENCE_S) -> None:
        """Until so many more were accepted than now."""
        before = self.taken()
        wait_for(f"{batches} batches", lambda: self.taken() >= before + batches, patience_s)

    def longest_pause_s(self, since: float) -> float:
        """The longest time in which nothing at all was accepted, after a moment of the steady
        clock: how long the fault was felt."""
        moments = sorted(
            [since, *(at for one in self.callers for at in one.accepted.values() if at > since)]
        )
        return max((b - a for a, b in pairwise(moments)), default=0.0)

    # --- the end --------------------------------------------------------------------------------

    def settle(self) -> None:
        """Deliver what clients still hold, end and seal every call, and recount."""
        self._over.clear()
        for caller in self.callers:
            caller.made = max(caller.made, MOST)
            if caller.waiting:
                self._start(caller)
        wait_for("the last batches", lambda: self.held() == 0, PATIENCE_S)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        for call in self._open:
            self._kick(call)
        self._open.clear()
        wait_for("the seals", lambda: self.api.unsealed() == 0, PATIENCE_S)
        for call in self.calls:
            if call.meeting not in self._recounted:
                self._recounted.add(call.meeting)
                self._recount(call)

    def _recount(self, call: Call) -> None:
        """What the reports hold, against what was acknowledged."""
        sessions = self.api.sessions(call.meeting)
        count = self.outcome
        # A session that was torn in two would count its minutes and people twice.
        count.add(calls=1, doubled=max(0, len(sessions) - 1))
        people = sum(one["total_participants"] for one in sessions)
        # Who was refused until the call's end has left nothing, or only what nobody heard about.
        heard = [caller for caller in call.callers if caller.accepted]
        count.add(doubled=max(0, people - len(call.callers)), lost=max(0, len(heard) - people))
        written = self._written(call)
        for caller in heard:
            self._recount_caller(caller, written)

    def _recount_caller(self, caller: Caller, written: Counter[str]) -> None:
        report = self.api.report(caller.peer_id)
        events = report["peer_stats"]["events"]
        markers = Counter(e["metadata"]["n"] for e in events if e["type"] == "marker")
        readings = report["peer_report"]["quality"]["audio_consumer"]
        streams = Counter(one["ssrc"] for one in readings)
        accepted, count = set(caller.accepted), self.outcome
        chats = Counter({n: written[caller.chat_id(n)] for n in range(1, MOST + 1)})
        for found, wanted in (
            (markers, accepted),
            (streams, accepted),
            (+chats, {n for n in accepted if n % CHATS_EVERY == 0}),
        ):
            gone = wanted - set(found)
            for risk in caller.may_miss:
                last_kept = max(risk & set(found), default=0)
                gone -= {n for n in risk if n > last_kept}
            count.add(
                lost=len(gone),
                doubled=sum(often - 1 for often in found.values()),
                invented=len(set(found) - wanted),
            )
        # The same once more in packets: nothing was added up twice on the way.
        packets = sum(one["packets_received"] for one in readings)
        there = sum(PACKETS + n for n in accepted & set(markers))
        count.add(lost=int(packets < there), doubled=int(packets > there))
        count.add(
            accepted=len(accepted),
            sent_again=caller.sent_again,
            unheard=caller.unheard,
            refused=sum(caller.asked_to_wait.values()),
        )
        missing = len(accepted - set(markers))
        if missing:
            count.told["cut_away"] = count.told.get("cut_away", 0) + missing

    def _written(self, call: Call) -> Counter[str]:
        """The chat messages of its sessions, by id. They may become rows a moment after the seal,
        if the database was away when they were accepted."""
        of_the_call = (
            "SELECT messages.id FROM messages JOIN sessions ON sessions.id = messages.session_id "
            "WHERE sessions.meeting_id = ?"
        )

        def found() -> Counter[str]:
            return Counter(id_ for (id_,) in self.api.rows(of_the_call, call.meeting))

        every = {
            caller.chat_id(n)
            for caller in call.callers
            for n in set(caller.accepted).difference(*caller.may_miss)
            if n % CHATS_EVERY == 0
        }
        with suppress(AssertionError):  # what is not there is counted as lost
            wait_for("the words", lambda: every <= set(found()), PATIENCE_S)
        return found()

    def check(self) -> None:
        """Nothing that was accepted is lost, nothing counts twice, and nobody was turned away."""
        assert [wrong for caller in self.callers for wrong in caller.wrong] == []
        told = {name: self.outcome.counts[name] for name in ("lost", "doubled", "invented")}
        assert told == {"lost": 0, "doubled": 0, "invented": 0}, self.outcome.counts
        assert self.outcome.counts["accepted"] == self.taken() > 0
