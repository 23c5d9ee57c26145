"""A real server whose traces go to a collector on this machine, over OTLP/HTTP."""

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from journey_server import JourneyServer, Serve, environment, wait_for
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from test_words import a_call, end, session_of

MARK = "zibelline-quokka-7731"


def _groups(body: bytes) -> Any:
    return ExportTraceServiceRequest.FromString(body).resource_spans


class Collector:
    """Takes spans in, as OpenTelemetry's own collector does."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.resources: list[dict[str, str]] = []
        self.bodies = b""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                traces = self.path == "/v1/traces"  # else it is a webhook
                collector.bodies += body if traces else b""
                for group in _groups(body) if traces else ():
                    told = {one.key: one.value.string_value for one in group.resource.attributes}
                    collector.resources.append(told)
                    collector.spans += [span for scope in group.scope_spans for span in scope.spans]
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]

    def close(self) -> None:
        self.server.shutdown()


@pytest.fixture
def collector() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.close()


def attributes(span: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@pytest.fixture
def traced(serve: Serve, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> JourneyServer:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "calls")
    return serve(webhooks_allow_private=1)


def test_a_call_is_told_in_spans_and_its_words_are_not(traced, collector):
    traced.post("/webhooks", {"name": "x", "url": f"{collector.url}/?p={MARK}",
                              "events": ["meeting.started"]})  # fmt: skip
    meeting_id, ana, _ = a_call(traced, title=MARK)
    ana.chat("add", id="a", message=MARK)
    ana.person.message({"peer_id": ana.peer_id, "seq": 9, "entries": [{"event": 7, "w": MARK}]})
    session_id = session_of(traced, meeting_id)
    wait_for("a delivery", lambda: collector.named("deliver webhook"))
    end(traced, meeting_id)
    traced.stop()

    (appended, *_) = collector.named("journal append")
    requests = {span.span_id: span for span in collector.named("POST /v1/collect")}
    assert appended.parent_span_id in requests
    request = attributes(requests[appended.parent_span_id])
    assert request["http.response.status_code"] == 202
    assert request["http.request.method"] == "POST"
    assert request["roomtone.request_id"]
    (seal, *_) = collector.named("seal")
    assert attributes(seal)["roomtone.of"] == session_id
    (delivery, *_) = collector.named("deliver webhook")
    assert attributes(delivery)["server.address"] == "127.0.0.1"
    assert collector.resources[0]["service.name"] == "calls"
    assert collector.resources[0]["roomtone.role"] == "all"
    for secret in (MARK, traced.api_token, ana.person.token):
        assert secret.encode() not in collector.bodies


def test_a_request_goes_on_with_its_senders_trace(traced, collector):
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    url = f"{traced.url}/files/nothing?token={MARK}"
    answer = traced.client.get(url, headers={"traceparent": f"00-{trace}-{parent}-01"})
    traced.stop()

    (span,) = [span for span in collector.spans if span.trace_id.hex() == trace]
    assert span.parent_span_id.hex() == parent
    assert span.name == "GET /files/{token}"
    told = attributes(span)
    assert told["http.response.status_code"] == answer.status_code == 403
    assert told["roomtone.request_id"] == answer.headers["x-request-id"]
    assert MARK.encode() not in collector.bodies


def test_where_nobody_collects_nothing_is_imported():
    code = (
        "import sys; from roomtone.settings import Settings; from roomtone.wiring import Roomtone;"
        "import tempfile; Roomtone(Settings(data=tempfile.mkdtemp())).application();"
        "print(sum(name.startswith('opentelemetry') for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "0"


def test_a_collector_that_is_away_keeps_nobody_waiting(serve, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    server = serve()
    meeting_id, ana, _ = a_call(server)
    ana.chat("add", id="a", message="x")
    session_of(server, meeting_id)
    server.stop()


def test_who_asks_for_traces_without_the_extra_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    hidden = tmp_path / "opentelemetry"
    hidden.mkdir()
    (hidden / "__init__.py").write_text("raise ModuleNotFoundError('no', name='opentelemetry')")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from roomtone.cli import main;"
        f"sys.argv = ['roomtone', 'app', 'list', '--data', {str(tmp_path / 'data')!r}]; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "Install roomtone[otel]" in done.stderr
