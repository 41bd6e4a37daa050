"""Small repositories in memory, and the projects in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from npm_vetted.projects.discovery import Projects
from tests.support.npm_projects import MemorySnapshot

LOCK = '{"lockfileVersion": 3, "packages": {}}'
DEP = {"dependencies": {"a": "*"}}
PNPM_LOCK = "lockfileVersion: '9.0'\n"
BERRY_LOCK = "__metadata:\n  version: 8\n"


def every(files: Mapping[str, Any], excluded: str = "", **more: Any) -> Projects:
    """The projects of some files, each a text or what is written as JSON."""
    texts = {
        path: data if isinstance(data, str) else json.dumps(data) for path, data in files.items()
    }
    return Projects(
        MemorySnapshot(texts, more.get("modes")),
        lambda path: bool(excluded) and path.startswith(excluded),
    )


def moved(files: Mapping[str, Any]) -> dict[str, Any]:
    """The same files in the folder ``x``."""
    return {f"x/{path}": data for path, data in files.items()}
