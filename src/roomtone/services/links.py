"""Links: signed URLs of files, each for one file under one name until one moment.

The token holds what the link is for, signed with HMAC-SHA-256: who changes anything of it has no
link any more. There is no other way to a file: keys are not addresses, and nothing is listed.
"""

import hashlib

from itsdangerous import BadSignature, URLSafeSerializer
from msgspec import Struct

from roomtone.model.errors import Forbidden, Gone
from roomtone.model.times import iso
from roomtone.ports.blobs import Download

PATH = "/files/"
MAX_TOKEN_CHARS = 4_096
_SALT = "roomtone.files"


class Opened(Struct, frozen=True):
    """What a link is for. ``expires_at``: epoch ms."""

    key: str
    download: Download
    expires_at: int


class Links:
    """Makes links and reads them. ``base_url``: what clients call this server, without a slash."""

    def __init__(self, secret: bytes, base_url: str) -> None:
        self._base_url = base_url
        self._signer = URLSafeSerializer(
            secret,
            salt=_SALT,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def url(self, key: str, download: Download, expires_at: int) -> str:
        """The link that hands a blob out until then."""
        token = self._signer.dumps([key, download.filename, download.content_type, expires_at])
        return f"{self._base_url}{PATH}{token}"

    def open(self, token: str, now: int) -> Opened:
        """What a token is for. Raises Forbidden for one that was not made here, Gone once it has
        expired."""
        if len(token) > MAX_TOKEN_CHARS:
            raise _not_valid()
        try:
            key, filename, content_type, expires_at = self._signer.loads(token)
        except (BadSignature, ValueError, TypeError):
            raise _not_valid() from None
        if now > expires_at:
            raise Gone(f"This link expired at {iso(expires_at)}; ask the API for a new one.")
        return Opened(key, Download(filename, content_type), expires_at)


def _not_valid() -> Forbidden:
    return Forbidden("This link is not valid: it is incomplete or was changed.")
