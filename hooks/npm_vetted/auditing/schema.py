"""The schema of ``audit --format json``, which the package ships."""

from __future__ import annotations

from importlib.resources import files


def schema_text() -> str:
    """The JSON Schema (draft 7) of the report."""
    return (files("npm_vetted") / "schemas" / "audit.schema.json").read_text("utf-8")
