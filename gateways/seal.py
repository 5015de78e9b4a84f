"""The seal: what callers entrust to us lies closed in the database, and opens with one key."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken

from domain.errors import InvalidInput
from gateways.disk import UNFINISHED, sync_folder, written_beside

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class FernetSeal:
    """Closes with authenticated encryption; the key is looked up when it is first needed."""

    def __init__(self, key: Callable[[], str]) -> None:
        """Take any secret text for a key."""
        self._key = key

    def close(self, content: bytes, /) -> bytes:
        """Close some content."""
        return self._fernet.encrypt(content)

    def open(self, sealed: bytes, /) -> bytes:
        """Open it again. Raises InvalidInput where it was closed with another key."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise InvalidInput(
                "What a caller entrusted to us was closed with another key. Set DATAOPS_PUSH_KEY as "
                "it was, or have the caller configure it again."
            ) from error

    @cached_property
    def _fernet(self) -> Fernet:
        digest = hashlib.sha256(self._key().encode()).digest()
        return Fernet(base64.urlsafe_b64encode(digest))


def kept_key(file: Path) -> str:
    """Give the key in a file that only we can read; the first who asks makes it, whole.

    Raises InvalidInput where the file is empty: it would be a key that everybody knows.
    """
    if not file.exists():
        _make(file)
    key = file.read_text(encoding="utf-8")
    if not key:
        raise InvalidInput(
            f"The key in {file} is empty. Put back what it held, or remove the file; then there is a "
            "new key, and callers configure their push notifications again."
        )
    _sweep(file.parent)
    return key


def _make(file: Path) -> None:
    key = secrets.token_urlsafe(32).encode()
    # Where another has made one, it has swept ours away or will not take it.
    with written_beside(file, key, 0o600) as made, suppress(FileExistsError, FileNotFoundError):
        os.link(made, file)
    sync_folder(file.parent)


def _sweep(folder: Path) -> None:
    """Remove what somebody who was killed had begun: it holds a key, and the key is there."""
    for each in folder.glob(f"{UNFINISHED}*"):
        each.unlink(missing_ok=True)
