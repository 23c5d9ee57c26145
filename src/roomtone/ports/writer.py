"""The writer: a language model that turns a prompt into words.

Every adapter keeps these promises; ``tests/journeys/test_llm_writer.py`` holds it to them.

1. ``write`` ends: with the whole answer, or with WriterFailed; within the time that the adapter was
   given.
2. An answer is whole: what the model or the network broke off is a failure, never half a summary.
3. The reason of a failure is in words for a person, and never holds the key.
"""

from typing import Protocol

from roomtone.summaries.prompts import Prompt


class WriterFailed(Exception):
    """No answer. ``retry_after``: seconds until another try makes sense; None: nobody knows."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class Writer(Protocol):
    """See the module's promises. ``model``: the name of what writes, stored with the summary."""

    @property
    def model(self) -> str:
        """The model's name."""
        ...

    async def write(self, prompt: Prompt) -> str:
        """The answer to a prompt. Raises WriterFailed."""
        ...
