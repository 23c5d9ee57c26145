"""``roomtone rebuild``: replay the journal into fresh reports, or say what that would change."""

import json
from collections import Counter
from typing import Any

import click
from msgspec import Struct, field, to_builtins
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from roomtone.cli.options import on_folder, with_settings
from roomtone.services.shelves import SessionChange
from roomtone.settings import Settings
from roomtone.wiring import Roomtone

PLAIN_WIDTH = 120
SHOWN = 50
"""Sessions that the table shows; ``--json`` has all of them."""


@click.command()
@click.option("--session", "session_id", help="Only this session; without, all of them.")
@click.option("--dry-run", is_flag=True, help="Say what would change; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@with_settings("data", "reading_ms", "quality_scale")
def rebuild(settings: Settings, *, session_id: str | None, dry_run: bool, as_json: bool) -> None:
    """Replay the journal into fresh reports and say how many differ from the stored ones; write
    again what was said.

    Reports that differ are replaced: after an upgrade that changed a formula, or a setting. What
    another model had made is kept as the previous report (roomtone report --model previous).
    --dry-run tells session by session what would change, and writes nothing.
    """
    if dry_run:
        on_folder(settings, lambda roomtone: _compare(roomtone, session_id, as_json))
        return

    async def work(roomtone: Roomtone) -> tuple[int, int, int, int]:
        await roomtone.roster.catch_up()
        wanted = await _wanted(roomtone, session_id)
        sessions = peers = changed = words = 0
        with _progress(as_json) as progress:
            for one in progress.track(wanted, description="Replaying"):
                words += await roomtone.words.rebuild(one)
                outcome = await roomtone.sealer.rebuild(one)
                if outcome is not None:
                    sessions += 1
                    peers += outcome.peers
                    changed += outcome.changed
        return sessions, peers, changed, words

    sessions, peers, changed, words = on_folder(settings, work)
    if as_json:
        click.echo(
            json.dumps({"sessions": sessions, "reports": peers, "changed": changed, "words": words})
        )
    else:
        click.echo(
            f"{peers} reports of {sessions} ended sessions replayed: "
            f"{peers - changed} byte-identical, {changed} changed; {words} messages and segments "
            "were missing or other."
        )


async def _wanted(roomtone: Roomtone, session_id: str | None) -> list[str]:
    ids = await roomtone.records.read(lambda tx: list(tx.sessions.all_session_ids()))
    return [one for one in ids if session_id in (None, one)]


def _progress(as_json: bool) -> Progress:
    return Progress(console=Console(stderr=True), disable=as_json, transient=True)


# --- what would change ----------------------------------------------------------------------------


class _Totals(Struct):
    """Over all sessions. MOS are means over the reports that differ and have one, in hundredths."""

    sessions: int = 0
    sessions_changed: int = 0
    sessions_without_journal: int = 0
    """Nothing to replay: LIVE ones, and those whose journal retention erased."""
    reports: int = 0
    reports_changed: int = 0
    verdicts_changed: int = 0
    mos_before: list[int] = []
    mos_after: list[int] = []
    added: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    models: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, change: SessionChange) -> None:
        """Add one session."""
        self.sessions += 1
        self.sessions_changed += change.any
        self.reports += change.reports
        self.reports_changed += len(change.changed)
        self.verdicts_changed += change.outcome_before != change.outcome_after
        self.mos_before += [one.mos_before for one in change.changed if one.mos_before is not None]
        self.mos_after += [one.mos_after for one in change.changed if one.mos_after is not None]
        self.added.update(one.id for one in change.findings_added)
        self.removed.update(one.id for one in change.findings_removed)
        self.models.update((one.model_before or "", one.model_after) for one in change.changed)
        if change.findings_model_before != change.findings_model_after:
            self.models[(change.findings_model_before, change.findings_model_after)] += 1

    def told(self) -> dict[str, Any]:
        """For a program."""
        return {
            "sessions": self.sessions,
            "sessions_changed": self.sessions_changed,
            "sessions_without_journal": self.sessions_without_journal,
            "reports": self.reports,
            "reports_changed": self.reports_changed,
            "verdicts_changed": self.verdicts_changed,
            "mos_before": _mean(self.mos_before),
            "mos_after": _mean(self.mos_after),
            "findings_added": dict(sorted(self.added.items())),
            "findings_removed": dict(sorted(self.removed.items())),
            "models": [
                {"before": before or None, "after": after, "times": times}
                for (before, after), times in sorted(self.models.items())
            ],
        }


async def _compare(roomtone: Roomtone, session_id: str | None, as_json: bool) -> None:
    wanted = await _wanted(roomtone, session_id)
    totals = _Totals()
    changes: list[SessionChange] = []
    with _progress(as_json) as progress:
        for one in progress.track(wanted, description="Comparing"):
            change = await roomtone.sealer.compare(one)
            if change is None:
                totals.sessions_without_journal += 1
                continue
            totals.count(change)
            if change.any and (as_json or len(changes) < SHOWN):
                changes.append(change)
    if as_json:
        told = [_told(change) for change in changes]
        click.echo(json.dumps({"dry_run": True, "totals": totals.told(), "sessions": told}))
    else:
        _show(changes, totals)


def _told(change: SessionChange) -> dict[str, Any]:
    return {
        "session_id": change.session_id,
        "reports": change.reports,
        "reports_changed": [
            {
                **to_builtins(one),
                "mos_before": _mos(one.mos_before),
                "mos_after": _mos(one.mos_after),
            }
            for one in change.changed
        ],
        "findings_model_before": change.findings_model_before or None,
        "findings_model_after": change.findings_model_after or None,
        "findings_added": [_named(one) for one in to_builtins(change.findings_added)],
        "findings_removed": [_named(one) for one in to_builtins(change.findings_removed)],
        "verdict_before": {
            "outcome": change.outcome_before,
            "sentences": list(change.sentences_before),
        },
        "verdict_after": {
            "outcome": change.outcome_after,
            "sentences": list(change.sentences_after),
        },
    }


def _named(finding: dict[str, Any]) -> dict[str, Any]:
    return {name: finding[name] for name in ("id", "severity", "peer_id", "start", "end", "title")}


def _show(changes: list[SessionChange], totals: _Totals) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, PLAIN_WIDTH)  # a pipe has no width of its own
    table = Table(box=SIMPLE)
    for column, right in (
        ("session", False),
        ("reports", True),
        ("MOS", True),
        ("findings", False),
        ("verdict", False),
    ):
        table.add_column(
            column,
            justify="right" if right else "left",
            no_wrap=column in ("session", "verdict"),
            overflow="fold",
        )
    for change in changes:
        before = [one.mos_before for one in change.changed if one.mos_before is not None]
        after = [one.mos_after for one in change.changed if one.mos_after is not None]
        signed = [f"+{one.id}" for one in change.findings_added]
        signed += [f"-{one.id}" for one in change.findings_removed]
        table.add_row(
            change.session_id,
            f"{len(change.changed)} of {change.reports}",
            _arrow(_shown(_mean(before)), _shown(_mean(after))),
            " ".join(_once(signed)) or "same",
            _arrow(change.outcome_before, change.outcome_after),
        )
    if changes:
        console.print(table)
    if totals.sessions_changed > len(changes):
        more = totals.sessions_changed - len(changes)
        console.print(f"… and {more} more; --json has all of them.")
    for model in totals.told()["models"]:
        console.print(f"{model['before'] or 'nothing'} → {model['after']}", soft_wrap=True)
    console.print(
        f"Nothing was written. {totals.sessions_changed} of {totals.sessions} sessions would "
        f"change: {totals.reports_changed} of {totals.reports} reports, {totals.added.total()} "
        f"findings more, {totals.removed.total()} less, {totals.verdicts_changed} verdicts. "
        f"{totals.sessions_without_journal} sessions have nothing to replay.",
        soft_wrap=True,
    )


def _once(words: list[str]) -> list[str]:
    counted = Counter(words)
    return [word if count == 1 else f"{word}×{count}" for word, count in counted.items()]


def _arrow(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _mean(hundredths: list[int]) -> float | None:
    return round(sum(hundredths) / len(hundredths) / 100, 2) if hundredths else None


def _mos(hundredths: int | None) -> float | None:
    return None if hundredths is None else hundredths / 100


def _shown(mos: float | None) -> str:
    return "–" if mos is None else f"{mos:.2f}"
