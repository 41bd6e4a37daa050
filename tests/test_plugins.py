"""What is found by itself, and what is put off until it is used."""

from __future__ import annotations

import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

from npm_vetted import checks, clients, commands, installs, report
from npm_vetted._plugins import parts
from npm_vetted.installs import files as places


@pytest.mark.parametrize("package", [checks, clients, commands, installs, places, report])
def test_the_parts_of_a_package_are_its_modules(package: ModuleType) -> None:
    listed = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    assert parts(package.__path__) == [name for name in listed if not name.startswith("_")]


def test_a_part_may_be_a_folder(tmp_path: Path) -> None:
    for name in ("one.py", "_two.py", "three.txt", "four/__init__.py", "five/x.py", "__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert parts([str(tmp_path)]) == ["four", "one"]
