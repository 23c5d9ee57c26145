"""What a download is called: ``Content-Disposition`` for any name (RFC 6266, RFC 8187)."""

import re
import unicodedata
from urllib.parse import quote

MAX_CHARS = 120

_UNFIT = re.compile(r'[\x00-\x1f\x7f-\x9f"*/:<>?\\|%]+')
"""What some file system does not take in a name, or takes for something else."""
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._()-]+")


def file_name(*parts: str, extension: str) -> str:
    """A name of these parts that every file system takes."""
    joined = " ".join(filter(None, (_UNFIT.sub(" ", part).strip() for part in parts)))
    name = " ".join(joined.split())[:MAX_CHARS].strip(" .")
    return f"{name or 'session'}.{extension}"


def content_disposition(name: str) -> str:
    """The header's value: a plain name for old clients, and the real one."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = _NOT_PLAIN.sub("_", plain).strip(" .") or "file"
    value = f'attachment; filename="{plain}"'
    if plain != name:
        value += f"; filename*=UTF-8''{quote(name, safe='')}"
    return value
