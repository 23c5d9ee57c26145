"""The audio MOS agrees with the reference points, with G.107's own tables, and its defaults."""

from math import exp, inf, log10, nan, sqrt

import pytest

from roomtone.quality.audio import (
    FULLBAND_STRETCH,
    MODEL,
    OPUS_IE,
    OPUS_KBPS,
    R_NARROWBAND,
    delay_impairment,
    mos_of_r,
    opus_ie,
    score_audio,
)

# loss %, rtt, jitter, jitter buffer (-: estimated) in ms, codec, options; Ta, Ie_eff, Idd, R, MOS.
# Worked out apart from the package.
REFERENCE = """
    0    0    0    - opus bitrate_bps=40000    60.0   10.670  0.000  137.330  4.4012
    0    0    0    - opus .                    60.0   16.140  0.000  131.860  4.3162
    0    0    0    - opus bitrate_bps=16000    60.0   30.160  0.000  117.840  4.0096
    0    0    0    - opus bitrate_bps=6000     60.0   77.800  0.000   70.200  2.4408
    0   50    5    - opus .                    95.0   16.140  0.000  131.860  4.3162
    0  150   10    - opus .                   155.0   16.140  0.382  131.478  4.3095
    0  300   10    - opus .                   230.0   16.140  9.561  122.299  4.1196
    0  400   20    - opus .                   300.0   16.140 21.846  110.014  3.7931
    0  600   20    - opus .                   400.0   16.140 35.624   96.236  3.3558
    0 1000   30    - opus .                   620.0   16.140 53.266   78.594  2.7384
    1   50    5    - opus .                    95.0   26.673  0.000  121.327  4.0965
    2   50    5    - opus .                    95.0   35.450  0.000  112.550  3.8663
    3  100   10    - opus .                   130.0   42.877  0.018  105.105  3.6443
    5   50    5    - opus .                    95.0   54.760  0.000   93.240  3.2540
   10   50    5    - opus .                    95.0   74.070  0.000   73.930  2.5725
   20   50    5    - opus .                    95.0   93.380  0.000   54.620  1.9153
   50   50    5    - opus .                    95.0  112.690  0.000   35.310  1.3754
  100   50    5    - opus .                    95.0  121.467  0.000   26.533  1.1941
    5   50    5    - opus fec=1                95.0   45.105  0.000  102.895  3.5746
    5   50    5    - opus red=1                95.0   39.312  0.000  108.688  3.7538
   10   50    5    - opus fec=1,red=1          95.0   45.105  0.000  102.895  3.5746
    5   50    5    - opus burst_ratio=2        95.0   62.484  0.000   85.516  2.9844
    2  250    0  120 opus .                   285.0   35.450 19.363   93.187  3.2521
    0  100    0  400 opus .                   490.0   16.140 44.517   87.343  3.0489
    5  300   30    - opus .                   270.0   54.760 16.776   76.464  2.6626
    0    0    0    - pcmu .                    60.0   54.800  0.000   93.200  3.2526
    1   50    5    - pcmu .                    95.0   58.440  0.000   89.560  3.1266
    5   50    5    - pcmu .                    95.0   70.581  0.000   77.419  2.6966
    0    0    0    - g722 .                    60.0   32.000  0.000  116.000  3.9613
    5   50    5    - g722 .                    95.0   59.333  0.000   88.667  3.0953
"""
ROWS = [line.split() for line in REFERENCE.strip().splitlines()]


def mos(*args, **kwargs):
    found = score_audio(*args, **kwargs)
    assert found is not None
    return found.mos


@pytest.mark.parametrize("row", ROWS, ids=[" ".join(row[:6]) for row in ROWS])
def test_every_reference_point_comes_out(row):
    loss, rtt, jitter, buffer, codec, options, ta, ie_eff, idd, r, expected = row
    given = {} if options == "." else dict(pair.split("=") for pair in options.split(","))
    given = {name: float(value) for name, value in given.items()}
    buffer_ms = None if buffer == "-" else float(buffer)
    found = score_audio(float(loss), float(rtt), float(jitter), buffer_ms, codec, **given)
    assert found.ta_ms == pytest.approx(float(ta), abs=0.05)
    assert found.ie_eff == pytest.approx(float(ie_eff), abs=6e-4)
    assert found.idd == pytest.approx(float(idd), abs=6e-4)
    assert found.r == pytest.approx(float(r), abs=6e-4)
    assert found.mos == pytest.approx(float(expected), abs=1e-3)
    assert found.basis == "CQ"


@pytest.mark.parametrize(
    ("r", "expected"), [(100, 4.50), (90, 4.34), (80, 4.02), (70, 3.60), (60, 3.10), (50, 2.58)]
)
def test_the_curve_is_that_of_g107_table_b1(r, expected):
    assert round(mos_of_r(r), 2) == expected


@pytest.mark.parametrize(
    ("ta_ms", "expected"), [(100, 0), (150, 0.164), (200, 3.044), (300, 14.761), (400, 24.070)]
)
def test_the_delay_impairment_is_that_of_g107(ta_ms, expected):
    assert delay_impairment(ta_ms) == pytest.approx(expected, abs=6e-4)


def test_the_fullband_curve_gives_what_rtpengine_gives():
    # rtpengine's mos_calc_fb at no loss and a round trip of 100 ms: R 137.8, MOS 4.4075.
    assert mos_of_r(137.8 / FULLBAND_STRETCH) == pytest.approx(4.4075, abs=1e-4)


def g107_with_default_values():
    """All of ITU-T G.107 for its default connection: the second model behind the constant 93.2."""
    slr, rlr, stmr, lstr, ds, telr, wepl, qdu = 8, 2, 15, 18, 3, 65, 110, 1
    nc, nfor, ps, pr, t, tr = -70, -64, 35, 35, 0, 0
    olr = slr + rlr
    nos = ps - slr - ds - 100 + 0.004 * (ps - olr - ds - 14) ** 2
    pre = pr + 10 * log10(1 + 10 ** ((10 - lstr) / 10))
    nor = rlr - 121 + pre + 0.008 * (pre - 35) ** 2
    no = 10 * log10(sum(10 ** (x / 10) for x in (nc, nos, nor, nfor + rlr)))
    ro = 15 - 1.5 * (slr + no)
    xolr = olr + 0.2 * (64 + no - rlr)
    iolr = 20 * ((1 + (xolr / 8) ** 8) ** (1 / 8) - xolr / 8)
    stmro = -10 * log10(10 ** (-stmr / 10) + exp(-t / 4) * 10 ** (-telr / 10))
    ist = (
        12 * (1 + ((stmro - 13) / 6) ** 8) ** (1 / 8)
        - 28 * (1 + ((stmro + 1) / 19.4) ** 35) ** (1 / 35)
        - 13 * (1 + ((stmro - 3) / 33) ** 13) ** (1 / 13)
        + 29
    )
    q = 37 - 15 * log10(qdu)
    g = 1.07 + 0.258 * q + 0.0602 * q**2
    y, z = (ro - 100) / 15 + 46 / 8.4 - g / 9, 46 / 30 - g / 40
    iq = 15 * log10(1 + 10**y + 10**z)
    rle = 10.5 * (wepl + 7) * (tr + 1) ** -0.25
    idle = (ro - rle) / 2 + sqrt((ro - rle) ** 2 / 4 + 169)
    return ro - (iolr + ist + iq) - idle


def test_the_narrowband_maximum_is_g107_with_its_default_values():
    r = g107_with_default_values()
    assert r == pytest.approx(93.206, abs=1e-3)
    assert pytest.approx(r, abs=0.01) == R_NARROWBAND
    clean = score_audio(0, 0, 0, codec="pcmu", model="nb")
    assert clean.r == R_NARROWBAND
    assert round(clean.mos, 2) == 4.41


def test_on_the_narrowband_scale_a_better_codec_than_g711_counts_as_g711():
    assert mos(0, 0, 0, codec="opus", model="nb") == mos(0, 0, 0, codec="pcma", model="nb")
    assert mos(0, 0, 0, codec="g722", model="nb") == mos(0, 0, 0, codec="pcma", model="nb")
    # Opus at 6 kbit/s: its published narrowband Ie is 23.
    assert score_audio(0, 0, 0, bitrate_bps=6000, model="nb").r == pytest.approx(93.2 - 23)


@pytest.mark.parametrize(
    ("loss", "rtt", "jitter", "r"),
    [(0, 30, 10, 93.2 - 60 / 40), (1, 200, 20, 93.2 - 13 - 2.5), (40, 0, 0, 93.2 - 0.25 - 100)],
)
def test_the_legacy_rule_of_thumb_is_pingplotters(loss, rtt, jitter, r):
    found = score_audio(loss, rtt, jitter, model="legacy")
    assert found.r == pytest.approx(r)
    assert found.mos == mos_of_r(found.r)


def test_a_delay_over_150_ms_never_hides_loss():
    # Two well-known libraries score 4.5 here, for want of a pair of parentheses.
    assert mos(20, 200, jitter_buffer_ms=50) < 2


def test_opus_costs_what_was_published_and_straight_lines_between():
    assert [opus_ie(kbps * 1000) for kbps in OPUS_KBPS] == pytest.approx(OPUS_IE)
    assert opus_ie(10_000) == pytest.approx((66.54 + 47.41) / 2)
    assert opus_ie(500) == 77.80
    assert opus_ie(510_000) == 10.67


def test_an_unknown_codec_counts_as_opus_at_32_kbits():
    assert mos(1, 50, 5, codec="audio/lyra", bitrate_bps=6000) == mos(1, 50, 5)
    assert mos(1, 50, 5, codec="") == mos(1, 50, 5)


@pytest.mark.parametrize(
    ("mime", "name"), [("audio/opus", "opus"), ("audio/PCMU", "pcma"), ("audio/G722", "g722")]
)
def test_mime_types_name_codecs_too(mime, name):
    assert mos(3, 50, 5, codec=mime) == mos(3, 50, 5, codec=name)


def test_audio_red_is_opus_with_red():
    assert mos(5, 50, 5, codec="audio/red") == mos(5, 50, 5, codec="opus", red=True)
    assert mos(5, 50, 5, codec="audio/red", red=True) == mos(5, 50, 5, codec="audio/red")


def test_repair_is_not_counted_twice_when_concealment_was_measured():
    repaired = mos(5, 50, 5, codec="audio/red", fec=True, concealment=True)
    assert repaired == mos(5, 50, 5)


def test_without_a_loss_figure_there_is_no_score():
    assert score_audio(None, 50, 5) is None


def test_without_a_round_trip_the_score_is_one_of_listening():
    found = score_audio(2, None, 500)
    assert found.basis == "LQ"
    assert found.ta_ms is None
    assert found.idd == 0
    assert found.mos == mos(2, 0, 0)
    assert score_audio(2, None, 500, model="nb").basis == "LQ"
    assert score_audio(2, None, 500, model="legacy").idd == 0


@pytest.mark.parametrize("absurd", [nan, inf, -inf, -0.001, 1e9])
def test_a_value_that_cannot_be_counts_as_not_known(absurd):
    assert score_audio(2, absurd, 5) == score_audio(2, None, 5)
    assert score_audio(2, 50, absurd) == score_audio(2, 50, None)
    assert score_audio(2, 50, 5, absurd) == score_audio(2, 50, 5, None)


@pytest.mark.parametrize("absurd", [nan, inf, -inf, -0.001])
def test_a_loss_or_bitrate_that_cannot_be_counts_as_not_known(absurd):
    assert score_audio(absurd, 50, 5) is None
    assert score_audio(2, 50, 5, bitrate_bps=absurd) == score_audio(2, 50, 5)


def test_the_limits_of_the_absurd_are_30_s_of_round_trip_and_10_s_of_jitter():
    assert score_audio(0, 30_000).basis == "CQ"
    assert score_audio(0, 30_001).basis == "LQ"
    assert score_audio(0, 0, 10_000).ta_ms == 40 + 20 + 20_000
    assert score_audio(0, 0, 10_001).ta_ms == 40 + 20


def test_more_than_all_lost_is_all_lost():
    assert score_audio(140, 50, 5) == score_audio(100, 50, 5)


@pytest.mark.parametrize(("given", "used"), [(0.2, 1), (nan, 1), (None, 1), (7, 2), (inf, 2)])
def test_the_burst_ratio_stays_within_1_and_2(given, used):
    assert score_audio(5, 50, 5, burst_ratio=given) == score_audio(5, 50, 5, burst_ratio=used)


def test_the_model_has_a_name_to_store_beside_the_score():
    assert MODEL == "g1072-opus-1"
