"""Secrets: resolved from their references at the last moment, shown to nobody."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from domain.errors import InvalidInput

_ENVIRONMENT = "secret://env/"
_FILE = "secret://file/"


def resolve(ref: str, environ: Mapping[str, str] = os.environ) -> str:
    """Give the secret behind `secret://env/NAME` or `secret://file/PATH`, without blanks around it.

    Raises:
        InvalidInput: it is no such reference, or there is nothing behind it. The text of what
            is no reference is not repeated: it may be the secret itself.
    """
    if ref.startswith(_ENVIRONMENT):
        name = ref.removeprefix(_ENVIRONMENT)
        return _present(environ.get(name, ""), f"The environment variable {name!r}")
    if ref.startswith(_FILE):
        return _from_file(ref.removeprefix(_FILE))
    raise InvalidInput(
        "A secret must be given as secret://env/NAME or secret://file/PATH, never as its value."
    )


def _from_file(path: str) -> str:
    try:
        content = Path(path).read_text("utf-8")
    except (OSError, ValueError) as unread:
        reason = unread.strerror if isinstance(unread, OSError) else "it is not UTF-8 text"
        raise InvalidInput(f"The secret file {path!r} cannot be read: {reason}.") from None
    return _present(content, f"The secret file {path!r}")


def _present(content: str, place: str) -> str:
    secret = content.strip()
    if not secret:
        raise InvalidInput(f"{place} holds no secret. Set it, or change the reference.")
    return secret
