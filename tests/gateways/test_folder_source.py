"""A source in a folder: what is broken is told by file and line, and nobody is led out of it."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from uuid import UUID

import pytest

from domain.errors import NotFound, SupplierLied, SupplierRefused, SupplierUnavailable
from domain.journey import ClientId, JourneyStage
from domain.recipe import Extract
from domain.record import Record
from gateways import folder_source
from gateways.folder_source import FolderSource
from gateways.source_files import LARGEST_LINE_BYTES

ACME = Extract(ClientId(UUID(int=7)), "acme", JourneyStage.PILOT, "confluence")
GOOD = b'{"id": "a1", "title": "One"}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """ACME's folder inside the source's."""
    path = tmp_path / "source" / "acme"
    path.mkdir(parents=True)
    return path


def source_of(folder: Path) -> FolderSource:
    return FolderSource(folder.parent)


async def read(folder: Path, content: bytes, suffix: str = "jsonl") -> list[Record]:
    """Everything that is read of a file with this content."""
    (folder / f"confluence.{suffix}").write_bytes(content)
    reading = await source_of(folder).open(ACME)
    return [record async for page in reading.pages for record in page]


# --- JSON Lines ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b'{"id":"a1"}\n{"id":"a2"}\n',
        b'{"id":"a1"}\n{"id":"a2"}',
        b'\xef\xbb\xbf{"id":"a1"}\r\n\r\n  \n{"id":"a2"}\r\n',
    ],
)
async def test_lines_may_end_as_they_like_and_blank_ones_are_none(
    folder: Path, content: bytes
) -> None:
    assert [each["id"] for each in await read(folder, content)] == ["a1", "a2"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"id": "zelda"', "it is not one JSON object"),
        (b'["zelda"]', "it is not one JSON object"),
        (b'{"id": "a2", "x": NaN}', "it is not one JSON object"),
        (b'{"id": "a2"} {"id": "zelda"}', "it is not one JSON object"),
        (b"[" * 100_000, "it is not one JSON object"),
        (b'{"id": "zelda\xff"}', "it is not UTF-8 text"),
        (b'{"title": "zelda"}', "the field id is not 1 to 200"),
        (b'{"id": "Zelda"}', "the field id is not 1 to 200"),
        (b'{"id": "zelda\\n"}', "the field id is not 1 to 200"),
        (b'{"id": 7, "title": "zelda"}', "the field id is not 1 to 200"),
        (b'{"id": "a1", "title": "zelda"}', "its id stands on line 1 too"),
        (b"z" * (LARGEST_LINE_BYTES + 1), "it is longer than 4194304 bytes"),
    ],
)
async def test_a_broken_line_is_told_by_file_and_line_without_what_stands_there(
    folder: Path, line: bytes, why: str
) -> None:
    with pytest.raises(SupplierLied) as broken:
        await read(folder, GOOD + b"\n" + line + b"\n")

    told = str(broken.value)
    assert told.startswith(f"acme/confluence.jsonl, line 3: {why}")
    assert "zelda" not in told.lower()


# --- CSV -----------------------------------------------------------------------------------------


async def test_an_empty_cell_is_an_absent_field_and_readers_are_a_list(folder: Path) -> None:
    content = b'id,title,allowed_users\na1,"One, two",a@b.test; c@d.test\n\na2,,\n'

    assert await read(folder, content, "csv") == [
        {"id": "a1", "title": "One, two", "allowed_users": ["a@b.test", "c@d.test"]},
        {"id": "a2"},
    ]


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        (b"", 1, "its cells must be the fields' names"),
        (b"title,body\n", 1, "its cells must be the fields' names"),
        (b"id,id\n", 1, "its cells must be the fields' names"),
        (b"id,\n", 1, "its cells must be the fields' names"),
        (b"id,title\na1,One\nzelda\n", 3, "it has 1 cells where the first line has 2"),
        (b"id,title\na1,One\na2,zelda,x\n", 3, "it has 3 cells where the first line has 2"),
        (b'id,title\na1,"One\nTwo\n', 3, "it is not CSV"),
        (b'id,title\na1,"zelda"x\n', 2, "it is not CSV"),
        (b"id,title\na1,\xffzelda\n", 2, "it is not UTF-8 text"),
        (b'id,title\na1,"One\nTwo"\nA2,zelda\n', 4, "the field id is not"),
    ],
)
async def test_a_broken_row_is_told_by_file_and_line_without_what_stands_there(
    folder: Path, content: bytes, line: int, why: str
) -> None:
    with pytest.raises(SupplierLied) as broken:
        await read(folder, content, "csv")

    told = str(broken.value)
    assert told.startswith(f"acme/confluence.csv, line {line}: {why}")
    assert "zelda" not in told.lower()


async def test_a_row_that_runs_on_over_many_lines_is_no_longer_than_a_line(folder: Path) -> None:
    cell = b',"' + b"z" * 100_000 + b'\n"'
    content = b"id,title\na1,One\na2" + cell * (LARGEST_LINE_BYTES // 100_000 + 2) + b"\n"

    with pytest.raises(SupplierLied, match=r"line 44: its row is longer than 4194304 bytes"):
        await read(folder, content, "csv")


# --- which file ----------------------------------------------------------------------------------


async def test_the_place_is_told_as_seen_from_the_folder(folder: Path) -> None:
    (folder / "confluence.jsonl").write_bytes(GOOD)

    assert await source_of(folder).locate(ACME) == "acme/confluence.jsonl"


async def test_of_two_files_none_is_chosen(folder: Path) -> None:
    (folder / "confluence.csv").write_text("id\na1\n")

    with pytest.raises(
        SupplierRefused, match=r"both confluence\.jsonl and confluence\.csv in acme"
    ):
        await read(folder, GOOD)


async def test_a_tenants_clients_lie_below_a_folder_of_its_own(folder: Path) -> None:
    theirs = folder.parent / "globex" / "acme"
    theirs.mkdir(parents=True)
    (theirs / "confluence.jsonl").write_bytes(GOOD)
    extract = Extract(ACME.client_id, "acme", ACME.stage, "confluence", tenant="globex")

    assert await source_of(folder).locate(extract) == "globex/acme/confluence.jsonl"


async def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    (folder.parent / "kept.jsonl").write_bytes(GOOD)
    (folder / "confluence.jsonl").symlink_to(folder.parent / "kept.jsonl")

    reading = await source_of(folder).open(ACME)

    assert reading.total == 1


def lead_out(folder: Path, outside: Path, what: str) -> None:
    """Let a link of the client's folder, or the folder itself, lead to another place."""
    outside.mkdir()
    (outside / "confluence.jsonl").write_bytes(GOOD)
    if what == "file":
        (folder / "confluence.jsonl").symlink_to(outside / "confluence.jsonl")
    else:
        folder.rmdir()
        folder.symlink_to(outside)


@pytest.mark.parametrize("what", ["file", "folder"])
async def test_a_link_that_leads_out_is_refused(folder: Path, tmp_path: Path, what: str) -> None:
    lead_out(folder, tmp_path / "outside", what)

    for asking in (source_of(folder).locate, source_of(folder).open):
        with pytest.raises(
            SupplierRefused, match=r"confluence\.jsonl leads out of the source"
        ) as no:
            await asking(ACME)
        assert str(tmp_path) not in str(no.value)


async def test_a_link_to_another_kind_of_file_is_refused(folder: Path) -> None:
    (folder / "secret.txt").write_bytes(GOOD)
    (folder / "confluence.jsonl").symlink_to(folder / "secret.txt")

    with pytest.raises(SupplierRefused, match="to another kind of file"):
        await source_of(folder).open(ACME)


async def test_a_link_to_nothing_is_told_as_gone(folder: Path) -> None:
    (folder / "confluence.jsonl").symlink_to(folder / "gone.jsonl")

    with pytest.raises(NotFound, match=r"no acme/gone\.jsonl any more"):
        await source_of(folder).open(ACME)


def lay(name: str, what: str) -> None:
    """Put something that is no plain file under a name."""
    if what == "folder":
        Path(name).mkdir()
    elif what == "pipe":
        os.mkfifo(name)
    else:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(name)


@pytest.mark.parametrize("what", ["folder", "pipe", "socket"])
async def test_what_is_no_plain_file_is_not_read_and_not_waited_for(
    folder: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)  # so that the name of a socket is short enough
    lay("confluence.jsonl", what)

    with pytest.raises((SupplierRefused, SupplierUnavailable), match=r"acme/confluence\.jsonl"):
        await source_of(folder).open(ACME)


async def test_a_file_that_is_gone_when_its_pages_are_wanted_is_told_as_gone(folder: Path) -> None:
    (folder / "confluence.jsonl").write_bytes(GOOD)
    reading = await source_of(folder).open(ACME)
    (folder / "confluence.jsonl").unlink()

    with pytest.raises(NotFound, match="Put it back"):
        _ = [page async for page in reading.pages]


async def test_a_source_that_nobody_may_read_is_away(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "confluence.jsonl").write_bytes(GOOD)

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(SupplierUnavailable, match="Permission denied"):
        await source_of(folder).open(ACME)


async def test_more_records_than_are_read_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_source, "MOST_READ", 2)

    with pytest.raises(SupplierRefused, match="more than 2 records"):
        await read(folder, b'{"id":"a1"}\n{"id":"a2"}\n{"id":"a3"}\n')
