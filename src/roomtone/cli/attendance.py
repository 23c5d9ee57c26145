"""``roomtone attendance``: who was there, for people, spreadsheets or programs."""

from collections.abc import AsyncIterator
from typing import Any

import click
import msgspec
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from roomtone.cli.export import LATEST_MS, When
from roomtone.cli.options import on_folder, with_settings
from roomtone.formats.attendance import attendance_row, csv_header, csv_lines
from roomtone.formats.pieces import pieces
from roomtone.model.attendance import CONSOLIDATED, VIEWS, Attendance
from roomtone.model.errors import NotFound
from roomtone.model.times import iso
from roomtone.ports.records import Page, Transaction
from roomtone.services.rooms import NO_SUCH_MEETING
from roomtone.services.sessions import NO_SUCH_SESSION
from roomtone.settings import Settings
from roomtone.wiring import Roomtone

MOST_APPS = 1_000


@click.command()
@click.argument("session_id", required=False)
@click.option("--meeting", "meeting_id", help="Every session of this meeting, instead of one.")
@click.option("--from", "since", type=When(), default=0, help="Started then or later; ISO 8601.")
@click.option("--to", "until", type=When(), default=LATEST_MS, help="Started then or earlier.")
@click.option("--view", type=click.Choice(VIEWS), default=CONSOLIDATED, show_default=True)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV for a spreadsheet.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one row a line.")
@click.option("--out", type=click.File("wb"), default="-", help="A file; default standard output.")
@with_settings("data", "reading_ms", "quality_scale")
def attendance(
    settings: Settings,
    *,
    session_id: str | None,
    meeting_id: str | None,
    since: int,
    until: int,
    view: str,
    as_csv: bool,
    as_json: bool,
    out: Any,
) -> None:
    """Show who was in the session SESSION_ID, or in every session of a meeting in a range of time:
    first join, last leave, minutes over all rejoins, joins, and seconds of talk where known.
    """
    if (session_id is None) == (meeting_id is None):
        raise click.UsageError("Name a session, or a meeting with --meeting.")
    if as_csv and as_json:
        raise click.UsageError("Either --csv or --json.")
    if until < since:
        raise click.UsageError("--to must not be before --from.")

    async def work(roomtone: Roomtone) -> None:
        await roomtone.roster.catch_up()
        found = _found(roomtone, session_id, meeting_id, (since, until), view)
        if as_csv:
            out.write(csv_header().encode())
            async for rows in found:
                out.writelines(pieces(csv_lines(rows)))
        elif as_json:
            async for rows in found:
                out.writelines(msgspec.json.encode(attendance_row(row)) + b"\n" for row in rows)
        else:
            console = Console()
            async for rows in found:
                if rows:
                    _show(console, rows)

    on_folder(settings, work)


async def _found(
    roomtone: Roomtone,
    session_id: str | None,
    meeting_id: str | None,
    between: tuple[int, int],
    view: str,
) -> AsyncIterator[list[Attendance]]:
    if session_id is not None:
        session = await roomtone.records.read(lambda tx: tx.sessions.session_by_id(session_id))
        if session is None:
            raise NotFound(NO_SUCH_SESSION)
        yield await roomtone.register.of_session(session.app_id, session.id, view)
        return
    wanted = meeting_id or ""
    if not await roomtone.records.read(lambda tx: _is_meeting(tx, wanted)):
        raise NotFound(NO_SUCH_MEETING)
    async for rows in roomtone.register.of_meeting(wanted, *between, view):
        yield rows


def _is_meeting(tx: Transaction, meeting_id: str) -> bool:
    return any(
        tx.rooms.meeting(app.id, meeting_id) is not None
        for account in tx.tenants.accounts()
        for app in tx.tenants.apps(account.id, None, descending=True, page=Page(0, MOST_APPS))[0]
    )


def _show(console: Console, rows: list[Attendance]) -> None:
    first = rows[0]
    console.print(f"[bold]{first.title or first.meeting_id}[/bold]  session {first.session_id}")
    table = Table(box=SIMPLE)
    for column, right in (
        ("person", False),
        ("joined (UTC)", False),
        ("left (UTC)", False),
        ("minutes", True),
        ("joins", True),
        ("talk", True),
    ):
        table.add_column(column, justify="right" if right else "left")
    for one in rows:
        table.add_row(
            one.display_name or one.user_id,
            _time(one.first_joined_at),
            "still there" if one.last_left_at is None else _time(one.last_left_at),
            f"{one.present_ms / 60_000:.1f}",
            str(one.joins),
            "–" if one.talk is None else f"{one.talk.ms // 60_000}:{one.talk.ms // 1000 % 60:02}",
        )
    console.print(table)


def _time(t: int) -> str:
    return iso(t)[:19].replace("T", " ")
