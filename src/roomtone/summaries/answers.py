"""What a language model answered, made fit to be stored: without wrapping, within the limit."""

import re

from roomtone.summaries.summary import MARKDOWN, PLAIN_TEXT
from roomtone.summaries.wording import count_words

_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_WRAPPED = re.compile(r"\A\s*```[\w-]*\n(?P<inside>.*?)\n?```\s*\Z", re.DOTALL)
_CONTROL = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_HEADING = re.compile(r"^#{1,6} +(?P<text>.*?)(?: #+)?$", re.MULTILINE)
_STRONG = re.compile(r"(\*\*|__)(?=\S)(?P<text>.+?)(?<=\S)\1")
_BULLET = re.compile(r"^(\s*)[*+] ", re.MULTILINE)


def tidied(answer: str, text_format: str = MARKDOWN) -> str:
    """The answer alone: no thinking aloud, no code fence around it, no control characters.

    Where plain text was ordered, headings become capitals and stars go.
    """
    text = _CONTROL.sub("", _THOUGHT.sub("", answer.replace("\r\n", "\n"))).strip()
    wrapped = _WRAPPED.match(text)
    if wrapped:
        text = wrapped.group("inside").strip()
    if text_format == PLAIN_TEXT:
        text = _HEADING.sub(lambda match: match.group("text").upper(), text)
        text = _BULLET.sub(r"\1- ", _STRONG.sub(r"\g<text>", text))
    return text + "\n" if text else ""


def _blocks(text: str) -> list[list[str]]:
    """Lines by section: each begins with the line that heads it."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        heads = line.startswith("#") or (line.isupper() and len(line.split()) < 8)
        if heads and blocks[-1]:
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def fitted(text: str, word_limit: int) -> tuple[str, int]:
    """A text within the limit, and how many lines that took.

    Lines go from the end of whichever section is longest, and its heading with the last of them; a
    single line that is too long loses its end.
    """
    blocks = _blocks(text)
    gone = 0
    while count_words(_joined(blocks)) > word_limit:
        longest = max(blocks, key=lambda block: count_words("\n".join(block)))
        while longest and not longest[-1].strip():
            longest.pop()
        if len(longest) <= 1 and len(blocks) == 1:
            words = longest[0].split() if longest else []
            longest[:] = [_shortened(words, word_limit)]
            return _joined(blocks), gone + 1
        longest.pop()
        gone += 1
        if not any(line.strip() for line in longest[1:]):
            blocks.remove(longest)
    return _joined(blocks), gone


def _shortened(words: list[str], word_limit: int) -> str:
    kept: list[str] = []
    for word in words:
        if count_words(" ".join((*kept, word))) > word_limit:
            break
        kept.append(word)
    if not kept and words:
        return words[0][: word_limit // 2] + "\u2026"
    return " ".join(kept) + "\u2026"


def _joined(blocks: list[list[str]]) -> str:
    return "\n".join(line for block in blocks for line in block).strip() + "\n"
