"""One delivery for each kind of inlet, proven with whatever secret it is given."""

import hashlib
import hmac
import json
import time
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from two_tenants import URL

BODY = json.dumps({"nonsense": True}).encode()
KEY = "a-server"
"""What servers that name themselves call themselves: no secret, so a stranger uses it too."""
SOCKETS = ("rtcstats", "jitsi", "observertc")


class Vendor:
    """Who signs RealtimeKit's webhooks; an inlet's secret is the public half, as PEM."""

    def __init__(self) -> None:
        self._private = rsa.generate_private_key(65_537, 2_048)
        self.pem = (
            self._private.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def signed(self, body: bytes) -> str:
        """The header's value."""
        return b64encode(self._private.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()


VENDORS = {vendor.pem: vendor for vendor in (Vendor(), Vendor())}
VICTIMS_VENDOR, NEIGHBOURS_VENDOR = VENDORS


def delivery(kind: str, inlet_id: str, secret: str) -> dict[str, Any]:
    """What ``httpx.Client.request`` is called with."""
    path = f"/in/{inlet_id}"
    asked: dict[str, Any] = {"method": "POST", "url": path, "content": BODY}
    match kind:
        case "rtcstats":
            claims = {"rtcStats": {"user": "u", "session": "s", "conference": "c"}}
            token = jwt.encode(claims, secret or "x", algorithm="HS256")
            asked |= {"url": f"{path}/upload", "params": {"rtcstats-token": token}}
        case "observertc":
            asked["url"] = f"{path}/{secret}/room"
        case "peermetrics":
            said = {"apiKey": secret, "conferenceId": "c", "userId": "u"}
            asked |= {"url": f"{path}/v1/initialize", "content": json.dumps(said).encode()}
        case "livekit":
            asked["headers"] = {"authorization": _livekit(secret)}
        case "janus":
            pair = b64encode(f"{KEY}:{secret}".encode()).decode()
            asked["headers"] = {"authorization": f"Basic {pair}"}
        case "realtimekit":
            vendor = VENDORS.get(secret)
            asked["headers"] = {"rtk-signature": vendor.signed(BODY) if vendor else secret}
        case "daily":
            asked["headers"] = {
                "x-webhook-timestamp": "1", "x-webhook-signature": _daily(secret),
            }  # fmt: skip
        case "bigbluebutton":
            told = f"{URL}{path}".encode() + BODY + secret.encode()
            asked["params"] = {"checksum": hashlib.sha256(told).hexdigest()}
        case _:
            asked["headers"] = {"authorization": f"Bearer {secret}"}
    return asked


def _livekit(secret: str) -> str:
    claims = {
        "iss": KEY,
        "exp": int(time.time()) + 60,
        "sha256": b64encode(hashlib.sha256(BODY).digest()).decode(),
    }
    return jwt.encode(claims, secret or "x", algorithm="HS256")


def _daily(secret: str) -> str:
    try:
        key = b64decode(secret, validate=True)
    except NotBase64:
        key = secret.encode()
    return b64encode(hmac.new(key, b"1." + BODY, hashlib.sha256).digest()).decode()
