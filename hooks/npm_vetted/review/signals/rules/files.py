"""Notable new files: commands, shell scripts, large scripts, editors' tasks."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Final

from npm_vetted.client_names import PROGRAMS
from npm_vetted.review.signals.comparison import (
    SCRIPT_SUFFIXES,
    SHELL_SUFFIXES,
    Files,
    PackageComparison,
    Reason,
    manifest_line,
    table_of,
)

CODES = ("file-bin", "file-bin-shadows", "file-script", "file-new-large", "file-acts-in-tools")
_LARGE: Final = 100_000
_COMMON: Final = frozenset({
    "node", "git", "sh", "bash", "zsh", "env", "curl", "wget", "ssh", "scp", "sudo", "docker", "make", "python",
    "python3", "gh", "aws", "cmd", "powershell", "pwsh", "code", "claude", "gemini", "cargo", "go",
})  # fmt: skip
"""Commands that a script of a project means by their name; the clients' own are added."""
_HASH: Final = re.compile(r"[-.][A-Za-z0-9_]{8,}(?=\.\w{2,3}$)")
"""What a bundler puts into a name, so that it changes with the content: ``app-DuHXsmcz.js``."""
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
    had = _commands(comparison.old_manifest, old)
    for name, target in sorted(_commands(comparison.manifest, comparison.new).items()):
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
    yield from _shadowing(comparison)
    for path in new:
        if path.lower().endswith(SHELL_SUFFIXES):
            yield Reason("file-script", f"brings a shell script: {path}", path, 1)
            break
    for path in new:
        if (
            not comparison.fresh
            and path.lower().endswith(SCRIPT_SUFFIXES)
            and len(comparison.new[path]) >= _LARGE
            and not _is_renamed(path, comparison)
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


def _commands(manifest: Mapping[str, object], files: Files) -> dict[str, str]:
    """The commands that a package brings: by its table, or all files of a folder that it names."""
    folder = table_of(manifest, "directories").get("bin")
    if folder is None or "bin" in manifest:
        return table_of(manifest, "bin")
    start = posixpath.normpath(folder) + "/"
    return {path[len(start) :]: path for path in files if path.startswith(start)}


def _shadowing(comparison: PackageComparison) -> Iterator[Reason]:
    """A new command that the scripts of a project then run in the place of another program."""
    own = str(comparison.manifest.get("name", "")).rpartition("/")[2]
    had = _commands(comparison.old_manifest, comparison.old or {})
    has = _commands(comparison.manifest, comparison.new)
    for name in sorted(has.keys() - had.keys() - {own}):
        if name in _COMMON or name in PROGRAMS:
            line = manifest_line(comparison.new, f'"{name}"')
            text = f"brings a command with the name of another program: {name}"
            yield Reason("file-bin-shadows", text, "package.json", line)
            return


def _is_renamed(path: str, comparison: PackageComparison) -> bool:
    """Whether a file that is gone had the same name but for the hash in it."""
    plain = _HASH.sub("", path)
    gone = (comparison.old or {}).keys() - comparison.new.keys()
    return plain != path and any(plain == _HASH.sub("", each) for each in gone)
