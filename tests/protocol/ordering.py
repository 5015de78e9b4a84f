"""Orders for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from domain.work import OrderKey, PurgeArchive


def an_order(attempt: int = 0) -> PurgeArchive:
    """Make an order that the teardown agent carries out."""
    key = OrderKey("default", uuid4(), 3, attempt)
    return PurgeArchive(key, datetime.now(UTC) + timedelta(minutes=30), "folder:nowhere")
