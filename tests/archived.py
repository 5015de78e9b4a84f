"""What a folder keeps of ended datasets, looked at past the service.

The checkpoints of the audit trail lie beside them, in folders one deeper, and may come with any half
hour of the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def archives_in(data: Path) -> list[Path]:
    """Find the archives that can be read; what a dead process had only begun is none."""
    return list((data / "archive").glob("*/[!.]*.json"))


def locks_in(data: Path) -> list[Path]:
    """Find how long each archive is kept."""
    return list((data / "archive").glob("*/.*.lock"))
