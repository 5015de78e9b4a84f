"""Derived seeds: the same place the same data, every other place other data."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.journey import JourneyStage
from domain.recipe import SeedSource, derive_seed
from domain.state import Wish
from domain.template import ContentShare
from domain.work import ProvisionDataset
from tests.domain.driving import (
    order_of,
    provisioning,
)
from tests.domain.making import (
    a_template,
)

SOURCE = SeedSource("client", JourneyStage.SANDBOX, "confluence", 1)


@pytest.mark.requirement("R42")
def test_the_same_source_gives_the_same_seed() -> None:
    assert derive_seed(SOURCE, a_template()) == derive_seed(SOURCE, a_template())


@pytest.mark.requirement("R42")
@pytest.mark.parametrize(
    "other",
    [
        SeedSource("another", JourneyStage.SANDBOX, "confluence", 1),
        SeedSource("client", JourneyStage.PILOT, "confluence", 1),
        SeedSource("client", JourneyStage.SANDBOX, "github", 1),
        SeedSource("client", JourneyStage.SANDBOX, "confluence", 2),
    ],
)
def test_another_client_stage_type_or_generation_gives_another_seed(other: SeedSource) -> None:
    assert derive_seed(other, a_template()) != derive_seed(SOURCE, a_template())


@pytest.mark.requirement("R42")
def test_another_template_gives_another_seed() -> None:
    edited = a_template(content_mix=(ContentShare("Docs", 100),))

    assert derive_seed(SOURCE, edited) != derive_seed(SOURCE, a_template())


@pytest.mark.requirement("R42")
def test_the_seed_is_the_first_52_bits_of_a_sha_256() -> None:
    template = a_template()
    parts = f"client\x1fsandbox\x1fconfluence\x1f{template.digest}\x1f1"
    first_52_bits = sha256(parts.encode()).hexdigest()[:13]

    assert derive_seed(SOURCE, template) == int(first_52_bits, 16)


@given(st.text(), st.sampled_from(JourneyStage), st.integers(1, 10_000))
def test_a_seed_survives_any_json(origin: str, stage: JourneyStage, generation: int) -> None:
    seed = derive_seed(SeedSource(origin, stage, "confluence", generation), a_template())

    assert 0 <= seed < 2**52
    assert int(float(seed)) == seed


@pytest.mark.requirement("R42")
def test_a_callers_seed_takes_the_place_of_the_client() -> None:
    asked, usual = provisioning(wish=Wish(seed="2026")), provisioning()

    seeds = [order_of(each, ProvisionDataset).recipe.seed for each in (asked, usual)]

    assert seeds[0] != seeds[1]
    assert seeds[0] == derive_seed(
        SeedSource("2026", JourneyStage.SANDBOX, "confluence", 1), a_template()
    )


def test_a_successor_holds_other_data() -> None:
    first, second = provisioning(generation=1), provisioning(generation=2)

    seeds = {order_of(each, ProvisionDataset).recipe.seed for each in (first, second)}

    assert len(seeds) == 2
