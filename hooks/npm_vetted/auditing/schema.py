"""The schema of ``audit --format json`` (version 2), which the package ships."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

NAME: Final = "audit-2.schema.json"


def schema_text() -> str:
    """The JSON Schema (draft 2020-12) of the report."""
    return (files("npm_vetted.auditing") / NAME).read_text("utf-8")
