"""Text: a page keeps to one subject, one team and one site, and says no sentence twice."""

from gateways.local.mock_data.draws import Draws
from gateways.local.mock_data.lexicon import names, topic, voice

_SENTENCES_BETWEEN = 7
_MOST_PERCENT = 57
_MOST_DAYS = 28


class Page:
    """What stays the same from the title to the last sentence of one page."""

    __slots__ = ("_draws_from", "_fixed", "_lists", "voice")

    def __init__(self, draws: Draws, topic_name: str, voice_name: str, content_type: str) -> None:
        words = topic(topic_name)
        self.voice = voice(voice_name)
        self._lists = {
            "part": words.parts,
            "paper": words.papers,
            "risk": words.risks,
            "measure": words.measures,
            "act": words.acts,
        }
        self._draws_from = {name: draws.below(len(each)) for name, each in self._lists.items()}
        self._fixed = {
            "subject": draws.pick(words.subjects),
            "rule": draws.pick(words.rules),
            "team": draws.pick(names().teams),
            "site": draws.pick(names().sites),
            "person": draws.pick(names().first_names),
            "kind": _singular(content_type),
        }

    def places(self, sentence: int, draws: Draws) -> dict[str, str]:
        """The words for the places of one sentence: the next of each list, and two numbers."""
        places = {
            name: each[(self._draws_from[name] + sentence) % len(each)]
            for name, each in self._lists.items()
        }
        places["n"] = str(3 + draws.below(_MOST_PERCENT))
        places["days"] = str(2 + draws.below(_MOST_DAYS))
        return self._fixed | places


def title_of(page: Page, draws: Draws) -> str:
    """A title from several pools, so that few pages share one."""
    places = page.places(0, draws)
    places["aspect"] = draws.pick(page.voice.aspects)
    places["period"] = draws.pick(names().periods)
    capitals = {name.capitalize(): _capitalised(value) for name, value in places.items()}
    return draws.pick(page.voice.titles).format_map(places | capitals)


def body_of(page: Page, draws: Draws) -> str:
    """An opening, what lies between, and a closing: 120 to 250 words."""
    patterns = [
        draws.pick(page.voice.openings),
        *draws.some(page.voice.middles, _SENTENCES_BETWEEN),
        draws.pick(page.voice.closings),
    ]
    return " ".join(
        pattern.format_map(page.places(number, draws)) for number, pattern in enumerate(patterns)
    )


def _singular(name: str) -> str:
    lowered = name[0].lower() + name[1:]
    return f"{lowered[:-3]}y" if lowered.endswith("ies") else lowered.removesuffix("s")


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
