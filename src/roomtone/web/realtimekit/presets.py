"""``/presets`` (contract 5). Roomtone checks what it reads (the view type) and keeps the rest."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from roomtone.model.limits import MAX_NAME_CHARS
from roomtone.model.rooms import Preset
from roomtone.model.times import iso
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok
from roomtone.web.realtimekit.parameters import NEIGHBOURS_PER_PAGE, PAGE_NO, PRESET_SEARCH, page_of
from roomtone.web.realtimekit.session_answers import Paging, paging

PresetName = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARS)]


class PresetConfigGiven(Struct):
    view_type: Literal["GROUP_CALL", "WEBINAR", "AUDIO_ROOM", "LIVESTREAM", "CHAT"] | UnsetType = (
        UNSET
    )


class PresetPermissionsGiven(Struct):
    waiting_room_type: Literal["SKIP", "ON_PRIVILEGED_USER_ENTRY", "SKIP_ON_ACCEPT"] | UnsetType = (
        UNSET
    )
    transcription_enabled: bool | UnsetType = UNSET


class PresetGiven(Struct, kw_only=True):
    """Body of POST and PUT."""

    name: PresetName
    config: PresetConfigGiven | UnsetType = UNSET
    permissions: PresetPermissionsGiven | UnsetType = UNSET
    ui: dict[str, Any] | UnsetType = UNSET


class PresetChanged(PresetGiven, kw_only=True):
    """Body of PATCH: objects merge into what is there."""

    name: PresetName | UnsetType = UNSET  # type: ignore[assignment]


class PresetRow(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    created_at: str
    updated_at: str


class PresetObject(PresetRow, frozen=True, kw_only=True):
    config: dict[str, Any]
    permissions: dict[str, Any]
    ui: dict[str, Any]


class PresetAnswer(Struct, frozen=True):
    success: bool
    data: PresetObject


class PresetsAnswer(Struct, frozen=True):
    success: bool
    data: tuple[PresetRow, ...]
    paging: Paging


def preset_object(preset: Preset) -> PresetObject:
    """A preset as it goes out."""
    return PresetObject(
        id=preset.id,
        name=preset.name,
        created_at=iso(preset.created_at),
        updated_at=iso(preset.updated_at),
        config=preset.config.get("config", {}),
        permissions=preset.config.get("permissions", {}),
        ui=preset.config.get("ui", {}),
    )


async def list_presets(call: Call) -> Answer:
    """Presets of the app."""
    page = page_of(call.query, NEIGHBOURS_PER_PAGE)
    found, total = await call.facade.rooms.presets.find(
        call.app_id, page, call.query[PRESET_SEARCH]
    )
    rows = tuple(
        PresetRow(
            id=preset.id,
            name=preset.name,
            created_at=iso(preset.created_at),
            updated_at=iso(preset.updated_at),
        )
        for preset in found
    )
    return ok(PresetsAnswer(True, rows, paging(page, len(rows), total)))


async def create_preset(call: Call) -> Answer:
    """A new preset."""
    parts = await call.given(PresetGiven)
    name = parts.pop("name")
    preset = await call.facade.rooms.presets.create(call.app_id, name, parts)
    return ok(PresetAnswer(True, preset_object(preset)), 201)


async def get_preset(call: Call) -> Answer:
    """One preset."""
    preset = await call.facade.rooms.presets.get(call.app_id, call.path["preset_id"])
    return ok(PresetAnswer(True, preset_object(preset)))


async def patch_preset(call: Call) -> Answer:
    """Merge in what is given."""
    return await _change(call, await call.given(PresetChanged), whole=False)


async def put_preset(call: Call) -> Answer:
    """Replace everything."""
    return await _change(call, await call.given(PresetGiven), whole=True)


async def _change(call: Call, parts: dict[str, Any], *, whole: bool) -> Answer:
    name = parts.pop("name", None)
    preset = await call.facade.rooms.presets.change(
        call.app_id, call.path["preset_id"], name, parts, whole=whole
    )
    return ok(PresetAnswer(True, preset_object(preset)))


async def delete_preset(call: Call) -> Answer:
    """Delete a preset; the answer shows what it was."""
    preset = await call.facade.rooms.presets.delete(call.app_id, call.path["preset_id"])
    return ok(PresetAnswer(True, preset_object(preset)))


PRESETS = Resource(
    "/presets",
    {
        "GET": Operation(
            handler=list_presets,
            name="getPresets",
            summary="List the presets of an app",
            answer=PresetsAnswer,
            parameters=(PAGE_NO, NEIGHBOURS_PER_PAGE, PRESET_SEARCH),
        ),
        "POST": Operation(
            handler=create_preset,
            name="createPreset",
            summary="Make a preset",
            answer=PresetAnswer,
            status=201,
            body=PresetGiven,
        ),
    },
    "Presets",
)

PRESET = Resource(
    "/presets/{preset_id}",
    {
        "GET": Operation(
            handler=get_preset,
            name="getPresetById",
            summary="Get a preset",
            answer=PresetAnswer,
        ),
        "PATCH": Operation(
            handler=patch_preset,
            name="updatePreset",
            summary="Change a preset",
            answer=PresetAnswer,
            body=PresetChanged,
        ),
        "PUT": Operation(
            handler=put_preset,
            name="replacePresetById",
            summary="Replace a preset",
            answer=PresetAnswer,
            body=PresetGiven,
        ),
        "DELETE": Operation(
            handler=delete_preset,
            name="deletePreset",
            summary="Delete a preset",
            answer=PresetAnswer,
        ),
    },
    "Presets",
)
