"""HTTP to foreign systems: how patient we are, and what we say when patience ends."""

from __future__ import annotations

import asyncio
import re
import socket
from datetime import timedelta
from traceback import format_exception

import httpx
import pytest
from pydantic import BaseModel, TypeAdapter

from domain.errors import (
    InvalidInput,
    OutcomeUnknown,
    SupplierLied,
    SupplierRefused,
    SupplierUnavailable,
)
from gateways.http import Answer, Call, Supplier, open_client
from gateways.pace import RateLimit
from tests.gateways.foreign import Said, Scripted, Time, calling, page, said

GET = Call("GET", "/things")
WITH_TOKEN = Call("GET", "/things", headers={"authorization": "Bearer s3cret"})
EFFECT = Call("POST", "/things", b"{}", idempotent=False)


@pytest.fixture
def time() -> Time:
    return Time()


def supplier(app: Scripted, time: Time, largest_bytes: int = 10_000) -> Supplier:
    return Supplier(calling(app), "The shop", time.timing, largest_bytes=largest_bytes)


def port_of(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


async def test_an_answer_brings_its_json_and_how_long_it_took(time: Time) -> None:
    answer = await supplier(Scripted(said({"a": 1})), time).ask(GET)

    assert answer.object() == {"a": 1}
    assert answer.response_time_ms == 0.0
    assert time.slept == []


@pytest.mark.parametrize("status", [409, 429, 502, 503, 504])
async def test_a_supplier_that_is_down_for_a_moment_is_asked_again(status: int, time: Time) -> None:
    app = Scripted(Said(status), Said(status), said([]))

    answer = await supplier(app, time).ask(GET)

    assert answer.json() == []
    assert time.slept == [0.25, 0.5]


async def test_a_supplier_that_stays_down_is_reported_after_four_attempts(time: Time) -> None:
    app = Scripted(Said(503))

    with pytest.raises(SupplierUnavailable, match=r"The shop \(GET /things\) answered 503"):
        await supplier(app, time).ask(GET)

    assert len(app.asked) == 4


async def test_what_a_supplier_says_of_its_outage_is_told(time: Time) -> None:
    app = Scripted(Said(503, b"back at five"))

    with pytest.raises(SupplierUnavailable, match=r"answered 503: back at five\."):
        await supplier(app, time).ask(GET)


async def test_retry_after_in_seconds_is_obeyed(time: Time) -> None:
    app = Scripted(Said(429, headers={"retry-after": "7"}), said([]))

    await supplier(app, time).ask(GET)

    assert time.slept == [7.0]


async def test_retry_after_as_a_date_is_obeyed(time: Time) -> None:
    app = Scripted(Said(503, headers={"retry-after": "Tue, 20 Jan 2026 12:00:09 GMT"}), said([]))

    await supplier(app, time).ask(GET)

    assert time.slept == [9.0]


@pytest.mark.parametrize("asked", ["1500", "1500.0"])
async def test_retry_after_in_milliseconds_is_obeyed(asked: str, time: Time) -> None:
    headers = {"retry-after-ms": asked, "retry-after": "7"}
    app = Scripted(Said(503, headers=headers), said([]))

    await supplier(app, time).ask(GET)

    assert time.slept == [1.5]


@pytest.mark.parametrize("nonsense", ["soon", "-3", ""])
async def test_milliseconds_that_say_nothing_hide_no_seconds(nonsense: str, time: Time) -> None:
    headers = {"retry-after-ms": nonsense, "retry-after": "7"}
    app = Scripted(Said(503, headers=headers), said([]))

    await supplier(app, time).ask(GET)

    assert time.slept == [7.0]


@pytest.mark.parametrize("absurd", ["3600", "9" * 400, "9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_an_absurd_retry_after_is_cut_to_half_a_minute(absurd: str, time: Time) -> None:
    app = Scripted(Said(429, headers={"retry-after": absurd}), said([]))

    await supplier(app, time).ask(GET)

    assert time.slept == [30.0]


async def test_the_cut_retry_after_is_what_callers_are_told(time: Time) -> None:
    app = Scripted(Said(429, headers={"retry-after": "3600"}))

    with pytest.raises(SupplierUnavailable) as raised:
        await supplier(app, time).ask(GET)

    assert raised.value.retry_after == timedelta(seconds=30)


@pytest.mark.parametrize(
    "nonsense", ["soon", "-3", "²", "nan", "inf", "Tue, 20 Jan 2026 12:00:09", ""]
)
async def test_a_retry_after_that_says_nothing_is_ignored(nonsense: str, time: Time) -> None:
    app = Scripted(
        Said(503, headers={"retry-after": nonsense.encode().decode("latin-1")}), said([])
    )

    await supplier(app, time).ask(GET)

    assert time.slept == [0.25]


async def test_half_of_a_pause_is_chance(time: Time) -> None:
    timing = time.timing
    lucky = type(timing)(timing.clock, timing.sleep, timing.monotonic, jitter=lambda: 1.0)
    app = Scripted(Said(503), said([]))

    await Supplier(calling(app), "The shop", lucky).ask(GET)

    assert time.slept == [0.5]


async def test_a_supplier_that_is_not_there_is_unavailable(time: Time) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    nowhere = Supplier(open_client(f"http://127.0.0.1:{port}"), "The shop", time.timing)

    with pytest.raises(SupplierUnavailable, match="cannot be reached") as raised:
        await nowhere.ask(EFFECT)

    assert not isinstance(raised.value, OutcomeUnknown)
    assert len(time.slept) == 3


async def test_a_broken_connection_is_tried_again_where_nothing_can_happen_twice(
    time: Time,
) -> None:
    app = Scripted(Said(breaks=True), said([]))

    answer = await supplier(app, time).ask(GET)

    assert answer.status == 200


async def test_an_effect_whose_answer_is_lost_is_never_sent_again(time: Time) -> None:
    app = Scripted(Said(breaks=True), said([]))

    with pytest.raises(OutcomeUnknown, match="the answer was lost"):
        await supplier(app, time).ask(EFFECT)

    assert len(app.asked) == 1


@pytest.mark.parametrize("status", [408, 500, 502, 504])
async def test_an_effect_that_a_gateway_gave_up_on_may_have_happened(
    status: int, time: Time
) -> None:
    app = Scripted(Said(status), said([]))

    with pytest.raises(OutcomeUnknown):
        await supplier(app, time).ask(EFFECT)


@pytest.mark.parametrize("status", [409, 429, 503])
async def test_an_effect_that_was_turned_away_is_sent_again(status: int, time: Time) -> None:
    app = Scripted(Said(status), said([]))

    await supplier(app, time).ask(EFFECT)

    assert len(app.asked) == 2


async def test_a_slow_supplier_meets_our_time_limit(time: Time) -> None:
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    silent = Supplier(
        open_client(f"http://127.0.0.1:{server.getsockname()[1]}"), "The shop", time.timing
    )

    with server, pytest.raises(SupplierUnavailable, match=r"nothing came within 0\.02 seconds"):
        await silent.ask(Call("GET", "/things", attempts=2, seconds=0.02))

    assert len(time.slept) == 1


@pytest.mark.parametrize("token", ["s3cret\n", "s3cret\0", "s3crét"])
async def test_a_token_that_cannot_be_sent_is_never_shown(token: str, time: Time) -> None:
    call = Call("GET", "/things", headers={"authorization": f"Bearer {token}"})

    with socket.create_server(("127.0.0.1", 0)) as server:
        async with open_client(f"http://127.0.0.1:{server.getsockname()[1]}") as client:
            with pytest.raises(SupplierRefused, match="a header of ours is unusable") as raised:
                await Supplier(client, "The shop", time.timing).ask(call)

    assert "s3cr" not in "".join(format_exception(raised.value))
    assert time.slept == []


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_is_named_as_such(status: int, time: Time) -> None:
    with pytest.raises(SupplierRefused, match=r"let us in\. Check the token"):
        await supplier(Scripted(Said(status)), time).ask(WITH_TOKEN)


@pytest.mark.parametrize("status", [401, 403])
async def test_whoever_gets_no_token_refuses_something_else(status: int, time: Time) -> None:
    with pytest.raises(SupplierRefused, match="We send it no token"):
        await supplier(Scripted(Said(status)), time).ask(GET)


@pytest.mark.parametrize("call", [GET, WITH_TOKEN])
async def test_why_we_are_not_let_in_is_told(call: Call, time: Time) -> None:
    app = Scripted(Said(403, b"10.1.2.3 is not allowed"))

    with pytest.raises(SupplierRefused, match=r"let us in \(10\.1\.2\.3 is not allowed\)\."):
        await supplier(app, time).ask(call)


@pytest.mark.parametrize("status", [400, 403])
async def test_a_refusal_tells_what_the_supplier_said_but_never_a_token(
    status: int, time: Time
) -> None:
    app = Scripted(Said(status, b"the token s3cret\n may not"))

    with pytest.raises(SupplierRefused, match="the token … may not"):
        await supplier(app, time).ask(WITH_TOKEN)


async def test_a_token_is_gone_before_what_was_said_is_cut(time: Time) -> None:
    app = Scripted(Said(400, b"x" * 197 + b"s3cret"))

    with pytest.raises(SupplierRefused, match=r"xx…$"):
        await supplier(app, time).ask(WITH_TOKEN)


async def test_an_answer_we_can_read_repeats_no_token_either(time: Time) -> None:
    app = Scripted(said({"errorText": "s3cret may not"}))

    answer = await supplier(app, time).ask(WITH_TOKEN)

    assert answer.object() == {"errorText": "… may not"}


async def test_an_answer_that_is_no_http_repeats_no_token_either(time: Time) -> None:
    async def shout(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ns3cret\r\n\r\n")
        writer.close()

    async with (
        await asyncio.start_server(shout, "127.0.0.1", 0) as server,
        open_client(f"http://127.0.0.1:{port_of(server)}") as client,
    ):
        with pytest.raises(SupplierUnavailable, match=r"did not answer: .*…"):
            await Supplier(client, "The shop", time.timing).ask(WITH_TOKEN)


async def test_a_redirect_is_not_followed(time: Time) -> None:
    app = Scripted(Said(302, headers={"location": "http://elsewhere.example/"}))

    with pytest.raises(SupplierRefused, match="a redirect we do not follow"):
        await supplier(app, time).ask(GET)

    assert len(app.asked) == 1


@pytest.mark.parametrize("status", [202, 204])
async def test_a_success_that_is_not_in_the_contract_is_a_lie(status: int, time: Time) -> None:
    with pytest.raises(SupplierLied, match=f"answered {status}"):
        await supplier(Scripted(Said(status)), time).ask(GET)


async def test_a_page_with_status_200_is_a_lie(time: Time) -> None:
    answer = await supplier(Scripted(page()), time).ask(GET)

    with pytest.raises(SupplierLied, match="with text/html, not JSON"):
        answer.json()


async def test_an_answer_without_content_type_is_a_lie_where_json_is_due(time: Time) -> None:
    answer = await supplier(Scripted(Said(200, b"{}")), time).ask(GET)

    with pytest.raises(SupplierLied, match="no content type"):
        answer.json()


async def test_a_page_in_answer_to_a_write_is_a_lie(time: Time) -> None:
    answer = await supplier(Scripted(page()), time).ask(GET)

    with pytest.raises(SupplierLied):
        answer.nothing()


@pytest.mark.parametrize("body", [b'{"a": ', b"NaN", b"\xff", b"[" * 5000])
async def test_broken_json_is_a_lie(body: bytes, time: Time) -> None:
    answer = await supplier(
        Scripted(Said(200, body, {"content-type": "application/json"})), time
    ).ask(GET)

    with pytest.raises(SupplierLied, match="broken JSON"):
        answer.json()


async def test_json_that_is_no_object_is_a_lie_where_one_is_due(time: Time) -> None:
    answer = await supplier(Scripted(said([1])), time).ask(GET)

    with pytest.raises(SupplierLied, match="not an object"):
        answer.object()


async def test_an_answer_larger_than_the_cap_is_stopped(time: Time) -> None:
    app = Scripted(said("x" * 200))

    with pytest.raises(SupplierLied, match="more than 100 bytes"):
        await supplier(app, time, largest_bytes=100).ask(GET)


async def test_an_answer_in_a_broken_encoding_is_a_lie(time: Time) -> None:
    app = Scripted(Said(200, b"this is not gzip", {"content-encoding": "gzip"}))

    with pytest.raises(SupplierLied, match="broken encoding"):
        await supplier(app, time).ask(GET)


class Thing(BaseModel):
    count: int
    name: str


def answer_of(body: bytes) -> Answer:
    return Answer("The shop", 200, "application/json", body, 0.0)


def test_wrong_fields_are_named() -> None:
    answer = answer_of(b'{"count": "many"}')

    with pytest.raises(SupplierLied, match=r"count: .*; name: Field required\."):
        answer.read(TypeAdapter(Thing))


def test_of_many_wrong_fields_the_first_five_are_named() -> None:
    answer = answer_of(b"[{}, {}, {}]")

    with pytest.raises(SupplierLied, match=r"2\.count: Field required; and 1 more"):
        answer.read(TypeAdapter(list[Thing]))


def test_an_answer_of_the_wrong_kind_altogether_is_named_by_its_body() -> None:
    with pytest.raises(SupplierLied, match="body: "):
        answer_of(b"3").read(TypeAdapter(Thing))


async def test_whoever_asks_too_often_waits_for_a_turn(time: Time) -> None:
    rate = RateLimit(2, 1.0, time.timing)
    call = Call("GET", "/things", rates=(rate,))
    shop = supplier(Scripted(said([])), time)

    for _ in range(5):
        await shop.ask(call)

    assert time.slept == [1.0, 1.0]


async def test_a_client_trusts_no_environment_and_follows_no_redirect() -> None:
    client = open_client("https://shop.example")

    assert not client.follow_redirects
    assert not client.trust_env
    assert client.timeout == httpx.Timeout(30.0, connect=5.0)


@pytest.mark.parametrize(
    "address",
    ["", "foo", "ftp://shop.example", "http://", "http://[::1", "http://127.0.0.1:99999"],
)
async def test_an_address_that_cannot_be_asked_is_refused_at_once(address: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(repr(address))):
        open_client(address)


async def test_a_password_in_an_address_is_not_shown() -> None:
    with pytest.raises(InvalidInput) as raised:
        open_client("ftp://ada:s3cret@shop.example")

    assert "s3cret" not in str(raised.value)


async def test_nobody_waits_in_a_queue_of_our_own(time: Time) -> None:
    at_once, arrived, all_there = 40, [], asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await reader.readuntil(b"\r\n\r\n"))
        if len(arrived) == at_once:
            all_there.set()
        await all_there.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with (
        await asyncio.start_server(answer, "127.0.0.1", 0) as server,
        open_client(f"http://127.0.0.1:{port_of(server)}") as client,
    ):
        shop = Supplier(client, "The shop", time.timing)
        call = Call("GET", "/things", attempts=1, seconds=5)
        answers = await asyncio.gather(*(shop.ask(call) for _ in range(at_once)))

    assert [each.status for each in answers] == [200] * at_once
