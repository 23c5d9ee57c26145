"""How well the findings do: ``python tests/labelled/score_calls.py [--write] [NAME …]``."""

import sys

from call_facts_file import path_of
from labelled_story import score
from labelled_table import FINDINGS, summary, written
from scenarios import ALL


def main(arguments: list[str]) -> None:
    """Print each call's story; with ``--write``, put the table into docs/findings.md instead."""
    if "--write" in arguments:
        FINDINGS.write_text(written(FINDINGS.read_text()))
        return
    names = arguments or list(ALL)
    made = [score(ALL[name]) for name in names if path_of(name).exists()]
    for one in made:
        print(one, end="\n\n")
    print(summary(made))


if __name__ == "__main__":
    main(sys.argv[1:])
