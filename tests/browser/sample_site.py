"""A site of somebody else's: a folder on an origin of its own, with the two lines."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit

SAMPLE = Path(__file__).parent / "sample"

TWO_LINES = """<script type="module">
import {{ observe }} from "{url}/roomtone.js";
window.observation = observe({options});
</script>
"""


class _Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        said = parse_qs(asked.query)
        if asked.path == "/slow":
            time.sleep(float(said["s"][0]))
            self.send_response(204)
            self.end_headers()
            return
        if not asked.path.endswith(".html") or "roomtone" not in said:
            super().do_GET()
            return
        url, options = said["roomtone"][0], json.loads(said["options"][0])
        page = (Path(self.directory) / asked.path.lstrip("/")).read_text()
        lines = TWO_LINES.format(url=url, options=json.dumps({"url": url, **options}))
        body = page.replace("</head>", lines + "</head>").encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Site:
    """Where the pages are."""

    def __init__(self, port: int) -> None:
        self.url = f"http://localhost:{port}"

    def plain(self, page: str, **query: str) -> str:
        """A page as it was written."""
        return f"{self.url}/{page}?{urlencode(query)}"

    def observed(self, page: str, roomtone: str, **options: object) -> str:
        """A page to which its owner has added the two lines."""
        return self.plain(page, roomtone=roomtone, options=json.dumps(options))


@contextmanager
def served(folder: Path = SAMPLE) -> Iterator[Site]:
    """Serve a folder on any free port."""
    handler = partial(_Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield Site(server.server_port)
        server.shutdown()
