"""The totals of a report are those of the raw recording's counters; its sums can be done again."""

import json
from pathlib import Path

import naive_counters
import naive_sums
import pytest
from journey_server import JourneyServer, new_peer, now_ms, told
from player import IMPORTED, PLAYED, Stage

CALLS = [f"{file.name.partition('.')[0]} by import" for file in IMPORTED] + [
    f"{name.partition('.')[0]} by {'collect' if name.startswith('getstats') else 'message'}"
    for name in PLAYED
]


@pytest.mark.parametrize("name", CALLS)
def test_packets_bytes_and_frames_are_those_of_the_recordings_own_counters(
    stage: Stage, name: str
) -> None:
    call = stage.calls[name]
    assert call.raw
    for label, raw in call.raw.items():
        found = naive_counters.reported(stage.server.report(call.peers[label]))
        assert naive_counters.layered(found) == naive_counters.layered(raw), label


@pytest.mark.parametrize("name", CALLS)
def test_received_streams_are_told_apart_by_ssrc(stage: Stage, name: str) -> None:
    call = stage.calls[name]
    for label, raw in call.raw.items():
        found = naive_counters.reported(stage.server.report(call.peers[label]))
        assert {one for one in found if one[0] == "consumer"} == {
            one for one in raw if one[0] == "consumer"
        }


@pytest.mark.parametrize("name", CALLS)
def test_every_cumulative_number_follows_from_the_readings_beside_it(
    stage: Stage, name: str
) -> None:
    for peer_id in stage.calls[name].peers.values():
        quality = stage.server.report(peer_id)["peer_report"]["quality"]
        arrays = [key for key in quality if not key.endswith("_cumulative")]
        assert len(arrays) == 8
        wrong = [
            line
            for key in arrays
            for line in naive_sums.close(
                naive_sums.cumulative(key, quality[key]), quality[f"{key}_cumulative"], key
            )
        ]
        assert not wrong


@pytest.mark.parametrize("name", CALLS)
def test_the_old_quality_block_sums_up_the_same_readings(stage: Stage, name: str) -> None:
    for peer_id in stage.calls[name].peers.values():
        participant = stage.server.report(peer_id)
        mine = naive_sums.received_block(participant["peer_report"]["quality"])
        theirs = {key: participant["quality_stats"][key] for key in mine}
        assert not naive_sums.close(mine, theirs)


def test_the_sums_were_not_made_of_nothing(stage: Stage) -> None:
    """Else the tests above would hold for empty reports."""
    seen = dict.fromkeys(("scored", "lost", "screen"), 0)
    for call in stage.calls.values():
        for peer_id in call.peers.values():
            quality = stage.server.report(peer_id)["peer_report"]["quality"]
            for key, readings in quality.items():
                if not key.endswith("_cumulative"):
                    seen["scored"] += sum(one["mos_quality"] is not None for one in readings)
                    seen["lost"] += sum(one["packets_lost"] or 0 for one in readings)
                    seen["screen"] += len(readings) if key.startswith("screenshare") else 0
    assert seen["scored"] > 500
    assert seen["lost"] > 500
    assert seen["screen"] >= 4


def anew_from(data: bytes, sample: int) -> bytes:
    """The recording, with every counter of every stream beginning anew at a sample."""
    file = json.loads(data)
    names = {*naive_counters.RECEIVED.values(), *naive_counters.SENT.values()}
    bases: dict[str, dict[str, float]] = {}
    for number, row in enumerate(file["samples"]):
        for stats in (one["stats"] for one in row.values()):
            for stat in stats.values():
                if stat["type"] not in ("inbound-rtp", "outbound-rtp"):
                    continue
                here = {name: stat[name] for name in names if name in stat}
                if number == sample - 1:
                    bases[stat["id"]] = here
                elif number >= sample:
                    stat |= {name: here[name] - bases[stat["id"]].get(name, 0) for name in here}
    return json.dumps(file).encode()


def test_a_counter_that_begins_anew_takes_nothing_away(stage: Stage, tmp_path: Path) -> None:
    broken = anew_from(naive_counters.read(IMPORTED[1]), 15)
    file = tmp_path / "anew.json"
    file.write_bytes(broken)
    made = told("import", file, "--data", stage.server.data)
    raw = naive_counters.totals(naive_counters.getstats(broken))
    whole = naive_counters.totals(naive_counters.getstats(naive_counters.read(IMPORTED[1])))
    for label, peer_id in zip(sorted(raw), made["peer_ids"], strict=True):
        found = naive_counters.reported(stage.server.report(peer_id))
        assert found == raw[label]
        for stream, sums in found.items():
            for name, value in sums.items():
                assert 0 <= value <= whole[label][stream][name], (stream, name)


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        ([0, 10, 8, 12], 12),
        ([0, 10, 8, 9], 10),
        ([0, -3, 2, 2], 2),
        ([5, 5, 5, 5], 5),
    ],
)
def test_loss_that_is_taken_back_is_not_counted_again(
    server: JourneyServer, running: list[int], expected: int
) -> None:
    meeting = server.meeting()
    alice, peer_id, start = server.invite(meeting, "alice"), new_peer(), now_ms() - 40_000
    entries = [
        {
            "event": "stats",
            "timestamp": start + 8_000 * number,
            "metaData": {
                "pc": "main",
                "report": [
                    {
                        "type": "inbound-rtp",
                        "id": "I1",
                        "timestamp": start + 8_000 * number,
                        "ssrc": 7,
                        "kind": "audio",
                        "packetsReceived": 400 * (number + 1),
                        "packetsLost": lost,
                    }
                ],
            },
        }
        for number, lost in enumerate(running)
    ]
    answer = alice.collect({"peer_id": peer_id, "seq": 1, "entries": entries})
    assert answer.status_code == 202, answer.text
    readings = server.soon(peer_id)["peer_report"]["quality"]["audio_consumer"]
    losses = [one["packets_lost"] for one in readings]
    assert all(loss >= 0 for loss in losses)
    assert sum(losses) == expected
