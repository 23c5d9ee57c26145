"""Chat, transcript and summary through the SDKs: what came in through any door is in the files."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from sdk.drive import is_new
from sdk.plan import DOWNLOADS, FORMATS
from sdk.said import CHAT_HEADER, SPOKEN, WRITTEN

WHEN = ("live", "ended")
TYPES = {
    "CSV": "text/csv",
    "JSON": "application/json",
    "SRT": "application/x-subrip",
    "VTT": "text/vtt",
}
DOORS = tuple(SPOKEN)


def _text(visit, name):
    """A file, as its link gave it."""
    file = visit.files[name]
    assert file.status_code == 200, file.text
    return file.content.decode()


def _chat(visit, when):
    text = _text(visit, f"chat: {when}")
    assert text.split("\r\n")[0] == CHAT_HEADER
    return {row["id"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}


def _items(visit, when):
    """The transcript's JSON items by the door that they came through."""
    items = json.loads(_text(visit, f"transcript: {when}, JSON"))
    return {door: each for each in items for door in DOORS if each["sentence"] == SPOKEN[door]}


def test_every_upload_was_counted_as_new(visit):
    assert [(each["new"], each["notes"]) for each in visit.counted] == [(1, [])] * 4
    assert {each["session_id"] for each in visit.counted} == {visit.live.session_id}


@pytest.mark.parametrize("when", WHEN)
def test_the_chat_holds_what_came_through_each_door(when, visit):
    rows = _chat(visit, when)

    assert {key: row["payload"] for key, row in rows.items()} == {
        f"m-{door}": text for door, text in WRITTEN.items()
    }
    assert {row["sessionId"] for row in rows.values()} == {visit.live.session_id}
    assert {row["meetingId"] for row in rows.values()} == {visit.live.meeting_id}


@pytest.mark.parametrize("when", WHEN)
def test_who_wrote_is_the_peer_that_was_there(when, visit):
    rows = _chat(visit, when)

    assert rows["m-collector"]["participantId"] == visit.live.a_peers[0]
    # Told by user id alone: of Bob's two stays it is the one that was there at the time.
    assert rows["m-server"]["participantId"] in visit.live.b_peers
    assert rows["m-file"]["participantId"] == visit.live.b_peers[1]
    assert [rows[f"m-{door}"]["displayName"] for door in DOORS] == ["Alice", "Bob", "Bob"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("when", WHEN)
def test_each_form_of_the_transcript_holds_what_was_said_through_each_door(when, form, visit):
    name = f"transcript: {when}, {form}"
    text = _text(visit, name)

    assert [door for door, sentence in SPOKEN.items() if sentence not in text] == []
    assert visit.files[name].headers["content-type"].startswith(TYPES[form])


@pytest.mark.parametrize("when", WHEN)
def test_a_transcript_is_csv_unless_another_form_is_asked_for(when, visit):
    plain = _text(visit, f"transcript: {when}")
    rows = list(csv.reader(io.StringIO(plain, newline="")))

    assert plain == _text(visit, f"transcript: {when}, CSV")
    assert {len(row) for row in rows} == {6}
    assert {row[5] for row in rows} == set(SPOKEN.values())


@pytest.mark.parametrize("when", WHEN)
def test_subtitles_are_subtitles(when, visit):
    srt, vtt = (_text(visit, f"transcript: {when}, {form}") for form in ("SRT", "VTT"))

    assert len(re.findall(r"^\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}$", srt, re.M)) == 3
    assert vtt.startswith("WEBVTT")
    assert len(re.findall(r"^[\d:]+\.\d{3} --> [\d:]+\.\d{3}", vtt, re.M)) == 3


@pytest.mark.parametrize("when", WHEN)
def test_who_spoke_is_the_peer_that_was_there(when, visit):
    items = _items(visit, when)
    people = {door: item["peerData"] for door, item in items.items()}

    assert people["collector"]["id"] == visit.live.a_peers[0]
    assert people["collector"]["userId"] == visit.live.a_user
    assert people["server"]["id"] == visit.live.b_peers[1]
    assert people["file"]["userId"] == visit.live.b_user  # the file told a name, no more
    assert people["file"]["displayName"] == "Bob"


@pytest.mark.parametrize("when", WHEN)
def test_times_are_those_that_were_given(when, visit):
    items = _items(visit, when)

    assert (items["server"]["startTime"], items["server"]["endTime"]) == (6000, 9000)
    assert (items["file"]["startTime"], items["file"]["endTime"]) == (10_000, 13_500)


def test_the_end_changes_no_word(visit):
    assert _chat(visit, "ended") == _chat(visit, "live")
    for form in ("CSV", "SRT", "VTT"):
        live, ended = (_text(visit, f"transcript: {when}, {form}") for when in WHEN)
        assert ended == live, form


def test_a_summary_quotes_what_was_decided(visit):
    summary = _text(visit, "summary: live")

    assert "use Postgres for the archive" in summary
    assert "write the migration" in summary
    assert _text(visit, "summary: ended") == summary


def test_the_order_of_a_summary_tells_how_far_it_is_where_the_sdk_reads_it(visit):
    result = visit.results["summary: generate"]

    assert result["typed"] == is_new(visit.sdk)  # the older generation types it as nothing
    if is_new(visit.sdk):
        assert result["body"]["data"]["session_id"] == visit.live.session_id
        assert result["body"]["data"]["status"] in ("QUEUED", "IN_PROGRESS", "COMPLETED")


@pytest.mark.parametrize("kind", ["chat", "transcript", "summary"])
def test_a_link_says_when_it_expires(kind, visit):
    member = DOWNLOADS[kind][1]
    suffix = "Expiry" if kind == "summary" else "_expiry"
    expiry = datetime.fromisoformat(visit.body(f"{kind}: ended")["data"][member + suffix])

    assert timedelta(days=6) < expiry - datetime.now(UTC) <= timedelta(days=7)


def test_refusals_say_why_there_is_none(visit):
    reasons = {
        name: visit.results[name]["body"]["error"]["message"]
        for name in ("404: no chat", "404: no transcript", "404: summary never asked for")
    }

    assert "no message came in" in reasons["404: no chat"]
    assert "no words came in" in reasons["404: no transcript"]
    assert "summary" in reasons["404: summary never asked for"].lower()
