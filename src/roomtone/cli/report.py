"""``roomtone report``: one peer's report, for people or for programs."""

import gzip

import click
import msgspec
from rich.console import Console
from rich.table import Table

from roomtone.cli.options import on_folder, with_settings
from roomtone.model.errors import NotFound
from roomtone.model.peer_report import PeerReport
from roomtone.model.readings import Quality
from roomtone.model.sessions import Peer
from roomtone.ports.records import Page, Transaction
from roomtone.services.shelves import Answer, answer
from roomtone.settings import Settings
from roomtone.wiring import Roomtone

MEDIA = ("audio", "video", "screenshare_audio", "screenshare_video")
MOST_APPS = 1_000


@click.command()
@click.argument("peer_id")
@click.option("--json", "as_json", is_flag=True, help="Print the API's whole answer.")
@click.option(
    "--model",
    type=click.Choice(["current", "previous"]),
    default="current",
    help="previous: as it was before another version of the formulas made it anew.",
)
@with_settings("data", "reading_ms", "quality_scale")
def report(settings: Settings, *, peer_id: str, as_json: bool, model: str) -> None:
    """Show the report of the peer PEER_ID: as stored if sealed, else folded from the journal."""

    async def work(roomtone: Roomtone) -> bytes:
        await roomtone.roster.catch_up()
        peer = await roomtone.records.read(lambda tx: _find(tx, peer_id.lower()))
        if model == "previous":
            previous = await roomtone.sessions.previous_report(peer.app_id, peer.peer_id)
            return gzip.decompress(previous.body)
        stored = await roomtone.sessions.stored_report(peer.app_id, peer.peer_id)
        if stored is not None:
            return gzip.decompress(stored.body)
        return msgspec.json.encode(answer(await roomtone.sealer.live_report(peer)))

    body = on_folder(settings, work)
    if as_json:
        click.echo(body)
    else:
        _show(msgspec.json.decode(body, type=Answer).data["participant"])


def _find(tx: Transaction, peer_id: str) -> Peer:
    for account in tx.tenants.accounts():
        for app in tx.tenants.apps(account.id, None, descending=True, page=Page(0, MOST_APPS))[0]:
            peer = tx.sessions.peer(app.id, peer_id)
            if peer is not None:
                return peer
    raise NotFound(f"No peer has the id {peer_id}.")


def _show(found: PeerReport) -> None:
    console = Console()
    about = found.peer_report.metadata
    left = found.left_at or "still there"
    console.print(f"[bold]{found.display_name or found.user_id}[/bold]  peer {found.id}")
    console.print(f"  session {found.session_id}")
    console.print(f"  {found.joined_at} → {left}  ({found.duration:.2f} minutes)")
    browser, device = about.browser_metadata, about.device_info
    console.print(
        f"  {browser.browser or 'unknown browser'} {browser.browser_version or ''} on "
        f"{device.os or 'unknown system'} {device.os_version or ''}"
    )
    console.print(_table(found.peer_report.quality))
    console.print(f"  Estimated quality: {found.mos_model}, scale {found.quality_scale}.")


def _table(quality: Quality) -> Table:
    table = Table()
    table.add_column("stream")
    for column in (
        "readings",
        "packets",
        "lost",
        "loss %",
        "MOS",
        "MOS p50",
        "RTT ms",
        "buffer ms",
    ):
        table.add_column(column, justify="right")
    for medium in MEDIA:
        for side in ("producer", "consumer"):
            readings = getattr(quality, f"{medium}_{side}")
            if readings:
                whole = msgspec.to_builtins(getattr(quality, f"{medium}_{side}_cumulative"))
                table.add_row(f"{medium} {side}", *_cells(readings, whole, side))
    return table


def _cells(readings: list[object], whole: dict[str, dict[str, float]], side: str) -> list[str]:
    packets = "packets_sent" if side == "producer" else "packets_received"

    def total(name: str) -> str:
        told = [value for one in readings if (value := getattr(one, name)) is not None]
        return str(sum(told)) if told else "–"

    def part(name: str, key: str) -> str:
        value = (whole.get(name) or {}).get(key)
        return "–" if value is None else f"{value:.2f}"

    return [
        str(len(readings)),
        total(packets),
        total("packets_lost"),
        part("packet_loss", "avg"),
        part("quality_mos", "avg"),
        part("quality_mos", "p50"),
        part("rtt", "avg"),
        part("jitter_buffer_delay", "avg"),
    ]
