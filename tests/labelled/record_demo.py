"""Record the call of the demo that went badly: ``python tests/labelled/record_demo.py``.

What three people's pages sent to ``/v1/collect``, request by request, becomes
``src/roomtone/recordings/collector-uplink-loss.jsonl.gz``; see the README.md beside that file.
"""

import asyncio
import gzip
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent.parent / "journeys"))

from call_stage import Call, Someone
from journey_server import JourneyServer
from playwright.async_api import async_playwright
from scenarios import ALICE, Do, Scenario

KEPT = Path("src/roomtone/recordings/collector-uplink-loss.jsonl.gz")
SCENARIO = Scenario(
    "uplink-loss",
    "Alice's uplink loses 15 % of the packets after a while; 3 people",
    script=(Do(14, "line", ALICE, {"way": "up", "loss": 0.15}),),
    seconds=56,
)
OVERHEARD = """
{
  const send = window.fetch.bind(window);
  window.fetch = async (url, how) => {
    if (String(url).endsWith("/v1/collect") && how?.body) {
      const zipped = new Headers(how.headers).get("content-encoding") === "gzip";
      const stream = new Response(how.body).body;
      const plain = zipped ? stream.pipeThrough(new DecompressionStream("gzip")) : stream;
      overhear(Date.now(), await new Response(plain).text());
    }
    return send(url, how);
  };
}
"""


class OverheardCall(Call):
    """A call whose requests are kept."""

    def __init__(self, server: JourneyServer) -> None:
        super().__init__(server, SCENARIO, lambda text: print(text, flush=True))
        self.posts: list[dict[str, Any]] = []

    async def _open(self, someone: Someone) -> None:
        await super()._open(someone)
        page = self._page(someone)
        agent = await page.evaluate("navigator.userAgent")

        def keep(t: int, body: str) -> None:
            row = {"t": t / 1000, "peer": someone.name, "ua": agent, "body": json.loads(body)}
            self.posts.append(row)

        await page.expose_function("overhear", keep)
        await page.add_init_script(OVERHEARD)
        await page.reload()


async def _play(server: JourneyServer) -> list[dict[str, Any]]:
    call = OverheardCall(server)
    async with async_playwright() as playwright:
        await call.play(playwright)
    return call.posts


def main() -> None:
    """Play the call once, keep its requests."""
    print(f"load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory(prefix="labelled-") as folder:
        server = JourneyServer(Path(folder) / "data").start()
        try:
            posts = asyncio.run(_play(server))
        finally:
            server.stop()
    posts.sort(key=lambda post: post["t"])
    lines = "".join(json.dumps(post, separators=(",", ":")) + "\n" for post in posts)
    KEPT.write_bytes(gzip.compress(lines.encode(), 9, mtime=0))
    print(f"{KEPT}: {len(posts)} requests, {KEPT.stat().st_size} bytes, load {os.getloadavg()[0]}")


if __name__ == "__main__":
    main()
