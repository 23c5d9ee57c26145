"""The table of docs/findings.md: every labelled call, what was wanted and what was found."""

from pathlib import Path

from labelled_story import INFO, Score, score
from scenarios import ALL, Wanted

FINDINGS = Path(__file__).resolve().parents[2] / "docs" / "findings.md"
BEGIN, END = "<!-- labelled calls: begin -->", "<!-- labelled calls: end -->"


def written(text: str) -> str:
    """The page with the table of now between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    made = [score(scenario) for scenario in ALL.values()]
    return f"{before}{BEGIN}\n{summary(made)}\n\n{table(made)}\n{END}{after}"


def summary(made: list[Score]) -> str:
    """Precision and recall."""
    right, wrong = sum(len(one.right) for one in made), sum(len(one.wrong) for one in made)
    wanted, found = sum(len(one.scenario.wanted) for one in made), sum(one.found for one in made)
    return (
        f"{len(made)} calls. Precision {right / max(1, right + wrong):.3f}: {right} of "
        f"{right + wrong} findings are true. Recall {found / max(1, wanted):.3f}: {found} of "
        f"{wanted} wanted findings are there."
    )


def table(made: list[Score]) -> str:
    """One row a call. Echoes and what follows from them are left out of it."""
    rows = ["| call | what happened | wanted | found | verdict, first sentence |"]
    rows.append("|---|---|---|---|---|")
    rows += [f"| {' | '.join(_row(one))} |" for one in made]
    return "\n".join(rows)


def _row(one: Score) -> list[str]:
    scenario = one.scenario
    told = [f for f in (*one.right, *one.wrong) if f.echo_of is None or f.id in one.wanted_ids]
    found = dict.fromkeys(
        f"`{f.id}` ({one.person(f.blamed_peer_id) or 'nobody'})"
        for f in told
        if f.severity != INFO or f in one.right
    )
    verdict = one.story.verdict
    return [
        f"`{scenario.name}`",
        scenario.says,
        "; ".join(_wanted(each) for each in scenario.wanted) or "nothing",
        "; ".join(found) or "nothing",
        f"*{verdict.outcome}*: {_without_time(verdict.sentences[0])}",
    ]


def _wanted(wanted: Wanted) -> str:
    who = f"at {wanted.at}" if wanted.at else wanted.blamed or "nobody"
    return f"{' or '.join(f'`{name}`' for name in wanted.ids)} ({who})"


def _without_time(sentence: str) -> str:
    """Up to the advice, which is in the catalogue."""
    return sentence.split(". ")[0].rstrip(".") + "."
