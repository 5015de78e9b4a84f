"""Sample queries derived from titles: unique, evenly spaced, each with its own record."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.sampling import derive_queries
from domain.template import SampleQuery

Titles = st.lists(st.text(max_size=3), max_size=60).map(
    lambda titles: [(f"r{place}", title) for place, title in enumerate(titles)]
)


def titled(count: int) -> list[tuple[str, str]]:
    return [(f"r{number}", f"Title {number}") for number in range(count)]


def test_ten_titles_are_chosen_at_evenly_spaced_places() -> None:
    queries = derive_queries(titled(500), 10)

    assert [each.expected_id for each in queries] == [f"r{place}" for place in range(0, 500, 50)]
    assert queries[1] == SampleQuery("Title 50", "r50")


def test_a_title_that_could_mean_two_records_is_passed_over() -> None:
    titles = [("r1", "Same"), ("r2", "Own"), ("r3", "Same")]

    assert derive_queries(titles, 10) == (SampleQuery("Own", "r2"),)


def test_a_record_without_a_title_is_passed_over() -> None:
    assert derive_queries([("r1", ""), ("r2", "Own")], 1) == (SampleQuery("Own", "r2"),)


def test_no_titles_give_no_queries() -> None:
    assert derive_queries([], 10) == ()


@given(Titles, st.integers(1, 12))
def test_every_query_is_a_unique_title_of_its_own_record(
    titles: list[tuple[str, str]], count: int
) -> None:
    queries = derive_queries(titles, count)

    unique = {title for _, title in titles if [t for _, t in titles].count(title) == 1} - {""}
    assert len(queries) == min(count, len(unique))
    assert len(set(queries)) == len(queries)
    assert all((each.expected_id, each.query) in titles for each in queries)
