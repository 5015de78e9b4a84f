"""Segments: a name from outside stays one step of a path, whatever signs it holds."""

from __future__ import annotations

from urllib.parse import quote

from domain.errors import InvalidInput


def segment(what: str, name: str) -> str:
    """Write a name as one segment of a URL's path; `what` is what a refusal calls it.

    Raises:
        InvalidInput: it is empty or dots alone, which lead elsewhere however they are written.
    """
    if not name.strip("."):
        raise InvalidInput(
            f"The {what} {name!r} cannot be a part of a path. Use letters or digits in it."
        )
    return quote(name, safe="")
