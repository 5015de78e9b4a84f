"""The ACME request under Glean's published limits: what they leave of our speed."""

from __future__ import annotations

import os
import time
from typing import Any

from bench.setting import bench


async def measure() -> list[dict[str, Any]]:
    """Measure one ACME request against a Glean behind a URL, for which the limits are on."""
    async with bench() as glean:
        local = glean.served.service.stand_ins
        os.environ["BENCH_INDEXING_TOKEN"] = local.indexing_token
        os.environ["BENCH_CLIENT_TOKEN"] = local.client_token
        async with bench(
            glean_url=f"{glean.served.url}/glean",
            glean_indexing_token="secret://env/BENCH_INDEXING_TOKEN",  # noqa: S106 - a reference
            glean_client_token="secret://env/BENCH_CLIENT_TOKEN",  # noqa: S106 - a reference
        ) as setting:
            started = time.perf_counter()
            ending = await setting.provision("limited", ["confluence", "github"])
            seconds = time.perf_counter() - started
    statuses = [each["status"] for each in ending.data["datasets"]]
    return [
        {
            "what": "acme with Glean's published limits on (5 searches a second)",
            "seconds": round(seconds, 2),
            "statuses": statuses,
        }
    ]
