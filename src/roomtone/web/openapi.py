"""``/openapi.json``: the façade described from the very tables and shapes that it runs on.

Every status that an operation can answer is declared, so a fuzzer that finds another one has found
a fault (``tests/realtimekit``).
"""

import re
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from roomtone import __version__
from roomtone.web.docs import page_routes
from roomtone.web.errors import JSON, ErrorBody
from roomtone.web.query import Parameter
from roomtone.web.realtimekit.call import Operation, Resource
from roomtone.web.realtimekit.door import template
from roomtone.web.realtimekit.table import RESOURCES

REF = "#/components/schemas/{name}"

REFUSALS = {
    400: "The request cannot be read.",
    401: "No API token, or one that is not valid.",
    403: "The API token belongs to another account or app, or may only read.",
    404: "Unknown here: the same words whether the id is unknown, malformed or somebody else's.",
    405: "This path knows other methods; Allow names them.",
    413: "The body is too large.",
    422: "Understood, but not valid: every fault is listed.",
    429: "Too many requests with this API token; Retry-After says when to go on.",
    500: "Roomtone failed; its log tells why.",
    503: "Roomtone cannot do this just now.",
}
_WITH_BODY = frozenset({413, 422})

PATH_PARAMETERS = {
    "account_id": "The account, 32 hexadecimal digits.",
    "app_id": "The app.",
    "named_app_id": "The app.",
    "session_id": "The session.",
    "participant_id": "A session's participant: the peer's id, or the latest peer of a user id or "
    "custom id. A meeting's participant: the user id.",
    "peer_id": "The peer: one connection of a participant.",
    "meeting_id": "The meeting.",
    "preset_id": "The preset.",
    "webhook_id": "The webhook.",
    "token_id": "The API token's id, not its text.",
    "inlet_id": "The inlet.",
    "delivery_id": "The delivery: what `rtk-uuid` said.",
}

SECURITY: dict[str, dict[str, str]] = {
    "token": {"type": "http", "scheme": "bearer", "description": "An API token, rt_…"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Auth-Key"},
    "service_key": {"type": "apiKey", "in": "header", "name": "X-Auth-User-Service-Key"},
}

ABOUT = """The record of calls, as Cloudflare RealtimeKit's API serves it. The same paths answer
under `/client/v4` and at the root; without the prefix up to the app's id they answer under `/v2`,
with `Authorization: Basic base64(app id:API token)`."""


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    shapes = [shape for resource in RESOURCES for shape in _shapes(resource)]
    _, components = msgspec.json.schema_components([ErrorBody, *shapes], ref_template=REF)
    tags = dict.fromkeys(resource.tag for resource in RESOURCES)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Roomtone", "version": __version__, "description": ABOUT},
        "servers": [{"url": "/client/v4"}, {"url": "/"}],
        "security": [{name: []} for name in SECURITY],
        "tags": [{"name": tag} for tag in tags],
        "paths": {"/accounts" + template(resource): _path(resource) for resource in RESOURCES},
        "components": {"schemas": components, "securitySchemes": SECURITY},
    }


def _shapes(resource: Resource) -> list[type[Struct]]:
    return [
        shape
        for operation in resource.operations.values()
        for shape in (operation.answer, operation.narrowed, operation.body)
        if shape is not None
    ]


def _path(resource: Resource) -> dict[str, Any]:
    return {
        "parameters": [_path_parameter(name) for name in _names(template(resource))],
        **{
            method.lower(): _operation(operation, resource.tag)
            for method, operation in resource.operations.items()
        },
    }


def _operation(operation: Operation, tag: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": (operation.handler.__doc__ or "").strip(),
        "tags": [tag],
        "parameters": [_query_parameter(parameter) for parameter in operation.parameters],
        "responses": _responses(operation),
    }
    if operation.body is not None:
        content = {JSON: {"schema": _ref(operation.body)}}
        content |= {kind: {"schema": {"type": "string"}} for kind in operation.uploads}
        described["requestBody"] = {"content": content}
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    schema = _ref(operation.answer)
    if operation.narrowed is not None:
        schema = {"anyOf": [schema, _ref(operation.narrowed)]}
    checked = operation.body is not None or operation.parameters or operation.name in _MAY_REFUSE
    given = _response("What was asked for.", schema)
    given["content"] |= {kind: {"schema": {"type": "string"}} for kind in operation.downloads}
    answers = {str(operation.status): given}
    for status, words in REFUSALS.items():
        if status not in _WITH_BODY or (status == 422 and checked) or operation.body is not None:
            answers[str(status)] = _response(words, _ref(ErrorBody))
    return answers


_MAY_REFUSE = frozenset({"generateSummaryOfTranscripts"})
"""Operations that answer 422 without having anything to read."""


def _response(words: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": words, "content": {JSON: {"schema": schema}}}


def _ref(shape: type[Struct]) -> dict[str, Any]:
    return {"$ref": REF.format(name=shape.__name__)}


def _names(path: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", path)


def _path_parameter(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": PATH_PARAMETERS[name],
        "schema": {"type": "string", "minLength": 1},
    }


def _query_parameter(parameter: Parameter[Any]) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.help,
        "schema": parameter.schema,
    }


@cache
def _encoded() -> bytes:
    return msgspec.json.encode(document())


async def _serve(_: Request) -> Response:
    return Response(_encoded(), media_type=JSON)


def docs_routes() -> list[BaseRoute]:
    """``/openapi.json`` and the page that shows it, open to everybody: they tell of nobody."""
    return [Route("/openapi.json", _serve, methods=["GET"]), *page_routes()]
