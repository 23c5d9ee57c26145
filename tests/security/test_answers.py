"""What every answer says about itself: policies of pages, flags of cookies, no echo of the host, no
file from elsewhere."""

import gzip
import zlib
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.routing import Route
from two_tenants import URL, TwoTenants, bearer

from roomtone.model.limits import MAX_INFLATED_BYTES

EVIL = "evil.example.com"
NOWHERE = ("..", "%2e%2e", "..%2f", "%2e%2e%2f", "..\\", "%5c..", "....//", "%00", ".", "~root")


def html_answers(site: TwoTenants) -> list[tuple[str, str]]:
    """(path, Content-Security-Policy) of every GET without parameters that answers HTML."""
    paths = {
        route.path.replace("{meeting_id}", site.victim.ids["meeting_id"])
        for route in site.application.routes
        if isinstance(route, Route) and "GET" in (route.methods or ())
    }
    found = []
    for path in sorted(paths):
        answer = site.client.get(path, headers={"accept": "text/html"})
        if "html" in answer.headers.get("content-type", ""):
            found.append((path, answer.headers.get("content-security-policy", "")))
            assert answer.headers["x-content-type-options"] == "nosniff", path
    return found


def test_every_page_has_a_policy_that_runs_nothing_inline(site: TwoTenants) -> None:
    found = html_answers(site)

    assert {"/console", "/call", "/docs"} <= {path for path, _ in found}
    for path, policy in found:
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert "frame-ancestors 'none'" in policy, path


def test_errors_are_never_pages(site: TwoTenants) -> None:
    for path in ("/nowhere", "/<script>alert(1)</script>", "/client/v4/accounts/x", "/files/x"):
        answer = site.client.get(path, headers={"accept": "text/html"})
        assert answer.is_error
        assert answer.headers["content-type"] == "application/json", path


def test_the_cookie_is_for_the_server_alone_and_for_no_other_site(site: TwoTenants) -> None:
    headers = {"x-roomtone-console": "1", "sec-fetch-site": "same-origin"}
    answer = site.client.post(
        "/console/sign-in", json={"token": site.victim.token}, headers=headers
    )
    site.client.cookies.clear()
    flags = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}

    assert {"httponly", "samesite=strict", "path=/"} <= flags
    assert not any(flag.startswith("domain") for flag in flags)
    assert answer.headers["cache-control"] == "no-store"


def test_the_host_that_a_request_names_is_in_no_answer(site: TwoTenants) -> None:
    victim = site.victim
    meeting = victim.ids["meeting_id"]
    for method, path, headers in (
        ("POST", site.path(victim, f"/meetings/{meeting}/invitation"), victim.bearer),
        ("GET", "/console/", {}),
        ("GET", "/docs/", {}),
        ("GET", "/nowhere/", {}),
        ("GET", "/openapi.json", {}),
        ("GET", f"/call/{meeting}/?invite=x", {}),
    ):
        forged = {**headers, "host": EVIL, "x-forwarded-host": EVIL, "forwarded": f"host={EVIL}"}
        answer = site.client.request(
            method,
            path,
            headers=forged,
            follow_redirects=False,
            json={} if method == "POST" else None,
        )
        assert EVIL not in answer.text + str(answer.headers), path
    slashed = site.client.get(f"/call/{meeting}/?invite=x", follow_redirects=False)
    assert slashed.headers["location"] == f"/call/{meeting}?invite=x"


@pytest.mark.parametrize("path", ["//evil.example.com/", "//evil.example.com/%2e%2e/", "/\\evil/"])
def test_no_address_leads_a_browser_away(site: TwoTenants, path: str) -> None:
    answer = site.client.get(URL + path, follow_redirects=False)

    assert answer.status_code == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize("step", NOWHERE)
@pytest.mark.parametrize("base", ["/assets/", "/files/", "/docs/", "/"])
def test_no_path_leads_out_of_a_folder(site: TwoTenants, base: str, step: str) -> None:
    for target in ("etc/passwd", "roomtone.db", "links.key", "credentials.json", "app.py"):
        for depth in (1, 3, 8):
            answer = site.client.get(f"{URL}{base}{'/'.join([step] * depth)}/{target}")
            assert answer.status_code in (403, 404), answer.request.url


@pytest.mark.parametrize("name", ["../../links.key", "/etc/passwd", "a\r\nx: y.srt", "\x00.srt"])
def test_the_name_of_an_import_is_a_name_and_no_path(site: TwoTenants, name: str) -> None:
    folder = Path(site.roomtone.folder)
    before = {path for path in folder.rglob("*") if "db" not in path.suffix}

    answer = site.client.post(
        site.path(site.victim, "/imports"),
        params={"name": name},
        headers=site.victim.bearer,
        content=b"not a file of any kind",
    )

    assert answer.is_client_error
    assert {path for path in folder.rglob("*") if "db" not in path.suffix} == before


@pytest.mark.parametrize("value", ["x\r\nset-cookie: a=b", "x\nlocation: //evil", "\x00"])
def test_no_name_becomes_a_header(site: TwoTenants, value: str) -> None:
    victim = site.victim
    session = site.victim.ids["session_id"]
    answers = [
        site.client.get(
            site.path(victim, "/sessions"), params={"search": value}, headers=victim.bearer
        ),
        site.client.post(
            site.path(victim, "/meetings"), json={"title": value}, headers=victim.bearer
        ),
        site.client.get(
            site.path(victim, f"/sessions/{session}/attendance"),
            params={"format": value},
            headers=victim.bearer,
        ),
    ]

    for answer in answers:
        assert "set-cookie" not in answer.headers
        assert "location" not in answer.headers


def bomb(inflated: int) -> bytes:
    """So many zeros, packed a thousandfold; its end would never be reached."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    first = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush the same zeros give the same bytes.
    again = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * (inflated >> 20)


@pytest.mark.parametrize("nested", [False, True], ids=["once", "twice"])
def test_a_decompression_bomb_stops_at_the_limit(site: TwoTenants, *, nested: bool) -> None:
    body = bomb(4 * MAX_INFLATED_BYTES)
    if nested:
        body = gzip.compress(body)
    victim = site.victim
    packed = {"content-encoding": "gzip"}
    for door in ("/v1/collect", "/api/v1/message"):
        answer = site.client.post(
            door, content=body, headers={**bearer(victim.participant_token), **packed}
        )
        assert answer.status_code in (400, 413)
    meetings = site.path(victim, "/meetings")
    answer = site.client.post(meetings, content=body, headers={**victim.bearer, **packed})
    assert answer.status_code in (400, 413)


def test_a_file_that_is_a_bomb_is_refused(site: TwoTenants) -> None:
    answer = site.client.post(
        site.path(site.victim, f"/imports?name={uuid4()}.json"),
        content=bomb(700 << 20),
        headers=site.victim.bearer,
    )

    assert answer.status_code == 413
