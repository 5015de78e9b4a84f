"""The local Glean's bulk uploads: pages that replace a whole datasource."""

import pytest

from tests.gateways.local.glean_client import Clock, GleanCaller, document


async def test_pages_together_replace_the_datasource(glean: GleanCaller) -> None:
    await glean.bulk([document("old"), document("kept")])

    await glean.bulk([document("kept")], "second", isFirstPage=True)
    await glean.bulk([document("middle")], "second", isFirstPage=False)
    await glean.bulk(
        [document("last")],
        "second",
        isLastPage=True,
        disableStaleDocumentDeletionCheck=True,
    )

    assert sorted(await glean.found("title")) == ["kept", "last", "middle"]
    assert await glean.counts() == (3, 3)


async def test_an_uploads_course_is_told_in_the_status(
    slow_glean: GleanCaller, clock: Clock
) -> None:
    states = []

    for flags in ({"isFirstPage": True}, {"isFirstPage": False}, {"isLastPage": True}):
        await slow_glean.bulk([document("one")], **flags)
        states.append((await slow_glean.status())["documents"]["bulkUploadHistory"][0])
    clock.advance(minutes=2)
    states.append((await slow_glean.status())["documents"]["bulkUploadHistory"][0])

    assert [(each["status"], each["processingState"]) for each in states] == [
        ("ACTIVE", "UPLOAD STARTED"),
        ("ACTIVE", "UPLOAD IN PROGRESS"),
        ("SUCCESSFUL", "UPLOAD COMPLETED"),
        ("SUCCESSFUL", "INDEXING COMPLETED"),
    ]
    assert states[0]["endTime"] == "NA"
    assert states[3]["endTime"] == "2026-01-20T12:00:00Z"


async def test_a_second_upload_conflicts_with_the_open_one(glean: GleanCaller) -> None:
    await glean.bulk([document("one")], "first", isFirstPage=True)

    opening = await glean.bulk([document("two")], "second", isFirstPage=True)
    going_on = await glean.bulk([document("two")], "second", isFirstPage=False)

    assert (opening.status_code, going_on.status_code) == (409, 409)


async def test_a_forced_restart_discards_the_open_upload(glean: GleanCaller) -> None:
    await glean.bulk([document("abandoned")], "first", isFirstPage=True)

    answer = await glean.bulk(
        [document("fresh")],
        "second",
        isFirstPage=True,
        isLastPage=True,
        forceRestartUpload=True,
        disableStaleDocumentDeletionCheck=True,
    )

    history = (await glean.status())["documents"]["bulkUploadHistory"]
    assert answer.status_code == 200
    assert [each["uploadId"] for each in history] == ["second"]
    assert await glean.found("title") == ["fresh"]


async def test_a_page_without_a_first_page_is_refused(glean: GleanCaller) -> None:
    answer = await glean.bulk([document("one")], isFirstPage=False)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "flags",
    [
        {"isFirstPage": False, "forceRestartUpload": True},
        {"isFirstPage": True, "disableStaleDocumentDeletionCheck": True},
    ],
)
async def test_a_flag_on_the_wrong_page_is_refused(
    glean: GleanCaller, flags: dict[str, bool]
) -> None:
    answer = await glean.bulk([document("one")], **flags)

    assert answer.status_code == 400


async def test_the_last_page_may_be_sent_again(glean: GleanCaller) -> None:
    await glean.bulk([document("one")], isFirstPage=True)
    await glean.bulk([document("two")], isLastPage=True)

    again = await glean.bulk([document("two")], isLastPage=True)

    assert again.status_code == 200
    assert await glean.counts() == (2, 2)


async def test_a_few_stale_documents_go_at_once(glean: GleanCaller) -> None:
    names = [f"doc{number}" for number in range(10)]
    await glean.bulk([document(name) for name in names])

    await glean.bulk([document(name) for name in names[:8]], "second")

    assert await glean.counts() == (8, 8)


async def test_too_many_stale_documents_are_held_back_for_seven_days(
    glean: GleanCaller, clock: Clock
) -> None:
    names = [f"doc{number}" for number in range(10)]
    await glean.bulk([document(name) for name in names])

    await glean.bulk([document(name) for name in names[:7]], "second")
    held_back = await glean.status()
    count_while_held_back = await glean.counts()
    clock.advance(days=7, seconds=1)

    history = held_back["documents"]["bulkUploadHistory"]
    assert history[0]["processingState"] == "DELETION PAUSED"
    assert count_while_held_back == (10, 10)
    assert await glean.counts() == (7, 7)
    state = (await glean.status())["documents"]["bulkUploadHistory"][0]["processingState"]
    assert state == "INDEXING COMPLETED"


async def test_one_empty_forced_page_empties_even_what_was_held_back(glean: GleanCaller) -> None:
    await glean.bulk([document("one"), document("two")])
    await glean.bulk([], "held back")

    await glean.bulk(
        [],
        "teardown",
        isFirstPage=True,
        isLastPage=True,
        forceRestartUpload=True,
        disableStaleDocumentDeletionCheck=True,
    )

    assert await glean.counts() == (0, 0)
    assert await glean.found("title") == []
    assert (await glean.index("getdatasourceconfig", {"datasource": "acme"})).status_code == 200


async def test_a_page_with_one_wrong_document_changes_nothing(glean: GleanCaller) -> None:
    foreign = document("two", datasource="elsewhere")

    refused = await glean.bulk([document("one"), foreign])
    accepted = await glean.bulk([document("three")])

    assert (refused.status_code, accepted.status_code) == (400, 200)
    assert await glean.found("title") == ["three"]


async def test_an_abandoned_upload_stays_active(glean: GleanCaller, clock: Clock) -> None:
    await glean.bulk([document("one")], isFirstPage=True)

    clock.advance(days=1)

    history = (await glean.status())["documents"]["bulkUploadHistory"]
    assert [each["status"] for each in history] == ["ACTIVE"]


async def test_documents_of_an_abandoned_upload_are_stale_in_the_next(glean: GleanCaller) -> None:
    await glean.bulk([document("abandoned")], isFirstPage=True)

    await glean.bulk(
        [document("fresh")],
        isFirstPage=True,
        isLastPage=True,
        disableStaleDocumentDeletionCheck=True,
    )

    assert await glean.found("title") == ["fresh"]
