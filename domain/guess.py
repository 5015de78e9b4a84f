"""Guesses at the form of a text: only what every validator of JSON Schema would agree to."""

from __future__ import annotations

import re
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 2048
_LONGEST_MAILBOX = 64
_LONGEST_ADDRESS = 254

_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?"
_HOST = r"(?![A-Za-z0-9-]{2}--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
"""A part of a host's name; two hyphens after two characters are kept for encoded names (RFC 5891)."""

_PATH = r"[A-Za-z0-9._~!$&'()*+,;=:@/-]"

FORMATS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "date-time": re.compile(
            rf"\d{{4}}-\d\d-\d\dT{_TIME}(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
        ),
        "date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
        "uuid": re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
        "email": re.compile(rf"[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*@{_HOST}(?:\.{_HOST})+"),
        "uri": re.compile(
            rf"https?://{_HOST}(?:\.{_HOST})*(?::\d{{1,4}})?(?:/{_PATH}*)?(?:\?{_PATH}*)?", re.ASCII
        ),
    }
)
"""The forms that are looked for, each told apart from all others by its pattern."""

_EXACTLY = {"date-time": datetime.fromisoformat, "date": date.fromisoformat}


def fits(name: str, text: str) -> bool:
    """Tell whether a text has a form; a doubtful one has not."""
    if len(text) > _LONGEST or FORMATS[name].fullmatch(text) is None:
        return False
    if name == "email":
        return text.index("@") <= _LONGEST_MAILBOX and len(text) <= _LONGEST_ADDRESS
    return name not in _EXACTLY or _is_read(name, text)


def _is_read(name: str, text: str) -> bool:
    try:
        _EXACTLY[name](text)
    except ValueError:
        return False
    return True
