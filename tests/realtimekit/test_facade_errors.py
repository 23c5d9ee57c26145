"""Every refusal in both of the vendor's shapes, with all its faults, and never a stack trace."""

import pytest
from facade_world import a_world


@pytest.fixture(scope="module")
def world():
    with a_world() as made:
        yield made


def told(response, status):
    """The body of a refusal, after looking at what all of them have."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body["success"] is False
    assert body["error"]["code"] == status
    assert body["error"]["message"]
    assert body["errors"]
    assert {entry["code"] for entry in body["errors"]} == {status}
    assert all(entry["message"] for entry in body["errors"])
    assert (body["messages"], body["result"]) == ([], None)
    return body


@pytest.mark.parametrize(
    "path",
    ["/", "/nope", "/client/v4/nope", "/accounts/x", "/v2/", "/client/v4/accounts/a/realtime/kit"],
)
def test_an_unknown_route_is_404_in_the_one_shape(world, path):
    told(world.client.get(path), 404)


def test_an_unknown_route_of_an_app_is_404(world):
    told(world.ask("GET", "livestreams"), 404)
    told(world.ask("POST", "meetings/m1/active-session/poll"), 404)


def test_a_wrong_method_is_405_and_names_the_right_ones(world):
    response = world.ask("DELETE", "meetings/m1")

    told(response, 405)
    assert response.headers["allow"] == "GET, PATCH, PUT"
    told(world.client.post("/openapi.json"), 405)


def test_every_fault_of_a_query_is_listed(world):
    params = {
        "page_no": "-1",
        "per_page": "1001",
        "status": "OVER",
        "sort_by": "name",
        "sort_order": "up",
        "start_time": "yesterday",
        "end_time": "2026-13-01",
        "participants": "5",
        "search": "x" * 600,
    }
    body = told(world.ask("GET", "sessions", params=params), 422)

    assert {entry["source"]["parameter"] for entry in body["errors"]} == set(params)
    assert len(body["errors"]) == len(params)


def test_every_fault_of_a_body_is_listed_with_where_it_is(world):
    given = {
        "title": 7,
        "record_on_start": "yes",
        "session_keep_alive_time_in_secs": 59,
        "ai_config": {
            "transcription": {"language": "English", "keywords": ["a", 2]},
            "summarization": {"word_limit": 149, "summary_type": "poem"},
        },
        "recording_config": [],
    }
    body = told(world.ask("POST", "meetings", json=given), 422)

    assert {entry["source"]["pointer"] for entry in body["errors"]} == {
        "/title",
        "/record_on_start",
        "/session_keep_alive_time_in_secs",
        "/ai_config/transcription/language",
        "/ai_config/transcription/keywords/1",
        "/ai_config/summarization/word_limit",
        "/ai_config/summarization/summary_type",
        "/recording_config",
    }


def test_required_fields_that_are_missing_are_all_named(world):
    meeting = world.ask("POST", "meetings").json()["data"]["id"]
    body = told(world.ask("POST", f"meetings/{meeting}/participants"), 422)

    assert {entry["source"]["pointer"] for entry in body["errors"]} == {
        "/custom_participant_id",
        "/preset_name",
    }


@pytest.mark.parametrize(
    "content",
    [b"{", b"nonsense", b"\xff\xfe", b'"\\ud800"', b"[" * 100_000, b'{"a":' * 50_000],
    ids=["cut", "words", "bytes", "half a surrogate", "deep lists", "deep objects"],
)
def test_a_body_that_is_not_json_is_400(world, content):
    told(world.ask("POST", "meetings", content=content), 400)


@pytest.mark.parametrize("content", [b"[]", b"7", b"null", b'"text"'])
def test_a_body_that_is_not_an_object_is_422(world, content):
    body = told(world.ask("POST", "meetings", content=content), 422)

    assert body["errors"][0]["source"] == {"pointer": ""}


def test_a_body_past_the_limit_is_413(world):
    told(world.ask("POST", "meetings", content=b" " * (5 * 1024 * 1024)), 413)


def test_a_query_of_a_thousand_parameters_is_400(world):
    told(world.ask("GET", "sessions?" + "&".join(f"a{n}=1" for n in range(1000))), 400)


def test_a_failure_is_500_without_a_word_of_why(world, monkeypatch):
    async def fail(*_):
        raise RuntimeError("the secret reason")

    monkeypatch.setattr(world.sessions, "find", fail)
    response = world.ask("GET", "sessions")
    body = told(response, 500)

    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert response.headers["x-request-id"] in body["error"]["message"]


def test_the_log_of_a_failure_holds_no_token(world, monkeypatch, capsys):
    async def fail(*_):
        raise RuntimeError("the secret reason")

    monkeypatch.setattr(world.sessions, "find", fail)
    world.ask("GET", "sessions")
    logged = "".join(capsys.readouterr())

    assert "the secret reason" in logged
    assert world.token not in logged


@pytest.mark.parametrize(
    ("method", "path", "status", "word"),
    [
        ("GET", "chat", 404, "chat"),
        ("GET", "transcript?format=SRT", 404, "transcript"),
        ("GET", "summary", 404, "never asked for"),
        ("POST", "summary", 422, "transcript"),
    ],
)
def test_what_was_not_kept_is_told_with_the_reason(world, method, path, status, word):
    world.put_session("s-without", ended_at=1)

    assert word in told(world.ask(method, f"sessions/s-without/{path}"), status)["error"]["message"]
    unknown = told(world.ask(method, f"sessions/never-was/{path}"), 404)["error"]["message"]
    assert unknown == "No such session."
