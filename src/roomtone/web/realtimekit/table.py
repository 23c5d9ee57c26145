"""Every resource of the façade, in the order of the documentation."""

from roomtone.web.realtimekit.active import ACTIVE_SESSION, KICK, KICK_ALL
from roomtone.web.realtimekit.analytics import DAYWISE, OVERVIEW
from roomtone.web.realtimekit.api_tokens import API_TOKEN, API_TOKENS
from roomtone.web.realtimekit.apps import APP, APPS
from roomtone.web.realtimekit.artifacts import CHAT, SUMMARY, TRANSCRIPT
from roomtone.web.realtimekit.attendance import MEETING_ATTENDANCE, SESSION_ATTENDANCE
from roomtone.web.realtimekit.call import Resource
from roomtone.web.realtimekit.findings import CATALOGUE, THRESHOLDS
from roomtone.web.realtimekit.imports import IMPORTS
from roomtone.web.realtimekit.inlets import INLET, INLETS
from roomtone.web.realtimekit.invitation import INVITATION
from roomtone.web.realtimekit.invited import INVITED, INVITED_ONE, TOKEN
from roomtone.web.realtimekit.meetings import MEETING, MEETINGS
from roomtone.web.realtimekit.origins import ORIGINS
from roomtone.web.realtimekit.peer_report import PARTICIPANT, PEER_REPORT
from roomtone.web.realtimekit.presets import PRESET, PRESETS
from roomtone.web.realtimekit.sessions import PARTICIPANTS, SESSION, SESSIONS
from roomtone.web.realtimekit.timeline import (
    RECEIVED,
    SESSION_DELIVERIES,
    SESSION_TIMELINE,
    SESSION_WORDS,
)
from roomtone.web.realtimekit.webhooks import (
    WEBHOOK,
    WEBHOOK_DELIVERIES,
    WEBHOOK_EVENTS,
    WEBHOOK_REPLAY,
    WEBHOOK_REPLAY_ONE,
    WEBHOOKS,
)

RESOURCES: tuple[Resource, ...] = (
    SESSIONS,
    SESSION,
    PARTICIPANTS,
    PARTICIPANT,
    PEER_REPORT,
    CHAT,
    TRANSCRIPT,
    SUMMARY,
    SESSION_ATTENDANCE,
    SESSION_TIMELINE,
    SESSION_WORDS,
    SESSION_DELIVERIES,
    RECEIVED,
    IMPORTS,
    MEETINGS,
    MEETING,
    MEETING_ATTENDANCE,
    INVITED,
    INVITED_ONE,
    TOKEN,
    INVITATION,
    ACTIVE_SESSION,
    KICK,
    KICK_ALL,
    PRESETS,
    PRESET,
    DAYWISE,
    OVERVIEW,
    CATALOGUE,
    THRESHOLDS,
    WEBHOOKS,
    WEBHOOK_EVENTS,
    WEBHOOK,
    WEBHOOK_DELIVERIES,
    WEBHOOK_REPLAY_ONE,
    WEBHOOK_REPLAY,
    INLETS,
    INLET,
    ORIGINS,
    APPS,
    APP,
    API_TOKENS,
    API_TOKEN,
)
