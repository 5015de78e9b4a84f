"""A client's own records for tests: planted with personal data of people who do not exist."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gateways.local.mock_data.records import records
from gateways.local.mock_data.templates import all_templates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MASKING_SECRET = "sixteen letters at least"

CANARIES = {
    "email": "zelda.quackenbush@acme-hospital.test",
    "name": "Zelda Quackenbush",
    "phone": "+49 30 901820 77",
    "card": "4539 1488 0343 6467",
    "iban": "DE89 3704 0044 0532 0130 00",
    "nationalid": "536-22-1234",
    "ipaddress": "203.0.113.77",
    "medicalrecord": "MRN: 8675309",
}
"""What is planted, by its kind; none of it may ever be seen outside the source."""

TRACES = ("quackenbush", "zelda", "901820", "4539 1488", "0532 0130", "536-22-1234", "203.0.113.77",
          "8675309", "acme-hospital")  # fmt: skip
"""What would give a canary away, in small letters."""


def client_records(dataset_type: str = "confluence", count: int = 40) -> list[dict[str, Any]]:
    """Make a client's records after the template of a type, each with one of the canaries."""
    template = all_templates()[f"healthcare_developer_productivity_{dataset_type}"]
    made: list[dict[str, Any]] = [dict(each) for each in records(template, 7, 0, count)]
    for number, record in enumerate(made):
        canary = list(CANARIES.values())[number % len(CANARIES)]
        record["body"] += f" Ask {canary}, please."
        if number % 4 == 1:
            record["title"] += f" by {CANARIES['name']}"
            record["author"] = CANARIES["email"]
    return made


def write_source(
    root: Path,
    made: Sequence[dict[str, Any]],
    client: str = "acme-healthcare",
    dataset_type: str = "confluence",
) -> Path:
    """Write a client's records where a folder source looks for them."""
    path = root / client / f"{dataset_type}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in made))
    return path
