"""Roles: what one of several processes over one database is there for."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a process is there for; whoever asks it about tasks or datasets is answered by any.

    ALL does everything. A COORDINATOR drives datasets and hands their orders to agents elsewhere.
    AGENTS carry out orders and drive nothing. A WORKER drives datasets with agents of its own and
    answers nobody but probes.
    """

    ALL = "all"
    COORDINATOR = "coordinator"
    AGENTS = "agents"
    WORKER = "worker"

    @property
    def drives(self) -> bool:
        """Whether the process takes turns with datasets."""
        return self is not Role.AGENTS

    @property
    def has_agents(self) -> bool:
        """Whether orders are carried out here."""
        return self is not Role.COORDINATOR

    @property
    def answers(self) -> bool:
        """Whether callers are answered, and not probes alone."""
        return self is not Role.WORKER
