"""A report as it was before another version of the formulas made it anew."""

import gzip

import msgspec
import pytest
from facade_world import MINUTE, START, a_world, report_of

from roomtone.ports.records import StoredReport


@pytest.fixture
def world():
    with a_world() as made:
        end = START + MINUTE
        made.put_session("main", ended_at=end, sealed_at=end)
        yield made


def seal(world, peer, model, mos_model):
    report = report_of(peer)
    report.mos_model = mos_model
    content = {"success": True, "data": {"participant": report}}
    stored = StoredReport(
        subject=peer.subject,
        app_id=peer.app_id,
        peer_id=peer.peer_id,
        session_id=peer.session_id,
        model=model,
        body=gzip.compress(msgspec.json.encode(content), mtime=0),
        sealed_at=world.clock.t,
    )
    world.write(lambda tx: tx.reports.put_report(stored))


def model(world, **asked):
    return world.get("sessions/peer-report/p1", **asked)["data"]["participant"]["mos_model"]


def test_both_versions_can_be_read_and_say_which_they_are(world):
    peer = world.put_peer("main", "p1", left_at=START + MINUTE)
    seal(world, peer, "1", "first")
    assert model(world) == "first"
    seal(world, peer, "2", "second")

    assert model(world) == model(world, model="current") == "second"
    assert model(world, model="previous") == "first"
    narrowed = world.get("sessions/peer-report/p1", model="previous", filters="events")
    assert narrowed["data"]["participant"]["mos_model"] == "first"


def test_without_an_earlier_version_there_is_none(world):
    peer = world.put_peer("main", "p1", left_at=START + MINUTE)
    seal(world, peer, "1", "first")
    asked = {"params": {"model": "previous"}}

    assert world.ask("GET", "sessions/peer-report/p1", **asked).status_code == 404
    assert world.ask("GET", "sessions/peer-report/nobody", **asked).status_code == 404
    wrong = world.ask("GET", "sessions/peer-report/p1", params={"model": "other"})
    assert wrong.status_code == 422
