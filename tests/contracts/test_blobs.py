"""Every promise of ports/blobs.py, kept by every adapter."""

import os
import re
import resource
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_bytes
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
import uvicorn
from moto.server import ThreadedMotoServer

import roomtone
from roomtone.ports.blobs import Blobs, Download
from roomtone.services.links import Links
from roomtone.storage.blobs import LocalBlobs, link_secret
from roomtone.storage.blobs_s3 import S3Blobs
from roomtone.storage.encrypted_blobs import EncryptedBlobs
from roomtone.storage.keyring import KEY_BYTES, Keys
from roomtone.web.app import create_app
from roomtone.web.files import Files

TEXT = Download("Wöchentlich: Café.vtt", "text/vtt; charset=utf-8")
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
BUCKET = "words"


class Clock:
    """The machine's."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def new_id(self) -> str:
        return "unused"


def soon(seconds: float = 60) -> int:
    return int((time.time() + seconds) * 1000)


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    yield


async def ready() -> bool:
    return True


class Serving:
    """An application on a free port, on a thread."""

    def __init__(self, app: object) -> None:
        config = uvicorn.Config(app, port=0, log_level="error", lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Blobs]:
    secret = link_secret(tmp_path)
    files = LocalBlobs(tmp_path / "files", Links(secret, ""))
    app = create_app(Files(files, Links(secret, ""), Clock()).routes(), ready, lifespan)
    serving = Serving(app)
    yield LocalBlobs(tmp_path / "files", Links(secret, f"http://127.0.0.1:{serving.port}"))
    serving.stop()


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    url = f"http://127.0.0.1:{port}"
    httpx.put(f"{url}/{BUCKET}").raise_for_status()
    yield url
    server.stop()


@pytest.fixture
def s3(storage: str, monkeypatch: pytest.MonkeyPatch) -> Blobs:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return S3Blobs(f"s3://{BUCKET}/some/prefix", storage)


def encrypted(inner: Blobs, tmp_path: Path) -> Iterator[Blobs]:
    """Whatever lies below, links lead to a server that decrypts."""
    keys, secret = Keys([token_bytes(KEY_BYTES)]), link_secret(tmp_path)
    shelf = EncryptedBlobs(inner, Links(secret, ""), keys)
    routes = Files(shelf, Links(secret, ""), Clock()).routes()
    serving = Serving(create_app(routes, ready, lifespan))
    yield EncryptedBlobs(inner, Links(secret, f"http://127.0.0.1:{serving.port}"), keys)
    serving.stop()


@pytest.fixture
def local_encrypted(local: Blobs, tmp_path: Path) -> Iterator[Blobs]:
    yield from encrypted(local, tmp_path)


@pytest.fixture
def s3_encrypted(s3: Blobs, tmp_path: Path) -> Iterator[Blobs]:
    yield from encrypted(s3, tmp_path)


@pytest.fixture(params=["local", "s3", "local_encrypted", "s3_encrypted"])
def blobs(request: pytest.FixtureRequest) -> Blobs:
    return request.getfixturevalue(request.param)


def read(blobs: Blobs, key: str) -> bytes:
    info = blobs.info(key)
    assert info is not None
    return b"".join(blobs.read(key, 0, info.size))


def test_a_blob_is_read_as_it_was_put(blobs):
    info = blobs.put("a/b.txt", [b"one ", b"", b"two"], TEXT)

    assert (info.key, info.size) == ("a/b.txt", 7)
    assert read(blobs, "a/b.txt") == b"one two"
    assert blobs.info("a/b.txt") == info


def test_an_empty_blob_is_there(blobs):
    blobs.put("empty", [], TEXT)

    assert blobs.info("empty").size == 0
    assert read(blobs, "empty") == b""


def test_a_part_is_read(blobs):
    blobs.put("part", [b"0123456789"], TEXT)

    assert b"".join(blobs.read("part", 3, 7)) == b"3456"
    assert b"".join(blobs.read("part", 3, 3)) == b""


def test_another_content_replaces_it_under_another_etag(blobs):
    before = blobs.put("again", [b"one"], TEXT)
    after = blobs.put("again", [b"two"], TEXT)

    assert read(blobs, "again") == b"two"
    assert before.etag != after.etag
    assert after.etag.startswith('"')
    assert after.etag.endswith('"')


def test_what_is_not_there_is_not_there(blobs):
    assert blobs.info("never") is None
    assert blobs.delete("never") is False


def test_a_deleted_blob_is_gone(blobs):
    blobs.put("gone", [b"x"], TEXT)

    assert blobs.delete("gone") is True
    assert blobs.info("gone") is None


def test_keys_that_look_like_paths_lead_nowhere_else(blobs):
    blobs.put("x/../../y", [b"one"], TEXT)
    blobs.put("x/y", [b"two"], TEXT)

    assert read(blobs, "x/../../y") == b"one"
    assert read(blobs, "x/y") == b"two"


def test_what_breaks_off_while_it_is_written_leaves_what_was_there(blobs):
    def broken():
        yield b"x" * 1_000_000
        raise ZeroDivisionError

    blobs.put("kept", [b"before"], TEXT)
    for key in ("kept", "new"):
        with pytest.raises(Exception, match=r".*"):
            blobs.put(key, broken(), TEXT)

    assert read(blobs, "kept") == b"before"
    assert blobs.info("new") is None


def test_a_link_opens_the_blob_under_its_name(blobs):
    blobs.put("linked", [b"WEBVTT\n"], TEXT)
    answer = httpx.get(blobs.link("linked", TEXT, soon()))

    assert answer.status_code == 200
    assert answer.content == b"WEBVTT\n"
    assert answer.headers["content-type"] == TEXT.content_type
    assert "filename*=UTF-8''W%C3%B6chentlich" in answer.headers["content-disposition"]


def test_a_link_gives_ranges(blobs):
    blobs.put("ranged", [b"0123456789"], TEXT)
    url = blobs.link("ranged", TEXT, soon())
    answer = httpx.get(url, headers={"range": "bytes=2-4"})

    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["content-range"] == "bytes 2-4/10"


def test_an_expired_link_opens_nothing(local):
    local.put("old", [b"x"], TEXT)

    assert httpx.get(local.link("old", TEXT, soon(-1))).status_code == 410


def test_a_presigned_link_says_when_it_expires(s3):
    s3.put("old", [b"x"], TEXT)

    assert re.search(r"X-Amz-Expires=(59|60)\b", s3.link("old", TEXT, soon(60)))
    # The protocol's limit: never promised for longer.
    assert "X-Amz-Expires=604800" in s3.link("old", TEXT, soon(30 * 86_400))


def test_no_link_can_be_made_into_another(local):
    local.put("mine", [b"mine"], TEXT)
    local.put("yours", [b"yours"], TEXT)
    mine = urlsplit(local.link("mine", TEXT, soon()))
    yours = urlsplit(local.link("yours", TEXT, soon()))
    body, _, signature = mine.path.rpartition(".")
    other, _, _ = yours.path.rpartition(".")
    for path in (
        f"{other}.{signature}",
        f"{body[:-1]}.{signature}",
        f"{body}.{signature[:-2]}",
        f"{body}.",
        mine.path + "x",
        "/files/",
        "/files/mine",
        "/files/" + "x" * 20_000,
    ):
        answer = httpx.get(urlunsplit(mine._replace(path=path)))
        assert answer.status_code in (400, 403, 404), path
        assert b"mine" not in answer.content.replace(b"/files/mine", b"")


def test_links_of_another_installation_open_nothing(local, tmp_path):
    local.put("mine", [b"x"], TEXT)
    base = urlsplit(local.link("mine", TEXT, soon()))
    forged = Links(b"another secret", f"{base.scheme}://{base.netloc}").url("mine", TEXT, soon())

    assert httpx.get(forged).status_code == 403


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path):
    assert link_secret(tmp_path) == link_secret(tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_files_on_disk_are_their_owners_alone(tmp_path):
    blobs = LocalBlobs(tmp_path / "files", Links(b"secret", ""))
    blobs.put("a", [b"x"], TEXT)

    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "files").rglob("*")}
    assert modes == {0}


def test_a_kill_while_writing_leaves_nothing_under_the_key(tmp_path):
    script = """
        import sys, time
        from pathlib import Path
        from roomtone.ports.blobs import Download
        from roomtone.services.links import Links
        from roomtone.storage.blobs import LocalBlobs

        def slowly():
            while True:
                yield b"x" * 100_000
                print("writing", flush=True)
                time.sleep(0.01)

        LocalBlobs(Path(sys.argv[1]), Links(b"s", "")).put("k", slowly(), Download("a", "b"))
    """
    source = str(Path(roomtone.__file__).parent.parent)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), tmp_path],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": source},
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()

    assert LocalBlobs(tmp_path, Links(b"s", "")).info("k") is None


def test_a_long_blob_streams(blobs):
    piece = b"x" * 256 * 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    info = blobs.put("long", (piece for _ in range(400)), TEXT)
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert info.size == 400 * len(piece)
    if isinstance(blobs, LocalBlobs):  # moto keeps its objects in this very process
        assert grown_kb < 20_000
