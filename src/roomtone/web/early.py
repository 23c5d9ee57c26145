"""Early: what the first bytes of a request say, where it is a batch and all of it has come.

When there is no place for a batch, parsing it, and making a task of it, cost more than all the rest
of its refusal; refusing is most of what an overloaded server does, and what it spends on that it
can't spend on the others. So :mod:`roomtone.web.connections` asks here before it parses.

Where anything about a request is unusual, the parser has it: where one ends and the next begins
must never be told in two ways.
"""

import re

_LINE = re.compile(
    rb"POST (/v1/collect|/api/v1/message|/in/[\w./-]*)(?:\?[!-~]*)? HTTP/1\.1\r\n", re.ASCII
)
_HEADERS = re.compile(rb"(?:[\w!#$%&'*+.^`|~-]+:[\t -~\x80-\xff]*\r\n)+", re.ASCII)
"""Of RFC 9110, 5.1 and 5.5."""
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,7})\r\n")
_UNUSUAL = re.compile(rb"\r\n(?:transfer-encoding|expect|upgrade|connection(?!: *keep-alive\r\n))")
_REQUEST_ID = re.compile(rb"\r\nx-request-id: *([!-~]+)\r\n", re.IGNORECASE)
_END = b"\r\n\r\n"


def whole_batch(data: bytes) -> tuple[str, dict[bytes, bytes]] | None:
    """The path of the one request that ``data`` is, to its last byte, and the only header that
    counts now, ``x-request-id``. None where it is anything else, or in doubt."""
    line = _LINE.match(data)
    if line is None:
        return None
    end = data.find(_END)
    if end < 0:
        return None
    if _HEADERS.fullmatch(data, line.end(), end + 2) is None:
        return None
    given = data[line.end() - 2 : end + 2]
    head = given.lower()
    lengths = _LENGTH.findall(head)
    if len(lengths) != 1 or end + len(_END) + int(lengths[0]) != len(data):
        return None
    if head.count(b"\r\ncontent-length") != 1 or _UNUSUAL.search(head) is not None:
        return None
    request_id = _REQUEST_ID.search(given)
    named = {} if request_id is None else {b"x-request-id": request_id[1]}
    return line[1].decode(), named
