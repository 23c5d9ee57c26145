"""Mirroring: a Cloudflare RealtimeKit app asked through the vendor's own SDK.

The SDK repeats what failed for a while (429 and 5xx, as ``Retry-After`` says) and knows the way;
what it read is taken as the JSON that came, not as its types, which know less.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import httpx

from roomtone.model.errors import Failed
from roomtone.model.limits import MAX_WORDS_FILE_BYTES
from roomtone.model.times import iso
from roomtone.ports.vendor import JsonObject

if TYPE_CHECKING:
    from cloudflare import AsyncCloudflare

PER_PAGE = 100
MAX_RETRIES = 6
TIMEOUT_S = 60.0
INSTALL = "Install it: pip install 'roomtone[mirror]'"
NOT_FOUND = 404


class CloudflareVendor:
    """See :class:`roomtone.ports.vendor.Vendor`. ``per_second``: requests, at most."""

    def __init__(
        self,
        account_id: str,
        app_id: str,
        api_token: str,
        base_url: str | None = None,
        per_second: float = 3.0,
    ) -> None:
        self._account_id = account_id
        self._app_id = app_id
        self._client = _client(api_token, base_url)
        self._files = httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=True)
        self._gap_s = 1 / per_second if per_second > 0 else 0.0
        self._next = 0.0

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        await self._files.aclose()

    async def sessions(self, since: int | None, page: int) -> list[JsonObject]:
        """See the port."""
        asked: dict[str, Any] = {} if since is None else {"start_time": iso(since)}
        body = await self._ask(
            self._raw.get_sessions,
            self._app_id,
            account_id=self._account_id,
            page_no=page,
            per_page=PER_PAGE,
            sort_by="createdAt",
            sort_order="ASC",
            **asked,
        )
        return _objects(_data(body).get("sessions"))

    async def participants(self, session_id: str, page: int) -> list[JsonObject]:
        """See the port."""
        body = await self._ask(
            self._raw.get_session_participants,
            session_id,
            **self._where,
            page_no=page,
            per_page=PER_PAGE,
            sort_by="joinedAt",
            sort_order="ASC",
        )
        return _objects(_data(body).get("participants"))

    async def report(self, peer_id: str) -> JsonObject | None:
        """See the port."""
        ask = self._raw.get_participant_data_from_peer_id
        body = await self._ask(ask, peer_id, **self._where)
        found = _data(body).get("participant")
        return found if isinstance(found, dict) else None

    async def chat(self, session_id: str) -> bytes | None:
        """See the port."""
        body = await self._ask(self._raw.get_session_chat, session_id, **self._where)
        return await self._file(_data(body).get("chat_download_url"))

    async def transcript(self, session_id: str) -> bytes | None:
        """See the port."""
        ask = self._raw.get_session_transcripts
        body = await self._ask(ask, session_id, **self._where, format="JSON")
        return await self._file(_data(body).get("transcript_download_url"))

    async def summary(self, session_id: str) -> bytes | None:
        """See the port."""
        body = await self._ask(self._raw.get_session_summary, session_id, **self._where)
        return await self._file(_data(body).get("summaryDownloadUrl"))

    @property
    def _raw(self) -> Any:
        return self._client.realtime_kit.sessions.with_raw_response

    @property
    def _where(self) -> dict[str, str]:
        return {"account_id": self._account_id, "app_id": self._app_id}

    async def _turn(self) -> None:
        """Wait until the next request may go out."""
        now = time.monotonic()
        wait_s, self._next = self._next - now, max(now, self._next) + self._gap_s
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def _ask(self, call: Callable[..., Awaitable[Any]], *path: str, **asked: Any) -> Any:
        """The JSON of an answer; None for a 404. Raises Failed."""
        import cloudflare

        await self._turn()
        try:
            answer = await call(*path, **asked)
            return await answer.json()
        except cloudflare.NotFoundError:
            return None
        except (cloudflare.AuthenticationError, cloudflare.PermissionDeniedError) as error:
            raise Failed(
                f"The service refused the API token ({error.status_code}).",
                "Give it a token that may read RealtimeKit of this account.",
            ) from None
        except cloudflare.APIStatusError as error:
            raise Failed(
                f"The service answered {error.status_code} to {error.request.url.path}.",
                "Run it again: it goes on where it stopped.",
            ) from None
        except (cloudflare.CloudflareError, httpx.HTTPError, ValueError) as error:
            raise Failed(
                f"The service cannot be asked: {type(error).__name__}.",
                "Look at the network and at --base-url, and run it again.",
            ) from None

    async def _file(self, url: Any) -> bytes | None:
        """What lies behind a signed link, which is asked without the token. Raises Failed."""
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            return None
        await self._turn()
        pieces, size = [], 0
        try:
            async with self._files.stream("GET", url) as answer:
                if answer.status_code in (403, NOT_FOUND, 410):
                    return None
                answer.raise_for_status()
                async for piece in answer.aiter_bytes():
                    size += len(piece)
                    if size > MAX_WORDS_FILE_BYTES:
                        return None
                    pieces.append(piece)
        except httpx.HTTPError as error:
            raise Failed(
                f"A file of the service cannot be fetched: {type(error).__name__}.",
                "Run it again: it goes on where it stopped.",
            ) from None
        return b"".join(pieces)


def _client(api_token: str, base_url: str | None) -> "AsyncCloudflare":
    try:
        from cloudflare import AsyncCloudflare
    except ImportError:
        raise Failed("The vendor's SDK is not installed.", INSTALL) from None
    return AsyncCloudflare(
        api_token=api_token, base_url=base_url, max_retries=MAX_RETRIES, timeout=TIMEOUT_S
    )


def _data(body: Any) -> JsonObject:
    data = body.get("data") if isinstance(body, dict) else None
    return data if isinstance(data, dict) else {}


def _objects(found: Any) -> list[JsonObject]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
