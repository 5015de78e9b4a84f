"""Every archive that keeps checkpoints: what is below a prefix is found, in order, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import SupplierRefused
from domain.ports import Anchors
from gateways.archive import FolderArchive

LOCKED_UNTIL = datetime(2026, 1, 20, 12, tzinfo=UTC) + timedelta(days=91)

ANCHORS: dict[str, Callable[[Path], Anchors]] = {"folder": FolderArchive}


@pytest.fixture(params=sorted(ANCHORS))
def anchors(request: pytest.FixtureRequest, tmp_path: Path) -> Anchors:
    return ANCHORS[request.param](tmp_path / "archive")


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


async def test_what_a_writer_who_was_killed_left_is_not_found(
    anchors: Anchors, tmp_path: Path
) -> None:
    await anchors.put("audit/a/1", b"1", LOCKED_UNTIL)
    (tmp_path / "archive" / "audit" / "a" / ".unfinished-k1ll3d").write_bytes(b"half")

    assert len(await anchors.locations("audit")) == 1


async def test_no_prefix_leads_out_of_the_archive(anchors: Anchors) -> None:
    with pytest.raises(SupplierRefused, match="no key of an archive"):
        await anchors.locations("../audit")
