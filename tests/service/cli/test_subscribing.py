"""Webhooks and the events' schemas from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.service.cli.commanding import Cli, served
from tests.subscribers import keep_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "https://hooks.invalid/dataops"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cli, str]]:
    folder = tmp_path_factory.mktemp("subscribing")
    secret = keep_secret(folder / "hooks")
    with served(folder, DATAOPS_WEBHOOK_SECRETS=str(folder / "hooks")) as cli:
        yield cli, secret


def test_a_webhook_is_made_listed_enabled_and_forgotten(town: tuple[Cli, str]) -> None:
    cli, secret = town

    made = cli.answer(
        "events", "subscribe", URL, "--secret", secret, "--kind", "DatasetReady", "--after", "0"
    )
    name = made["subscription_id"]
    listed = cli.run("events", "subscriptions", COLUMNS="200")
    enabled = cli.answer("events", "enable", name)
    letters = cli.run("events", "dead-letters", name)
    replayed = cli.run("events", "dead-letters", name, "--replay")
    gone = cli.run("events", "unsubscribe", name)
    nobody = cli.run("events", "subscriptions")

    assert (made["url"], made["kinds"], made["state"]) == (URL, ["DatasetReady"], "active")
    assert name in listed.stdout
    assert enabled["subscription_id"] == name
    assert letters.stdout == "There is no dead letter.\n"
    assert replayed.stdout == "0 dead letters are sent once more.\n"
    assert gone.stdout == f"{name} is forgotten.\n"
    assert nobody.stdout.startswith("Nobody is subscribed.")


def test_people_read_what_became_of_a_webhook(town: tuple[Cli, str]) -> None:
    cli, secret = town

    result = cli.run("events", "subscribe", URL, "--secret", secret)

    assert result.exit_code == 0, result.stderr
    assert URL in result.stdout


def test_a_webhook_that_cannot_be_is_a_failure_that_says_why(town: tuple[Cli, str]) -> None:
    cli, _ = town

    result = cli.run("events", "subscribe", URL, "--secret", "secret://env/HOME")

    assert result.exit_code == 1
    assert "WEBHOOK_DEFAULT__NAME" in " ".join(result.stderr.split())


def test_an_unknown_webhook_is_a_failure(town: tuple[Cli, str]) -> None:
    cli, _ = town

    result = cli.run("events", "unsubscribe", "7b0d5a7e-0000-4000-8000-00000000dead")

    assert result.exit_code == 1
    assert "There is no subscription" in " ".join(result.stderr.split())


def test_machines_read_webhooks_and_dead_letters_as_json(town: tuple[Cli, str]) -> None:
    cli, secret = town
    name = cli.answer("events", "subscribe", URL, "--secret", secret)["subscription_id"]

    listed = cli.answer("events", "subscriptions")
    letters = cli.answer("events", "dead-letters", name)

    assert name in [each["subscription_id"] for each in listed["subscriptions"]]
    assert letters == {"dead_letters": [], "next_after": None}


def test_the_schema_of_an_event_and_of_all_of_them_is_printed(town: tuple[Cli, str]) -> None:
    cli, _ = town

    one = json.loads(cli.run("events", "schema", "DatasetReady").stdout)
    every = json.loads(cli.run("events", "schema").stdout)

    assert one["$id"].endswith("/schemas/DatasetReady.v1.json")
    assert every["asyncapi"] == "3.0.0"


def test_past_events_are_replayed_from_any_place_on(town: tuple[Cli, str]) -> None:
    cli, _ = town
    cli.introduce("tamarisk", "jira")

    every = cli.run("events", "replay", "--json").stdout.splitlines()
    rest = cli.run("events", "replay", "--after", "2", "--json").stdout.splitlines()

    assert rest == every[2:]
    assert len(rest) > 2
