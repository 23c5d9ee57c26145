"""Every resource of the façade, in the order of the documentation."""

from roomtone.web.realtimekit.active import ACTIVE_SESSION, KICK, KICK_ALL
from roomtone.web.realtimekit.apps import APP, APPS
from roomtone.web.realtimekit.artifacts import CHAT, SUMMARY, TRANSCRIPT
from roomtone.web.realtimekit.call import Resource
from roomtone.web.realtimekit.invited import INVITED, INVITED_ONE, TOKEN
from roomtone.web.realtimekit.meetings import MEETING, MEETINGS
from roomtone.web.realtimekit.peer_report import PARTICIPANT, PEER_REPORT
from roomtone.web.realtimekit.presets import PRESET, PRESETS
from roomtone.web.realtimekit.sessions import PARTICIPANTS, SESSION, SESSIONS
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
    MEETINGS,
    MEETING,
    INVITED,
    INVITED_ONE,
    TOKEN,
    ACTIVE_SESSION,
    KICK,
    KICK_ALL,
    PRESETS,
    PRESET,
    WEBHOOKS,
    WEBHOOK_EVENTS,
    WEBHOOK,
    WEBHOOK_DELIVERIES,
    WEBHOOK_REPLAY_ONE,
    WEBHOOK_REPLAY,
    APPS,
    APP,
)
