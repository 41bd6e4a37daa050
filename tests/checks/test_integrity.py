"""The check ``integrity``: hashes that are not the vetted ones, that changed, or prove nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check, entry, sri, write_note, write_project

HASH, OTHER = sri("a@1.0.0"), sri("others")


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A project that locks a 1.0.0, which nobody vetted."""
    write_project(git_repo, {"a": entry("a")})
    adopt(git_repo)
    return git_repo


def found(repo: GitRepo) -> list[str]:
    return [each["message"] for each in check(repo, "integrity").findings]


@pytest.mark.parametrize(
    ("integrity", "message"),
    [
        (HASH, None),
        (f"{HASH} {sri('a@1.0.0', 'sha1')}", None),
        (
            OTHER,
            f"its hash changed while the version stayed: expected {HASH}, found {OTHER}",
        ),
        (None, f"its hash vanished while the version stayed: expected {HASH}"),
        (
            f"{HASH} {OTHER}",
            (
                f"integrity '{HASH} {OTHER}': more than one sha512 hash: a client accepts bytes that "
                "match any of them"
            ),
        ),
        ("", "integrity '': no hash: a client accepts any bytes"),
        ("sha1-AAAAA", "integrity: malformed base64: 'sha1-AAAAA'"),
        (
            "sha3-abc", ("integrity 'sha3-abc': unknown algorithm 'sha3' "
            "(known: md5, sha1, sha256, sha384, sha512)"),
        ),
    ],
)  # fmt: skip
def test_a_version_that_stays(repo: GitRepo, integrity: str | None, message: str | None) -> None:
    write_project(repo, {"a": entry("a", integrity=integrity)})
    assert found(repo) == ([] if message is None else [message])


@pytest.mark.parametrize("keys", [{}, {"criteria": ["changelog"]}])
def test_other_bytes_than_were_vetted(repo: GitRepo, keys: dict[str, Any]) -> None:
    path = write_note(repo, "b", **keys)
    write_project(repo, {"a": entry("a"), "b": entry("b", integrity=OTHER)})
    done = check(repo)
    assert done.judged == [("integrity", "b")]
    assert done.findings[0]["message"] == (
        f"the bytes are not those that {path} vetted: expected {sri('b@1.0.0')}, found {OTHER}"
    )
    assert done.findings[0]["fix"].endswith('inspect "b@1.0.0"')


def test_a_second_note_settles_it(repo: GitRepo) -> None:
    write_note(repo, "b")
    path = write_note(repo, "b", integrity=OTHER)
    (repo.path / path).rename(repo.path / ".vetting/notes/b/1.0.0.2.toml")
    write_note(repo, "b")
    write_project(repo, {"a": entry("a"), "b": entry("b", integrity=OTHER)})
    assert check(repo).judged == []
