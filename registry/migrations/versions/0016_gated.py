"""Gated rows: none is READY but by a verdict that says so, whoever writes it."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"

_TRIGGERS = {
    "datasets_stay_on_verdict": "UPDATE OF status, quality",
    "datasets_stay_on_ready": "INSERT",
}

_ONLY_BY_A_VERDICT = "a dataset is ready only by a verdict without a failed critical check"


def upgrade() -> None:
    """Let the verdict itself decide, for it knows which checks its template holds to be critical."""
    for trigger, act in _TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {trigger} BEFORE {act} ON datasets {_refusal()}")


def downgrade() -> None:
    of = " ON datasets" if _is_postgresql() else ""
    for trigger in _TRIGGERS:
        op.execute(f"DROP TRIGGER {trigger}{of}")


def _refusal() -> str:
    why = _ONLY_BY_A_VERDICT
    if _is_postgresql():
        unproven = "(NEW.quality ->> 'is_ready') IS DISTINCT FROM 'true'"
        when = f"NEW.status = 'ready' AND {unproven}"
        return f"FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse('{why}')"
    unproven = "json_extract(NEW.quality, '$.is_ready') IS NOT 1"
    when = f"NEW.status = 'ready' AND {unproven}"
    return f"WHEN {when} BEGIN SELECT RAISE(ABORT, '{why}'); END"


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
