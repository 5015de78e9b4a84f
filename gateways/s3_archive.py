"""Archives on S3: created once, locked by the bucket itself, and read back to prove it.

Object Lock keeps an object in the bucket, whoever asks; governance lets those through who are
allowed to lift it, compliance nobody. What a location names is one version of an object, which a
later write of the same name, or a delete of it, leaves as it is.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from domain.archive import ArchiveLock, ArchiveReceipt
from domain.errors import ArchiveDamaged, SupplierRefused
from gateways.archive_keys import parts_of
from gateways.s3 import Bucket, Spot, code_of, status_of

if TYPE_CHECKING:
    from gateways.s3 import Access, Client, Place

_DIGEST = "sha256"
_PRECONDITION_FAILED, _NOT_FOUND = 412, 404


class LockMode(StrEnum):
    """How strict the bucket's locks are: whether anybody at all may lift one before its time."""

    GOVERNANCE = "governance"
    COMPLIANCE = "compliance"


class S3Archive:
    """The archive port over a bucket with versions and Object Lock."""

    def __init__(self, place: Place, access: Access, mode: LockMode = LockMode.GOVERNANCE) -> None:
        """Keep archives in this place; nothing is asked of it yet."""
        self._place = place
        self._mode = mode.value.upper()
        self._bucket = Bucket(place.bucket, access)

    def close(self) -> None:
        """Let its threads go."""
        self._bucket.close()

    async def put(self, key: str, content: bytes, locked_until: datetime, /) -> ArchiveReceipt:
        """Create the object, locked from its first moment; what is there already keeps its lock.

        The lock in the receipt is read back: a bucket that takes an object and locks nothing is
        found at the first archive.
        """
        name = self._place.prefix + "/".join(parts_of(key))
        return await self._bucket.do(
            f"Archive {key}", lambda client: self._put(client, name, content, locked_until)
        )

    async def read(self, location: str, /) -> bytes:
        """Give an archive's bytes. Raises NotFound, or ArchiveDamaged."""
        spot = self._spot(location)
        return await self._bucket.do(
            f"Archive {spot.name}", lambda client: self._read(client, spot)
        )

    async def lock_of(self, location: str, /) -> ArchiveLock:
        """Tell how an archive is locked. Raises NotFound, or ArchiveDamaged."""
        spot = self._spot(location)
        return await self._bucket.do(
            f"Archive {spot.name}", lambda client: _lock_in(self._head(client, spot), spot)
        )

    async def lock(self, location: str, wanted: ArchiveLock, /) -> ArchiveLock:
        """Lock an archive for longer, put a legal hold on it or take it off."""
        spot = self._spot(location)
        return await self._bucket.do(
            f"Archive {spot.name}", lambda client: self._lock(client, spot, wanted)
        )

    async def purge(self, location: str, now: datetime, /) -> None:
        """Remove an archive's version whose lock is over by our clock and by the bucket's."""
        spot = self._spot(location)
        await self._bucket.do(f"Archive {spot.name}", lambda client: self._purge(client, spot, now))

    async def locations(self, prefix: str, /) -> Sequence[str]:
        """Give the location of every archive below a prefix, in the keys' order.

        Of a name with several versions it is the first one: whoever wrote a later one is not us.
        """
        name = self._place.prefix + "/".join(parts_of(prefix)) + "/"
        return await self._bucket.do(
            f"Archives below {prefix}", lambda client: self._locations(client, name)
        )

    def _locations(self, client: Client, prefix: str) -> list[str]:
        first: dict[str, str] = {}
        pages = client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._bucket.name, Prefix=prefix):
            for each in page.get("Versions", []):  # the newest first
                first[each["Key"]] = each["VersionId"]
        return [Spot(key, first[key]).location(self._bucket.name) for key in sorted(first)]

    def _put(
        self, client: Client, name: str, content: bytes, locked_until: datetime
    ) -> ArchiveReceipt:
        digest, until = hashlib.sha256(content), _whole_second(locked_until)
        try:
            made = client.put_object(
                Bucket=self._bucket.name,
                Key=name,
                Body=content,
                ContentType="application/json",
                ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
                Metadata={_DIGEST: digest.hexdigest()},
                IfNoneMatch="*",
                ObjectLockMode=self._mode,
                ObjectLockRetainUntilDate=until,
            )
        except client.exceptions.ClientError as refused:
            if code_of(refused) == "InvalidRequest":
                raise _unlockable(name, refused) from refused
            if status_of(refused) != _PRECONDITION_FAILED:
                raise
            return self._kept(client, name, digest.hexdigest())
        spot = _version_in(made, name)
        lock = _lock_in(self._head(client, spot), spot)
        if lock.locked_until < until:
            raise _unlocked(spot, f"until {lock.locked_until.isoformat()} only")
        location = spot.location(self._bucket.name)
        return ArchiveReceipt(location, digest.hexdigest(), len(content), lock.locked_until)

    def _kept(self, client: Client, name: str, digest: str) -> ArchiveReceipt:
        """Give the receipt of what is there; who wrote it may have died before it had one."""
        head = client.head_object(Bucket=self._bucket.name, Key=name)
        if head["Metadata"].get(_DIGEST) != digest:
            raise SupplierRefused(
                f"Archive {name} exists and holds other content. It was left as it is; an archive "
                "is never overwritten."
            )
        spot = _version_in(head, name)
        location, size = spot.location(self._bucket.name), int(head["ContentLength"])
        return ArchiveReceipt(location, digest, size, _lock_in(head, spot).locked_until)

    def _read(self, client: Client, spot: Spot) -> bytes:
        answer = client.get_object(**spot.asked(self._bucket.name))
        with answer["Body"] as body:
            content: bytes = body.read()
        digest, written = hashlib.sha256(content).hexdigest(), answer["Metadata"].get(_DIGEST)
        if digest != written:
            how = (
                f"its digest is {digest}, not {written}" if written else "it was not written by us"
            )
            raise ArchiveDamaged(_damaged(spot, how), digest, len(content))
        return content

    def _lock(self, client: Client, spot: Spot, wanted: ArchiveLock) -> ArchiveLock:
        head, asked = self._head(client, spot), spot.asked(self._bucket.name)
        present, until = _lock_in(head, spot), _whole_second(wanted.locked_until)
        if until > present.locked_until:
            strictest = max(self._mode, str(head["ObjectLockMode"]), key=_strictness)
            retention = {"Mode": strictest, "RetainUntilDate": until}
            client.put_object_retention(**asked, Retention=retention)
        if wanted.is_held is not present.is_held:
            status = "ON" if wanted.is_held else "OFF"
            client.put_object_legal_hold(**asked, LegalHold={"Status": status})
        return _lock_in(self._head(client, spot), spot)

    def _purge(self, client: Client, spot: Spot, now: datetime) -> None:
        try:
            head = self._head(client, spot)
        except client.exceptions.ClientError as refused:
            if status_of(refused) != _NOT_FOUND or code_of(refused) == "NoSuchBucket":
                raise
            return
        _refuse_locked(_lock_in(head, spot), spot, now)
        client.delete_object(**spot.asked(self._bucket.name))

    def _head(self, client: Client, spot: Spot) -> Mapping[str, Any]:
        """Ask for a version; that there is no bucket at all is told apart from an absent object."""
        try:
            head: Mapping[str, Any] = client.head_object(**spot.asked(self._bucket.name))
        except client.exceptions.ClientError as refused:
            if status_of(refused) == _NOT_FOUND:
                client.list_objects_v2(Bucket=self._bucket.name, MaxKeys=1)
            raise
        return head

    def _spot(self, location: str) -> Spot:
        spot = Spot.read(location, self._bucket.name)
        parts_of(spot.name)
        return spot


def _version_in(answer: Mapping[str, Any], name: str) -> Spot:
    version = answer.get("VersionId")
    if not version:
        raise _unlockable(name, "it keeps no versions")
    return Spot(name, str(version))


def _unlockable(name: str, why: object) -> SupplierRefused:
    return SupplierRefused(
        f"Archive {name} cannot be locked in its bucket: {why}. Name a bucket with Object Lock by "
        "DATAOPS_ARCHIVE; dataops doctor tells what is missing."
    )


def _lock_in(head: Mapping[str, Any], spot: Spot) -> ArchiveLock:
    until = head.get("ObjectLockRetainUntilDate")
    if until is None:
        raise _unlocked(spot, "by nothing")
    is_held = head.get("ObjectLockLegalHoldStatus") == "ON"
    return ArchiveLock(until.astimezone(UTC), is_held=is_held)


def _unlocked(spot: Spot, how: str) -> ArchiveDamaged:
    return ArchiveDamaged(
        f"Archive {spot.name} is there and is locked {how}. Enable Object Lock on the bucket and let "
        "us read retention and legal holds (s3:GetObjectRetention, s3:GetObjectLegalHold); dataops "
        "doctor tells more."
    )


def _refuse_locked(lock: ArchiveLock, spot: Spot, now: datetime) -> None:
    if lock.is_held:
        raise SupplierRefused(
            f"Archive {spot.name} is under a legal hold and was left as it is. Release it before."
        )
    if now < lock.locked_until:
        raise SupplierRefused(
            f"Archive {spot.name} is locked until {lock.locked_until.isoformat()} and was left as "
            "it is. Purge it after that."
        )


def _whole_second(moment: datetime) -> datetime:
    """Round up: S3 keeps no fractions of a second, and a lock may not end a moment early."""
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


def _strictness(mode: str) -> int:
    return ("", "GOVERNANCE", "COMPLIANCE").index(mode)


def _damaged(spot: Spot, how: str) -> str:
    return f"Archive {spot.name} is damaged: {how}. Restore it from a copy of the bucket."
