"""The choice of an engine: the built-in one, or the one on DBOS where it is asked for."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from domain.errors import SupplierUnavailable
from service.engine import Shift, TakeTurn, TurnEngine

if TYPE_CHECKING:
    from domain.ports import Clock
    from registry.leases import SqlLeases


class EngineName(StrEnum):
    """Which engine drives datasets; docs/engines.md says when to choose which."""

    BUILTIN = "builtin"
    DBOS = "dbos"


def engine_for(
    name: EngineName,
    url: str,
    *,
    leases: SqlLeases,
    take_turn: TakeTurn,
    clock: Clock,
    shift: Shift,
) -> TurnEngine:
    """Make the engine of a name; `url` is the database's address.

    Raises:
        SupplierUnavailable: the engine's library is not installed.
    """
    if name is EngineName.BUILTIN:
        return TurnEngine(leases, take_turn, clock, shift)
    try:
        from service.dbos_engine import DbosEngine  # noqa: PLC0415 - an extra that few install
    except ModuleNotFoundError as error:
        raise SupplierUnavailable(
            f"The engine dbos needs the library {error.name}, which is not installed. "
            "Install the extra, `pip install '.[dbos]'` in the service's folder, or set "
            "DATAOPS_ENGINE=builtin."
        ) from error
    return DbosEngine(leases, take_turn, clock, shift, url)
