"""Dossiers: what is kept of a dataset when the dataset itself is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.dossiers import gather_dossier
from tests.builders import TENANT, a_template, find_template
from tests.builders import a_dataset as a_new_dataset
from tests.running import JIRA, SMALL, RunningService, running

if TYPE_CHECKING:
    from pathlib import Path

    from domain.dataset import Dataset

COORDINATOR = "lifecycle-coordinator"


async def made(service: RunningService) -> Dataset:
    """A dataset that has become READY."""
    await service.call(COORDINATOR, SMALL)
    registry = service.service.registry
    return await registry.dataset(TENANT, await registry.dataset_id_of(TENANT, JIRA))


async def test_a_dossier_holds_all_events_of_a_usual_life(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        dataset = await made(service)

        dossier = await gather_dossier(service.service.registry, dataset)

        names = [each["name"] for each in dossier.events]
        assert (names[0], names[-1]) == ("DatasetProvisioningStarted", "DatasetReady")
        assert dossier.events_left_out == 0


async def test_a_dossier_of_too_long_a_life_keeps_the_newest_events(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        dataset = await made(service)
        whole = await gather_dossier(service.service.registry, dataset)

        short = await gather_dossier(service.service.registry, dataset, most_events=3)

        assert short.events == whole.events[-3:]
        assert short.events_left_out == len(whole.events) - 3


async def test_a_dossier_holds_the_whole_configuration(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        dataset = a_new_dataset()
        find_template(dataset)

        kept = (await gather_dossier(service.service.registry, dataset)).configuration

        template = a_template()
        connector = kept["connector"]
        assert connector["datasource_config"]["url"] == template.datasource_url
        assert connector["datasource_config"]["crawl_settings"] == template.crawl_settings
        assert connector["filters"]["exclude_patterns"] == template.exclude_patterns
        assert connector["filters"]["max_documents"] == template.max_documents
        assert connector["object_types"] == [{"name": "Page", "category": "KNOWLEDGE_HUB"}]
        assert connector["home_url"].endswith(str(dataset.place.dataset_id))
        assert kept["quality_policy"]["checks"]["completeness"]["pass_threshold"] == 0.96
        assert kept["template_version"] == template.version
