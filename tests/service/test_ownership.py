"""Ownership: each of our packages is the one in this repository, or the service does not start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.ownership import foreign_packages, require_own_packages

ROOT = Path(__file__).resolve().parents[2]

ASK = "from service.ownership import require_own_packages; require_own_packages()"


def test_our_packages_are_ours() -> None:
    require_own_packages()

    assert foreign_packages() == []


@pytest.mark.parametrize("name", ["agents", "registry"])
def test_a_foreign_package_of_our_name_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text('"""Somebody else."""\n')
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}

    ended = subprocess.run(
        [sys.executable, "-c", ASK],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode != 0
    assert f"The packages {name} come from another distribution" in ended.stderr
