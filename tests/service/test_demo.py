"""The demo: three acts, every figure measured, and an honest end when something goes wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.errors import NotAllowed
from service.cli.demo import demo, play
from service.cli.serve import serving
from service.cli.stage import Stage
from service.cli.talk import Talk
from service.settings import Settings, Untouched
from tests.journeys.scenes import at_a_socket
from tests.journeys.test_disasters import a_supplier_that_sends
from tests.running import CONFLUENCE, GITHUB

pytestmark = pytest.mark.usefixtures("logs")

A_CLIENT_OF_ITS_OWN = {
    "skill": "provision-datasets",
    "journey_id": "journey-oak",
    "client_id": "oak",
    "stage": "sandbox",
    "dataset_types": ["jira"],
    "record_count": 20,
    "client": {"name": "Oak", "code": "OAK", "industry": "retail", "use_case": "onboarding"},
}


async def _hear(data: dict[str, Any]) -> None:
    del data


@pytest.mark.requirement("R100")
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


async def test_nothing_that_is_set_has_a_say_in_a_demo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dataops.toml").write_text('archive = "folder:elsewhere"')
    for name, value in {
        "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'precious.db'}",
        "GLEAN_URL": "http://127.0.0.1:1",
        "GRACE_PERIOD": "48h",
        "AUTH_TOKENS": "secret://env/NOBODY_HAS_SET_THIS",
    }.items():
        monkeypatch.setenv(f"DATAOPS_{name}", value)

    code = await demo(tmp_path / "own", as_json=False)

    assert code == 0
    assert "24 hours pass" in capsys.readouterr().out
    assert not (tmp_path / "precious.db").exists()
    assert not (tmp_path / "elsewhere").exists()
    assert (tmp_path / "own" / "dataops.db").exists()


async def test_a_demo_lets_no_time_pass_for_anybody_else(tmp_path: Path) -> None:
    async with serving(Settings(data=tmp_path, port=0)) as served:
        talk = Talk(served.url)
        await talk.call("lifecycle-coordinator", A_CLIENT_OF_ITS_OWN, _hear)
        await talk.close()

    with pytest.raises(NotAllowed, match="datasets of oak"):
        await demo(tmp_path, as_json=True)


async def test_a_second_demo_in_a_folder_tells_its_own_events_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await demo(tmp_path, as_json=True)
    first = json.loads(capsys.readouterr().out)["events"]

    await demo(tmp_path, as_json=True)

    second = json.loads(capsys.readouterr().out)["events"]
    assert second.count("DatasetArchived") == 2
    assert len(second) == len(first)


async def test_a_demo_that_cannot_provision_says_so_and_stops(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with at_a_socket(a_supplier_that_sends([])) as url:
        code = await play(Untouched(data=tmp_path, port=0, mock_data_url=url), as_json=False)

    out = capsys.readouterr().out
    assert code == 1
    assert "0 of 2 datasets READY" in out
    assert "It went wrong" in out
    assert "FAILED" in out


async def test_a_demo_that_comes_to_nothing_ends_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.cli.demo.PATIENCE_SECONDS", 0.5)
    nobody = "http://127.0.0.1:1"

    code = await play(Untouched(data=tmp_path, port=0, mock_data_url=nobody), as_json=False)

    out = capsys.readouterr().out
    assert code == 1
    assert "not done within 0.5 s" in out
    assert "It went wrong" in out


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
