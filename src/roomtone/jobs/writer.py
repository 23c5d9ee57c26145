"""The writer over HTTP: any endpoint that speaks OpenAI's chat completions.

Asked to stream, so that an answer that stops coming is told from one that takes long; an endpoint
that answers in one piece is understood too. Nothing but ``model``, ``messages`` and ``stream`` is
sent: every further field is one that some endpoint refuses.

What is tried again: a refused or broken connection, a stream cut in the middle, 429 with a bearable
``Retry-After``, 5xx. What is not: everything else, and anything at all once the time is up.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import msgspec
import structlog
from msgspec import Struct

from roomtone.model.errors import Failed
from roomtone.ports.writer import WriterFailed
from roomtone.settings import Settings
from roomtone.summaries.chunks import MIN_CONTEXT_TOKENS
from roomtone.summaries.prompts import Prompt

CONNECT_S = 10.0
SILENCE_S = 120.0
"""Between two pieces of an answer. Before the first one a slow machine may take all of its time."""
MAX_PAUSE_S = 60.0
"""The longest Retry-After that is waited for; a longer one is told to whoever asked."""
PAUSES_S = (1.0, 4.0, 10.0)
"""Before the second, third and fourth try."""
MAX_ANSWER_BYTES = 2 * 1024 * 1024
"""A thousand words are 10 KB; as a stream, with thinking aloud, perhaps a hundred times that."""
_SHOWN = 200

log = structlog.get_logger()


class _Text(Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(Struct):
    message: _Text | None = None
    delta: _Text | None = None
    finish_reason: str | None = None


class _Trouble(Struct):
    message: str = ""


class _Answer(Struct):
    """A whole answer, or one event of a stream."""

    choices: list[_Choice] = []
    error: _Trouble | str | None = None


class _Again(Exception):
    """Worth another try, after ``pause_s`` if the endpoint says how long."""

    def __init__(self, reason: str, pause_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause_s = pause_s


class _Bearer(httpx.Auth):
    """The key on each request. As httpx's own auth it keeps a ``.netrc`` from taking its place."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request):  # type: ignore[no-untyped-def]  # httpx's generator
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        yield request


class ChatWriter:
    """A Writer; see :class:`roomtone.ports.writer.Writer` for its promises."""

    def __init__(
        self,
        url: str,
        model: str,
        key: str = "",
        timeout_s: float = 600.0,
        *,
        silence_s: float = SILENCE_S,
        pauses_s: Sequence[float] = PAUSES_S,
        max_pause_s: float = MAX_PAUSE_S,
    ) -> None:
        base = url.rstrip("/")
        self._url = base if base.endswith("/chat/completions") else base + "/chat/completions"
        self._model = model
        self._key = key
        self._timeout_s = timeout_s
        self._silence_s = min(silence_s, timeout_s)
        self._pauses_s = tuple(pauses_s)
        self._max_pause_s = max_pause_s

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model

    async def write(self, prompt: Prompt) -> str:
        """The answer to a prompt, whole. Raises WriterFailed."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._tried(prompt)
        except TimeoutError:
            raise WriterFailed(
                f"The endpoint gave no whole answer within {self._timeout_s:g} seconds."
            ) from None

    async def _tried(self, prompt: Prompt) -> str:
        pauses = list(self._pauses_s)
        until = time.monotonic() + self._timeout_s
        while True:
            try:
                return await self._asked(prompt)
            except _Again as again:
                reason = self._safe(again.reason.rstrip(".")) + "."
                wanted = again.pause_s
                if wanted is not None and wanted > self._max_pause_s:
                    raise WriterFailed(reason, wanted) from None
                if not pauses:
                    raise WriterFailed(
                        f"{reason} Tried {len(self._pauses_s) + 1} times.", wanted
                    ) from None
                pause = max(pauses.pop(0), wanted or 0.0)
                if time.monotonic() + pause >= until:
                    raise WriterFailed(f"{reason} No time was left to try again.", wanted) from None
                log.info("summary endpoint is tried again", reason=reason, pause_s=pause)
                await asyncio.sleep(pause)

    async def _asked(self, prompt: Prompt) -> str:
        body = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            "stream": True,
        }
        timeout = httpx.Timeout(self._timeout_s, connect=min(CONNECT_S, self._timeout_s))
        try:
            async with (
                httpx.AsyncClient(timeout=timeout, auth=_Bearer(self._key)) as client,
                client.stream("POST", self._url, json=body) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise self._refused(response, await self._start_of(response))
                return await self._read(response)
        except httpx.ConnectTimeout:
            raise _Again("The endpoint did not accept a connection in time.") from None
        except httpx.ConnectError as error:
            raise _Again(f"The endpoint cannot be reached ({error}).") from None
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            raise _Again("The endpoint broke the connection off in the middle.") from None
        except httpx.TimeoutException:
            raise WriterFailed("The endpoint stopped answering.") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise WriterFailed(self._safe(f"The endpoint cannot be asked: {error}.")) from None

    async def _read(self, response: httpx.Response) -> str:
        pieces: list[str] = []
        finish: str | None = None
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            async for answer in self._events(response):
                choice = self._choice_of(answer)
                if choice is None:
                    continue
                pieces.append(_text_of(choice.delta or choice.message))
                finish = choice.finish_reason or finish
            if finish is None:
                raise _Again("The answer broke off in the middle.")
        else:
            choice = self._choice_of(_decoded(await self._whole(response)))
            if choice is None:
                raise WriterFailed("The endpoint's answer has no text: not a chat completion.")
            pieces.append(_text_of(choice.message or choice.delta))
            finish = choice.finish_reason
        if finish == "length":
            raise WriterFailed(
                "The model stopped at its own length limit before the summary was whole. Raise the"
                " endpoint's limit for answers, or lower summary_context."
            )
        if finish == "content_filter":
            raise WriterFailed("The endpoint's content filter withheld the answer.")
        text = "".join(pieces)
        if not text.strip():
            raise WriterFailed("The model's answer is empty.")
        return text

    async def _events(self, response: httpx.Response) -> AsyncIterator[_Answer]:
        """The events of a stream up to ``[DONE]``; comments only show that somebody is there."""
        lines = response.aiter_lines()
        read = 0
        waiting_s = self._timeout_s
        while True:
            try:
                async with asyncio.timeout(waiting_s):
                    line = await anext(lines)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise WriterFailed(
                    f"The endpoint fell silent for {waiting_s:g} seconds in the middle."
                ) from None
            read += len(line)
            if read > MAX_ANSWER_BYTES:
                raise WriterFailed("The endpoint's answer does not end: far too long.")
            field, _, value = line.partition(":")
            if field != "data":
                continue
            waiting_s = self._silence_s
            if value.strip() == "[DONE]":
                return
            yield _decoded(value.encode())

    def _choice_of(self, answer: _Answer) -> _Choice | None:
        if answer.error is not None:
            said = answer.error if isinstance(answer.error, str) else answer.error.message
            raise WriterFailed(self._safe(f"The endpoint reports: {said[:_SHOWN]}"))
        if not answer.choices:
            return None
        choice = answer.choices[0]
        for text in (choice.message, choice.delta):
            if text is not None and text.refusal:
                said = self._safe(text.refusal[:_SHOWN])
                raise WriterFailed(f"The model refused: {said}")
        return choice

    async def _whole(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > MAX_ANSWER_BYTES:
                raise WriterFailed("The endpoint's answer does not end: far too long.")
        return bytes(body)

    async def _start_of(self, response: httpx.Response) -> str:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > 8 * _SHOWN:
                break
        try:
            told = msgspec.json.decode(bytes(body), type=_Answer).error
        except msgspec.MsgspecError:
            told = None
        said = told.message if isinstance(told, _Trouble) else told
        said = said or body.decode(errors="replace")
        return self._safe(" ".join(said.split())[:_SHOWN])

    def _refused(self, response: httpx.Response, said: str) -> Exception:
        status = response.status_code
        told = f" It says: {said}" if said else ""
        if status == httpx.codes.TOO_MANY_REQUESTS:
            pause = _retry_after(response.headers.get("retry-after", ""))
            wait = f", to be tried again in {pause:g} seconds" if pause is not None else ""
            return _Again(f"The endpoint's rate limit is reached{wait} (429).{told}", pause)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            pause = _retry_after(response.headers.get("retry-after", ""))
            return _Again(f"The endpoint failed ({status}).{told}", pause)
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return WriterFailed(
                f"The endpoint does not accept the key ({status}): check summary_key.{told}"
            )
        if status == httpx.codes.NOT_FOUND:
            return WriterFailed(
                "The endpoint knows no such address or model (404): check summary_url and"
                f" summary_model.{told}"
            )
        if response.is_redirect:
            return WriterFailed(
                f"The endpoint sends elsewhere ({status}): give summary_url that address itself."
            )
        return WriterFailed(f"The endpoint refused the request ({status}).{told}")

    def _safe(self, text: str) -> str:
        """Without the key, should an endpoint repeat it."""
        return text.replace(self._key, "[key]") if self._key else text


def _text_of(text: _Text | None) -> str:
    return (text.content or "") if text is not None else ""


def _decoded(body: bytes) -> _Answer:
    try:
        return msgspec.json.decode(body, type=_Answer)
    except msgspec.MsgspecError:
        raise WriterFailed("The endpoint's answer cannot be read: not a chat completion.") from None


def _retry_after(value: str) -> float | None:
    """Seconds, from RFC 9110's two forms; None for neither."""
    try:
        return max(0.0, float(int(value)))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _key_of(settings: Settings) -> str:
    if settings.summary_key or not settings.summary_key_file:
        return settings.summary_key.strip()
    try:
        return Path(settings.summary_key_file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(
            f"summary_key_file: {error}", "Name a file that holds nothing but the endpoint's key."
        ) from None


def writer_from(settings: Settings) -> ChatWriter | None:
    """The writer that the settings ask for; None: summaries are made offline. Raises Failed."""
    if not settings.summary_url:
        return None
    if not settings.summary_url.startswith(("http://", "https://")):
        raise Failed(
            f"summary_url={settings.summary_url!r} is not a web address",
            "Give something like http://localhost:11434/v1.",
        )
    if not settings.summary_model:
        raise Failed("summary_url is set and summary_model is not", "Name the model to use.")
    if settings.summary_timeout_s < 1:
        raise Failed("summary_timeout_s is below 1", "Give the endpoint at least a second.")
    if settings.summary_context < MIN_CONTEXT_TOKENS:
        raise Failed(
            f"summary_context={settings.summary_context} is below {MIN_CONTEXT_TOKENS}",
            "Use a model that reads more at once, or unset summary_url for offline summaries.",
        )
    return ChatWriter(
        settings.summary_url,
        settings.summary_model,
        _key_of(settings),
        float(settings.summary_timeout_s),
    )
