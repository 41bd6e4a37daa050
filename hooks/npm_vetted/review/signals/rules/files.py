"""Notable new files: commands, shell scripts, large scripts, editors' tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.review.signals.comparison import (
    SCRIPT_SUFFIXES,
    SHELL_SUFFIXES,
    PackageComparison,
    Reason,
    manifest_line,
    table_of,
)

CODES = ("file-bin", "file-script", "file-new-large", "file-acts-in-tools")
_LARGE: Final = 100_000
_TOOLS: Final = (
    ".claude/settings",
    ".vscode/tasks.json",
    ".cursor/",
    ".gemini/",
    ".idea/",
    ".devcontainer/",
)


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """At most one reason of each kind."""
    old = comparison.old or {}
    new = [path for path in comparison.changed_paths if path not in old]
    had = table_of(comparison.old_manifest, "bin")
    for name, target in sorted(table_of(comparison.manifest, "bin").items()):
        if (
            not comparison.fresh
            and name not in had
            and not isinstance(comparison.old_manifest.get("bin"), str)
        ):
            line = manifest_line(comparison.new, f'"{name}"')
            yield Reason(
                "file-bin", f"brings a new command: {name} ({target})", "package.json", line
            )
            break
    for path in new:
        if path.lower().endswith(SHELL_SUFFIXES):
            yield Reason("file-script", f"brings a shell script: {path}", path, 1)
            break
    for path in new:
        if (
            not comparison.fresh
            and path.lower().endswith(SCRIPT_SUFFIXES)
            and len(comparison.new[path]) >= _LARGE
        ):
            yield Reason(
                "file-new-large",
                f"brings a new script of {len(comparison.new[path]):,} bytes",
                path,
                1,
            )
            break
    for path in new:
        if any(f"/{tool}" in f"/{path}" for tool in _TOOLS):
            yield Reason(
                "file-acts-in-tools",
                f"brings a file that editors or assistants act on: {path}",
                path,
                1,
            )
            break
