"""``lockfile.integrityTarget: tar`` of pnpm 12.15, which changes every hash of the lockfile."""

from __future__ import annotations

import base64
import hashlib

import pytest

from npm_vetted.clients.pnpm.client import read_lockfile
from npm_vetted.errors import DocumentError
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check, write_note


def sri(text: str) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(text.encode()).digest()).decode()


def lock(kind: str, target: str = "") -> str:
    """As pnpm 12.21 wrote it."""
    extra = f"  integrityTarget: {target}\n" if target else ""
    return (
        "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n"
        f"  excludeLinksFromLockfile: false\n{extra}\nimporters:\n\n  .:\n    dependencies:\n"
        "      ms:\n        specifier: 2.1.2\n        version: 2.1.2\n\npackages:\n\n  ms@2.1.2:\n"
        f"    resolution: {{integrity: {sri(kind)}}}\n\nsnapshots:\n\n  ms@2.1.2: {{}}\n"
    )


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A project of pnpm 12, whose package a note covers."""
    git_repo.write(
        "package.json",
        '{"name": "p", "packageManager": "pnpm@12.21.0", "dependencies": {"ms": "2.1.2"}}',
    )
    git_repo.write("pnpm-workspace.yaml", "ignoreScripts: true\n")
    git_repo.write("pnpm-lock.yaml", lock("tarball"))
    git_repo.write(".vetting/config.toml", "format = 2\n")
    write_note(git_repo, "ms", "2.1.2", integrity=sri("tarball"))
    git_repo.commit("Start")
    return git_repo


def codes(repo: GitRepo) -> set[tuple[str, str, str]]:
    found = check(repo, "integrity", "unvetted", "lockfile-sync").findings
    return {
        (each["check"], each["code"], each["level"])
        for each in found
        if "pnpm@12" not in each["message"]
    }


def test_a_new_target_is_a_warning_and_not_a_changed_hash(repo: GitRepo) -> None:
    repo.write("pnpm-workspace.yaml", "ignoreScripts: true\nlockfile:\n  integrityTarget: tar\n")
    repo.write("pnpm-lock.yaml", lock("tar", "tar"))
    found = codes(repo)
    assert ("integrity", "all-checksums-changed", "warning") in found
    assert not {code for _, code, _ in found} & {"hash-changed", "hash-vanished", "out-of-date"}


def test_the_hash_under_one_target_must_not_change(repo: GitRepo) -> None:
    repo.write("pnpm-workspace.yaml", "ignoreScripts: true\nlockfile:\n  integrityTarget: tar\n")
    repo.write("pnpm-lock.yaml", lock("tar", "tar"))
    repo.commit("Change the target")
    repo.write("pnpm-lock.yaml", lock("other", "tar"))
    assert ("integrity", "hash-changed", "error") in codes(repo)


def test_the_setting_and_the_lockfile_agree(repo: GitRepo) -> None:
    repo.write("pnpm-lock.yaml", lock("tar", "tar"))
    assert ("lockfile-sync", "out-of-date", "error") in codes(repo)


def test_an_unknown_target_is_refused() -> None:
    lockfile = read_lockfile("pnpm-lock.yaml", lock("x", "zip").encode(), lambda _: None)
    with pytest.raises(DocumentError, match="integrityTarget"):
        list(lockfile.entries())


def test_the_hash_is_read_and_shown_as_it_is() -> None:
    lockfile = read_lockfile("pnpm-lock.yaml", lock("tar", "tar").encode(), lambda _: None)
    (entry,) = lockfile.entries()
    assert entry.artifact is not None
    assert entry.artifact.integrity is None
    assert entry.artifact.checksum == f"tar/{hashlib.sha512(b'tar').hexdigest()}"
    assert lockfile.hash_text(entry) == sri("tar")
