"""Quarantine: bodies that no decoder understood, tried again after an upgrade.

What is understood now goes into the journal as if it had just been decoded on the day it came, and
leaves quarantine; the sessions that it belongs to are sealed anew.
"""

from hashlib import blake2b

import msgspec
from msgspec import Struct

from roomtone.model.errors import Refused
from roomtone.model.subjects import Subject
from roomtone.ports.journal import Batch, Journal
from roomtone.ports.records import Page, Quarantined, Records
from roomtone.services.roster import Roster
from roomtone.sources.presence import presence_of
from roomtone.sources.wire import decode_batch

ITEMS_AT_ONCE = 100


class _Context(Struct):
    """What the door knew of the sender."""

    meeting_id: str
    participant_id: str
    user_agent: str | None = None


class Retried(Struct, frozen=True):
    """What trying again did."""

    understood: int
    still_unknown: int


class Quarantine:
    """Lists what is held, and tries it again."""

    def __init__(self, journal: Journal, records: Records, roster: Roster, *, mask: bool) -> None:
        self._journal = journal
        self._records = records
        self._roster = roster
        self._mask = mask

    async def held(self, page: Page) -> tuple[list[Quarantined], int]:
        """A slice of what is held, newest first, and how much there is."""
        return await self._records.read(lambda tx: tx.quarantine.quarantined(None, page))

    async def retry(self) -> Retried:
        """Try everything once more."""
        understood = unknown = 0
        while True:
            items, _ = await self.held(Page(unknown, ITEMS_AT_ONCE))
            if not items:
                break
            for item in items:
                if await self._retry(item):
                    understood += 1
                else:
                    unknown += 1
        await self._roster.catch_up()
        return Retried(understood, unknown)

    async def _retry(self, item: Quarantined) -> bool:
        try:
            context = msgspec.json.decode(item.context, type=_Context)
        except msgspec.ValidationError:
            return False  # of a socket: a frame alone, without those before it, says nothing
        try:
            decoded = decode_batch(
                item.body, now=item.received_at, mask=self._mask, user_agent=context.user_agent
            )
        except Refused:
            return False
        subject = Subject(item.app_id, context.meeting_id, context.participant_id, decoded.peer_id)
        batch = Batch(
            subject=subject,
            key="h:" + blake2b(item.body, digest_size=16).hexdigest(),
            received_at=item.received_at,
            facts=decoded.facts,
            presence=presence_of(decoded.facts, item.received_at),
        )
        # First into the journal, then out of quarantine: a crash in between tries it twice.
        await self._journal.append([batch])
        await self._records.write(lambda tx: tx.quarantine.drop_quarantined(item.id))
        return True
