"""Finds who added each hash and file: one pass over the trunk's history, one over every commit."""

from __future__ import annotations

import datetime
import os
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from npm_vetted.auditing.facts import Brought, CommitFacts, PolicyChange, Progress
from npm_vetted.clients import clients
from npm_vetted.errors import NpmVettedError
from npm_vetted.git.history import (
    Commit,
    FileTouched,
    Mailmap,
    commits,
    landings,
    read_history,
    signature_class,
    verified_signatures,
)
from npm_vetted.git.objects import Objects
from npm_vetted.git.process import path_text
from npm_vetted.git.repository import Repository, run_git
from npm_vetted.git.snapshot import VETTING, EmptySnapshot, Snapshot, TreeSnapshot
from npm_vetted.vetting.baseline import BASELINE
from npm_vetted.vetting.exemptions import EXEMPTIONS
from npm_vetted.vetting.policy import CONFIG
from npm_vetted.vetting.policy_diff import adopted, loosenings

_TOKEN: Final = re.compile(rb"[A-Za-z0-9+/=]{20,}")
_CHECKSUM: Final = re.compile(rb"[0-9]+c[0-9]+/(?=[0-9a-f]{64})|[0-9]+/(?=[0-9a-f]{64})")
_SECTIONS: Final = (".vetting/notes/", ".vetting/routine/")
"""The folders whose files are notes."""


class Trail(NamedTuple):
    """History's facts on the requested hashes and files, and on the policy."""

    entered: Mapping[str, Brought]
    notes: Mapping[str, Brought]
    changed: Mapping[str, CommitFacts]
    exemptions: Mapping[str, Brought]
    progress: tuple[Progress, ...]
    policy: tuple[PolicyChange, ...]
    signers: str | None


NOTHING: Final = Trail({}, {}, {}, {}, (), (), None)


def token_of(text: str | None) -> str | None:
    """The part of a hash, or of a source, by which a line of a lockfile is recognised."""
    found = max(_tokens((text or "").encode("utf-8", "replace")), key=len, default=None)
    return None if found is None else found.decode("ascii")


def _tokens(line: bytes) -> Iterator[bytes]:
    """Hashes; the version that Yarn berry writes before its checksum is no part of one."""
    for found in _TOKEN.findall(line):
        yield _CHECKSUM.sub(b"", found, count=1)


def is_note(path: str) -> bool:
    """Whether a file is a vetting note, by its path."""
    return path.startswith(_SECTIONS) and path.endswith(".toml")


class _Seen(NamedTuple):
    """The commits of the second pass, while it is read."""

    entered: dict[str, Commit]
    brought: dict[str, Commit]
    changed: dict[str, Commit]
    exemptions: dict[str, Commit]


def read_trail(
    repository: Repository,
    objects: Objects,
    revision: str,
    tokens: Collection[str],
    exemptions: Collection[str] = (),
) -> Trail:
    """Follow some hashes (``token_of``), every note and some lines of exemptions.txt to a revision."""
    seen = _followed(repository, revision, tokens, exemptions)
    progress, changes = _along_trunk(repository, revision)
    authored = {each.id: each for table in seen for each in table.values()}
    landed = landings(repository, revision, authored)
    known = {**commits(repository, set(landed.values()) - authored.keys()), **authored}
    known |= {each.id: each for each, _ in changes}
    after = TreeSnapshot(revision, objects, repository)
    signatures, signers = _signatures(repository, objects, known, after)
    mailmap = Mailmap(after.read(".mailmap"))
    facts = {
        each.id: CommitFacts(
            id=each.id, date=each.date, author=mailmap.proper(each.author),
            signature=signatures[each.id], subject=each.subject, merge=each.merge,
        )
        for each in known.values()
    }  # fmt: skip

    def brought(table: Mapping[str, Commit]) -> dict[str, Brought]:
        return {
            key: Brought(facts[each.id], facts[landed.get(each.id, each.id)])
            for key, each in table.items()
        }

    return Trail(
        entered=brought(seen.entered),
        notes=brought(seen.brought),
        changed={path: facts[each.id] for path, each in seen.changed.items()},
        exemptions=brought(seen.exemptions),
        progress=progress,
        policy=tuple(
            _policy_change(repository, objects, each, lines, facts[each.id])
            for each, lines in changes
        ),
        signers=signers,
    )


def _followed(
    repository: Repository, revision: str, tokens: Collection[str], exemptions: Collection[str]
) -> _Seen:
    """The first commit that added each hash, and the last that added each note and exemption."""
    missing = {token.encode("ascii") for token in tokens}
    lines = {line.encode() for line in exemptions}
    seen = _Seen({}, {}, {}, {})
    for each in read_history(repository, [revision], [*lockfile_specs(), f":(top){VETTING}"]):
        if isinstance(each, FileTouched):
            _take_note(each, seen)
        elif not each.added:
            continue
        elif each.path == EXEMPTIONS:
            if each.line in lines:
                seen.exemptions[each.line.decode()] = each.commit
        elif missing and not each.path.startswith(VETTING):
            for token in missing.intersection(_tokens(each.line)):
                seen.entered[token.decode("ascii")] = each.commit
                missing.discard(token)
    return seen


def _take_note(touched: FileTouched, seen: _Seen) -> None:
    if not is_note(touched.path):
        return
    if touched.before is None:
        seen.brought[touched.path] = touched.commit
        seen.changed.pop(touched.path, None)
    elif touched.after is not None:
        seen.changed[touched.path] = touched.commit


def lockfile_specs() -> list[str]:
    """Git's pathspecs of every lockfile that a client has, wherever it lies."""
    names = {name for client in clients().values() for name in client.LOCKFILES}
    return [f":(top,glob)**/{name}" for name in sorted(names)]


class _Lines(NamedTuple):
    """A trunk commit's changes to the policy's files."""

    touched: frozenset[str]
    exempted: int
    dropped: int


def _along_trunk(
    repository: Repository, revision: str
) -> tuple[tuple[Progress, ...], list[tuple[Commit, _Lines]]]:
    """How many were exempt and noted after each commit of the trunk; which commits change the policy."""
    found: list[Progress] = []
    changes: list[tuple[Commit, _Lines]] = []
    exempt = notes = added = dropped = 0
    touched: set[str] = set()
    current: Commit | None = None

    def settle() -> None:
        if current is None:
            return
        found.append(Progress(current.id, current.date, exempt, notes))
        policy = frozenset(touched & {CONFIG, EXEMPTIONS, BASELINE})
        if policy:
            changes.append((current, _Lines(policy, added, dropped)))

    for each in read_history(repository, [revision], [f":(top){VETTING}"], first_parent=True):
        if current is None or each.commit.id != current.id:
            settle()
            current, touched, added, dropped = each.commit, set(), 0, 0
        if isinstance(each, FileTouched):
            touched.add(each.path)
            if is_note(each.path):
                notes += (each.before is None) - (each.after is None)
        elif each.path == EXEMPTIONS and each.line.strip() and not each.line.startswith(b"#"):
            exempt += 1 if each.added else -1
            added, dropped = added + each.added, dropped + (not each.added)
    settle()
    return tuple(found), changes


def _policy_change(
    repository: Repository, objects: Objects, commit: Commit, lines: _Lines, facts: CommitFacts
) -> PolicyChange:
    after: Snapshot = TreeSnapshot(commit.id, objects, repository)
    before: Snapshot = (
        TreeSnapshot(commit.parents[0], objects, repository)
        if commit.parents
        else EmptySnapshot("empty tree", objects)
    )
    adopts = not adopted(before)
    loosens, tightens = [], []
    if not adopts and lines.touched - {EXEMPTIONS}:
        loosens = list(_words(before, after))
        tightens = (
            [f"rules out: {each}" for each in _words(after, before)] if adopted(after) else []
        )
    if lines.exempted:
        loosens.append(f"{_packages(lines.exempted)} exempt")
    if lines.dropped:
        tightens.append(f"{_packages(lines.dropped)} no longer exempt")
    return PolicyChange(facts, adopts, tuple(loosens), tuple(tightens))


def _packages(count: int) -> str:
    return f"{count:,} package{' is' if count == 1 else 's are'}"


def _words(before: Snapshot, after: Snapshot) -> Iterator[str]:
    try:
        yield from (
            each.words for each in loosenings(before, after) if each.location.path != EXEMPTIONS
        )
    except NpmVettedError as error:
        yield f"cannot be read: {error.message}"


def _signatures(
    repository: Repository, objects: Objects, wanted: Collection[str], after: Snapshot
) -> tuple[dict[str, str], str | None]:
    """The class of each commit's signature, by its own header; and whose signers were used."""
    headers = {oid: objects.commit(oid).partition(b"\n\n")[0] for oid in wanted}
    signed = [oid for oid, header in headers.items() if signature_class(header, "") != "none"]
    configured = _configured_signers(repository)
    verified: Mapping[str, str] = {}
    own, shown = _own_signers(repository, configured, after)
    if own is None:
        if signed:
            verified = verified_signatures(repository, signed, configured)
    elif signed:
        with tempfile.TemporaryDirectory(prefix="npm-vetted-") as folder:
            place = os.path.join(folder, "allowed-signers")  # noqa: PTH118
            with open(place, "wb") as file:  # noqa: PTH123
                file.write(own)
            verified = verified_signatures(repository, signed, place)
    return {
        oid: signature_class(header, verified.get(oid, "")) for oid, header in headers.items()
    }, shown


def _configured_signers(repository: Repository) -> str | None:
    done = run_git("config", "--type=path", "--get", "gpg.ssh.allowedSignersFile",
                   cwd=repository.top, accepted=(0, 1))  # fmt: skip
    text = path_text(done).rstrip("\n")
    return os.path.join(repository.top, text) if text else None  # noqa: PTH118


def _own_signers(
    repository: Repository, configured: str | None, after: Snapshot
) -> tuple[bytes | None, str | None]:
    """The revision's own signers, where git is configured to use a file of the repository."""
    if configured is None:
        return None, None
    top = os.path.realpath(repository.top)
    place = os.path.realpath(configured)
    inside = place.startswith(top + os.sep) and not place.startswith(
        os.path.realpath(repository.git_dir) + os.sep
    )
    if not inside:
        return None, "gpg.ssh.allowedSignersFile"
    path = place[len(top) + 1 :].replace(os.sep, "/")
    return after.read(path) or b"", path


def utc(moment: datetime.datetime) -> str:
    """A time as the formats write it: ``2026-11-22T23:47:17Z``."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
