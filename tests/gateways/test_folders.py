"""Folders of existing datasets: read below their root alone, and whatever lies in them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from domain.catalogue import BrokenLine, ScannedPage
from domain.errors import NotAllowed, NotFound, RequestRejected, SupplierUnavailable
from domain.journey import DEFAULT_TENANT
from gateways.folders import MOST_FILES, MOST_NOTED, DiscoveryFolders
from gateways.record_files import LONGEST_LINE, PAGE_RECORDS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "acme").mkdir(parents=True)
    return tmp_path / "root"


async def pages_of(root: Path | None, name: str, tenant: str = DEFAULT_TENANT) -> list[ScannedPage]:
    return [page async for page in DiscoveryFolders(root).scan(tenant, name)]


async def records(root: Path, name: str = "acme") -> list[dict[str, Any]]:
    return [dict(each) for page in await pages_of(root, name) for _, each in page.records]


async def broken(root: Path, name: str = "acme") -> list[BrokenLine]:
    return [each for page in await pages_of(root, name) for each in page.broken]


async def notes(root: Path, name: str = "acme") -> list[str]:
    return [each for page in await pages_of(root, name) for each in page.notes]


# --- what is read --------------------------------------------------------------------------------


@pytest.mark.requirement("R11")
async def test_each_file_is_a_type_and_each_line_a_record(root: Path) -> None:
    (root / "acme" / "jira.jsonl").write_text('{"id": "1"}\n\n{"id": "2", "n": 1}')
    (root / "acme" / "Slack Export.csv").write_text("id;text\n1;hello\n2;\n")

    found = [each for page in await pages_of(root, "acme") for each in page.records]

    assert found == [
        ("slackexport", {"id": "1", "text": "hello"}),
        ("slackexport", {"id": "2"}),
        ("jira", {"id": "1"}),
        ("jira", {"id": "2", "n": 1}),
    ]


async def test_one_file_may_be_named(root: Path) -> None:
    (root / "acme" / "jira.ndjson").write_text('{"id": "1"}\n')
    (root / "acme" / "other.jsonl").write_text('{"id": "2"}\n')

    assert await records(root, "acme/jira.ndjson") == [{"id": "1"}]


async def test_a_byte_order_mark_and_quoted_line_breaks_are_read(root: Path) -> None:
    (root / "acme" / "a.csv").write_bytes(b'\xef\xbb\xbfid,text\r\n1,"two\nlines, one cell"\r\n')
    (root / "acme" / "b.jsonl").write_bytes(b'\xef\xbb\xbf{"id": "2"}\r\n')

    assert await records(root) == [{"id": "1", "text": "two\nlines, one cell"}, {"id": "2"}]


async def test_pages_hold_no_more_than_so_many_records_and_all_bytes_are_counted(
    root: Path,
) -> None:
    text = '{"id": "1"}\n' * 250
    (root / "acme" / "jira.jsonl").write_text(text)

    pages = await pages_of(root, "acme")

    assert max(len(each.records) for each in pages) == PAGE_RECORDS
    assert sum(each.size_bytes for each in pages) == len(text)


# --- what is broken ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"id": ', "it is no JSON"),
        (b"[1, 2]", "it is JSON, but no object"),
        (b'{"n": NaN}', "it is no JSON"),
        (b'{"n": "\\ud800"}', "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b'{"n": ' + b"9" * 100_000 + b"}", "it is no JSON"),
        (b'{"n": "\xe9"}', "it is no UTF-8"),
        (b'{"n": "\x00"}', "it holds a NUL byte"),
        (b'{"n": "' + b"x" * LONGEST_LINE + b'"}', f"it is longer than {LONGEST_LINE} bytes"),
    ],
    ids=range(9),
)
async def test_a_broken_line_is_told_and_stops_no_other(root: Path, line: bytes, why: str) -> None:
    (root / "acme" / "jira.jsonl").write_bytes(b'{"id": "1"}\n' + line + b'\n{"id": "3"}\n')

    (found,) = await broken(root)

    assert (found.file, found.line) == ("jira.jsonl", 2)
    assert found.reason.startswith(why)
    assert await records(root) == [{"id": "1"}, {"id": "3"}]


async def test_a_line_of_a_hundred_megabytes_is_passed_over_in_pieces(root: Path) -> None:
    with (root / "acme" / "jira.jsonl").open("wb") as file:
        for _ in range(100):
            file.write(b"x" * 2**20)
        file.write(b'\n{"id": "2"}\n')

    pages = await pages_of(root, "acme")

    assert [each for page in pages for each in page.broken] == [
        BrokenLine("jira.jsonl", 1, f"it is longer than {LONGEST_LINE} bytes")
    ]
    assert [dict(each) for page in pages for _, each in page.records] == [{"id": "2"}]
    assert max(each.size_bytes for each in pages) < 3 * 2**20


async def test_a_hundred_megabytes_in_one_line_of_csv_hurt_no_other_row(root: Path) -> None:
    with (root / "acme" / "jira.csv").open("wb") as file:
        file.write(b"id,text\n1,a\n")
        for _ in range(100):
            file.write(b"x" * 2**20)
        file.write(b"\n3,c\n")

    pages = await pages_of(root, "acme")

    assert [each.line for page in pages for each in page.broken] == [3]
    assert [each["id"] for page in pages for _, each in page.records] == ["1", "3"]
    assert max(each.size_bytes for each in pages) < 3 * 2**20


async def test_a_file_in_another_encoding_is_broken_line_by_line(root: Path) -> None:
    (root / "acme" / "jira.jsonl").write_text('{"id": "1"}\n{"id": "2"}\n', encoding="utf-16")

    assert await records(root) == []
    assert {each.line for each in await broken(root)} >= {1, 2}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (b"1", "it has 1 cells where the first line names 2"),
        (b"1,2,3", "it has 3 cells where the first line names 2"),
        (b'1,"a"b', "it is no CSV"),
        (b"1," + b"x" * 200_000, "it is no CSV: field larger"),
        (b"1,\xff", "it is no UTF-8: byte 3"),
        (b"1,\x00", "it holds a NUL byte"),
    ],
    ids=range(6),
)
async def test_a_broken_row_is_told_and_stops_no_other(root: Path, row: bytes, why: str) -> None:
    (root / "acme" / "jira.csv").write_bytes(b"id,text\n" + row + b"\n\n3,c\n")

    (found,) = await broken(root)

    assert found.line == 2
    assert found.reason.startswith(why)
    assert await records(root) == [{"id": "3", "text": "c"}]


async def test_a_quotation_mark_that_is_never_closed_is_told(root: Path) -> None:
    (root / "acme" / "jira.csv").write_text('id,text\n1,a\n2,"b\n')

    assert [each.reason for each in await broken(root)] == ["it is no CSV: unexpected end of data"]
    assert await records(root) == [{"id": "1", "text": "a"}]


async def test_a_row_that_runs_on_over_many_lines_is_held_no_longer_than_a_line(
    root: Path,
) -> None:
    lines = 2 * LONGEST_LINE // 1000
    (root / "acme" / "jira.csv").write_text(
        "id,text\n1,a\n2" + (',"' + "x" * 997 + '\n"') * lines + "\n"
    )

    found = await broken(root)

    assert found[0] == BrokenLine(
        "jira.csv",
        LONGEST_LINE // 1001 + 3,
        f"it is no CSV: its row is longer than {LONGEST_LINE} bytes",
    )
    assert await records(root) == [{"id": "1", "text": "a"}]


@pytest.mark.parametrize(
    "head", ["", "id,id", "id,", '"id', ",".join(f"c{n}" for n in range(1001))]
)
async def test_a_first_line_that_names_no_columns_is_told_and_the_file_passed_over(
    root: Path, head: str
) -> None:
    (root / "acme" / "jira.csv").write_text(f"{head}\n1,2\n")

    assert await records(root) == []
    assert [each.reason for each in await broken(root)] == [
        "it must name 1 to 1000 different columns; the file is passed over"
    ]


async def test_an_empty_file_holds_nothing(root: Path) -> None:
    (root / "acme" / "jira.jsonl").touch()

    assert await records(root) == []


# --- where it may be read ------------------------------------------------------------------------


async def test_without_a_root_nothing_is_looked_through() -> None:
    with pytest.raises(RequestRejected, match="DATAOPS_DISCOVERY_ROOT is not set"):
        await pages_of(None, "acme")


@pytest.mark.parametrize("name", ["..", "acme/../..", "/etc", "acme/\0", "../root-other"])
async def test_a_name_that_leads_out_of_the_root_is_refused(root: Path, name: str) -> None:
    with pytest.raises(NotAllowed, match="not named as one below"):
        await pages_of(root, name)


async def test_links_that_lead_out_of_the_root_are_not_followed(root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jsonl"
    secret.write_text('{"id": "secret"}\n')
    (root / "out").symlink_to(tmp_path)
    (root / "acme" / "secret.jsonl").symlink_to(secret)

    with pytest.raises(NotAllowed, match="leads out"):
        await pages_of(root, "out")
    with pytest.raises(NotAllowed, match="leads out"):
        await pages_of(root, "acme/secret.jsonl")
    assert await records(root) == []
    assert await notes(root) == ["secret.jsonl is left out: it leads out of the discovery root."]


async def test_a_link_that_stays_below_the_root_is_followed(root: Path) -> None:
    (root / "acme" / "jira.jsonl").write_text('{"id": "1"}\n')
    (root / "latest").symlink_to(root / "acme")

    assert await records(root, "latest") == [{"id": "1"}]


async def test_a_link_in_a_circle_is_not_found(root: Path) -> None:
    (root / "circle").symlink_to(root / "circle")

    with pytest.raises(NotFound):
        await pages_of(root, "circle")


async def test_what_is_not_there_is_not_found(root: Path) -> None:
    with pytest.raises(NotFound, match="'nothing' below the discovery root"):
        await pages_of(root, "nothing")


async def test_a_pipe_is_left_out_and_keeps_nobody_waiting(root: Path) -> None:
    os.mkfifo(root / "acme" / "pipe.jsonl")

    assert await notes(root) == ["pipe.jsonl is left out: it is no file."]


async def test_other_files_and_folders_inside_are_noted_and_hidden_ones_are_not(root: Path) -> None:
    (root / "acme" / "inside").mkdir()
    (root / "acme" / "notes.txt").touch()
    (root / "acme" / ".hidden.jsonl").write_text("{}")

    assert [each.split()[0] for each in await notes(root)] == ["inside", "notes.txt"]


async def test_a_file_of_another_kind_is_refused_by_name(root: Path) -> None:
    (root / "acme" / "notes.txt").touch()

    with pytest.raises(
        RequestRejected, match=r"'acme/notes.txt' is not read; .jsonl, .ndjson, .csv"
    ):
        await pages_of(root, "acme/notes.txt")


async def test_only_so_many_files_are_read(root: Path) -> None:
    for number in range(MOST_FILES + 1):
        (root / "acme" / f"t{number:04d}.jsonl").write_text("{}\n")

    assert len(await records(root)) == MOST_FILES
    assert await notes(root) == [f"Only the first {MOST_FILES} files are read."]


async def test_the_first_files_by_name_are_read_however_many_there_are(root: Path) -> None:
    for number in reversed(range(3 * MOST_FILES)):
        (root / "acme" / f"t{number:04d}.jsonl").write_text(f'{{"id": "{number}"}}\n')

    assert [each["id"] for each in await records(root)] == [str(n) for n in range(MOST_FILES)]


async def test_of_what_is_left_out_only_the_first_is_named_and_the_rest_counted(
    root: Path,
) -> None:
    for number in range(3 * MOST_NOTED):
        (root / "acme" / f"t{number:04d}.txt").touch()
    for number in range(MOST_FILES + 1):
        (root / "acme" / f"t{number:04d}.jsonl").touch()

    found = await notes(root)

    assert found[0] == f"Only the first {MOST_FILES} files are read."
    assert [each.split()[0] for each in found[1:-1]] == [f"t{n:04d}.txt" for n in range(MOST_NOTED)]
    assert found[-1] == f"{2 * MOST_NOTED} more are left out."


async def test_a_link_in_a_circle_inside_is_left_out(root: Path) -> None:
    (root / "acme" / "circle.jsonl").symlink_to(root / "acme" / "circle.jsonl")
    (root / "acme" / "jira.jsonl").write_text('{"id": "1"}\n')

    assert await notes(root) == ["circle.jsonl is left out: it is no file."]
    assert await records(root) == [{"id": "1"}]


async def test_a_file_exchanged_for_a_link_before_it_is_read_is_not_followed(
    root: Path, tmp_path: Path
) -> None:
    file, secret = root / "acme" / "jira.jsonl", tmp_path / "secret.jsonl"
    file.touch()
    secret.write_text('{"id": "secret"}\n')
    pages = DiscoveryFolders(root).scan(DEFAULT_TENANT, "acme")
    await anext(pages)

    file.unlink()
    file.symlink_to(secret)

    left = [page async for page in pages]
    assert [page.records for page in left] == [()]
    assert left[0].notes[0].startswith("jira.jsonl is left out: Too many levels")


async def test_a_file_exchanged_for_a_pipe_before_it_is_read_keeps_nobody_waiting(
    root: Path,
) -> None:
    file = root / "acme" / "jira.jsonl"
    file.touch()
    pages = DiscoveryFolders(root).scan(DEFAULT_TENANT, "acme")
    await anext(pages)

    file.unlink()
    os.mkfifo(file)

    assert [page.notes async for page in pages] == [["jira.jsonl is left out: it is no file."]]


async def test_a_name_too_long_for_the_disk_is_told_in_our_words(root: Path) -> None:
    with pytest.raises(SupplierUnavailable, match="cannot be read: File name too long"):
        await pages_of(root, "x" * 5000)


# --- whose it is ---------------------------------------------------------------------------------


async def test_another_tenant_reads_no_root_that_is_not_parted(root: Path) -> None:
    with pytest.raises(NotAllowed, match=r"not parted by tenant.*\{tenant\}"):
        await pages_of(root, "acme", "globex")


async def test_a_parted_root_gives_each_tenant_its_own(tmp_path: Path) -> None:
    for tenant in ("default", "globex"):
        (tmp_path / tenant / "acme").mkdir(parents=True)
        (tmp_path / tenant / "acme" / "jira.jsonl").write_text(f'{{"id": "{tenant}"}}\n')

    found = [
        dict(each)
        for page in await pages_of(tmp_path / "{tenant}", "acme", "globex")
        for _, each in page.records
    ]

    assert found == [{"id": "globex"}]


@pytest.mark.parametrize("tenant", ["..", ".", "a/b", "a\0b"])
async def test_a_tenant_that_is_no_name_of_a_folder_is_refused(tmp_path: Path, tenant: str) -> None:
    with pytest.raises(NotAllowed, match="no name of a folder"):
        await pages_of(tmp_path / "{tenant}", "acme", tenant)
