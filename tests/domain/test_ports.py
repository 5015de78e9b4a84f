"""The ports: protocols alone, and every method says what it promises."""

from __future__ import annotations

import inspect
from typing import Protocol

import pytest

from domain import ports, repository, search_ports, trail

PORTS = [
    each
    for module in (ports, search_ports, repository, trail)
    for each in vars(module).values()
    if inspect.isclass(each) and Protocol in each.__bases__
]


def test_the_world_is_reached_through_these_ports_alone() -> None:
    assert {each.__name__ for each in PORTS} >= {
        "MockData",
        "Journeys",
        "Connectors",
        "RecordSchema",
        "Archive",
        "StageAgent",
        "Delegate",
        "Registry",
        "Transaction",
        "Leases",
        "ProgressLog",
        "Anchors",
        "AuditTrail",
    }


@pytest.mark.parametrize("port", PORTS, ids=lambda each: each.__name__)
def test_a_port_says_of_every_method_what_it_promises(port: type) -> None:
    methods = [
        each for name, each in inspect.getmembers(port, inspect.isfunction) if name[0] != "_"
    ]

    assert port.__doc__
    assert methods
    assert all(each.__doc__ for each in methods)
