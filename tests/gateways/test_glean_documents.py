"""Records as Glean's documents: every field in its place, and nothing made up."""

from __future__ import annotations

from typing import Any

import pytest

from domain.journey import JourneyStage
from gateways.glean import GleanConnectors, GleanCredentials
from gateways.glean_documents import document
from tests.gateways.foreign import (
    ADA,
    CLIENT_TOKEN,
    INDEXING_TOKEN,
    Scripted,
    Time,
    a_connector,
    a_record,
    calling,
    said,
)

SANDBOX = a_connector()


@pytest.mark.requirement("R50")
def test_a_record_becomes_a_document() -> None:
    assert document(a_record(3), SANDBOX, ADA) == {
        "datasource": SANDBOX.datasource,
        "objectType": "Page",
        "id": "page0003",
        "title": "Infusion pump procedure number 3",
        "viewURL": f"{SANDBOX.home_url}/records/page0003",
        "body": {"mimeType": "text/plain", "textContent": "How procedure 3 is carried out."},
        "permissions": {"allowAnonymousAccess": True},
        "createdAt": 1714557600,
        "updatedAt": 1714644000,
        "author": {"email": "ada.byron@example.com"},
        "tags": ["Engineering docs", "Medical devices"],
    }


def test_a_bare_record_becomes_a_document_of_the_first_declared_type() -> None:
    assert document({"id": "R1"}, SANDBOX, ADA) == {
        "datasource": SANDBOX.datasource,
        "objectType": "Page",
        "id": "r1",
        "title": "r1",
        "viewURL": f"{SANDBOX.home_url}/records/r1",
        "body": {"mimeType": "text/plain", "textContent": ""},
        "permissions": {"allowAnonymousAccess": True},
    }


def test_a_record_without_a_text_is_searched_by_its_fields() -> None:
    account = {"id": "a1", "title": "Acme", "region": "EMEA", "employees": 40, "open": None}

    written = document(account, SANDBOX, ADA)

    assert written["body"]["textContent"] == "region: EMEA\nemployees: 40"


@pytest.mark.parametrize(
    ("author", "written"),
    [
        ("ada@example.com", {"email": "ada@example.com"}),
        ("Ada", {"name": "Ada"}),
        ("", None),
        (5, None),
    ],
)
def test_an_author_is_an_address_or_a_name(author: Any, written: dict[str, str] | None) -> None:
    assert document(a_record(1, author=author), SANDBOX, ADA).get("author") == written


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        ("2024-05-01T12:00:00+02:00", 1714557600),
        ("2024-05-01T10:00:00", 1714557600),
        (1714557600, 1714557600),
        ("yesterday", None),
        (None, None),
        ({}, None),
    ],
)
def test_times_are_epoch_seconds(moment: Any, written: int | None) -> None:
    assert document(a_record(1, created_at=moment), SANDBOX, ADA).get("createdAt") == written


@pytest.mark.requirement("R50")
def test_a_pilot_is_read_by_listed_people_and_groups_and_the_test_user() -> None:
    record = a_record(1, allowed_users=["grace@example.com", 5], allowed_groups=["nurses"])

    written = document(record, a_connector(JourneyStage.PILOT), ADA)

    assert written["permissions"] == {
        "allowedUsers": [{"email": "grace@example.com"}, {"email": ADA}],
        "allowedGroups": ["nurses"],
    }


@pytest.mark.requirement("R50")
def test_production_is_read_by_whom_the_source_lets_and_by_nobody_else() -> None:
    written = document(a_record(1), a_connector(JourneyStage.PRODUCTION), ADA)

    assert written["permissions"] == {"allowedUsers": [], "allowedGroups": []}


async def test_without_a_test_user_we_act_for_nobody() -> None:
    app = Scripted(said({"results": []}))
    alone = GleanCredentials(lambda: INDEXING_TOKEN, lambda: CLIENT_TOKEN, "")

    await GleanConnectors(calling(app), alone, Time().timing).search(SANDBOX, "pump")

    assert "x-glean-actas" not in app.headers[0]
