"""Secrets: found behind their references, and never repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import InvalidInput
from gateways.secrets import resolve


def test_a_secret_in_the_environment_is_found() -> None:
    assert resolve("secret://env/GLEAN_TOKEN", {"GLEAN_TOKEN": "s3cret"}) == "s3cret"


def test_a_secret_in_a_file_is_found_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")

    assert resolve(f"secret://file/{tmp_path}/token") == "s3cret"


def test_a_secret_in_the_environment_is_found_without_its_line_end() -> None:
    assert resolve("secret://env/GLEAN_TOKEN", {"GLEAN_TOKEN": " s3cret\r\n"}) == "s3cret"


@pytest.mark.parametrize("environ", [{}, {"GLEAN_TOKEN": ""}, {"GLEAN_TOKEN": " \n"}])
def test_a_missing_variable_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="The environment variable 'GLEAN_TOKEN' holds no"):
        resolve("secret://env/GLEAN_TOKEN", environ)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file or directory"):
        resolve(f"secret://file/{tmp_path}/token")


def test_an_empty_file_holds_no_secret(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")

    with pytest.raises(InvalidInput, match="holds no secret"):
        resolve(f"secret://file/{tmp_path}/token")


def test_a_file_that_is_no_text_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xff\xfes3cret")

    with pytest.raises(InvalidInput, match="it is not UTF-8 text") as raised:
        resolve(f"secret://file/{tmp_path}/token")

    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("value", ["s3cret", "secret://vault/s3cret", "", "env/s3cret"])
def test_what_is_no_reference_may_be_the_secret_and_is_not_repeated(value: str) -> None:
    with pytest.raises(InvalidInput, match="never as its value") as raised:
        resolve(value)

    assert "s3cret" not in str(raised.value)
