"""Settings: flag, then environment, then file, then default; wrong ones are refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from service.roles import Role
from service.settings import Settings, dumped, origins, unknown_names

KEY = "secret://env/ORDER_KEY"


@pytest.fixture(autouse=True)
def _a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def in_file(text: str) -> None:
    Path("dataops.toml").write_text(text)


@pytest.mark.requirement("R23")
def test_the_defaults_are_those_of_the_seed() -> None:
    rules = Settings().rules

    assert rules.grace_period == timedelta(hours=24)
    assert rules.retention == timedelta(days=90)


def test_a_file_says_more_than_the_default() -> None:
    in_file("port = 1234")

    assert Settings().port == 1234


def test_the_environment_says_more_than_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    in_file("port = 1234")
    monkeypatch.setenv("DATAOPS_PORT", "2345")

    assert Settings().port == 2345


def test_a_flag_says_more_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAOPS_PORT", "2345")

    assert Settings(port=3456).port == 3456


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("90s", timedelta(seconds=90)),
        ("1.5m", timedelta(seconds=90)),
        ("24h", timedelta(hours=24)),
        ("90d", timedelta(days=90)),
        ("PT1H", timedelta(hours=1)),
        ("3600", timedelta(hours=1)),
        ("0", timedelta(0)),
    ],
)
def test_lengths_of_time_are_written_as_people_write_them(
    written: str, meant: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAOPS_GRACE_PERIOD", written)

    assert Settings().grace_period == meant


def test_a_number_in_the_file_is_a_length_in_seconds() -> None:
    in_file("grace_period = 90")

    assert Settings().grace_period == timedelta(seconds=90)


@pytest.mark.parametrize(
    "wrong",
    [
        {"grace_period": "a day"},
        {"grace_period": "-1h"},
        {"grace_period": "99999999999999d"},
        {"grace_period": "40000d"},
        {"grace_period": timedelta(seconds=-1)},
        {"retention": "0"},
        {"health_interval": "0s"},
        {"health_interval": "999ms"},
        {"retry_delays": "1s,-2s"},
        {"port": 65536},
        {"host": ""},
        {"turns_at_once": 0},
        {"turns_a_client": 0},
        {"role": "king"},
        {"agents_url": "agents.example"},
        {"log_format": "xml"},
        {"log_level": "foo"},
        {"base_url": "dataops.example"},
        {"glean_url": ""},
        {"mock_data_url": "http://"},
        {"journeys_url": "http://[::1"},
        {"archive": "s3://"},
        {"archive": "s3://Bucket/prefix"},
        {"archive": "ftp://bucket/prefix"},
        {"archive_endpoint_url": "http://127.0.0.1:9000"},
        {"archive_access_key_id": "secret://env/ID"},
        {"archive": "s3://bucket", "archive_access_key_id": "secret://env/ID"},
        {"archive": "s3://bucket", "archive_lock": "none"},
        {"source": "/var/source"},
        {"source": "folder:"},
        {"masking_key": "sixteen letters at least"},
        {"archive": "folder:"},
        {"database_url": "garbage"},
        {"database_url": "mysql://host/name"},
        {"database_url": "postgresql+psycopg://host:port/name"},
        {"prot": 8080},
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)


@pytest.mark.parametrize("wrong", ["a day", "-1h"])
def test_what_is_no_length_of_time_is_told_how_to_write_one(wrong: str) -> None:
    with pytest.raises(ValidationError, match="24h, 90d, 500ms, PT1H or in seconds"):
        Settings.model_validate({"grace_period": wrong})


@pytest.mark.parametrize(
    "name", ["glean_indexing_token", "glean_client_token", "auth_tokens", "auth_order_key"]
)
@pytest.mark.parametrize("secret", ["hunter2", "secret://env/", "secret://vault/hunter2"])
def test_a_secret_is_taken_by_reference_alone_and_never_repeated(name: str, secret: str) -> None:
    with pytest.raises(ValidationError, match="never the secret itself") as refused:
        Settings.model_validate({name: secret})

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"role": "coordinator", "auth_order_key": KEY}, "agents_url"),
        ({"role": "coordinator", "agents_url": "http://agents.example"}, "auth_order_key"),
        ({"role": "agents"}, "auth_order_key"),
    ],
)
def test_a_role_names_what_it_lacks_to_find_its_other_half(
    given: dict[str, Any], missing: str
) -> None:
    with pytest.raises(ValidationError, match=f"role {given['role']} needs {missing}"):
        Settings.model_validate(given)


@pytest.mark.parametrize(
    ("role", "does"),
    [
        ("all", (True, True, True)),
        ("coordinator", (True, False, True)),
        ("agents", (False, True, True)),
        ("worker", (True, True, False)),
    ],
)
def test_each_role_drives_has_agents_and_answers_as_it_is_told(
    role: str, does: tuple[bool, bool, bool]
) -> None:
    found = Role(role)

    assert (found.drives, found.has_agents, found.answers) == does


def test_a_level_of_the_log_is_written_in_either_case() -> None:
    assert Settings(log_level="warning").log_level == "WARNING"


def test_a_misspelt_line_of_the_file_is_refused() -> None:
    in_file("prot = 8080")

    with pytest.raises(ValidationError, match="prot"):
        Settings()


def test_several_retry_delays_are_taken() -> None:
    settings = Settings.model_validate({"retry_delays": "1s,2m"})

    assert settings.rules.retry_delays == (timedelta(seconds=1), timedelta(minutes=2))


def test_several_retry_delays_are_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATAOPS_RETRY_DELAYS", "1s,2m")

    assert Settings().retry_delays == (timedelta(seconds=1), timedelta(minutes=2))


def test_no_retries_at_all_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAOPS_RETRY_DELAYS", "")

    assert Settings().retry_delays == ()


def test_the_database_is_a_file_under_data(tmp_path: Path) -> None:
    assert Settings(data=Path("here")).database == f"sqlite+aiosqlite:///{tmp_path}/here/dataops.db"


def test_a_database_that_is_set_is_taken() -> None:
    url = "postgresql+psycopg://localhost/dataops"

    assert Settings(database_url=url).database == url


def test_nothing_is_read_unless_a_source_is_set() -> None:
    assert Settings().source_folder is None
    assert Settings(source="folder:/var/source").source_folder == Path("/var/source")


def test_the_archive_is_a_folder_under_data() -> None:
    assert Settings(data=Path("here")).archive_folder == Path("here/archive")


def test_an_archive_folder_that_is_set_is_taken() -> None:
    assert Settings(archive="folder:/var/archive").archive_folder == Path("/var/archive")


def test_an_archive_in_a_bucket_is_a_place_and_no_folder() -> None:
    settings = Settings(archive="s3://archives/dataops", data=Path("here"))

    assert str(settings.archive_bucket) == "s3://archives/dataops/"
    assert settings.archive_folder == Path("here/archive")
    assert Settings().archive_bucket is None


def test_settings_never_change() -> None:
    settings = Settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1


def test_it_is_told_where_each_setting_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    in_file('host = "127.0.0.2"\nport = 1')
    monkeypatch.setenv("DATAOPS_PORT", "2")

    told = origins({"log_level"})

    assert told["log_level"] == "flag"
    assert told["port"] == "environment"
    assert told["host"] == "file"
    assert told["data"] == "default"


def test_a_misspelt_name_is_found_with_the_one_that_is_meant() -> None:
    settings = Settings(auth_order_key="secret://env/DATAOPS_KEY")
    environ = (
        "DATAOPS_PORT",
        "dataops_host",
        "DATAOPS_TOKEN",
        "DATAOPS_KEY",
        "DATAOPS_GREACE_PERIOD",
        "DATAOPS_OTHER",
        "PORT",
    )

    unknown = unknown_names(settings, environ)

    assert unknown == {"DATAOPS_GREACE_PERIOD": "DATAOPS_GRACE_PERIOD", "DATAOPS_OTHER": None}


def test_settings_are_shown_as_plain_json() -> None:
    shown = dumped(Settings())

    assert shown["data"] == "data"
    assert shown["grace_period"] == "P1D"
