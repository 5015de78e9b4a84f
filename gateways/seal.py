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
    """Give the key in a file that only we can read; the first who asks makes it."""
    with suppress(FileExistsError):
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w", encoding="utf-8") as opened:
            opened.write(secrets.token_urlsafe(32))
    return file.read_text(encoding="utf-8")
