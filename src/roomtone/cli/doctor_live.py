"""What ``roomtone doctor`` looks at of a deployment that runs: who works, what waits to be sealed,
whether files can be written, and whether the address that people use is answered."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from ssl import SSLSocket, cert_time_to_seconds
from urllib.parse import urlsplit

import httpx

from roomtone.cli.finding import Finding
from roomtone.model.errors import Failed
from roomtone.ports.blobs import Download
from roomtone.settings import Settings
from roomtone.storage.ciphers import CLEAR
from roomtone.storage.connections import Connection, Explained
from roomtone.storage.database import connected
from roomtone.storage.keyring import Keys, keys_of
from roomtone.storage.vitals import vitals
from roomtone.storage.word_keys import check

WATCH_S = 2.5
"""Two beats of a worker (services/workers.py), and some."""
LATE_S = 300
"""A seal begins 1.5 s after a session's end; five minutes are an outage, or work that piles up."""
ANSWER_S = 5.0
SOON = timedelta(days=7)
"""Whoever renews certificates by itself does so weeks before that."""

_BEATS = "SELECT id, beats FROM workers WHERE beats >= 0"


def look_at_workers(settings: Settings) -> Finding:
    """Whether anybody works. A worker that was killed leaves its row behind: only one whose beats
    move is alive. Raises Failed."""
    with Explained():
        connection = connected(settings.database)
        try:
            before = dict(connection.raw.execute(_BEATS).fetchall())
            time.sleep(WATCH_S)
            now = dict(connection.raw.execute(_BEATS).fetchall())
        finally:
            connection.close()
    alive = [name for name, beats in now.items() if before.get(name) != beats]
    dead = len(now) - len(alive)
    shown = f"{len(alive)} alive" + (f", {dead} that was killed or hangs" if dead else "")
    advice = "Start a process with --role work: nothing is sealed, sent or taken away until then."
    return Finding("workers", bool(alive), shown, advice)


def look_at_sealing(connection: Connection) -> Finding:
    """What waits to be sealed, and how long."""
    told = vitals(connection)
    waits_s = 0.0
    if told.unsealed_since is not None:
        waits_s = max(0.0, time.time() - told.unsealed_since / 1000)
    return Finding(
        "sealing",
        waits_s < LATE_S,
        f"{told.unsealed_sessions} ended sessions wait, the oldest for {waits_s:.0f} s",
        "Nobody works, the journal is away, or there is more than can be done: see the log of "
        "who works, and start another.",
    )


def look_at_files(settings: Settings) -> Finding:
    """Whether the bucket takes a file, gives it back, and lets it go."""
    from roomtone.storage.blobs_s3 import S3Blobs

    key, content = f"doctor/{token_hex(8)}", b"written by roomtone doctor"
    try:
        bucket = S3Blobs(settings.files, settings.files_endpoint)
        info = bucket.put(key, [content], Download("doctor.txt", "text/plain"))
        same = b"".join(bucket.read(key, 0, info.size)) == content
        bucket.delete(key)
    except Failed as failed:
        return Finding("files", False, failed.message, failed.hint)
    shown = f"{settings.files} takes and gives"
    return Finding("files", same, shown, "Something else writes there: look at the bucket.")


def look_at_address(settings: Settings) -> Finding:
    """Whether somebody who is ready answers where people are told to come, and will next week."""
    url = settings.base_url.rstrip("/")
    where = urlsplit(url).netloc.rpartition("@")[2]
    advice = (
        "Start the server, or look at the balancer, the name and the certificate before it; or ask "
        "from a machine that reaches it."
    )
    try:
        with httpx.stream("GET", f"{url}/readyz", timeout=ANSWER_S) as answer:
            ends = _certificate_ends(answer)
            answer.read()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Finding("address", False, f"{where} does not answer: {error}", advice)
    shown = f"{where}/readyz: {_said(answer)}"
    ready = answer.status_code == 200
    if ready and ends is not None and ends - datetime.now(UTC) <= SOON:
        shown += f"; its certificate is good until {ends:%Y-%m-%d}"
        return Finding("address", False, shown, "Renew the certificate, where TLS is spoken.")
    return Finding("address", ready, shown, advice)


def _certificate_ends(answer: httpx.Response) -> datetime | None:
    """Of the connection that the answer still comes through; None: not encrypted."""
    wire = answer.extensions["network_stream"].get_extra_info("socket")
    shown = wire.getpeercert() if isinstance(wire, SSLSocket) else None
    ends = shown.get("notAfter") if shown else None
    return datetime.fromtimestamp(cert_time_to_seconds(str(ends)), UTC) if ends else None


def _said(answer: httpx.Response) -> str:
    try:
        told = answer.json()
    except ValueError:
        return f"{answer.status_code}"
    reason = told.get("reason") if isinstance(told, dict) else None
    return f"{answer.status_code}" + (f", {reason}" if reason else "")


def look_at_words_key(settings: Settings, connection: Connection) -> Iterator[Finding]:
    """Whether words that were encrypted can be read with the settings' keys."""
    keys: Keys | None = None
    try:
        keys = keys_of(settings.words_key)
        used = check(connection, keys or CLEAR)
    except Failed as failed:
        yield Finding("words_key", False, failed.message, failed.hint)
        return
    if keys is not None:
        yield Finding("words_key", True, f"opens what was encrypted with {len(used)} keys")
