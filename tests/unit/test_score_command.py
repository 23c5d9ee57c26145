"""``roomtone score`` prints what reports would say, and tells what is allowed."""

import json

import pytest
from click.testing import CliRunner

from roomtone.cli.score import score


def run(line):
    return CliRunner().invoke(score, line.split())


def printed(line):
    result = run(line)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_audio_scores_a_reference_point():
    assert printed("audio --loss 2 --rtt 50 --jitter 5 --json") == {
        "r": 112.55,
        "mos": 3.8663,
        "basis": "CQ",
        "ta_ms": 95.0,
        "idd": 0.0,
        "ie_eff": 35.45,
        "model": "g1072-opus-1",
    }


def test_audio_takes_everything_the_model_takes():
    found = printed(
        "audio --codec opus --bitrate 32000 --loss 2 --rtt 50 --jitter 5 --jitter-buffer 80 "
        "--burst-ratio 1.2 --fec --red --json"
    )
    assert found["ta_ms"] == 145
    # 16.14 + 115.86 * 2 / (2/1.2 + 10 * 3)
    assert found["ie_eff"] == pytest.approx(16.14 + 115.86 * 2 / (2 / 1.2 + 30), abs=1e-4)
    with_concealment = printed("audio --loss 2 --rtt 50 --jitter 5 --fec --concealment --json")
    assert with_concealment["mos"] == 3.8663


@pytest.mark.parametrize(("model", "mos"), [("fb", 3.2526), ("nb", 4.4092), ("legacy", 4.4042)])
def test_audio_offers_the_three_models(model, mos):
    found = printed(f"audio --codec PCMU --loss 0 --rtt 0 --model {model} --json")
    assert found["mos"] == pytest.approx(mos, abs=1e-3)


def test_audio_without_a_round_trip_says_that_it_is_a_listening_score():
    found = printed("audio --loss 0 --json")
    assert found["basis"] == "LQ"
    assert found["ta_ms"] is None
    assert "not known" in run("audio --loss 0").output


def test_video_scores_reference_points():
    line = "video --bitrate 1700000 --width 1280 --height 720"
    assert printed(f"{line} --fps 30 --json") == {"mos": 3.9923, "model": "rtcscore-px75-1"}
    assert printed(f"{line} --fps 15 --exp-fps 30 --json")["mos"] == 3.0635
    assert printed(f"{line} --fps 30 --codec vp9 --json")["mos"] == 4.0833
    assert printed(f"{line} --fps 30 --frozen 0.1 --json")["mos"] == 3.4499


def test_video_takes_the_expected_size_either_way():
    line = "video --bitrate 200000 --width 320 --height 180 --fps 30 --json"
    assert printed(f"{line} --exp-px 921600")["mos"] == 2.7938
    assert printed(f"{line} --exp-width 1280 --exp-height 720")["mos"] == 2.7938


def test_a_shared_screen_is_scored_by_its_qp():
    line = "video --bitrate 9000 --width 1920 --height 1080 --fps 1 --screenshare --json"
    assert printed(line)["mos"] == 4.2
    assert printed(f"{line} --qp 29")["mos"] == 4.3
    still = "video --bitrate 0 --width 1920 --height 1080 --fps 0 --screenshare"
    assert printed(f"{still} --json")["mos"] is None
    assert "not scorable" in run(still).output


def test_people_get_a_table():
    output = run("audio --loss 2 --rtt 50 --jitter 5").output
    assert "3.8663" in output
    assert "Mouth to ear, ms" in output
    assert "g1072-opus-1" in output


VIDEO = "video --bitrate 1 --width 1 --height 1 --fps 1"


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("audio --loss 101", "a number from 0 to 100 %"),
        ("audio --loss nan", "a number from 0 to 100 %"),
        ("audio --loss much", "a number from 0 to 100 %"),
        ("audio --loss 1 --rtt -1", "a number from 0 to 30000 ms"),
        ("audio --loss 1 --jitter inf", "a number from 0 to 10000 ms"),
        ("audio --loss 1 --burst-ratio 3", "a number from 1 to 2"),
        ("audio --loss 1 --bitrate 0", "a number from 1 to 10000000 bit/s"),
        ("audio --loss 1 --codec mp3", "'opus', 'red', 'pcmu', 'pcma', 'g722'"),
        ("audio --loss 1 --model best", "'fb', 'nb', 'legacy'"),
        ("audio", "Missing option '--loss'"),
        (f"{VIDEO} --frozen 2", "a number from 0 to 1"),
        (f"{VIDEO} --exp-fps 60", "a number from 1 to 30 frames/s"),
        (f"{VIDEO} --qp 20", "--qp is allowed with --screenshare only"),
        (f"{VIDEO} --qp 200 --screenshare", "--qp of vp8 is a number from 0 to 127"),
        (f"{VIDEO} --exp-width 9", "--exp-width and --exp-height are allowed together only"),
        (f"{VIDEO} --exp-width 9 --exp-px 9", "Give --exp-px, or --exp-width and --exp-height"),
        (f"{VIDEO} --exp-px 9 --screenshare", "are allowed without --screenshare only"),
    ],
)
def test_a_wrong_value_is_told_what_is_allowed(line, allowed):
    result = run(line)
    assert result.exit_code == 2
    assert allowed in " ".join(result.output.split())
