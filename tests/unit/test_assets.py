"""Files for browsers: kept where they may be, compressed where that helps, nothing beside them."""

import asyncio
import gzip
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from roomtone import __version__
from roomtone.web import assets
from roomtone.web.errors import exception_handlers


class Visitor:
    """Asks the routes of assets.py, nothing else."""

    def __init__(self) -> None:
        self._app = Starlette(routes=assets.asset_routes(), exception_handlers=exception_handlers())

    def get(self, path: str, **more: object) -> httpx.Response:
        """An answer, its body decoded."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://a.example") as it:
                return await it.get(path, **more)

        return asyncio.run(ask())


@pytest.fixture
def visitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    folder = tmp_path / "assets"
    (folder / "console").mkdir(parents=True)
    (folder / "roomtone.js").write_text("export const a = 1;\n" * 100)
    (folder / "console" / "app.js").write_text("import './b.js';\n" * 100)
    (folder / "console" / "app.html").write_text("<p>not served</p>")
    (folder / ".hidden.js").write_text("1")
    (folder / "icon.png").write_bytes(b"\x89PNG" + bytes(1000))
    (tmp_path / "secret.js").write_text("1")
    monkeypatch.setattr(assets, "FOLDER", folder)
    return Visitor()


def test_a_file_is_compressed_for_those_who_take_it(visitor: Visitor) -> None:
    zipped = visitor.get("/roomtone.js", headers={"accept-encoding": "br, gzip;q=0.5"})
    plain = visitor.get("/roomtone.js", headers={"accept-encoding": "gzip;q=0, br"})

    assert zipped.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert zipped.text == plain.text
    assert zipped.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    assert int(zipped.headers["content-length"]) < int(plain.headers["content-length"])
    assert "content-encoding" not in visitor.get("/assets/icon.png").headers


def test_a_browser_that_has_a_file_is_told_so_until_it_changes(visitor: Visitor) -> None:
    first = visitor.get("/roomtone.js")
    again = visitor.get("/roomtone.js", headers={"if-none-match": f'"x", {first.headers["etag"]}'})
    (assets.FOLDER / "roomtone.js").write_text("export const a = 2;\n")
    changed = visitor.get("/roomtone.js", headers={"if-none-match": first.headers["etag"]})

    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")
    assert (changed.status_code, changed.text) == (200, "export const a = 2;\n")


def test_only_the_right_address_may_be_kept_for_ever(visitor: Visitor) -> None:
    right = visitor.get(assets.address("console/app.js"))
    wrong = visitor.get("/assets/console/app.js?v=0123")

    assert "immutable" in right.headers["cache-control"]
    assert wrong.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../secret.js",
        "/assets/%2e%2e/secret.js",
        "/assets/console/..%2f..%2fsecret.js",
        "/assets//etc/passwd.js",
        "/assets/.hidden.js",
        "/assets/console/app.html",
        "/assets/console",
        "/assets/",
        "/assets/console/app.js%00.png",
        "/assets/console%5capp.js",
        "/assets/" + "a" * 5000 + ".js",
    ],
)
def test_nothing_else_has_an_address(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)

    assert answer.status_code == 404
    assert answer.json()["success"] is False


def test_the_collector_may_be_loaded_by_every_page_and_the_rest_by_ours(visitor: Visitor) -> None:
    collector = visitor.get("/roomtone.js").headers
    ours = visitor.get("/assets/console/app.js").headers

    assert collector["access-control-allow-origin"] == "*"
    assert collector["cross-origin-resource-policy"] == "cross-origin"
    assert "access-control-allow-origin" not in ours
    assert ours["cross-origin-resource-policy"] == "same-origin"
    assert collector["x-content-type-options"] == ours["x-content-type-options"] == "nosniff"
    assert collector["content-type"].startswith("text/javascript")


def test_a_page_runs_nothing_that_is_not_ours() -> None:
    answer = assets.page("<p>", policy={"frame-ancestors": "'self'"}, headers={"x-a": "b"})
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )

    assert "unsafe" not in answer.headers["content-security-policy"]
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["default-src"] == policy["base-uri"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert "frame-ancestors 'none'" in assets.page("").headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-a"] == "b"


def test_what_is_loaded_by_every_page_is_there() -> None:
    assert all(
        (Path(assets.__file__).parent / "assets" / name).exists() for name in assets.COLLECTOR
    )


def test_the_collector_is_under_12_kb_and_says_the_version_of_roomtone() -> None:
    source = assets.text("roomtone.js")

    assert len(gzip.compress(source.encode(), 9, mtime=0)) < 12_000
    assert re.search(r'version = "(.*?)"', source).group(1) == __version__
    assert "SPDX-License-Identifier: Apache-2.0" in source.splitlines()[0]
