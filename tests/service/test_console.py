"""The console shows what is so: readable without a script, safe with one, and as data as well."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from domain.commands import Principal
from domain.lifecycle import DatasetStatus
from service.console.rendering import FOLDER, moment, number, percent, span, without_subject
from tests.builders import (
    NOW,
    a_client,
    a_dataset,
    a_journey,
    begin_grace,
    fail_gate,
    some_evidence,
    tear_down,
    validate,
)
from tests.service.consoles import Console, a_dataset_of


class Outline(HTMLParser):
    """A page's landmarks, headings, ids and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.text = ""
        self.feed(page)
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        if "style" in given or tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


async def page_of(console: Console, path: str) -> Outline:
    answer = await console.http.get(path)
    return Outline(answer.text)


async def every_path(console: Console) -> list[str]:
    failed = await console.keep(DatasetStatus.FAILED)
    archived = await console.keep(DatasetStatus.ARCHIVED, a_dataset_of(1))
    asked = await console.keep(DatasetStatus.DISCOVERING, a_dataset_of(2))
    datasets = [f"/datasets/{each.place.dataset_id}" for each in (failed, archived, asked)]
    return ["/", "/cards", "/figures", "/datasets/nothing", *datasets]


async def test_the_fleet_pins_what_failed_first_and_collapses_what_is_empty(
    console: Console,
) -> None:
    await console.keep(DatasetStatus.READY, a_dataset_of(1))
    await console.keep(DatasetStatus.FAILED, a_dataset_of(2))

    fleet = (await console.http.get("/.json")).json()

    assert [each["status"] for each in fleet["columns"]] == ["failed", "ready"]
    assert "archived" in fleet["empty"]


async def test_the_fleet_shows_what_waits_for_approval_and_how_it_is_decided(
    console: Console,
) -> None:
    asked = await console.ask_about(await console.keep(DatasetStatus.READY))

    fleet = (await console.http.get("/.json")).json()
    page = await page_of(console, "/")

    assert [each["approval_id"] for each in fleet["approvals"]] == [str(asked.approval_id)]
    assert "Waiting for approval" in page.text
    assert f"dataops approvals resolve {asked.approval_id} --approve" in page.text
    assert "<alice>" in page.text


async def test_where_nothing_waits_the_fleet_says_nothing_of_approvals(console: Console) -> None:
    await console.keep(DatasetStatus.READY)

    page = await page_of(console, "/")

    assert "Waiting for approval" not in page.text


async def test_the_fleet_counts_its_figures_from_what_it_lists(console: Console) -> None:
    await console.keep(DatasetStatus.READY, a_dataset_of(1))
    await console.keep(DatasetStatus.FAILED, a_dataset_of(2))

    figures = {each["name"]: each for each in (await console.http.get("/.json")).json()["figures"]}

    assert figures["Ready now"]["value"] == 1
    assert figures["First-attempt pass rate"]["value"] == pytest.approx(0.5)
    assert figures["First-attempt pass rate"]["is_met"] is False
    assert figures["Provisioning time"]["value"] == 7 * 60


async def test_an_empty_fleet_has_no_figures_rather_than_zeroes(console: Console) -> None:
    fleet = (await console.http.get("/.json")).json()
    page = await page_of(console, "/")

    assert [each["value"] for each in fleet["figures"]] == [0, None, None, None]
    assert "No datasets yet" in page.text


async def test_the_fleet_is_filtered_by_its_address(console: Console) -> None:
    await console.keep(DatasetStatus.READY, a_dataset_of(1))
    await console.keep(DatasetStatus.READY, a_dataset_of(2))

    fleet = (await console.http.get("/.json?journey=journey-2&status=READY")).json()

    assert fleet["total"] == 1
    assert {each["journeyref"] for each in fleet["events"]} == {"journey-2"}


async def test_a_filter_that_is_none_is_explained_on_the_page(console: Console) -> None:
    answer = await console.http.get("/?status=broken")

    assert answer.status_code == 422
    assert "must be one of" in Outline(answer.text).text


async def test_a_filter_that_is_wrong_in_part_leads_to_the_rest_of_it(console: Console) -> None:
    answer = await console.http.get("/?status=broken&journey=journey-1&stage=sandbox")

    assert 'href="/?journey=journey-1&amp;stage=sandbox"' in answer.text


async def test_only_the_newest_archived_datasets_take_up_room(console: Console) -> None:
    for client in range(8):
        await console.keep(DatasetStatus.ARCHIVED, a_dataset_of(client))

    (column,) = (await console.http.get("/.json")).json()["columns"]

    assert (column["count"], len(column["datasets"]), column["hidden"]) == (8, 6, 2)


async def test_a_dataset_shows_what_decided_and_what_would_have_passed(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.FAILED)

    page = await page_of(console, f"/datasets/{dataset.place.dataset_id}")

    assert "critical check failed: schema" in page.text
    assert "schema reached 100 % (it is 80 %)" in page.text
    assert "400 of 500 records are valid" in page.text
    assert "doc-3" in page.text


async def test_a_check_shows_what_it_needed_and_what_it_weighs(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.READY)

    shown = (await console.http.get(f"/datasets/{dataset.place.dataset_id}.json")).json()

    completeness = shown["quality"]["checks"][1]
    assert completeness["required"] == pytest.approx(0.96)
    assert completeness["weight"] == pytest.approx(0.25)
    assert completeness["evidence"] == "500 of 500 documents found; 49000 of 50000 fields filled"


async def test_the_track_tells_where_a_dataset_failed(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.FAILED)

    shown = (await console.http.get(f"/datasets/{dataset.place.dataset_id}.json")).json()

    states = [each["state"] for each in shown["track"]]
    assert states == ["done", "done", "failed", "ahead", "ahead", "ahead"]
    assert shown["track"][0]["seconds"] == 3600


async def test_the_track_tells_what_was_reached_before_it_failed_and_when_it_did(
    console: Console,
) -> None:
    dataset = await console.keep(DatasetStatus.READY)
    dataset.revalidate("asked for", NOW + timedelta(hours=2))
    fail_gate(dataset)
    console.moment.move(hours=2)
    await console.house.save(dataset)

    shown = (await console.http.get(f"/datasets/{dataset.place.dataset_id}.json")).json()

    track = {each["stage"]: each for each in shown["track"]}
    states = [each["state"] for each in shown["track"]]
    assert states == ["done", "done", "failed", "was", "ahead", "ahead"]
    assert track["validation"]["at"] == (NOW + timedelta(hours=3)).isoformat()
    assert track["ready"]["at"] == (NOW + timedelta(hours=1)).isoformat()


async def test_the_track_tells_when_a_dataset_came_where_it_is_now(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.READY)
    dataset.revalidate("asked for", NOW + timedelta(hours=2))
    console.moment.move(hours=2)
    await console.house.save(dataset)

    shown = (await console.http.get(f"/datasets/{dataset.place.dataset_id}.json")).json()

    now = next(each for each in shown["track"] if each["state"] == "now")
    assert (now["stage"], now["at"]) == ("validation", (NOW + timedelta(hours=3)).isoformat())


async def test_each_cell_of_a_table_says_on_a_phone_what_it_is(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.FAILED)
    dataset.revalidate("asked for", NOW)
    validate(dataset, some_evidence(dataset, valid=450))
    await console.house.save(dataset)

    page = (await console.http.get(f"/datasets/{dataset.place.dataset_id}")).text

    tables = re.findall(r"<table class=\"stacked[^>]*>(.*?)</table>", page, re.DOTALL)
    assert len(tables) == page.count("<table") == 4
    for table in tables:
        heads = re.findall(r"<th scope=\"col\"[^>]*>([^<]+)", table)
        for row in re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.DOTALL):
            labels = re.findall(r"<td data-label=\"([^\"]+)\"", row)
            assert labels == heads[len(heads) - len(labels) :]
            assert row.count("<td") == len(labels)


async def test_gaps_of_a_check_that_passed_are_told_as_allowed(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.FAILED)

    page = await page_of(console, f"/datasets/{dataset.place.dataset_id}")

    assert "Schema: what did not fit" in page.text
    assert "Completeness: gaps that are allowed" in page.text


async def test_a_teardown_says_that_its_grace_period_is_under_way(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.TEARDOWN)
    beginning = await page_of(console, f"/datasets/{dataset.place.dataset_id}")
    begin_grace(dataset)
    await console.house.save(dataset)

    page = await page_of(console, f"/datasets/{dataset.place.dataset_id}")
    fleet = await page_of(console, "/")

    assert "Being torn down (manual request), next: pause sync." in beginning.text
    assert "Being torn down (manual request), in its grace period. It can be" in page.text
    assert "manual request: in its grace period" in fleet.text


async def test_a_stage_that_was_never_reached_is_left_out_of_the_track(console: Console) -> None:
    dataset = a_dataset()
    tear_down(dataset)
    await console.house.keep(dataset)

    shown = (await console.http.get(f"/datasets/{dataset.place.dataset_id}.json")).json()

    states = [each["state"] for each in shown["track"]]
    assert states == ["done", "skipped", "skipped", "skipped", "now", "ahead"]


async def test_every_validation_is_listed_once_there_are_more_than_one(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.FAILED)
    dataset.revalidate("asked for", NOW)
    validate(dataset, some_evidence(dataset, valid=450))
    await console.house.save(dataset)

    page = await page_of(console, f"/datasets/{dataset.place.dataset_id}")

    assert "Every validation" in page.text


async def test_a_dataset_tells_where_it_came_from(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.ARCHIVED)

    shown = (await console.http.get(f"/datasets/{dataset.place.dataset_id}.json")).json()

    assert shown["provenance"]["template"] == "healthcare_developer_productivity_confluence"
    assert shown["provenance"]["requested_by"] == "journey-orchestration"
    assert shown["provenance"]["seed"].isdecimal()
    assert shown["archive"]["sha256"] == "cd" * 32


async def test_a_dataset_is_found_by_its_connectors_name_too(console: Console) -> None:
    await console.keep(DatasetStatus.READY)

    answer = await console.http.get("/datasets/ACME-sandbox-confluence")

    assert answer.status_code == 200


async def test_a_documents_link_leads_to_its_dataset(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.READY)
    home = f"/datasets/{dataset.place.dataset_id}"

    answer = await console.http.get(f"{home}/records/page-1")

    assert (answer.status_code, answer.headers["location"]) == (303, home)


async def test_an_unknown_dataset_gets_a_page_and_a_problem(console: Console) -> None:
    page = await console.http.get("/datasets/nothing")
    data = await console.http.get("/datasets/nothing.json")

    assert (page.status_code, data.status_code) == (404, 404)
    assert page.headers["content-type"].startswith("text/html")
    assert data.headers["content-type"] == "application/problem+json"


async def test_nobody_sees_another_tenants_dataset(console: Console) -> None:
    dataset = await console.keep(DatasetStatus.READY)

    async with console.seen_by(Principal("globex", "bob")) as stranger:
        answer = await stranger.get(f"/datasets/{dataset.place.dataset_id}")
        fleet = (await stranger.get("/.json")).json()

    assert (answer.status_code, fleet["total"]) == (404, 0)


async def test_the_agents_page_shows_every_card_with_its_skills(console: Console) -> None:
    cards = (await console.http.get("/cards.json")).json()["agents"]
    page = await page_of(console, "/cards")

    assert len(cards) == 5
    assert all(skill["id"] in page.text for card in cards for skill in card["skills"])


async def test_the_metrics_page_shows_each_metric_with_its_target_and_how_it_was(
    console: Console,
) -> None:
    await console.keep(DatasetStatus.READY)

    page = await page_of(console, "/figures")

    assert "Provisioning time 7 min of 1 dataset ✓ met · target below 60 min" in page.text
    assert "Quality pass rate 100 % of 1 dataset ✓ met · target at least 95 %" in page.text
    assert "Average quality score 99.5 % of 1 dataset ✓ met · target above 97 %" in page.text
    assert "4 to 6 hours by hand" in page.text


async def test_a_metric_without_history_has_no_data_rather_than_100_percent(
    console: Console,
) -> None:
    page = await page_of(console, "/figures")
    told = (await console.http.get("/figures.json")).json()["metrics"]

    assert page.text.count("– no data yet target") == 8
    assert {each["value"] for each in told} == {each["is_met"] for each in told} == {None}


async def test_nobody_sees_another_tenants_figures(console: Console) -> None:
    await console.keep(DatasetStatus.READY)

    async with console.seen_by(Principal("globex", "bob")) as stranger:
        told = (await stranger.get("/figures.json")).json()

    assert {each["counted"] for each in told["metrics"]} == {0}
    assert told["sequence"] == 0


async def test_nothing_a_caller_writes_becomes_markup(console: Console) -> None:
    nasty = "<script>alert(1)</script>"
    journey = a_journey(nasty, client=a_client("a&b"))
    await console.keep(DatasetStatus.READY, a_dataset(journey=journey))

    answer = await console.http.get("/", params={"journey": nasty})

    assert nasty not in answer.text
    assert "&lt;script&gt;" in answer.text


async def test_every_page_keeps_the_strictest_policy_and_runs_nothing_inline(
    console: Console,
) -> None:
    for path in await every_path(console):
        answer = await console.http.get(path)

        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert Outline(answer.text).inline == [], path


async def test_every_page_has_its_landmarks_one_title_and_ids_that_are_one_elements(
    console: Console,
) -> None:
    for path in await every_path(console):
        page = await page_of(console, path)

        assert page.tags.count("h1") == 1, path
        assert {"header", "nav", "main", "footer"} <= set(page.tags), path
        assert len(page.ids) == len(set(page.ids)), path


async def test_what_is_swapped_live_has_a_name_to_be_found_by(console: Console) -> None:
    for path in await every_path(console):
        answer = await console.http.get(path)

        for element in re.findall(r"<[^>]*\bdata-live\b[^>]*>", answer.text):
            assert ' id="' in element, path


async def test_a_page_listens_from_the_event_it_already_shows(console: Console) -> None:
    await console.keep(DatasetStatus.READY)
    newest = await console.house.registry.last_sequence("default")

    answer = await console.http.get("/")

    assert f'data-after="{newest}"' in answer.text
    assert "DatasetReady" in answer.text


@pytest.mark.parametrize("name", ["console.css", "live.js", "icon.svg"])
async def test_what_pages_need_is_served_from_here(console: Console, name: str) -> None:
    answer = await console.http.get(f"/static/{name}")

    assert answer.status_code == 200
    assert "http://" not in answer.text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        *((ink, ground) for ink in ("ink", "soft", "link") for ground in ("ground", "paper")),
        *((ink, "sunken") for ink in ("ink", "soft")),
        ("soft", "missed-tint"),
        ("soft", "met-tint"),
        ("soft", "busy-tint"),
        ("link", "busy-tint"),
        ("met", "met-tint"),
        ("met", "paper"),
        ("missed", "missed-tint"),
        ("missed", "paper"),
        ("waiting", "waiting-tint"),
    ],
)
def test_text_stands_out_from_its_ground(ink: str, ground: str, scheme: int) -> None:
    sheet = (FOLDER / "static" / "console.css").read_text()
    palette = dict(re.findall(r"--([a-z-]+): #([0-9a-f]{6});", sheet.split(":root {")[scheme + 1]))

    brighter, darker = sorted((luminance(palette[ink]), luminance(palette[ground])), reverse=True)

    assert (brighter + 0.05) / (darker + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """WCAG 2's relative luminance, 0 to 1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "–"),
        (0.25, "250 ms"),
        (7, "7 s"),
        (65, "1 min 5 s"),
        (3600, "1 h"),
        (90061, "1 d 1 h"),
    ],
)
def test_a_length_of_time_is_written_in_two_units(seconds: float | None, written: str) -> None:
    assert span(seconds) == written


def test_values_that_are_missing_are_a_dash_and_never_zero() -> None:
    assert [percent(None), moment(None), number(None)] == ["–", "–", "–"]


def test_a_message_leaves_out_the_dataset_whose_page_it_is_on() -> None:
    message = f"{a_dataset().name} did not pass its gate."

    assert without_subject(message) == "Did not pass its gate."


def test_an_identifier_stays_as_it_is_written() -> None:
    assert without_subject("folder:archive/d-1.json") == "folder:archive/d-1.json"


def test_a_moment_is_written_in_utc() -> None:
    assert moment(NOW.isoformat()) == "2026-03-02 09:30:00 UTC"
