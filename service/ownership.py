"""Our packages have everyday names: a check that each one that is imported is ours."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from domain.errors import DataOpsError

PACKAGES = ("domain", "agents", "protocol", "registry", "gateways", "service")


class ForeignPackage(DataOpsError):
    """Another distribution has put a package of our name into the environment."""


def foreign_packages() -> list[str]:
    """Name each of our packages that Python would import from elsewhere."""
    home = Path(__file__).resolve().parent.parent
    return [name for name in PACKAGES if _place(name) != home / name]


def require_own_packages() -> None:
    """Refuse to start beside a package that only has our name. Raises ForeignPackage."""
    foreign = foreign_packages()
    if foreign:
        message = (
            f"The packages {', '.join(foreign)} come from another distribution. Install this "
            "service into an environment of its own."
        )
        raise ForeignPackage(message)


def _place(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin).resolve().parent if spec and spec.origin else None
