"""Committed settings that undo protection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.checks import Explanation, finding_of
from npm_vetted.checks._checkout import findings_of_checkout
from npm_vetted.checks._fixes import accept_fix, leaving_out, range_arguments
from npm_vetted.clients.shared.programs import bound_to_files
from npm_vetted.model import Finding, Location, Project
from npm_vetted.projects.case_folding import ATTRIBUTES
from npm_vetted.projects.change import Change
from npm_vetted.projects.paths import ancestors, folder_of, join
from npm_vetted.projects.project_change import ProjectChange
from npm_vetted.vetting.programs import PROGRAM_CODES

ID: Final = "client-settings"
_COREPACK: Final = ".corepack.env"
_VARIABLE: Final = re.compile(r"(COREPACK_\w+)\s*[=:]")
_HARMLESS: Final = frozenset({
    "COREPACK_ENABLE_AUTO_PIN", "COREPACK_ENABLE_DOWNLOAD_PROMPT", "COREPACK_ENABLE_NETWORK",
})  # fmt: skip
HOOKS: Final = frozenset({"settings"})
CODES: Final = {
    "registry-not-https": "A registry that is reached over plain http.",
    "registry-not-allowed": "A registry that the policy does not list.",
    "registry-unclear": "A registry that is no URL, or depends on the environment.",
    "host-not-allowed": "A setting that fetches files from a host that the policy does not list.",
    "other-host": "A setting that takes packages from another host than the lockfile says.",
    "secret": "A literal token or password. It is never accepted.",
    "token-for-other-host": "Credentials for a registry that the policy does not allow.",
    "tls-off": "A setting that accepts any server as the registry.",
    "proxy": "A proxy of the repository's choice.",
    "authority": "A certificate authority of the repository's choice.",
    "program": "A setting that names a program or module which the client executes.",
    "other-settings": "A setting that makes the client read other settings.",
    "other-lockfile": "A setting that makes the client install from another lockfile.",
    "lockfile-off": "A setting that makes the client ignore the lockfile.",
    "integrity-off": "A setting that skips the verification of what is installed.",
    "other-sources": "A setting that admits dependencies from outside any registry.",
    "allow-all-scripts": "A setting that lets every dependency's scripts run.",
    "cooldown-off": "A setting that disables the client's own cooldown.",
    "cache-in-repository": "A cache or store inside the repository, which is not verified.",
    "environment-file": "A file of variables that steer the client.",
    "variable-key": "A setting whose name depends on the environment.",
    "unknown-flag": "A flag for Yarn's commands that is not known to be harmless.",
    "unknown-setting": "A setting that is not known to be harmless.",
    "unverified-value": "A setting with a value that is not known to be harmless.",
    "force": "A setting that switches the client's own protections off.",
    "checkout-differs": "A git attribute after which a checkout differs from what git holds.",
    "workspace-above": "A workspace file above a project that npm-vetted cannot check.",
    "allows-unlocked": "A package that may run its scripts and that no lockfile has yet.",
    "unreadable": "A settings file that cannot be read.",
}
EXPLANATION: Final = Explanation(
    what=(
        "Committed settings that undo protection: a registry that is not https or not listed, "
        "TLS switched off, a literal token, a proxy or certificate authority, a program that the "
        "client would run, switches that allow every script, git or remote dependencies allowed, "
        "and every key that is not known to be harmless (in .npmrc a warning, unless the project's "
        "client reads the key). Also git attributes that put another file into a checkout."
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
        ".vetting/config.toml; give tokens through the environment (`${NPM_TOKEN}`); keep proxies "
        "and certificate authorities in the user's own configuration, or list exactly them under "
        "[registries] proxies and authorities."
    ),
    exception=(
        "`npm-vetted accept IDENTITY --reason ...` accepts this setting with this value, and with "
        "the content of the files that it names; commit that on its own. Secrets are never accepted."
    ),
)


def reads(path: str) -> bool:
    """Whether a file is read only by this check: corepack's .corepack.env, or .gitattributes."""
    return path.rpartition("/")[2] in (ATTRIBUTES, _COREPACK)


def run(change: Change) -> Iterator[Finding]:
    """Judge each touched project's settings by its client, and git's attributes of the settings files."""
    scope = range_arguments(change)
    for finding in _found(change):
        fresh = not finding.fix and _is_fresh(change, finding)
        repair = leaving_out(change, finding.location.path) if fresh else finding.fix
        # A program may be right as it is, whatever else would repair the finding.
        may_stay = finding.acceptable and (not finding.fix or finding.code == "program")
        excuse = (accept_fix(finding, scope),) if may_stay else ()
        yield finding._replace(fix=(*repair, *excuse))


def _is_fresh(change: Change, finding: Finding) -> bool:
    """Whether the commit adds the line with the finding, so that the finding goes if the file stays unchanged."""
    path, line = finding.location
    now = (change.after.read(path) or b"").splitlines()
    earlier = (change.comparison.before.read(path) or b"").splitlines()
    return line <= len(now) and now[line - 1] not in earlier


def _found(change: Change) -> Iterator[Finding]:
    yield from findings_of_checkout(change, ID)
    yield from _corepack(change)
    inherited: set[Finding] = set()
    for project in change.projects:
        problems = project.client.unsafe_settings(project.after, change.policy.registries)
        for problem in problems:
            if problem.code in PROGRAM_CODES:
                problem = bound_to_files(problem, project.after)  # noqa: PLW2901
            finding = finding_of(ID, problem, project.after)
            home = folder_of(problem.location.path)
            if home != project.after.path and home in ancestors(project.after.path):
                # One line above many projects is one finding, of the folder that holds the file.
                finding = finding._replace(project=home or ".")
                if finding in inherited:
                    continue
            inherited.add(finding)
            yield finding
        yield from _program(project.after)
        if project.client.WORKSPACE_FILE is not None:
            yield from _from_above(change, project, project.client.WORKSPACE_FILE)


def _corepack(change: Change) -> Iterator[Finding]:
    """Judge a .corepack.env: corepack 0.31 and later read from it where to download a client."""
    for path, touched in change.touched.items():
        counts = touched.after is not None and change.projects_after.counts(path)
        if path.rpartition("/")[2] != _COREPACK or not counts:
            continue
        text = (change.after.read(path) or b"").decode("utf-8", "replace")
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
            found = None if line.lstrip().startswith("#") else _VARIABLE.search(line)
            if found and found[1] not in _HARMLESS:
                yield Finding(
                    check=ID,
                    message=f"{found[1]} decides which client corepack fetches and runs",
                    location=Location(path, number),
                    fix=(("git", "rm", "--cached", path),),
                    code="environment-file",
                    key=found[1],
                    value=line[found.end() :].strip(),
                )


def _program(project: Project) -> Iterator[Finding]:
    """A ``packageManager`` with a URL: no registry's signature covers that file."""
    asked = project.manifest.data.get("packageManager")
    if isinstance(asked, str) and "://" in asked:
        yield Finding(
            check=ID,
            message=f"packageManager is a program from {asked.partition('@')[2]}: expected a version",
            location=Location(project.manifest.path, project.manifest.line_of("packageManager")),
            project=project.path or ".",
            code="program",
            key="packageManager",
            value=asked,
        )


def _from_above(change: Change, project: ProjectChange, name: str) -> Iterator[Finding]:
    """A workspace file above a project in a folder without a project: the client reads it for the project."""
    own = project.after.path
    for folder in ancestors(own):
        path = join(folder, name)
        if change.after.entry(path) is None:
            continue
        home = change.projects_after.at(folder)
        if home is None or home.client != project.client.NAME:
            program = project.client.PROGRAM
            yield Finding(
                check=ID,
                message=f"{program} also reads this file for {own}, but there is no {program} "
                "project in this folder, so npm-vetted cannot check it",
                location=Location(path),
                project=own or ".",
                code="workspace-above",
                key=name,
                fix=(("git", "mv", path, join(own, name)),),
            )
        return
