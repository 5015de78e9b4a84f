"""Agent cards: read strictly from disk, checked against the skills that run, served as bytes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from a2a.types import AgentCard
from a2a.utils.errors import A2AError
from a2a.utils.proto_utils import validate_proto_required_fields
from google.protobuf import json_format

from domain.errors import DataOpsError
from domain.work import AgentName
from protocol.skills import skills_of

if TYPE_CHECKING:
    from domain.record import JsonObject

FOLDER = Path(__file__).resolve().parent.parent / "agent-cards"
"""Where the cards are: beside the packages, one JSON file an agent."""


class CardWrong(DataOpsError):
    """A card on disk cannot be served; start-up ends here."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card as it is served: parsed, as JSON, as bytes, and its strong entity tag."""

    name: AgentName
    card: AgentCard
    document: JsonObject
    content: bytes
    etag: str


def load_cards(base_url: str, folder: Path = FOLDER) -> dict[AgentName, Card]:
    """Load every agent's card for a service at `base_url` (no trailing slash).

    Raises:
        CardWrong: a file is missing, has an unknown or missing field, or names other skills
            than those that run.
    """
    return {name: _load(name, base_url, folder) for name in AgentName}


def _load(name: AgentName, base_url: str, folder: Path) -> Card:
    path = folder / f"{name.value}.json"
    try:
        text = path.read_text(encoding="utf-8").replace("{base_url}", base_url)
        card = json_format.ParseDict(json.loads(text), AgentCard())
        validate_proto_required_fields(card)
    except (OSError, ValueError, json_format.ParseError, A2AError) as error:
        message = f"Card {path.name} cannot be used: {error}"
        raise CardWrong(message) from error
    _require_same_skills(name, card)
    document = json_format.MessageToDict(card)
    content = json.dumps(document, ensure_ascii=False).encode()
    return Card(name, card, document, content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def _require_same_skills(name: AgentName, card: AgentCard) -> None:
    on_card = {each.id for each in card.skills}
    running = {each.id for each in skills_of(name)}
    if on_card != running:
        message = (
            f"Card {name.value} and the running skills differ: only on the card "
            f"{sorted(on_card - running)}, only running {sorted(running - on_card)}."
        )
        raise CardWrong(message)
