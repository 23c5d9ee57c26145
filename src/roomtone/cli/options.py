"""The settings as flags, and a data folder opened for one command."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from roomtone.settings import SETTINGS, Settings, load
from roomtone.wiring import Roomtone

T = TypeVar("T")
Command = Callable[..., Any]


def with_settings(*names: str) -> Callable[[Command], Command]:
    """Add flags for these settings (all without names) and hand them over as ``settings``."""
    rows = [row for row in SETTINGS if not names or row.name in names]

    def decorate(command: Command) -> Command:
        def run(config: Path | None, **given: Any) -> Any:
            flags = {row.name: given.pop(row.name) for row in rows}
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
