"""Yarn berry's checksums are of zips that it packs itself: an upgrade changes every one of them.

The honest upgrade passes with a warning that says what to do; nothing else that changes a cache key
does. Seen with Yarn 3.8 and 4.18, in ``YARN_REPLACES`` and in the fixtures that they wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from tests.commands.test_init import adopt, vetted
from tests.end_to_end.test_migration import findings
from tests.support.git_repo import GitRepo
from tests.support.real_clients import Clients

FIXTURES: Final = Path(__file__).parents[1] / "fixtures" / "yarn-berry" / "upgrade"
MANIFEST: Final = (FIXTURES / "package.json").read_text()
EVIL: Final = "e" * 128


def lock(name: str) -> str:
    """What a Yarn made of the project's yarn.lock."""
    return (FIXTURES / f"{name}.lock").read_text()


def told(repo: GitRepo, text: str) -> list[tuple[Any, ...]]:
    """What is found where a commit leaves this lockfile."""
    repo.write("yarn.lock", text)
    repo.add()
    return [(each["level"], each["check"], each["package"]) for each in findings(repo)]


def stand(repo: GitRepo, name: str) -> None:
    """A repository that adopts with one of the lockfiles."""
    repo.write("package.json", MANIFEST)
    repo.write("yarn.lock", lock(name))
    repo.commit("A project")
    adopt(repo)


@pytest.fixture(scope="module")
def stood(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], GitRepo]:
    """A repository for each lockfile to adopt with; tests stage another one, and commit nothing."""

    @cache
    def one(name: str) -> GitRepo:
        repo = GitRepo(tmp_path_factory.mktemp("adopted") / name)
        stand(repo, name)
        return repo

    return one


def ms(checksum: str, text: str) -> str:
    """A lockfile with another checksum for one package."""
    found = re.sub(r'(resolution: "ms@npm:2.1.3"\n  checksum: )\S+', rf"\g<1>{checksum}", text)
    assert found != text
    return found


def key(text: str, value: str | None) -> str:
    """A lockfile with another cache key for all, or none."""
    return re.sub("  cacheKey: .*\n", f"  cacheKey: {value}\n" if value else "", text)


def digest(name: str) -> str:
    found = re.search(r'resolution: "ms@npm:2.1.3"\n  checksum: (?:\w+/)?(\w+)', lock(name))
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("before", "after", "differ"),
    [
        ("3.8", "4.18", ["is-number", "is-odd"]),  # the zip of ms stayed the same
        ("4.18", "4.18-compressed", ["is-number", "is-odd", "ms"]),
        ("4.18", "4.18", []),
    ],
)
def test_an_honest_upgrade_passes_and_says_what_to_do(
    stood: Callable[[str], GitRepo], before: str, after: str, differ: list[str]
) -> None:
    repo = stood(before)
    repo.write("yarn.lock", lock(after))
    repo.add()
    found = findings(repo)
    assert {each["level"] for each in found} <= {"warning"}
    rehashed = [each for each in found if each["check"] == "integrity"]
    unbound = [each for each in found if each["check"] == "unvetted"]
    assert [each["package"] for each in unbound] == differ
    if differ:
        assert "Repeat the upgrade from the previous lockfile" in rehashed[0]["message"]
        assert all(" note" in str(each["fix"]) for each in unbound)


def test_an_equal_digest_is_of_equal_bytes_whatever_the_key(git_repo: GitRepo) -> None:
    git_repo.write("package.json", MANIFEST)
    git_repo.write("yarn.lock", lock("3.8"))
    git_repo.commit("A project that nobody vetted")
    prefix = re.search(r"checksum: (\w+/)", lock("4.18-compressed"))
    assert prefix
    text = ms(prefix[1] + digest("3.8"), lock("4.18-compressed"))
    unvetted = {package for _, check, package in told(git_repo, text) if check == "unvetted"}
    assert unvetted == {"is-odd", "is-number"}


def test_the_new_checksums_are_bound_by_a_note(git_repo: GitRepo) -> None:
    stand(git_repo, "3.8")
    assert told(git_repo, lock("4.18"))
    done = vetted(
        git_repo, "note", "--staged", "--offline", "--waive-cooldown", "old", "--criteria",
        "health,changelog", "-m", "The same upgrade gave the same lockfile.",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert told(git_repo, lock("4.18")) == [("warning", "integrity", None)]
    git_repo.commit("Yarn 4")
    assert ("error", "integrity", "ms") in told(git_repo, ms(f"10/{EVIL}", lock("4.18")))


UPGRADE = lock("4.18")
ATTACKS: Final = {
    "one entry under another key, with other bytes": (
        "4.18", ms(f"8/{EVIL}", UPGRADE), "integrity",
    ),
    "one entry under a newer key": ("4.18", ms(f"11/{EVIL}", UPGRADE), "integrity"),
    "one entry under a key that is none": ("4.18", ms(f"x/{EVIL}", UPGRADE), "integrity"),
    "one entry under another key, its digest as it was": (
        "4.18", ms(f"9/{digest('4.18')}", UPGRADE), "integrity",
    ),
    "the file's key and one entry": (
        "4.18", key(ms(f"10c0/{EVIL}", UPGRADE), "10c0"), "integrity",
    ),
    "the file's key alone": ("4.18", key(UPGRADE, "10c0"), "integrity"),
    "the key for all that say none": ("3.8", key(lock("3.8"), "7"), "lockfile-sync"),
    "the key for all that say none, and one entry": (
        "3.8", key(ms(EVIL, lock("3.8")), "7"), "lockfile-sync",
    ),
    "no key for all that say none": ("3.8", key(lock("3.8"), None), "integrity"),
    "no key for all, one entry under another": (
        "4.18", key(ms(f"8/{EVIL}", UPGRADE), None), "integrity",
    ),
    "a key that no such Yarn has": (
        "4.18", UPGRADE.replace("10/", "9/").replace("cacheKey: 10", "cacheKey: 9"),
        "lockfile-sync",
    ),
    "no checksum, as if it had conditions": (
        "3.8", ms("x", UPGRADE).replace("  checksum: x\n", "  conditions: os=linux\n"),
        "integrity",
    ),
    "a key that counts for nothing, as if it had conditions": (
        "4.18", ms(f"8/{EVIL}\n  conditions: os=linux", UPGRADE), "integrity",
    ),
    "an upgrade that takes the checksums over as they were": (
        "3.8", lock("4.18-lockfile-only"), "integrity",
    ),
    "an upgrade that brings a package": (
        "3.8", UPGRADE + UPGRADE[UPGRADE.index('\n"ms@') :].replace("ms@", "evil@"), "unvetted",
    ),
    "an upgrade that brings another version": (
        "3.8", UPGRADE.replace("2.1.3", "2.1.4"), "unvetted",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "check"), ATTACKS.values(), ids=ATTACKS)
def test_a_binding_is_not_shed(
    stood: Callable[[str], GitRepo], before: str, after: str, check: str
) -> None:
    found = told(stood(before), after)
    assert check in {each[1] for each in found if each[0] == "error"}, found


def test_what_no_hook_can_tell_is_a_warning(stood: Callable[[str], GitRepo]) -> None:
    """Other bytes within a whole upgrade: only who makes the same upgrade sees them."""
    found = told(stood("3.8"), ms(f"10/{EVIL}", UPGRADE))
    assert ("warning", "integrity", None) in found
    assert ("warning", "unvetted", "ms") in found


RESOLVE: Final = """
"resolve@npm:1.22.8":
  version: 1.22.8
  resolution: "resolve@npm:1.22.8"
  checksum: 10/{plain}
  languageName: node
  linkType: hard

"resolve@patch:resolve@npm%3A1.22.8#optional!builtin<compat/resolve>":
  version: 1.22.8
  resolution: "resolve@patch:resolve@npm%3A1.22.8#optional!builtin<compat/resolve>::version=1.22.8&hash=c3c19d"
  checksum: 10/{patched}
  languageName: node
  linkType: hard
"""
PATCHED: Final = UPGRADE.replace(
    "    ms: ", '    resolve: "npm:1.22.8"\n    ms: '
) + RESOLVE.format(plain="a" * 128, patched="b" * 128)


def test_what_yarn_patches_itself_is_held_against_itself(git_repo: GitRepo) -> None:
    """It is locked twice, plain and patched; only the patched one's hash changes."""
    git_repo.write("package.json", MANIFEST.replace('"ms"', '"resolve": "1.22.8", "ms"'))
    git_repo.write("yarn.lock", PATCHED)
    git_repo.commit("Not adopted")
    again = PATCHED.replace("hash=c3c19d", "hash=9bd1a5")
    assert told(git_repo, again) == []
    assert told(git_repo, again.replace("b" * 128, "c" * 128)) == [
        ("error", "integrity", "resolve"), ("error", "unvetted", "resolve"),
    ]  # fmt: skip
    [changed] = [each for each in findings(git_repo) if each["check"] == "integrity"]
    assert f"expected 10/{'b' * 128}, found 10/{'c' * 128}" in changed["message"]


@pytest.mark.parametrize(
    ("pinned", "name", "fits"),
    [
        ("yarn@4.18.1+sha224.00", "4.18", True), ("yarn@4.18.1", "3.8", False),
        ("yarn@3.8.7", "3.8", True), ("yarn@3.8.7", "4.18", False), ("npm@11.0.0", "3.8", True),
    ],
)  # fmt: skip
def test_a_lockfile_of_another_yarn_than_the_pinned_one(
    git_repo: GitRepo, pinned: str, name: str, fits: bool
) -> None:
    """It does not heed its checksums: whoever installs gets whatever the registry sends."""
    git_repo.write("package.json", MANIFEST.replace("{", f'{{"packageManager": "{pinned}", ', 1))
    git_repo.write("yarn.lock", lock(name))
    git_repo.add()
    found = [each for each in findings(git_repo) if "cacheKey" in each["message"]]
    assert [each["check"] for each in found] == ([] if fits else ["lockfile-sync"])


YARN_REPLACES: Final = [
    pytest.param("yarn3.8", "3.8", f"7/{EVIL}", True, id="3.8, another key"),
    pytest.param("yarn3.8", "3.8", EVIL, False, id="3.8, its own"),
    pytest.param("yarn4.18", "4.18", f"8/{EVIL}", True, id="4.18, another key"),
    pytest.param("yarn4.18", "4.18", f"10c0/{EVIL}", True, id="4.18, another compression"),
    pytest.param("yarn4.18", "4.18", f"10/{EVIL}", False, id="4.18, its own"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("client", "name", "checksum", "replaced"), YARN_REPLACES)
def test_yarn_replaces_a_checksum_of_another_key(
    tmp_path: Path, clients: Clients, client: str, name: str, checksum: str, replaced: bool
) -> None:
    """Even with ``--immutable``: the reason why such a checksum counts for none."""
    (tmp_path / "package.json").write_text(MANIFEST)
    (tmp_path / ".yarnrc.yml").write_text("enableScripts: false\ncompressionLevel: mixed\n")
    (tmp_path / "yarn.lock").write_text(ms(checksum, lock(name)))
    done = clients.run(client, "install", "--immutable", cwd=tmp_path, check=False)
    assert (done.returncode == 0) is replaced, done.stdout
    assert (EVIL in (tmp_path / "yarn.lock").read_text()) is not replaced
