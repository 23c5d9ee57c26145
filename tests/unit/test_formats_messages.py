"""Chat messages: the vendor client's objects and the chat's CSV."""

import csv
import io
import json

import pytest

from roomtone.formats.chat_csv import chat_csv, read_chat_csv
from roomtone.formats.messages import message_object, read_message, read_messages
from roomtone.model.errors import BadRequest, Invalid, TooLarge
from roomtone.model.limits import MAX_MESSAGES
from roomtone.model.words import Message, Speaker

SENT_AT = 1_780_000_000_123
TEXT = {
    "id": "m1",
    "type": "text",
    "userId": "u1",
    "displayName": "Alice",
    "time": "2026-05-28T20:26:40.123Z",
    "timeMs": SENT_AT,
    "isEdited": False,
    "pinned": True,
    "message": "Hello",
}


def read(said):
    return read_message(json.dumps(said).encode())[0]


def faults(body):
    with pytest.raises(Invalid) as refused:
        read_messages(json.dumps(body).encode())
    return [(fault.where, fault.why) for fault in refused.value.faults]


def test_a_text_message_is_read_member_by_member():
    assert read(TEXT) == Message(
        id="m1",
        speaker=Speaker(user_id="u1", display_name="Alice"),
        payload={"message": "Hello"},
        sent_at=SENT_AT,
        pinned=True,
    )


def test_a_private_message_keeps_whom_it_was_for():
    assert read(TEXT | {"targetUserIds": ["u2", "u3"]}).target_user_ids == ("u2", "u3")


@pytest.mark.parametrize(
    "time",
    [
        {"timeMs": SENT_AT},
        {"timeMs": float(SENT_AT), "time": "nonsense"},
        {"time": SENT_AT},
        {"time": SENT_AT / 1000},
        {"time": "2026-05-28T20:26:40.123Z"},
        {"time": "2026-05-28T22:26:40.123+02:00"},
    ],
)
def test_the_time_may_be_said_in_every_way_that_clients_do(time):
    bare = {name: value for name, value in TEXT.items() if name not in ("time", "timeMs")}

    assert read(bare | time).sent_at == SENT_AT


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("image", {"link": "https://example.com/a.png"}),
        ("file", {"name": "a.pdf", "size": 12, "link": "https://example.com/a.pdf"}),
        ("custom", {"html": "<b>x</b>", "files": [], "pluginId": "p"}),
        ("poll", {"question": "lunch?"}),
    ],
)
def test_other_messages_keep_their_payload_letter_for_letter(kind, payload):
    said = {"id": "m", "type": kind, "userId": "u", "displayName": "A", "timeMs": SENT_AT}

    message = read(said | payload)
    assert (message.type, message.payload) == (kind, payload)
    assert payload.items() <= message_object(message).items()


def test_a_message_without_an_id_gets_the_same_one_each_time_and_another_for_other_words():
    bare = {name: value for name, value in TEXT.items() if name != "id"}
    ids = [read(said).id for said in (bare, bare, bare | {"message": "Bye"})]

    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0]) == 32


def test_tricks_in_names_are_cleaned_and_said():
    read_ = read_messages(
        json.dumps({"messages": [TEXT | {"displayName": "\u202eAl\u200bice"}]}).encode()
    )

    assert read_.messages[0].speaker.display_name == "Alice"
    assert read_.notes == (
        "name: invisible characters taken out (1: messages[0])",
        "name: characters that turn the direction of text taken out (1: messages[0])",
    )


def test_every_fault_of_every_message_is_named():
    body = {
        "messages": [
            TEXT | {"id": 5, "pinned": "yes"},
            {"type": "text", "userId": "u"},
            TEXT | {"type": "smell"},
            {"type": "file", "timeMs": SENT_AT, "name": 7},
            TEXT,
            "words",
            TEXT | {"displayName": "n" * 600, "timeMs": -1},
        ]
    }

    assert [where for where, _ in faults(body)] == [
        "messages[0].id",
        "messages[0].pinned",
        "messages[1].time",
        "messages[1].message",
        "messages[2].type",
        "messages[3].name",
        "messages[3].link",
        "messages[5]",
        "messages[6].displayName",
        "messages[6].time",
    ]


def test_a_message_too_large_is_a_fault():
    assert "bytes; at most" in faults([TEXT | {"message": "x" * 70_000}])[0][1]


def test_too_many_messages_are_refused():
    with pytest.raises(TooLarge):
        read_messages(b"[" + b"{}," * MAX_MESSAGES + b"{}]")


@pytest.mark.parametrize("body", [b"{", b"\x00\x01\x02\x00", b""])
def test_what_cannot_be_read_at_all_is_refused(body):
    with pytest.raises(BadRequest):
        read_messages(body)


@pytest.mark.parametrize("body", [b"{}", b"5", b'{"messages": 5}'])
def test_what_holds_no_messages_is_refused(body):
    with pytest.raises(Invalid):
        read_messages(body)


def message(**changed):
    base = {
        "id": "m1",
        "speaker": Speaker(peer_id="p1", user_id="u1", display_name="Alice"),
        "payload": {"message": "Hello"},
        "sent_at": SENT_AT,
    }
    return Message(**(base | changed))


def written(*messages):
    return b"".join(chat_csv(messages, session_id="s1", meeting_id="r1")).decode()


def test_the_chat_has_the_vendors_header_and_the_line_ends_of_rfc_4180():
    assert written() == (
        "id,participantId,sessionId,meetingId,displayName,pinned,isEdited,payloadType,payload,"
        "createdAt\r\n"
    )


def test_a_message_is_a_line():
    assert written(message(pinned=True)).splitlines()[1] == (
        "m1,p1,s1,r1,Alice,true,false,TEXT_MESSAGE,Hello,2026-05-28T20:26:40.123Z"
    )


def test_deleted_messages_are_left_out_and_private_ones_are_in():
    rows = written(message(id="gone", deleted=True), message(id="x", target_user_ids=("u2",)))

    assert [line.split(",")[0] for line in rows.splitlines()[1:]] == ["x"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("image", "IMAGE_MESSAGE"),
        ("file", "FILE_MESSAGE"),
        ("custom", "CUSTOM_MESSAGE"),
        ("poll", "POLL_MESSAGE"),
    ],
)
def test_what_is_no_text_is_the_json_of_what_was_sent(kind, name):
    payload = {"link": "https://example.com/?a=1,2", "name": 'a "b".pdf'}
    rows = list(csv.reader(io.StringIO(written(message(type=kind, payload=payload)), newline="")))

    assert rows[1][7] == name
    assert json.loads(rows[1][8]) == payload


@pytest.mark.parametrize(
    "text", ["=1+1", "+49 30", "-1", "@SUM(1)", "\t=1", "\r\n=1", "'=1", "＝1"]
)
def test_a_formula_in_a_chat_is_harmless_and_itself_again_when_read(text):
    file = written(message(payload={"message": text}, speaker=Speaker(display_name="=1+1")))
    rows = list(csv.reader(io.StringIO(file, newline="")))

    assert rows[1][8] == "'" + text
    assert rows[1][4] == "'=1+1"
    assert read_chat_csv(file.encode()).messages[0].payload == {"message": text}


def test_the_lines_of_a_text_survive():
    text = 'one\ntwo\r\n\r\n"three", four;'

    again = read_chat_csv(written(message(payload={"message": text})).encode()).messages
    assert [each.payload for each in again] == [{"message": text}]


def test_a_chat_file_with_faults_is_refused_line_by_line():
    header = written().strip()
    lines = (
        "m,p,s,r,A,maybe,false,TEXT_MESSAGE,x,2026-05-28T20:26:40.123Z",
        "m,p,s,r,A,true,false,SMELL_MESSAGE,x,yesterday",
        "m,p,s",
        "m,p,s,r,A,true,false,FILE_MESSAGE,{not json,2026-05-28T20:26:40.123Z",
    )
    with pytest.raises(Invalid) as refused:
        read_chat_csv("\r\n".join((header, *lines)).encode())

    assert [fault.where for fault in refused.value.faults] == [
        "line 2, pinned, isEdited",
        "line 3, payloadType",
        "line 3, createdAt",
        "line 3, payload",
        "line 4",
        "line 5, payload",
    ]


def test_a_csv_without_the_columns_of_a_chat_is_refused_with_those_it_lacks():
    with pytest.raises(Invalid) as refused:
        read_chat_csv(b"id,payload\r\n1,x\r\n")

    assert len(refused.value.faults) == 8
