"""Writes docs/grafana.json, a Grafana dashboard; ``--check`` only says whether it is current."""
# ruff: noqa: T201 - this talks to the person who runs it

import json
import sys
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "grafana.json"
SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH, HEIGHT, COLUMNS = 12, 8, 2


def quantile(share: float, histogram: str, over: str) -> str:
    """PromQL of a quantile of all processes together."""
    return f"histogram_quantile({share}, sum by (le) (rate({histogram}_bucket[{over}])))"


PANELS: tuple[tuple[str, str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Batches taken in",
        "By door. What falls to nothing while calls go on is a door that nobody reaches.",
        "reqps",
        (("sum by (door) (rate(roomtone_batches_accepted_total[5m]))", "{{door}}"),),
    ),
    (
        "Batches refused",
        "failed and unavailable are Roomtone's own: they should be 0. busy is overload.",
        "reqps",
        (
            ("sum by (reason) (rate(roomtone_batches_refused_total[5m])) > 0", "{{reason}}"),
            ("sum(rate(roomtone_requests_refused_total[5m])) > 0", "other requests, busy"),
        ),
    ),
    (
        "Time to become durable",
        "Above a second the disk, or the journal's replicas, do not keep up.",
        "s",
        tuple(
            (
                quantile(share, "roomtone_append_seconds", "5m"),
                f"p{share * 100:g}",
            )
            for share in (0.5, 0.99)
        ),
    ),
    (
        "Live",
        "Sessions and peers that are connected.",
        "short",
        (
            ("max(roomtone_sessions_live)", "sessions"),
            ("max(roomtone_peers_live)", "peers"),
        ),
    ),
    (
        "Waiting to be sealed",
        "More than a minute: sealing does not keep up, or fails. The log says why.",
        "s",
        (
            ("max(roomtone_sealing_lag_seconds)", "oldest waits"),
            (
                quantile(0.99, "roomtone_sealing_seconds", "15m"),
                "p99 of those sealed",
            ),
        ),
    ),
    (
        "Sessions not sealed yet",
        "",
        "short",
        (("max(roomtone_sessions_unsealed)", "unsealed"),),
    ),
    (
        "Findings",
        "Of sessions as they are sealed.",
        "short",
        (
            (
                "topk(10, sum by (id, severity) (increase(roomtone_findings_total[1h])))",
                "{{id}} {{severity}}",
            ),
        ),
    ),
    (
        "Webhooks",
        "Tries by what came of them.",
        "reqps",
        (("sum by (outcome) (rate(roomtone_webhook_tries_total[15m]))", "{{outcome}}"),),
    ),
    (
        "Memory and processor",
        "Of each process.",
        "short",
        (
            ("process_resident_memory_bytes / 1048576", "{{instance}} MiB"),
            ("rate(process_cpu_seconds_total[5m])", "{{instance}} cores"),
        ),
    ),
    (
        "Open files",
        "Each connection is one; at the limit nobody new comes in.",
        "percentunit",
        (("process_open_fds / process_max_fds", "{{instance}}"),),
    ),
    (
        "Database",
        "Size of the SQLite file and its log.",
        "bytes",
        (("max(roomtone_database_bytes)", "size"),),
    ),
    (
        "Database answers",
        "1 for each process that it answers, 0 where it is away or cannot be reached.",
        "short",
        (("roomtone_database_up", "{{instance}}"),),
    ),
    (
        "Not understood",
        "Bodies in quarantine: `roomtone quarantine` tries them again.",
        "short",
        (("max(roomtone_quarantined)", "bodies"),),
    ),
)
"""(title, what to look for, unit, ((PromQL, legend), …))."""


def _panel(number: int, row: tuple[str, str, str, tuple[tuple[str, str], ...]]) -> dict[str, Any]:
    title, says, unit, asked = row
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "description": says,
        "datasource": SOURCE,
        "gridPos": {
            "x": number % COLUMNS * WIDTH,
            "y": number // COLUMNS * HEIGHT,
            "w": WIDTH,
            "h": HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": SOURCE,
                "expr": expr,
                "legendFormat": name,
            }
            for place, (expr, name) in enumerate(asked)
        ],
    }


def rendered() -> str:
    """The whole dashboard, as Grafana imports it."""
    board = {
        "uid": "roomtone",
        "title": "Roomtone",
        "tags": ["roomtone", "webrtc"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "type": "datasource", "query": "prometheus", "label": "Data"}
            ]
        },
        "panels": [_panel(number, row) for number, row in enumerate(PANELS)],
    }
    return json.dumps(board, indent=1) + "\n"


def main() -> int:
    """See the module."""
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(rendered())
        return 0
    if DOCUMENT.exists() and DOCUMENT.read_text() == rendered():
        return 0
    print("docs/grafana.json is not what scripts/dashboard.py says: run make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
