"""The rows of subscribers: how a subscription is written into one and read from one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.subscription import DeadLetter, PushedTask, Subscription, Wanted

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from registry.rows import Values


def values_of_subscription(subscription: Subscription) -> Values:
    """Give the columns of a subscription, but for its lease."""
    task = subscription.task
    return {
        "tenant": subscription.tenant,
        "subscription_id": subscription.subscription_id,
        "url": subscription.url,
        "kinds": subscription.wanted.kinds,
        "journey": subscription.wanted.journey,
        "secrets": subscription.secrets,
        "created_by": subscription.created_by,
        "created_at": subscription.created_at,
        **values_of_standing(subscription),
        "agent": task.agent if task else None,
        "task_id": task.task_id if task else None,
        "config_id": task.config_id if task else None,
        "sealed": task.sealed if task else None,
    }


def values_of_standing(subscription: Subscription) -> Values:
    """Give the columns that delivering changes."""
    return {
        "position": subscription.position,
        "state": subscription.state,
        "why": subscription.why,
        "failures": subscription.failures,
        "refusals": subscription.refusals,
        "failing_since": subscription.failing_since,
        "due_at": subscription.due_at,
    }


def subscription_of(row: RowMapping) -> Subscription:
    """Build the subscription of a row."""
    task = None
    if row["task_id"] is not None:
        task = PushedTask(row["agent"], row["task_id"], row["config_id"], row["sealed"])
    return Subscription(
        tenant=row["tenant"],
        subscription_id=row["subscription_id"],
        url=row["url"],
        wanted=Wanted(row["kinds"], row["journey"]),
        secrets=row["secrets"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        position=row["position"],
        state=row["state"],
        why=row["why"],
        failures=row["failures"],
        refusals=row["refusals"],
        failing_since=row["failing_since"],
        due_at=row["due_at"],
        task=task,
    )


def letter_of(row: RowMapping) -> DeadLetter:
    """Build the dead letter of a row."""
    return DeadLetter(
        sequence=row["sequence"],
        event_id=row["event_id"],
        name=row["name"],
        tries=row["tries"],
        why=row["why"],
        failed_at=row["failed_at"],
        is_wanted=row["is_wanted"],
    )
