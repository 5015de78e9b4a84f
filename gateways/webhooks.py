"""Webhooks: one event, signed, to one subscriber; what it answers counts by its status alone."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpcore
import httpx

from domain.errors import DataOpsError, InvalidInput
from domain.subscription import LONGEST_PAUSE, Setback
from gateways.pace import asked_pause
from gateways.pinned import PinnedBackend

if TYPE_CHECKING:
    import ssl
    from collections.abc import Hashable, Mapping, Sequence
    from datetime import datetime

    from domain.ports import Clock
    from gateways.pinned import Ways

SECONDS = 10.0
"""How long a subscriber may take over one event, name look-up and connection included."""

LARGEST_ANSWER = 16 * 1024
"""How many bytes of an answer are read; whoever says more is hung up on."""

REST_SECONDS = 1.0
"""How long the rest of an answer may take whose status is known: it only frees the line."""

LEAST_SECRET_BYTES = 24
"""A shorter secret could be guessed."""

KEPT_LINES = 400
"""How many lines are kept: more than are ever in use at once, so none is cut that is."""

_PREFIX = "whsec_"
_REFUSALS = frozenset(range(400, 500)) - {408, 425, 429}
_IDLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Taken:
    """The subscriber has it."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The subscriber says that it wants no more, ever."""

    why: str = "it answered 410, so it wants no more"


class Webhooks:
    """Calls subscribers over lines that lead nowhere but into the open internet."""

    def __init__(self, ways: Ways, clock: Clock, trust: ssl.SSLContext | None = None) -> None:
        """Go the ways there are; `trust` says whose certificates count, by default the public's."""
        self._ways = ways
        self._clock = clock
        self._trust = trust
        self._backend = PinnedBackend(ways)
        self._lines: OrderedDict[Hashable, httpcore.AsyncConnectionPool] = OrderedDict()

    async def close(self) -> None:
        """Hang up everywhere."""
        for each in self._lines.values():
            await each.aclose()

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, whom: Hashable = None
    ) -> Taken | Gone | Setback:
        """Send one body; redirects are not followed, and nothing is sent that is not given here.

        `whom` has a line of his own, on which one thing is sent after the other.
        """
        try:
            self._ways.require(url)
            async with asyncio.timeout(SECONDS):
                return await self._exchange(await self._line(whom), url, headers, body)
        except (DataOpsError, httpcore.UnsupportedProtocol) as refused:
            return Setback(str(refused))
        except (httpcore.LocalProtocolError, UnicodeEncodeError):  # it repeats the header
            return Setback("one of its headers cannot be sent")
        except (TimeoutError, httpcore.TimeoutException):
            return Setback(f"it took longer than {SECONDS:g} seconds")
        except httpcore.ProtocolError:  # it repeats what came
            return Setback("it does not answer, or not in HTTP")
        except (httpcore.NetworkError, OSError) as broken:
            return Setback(f"the line broke: {str(broken) or type(broken).__name__}")

    async def _line(self, whom: Hashable) -> httpcore.AsyncConnectionPool:
        """Give somebody's line; one pool of all lines would look through all at every call."""
        line = self._lines.pop(whom, None)
        if line is None:
            line = httpcore.AsyncConnectionPool(
                ssl_context=self._trust or _of_the_public(),
                max_connections=1,
                keepalive_expiry=_IDLE_SECONDS,
                network_backend=self._backend,
            )
        self._lines[whom] = line
        if len(self._lines) > KEPT_LINES:
            _, oldest = self._lines.popitem(last=False)
            await oldest.aclose()
        return line

    async def _exchange(
        self,
        line: httpcore.AsyncConnectionPool,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Taken | Gone | Setback:
        all_of_them = {"host": urlsplit(url).netloc, **headers}
        given = [(name.encode(), value.encode("latin-1")) for name, value in all_of_them.items()]
        async with line.stream("POST", _url_of(url), headers=given, content=body) as answer:
            judged = self._judged(answer)
            with suppress(TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
                async with asyncio.timeout(REST_SECONDS):
                    await _read_on(answer)
            return judged

    def _judged(self, answer: httpcore.Response) -> Taken | Gone | Setback:
        said = f"it answered {answer.status}"
        match answer.status:
            case status if 200 <= status < 300:  # noqa: PLR2004 - the kinds of HTTP
                return Taken()
            case 410:
                return Gone()
            case status if 300 <= status < 400:  # noqa: PLR2004 - as above
                return Setback(f"{said}, a redirect, which is never followed")
            case status:
                return Setback(said, status in _REFUSALS, self._stay_away(answer))

    def _stay_away(self, answer: httpcore.Response) -> timedelta | None:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in answer.headers
        }
        asked = asked_pause(headers, self._clock)
        if asked is None:
            return None
        return min(timedelta(seconds=min(asked, 1e9)), LONGEST_PAUSE)


@cache
def _of_the_public() -> ssl.SSLContext:
    """Give the trust in the public's certificates, read once: it takes some 20 ms."""
    return httpx.create_ssl_context(trust_env=False)


async def _read_on(answer: httpcore.Response) -> None:
    """Read an answer to its end, so that the line can be used again; a long one is left unread."""
    size = 0
    async for chunk in answer.aiter_stream():
        size += len(chunk)
        if size > LARGEST_ANSWER:
            return


def signed(secrets: Sequence[bytes], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Give the headers of Standard Webhooks: id, time in seconds, a signature by each secret."""
    moment = str(int(at.timestamp()))
    content = b".".join((message_id.encode(), moment.encode(), body))
    signatures = [
        f"v1,{base64.b64encode(hmac.digest(each, content, hashlib.sha256)).decode()}"
        for each in secrets
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(signatures),
    }


def signing_key(secret: str) -> bytes:
    """Read a secret as Standard Webhooks writes it: `whsec_` and at least 24 bytes in base64.

    Raises:
        InvalidInput: it is none; nothing of it is repeated.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or len(key) < LEAST_SECRET_BYTES:
        raise InvalidInput(
            f"What a webhook's secret leads to is none. It is {_PREFIX} and {LEAST_SECRET_BYTES} "
            "random bytes or more in base64; docs/events.md shows how to make one."
        )
    return key


def _url_of(url: str) -> httpcore.URL:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return httpcore.URL(
        scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=target
    )
