"""Examples: one call of each skill that runs as it stands, the one its card shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.record import JsonObject


def example_of(skill: str) -> JsonObject:
    """Give a skill's worked example."""
    return {"skill": skill, **_EXAMPLES[skill]}


_ACME = {
    "journey_id": "journey-acme-2026",
    "client_id": "acme-healthcare",
    "stage": "sandbox",
}
_TYPES = {**_ACME, "dataset_types": ["confluence", "github"]}
_WANTED = {
    "industry": "healthcare",
    "use_case": "developer_productivity",
    "dataset_type": "confluence",
}
_TEMPLATE = {"template_id": "healthcare_developer_productivity_confluence"}
_DATASET = {"dataset_id": "ACME-sandbox-confluence"}

_EXAMPLES: dict[str, JsonObject] = {
    "provision-datasets": _TYPES,
    "plan-datasets": _TYPES,
    "transition-stage": {"journey_id": "journey-acme-2026", "to_stage": "pilot"},
    "complete-journey": {"journey_id": "journey-acme-2026"},
    "resolve-approval": {
        "approval_id": "ACME-sandbox-confluence",
        "approve": True,
        "comment": "Nobody searches it any more.",
    },
    "dataset-status": _DATASET,
    "list-datasets": {"client_id": "acme-healthcare", "page_size": 20},
    "list-templates": {"industry": "healthcare"},
    "describe-template": _TEMPLATE,
    "preview-template": {**_TEMPLATE, "record_count": 3},
    "select-template": _WANTED,
    "provision-dataset": {**_ACME, "dataset_type": "zendesk"},
    "configure-connector": {**_ACME, "stage": "pilot", "dataset_type": "github"},
    "validate-dataset": _DATASET,
    "check-connector": _DATASET,
    "quality-report": _DATASET,
    "teardown-dataset": {**_DATASET, "reason": "manual_request"},
    "restore-dataset": _DATASET,
    "cleanup-orphans": {"dry_run": True},
    "verify-archive": _DATASET,
}
