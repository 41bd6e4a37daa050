"""Committed settings that undo protection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.change import Change
from npm_vetted.checkout import ATTRIBUTES, recoded
from npm_vetted.checks import Words, finding_of
from npm_vetted.model import Finding, Location, Project
from npm_vetted.project import ancestors, join

ID: Final = "client-settings"
_WORKSPACE: Final = "pnpm-workspace.yaml"
HOOKS: Final = frozenset({"settings"})
WORDS: Final = Words(
    what=(
        "Committed settings that undo protection: a registry that is not https or not listed, "
        "TLS switched off, a literal token, a program that the client would run, switches that "
        "allow every script, git or remote dependencies allowed."
    ),
    why=(
        "A line in a settings file can do what a malicious package does. `git=./x.sh` in .npmrc is "
        "executed for any git dependency, with ignore-scripts on; a registry line sends every "
        "install to another host, which is what dependency confusion needed in 2021; a token that "
        "is committed is a token that is lost."
    ),
    before="# .npmrc\nregistry=http://mirror.example/\n//mirror.example/:_authToken=npm_abc123",
    after=(
        "# .npmrc\nregistry=https://npm.acme.example/\n//npm.acme.example/:_authToken=${NPM_TOKEN}"
    ),
    satisfy=(
        "Take the line out; list a registry of your own under [registries] in "
        ".vetting/config.toml; give tokens through the environment (`${NPM_TOKEN}`)."
    ),
    exception="An [[ignore]] entry in .vetting/config.toml with check, path and reason.",
)


def reads(path: str) -> bool:
    """Whether it is a file with git's attributes: they say in which encoding a file is written."""
    return path.rpartition("/")[2] == ATTRIBUTES


def run(change: Change) -> Iterator[Finding]:
    """Ask each touched project's client; and git's attributes, whether it will see its settings."""
    yield from _recoded(change)
    for project in change.projects:
        problems = project.client.unsafe_settings(project.after, change.policy.registries)
        for problem in problems:
            yield finding_of(ID, problem, project.after)
        if project.after.client == "pnpm":
            yield from _from_above(change, project.after)


def _recoded(change: Change) -> Iterator[Finding]:
    for path, touched in change.touched.items():
        if touched.after is not None and reads(path):
            text = (change.after.read(path) or b"").decode("utf-8", "replace")
            for line, pattern in recoded(text):
                yield Finding(
                    check=ID,
                    message=f"{pattern}: a checkout has these files in an encoding that no client "
                    "reads, and nothing is switched off; take the line out",
                    location=Location(path, line),
                )


def _from_above(change: Change, project: Project) -> Iterator[Finding]:
    """The workspace file that pnpm finds above a project, and that no project is judged by."""
    for folder in ancestors(project.path):
        path = join(folder, _WORKSPACE)
        if change.after.entry(path) is None:
            continue
        home = change.projects_after.at(folder)
        if home is None or home.client != "pnpm":
            yield Finding(
                check=ID,
                message=f"pnpm heeds it in {project.path}, and no project of pnpm's stands beside "
                "it to be judged by it",
                location=Location(path),
                project=project.path or ".",
                fix=(("git", "mv", path, join(project.path, _WORKSPACE)),),
            )
        return
