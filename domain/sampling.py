"""Sample queries for content whose supplier sends none: titles that can mean one record only."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from domain.template import SampleQuery

if TYPE_CHECKING:
    from collections.abc import Sequence


def derive_queries(titles: Sequence[tuple[str, str]], count: int) -> tuple[SampleQuery, ...]:
    """Choose `count` unique titles at evenly spaced places, each expecting its own record.

    `titles` are (record id, title) in order. Fewer unique titles give fewer queries, and the
    check that runs them fails: nothing passes by being absent.
    """
    often = Counter(title for _, title in titles)
    unique = [(record_id, title) for record_id, title in titles if title and often[title] == 1]
    wanted = min(count, len(unique))
    chosen = [unique[place * len(unique) // wanted] for place in range(wanted)]
    return tuple(SampleQuery(title, record_id) for record_id, title in chosen)
