"""The tokens file: each line says who may call, and a wrong one is told by its number alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import InvalidInput
from service.tokens import read_tokens
from tests.running import tokens_file

ALICE = f"{'ab' * 32} default alice"


def in_file(folder: Path, text: str) -> str:
    path = folder / "tokens"
    path.write_text(text)
    return f"secret://file/{path}"


def test_without_tokens_nobody_is_named() -> None:
    assert read_tokens(None) == {}


def test_tokens_are_read_line_by_line(tmp_path: Path) -> None:
    reference = tokens_file(tmp_path, alices="default alice", bobs="globex bob")

    found = sorted((each.tenant, each.subject) for each in read_tokens(reference).values())

    assert found == [("default", "alice"), ("globex", "bob")]


def test_blank_lines_and_capital_digits_are_taken(tmp_path: Path) -> None:
    reference = in_file(tmp_path, f"{'AB' * 32} default alice\n\n{'cd' * 32}  globex  bob\n")

    assert set(read_tokens(reference)) == {"ab" * 32, "cd" * 32}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("hunter2 alice", "Line 2 .* has 2 of 3 words"),
        (f"{'ef' * 32} default alice hunter2", "Line 2 .* has 4 of 3 words"),
        ("hunter2 default alice", "Line 2 .* 64 hexadecimal digits"),
        (f"{'ab' * 32} globex hunter2", "Line 2 .* digest of a line before it"),
    ],
)
def test_a_wrong_line_is_told_by_its_number_and_not_repeated(
    tmp_path: Path, line: str, told: str
) -> None:
    reference = in_file(tmp_path, f"{ALICE}\n{line}\n")

    with pytest.raises(InvalidInput, match=told) as refused:
        read_tokens(reference)

    assert "hunter2" not in str(refused.value)


def test_an_empty_file_lets_nobody_in_by_mistake(tmp_path: Path) -> None:
    reference = in_file(tmp_path, "\n")

    with pytest.raises(InvalidInput, match="holds no secret"):
        read_tokens(reference)
