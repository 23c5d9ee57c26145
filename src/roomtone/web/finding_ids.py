"""The query parameter that names findings, checked against the catalogue."""

from roomtone.findings.catalogue import BY_ID
from roomtone.web.query import Parameter

MAX_NAMED = 100
"""Findings in one question; the catalogue has about forty."""


def finding_ids(name: str, help: str) -> Parameter[frozenset[str]]:  # noqa: A002
    """Ids of findings, comma-separated; nothing given: empty, which means all."""

    def read(given: str) -> frozenset[str]:
        asked = [word.strip() for word in given.split(",", MAX_NAMED)]
        if unknown := [word for word in asked if word not in BY_ID]:
            what = ", ".join(repr(word[:64]) for word in unknown[:5])
            raise ValueError(f"has no {what}; GET …/findings/catalogue lists what there is")
        return frozenset(asked)

    one = "|".join(BY_ID)
    schema = {"type": "string", "pattern": f"^({one})(,({one}))*$", "example": "uplink_loss"}
    default: frozenset[str] = frozenset()
    return Parameter(name=name, read=read, default=default, schema=schema, help=help)
