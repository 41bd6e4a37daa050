"""The repositories that the sessions in the documentation happen in."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Final
from unittest.mock import patch

from npm_vetted.cli import main
from tests.support.git_repo import GitRepo

SCRIPTS: Final = Path(sys.executable).parent
REGISTRY: Final = "https://registry.npmjs.org"
_MEANS_SOMETHING: Final = frozenset("|&;<>$`()*?~#\\{}[]!\n")
"""The characters that a shell gives a meaning; quotes are taken off here as well."""


def environment() -> dict[str, str]:
    """A user who has npm-vetted on PATH, and whose registry does not answer."""
    hidden = ("PRE_COMMIT", "GIT_DIR", "GIT_INDEX_FILE", "CI", "GITHUB_ACTIONS")
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    nowhere = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9")
    path = os.pathsep.join([str(SCRIPTS), kept.get("PATH", os.defpath)])
    return {**kept, **nowhere, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1", "PAGER": "cat"}


def run(
    repo: GitRepo, line: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one line of a session in a shell; both streams in the order in which they came."""
    return subprocess.run(
        ["/bin/sh", "-c", line], cwd=repo.path, env={**environment(), **(env or {})},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip


def run_quickly(
    repo: GitRepo, line: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The same, but for the start of the interpreter: a plain ``npm-vetted …`` runs in this process.

    Not for threads: this process has one folder, one environment and one standard output.
    """
    if not line.startswith("npm-vetted ") or _MEANS_SOMETHING & set(line):
        return run(repo, line, env)
    said = io.StringIO()
    with (
        patch.dict(os.environ, {**environment(), **(env or {})}, clear=True),
        contextlib.chdir(repo.path),
        redirect_stdout(said),
        redirect_stderr(said),
    ):
        try:
            status = main(shlex.split(line)[1:])
        except SystemExit as ended:  # argparse ends so
            status = int(ended.code or 0)
    return subprocess.CompletedProcess(line, status, said.getvalue(), "")


def manifest(*names: str) -> str:
    """A manifest that depends on packages."""
    asked = dict.fromkeys(names, "^1.0.0")
    return json.dumps({"name": "shop", "private": True, "dependencies": asked}, indent=2) + "\n"


def npm_lock(*names: str) -> str:
    """The lockfile of such a manifest."""
    root: dict[str, object] = {"name": "shop", "dependencies": dict.fromkeys(names, "^1.0.0")}
    found = {"": root}
    for name in names:
        found[f"node_modules/{name}"] = {
            "version": "1.0.0",
            "resolved": f"{REGISTRY}/{name}/-/{name}-1.0.0.tgz",
            "integrity": "sha512-" + "A" * 86 + "==",
        }
    data = {"name": "shop", "lockfileVersion": 3, "requires": True, "packages": found}
    return json.dumps(data, indent=2) + "\n"


def project(repo: GitRepo, *names: str) -> None:
    """A project that locks packages."""
    repo.write("package.json", manifest(*names))
    repo.write("package-lock.json", npm_lock(*names))


def start(repo: GitRepo) -> None:
    """A project that has not adopted npm-vetted."""
    project(repo, "ms")
    repo.commit("Start")


def adopted(repo: GitRepo) -> None:
    """A project that has."""
    start(repo)
    done = run(repo, "npm-vetted init")
    assert done.returncode == 0, done.stdout
    repo.commit("Adopt npm-vetted")


def staged(repo: GitRepo) -> None:
    """A new package is staged."""
    adopted(repo)
    project(repo, "ms", "nanoid")
    repo.add()


def workshop(repo: GitRepo) -> None:
    """A new package and a Dockerfile are staged: what the commands of all pages are run in."""
    staged(repo)
    repo.write("Dockerfile", "FROM node:22\nRUN npm install -g left-pad\n")
    repo.add()


def dockerfile(repo: GitRepo) -> None:
    """The repository of the page about install commands."""
    from tests.docs.pages import PAGES

    project(repo, "ms")
    repo.write(".npmrc", "ignore-scripts=true\n")
    (text,) = PAGES["install-commands.md"].blocks("dockerfile")
    repo.write("Dockerfile", text)
    repo.commit("Start")


SCENES: Final[Mapping[str, Callable[[GitRepo], None]]] = {
    "start": start,
    "adopted": adopted,
    "staged": staged,
    "workshop": workshop,
    "dockerfile": dockerfile,
}
