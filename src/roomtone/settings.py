"""Every setting in one table.

It feeds the flags, the ``ROOMTONE_*`` variables, the TOML file and ``docs/settings.md``. A flag
beats a variable, a variable beats the file, the file beats the default.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, ValidationError, convert

from roomtone.model.errors import Failed

Scale = Literal["mos", "vendor"]


class Setting(Struct, frozen=True):
    """One row: its name in Python, its default, and what it does, for people."""

    name: str
    type: type
    default: Any
    help: str

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
    Setting("host", str, "127.0.0.1", "The address to listen on."),
    Setting("port", int, 8787, "The port to listen on."),
    Setting("base_url", str, "", "What clients call this server; default http://HOST:PORT."),
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
    Setting("files", str, "", "Where files go: unset DATA/files, or s3://bucket/prefix."),
    Setting(
        "files_endpoint",
        str,
        "",
        "Endpoint of S3-compatible storage that is not Amazon's; credentials come from AWS_*.",
    ),
    Setting("link_days", int, 7, "How long a link to a file is good for, in days."),
    Setting("keep_journal_days", int, 30, "Days that journals are kept; 0: for ever."),
    Setting("keep_reports_days", int, 0, "Days that reports are kept; 0: for ever."),
    Setting("keep_chat_days", int, 0, "Days that chats are kept; 0: for ever."),
    Setting("keep_transcripts_days", int, 0, "Days that transcripts are kept; 0: for ever."),
    Setting("keep_summaries_days", int, 0, "Days that summaries are kept; 0: for ever."),
    Setting("keep_webhook_log_days", int, 0, "Days that deliveries are kept; 0: for ever."),
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
    Setting("summary_key", str, "", "The endpoint's key; a file keeps it out of ps."),
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
    host: str = "127.0.0.1"
    port: int = 8787
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
    files: str = ""
    files_endpoint: str = ""
    link_days: int = 7
    keep_journal_days: int = 30
    keep_reports_days: int = 0
    keep_chat_days: int = 0
    keep_transcripts_days: int = 0
    keep_summaries_days: int = 0
    keep_webhook_log_days: int = 0
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
        return self.base_url.rstrip("/") or f"http://{self.host}:{self.port}"


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
    try:
        settings = convert(values, Settings)
    except ValidationError as error:
        raise Failed(f"settings: {error}", "docs/settings.md lists every setting.") from None
    return settings
