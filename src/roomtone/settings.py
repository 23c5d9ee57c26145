"""Every setting in one table.

It feeds the flags, the ``ROOMTONE_*`` variables, the TOML file and ``docs/settings.md``. A flag
beats a variable, a variable beats the file, the file beats the default. What is secret can lie in a
file of its own, which the setting ``…_file`` names: a flag can be read by whoever may list
processes.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct, ValidationError, convert

from roomtone.model.errors import Failed

Scale = Literal["mos", "vendor"]
Role = Literal["all", "collect", "api", "work"]


class Setting(Struct, frozen=True):
    """One row: its name in Python, its default, and what it does, for people."""

    name: str
    type: type
    default: Any
    help: str
    secret: bool = False
    """It may hold a password or a key; then there is also NAME_file."""

    @property
    def flag(self) -> str:
        """``--like-this``."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """``ROOMTONE_LIKE_THIS``."""
        return "ROOMTONE_" + self.name.upper()


SETTINGS: tuple[Setting, ...] = (
    Setting("data", str, "roomtone-data", "The data folder: database, jobs, credentials."),
    Setting(
        "database",
        str,
        "",
        "Where records and journal go: unset DATA/roomtone.db, or postgresql://user@host/name. Of "
        "a primary and its standbys: //user@one,two/name?target_session_attrs=read-write.",
        secret=True,
    ),
    Setting("database_file", str, "", "A file that holds `database`, for one with a password."),
    Setting(
        "journal",
        str,
        "",
        "Where fresh facts go: unset, the database; or nats://host, a JetStream of NATS; of "
        "several nodes nats://one,nats://two,nats://three.",
        secret=True,
    ),
    Setting("journal_file", str, "", "A file that holds `journal`, for one with a password."),
    Setting("journal_replicas", int, 1, "Copies that JetStream keeps of each fact: 3 of 3 nodes."),
    Setting(
        "role",
        str,
        "all",
        "What this process does: all, or of several on one PostgreSQL collect, api or work.",
    ),
    Setting(
        "drain_s", int, 0, "Seconds between SIGTERM, from when on /readyz says 503, and the end."
    ),
    Setting("host", str, "127.0.0.1", "The address to listen on."),
    Setting("port", int, 8787, "The port to listen on."),
    Setting(
        "tls_certificate",
        str,
        "",
        "A file with the server's certificate and those above it, as PEM: serves https itself.",
    ),
    Setting("tls_key", str, "", "A file with the certificate's key, as PEM, if it is not beside."),
    Setting("base_url", str, "", "What clients call this server; default http(s)://HOST:PORT."),
    Setting("log_level", str, "info", "debug, info, warning or error."),
    Setting("reading_ms", int, 7_000, "Cadence of readings; denser input is merged to it."),
    Setting("quality_scale", str, "mos", "What quality numbers are: mos (1-5) or vendor (0-1)."),
    Setting("silence_s", int, 90, "Seconds without a sign of life until a peer counts as left."),
    Setting("mask_addresses", bool, True, "Mask addresses of clients before they are stored."),
    Setting("geo_database", str, "", "A MaxMind-format database of cities, brought by you."),
    Setting("asn_database", str, "", "A MaxMind-format database of networks, brought by you."),
    Setting("token_hours", int, 24, "How long a participant's token is good for, in hours."),
    Setting("rate_limit", int, 3_500, "API requests per token in five minutes; 0 for no limit."),
    Setting(
        "ingest_limit",
        int,
        1_200,
        "Collector requests per participant in five minutes; 0: no limit.",
    ),
    Setting("trusted_proxies", str, "", "Addresses of proxies whose X-Forwarded-For is believed."),
    Setting(
        "ice_servers",
        str,
        "",
        "STUN and TURN servers of the call page: addresses with commas, or JSON as RTCIceServer.",
        secret=True,
    ),
    Setting("ice_servers_file", str, "", "A file that holds `ice_servers`: TURN has passwords."),
    Setting("files", str, "", "Where files go: unset DATA/files, or s3://bucket/prefix."),
    Setting(
        "files_endpoint",
        str,
        "",
        "Endpoint of S3-compatible storage that is not Amazon's; credentials come from AWS_*.",
    ),
    Setting(
        "words_key",
        str,
        "",
        "Keys of stored chats and transcripts, each 32 bytes in base64; the first one encrypts.",
        secret=True,
    ),
    Setting("words_key_file", str, "", "A file that holds `words_key`."),
    Setting("link_days", int, 7, "How long a link to a file is good for, in days."),
    Setting("keep_journal_days", int, 30, "Days that journals are kept; 0: for ever."),
    Setting("keep_reports_days", int, 0, "Days that reports are kept; 0: for ever."),
    Setting("keep_chat_days", int, 0, "Days that chats are kept; 0: for ever."),
    Setting("keep_transcripts_days", int, 0, "Days that transcripts are kept; 0: for ever."),
    Setting("keep_summaries_days", int, 0, "Days that summaries are kept; 0: for ever."),
    Setting("keep_webhook_log_days", int, 0, "Days that deliveries are kept; 0: for ever."),
    Setting("metrics", bool, False, "Serve counts for Prometheus at /metrics."),
    Setting(
        "metrics_token",
        str,
        "",
        "What a scraper of /metrics must send as a bearer token.",
        secret=True,
    ),
    Setting("metrics_token_file", str, "", "A file that holds `metrics_token`."),
    Setting(
        "webhooks_always_live", bool, False, "Webhooks say meeting.status LIVE, as the vendor's do."
    ),
    Setting(
        "webhooks_allow_private",
        bool,
        False,
        "Webhooks may call private and local addresses, such as this machine's.",
    ),
    Setting(
        "summary_url",
        str,
        "",
        "An OpenAI-compatible endpoint that writes summaries, up to /v1; unset: offline ones.",
    ),
    Setting("summary_model", str, "", "The model that the endpoint is to use."),
    Setting("summary_key", str, "", "The endpoint's key; a file keeps it out of ps.", secret=True),
    Setting("summary_key_file", str, "", "A file that holds the endpoint's key."),
    Setting("summary_timeout_s", int, 600, "Seconds that one answer of the endpoint may take."),
    Setting(
        "summary_context",
        int,
        8_000,
        "Tokens that the model reads at once; longer meetings are cut and combined.",
    ),
)


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of a running Roomtone; :data:`SETTINGS` says what each means."""

    data: str = "roomtone-data"
    database: str = ""
    database_file: str = ""
    journal: str = ""
    journal_file: str = ""
    journal_replicas: int = 1
    role: Role = "all"
    drain_s: int = 0
    host: str = "127.0.0.1"
    port: int = 8787
    tls_certificate: str = ""
    tls_key: str = ""
    base_url: str = ""
    log_level: str = "info"
    reading_ms: int = 7_000
    quality_scale: Scale = "mos"
    silence_s: int = 90
    mask_addresses: bool = True
    geo_database: str = ""
    asn_database: str = ""
    token_hours: int = 24
    rate_limit: int = 3_500
    ingest_limit: int = 1_200
    trusted_proxies: str = ""
    ice_servers: str = ""
    ice_servers_file: str = ""
    files: str = ""
    files_endpoint: str = ""
    words_key: str = ""
    words_key_file: str = ""
    link_days: int = 7
    keep_journal_days: int = 30
    keep_reports_days: int = 0
    keep_chat_days: int = 0
    keep_transcripts_days: int = 0
    keep_summaries_days: int = 0
    keep_webhook_log_days: int = 0
    metrics: bool = False
    metrics_token: str = ""
    metrics_token_file: str = ""
    webhooks_always_live: bool = False
    webhooks_allow_private: bool = False
    summary_url: str = ""
    summary_model: str = ""
    summary_key: str = ""
    summary_key_file: str = ""
    summary_timeout_s: int = 600
    summary_context: int = 8_000

    @property
    def url(self) -> str:
        """The base URL that is shown to people."""
        scheme = "https" if self.tls_certificate else "http"
        return self.base_url.rstrip("/") or f"{scheme}://{self.host}:{self.port}"


_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def _parse(setting: Setting, text: str) -> Any:
    if setting.type is bool:
        lowered = text.lower()
        if lowered in _TRUE | _FALSE:
            return lowered in _TRUE
    elif setting.type is int:
        try:
            return int(text)
        except ValueError:
            pass
    else:
        return text
    raise Failed(
        f"{setting.variable}={text!r} is not a {setting.type.__name__}",
        f"Set it to something like {setting.default!r}, or unset it.",
    )


def load(
    flags: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
    file: Path | None = None,
) -> Settings:
    """Put the four layers together. Raises Failed, with a hint, on a value that does not fit."""
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values |= tomllib.loads(file.read_text())
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise Failed(f"{file}: {error}", "Correct the file, or leave out --config.") from None
    for setting in SETTINGS:
        if setting.variable in environment:
            values[setting.name] = _parse(setting, environment[setting.variable])
    values |= {name: value for name, value in flags.items() if value is not None}
    _read_secrets(values)
    try:
        settings = convert(values, Settings)
    except ValidationError as error:
        raise Failed(f"settings: {error}", "docs/settings.md lists every setting.") from None
    return settings


def _read_secrets(values: dict[str, Any]) -> None:
    """Fill in what lies in files of its own. Raises Failed."""
    for setting in SETTINGS:
        file = values.get(f"{setting.name}_file")
        if not setting.secret or not file or values.get(setting.name):
            continue
        try:
            values[setting.name] = Path(file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Failed(
                f"{setting.name}_file: {error}",
                f"Name a file that this user may read and that holds {setting.name} alone.",
            ) from None


def exposed(flags: Mapping[str, Any]) -> list[Setting]:
    """Settings that were given as flags and hold a secret: any user of the machine can read them
    in the list of processes."""
    return [
        setting
        for setting in SETTINGS
        if setting.secret and _holds_secret(setting, str(flags.get(setting.name) or ""))
    ]


def _opens(url: str) -> bool:
    """Whether an address holds what opens it: a password, also in the query, or a token of NATS,
    which stands where a name would. Raises ValueError for what is no address."""
    parts = urlsplit(url)
    token = parts.scheme in ("nats", "tls") and parts.username
    return bool(parts.password or token or "password=" in parts.query.lower())


def _holds_secret(setting: Setting, value: str) -> bool:
    if setting.name in ("database", "journal"):
        try:
            return any(map(_opens, value.split(",")))
        except ValueError:
            return True
    return '"credential"' in value if setting.name == "ice_servers" else bool(value)
