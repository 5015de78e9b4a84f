"""Every error the product raises, sorted by what the one who meets it should do.

DataOpsError
├── RequestRejected            ask differently: it can never work as it stands
│   ├── InvalidInput           mend the named fields
│   ├── NotFound               name something that exists
│   ├── DuplicateDataset       use the dataset that is already there
│   ├── IllegalTransition      wait for, or ask for, another status first
│   ├── TemplateNotFound       name another type, industry or use case
│   └── NotAllowed             ask with the right principal
├── Conflict                   read again, then decide anew
│   ├── CameBefore             read the request that the message made; it is the answer
│   └── StaleOutcome           drop it: the dataset has moved on
├── RegistryUnavailable        try the same thing again later: it is one request however often it comes
├── SupplierUnavailable        try the same thing again later
│   └── OutcomeUnknown         look first whether it happened, then try again
└── SupplierRefused            mend the foreign system or the request, then try again
    ├── ConnectorNameTaken     a person decides whose datasource it is
    └── SupplierLied           the foreign system broke its own contract
        └── ArchiveDamaged     restore the archive from a copy
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta


class DataOpsError(Exception):
    """Something went wrong; the message says what, to which thing, and what to do next."""


class RequestRejected(DataOpsError):
    """The request can never work as it stands."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: its dotted path, and what is wrong with it."""

    field: str
    message: str


class InvalidInput(RequestRejected):
    """Fields of the input are missing or wrong; `errors` names each."""

    def __init__(self, message: str, errors: Sequence[FieldError] = ()) -> None:
        """Keep the field errors beside the message."""
        super().__init__(message)
        self.errors = tuple(errors)


class NotFound(RequestRejected):
    """A named thing does not exist, or not for this tenant."""


class DuplicateDataset(RequestRejected):
    """An active dataset already holds this client, stage and type (seed: Client-Stage Uniqueness)."""


class IllegalTransition(RequestRejected):
    """The dataset's status does not allow what was asked."""


class TemplateNotFound(RequestRejected):
    """The catalogue holds no template that may serve; the message names the nearest."""


class NotAllowed(RequestRejected):
    """The principal may not do this."""


class Conflict(DataOpsError):
    """Somebody else wrote first."""


class CameBefore(Conflict):
    """A message was accepted before, and made the one request it will ever make."""


class StaleOutcome(Conflict):
    """An outcome belongs to an older version of its dataset and changes nothing."""


class RegistryUnavailable(DataOpsError):
    """Our own database did not answer, or could not do it in time; what it was asked may be done."""


class SupplierUnavailable(DataOpsError):
    """A foreign system did not answer, or asked to be left alone for a while."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        """Keep how long the supplier asked us to wait, where it said so."""
        super().__init__(message)
        self.retry_after = retry_after


class OutcomeUnknown(SupplierUnavailable):
    """A foreign system may or may not have done what was asked; the answer was lost."""


class SupplierRefused(DataOpsError):
    """A foreign system understood and said no."""


class ConnectorNameTaken(SupplierRefused):
    """A datasource of our name exists and carries somebody else's mark."""


class SupplierLied(SupplierRefused):
    """A foreign system answered with something its contract rules out."""


class ArchiveDamaged(SupplierLied):
    """An archive is there and is not what was written."""

    def __init__(
        self, message: str, sha256: str | None = None, size_bytes: int | None = None
    ) -> None:
        """Keep the digest and the size of what is there, as far as it can be read."""
        super().__init__(message)
        self.sha256 = sha256
        self.size_bytes = size_bytes
