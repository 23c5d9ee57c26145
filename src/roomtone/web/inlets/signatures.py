"""Signatures: how each kind of server proves that a delivery is its own. All in constant time.

Every function raises Unauthenticated, in words that tell a stranger nothing and an operator enough.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from functools import lru_cache
from hashlib import sha256
from urllib.parse import urlsplit

import jwt
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from starlette.requests import Request

from roomtone.model.errors import Unauthenticated
from roomtone.model.inlets import Inlet

SKEW_S = 60
"""How far a server's clock may be off."""
MAX_HEADER_CHARS = 8_192
DIGESTS = {40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
"""BigBlueButton's administrators choose; the length of a checksum tells which."""


def check_bearer(inlet: Inlet, request: Request) -> None:
    """``Authorization: Bearer <secret>``."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not _same(given.strip(), inlet.secret):
        raise Unauthenticated("Send Authorization: Bearer and the inlet's secret.")


def check_basic(inlet: Inlet, request: Request) -> None:
    """``Authorization: Basic``: the inlet's key and secret."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        said = b64decode(given.strip()[:MAX_HEADER_CHARS], validate=True)
    except (NotBase64, ValueError):
        said = b""
    wanted = f"{inlet.key}:{inlet.secret}".encode()
    if kind.lower() != "basic" or not hmac.compare_digest(said, wanted):
        raise Unauthenticated("Send Authorization: Basic with the inlet's key and secret.")


def check_livekit(inlet: Inlet, request: Request, body: bytes, now: int) -> None:
    """A JWT (HS256) whose ``sha256`` claim is the body's, in base64. ``now``: epoch ms."""
    token = request.headers.get("authorization", "").strip()
    token = token.removeprefix("Bearer ").strip()[:MAX_HEADER_CHARS]
    try:
        claims = jwt.decode(
            token,
            inlet.secret,
            algorithms=["HS256"],
            # Times are held against our own clock below.
            options={
                "require": ["exp", "iss", "sha256"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
            },
        )
        expires, begins = float(claims["exp"]), float(claims.get("nbf", 0))
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
        raise Unauthenticated("The webhook is not signed with this inlet's secret.") from None
    digest = b64encode(sha256(body).digest()).decode()
    right = _same(str(claims["iss"]), inlet.key) & _same(str(claims["sha256"]), digest)
    if not right:
        raise Unauthenticated("The webhook is signed with another key, or for another body.")
    if not begins - SKEW_S <= now / 1_000 <= expires + SKEW_S:
        raise Unauthenticated("The webhook's signature has expired; compare the clocks.")


def check_realtimekit(inlet: Inlet, request: Request, body: bytes) -> None:
    """``rtk-signature``, once ``dyte-signature``: RSA (PKCS #1 v1.5, SHA-256) over the raw body."""
    given = request.headers.get("rtk-signature") or request.headers.get("dyte-signature") or ""
    key = _public_key(inlet.secret)
    if key is None:
        raise Unauthenticated("This inlet's secret is no RSA public key in PEM.")
    try:
        signature = b64decode(given[:MAX_HEADER_CHARS], validate=True)
        key.verify(signature, body, padding.PKCS1v15(), hashes.SHA256())
    except (NotBase64, ValueError, InvalidSignature):
        raise Unauthenticated("The webhook is not signed with the key of this inlet.") from None


def check_daily(inlet: Inlet, request: Request, body: bytes) -> None:
    """``X-Webhook-Signature``: HMAC-SHA256, in base64, over ``X-Webhook-Timestamp.body``.

    Daily describes the body as its JSON written anew; what it sends is that already, and a proxy
    that formats JSON in between is forgiven.
    """
    stamp = request.headers.get("x-webhook-timestamp", "")[:40]
    given = request.headers.get("x-webhook-signature", "")
    try:
        key = b64decode(inlet.secret, validate=True)
    except (NotBase64, ValueError):
        raise Unauthenticated("This inlet's secret is no base64, as Daily wants it.") from None
    right = False
    for text in (body, _compact(body)):
        made = hmac.new(key, stamp.encode() + b"." + text, sha256).digest()
        right |= _same(given, b64encode(made).decode())
    if not stamp or not right:
        raise Unauthenticated("The webhook is not signed with this inlet's hmac.")


def check_bigbluebutton(inlet: Inlet, request: Request, body: bytes, base_url: str) -> None:
    """``?checksum=`` over the callback's URL, the body and the secret; or the secret as a bearer.

    The URL is the one that was registered. Which of our names that was nobody tells: the configured
    one is tried, and the one that the request came to.
    """
    if request.headers.get("authorization"):
        check_bearer(inlet, request)
        return
    given = request.query_params.get("checksum", "").lower()
    algorithm = DIGESTS.get(len(given))
    right = False
    if algorithm is not None:
        for url in _callback_urls(request, base_url):
            data = url.encode() + body + inlet.secret.encode()
            made = hashlib.new(algorithm, data, usedforsecurity=False)
            right |= _same(given, made.hexdigest())
    if not right:
        raise Unauthenticated("The checksum is not of this callback URL, body and secret.")


def _callback_urls(request: Request, base_url: str) -> list[str]:
    query = "&".join(
        part for part in request.url.query.split("&") if part and not part.startswith("checksum=")
    )
    path = request.url.path + (f"?{query}" if query else "")
    host = urlsplit(str(request.url)).netloc
    return [base_url.rstrip("/") + path, f"https://{host}{path}", f"http://{host}{path}"]


def _compact(body: bytes) -> bytes:
    try:
        return msgspec.json.encode(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body


@lru_cache(maxsize=1_000)
def _public_key(pem: str) -> RSAPublicKey | None:
    # An environment file has its line breaks written out.
    text = pem.replace("\\n", "\n").strip().encode()
    try:
        key = load_pem_public_key(text)
    except ValueError:
        return None
    return key if isinstance(key, RSAPublicKey) else None


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), wanted.encode(errors="replace"))
