"""``roomtone mirror``: follow a Cloudflare RealtimeKit app."""

import asyncio
import json
import os
from typing import TextIO

import click
from msgspec import to_builtins

from roomtone.cli.apps import only_app
from roomtone.cli.export import When
from roomtone.cli.options import on_folder, with_settings
from roomtone.jobs.mirroring import CloudflareVendor
from roomtone.model.errors import Failed
from roomtone.services.mirror import Mirror, Mirrored
from roomtone.settings import Settings
from roomtone.wiring import Roomtone

TOKEN_VARIABLE = "CLOUDFLARE_API_TOKEN"  # noqa: S105
MIN_EVERY_MINUTES = 1


@click.command()
@click.option("--account", "account_id", required=True, help="The account at Cloudflare.")
@click.option("--from-app", "their_app", required=True, help="The RealtimeKit app to follow.")
@click.option("--app", "app_id", help="The app to mirror into; needed when there are several.")
@click.option(
    "--token-file",
    type=click.File("r"),
    help=f"A file with the API token (- reads standard input); else ${TOKEN_VARIABLE}.",
)
@click.option("--base-url", help="Another service with this API, such as a second Roomtone.")
@click.option("--since", type=When(), help="Sessions from then on; ISO 8601. Else all there are.")
@click.option("--rate", type=float, default=3.0, show_default=True, help="Requests a second.")
@click.option("--once", is_flag=True, help="One round; so it is without --every.")
@click.option(
    "--every", type=click.IntRange(MIN_EVERY_MINUTES), help="A round every so many minutes."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per round.")
@with_settings("data")
def mirror(
    settings: Settings,
    *,
    account_id: str,
    their_app: str,
    app_id: str | None,
    token_file: TextIO | None,
    base_url: str | None,
    since: int | None,
    rate: float,
    once: bool,
    every: int | None,
    as_json: bool,
) -> None:
    """Follow a Cloudflare RealtimeKit app: take in its sessions, participants, peer reports, chat,
    transcripts and summaries before the vendor deletes them.

    What was taken in is passed over the next time; a round that was stopped goes on where it
    stopped. Peer reports are kept as they came, and no rebuild touches them.
    """
    if once and every:
        raise click.UsageError("--once and --every exclude each other.")
    token = (
        os.environ.get(TOKEN_VARIABLE, "") if token_file is None else token_file.read()
    ).strip()
    if not token:
        raise Failed("There is no API token.", f"Set {TOKEN_VARIABLE} or give --token-file.")

    async def work(roomtone: Roomtone) -> None:
        app = app_id or await only_app(roomtone)
        service = Mirror(roomtone.records, roomtone.words, roomtone.artifacts, roomtone.clock)
        vendor = CloudflareVendor(account_id, their_app, token, base_url, rate)
        try:
            while True:
                _say(await service.follow(vendor, app, their_app, since), as_json)
                if every is None:
                    return
                await asyncio.sleep(every * 60)
        finally:
            await vendor.close()

    on_folder(settings, work)


def _say(done: Mirrored, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(to_builtins(done)))
        return
    click.echo(
        f"{done.sessions} sessions mirrored ({done.known} known already, {done.live} go on): "
        f"{done.peers} participants, {done.reports} reports, {done.words} messages and segments, "
        f"{done.summaries} summaries."
    )
    for note in done.notes:
        click.echo(f"  {note}")
