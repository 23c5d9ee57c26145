"""Cipher: how what people wrote and said is written down, so that a stolen disk does not tell it.

Every adapter keeps these promises; ``tests/contracts/test_cipher.py`` holds each to them.

1. What was encrypted for a place is decrypted for that place alone; copied elsewhere, refused.
2. What was stored in clear is handed back as it is, so a key can be given to old data.
3. What cannot be decrypted raises Failed, with what to do: nobody is ever given noise for words.
"""

from typing import Protocol

Where = tuple[str | bytes | int, ...]
"""The place of something encrypted: its kind, whose it is (a session, a subject), and which one."""


class Cipher(Protocol):
    """See the module's promises. Any thread may use it."""

    @property
    def encrypts(self) -> bool:
        """Whether anything is encrypted at all."""
        ...

    def encrypt(self, where: Where, plain: bytes) -> bytes:
        """What is to be stored. Without a key: ``plain`` itself."""
        ...

    def decrypt(self, where: Where, stored: bytes) -> bytes:
        """What ``encrypt`` was given, or ``stored`` if that is in clear. Raises Failed."""
        ...

    def encrypt_text(self, where: Where, plain: str) -> str:
        """As ``encrypt``, for a column of text."""
        ...

    def decrypt_text(self, where: Where, stored: str) -> str:
        """And back. Raises Failed."""
        ...

    def is_current(self, stored: bytes) -> bool:
        """Whether it is stored as ``encrypt`` would store it now."""
        ...
