"""The settings: one frozen object, read once; flag, then environment, then file, then default."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from domain.rules import LifecycleRules
from gateways.s3 import Place
from gateways.s3_archive import LockMode
from service.engines import EngineName
from service.roles import Role
from service.values import (
    FOLDER,
    ArchivePlace,
    CronExpression,
    DatabaseAddress,
    DiscoveryRoot,
    Duration,
    Durations,
    Interval,
    LogLevel,
    Names,
    Ports,
    SecretReference,
    SourcePlace,
    Stages,
    WebAddress,
)

PREFIX = "DATAOPS_"
"""What the name of every setting begins with in the environment."""

CLIENT_TOKEN = f"{PREFIX}TOKEN"
"""Where a client of the service has its token: no setting of the service itself."""


class Settings(BaseSettings):
    """All that can be set; every name is prefixed `DATAOPS_` in the environment.

    A foreign URL that is not set means the local stand-in, in process. Secrets are references
    (`secret://env/NAME`, `secret://file/PATH`), never values. `allowed_hosts` names what callers
    may know the service by besides its base URL, localhost and its addresses. What each field
    means is told in docs/settings.md.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        toml_file="dataops.toml",
    )

    data: Path = Path("data")
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    base_url: WebAddress | None = None
    allowed_hosts: Names = ()
    database_url: DatabaseAddress | None = None
    glean_url: WebAddress | None = None
    glean_indexing_token: SecretReference = "secret://env/GLEAN_INDEXING_TOKEN"  # noqa: S105 - a reference, not a secret
    glean_client_token: SecretReference = "secret://env/GLEAN_CLIENT_TOKEN"  # noqa: S105 - a reference, not a secret
    glean_act_as: str = "dataops@example.com"
    mock_data_url: WebAddress | None = None
    journeys_url: WebAddress | None = None
    source: SourcePlace | None = None
    masking_key: SecretReference | None = None
    archive: ArchivePlace | None = None
    archive_endpoint_url: WebAddress | None = None
    archive_access_key_id: SecretReference | None = None
    archive_secret_access_key: SecretReference | None = None
    archive_lock: LockMode = LockMode.GOVERNANCE
    discovery_root: DiscoveryRoot | None = None
    grace_period: Duration = timedelta(hours=24)
    retention: Interval = timedelta(days=90)
    audit_checkpoints: CronExpression = "0 * * * *"
    health_interval: Interval = timedelta(seconds=60)
    protect_stages: Stages = ()
    retry_delays: Durations = (
        timedelta(seconds=5),
        timedelta(seconds=20),
        timedelta(seconds=80),
    )
    orphan_scan: CronExpression = "0 2 * * *"
    orphan_recheck: CronExpression = "30 * * * *"
    engine: EngineName = EngineName.BUILTIN
    role: Role = Role.ALL
    agents_url: WebAddress | None = None
    auth_tokens: SecretReference | None = None
    auth_order_key: SecretReference | None = None
    webhook_ports: Ports = (443,)
    webhook_loopback: bool = False
    webhook_secrets: Path | None = None
    webhook_pace: Annotated[int, Field(ge=1, le=100_000)] = 40
    push_key: SecretReference | None = None
    log_level: LogLevel = "INFO"
    log_format: Literal["console", "json"] = "console"
    executor_id: str = "dataops"
    turns_at_once: Annotated[int, Field(ge=1, le=1000)] = 32
    turns_a_client: Annotated[int, Field(ge=1, le=1000)] = 16

    @model_validator(mode="after")
    def _require_company(self) -> Self:
        """Refuse a role whose other half cannot be found, or would not know it."""
        if self.role is Role.COORDINATOR and self.agents_url is None:
            raise ValueError("role coordinator needs agents_url: where its agents are reached")
        is_apart = self.role in {Role.COORDINATOR, Role.AGENTS}
        if is_apart and self.auth_order_key is None:
            raise ValueError(
                f"role {self.role} needs auth_order_key: the same for coordinator and agents"
            )
        return self

    @model_validator(mode="after")
    def _require_both_keys(self) -> Self:
        """Refuse half a pair of keys, and what only a bucket has where there is none."""
        keys = (self.archive_access_key_id, self.archive_secret_access_key)
        if (keys[0] is None) is not (keys[1] is None):
            raise ValueError(
                "archive_access_key_id and archive_secret_access_key go together: set both, or "
                "neither where boto3 finds keys by itself"
            )
        if self.archive_bucket is None and (keys[0] or self.archive_endpoint_url):
            raise ValueError(
                "an endpoint and keys of the archive are for a bucket: set archive to "
                "s3://BUCKET/PREFIX"
            )
        return self

    @model_validator(mode="after")
    def _require_postgresql(self) -> Self:
        """Refuse an engine that keeps its queue where our database is not."""
        if self.engine is EngineName.DBOS and not self.database.startswith("postgresql"):
            raise ValueError(
                "engine dbos works on PostgreSQL alone: set database_url to "
                "postgresql+psycopg://…, or engine to builtin"
            )
        return self

    @property
    def rules(self) -> LifecycleRules:
        """The lifecycle's times as they are set."""
        return LifecycleRules(
            grace_period=self.grace_period,
            retention=self.retention,
            health_interval=self.health_interval,
            protect_stages=frozenset(self.protect_stages),
            retry_delays=self.retry_delays,
        )

    @property
    def database(self) -> str:
        """The database's address: the one set, or a SQLite file under `data`."""
        return self.database_url or f"sqlite+aiosqlite:///{(self.data / 'dataops.db').resolve()}"

    @property
    def archive_folder(self) -> Path:
        """The folder of archives: `folder:PATH`, or `archive` under `data`; unused with a bucket."""
        is_folder = self.archive is not None and self.archive_bucket is None
        named = str(self.archive).removeprefix(FOLDER)
        return Path(named) if is_folder else self.data / "archive"

    @property
    def archive_bucket(self) -> Place | None:
        """The bucket of archives: `s3://BUCKET/PREFIX`, or None where they lie in a folder."""
        return Place.parse(self.archive or "")

    @property
    def source_folder(self) -> Path | None:
        """The folder that pilots and production are read from, where there is one."""
        return Path(self.source.removeprefix(FOLDER)) if self.source else None

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


class Untouched(Settings):
    """The settings by default alone: neither the environment nor the file has a say."""

    model_config = SettingsConfigDict(toml_file=None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *others: Any,
        **more: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is given, and nothing else."""
        del settings_cls, others, more
        return (init_settings,)


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


def unknown_names(settings: Settings, environ: Iterable[str]) -> dict[str, str | None]:
    """Give the names that begin as ours do and set nothing, each with the one it is close to."""
    ours = {f"{PREFIX}{name}".upper() for name in Settings.model_fields} | {CLIENT_TOKEN}
    led_to = {str(each).removeprefix("secret://env/") for each in dict(settings).values()}
    strangers = {each for each in environ if each.upper().startswith(PREFIX)} - led_to
    return {
        each: next(iter(get_close_matches(each.upper(), ours, n=1, cutoff=0.85)), None)
        for each in sorted(strangers)
        if each.upper() not in ours
    }


def dumped(settings: Settings) -> dict[str, Any]:
    """Give the settings as plain JSON."""
    plain: dict[str, Any] = TypeAdapter(Settings).dump_python(settings, mode="json")
    return plain
