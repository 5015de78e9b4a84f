"""The demo: three acts, every figure measured, and an honest end when something goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.cli.demo import demo
from service.cli.stage import Stage
from tests.journeys.scenes import at_a_socket
from tests.journeys.test_disasters import a_supplier_that_sends
from tests.running import CONFLUENCE, GITHUB

pytestmark = pytest.mark.usefixtures("logs")


async def test_the_demo_reports_what_it_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await demo(tmp_path, as_json=True)

    report = json.loads(capsys.readouterr().out)
    acts = report["acts"]
    blocked, mended = acts["break_and_mend"]["blocked"], acts["break_and_mend"]["mended"]
    assert code == 0
    assert report["succeeded"] is True
    assert acts["provision"]["records"] == 600
    assert {each["connector_name"]: each["status"] for each in acts["provision"]["datasets"]} == {
        CONFLUENCE: "ready",
        GITHUB: "ready",
    }
    assert [each["status"] for each in blocked + mended] == ["failed", "ready"]
    assert [each["status"] for each in acts["teardown"]["datasets"]] == ["archived", "archived"]
    assert [each["verified"] for each in acts["teardown"]["archives"]] == [True, True]
    assert report["events"].count("DatasetArchived") == 2
    assert report["events"].count("DatasetValidationFailed") == 1


async def test_the_demo_is_read_by_people_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    code = await demo(None, as_json=False)

    out = capsys.readouterr().out
    assert code == 0
    assert "600 records" in out
    assert "99.5 %" in out
    assert "All went as it should" in out
    assert "\x1b" not in out


async def test_a_demo_that_cannot_provision_says_so_and_stops(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_a_socket(a_supplier_that_sends([])) as url:
        monkeypatch.setenv("DATAOPS_MOCK_DATA_URL", url)

        code = await demo(tmp_path, as_json=False)

    out = capsys.readouterr().out
    assert code == 1
    assert "0 of 2 datasets READY" in out
    assert "It went wrong" in out
    assert "FAILED" in out


async def test_the_stage_shows_how_far_each_dataset_has_come(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stage = Stage(quiet=False)
    made = {"phase": "uploading", "done": 50, "total": 100, "unit": "records"}
    first = {"connector_name": GITHUB, "status": "provisioning", "progress": made}

    await stage.progress({"datasets": [first]})
    await stage.progress({"datasets": [{"connector_name": GITHUB, "status": "ready"}]})

    assert "\x1b" not in capsys.readouterr().out


def test_a_stage_without_a_verdict_shows_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    Stage(quiet=False).quality(
        [{"connector_name": GITHUB, "status": "failed", "record_count": None}]
    )

    out = capsys.readouterr().out
    assert "FAILED" in out
    assert out.count(" -") >= 5
