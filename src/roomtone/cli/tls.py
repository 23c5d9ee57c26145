"""TLS served by Roomtone itself: the certificate and key that the settings name."""

import ssl
from pathlib import Path

import structlog

from roomtone.model.errors import Failed
from roomtone.settings import Settings

HINT = (
    "tls_certificate names a PEM file with the certificate (and those above it), tls_key its key."
)
OTHERS = 0o077

log = structlog.get_logger()


def check_tls(settings: Settings) -> None:
    """Raise Failed for a certificate or key that cannot work, before anything else begins.

    TLS 1.2 is the oldest version that Python's own server context speaks.
    """
    certificate, key = settings.tls_certificate, settings.tls_key
    if not certificate:
        if key:
            raise Failed("tls_key is set and tls_certificate is not", HINT)
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            # What asks for a password would wait for somebody at a keyboard.
            certificate, key or None, password=""
        )  # fmt: skip
    except ssl.SSLError as error:
        told = error.reason or "the certificate or the key cannot be read"
        raise Failed(f"tls_certificate, tls_key: {told}", HINT) from None
    except OSError as error:
        raise Failed(f"tls_certificate, tls_key: {error.strerror}", HINT) from None
    secret = Path(key or certificate)
    if secret.stat().st_mode & OTHERS:
        log.warning("others may read the key of the certificate", file=str(secret), run="chmod 600")
