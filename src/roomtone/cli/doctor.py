"""``roomtone doctor``: is everything in order, and if not, what to do."""

import json
import os
import platform
import shutil
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography.x509 import load_pem_x509_certificate
from msgspec import to_builtins

from roomtone import __version__
from roomtone.cli.credentials import FILE
from roomtone.cli.doctor_live import (
    SOON,
    look_at_address,
    look_at_files,
    look_at_sealing,
    look_at_words_key,
)
from roomtone.cli.finding import Finding
from roomtone.cli.options import with_settings
from roomtone.cli.tls import check_tls
from roomtone.model.errors import Failed
from roomtone.settings import Settings
from roomtone.storage.connections import Explained
from roomtone.storage.database import connected
from roomtone.storage.schema import HEAD, revision_of
from roomtone.wiring import DATABASE

LOW_DISK_BYTES = 1 << 30
OLDEST_SANE_S = 1_750_000_000
"""June 2025: a clock before that was never set."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings()
def doctor(settings: Settings, *, as_json: bool) -> None:
    """Check the machine, the data folder or the whole deployment; say what to do about what is
    wrong."""
    findings = list(_look(settings))
    if as_json:
        click.echo(json.dumps(to_builtins(findings)))
    else:
        for finding in findings:
            click.echo(f"{'ok  ' if finding.ok else 'BAD '} {finding.check:12} {finding.found}")
            if not finding.ok:
                click.echo(f"     {'':12} → {finding.advice}")
    if not all(finding.ok for finding in findings):
        raise click.exceptions.Exit(1)


def _look(settings: Settings) -> Iterator[Finding]:
    folder = Path(settings.data)
    yield _versions()
    yield _clock()
    yield _folder(folder)
    if folder.is_dir():
        yield _disk(folder)
        if not settings.database:
            yield from _database(settings, folder / DATABASE)
        yield _credentials(folder / FILE)
    if settings.database or settings.journal:
        from roomtone.cli.doctor_shared import look_at_jetstream, look_at_postgres

        if settings.database:
            yield from look_at_postgres(settings)
        if settings.journal:
            yield from look_at_jetstream(settings)
    if settings.files:
        yield look_at_files(settings)
    if settings.tls_certificate or settings.tls_key:
        yield _certificate(settings)
    if settings.base_url:
        yield look_at_address(settings)
    for name in ("geo_database", "asn_database"):
        if file := getattr(settings, name):
            there = Path(file).is_file()
            yield Finding(name, there, file, f"Bring the file, or unset {name}.")


def _versions() -> Finding:
    found = (
        f"roomtone {__version__}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}"
    )
    good = sqlite3.sqlite_version_info >= (3, 35)
    return Finding("versions", good, found, "Use a Python with SQLite 3.35 or newer.")


def _clock() -> Finding:
    now = time.time()
    shown = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    good = now > OLDEST_SANE_S
    return Finding("clock", good, shown, "Set the machine's clock, and keep it set with NTP.")


def _folder(folder: Path) -> Finding:
    if not folder.is_dir():
        return Finding(
            "folder", False, f"{folder} is not there", f"Run `roomtone init --data {folder}`."
        )
    good = os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    return Finding("folder", good, str(folder), f"Make {folder} readable and writable for you.")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    return Finding(
        "disk",
        free >= LOW_DISK_BYTES,
        f"{free / (1 << 30):.1f} GiB free",
        "Free some disk, or move the data folder: a full disk refuses new telemetry.",
    )


def _database(settings: Settings, file: Path) -> Iterator[Finding]:
    if not file.is_file():
        yield Finding(
            "database", False, f"{file} is not there", "Run `roomtone init`, or name --data."
        )
        return
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            check = connection.execute("PRAGMA quick_check(5)").fetchall()
            sessions = connection.execute("SELECT count(*) FROM sessions").fetchone()[0]
            waiting = connection.execute("SELECT count(*) FROM quarantine").fetchone()[0]
    except sqlite3.Error as error:
        yield Finding("database", False, str(error), "Restore the last backup of the data folder.")
        return
    sound = check == [("ok",)]
    shown = f"sound, {sessions} sessions" if sound else "; ".join(row[0] for row in check)
    yield Finding("database", sound, shown, "Restore the last backup of the data folder.")
    yield Finding("quarantine", True, f"{waiting} bodies that no decoder understood")
    if sound:
        yield from _waiting(settings, file)


def _waiting(settings: Settings, file: Path) -> Iterator[Finding]:
    """What else the rows tell, where they are as this version has them."""
    try:
        with Explained():
            connection = connected(str(file))
            try:
                if revision_of(connection) == HEAD:
                    yield look_at_sealing(connection)
                    yield from look_at_words_key(settings, connection)
            finally:
                connection.close()
    except Failed as failed:
        yield Finding("database", False, failed.message, failed.hint)


def _certificate(settings: Settings) -> Finding:
    """Whether TLS can be served, and for how long."""
    try:
        check_tls(settings)
        ends = load_pem_x509_certificate(Path(settings.tls_certificate).read_bytes())
    except Failed as failed:
        return Finding("certificate", False, failed.message, failed.hint)
    left = ends.not_valid_after_utc - datetime.now(UTC)
    return Finding(
        "certificate",
        left > SOON,
        f"{settings.tls_certificate}, good until {ends.not_valid_after_utc:%Y-%m-%d}",
        "Bring a new one, and restart the server: it is read at the start.",
    )


def _credentials(file: Path) -> Finding:
    if not file.is_file():
        return Finding("credentials", True, "none kept here (tokens can still be made)")
    mode = file.stat().st_mode & 0o777
    return Finding(
        "credentials", mode == 0o600, f"{file}, mode {mode:o}", f"Run `chmod 600 {file}`."
    )
