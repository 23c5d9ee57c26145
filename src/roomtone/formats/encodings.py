"""Bytes to text: which encoding a file is in, told from its bytes.

A byte order mark decides; then the zeros that UTF-16 leaves between Latin letters, digits and
line ends, which every transcript has; then UTF-8 if all of the file is; and at last
Windows-1252, in which any bytes are text. What was used, if not UTF-8, is said in a note.
"""

import io
from collections.abc import Iterable, Iterator

from msgspec import Struct

from roomtone.model.errors import BadRequest, TooLarge
from roomtone.model.limits import MAX_WORDS_FILE_BYTES

HEAD_BYTES = 4096
SLICE_CHARS = 64 * 1024
MARKS = (
    # UTF-32's little-endian mark begins with UTF-16's: it is looked for first.
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
NAMES = {"utf-16": "UTF-16", "utf-32": "UTF-32", "cp1252": "Windows-1252"}
ZERO_SHARE = 0.02
"""More zeros than that in the head: not UTF-8. Fewer: stray control characters."""


class Encoded(Struct, frozen=True):
    """A file's bytes with their encoding (a Python codec name) and the note on it, if any."""

    data: bytes
    codec: str
    note: str | None

    def lines(self, *, translate: bool = True) -> Iterator[str]:
        """The file line by line, decoded as it goes. ``translate``: every line end becomes
        ``\\n``; False keeps them, which CSV needs inside quotes."""
        newline = None if translate else ""
        return iter(self._reader(newline))

    def head(self, length: int = HEAD_BYTES) -> str:
        """The first characters, every line end as ``\n``."""
        return self._reader(None).read(length)

    def utf8(self) -> bytes:
        """The whole file in UTF-8, without a byte order mark. Not a copy if it is so already."""
        if self.codec == "utf-8":
            return self.data
        return self.data.decode(self.codec, _errors(self.codec)).encode()

    def _reader(self, newline: str | None) -> io.TextIOWrapper:
        stream = io.BytesIO(self.data)
        return io.TextIOWrapper(stream, self.codec, _errors(self.codec), newline)


def gathered(pieces: bytes | Iterable[bytes], limit: int = MAX_WORDS_FILE_BYTES) -> bytes:
    """An upload, whole. Raises TooLarge as soon as it is over ``limit``, without reading on."""
    if isinstance(pieces, bytes) and len(pieces) <= limit:
        return pieces
    whole = io.BytesIO()
    for piece in (pieces,) if isinstance(pieces, bytes) else pieces:
        if whole.tell() + len(piece) > limit:
            raise TooLarge(f"The file is larger than {limit // 1024 // 1024} MB; split it.")
        whole.write(piece)
    return whole.getvalue()


def encoded(data: bytes) -> Encoded:
    """A file with its encoding. Raises BadRequest for nothing at all, and for what is not text."""
    if not data or data.isspace():
        raise BadRequest("The file is empty.")
    for mark, codec in MARKS:
        if data.startswith(mark):
            return _checked(data, codec)
    zeros_even, zeros_odd = data[:HEAD_BYTES:2].count(0), data[1:HEAD_BYTES:2].count(0)
    if zeros_even + zeros_odd > ZERO_SHARE * min(len(data), HEAD_BYTES):
        if zeros_odd > 4 * zeros_even:
            return _checked(data, "utf-16-le")
        if zeros_even > 4 * zeros_odd:
            return _checked(data, "utf-16-be")
        raise BadRequest("The file is not text.")
    if _is(data, "utf-8"):
        return Encoded(data, "utf-8", None)
    return Encoded(data, "cp1252", "The file is not UTF-8; it was read as Windows-1252.")


def _checked(data: bytes, codec: str) -> Encoded:
    name = NAMES.get(codec.removesuffix("-le").removesuffix("-be"))
    if not _is(data, codec):
        raise BadRequest(f"The file begins as {name or 'UTF-8'} but is not; save it as UTF-8.")
    return Encoded(data, codec, name and f"The file is {name}; it was read as such.")


def _is(data: bytes, codec: str) -> bool:
    """Whether all of it decodes; slice by slice, so that 32 MB do not become 128 MB of text."""
    reader = io.TextIOWrapper(io.BytesIO(data), codec, newline="")
    try:
        while reader.read(SLICE_CHARS):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _errors(codec: str) -> str:
    # Windows-1252 leaves five bytes undefined.
    return "replace" if codec == "cp1252" else "strict"
