"""The settings: one frozen object, read once; flag, then environment, then file, then default."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from domain.rules import LifecycleRules

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def _duration(value: Any) -> Any:
    """Take `24h`, `90d`, `500ms` beside ISO 8601 and seconds."""
    if isinstance(value, str) and (found := _LENGTH.fullmatch(value.strip())):
        return timedelta(seconds=float(found[1]) * _UNITS[found[2]])
    return value


def _several(value: Any) -> Any:
    """Take `5s,20s,80s`; nothing at all means none."""
    if isinstance(value, str):
        return [each.strip() for each in value.split(",") if each.strip()]
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration), Field(ge=timedelta(0))]
Durations = Annotated[tuple[Duration, ...], NoDecode, BeforeValidator(_several)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_several)]


class Settings(BaseSettings):
    """All that can be set; every name is prefixed `DATAOPS_` in the environment.

    A foreign URL that is not set means the local stand-in, in process. Secrets are references
    (`secret://env/NAME`, `secret://file/PATH`), never values. `allowed_hosts` names what callers
    may know the service by besides its base URL, localhost and its addresses.
    """

    model_config = SettingsConfigDict(
        env_prefix="DATAOPS_", frozen=True, extra="forbid", toml_file="dataops.toml"
    )

    data: Path = Path("data")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    base_url: str | None = None
    allowed_hosts: Names = ()
    database_url: str | None = None
    glean_url: str | None = None
    glean_indexing_token: str = "secret://env/GLEAN_INDEXING_TOKEN"  # noqa: S105 - a reference, not a secret
    glean_client_token: str = "secret://env/GLEAN_CLIENT_TOKEN"  # noqa: S105 - a reference, not a secret
    glean_act_as: str = "dataops@example.com"
    mock_data_url: str | None = None
    journeys_url: str | None = None
    archive: str | None = None
    grace_period: Duration = timedelta(hours=24)
    retention: Duration = timedelta(days=90)
    health_interval: Duration = timedelta(seconds=60)
    retry_delays: Durations = (
        timedelta(seconds=5),
        timedelta(seconds=20),
        timedelta(seconds=80),
    )
    auth_tokens: str | None = None
    auth_order_key: str | None = None
    log_level: str = "INFO"
    log_format: Annotated[str, Field(pattern="^(console|json)$")] = "console"
    executor_id: str = "dataops"
    turns_at_once: Annotated[int, Field(ge=1, le=1000)] = 32

    @property
    def rules(self) -> LifecycleRules:
        """The lifecycle's times as they are set."""
        return LifecycleRules(
            grace_period=self.grace_period,
            retention=self.retention,
            health_interval=self.health_interval,
            retry_delays=self.retry_delays,
        )

    @property
    def database(self) -> str:
        """The database's address: the one set, or a SQLite file under `data`."""
        return self.database_url or f"sqlite+aiosqlite:///{(self.data / 'dataops.db').resolve()}"

    @property
    def archive_folder(self) -> Path:
        """The folder of archives: `folder:PATH`, or `archive` under `data`."""
        if self.archive is None:
            return self.data / "archive"
        kind, _, path = self.archive.partition(":")
        if kind != "folder":
            message = f"ARCHIVE is {self.archive!r}; only folder:PATH is supported as yet."
            raise ValueError(message)
        return Path(path)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: flags, environment, `dataops.toml`."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def origins(flags: Collection[str]) -> dict[str, str]:
    """Tell where each value comes from: flag, environment, file or default, the first that has it.

    `flags` names the settings that the command line gave.
    """
    given: dict[str, Collection[str]] = {
        "flag": flags,
        "environment": EnvSettingsSource(Settings)(),
        "file": TomlConfigSettingsSource(Settings)(),
    }
    return {
        name: next((origin for origin, names in given.items() if name in names), "default")
        for name in Settings.model_fields
    }


def dumped(settings: Settings) -> dict[str, Any]:
    """Give the settings as plain JSON."""
    plain: dict[str, Any] = TypeAdapter(Settings).dump_python(settings, mode="json")
    return plain
