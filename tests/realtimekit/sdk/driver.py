"""Drives the vendor's Python SDK, unmodified, and holds every answer against the SDK's own types.

Runs in the SDK's own environment: ``python driver.py < plan.json > results.json``. The plan (see
plan.py) names calls; for each the result holds the status, the raw body, the class of the error
that the SDK raised, and the faults: every place where the body is not what its models declare.

The SDK itself never complains (it builds models without validating), so this walks the annotations:

* a field the model declares is in the JSON, also where the model calls it optional;
* every value has the declared type: a boolean is no number, an integer is a fine float, a Literal
  is one of its values, a datetime is ISO 8601 with a zone;
* pydantic, told to be strict, accepts the same bytes.
"""

import inspect
import json
import sys
import types
from datetime import datetime
from typing import Any, Literal, Union, get_args, get_origin

import cloudflare
from pydantic import BaseModel, ValidationError

Fault = dict[str, str]


def fault(path: str, what: str) -> list[Fault]:
    """One thing that is wrong at one path. List indexes are left out, so that a path is a name."""
    return [{"path": path, "fault": what}]


def check_model(model: type[BaseModel], value: Any, path: str) -> list[Fault]:
    """Faults of a JSON object against a pydantic model."""
    if not isinstance(value, dict):
        return fault(path, f"expected object, got {kind_of(value)}")
    if not value and model.model_fields:
        return fault(path, "empty")
    faults: list[Fault] = []
    for name, field in model.model_fields.items():
        key = field.alias or name
        inner = f"{path}.{key}" if path else key
        if key not in value:
            faults += fault(inner, "missing")
        else:
            faults += check(field.annotation, value[key], inner)
    return faults


def kind_of(value: Any) -> str:
    """The JSON name of a value's type."""
    if value is None:
        return "null"
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")


def check_union(members: tuple[Any, ...], value: Any, path: str) -> list[Fault]:
    """Faults against the member that fits best."""
    if value is None:
        return [] if type(None) in members else fault(path, "null")
    tried = [check(member, value, path) for member in members if member is not type(None)]
    return min(tried, key=len)


def check_scalar(annotation: Any, value: Any, path: str) -> list[Fault]:
    """Faults against a plain type."""
    if value is None:
        return [] if annotation is type(None) else fault(path, "null")
    if annotation is datetime:
        try:
            fine = datetime.fromisoformat(value).tzinfo is not None
        except (TypeError, ValueError):
            fine = False
        return [] if fine else fault(path, f"expected a date, got {value!r}")
    expected = {bool: "boolean", int: "number", float: "number", str: "string"}[annotation]
    whole = annotation is not int or (isinstance(value, int) and not isinstance(value, bool))
    if kind_of(value) != expected or not whole:
        return fault(path, f"expected {annotation.__name__}, got {kind_of(value)}")
    return []


def check(annotation: Any, value: Any, path: str) -> list[Fault]:
    """Faults of a JSON value against a type annotation of the SDK."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in (object, Any):
        return []
    if origin in (Union, types.UnionType):
        return check_union(inner, value, path)
    if origin is Literal:
        known = any(value == one and type(value) is type(one) for one in inner)
        return [] if known else fault(path, f"{value!r} is not one of {', '.join(map(str, inner))}")
    if origin is list:
        if not isinstance(value, list):
            return fault(path, f"expected array, got {kind_of(value)}")
        return [each for item in value for each in check(inner[0], item, path)]
    if origin is dict:
        if not isinstance(value, dict):
            return fault(path, f"expected object, got {kind_of(value)}")
        return [each for item in value.values() for each in check(inner[1], item, path + ".*")]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return check_model(annotation, value, path)
    return check_scalar(annotation, value, path)


def strictly(model: type[BaseModel], text: str) -> list[Fault]:
    """What pydantic says when it may convert nothing."""
    try:
        model.model_validate_json(text, strict=True)
    except ValidationError as error:
        return [
            {
                "path": ".".join(step for step in one["loc"] if isinstance(step, str)),
                "fault": f"pydantic: {one['msg']}",
            }
            for one in error.errors()
            if one["type"] != "missing"  # told above, with exceptions that the tests may grant
        ]
    return []


def resolve(value: Any, results: dict[str, Any]) -> Any:
    """``$name:data.id`` stands for that value in the body of an earlier answer."""
    if isinstance(value, dict):
        return {key: resolve(each, results) for key, each in value.items()}
    if not (isinstance(value, str) and value.startswith("$")):
        return value
    name, _, path = value[1:].rpartition(":")
    found = results[name]["body"]
    for step in path.split("."):
        found = found[int(step)] if isinstance(found, list) else found[step]
    return found


def perform(plan: dict[str, Any], call: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
    """One call through the SDK."""
    client = cloudflare.Cloudflare(
        api_token=call.get("token", plan["api_token"]),
        base_url=plan["base_url"],
        max_retries=0,
        timeout=30,
    )
    resource = getattr(client.realtime_kit, call["resource"])
    if not hasattr(resource, call["method"]):
        return {"absent": True}
    method = getattr(resource.with_raw_response, call["method"])
    known = inspect.signature(getattr(resource, call["method"])).parameters
    values = {"account_id": plan["account_id"], "app_id": plan["app_id"]}
    values |= resolve(call.get("ids", {}), results)
    arguments = {name: value for name, value in values.items() if name in known}
    extra = {}
    for name, value in resolve(call.get("params", {}), results).items():
        (arguments if name in known else extra)[name] = value
    if extra:
        arguments["extra_query"] = extra
    try:
        answer = method(**arguments)
    except cloudflare.APIStatusError as error:
        return {
            "status": error.status_code,
            "error": type(error).__name__,
            "errors": len(error.errors or ()),
            "body": error.body,
            "faults": [],
        }
    text = answer.text()
    parsed = answer.parse()
    faults: list[Fault] = []
    if isinstance(parsed, BaseModel):
        faults = check_model(type(parsed), json.loads(text), "") + strictly(type(parsed), text)
    return {
        "status": answer.http_response.status_code,
        "error": None,
        "body": json.loads(text) if text else None,
        "typed": isinstance(parsed, BaseModel),
        "faults": faults,
    }


def main() -> None:
    """See the module."""
    plan = json.load(sys.stdin)
    results: dict[str, Any] = {}
    for call in plan["calls"]:
        results[call["name"]] = perform(plan, call, results)
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
