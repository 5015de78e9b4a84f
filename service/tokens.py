"""The tokens file: who may call, one a line, by the digests of their tokens."""

from __future__ import annotations

import re

from domain.commands import Principal
from domain.errors import InvalidInput
from gateways.secrets import resolve

_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORDS = 3


def read_tokens(reference: str | None) -> dict[str, Principal]:
    """Read who may call: lines of `sha256-of-token tenant subject` behind a secret reference.

    Raises:
        InvalidInput: there is nothing behind the reference, or a line is none of these. Nothing
            of the line is repeated: it may hold a token.
    """
    if reference is None:
        return {}
    found: dict[str, Principal] = {}
    for number, line in enumerate(resolve(reference).splitlines(), 1):
        if line.strip():
            digest, principal = _read(line, number)
            if digest in found:
                raise _wrong(number, "has the digest of a line before it")
            found[digest] = principal
    return found


def _read(line: str, number: int) -> tuple[str, Principal]:
    words = line.split()
    if len(words) != _WORDS:
        raise _wrong(number, f"has {len(words)} of {_WORDS} words")
    digest, tenant, subject = words[0].lower(), words[1], words[2]
    if not _DIGEST.fullmatch(digest):
        raise _wrong(number, "does not begin with a SHA-256 in 64 hexadecimal digits")
    return digest, Principal(tenant, subject)


def _wrong(number: int, what: str) -> InvalidInput:
    return InvalidInput(
        f"Line {number} of what DATAOPS_AUTH_TOKENS leads to {what}. Each line is the SHA-256 of a "
        "token, a tenant and a subject; docs/settings.md shows how to make one."
    )
