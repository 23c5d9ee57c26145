"""The command line: one file a command."""

import sys

import click

from roomtone import __version__
from roomtone.cli.app import app
from roomtone.cli.demo import demo
from roomtone.cli.doctor import doctor
from roomtone.cli.import_ import import_
from roomtone.cli.init import init
from roomtone.cli.rebuild import rebuild
from roomtone.cli.report import report
from roomtone.cli.score import score
from roomtone.cli.serve import serve
from roomtone.cli.token import token
from roomtone.model.errors import Failed, Refused


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="roomtone")
def roomtone() -> None:
    """The self-hosted record of what happened in WebRTC calls and how they sounded."""


for command in (serve, init, demo, token, app, import_, report, rebuild, score, doctor):
    roomtone.add_command(command)


def main() -> None:
    """Run the command; what went wrong is said in two lines, never as a stack trace."""
    try:
        roomtone(standalone_mode=False)
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
