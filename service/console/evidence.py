"""Evidence in words: what each check saw, in a sentence, and the samples that failed it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from domain.quality import CheckType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.record import Json, JsonObject


def sentence_of(check: CheckType, seen: JsonObject) -> str:
    """Say in one sentence what a check saw; nothing where its details are not kept."""
    return _SENTENCES[check](seen) if seen else ""


def samples_of(check: CheckType, seen: JsonObject) -> JsonObject | None:
    """Give the samples that failed a check as a table (`heads`, `rows`), or None without any."""
    heads, rows = _table(check, seen)
    return {"heads": heads, "rows": rows} if rows else None


def _schema(seen: JsonObject) -> str:
    digest = "" if seen["digest_matches"] else ", and they are not the records uploaded"
    return f"{seen['valid']} of {seen['total']} records are valid{digest}"


def _completeness(seen: JsonObject) -> str:
    more = ", more than there should be" if seen["overfull"] else ""
    documents = f"{seen['indexed']} of {seen['expected']} documents found{more}"
    return f"{documents}; {seen['filled']} of {seen['fields']} fields filled"


def _health(seen: JsonObject) -> str:
    slowest = seen["response_time_p95_ms"]
    answered = "no probe was made" if slowest is None else f"slowest answer {slowest:.0f} ms"
    return f"{len(seen['probes'])} probes, {answered}; limit {seen['response_time_max_ms']} ms"


def _queries(seen: JsonObject) -> str:
    return f"{seen['passed']} of {seen['query_count']} queries found their record"


_SENTENCES: dict[CheckType, Callable[[Mapping[str, Json]], str]] = {
    CheckType.SCHEMA: _schema,
    CheckType.COMPLETENESS: _completeness,
    CheckType.CONNECTOR_HEALTH: _health,
    CheckType.SAMPLE_QUERIES: _queries,
}


def _table(check: CheckType, seen: JsonObject) -> tuple[list[str], list[Sequence[Json]]]:
    match check:
        case CheckType.SCHEMA:
            heads = ["Record", "Where", "What is wrong"]
            return heads, [
                (each["record_id"], each["path"] or "the whole record", each["message"])
                for each in seen.get("faults", ())
            ]
        case CheckType.COMPLETENESS:
            return ["Field", "Gaps"], list(dict(seen.get("missing", {})).items())
        case CheckType.CONNECTOR_HEALTH:
            return ["Probe", "Let in", "Answer", "Message"], _probes(seen)
        case CheckType.SAMPLE_QUERIES:
            heads = ["Query", "Expected record", "What came"]
            return heads, [
                (each["query"], each["expected_id"], _what_came(each))
                for each in seen.get("failed", ())
            ]
        case _:
            assert_never(check)


def _probes(seen: JsonObject) -> list[Sequence[Json]]:
    limit = seen.get("response_time_max_ms", 0)
    return [
        (
            number,
            "yes" if each["authenticated"] else "no",
            f"{each['response_time_ms']:.0f} ms",
            each["message"] or "too slow",
        )
        for number, each in enumerate(seen.get("probes", ()), 1)
        if not (each["connected"] and each["authenticated"] and each["response_time_ms"] < limit)
    ]


def _what_came(query: JsonObject) -> str:
    if not query["answered"]:
        return query["message"] or "no answer"
    return f"rank {query['rank']}" if query["rank"] else "not among the first ten"
