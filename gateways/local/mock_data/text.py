"""Text: a page keeps to one subject, one team and one site, and says no sentence twice."""

from __future__ import annotations

from gateways.local.mock_data.draws import Draws
from gateways.local.mock_data.lexicon import Voice, names, topic

_SENTENCES_BETWEEN = 7
_MOST_PERCENT = 57
_MOST_DAYS = 28


class Page:
    """What stays the same from the title to the last sentence of one page."""

    __slots__ = ("_draws_from", "_fixed", "_lists", "voice")

    def __init__(self, draws: Draws, topic_name: str, voice: Voice, period: str) -> None:
        words = topic(topic_name)
        self.voice = voice
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
            "kind": voice.kind,
            "period": period,
        }

    def places(self, sentence: int, draws: Draws) -> Places:
        """The words for the places of one sentence: the next of each list, and two numbers."""
        places = Places(self._fixed)
        places.page, places.sentence = self, sentence
        places["n"] = str(3 + draws.below(_MOST_PERCENT))
        places["days"] = str(2 + draws.below(_MOST_DAYS))
        return places

    def next_of(self, name: str, sentence: int) -> str:
        """The word of a list for one sentence."""
        words = self._lists[name]
        return words[(self._draws_from[name] + sentence) % len(words)]


class Places(dict[str, str]):
    """The words for the places of one sentence, found when a pattern asks for them.

    A place that is written with a capital begins its word with one.
    """

    page: Page
    sentence: int

    def __missing__(self, name: str) -> str:
        """Find what is not there yet."""
        if name[0].isupper():
            word = self[name.lower()]
            return word[:1].upper() + word[1:]
        return self.page.next_of(name, self.sentence)


def title_of(page: Page, draws: Draws) -> str:
    """A title from several pools, so that few pages share one."""
    places = page.places(0, draws)
    places["aspect"] = draws.pick(page.voice.aspects)
    return draws.pick(page.voice.titles).format_map(places)


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
