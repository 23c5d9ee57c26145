"""Words from files: what ``roomtone import --session`` does."""

import gzip
import json
from pathlib import Path

import click
from msgspec import to_builtins

from roomtone.model.errors import BadRequest, NotFound, Refused, TooLarge
from roomtone.model.limits import MAX_WORDS_FILE_BYTES
from roomtone.model.sessions import Session
from roomtone.services.imports import take_words as take_words_of
from roomtone.services.sessions import NO_SUCH_SESSION
from roomtone.services.words import Taken
from roomtone.wiring import Roomtone

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_PLAIN_BYTES = 512 * 1024 * 1024
"""A four-hour, one-a-second recording of two peers is about 450 MB of JSON."""


async def take_words(
    roomtone: Roomtone, session_id: str, files: tuple[Path, ...], *, as_json: bool
) -> int:
    """Take the words of files into a session; how many files were refused."""
    session = await roomtone.records.read(lambda tx: tx.sessions.session_by_id(session_id))
    if session is None:
        raise NotFound(NO_SUCH_SESSION)
    refused = 0
    for file in files:
        try:
            kind, taken = await _take(roomtone, session, file)
        except Refused as error:
            refused += 1
            _refusal(file, error, as_json=as_json)
        else:
            _say(file, kind, taken, as_json=as_json)
    if session.sealed_at is not None:
        # Where a server runs it is there first, which does no harm.
        await roomtone.artifacts.publish(session_id)
    return refused


async def _take(roomtone: Roomtone, session: Session, file: Path) -> tuple[str, Taken]:
    data = read_file(file, MAX_WORDS_FILE_BYTES)
    return await take_words_of(roomtone.words, session, file.name, data)


def read_file(file: Path, most: int = MAX_PLAIN_BYTES) -> bytes:
    """The file's content, inflated, within limits. Raises Refused."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise TooLarge(f"{file} is larger than {MAX_FILE_BYTES} bytes.")
        data = file.read_bytes()
        if not data.startswith(b"\x1f\x8b"):
            return data
        with gzip.open(file) as stream:
            plain = stream.read(most + 1)
    except (OSError, EOFError) as error:
        raise BadRequest(f"{file} cannot be read: {error}") from None
    if len(plain) > most:
        raise TooLarge(f"{file} inflates to more than {most} bytes.")
    return plain


def _refusal(file: Path, error: Refused, *, as_json: bool) -> None:
    faults = [{"where": fault.where, "why": fault.why} for fault in error.faults]
    if as_json:
        click.echo(json.dumps({"file": str(file), "error": error.message, "faults": faults}))
        return
    click.echo(f"{file}: not imported. {error.message}")
    for fault in faults:
        click.echo(f"  {fault['where']}: {fault['why']}")


def _say(file: Path, kind: str, taken: Taken, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"file": str(file), "kind": kind, **to_builtins(taken)}))
        return
    click.echo(
        f"{file}: {kind}, {taken.new} new, {taken.changed} changed, {taken.known} known already"
    )
    for note in taken.notes:
        click.echo(f"  {note}")
