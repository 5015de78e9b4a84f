"""The audit trail: who did what when, each entry holding the hash of the one before it.

Whoever changes, removes or moves an entry breaks what follows from it; whoever writes all of the
chain anew is betrayed by the checkpoints that are kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from domain.errors import InvalidInput, SupplierLied
from domain.lifecycle import DatasetStatus
from domain.moments import require_zone
from domain.record import JsonObject, canonical_json, digest_of

if TYPE_CHECKING:
    from domain.record import Json

FORMAT = "dataops-audit-checkpoint/1"
"""The format of a checkpoint; a reader refuses one it does not know."""

GENESIS = "0" * 64
"""What the first entry holds in place of the hash of one before it."""

SYSTEM = "dataops"
"""The subject of what the service does by itself."""

ADOPTION = "adoption"
"""The action of the entry that says which entries before it were taken into the chain late."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}")
_STEP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What somebody did: to a dataset at a version, or, without one, to the service.

    `action` names the events it caused, or says in a word what was done; `correlation` is the id
    of the request that led to it; `detail` holds what was asked.
    """

    tenant: str
    entry_id: UUID
    at: datetime
    principal: str
    action: str
    correlation: str
    dataset_id: UUID | None = None
    version: int | None = None
    from_status: DatasetStatus | None = None
    to_status: DatasetStatus | None = None
    detail: JsonObject | None = None

    def __post_init__(self) -> None:
        """Refuse a time without its zone."""
        require_zone("at", self.at)

    def fields(self) -> JsonObject:
        """Give all that the entry says as one JSON object."""
        return {
            "tenant": self.tenant,
            "entry_id": str(self.entry_id),
            "at": self.at.isoformat(),
            "principal": self.principal,
            "action": self.action,
            "correlation": self.correlation,
            "dataset_id": None if self.dataset_id is None else str(self.dataset_id),
            "version": self.version,
            "from_status": self.from_status,
            "to_status": self.to_status,
            "detail": self.detail,
        }

    @property
    def digest(self) -> str:
        """The SHA-256 of all that the entry says, as 64 hexadecimal digits."""
        return digest_of(self.fields())


@dataclass(frozen=True, slots=True)
class ChainedEntry:
    """An entry in its place: its number within its tenant, from 1, and what holds it there."""

    entry: AuditEntry
    sequence: int
    digest: str
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Adoption:
    """Entries that stood outside a tenant's chain and were taken in, under the numbers from `first`."""

    tenant: str
    first: int
    entry_ids: tuple[UUID, ...]

    @property
    def last(self) -> int:
        """The last entry's number; the one after it says that they were taken in."""
        return self.first + len(self.entry_ids) - 1

    def detail(self) -> JsonObject:
        """Give what is written down of it."""
        return {"count": len(self.entry_ids), "entry_ids": [str(each) for each in self.entry_ids]}


def link_hash(sequence: int, digest: str, prev_hash: str) -> str:
    """Give the hash of a place in the chain: of its number, its entry's digest and what is before.

    It is that of the canonical JSON of the three, written out, for the database writes it too.
    """
    link = f'{{"digest":"{digest}","prev_hash":"{prev_hash}","sequence":{sequence}}}'
    return hashlib.sha256(link.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tenant's chain as it stood: how many entries, the hash of the last, and its time.

    It says nothing that the chain did not say then, so that the same chain is the same checkpoint.
    """

    tenant: str
    size: int
    head_hash: str
    at: datetime

    @property
    def key(self) -> str:
        """Where the checkpoint goes; another chain of the same size goes elsewhere."""
        return f"{checkpoints_of(self.tenant)}/{self.size:012d}-{self.head_hash[:16]}.json"

    def content(self) -> bytes:
        """Give the checkpoint's bytes: canonical JSON."""
        return canonical_json(
            {
                "format": FORMAT,
                "tenant": self.tenant,
                "size": self.size,
                "head_hash": self.head_hash,
                "at": self.at.isoformat(),
            }
        )


CHECKPOINTS = "audit"
"""What the keys of all checkpoints begin with."""


def checkpoints_of(tenant: str) -> str:
    """Tell where a tenant's checkpoints are: by its name where every archive takes that as it is."""
    digest = hashlib.sha256(tenant.encode()).hexdigest()
    return f"{CHECKPOINTS}/{tenant if _PLAIN.fullmatch(tenant) else f'_{digest}'}"


def may_be_folder(name: str) -> bool:
    """Whether a folder of checkpoints may bear a name, though no tenant's name makes it."""
    return _STEP.fullmatch(name) is not None


def read_checkpoint(content: bytes, location: str) -> Checkpoint:
    """Read a checkpoint's bytes.

    Raises:
        SupplierLied: they are none.
    """
    try:
        found = _checkpoint(json.loads(content))
    except (ValueError, KeyError, TypeError, RecursionError, InvalidInput) as error:
        message = f"{location} lies among the checkpoints of the audit trail and is none."
        raise SupplierLied(message) from error
    return found


def _checkpoint(value: Json) -> Checkpoint:
    is_known = value["format"] == FORMAT and _HASH.fullmatch(value["head_hash"]) is not None
    if not is_known or isinstance(value["size"], bool) or not value["size"] >= 1:
        raise ValueError(FORMAT)
    at = datetime.fromisoformat(value["at"])
    require_zone("at", at)
    return Checkpoint(str(value["tenant"]), int(value["size"]), value["head_hash"], at)
