"""The calls that every SDK makes, as data: one list for four SDKs.

A call names a resource and a method as the Python SDK does; the drivers know how their generation
says it. ``$name:path`` stands for a value in an earlier answer. ``expect`` is the status (200).
``may_lack`` names what a model declares but this call did not ask for; ``new`` is a method that the
older generation has not.
"""

from dataclasses import dataclass
from typing import Any

from sdk.bodies import AI_CONFIG, PRESET, RECORDING_CONFIG
from sdk.drive import Call

NOBODY = "00000000-0000-4000-8000-000000000000"
NOT_AN_ID = "not-an-id"
FILTERS = (
    "device_info",
    "ip_information",
    "precall_network_information",
    "events",
    "quality_stats",
)
PEER_EVENTS = ["*.peer_events"]
BREAKOUT_ROOMS = ["*.breakout_rooms"]
CONFIGURATION = ["data.ai_config", "data.recording_config"]


@dataclass(frozen=True)
class Room:
    """A meeting that was held, with the ids that came of it."""

    meeting_id: str
    session_id: str
    a_user: str
    a_peers: tuple[str, ...]
    b_user: str
    b_peers: tuple[str, ...]


ANY_ROOM = Room(NOBODY, NOBODY, NOBODY, (NOBODY,), NOBODY, (NOBODY, NOBODY))
"""Stands in where only the names of the calls matter."""


def call(name: str, resource: str, method: str, **more: Any) -> Call:
    """One call; ``ids`` go into the path, ``params`` into the query or the body."""
    return {"name": name, "resource": resource, "method": method, **more}


def app_calls(sdk: str) -> list[Call]:
    """Each SDK has an app of its own, so that lists hold what it made and no more."""
    return [
        call("apps: create", "apps", "post", params={"name": f"app of {sdk}"}),
        call("apps: list", "apps", "get"),
    ]


def making_calls() -> list[Call]:
    """Meetings, participants and presets, up to the point where somebody can join."""
    m = {"meeting_id": "$meetings: create:data.id"}
    a = {**m, "participant_id": "$participants: add a:data.id"}
    held = {"title": "Weekly sync", "persist_chat": True, "session_keep_alive_time_in_secs": 60}
    people = [
        call(
            f"participants: add {who}{suffix}",
            "meetings",
            "add_participant",
            ids={"meeting_id": f"$meetings: create{suffix}:data.id"},
            params={"custom_participant_id": f"custom-{who}", "preset_name": preset, "name": name},
            expect=201,
        )
        for suffix in ("", " another")
        for who, name, preset in (
            ("a", "Alice", "group_call_host"),
            ("b", "Bob", "group_call_participant"),
        )
    ]
    preset = {"preset_id": "$presets: create:data.id"}
    plain = {"may_lack": CONFIGURATION}
    whole = {"ai_config": AI_CONFIG, "recording_config": RECORDING_CONFIG}
    details = ("meetings", "get_meeting_by_id")
    rename, replace = ("meetings", "update_meeting_by_id"), ("meetings", "replace_meeting_by_id")
    create = ("meetings", "create")
    return [
        call("meetings: create", *create, params=held, expect=201, **plain),
        call("meetings: create another", *create, params={"title": "Retro"}, expect=201, **plain),
        call("meetings: create with configuration", *create, params=whole, expect=201),
        call("meetings: list", "meetings", "get", params={"page_no": 1, "per_page": 2}, **plain),
        call("meetings: search", "meetings", "get", params={"search": "weekly"}, **plain),
        call("meetings: details", *details, ids=m, **plain),
        call("meetings: rename", *rename, ids=m, params={"title": "Sync"}, **plain),
        call("meetings: replace", *replace, ids=m, params=held, **plain),
        *people,
        call("participants: list", "meetings", "get_meeting_participants", ids=m),
        call("participants: details", "meetings", "get_meeting_participant", ids=a),
        call("participants: rename", "meetings", "edit_participant", ids=a, params={"name": "Ann"}),
        call("participants: refresh token", "meetings", "refresh_participant_token", ids=a),
        call("presets: list", "presets", "get"),
        call("presets: create", "presets", "create", params=PRESET, expect=201),
        call("presets: details", "presets", "get_preset_by_id", ids=preset),
        call("presets: rename", "presets", "update", ids=preset, params={"name": "speaker"}),
        call(
            "presets: replace",
            "presets",
            "replace_preset_by_id",
            ids=preset,
            params=PRESET,
            new=True,
        ),
        call("presets: delete", "presets", "delete", ids=preset),
        call("active session: none yet", "active_session", "get_active_session", ids=m, expect=404),
    ]


def session_calls(ended: Room, live: Room) -> list[Call]:
    """The list and the details of sessions (contract 1.1, 1.2)."""
    lists: dict[str, dict[str, Any]] = {
        "all": {},
        "of a meeting": {"associated_id": ended.meeting_id},
        "LIVE": {"status": "LIVE"},
        "ENDED": {"status": "ENDED"},
        "first page": {"page_no": 1, "per_page": 1},
        "second page": {"page_no": 2, "per_page": 1},
        "past the last page": {"page_no": 9, "per_page": 10},
        "by minutes": {"sort_by": "minutesConsumed", "sort_order": "ASC"},
        "oldest first": {"sort_by": "createdAt", "sort_order": "ASC"},
        "search by id": {"search": ended.session_id},
        "search by title": {"search": "RETRO"},
        "started before 2020": {"end_time": "2020-01-01T00:00:00Z"},
        "started since 2020": {"start_time": "2020-01-01T00:00:00Z"},
        "of two people": {"participants": "2:2"},
        "of three and more": {"participants": "3:"},
        "everything at once": {
            "associated_id": ended.meeting_id,
            "status": "ENDED",
            "page_no": 1,
            "per_page": 5,
            "participants": "1:10",
            "sort_by": "createdAt",
            "sort_order": "DESC",
            "start_time": "2020-01-01T00:00:00Z",
            "end_time": "2100-01-01T00:00:00Z",
        },
    }
    of = {"session_id": ended.session_id}
    details = ("sessions", "get_session_details")
    return [
        *(
            call(
                f"sessions: {name}",
                "sessions",
                "get_sessions",
                params=params,
                may_lack=BREAKOUT_ROOMS,
            )
            for name, params in lists.items()
        ),
        call("session: ended", *details, ids=of, may_lack=BREAKOUT_ROOMS),
        call(
            "session: live", *details, ids={"session_id": live.session_id}, may_lack=BREAKOUT_ROOMS
        ),
        call(
            "session: with breakout rooms",
            *details,
            ids=of,
            params={"include_breakout_rooms": True},
        ),
    ]


def participant_calls(ended: Room, live: Room) -> list[Call]:
    """The participants of a session (contract 1.3, 1.4)."""
    lists: dict[str, dict[str, Any]] = {
        "all": {},
        "first page": {"page_no": 1, "per_page": 1},
        "second page": {"page_no": 2, "per_page": 1},
        "longest": {"sort_by": "duration", "sort_order": "DESC"},
        "first to join": {"sort_by": "joinedAt", "sort_order": "ASC"},
        "search": {"search": "bob"},
        "raw": {"view": "raw"},
        "consolidated": {"view": "consolidated", "per_page": 200},
    }
    events = {"include_peer_events": True}
    of, here = {"session_id": ended.session_id}, {"session_id": live.session_id}
    one = ("sessions", "get_session_participant_details")
    listed = ("sessions", "get_session_participants")
    return [
        *(
            call(f"people: {name}", *listed, ids=of, params=params, may_lack=PEER_EVENTS)
            for name, params in lists.items()
        ),
        call("people: with peer events", *listed, ids=of, params=events),
        call("people: live", *listed, ids=here, params=events),
        call("person", *one, ids={**of, "participant_id": ended.a_peers[0]}, may_lack=PEER_EVENTS),
        call(
            "person: with peer events",
            *one,
            ids={**of, "participant_id": ended.a_peers[0]},
            params=events,
        ),
        call(
            "person: by user id",
            *one,
            ids={**here, "participant_id": live.b_user},
            may_lack=PEER_EVENTS,
        ),
        call(
            "person: by custom id",
            *one,
            ids={**here, "participant_id": "custom-b"},
            may_lack=PEER_EVENTS,
        ),
        *(
            call(
                f"person: filters={only}",
                *one,
                ids={**of, "participant_id": ended.a_peers[0]},
                params={"filters": only},
                may_lack=[*PEER_EVENTS, "*.peer_stats", "*.peer_stats.*", "*.quality_stats"],
            )
            for only in (*FILTERS, "device_info,ip_information,events")
        ),
    ]


def peer_calls(ended: Room, live: Room) -> list[Call]:
    """The peer report (contract 1.9, 6)."""
    report = ("sessions", "get_participant_data_from_peer_id")
    a = {"peer_id": ended.a_peers[0]}
    cut = ["*.peer_stats", "*.peer_stats.*", "*.quality_stats", "*.peer_report", "*.peer_report.*"]
    return [
        call("peer", *report, ids=a, may_lack=PEER_EVENTS),
        call(
            "peer: the other side", *report, ids={"peer_id": ended.b_peers[0]}, may_lack=PEER_EVENTS
        ),
        call("peer: with peer events", *report, ids=a, params={"include_peer_events": True}),
        call("peer: connected", *report, ids={"peer_id": live.a_peers[0]}, may_lack=PEER_EVENTS),
        call(
            "peer: gone, of a live session",
            *report,
            ids={"peer_id": live.b_peers[0]},
            may_lack=PEER_EVENTS,
        ),
        *(
            call(
                f"peer: filters={only}",
                *report,
                ids=a,
                params={"filters": only},
                may_lack=[*PEER_EVENTS, *cut],
            )
            for only in (*FILTERS, "device_info,ip_information,events")
        ),
    ]


def analytics_calls() -> list[Call]:
    """Sessions and minutes by day (contract 5)."""
    daywise = ("analytics", "get_org_analytics")
    backwards = {"start_date": "2026-02-01", "end_date": "2026-01-31"}
    return [
        call("analytics: 30 days", *daywise),
        call(
            "analytics: a week of 2020",
            *daywise,
            params={"start_date": "2020-01-01", "end_date": "2020-01-07"},
        ),
        call("422: days backwards", *daywise, params=backwards, expect=422),
    ]


FORMATS = ("CSV", "JSON", "SRT", "VTT")
DOWNLOADS = {
    "chat": ("get_session_chat", "chat_download_url"),
    "transcript": ("get_session_transcripts", "transcript_download_url"),
    "summary": ("get_session_summary", "summaryDownloadUrl"),
}
"""For each kind of file the method, and the member of its answer that is the link."""


def _download(name: str, kind: str, live: Room, **more: Any) -> Call:
    method, _ = DOWNLOADS[kind]
    return call(name, "sessions", method, ids={"session_id": live.session_id}, **more)


def _files(when: str, live: Room) -> list[Call]:
    return [
        _download(f"chat: {when}", "chat", live),
        _download(f"transcript: {when}", "transcript", live),
        *(
            _download(f"transcript: {when}, {form}", "transcript", live, params={"format": form})
            for form in FORMATS
        ),
    ]


def words_calls(live: Room) -> list[Call]:
    """What is asked once words came in, while the session goes on (contract 1.5 to 1.8)."""
    order, of = "generate_summary_of_transcripts", {"session_id": live.session_id}
    return [
        *_files("live", live),
        _download("404: summary never asked for", "summary", live, expect=404),
        call("summary: generate", "sessions", order, ids=of),
    ]


def refused_calls(ended: Room, foreign_account: str) -> list[Call]:
    """What must raise the SDK's own error of each status (contract 1.10, 10)."""
    of, nowhere = {"session_id": ended.session_id}, {"session_id": NOBODY}
    sessions, details = ("sessions", "get_sessions"), ("sessions", "get_session_details")
    listed = ("sessions", "get_session_participants")
    report = ("sessions", "get_participant_data_from_peer_id")
    meeting = {"meeting_id": ended.meeting_id}
    return [
        call("401: no such token", *sessions, token="no-such-token", expect=401),
        call("403: another account", *sessions, ids={"account_id": foreign_account}, expect=403),
        call("404: another app", *sessions, ids={"app_id": NOBODY}, expect=404),
        call("404: session", *details, ids={"session_id": NOBODY}, expect=404),
        call("404: malformed session id", *details, ids={"session_id": NOT_AN_ID}, expect=404),
        call("404: people of no session", *listed, ids={"session_id": NOBODY}, expect=404),
        call(
            "404: person",
            "sessions",
            "get_session_participant_details",
            ids={**of, "participant_id": NOBODY},
            expect=404,
        ),
        call("404: peer", *report, ids={"peer_id": NOBODY}, expect=404),
        call(
            "404: meeting", "meetings", "get_meeting_by_id", ids={"meeting_id": NOBODY}, expect=404
        ),
        call("404: preset", "presets", "get_preset_by_id", ids={"preset_id": NOBODY}, expect=404),
        call(
            "404: nobody in the room",
            "active_session",
            "get_active_session",
            ids=meeting,
            expect=404,
        ),
        call("404: no chat", "sessions", "get_session_chat", ids=of, expect=404),
        call("404: no transcript", "sessions", "get_session_transcripts", ids=of, expect=404),
        call("404: no summary", "sessions", "get_session_summary", ids=of, expect=404),
        call(
            "422: nothing to summarise",
            "sessions",
            "generate_summary_of_transcripts",
            ids=of,
            expect=422,
        ),
        *(
            call(f"404: {kind} of no session", "sessions", method, ids=nowhere, expect=404)
            for kind, (method, _) in DOWNLOADS.items()
        ),
        call(
            "404: summary ordered of no session",
            "sessions",
            "generate_summary_of_transcripts",
            ids=nowhere,
            expect=404,
        ),
        call(
            "422: transcript format",
            "sessions",
            "get_session_transcripts",
            ids=of,
            params={"format": "DOCX"},
            expect=422,
        ),
        call("422: status", *sessions, params={"status": "OVER"}, expect=422),
        call(
            "422: three faults",
            *sessions,
            params={"status": "OVER", "sort_by": "mood", "per_page": 5000},
            expect=422,
            faults=3,
        ),
        call("422: page too large", *listed, ids=of, params={"per_page": 201}, expect=422),
        call("422: view", *listed, ids=of, params={"view": "sideways"}, expect=422),
        call(
            "422: filter",
            *report,
            ids={"peer_id": ended.a_peers[0]},
            params={"filters": "mood"},
            expect=422,
        ),
        call(
            "422: participant",
            "meetings",
            "add_participant",
            ids=meeting,
            params={"custom_participant_id": "x", "preset_name": ""},
            expect=422,
        ),
    ]


def ending_calls(live: Room) -> list[Call]:
    """The live session is looked at, one person sent out, then everybody."""
    room = {"meeting_id": live.meeting_id}
    in_it = {**room, "participant_id": live.b_user}
    return [
        call(
            "active session",
            "active_session",
            "get_active_session",
            ids=room,
            may_lack=BREAKOUT_ROOMS,
        ),
        call(
            "active session: kick one",
            "active_session",
            "kick_participants",
            ids=room,
            params={"participant_ids": [live.b_user], "custom_participant_ids": []},
        ),
        call("active session: kick all", "active_session", "kick_all_participants", ids=room),
        call(
            "session: kicked out",
            "sessions",
            "get_session_details",
            ids={"session_id": live.session_id},
            may_lack=BREAKOUT_ROOMS,
        ),
        *_files("ended", live),
        _download("summary: ended", "summary", live),
        call("participants: delete", "meetings", "delete_meeting_participant", ids=in_it),
        call(
            "404: deleted participant", "meetings", "get_meeting_participant", ids=in_it, expect=404
        ),
    ]


def visiting_calls(ended: Room, live: Room, foreign_account: str) -> list[Call]:
    """Everything that is asked once the calls took place."""
    return [
        _download("summary: live", "summary", live),
        *session_calls(ended, live),
        *participant_calls(ended, live),
        *peer_calls(ended, live),
        *analytics_calls(),
        *refused_calls(ended, foreign_account),
        *ending_calls(live),
    ]


ALL_CALLS: dict[str, Call] = {
    each["name"]: each
    for each in (
        *app_calls(""),
        *making_calls(),
        *words_calls(ANY_ROOM),
        *visiting_calls(ANY_ROOM, ANY_ROOM, ""),
    )
}
"""By name; the ids in it mean nothing."""
