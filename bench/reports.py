"""A sealed peer report, against a bare server that returns the same bytes."""

import time
from pathlib import Path

import httpx

from bench.calls import Call
from bench.figures import Figure, median
from bench.load import Load, each, run, until
from bench.people import Backend, Person
from bench.recorded import now_ms
from bench.servers import HOST, Credentials, Server, floor, init, roomtone

GOAL = 0.7
CONNECTIONS = 16
MINUTES = 10.0
ROUNDS, SECONDS = 5, 2.0
QUICK_ROUNDS, QUICK_SECONDS = 2, 1.0
SEALED_WITHIN_S = 60.0
POLL_S = 0.1
FOR_EVER = 1_000_000
"""Seconds of silence: a call that is told afterwards would count as silent at once."""
SDK_HEADERS = {
    "accept": "application/json",
    "user-agent": "AsyncCloudflare/Python 5.9.0",
    "x-stainless-lang": "python",
    "x-stainless-package-version": "5.9.0",
    "x-stainless-os": "Linux",
    "x-stainless-arch": "x64",
    "x-stainless-runtime": "CPython",
    "x-stainless-runtime-version": "3.11.9",
    "x-stainless-retry-count": "0",
    "x-stainless-read-timeout": "60",
    "api-version": "2026-11-22",
}


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """With gzip, as every SDK asks for it, and without."""
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    data = folder / "reports"
    credentials = init(data)
    figures = []
    with roomtone(data, silence_s=FOR_EVER) as subject:
        with Backend(subject, credentials) as backend:
            people = backend.meet(4)
            tell(subject, Call(people, seed=1), MINUTES)
            backend.end(people[0].meeting_id)
            wait_until_sealed(backend, people)
            plain = backend.get(path_of(people[0]), **{"accept-encoding": "identity"}).content
        for encoding in ("gzip", "identity"):
            question = asking(credentials, people[0], encoding)
            once = run(subject.port, [each([question])]).last
            file = folder / f"report-{encoding}"
            file.write_bytes(once.partition(b"\r\n\r\n")[2])
            extra = ["--plain"] if encoding == "identity" else []
            with floor("report", folder, "--file", str(file), *extra) as bare:
                below, above = _in_turn(bare, subject, question, rounds, seconds)
            size = file.stat().st_size / 1000
            what = f"sealed, {size:.0f} KB of gzip ({len(plain) / 1000:.0f} KB of JSON)"
            figures.append(
                Figure(
                    part="reports",
                    what=what if encoding == "gzip" else f"the same, inflated for {encoding}",
                    value=median([load.rate for load in above]),
                    unit="/s",
                    floor=median([load.rate for load in below]),
                    floor_is="bare, same bytes",
                    goal=GOAL if encoding == "gzip" else None,
                )
            )
    return figures


def _in_turn(
    bare: Server, subject: Server, question: bytes, rounds: int, seconds: float
) -> tuple[list[Load], list[Load]]:
    floors: list[Load] = []
    subjects: list[Load] = []
    for number in range(rounds + 1):
        with subject.asleep():
            below = _flood(bare, question, seconds)
        with bare.asleep():
            above = _flood(subject, question, seconds)
        if below.wrong or above.wrong:
            raise SystemExit(f"reports: unexpected answers {below.wrong} {above.wrong}")
        if below.bytes_in // below.answers != above.bytes_in // above.answers:
            raise SystemExit(f"reports: the answers differ:\n{below.last[:400]!r}"
                             f"\n{above.last[:400]!r}")  # fmt: skip
        if number:
            floors.append(below)
            subjects.append(above)
    return floors, subjects


def _flood(server: Server, question: bytes, seconds: float) -> Load:
    return run(server.port, [until(seconds, lambda: question) for _ in range(CONNECTIONS)])


def asking(credentials: Credentials, person: Person, encoding: str) -> bytes:
    """The SDK's request for a peer report, as bytes."""
    lines = [
        f"GET {credentials.api}{path_of(person)} HTTP/1.1",
        f"host: {HOST}",
        f"accept-encoding: {encoding}",
        f"authorization: Bearer {credentials.api_token}",
        *(f"{name}: {value}" for name, value in SDK_HEADERS.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def path_of(person: Person) -> str:
    """Below the app."""
    return f"/sessions/peer-report/{person.peer_id}"


def tell(server: Server, call: Call, minutes: float) -> None:
    """Post a whole call that ends now; each person on a connection of their own."""
    by_person: dict[int, list[bytes]] = {}
    for number, post in call.posts(now_ms(), minutes):
        by_person.setdefault(number, []).append(post)
    load = run(server.port, [each(posts) for posts in by_person.values()], 202)
    if load.wrong:
        raise SystemExit(f"a call was not taken: {load.wrong}: {load.last!r}")


def wait_until_sealed(backend: Backend, people: list[Person]) -> None:
    """Only what is stored is served as gzip: that tells."""
    deadline = time.monotonic() + SEALED_WITHIN_S
    waiting = list(people)
    while waiting:
        answer: httpx.Response = backend.get(path_of(waiting[0]))
        if answer.status_code == 200 and answer.headers.get("content-encoding") == "gzip":
            waiting.pop(0)
        elif time.monotonic() > deadline:
            raise SystemExit(f"not sealed in {SEALED_WITHIN_S:.0f} s: {answer.text[:400]}")
        else:
            time.sleep(POLL_S)
