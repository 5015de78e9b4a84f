"""Descriptions: templates and connector configurations as they are shown, in plain JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.connector import ConnectorConfiguration
    from domain.documents import ConnectorDocument, ObjectTypeDocument, TemplateSummaryDocument
    from domain.template import DatasetTemplate, ObjectType


def describe_template(template: DatasetTemplate) -> TemplateSummaryDocument:
    """Describe a template in a few fields."""
    low, high = template.record_count_range
    return {
        "template_id": template.key,
        "name": template.name,
        "industry": template.industry,
        "use_case": template.use_case,
        "dataset_type": template.dataset_type,
        "version": template.version,
        "digest": template.digest,
        "record_count": template.record_count,
        "record_count_range": [low, high],
        "content_mix": [
            {"name": each.name, "percent": each.percent} for each in template.content_mix
        ],
        "topics": list(template.topics),
        "languages": list(template.languages),
        "industries": list(template.industries),
        "origin": template.origin.value,
        "generate_from": template.generate_from or None,
    }


def describe_connector(made: ConnectorConfiguration, template_id: str) -> ConnectorDocument:
    """Describe a configuration; the ids of a dataset that is not there are left out."""
    source = made.datasource_config
    return {
        "connector_id": str(made.connector_id),
        "connector_name": made.connector_name,
        "datasource": made.datasource,
        "generation": made.generation,
        "category": made.category,
        "object_types": object_types(made.object_types),
        "is_test": made.is_test,
        "datasource_config": {
            "type": source.type,
            "url": source.url,
            "crawl_settings": source.crawl_settings,
            "sync_schedule": source.sync_schedule.value,
        },
        "authentication": {
            "type": made.authentication.type.value,
            "credentials": made.authentication.credentials,
        },
        "filters": {
            "include_patterns": made.filters.include_patterns,
            "exclude_patterns": made.filters.exclude_patterns,
            "max_documents": made.filters.max_documents,
        },
        "permissions": made.permissions.value,
        "status": made.status,
        "template_id": template_id,
    }


def object_types(types: Sequence[ObjectType]) -> list[ObjectTypeDocument]:
    """Describe kinds of objects."""
    return [{"name": each.name, "category": each.category} for each in types]
