"""The hub: who is in which call just now, and what is passed on between them. In memory: after a
restart every page comes back by itself, and their media never went through here."""

from collections import deque

from roomtone.model.limits import MAX_CALL_CHAT_KEPT, MAX_CALL_PEERS, MAX_CALL_SOCKETS
from roomtone.ports.clock import Clock
from roomtone.web.call.allowance import Allowance
from roomtone.web.call.messages import (
    Came,
    Caption,
    Captioned,
    Chat,
    Declined,
    FromPage,
    Leave,
    Media,
    MediaChanged,
    MediaNow,
    Person,
    Ping,
    Pong,
    Said,
    Signal,
    Signalled,
    ToPage,
    Welcome,
    Went,
    text_of,
)
from roomtone.web.call.outbox import Outbox

RESERVED_MS = 20_000
"""How long the place of somebody whose connection broke is kept for them."""
MESSAGES_PER_S, MESSAGES_AT_ONCE = 30, 300
"""Three new people at once make about 100 candidates and descriptions."""
CHATS_PER_S, CHATS_AT_ONCE = 1, 10

# Close codes: 4000 and up are an application's own (RFC 6455, 7.4.2).
BAD_MESSAGE, BAD_TOKEN, REMOVED, IDLE = 4400, 4401, 4403, 4408
FULL, REPLACED, TOO_FAST, TOO_SLOW, BUSY = 4409, 4410, 4429, 4430, 4503

RoomId = tuple[str, str]
"""(app id, meeting id)."""


class Refusal(Exception):
    """The connection ends with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Member:
    """One connection of a person in a call."""

    __slots__ = ("_chats", "_messages", "media", "name", "outbox", "peer_id", "room_id", "user_id")

    def __init__(
        self, room_id: RoomId, peer_id: str, user_id: str, name: str, media: Media, now: int
    ) -> None:
        self.room_id = room_id
        self.peer_id = peer_id
        self.user_id = user_id
        self.name = name
        self.media = media
        self.outbox = Outbox()
        self._messages = Allowance(MESSAGES_PER_S, MESSAGES_AT_ONCE, now)
        self._chats = Allowance(CHATS_PER_S, CHATS_AT_ONCE, now)

    @property
    def person(self) -> Person:
        """As the others see them."""
        return Person(self.peer_id, self.user_id, self.name, self.media)

    def may_speak(self, now: int) -> bool:
        """Whether one more message is within bounds."""
        return self._messages.take(now)

    def may_chat(self, now: int) -> bool:
        """Whether one more chat message is."""
        return self._chats.take(now)


class _Room:
    __slots__ = ("chat", "members", "reserved")

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.reserved: dict[str, int] = {}
        """user id → until when their place is kept."""
        self.chat: deque[Said] = deque(maxlen=MAX_CALL_CHAT_KEPT)

    def sweep(self, now: int) -> bool:
        """Forget reservations that are over; whether the room is of use to anybody."""
        self.reserved = {who: until for who, until in self.reserved.items() if until > now}
        return bool(self.members or self.reserved)


class Hub:
    """Every call of this process. Not thread-safe: it lives on the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rooms: dict[RoomId, _Room] = {}
        self._members = 0

    def count(self, room_id: RoomId) -> int:
        """How many connections are in a call."""
        room = self._rooms.get(room_id)
        return 0 if room is None else len(room.members)

    def is_full(self, room_id: RoomId) -> bool:
        """Whether nobody new fits in."""
        room = self._rooms.get(room_id)
        if room is None:
            return False
        room.sweep(self._clock.now())
        return len(room.members) + len(room.reserved) >= MAX_CALL_PEERS

    def enter(self, member: Member) -> None:
        """Let somebody in, welcome them and tell the others. A connection with the same peer id
        takes the place of the old one. Raises Refusal."""
        now = self._clock.now()
        self._sweep(now)
        if self._members >= MAX_CALL_SOCKETS:
            raise Refusal(BUSY, "This server has as many calls as it can hold; try again later.")
        room = self._rooms.get(member.room_id) or _Room()
        before = room.members.get(member.peer_id)
        if before is not None and before.user_id != member.user_id:
            raise Refusal(BAD_MESSAGE, "This peer id is somebody else's; make a fresh one.")
        room.reserved.pop(member.user_id, None)
        others = len(room.members) - (before is not None) + len(room.reserved)
        if others >= MAX_CALL_PEERS:
            raise Refusal(FULL, f"This call is full: it holds {MAX_CALL_PEERS} people.")
        self._rooms[member.room_id] = room
        if before is not None:
            before.outbox.end(REPLACED, "Continued in another connection.")
        else:
            self._members += 1
        room.members[member.peer_id] = member
        people = [other.person for other in room.members.values() if other is not member]
        self._send(member, Welcome(member.peer_id, people, list(room.chat)))
        self._tell(room, Came(member.person), but=member)

    def hear(self, member: Member, message: FromPage) -> None:
        """Do what a page asks. Raises Refusal when it says too much."""
        now = self._clock.now()
        if not member.may_speak(now):
            raise Refusal(TOO_FAST, "Too many messages at once.")
        room = self._rooms.get(member.room_id)
        if room is None or room.members.get(member.peer_id) is not member:
            return
        match message:
            case Signal(to=to, data=data):
                other = room.members.get(to)
                if other is not None and other is not member:
                    self._send(other, Signalled(member.peer_id, data))
            case MediaNow(media=media):
                member.media = media
                self._tell(room, MediaChanged(member.peer_id, media), but=member)
            case Chat():
                self._chat(room, member, message, now)
            case Caption(id=caption_id, text=text, final=final):
                told = Captioned(caption_id, member.peer_id, member.name, text, final)
                self._tell(room, told, but=member)
            case Leave():
                self.leave(member, lost=False)
                member.outbox.end(1000, "")
            case Ping():
                self._send(member, Pong())

    def leave(self, member: Member, *, lost: bool) -> None:
        """Somebody is gone; ``lost``: their connection broke, so their place is kept a while."""
        room = self._rooms.get(member.room_id)
        if room is None or room.members.get(member.peer_id) is not member:
            return
        now = self._clock.now()
        del room.members[member.peer_id]
        self._members -= 1
        if lost:
            room.reserved[member.user_id] = now + RESERVED_MS
        self._tell(room, Went(member.peer_id, lost))
        if not room.sweep(now):
            self._rooms.pop(member.room_id, None)

    def remove(self, room_id: RoomId, user_ids: list[str] | None = None) -> None:
        """Show these people (None: everybody) out of a call."""
        room = self._rooms.get(room_id)
        for member in list(room.members.values()) if room is not None else ():
            if user_ids is None or member.user_id in user_ids:
                member.outbox.end(REMOVED, "The host ended this call for you.")
                self.leave(member, lost=False)

    # --- passing on -----------------------------------------------------------------------------

    def _chat(self, room: _Room, member: Member, chat: Chat, now: int) -> None:
        if not member.may_chat(now):
            self._send(member, Declined(chat.id, "Too many messages at once: wait a moment."))
            return
        said = Said(chat.id, member.peer_id, member.user_id, member.name, chat.text, now)
        if any(before.id == said.id for before in room.chat):
            return  # sent again after a connection broke
        room.chat.append(said)
        self._tell(room, said)

    def _tell(self, room: _Room, message: ToPage, but: Member | None = None) -> None:
        text = text_of(message)
        for other in list(room.members.values()):
            if other is not but:
                self._put(other, text)

    def _send(self, member: Member, message: ToPage) -> None:
        self._put(member, text_of(message))

    def _put(self, member: Member, text: str) -> None:
        if not member.outbox.put(text) and member.outbox.ended is None:
            member.outbox.drop()
            member.outbox.end(TOO_SLOW, "This connection does not read fast enough.")
            self.leave(member, lost=True)

    def _sweep(self, now: int) -> None:
        for room_id in [key for key, room in self._rooms.items() if not room.sweep(now)]:
            del self._rooms[room_id]
