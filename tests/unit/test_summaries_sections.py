"""What a summary hears: promises and their owners, decisions, questions, and each kind's own."""

import pytest

from roomtone.summaries import summarise
from roomtone.summaries.kinds import ACTIONS, DECISIONS, OPEN, OVERVIEW, SUMMARY_TYPES
from spoken import KINDS_OF_TALK, STARTED_AT, recorded, talk


def sections(text, kind="general", limit=1_000):
    segments = text if isinstance(text, list) else talk(text)
    made = summarise(
        segments,
        started_at=STARTED_AT,
        title="",
        summary_type=kind,
        word_limit=limit,
        text_format="plain_text",
    )
    return {each.heading: each for each in made.sections}


def owners(text):
    found = sections(text + "\nZoe: The weather has been quite good in the north so far.")
    return [item.owner for item in found[ACTIONS].items] if ACTIONS in found else []


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("Ana: I'll send the offer to the customer by Friday.", "Ana"),
        ("Ana: Um, so I will write the report tomorrow.", "Ana"),
        ("Ana: I'm going to call the printer about the posters.", "Ana"),
        ("Ana: Bob, can you check the invoice before Monday?\nBob: Sure.", "Bob"),
        ("Ana: Could you check the invoice before Monday, Bob?\nBob: Sure.", "Bob"),
        ("Ana: Can you book the room for the workshop?\nBob: Yeah, will do.", "Bob"),
        ("Ana: Somebody needs to tell the printer about it.\nBob: I can do that.", "Bob"),
        ("Ana: Somebody needs to tell the printer about it.\nBob: Hmm.", "Not assigned"),
        ("Ana: Bob will prepare the slides for the board.", "Bob"),
        ("Ana: Carla needs to sign the contract first.\nCarla: Right.", "Carla"),
        ("Ana: Please read the second chapter before Tuesday.", ""),
        ("Ana: Let me check that price with the supplier and get back to you.", "Ana"),
    ],
)
def test_a_task_has_the_owner_that_the_talk_gives_it(text, owner):
    # Somebody who is spoken of must be known to be a person.
    assert owners("Bob: Morning.\nCarla: Morning.\n" + text)[:1] == [owner]


@pytest.mark.parametrize(
    "text",
    [
        "Ana: I'll be honest, the price is too high for us.",
        "Ana: Can you hear me, Bob?\nBob: Yes.",
        "Ana: Could you explain the second figure again?\nBob: Sure, it's the total.",
        "Ana: If I had the time I would write the report.",
        "Ana: I won't send the offer this week.",
        "Ana: She said she thought I'll send the offer.",
        "Ana: I can understand the worry about the price.",
        "Ana: What can you do about the broken lift?\nBob: Not much.",
        "Ana: I'll never understand the price of the lift.",
        "Bob: Yesterday we sent the offer to the customer.",
    ],
)
def test_what_is_no_task_is_not_made_one(text):
    assert owners(text) == []


def test_a_promise_brings_along_what_it_is_about():
    found = sections(
        "Ana: I have four people who only read Tigrinya.\nBob: I'll find out whether we can add it."
    )

    item = found[ACTIONS].items[0]
    assert item.owner == "Bob"
    assert [quote.speaker for quote in item.quotes] == ["Ana", "Bob"]


@pytest.mark.parametrize(
    "text",
    [
        "Ana: Then that's decided, eleven euros and the family ticket.",
        "Ana: We agreed to move the release to the second of May.",
        "Ana: Let's use the old library for the photographs.",
        "Ana: We'll go with the cheaper printer for the posters.",
        "Ana: I think we should pay the deposit from the reserve.\nBob: Yes, agreed.",
    ],
)
def test_a_decision_is_heard(text):
    assert len(sections(text)[DECISIONS].items) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Ana: Let's see what the other candidate on Thursday is like.",
        "Ana: Let's move on to the opening hours of the museum.",
        "Ana: I think we should pay the deposit from the reserve.\nBob: No, that is too risky.",
        "Ana: If we agreed on the price we could start in May.",
    ],
)
def test_what_was_not_decided_is_no_decision(text):
    assert DECISIONS not in sections(text)


def test_a_question_that_nobody_could_answer_stays_open_with_what_was_said():
    found = sections(
        "Ana: Are we still doing the release on Friday?\nBob: I don't know yet, Ruben decides that."
    )

    assert [q.text for q in found[OPEN].items[0].quotes] == [
        "Are we still doing the release on Friday?",
        "I don't know yet, Ruben decides that.",
    ]


def test_an_answered_question_is_not_open():
    assert OPEN not in sections(
        "Ana: How many visitors came last summer?\nBob: About fourteen thousand people came then."
    )


REVIEW = """
Dana: This is the pull request for the import job, it's about four hundred lines.
Dana: In the reader you open the file but you never close it when the header is wrong.
Felix: Oh, right. Because of the early return.
Dana: Exactly. Could you use a with statement there?
Felix: Sure, easy.
Dana: Let's go with batches of a thousand then.
Dana: The name process data doesn't tell me anything. Can you rename it to import rows?
Felix: Import rows is good.
Dana: What happens if two imports run at the same time?
Felix: I don't know. I'd have to look at how the scheduler does it.
Dana: When the lock question is answered I'll approve it.
Felix: I'll push the fixes by tomorrow noon.
"""
ONE_ON_ONE = """
Sam: I've been working late three evenings because of the audit, I'm quite tired.
Irene: The workshop last week, you handled that really well, the customer wrote to me.
Irene: You said you'd like to learn more about contracts.
Sam: In the long run I'd like to lead a small team.
Irene: I'll ask around who reads the weekly report.
"""
CHECK_IN = """
Ben: Overall we're happy, the new booking form works really well.
Ben: The reminder mails still arrive too late, some of them after the appointment.
Aisha: We'd also like to have the export as a spreadsheet.
Lou: I'll escalate the late mails to the developers today.
Lou: Then the next call is on the twentieth at ten.
"""


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (
            "code_review",
            REVIEW,
            {
                "Findings": "never close it",
                "Requested Changes": "rename it to import rows",
                DECISIONS: "batches of a thousand",
                OPEN: "two imports run",
                ACTIONS: "push the fixes",
            },
        ),
        (
            "one_on_one_meeting",
            ONE_ON_ONE,
            {
                "Feedback": "handled that really well",
                "Goals and Growth": "lead a small team",
                "Workload and Wellbeing": "working late",
                ACTIONS: "who reads the weekly report",
            },
        ),
        (
            "client_check_in",
            CHECK_IN,
            {
                "What Works": "booking form works",
                "Concerns": "arrive too late",
                "Requests": "export as a spreadsheet",
                "Next Steps": "twentieth",
                ACTIONS: "escalate the late mails",
            },
        ),
        (
            "daily_standup",
            recorded("daily_standup"),
            {
                "Done": "rounding error in the receipts",
                "Doing": "invoice export for the Danish",
                "Blockers": "access to the design files",
                ACTIONS: "ping Dana about the password",
                DECISIONS: "leave the retry on",
                OPEN: "release on Friday",
            },
        ),
        (
            "interview",
            recorded("interview"),
            {
                "Candidate's Answers": "oldest open ticket",
                "Assessments": "very strong on the people side",
                ACTIONS: "description of the Lisbon plan",
                DECISIONS: "invite her to the second round",
            },
        ),
        (
            "sales_call",
            recorded("sales_call"),
            {
                "Needs": "works without a network",
                "Objections": "thirty in the budget",
                "Price and Terms": "eleven hundred a month",
                "Next Steps": "send the test devices tomorrow",
                ACTIONS: "come back to you by Thursday",
            },
        ),
        (
            "lecture",
            recorded("lecture"),
            {
                "Topics": "What makes the tide is the difference in the pull",
                "Definitions": "tidal range is defined as",
                "Questions from the Audience": "bulge on the other side",
                ACTIONS: "chapter five",
                OPEN: "mixes the deep ocean",
            },
        ),
        (
            "team_meeting",
            recorded("team_meeting"),
            {
                "Risks and Concerns": "lift has been out of order",
                ACTIONS: "make a rota",
                DECISIONS: "eleven euros and the family ticket",
                OPEN: "Do we know that they'll pay?",
            },
        ),
    ],
)
def test_each_kind_of_meeting_has_its_own_sections(kind, text, expected):
    found = sections(text, kind)

    for heading, words in expected.items():
        said = [quote.text for item in found[heading].items for quote in item.quotes]
        assert any(words in each for each in said), (heading, said)


def test_all_nine_kinds_begin_with_the_summary():
    assert len(SUMMARY_TYPES) == 9
    for kind in SUMMARY_TYPES:
        assert next(iter(sections(recorded("team_meeting"), kind))) == OVERVIEW


BY_HAND = {
    "daily_standup": [
        ("Priya", "ping Dana"),
        ("Marcus", "sit down with you after lunch"),
        ("Tomasz", "could you review it"),
        ("Priya", "I'll do that today"),
        ("Priya", "I'll add both of you"),
        ("Priya", "talk to Ruben"),
        ("", "look at the roadmap"),
    ],
    "team_meeting": [
        ("Sofia", "new prices on the website"),
        ("Daniel", "tell the tourist office"),
        ("Helen", "make a rota"),
        ("Yusuf", "do the posters"),
        ("Daniel", "ask the building authority"),
        ("Yusuf", "measure the light"),
        ("Daniel", "You'll have it in an hour"),
        ("Sofia", "transfer it this week"),
        ("Margaret", "write to the mayor"),
    ],
    "interview": [
        ("Carol", "let you know by next Wednesday"),
        ("Carol", "description of the Lisbon plan"),
        ("Ravi", "write up your notes"),
    ],
    "sales_call": [
        ("Nina", "twelve months exit"),
        ("Omar", "send you the list"),
        ("Omar", "find out whether we can add it"),
        ("Nina", "together with the revised offer"),
        ("Nina", "invitation for the ninth"),
        ("Omar", "ship two devices"),
        ("Greta", "one in the freezer over the weekend"),
        ("Paul", "I'll ask"),
    ],
    "lecture": [
        ("", "chapter five"),
        ("", "hand in the exercises"),
        ("", "sign up on the list"),
        ("Ingrid", "tell you next week"),
    ],
}
"""The tasks that a person marks in the transcripts, with their owners."""


@pytest.mark.parametrize("name", KINDS_OF_TALK)
def test_the_tasks_that_a_person_marks_are_found_and_no_others(name):
    found = sections(recorded(name), KINDS_OF_TALK[name])[ACTIONS].items
    told = [(item.owner, " ".join(quote.text for quote in item.quotes)) for item in found]

    hits = [
        (owner, words)
        for owner, words in BY_HAND[name]
        if any(owner == other and words in text for other, text in told)
    ]

    assert len(hits) >= len(BY_HAND[name]) - 1
    assert len(told) <= len(hits)
