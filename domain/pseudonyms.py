"""Pseudonyms: what stands for personal data, the same for the same under one key, and no way back."""

from __future__ import annotations

import hmac
from datetime import date, datetime, timedelta
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from domain.errors import InvalidInput
from domain.personal import (
    MASKED_DIALLING_CODE,
    MASKED_MAIL,
    MASKED_NETWORK,
    MASKED_NETWORK_6,
    PersonalKind,
)

if TYPE_CHECKING:
    from uuid import UUID

LEAST_SECRET = 16
"""A secret of fewer characters could be guessed, and with it every pseudonym."""

_LETTERS = "abcdefghjkmnpqrs"
"""Sixteen letters and no digit, so that nothing made of them looks like a number of anybody's."""

_DAYS = 365


def key_for(secret: str, tenant: str, client_id: UUID) -> bytes:
    """Derive the 32 bytes of a client's own key: no two clients share a pseudonym.

    Raises:
        InvalidInput: the secret is too short to keep anything.
    """
    if len(secret) < LEAST_SECRET:
        raise InvalidInput(
            f"The masking key has {len(secret)} characters, fewer than {LEAST_SECRET}, and could be "
            "guessed. Set a longer one, made by chance."
        )
    return _digest(secret.encode(), f"{tenant}\x1f{client_id}")


class Pseudonyms:
    """One client's pseudonyms."""

    def __init__(self, key: bytes) -> None:
        """Derive them under this key of 32 bytes."""
        self._key = key

    @property
    def fingerprint(self) -> str:
        """Which key it is, as 64 hexadecimal digits that tell nothing of it."""
        return _digest(self._key, "fingerprint").hex()

    def hashed(self, text: str) -> str:
        """Give 24 letters for a text, in whatever field it stands: links stay links."""
        return self._word("hash", text, 24)

    def of(self, kind: PersonalKind | None, text: str) -> str:
        """Give what stands for a text of a kind, in the form of that kind where it has one."""
        same = _same(kind, text)
        match kind:
            case PersonalKind.EMAIL:
                return f"{self._word(kind, same, 12)}@{MASKED_MAIL}"
            case PersonalKind.NAME:
                return f"Person {self._word(kind, same, 8).capitalize()}"
            case PersonalKind.PHONE:
                return f"{MASKED_DIALLING_CODE}{self._number(kind, same) % 10**11:011d}"
            case PersonalKind.IP_ADDRESS:
                return self._address(same)
            case _:
                return f"{kind or 'value'}{self._word(str(kind), same, 16)}"

    def shifted(self, text: str) -> str | None:
        """Move a date, or a date and time, to an earlier day; None where it is neither.

        All of a client's are moved by the same 1 to 365 days, so that what lies between two stays.
        """
        days = timedelta(days=1 + self._number("date", "") % _DAYS)
        try:
            if len(text) <= len("2026-03-02"):
                return (date.fromisoformat(text) - days).isoformat()
            moved = (datetime.fromisoformat(text) - days).isoformat()
        except (ValueError, OverflowError):
            return None
        return moved.removesuffix("+00:00") + "Z" if text.endswith(("Z", "z")) else moved

    def shifted_seconds(self, seconds: float) -> float:
        """Move a time in seconds since the epoch by the same days."""
        return seconds - (1 + self._number("date", "") % _DAYS) * 86400

    def _address(self, text: str) -> str:
        number = self._number(PersonalKind.IP_ADDRESS, text)
        if ":" in text:
            base, room = int(MASKED_NETWORK_6.network_address), MASKED_NETWORK_6.num_addresses
            return str(IPv6Address(base + number % room))
        base, room = int(MASKED_NETWORK.network_address), MASKED_NETWORK.num_addresses
        return str(IPv4Address(base + number % room))

    def _word(self, kind: str, text: str, length: int) -> str:
        digits = _digest(self._key, f"{kind}\x1f{text}").hex()[:length]
        return "".join(_LETTERS[int(each, 16)] for each in digits)

    def _number(self, kind: str, text: str) -> int:
        return int.from_bytes(_digest(self._key, f"{kind}\x1f{text}"), "big")


def _same(kind: PersonalKind | None, text: str) -> str:
    """Write a text as all spellings of the same are written: one person, one pseudonym."""
    match kind:
        case PersonalKind.EMAIL:
            return text.casefold()
        case PersonalKind.NAME:
            return " ".join(text.casefold().split())
        case PersonalKind.PHONE:
            return "".join(each for each in text if each.isdigit() or each == "+")
        case PersonalKind.CARD | PersonalKind.IBAN | PersonalKind.NATIONAL_ID:
            return "".join(each for each in text.casefold() if each.isalnum())
        case _:
            return text


def _digest(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), sha256).digest()
