"""The settings as flags, and a data folder opened for one command."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from roomtone.settings import SETTINGS, Settings, exposed, load
from roomtone.wiring import Roomtone

T = TypeVar("T")
STORED = (
    *("database", "database_file", "journal", "journal_file", "journal_replicas"),
    *("files", "files_endpoint", "words_key", "words_key_file"),
)
"""What a command that opens a data folder may be told besides: not everything lies in it."""
Command = Callable[..., Any]


def with_settings(*names: str) -> Callable[[Command], Command]:
    """Add flags for these settings (all without names) and hand them over as ``settings``."""
    wanted = {*names, *(STORED if "data" in names else ())}
    rows = [row for row in SETTINGS if not names or row.name in wanted]

    def decorate(command: Command) -> Command:
        def run(config: Path | None, **given: Any) -> Any:
            flags = {row.name: given.pop(row.name) for row in rows}
            for secret in exposed(flags):
                click.echo(
                    f"roomtone: {secret.flag} shows a secret to whoever may list processes; use "
                    f"{secret.variable} or {secret.flag}-file.",
                    err=True,
                )
            return command(settings=load(flags, file=config), **given)

        run.__name__ = command.__name__
        run.__doc__ = command.__doc__
        run.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
        for row in reversed(rows):
            flag = f"{row.flag}/--no-{row.flag[2:]}" if row.type is bool else row.flag
            shown = f"{row.help}  [{row.variable}; default: {row.default}]"
            run = click.option(flag, row.name, type=row.type, default=None, help=shown)(run)
        return click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            help="A TOML file with settings.",
        )(run)

    return decorate


def on_folder(settings: Settings, work: Callable[[Roomtone], Awaitable[T]]) -> T:
    """Open the data folder, do the work, close it. A server may be running on it meanwhile."""

    async def main() -> T:
        roomtone = Roomtone(settings)
        try:
            return await work(roomtone)
        finally:
            await roomtone.close()

    return asyncio.run(main())
