"""Paths: a tree of segments, so that finding a resource costs the same however many there are.

A literal segment wins over a parameter: ``/sessions/peer-report/{peer_id}`` is never the session
called ``peer-report`` (contract 1.9).
"""

from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Node(Generic[T]):
    __slots__ = ("found", "literals", "name", "parameter")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.parameter: _Node[T] | None = None
        self.name = ""
        self.found: T | None = None


class Paths(Generic[T]):
    """Templates such as ``/sessions/{session_id}/chat``, each leading to something."""

    def __init__(self, templates: Iterable[tuple[str, T]]) -> None:
        self._root: _Node[T] = _Node()
        for template, target in templates:
            self._add(template, target)

    def _add(self, template: str, target: T) -> None:
        node = self._root
        for segment in template.strip("/").split("/"):
            if not segment.startswith("{"):
                node = node.literals.setdefault(segment, _Node())
                continue
            name = segment.strip("{}")
            if node.parameter is None:
                node.parameter = _Node()
                node.parameter.name = name
            elif node.parameter.name != name:
                raise ValueError(
                    f"{template}: this place is called {node.parameter.name} elsewhere"
                )
            node = node.parameter
        if node.found is not None:
            raise ValueError(f"{template} leads to two places")
        node.found = target

    def find(self, path: str) -> tuple[T, dict[str, str]] | None:
        """What a path leads to, and the values of its parameters; None if nowhere."""
        node = self._root
        values: dict[str, str] = {}
        for segment in path.strip("/").split("/"):
            literal = node.literals.get(segment)
            if literal is not None:
                node = literal
            elif node.parameter is not None and segment:
                node = node.parameter
                values[node.name] = segment
            else:
                return None
        return None if node.found is None else (node.found, values)
