"""Packing: reports that are no longer asked for every day are stored as a third of their bytes.

A fresh report lies as it is sent, so that sending it costs nothing. Reading a packed one takes some
milliseconds, and gives the same bytes.
"""

import asyncio
from collections.abc import Callable

from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, StoredReport, Transaction

AFTER_MS = 2 * 24 * 3600 * 1000
"""Since it was sealed: a nightly job that fetches the reports of the day before finds them fresh,
whatever its time zone."""
REPORTS_A_BITE = 10
"""Some 50 ms each; the report of a long call a second."""


class ReportPacker:
    """Packs the reports of some days ago."""

    def __init__(
        self, records: Records, clock: Clock, pack: Callable[[bytes], bytes | None]
    ) -> None:
        """``pack``: of the bytes that are sent makes those to be stored; None: it cannot."""
        self._records = records
        self._clock = clock
        self._pack = pack

    async def bite(self) -> int:
        """Pack some; how many, 0 when done."""
        before = self._clock.now() - AFTER_MS
        reports = await self._records.read(
            lambda tx: tx.reports.unpacked_reports(before, REPORTS_A_BITE)
        )
        for report in reports:
            await self._put(report, await asyncio.to_thread(self._pack, report.body))
        return len(reports)

    async def _put(self, report: StoredReport, packed: bytes | None) -> None:
        def put(tx: Transaction) -> None:
            tx.reports.pack_report(report, packed)

        await self._records.write(put)
