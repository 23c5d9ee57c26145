"""Presets: named sets of permissions and looks. Roomtone reads the view type, and keeps all.

A new app has the names that the vendor's dashboard makes, so integrations find what they name.
"""

from typing import Any

from msgspec.structs import replace

from roomtone.model.errors import Fault, Invalid, NotFound
from roomtone.model.rooms import Preset
from roomtone.ports.clock import Clock
from roomtone.ports.records import Page, Records, Transaction

VIEW_TYPES = ("GROUP_CALL", "WEBINAR", "AUDIO_ROOM", "LIVESTREAM", "CHAT")

DEFAULT_PRESETS: tuple[tuple[str, str, bool], ...] = (
    # name, view type, whether its holders run the room
    ("group_call_host", "GROUP_CALL", True),
    ("group_call_participant", "GROUP_CALL", False),
    ("group_call_guest", "GROUP_CALL", False),
    ("webinar_presenter", "WEBINAR", True),
    ("webinar_viewer", "WEBINAR", False),
    ("livestream_host", "LIVESTREAM", True),
    ("livestream_viewer", "LIVESTREAM", False),
)

EVERY = Page(0, 100_000)
"""An app has a dozen presets, so a search looks at all of them."""

NO_SUCH_PRESET = "No such preset."


def default_presets(app_id: str, clock: Clock) -> list[Preset]:
    """The presets of a new app."""
    return [
        _new(app_id, name, _default_config(view_type, host=host), clock)
        for name, view_type, host in DEFAULT_PRESETS
    ]


def view_type_of(preset: Preset | None) -> str | None:
    """The ``view_type`` a preset was made with; None where it is not known."""
    if preset is None:
        return None
    config = preset.config.get("config")
    given = config.get("view_type") if isinstance(config, dict) else None
    return given if given in VIEW_TYPES else None


class Presets:
    """The presets of apps. What is stored is ``{config, permissions, ui}``, as far as given."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def find(
        self, app_id: str, page: Page, search: str | None = None
    ) -> tuple[list[Preset], int]:
        """A slice of an app's presets, and how many there are; ``search``: part of the name."""
        if search is None:
            return await self._records.read(lambda tx: tx.rooms.presets(app_id, page))
        wanted = search.casefold()
        presets, _ = await self._records.read(lambda tx: tx.rooms.presets(app_id, EVERY))
        found = [preset for preset in presets if wanted in preset.name.casefold()]
        return found[page.offset : page.offset + page.limit], len(found)

    async def get(self, app_id: str, preset_id: str) -> Preset:
        """Raises NotFound."""
        return await self._records.read(lambda tx: _known(tx, app_id, preset_id))

    async def create(self, app_id: str, name: str, parts: dict[str, Any]) -> Preset:
        """Raises Invalid if the name is taken."""
        preset = _new(app_id, name, parts, self._clock)

        def make(tx: Transaction) -> None:
            _free(tx, app_id, name)
            tx.rooms.put_preset(preset)

        await self._records.write(make)
        return preset

    async def change(
        self,
        app_id: str,
        preset_id: str,
        name: str | None,
        parts: dict[str, Any],
        *,
        whole: bool,
    ) -> Preset:
        """Merge into a preset what is given, or replace it ``whole``. Raises NotFound, Invalid."""
        now = self._clock.now()

        def change(tx: Transaction) -> Preset:
            before = _known(tx, app_id, preset_id)
            if name is not None and name != before.name:
                _free(tx, app_id, name)
            preset = replace(
                before,
                name=before.name if name is None else name,
                config=parts if whole else merged(before.config, parts),
                updated_at=now,
            )
            tx.rooms.put_preset(preset)
            return preset

        return await self._records.write(change)

    async def delete(self, app_id: str, preset_id: str) -> Preset:
        """Delete a preset; who has it keeps its name. Raises NotFound."""

        def delete(tx: Transaction) -> Preset:
            preset = _known(tx, app_id, preset_id)
            tx.rooms.delete_preset(preset.id)
            return preset

        return await self._records.write(delete)


def merged(before: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """``given`` laid over ``before``; objects merge, everything else is replaced."""
    result = dict(before)
    for name, value in given.items():
        both = isinstance(result.get(name), dict) and isinstance(value, dict)
        result[name] = merged(result[name], value) if both else value
    return result


def _known(tx: Transaction, app_id: str, preset_id: str) -> Preset:
    preset = tx.rooms.preset(app_id, preset_id)
    if preset is None:
        raise NotFound(NO_SUCH_PRESET)
    return preset


def _free(tx: Transaction, app_id: str, name: str) -> None:
    # Not a 409, which the vendor's SDKs would send twice more (contract 1.10).
    if tx.rooms.preset_named(app_id, name) is not None:
        why = f"a preset named {name!r} exists already"
        raise Invalid("The name is taken.", (Fault("/name", why),))


def _new(app_id: str, name: str, parts: dict[str, Any], clock: Clock) -> Preset:
    now = clock.now()
    return Preset(
        id=clock.new_id(), app_id=app_id, name=name, config=parts, created_at=now, updated_at=now
    )


def _default_config(view_type: str, *, host: bool) -> dict[str, Any]:
    """All that the vendor's SDKs require of a preset (types of py 5.9.0, preset_create_params)."""
    speaks = host or view_type == "GROUP_CALL"
    produce = {"can_produce": "ALLOWED" if speaks else "NOT_ALLOWED"}
    return {
        "config": {
            "view_type": view_type,
            "max_screenshare_count": 1,
            "max_video_streams": {"desktop": 9, "mobile": 6},
            "media": {
                "video": {"quality": "hd", "frame_rate": 30},
                "screenshare": {"quality": "hd", "frame_rate": 5},
            },
        },
        "permissions": {
            "accept_waiting_requests": host,
            "can_accept_production_requests": host,
            "can_change_participant_permissions": host,
            "can_edit_display_name": True,
            "can_livestream": host and view_type == "LIVESTREAM",
            "can_record": host,
            "can_spotlight": host,
            "chat": {
                "public": {"can_send": True, "text": True, "files": True},
                "private": {"can_send": True, "can_receive": True, "text": True, "files": True},
            },
            "connected_meetings": {
                "can_alter_connected_meetings": host,
                "can_switch_connected_meetings": host,
                "can_switch_to_parent_meeting": host,
            },
            "disable_participant_audio": host,
            "disable_participant_screensharing": host,
            "disable_participant_video": host,
            "hidden_participant": False,
            "kick_participant": host,
            "media": {"audio": produce, "video": produce, "screenshare": produce},
            "pin_participant": host,
            "plugins": {
                "can_close": host,
                "can_edit_config": host,
                "can_start": host,
                "config": {},
            },
            "polls": {"can_create": host, "can_view": True, "can_vote": True},
            "recorder_type": "NONE",
            "show_participant_list": True,
            "transcription_enabled": False,
            "waiting_room_type": "SKIP",
        },
        "ui": {"design_tokens": _DESIGN_TOKENS},
    }


_DESIGN_TOKENS = {
    "border_radius": "rounded",
    "border_width": "thin",
    "spacing_base": 4,
    "theme": "dark",
    "colors": {
        "brand": {
            "300": "#844d1c",
            "400": "#9d5b22",
            "500": "#b56927",
            "600": "#d37c30",
            "700": "#d9904f",
        },
        "background": {
            "600": "#222222",
            "700": "#1f1f1f",
            "800": "#1b1b1b",
            "900": "#181818",
            "1000": "#141414",
        },
        "danger": "#ff2d2d",
        "success": "#62a504",
        "text": "#eeeeee",
        "text_on_brand": "#eeeeee",
        "video_bg": "#191919",
        "warning": "#ffcd07",
    },
}
