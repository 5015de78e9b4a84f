"""Records and the one way to write them down, so that equal content has equal digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""Any JSON value. The recursive type would say more, but no codec can be derived from it."""

JsonObject: TypeAlias = Mapping[str, Json]
"""A JSON object."""

Record: TypeAlias = JsonObject
"""One record as the supplier sent it: a JSON object with at least `id` and `title`."""

READER_FIELDS = frozenset({"allowed_users", "allowed_groups"})
"""The fields of a record that tell who may read it: they are about it, not of it."""


def canonical_json(value: Json) -> bytes:
    """Write a JSON value in its one canonical form: sorted keys, no blanks, UTF-8."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest_of(value: Json) -> str:
    """Give the SHA-256 of a value's canonical form, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


class ContentDigest:
    """The Merkle root of a run of records (RFC 9162 tree), built as they pass by.

    `count` is the number of records.
    """

    def __init__(self) -> None:
        """Start with no record."""
        self.count = 0
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, record: Record) -> int:
        """Take the next record in; tells the bytes of its canonical form."""
        line = canonical_json(record)
        self.count += 1
        self._push(1, hashlib.sha256(b"\x00" + line).digest())
        return len(line)

    def hexdigest(self) -> str:
        """Give the root as 64 hexadecimal digits; of no record, the SHA-256 of nothing."""
        if not self._peaks:
            return hashlib.sha256().hexdigest()
        root = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            root = _node(peak, root)
        return root.hex()

    def _push(self, width: int, leaf: bytes) -> None:
        while self._peaks and self._peaks[-1][0] == width:
            _, left = self._peaks.pop()
            width, leaf = width * 2, _node(left, leaf)
        self._peaks.append((width, leaf))


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
