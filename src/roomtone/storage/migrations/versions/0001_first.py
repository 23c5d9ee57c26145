"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table."""
    _tenants()
    _rooms()
    _people()
    _sessions()
    _peers()
    _reports()
    _webhooks()
    _words()
    _artifacts()
    _journal()


def _tenants() -> None:
    """Accounts, apps, API tokens."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
    )
    op.create_table(
        "apps",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("signing_key", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("searchable", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_apps"),
    )
    op.create_index("ix_apps_account_id_created_at_id", "apps", ["account_id", "created_at", "id"])
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("sha256", name="uq_api_tokens_sha256"),
    )
    op.create_index(
        "ix_api_tokens_account_id_created_at_id", "api_tokens", ["account_id", "created_at", "id"]
    )


def _rooms() -> None:
    """Meetings and presets."""
    op.create_table(
        "meetings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("parent_meeting_id", sa.String()),
        sa.Column("record_on_start", sa.Boolean(), nullable=False),
        sa.Column("live_stream_on_start", sa.Boolean(), nullable=False),
        sa.Column("persist_chat", sa.Boolean(), nullable=False),
        sa.Column("transcribe_on_end", sa.Boolean(), nullable=False),
        sa.Column("summarize_on_end", sa.Boolean(), nullable=False),
        sa.Column("session_keep_alive_time_in_secs", sa.Integer(), nullable=False),
        sa.Column("ai_config", sa.Text()),
        sa.Column("recording_config", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("searchable", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_meetings"),
    )
    op.create_index("ix_meetings_app_id_created_at_id", "meetings", ["app_id", "created_at", "id"])
    op.create_table(
        "presets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_presets"),
    )
    op.create_index("ix_presets_app_id_created_at_id", "presets", ["app_id", "created_at", "id"])
    op.create_index("ix_presets_app_id_name", "presets", ["app_id", "name"])


def _people() -> None:
    """Participants."""
    op.create_table(
        "participants",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("meeting_id", sa.String(), nullable=False),
        sa.Column("custom_participant_id", sa.Text(), nullable=False),
        sa.Column("preset_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("picture", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_participants"),
    )
    op.create_index(
        "ix_participants_meeting_id_created_at_id",
        "participants",
        ["meeting_id", "created_at", "id"],
    )


def _sessions() -> None:
    """Sessions."""
    op.create_table(
        "sessions",
        sa.Column("ordinal", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("meeting_id", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("live_participants", sa.Integer(), nullable=False),
        sa.Column("max_concurrent_participants", sa.Integer(), nullable=False),
        sa.Column("total_participants", sa.Integer(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=False),
        sa.Column("live_since_sum", sa.BigInteger(), nullable=False),
        sa.Column("sort_ms", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("end_reason", sa.String()),
        sa.Column("empty_since", sa.BigInteger()),
        sa.Column("parent_session_id", sa.String()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger()),
        sa.Column("trimmed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("ordinal", name="pk_sessions"),
        sa.UniqueConstraint("id", name="uq_sessions_id"),
    )
    op.create_index(
        "ix_sessions_meeting_id_started_at_ended_at",
        "sessions",
        ["meeting_id", "started_at", "ended_at"],
    )
    op.create_index("ix_sessions_parent_session_id", "sessions", ["parent_session_id"])
    op.create_index("ix_sessions_revision", "sessions", ["revision"])
    op.create_index(
        "ix_sessions_sealed_at_status_ended_at", "sessions", ["sealed_at", "status", "ended_at"]
    )
    op.create_index("ix_sessions_status_meeting_id", "sessions", ["status", "meeting_id"])


def _peers() -> None:
    """Peers."""
    op.create_table(
        "peers",
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("peer_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("custom_participant_id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("preset_name", sa.Text(), nullable=False),
        sa.Column("picture", sa.Text()),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger()),
        sa.Column("left_reason", sa.String()),
        sa.Column("last_sign_at", sa.BigInteger(), nullable=False),
        sa.Column("vouched_at", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("searchable", sa.Text(), nullable=False),
        sa.Column("presence", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_peers"),
    )
    op.create_index("ix_peers_app_id_peer_id", "peers", ["app_id", "peer_id"])
    op.create_index("ix_peers_left_at_last_sign_at", "peers", ["left_at", "last_sign_at"])
    op.create_index(
        "ix_peers_stays", "peers", ["session_id", "joined_at", "peer_id", "left_at", "user_id"]
    )


def _reports() -> None:
    """Reports, quarantine, cursors."""
    op.create_table(
        "reports",
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("peer_id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_reports"),
    )
    op.create_index("ix_reports_app_id_peer_id", "reports", ["app_id", "peer_id"])
    op.create_table(
        "quarantine",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
    )
    op.create_index(
        "ix_quarantine_app_id_received_at_id", "quarantine", ["app_id", "received_at", "id"]
    )
    op.create_index("ix_quarantine_received_at_id", "quarantine", ["received_at", "id"])
    op.create_table(
        "cursors",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_cursors"),
    )


def _webhooks() -> None:
    """Webhooks, their deliveries, the keys that sign them."""
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_index("ix_webhooks_app_id_created_at_id", "webhooks", ["app_id", "created_at", "id"])
    op.create_table(
        "deliveries",
        sa.Column("ordinal", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("webhook_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("response_status", sa.Integer()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger()),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("response_body", sa.Text()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ordinal", name="pk_deliveries"),
        sa.UniqueConstraint("id", name="uq_deliveries_id"),
        sa.UniqueConstraint("webhook_id", "cause", name="uq_deliveries_webhook_id_cause"),
    )
    op.create_index(
        "ix_deliveries_due", "deliveries", ["webhook_id", "status", "next_try_at", "ordinal"]
    )
    op.create_index("ix_deliveries_webhook_id_ordinal", "deliveries", ["webhook_id", "ordinal"])
    op.create_index("ix_deliveries_session_id", "deliveries", ["session_id"])
    op.create_index("ix_deliveries_created_at", "deliveries", ["created_at"])
    op.create_table(
        "signing_keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("private_pem", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_keys"),
    )


def _words() -> None:
    """Messages, segments, and how far they have come."""
    for name in ("messages", "segments"):
        op.create_table(
            name,
            sa.Column("session_id", sa.String(), nullable=False),
            sa.Column("id", sa.String(), nullable=False),
            sa.Column("app_id", sa.String(), nullable=False),
            sa.Column("at", sa.BigInteger(), nullable=False),
            sa.Column("shown", sa.Boolean(), nullable=False),
            sa.Column("kept", sa.LargeBinary(), nullable=False),
            sa.PrimaryKeyConstraint("session_id", "id", name=f"pk_{name}"),
        )
        for columns in (["session_id", "shown", "at", "id"], ["shown", "at", "id"]):
            op.create_index(f"ix_{name}_{'_'.join(columns)}", name, columns)
    op.create_table(
        "spoken",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("chat_revision", sa.BigInteger(), nullable=False),
        sa.Column("transcript_revision", sa.BigInteger(), nullable=False),
        sa.Column("chat_made", sa.BigInteger(), nullable=False),
        sa.Column("transcript_made", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("chat_dropped_at", sa.BigInteger()),
        sa.Column("transcript_dropped_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("session_id", name="pk_spoken"),
    )
    op.create_index("ix_spoken_due_changed_at", "spoken", ["due", "changed_at"])
    op.create_table(
        "pending_words",
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_pending_words"),
    )


def _artifacts() -> None:
    """Files, and requests for summaries."""
    op.create_table(
        "artifacts",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("blob_key", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "kind", "format", name="pk_artifacts"),
    )
    op.create_table(
        "summary_jobs",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_summary_jobs"),
        sa.UniqueConstraint("id", name="uq_summary_jobs_id"),
    )
    op.create_index(
        "ix_summary_jobs_status_requested_at", "summary_jobs", ["status", "requested_at"]
    )


def _journal() -> None:
    """The journal."""
    op.create_table(
        "journal",
        sa.Column("position", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger()),
        sa.Column("t_min", sa.BigInteger(), nullable=False),
        sa.Column("t_max", sa.BigInteger(), nullable=False),
        sa.Column("presence", sa.LargeBinary(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_journal"),
        sa.UniqueConstraint("subject", "key", name="uq_journal_subject_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "journal_subjects",
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("meeting_id", sa.String(), nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("peer_id", sa.String(), nullable=False),
        sa.Column("packed_keys", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("subject", name="pk_journal_subjects"),
    )
    op.create_table(
        "journal_chunks",
        sa.Column("id", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("position", sa.BigInteger()),
        sa.Column("t_min", sa.BigInteger(), nullable=False),
        sa.Column("t_max", sa.BigInteger(), nullable=False),
        sa.Column("presence", sa.LargeBinary(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal_chunks"),
    )
    op.create_index("ix_journal_chunks_position", "journal_chunks", ["position"])
    op.create_index("ix_journal_chunks_subject", "journal_chunks", ["subject"])
