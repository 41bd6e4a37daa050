"""``npm-vetted rebuild``: run the install scripts that notes approve, and no others."""

from __future__ import annotations

import argparse
import subprocess
import sys

from npm_vetted.commands._common import opened
from npm_vetted.commands._programs import started
from npm_vetted.errors import FOUND, RefusedError, UndecidedError
from npm_vetted.formats.terminal_text import printable
from npm_vetted.git.repository import Repository
from npm_vetted.git.writer import Store
from npm_vetted.model import Edit, Kind
from npm_vetted.projects.change import Change
from npm_vetted.projects.project_change import ProjectChange
from npm_vetted.report._shell_commands import command_line
from npm_vetted.vetting.resolver import Status, VettingRequest, has_scripts

HELP = "run the install scripts that notes approve, and no others"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``rebuild``."""
    parser.add_argument("--print", action="store_true", help="only print the client's commands")
    parser.add_argument(
        "--write-allow-list", action="store_true", help="write the client's own allow-list instead"
    )


def run(arguments: argparse.Namespace) -> int:
    """Project by project: the client's own commands for exactly the approved packages."""
    status = 0
    with opened(everything=True) as (repository, change):
        for project in change.projects:
            packages = approved(change, project)
            if arguments.write_allow_list:
                status = max(status, _write(repository, project, packages))
            elif packages:
                commands = project.client.rebuild(project.after, packages)
                status = max(status, _run(repository, commands, arguments))
            else:
                _say_what_has_scripts(project)
    return status


def _say_what_has_scripts(project: ProjectChange) -> None:
    """If no script is approved, name the packages with scripts, and the command to approve one."""
    labels = sorted({use.artifact.label for use in project.uses if use.artifact.scripts})
    where = printable(project.after.path or ".")
    if not labels:
        known = any(use.artifact.scripts is not None for use in project.uses)
        words = (
            "no locked package has scripts"
            if known or not project.uses
            else ("no scripts are approved, and the lockfile does not say which packages have some")
        )
        print(f"npm-vetted: {where}: {words}", file=sys.stderr)
        return
    shown = ", ".join(map(printable, labels[:10])) + (" and more" if len(labels) > 10 else "")
    print(
        f"npm-vetted: {where}: no scripts are approved; these packages have "
        f'some: {shown}. To approve one: npm-vetted note "{printable(labels[0])}" --criteria '
        "health,scripts",
        file=sys.stderr,
    )


def approved(change: Change, project: ProjectChange) -> list[tuple[str, str]]:
    """The (name, version) pairs with lifecycle scripts that notes of exactly these bytes approve.

    A note may approve the scripts of an exempt package too.
    If one locked version of a package is not approved and the client cannot tell versions apart,
    all versions are left out. Whether versions can be named depends on the client's command.
    """
    found: set[tuple[str, str]] = set()
    for use in project.uses:
        artifact = use.artifact
        if artifact.version is None or artifact.kind is not Kind.REGISTRY:
            continue
        verdict = change.vetting.noted(
            VettingRequest(artifact=artifact, direct=False, development=False)
        )
        if verdict.status not in (Status.VETTED, Status.ACCEPTED) or verdict.mention is None:
            continue
        if verdict.unbound or not has_scripts(artifact, verdict.mention):
            continue
        if not change.vetting.lacking_scripts(use.subject, verdict.mention.note.grants):
            found.add((artifact.name, artifact.version))
    return sorted(found)


def _run(repository: Repository, commands: list[list[str]], arguments: argparse.Namespace) -> int:
    for command in commands:
        line = command_line([command], "npm-vetted")
        if line is None:
            raise RefusedError(f"a name that cannot be quoted safely: {command!r}")
        print(line)
        if arguments.print:
            continue
        sys.stdout.flush()
        try:
            done = subprocess.run(started(command), cwd=repository.top, check=False)
        except OSError as error:
            raise UndecidedError(f"{command[0]} cannot be run: {error}") from None
        if done.returncode != 0:
            print(f"npm-vetted: {line}: exit status {done.returncode}", file=sys.stderr)
            return FOUND
    return 0


def _write(repository: Repository, project: ProjectChange, packages: list[tuple[str, str]]) -> int:
    answer = project.client.allow_list(project.after, packages)
    if not isinstance(answer, Edit):
        print(f"npm-vetted: {project.after.path or '.'}: {answer}", file=sys.stderr)
        return FOUND
    Store(repository).edit(answer.path, answer.content, project.after.read(answer.path))
    print(f"npm-vetted: {answer.path}: {answer.reason}", file=sys.stderr)
    return 0
