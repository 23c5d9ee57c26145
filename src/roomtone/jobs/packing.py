"""The loop that has the reports of some days ago packed."""

import asyncio
import time

from roomtone.services.packing import ReportPacker

EVERY_S = 3600.0
"""Also before the first round: where several processes share a database, those of the version
before, which cannot read packed reports, are gone by then."""
PAUSE = 3.0
"""Times as long as a bite took: the rest of a core is for others, however much is to be packed."""


class DuePacking:
    """Packs what is due, at leisure."""

    def __init__(self, packer: ReportPacker) -> None:
        self._packer = packer

    async def run(self) -> None:
        """A round every hour, for ever."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.round()

    async def round(self) -> int:
        """Pack all that is due; how many."""
        packed = 0
        while True:
            began = time.monotonic()
            bite = await self._packer.bite()
            if not bite:
                return packed
            packed += bite
            await asyncio.sleep(PAUSE * (time.monotonic() - began))
