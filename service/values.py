"""The kinds of values that settings have; what is wrong with one is told without repeating it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from domain.journey import JourneyStage
from service.addresses import is_web_address

FOLDER = "folder:"
"""What begins the place of an archive that lies in a folder."""

DRIVERS = ("sqlite+aiosqlite", "postgresql+psycopg")
"""The databases there are, as addresses begin."""

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_LONGEST = timedelta(days=36525)
_UNITS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)")
_REFERENCE = re.compile(r"secret://(env|file)/.+")


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("setting", "{told}", {"told": message})


def _duration(value: Any, then: ValidatorFunctionWrapHandler) -> Any:
    """Take `24h`, `90d`, `500ms` and plain seconds beside ISO 8601."""
    if isinstance(value, str) and (found := _LENGTH.fullmatch(value.strip())):
        value = float(found[1]) * _UNITS[found[2]]
    try:
        return then(value)
    except ValidationError:
        told = "Write a length of time as 24h, 90d, 500ms, PT1H or in seconds"
        raise _wrong(told) from None


def _within(value: timedelta, *, least: timedelta) -> timedelta:
    if not least <= value <= _LONGEST:
        raise _wrong(f"It must be {least.total_seconds():g} s to {_LONGEST.days} d long")
    return value


def _several(value: Any) -> Any:
    """Take `5s,20s,80s`; nothing at all means none."""
    if isinstance(value, str):
        return [each.strip() for each in value.split(",") if each.strip()]
    return value


def _level(value: str) -> str:
    if value.upper() not in LEVELS:
        raise _wrong(f"It must be one of {', '.join(LEVELS)}")
    return value.upper()


def _askable(value: str) -> str:
    if not is_web_address(value):
        raise _wrong("Write an address as http://HOST or https://HOST, with :PORT where it has one")
    return value


def _reference(value: str) -> str:
    if not _REFERENCE.fullmatch(value):
        told = "Write secret://env/NAME or secret://file/PATH, never the secret itself"
        raise _wrong(told)
    return value


def _database(value: str) -> str:
    try:
        is_known = make_url(value).drivername in DRIVERS
    except (ArgumentError, ValueError):
        is_known = False
    if not is_known:
        told = "Write sqlite+aiosqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE"
        raise _wrong(told)
    return value


def _schedule(value: str) -> str:
    try:
        CronSim(value, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError:
        told = "Write a cron expression of five fields, as 0 2 * * * for every night at two"
        raise _wrong(told) from None
    return value


def _folder(value: str) -> str:
    if not value.removeprefix(FOLDER) or not value.startswith(FOLDER):
        raise _wrong("Write folder:PATH; nothing else is supported yet")
    return value


Duration = Annotated[
    timedelta, WrapValidator(_duration), AfterValidator(partial(_within, least=timedelta(0)))
]
"""A length of time, from nothing to a hundred years."""

Interval = Annotated[Duration, AfterValidator(partial(_within, least=timedelta(seconds=1)))]
"""A length of time that leaves time for something else: a second at least."""

Durations = Annotated[tuple[Duration, ...], NoDecode, BeforeValidator(_several)]
CronExpression = Annotated[str, AfterValidator(_schedule)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_several)]
Stages = Annotated[tuple[JourneyStage, ...], NoDecode, BeforeValidator(_several)]
LogLevel = Annotated[str, AfterValidator(_level)]
WebAddress = Annotated[str, AfterValidator(_askable)]
DatabaseAddress = Annotated[str, AfterValidator(_database)]
ArchivePlace = Annotated[str, AfterValidator(_folder)]
SecretReference = Annotated[str, AfterValidator(_reference)]
"""Where a secret is, never the secret."""
