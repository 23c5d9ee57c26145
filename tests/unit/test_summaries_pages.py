"""How a summary is written: markdown and plain text, times, limits, other languages, long talks."""

import subprocess
import sys
from pathlib import Path

import pytest

from roomtone.summaries import summarise
from roomtone.summaries.kinds import SUMMARY_TYPES
from spoken import KINDS_OF_TALK, STARTED_AT, recorded, segment, talk

ROOT = Path(__file__).resolve().parents[2]


def made(segments, kind="general", limit=500, text_format="markdown", title="Weekly sync"):
    return summarise(
        segments,
        started_at=STARTED_AT,
        title=title,
        summary_type=kind,
        word_limit=limit,
        text_format=text_format,
    )


def test_markdown_has_the_headings_of_the_vendors_sample():
    lines = made(recorded("team_meeting"), "general", 800).text.splitlines()

    assert [line for line in lines if line.startswith("#")] == [
        "## Meeting Summary",
        "### Key Discussion Points",
        "### Action Items",
        "### Decisions Made",
        "### Open Questions",
    ]


def test_plain_text_has_no_markup():
    text = made(recorded("team_meeting"), "team_meeting", 800, "plain_text").text

    assert "MEETING SUMMARY" in text
    assert not set("#*\\") & set(text)


def test_the_page_says_what_when_how_long_and_who():
    text = made(recorded("team_meeting"), text_format="plain_text").text

    assert "Weekly sync, 2026-03-10 09:00 UTC, 10 min." in text
    assert "Spoke: Margaret Osei 27 %, Sofia Leone 20 %" in text


def test_every_line_says_where_in_the_transcript_it_stands():
    bullets = [
        line
        for line in made(recorded("sales_call"), "sales_call", 800).text.splitlines()
        if line.startswith("- ") and "…" not in line
    ]

    assert bullets
    assert all(r"\[" in line and line.endswith(r"\]") for line in bullets)


def test_times_past_the_hour_have_hours():
    late = [segment(0, "Ana", "We buy the new lift for the museum.", 3_754, 3_760)]

    assert "[1:02:34]" in made(late, text_format="plain_text").text


def test_two_people_of_one_first_name_keep_their_last():
    text = made(
        talk(
            "Bob Stone: We buy the new lift now.\nBob Reed: My train to the coast leaves at seven."
        ),
        text_format="plain_text",
    ).text

    assert "Bob Stone: We buy" in text
    assert "Bob Reed: My train" in text


def test_markdown_in_what_was_said_stays_what_was_said():
    text = made(
        talk("Eve: The *price* is <b>seven</b> [euros](http://x.example) for `all` of us.")
    ).text

    assert (
        r"The \*price\* is \<b\>seven\</b\> \[euros\](http://x.example) for \`all\` of us." in text
    )


@pytest.mark.parametrize("kind", SUMMARY_TYPES)
@pytest.mark.parametrize("limit", [150, 500, 1_000])
def test_real_talks_keep_the_limit_and_use_it(kind, limit):
    for name in KINDS_OF_TALK:
        words = len(made(recorded(name), kind, limit).text.split())
        assert words <= limit
        assert words >= min(limit, 400) * 0.8


def test_what_did_not_fit_is_counted():
    small, large = (made(recorded("team_meeting"), "team_meeting", n) for n in (150, 1_000))

    assert small.cut > 0
    assert "… and " in small.text
    assert large.cut < small.cut


def test_a_talk_without_words_says_so():
    assert "Nothing was said" in made([]).text
    assert "Nothing was said" in made([segment(0, "Ana", " ", 0, 1)]).text


def test_a_talk_of_one_word_is_that_word():
    assert (
        "Ana: Hello. [00:00]"
        in made([segment(0, "Ana", "Hello.", 0, 1)], text_format="plain_text").text
    )


ELSEWHERE = {
    "de": "Wir müssen das Angebot dem Kunden schicken. Das Angebot ist noch nicht fertig.",
    "hi": "हमें यह प्रस्ताव शुक्रवार तक ग्राहक को भेजना है। प्रस्ताव अभी तैयार नहीं है।",
    "sv": "Vi måste skicka offerten till kunden före fredag. Offerten är inte klar än.",
    "ru": "Нам нужно отправить предложение клиенту до пятницы. Предложение ещё не готово.",
    "pl": "Musimy wysłać ofertę do klienta przed piątkiem. Oferta nie jest jeszcze gotowa.",
    "el": "Πρέπει να στείλουμε την προσφορά στον πελάτη. Η προσφορά δεν είναι έτοιμη.",
    "fr": "Nous devons envoyer l'offre au client avant vendredi. L'offre n'est pas encore prête.",
    "nl": "We moeten de offerte voor vrijdag naar de klant sturen. De offerte is nog niet klaar.",
    "zh": "我们需要在星期五之前把报价发给客户。报价还没有准备好。",
}


@pytest.mark.parametrize("code", ELSEWHERE)
def test_other_languages_get_their_central_sentences(code):
    text = ELSEWHERE[code]
    said = made([segment(n, "Ana", text, 10 * n, 10 * n + 9) for n in range(3)], limit=150).text

    assert any(sentence in said for sentence in (text.split(". ")[0][:12], text[:8]))
    assert "Action Items" not in said


LONG = """
import time
from spoken import STARTED_AT, repeated, said
from roomtone.summaries import summarise
talk = repeated(4_000)
assert 30_000 <= said(talk), said(talk)
begun = time.monotonic()
made = summarise(talk, started_at=STARTED_AT, title="", summary_type="team_meeting",
                 word_limit=1000, text_format="markdown")
took = time.monotonic() - begun
# Not getrusage: its peak includes the process that this one was forked from.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(took, int(peak.split()[1]) / 1024, len(made.text.split()))
"""


def test_three_hours_take_at_most_ten_seconds_and_300_mb():
    # In a process of its own, or the memory of the other tests would be measured.
    ran = subprocess.run(
        [sys.executable, "-c", LONG],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"},
    )
    assert ran.returncode == 0, ran.stderr
    seconds, megabytes, words = map(float, ran.stdout.split())

    assert seconds <= 10
    assert megabytes <= 300
    assert 800 <= words <= 1_000
