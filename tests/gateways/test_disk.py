"""What is read of the disk is the plain file that was meant, and nothing stays open of the rest."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateways.disk import open_plain


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note every descriptor that is opened."""
    descriptors, really_open = list[int](), os.open

    def noting(path: Path, flags: int) -> int:
        descriptors.append(really_open(path, flags))
        return descriptors[-1]

    monkeypatch.setattr(os, "open", noting)
    return descriptors


def test_a_plain_file_is_opened(tmp_path: Path, opened: list[int]) -> None:
    path = tmp_path / "plain"
    path.write_bytes(b"content")

    file = open_plain(path)

    assert file is not None
    with file:
        assert file.read() == b"content"
    assert is_closed(*opened)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_plain_file_is_left_closed(
    tmp_path: Path, opened: list[int], make: Callable[[Path], None]
) -> None:
    make(tmp_path / "other")

    assert open_plain(tmp_path / "other") is None

    assert is_closed(*opened)


def test_a_file_that_cannot_be_looked_at_is_closed(
    tmp_path: Path, opened: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plain"
    path.write_bytes(b"content")

    with monkeypatch.context() as failing:
        failing.setattr(os, "fstat", _fail)
        with pytest.raises(OSError, match="stale"):
            open_plain(path)

    assert is_closed(*opened)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)

    with pytest.raises(OSError, match="Too many levels"):
        open_plain(tmp_path / "link")


def is_closed(descriptor: int) -> bool:
    """Whether nothing is open under this number."""
    try:
        os.fstat(descriptor)
    except OSError:
        return True
    return False


def _fail(_: int) -> None:
    message = "stale file handle"
    raise OSError(message)
