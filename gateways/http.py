"""HTTP to foreign systems: time limits, patient retries, and errors in our own words."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

import httpx

from domain.errors import (
    InvalidInput,
    OutcomeUnknown,
    SupplierLied,
    SupplierRefused,
    SupplierUnavailable,
)
from gateways.answer import Answer, read
from gateways.pace import RateLimit, Timing, asked_pause

__all__ = [
    "ANY_STATUS",
    "LARGEST_ANSWER_BYTES",
    "LONGEST_PAUSE_SECONDS",
    "Answer",
    "Call",
    "Supplier",
    "open_client",
    "read",
]

LONGEST_PAUSE_SECONDS = 30.0
"""However long a supplier asks us to stay away, we look again after this."""

LARGEST_ANSWER_BYTES = 64 * 2**20

ANY_STATUS = frozenset(range(100, 600))
"""For a caller who only wants to see what comes."""

_KEPT_CONNECTIONS = 20
_HIGHEST_PORT = 65535
_FIRST_PAUSE_SECONDS = 0.5
_NEVER_DONE = frozenset({409, 429, 503})
"""These say that the request was turned away at the door, so even an effect may be tried again."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request and how patient to be with it.

    `accept` are the statuses the caller can read. What is not `idempotent` is never sent again
    once it may have been received. `seconds` is the time limit of one attempt. One `in_no_hurry`
    gives way to all others where calls are rationed.
    """

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    accept: frozenset[int] = frozenset({200})
    idempotent: bool = True
    attempts: int = 4
    seconds: float = 30.0
    rates: tuple[RateLimit, ...] = ()
    in_no_hurry: bool = False


class Supplier:
    """A foreign system over HTTP; `name` is what messages call it."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        name: str,
        timing: Timing,
        *,
        largest_bytes: int = LARGEST_ANSWER_BYTES,
    ) -> None:
        self._client = client
        self._name = name
        self._timing = timing
        self._largest_bytes = largest_bytes

    async def ask(self, call: Call) -> Answer:
        """Send a request until it is answered, or until patience ends.

        Raises:
            SupplierUnavailable: it did not answer, or asked for time, at every attempt.
            OutcomeUnknown: the answer to an effect was lost.
            SupplierRefused: it said no; SupplierLied: it broke its contract.
        """
        for attempt in range(1, call.attempts):
            try:
                return await self._attempt(call)
            except OutcomeUnknown:
                raise
            except SupplierUnavailable as unavailable:
                pause = self._pause(attempt, unavailable.retry_after)
            await self._timing.sleep(pause)
        return await self._attempt(call)

    async def _attempt(self, call: Call) -> Answer:
        for rate in call.rates:
            await (rate.spare_turn() if call.in_no_hurry else rate.turn())
        source = f"{self._name} ({call.method} {call.path})"
        try:
            async with asyncio.timeout(call.seconds):
                return await self._exchange(call, source)
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            # What it says, and what it is about, holds the header itself: a token, most likely.
            raise SupplierRefused(
                f"{source} cannot be asked: a header of ours is unusable. Check the token."
            ) from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as unreached:
            raise SupplierUnavailable(
                f"{source} cannot be reached: {_reason(unreached, call)}. Check its URL and that it runs."
            ) from unreached
        except (httpx.TransportError, ConnectionError, TimeoutError) as broken:
            reason = _reason(broken, call)
            if call.idempotent:
                raise SupplierUnavailable(f"{source} did not answer: {reason}.") from broken
            raise OutcomeUnknown(f"{source}: the answer was lost: {reason}.") from broken
        except httpx.DecodingError as broken:
            raise SupplierLied(f"{source} answered in a broken encoding: {broken}.") from broken

    async def _exchange(self, call: Call, source: str) -> Answer:
        request = self._client.build_request(
            call.method, call.path, content=call.body, headers=dict(call.headers)
        )
        started = self._timing.monotonic()
        response = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            content = await self._content(response, source)
        finally:
            await response.aclose()
        answer = Answer(
            source=source,
            status=response.status_code,
            media_type=response.headers.get("content-type", "").partition(";")[0].strip().lower(),
            content=_without_token(content, call),
            response_time_ms=(self._timing.monotonic() - started) * 1000,
        )
        if answer.status not in call.accept:
            raise self._refusal(call, answer, response.headers)
        return answer

    async def _content(self, response: httpx.Response, source: str) -> bytes:
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > self._largest_bytes:
                raise SupplierLied(
                    f"{source} answered with more than {self._largest_bytes} bytes. "
                    "Ask for less, or have the supplier mended."
                )
        return bytes(content)

    def _refusal(self, call: Call, answer: Answer, headers: httpx.Headers) -> Exception:
        said = f"{answer.source} answered {answer.status}"
        match answer.status:
            case 401 | 403:
                return SupplierRefused(f"{said}: {_not_let_in(answer, call)}")
            case 408 | 409 | 429 | 500 | 502 | 503 | 504:
                if not call.idempotent and answer.status not in _NEVER_DONE:
                    return OutcomeUnknown(f"{said}, so the outcome is not known.")
                told = f"{said}: {answer.excerpt() or 'nothing more'}."
                return SupplierUnavailable(told, self._retry_after(headers))
            case status if status < HTTPStatus.MULTIPLE_CHOICES:
                return SupplierLied(f"{said}, which its contract does not know.")
            case status if status < HTTPStatus.BAD_REQUEST:
                return SupplierRefused(f"{said}, a redirect we do not follow. Check its URL.")
            case _:
                return SupplierRefused(f"{said}: {answer.excerpt()}")

    def _retry_after(self, headers: httpx.Headers) -> timedelta | None:
        """How long to stay away, at most `LONGEST_PAUSE_SECONDS`; None where nothing sane is said."""
        asked = asked_pause(headers, self._timing.clock)
        if asked is None:
            return None
        return timedelta(seconds=min(asked, LONGEST_PAUSE_SECONDS))

    def _pause(self, attempt: int, retry_after: timedelta | None) -> float:
        """Half of the pause is chance, so that many who were turned away do not return at once."""
        growing = min(_FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
        pause = growing * (1 + self._timing.jitter()) / 2
        return pause if retry_after is None else max(pause, retry_after.total_seconds())


def open_client(
    base_url: str, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Open a client for one foreign system: no redirects, no proxies from the environment.

    Connections are not capped: a call that waited for one of ours would look like a supplier
    that does not answer. What bounds them is how much is done at once.

    Raises:
        InvalidInput: the address is no URL that can be asked.
    """
    return httpx.AsyncClient(
        base_url=_askable(base_url),
        transport=transport,
        timeout=httpx.Timeout(30.0, connect=5.0),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=_KEPT_CONNECTIONS),
        follow_redirects=False,
        trust_env=False,
    )


def _askable(address: str) -> httpx.URL:
    with contextlib.suppress(httpx.InvalidURL):
        url = httpx.URL(address)
        if url.scheme in {"http", "https"} and url.host and (url.port or 0) <= _HIGHEST_PORT:
            return url
    raise InvalidInput(
        f"The URL {address.rpartition('@')[2]!r} of a foreign system cannot be asked. Set it to "
        f"http:// or https:// with a host, and a port up to {_HIGHEST_PORT} where it needs one."
    )


def _reason(broken: BaseException, call: Call) -> str:
    if isinstance(broken, TimeoutError):
        return f"nothing came within {call.seconds:g} seconds"
    # What breaks the protocol is quoted, whatever it repeats of our request.
    return _without_token(str(broken).encode(), call).decode() or type(broken).__name__


def _not_let_in(answer: Answer, call: Call) -> str:
    said = answer.excerpt()
    reason = "it does not let us in" + (f" ({said})" if said else "")
    if _token(call):
        return f"{reason}. Check the token, its kind and its scopes."
    return f"{reason}. We send it no token: have whoever runs it let us in."


def _without_token(text: bytes, call: Call) -> bytes:
    token = _token(call)
    return text.replace(token, "…".encode()) if token else text


def _token(call: Call) -> bytes:
    return call.headers.get("authorization", "").partition(" ")[2].encode()
