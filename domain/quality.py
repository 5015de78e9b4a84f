"""The quality gate: four checks, one exact score, and the one rule that makes a dataset READY."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

from domain.errors import InvalidInput
from domain.record import JsonObject

if TYPE_CHECKING:
    from collections.abc import Sequence


class CheckType(StrEnum):
    """The four checks (seed: R26)."""

    SCHEMA = "schema"
    COMPLETENESS = "completeness"
    CONNECTOR_HEALTH = "connector_health"
    SAMPLE_QUERIES = "sample_queries"


class Severity(StrEnum):
    """How loudly a result speaks: a near miss or a failed minor check warns, the rest errs."""

    NONE = "none"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class DataQualityCheck:
    """The result of one check (seed: DataQualityCheck).

    `score` runs from 0 to 1 and is exact; `details` holds the evidence in plain JSON.
    """

    check_type: CheckType
    passed: bool
    score: Fraction
    details: JsonObject
    executed_at: datetime


@dataclass(frozen=True, slots=True)
class Threshold:
    """What one check needs: its passing score (inclusive), its weight, and whether it blocks."""

    pass_threshold: Fraction
    weight: Fraction = Fraction(1, 4)
    critical: bool = True


def _seed_thresholds() -> Mapping[CheckType, Threshold]:
    return {  # a plain one: policies travel in orders, and no codec writes any other mapping
        CheckType.SCHEMA: Threshold(Fraction(1)),
        CheckType.COMPLETENESS: Threshold(Fraction(95, 100)),
        CheckType.CONNECTOR_HEALTH: Threshold(Fraction(1)),
        CheckType.SAMPLE_QUERIES: Threshold(Fraction(1)),
    }


@dataclass(frozen=True, slots=True)
class QualityPolicy:
    """The gate's numbers (seed: Quality Thresholds); the defaults are the seed's own.

    `response_time_max_ms` is exclusive: a probe passes below it. The weights sum to 1.
    """

    thresholds: Mapping[CheckType, Threshold] = field(default_factory=_seed_thresholds)
    ready_threshold: Fraction = Fraction(95, 100)
    warning_threshold: Fraction = Fraction(90, 100)
    response_time_max_ms: int = 5000
    query_count: int = 10
    probe_count: int = 3

    def __post_init__(self) -> None:
        """Refuse a policy that leaves a check out or whose weights do not sum to one."""
        missing = [each for each in CheckType if each not in self.thresholds]
        total = sum((each.weight for each in self.thresholds.values()), Fraction(0))
        if missing or total != 1:
            message = (
                f"A quality policy needs all four checks with weights that sum to 1; missing: "
                f"{', '.join(missing) or 'none'}, sum: {total}."
            )
            raise InvalidInput(message)


@dataclass(frozen=True, slots=True)
class QualityScore:
    """The gate's verdict: the exact overall score, its checks, and what decided (seed: R34)."""

    overall_score: Fraction
    checks: tuple[DataQualityCheck, ...]
    is_ready: bool
    severity: Severity
    decided_by: str
    would_pass_if: tuple[str, ...] = ()

    @property
    def failed_checks(self) -> tuple[CheckType, ...]:
        """The checks that did not pass, in the seed's order."""
        return tuple(each.check_type for each in self.checks if not each.passed)


def rounded_down(value: Fraction | float, digits: int) -> Fraction:
    """Round a share down to so many decimal digits: below a threshold never reads as at it."""
    return Fraction(floor(Fraction(str(value)) * 10**digits), 10**digits)


def percent(value: Fraction | float) -> str:
    """Write a share in percent with two places, rounded down."""
    return f"{float(rounded_down(value, 4) * 100):.4g} %"


def score_quality(checks: Sequence[DataQualityCheck], policy: QualityPolicy) -> QualityScore:
    """Judge the four checks: READY exactly when overall ≥ threshold and no critical one failed.

    The seed gates only the weighted average but calls the checks critical; both hold here, or
    a schema score of 0.80 would pass at an overall of 0.95.

    Raises:
        InvalidInput: a check is missing or there twice; nothing passes by being absent.
    """
    ordered = _all_four(checks)
    overall = _weighted(ordered, policy)
    blocking = [each for each in ordered if _is_blocking(each, policy)]
    is_ready = overall >= policy.ready_threshold and not blocking
    return QualityScore(
        overall_score=overall,
        checks=ordered,
        is_ready=is_ready,
        severity=_severity(is_ready, overall, ordered, policy),
        decided_by=_decided_by(overall, blocking, policy),
        would_pass_if=() if is_ready else _mending(ordered, overall, blocking, policy),
    )


def _all_four(checks: Sequence[DataQualityCheck]) -> tuple[DataQualityCheck, ...]:
    by_type = {each.check_type: each for each in checks}
    if len(checks) != len(CheckType) or len(by_type) != len(CheckType):
        given = ", ".join(each.check_type for each in checks) or "none"
        message = f"The gate needs each of the four checks exactly once and was given: {given}."
        raise InvalidInput(message)
    return tuple(by_type[each] for each in CheckType)


def _weighted(checks: Sequence[DataQualityCheck], policy: QualityPolicy) -> Fraction:
    weights = policy.thresholds
    return sum((each.score * weights[each.check_type].weight for each in checks), Fraction(0))


def _is_blocking(check: DataQualityCheck, policy: QualityPolicy) -> bool:
    return policy.thresholds[check.check_type].critical and not check.passed


def _severity(
    is_ready: bool,  # noqa: FBT001 - one of four facts of a private rule
    overall: Fraction,
    checks: Sequence[DataQualityCheck],
    policy: QualityPolicy,
) -> Severity:
    if is_ready:
        return Severity.NONE if all(each.passed for each in checks) else Severity.WARNING
    return Severity.WARNING if overall >= policy.warning_threshold else Severity.ERROR


def _decided_by(
    overall: Fraction, blocking: Sequence[DataQualityCheck], policy: QualityPolicy
) -> str:
    if blocking:
        names = ", ".join(each.check_type for each in blocking)
        return f"critical check failed: {names} (overall {percent(overall)})"
    sign = "≥" if overall >= policy.ready_threshold else "<"
    return f"overall {percent(overall)} {sign} {percent(policy.ready_threshold)}"


def _mending(
    checks: Sequence[DataQualityCheck],
    overall: Fraction,
    blocking: Sequence[DataQualityCheck],
    policy: QualityPolicy,
) -> tuple[str, ...]:
    needs = [
        f"{each.check_type} reached {percent(policy.thresholds[each.check_type].pass_threshold)} "
        f"(it is {percent(each.score)})"
        for each in blocking
    ]
    if overall >= policy.ready_threshold:
        return tuple(needs)
    lifted = ", ".join(each.check_type for each in checks if each.score < 1)
    needs.append(
        f"the overall score rose by {_gap(policy.ready_threshold - overall)}, from {lifted}"
    )
    return tuple(needs)


def _gap(value: Fraction) -> str:
    """Write what is missing with two places, rounded up: something missing never reads as none."""
    return f"{ceil(value * 10_000) / 100:.4g} %"
