"""Transcripts as CSV, the vendor's JSON and Jigasi's: the vendor's samples, and bad input."""

import json

import pytest

from roomtone.formats import segments
from roomtone.formats.json_text import HALF_CHARACTER
from roomtone.formats.reading import format_by_type, read_transcript
from roomtone.formats.segments import NO_ENDS
from roomtone.formats.transcript_csv import transcript_csv
from roomtone.formats.transcript_json import transcript_json
from roomtone.model.errors import BadRequest, Invalid, TooLarge
from roomtone.model.words import Segment, Speaker

STARTED_AT = 1_723_025_729_000  # 2024-08-07T10:15:29Z
ALICE = Speaker(
    peer_id="peer-123",
    user_id="user-456",
    custom_participant_id="cust-789",
    display_name="Alice",
)
HELLO = Segment(
    id="h",
    speaker=ALICE,
    sentence="Hello everyone",
    start_at=STARTED_AT + 1000,
    end_at=STARTED_AT + 2500,
)
VENDORS_CSV = (
    '"1000","peer-123","user-456","cust-789","Alice","Hello everyone"\n'
    '"3000","peer-234","user-567","cust-890","Bob","Hi Alice"\n'
)
VENDORS_JSON = """[
	{
		"startTime": 1000,
		"endTime": 2500,
		"sentence": "Hello everyone",
		"peerData": {
			"id": "peer-123",
			"userId": "user-456",
			"displayName": "Alice",
			"cpi": "cust-789",
			"joinedAt": "2024-08-07T10:15:29.000Z",
			"leftAt": ""
		}
	}
]"""
DYTES_CSV = (
    "Timestamp, Participant ID, User ID, Custom Participant ID, Participant Name, Transcript\n"
    "2024-08-07T10:15:30.000Z, peer-123, user-456, cust-789, Alice, Hello everyone\n"
    '2024-08-07T10:15:32.000Z, peer-234, user-567, cust-890, Bob, "Hi, Alice"\n'
)


def read(text, format_=None):
    data = text if isinstance(text, bytes) else text.encode()
    return read_transcript(data, format_, STARTED_AT)


def times(read_):
    return [(each.start_at - STARTED_AT, each.end_at - STARTED_AT) for each in read_.segments]


def faults(text, format_=None):
    with pytest.raises(Invalid) as refused:
        read(text, format_)
    return [(fault.where, fault.why) for fault in refused.value.faults]


def test_the_csv_of_the_vendors_page_is_read():
    read_ = read(VENDORS_CSV)

    assert [each.sentence for each in read_.segments] == ["Hello everyone", "Hi Alice"]
    assert next(iter(read_.segments)).speaker == ALICE
    assert read_.format == "CSV"


def test_the_csv_is_written_as_on_the_vendors_page_with_the_line_ends_of_rfc_4180():
    line = b"".join(transcript_csv([HELLO], started_at=STARTED_AT)).decode()

    assert line == VENDORS_CSV.splitlines()[0] + "\r\n"


def test_an_end_that_a_csv_does_not_say_is_the_next_start_or_the_time_that_saying_it_takes():
    read_ = read('"1000","","","","","Hello everyone"\n"1500","","","","","' + "w" * 100 + '"\n')

    assert times(read_) == [(1000, 1500), (1500, 1500 + 6600)]
    assert read_.notes == (NO_ENDS,)


def test_dytes_csv_is_read_by_the_names_of_its_columns_and_the_clock_on_the_wall():
    read_ = read(DYTES_CSV)

    assert [each.start_at - STARTED_AT for each in read_.segments] == [1000, 3000]
    assert [each.sentence for each in read_.segments] == ["Hello everyone", "Hi, Alice"]
    assert next(iter(read_.segments)).speaker == ALICE


def test_dytes_columns_may_stand_in_another_order():
    text = 'Transcript,Timestamp,Participant Name\n"Hi, all",2024-08-07T10:15:30Z,Alice\n'

    (segment,) = read(text, "CSV").segments
    assert (segment.sentence, segment.speaker.display_name) == ("Hi, all", "Alice")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_csv_that_a_spreadsheet_saved_elsewhere_is_read(delimiter):
    text = VENDORS_CSV.replace(",", delimiter).replace('"', "")

    assert [each.sentence for each in read(text).segments] == ["Hello everyone", "Hi Alice"]


def test_a_text_with_commas_that_nobody_quoted_is_put_together_again():
    read_ = read("1000,p,u,c,Alice,well, yes, no\n")

    assert [each.sentence for each in read_.segments] == ["well, yes, no"]
    assert "more than six columns" in read_.notes[1]


@pytest.mark.parametrize(
    "sentence",
    ["=1+1", "+1", "-1", "@SUM(A1)", "'=1", "''@x", "'hello", "＝1+1", "=cmd|'/c calc'!A1"],
)
def test_a_formula_is_harmless_in_the_file_and_itself_again_when_read(sentence):
    segment = Segment(
        id="x", speaker=ALICE, sentence=sentence, start_at=STARTED_AT, end_at=STARTED_AT + 1
    )
    file = b"".join(transcript_csv([segment], started_at=STARTED_AT)).decode()

    cell = file.rsplit('","', 1)[1]
    assert cell[0] == "'" or cell[0] not in "=+-@＝"
    assert [each.sentence for each in read(file).segments] == [sentence]


def test_every_line_that_is_wrong_is_named():
    text = '"1000","a","b"\n"soon","","","","","x"\n"-5","","","","","x"\n"9","","","","","ok"\n'

    assert faults(text, "CSV") == [
        ("line 1", "3 columns; 6 are needed"),
        ("line 2", "not a time: 'soon'"),
        ("line 3", "not a time: '-5'"),
    ]


def test_a_quote_that_never_ends_is_a_fault_and_swallows_nothing():
    (fault,) = faults(VENDORS_CSV + '"5000","p","u","c","A","no end\n' + VENDORS_CSV, "CSV")

    assert fault[0] == "line 3"
    assert "not CSV" in fault[1]


def test_the_json_of_the_vendors_page_is_read_and_written():
    read_ = read(VENDORS_JSON)
    (segment,) = read_.segments
    joined = {"peer-123": (STARTED_AT, None)}

    assert (segment.speaker, segment.sentence) == (ALICE, "Hello everyone")
    assert times(read_) == [(1000, 2500)]
    assert json.loads(
        b"".join(transcript_json([HELLO], started_at=STARTED_AT, stays=joined.__getitem__))
    ) == json.loads(VENDORS_JSON)


def test_ids_are_written_where_asked_and_known_again():
    file = b"".join(transcript_json([HELLO], started_at=STARTED_AT, with_ids=True))

    assert list(read(file).segments) == [HELLO]


def test_a_transcript_of_nothing_is_an_empty_list():
    assert b"".join(transcript_json([], started_at=0)) == b"[]\n"


def test_the_body_of_the_api_is_read_as_the_list_that_it_holds():
    assert len(read('{"segments": ' + VENDORS_JSON + "}").segments) == 1


def test_half_an_emoji_as_javascript_cuts_them_is_replaced_and_said():
    read_ = read(r'[{"startTime":1,"endTime":2,"sentence":"C:\\ud83d \ud83d\ude00 \ud83d"}]')

    assert [each.sentence for each in read_.segments] == ["C:\\ud83d 😀 \ufffd"]
    assert read_.notes == (HALF_CHARACTER,)


def test_a_file_of_nothing_but_faults_is_not_read_to_its_end():
    with pytest.raises(Invalid, match="10000 places"):
        read("x\n" * 1_000_000, "CSV")


def test_members_of_json_may_be_missing_or_null():
    first = '{"startTime":1000.4,"sentence":"Hello","peerData":{"id":null,"cpi":null}}'
    text = f'[{first},{{"startTime":9000,"sentence":"x"}}]'
    read_ = read(text)

    assert times(read_) == [(1000, 2000), (9000, 10000)]
    assert "says no end" in read_.notes[0]


def test_every_member_of_every_item_that_is_wrong_is_named():
    text = json.dumps(
        [
            {"startTime": "1", "endTime": None, "sentence": 5},
            {"startTime": 1, "sentence": "fine"},
            {"sentence": "x", "peerData": {"id": 7}},
            "words",
            {"startTime": -1, "sentence": "x", "id": "i" * 200},
        ]
    )

    assert [where for where, _ in faults(text)] == [
        "[0].startTime",
        "[0].sentence",
        "[2].startTime",
        "[2].peerData.id",
        "[3]",
        "[4].startTime",
    ]


@pytest.mark.parametrize("text", ['{"segments": 5}', "{}", '[{"startTime":', "{"])
def test_what_is_no_list_of_segments_is_refused(text):
    with pytest.raises((Invalid, BadRequest)):
        read(text, "JSON")


@pytest.mark.parametrize("text", ["hello", "<html></html>", "%PDF-1.7"])
def test_what_is_no_transcript_at_all_is_refused_with_the_formats_that_are_read(text):
    with pytest.raises(Invalid, match="CSV, JIGASI, JSON, SRT, VTT"):
        read(text)


@pytest.mark.parametrize(
    ("content_type", "format_"),
    [
        ("text/vtt; charset=utf-8", "VTT"),
        ("Text/CSV", "CSV"),
        ("application/x-subrip", "SRT"),
        ("application/json", None),
        (None, None),
    ],
)
def test_a_content_type_tells_the_format_unless_only_the_content_can(content_type, format_):
    assert format_by_type(content_type) == format_


def test_starts_at_once_are_no_overlap_where_the_file_says_no_ends():
    assert read(VENDORS_CSV.replace("3000", "1000")).notes == (NO_ENDS,)


def test_an_unknown_format_is_refused_with_those_that_are_known():
    with pytest.raises(Invalid, match="CSV, JIGASI, JSON, SRT, VTT"):
        read(VENDORS_CSV, "DOCX")


def test_more_segments_than_the_limit_are_refused(monkeypatch):
    monkeypatch.setattr(segments, "MAX_SEGMENTS", 10)
    row = '"1","","","","","x"\n'

    assert len(read(row * 10).segments) == 10
    with pytest.raises(TooLarge, match="More than 10 segments"):
        read(row * 11)


def test_a_sentence_over_the_limit_is_a_fault():
    assert faults('[{"startTime":1,"sentence":"' + "x" * 10_001 + '"}]') == [
        ("[0]", "10001 characters in one segment; at most 10000 are taken")
    ]


JIGASI = {
    "room_name": "standup@conference.example.com",
    "room_url": "https://meet.example.com/standup",
    "start_time": "2024-08-07T10:15:29.123Z",
    "end_time": "2024-08-07T10:25:29.123Z",
    "initial_participants": [{"name": "Alice", "id": "a1b2c3d4"}],
    "events": [
        {
            "event": "JOIN",
            "timestamp": STARTED_AT,
            "participant": {"name": "Alice", "id": "a1b2c3d4", "identity_id": "cust-789"},
        },
        {
            "event": "SPEECH",
            "timestamp": STARTED_AT + 1000,
            "participant": {"name": "Alice", "id": "a1b2c3d4", "identity_id": "cust-789"},
            "transcript": [
                {"text": "hello every one", "confidence": 0.4},
                {"text": "hello everyone", "confidence": 0.93},
            ],
            "language": "en-US",
            "message_id": "14fcde1c-26f8-4c03-ab06-106abccb510b",
            "is_interim": False,
            "stability": 0,
        },
        {
            "event": "SPEECH",
            "timestamp": STARTED_AT + 1500,
            "participant": {"name": "Alice", "id": "a1b2c3d4"},
            "transcript": [{"text": "how", "confidence": 0.1}],
            "message_id": "2",
            "is_interim": True,
        },
        {"event": "LEAVE", "timestamp": STARTED_AT + 9000, "participant": {"id": "a1b2c3d4"}},
    ],
}


def test_a_jigasi_transcript_is_told_and_read():
    read_ = read(json.dumps(JIGASI))
    (segment,) = read_.segments

    assert read_.format == "JIGASI"
    assert segment.sentence == "hello everyone"
    assert segment.id == "14fcde1c-26f8-4c03-ab06-106abccb510b"
    assert segment.start_at == STARTED_AT + 1000
    assert segment.speaker == Speaker(
        peer_id="a1b2c3d4", custom_participant_id="cust-789", display_name="Alice"
    )
    assert "is an interim result; left out (1: events[2])" in read_.notes


def test_every_event_of_jigasi_that_is_wrong_is_named():
    events = [{"event": "SPEECH"}, {"timestamp": 1}, {"event": "SPEECH", "timestamp": "x"}]

    assert [where for where, _ in faults(json.dumps({"events": events}))] == [
        "events[0].timestamp",
        "events[1].event",
        "events[2].timestamp",
    ]
