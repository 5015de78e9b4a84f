"""Approvals from the command line: what waits is listed, decided, and told as waiting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.service.cli.commanding import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service.cli.commanding import Cli

NAME = "YEW-sandbox-jira"
ORPHANED = ("teardown", NAME, "--reason", "orphan_cleanup", "--yes")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A service whose sandbox is protected, and one dataset in it."""
    with served(tmp_path_factory.mktemp("guarded"), DATAOPS_PROTECT_STAGES="sandbox") as found:
        found.introduce("yew", "jira")
        yield found


def test_where_nothing_waits_that_is_said(guarded: Cli) -> None:
    assert "Nothing waits for approval." in guarded.run("approvals", "list").stdout
    refused = guarded.run("approvals", "list", "--status", "approved")
    assert "No approval is approved." in refused.stdout


def test_a_teardown_that_waits_says_so_and_how_it_goes_on(guarded: Cli) -> None:
    result = guarded.run(*ORPHANED)

    (waiting,) = guarded.answer("approvals", "list")["approvals"]
    listed = guarded.run("approvals", "list")
    assert result.exit_code == 5
    assert "To be approved first" in result.stderr
    assert f"dataops approvals resolve {waiting['approval_id']} --approve" in result.stderr
    assert waiting["approval_id"] in listed.stdout
    assert (waiting["connector_name"], waiting["status"]) == (NAME, "pending")


def test_an_approval_is_refused_by_its_datasets_name_and_stays_so(guarded: Cli) -> None:
    guarded.run(*ORPHANED)

    refused = guarded.run("approvals", "resolve", NAME, "--refuse", "--comment", "Not yet.")
    otherwise = guarded.run("approvals", "resolve", NAME, "--approve")

    (kept,) = guarded.answer("approvals", "list", "--status", "refused")["approvals"]
    assert refused.exit_code == 0, refused.stderr
    assert kept["comment"] == "Not yet."
    assert otherwise.exit_code == 1
    assert "was refused by" in otherwise.stderr


def test_an_approval_that_is_given_ends_the_dataset(guarded: Cli) -> None:
    guarded.run(*ORPHANED)

    result = guarded.run("approvals", "resolve", NAME, "--approve", "--json")

    document = json.loads(result.stdout)
    (shown,) = guarded.answer("datasets", "show", NAME)["datasets"]
    assert document["state"] == "completed"
    assert document["approvals"][0]["status"] == "approved"
    assert shown["teardown_reason"] == "orphan_cleanup"


def test_an_approval_nobody_asked_for_is_not_found(guarded: Cli) -> None:
    result = guarded.run("approvals", "resolve", "OAK-sandbox-jira", "--approve")

    assert result.exit_code == 1
    assert "Next: dataops approvals list" in result.stderr
