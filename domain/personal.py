"""Personal data: how it is recognised in a text, whatever the field is called."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MASKED_MAIL = "masked.example"
"""The domain of every e-mail address that is made up: nobody can ever have it (RFC 2606)."""

MASKED_DIALLING_CODE = "+999"
"""What every phone number that is made up begins with: no country has it."""

MASKED_NETWORK = IPv4Network("240.0.0.0/4")
"""Where every address of version 4 that is made up lies: no host has one of it (RFC 1112)."""

MASKED_NETWORK_6 = IPv6Network("2001:db8::/32")
"""Where every address of version 6 that is made up lies: it serves documents (RFC 3849)."""


class PersonalKind(StrEnum):
    """What personal data there is; no value holds a digit, a blank or a capital."""

    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    NATIONAL_ID = "nationalid"
    CARD = "card"
    IBAN = "iban"
    IP_ADDRESS = "ipaddress"
    MEDICAL_RECORD = "medicalrecord"
    BIRTH_DATE = "birthdate"


@dataclass(frozen=True, slots=True)
class Finding:
    """Where in a text personal data stands: characters `start` up to, without, `end`."""

    kind: PersonalKind
    start: int
    end: int


def plain(text: str) -> str:
    """Write a text without disguise: compatible characters as one, invisible ones left out."""
    if text.isascii():
        return text
    normal = unicodedata.normalize("NFKC", text)
    return "".join(each for each in normal if unicodedata.category(each) != "Cf")


def find_personal(text: str) -> list[Finding]:
    """Find all personal data in a plain text but for names, first to last, none overlapping."""
    has_number = _NUMBER.search(text) is not None
    looks = (_LOOKS + _LOOKS_AT_NUMBERS) if has_number else _LOOKS
    return parted(each for look in looks for each in look(text))


def parted(findings: Iterable[Finding]) -> list[Finding]:
    """Put findings in order; two that overlap become one, of the kind of the first."""
    kept: list[Finding] = []
    for each in sorted(findings, key=lambda each: (each.start, -each.end)):
        if kept and each.start < kept[-1].end:
            last = kept.pop()
            kept.append(Finding(last.kind, last.start, max(last.end, each.end)))
        else:
            kept.append(each)
    return kept


_NUMBER = re.compile(r"\d(?:[ ().+/-]{0,2}\d){5}")
"""Six digits close together: without them there is no phone number, card or most national ids."""

_MAIL = re.compile(r"[\w.%+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_PHONE = re.compile(
    r"(?<![\w+])\+[1-9](?:[ ().-]{0,2}\d){7,14}(?!\d)"
    r"|(?<![\w.-])(?<!\d )(?:"
    r"00[1-9](?:[ ().-]{0,2}\d){7,14}(?!\d)"
    r"|\(?[2-9]\d{2}\)?[ .-]{1,2}\d{3}[ .-]\d{4}(?![\w-])"
    r"|0[1-9]([ .-])\d{2}(?:\1\d{2}){3}(?![\w-])"
    r"|\(?0[1-9]\d{1,3}\)?[ /-]{1,2}\d{2,4}(?:[ -]?\d{2,4}){1,4}(?![\w-]))"
)
_LEAST_PHONE_DIGITS = 8
_CARD = re.compile(r"(?<!\d)(?=([2-6](?:[ -]?\d){12,18}(?!\d)))")
_CARD_DIGITS = 13
_IBAN = re.compile(r"(?<![A-Za-z0-9])(?=([A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}))")
_IBAN_SIGNS = 15
_DOTTED = re.compile(r"\d\.\d")
_IP_4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d]|\.\d)")
_IP_6 = re.compile(r"(?<![\w:])[0-9A-Fa-f:]{3,39}(?![\w:])")
_ITALIAN = re.compile(r"\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b")
_MEDICAL_RECORD = re.compile(
    r"\b(?:MRN|medical record (?:no\.?|number|id)|patient (?:id|no\.?|number))"
    r"[\s:#=.-]{0,4}([A-Z]{0,3}-?\d{4,12})(?!\w)",
    re.IGNORECASE,
)


def _mails(text: str) -> Iterator[Finding]:
    for found in _MAIL.finditer(text) if "@" in text else ():
        if not found[0].lower().endswith(f"@{MASKED_MAIL}"):
            yield Finding(PersonalKind.EMAIL, *found.span())


def _phones(text: str) -> Iterator[Finding]:
    for found in _PHONE.finditer(text):
        is_long = sum(each.isdigit() for each in found[0]) >= _LEAST_PHONE_DIGITS
        if is_long and not found[0].startswith(MASKED_DIALLING_CODE):
            yield Finding(PersonalKind.PHONE, *found.span())


def _cards(text: str) -> Iterator[Finding]:
    for found in _CARD.finditer(text):
        if length := _longest(found[1], _CARD_DIGITS, _is_card):
            yield Finding(PersonalKind.CARD, found.start(1), found.start(1) + length)


def _ibans(text: str) -> Iterator[Finding]:
    for found in _IBAN.finditer(text):
        if length := _longest(found[1], _IBAN_SIGNS, _is_iban):
            yield Finding(PersonalKind.IBAN, found.start(1), found.start(1) + length)


def _addresses(text: str) -> Iterator[Finding]:
    of_four = _IP_4.finditer(text) if _DOTTED.search(text) else ()
    of_six = _IP_6.finditer(text) if ":" in text else ()
    for found in (*of_four, *of_six):
        if _is_somebodys_address(found[0]):
            yield Finding(PersonalKind.IP_ADDRESS, *found.span())


def _italian_ids(text: str) -> Iterator[Finding]:
    for found in _ITALIAN.finditer(text):
        yield Finding(PersonalKind.NATIONAL_ID, *found.span())


def _national_ids(text: str) -> Iterator[Finding]:
    for pattern, holds in _NATIONAL_IDS:
        for found in pattern.finditer(text):
            if holds(found[0]):
                yield Finding(PersonalKind.NATIONAL_ID, *found.span())


def _medical_records(text: str) -> Iterator[Finding]:
    for found in _MEDICAL_RECORD.finditer(text):
        yield Finding(PersonalKind.MEDICAL_RECORD, *found.span(1))


_LOOKS: tuple[Callable[[str], Iterator[Finding]], ...] = (
    _mails,
    _ibans,
    _italian_ids,
    _medical_records,
    _addresses,
)

_LOOKS_AT_NUMBERS = (_national_ids, _cards, _phones)


def _longest(candidate: str, least: int, holds: Callable[[str], bool]) -> int:
    """Tell how long the longest beginning is that holds and ends where a word does; 0 for none."""
    for length in range(len(candidate), least - 1, -1):
        ends = length == len(candidate) or not candidate[length].isalnum()
        if ends and candidate[length - 1].isalnum() and holds(candidate[:length]):
            return length
    return 0


def _is_card(candidate: str) -> bool:
    digits = [int(each) for each in candidate if each.isdigit()]
    return len(digits) >= _CARD_DIGITS and _luhn(digits)


def _luhn(digits: list[int]) -> bool:
    doubled = (sum(divmod(2 * each, 10)) for each in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(candidate: str) -> bool:
    signs = candidate.replace(" ", "")
    turned = "".join(str(int(each, 36)) for each in signs[4:] + signs[:4])
    return len(signs) >= _IBAN_SIGNS and int(turned) % 97 == 1


def _is_somebodys_address(candidate: str) -> bool:
    """Whether it is an address that a host may have; this host's own tells of nobody."""
    try:
        address = IPv6Address(candidate) if ":" in candidate else IPv4Address(candidate)
    except AddressValueError:
        return False
    network = MASKED_NETWORK if isinstance(address, IPv4Address) else MASKED_NETWORK_6
    return not (address.is_loopback or address.is_unspecified or address in network)


def _is_spanish(candidate: str) -> bool:
    number = candidate[:-1].translate(str.maketrans("XYZ", "012"))
    return candidate[-1] == "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]


def _is_french(candidate: str) -> bool:
    digits = "".join(each for each in candidate if each.isdigit())
    return 97 - int(digits[:-2]) % 97 == int(digits[-2:])


def _is_swedish(candidate: str) -> bool:
    return _luhn([int(each) for each in candidate if each.isdigit()])


def _any(candidate: str) -> bool:
    return bool(candidate)


_NATIONAL_IDS: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"), _any),
    (re.compile(r"\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z]{2}(?: ?\d{2}){3} ?[A-D]\b"), _any),
    (re.compile(r"\b(?:\d{8}|[XYZ]\d{7})[A-Z]\b"), _is_spanish),
    (re.compile(r"(?<!\d)[12] ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3} ?\d{2}(?!\d)"), _is_french),
    (re.compile(r"(?<![\d-])\d{6}[-+]\d{4}(?![\d-])"), _is_swedish),
    (re.compile(r"(?<!\d)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)"), _any),
)
"""National ids of the USA, the UK, Spain, France, Sweden and Brazil, by form and check."""
