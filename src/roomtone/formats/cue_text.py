"""What stands in a cue of SRT or VTT: a name, a colon, a sentence; and how it is told apart.

Both formats have one text and no field for who speaks. Cues read ``Alice: Hello everyone``
(contract 2.4 and 10): the name is what stands before the first colon that a space follows, at most
MAX_CUE_NAME_CHARS long. Files of others may name the speaker as VTT's voice span instead
(``<v Alice>``).

So that a text which looks like markup, or like a name, survives, a WORD JOINER (U+2060: no width,
no meaning) is put into it: after the colon of ``Note: milk`` said by nobody known, and in SRT,
which has no escapes that players agree on, into ``-->``, ``<b``, ``&lt;``, ``{\\``. Reading takes
exactly these out again. VTT has entities for its markup (W3C WebVTT, section 4.2.2).

Every pattern here takes time in proportion to the text.
"""

import html
import re
from collections.abc import Iterator

from roomtone.formats.spoken import WORD_JOINER, clean_name, clean_sentence

MAX_CUE_NAME_CHARS = 64
"""A cue is read in a second; a longer name is cut, and a longer beginning is no name."""

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]*)>")
_VTT_TAG = re.compile(r"<[^<>]*>?")
"""In VTT every ``<`` begins a tag, and an unclosed one ends with the cue."""
_SRT_TAG = re.compile(
    r"</?(?:b|i|u|s|v|c|font|ruby|rt|lang)(?:[\s.][^<>]*)?/?>|\{\\[^{}]*\}", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_SRT_MARKUP = re.compile(r"--(?=>)|<(?=[/A-Za-z])|&(?=#?\w{1,32};)|\{(?=\\)")
_SRT_JOINED = re.compile(rf"(--|<|&|\{{){WORD_JOINER}")
_COLON = re.compile(r":(?=\s|$)")
_JOINED_COLON = re.compile(f":{WORD_JOINER}")
_NAME = re.compile(
    rf"{WORD_JOINER}*((?::(?!\s)|[^:{WORD_JOINER}]){WORD_JOINER}*){{1,{MAX_CUE_NAME_CHARS}}}?:(?:\s+|$)"
)
_VTT_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def srt_text(name: str, sentence: str) -> str:
    """A cue's text for SRT, on one line."""
    return _SRT_MARKUP.sub(lambda match: match[0] + WORD_JOINER, _line(name, sentence))


def vtt_text(name: str, sentence: str) -> str:
    """A cue's text for VTT, on one line."""
    return _line(name, sentence).translate(_VTT_ESCAPES)


def _line(name: str, sentence: str) -> str:
    """Both parts on one line, each as the reader would clean it: no blank line can end the cue."""
    name, sentence = clean_name(name)[0], clean_sentence(sentence)[0]
    if not name:
        return _COLON.sub(f":{WORD_JOINER}", sentence)
    if len(name) > MAX_CUE_NAME_CHARS:
        name = f"{name[: MAX_CUE_NAME_CHARS - 1].rstrip()}…"
    return f"{_COLON.sub(f':{WORD_JOINER}', name)}: {sentence}"


def said_in_srt(text: str) -> Iterator[tuple[str, str]]:
    """A cue's text (its lines) as (name, sentence); more than one where it has several voices."""
    for voice, part in _voices(text):
        plain = _without_entities(_SRT_TAG.sub("", part))
        yield _split(_SRT_JOINED.sub(r"\1", plain), _without_entities(voice))


def said_in_vtt(text: str) -> Iterator[tuple[str, str]]:
    """A cue's text (its lines) as (name, sentence); more than one where it has several voices."""
    for voice, part in _voices(text):
        yield _split(_without_entities(_VTT_TAG.sub("", part)), _without_entities(voice))


def _voices(text: str) -> Iterator[tuple[str, str]]:
    """Each voice with what it says; the name is empty for what stands outside of voices."""
    outside, *spans = _VOICE.split(text)
    if outside.strip() or not spans:
        yield "", outside
    yield from zip(spans[::2], spans[1::2], strict=True)


def _split(text: str, voice: str) -> tuple[str, str]:
    text = text.strip()
    found = None if voice.strip() else _NAME.match(text)
    name, sentence = (found[0].rstrip()[:-1], text[found.end() :]) if found else (voice, text)
    return _JOINED_COLON.sub(":", name), _JOINED_COLON.sub(":", sentence)


def _without_entities(text: str) -> str:
    if "&" not in text:
        return text
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)
