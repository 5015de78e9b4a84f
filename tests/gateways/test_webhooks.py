"""A webhook is called with what it needs and nothing more, and whatever it answers harms nobody."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain.errors import InvalidInput
from domain.subscription import Setback
from gateways import webhooks
from gateways.pinned import Ways
from gateways.webhooks import Gone, Taken, Webhooks, signed, signing_key
from tests.builders import NOW
from tests.subscribers import KEY, OTHER_KEY, Subscriber, is_signed, subscriber

BODY = b'{"id":"1"}'
PATIENCE_SECONDS = 0.3


@asynccontextmanager
async def calling(
    ways: Ways | None = None, trust: ssl.SSLContext | None = None
) -> AsyncIterator[Webhooks]:
    it = Webhooks(ways or Ways(loopback=True), lambda: NOW, trust)
    try:
        yield it
    finally:
        await it.close()


async def said(hook: Subscriber, answer: bytes | None) -> Taken | Gone | Setback:
    hook.answer = lambda _: answer
    async with calling() as line:
        return await line.post(hook.url, {}, BODY)


@pytest.fixture
async def hook() -> AsyncIterator[Subscriber]:
    async with subscriber() as it:
        yield it


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_a_2xx_is_an_acknowledgement(hook: Subscriber, status: int) -> None:
    hook.status = status

    async with calling() as line:
        answer = await line.post(hook.url, {}, BODY)

    assert answer == Taken()


@pytest.mark.parametrize(
    ("status", "is_refusal"),
    [
        *((status, True) for status in (400, 401, 404, 422)),
        *((status, False) for status in (408, 425, 429, 500, 503)),
    ],
)
async def test_a_4xx_is_a_refusal_unless_it_asks_for_time(
    hook: Subscriber, status: int, is_refusal: bool
) -> None:
    hook.status = status

    async with calling() as line:
        answer = await line.post(hook.url, {}, BODY)

    assert answer == Setback(f"it answered {status}", is_refusal)


async def test_a_410_wants_no_more(hook: Subscriber) -> None:
    hook.status = 410

    async with calling() as line:
        answer = await line.post(hook.url, {}, BODY)

    assert isinstance(answer, Gone)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(hook: Subscriber, status: int) -> None:
    async with subscriber() as elsewhere:
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {elsewhere.url}\r\n"
        answer = await said(hook, f"{head}Content-Length: 0\r\n\r\n".encode())

    assert isinstance(answer, Setback)
    assert "never followed" in answer.why
    assert (len(hook.calls), elsewhere.lines) == (1, 0)


@pytest.mark.parametrize(
    ("asked", "stay_away"),
    [
        ("120", timedelta(minutes=2)),
        ("1e9", None),
        ("99999999", timedelta(hours=1)),
        ("soon", None),
    ],
)
async def test_who_asks_for_time_is_heard(
    hook: Subscriber, asked: str, stay_away: timedelta | None
) -> None:
    head = f"HTTP/1.1 429 Busy\r\nRetry-After: {asked}\r\nContent-Length: 0\r\n\r\n"

    answer = await said(hook, head.encode())

    assert answer == Setback("it answered 429", stay_away=stay_away)


async def test_nothing_goes_out_but_what_is_given(
    hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    headers = {"content-type": "application/cloudevents+json", "webhook-id": "1"}

    async with calling() as line:
        await line.post(hook.url, headers, BODY)

    (call,) = hook.calls
    assert call.line == "POST /hook HTTP/1.1"
    assert call.headers == {
        "host": f"127.0.0.1:{hook.port}",
        "content-length": str(len(BODY)),
        **headers,
    }
    assert call.body == BODY


async def test_a_line_is_used_again(hook: Subscriber) -> None:
    async with calling() as line:
        for _ in range(3):
            await line.post(hook.url, {}, BODY)

    assert (len(hook.calls), hook.lines) == (3, 1)


async def test_an_answer_without_end_is_left_unread_and_counts_by_its_status(
    hook: Subscriber,
) -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100_000

    answer = await asyncio.wait_for(said(hook, long), 5)

    assert answer == Taken()


async def test_an_answer_whose_rest_never_comes_counts_by_its_status(
    hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "REST_SECONDS", 0.1)

    answer = await said(hook, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")

    assert answer == Taken()


async def test_who_says_nothing_is_given_up_in_time(
    hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "SECONDS", PATIENCE_SECONDS)

    answer = await said(hook, None)

    assert answer == Setback("it took longer than 0.3 seconds")


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-More: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"",
    ],
)
async def test_what_is_no_http_is_a_setback_and_not_repeated(
    hook: Subscriber, answer: bytes
) -> None:
    found = await said(hook, answer)

    assert found == Setback("it does not answer, or not in HTTP")


async def test_where_nobody_listens_is_a_setback() -> None:
    async with subscriber() as hook:
        pass

    async with calling() as line:
        answer = await line.post(hook.url, {}, BODY)

    assert isinstance(answer, Setback)
    assert not answer.is_refusal


async def test_a_closed_address_is_a_setback_and_nothing_is_dialled(hook: Subscriber) -> None:
    async with calling(Ways()) as line:
        answer = await line.post(hook.url, {}, BODY)

    assert isinstance(answer, Setback)
    assert hook.lines == 0


@pytest.mark.parametrize("token", ["T0K3N\r\nX: 1", "T0K3N \u2713"], ids=["two lines", "no letter"])
async def test_a_header_that_cannot_be_sent_is_not_repeated(hook: Subscriber, token: str) -> None:
    async with calling() as line:
        answer = await line.post(hook.url, {"authorization": f"Bearer {token}"}, BODY)

    assert answer == Setback("one of its headers cannot be sent")
    assert hook.calls == []


async def test_a_certificate_nobody_vouches_for_is_refused_and_one_that_is_trusted_taken(
    tmp_path: Path,
) -> None:
    server, client = certificates(tmp_path)

    async with subscriber(server) as hook:
        url = f"https://127.0.0.1:{hook.port}/hook"
        async with calling() as stranger:
            refused = await stranger.post(url, {}, BODY)
        async with calling(trust=client) as friend:
            taken = await friend.post(url, {}, BODY)

    assert isinstance(refused, Setback)
    assert taken == Taken()
    assert len(hook.calls) == 1


def test_a_signature_is_the_one_standard_webhooks_publishes() -> None:
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)

    headers = signed([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


async def test_while_a_secret_is_replaced_there_is_a_signature_by_each(hook: Subscriber) -> None:
    async with calling() as line:
        await line.post(hook.url, signed([OTHER_KEY, KEY], "id-1", NOW, BODY), BODY)

    (call,) = hook.calls
    assert is_signed(call, KEY)
    assert is_signed(call, OTHER_KEY)
    assert not is_signed(call, bytes(32))


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "hunter2",
        base64.b64encode(KEY).decode(),
        f"whsec_{base64.b64encode(KEY[:23]).decode()}",
        "whsec_not base64 at all, but very long indeed",
    ],
)
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        signing_key(secret)

    assert not secret or secret not in str(refused.value)


def certificates(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for this machine: one side shows it, the other trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    client = ssl.create_default_context(
        cadata=made.public_bytes(serialization.Encoding.PEM).decode()
    )
    return server, client
