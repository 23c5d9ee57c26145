"""The command line: one file a command, imported when it is called (``serve`` must start fast)."""

import sys
from importlib import import_module

import click

from roomtone import __version__
from roomtone.cli.logs import log_to_stderr
from roomtone.model.errors import Failed, Refused

COMMANDS = {
    "serve": "serve",
    "init": "init",
    "demo": "demo",
    "console": "console",
    "call": "call",
    "token": "token",
    "app": "app",
    "import": "import_",
    "export": "export",
    "erase": "erase",
    "inlet": "inlet",
    "mirror": "mirror",
    "webhook": "webhook",
    "explain": "explain",
    "report": "report",
    "attendance": "attendance",
    "rebuild": "rebuild",
    "score": "score",
    "quarantine": "quarantine",
    "migrate": "migrate",
    "backup": "backup",
    "restore": "restore",
    "move": "move",
    "rekey": "rekey",
    "doctor": "doctor",
}
"""The command's name → its module here; the command is called like the module."""


class Commands(click.Group):
    """Finds commands by name without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        found: click.Command = getattr(import_module(f"roomtone.cli.{module}"), module)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="roomtone")
def roomtone() -> None:
    """The self-hosted record of what happened in WebRTC calls and how they sounded."""


def main() -> None:
    """Run the command; what went wrong is said in two lines, never as a stack trace."""
    log_to_stderr("warning")
    try:
        # Outside standalone mode click hands back what a command's Exit said; commands say None.
        sys.exit(roomtone(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except Failed as failed:
        click.echo(f"roomtone: {failed.message}\n  {failed.hint}", err=True)
        sys.exit(1)
    except Refused as refused:
        click.echo(f"roomtone: {refused.message}", err=True)
        for fault in refused.faults:
            click.echo(f"  {fault.where}: {fault.why}", err=True)
        sys.exit(1)
