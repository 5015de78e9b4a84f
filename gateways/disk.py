"""The disk: what is written stays when the power fails, and what is read is the file that was meant."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

UNFINISHED = ".unfinished-"
"""What begins the name of a file that is being written."""


def open_plain(path: Path) -> BinaryIO | None:
    """Open a plain file for reading, following no link and waiting for nobody; None for any other.

    Raises:
        OSError: it is not there, is a link, or may not be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with ExitStack() as stack:
        stack.callback(os.close, descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        file = open(descriptor, "rb")  # noqa: PTH123, SIM115 - a descriptor has no path; callers close it
        stack.pop_all()
    return file


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


@contextmanager
def written_beside(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """Give a file beside `path` that holds the content durably, to be put there whole.

    It goes afterwards, if it is still there.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as unfinished:
            unfinished.write(content)
            unfinished.flush()
            os.fchmod(unfinished.fileno(), mode)
            os.fsync(unfinished.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
