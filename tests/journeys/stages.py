"""Stages beyond the sandbox: what pilots and productions are made of where a journey moves on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sources import MASKING_SECRET, client_records, write_source

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

READER = "dataops@example.com"
"""Who may read a production's records: the test user."""


def later_stages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give the settings with which datasets of later stages are made: a folder of the client's own."""
    monkeypatch.setenv("MASKING_KEY", MASKING_SECRET)
    made = [{**each, "allowed_users": [READER]} for each in client_records("github")]
    write_source(folder / "source", made, dataset_type="github")
    return {"source": f"folder:{folder / 'source'}", "masking_key": "secret://env/MASKING_KEY"}
