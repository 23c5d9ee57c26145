"""Text in, bytes out, in pieces of a size that is worth writing."""

from collections.abc import Iterable, Iterator

PIECE_CHARS = 32 * 1024


def pieces(texts: Iterable[str]) -> Iterator[bytes]:
    """UTF-8 in pieces of about 32 KB, whatever the sizes that come in; none is empty."""
    held: list[str] = []
    length = 0
    for text in texts:
        held.append(text)
        length += len(text)
        if length >= PIECE_CHARS:
            yield _bytes(held)
            held, length = [], 0
    if length:
        yield _bytes(held)


def _bytes(held: list[str]) -> bytes:
    # A lone surrogate cannot be written; a file with a "?" is better than none for ever.
    return "".join(held).encode("utf-8", "replace")
