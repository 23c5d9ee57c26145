"""Hook keys: the RSA key that deliveries are signed with (contract 4.1).

Made at the first need and kept in the database, which only its owner reads. Receivers fetch its
public half from ``/.well-known/webhooks.json``. A new key takes over at once, in every process:
which one is newest is looked up at every signature.
"""

import asyncio
from base64 import b64encode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from roomtone.model.errors import Failed
from roomtone.model.hooks import SigningKey
from roomtone.ports.clock import Clock
from roomtone.ports.records import Records, Transaction

KEY_BITS = 2_048
PUBLIC_EXPONENT = 65_537


class HookKeys:
    """Signs, tells the public key, makes new ones."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._loaded: tuple[str, rsa.RSAPrivateKey] | None = None

    async def signature(self, body: bytes) -> str:
        """RSASSA-PKCS1-v1_5 with SHA-256 over the raw body, as base64."""
        key = await self._private()
        return b64encode(key.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()

    async def public_pem(self) -> str:
        """The public key: SubjectPublicKeyInfo, PEM, without a line break at its end."""
        key = await self._private()
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem.decode().strip()

    async def rotate(self) -> SigningKey:
        """A new key, in use from now on. Receivers must fetch the public key anew."""
        fresh = await self._fresh()
        await self._records.write(lambda tx: tx.hooks.put_signing_key(fresh))
        return fresh

    async def _private(self) -> rsa.RSAPrivateKey:
        key = self._records.peek(lambda tx: tx.hooks.signing_key()) or await self._first()
        if self._loaded is None or self._loaded[0] != key.id:
            self._loaded = key.id, _load(key)
        return self._loaded[1]

    async def _first(self) -> SigningKey:
        fresh = await self._fresh()

        def keep(tx: Transaction) -> SigningKey:
            # Another process may have been faster.
            known = tx.hooks.signing_key()
            if known is None:
                tx.hooks.put_signing_key(fresh)
            return known or fresh

        return await self._records.write(keep)

    async def _fresh(self) -> SigningKey:
        pem = await asyncio.to_thread(_generate)
        return SigningKey(id=self._clock.new_id(), private_pem=pem, created_at=self._clock.now())


def _generate() -> str:
    key = rsa.generate_private_key(PUBLIC_EXPONENT, KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _load(key: SigningKey) -> rsa.RSAPrivateKey:
    try:
        loaded = load_pem_private_key(key.private_pem.encode(), password=None)
    except ValueError:
        loaded = None
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise Failed(
            "The key that signs webhooks cannot be read.",
            "Make a new one with `roomtone webhook rotate-key`.",
        )
    return loaded
