"""What every test shares: properties are judged by what holds, not by how quickly it is shown."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("calm", deadline=None)
settings.load_profile("calm")
