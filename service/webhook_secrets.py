"""Secrets of webhooks: looked up where a tenant may point, so that none signs with another's.

Whoever subscribes names where the secret is, and could name any secret of this service, or that of
another tenant to sign in its name. So a tenant's secrets are in its own folder, or in variables of
the environment that begin with its name, where that is of small letters and digits alone: no other
name makes the same beginning.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import InvalidInput
from gateways.secrets import resolve
from gateways.webhooks import signing_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.subscription import Subscription

_ENVIRONMENT = "secret://env/"
_FILE = "secret://file/"
_PLAIN = re.compile(r"[a-z0-9]+")
_IDLE = re.compile(r"WEBHOOK_(?![A-Z0-9]+__)\w*__\w+")


class WebhookSecrets:
    """Finds the keys of subscriptions; `folder` holds one folder a tenant, where there is any."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def keys(self, subscription: Subscription) -> list[bytes]:
        """Give a subscription's keys, the one that counts first. Raises InvalidInput."""
        return [self.key(each, subscription.tenant) for each in subscription.secrets]

    def key(self, reference: str, tenant: str) -> bytes:
        """Look one key up.

        Raises:
            InvalidInput: the tenant may not point there, nothing is there, or it is no key.
        """
        if not self._is_theirs(reference, tenant):
            raise InvalidInput(self._places(tenant))
        return signing_key(resolve(reference))

    def _is_theirs(self, reference: str, tenant: str) -> bool:
        if reference.startswith(_ENVIRONMENT):
            variable = reference.removeprefix(_ENVIRONMENT)
            return _is_plain(tenant) and variable.startswith(_prefix(tenant))
        if reference.startswith(_FILE) and self._folder is not None:
            theirs = (self._folder / tenant).resolve()
            is_plain = theirs.parent == self._folder.resolve()
            file = Path(reference.removeprefix(_FILE)).resolve()
            return is_plain and theirs in file.parents
        return False

    def _places(self, tenant: str) -> str:
        places = [f"in a variable secret://env/{_prefix(tenant)}NAME"] if _is_plain(tenant) else []
        if self._folder is not None:
            places.append(f"in {self._folder / tenant}")
        if not places:
            return (
                f"Tenant {tenant!r} has no place for secrets of webhooks: its name has more than small "
                "letters and digits, and DATAOPS_WEBHOOK_SECRETS is not set. Set it to a folder."
            )
        return (
            f"A webhook's secret is {', or '.join(places)}. Put it there, and give that reference."
        )


def idle_variables(environ: Iterable[str]) -> list[str]:
    """Name the variables that look like secrets of webhooks, and that no tenant may point at."""
    return sorted(filter(_IDLE.fullmatch, environ))


def _is_plain(tenant: str) -> bool:
    return _PLAIN.fullmatch(tenant) is not None


def _prefix(tenant: str) -> str:
    """Begin the variables of a tenant whose name is plain: no other's begin so."""
    return f"WEBHOOK_{tenant.upper()}__"
