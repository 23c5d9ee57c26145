"""Traces for OpenTelemetry: requests, appends, seals, deliveries and other work as spans.

The extra ``otel`` brings the libraries; they are imported only where the standard variables name a
collector, over OTLP/HTTP: ``OTEL_EXPORTER_OTLP_ENDPOINT`` and its like. Names and attributes follow
OpenTelemetry's semantic conventions for HTTP 1.x; ours begin with ``roomtone.``.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, cast
from urllib.parse import urlsplit

from opentelemetry.propagate import extract
from opentelemetry.propagators.textmap import Getter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roomtone import __version__
from roomtone.ports.courier import Answer, Courier
from roomtone.ports.journal import Batch, Journal
from roomtone.services.metering import outcome_of
from roomtone.services.tracing import Untraced
from roomtone.web.traffic import ID_HEADER

ELSEWHERE = "other"
"""How a request is called that no route took."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FLUSH_MS = 3_000
"""How long the end may wait for a collector that does not answer."""


class Tracing(Untraced):
    """See :class:`roomtone.services.tracing.Untraced`."""

    def __init__(self, role: str, worker_id: str, exporter: SpanExporter | None = None) -> None:
        """``exporter``: another than OTLP's, whose settings are the standard variables."""
        if exporter is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            exporter = OTLPSpanExporter()
        # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes before what is said here.
        told = Resource(
            {
                "service.name": "roomtone",
                "service.version": __version__,
                "service.instance.id": worker_id,
                "roomtone.role": role,
            }
        )
        standard = dict(Resource.create().attributes)
        if str(standard.get("service.name", "")).startswith("unknown_service"):
            del standard["service.name"]
        self.provider = TracerProvider(resource=told.merge(Resource(standard)))
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self.provider.get_tracer("roomtone", __version__)

    def application(self, app: ASGIApp) -> Any:
        """See Untraced. Sockets have no span: they last as long as a call."""
        return _TracedApp(app, self._tracer)

    def journal(self, journal: Journal) -> Journal:
        """See Untraced."""
        return cast("Journal", _TracedJournal(journal, self._tracer))

    def courier(self, courier: Courier) -> Courier:
        """See Untraced."""
        return _TracedCourier(courier, self._tracer)

    def work(self, name: str, **attributes: str | int) -> AbstractContextManager[object]:
        """See Untraced."""
        told = {f"roomtone.{key}": value for key, value in attributes.items()}
        return _span(self._tracer, name, SpanKind.INTERNAL, told)

    def close(self) -> None:
        """See Untraced."""
        self.provider.force_flush(FLUSH_MS)
        self.provider.shutdown()


def _span(
    tracer: Tracer, name: str, kind: SpanKind, attributes: Mapping[str, str | int], **more: Any
) -> AbstractContextManager[Span]:
    # An exception's text may repeat what somebody sent: its type alone is told.
    return _Quiet(
        tracer.start_as_current_span(
            name,
            kind=kind,
            attributes=dict(attributes),
            record_exception=False,
            set_status_on_exception=False,
            **more,
        )
    )


class _Quiet(AbstractContextManager[Span]):
    """A span that tells of an exception no more than its type."""

    def __init__(self, inner: AbstractContextManager[Span]) -> None:
        self._inner = inner
        self._span: Span | None = None

    def __enter__(self) -> Span:
        self._span = self._inner.__enter__()
        return self._span

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None and self._span is not None:
            self._span.set_attribute("error.type", kind.__qualname__)
            self._span.set_status(Status(StatusCode.ERROR))
        self._inner.__exit__(kind, error, trace)


class _Headers(Getter[Sequence[tuple[bytes, bytes]]]):
    def get(self, carrier: Sequence[tuple[bytes, bytes]], key: str) -> list[str] | None:
        wanted = key.lower().encode()
        return [value.decode("latin-1") for name, value in carrier if name == wanted] or None

    def keys(self, carrier: Sequence[tuple[bytes, bytes]]) -> list[str]:
        return [name.decode("latin-1") for name, _ in carrier]


_HEADERS = _Headers()


class _TracedApp:
    """An ASGI application with a span for each request, from its head to the end of its answer."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        told = {"http.request.method": method, "url.scheme": scope.get("scheme", "http")}
        parent = extract(scope["headers"], getter=_HEADERS)
        with _span(self._tracer, method, SpanKind.SERVER, told, context=parent) as span:

            async def told_send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _answered(span, message)
                await send(message)

            try:
                await self._app(scope, receive, told_send)
            finally:
                # The route's own path: what is in the places of its names may open something.
                route = getattr(scope.get("route"), "path", None) or ELSEWHERE
                span.set_attribute("http.route", route)
                span.update_name(f"{method} {route}")


def _answered(span: Span, message: Message) -> None:
    status = message["status"]
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))
    for name, value in message.get("headers", ()):
        if name == ID_HEADER:
            span.set_attribute("roomtone.request_id", value.decode("latin-1"))


class _TracedJournal:
    def __init__(self, journal: Journal, tracer: Tracer) -> None:
        self._journal = journal
        self._tracer = tracer

    async def append(self, batches: Sequence[Batch]) -> list[bool]:
        told = {"roomtone.batches": len(batches)}
        with _span(self._tracer, "journal append", SpanKind.INTERNAL, told):
            return await self._journal.append(batches)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


class _TracedCourier:
    def __init__(self, courier: Courier, tracer: Tracer) -> None:
        self._courier = courier
        self._tracer = tracer

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        # Path and query of a webhook's address are often its password.
        told = {"http.request.method": "POST", "server.address": urlsplit(url).hostname or ""}
        with _span(self._tracer, "deliver webhook", SpanKind.CLIENT, told) as span:
            answer = await self._courier.post(url, headers, body)
            span.set_attribute("roomtone.outcome", outcome_of(answer))
            if answer.status is not None:
                span.set_attribute("http.response.status_code", answer.status)
            return answer
