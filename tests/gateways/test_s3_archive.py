"""The archive on S3: what Object Lock holds against everybody, and what goes wrong, in our words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from domain.archive import ArchiveLock, ArchiveReceipt
from domain.errors import (
    ArchiveDamaged,
    InvalidInput,
    NotFound,
    SupplierRefused,
    SupplierUnavailable,
)
from gateways.s3 import Access, Keys, Place, Spot, code_of, status_of
from gateways.s3_archive import LockMode, S3Archive
from tests import s3
from tests.lax_s3 import Answer, Asked, lax_s3
from tests.ports import free_port

NOW = datetime.now(UTC).replace(microsecond=0)
UNTIL = NOW + timedelta(days=91)
KEY = "dataset/digest.json"


@contextmanager
def an_archive(
    place: Place | None = None, access: Access | None = None, mode: LockMode = LockMode.GOVERNANCE
) -> Iterator[S3Archive]:
    made = S3Archive(place or s3.a_fresh_place(), access or s3.server().access, mode)
    with closing(made) as archive:
        yield archive


@pytest.fixture
def place() -> Place:
    return s3.a_fresh_place()


@pytest.fixture
def archive(place: Place) -> Iterator[S3Archive]:
    with an_archive(place) as opened:
        yield opened


def in_minutes(minutes: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes)


def asked(receipt: ArchiveReceipt, place: Place) -> dict[str, str]:
    return Spot.read(receipt.location, place.bucket).asked(place.bucket)


# --- held against everybody ----------------------------------------------------------------------


async def test_a_location_is_one_version_whatever_is_written_or_deleted_over_it(
    archive: S3Archive, place: Place
) -> None:
    receipt = await archive.put(KEY, b"content", UNTIL)
    client, name = s3.server().client(), f"{place.prefix}{KEY}"
    client.put_object(Bucket=place.bucket, Key=name, Body=b"theirs")
    client.delete_object(Bucket=place.bucket, Key=name)

    content = await archive.read(receipt.location)

    assert content == b"content"
    assert receipt.location.startswith(f"s3://{place.bucket}/{name}?versionId=")


@pytest.mark.requirement("R70", "R98")
async def test_the_bucket_itself_refuses_to_delete_what_is_locked(
    archive: S3Archive, place: Place
) -> None:
    receipt = await archive.put(KEY, b"content", UNTIL)

    with pytest.raises(ClientError, match="AccessDenied"):
        s3.server().client().delete_object(**asked(receipt, place))
    with pytest.raises(SupplierRefused, match="no lock or legal hold"):
        await archive.purge(receipt.location, UNTIL)  # though our clock says it is time

    assert await archive.read(receipt.location) == b"content"


@pytest.mark.parametrize("mode", LockMode)
async def test_the_lock_is_as_strict_as_it_is_set(mode: LockMode, place: Place) -> None:
    with an_archive(place, mode=mode) as archive:
        receipt = await archive.put(KEY, b"content", UNTIL)

    head = s3.server().client().head_object(**asked(receipt, place))
    assert head["ObjectLockMode"] == mode.value.upper()


async def test_compliance_lets_nobody_through(place: Place) -> None:
    with an_archive(place, mode=LockMode.COMPLIANCE) as archive:
        receipt = await archive.put(KEY, b"content", in_minutes(1))

    with pytest.raises(ClientError, match="AccessDenied"):
        s3.server().client().delete_object(**asked(receipt, place), BypassGovernanceRetention=True)


async def test_a_stricter_lock_is_extended_as_strict_as_it_was(place: Place) -> None:
    with an_archive(place, mode=LockMode.COMPLIANCE) as strict:
        receipt = await strict.put(KEY, b"content", in_minutes(1))

    until = in_minutes(2)
    with an_archive(place) as mild:
        await mild.lock(receipt.location, ArchiveLock(until))

    head = s3.server().client().head_object(**asked(receipt, place))
    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert head["ObjectLockRetainUntilDate"] == until


async def test_a_lock_ends_no_fraction_of_a_second_early(archive: S3Archive) -> None:
    receipt = await archive.put(KEY, b"content", UNTIL + timedelta(microseconds=1))

    assert receipt.locked_until == UNTIL + timedelta(seconds=1)


@pytest.mark.requirement("R70", "R98")
async def test_a_locked_object_outlives_a_server_that_is_killed(
    archive: S3Archive, place: Place
) -> None:
    receipt, server = await archive.put(KEY, b"content", UNTIL), s3.server()

    server.kill()
    server.start()

    assert await archive.read(receipt.location) == b"content"
    assert await archive.lock_of(receipt.location) == ArchiveLock(UNTIL)
    with pytest.raises(ClientError, match="AccessDenied"):
        server.client().delete_object(**asked(receipt, place))


# --- damaged, or not locked any more -------------------------------------------------------------


async def test_an_object_that_is_not_what_it_was_written_as_is_damaged(
    archive: S3Archive, place: Place
) -> None:
    made = (
        s3.server()
        .client()
        .put_object(
            Bucket=place.bucket,
            Key=f"{place.prefix}x",
            Body=b"content",
            Metadata={"sha256": "ab" * 32},
        )
    )
    location = Spot(f"{place.prefix}x", made["VersionId"]).location(place.bucket)

    with pytest.raises(ArchiveDamaged, match="its digest is") as found:
        await archive.read(location)

    assert found.value.size_bytes == 7


async def test_an_object_of_somebody_elses_is_no_archive(archive: S3Archive, place: Place) -> None:
    client, name = s3.server().client(), f"{place.prefix}{KEY}"
    made = client.put_object(Bucket=place.bucket, Key=name, Body=b"content")
    location = Spot(name, made["VersionId"]).location(place.bucket)

    with pytest.raises(ArchiveDamaged, match="not written by us"):
        await archive.read(location)
    with pytest.raises(ArchiveDamaged, match="is locked by nothing"):
        await archive.lock_of(location)
    with pytest.raises(SupplierRefused, match="holds other content"):
        await archive.put(KEY, b"content", UNTIL)


async def test_a_bucket_that_locks_nothing_is_found_at_the_first_archive() -> None:
    with (
        an_archive(s3.a_fresh_place(s3.PLAIN)) as archive,
        pytest.raises(SupplierRefused, match="cannot be locked in its bucket"),
    ):
        await archive.put(KEY, b"content", UNTIL)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, "it keeps no versions"),
        ({"x-amz-version-id": "v1"}, "is locked by nothing"),
        (
            {
                "x-amz-version-id": "v1",
                "x-amz-object-lock-mode": "GOVERNANCE",
                "x-amz-object-lock-retain-until-date": "2026-01-01T00:00:00Z",
            },
            "is locked until 2026-01-01T00:00:00.00:00 only",
        ),
    ],
)
async def test_a_server_that_takes_an_object_and_locks_it_otherwise_is_found(
    headers: dict[str, str], told: str
) -> None:
    with pytest.raises(SupplierRefused, match=told):
        await put_where_all_is_answered(200, headers)


async def test_content_that_is_damaged_on_its_way_is_refused_by_its_checksum(place: Place) -> None:
    def damage(asked: Asked) -> Answer | None:
        """Put other bytes under a signature that stands: behind TLS it is over no content."""
        checksum = asked.headers.get("x-amz-checksum-sha256")
        return put_plainly(place, b"c0ntent", {"ChecksumSHA256": checksum} if checksum else {})

    with (
        lax_s3(damage) as access,
        an_archive(place, access) as archive,
        pytest.raises(SupplierRefused, match="BadDigest"),
    ):
        await archive.put(KEY, b"content", UNTIL)


def put_plainly(place: Place, content: bytes, given: Mapping[str, str]) -> Answer:
    """Put content as it is; gives what the server answers."""
    name = f"{place.prefix}{KEY}"
    try:
        s3.server().client().put_object(Bucket=place.bucket, Key=name, Body=content, **given)
    except ClientError as refused:
        error = f"<Error><Code>{code_of(refused)}</Code></Error>"
        return Answer(status_of(refused), content=error.encode())
    return Answer()


# --- out of reach, and refused -------------------------------------------------------------------


async def test_a_bucket_that_is_not_there_is_named() -> None:
    with an_archive(Place("nowhere")) as archive:
        for ask in (
            archive.put(KEY, b"content", UNTIL),
            archive.read("s3://nowhere/x?versionId=v"),
            archive.lock_of("s3://nowhere/x?versionId=v"),
            archive.purge("s3://nowhere/x?versionId=v", UNTIL),
        ):
            with pytest.raises(SupplierRefused, match="NoSuchBucket"):
                await ask


async def test_wrong_keys_are_refused_and_not_told(archive: S3Archive, place: Place) -> None:
    receipt = await archive.put(KEY, b"content", UNTIL)
    wrong = Access(s3.server().endpoint, lambda: Keys("dataops", "hunter2"))

    with (
        an_archive(place, wrong) as stranger,
        pytest.raises(SupplierRefused, match="SignatureDoesNotMatch") as refused,
    ):
        await stranger.read(receipt.location)

    assert "hunter2" not in str(refused.value)


async def test_keys_that_change_are_taken_up_without_a_restart(place: Place) -> None:
    known = [Keys("dataops", "not yet")]
    with an_archive(place, Access(s3.server().endpoint, lambda: known[0])) as archive:
        with pytest.raises(SupplierRefused, match="SignatureDoesNotMatch"):
            await archive.put(KEY, b"content", UNTIL)
        known[0] = s3.KEYS

        receipt = await archive.put(KEY, b"content", UNTIL)

    assert receipt.size_bytes == 7


async def test_keys_that_cannot_be_read_are_told(place: Place) -> None:
    def unread() -> Keys:
        raise InvalidInput("The environment variable 'S3_ID' holds no secret.")

    with (
        an_archive(place, Access(s3.server().endpoint, unread)) as archive,
        pytest.raises(SupplierRefused, match="'S3_ID' holds no secret"),
    ):
        await archive.read(f"s3://{place.bucket}/x?versionId=v")


async def test_without_any_keys_it_is_told_how_to_set_them(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")

    with (
        an_archive(place, Access(s3.server().endpoint)) as archive,
        pytest.raises(SupplierRefused, match="DATAOPS_ARCHIVE_ACCESS_KEY_ID"),
    ):
        await archive.put(KEY, b"content", UNTIL)


async def test_boto3s_own_chain_is_taken_where_no_keys_are_set(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.KEYS.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.KEYS.secret_access_key)

    with an_archive(place, Access(s3.server().endpoint)) as archive:
        receipt = await archive.put(KEY, b"content", UNTIL)

    assert receipt.locked_until == UNTIL


async def test_a_server_that_is_not_there_is_an_outage(place: Place) -> None:
    access = replace(s3.server().access, endpoint_url=f"http://127.0.0.1:{free_port()}")

    with (
        an_archive(place, access) as archive,
        pytest.raises(SupplierUnavailable, match="cannot be reached"),
    ):
        await archive.put(KEY, b"content", UNTIL)


async def test_s3_has_threads_of_its_own(archive: S3Archive) -> None:
    with ThreadPoolExecutor() as ended:
        asyncio.get_running_loop().set_default_executor(ended)

    receipt = await archive.put(KEY, b"content", UNTIL)

    assert receipt.size_bytes == 7


@pytest.mark.parametrize("status", [409, 429, 500, 503])
async def test_a_server_that_is_busy_or_broken_is_tried_again_later(status: int) -> None:
    with pytest.raises(SupplierUnavailable, match="It is tried again") as told:
        await put_where_all_is_answered(status, {"Retry-After": "7"})

    assert told.value.retry_after == timedelta(seconds=7)


async def test_what_the_server_complains_about_is_repeated() -> None:
    error = b"<Error><Code>EntityTooLarge</Code><Message>Too big.</Message></Error>"

    with pytest.raises(SupplierRefused, match=r"EntityTooLarge \(Too big\)"):
        await put_where_all_is_answered(400, {}, error)


@pytest.mark.parametrize(
    "location", ["folder:x", "s3://other/x?versionId=v", "s3://archives/x", "x"]
)
async def test_only_a_version_in_our_bucket_is_a_location(
    archive: S3Archive, location: str
) -> None:
    with pytest.raises(SupplierRefused, match="not in the archive bucket"):
        await archive.read(location)


async def test_no_location_leads_to_what_no_key_names(archive: S3Archive) -> None:
    with pytest.raises(SupplierRefused, match="no key of an archive"):
        await archive.read("s3://archives/../x?versionId=v")


async def test_what_is_absent_is_purged_already_and_else_not_found(archive: S3Archive) -> None:
    location = "s3://archives/nothing?versionId=6713d1b75b50296f35ec32aad57d4762"

    await archive.purge(location, UNTIL)

    with pytest.raises(NotFound):
        await archive.lock(location, ArchiveLock(UNTIL))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("s3://bucket", Place("bucket")),
        ("s3://bucket/", Place("bucket")),
        ("s3://bucket/some/prefix/", Place("bucket", "some/prefix/")),
        ("s3://Bucket", None),
        ("s3://bucket/a/../b", None),
        ("s3://bucket//a", None),
        ("s3://bucket/a b", None),
        ("s3://", None),
        ("https://bucket", None),
    ],
)
def test_a_place_is_read_as_it_is_set(text: str, place: Place | None) -> None:
    assert Place.parse(text) == place


async def put_where_all_is_answered(
    status: int, headers: Mapping[str, str], body: bytes = b""
) -> ArchiveReceipt:
    """Archive something at a server that answers everything so."""
    with (
        lax_s3(lambda _: Answer(status, headers, body)) as access,
        an_archive(Place("bucket"), access) as archive,
    ):
        return await archive.put(KEY, b"content", UNTIL)
