"""Debian's Janus of a test's own, on loopback: the videoroom, WebSockets, and its event handler."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from journeys.journey_server import wait_for
from own_servers import free_port

NAME = "roomtone-test"
"""The emitter of its events."""

CORE = """
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{libraries}/plugins"
  transports_folder = "{libraries}/transports"
  events_folder = "{libraries}/events"
  loggers_folder = "{libraries}/loggers"
  server_name = "{name}"
  debug_level = 4
  debug_colors = false
}}
media: {{ slowlink_threshold = 4 }}
nat: {{ ice_enforce_list = "127.0.0.1"; ignore_mdns = true }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
loggers: {{ disable = "libjanus_jsonlog.so" }}
events: {{ broadcast = true; stats_period = 1; disable = "{events}" }}
"""
SOCKETS = """
general: {{ json = "plain"; ws = true; ws_port = {port}; ws_ip = "127.0.0.1"; wss = false }}
admin: {{ admin_ws = false; admin_wss = false }}
"""
VIDEOROOM = """
general: {{ string_ids = {named} }}
room-{room}: {{
  description = "A room"; publishers = 6; bitrate = 256000; audiocodec = "opus"; videocodec = "vp8"
}}
"""
HANDLER = """
general: {{
  enabled = true; events = "all"; grouping = true; json = "plain"
  {lines}
}}
"""


def _libraries() -> Path:
    """Where the Debian package puts its plugins: that depends on the processor."""
    found = [*Path("/usr/lib").glob("*/janus/plugins"), *Path("/usr/lib/janus").glob("plugins")]
    return found[0].parent


def _others(folder: Path, *wanted: str) -> str:
    """Everything of a kind but this."""
    return ",".join(sorted(one.name for one in folder.glob("*.so") if one.name not in wanted))


class Janus:
    """``room``: a number, or else a name. ``lines``: what ``roomtone inlet add janus`` says to
    paste into the event handler."""

    def __init__(self, folder: Path, room: str, lines: str) -> None:
        folder.mkdir(parents=True)
        self.log = folder / "log"
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        libraries = _libraries()
        named = "false" if room.isdigit() else "true"
        core = CORE.format(
            name=NAME,
            folder=folder,
            libraries=libraries,
            plugins=_others(libraries / "plugins", "libjanus_videoroom.so"),
            transports=_others(libraries / "transports", "libjanus_websockets.so"),
            events=_others(libraries / "events", "libjanus_sampleevh.so"),
        )
        for name, text in (
            ("janus", core),
            ("janus.transport.websockets", SOCKETS.format(port=self.port)),
            ("janus.plugin.videoroom", VIDEOROOM.format(room=room, named=named)),
            ("janus.eventhandler.sampleevh", HANDLER.format(lines=lines)),
        ):
            (folder / f"{name}.jcfg").write_text(text)

    def start(self) -> "Janus":
        """Start it, and wait until it listens."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [shutil.which("janus") or "janus", "-F", self._folder],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        wait_for("Janus to listen", self._listens, 20)
        return self

    def _listens(self) -> bool:
        assert self._process is not None
        ended = self._process.poll() is not None
        assert not ended, f"it ended:\n{self.log.read_text(errors='replace')[-3000:]}"
        with socket.socket() as asked:
            return asked.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """Ask it to end, and see to it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


@contextmanager
def janus(folder: Path, room: str, lines: str) -> Iterator[Janus]:
    """A running one."""
    running = Janus(folder, room, lines)
    try:
        yield running.start()
    finally:
        running.stop()
