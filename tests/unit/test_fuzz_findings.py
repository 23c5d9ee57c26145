"""Inputs that fuzzing found to be neither facts nor a refusal, and what they are now."""

import json
from typing import Any

import pytest

from roomtone.formats.said import is_said, read_said
from roomtone.model.errors import BadRequest, Invalid
from roomtone.model.facts import DevicesListed
from roomtone.sources import daily, peermetrics

NOW = 1_795_397_118_000


@pytest.mark.parametrize("kind", [["audioinput"], {"a": 1}, None, 7])
def test_a_device_whose_kind_is_no_word_is_passed_over(kind: Any) -> None:
    devices = [{"kind": kind}, {"kind": "audioinput", "deviceId": "d", "label": "m"}]
    facts = peermetrics.Talk(mask=True).receive("sessions", {"devices": devices}, NOW)
    (listed,) = [fact for fact in facts if isinstance(fact, DevicesListed)]
    assert [device.device_id for device in listed.devices] == ["d"]


@pytest.mark.parametrize("duration", [1_795_397_118_000, 1e308])
def test_a_stay_of_daily_that_ends_after_the_year_9999_is_refused(duration: float) -> None:
    payload = {"room": "r", "session_id": "s", "joined_at": NOW // 1000, "duration": duration}
    event = {"type": "participant.left", "id": "e", "event_ts": 1.5, "payload": payload}
    with pytest.raises(Invalid):
        daily.decode_webhook(json.dumps(event).encode())


def test_a_stay_of_daily_ends_when_it_says() -> None:
    payload = {"room": "r", "session_id": "s", "joined_at": NOW // 1000, "duration": 1.5}
    event = {"type": "participant.left", "id": "e", "event_ts": 1.5, "payload": payload}
    (arrival,) = daily.decode_webhook(json.dumps(event).encode())
    assert [fact.t for fact in arrival.facts] == [NOW, NOW + 1_500]


def test_a_chat_line_that_is_no_utf8_is_refused() -> None:
    line = b'{"app_id":"a","session_id":"s","id":"1","\xb5":1,"timeMs":1795397118000}'
    with pytest.raises(BadRequest):
        read_said(b'{"app_id":"a","session_id":"s","id":"0","timeMs":1}\n' + line)
    assert is_said(b'{"app_id":"a","session_id":"s","id":"0"}')
