"""The catalogue of findings, and an app's own thresholds."""

import pytest
from facade_world import a_world

from roomtone.findings.catalogue import BY_ID, DETECTORS, MODEL


@pytest.fixture
def world():
    with a_world() as made:
        yield made


def put(world, thresholds, **more):
    return world.ask("PUT", "findings/thresholds", json={"thresholds": thresholds}, **more)


def a_number():
    detector = next(one for one in DETECTORS if one.thresholds)
    return detector.id, detector.thresholds[0]


def test_the_catalogue_has_every_detector_with_numbers_units_advice_and_source(world):
    data = world.get("findings/catalogue")["data"]

    assert data["findings_model"] == MODEL
    assert [one["id"] for one in data["detectors"]] == [one.id for one in DETECTORS]
    for one in data["detectors"]:
        assert one["severity"] in ("error", "warning", "info")
        assert one["title"]
        assert one["advice"]
        assert one["source"]
        assert set(one["suppressed_by"]) <= set(BY_ID)
        for threshold in one["thresholds"]:
            assert threshold["value"] == threshold["default"]
            assert isinstance(threshold["unit"], str)  # empty: a count or a share
            assert threshold["says"]


def test_an_apps_own_thresholds_show_in_the_catalogue_and_name_another_model(world):
    detector, threshold = a_number()
    own = {detector: {threshold.name: threshold.value + 1}}
    answer = put(world, own)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["thresholds"] == own
    model = answer.json()["data"]["findings_model"]
    assert model.startswith(f"{MODEL}-")

    data = world.get("findings/catalogue")["data"]
    assert data["findings_model"] == model
    (shown,) = [one for one in data["detectors"] if one["id"] == detector]
    (number,) = [one for one in shown["thresholds"] if one["name"] == threshold.name]
    assert (number["value"], number["default"]) == (threshold.value + 1, threshold.value)
    assert world.get("findings/thresholds")["data"] == answer.json()["data"]

    assert put(world, {}).json()["data"] == {"findings_model": MODEL, "thresholds": {}}
    assert world.get("findings/thresholds")["data"]["thresholds"] == {}


def test_thresholds_outlive_a_change_of_the_app_and_are_of_one_app_alone(world):
    detector, threshold = a_number()
    put(world, {detector: {threshold.name: 7}})
    app = world.write(lambda tx: tx.tenants.app(world.app_id))
    world.write(lambda tx: tx.tenants.put_app(app))
    other = world.client.post(
        f"/client/v4/accounts/{world.account_id}/realtime/kit/apps",
        json={"name": "another"},
        headers=world.bearer,
    ).json()["data"]["app"]["id"]

    assert world.get("findings/thresholds")["data"]["thresholds"] == {detector: {threshold.name: 7}}
    path = world.path("findings/thresholds", app_id=other)
    assert world.client.get(path, headers=world.bearer).json()["data"]["thresholds"] == {}


def test_every_fault_is_named_and_nothing_is_kept(world):
    detector, threshold = a_number()
    wrong = put(
        world,
        {
            detector: {threshold.name: "high", "no such": 1},
            "no_such/finding": {"x": 1},
            "another": 5,
        },
    )
    assert wrong.status_code == 422
    assert {fault["source"]["pointer"] for fault in wrong.json()["errors"]} == {
        f"/thresholds/{detector}/{threshold.name}",
        f"/thresholds/{detector}/no such",
        "/thresholds/no_such~1finding",
        "/thresholds/another",
    }
    assert world.get("findings/thresholds")["data"]["thresholds"] == {}
    for body in ({}, {"thresholds": []}, {"thresholds": None}):
        assert world.ask("PUT", "findings/thresholds", json=body).status_code == 422
    many = put(world, {f"x{number}": {} for number in range(10_000)})
    assert len(many.json()["errors"]) <= 100


def test_numbers_that_make_no_sense_are_refused_and_it_says_what_would(world):
    wrong = put(
        world,
        {
            "uplink_loss": {"mean_percent": 101},
            "low_mos": {"raise_mos": -1},
            "unstable_path": {"changes": 0, "window_s": -1},
            "rejoins": {"joins": 2.5},
            "high_rtt": {"raise_ms": 300, "clear_ms": 301},
            "low_fps": {"clear_ratio": 0.4},
            "stats_gap": {"raise_s": 10**400},
            "high_jitter": {"raise_ms": None, "clear_ms": True},
        },
    )
    assert wrong.status_code == 422
    told = {fault["source"]["pointer"]: fault["message"] for fault in wrong.json()["errors"]}
    assert set(told) == {
        "/thresholds/uplink_loss/mean_percent",
        "/thresholds/low_mos/raise_mos",
        "/thresholds/unstable_path/changes",
        "/thresholds/unstable_path/window_s",
        "/thresholds/rejoins/joins",
        "/thresholds/high_rtt/clear_ms",
        "/thresholds/low_fps/clear_ratio",
        "/thresholds/stats_gap/raise_s",
        "/thresholds/high_jitter/raise_ms",
        "/thresholds/high_jitter/clear_ms",
    }
    assert "0 to 100 %" in told["/thresholds/uplink_loss/mean_percent"]
    assert "whole number" in told["/thresholds/rejoins/joins"]
    assert "raise_ms, which is 300" in told["/thresholds/high_rtt/clear_ms"]
    assert world.get("findings/thresholds")["data"]["thresholds"] == {}


def test_the_number_that_ends_a_finding_goes_with_the_one_that_begins_it(world):
    assert put(world, {"high_rtt": {"raise_ms": 200}}).status_code == 200

    data = world.get("findings/catalogue")["data"]
    (shown,) = [one for one in data["detectors"] if one["id"] == "high_rtt"]
    assert "over 200 ms" in shown["raises"]
    assert "at 200 ms" in shown["clears"]


def test_a_token_that_may_only_read_changes_nothing(world):
    reader = {"authorization": f"Bearer {world.token_for('read')}"}

    assert put(world, {}, headers=reader).status_code == 403
    assert world.ask("GET", "findings/thresholds", headers=reader).status_code == 200
    assert world.ask("GET", "findings/catalogue", headers=reader).status_code == 200
