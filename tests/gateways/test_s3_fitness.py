"""A bucket's fitness: what is amiss is found before an archive relies on it, and how to mend it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from gateways.s3 import Access, Keys, Place
from gateways.s3_fitness import Look, examine_bucket
from tests import s3
from tests.lax_s3 import Answer, lax_s3, wherever

_NUMBERS = count(1)

ALL = (
    "versioning",
    "object lock",
    "keys",
    "checksums",
    "writing",
    "create-only",
    "retention",
    "legal hold",
    "deletion",
)


async def looked(
    place: Place, access: Access | None = None, now: datetime | None = None
) -> dict[str, Look]:
    given = access or s3.server().access
    found = await examine_bucket(place, given, now or datetime.now(UTC), f"look-{next(_NUMBERS)}")
    return {each.what: each for each in found}


def amiss(looks: dict[str, Look]) -> set[str]:
    return {what for what, each in looks.items() if not each.is_well}


@pytest.mark.requirement("R70", "R98")
async def test_a_bucket_with_object_lock_is_fit_in_every_way() -> None:
    looks = await looked(s3.a_fresh_place())

    assert tuple(looks) == ALL
    assert amiss(looks) == set()


async def test_a_bucket_without_locks_is_found_with_what_to_do() -> None:
    looks = await looked(s3.a_fresh_place(s3.PLAIN))

    assert amiss(looks) == {"versioning", "object lock", "writing"}
    assert "make a new bucket with Object Lock" in looks["object lock"].mend
    assert all(each.mend for each in looks.values() if not each.is_well)


@pytest.mark.parametrize(
    ("place", "keys", "told"),
    [
        (Place("nowhere"), s3.KEYS, "NoSuchBucket"),
        (None, Keys("dataops", "hunter2"), "SignatureDoesNotMatch"),
        (None, Keys("nobody", "hunter2"), "InvalidAccessKeyId"),
    ],
)
async def test_a_bucket_that_lets_us_not_in_is_one_finding(
    place: Place | None, keys: Keys, told: str
) -> None:
    access = Access(s3.server().endpoint, lambda: keys)

    looks = await looked(place or s3.a_fresh_place(), access)

    assert tuple(looks) == ("bucket",)
    assert told in looks["bucket"].told
    assert "hunter2" not in looks["bucket"].told
    assert "DATAOPS_ARCHIVE" in looks["bucket"].mend


TRIED = ("list-type=2", ".torn", "somebody else", "?retention", "?legal-hold", "DELETE")
"""What a fit server refuses, and a legal hold, by words in how they are asked for."""

LOCKED_ELSEWISE = {
    "x-amz-object-lock-retain-until-date": "2026-01-01T00:00:00Z",
    "x-amz-object-lock-legal-hold": "ON",
}


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (
            dict.fromkeys(TRIED, Answer()),
            {
                "keys": "it is taken",
                "checksums": "it is taken",
                "create-only": "it is taken",
                "retention": "it is taken",
                "legal hold": "a legal hold that was put ON does not read back so",
                "deletion": "it is taken",
            },
        ),
        (
            dict.fromkeys(TRIED, Answer(501)),
            {
                "keys": "it is not refused: S3 answers 501",
                "checksums": "it is not refused: S3 answers 501",
                "create-only": "it is not refused: S3 answers 501",
                "retention": "it is not refused: S3 answers 501",
                "legal hold": "a legal hold is refused: S3 answers 501",
                "deletion": "it is not refused: S3 answers 501",
            },
        ),
        (
            {"HEAD": Answer(headers=LOCKED_ELSEWISE), "list-type=2": Answer(404)},
            {
                "keys": "it is not refused: S3 answers 404",
                "writing": "an object was taken and is locked until 2026-01-01 00:00:00+00:00",
                "legal hold": "a legal hold that was put OFF does not read back so",
            },
        ),
        (
            {
                "?versioning": Answer(content=b"<Versions><Status>Suspended</Status></Versions>"),
                "?object-lock": Answer(content=b"<ObjectLockConfiguration/>"),
                "dataops doctor": Answer(),
            },
            {
                "versioning": "versioning is Suspended",
                "object lock": "Object Lock is not enabled",
                "checksums": "it is taken",
                "writing": "an object was taken and has no version",
            },
        ),
    ],
    ids=["takes everything", "knows nothing", "locks otherwise", "keeps no versions"],
)
async def test_a_server_that_is_lax_is_found_wherever_it_is(
    answers: dict[str, Answer], told: dict[str, str]
) -> None:
    with lax_s3(wherever(answers)) as access:
        looks = await looked(s3.a_fresh_place(), access)

    assert {what: looks[what].told for what in amiss(looks)} == told
    assert all(each.mend for each in looks.values() if not each.is_well)


async def test_what_is_tried_with_is_below_the_prefix_and_locked_for_a_minute() -> None:
    place, now = s3.a_fresh_place(), datetime.now(UTC)

    await looked(place, now=now)

    (version,) = versions(place)
    client = s3.server().client()
    head = client.head_object(Bucket=place.bucket, Key=version["Key"])
    assert version["Key"].startswith(f"{place.prefix}doctor/look-")
    assert now < head["ObjectLockRetainUntilDate"] <= now + timedelta(minutes=1)


async def test_a_look_tidies_up_after_an_earlier_one() -> None:
    place = s3.a_fresh_place()
    left = f"{place.prefix}doctor/an-earlier-look"
    s3.server().client().put_object(Bucket=place.bucket, Key=left, Body=b"tried")

    await looked(place)

    assert left not in {each["Key"] for each in versions(place)}


def versions(place: Place) -> list[dict[str, str]]:
    found = s3.server().client().list_object_versions(Bucket=place.bucket, Prefix=place.prefix)
    return list(found.get("Versions", []))
