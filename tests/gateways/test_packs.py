"""Template packs: read strictly, the same however they were sent, and hostile ones refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from domain.errors import InvalidInput
from gateways.packs import LARGEST_PACK_BYTES, TemplatePacks
from protocol.examples import example_of
from tests.gateways.test_bounds import laughs


def a_pack(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(example_of("register-template")["pack"]), **changes}


def read(**changes: Any) -> Any:
    return TemplatePacks().read(a_pack(**changes))


@pytest.mark.requirement("R64")
def test_a_pack_becomes_the_template_it_describes() -> None:
    template = read(topics=["Releases"])

    assert (template.key, template.generate_from) == ("acme_support_jira", "generic_jira")
    assert (template.record_count, template.record_count_range) == (200, (50, 1000))
    assert template.topics == ("Releases",)
    assert template.is_registered


def test_numbers_that_travelled_as_doubles_and_fields_in_another_order_are_the_same() -> None:
    backwards = dict(
        reversed(a_pack(record_count=200.0, record_count_range=[50.0, 1000.0]).items())
    )
    backwards["schema"] = {
        **backwards["schema"],
        "properties": dict(reversed(backwards["schema"]["properties"].items())),
    }

    assert TemplatePacks().read(backwards) == read()
    assert TemplatePacks().read(backwards).digest == read().digest


QUERIES = [{"query": f"q{n}", "expected_id": f"r{n}"} for n in range(10)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"industry": ""}, "pack.industry"),
        ({"use_case": " x"}, "pack.use_case"),
        ({"generate_from": ""}, "pack.generate_from"),
        ({"version": "1"}, "pack.version"),
        ({"version": "1.0.0-rc1"}, "pack.version"),
        ({"version": "01.0.0"}, "pack.version"),
        ({"colour": "blue"}, "pack.colour"),
        ({"template_id": "../x"}, "pack.template_id"),
        ({"dataset_type": "Jira"}, "pack"),
        ({"record_count_range": [0, 10]}, "pack.record_count_range.0"),
        ({"record_count": 5000}, "pack"),
        ({"content_mix": [{"name": "a", "percent": 90}]}, "pack.content_mix"),
        ({"object_types": [{"name": "a b", "category": "TICKETS"}]}, "pack.object_types.0.name"),
        ({"object_types": [{"name": "a", "category": "NONE"}]}, "pack.object_types.0.category"),
        ({"sample_queries": QUERIES[:9]}, "pack"),
        ({"quality_expectations": {"beauty": 1}}, "pack.quality_expectations.beauty"),
        ({"schema": {"type": "unheard"}}, "pack.schema"),
        ({"schema": {"$ref": "http://127.0.0.1/a.json"}}, "pack.schema"),
        ({"schema": {"pattern": "("}}, "pack.schema"),
        ({"schema": {"pattern": "^(((a{1,100}){1,100}){1,100})$"}}, "pack.schema"),
        ({"schema": laughs(40)}, "pack.schema"),
        ({"schema": True}, "pack.schema"),
        ({"name": "x" * (LARGEST_PACK_BYTES + 1)}, "pack"),
    ],
)
@pytest.mark.requirement("R30", "R64")
def test_a_pack_that_cannot_be_right_is_refused_by_field(
    change: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(**change)

    assert [each.field for each in refused.value.errors] == [field]


@pytest.mark.parametrize(
    "missing", ["generate_from", "schema", "template_id", "record_count_range"]
)
def test_a_pack_that_lacks_a_field_is_told_which(missing: str) -> None:
    pack = a_pack()
    del pack[missing]

    with pytest.raises(InvalidInput, match=missing):
        TemplatePacks().read(pack)


def test_more_queries_than_the_gate_wants_are_taken() -> None:
    assert len(read(sample_queries=QUERIES).sample_queries) == 10
