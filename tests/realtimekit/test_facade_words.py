"""Chat, transcript and summary over HTTP: what goes in, what comes out, and why there is none."""

import asyncio
import csv
import io
import json
from urllib.parse import urlsplit

import pytest
from facade_world import MINUTE, START, World, a_world
from msgspec.structs import replace

from roomtone.model.rooms import Meeting
from roomtone.model.times import iso
from roomtone.services.words import count_up

FILE_LINE = '"1000","ana","user-ana","custom-user-ana","Ana","Good morning"'
SRT = "1\n00:00:01,000 --> 00:00:02,500\nAna: Good morning\n\n"


@pytest.fixture
def world():
    with a_world() as made:
        made.put_session("s", ended_at=START + 60 * MINUTE, sealed_at=START)
        made.put_peer("s", "ana", left_at=START + 60 * MINUTE)
        made.put_peer("s", "ben", left_at=START + 60 * MINUTE)
        yield made


def told(response, status):
    assert response.status_code == status, response.text
    return response.json()


def put(world: World, path: str, content, kind="application/json", **params) -> dict:
    body = content if isinstance(content, bytes | str) else json.dumps(content)
    headers = {**world.bearer, "content-type": kind}
    answer = world.ask("POST", f"sessions/s/{path}", content=body, headers=headers, params=params)
    return told(answer, 200)["data"]


def file(world: World, url: str, **headers):
    parts = urlsplit(url)
    return world.client.get(parts.path, headers=headers)


def chat(world: World) -> list[dict[str, str]]:
    url = world.get("sessions/s/chat")["data"]["chat_download_url"]
    return list(csv.DictReader(io.StringIO(file(world, url).text)))


def transcript(world: World, form: str = "CSV") -> str:
    data = world.get("sessions/s/transcript", format=form)["data"]
    return file(world, data["transcript_download_url"]).text


def publish(world: World) -> None:
    asyncio.run(world.artifacts.publish("s"))


MESSAGES = [
    {"id": "1", "type": "text", "userId": "user-ana", "displayName": "Ana", "timeMs": START + 1,
     "message": "hello, \"all\""},
    {"id": "2", "type": "image", "userId": "user-ben", "displayName": "Ben", "timeMs": START + 2,
     "link": "https://example.com/cat.png"},
    {"id": "3", "type": "file", "displayName": "Nobody", "timeMs": START + 3, "name": "a.txt",
     "size": 3, "link": "https://example.com/a.txt", "pinned": True, "isEdited": True},
]  # fmt: skip


def test_messages_come_out_as_the_vendors_csv(world):
    taken = put(world, "chat", {"messages": MESSAGES})
    rows = chat(world)

    assert taken == {"session_id": "s", "new": 3, "changed": 0, "known": 0, "notes": []}
    assert ",".join(rows[0]) == (
        "id,participantId,sessionId,meetingId,displayName,pinned,isEdited,payloadType,payload,"
        "createdAt"
    )
    assert [row["participantId"] for row in rows] == ["ana", "ben", ""]
    assert [row["payloadType"] for row in rows] == [
        "TEXT_MESSAGE",
        "IMAGE_MESSAGE",
        "FILE_MESSAGE",
    ]
    assert rows[0]["payload"] == 'hello, "all"'
    assert json.loads(rows[1]["payload"]) == {"link": "https://example.com/cat.png"}
    assert (rows[2]["pinned"], rows[2]["isEdited"], rows[2]["displayName"]) == (
        "true",
        "true",
        "Nobody",
    )
    assert rows[0]["createdAt"] == iso(START + 1)


def test_the_same_messages_again_change_nothing_and_other_words_change_one(world):
    put(world, "chat", {"messages": MESSAGES})
    again = put(world, "chat", {"messages": MESSAGES})
    other = put(world, "chat", {"messages": [{**MESSAGES[0], "message": "good bye"}, MESSAGES[1]]})

    assert (again["new"], again["changed"], again["known"]) == (0, 0, 3)
    assert (other["new"], other["changed"], other["known"]) == (0, 1, 1)
    assert chat(world)[0]["payload"] == "good bye"


def test_a_message_without_an_id_is_known_by_content_and_time(world):
    message = {"timeMs": START + 5, "message": "no id", "displayName": "Bot"}
    first, again = (put(world, "chat", {"messages": [message]}) for _ in range(2))

    assert (first["new"], again["known"]) == (1, 1)


def test_a_chat_file_goes_in_again_as_it_came_out(world):
    put(world, "chat", {"messages": MESSAGES})
    url = world.get("sessions/s/chat")["data"]["chat_download_url"]
    taken = put(world, "chat", file(world, url).content, "text/csv")

    assert taken["new"] == 0
    before = chat(world)
    assert len(before) == 3


def test_formulas_and_tricks_are_made_harmless_and_that_is_said(world):
    evil = {"id": "1", "timeMs": START, "displayName": "A\u202egnp.exe\u200b", "message": "=1+1"}
    taken = put(world, "chat", {"messages": [evil]})
    (row,) = chat(world)

    assert row["payload"] == "'=1+1"
    assert row["displayName"] == "Agnp.exe"
    assert any("direction" in note for note in taken["notes"])
    assert any("invisible" in note for note in taken["notes"])


ITEMS = [
    {"startTime": 1000, "endTime": 2500, "sentence": "Good morning",
     "peerData": {"id": "ana", "userId": "user-ana", "displayName": "Ana", "cpi": "x"}},
    {"startTime": 3000, "endTime": 4000, "sentence": "And to you", "id": "mine",
     "peerData": {"displayName": "Ben"}},
    {"startTime": 5000, "endTime": 6000, "sentence": "Who is that?",
     "peerData": {"displayName": "Somebody else"}},
]  # fmt: skip


def test_segments_come_out_in_the_four_formats(world):
    taken = put(world, "transcript", {"segments": ITEMS})
    lines = transcript(world).splitlines()
    (first, *_) = json.loads(transcript(world, "JSON"))

    assert (taken["new"], taken["known"]) == (3, 0)
    assert lines[0] == FILE_LINE
    assert lines[1] == '"3000","ben","user-ben","custom-user-ben","Ben","And to you"'
    assert lines[2] == '"5000","","","","Somebody else","Who is that?"'
    assert (first["startTime"], first["endTime"]) == (1000, 2500)
    assert first["peerData"] == {
        "id": "ana",
        "userId": "user-ana",
        "displayName": "Ana",
        "cpi": "custom-user-ana",
        "joinedAt": iso(START),
        "leftAt": iso(START + 60 * MINUTE),
    }
    assert transcript(world, "SRT").startswith(SRT)
    assert transcript(world, "VTT").startswith("WEBVTT\n")
    assert "00:00:01.000 --> 00:00:02.500" in transcript(world, "VTT")


@pytest.mark.parametrize("form", ["CSV", "JSON", "SRT", "VTT"])
def test_every_format_goes_in_again_as_it_came_out(world, form):
    named = [{key: value for key, value in item.items() if key != "id"} for item in ITEMS]
    put(world, "transcript", {"segments": named})
    kinds = {"CSV": "text/csv", "JSON": "application/json", "SRT": "application/x-subrip"}
    before = transcript(world, form)
    taken = put(world, "transcript", before, kinds.get(form, "text/vtt"))

    assert taken["new"] == 0
    assert transcript(world, form) == before


def test_a_transcript_goes_in_by_content_type_by_format_and_by_its_content(world):
    ways = [
        put(world, "transcript", SRT, "application/x-subrip"),
        put(world, "transcript", SRT, "application/octet-stream", format="SRT"),
        put(world, "transcript", SRT, "text/plain"),
        put(world, "transcript", SRT.encode("utf-16"), "text/plain; charset=utf-16"),
    ]

    assert [way["new"] for way in ways] == [1, 0, 0, 0]
    assert [way["known"] for way in ways] == [0, 1, 1, 1]
    assert any("UTF-16" in note for note in ways[-1]["notes"])


@pytest.mark.parametrize(
    ("path", "kind", "content", "status"),
    [
        ("chat", "application/json", "not json", 400),
        ("chat", "application/json", "", 400),
        ("chat", "application/json", "{}", 422),
        ("chat", "application/json", '{"messages": [{"type": "text"}]}', 422),
        ("chat", "text/vtt", "WEBVTT\n", 422),
        ("chat", "text/csv", "a,b\n1,2\n", 422),
        ("transcript", "application/json", "[1", 400),
        ("transcript", "application/json", '{"segments": [{"sentence": 1}]}', 422),
        ("transcript", "image/png", "x", 422),
        ("transcript", "text/plain", "just words", 422),
        ("transcript", "application/x-subrip", "1\n00:xx:01,000 --> 00:00:02,000\nx\n", 422),
        ("transcript", "text/vtt", b"\x00\xff\x00\x01\x02" * 9, 400),
    ],
)
def test_what_cannot_be_taken_is_refused_whole(world, path, kind, content, status):
    body = content if isinstance(content, bytes) else content.encode()
    headers = {**world.bearer, "content-type": kind}
    answer = told(world.ask("POST", f"sessions/s/{path}", content=body, headers=headers), status)

    assert answer["success"] is False
    assert answer["error"]["code"] == status
    assert told(world.ask("GET", f"sessions/s/{path}"), 404)


def test_too_much_is_413(world):
    headers = {**world.bearer, "content-type": "text/csv"}
    for content in (b"x" * (32 * 1024 * 1024 + 1), iter([b"x" * 1024 * 1024] * 40)):
        answer = world.ask("POST", "sessions/s/transcript", content=content, headers=headers)
        assert told(answer, 413)["error"]["code"] == 413


def test_words_of_an_unknown_session_are_404(world):
    for path in ("chat", "transcript"):
        assert told(world.ask("POST", f"sessions/never/{path}", json={}), 404)


def test_a_token_that_may_only_read_adds_no_words(world):
    headers = {"authorization": f"Bearer {world.token_for('read')}"}
    assert told(world.ask("POST", "sessions/s/chat", json={}, headers=headers), 403)


# --- files ----------------------------------------------------------------------------------------


def test_the_end_writes_the_files_and_tells_once(world):
    put(world, "chat", {"messages": MESSAGES})
    put(world, "transcript", {"segments": ITEMS})
    publish(world)
    publish(world)

    assert [(kind, session) for kind, session, _ in world.told.files] == [
        ("chat", "s"),
        ("transcript", "s"),
    ]
    made = world.records.peek(lambda tx: tx.artifacts.artifacts("s"))
    assert [(one.kind, one.format) for one in made] == [
        ("chat", "CSV"),
        ("transcript", "CSV"),
        ("transcript", "JSON"),
        ("transcript", "SRT"),
        ("transcript", "VTT"),
    ]
    assert file(world, world.told.files[1][2]).text.splitlines()[0] == FILE_LINE
    put(world, "transcript", {"segments": [{**ITEMS[0], "startTime": 9000, "endTime": 9500}]})
    publish(world)
    assert len(world.told.files) == 3


def test_a_chat_of_deleted_messages_alone_is_404_and_its_file_goes(world):
    put(world, "chat", {"messages": MESSAGES[:1]})
    publish(world)
    url = world.get("sessions/s/chat")["data"]["chat_download_url"]
    kept = world.records.peek(lambda tx: tx.words.message("s", "1"))

    def delete(tx):
        tx.words.put_message(world.app_id, "s", replace(kept, deleted=True))
        count_up(tx, world.app_id, "s", START, chat=True, speech=False)

    world.write(delete)
    publish(world)

    message = told(world.ask("GET", "sessions/s/chat"), 404)["error"]["message"]
    assert "deleted" in message
    assert file(world, url).status_code == 404


def test_links_expire_after_the_days_of_the_setting(world):
    put(world, "chat", {"messages": MESSAGES})
    data = world.get("sessions/s/chat")["data"]
    assert data["chat_download_url_expiry"] == iso(world.clock.t + 7 * 24 * 60 * MINUTE)
    world.clock.t += 7 * 24 * 60 * MINUTE + 1
    answer = told(file(world, data["chat_download_url"]), 410)

    assert answer["errors"][0]["code"] == 410
    assert "expired" in answer["error"]["message"]


@pytest.fixture
def url(world):
    put(world, "transcript", {"segments": ITEMS})
    return world.get("sessions/s/transcript", format="VTT")["data"]["transcript_download_url"]


def test_a_file_says_what_it_is_and_runs_nowhere(world, url):
    answer = file(world, url)

    assert answer.headers["content-type"] == "text/vtt; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="Weekly sync 2026-01-01 transcript.vtt"'
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["accept-ranges"] == "bytes"


def test_head_tells_everything_but_the_content(world, url):
    whole = file(world, url)
    head = world.client.head(urlsplit(url).path)

    assert head.content == b""
    for name in ("content-length", "etag", "content-type", "content-disposition"):
        assert head.headers[name] == whole.headers[name]


def test_parts_of_a_file(world, url):
    whole = file(world, url).content
    size = len(whole)
    for asked, start, end in (
        ("bytes=0-4", 0, 5),
        ("bytes=5-", 5, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=3-{size * 9}", 3, size),
        (f"bytes=-{size * 9}", 0, size),
    ):
        answer = file(world, url, range=asked)
        assert answer.status_code == 206, asked
        assert answer.content == whole[start:end], asked
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert int(answer.headers["content-length"]) == end - start
    for ignored in ("bytes=0-1,3-4", "lines=1-2", "bytes=9-3", "bytes=-", "bytes=a-b"):
        answer = file(world, url, range=ignored)
        assert (answer.status_code, answer.content) == (200, whole), ignored
    for beyond in (f"bytes={size}-", "bytes=-0"):
        answer = file(world, url, range=beyond)
        assert answer.status_code == 416, beyond
        assert answer.headers["content-range"] == f"bytes */{size}"


def test_a_file_that_is_known_is_not_sent_again(world, url):
    tag = file(world, url).headers["etag"]

    assert file(world, url, **{"if-none-match": tag}).status_code == 304
    assert file(world, url, **{"if-none-match": f'"x", W/{tag}'}).status_code == 304
    assert file(world, url, **{"if-none-match": '"x"'}).status_code == 200
    assert file(world, url, **{"if-match": '"x"'}).status_code == 412
    assert file(world, url, range="bytes=0-1", **{"if-range": tag}).status_code == 206
    assert file(world, url, range="bytes=0-1", **{"if-range": '"x"'}).status_code == 200


def test_a_browser_may_ask_for_parts_from_another_page(world, url):
    answer = world.client.options(urlsplit(url).path)

    assert answer.status_code == 204
    assert "range" in answer.headers["access-control-allow-headers"]


def test_a_changed_link_is_403_in_the_one_envelope(world, url):
    path = urlsplit(url).path
    answer = told(world.client.get(path[:-3] + "xyz"), 403)

    assert answer["error"]["code"] == 403
    assert answer["errors"][0]["code"] == 403


# --- summaries ------------------------------------------------------------------------------------


def make(world: World) -> None:
    """Stand where the durable queue is."""

    async def work() -> None:
        for job in await world.summaries.open_jobs():
            assert await world.summariser.begin(job.id) is None

    asyncio.run(work())


def test_a_summary_is_ordered_made_and_fetched(world):
    put(world, "transcript", {"segments": ITEMS})
    assert (
        "never asked for" in told(world.ask("GET", "sessions/s/summary"), 404)["error"]["message"]
    )
    order = told(world.ask("POST", "sessions/s/summary"), 200)["data"]
    assert order == {
        "success": True,
        "message": "The summary is queued.",
        "session_id": "s",
        "status": "QUEUED",
    }
    assert "queued" in told(world.ask("GET", "sessions/s/summary"), 404)["error"]["message"]
    make(world)
    data = world.get("sessions/s/summary")["data"]

    assert set(data) == {"sessionId", "summaryDownloadUrl", "summaryDownloadUrlExpiry"}
    answer = file(world, data["summaryDownloadUrl"])
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.text.startswith("#")
    assert world.told.files[-1][0] == "summary"


def test_a_second_order_finds_the_first_until_it_is_done(world):
    put(world, "transcript", {"segments": ITEMS})
    world.ask("POST", "sessions/s/summary")
    first = world.records.peek(lambda tx: tx.artifacts.summary_job("s"))
    world.ask("POST", "sessions/s/summary")
    assert world.records.peek(lambda tx: tx.artifacts.summary_job("s")) == first
    make(world)
    assert told(world.ask("POST", "sessions/s/summary"), 200)["data"]["status"] == "QUEUED"
    assert world.records.peek(lambda tx: tx.artifacts.summary_job("s")).id != first.id


def test_without_a_transcript_there_is_nothing_to_summarise(world):
    assert "no words" in told(world.ask("POST", "sessions/s/summary"), 422)["error"]["message"]


def test_the_meeting_says_how_it_is_summarised(world):
    options = {"text_format": "plain_text", "word_limit": 150, "summary_type": "daily_standup"}
    world.write(
        lambda tx: tx.rooms.put_meeting(
            Meeting(
                id="m1",
                app_id=world.app_id,
                title="Daily",
                ai_config={"summarization": options},
                created_at=START,
                updated_at=START,
            )
        )
    )
    put(world, "transcript", {"segments": ITEMS})
    world.ask("POST", "sessions/s/summary")
    make(world)

    answer = file(world, world.get("sessions/s/summary")["data"]["summaryDownloadUrl"])
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"].endswith('.txt"')


def test_a_summary_that_failed_says_why(world):
    put(world, "transcript", {"segments": ITEMS})
    world.ask("POST", "sessions/s/summary")
    job = world.records.peek(lambda tx: tx.artifacts.summary_job("s"))

    failed = replace(job, status="FAILED", reason="The endpoint is not there.")
    world.write(lambda tx: tx.artifacts.put_summary_job(failed))

    message = told(world.ask("GET", "sessions/s/summary"), 404)["error"]["message"]
    assert message == "The summary of this session failed: The endpoint is not there."
