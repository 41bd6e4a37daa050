"""The scripts of a project that clients run automatically when they install, pack or publish it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

OF_INSTALL: Final = (
    "preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare", "dependencies",
)  # fmt: skip
"""Run after an install in the project's own folder."""
OF_RELEASE: Final = (
    "prepublish", "prepublishOnly", "prepack", "postpack", "publish", "postpublish", "preversion",
    "version", "postversion",
)  # fmt: skip
"""Run by packing, publishing, or raising the version."""


def own_lifecycle(scripts: Collection[str]) -> list[str]:
    """The scripts of a manifest that clients run without being told to."""
    return sorted(name for name in scripts if name in (*OF_INSTALL, *OF_RELEASE))


def paired(scripts: Collection[str]) -> list[str]:
    """The scripts that run before or after another one of the manifest: ``prebuild``, ``posttest``."""
    return sorted(
        name
        for name in scripts
        for prefix in ("pre", "post")
        if name.startswith(prefix) and name.removeprefix(prefix) in scripts
    )
