"""What the call page and the server say to each other over the WebSocket: JSON, one object each.

Offers, answers and candidates pass through unread, so a new member of them needs no new server.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct, field

from roomtone.model.limits import MAX_CALL_CHAT_CHARS

PeerId = Annotated[
    str, Meta(pattern="^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]
WordsId = Annotated[str, Meta(min_length=1, max_length=64)]
Words = Annotated[str, Meta(min_length=1, max_length=MAX_CALL_CHAT_CHARS)]


class Media(Struct, frozen=True):
    """What somebody sends just now."""

    microphone: bool = False
    camera: bool = False
    screen: bool = False


# --- from the page --------------------------------------------------------------------------------


class Hello(Struct, frozen=True, tag="hello"):
    """The first message: who it is, by their participant token."""

    token: Annotated[str, Meta(max_length=4_096)]
    peer_id: PeerId
    media: Media = Media()


class Signal(Struct, frozen=True, tag="signal"):
    """Something of the negotiation for one other person."""

    to: PeerId
    data: Raw


class MediaNow(Struct, frozen=True, tag="media"):
    """A device was switched."""

    media: Media


class Chat(Struct, frozen=True, tag="chat"):
    """A message for everybody. ``id`` is made by the sender and is the message's for good."""

    id: WordsId
    text: Words


class Caption(Struct, frozen=True, tag="caption"):
    """What somebody says, as their browser hears it; the same ``id`` until it is final."""

    id: WordsId
    text: Words
    final: bool


class Leave(Struct, frozen=True, tag="leave"):
    """Gone for good, as opposed to a connection that broke."""


class Ping(Struct, frozen=True, tag="ping"):
    """Asks whether anybody is there; a browser's script sees no ping of the protocol's own."""


FromPage = Signal | MediaNow | Chat | Caption | Leave | Ping


# --- to the page ----------------------------------------------------------------------------------


class Person(Struct, frozen=True):
    """Somebody in the call; ``peer_id`` is this connection of theirs."""

    peer_id: str
    user_id: str
    name: str
    media: Media


class Said(Struct, frozen=True, tag="chat"):
    """A message as everybody sees it. ``at``: epoch ms on the server's clock."""

    id: str
    peer_id: str
    user_id: str
    name: str
    text: str
    at: int


class Welcome(Struct, frozen=True, tag="welcome"):
    """Let in: who is here, and what was said before."""

    peer_id: str
    people: list[Person]
    chat: list[Said]


class Came(Struct, frozen=True, tag="joined"):
    person: Person


class Went(Struct, frozen=True, tag="left"):
    """``lost``: the signalling broke; their media may still flow, and they may be back."""

    peer_id: str
    lost: bool


class Signalled(Struct, frozen=True, tag="signal"):
    sender: str = field(name="from")
    data: Raw = field()


class MediaChanged(Struct, frozen=True, tag="media"):
    peer_id: str
    media: Media


class Captioned(Struct, frozen=True, tag="caption"):
    id: str
    peer_id: str
    name: str
    text: str
    final: bool


class Declined(Struct, frozen=True, tag="declined"):
    """A message that was not passed on, and why."""

    id: str
    why: str


class Pong(Struct, frozen=True, tag="pong"):
    pass


ToPage = Welcome | Came | Went | Signalled | MediaChanged | Said | Captioned | Declined | Pong

hello_from = msgspec.json.Decoder(Hello).decode
message_from = msgspec.json.Decoder(FromPage).decode
_encode = msgspec.json.Encoder().encode


def text_of(message: ToPage) -> str:
    """A message as it travels."""
    return _encode(message).decode()
