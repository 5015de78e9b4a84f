"""The roof: settings, assembly, engine, command line and console."""

from __future__ import annotations

import os

# The A2A library opens spans around each of its steps, a sixth of what a call costs. They go
# nowhere unless somebody exports them, who then says so; it is asked when the library is imported.
os.environ.setdefault("OTEL_INSTRUMENTATION_A2A_SDK_ENABLED", "false")
