"""Policies: the gate's numbers for one template, from the seed's and from what the template asks.

A template may ask for more of a check that blocks and never for less. A check that it makes
non-critical has whatever minimum it sets: it warns, and blocks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING

from domain.errors import FieldError, InvalidInput
from domain.quality import CheckType, QualityPolicy, Threshold

if TYPE_CHECKING:
    from domain.record import Json, JsonObject
    from domain.template import DatasetTemplate

OVERALL = "overall_quality_score"

CHECKS: Mapping[str, CheckType] = MappingProxyType(
    {
        **{each.value: each for each in CheckType},
        "schema_validation": CheckType.SCHEMA,
        "data_completeness": CheckType.COMPLETENESS,
    }
)
"""The checks by their names: ours, and the ones of the seed's quality thresholds (R35)."""

_OF_THE_SEED = QualityPolicy()
"""The gate's numbers where a template asks for nothing of its own."""

_OF_A_CHECK = frozenset({"pass_threshold", "critical"})
_SETTINGS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        CheckType.SCHEMA: _OF_A_CHECK,
        CheckType.COMPLETENESS: _OF_A_CHECK,
        CheckType.CONNECTOR_HEALTH: _OF_A_CHECK | {"response_time_max"},
        CheckType.SAMPLE_QUERIES: _OF_A_CHECK | {"query_count"},
        OVERALL: frozenset({"ready_threshold", "warning_threshold"}),
    }
)


def policy_for(expectations: JsonObject) -> QualityPolicy:
    """Build the policy of a template.

    Each check is named with its least score, or with settings as the seed writes them:
    `{"data_completeness": {"pass_threshold": 0.97, "critical": false}}`.

    Raises:
        InvalidInput: a name is unknown or there twice, or a value cannot be right.
    """
    if not expectations:
        return _OF_THE_SEED
    asked, base = _by_check(expectations), _OF_THE_SEED
    overall = asked.get(OVERALL, {})
    health, queries = (asked.get(each, {}) for each in list(CheckType)[2:])
    return QualityPolicy(
        thresholds={
            check: _threshold(check, seeds, asked.get(check, {}))
            for check, seeds in base.thresholds.items()
        },
        ready_threshold=_stricter(OVERALL, "ready_threshold", overall, base.ready_threshold),
        warning_threshold=_stricter(OVERALL, "warning_threshold", overall, base.warning_threshold),
        response_time_max_ms=min(
            _count(CheckType.CONNECTOR_HEALTH, "response_time_max", health, 5000), 5000
        ),
        query_count=max(_count(CheckType.SAMPLE_QUERIES, "query_count", queries, 10), 10),
    )


def require_judgeable(template: DatasetTemplate) -> None:
    """Refuse a template whose datasets no gate could ever let through.

    Raises:
        InvalidInput: its expectations cannot be right, or it has sample queries of its own and
            fewer than it wants to have run (A8).
    """
    wanted = policy_for(template.quality_expectations).query_count
    given = len(set(template.sample_queries[:wanted]))
    if 0 < given < wanted:
        why = f"is {wanted}, but template {template.key} has {given} different sample queries"
        raise _wrong(f"{CheckType.SAMPLE_QUERIES}.query_count", why)


def describe_policy(policy: QualityPolicy) -> JsonObject:
    """Write the gate's numbers down in plain JSON; shares run from 0.0 to 1.0."""
    return {
        "checks": {
            check.value: {
                "pass_threshold": float(needed.pass_threshold),
                "weight": float(needed.weight),
                "critical": needed.critical,
            }
            for check, needed in policy.thresholds.items()
        },
        "ready_threshold": float(policy.ready_threshold),
        "warning_threshold": float(policy.warning_threshold),
        "response_time_max_ms": policy.response_time_max_ms,
        "query_count": policy.query_count,
        "probe_count": policy.probe_count,
    }


def _by_check(expectations: JsonObject) -> dict[str, JsonObject]:
    """Give the settings by check; a bare number is the least score."""
    asked: dict[str, JsonObject] = {}
    for name, value in expectations.items():
        kind = OVERALL if name == OVERALL else CHECKS.get(name)
        if kind is None:
            raise _wrong(name, f"is no check; there are {', '.join([*CHECKS, OVERALL])}")
        if kind in asked:
            raise _wrong(name, "names a check that is named already")
        asked[kind] = _settings(name, value, _SETTINGS[kind])
    return asked


def _settings(name: str, value: Json, known: frozenset[str]) -> JsonObject:
    settings: JsonObject = value if isinstance(value, Mapping) else {"pass_threshold": value}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise _wrong(f"{name}.{unknown[0]}", f"is no setting; there are {', '.join(sorted(known))}")
    return settings


def _threshold(check: CheckType, seeds: Threshold, settings: JsonObject) -> Threshold:
    critical = settings.get("critical", True)
    if not isinstance(critical, bool):
        raise _wrong(f"{check}.critical", f"is {critical!r}; it is true or false")
    if critical:
        least = _stricter(check, "pass_threshold", settings, seeds.pass_threshold)
    else:
        least = _share(check, "pass_threshold", settings, seeds.pass_threshold)
    return Threshold(least, seeds.weight, critical)


def _stricter(name: str, key: str, settings: JsonObject, seeds: Fraction) -> Fraction:
    return max(seeds, _share(name, key, settings, seeds))


def _share(name: str, key: str, settings: JsonObject, default: Fraction) -> Fraction:
    if key not in settings:
        return default
    value = settings[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise _wrong(f"{name}.{key}", f"is {value!r}; it is a number from 0 to 1")
    return Fraction(str(value))


def _count(name: str, key: str, settings: JsonObject, default: int) -> int:
    value = settings.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _wrong(f"{name}.{key}", f"is {value!r}; it is a whole number from 1 on")
    return value


def _wrong(name: str, why: str) -> InvalidInput:
    message = f"quality_expectations.{name} {why}."
    return InvalidInput(message, [FieldError(f"quality_expectations.{name}", message)])
