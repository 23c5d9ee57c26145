"""Invitations: links that open the call page of one meeting until one moment.

Whoever holds the link may join; who changes anything of it holds no link any more. The invitation
is not a participant's token: it buys one, under a name, and each browser is one person.
"""

import hashlib
from urllib.parse import quote

from itsdangerous import BadSignature, URLSafeSerializer
from msgspec import Struct
from msgspec.structs import replace

from roomtone.model.errors import Fault, Forbidden, Gone, Invalid, NotFound
from roomtone.model.limits import MAX_INVITATION_DAYS, MAX_NAME_CHARS
from roomtone.model.rooms import ACTIVE, Meeting, Participant
from roomtone.model.times import iso
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, Transaction
from roomtone.services.rooms import NO_SUCH_MEETING, Rooms

PATH = "/call/"
DEFAULT_DAYS = 7
DAY_MS = 24 * 3600 * 1000
MAX_TOKEN_CHARS = 1_024
MIN_KEY_CHARS = 16
MAX_KEY_CHARS = 128
PRESET = "group_call_participant"

_SALT = "roomtone.call"


class Invitation(Struct, frozen=True):
    """What a link opens. ``expires_at``: epoch ms."""

    app_id: str
    meeting_id: str
    expires_at: int


class Link(Struct, frozen=True):
    """An invitation as it is handed out."""

    url: str
    expires_at: int


class Guest(Struct, frozen=True):
    """Somebody who came with an invitation, and their participant token."""

    participant: Participant
    meeting: Meeting
    token: str


class Invitations:
    """Makes links, reads them, and lets people in. ``base_url``: as clients call this server."""

    def __init__(
        self, secret: bytes, base_url: str, records: Records, rooms: Rooms, clock: Clock
    ) -> None:
        self._base_url = base_url
        self._records = records
        self._rooms = rooms
        self._clock = clock
        self._signer = URLSafeSerializer(
            secret,
            salt=_SALT,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    async def link(self, app_id: str, meeting_id: str, days: int = DEFAULT_DAYS) -> Link:
        """A link for this meeting, good for so many days. Raises NotFound, Invalid."""
        if not 1 <= days <= MAX_INVITATION_DAYS:
            why = f"must be from 1 to {MAX_INVITATION_DAYS}"
            raise Invalid("The invitation was not made.", (Fault("/expires_in_days", why),))
        await self._rooms.meeting(app_id, meeting_id)
        expires_at = self._clock.now() + days * DAY_MS
        token = self._signer.dumps([app_id, meeting_id, expires_at])
        url = f"{self._base_url}{PATH}{quote(meeting_id, safe='')}?invite={token}"
        return Link(url, expires_at)

    def open(self, meeting_id: str, token: str) -> Invitation:
        """What a link is for. Raises Forbidden for one that was not made here for this meeting,
        Gone once it has expired."""
        if len(token) > MAX_TOKEN_CHARS:
            raise _not_valid()
        try:
            app_id, invited_to, expires_at = self._signer.loads(token)
        except (BadSignature, ValueError, TypeError):
            raise _not_valid() from None
        if invited_to != meeting_id:
            raise _not_valid()
        if self._clock.now() > expires_at:
            raise Gone(f"This invitation expired at {iso(expires_at)}; ask for a new link.")
        return Invitation(app_id, meeting_id, expires_at)

    async def meeting(self, invitation: Invitation) -> Meeting:
        """The meeting that an invitation opens. Raises NotFound, Forbidden (INACTIVE)."""
        return _open(await self._rooms.meeting(invitation.app_id, invitation.meeting_id))

    async def enter(self, invitation: Invitation, name: str, key: str) -> Guest:
        """Let somebody in under a name. ``key``: a secret of their browser; the same key is the
        same person again. Raises Invalid, NotFound, Forbidden (INACTIVE meeting, or removed)."""
        name = _checked(name, key)
        custom_id = "browser-" + hashlib.sha256(key.encode()).hexdigest()[:32]
        now = self._clock.now()
        new_id = self._clock.new_id()

        def find_or_make(tx: Transaction) -> tuple[Participant, Meeting]:
            meeting = tx.rooms.meeting(invitation.app_id, invitation.meeting_id)
            if meeting is None:
                raise NotFound(NO_SUCH_MEETING)
            _open(meeting)
            known = _known(tx, meeting, custom_id)
            if known is not None and known.name == name:
                return known, meeting
            participant = (
                replace(known, name=name, updated_at=now)
                if known is not None
                else Participant(
                    id=new_id,
                    app_id=meeting.app_id,
                    meeting_id=meeting.id,
                    custom_participant_id=custom_id,
                    preset_name=PRESET,
                    name=name,
                    created_at=now,
                    updated_at=now,
                )
            )
            tx.rooms.put_participant(participant)
            return participant, meeting

        participant, meeting = await self._records.write(find_or_make)
        return Guest(participant, meeting, self._rooms.issue(participant))


def _known(tx: Transaction, meeting: Meeting, custom_id: str) -> Participant | None:
    called = tx.rooms.people_called(meeting.app_id, custom_id)
    found = [one for one in called if one.meeting_id == meeting.id]
    if any(one.deleted_at is not None for one in found):
        raise Forbidden("You were removed from this meeting.")
    return found[0] if found else None


def _open(meeting: Meeting) -> Meeting:
    if meeting.status != ACTIVE:
        raise Forbidden("This meeting is INACTIVE: nobody can join until it is made ACTIVE.")
    return meeting


def _checked(name: str, key: str) -> str:
    name = " ".join(name.split())
    faults = []
    if not name:
        faults.append(Fault("/name", "must not be empty"))
    elif len(name) > MAX_NAME_CHARS:
        faults.append(Fault("/name", f"must be at most {MAX_NAME_CHARS} characters"))
    if not MIN_KEY_CHARS <= len(key) <= MAX_KEY_CHARS:
        faults.append(Fault("/key", f"must have {MIN_KEY_CHARS} to {MAX_KEY_CHARS} characters"))
    if faults:
        raise Invalid("You were not let in.", tuple(faults))
    return name


def _not_valid() -> Forbidden:
    return Forbidden("This invitation is not valid: the link is incomplete or was changed.")
