"""Keys of archives: the same in every archive, and none leads anywhere else."""

from __future__ import annotations

import re

from domain.errors import SupplierRefused

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")


def is_key(text: str) -> bool:
    """Whether these are names with slashes between them, none of which could lead elsewhere."""
    return all(_PART.fullmatch(each) for each in text.split("/"))


def parts_of(key: str) -> list[str]:
    """Give the names a key is made of. Raises SupplierRefused where one could lead elsewhere."""
    if not is_key(key):
        raise SupplierRefused(
            f"{key!r} is no key of an archive: it must be names of letters, digits, dots, "
            "hyphens and underscores with slashes between them."
        )
    return key.split("/")
