"""Secrets of webhooks: each tenant points at its own, and no name of one opens another's."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from domain.errors import InvalidInput
from service.assembly import assembled
from service.settings import Settings
from service.webhook_secrets import WebhookSecrets, idle_variables
from tests.builders import NOW

SECRET = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"


def test_a_tenant_has_the_variables_that_begin_with_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WEBHOOK_ACME__HOOK", SECRET)

    key = WebhookSecrets(None).key("secret://env/WEBHOOK_ACME__HOOK", "acme")

    assert key == bytes(range(32))


@pytest.mark.parametrize("tenant", ["globex", "acme-", "Acme", "acme_", "a", ""])
def test_no_other_tenant_has_them_however_it_is_named(
    monkeypatch: pytest.MonkeyPatch, tenant: str
) -> None:
    monkeypatch.setenv("WEBHOOK_ACME__HOOK", SECRET)

    with pytest.raises(InvalidInput):
        WebhookSecrets(None).key("secret://env/WEBHOOK_ACME__HOOK", tenant)


def test_a_tenant_of_any_name_has_its_folder(tmp_path: Path) -> None:
    (tmp_path / "acme-eu").mkdir()
    (tmp_path / "acme-eu" / "hook").write_text(SECRET)

    key = WebhookSecrets(tmp_path).key(f"secret://file/{tmp_path}/acme-eu/hook", "acme-eu")

    assert key == bytes(range(32))


def test_a_tenant_without_a_place_is_told_how_it_gets_one() -> None:
    with pytest.raises(InvalidInput, match=r"DATAOPS_WEBHOOK_SECRETS is not set\. Set it"):
        WebhookSecrets(None).key("secret://env/WEBHOOK_ACME_EU__HOOK", "acme-eu")


def test_variables_that_no_tenant_may_point_at_are_named() -> None:
    idle = ["WEBHOOK_ACME_EU__HOOK", "WEBHOOK_Acme__HOOK", "WEBHOOK___HOOK"]
    used = ["WEBHOOK_ACME__HOOK", "WEBHOOK_ACME__HOOK__2", "WEBHOOK_7__A_B"]
    others = ["WEBHOOK_URL", "MY_WEBHOOK_A_B__C", "DATAOPS_WEBHOOK_PORTS"]

    assert idle_variables([*others, *used, *idle]) == sorted(idle)


async def test_at_the_start_the_log_names_variables_that_no_tenant_may_point_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_ACME_EU__HOOK", SECRET)

    with capture_logs() as lines:
        async with assembled(Settings(data=tmp_path), "http://127.0.0.1:8080", lambda: NOW):
            pass

    (told,) = [each for each in lines if each["event"] == "webhook.variables_idle"]
    assert told["names"] == ["WEBHOOK_ACME_EU__HOOK"]
    assert SECRET not in str(told)
