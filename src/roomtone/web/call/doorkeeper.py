"""The façade's kick, which also ends the call page's connections."""

from roomtone.services.roster import Roster
from roomtone.web.call.hub import Hub


class Doorkeeper:
    """Shows people out of the record and out of the call."""

    def __init__(self, roster: Roster, hub: Hub) -> None:
        self._roster = roster
        self._hub = hub

    async def kick(
        self, app_id: str, meeting_id: str, participant_ids: list[str], custom_ids: list[str]
    ) -> list[str] | None:
        """See :class:`roomtone.web.realtimekit.call.Roster`."""
        gone = await self._roster.kick(app_id, meeting_id, participant_ids, custom_ids)
        if gone:
            self._hub.remove((app_id, meeting_id), gone)
        return gone

    async def kick_all(self, app_id: str, meeting_id: str) -> int | None:
        """See :class:`roomtone.web.realtimekit.call.Roster`."""
        count = await self._roster.kick_all(app_id, meeting_id)
        self._hub.remove((app_id, meeting_id))
        return count
