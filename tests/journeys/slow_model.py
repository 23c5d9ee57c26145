"""A language model that takes its time."""

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class SlowModel:
    """An OpenAI-compatible endpoint that waits until it is told to answer."""

    def __init__(self, says: str) -> None:
        self.asked = 0
        self.go = threading.Event()
        model = self
        message = {"content": f"## Meeting Summary\n\n{says}"}
        answer = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                model.asked += 1
                model.go.wait(60)
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                with suppress(BrokenPipeError):  # who asked was killed
                    self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def close(self) -> None:
        self.go.set()
        self.server.shutdown()
