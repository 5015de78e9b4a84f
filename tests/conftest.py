"""What every test shares: properties are judged by what holds, not by how quickly it is shown."""

from __future__ import annotations

import structlog
from hypothesis import settings

settings.register_profile("calm", deadline=None)
settings.load_profile("calm")

# Nobody has set logs up in a test, and by itself structlog would draw every error with all its
# locals, which may take a minute.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)
