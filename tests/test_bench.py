"""What the benches count is what came."""

from __future__ import annotations

import asyncio

from bench.listeners import Counts


async def test_a_frame_that_comes_in_two_pieces_counts_once() -> None:
    counts, reader = Counts(), asyncio.StreamReader()
    counting = asyncio.create_task(counts.count(reader))
    for piece in (b"id: 1\nda", b"ta: {}\n\nid: 2\ndata: ", b"{}\n\n"):
        reader.feed_data(piece)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    reader.feed_eof()
    await counting

    assert counts.frames == 2


async def test_frames_that_are_still_to_come_are_waited_for() -> None:
    counts, reader = Counts(), asyncio.StreamReader()
    counting = asyncio.create_task(counts.count(reader))
    heard = asyncio.create_task(counts.heard(2))
    reader.feed_data(b"id: 1\ndata: {}\n\n")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (counts.frames, heard.done()) == (1, False)
    reader.feed_data(b"id: 2\ndata: {}\n\n")
    reader.feed_eof()

    await heard

    assert counts.frames == 2
    await counting
