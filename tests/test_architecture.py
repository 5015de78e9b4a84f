"""The house stands as it was drawn: who imports whom, how large a room may be, what is ours."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("domain", "agents", "protocol", "registry", "gateways", "service")
LONGEST_MODULE = 300  # lines; past that a module is two ideas


def test_every_import_keeps_the_contracts(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)

    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_the_domain_imports_the_standard_library_alone() -> None:
    allowed = sys.stdlib_module_names | {"domain"}

    strangers = _imports_outside(allowed, ROOT / "domain")

    assert strangers == []


def test_the_stand_ins_import_nothing_of_ours_but_each_other() -> None:
    ours = [
        f"{place} imports {name}"
        for place, name in _imports(ROOT / "gateways" / "local")
        if name.split(".")[0] in PACKAGES and not name.startswith("gateways.local")
    ]

    assert ours == []


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_is_the_one_in_this_repository(name: str) -> None:
    package = importlib.import_module(name)

    assert package.__file__ is not None
    assert Path(package.__file__).resolve() == ROOT / name / "__init__.py"


def test_no_module_is_longer_than_one_idea() -> None:
    lengths = {_place(module): len(_text(module).splitlines()) for module in _modules()}

    too_long = {place: lines for place, lines in lengths.items() if lines > LONGEST_MODULE}

    assert too_long == {}


def test_every_module_opens_with_a_sentence() -> None:
    silent = [_place(module) for module in _modules() if not _opening(module).endswith(".")]

    assert silent == []


def _modules() -> Iterator[Path]:
    """Every module of ours; migrations follow Alembic's own shape."""
    for package in PACKAGES:
        for module in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in module.parts:
                yield module


def _imports_outside(allowed: frozenset[str] | set[str], folder: Path) -> list[str]:
    return [
        f"{place} imports {name}"
        for place, name in _imports(folder)
        if name.split(".")[0] not in allowed
    ]


def _imports(folder: Path) -> Iterator[tuple[str, str]]:
    """Each import below a folder: where it stands, and the module it names."""
    for module in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(_text(module))):
            for name in _named_by(node):
                yield f"{_place(module)}:{getattr(node, 'lineno', 0)}", name


def _named_by(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(name), names=names):
            return [f"{name}.{alias.name}" for alias in names]
        case _:
            return []


def _opening(module: Path) -> str:
    """The first paragraph of a module's docstring; empty where there is none."""
    docstring = ast.get_docstring(ast.parse(_text(module))) or ""
    return docstring.split("\n\n")[0]


def _text(module: Path) -> str:
    return module.read_text(encoding="utf-8")


def _place(module: Path) -> str:
    return str(module.relative_to(ROOT))
