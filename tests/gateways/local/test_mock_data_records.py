"""The supplier's records as a function: of template, version, seed and index, and nothing else."""

import hashlib
import json
import os
import re
import subprocess
import sys
from calendar import month_name
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateways.local.mock_data.draws import Draws
from gateways.local.mock_data.lexicon import topic, voice
from gateways.local.mock_data.mix import period_of
from gateways.local.mock_data.records import records
from gateways.local.mock_data.templates import all_templates

TEMPLATES = all_templates()

DIGEST = """
import hashlib, json
from gateways.local.mock_data.records import records
from gateways.local.mock_data.templates import all_templates
made = [list(records(each, 42, 0, 20)) for each in all_templates().values()]
print(hashlib.sha256(json.dumps(made).encode()).hexdigest())
"""


MONTH = re.compile(rf"({'|'.join(month_name[1:])}) \d{{4}}")
HEAD = re.compile(r" (?:after|against|at|between|for|from|in|of|on|over|past|spent|to|until) ")
UNCOUNTED = ("evidence ", "test data ")


def _month(moment: str) -> str:
    year, month, _ = moment.split("-", 2)
    return f"{month_name[int(month)]} {year}"


def _mixes() -> st.SearchStrategy[dict[str, int]]:
    """Shares that add up to 100: the gaps between sorted cuts."""
    cuts = st.sets(st.integers(1, 99), max_size=7).map(lambda found: [0, *sorted(found), 100])
    return cuts.map(
        lambda found: {
            f"kind {number}": later - earlier
            for number, (earlier, later) in enumerate(pairwise(found))
        }
    )


@pytest.mark.requirement("R45")
@example(mix={"all": 100})
@given(mix=_mixes())
@settings(max_examples=300)
def test_the_mix_is_exact_at_each_period_and_within_one_before(mix: dict[str, int]) -> None:
    period = period_of(mix)

    taken = dict.fromkeys(mix, 0)
    for length, name in enumerate(period, start=1):
        taken[name] += 1
        assert all(abs(taken[each] - length * mix[each] / 100) < 1 for each in mix)
    assert all(taken[each] * 100 == len(period) * mix[each] for each in mix)


@given(
    template_id=st.sampled_from(sorted(TEMPLATES)),
    seed=st.integers(0, 2**63),
    count=st.integers(1, 40),
    more=st.integers(0, 20),
    start=st.integers(0, 40),
)
def test_a_larger_count_only_appends_and_a_slice_is_that_slice(
    template_id: str, seed: int, count: int, more: int, start: int
) -> None:
    template = TEMPLATES[template_id]

    longer = list(records(template, seed, 0, count + more))

    assert list(records(template, seed, 0, count)) == longer[:count]
    assert list(records(template, seed, start, count + more)) == longer[start:]


def test_another_seed_makes_other_records() -> None:
    template = TEMPLATES["generic_slack"]

    one = next(records(template, 1, 0, 1))
    two = next(records(template, 2, 0, 1))

    assert (one["id"], one["body"]) != (two["id"], two["body"])


def test_every_process_makes_the_same_bytes() -> None:
    made = [list(records(each, 42, 0, 20)) for each in TEMPLATES.values()]

    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }

    assert digests == {hashlib.sha256(json.dumps(made).encode()).hexdigest()}


@pytest.mark.parametrize("template_id", sorted(TEMPLATES))
def test_no_pattern_comes_twice_in_a_page(template_id: str) -> None:
    template = TEMPLATES[template_id]

    for record in records(template, 5, 0, 40):
        spoken = voice(template.voice, record["content_type"], record["object_type"])
        patterns = [
            re.compile(re.sub(r"\\{\w+\\}", ".+", re.escape(pattern)))
            for pattern in (*spoken.openings, *spoken.middles, *spoken.closings)
        ]
        sentences = re.split(r"(?<=[.?!]) (?=[A-Z])", record["body"])
        used = [
            number
            for sentence in sentences
            for number, pattern in enumerate(patterns)
            if pattern.fullmatch(sentence)
        ]
        assert len(used) == len(set(used))


def test_a_page_keeps_to_its_subject() -> None:
    record = next(records(TEMPLATES["healthcare_developer_productivity_confluence"], 7, 3, 4))

    subject = "code review of safety functions"
    assert subject in record["title"].lower()
    assert subject in record["body"]


@pytest.mark.parametrize("template_id", sorted(TEMPLATES))
def test_a_title_speaks_of_no_month_but_the_one_the_record_is_from(template_id: str) -> None:
    made = list(records(TEMPLATES[template_id], 5, 0, 300))

    told = [(found[0], each) for each in made if (found := MONTH.search(each["title"]))]

    assert len(told) > 50
    assert [each["title"] for month, each in told if month != _month(each["created_at"])] == []


@pytest.mark.parametrize(
    ("template_id", "kind", "foreign"),
    [
        ("healthcare_developer_productivity_confluence", "Meeting notes", "agreed reference"),
        ("generic_confluence", "Decisions", "Whoever works on"),
        ("generic_gdrive", "Sheets", "from beginning to end"),
        ("generic_gdrive", "Slide decks", "mend the"),
        ("generic_sharepoint", "Forms", "scattered notes"),
        ("healthcare_developer_productivity_github", "Repository", "This change"),
        ("healthcare_developer_productivity_github", "Readme", "before the patch"),
        ("generic_github", "Issue", "merges once"),
        ("fintech_customer_support_zendesk", "Article", "The customer"),
        ("fintech_customer_support_zendesk", "Macro", "What worries us"),
        ("generic_jira", "Epics", "The customer"),
        ("generic_jira", "Bugs", "by telephone"),
        ("generic_servicenow", "Change", "The customer"),
        ("generic_salesforce", "Contact", "keeps what both sides agreed"),
        ("generic_slack", "Announcements", "Can somebody"),
        ("generic_slack", "Channel", "Closing the thread"),
        ("generic_stackoverflow", "Question", "Hope this helps"),
    ],
)
def test_no_kind_of_record_speaks_as_another(template_id: str, kind: str, foreign: str) -> None:
    made = records(TEMPLATES[template_id], 5, 0, 300)

    spoken = [each["body"] for each in made if kind in {each["content_type"], each["object_type"]}]

    assert len(spoken) > 10
    assert [body for body in spoken if foreign in body] == []


@pytest.mark.parametrize("name", sorted({each.voice for each in TEMPLATES.values()}))
def test_every_variant_of_a_voice_is_for_records_there_are(name: str) -> None:
    content = json.loads(
        (files("gateways.local.mock_data") / f"words/voices/{name}.json").read_text()
    )
    kinds = {
        kind
        for each in TEMPLATES.values()
        if each.voice == name
        for content_type, object_types in each.object_types_of.items()
        for kind in (content_type, *object_types)
    }

    named = {kind for variant in content["variants"] for kind in variant["of"]}

    assert named <= kinds


@pytest.mark.parametrize(
    "name", sorted({name for each in TEMPLATES.values() for name in each.topics})
)
def test_what_a_sentence_treats_as_one_thing_is_one(name: str) -> None:
    words = topic(name)

    heads = [HEAD.split(each)[0] for each in (*words.parts, *words.papers, *words.measures)]

    assert [each for each in heads if re.search(r"(?<!si)s$", each)] == []
    assert [each for each in words.risks if not each.startswith(("a ", "an ", *UNCOUNTED))] == []


@given(key=st.text(max_size=20), bound=st.integers(1, 65_536))
def test_a_draw_stays_below_its_bound(key: str, bound: int) -> None:
    draws = Draws(key)

    assert all(0 <= draws.below(bound) < bound for _ in range(20))


@given(key=st.text(max_size=20), count=st.integers(0, 10))
def test_some_draws_are_different_ones(key: str, count: int) -> None:
    drawn = Draws(key).some(range(10), count)

    assert len(set(drawn)) == len(drawn) == count
