"""The published schemas as tests read them: strictly, so that nothing is answered unsaid."""

from __future__ import annotations

from typing import Any

import jsonschema_rs


def strictly(schema: Any) -> jsonschema_rs.Draft202012Validator:
    """Give a validator that also refuses members the schema does not name, and wrong formats."""
    return jsonschema_rs.Draft202012Validator(_closed(schema), validate_formats=True)


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    return closed | ({"additionalProperties": False} if "required" in closed else {})
