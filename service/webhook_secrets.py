"""Secrets of webhooks: looked up where a tenant may point, so that none signs with another's.

Whoever subscribes names where the secret is, and could name any secret of this service, or that of
another tenant to sign in its name. So a tenant's secrets are in its own folder, or in variables of
the environment that begin with its name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import InvalidInput
from gateways.secrets import resolve
from gateways.webhooks import signing_key

if TYPE_CHECKING:
    from domain.subscription import Subscription

_ENVIRONMENT = "secret://env/"
_FILE = "secret://file/"
_OUTSIDE = re.compile(r"[^A-Z0-9]+")


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
            return reference.removeprefix(_ENVIRONMENT).startswith(_prefix(tenant))
        if reference.startswith(_FILE) and self._folder is not None:
            theirs = (self._folder / tenant).resolve()
            is_plain = theirs.parent == self._folder.resolve()
            file = Path(reference.removeprefix(_FILE)).resolve()
            return is_plain and theirs in file.parents
        return False

    def _places(self, tenant: str) -> str:
        folder = f", or in {self._folder / tenant}" if self._folder is not None else ""
        return (
            f"A webhook's secret is in a variable secret://env/{_prefix(tenant)}NAME{folder}. Put it "
            "there, and give that reference."
        )


def _prefix(tenant: str) -> str:
    """Begin the variables of a tenant: no other's begin so, unless they are named alike."""
    return f"WEBHOOK_{_OUTSIDE.sub('_', tenant.upper())}__"
