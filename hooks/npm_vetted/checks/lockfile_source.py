"""The hosts and repositories that a lockfile names as the source of packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from npm_vetted.checks import Explanation, use_finding
from npm_vetted.checks._fixes import exempt_fix, vetting_fix
from npm_vetted.model import Artifact, Finding, Kind, Level, Location, hashed
from npm_vetted.packages.integrity import is_weak
from npm_vetted.packages.urls import Registries, is_pinned, is_tarball_of, tarball_of
from npm_vetted.projects.change import Change
from npm_vetted.projects.introduced import IntroducedPackage
from npm_vetted.projects.paths import in_node_modules
from npm_vetted.vetting.policy import DEFAULT_REGISTRY, FORMAT
from npm_vetted.vetting.resolver import Status, Verdict

ID: Final = "lockfile-source"
HOOKS: Final = frozenset({"lockfile"})
CODES: Final = {
    "host-not-allowed": "A package from a host that the policy does not allow, or not over https.",
    "other-tarball": "A URL that is the tarball of another package or version.",
    "unclear-tarball": "A URL that does not say which package it contains.",
    "source-not-accepted": "A git, URL or file source that no note accepts.",
    "no-commit": "A git source that is not pinned to a commit.",
    "not-bundled": "An entry marked as bundled that no package above it bundles.",
    "bundled-with-source": "An entry marked as bundled that has a source of its own.",
    "shrinkwrap": "A tarball with an npm-shrinkwrap.json, and no note that says what it pins.",
    "shrinkwrap-differs": "A lockfile without something that a tarball's npm-shrinkwrap.json pins.",
    "first-party-elsewhere": "A first-party package that does not come from its own registry.",
    "no-hash": "A package without a hash that binds its contents.",
    "weak-hash": "A package that only a weak hash (sha1) binds.",
    "committed-modules": "A node_modules folder that is committed.",
}
EXPLANATION: Final = Explanation(
    what=(
        "A package from a host that is not allowed or not over https, a tarball of another package "
        "or version, a missing or weak hash, a git or URL source that no note accepts, a bundled "
        "entry that its parent does not bundle, a tracked node_modules/."
    ),
    why=(
        "Reviewers skip lockfiles, so attackers write there. One changed `resolved` line in a "
        "diff of thousands installs another tarball under a trusted name (lockfile injection, "
        "2019). A source that the policy or a note has not accepted is rejected."
    ),
    before='"resolved": "https://registry.npmjs.org.evil.example/ms/-/ms-2.1.3.tgz"',
    after='"resolved": "https://registry.npmjs.org/ms/-/ms-2.1.3.tgz"',
    satisfy=(
        "Install from an allowed registry; list a registry of your own under [registries], and the "
        "scopes that you publish under [[first-party]], in .vetting/config.toml. A git or URL "
        "dependency is accepted by a note for exactly that commit or tarball."
    ),
    exception="`npm-vetted exempt PKG@VER --reason ...`, or an [[ignore]] entry, committed on its own.",
)

_SHA1: Final = re.compile(r"#[0-9a-fA-F]{40}\Z")
"""The sha1 that Yarn classic appends to a URL; other text behind ``#`` is not a hash."""


def run(change: Change) -> Iterator[Finding]:
    """Judge the sources of added artifacts, and any node_modules that the commit touches."""
    yield from _tracked_modules(change)
    for use in change.uses():
        verdict = change.verdict(use)
        yield from _shrinkwrap(change, use)
        if verdict.status is Status.EXEMPT:
            continue
        yield from _of_use(change, use, verdict)


def _tracked_modules(change: Change) -> Iterator[Finding]:
    seen: set[str] = set()
    for path, touched in sorted(change.touched.items()):
        if touched.after is None or not in_node_modules(path):
            continue
        folder = path[: path.index("node_modules") + len("node_modules")]
        if folder in seen or change.policy.excludes(folder):
            continue
        seen.add(folder)
        yield Finding(
            check=ID,
            message="node_modules is committed, so the code that runs is not the code the lockfile pins",
            location=Location(path),
            fix=(("git", "rm", "-r", "--cached", folder),),
            code="committed-modules",
            key=folder,
            value=_content(change, folder),
        )


def _content(change: Change, folder: str) -> str:
    """A hash over a folder's files: an accepted finding covers exactly these files."""
    entries = ((path, change.after.entry(path)) for path in change.after.below(f"{folder}/"))
    lines = sorted(f"{path} {entry.oid}" for path, entry in entries if entry is not None)
    return hashed("\n".join(lines).encode("utf-8", "surrogateescape"))


def _of_use(change: Change, use: IntroducedPackage, verdict: Verdict) -> Iterator[Finding]:
    artifact = use.artifact
    owner = change.policy.owner_of(artifact)
    if artifact.bundled:
        yield from _bundled(use)
        return
    if owner is not None:
        yield from _first_party(use, owner.registry)
    elif artifact.kind is Kind.REGISTRY or _is_of_registry(change, artifact):
        yield from _registry(change, use)
    elif _is_of_own_registry(use) and verdict.mention is None:
        pass  # it lacks a note, as any package of a registry may: `unvetted` says so
    elif not _is_accepted(artifact, verdict):
        yield use_finding(
            ID,
            "source-not-accepted",
            use,
            f"comes from {artifact.kind.value} ({artifact.specifier or artifact.resolved}), and no note "
            "accepts that source",
            fix=(vetting_fix(change, use),),
        )
    if artifact.kind is Kind.GIT and artifact.resolved and not is_pinned(artifact.resolved):
        yield use_finding(
            ID,
            "no-commit",
            use,
            "Git dependency is not pinned to a commit; an install takes whatever "
            f"{artifact.resolved} points to that day",
        )
    if artifact.kind in (Kind.REGISTRY, Kind.TARBALL, Kind.FILE) and artifact.specifier is None:
        yield from _hash(use)


def _is_of_registry(change: Change, artifact: Artifact) -> bool:
    """Whether a tarball is an allowed registry's own, in a layout without ``/-/`` (GitHub's, JSR's)."""
    url = artifact.resolved
    if artifact.kind is not Kind.TARBALL or url is None:
        return False
    return change.policy.registries.allows(url) and tarball_of(url) is not None


def _is_of_own_registry(use: IntroducedPackage) -> bool:
    """Whether a registry that only this client knows has the artifact."""
    url = use.artifact.resolved
    return (
        use.artifact.kind is Kind.TARBALL
        and url is not None
        and url.startswith(use.lockfile.own_registries)
    )


def _is_accepted(artifact: Artifact, verdict: Verdict) -> bool:
    """Whether a note accepts the source. A matching hash is not enough: the note may be of a registry's package.

    For a git dependency, npm compares no hash at all.
    """
    if verdict.mention is None or not verdict.covered:
        return False
    if artifact.kind not in (Kind.GIT, Kind.TARBALL) or artifact.specifier is not None:
        return True
    return verdict.mention.pinned.resolved == artifact.resolved


def _bundled(use: IntroducedPackage) -> Iterator[Finding]:
    if use.entry.bundled_by is None:
        yield use_finding(
            ID, "not-bundled", use, "marked as bundled, but no package above it bundles it"
        )
    elif use.artifact.resolved:
        yield use_finding(
            ID,
            "bundled-with-source",
            use,
            "marked as bundled, but with a source of its own: a client would fetch it from "
            f"{use.artifact.resolved}",
        )


def _shrinkwrap(change: Change, use: IntroducedPackage) -> Iterator[Finding]:
    """Compare the entries below a package with the npm-shrinkwrap.json in its tarball.

    npm 7 to 11 install the versions that the shrinkwrap pins, and write an entry for each below the
    package's place. Their vetting is judged there like that of any other entry.
    """
    if not use.artifact.shrinkwrap:
        return
    pinned = list(change.vetting.shrinkwraps(use.artifact))
    if not pinned:
        upgrade = (("npm-vetted", "init", "--upgrade"),) if change.policy.format < FORMAT else ()
        yield use_finding(
            ID,
            "shrinkwrap",
            use,
            "its tarball has an npm-shrinkwrap.json, and no note lists the versions that it pins: npm "
            "installs those, not the ones of this lockfile",
            fix=(*upgrade, ("npm-vetted", "note", use.artifact.label)),
        )
        return
    for each in pinned[0]:
        key = f"{use.entry.key}/{each.path}"
        found = use.lockfile.artifact(key) if key in use.lockfile.blocks else None
        same = found is not None and (found.name, found.version) == (each.name, each.version)
        if not same or found is None or found.integrity != each.integrity:
            yield use_finding(
                ID,
                "shrinkwrap-differs",
                use,
                f"its npm-shrinkwrap.json pins {each.name}@{each.version} at {each.path}, which "
                "this lockfile does not have there with that hash",
            )


def _registry(change: Change, use: IntroducedPackage) -> Iterator[Finding]:
    resolved = use.artifact.resolved
    if resolved is None or (not use.lockfile.names_hosts and "://" not in resolved):
        return
    if not change.policy.registries.allows(resolved):
        yield use_finding(
            ID,
            "host-not-allowed",
            use,
            f"comes from {resolved}, which is not an allowed registry "
            f"(allowed: {', '.join(change.policy.registries.urls)})",
        )
        return
    named = is_tarball_of(resolved, use.artifact.name, use.artifact.version)
    if named is None:
        yield use_finding(
            ID,
            "unclear-tarball",
            use,
            f"cannot tell which package {resolved} contains",
            level=Level.WARNING,
        )
    elif not named:
        yield use_finding(
            ID,
            "other-tarball",
            use,
            f"its tarball is of another package or version: expected {use.artifact.label}, found "
            f"{'@'.join(tarball_of(resolved) or ())} in {resolved}",
        )


def _first_party(use: IntroducedPackage, registry: str) -> Iterator[Finding]:
    """The finding if a first-party package comes from another registry, where anyone may publish the name."""
    resolved = use.artifact.resolved
    ours = Registries((registry,))
    if resolved is not None and "://" in resolved:
        if not ours.allows(resolved):
            yield use_finding(
                ID,
                "first-party-elsewhere",
                use,
                f"a first-party package must come from {registry}, found {resolved}",
            )
        return
    from npm_vetted.clients import client_of

    bound = client_of(use.project).registry_of(use.project, use.artifact.name)
    if bound is None or not ours.allows(bound):
        scope = use.artifact.name.partition("/")[0]
        yield use_finding(
            ID,
            "first-party-elsewhere",
            use,
            f"a first-party package must come from {registry}, and neither the lockfile nor the "
            f"committed settings say so for {scope} (found {bound or DEFAULT_REGISTRY})",
        )


def _hash(use: IntroducedPackage) -> Iterator[Finding]:
    artifact = use.artifact
    if artifact.integrity is None and artifact.checksum is None:
        if use.lockfile.names_hosts and _SHA1.search(artifact.resolved or ""):
            yield use_finding(
                ID,
                "weak-hash",
                use,
                "only a weak hash (sha1) binds its bytes",
                fix=(exempt_fix(artifact),),
            )
            return
        unheeded = use.lockfile.unheeded(use.entry)
        if unheeded is not None:
            yield use_finding(
                ID, "no-hash", use, f"no usable hash: {unheeded.message}", fix=unheeded.fix
            )
        elif not use.lockfile.may_lack_hash(use.entry):
            yield use_finding(
                ID,
                "no-hash",
                use,
                "no hash: an install takes whatever the host sends (locked anew, it may get one)",
                fix=(exempt_fix(artifact),) if artifact.resolved else (),
            )
    elif artifact.integrity is not None and is_weak(artifact.integrity):
        yield use_finding(
            ID,
            "weak-hash",
            use,
            f"only a weak hash binds its bytes: {artifact.integrity}",
            fix=(exempt_fix(artifact),),
        )
