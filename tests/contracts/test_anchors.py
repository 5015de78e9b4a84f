"""Every archive that keeps checkpoints: what is below a prefix is found, in order, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import SupplierRefused
from domain.ports import Anchors
from gateways.archive import FolderArchive
from gateways.s3_archive import S3Archive
from tests import s3

LOCKED_UNTIL = datetime.now(UTC) + timedelta(days=91)


@pytest.fixture(params=["folder", "s3"])
def anchors(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Anchors]:
    if request.param == "folder":
        yield FolderArchive(tmp_path / "archive")
        return
    with closing(S3Archive(s3.a_fresh_place(), s3.server().access)) as archive:
        yield archive


async def test_what_is_below_a_prefix_is_found_in_the_order_of_its_keys(anchors: Anchors) -> None:
    for key in ("audit/b/2", "audit/a/9", "audit/b/10", "elsewhere/1", "auditor/1"):
        await anchors.put(key, key.encode(), LOCKED_UNTIL)

    every, some = await anchors.locations("audit"), await anchors.locations("audit/b")

    assert [await anchors.read(each) for each in every] == [
        b"audit/a/9",
        b"audit/b/10",
        b"audit/b/2",
    ]
    assert list(some) == list(every[1:])


async def test_where_nothing_was_put_nothing_is_found(anchors: Anchors) -> None:
    assert list(await anchors.locations("audit")) == []


async def test_what_a_writer_who_was_killed_left_is_not_found(tmp_path: Path) -> None:
    anchors = FolderArchive(tmp_path / "archive")
    await anchors.put("audit/a/1", b"1", LOCKED_UNTIL)
    (tmp_path / "archive" / "audit" / "a" / ".unfinished-k1ll3d").write_bytes(b"half")

    assert len(await anchors.locations("audit")) == 1


async def test_no_prefix_leads_out_of_the_archive(anchors: Anchors) -> None:
    with pytest.raises(SupplierRefused, match="no key of an archive"):
        await anchors.locations("../audit")
