"""An app's server that notes the webhooks it gets, with the id of each delivery."""

import json
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class HookListener:
    """Answers 200 to everything. ``heard``: event → ids of deliveries, in the order of arrival."""

    def __init__(self) -> None:
        heard = self.heard = defaultdict[str, list[str]](list)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                heard[body["event"]].append(self.headers["rtk-uuid"])
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "HookListener":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def effects(self) -> dict[str, int]:
        """How many different deliveries came of each event: what a receiver that keeps their ids,
        as it is told to, makes of them."""
        return {event: len(set(ids)) for event, ids in self.heard.items()}
