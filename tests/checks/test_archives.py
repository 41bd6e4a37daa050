"""Tarballs that are committed and installed from: their bytes against the lockfile's hash."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check

BYTES = b"the tarball"
PATH = "vendor/lib-1.0.0.tgz"


def _sri(data: bytes, algorithm: str = "sha512") -> str:
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def _npm(integrity: str | None) -> dict[str, str]:
    entry = {"version": "1.0.0", "resolved": f"file:{PATH}"}
    entry |= {"integrity": integrity} if integrity else {}
    root = {"name": "p", "version": "1.0.0", "dependencies": {"lib": f"file:{PATH}"}}
    packages = {"": root, "node_modules/lib": entry}
    return {"package-lock.json": json.dumps({"lockfileVersion": 3, "packages": packages}, indent=1)}


def _pnpm(integrity: str | None) -> dict[str, str]:
    bound = f"integrity: {integrity}, " if integrity else ""
    return {
        "pnpm-lock.yaml": "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n"
        f"      lib:\n        specifier: file:{PATH}\n        version: file:{PATH}\n\n"
        f"packages:\n\n  lib@file:{PATH}:\n    resolution: {{{bound}tarball: file:{PATH}}}\n"
        f"    version: 1.0.0\n\nsnapshots:\n\n  lib@file:{PATH}: {{}}\n"
    }


def _yarn(integrity: str | None) -> dict[str, str]:
    bound = f"  integrity {integrity}\n" if integrity else ""
    return {
        "yarn.lock": f'# yarn lockfile v1\n\n\n"lib@file:{PATH}":\n  version "1.0.0"\n'
        f'  resolved "file:{PATH}"\n{bound}'
    }


def _yarn_sha1(integrity: str | None) -> dict[str, str]:
    sha1 = "0" * 40
    if integrity == _sri(BYTES):
        sha1 = hashlib.sha1(BYTES, usedforsecurity=False).hexdigest()
    end = f"#{sha1}" if integrity else ""
    return {
        "yarn.lock": f'# yarn lockfile v1\n\n\n"lib@file:{PATH}":\n  version "1.0.0"\n'
        f'  resolved "file:{PATH}{end}"\n'
    }


def _bun(integrity: str | None) -> dict[str, str]:
    entry = [f"lib@{PATH}", {}, *([integrity] if integrity else [])]
    root = {"name": "p", "dependencies": {"lib": PATH}}
    data = {"lockfileVersion": 1, "workspaces": {"": root}, "packages": {"lib": entry}}
    return {"bun.lock": json.dumps(data, indent=1)}


WRITERS = {
    "npm": _npm, "pnpm": _pnpm, "yarn": _yarn, "yarn sha1": _yarn_sha1, "bun": _bun,
}  # fmt: skip


def _codes(repo: GitRepo, *words: str) -> list[tuple[str, str]]:
    found = check(repo, *words, "integrity").findings
    return [(each["code"], each["path"]) for each in found]


def _project(repo: GitRepo, client: str, integrity: str | None) -> None:
    asked = {"lib": PATH if client == "bun" else f"file:{PATH}"}
    manifest = {"name": "p", "version": "1.0.0", "dependencies": asked}
    repo.write("package.json", json.dumps(manifest))
    for path, text in WRITERS[client](integrity).items():
        repo.write(path, text)
    repo.write(PATH, BYTES)


@pytest.mark.parametrize("client", WRITERS)
def test_a_vendored_tarball_is_hashed(git_repo: GitRepo, client: str) -> None:
    _project(git_repo, client, _sri(BYTES))
    adopt(git_repo)
    assert _codes(git_repo, "--all") == []
    git_repo.write(PATH, BYTES + b"!")  # the tarball alone changes
    assert _codes(git_repo) == [("archive-differs", PATH)]
    assert _codes(git_repo, "--all") == [("archive-differs", PATH)]
    git_repo.write(PATH, BYTES)
    for path, text in WRITERS[client](_sri(b"other")).items():  # the lockfile alone changes
        git_repo.write(path, text)
    assert ("archive-differs", PATH) in _codes(git_repo)
    for path, text in WRITERS[client](None).items():
        git_repo.write(path, text)
    assert ("archive-unbound", PATH) in _codes(git_repo)


@pytest.mark.parametrize("client", WRITERS)
def test_a_tarball_that_git_lfs_keeps(git_repo: GitRepo, client: str) -> None:
    _project(git_repo, client, _sri(BYTES))
    adopt(git_repo)
    git_repo.write(PATH, "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    assert _codes(git_repo) == [("archive-elsewhere", PATH)]


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_each_algorithm(git_repo: GitRepo, algorithm: str) -> None:
    _project(git_repo, "npm", _sri(BYTES, algorithm))
    adopt(git_repo)
    assert ("archive-differs", PATH) not in _codes(git_repo, "--all")
    git_repo.write(PATH, BYTES + b"!")
    assert ("archive-differs", PATH) in _codes(git_repo)


@pytest.mark.parametrize(
    "change",
    [
        lambda repo: repo.write("other/lib-1.0.0.tgz", b"another file of that name"),
        lambda repo: repo.write("assets.zip", b"PK"),
        lambda repo: repo.git("rm", "-q", "--cached", PATH),
    ],
)
def test_other_archives_are_nobodys(git_repo: GitRepo, change: Callable[[GitRepo], object]) -> None:
    _project(git_repo, "npm", _sri(BYTES))
    adopt(git_repo)
    change(git_repo)
    assert check(git_repo, "integrity", add=False).findings == []
    assert _codes(git_repo) == []


def test_a_large_archive_is_read_in_pieces(git_repo: GitRepo) -> None:
    data = bytes(33 << 20)  # more than any file that is read whole
    _project(git_repo, "npm", _sri(data))
    git_repo.write(PATH, data)
    adopt(git_repo)
    assert _codes(git_repo, "--all") == []
    git_repo.write(PATH, data + b"!")
    assert _codes(git_repo) == [("archive-differs", PATH)]


@pytest.mark.parametrize("linked", [PATH, "vendor"])
def test_a_tarball_behind_a_link_has_no_known_bytes(git_repo: GitRepo, linked: str) -> None:
    _project(git_repo, "npm", _sri(BYTES))
    adopt(git_repo)
    (git_repo.path / linked).rename(git_repo.path / "elsewhere")
    (git_repo.path / linked).symlink_to("elsewhere")
    git_repo.add()
    assert _codes(git_repo) == [("archive-elsewhere", linked)]
    assert _codes(git_repo, "--all") == [("archive-elsewhere", linked)]


ZIP = ".yarn/cache/ms-npm-2.1.3-81ff3cfac1-d924b57e73.zip"


@pytest.mark.parametrize("linked", [ZIP, ".yarn/cache", ".yarn"])
def test_a_zero_install_behind_a_link_has_no_known_bytes(git_repo: GitRepo, linked: str) -> None:
    """``yarn node`` takes what is behind the link, and compares it with nothing."""
    checksum = hashlib.sha512(BYTES).hexdigest()
    manifest = {"name": "p", "packageManager": "yarn@4.18.1", "dependencies": {"ms": "2.1.3"}}
    git_repo.write("package.json", json.dumps(manifest))
    git_repo.write(".yarnrc.yml", "enableGlobalCache: false\nenableScripts: false\n")
    git_repo.write(
        "yarn.lock",
        "__metadata:\n  version: 10\n  cacheKey: 10c0\n\n"
        f'"ms@npm:2.1.3":\n  version: 2.1.3\n  resolution: "ms@npm:2.1.3"\n  checksum: 10c0/{checksum}\n'
        '  languageName: node\n  linkType: hard\n\n"p@workspace:.":\n  version: 0.0.0-use.local\n'
        '  resolution: "p@workspace:."\n  dependencies:\n    ms: "npm:2.1.3"\n  languageName: unknown\n'
        "  linkType: soft\n",
    )
    git_repo.write(ZIP, BYTES)
    adopt(git_repo)
    assert _codes(git_repo, "--all") == []
    (git_repo.path / linked).rename(git_repo.path / "elsewhere")
    (git_repo.path / linked).symlink_to(
        "../" * linked.count("/") + "elsewhere", target_is_directory=linked != ZIP
    )
    git_repo.add()
    assert _codes(git_repo) == [("archive-elsewhere", linked)]
