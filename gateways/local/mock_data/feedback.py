"""What was said of each template, kept once an id; several processes share one file."""

import hashlib
import json
from pathlib import Path
from typing import Any

from gateways.local.sqlite import SqliteStore

_SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    number INTEGER PRIMARY KEY, template_id TEXT NOT NULL, feedback_id TEXT NOT NULL,
    content TEXT NOT NULL, UNIQUE (template_id, feedback_id)
);
"""
_SHOWN = 100
_ID_FIELD = "feedback_id"


class FeedbackBook:
    """Feedback over one SQLite file (`None`: memory), opened when the first is taken or shown."""

    def __init__(self, database: Path | None) -> None:
        self._database = database
        self._opened: SqliteStore | None = None

    def take(self, template_id: str, content: dict[str, Any]) -> None:
        """Keep feedback; the same id again changes nothing, and so does the same without an id."""
        text = json.dumps(content, sort_keys=True)
        said = str(content.get(_ID_FIELD) or hashlib.sha256(text.encode()).hexdigest())
        with self._store().transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO feedback (template_id, feedback_id, content)"
                " VALUES (:template_id, :feedback_id, :content)",
                {"template_id": template_id, "feedback_id": said, "content": text},
            )

    def of(self, template_id: str) -> dict[str, Any]:
        """Show how much was said of a template, and the newest hundred of it, newest first."""
        asked = {"template_id": template_id, "shown": _SHOWN}
        count = self._store().row(
            "SELECT count(*) AS said FROM feedback WHERE template_id = :template_id", asked
        )
        rows = self._store().rows(
            "SELECT content FROM feedback WHERE template_id = :template_id"
            " ORDER BY number DESC LIMIT :shown",
            asked,
        )
        return {
            "template_id": template_id,
            "count": count["said"] if count is not None else 0,
            "feedback": [json.loads(each["content"]) for each in rows],
        }

    def close(self) -> None:
        """Close the file; once more does no harm."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _store(self) -> SqliteStore:
        if self._opened is None:
            self._opened = SqliteStore(self._database, _SCHEMA)
        return self._opened
