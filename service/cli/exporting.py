"""Exports: archives as files anybody can check, with a manifest that says what each is."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from domain.record import canonical_json
from service.cli.ending import ExitCode, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FORMAT = "dataops-export/1"
"""The manifest's format."""

MANIFEST, SUMS = "manifest.json", "SHA256SUMS"

_PARTS = ("configuration", "quality_history", "usage", "events")
_TOLD = (
    "dataset_id",
    "connector_name",
    "client_ref",
    "journey_ref",
    "stage",
    "dataset_type",
    "generation",
    "location",
    "archived_at",
    "kept_until",
)


def write_export(
    folder: Path, archives: Iterable[tuple[Mapping[str, Any], bytes]]
) -> dict[str, Any]:
    """Write archives, the manifest and a list for `sha256sum -c` into a folder of their own.

    Raises:
        Stopped: the folder holds something, or bytes came that are not the archive's.
    """
    checked = [(_entry(shown, content), content) for shown, content in archives]
    manifest = {"format": FORMAT, "archives": [entry for entry, _ in checked]}
    _make(folder)
    for entry, content in checked:
        (folder / entry["file"]).write_bytes(content)
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, "utf-8")
    sums = "".join(f"{entry['sha256']}  {entry['file']}\n" for entry, _ in checked)
    (folder / SUMS).write_text(sums, "utf-8")
    return manifest


def _entry(shown: Mapping[str, Any], content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    if digest != shown["sha256"]:
        what = f"The archive of {shown['connector_name']} did not arrive as it was written."
        why = f"Its SHA-256 is {digest}, not {shown['sha256']}."
        raise Stopped(ExitCode.FAILED, what, why, f"dataops archive verify {shown['dataset_id']}")
    return {
        "file": f"{shown['dataset_id']}.json",
        "sha256": digest,
        "size_bytes": len(content),
        **{name: shown[name] for name in _TOLD},
        "parts": _parts(content),
    }


def _parts(content: bytes) -> dict[str, dict[str, Any]]:
    """Give each part's own digest, of its canonical JSON, and how many entries it has."""
    dossier = json.loads(content)
    return {
        name: {
            "sha256": hashlib.sha256(canonical_json(dossier[name])).hexdigest(),
            "entries": len(dossier[name]),
        }
        for name in _PARTS
        if name in dossier
    }


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        what = f"{folder} cannot be written to."
        raise Stopped(ExitCode.FAILED, what, str(error), "--to another folder") from error
    if not is_empty:
        what = f"{folder} holds something already, and an export has a folder of its own."
        raise Stopped(ExitCode.USAGE, what, next_step="--to a folder that is not there yet")
