"""What lies closed opens with its own key alone, and the key is made once."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from domain.errors import InvalidInput
from gateways.seal import FernetSeal, kept_key


def test_what_is_closed_cannot_be_read_and_opens_again() -> None:
    seal = FernetSeal(lambda: "a key")

    closed = seal.close(b"T0K3N")

    assert b"T0K3N" not in closed
    assert FernetSeal(lambda: "a key").open(closed) == b"T0K3N"


def test_another_key_opens_nothing() -> None:
    closed = FernetSeal(lambda: "a key").close(b"T0K3N")

    with pytest.raises(InvalidInput, match="closed with another key"):
        FernetSeal(lambda: "another").open(closed)


def test_the_key_is_looked_up_when_it_is_needed_and_once() -> None:
    asked: list[str] = []

    def key() -> str:
        asked.append("asked")
        return "a key"

    seal = FernetSeal(key)
    assert asked == []

    seal.open(seal.close(b"x"))

    assert asked == ["asked"]


def test_a_kept_key_is_made_once_and_only_we_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "push.key"

    first, again = kept_key(file), kept_key(file)

    assert first == again
    assert len(first) > 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_kept_key_is_never_seen_unfinished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, seen = tmp_path / "push.key", []
    fsync = os.fsync

    def sync(descriptor: int) -> None:
        seen.append(file.read_text() if file.exists() else None)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)

    made = kept_key(file)

    assert seen == [None, made]
    assert list(tmp_path.iterdir()) == [file]


def test_an_empty_kept_key_is_no_key(tmp_path: Path) -> None:
    file = tmp_path / "push.key"
    file.touch()

    with pytest.raises(InvalidInput, match="is empty"):
        kept_key(file)


@pytest.mark.parametrize("is_there", [False, True])
def test_what_somebody_who_was_killed_had_begun_goes_when_the_key_is_read(
    tmp_path: Path, is_there: bool
) -> None:
    file, begun = tmp_path / "push.key", tmp_path / ".unfinished-k1ll3d"
    if is_there:
        kept_key(file)
    begun.write_text("a key that nobody uses")

    kept_key(file)

    assert list(tmp_path.iterdir()) == [file]


def test_who_is_swept_away_while_he_makes_a_key_takes_the_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, link = tmp_path / "push.key", os.link

    def link_late(made: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        theirs.append(kept_key(file))
        os.link(made, target)

    theirs: list[str] = []
    monkeypatch.setattr(os, "link", link_late)

    mine = kept_key(file)

    assert [mine] == theirs
