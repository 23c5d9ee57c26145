"""Bodies that name every member the SDKs declare, so that each can be looked for in the answer."""

from typing import Any

AI_CONFIG: dict[str, Any] = {
    "transcription": {"keywords": ["room"], "language": "en-US", "profanity_filter": False},
    "summarization": {"summary_type": "general", "text_format": "markdown", "word_limit": 500},
}

RECORDING_CONFIG: dict[str, Any] = {
    "audio_config": {"channel": "stereo", "codec": "AAC", "export_file": True},
    "file_name_prefix": "weekly",
    "live_streaming_config": {"rtmp_url": "rtmp://stream.example/live"},
    "max_seconds": 3600,
    "realtimekit_bucket_config": {"enabled": True},
    "storage_config": {
        "type": "aws",
        "auth_method": "KEY",
        "access_key": "example",
        "secret": "example",
        "bucket": "recordings",
        "host": "storage.example",
        "path": "/weekly",
        "port": 443,
        "region": "eu-west-1",
        "username": "example",
    },
    "video_config": {
        "codec": "H264",
        "export_file": True,
        "height": 720,
        "width": 1280,
        "watermark": {
            "position": "left top",
            "size": {"height": 20, "width": 20},
            "url": "https://example.com/logo.png",
        },
    },
}

_MAY = {"can_produce": "ALLOWED"}
_YES = (
    "accept_waiting_requests", "can_accept_production_requests", "can_edit_display_name",
    "can_change_participant_permissions", "can_livestream", "can_record", "can_spotlight",
    "disable_participant_audio", "disable_participant_screensharing", "disable_participant_video",
    "kick_participant", "pin_participant", "show_participant_list", "accept_stage_requests",
    "stage_enabled", "transcription_enabled",
)  # fmt: skip

PRESET: dict[str, Any] = {
    "name": "moderator",
    "config": {
        "max_screenshare_count": 1,
        "max_video_streams": {"desktop": 16, "mobile": 6},
        "media": {
            "screenshare": {"frame_rate": 5, "quality": "hd"},
            "video": {"frame_rate": 30, "quality": "vga", "simulcast": True},
            "audio": {"enable_high_bitrate": False, "enable_stereo": False},
        },
        "view_type": "GROUP_CALL",
        "livestream_viewer_qualities": [720],
    },
    "permissions": {
        **dict.fromkeys(_YES, True),
        "hidden_participant": False,
        "is_recorder": False,
        "stage_access": "ALLOWED",
        "recorder_type": "NONE",
        "waiting_room_type": "SKIP",
        "chat": {
            "private": {"can_receive": True, "can_send": True, "files": True, "text": True},
            "public": {"can_send": True, "files": True, "text": True},
        },
        "connected_meetings": {
            "can_alter_connected_meetings": True,
            "can_switch_connected_meetings": True,
            "can_switch_to_parent_meeting": True,
        },
        "media": {"audio": _MAY, "screenshare": _MAY, "video": _MAY},
        "plugins": {"can_close": True, "can_edit_config": True, "can_start": True, "config": {}},
        "polls": {"can_create": True, "can_view": True, "can_vote": True},
    },
    "ui": {
        "design_tokens": {
            "border_radius": "rounded",
            "border_width": "thin",
            "spacing_base": 4,
            "theme": "dark",
            "font_family": "Inter",
            "google_font": "Inter",
            "logo": "logo.svg",
            "colors": {
                "background": dict.fromkeys(("1000", "900", "800", "700", "600"), "#111111"),
                "brand": dict.fromkeys(("700", "600", "500", "400", "300"), "#2160fd"),
                "danger": "#ff2d2d",
                "success": "#62a504",
                "text": "#ffffff",
                "text_on_brand": "#ffffff",
                "video_bg": "#181818",
                "warning": "#ffcd07",
            },
        }
    },
}
