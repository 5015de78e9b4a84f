"""The bucket of archives, as the doctor looks at it: from here, with the keys that are set."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from gateways.s3_fitness import examine_bucket
from service.archives import access_of
from service.clocks import wall_clock

if TYPE_CHECKING:
    from gateways.s3 import Place
    from gateways.s3_fitness import Look
    from service.settings import Settings


def looks_at(settings: Settings, place: Place) -> list[Look]:
    """Take every look at the bucket that is set."""
    nonce = secrets.token_hex(8)
    return asyncio.run(examine_bucket(place, access_of(settings), wall_clock(), nonce))
