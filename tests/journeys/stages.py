"""Stages beyond the sandbox: what pilots and productions are made of where a journey moves on."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from agents import registration
from service.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

READER = "dataops@example.com"
"""Who may read a production's records: the test user."""


def later_stages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Give the settings with which datasets of later stages are made.

    They are read from a folder of the client's own records; a service that has no such setting
    makes them up as it does for the sandbox.
    """
    if "source" not in Settings.model_fields:
        monkeypatch.setattr(registration, "require_plannable", lambda _: None)
        return {}
    sources: Any = import_module("tests.sources")
    monkeypatch.setenv("MASKING_KEY", sources.MASKING_SECRET)
    made = [{**each, "allowed_users": [READER]} for each in sources.client_records("github")]
    sources.write_source(folder / "source", made, dataset_type="github")
    return {"source": f"folder:{folder / 'source'}", "masking_key": "secret://env/MASKING_KEY"}
