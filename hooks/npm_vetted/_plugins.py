"""Discovers the modules of a package: clients, checks, commands, reports, places."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from typing import Any


def parts(paths: Iterable[str]) -> list[str]:
    """The names of a package's modules, but for those that start with an underscore, in order.

    ``pkgutil`` lists them too, and imports ``inspect`` for it: a tenth of a small commit's time.
    """
    found = set()
    for path in paths:
        for name in os.listdir(path):  # noqa: PTH208 - nor does a hook pay for pathlib
            stem, suffix = os.path.splitext(name)  # noqa: PTH122
            package = not suffix and os.path.isfile(os.path.join(path, name, "__init__.py"))  # noqa: PTH113, PTH118
            if (suffix == ".py" or package) and not name.startswith("_"):
                found.add(stem)
    return sorted(found)


def import_part(name: str) -> Any:
    """A module by its full name, to be assigned to the protocol that it implements.

    The import is dynamic, so its type is not known here: each part checks itself against its
    protocol, in its own file, where mypy sees both.
    """
    return importlib.import_module(name)
