"""The hook managers: which hook of this clone runs npm-vetted, and which manager is here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from npm_vetted.git.process import path_text
from npm_vetted.git.repository import Repository, run_git

HOOKS: Final = ("pre-commit", "pre-merge-commit", "pre-push")
"""The hooks of git that npm-vetted judges at."""
CALL: Final = re.compile(r"^(?!\s*(#|//)).*\bnpm[-_]vetted\b", re.MULTILINE)
_LIMIT: Final = 1 << 20
CONFIGS: Final = {
    "pre-commit": (".pre-commit-config.yaml",),
    "prek": (".pre-commit-config.yaml", ".pre-commit-config.yml", "prek.toml"),
    "lefthook": (
        "lefthook.yml", ".lefthook.yml", "lefthook.yaml", ".lefthook.yaml", ".config/lefthook.yml",
        "lefthook.toml", ".lefthook.toml", "lefthook.json", ".lefthook.json",
    ),
}  # fmt: skip
"""Managers whose hook file calls them by name, each with the files that say what they run."""


def guards_here(repository: Repository) -> Iterator[str]:
    """The hooks of this clone that run npm-vetted, each with the manager that calls it."""
    folder = hooks_folder(repository)
    for hook in HOOKS:
        for manager in _callers(repository, folder, hook):
            yield f"{hook} ({manager})"


def hooks_folder(repository: Repository) -> Path:
    """The folder that git takes hooks from: ``core.hooksPath``, else ``hooks`` of the git folder.

    Our own git processes override ``core.hooksPath``: the last value is ours.
    """
    values = run_git(
        "config", "-z", "--type=path", "--get-all", "core.hooksPath", cwd=repository.top,
        accepted=(0, 1),
    )  # fmt: skip
    found = [path_text(each) for each in values.split(b"\0") if each][:-1]
    if found:
        return Path(repository.top, found[-1])
    common = path_text(run_git("rev-parse", "--git-common-dir", cwd=repository.top)).strip("\n")
    return Path(repository.top, common, "hooks")


def _callers(repository: Repository, folder: Path, hook: str) -> Iterator[str]:
    text = read_small(folder / hook)
    if text is None:
        return
    if CALL.search(text):
        yield "git"
    if folder.name == "_" and folder.parent.name == ".husky":
        if CALL.search(read_small(folder.parent / hook) or ""):
            yield "husky"
        return
    for manager, files in CONFIGS.items():
        if manager == "pre-commit" and "prek" in text:
            continue
        if manager in text and any(
            CALL.search(read_small(Path(repository.top, file)) or "") for file in files
        ):
            yield manager


def read_small(path: Path) -> str | None:
    """A small text file of the disk; None where there is none."""
    try:
        if not path.is_file() or path.stat().st_size > _LIMIT:
            return None
        return path.read_text("utf-8", "replace")
    except OSError:
        return None
