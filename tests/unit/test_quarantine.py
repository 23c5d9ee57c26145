"""What no decoder understood is kept, and tried again after an upgrade."""

import asyncio
import json

from roomtone.model.rooms import Meeting, Participant
from roomtone.ports.records import Page, Quarantined
from roomtone.services.quarantine import Quarantine
from roomtone.services.roster import Roster
from roomtone.storage.database import Database
from roomtone.storage.memory import MemoryJournal
from roomtone.storage.records import SqlRecords

T0 = 1_795_000_000_000
PEER = "7b0c0f0e-6f6c-4f0e-9d39-0b8f5a9f1f10"


class StoppedClock:
    """Always the same moment."""

    def now(self) -> int:
        return T0

    def new_id(self) -> str:
        return "00000000-0000-4000-8000-000000000001"


def held(number: int, body: bytes) -> Quarantined:
    context = {"meeting_id": "m", "participant_id": "u", "user_agent": None, "faults": []}
    return Quarantined(
        id=f"q{number}",
        app_id="a",
        source="realtimekit",
        reason="Not understood.",
        body=body,
        context=json.dumps(context),
        received_at=T0,
    )


def test_what_is_understood_now_becomes_a_peer_and_the_rest_stays():
    joined = {"event": "call_join", "timestamp": T0 - 1000, "metaData": {"peerMetaData": {}}}
    good = json.dumps({"peerId": PEER, "payload": {"entries": [joined]}}).encode()

    async def scenario() -> None:
        records = SqlRecords(Database.open(":memory:"))
        journal = MemoryJournal()
        roster = Roster(journal, records, StoppedClock(), silence_s=90)

        def furnish(tx):
            tx.rooms.put_meeting(Meeting(id="m", app_id="a", created_at=T0, updated_at=T0))
            tx.rooms.put_participant(
                Participant(
                    id="u",
                    app_id="a",
                    meeting_id="m",
                    custom_participant_id="c",
                    preset_name="p",
                    created_at=T0,
                    updated_at=T0,
                )
            )
            tx.quarantine.put_quarantined(held(1, b"\x00 never"))
            tx.quarantine.put_quarantined(held(2, good))

        await records.write(furnish)
        quarantine = Quarantine(journal, records, roster, mask=True)
        for _ in range(2):
            await quarantine.retry()
        items, total = await quarantine.held(Page(0, 10))
        assert (total, [item.id for item in items]) == (1, ["q1"])
        peer = records.peek(lambda tx: tx.sessions.peer("a", PEER))
        assert peer is not None
        assert peer.joined_at == T0 - 1000

    asyncio.run(scenario())
