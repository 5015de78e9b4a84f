"""The disk: what is written there is still there when the power fails the moment after."""

from __future__ import annotations

import os
from pathlib import Path


def make_folder(folder: Path, root: Path) -> None:
    """Make a folder inside `root`, with `root` itself where need be, so that it stays.

    The entries of all folders inside are written down, whoever made them: who did may have died
    before.
    """
    path = (folder, *folder.parents)
    unsure = [each for each in path if root in each.parents or not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in unsure:
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Write a folder's entries down: a file that was made, renamed or removed stays so."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
