"""An S3 that is lax: it stands before the server, and answers some of what is asked in its stead."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from gateways.s3 import Access
from tests import s3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_LOOK_SECONDS = 0.02
"""How often the server's thread looks whether it is to end; by itself it does so twice a second."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered; by itself, that all is well."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: a line such as `PUT /bucket/name?retention`, with headers and content."""

    line: str
    headers: Mapping[str, str]
    content: bytes


Laxity: TypeAlias = "Callable[[Asked], Answer | None]"
"""Answers what is asked; None leaves it to the server behind."""


def wherever(answers: Mapping[str, Answer]) -> Laxity:
    """Answer what has one of these words in its line or its content."""

    def answer(asked: Asked) -> Answer | None:
        said = f"{asked.line} {asked.content!r}"
        return next((each for word, each in answers.items() if word in said), None)

    return answer


@contextmanager
def lax_s3(laxity: Laxity) -> Iterator[Access]:
    """Open a server that is lax; gives the way in."""

    class Standing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # below it no body is asked for, and boto3 waits a second

        def do_GET(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            given = laxity(Asked(f"{self.command} {self.path}", dict(self.headers), content))
            self._give(given or self._pass_on(content))

        do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815 - so the standard library names them

        def _pass_on(self, content: bytes) -> Answer:
            with closing(HTTPConnection(urlsplit(s3.server().endpoint).netloc)) as line:
                line.request(self.command, self.path, content, dict(self.headers))
                got = line.getresponse()
                return Answer(got.status, dict(got.headers), got.read())

        def _give(self, given: Answer) -> None:
            size, closing = str(len(given.content)), {"Connection": "close"}
            self.send_response_only(given.status)
            for name, value in {"Content-Length": size, **given.headers, **closing}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(given.content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Standing) as server:
        answering = Thread(target=server.serve_forever, args=(_LOOK_SECONDS,))
        answering.start()
        try:
            yield Access(f"http://127.0.0.1:{server.server_port}", lambda: s3.KEYS)
        finally:
            server.shutdown()
            answering.join()
