"""``roomtone webhook``: what webhooks were told, telling them again, and the key that signs."""

import json
import time

import click
import msgspec

from roomtone.cli.options import on_folder, with_settings
from roomtone.model.errors import Fault, Invalid, NotFound
from roomtone.model.hooks import DELIVERED, FAILED, PENDING, Delivery, Webhook
from roomtone.model.times import iso, iso_or_none, parse_iso
from roomtone.ports.records import Page
from roomtone.settings import Settings
from roomtone.wiring import Roomtone

SHOWN = 50


@click.group()
def webhook() -> None:
    """Webhooks: list, look at deliveries, replay, change the signing key."""


@webhook.command(name="list")
@click.option("--app", "app_id", help="Only of this app.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data")
def list_(settings: Settings, *, app_id: str | None, as_json: bool) -> None:
    """List the webhooks."""

    async def work(roomtone: Roomtone) -> list[Webhook]:
        return await roomtone.webhooks.find(app_id)

    found = on_folder(settings, work)
    if as_json:
        click.echo(json.dumps([_webhook_row(one) for one in found]))
        return
    for one in found:
        state = "on " if one.enabled else "off"
        click.echo(f"{one.id}  {state}  {one.name}  {one.url}\n  {', '.join(one.events)}")


@webhook.command()
@click.argument("webhook_id")
@click.option("--status", type=click.Choice([PENDING, DELIVERED, FAILED]), help="Only these.")
@click.option("--limit", type=click.IntRange(1), default=SHOWN, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data")
def deliveries(
    settings: Settings, *, webhook_id: str, status: str | None, limit: int, as_json: bool
) -> None:
    """Show the log of a webhook, latest first."""

    async def work(roomtone: Roomtone) -> tuple[list[Delivery], int]:
        known = await _known(roomtone, webhook_id)
        page = Page(0, limit)
        return await roomtone.webhooks.deliveries(known.app_id, known.id, status, page)

    found, total = on_folder(settings, work)
    if as_json:
        click.echo(json.dumps([_delivery_row(one) for one in found]))
        return
    for one in found:
        came = one.error or (f"{one.response_status}" if one.response_status else "not tried yet")
        click.echo(
            f"{iso(one.created_at)}  {one.status:9}  {one.event:26}  {one.id}  "
            f"{one.tries} tries, {came}"
        )
    if total > len(found):
        click.echo(f"… and {total - len(found)} older.")


@webhook.command()
@click.argument("webhook_id")
@click.argument("delivery_id", required=False)
@click.option("--from", "since", help="Send all again that was queued from this time, ISO 8601.")
@click.option("--to", "until", help="… up to this time; now, if not given.")
@with_settings("data")
def replay(
    settings: Settings,
    *,
    webhook_id: str,
    delivery_id: str | None,
    since: str | None,
    until: str | None,
) -> None:
    """Send a delivery, or all of a span of time, again: same bodies, same rtk-uuid.

    They are queued; a running `roomtone serve` sends them.
    """
    if (delivery_id is None) == (since is None):
        raise click.UsageError("Give a delivery's id, or --from and maybe --to.")
    now = iso(time.time_ns() // 1_000_000)
    span = None if since is None else (_time("--from", since), _time("--to", until or now))

    async def work(roomtone: Roomtone) -> int:
        known = await _known(roomtone, webhook_id)
        if span is not None:
            return await roomtone.webhooks.replay_range(known.app_id, known.id, *span)
        await roomtone.webhooks.replay(known.app_id, known.id, delivery_id or "")
        return 1

    count = on_folder(settings, work)
    click.echo(f"{count} {'delivery is' if count == 1 else 'deliveries are'} queued again.")


@webhook.command(name="rotate-key")
@with_settings("data")
def rotate_key(settings: Settings) -> None:
    """Make a new signing key, in use at once. Receivers must fetch the public key anew."""

    async def work(roomtone: Roomtone) -> str:
        await roomtone.hook_keys.rotate()
        return await roomtone.hook_keys.public_pem()

    click.echo(on_folder(settings, work))


async def _known(roomtone: Roomtone, webhook_id: str) -> Webhook:
    for one in await roomtone.webhooks.find(None):
        if one.id == webhook_id:
            return one
    raise NotFound("No such webhook: `roomtone webhook list` shows those there are.")


def _time(option: str, text: str) -> int:
    try:
        return parse_iso(text)
    except (ValueError, OverflowError):
        raise Invalid("Not a time.", (Fault(option, "must be a time in ISO 8601"),)) from None


def _webhook_row(one: Webhook) -> dict[str, object]:
    return {
        "id": one.id,
        "app_id": one.app_id,
        "name": one.name,
        "url": one.url,
        "events": list(one.events),
        "enabled": one.enabled,
        "created_at": iso(one.created_at),
        "updated_at": iso(one.updated_at),
    }


def _delivery_row(one: Delivery) -> dict[str, object]:
    return {
        "id": one.id,
        "event": one.event,
        "session_id": one.session_id,
        "status": one.status,
        "tries": one.tries,
        "response_status": one.response_status,
        "error": one.error,
        "created_at": iso(one.created_at),
        "delivered_at": iso_or_none(one.delivered_at),
        "payload": msgspec.json.decode(one.body),
    }
