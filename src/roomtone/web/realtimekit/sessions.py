"""``/sessions``, ``/sessions/{session_id}`` and its participants (contract 1.1 to 1.3)."""

from msgspec import UNSET, UnsetType

from roomtone.model.peer_report import PeerEvent
from roomtone.model.sessions import Peer
from roomtone.ports.records import PeerFilter, SessionFilter
from roomtone.services.peer_events import peer_events
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok
from roomtone.web.realtimekit.parameters import (
    ASSOCIATED_ID,
    BROWSER,
    COUNTRY,
    END_TIME,
    FINDING,
    INCLUDE_ATTEMPTS,
    INCLUDE_BREAKOUT_ROOMS,
    INCLUDE_PEER_EVENTS,
    MIN_SEVERITY,
    MOS_BELOW,
    PAGE_NO,
    PARTICIPANTS_PER_PAGE,
    PEER_SEARCH,
    PEER_SORT,
    PEOPLE,
    SESSION_SEARCH,
    SESSION_SORT,
    SESSION_STATUS,
    SESSIONS_PER_PAGE,
    SORT_ORDER,
    START_TIME,
    VIEW,
    page_of,
    severity_number,
)
from roomtone.web.realtimekit.session_answers import (
    ParticipantsAnswer,
    ParticipantsData,
    SessionDetailsAnswer,
    SessionsAnswer,
    SessionsData,
    event_object,
    paging,
    peer_object,
    person_object,
    session_details,
    session_object,
    tree_object,
)


async def list_sessions(call: Call) -> Answer:
    """Sessions of the app."""
    query = call.query
    least, most = query[PEOPLE]
    asked = SessionFilter(
        app_id=call.app_id,
        meeting_id=query[ASSOCIATED_ID],
        status=query[SESSION_STATUS],
        started_from=query[START_TIME],
        started_to=query[END_TIME],
        people_min=least,
        people_max=most,
        search=query[SESSION_SEARCH],
        finding_ids=query[FINDING],
        min_severity=severity_number(query[MIN_SEVERITY]),
        browser=query[BROWSER],
        country=query[COUNTRY],
        mos_below=query[MOS_BELOW],
        sort_by=query[SESSION_SORT],
        descending=query[SORT_ORDER] == "DESC",
    )
    page = page_of(query, SESSIONS_PER_PAGE)
    found, headlines, total = await call.facade.sessions.find(asked, page)
    now = call.facade.clock.now()
    data = SessionsData(tuple(session_object(one, now, headlines.get(one.id)) for one in found))
    return ok(SessionsAnswer(True, data, paging(page, len(found), total)))


async def get_session(call: Call) -> Answer:
    """One session."""
    sessions, session_id = call.facade.sessions, call.path["session_id"]
    now = call.facade.clock.now()
    if call.query[INCLUDE_BREAKOUT_ROOMS]:
        session = tree_object(await sessions.tree(call.app_id, session_id), now)
    else:
        held = sessions.get(call.app_id, session_id)
        session = session_object(held, now, sessions.headline(held))
    told = await sessions.told(call.app_id, session_id)
    return ok(SessionDetailsAnswer(True, session_details(session, told)))


async def list_participants(call: Call) -> Answer:
    """Peers of a session, or its people."""
    query, sessions = call.query, call.facade.sessions
    asked = PeerFilter(
        session_id=call.path["session_id"],
        search=query[PEER_SEARCH],
        sort_by=query[PEER_SORT],
        include_attempts=query[INCLUDE_ATTEMPTS],
        descending=query[SORT_ORDER] == "DESC",
    )
    page = page_of(query, PARTICIPANTS_PER_PAGE)
    now = call.facade.clock.now()
    if query[VIEW] == "consolidated":
        people, total = await sessions.people(call.app_id, asked, page)
        told = await events_of(call, [peer for person in people for peer in person.peers])
        rows = tuple(person_object(person, now, _together(told, person.peers)) for person in people)
    else:
        peers, total = await sessions.peers(call.app_id, asked, page)
        told = await events_of(call, peers)
        rows = tuple(peer_object(peer, now, _together(told, (peer,))) for peer in peers)
    where = paging(page, len(rows), total)
    return ok(ParticipantsAnswer(True, ParticipantsData(rows, where), where))


Told = dict[bytes, list[PeerEvent]]


async def events_of(call: Call, peers: list[Peer]) -> Told | None:
    """The events of each peer by its subject, if they were asked for."""
    if not call.query[INCLUDE_PEER_EVENTS]:
        return None
    presets = {peer.preset_name for peer in peers}
    view_types = await call.facade.sessions.view_types(call.app_id, presets)
    return {
        peer.subject: [event_object(e, view_types.get(peer.preset_name)) for e in peer_events(peer)]
        for peer in peers
    }


def _together(told: Told | None, peers: tuple[Peer, ...]) -> list[PeerEvent] | UnsetType:
    if told is None:
        return UNSET
    return [event for peer in peers for event in told[peer.subject]]


SESSIONS = Resource(
    "/sessions",
    {
        "GET": Operation(
            handler=list_sessions,
            name="getSessions",
            summary="List the sessions of an app",
            answer=SessionsAnswer,
            parameters=(
                ASSOCIATED_ID,
                START_TIME,
                END_TIME,
                PAGE_NO,
                SESSIONS_PER_PAGE,
                PEOPLE,
                SESSION_SEARCH,
                SESSION_SORT,
                SORT_ORDER,
                SESSION_STATUS,
                FINDING,
                MIN_SEVERITY,
                BROWSER,
                COUNTRY,
                MOS_BELOW,
            ),
        )
    },
    "Sessions",
)

SESSION = Resource(
    "/sessions/{session_id}",
    {
        "GET": Operation(
            handler=get_session,
            name="getSessionDetails",
            summary="Get a session",
            answer=SessionDetailsAnswer,
            parameters=(INCLUDE_BREAKOUT_ROOMS,),
        )
    },
    "Sessions",
)

PARTICIPANTS = Resource(
    "/sessions/{session_id}/participants",
    {
        "GET": Operation(
            handler=list_participants,
            name="getSessionParticipants",
            summary="List who was in a session",
            answer=ParticipantsAnswer,
            parameters=(
                PEER_SEARCH,
                PAGE_NO,
                PARTICIPANTS_PER_PAGE,
                PEER_SORT,
                SORT_ORDER,
                INCLUDE_PEER_EVENTS,
                INCLUDE_ATTEMPTS,
                VIEW,
            ),
        )
    },
    "Sessions",
)
