"""``/apps`` of an account (contract 5)."""

from typing import Annotated

from msgspec import Meta, Struct

from roomtone.model.limits import MAX_NAME_CHARS
from roomtone.model.tenancy import App
from roomtone.model.times import iso
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok
from roomtone.web.realtimekit.parameters import (
    APP_SEARCH,
    NEIGHBOURS_PER_PAGE,
    PAGE_NO,
    SORT_ORDER,
    page_of,
)
from roomtone.web.realtimekit.session_answers import Paging, paging


class AppGiven(Struct):
    """Body of POST."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARS)]


class AppObject(Struct, frozen=True):
    id: str
    name: str
    created_at: str


class AppData(Struct, frozen=True):
    app: AppObject


class AppAnswer(Struct, frozen=True):
    success: bool
    data: AppData


class AppsAnswer(Struct, frozen=True):
    success: bool
    data: tuple[AppObject, ...]
    paging: Paging


def app_object(app: App) -> AppObject:
    """An app as it goes out: never with its key."""
    return AppObject(app.id, app.name, iso(app.created_at))


async def list_apps(call: Call) -> Answer:
    """Apps of the account, by the time they were made."""
    page = page_of(call.query, NEIGHBOURS_PER_PAGE)
    found, total = await call.facade.tenants.list_apps(
        call.account_id,
        page,
        search=call.query[APP_SEARCH],
        descending=call.query[SORT_ORDER] == "DESC",
    )
    rows = tuple(app_object(app) for app in found)
    return ok(AppsAnswer(True, rows, paging(page, len(rows), total)))


async def create_app(call: Call) -> Answer:
    """A new app with the default presets."""
    given = await call.given(AppGiven)
    app = await call.facade.tenants.create_app(call.account_id, given["name"])
    return ok(AppAnswer(True, AppData(app_object(app))))


async def get_app(call: Call) -> Answer:
    """One app."""
    app = call.facade.tenants.app(call.account_id, call.path["named_app_id"])
    return ok(AppAnswer(True, AppData(app_object(app))))


APPS = Resource(
    "/apps",
    {
        "GET": Operation(
            handler=list_apps,
            name="getApps",
            summary="List the apps of an account",
            answer=AppsAnswer,
            parameters=(PAGE_NO, NEIGHBOURS_PER_PAGE, APP_SEARCH, SORT_ORDER),
        ),
        "POST": Operation(
            handler=create_app,
            name="createApp",
            summary="Make an app",
            answer=AppAnswer,
            body=AppGiven,
        ),
    },
    "Apps",
    of_account=True,
)

APP = Resource(
    "/apps/{named_app_id}",
    {
        "GET": Operation(
            handler=get_app,
            name="getApp",
            summary="Get an app",
            answer=AppAnswer,
        )
    },
    "Apps",
    of_account=True,
)
