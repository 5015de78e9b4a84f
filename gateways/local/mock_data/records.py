"""Records: each one a function of template, version, seed and index, and of nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gateways.local.mock_data.draws import Draws
from gateways.local.mock_data.lexicon import names, voice
from gateways.local.mock_data.templates import Template
from gateways.local.mock_data.text import Page, body_of, title_of

Record = dict[str, str]

_FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS = 700
_OPTIONAL_ABSENT_EVERY = 5


def records(template: Template, seed: int, start: int, stop: int) -> Iterator[Record]:
    """The records from index `start` up to `stop`: always that slice of the whole run."""
    for index in range(start, stop):
        yield _record(template, f"{template.template_id} {template.version} {seed} {index}", index)


def _record(template: Template, key: str, index: int) -> Record:
    """One record; the one optional property is absent in the last of every five."""
    kind = Draws(f"{key} kind")
    content_type = template.period[index % len(template.period)]
    topic = kind.pick(template.topics)
    record_id = f"{template.id_prefix}{index:06d}{kind.below(65_536):04x}"
    object_type = kind.pick(template.object_types_of[content_type])
    created, updated = _times(Draws(f"{key} times"))
    speaking = voice(template.voice, content_type, object_type)
    page = Page(Draws(f"{key} page"), topic, speaking, _month(created))
    record = {
        "id": record_id,
        "object_type": object_type,
        "title": title_of(page, Draws(f"{key} title")),
        "body": body_of(page, Draws(f"{key} body")),
        "content_type": content_type,
        "topic": topic,
        "author": _author(Draws(f"{key} author")),
        "created_at": _written(created),
        "updated_at": _written(updated),
    }
    if index % _OPTIONAL_ABSENT_EVERY != _OPTIONAL_ABSENT_EVERY - 1:
        value = Draws(f"{key} {template.optional_name}").pick(template.optional_values)
        record[template.optional_name] = value
    return record


def _author(draws: Draws) -> str:
    first, last = draws.pick(names().first_names), draws.pick(names().last_names)
    return f"{first}.{last}@example.com".lower()


def _times(draws: Draws) -> tuple[datetime, datetime]:
    created = _FIRST_DAY + timedelta(days=draws.below(_DAYS), seconds=draws.below(43_200) * 2)
    updated = created + timedelta(days=draws.below(60), seconds=draws.below(43_200) * 2)
    return created, updated


def _month(moment: datetime) -> str:
    return f"{names().months[moment.month - 1]} {moment.year}"


def _written(moment: datetime) -> str:
    return moment.isoformat().removesuffix("+00:00") + "Z"
