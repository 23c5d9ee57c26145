"""Artifacts: the files of a session (chat, transcript, summary), and the making of summaries."""

from msgspec import Struct

CHAT = "chat"
TRANSCRIPT = "transcript"
SUMMARY = "summary"

QUEUED = "QUEUED"
IN_PROGRESS = "IN_PROGRESS"
COMPLETED = "COMPLETED"
FAILED = "FAILED"


class Artifact(Struct, frozen=True, kw_only=True):
    """A file of an ENDED session, written once. One per (session, kind, format)."""

    session_id: str
    app_id: str
    kind: str
    format: str
    """Transcript: ``CSV``, ``JSON``, ``SRT``, ``VTT``. Chat: ``CSV``. Summary: its text format."""
    blob_key: str
    size: int
    made_at: int


class SummaryJob(Struct, frozen=True, kw_only=True):
    """The latest request for a summary of a session."""

    id: str
    session_id: str
    app_id: str
    status: str = QUEUED
    reason: str | None = None
    """Why it FAILED, in words for a person."""
    model: str = ""
    """What made it: ``extractive-1``, or the name of the endpoint's model."""
    requested_at: int
    updated_at: int
