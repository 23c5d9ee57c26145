"""``/webhooks`` (contract 5), and Roomtone's own: the log of deliveries, and replays."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from roomtone.model.errors import Fault, Invalid
from roomtone.model.hooks import EVENTS, Delivery, Webhook
from roomtone.model.limits import MAX_NAME_CHARS
from roomtone.model.times import iso, iso_or_none, parse_iso
from roomtone.web.realtimekit.call import Answer, Call, Operation, Resource, ok
from roomtone.web.realtimekit.parameters import (
    DELIVERY_STATUS,
    NEIGHBOURS_PER_PAGE,
    PAGE_NO,
    page_of,
)
from roomtone.web.realtimekit.session_answers import Paging, paging

HookEvent = Literal[
    "meeting.started",
    "meeting.ended",
    "meeting.participantJoined",
    "meeting.participantLeft",
    "meeting.chatSynced",
    "recording.statusUpdate",
    "livestreaming.statusUpdate",
    "meeting.transcript",
    "meeting.summary",
    "session.findings",
]
HookName = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARS)]
HookUrl = Annotated[str, Meta(min_length=1)]
HookEvents = Annotated[list[HookEvent], Meta(min_length=1)]


class WebhookGiven(Struct, kw_only=True):
    """Body of POST and PUT."""

    name: HookName
    url: HookUrl
    events: HookEvents
    enabled: bool | UnsetType = UNSET


class WebhookChanged(Struct, kw_only=True):
    """Body of PATCH: what is given changes."""

    name: HookName | UnsetType = UNSET
    url: HookUrl | UnsetType = UNSET
    events: HookEvents | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class ReplayGiven(Struct, rename={"since": "from", "until": "to"}):
    """Body of a replay: when the events were first queued, ISO 8601, both ends included."""

    since: str
    until: str


class WebhookObject(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    url: str
    events: tuple[str, ...]
    enabled: bool
    created_at: str
    updated_at: str


class WebhookAnswer(Struct, frozen=True):
    success: bool
    data: WebhookObject


class WebhooksAnswer(Struct, frozen=True):
    success: bool
    data: tuple[WebhookObject, ...]


class WebhookEventsAnswer(Struct, frozen=True):
    success: bool
    data: tuple[str, ...]


class DeliveryObject(Struct, frozen=True, kw_only=True):
    """One event for one webhook. ``id`` is sent as ``rtk-uuid``; ``payload`` is the body."""

    id: str
    webhook_id: str
    event: str
    session_id: str
    status: str
    tries: int
    response_status: int | None
    response_body: str | None
    error: str | None
    created_at: str
    updated_at: str
    delivered_at: str | None
    next_try_at: str | None
    """Only while PENDING."""
    payload: dict[str, Any]


class DeliveryAnswer(Struct, frozen=True):
    success: bool
    data: DeliveryObject


class DeliveriesAnswer(Struct, frozen=True):
    success: bool
    data: tuple[DeliveryObject, ...]
    paging: Paging


class Replayed(Struct, frozen=True):
    replayed: int


class ReplayAnswer(Struct, frozen=True):
    success: bool
    data: Replayed


def webhook_object(webhook: Webhook) -> WebhookObject:
    """A webhook as it goes out."""
    return WebhookObject(
        id=webhook.id,
        name=webhook.name,
        url=webhook.url,
        events=webhook.events,
        enabled=webhook.enabled,
        created_at=iso(webhook.created_at),
        updated_at=iso(webhook.updated_at),
    )


def delivery_object(delivery: Delivery) -> DeliveryObject:
    """A line of the log as it goes out."""
    return DeliveryObject(
        id=delivery.id,
        webhook_id=delivery.webhook_id,
        event=delivery.event,
        session_id=delivery.session_id,
        status=delivery.status,
        tries=delivery.tries,
        response_status=delivery.response_status,
        response_body=delivery.response_body,
        error=delivery.error,
        created_at=iso(delivery.created_at),
        updated_at=iso(delivery.updated_at),
        delivered_at=iso_or_none(delivery.delivered_at),
        next_try_at=iso(delivery.next_try_at) if delivery.status == "PENDING" else None,
        payload=msgspec.json.decode(delivery.body),
    )


async def list_webhooks(call: Call) -> Answer:
    """Every webhook of the app, oldest first."""
    found = await call.facade.webhooks.find(call.app_id)
    return ok(WebhooksAnswer(True, tuple(webhook_object(webhook) for webhook in found)))


async def list_events(_: Call) -> Answer:
    """The events that a webhook can be made for."""
    return ok(WebhookEventsAnswer(True, EVENTS))


async def create_webhook(call: Call) -> Answer:
    """A new webhook; it is told of what happens from now on."""
    given = await call.given(WebhookGiven)
    webhook = await call.facade.webhooks.create(call.app_id, given)
    return ok(WebhookAnswer(True, webhook_object(webhook)), 201)


async def get_webhook(call: Call) -> Answer:
    """One webhook."""
    webhook = await call.facade.webhooks.get(call.app_id, call.path["webhook_id"])
    return ok(WebhookAnswer(True, webhook_object(webhook)))


async def put_webhook(call: Call) -> Answer:
    """Replace everything; `enabled` that is not given becomes true."""
    return await _change(call, await call.given(WebhookGiven), whole=True)


async def patch_webhook(call: Call) -> Answer:
    """Change what is given. What is queued waits while `enabled` is false."""
    return await _change(call, await call.given(WebhookChanged), whole=False)


async def _change(call: Call, given: dict[str, Any], *, whole: bool) -> Answer:
    webhook = await call.facade.webhooks.change(
        call.app_id, call.path["webhook_id"], given, whole=whole
    )
    return ok(WebhookAnswer(True, webhook_object(webhook)))


async def delete_webhook(call: Call) -> Answer:
    """Delete a webhook with its log and what is queued; the answer shows what it was."""
    webhook = await call.facade.webhooks.delete(call.app_id, call.path["webhook_id"])
    return ok(WebhookAnswer(True, webhook_object(webhook)))


async def list_deliveries(call: Call) -> Answer:
    """The log of a webhook, latest first. Roomtone's own."""
    page = page_of(call.query, NEIGHBOURS_PER_PAGE)
    found, total = await call.facade.webhooks.deliveries(
        call.app_id, call.path["webhook_id"], call.query[DELIVERY_STATUS], page
    )
    rows = tuple(delivery_object(delivery) for delivery in found)
    return ok(DeliveriesAnswer(True, rows, paging(page, len(rows), total)))


async def replay_delivery(call: Call) -> Answer:
    """Send one delivery again: the same body under the same `rtk-uuid`. Roomtone's own."""
    delivery = await call.facade.webhooks.replay(
        call.app_id, call.path["webhook_id"], call.path["delivery_id"]
    )
    return ok(DeliveryAnswer(True, delivery_object(delivery)))


async def replay_deliveries(call: Call) -> Answer:
    """Send again, in their order, all that was first queued in a span of time. Roomtone's own."""
    given = await call.given(ReplayGiven)
    faults = []
    times = {}
    for field, name in (("since", "from"), ("until", "to")):
        try:
            times[field] = parse_iso(given[field])
        except (ValueError, OverflowError):
            faults.append(Fault(f"/{name}", "must be a time in ISO 8601"))
    if faults:
        raise Invalid("The body is not valid.", tuple(faults))
    count = await call.facade.webhooks.replay_range(
        call.app_id, call.path["webhook_id"], times["since"], times["until"]
    )
    return ok(ReplayAnswer(True, Replayed(count)))


WEBHOOKS = Resource(
    "/webhooks",
    {
        "GET": Operation(
            handler=list_webhooks,
            name="getWebhooks",
            summary="List the webhooks of an app",
            answer=WebhooksAnswer,
        ),
        "POST": Operation(
            handler=create_webhook,
            name="createWebhook",
            summary="Make a webhook",
            answer=WebhookAnswer,
            status=201,
            body=WebhookGiven,
        ),
    },
    "Webhooks",
)

WEBHOOK_EVENTS = Resource(
    "/webhooks/all",
    {
        "GET": Operation(
            handler=list_events,
            name="getWebhookEvents",
            summary="List the events",
            answer=WebhookEventsAnswer,
        )
    },
    "Webhooks",
)

WEBHOOK = Resource(
    "/webhooks/{webhook_id}",
    {
        "GET": Operation(
            handler=get_webhook,
            name="getWebhookById",
            summary="Get a webhook",
            answer=WebhookAnswer,
        ),
        "PUT": Operation(
            handler=put_webhook,
            name="replaceWebhook",
            summary="Replace a webhook",
            answer=WebhookAnswer,
            body=WebhookGiven,
        ),
        "PATCH": Operation(
            handler=patch_webhook,
            name="editWebhook",
            summary="Change a webhook",
            answer=WebhookAnswer,
            body=WebhookChanged,
        ),
        "DELETE": Operation(
            handler=delete_webhook,
            name="deleteWebhook",
            summary="Delete a webhook",
            answer=WebhookAnswer,
        ),
    },
    "Webhooks",
)

WEBHOOK_DELIVERIES = Resource(
    "/webhooks/{webhook_id}/deliveries",
    {
        "GET": Operation(
            handler=list_deliveries,
            name="getWebhookDeliveries",
            summary="List the deliveries of a webhook",
            answer=DeliveriesAnswer,
            parameters=(PAGE_NO, NEIGHBOURS_PER_PAGE, DELIVERY_STATUS),
        )
    },
    "Webhooks",
)

WEBHOOK_REPLAY_ONE = Resource(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
    {
        "POST": Operation(
            handler=replay_delivery,
            name="replayWebhookDelivery",
            summary="Send a delivery again",
            answer=DeliveryAnswer,
        )
    },
    "Webhooks",
)

WEBHOOK_REPLAY = Resource(
    "/webhooks/{webhook_id}/replay",
    {
        "POST": Operation(
            handler=replay_deliveries,
            name="replayWebhookDeliveries",
            summary="Send the deliveries of a span of time again",
            answer=ReplayAnswer,
            body=ReplayGiven,
        )
    },
    "Webhooks",
)
