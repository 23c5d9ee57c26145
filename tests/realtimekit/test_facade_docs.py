"""The description of the API, against the API."""

import re

import pytest
from facade_world import a_world

from roomtone.web.openapi import PATH_PARAMETERS
from roomtone.web.realtimekit.table import RESOURCES

EXTERNAL = re.compile(r"https?://|//[a-z]|@import|url\(")


@pytest.fixture(scope="module")
def world():
    with a_world() as made:
        yield made


@pytest.fixture(scope="module")
def api(world):
    response = world.client.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    return response.json()


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def operations(api):
    for path, item in api["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            if method in item:
                yield path, method, item[method]


def test_every_reference_leads_somewhere(api):
    found = set(references(api))

    assert found
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in api["components"]["schemas"]


def test_every_route_is_described_and_every_described_route_exists(world, api):
    assert sum(len(resource.operations) for resource in RESOURCES) == len(list(operations(api)))
    for path, method, operation in operations(api):
        url = f"{api['servers'][0]['url']}{path}".format(
            account_id=world.account_id,
            app_id=world.app_id,
            **dict.fromkeys(set(PATH_PARAMETERS) - {"account_id", "app_id"}, "x"),
        )
        response = world.client.request(method, url, headers=world.bearer)

        assert "No route" not in response.text, path
        assert str(response.status_code) in operation["responses"], (path, method)


def test_every_operation_has_a_name_a_summary_and_described_parameters(api):
    names = [operation["operationId"] for _, _, operation in operations(api)]

    assert len(names) == len(set(names))
    for path, _, operation in operations(api):
        assert operation["summary"]
        assert operation["description"]
        shared = api["paths"][path]["parameters"]
        for parameter in [*operation["parameters"], *shared]:
            assert parameter["description"]
        assert {parameter["name"] for parameter in shared} == set(re.findall(r"\{(\w+)\}", path))


def test_the_nine_endpoints_take_the_parameters_of_the_contract(api):
    base = "/accounts/{account_id}/realtime/kit/{app_id}/sessions"
    taken = {
        path.removeprefix(base): {parameter["name"] for parameter in operation["parameters"]}
        for path, method, operation in operations(api)
        if path.startswith(base) and method == "get"
    }
    contract = {
        "": {
            *("associated_id", "start_time", "end_time", "page_no", "per_page", "participants"),
            *("search", "sort_by", "sort_order", "status"),
        },
        "/{session_id}": {"include_breakout_rooms"},
        "/{session_id}/participants": {
            *("search", "page_no", "per_page", "sort_by", "sort_order"),
            *("include_peer_events", "view"),
        },
        "/{session_id}/participants/{participant_id}": {"filters", "include_peer_events"},
        "/{session_id}/chat": set(),
        "/{session_id}/transcript": {"format"},
        "/{session_id}/summary": set(),
        "/peer-report/{peer_id}": {"filters", "include_peer_events"},
    }
    ours = {
        "": {"finding", "min_severity", "browser", "country", "mos_below"},
        "/{session_id}/participants": {"include_attempts"},
        "/peer-report/{peer_id}": {"model"},
    }

    for path, parameters in contract.items():
        assert parameters <= taken[path], path
        assert taken[path] - parameters <= ours.get(path, set()), path
    assert "post" in api["paths"][f"{base}/{{session_id}}/summary"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/docs", "text/html"), ("/docs/docs.css", "text/css"), ("/docs/docs.js", "text/javascript")],
)
def test_the_page_loads_nothing_from_elsewhere(world, path, kind):
    response = world.client.get(path)

    assert response.status_code == 200
    assert response.headers["content-type"].startswith(kind)
    assert "default-src 'none'" in response.headers["content-security-policy"]
    lines = [line for line in response.text.splitlines() if not line.strip().startswith("//")]
    assert not EXTERNAL.search("\n".join(lines))
