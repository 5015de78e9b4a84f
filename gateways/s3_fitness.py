"""A bucket's fitness: whether it really keeps what is put there, found out by trying it.

A few bytes are written below `doctor/` and locked for a minute; what earlier looks left there, and
is locked no longer, is taken away.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
from dataclasses import dataclass
from datetime import UTC, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from domain.errors import DataOpsError
from gateways.s3 import Bucket, Keys, Place, Spot, code_of, make_client, make_session, status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from gateways.s3 import Access, Client

LOCKED_FOR = timedelta(minutes=1)
"""How long what is tried with stays locked: longer than two clocks differ."""

_WRONG_SECRET = "no secret of anybody's"  # noqa: S105 - it opens nothing, and shall not
_DENIED = frozenset({401, 403})


_Wanted: TypeAlias = "tuple[str, Callable[[Client], str | None], str]"
"""What is looked at, what tells what is wrong with it, and what to say where nothing is."""


@dataclass(frozen=True, slots=True)
class Look:
    """One thing that was looked at: what was found, and what to do where it is not as it must be."""

    what: str
    is_well: bool
    told: str
    mend: str = ""


async def examine_bucket(place: Place, access: Access, now: datetime, nonce: str) -> list[Look]:
    """Look at a bucket in every way that its archives rely on.

    `nonce` names what is tried with; nothing has the name yet. A bucket that cannot be reached, or
    takes nothing, is not looked at any further.
    """
    bucket = Bucket(place.bucket, access)
    try:
        return await bucket.do("What the doctor tries", _Examination(place, now, nonce, access).all)
    except DataOpsError as broken:
        return [Look("bucket", is_well=False, told=str(broken), mend=_MEND["bucket"])]
    finally:
        bucket.close()


class _Examination:
    """One round through a bucket, in a thread."""

    def __init__(self, place: Place, now: datetime, nonce: str, access: Access) -> None:
        self._place = place
        self._until = (now + LOCKED_FOR).astimezone(UTC).replace(microsecond=0)
        self._name = f"{place.prefix}doctor/{nonce}"
        self._access = access
        self._version = ""

    def all(self, client: Client) -> list[Look]:
        """Take every look, one after the other."""
        self._tidy(client)
        looks = [_look(*each, client) for each in self._of_the_bucket()]
        if self._version:
            looks += [_look(*each, client) for each in self._of_an_object()]
        return looks

    def _of_the_bucket(self) -> tuple[_Wanted, ...]:
        return (
            ("versioning", self._versioning, "every write is a version of its own"),
            ("object lock", self._object_lock, "enabled"),
            ("keys", self._keys, "a wrong secret is refused"),
            ("checksums", self._checksums, "content that is not what was sent is refused"),
            ("writing", self._write, f"an object is taken and locked until {self._until:%H:%M:%S}"),
        )

    def _of_an_object(self) -> tuple[_Wanted, ...]:
        return (
            ("create-only", self._create_only, "what is there is not overwritten"),
            ("retention", self._retention, "a lock cannot be shortened"),
            ("legal hold", self._legal_hold, "it can be put on and taken off"),
            ("deletion", self._deletion, "what is locked cannot be deleted"),
        )

    def _tidy(self, client: Client) -> None:
        """Take away what earlier looks left; what cannot be seen or is locked yet may stay."""
        prefix = f"{self._place.prefix}doctor/"
        with contextlib.suppress(client.exceptions.ClientError):
            found = client.list_object_versions(Bucket=self._place.bucket, Prefix=prefix)
            for each in found.get("Versions", []):
                spot = Spot(each["Key"], each["VersionId"])
                with contextlib.suppress(client.exceptions.ClientError):
                    client.delete_object(**spot.asked(self._place.bucket))

    def _versioning(self, client: Client) -> str | None:
        status = client.get_bucket_versioning(Bucket=self._place.bucket).get("Status")
        return None if status == "Enabled" else f"versioning is {status or 'not enabled'}"

    def _object_lock(self, client: Client) -> str | None:
        try:
            found = client.get_object_lock_configuration(Bucket=self._place.bucket)
        except client.exceptions.ClientError as refused:
            return f"Object Lock is not enabled: S3 answers {code_of(refused)}"
        enabled = found.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled")
        return None if enabled == "Enabled" else "Object Lock is not enabled"

    def _keys(self, client: Client) -> str | None:
        """Ask as somebody who knows our id and not our secret."""
        del client
        ours = make_session(self._access.keys() if self._access.keys else None).get_credentials()
        stranger = make_client(self._access, Keys(ours.access_key, _WRONG_SECRET))
        return _is_taken(
            stranger,
            lambda each: each.list_objects_v2(Bucket=self._place.bucket, MaxKeys=1),
            _DENIED,
        )

    def _checksums(self, client: Client) -> str | None:
        other = _checksum(b"other bytes than are sent")
        return _is_taken(
            client,
            lambda each: each.put_object(
                Bucket=self._place.bucket,
                Key=f"{self._name}.torn",
                Body=b"tried by dataops doctor",
                ChecksumSHA256=other,
            ),
        )

    def _write(self, client: Client) -> str | None:
        try:
            made = self._put(client, b"tried by dataops doctor")
        except client.exceptions.ClientError as refused:
            return f"an object that is to be locked is refused: S3 answers {code_of(refused)}"
        if not made.get("VersionId"):
            return "an object was taken and has no version"
        self._version = str(made["VersionId"])
        head = client.head_object(**self._spot())
        until = head.get("ObjectLockRetainUntilDate")
        if until is None or until < self._until:
            return f"an object was taken and is locked until {until or 'no time at all'}"
        return None

    def _create_only(self, client: Client) -> str | None:
        return _is_taken(client, lambda each: self._put(each, b"tried by somebody else"))

    def _retention(self, client: Client) -> str | None:
        sooner = {"Mode": "GOVERNANCE", "RetainUntilDate": self._until - LOCKED_FOR / 2}
        return _is_taken(
            client,
            lambda each: each.put_object_retention(**self._spot(), Retention=sooner),
        )

    def _legal_hold(self, client: Client) -> str | None:
        try:
            for status in ("ON", "OFF"):
                client.put_object_legal_hold(**self._spot(), LegalHold={"Status": status})
                head = client.head_object(**self._spot())
                if head.get("ObjectLockLegalHoldStatus") != status:
                    return f"a legal hold that was put {status} does not read back so"
        except client.exceptions.ClientError as refused:
            return f"a legal hold is refused: S3 answers {code_of(refused)}"
        return None

    def _deletion(self, client: Client) -> str | None:
        return _is_taken(client, lambda each: each.delete_object(**self._spot()))

    def _put(self, client: Client, content: bytes) -> Mapping[str, Any]:
        made: Mapping[str, Any] = client.put_object(
            Bucket=self._place.bucket,
            Key=self._name,
            Body=content,
            ChecksumSHA256=_checksum(content),
            IfNoneMatch="*",
            ObjectLockMode="GOVERNANCE",
            ObjectLockRetainUntilDate=self._until,
        )
        return made

    def _spot(self) -> dict[str, str]:
        """Name what was tried with; only looks that come after its writing do."""
        return Spot(self._name, self._version).asked(self._place.bucket)


def _is_taken(
    client: Client, act: Callable[[Client], object], refusals: frozenset[int] | None = None
) -> str | None:
    """Try what must be refused; tells what is wrong where it is not.

    A server that does not answer, or breaks, has refused nothing.
    """
    try:
        act(client)
    except client.exceptions.ClientError as refused:
        status = status_of(refused)
        is_refusal = status in refusals if refusals else 400 <= status < 500  # noqa: PLR2004 - HTTP's own
        return None if is_refusal else f"it is not refused: S3 answers {code_of(refused)}"
    return "it is taken"


def _look(what: str, wrong: Callable[[Client], str | None], well: str, client: Client) -> Look:
    told = wrong(client)
    if told is None:
        return Look(what, is_well=True, told=well)
    return Look(what, is_well=False, told=told, mend=_MEND[what])


def _checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


_MEND: Mapping[str, str] = MappingProxyType(
    {
        "bucket": "mend DATAOPS_ARCHIVE, its endpoint and its keys, or what their policy allows",
        "versioning": "make a new bucket with Object Lock, which turns versioning on for good",
        "object lock": "make a new bucket with Object Lock enabled; most servers cannot add it later",
        "keys": "take an S3 server that checks signatures, and close the bucket to everybody",
        "checksums": "take an S3 server that checks x-amz-checksum-sha256",
        "writing": "allow s3:PutObject, s3:PutObjectRetention and s3:GetObjectRetention on it",
        "create-only": "take an S3 server that knows If-None-Match on writes",
        "retention": "take s3:BypassGovernanceRetention away from these keys, or another S3 server",
        "legal hold": "allow s3:PutObjectLegalHold and s3:GetObjectLegalHold on it",
        "deletion": "take an S3 server that enforces Object Lock; nothing here is kept as promised",
    }
)
