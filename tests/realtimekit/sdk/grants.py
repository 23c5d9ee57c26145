"""Where an answer may differ from what an SDK declares, and why. Everything else is a failure.

The SDKs declare nearly every field optional. The tests ask for all of them anyway, and for a value
where the newest TypeScript SDK does not say ``| null``; this page lists what remains.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from sdk.drive import Call, Result


@dataclass(frozen=True)
class Grant:
    """One difference: the path (``*`` matches anything), the kind of fault, the reason."""

    path: str
    fault: str
    reason: str


GRANTS = (
    Grant("*.ended_at", "null", "contract 1.0: null while LIVE"),
    Grant("*.left_at", "null", "contract 1.3: null while connected"),
    Grant("*_cumulative", "empty", "contract 6.2: {} when there is nothing"),
    Grant("*.events.metadata", "missing", "contract 3: most events carry none"),
    Grant("*.webgl_support", "null", "contract 6.1: null in the vendor's own example"),
)


def _granted(path: str, what: str, call: Call) -> bool:
    if what == "missing" and any(fnmatchcase(path, lack) for lack in call.get("may_lack", [])):
        return True
    return any(fnmatchcase(path, grant.path) and what == grant.fault for grant in GRANTS)


def faults_of(call: Call, result: Result) -> list[str]:
    """What is wrong with an answer, each fault once, without what is granted."""
    told = (
        f"{fault['path']}: {fault['fault']}"
        for fault in result["faults"]
        if not _granted(fault["path"], fault["fault"], call)
    )
    return list(dict.fromkeys(told))
