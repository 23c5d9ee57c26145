"""Apps, meetings, participants, presets and the active session (contract 5)."""

import pytest
from facade_world import MINUTE, a_world

ONE = "active-session"


@pytest.fixture
def world():
    with a_world() as made:
        yield made


def made(response, status=201):
    assert response.status_code == status, response.text
    body = response.json()
    assert body["success"] is True
    return body["data"]


@pytest.fixture
def meeting(world):
    return made(world.ask("POST", "meetings", json={"title": "Weekly"}))


def invite(world, meeting, **given):
    body = {"custom_participant_id": "c1", "preset_name": "group_call_host", **given}
    return world.ask("POST", f"meetings/{meeting['id']}/participants", json=body)


# --- apps -------------------------------------------------------------------------------------


def apps(world, method="GET", path="", **more):
    url = f"/client/v4/accounts/{world.account_id}/realtime/kit/apps{path}"
    return world.client.request(method, url, headers=world.bearer, **more)


def test_a_new_app_is_listed_has_no_key_in_it_and_the_default_presets(world):
    world.clock.t += MINUTE
    app = made(apps(world, "POST", json={"name": " Second "}), 200)["app"]
    listed = apps(world).json()

    assert set(app) == {"id", "name", "created_at"}
    assert app["name"] == "Second"
    assert [row["id"] for row in listed["data"]] == [app["id"], world.app_id]
    assert listed["paging"] == {"total_count": 2, "start_offset": 1, "end_offset": 2}
    assert made(apps(world, path=f"/{app['id']}"), 200)["app"] == app
    presets = world.client.get(world.path("presets", app["id"]), headers=world.bearer).json()
    assert {row["name"] for row in presets["data"]} >= {
        "group_call_host",
        "group_call_participant",
        "webinar_presenter",
        "webinar_viewer",
        "livestream_host",
        "livestream_viewer",
    }


def test_apps_are_searched_sorted_and_paged(world):
    for name in ("One", "Two", "Three"):
        world.clock.t += MINUTE
        apps(world, "POST", json={"name": name})

    def names(**asked):
        return [row["name"] for row in apps(world, params=asked).json()["data"]]

    assert names(sort_order="ASC", search="t") == ["Default", "Two", "Three"]
    assert names(per_page=1, page_no=2) == ["Two"]


@pytest.mark.parametrize("name", ["", "   ", None, 7, "x" * 600])
def test_an_app_needs_a_name(world, name):
    response = apps(world, "POST", json={"name": name})

    assert response.status_code == 422
    assert response.json()["errors"][0]["source"] == {"pointer": "/name"}


# --- meetings ---------------------------------------------------------------------------------


def test_a_meeting_needs_nothing_and_has_every_flag(world):
    meeting = made(world.ask("POST", "meetings"))

    assert meeting["status"] == "ACTIVE"
    assert meeting["type"] == "meeting"
    assert meeting["session_keep_alive_time_in_secs"] == 60
    for flag in ("record_on_start", "live_stream_on_start", "persist_chat"):
        assert meeting[flag] is False
    assert made(world.ask("GET", f"meetings/{meeting['id']}?name=x"), 200) == meeting


def test_patch_changes_what_is_given_and_put_replaces_the_rest(world):
    first = made(
        world.ask("POST", "meetings", json={"title": "A", "persist_chat": True, "unknown": 1})
    )
    path = f"meetings/{first['id']}"
    world.clock.t += MINUTE
    patched = made(world.ask("PATCH", path, json={"title": "B", "status": "INACTIVE"}), 200)
    put = made(world.ask("PUT", path, json={"record_on_start": True, "title": None}), 200)

    assert (patched["title"], patched["status"], patched["persist_chat"]) == ("B", "INACTIVE", True)
    assert (put["title"], put["status"], put["persist_chat"]) == ("", "INACTIVE", False)
    assert put["record_on_start"] is True
    assert put["created_at"] == first["created_at"] < put["updated_at"]
    assert world.ask("PATCH", "meetings/unknown", json={}).status_code == 404


@pytest.mark.parametrize(
    ("seconds", "status"), [(60, 201), (600, 201), (60.0, 201), (59, 422), (601, 422), (60.5, 422)]
)
def test_the_keep_alive_is_from_one_to_ten_minutes(world, seconds, status):
    given = {"session_keep_alive_time_in_secs": seconds}

    assert world.ask("POST", "meetings", json=given).status_code == status


@pytest.mark.parametrize("language", ["en-US", "en", "de", "zh"])
def test_languages_of_both_of_the_vendors_pages_are_taken(world, language):
    config = {"transcription": {"language": language, "later": [1]}}
    meeting = made(world.ask("POST", "meetings", json={"ai_config": config}))

    assert meeting["ai_config"] == config


def test_the_keys_of_somebodys_bucket_are_not_kept(world):
    storage = {"type": "aws", "bucket": "b", "secret": "s3cr3t", "access_key": "s3cr3t"}
    config = {"recording_config": {"max_seconds": 60, "storage_config": storage}}
    response = world.ask("POST", "meetings", json=config)

    assert "s3cr3t" not in response.text
    assert made(response)["recording_config"] == {
        "max_seconds": 60,
        "storage_config": {"type": "aws", "bucket": "b"},
    }


def test_meetings_are_searched_and_filtered(world):
    first = made(world.ask("POST", "meetings", json={"title": "Weekly sync"}))
    world.clock.t += 60 * MINUTE
    second = made(world.ask("POST", "meetings", json={"title": "Retro"}))
    world.ask("PATCH", f"meetings/{second['id']}", json={"status": "INACTIVE"})

    def ids(**asked):
        return [row["id"] for row in world.get("meetings", **asked)["data"]]

    assert ids() == [second["id"], first["id"]]
    assert ids(search="WEEK") == [first["id"]]
    assert ids(search=second["id"]) == [second["id"]]
    assert ids(status="ACTIVE") == [first["id"]]
    assert ids(start_time="2026-01-01T00:30:00Z") == [second["id"]]
    assert ids(end_time="2026-01-01T00:30:00Z") == [first["id"]]
    assert ids(page_no=2, per_page=1) == [first["id"]]


def test_a_breakout_room_hangs_under_a_meeting_of_the_same_app(world, meeting):
    room = made(world.ask("POST", "meetings", json={"parent_meeting_id": meeting["id"]}))

    assert room["parent_meeting_id"] == meeting["id"]
    for parent in ("unknown", room["id"]):
        given = {"parent_meeting_id": parent}
        response = world.ask("PATCH", f"meetings/{meeting['id']}", json=given)
        assert response.status_code == 422
        assert response.json()["errors"][0]["source"] == {"pointer": "/parent_meeting_id"}


# --- participants -----------------------------------------------------------------------------


def test_an_invited_participant_has_a_token_that_lets_them_in(world, meeting):
    one = made(invite(world, meeting, name="Alice", picture="https://example.com/a.png"))
    claims = world.rooms.verify(one["token"])

    assert (claims.participant_id, claims.meeting_id) == (one["id"], meeting["id"])
    path = f"meetings/{meeting['id']}/participants"
    listed = world.get(path)
    assert listed["paging"]["total_count"] == 1
    token = one.pop("token")
    assert listed["data"] == [one]
    assert made(world.ask("GET", f"{path}/{one['id']}"), 200) == one
    fresh = made(world.ask("POST", f"{path}/{one['id']}/token"), 200)["token"]
    assert fresh != token
    assert world.rooms.verify(fresh).participant_id == one["id"]


def test_changing_a_participant_brings_a_fresh_token(world, meeting):
    one = made(invite(world, meeting, name="Alice"))
    path = f"meetings/{meeting['id']}/participants/{one['id']}"
    given = {"name": None, "preset_name": "webinar_viewer"}
    changed = made(world.ask("PATCH", path, json=given), 200)

    assert (changed["name"], changed["preset_name"]) == (None, "webinar_viewer")
    assert world.rooms.verify(changed["token"]).participant_id == one["id"]
    assert made(world.ask("PATCH", path, json={"preset_name": None}), 200)["name"] is None


def test_an_unknown_preset_is_422_and_names_the_field(world, meeting):
    response = invite(world, meeting, preset_name="no-such-preset")

    assert response.status_code == 422
    assert response.json()["errors"][0]["source"] == {"pointer": "/preset_name"}


def test_a_deleted_participant_is_gone_but_not_forgotten(world, meeting):
    one = made(invite(world, meeting))
    path = f"meetings/{meeting['id']}/participants/{one['id']}"
    preset = next(row for row in world.get("presets")["data"] if row["name"] == "group_call_host")
    gone = made(world.ask("DELETE", path), 200)

    assert set(gone) == {"custom_participant_id", "preset_id", "created_at", "updated_at"}
    assert gone["preset_id"] == preset["id"]
    for method, below in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/token")):
        assert world.ask(method, path + below).status_code == 404
    assert world.get(f"meetings/{meeting['id']}/participants")["data"] == []
    kept = world.records.peek(lambda tx: tx.rooms.participant(world.app_id, one["id"]))
    assert kept.deleted_at is not None


def test_a_participant_of_another_meeting_is_404_here(world, meeting):
    one = made(invite(world, meeting))
    other = made(world.ask("POST", "meetings"))

    path = f"meetings/{other['id']}/participants/{one['id']}"
    assert world.ask("GET", path).status_code == 404
    assert invite(world, {"id": "unknown"}).status_code == 404


def test_an_inactive_meeting_can_still_be_prepared(world, meeting):
    world.ask("PATCH", f"meetings/{meeting['id']}", json={"status": "INACTIVE"})

    assert invite(world, meeting).status_code == 201


# --- presets ----------------------------------------------------------------------------------


def test_a_preset_is_made_changed_replaced_and_deleted(world):
    given = {"name": "mine", "config": {"view_type": "WEBINAR", "media": {"a": 1}}, "ui": {"x": 1}}
    preset = made(world.ask("POST", "presets", json=given))
    path = f"presets/{preset['id']}"
    changed = made(world.ask("PATCH", path, json={"config": {"media": {"b": 2}}}), 200)
    replaced = made(world.ask("PUT", path, json={"name": "yours"}), 200)
    gone = made(world.ask("DELETE", path), 200)

    assert preset["permissions"] == {}
    assert changed["config"] == {"view_type": "WEBINAR", "media": {"a": 1, "b": 2}}
    assert (replaced["name"], replaced["config"], replaced["ui"]) == ("yours", {}, {})
    assert gone == replaced
    assert world.ask("GET", path).status_code == 404


def test_two_presets_never_share_a_name(world):
    response = world.ask("POST", "presets", json={"name": "group_call_host"})

    assert response.status_code == 422
    assert response.json()["errors"][0]["source"] == {"pointer": "/name"}


def test_presets_are_searched_by_name(world):
    found = world.get("presets", search="WEBINAR")

    assert sorted(row["name"] for row in found["data"]) == ["webinar_presenter", "webinar_viewer"]
    assert found["paging"]["total_count"] == 2


def test_an_unknown_view_type_is_422(world):
    response = world.ask("POST", "presets", json={"name": "x", "config": {"view_type": "PARTY"}})

    assert response.json()["errors"][0]["source"] == {"pointer": "/config/view_type"}


# --- the active session -----------------------------------------------------------------------


def test_a_meeting_nobody_is_in_has_no_active_session(world, meeting):
    for method, path in (("GET", ""), ("POST", "/kick"), ("POST", "/kick-all")):
        response = world.ask(
            method, f"meetings/{meeting['id']}/{ONE}{path}", json={"participant_ids": ["x"]}
        )
        assert response.status_code == 404
        message = response.json()["error"]["message"]
        assert message == f"No active session found for meeting_id {meeting['id']}"


def test_the_active_session_is_flat(world, meeting):
    world.put_session("s1", meeting_id=meeting["id"])

    assert made(world.ask("GET", f"meetings/{meeting['id']}/{ONE}"), 200)["id"] == "s1"


def test_kicking_tells_who_went(world, meeting):
    one = made(invite(world, meeting, name="Alice"))
    world.roster.inside[meeting["id"]] = [one["id"], "u2"]
    path = f"meetings/{meeting['id']}/{ONE}"

    nobody = world.ask("POST", f"{path}/kick", json={"participant_ids": []})
    stranger = world.ask("POST", f"{path}/kick", json={"participant_ids": ["u9"]})
    kicked = made(world.ask("POST", f"{path}/kick", json={"participant_ids": [one["id"]]}), 200)
    everybody = made(world.ask("POST", f"{path}/kick-all"), 200)

    assert nobody.status_code == 422
    assert stranger.status_code == 404
    assert kicked["action"] == "kick"
    assert [(who["id"], who["name"]) for who in kicked["participants"]] == [(one["id"], "Alice")]
    assert everybody == {"action": "kick-all", "kicked_participants_count": 2}
