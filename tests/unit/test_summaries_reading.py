"""How a summary reads speech: fillers go, sentences are put together, languages are told apart."""

import numpy as np
import pytest

from roomtone.summaries.ranking import TermMatrix, centrality
from roomtone.summaries.sentences import read, split
from roomtone.summaries.stop_words import language_of
from roomtone.summaries.topics import topic_of
from roomtone.summaries.wording import cleaned, cores, count_words
from spoken import STARTED_AT, recorded, segment, talk


@pytest.mark.parametrize(
    ("spoken", "shown"),
    [
        ("So, um, yesterday I finished it.", "Yesterday I finished it."),
        ("We, um, we lost money on it.", "We lost money on it."),
        ("Yesterday was mostly, um, mostly the receipts.", "Yesterday was mostly the receipts."),
        ("I learned that at a, um, at a company.", "I learned that at a company."),
        ("We do, um, phone, chat and email.", "We do phone, chat and email."),
        ("The castle, you know, takes ten.", "The castle takes ten."),
        ("It costs, like, ten euros.", "It costs ten euros."),
        ("Okay so, um, for now we wait.", "For now we wait."),
        ("It was very, very good.", "It was very, very good."),
        ("No, no, we won't touch it.", "No, no, we won't touch it."),
        ("You know what I mean.", "You know what I mean."),
        ("I like the castle.", "I like the castle."),
        ("So far it works.", "So far it works."),
        (
            "During the, you know, when all were at home.",
            "During the, you know, when all were at home.",
        ),
        ("Ten to, um, ten to twelve.", "Ten to twelve."),
        ("In 2020 2020 chairs were sold.", "In 2020 2020 chairs were sold."),
        ("Um.", ""),
        ("But it works.", "But it works."),
    ],
)
def test_only_the_sounds_of_thinking_go(spoken, shown):
    assert cleaned(spoken, "en") == shown


def test_what_is_a_filler_in_english_is_a_word_in_german():
    assert cleaned("Er kommt um neun.", "de") == "Er kommt um neun."
    assert cleaned("Wir, äh, wir kommen.", "de") == "Wir kommen."


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It works. Does it? Yes!", ["It works.", "Does it?", "Yes!"]),
        ("Dr. Solheim is late. We wait.", ["Dr. Solheim is late.", "We wait."]),
        ("It costs 3.5 euros. Fine.", ["It costs 3.5 euros.", "Fine."]),
        ("Well... maybe not.", ["Well... maybe not."]),
        ("हमें जाना है। ठीक है।", ["हमें जाना है।", "ठीक है।"]),
        ("Πού είναι; Εδώ είναι.", ["Πού είναι;", "Εδώ είναι."]),
        ("我们走吧。好的。", ["我们走吧。", "好的。"]),
    ],
)
def test_a_segment_may_hold_several_sentences(text, sentences):
    assert split(text) == sentences


def test_a_sentence_may_run_over_two_segments_of_one_speaker():
    said = read(
        [
            segment(0, "Ana", "We run the migration against a copy", 0, 3),
            segment(1, "Ana", "of production, to see how long it takes.", 3.5, 6),
            segment(2, "Bob", "Good idea, let's see.", 6, 8),
        ],
        STARTED_AT,
    ).sentences

    assert said[0].text == (
        "We run the migration against a copy of production, to see how long it takes."
    )
    assert said[0].segment_ids == ("s0", "s1")
    assert said[0].at_ms == 0


def test_what_somebody_else_broke_off_is_not_a_whole_sentence():
    said = read(
        [
            segment(0, "Ana", "I think the price is", 0, 2),
            segment(1, "Bob", "Far too high.", 2, 3),
            segment(2, "Ana", "That is what I wanted to say.", 3, 5),
        ],
        STARTED_AT,
    ).sentences

    assert [each.whole for each in said] == [False, True, True]


def test_without_any_punctuation_a_segment_is_a_sentence():
    said = read(
        [
            segment(0, "Ana", "i will send the offer to the customer tomorrow", 0, 2),
            segment(1, "Ana", "it is about the two new machines", 2, 3),
            segment(2, "Bob", "what is the price of the big one", 3, 5),
        ],
        STARTED_AT,
    ).sentences

    assert [each.text for each in said] == [
        "I will send the offer to the customer tomorrow.",
        "It is about the two new machines.",
        "What is the price of the big one?",
    ]
    assert all(each.whole for each in said)


def test_names_and_words_come_without_hidden_characters():
    said = read(
        [segment(0, "Da\u202eve\n# x", "It is\u200b fine\u2028here now.", 0, 2)], STARTED_AT
    )

    assert said.names == ("Da ve # x",)
    assert said.sentences[0].text == "It is fine here now."


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "we have to send it to them before they ask what is going on with this"),
        ("de", "wir müssen das heute noch an den Kunden schicken, weil er sonst nicht mehr da ist"),
        ("hi", "हमें यह रिपोर्ट आज ही भेजनी है और फिर हम लोग बात कर सकते हैं"),
        ("sv", "vi måste skicka det här till kunden för att han inte ska bli arg på oss"),
        ("ru", "нам нужно отправить это клиенту, потому что он уже ждёт и не будет рад"),
        ("pl", "musimy to dzisiaj wysłać do klienta, bo on już czeka i nie jest zadowolony"),
        ("el", "πρέπει να στείλουμε αυτό στον πελάτη γιατί δεν είναι πια εδώ και θα μας πει"),
        (
            "fr",
            "nous devons envoyer le rapport au client parce que c'est pour lui que nous le faisons",
        ),
        ("nl", "we moeten het vandaag nog naar de klant sturen, want hij is er morgen niet meer"),
        ("", "123 456 789"),
    ],
)
def test_the_vendors_languages_are_told_apart(code, text):
    assert language_of(cores(text)) == code


def test_words_are_counted_as_word_processors_do():
    assert count_words("Bob – that's twenty-four euros. [12:34]") == 6
    assert count_words("我们走吧。") == 5


def _naive_lexrank(sentences, damping=0.85):
    """LexRank as the paper has it: the whole matrix of cosine similarities, then its power."""
    vocabulary = sorted({term for terms in sentences for term in terms})
    counts = np.array([[terms.count(term) for term in vocabulary] for terms in sentences], float)
    weights = counts * np.log1p(len(sentences) / (counts > 0).sum(axis=0))
    norms = np.linalg.norm(weights, axis=1, keepdims=True)
    unit = np.divide(weights, norms, out=np.zeros_like(weights), where=norms > 0)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, 0.0)
    sums = likeness.sum(axis=1, keepdims=True)
    count = len(sentences)
    walk = np.where(sums > 1e-9, likeness / np.where(sums > 1e-9, sums, 1), 1 / count)
    rank = np.full(count, 1 / count)
    for _ in range(500):
        rank = (1 - damping) / count + damping * rank @ walk
    return rank / rank.max()


@pytest.mark.parametrize("name", ["team_meeting", "lecture"])
def test_the_ranking_is_lexranks_though_it_never_makes_the_matrix(name):
    terms = [each.terms for each in read(recorded(name), STARTED_AT).sentences]

    np.testing.assert_allclose(centrality(TermMatrix(terms)), _naive_lexrank(terms), atol=1e-6)


def test_a_change_of_subject_is_found_where_it_is():
    museum = [each.terms for each in read(recorded("team_meeting"), STARTED_AT).sentences]
    tides = [each.terms for each in read(recorded("lecture"), STARTED_AT).sentences]

    topics = topic_of(TermMatrix(museum + tides))
    borders = [i for i in range(1, len(topics)) if topics[i] != topics[i - 1]]

    assert min(abs(border - len(museum)) for border in borders) <= 3


def test_a_short_talk_has_one_topic():
    said = read(talk("Ana: We buy a lift.\nBob: We sell a lift."), STARTED_AT).sentences

    assert set(topic_of(TermMatrix([each.terms for each in said])).tolist()) == {0}
