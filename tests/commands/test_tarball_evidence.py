"""``check --online`` against registries that lie, and notes that lie: no lie passes."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from npm_vetted.clients.shared.packed_zips import packed_checksum
from npm_vetted.commands._common import opened
from npm_vetted.commands._online_evidence import OnlineEvidence, recomputed_evidence
from npm_vetted.registry import Registry
from npm_vetted.registry.fetch import Patience
from npm_vetted.registry.tarball import tarball_entries
from tests.support.answers import Server, body, redirect, serving
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import lockfile, note_text
from tests.support.tarballs import bomb, integrity_of, package_of

OLD = "2024-03-25T14:12:02+00:00"
PUBLISHED = datetime.fromisoformat(OLD)
NOTE = ".vetting/notes/aa/1.0.0.toml"
GIT = "git+https://git.example/aa.git#" + "1" * 40
SMALL = Patience(pause=0.01, packument=300_000, tarball=300_000)
QUICK = Patience(read=0.3, total=0.5, pause=0.01)


def packed(
    manifest: Mapping[str, Any] | None = None, files: Mapping[str, str] | None = None
) -> bytes:
    """A tarball of ``aa``."""
    data = {"name": "aa", "version": "1.0.0", **(manifest or {})}
    return package_of({"package.json": json.dumps(data), "index.js": "1\n", **(files or {})})


GOOD = packed()
SCRIPTED = packed({"scripts": {"postinstall": "node ."}})
BUNDLING = packed(
    {"bundleDependencies": ["inner"], "dependencies": {"inner": "1.0.0"}},
    {"node_modules/inner/package.json": '{"name": "inner", "version": "1.0.0"}'},
)


class Shelf:
    """A registry with the package ``aa``; what it says of it may be anything."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.patience = SMALL

    def client(self, *args: Any, **keys: Any) -> Registry:
        """Who asks it: with little patience, and no cache."""
        return Registry(*args, **{**keys, "cache": None, "patience": self.patience})

    def serve(
        self, data: bytes = GOOD, dist: Mapping[str, Any] | None = None, **said: object
    ) -> None:
        """Publish a tarball. ``dist`` and ``said`` replace what an honest registry says."""
        url = f"{self.server.url}aa/-/aa-1.0.0.tgz"
        told = {"integrity": integrity_of(data), "tarball": url, **(dist or {})}
        told = {key: value for key, value in told.items() if value is not None}
        release = {"name": "aa", "version": "1.0.0", "dist": told, **said}
        self.describe({"versions": {"1.0.0": release}, "time": {"1.0.0": OLD}})
        self.server.answers["/aa/-/aa-1.0.0.tgz"] = body(data)

    def describe(self, packument: Mapping[str, Any]) -> None:
        """Publish a packument."""
        data = {"name": "aa", "dist-tags": {"latest": "1.0.0"}, **packument}
        self.server.answers["/aa"] = body(json.dumps(data).encode())


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A registry, and the client that asks it."""
    with serving() as server:
        found = Shelf(server)
        found.serve()
        monkeypatch.setattr("npm_vetted.registry.Registry", found.client)
        yield found


def committed(repo: GitRepo, shelf: Shelf, note: str, locked: Mapping[str, Any]) -> None:
    """A repository whose last commit adds the package, with its note."""
    repo.write(".vetting/config.toml", "format = 2\n")
    repo.write(".npmrc", f"registry={shelf.server.url}\nignore-scripts=true\n")
    repo.commit("Start")
    url = f"{shelf.server.url}aa/-/aa-1.0.0.tgz"
    entry = {"version": "1.0.0", "resolved": url, **locked}
    manifest = {"name": "p", "version": "1.0.0", "dependencies": {"aa": "1.0.0"}}
    repo.write("package.json", json.dumps(manifest))
    if locked:
        repo.write("package-lock.json", lockfile(manifest, {"node_modules/aa": entry}))
    repo.write(NOTE, note)
    repo.commit("Add it")


def judged(
    repo: GitRepo, shelf: Shelf, locked: Mapping[str, Any] | None = None, /, **keys: Any
) -> OnlineEvidence:
    """What is said of a note with these keys."""
    fields = {
        "integrity": integrity_of(GOOD), "published": PUBLISHED, "scripts": [],
        "vetted-on": date(2024, 4, 20), **keys,
    }  # fmt: skip
    note = note_text("aa", "1.0.0", **fields)
    committed(repo, shelf, note, {"integrity": integrity_of(GOOD)} if locked is None else locked)
    with contextlib.chdir(repo.path), opened(from_ref="HEAD~", to_ref="HEAD") as (_, change):
        return recomputed_evidence(change)


def kinds(found: OnlineEvidence) -> list[str]:
    """What differs; ``?`` where there was no answer."""
    return [
        "?" if each.check == "undecided" else (each.key or "").partition(" ")[2]
        for each in found.findings
    ]


@pytest.mark.parametrize("algorithms", [["sha512"], ["sha1"], ["sha1", "sha512"], ["sha256"]])
def test_a_true_note_is_confirmed_whatever_its_hash(
    git_repo: GitRepo, shelf: Shelf, algorithms: list[str]
) -> None:
    integrity = " ".join(integrity_of(GOOD, each) for each in algorithms)
    assert judged(git_repo, shelf, integrity=integrity) == OnlineEvidence((), frozenset())


LIES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "another hash": ({"integrity": integrity_of(SCRIPTED)}, ["bytes"]),
    "a true hash beside one of other bytes": (
        {"integrity": f"{integrity_of(SCRIPTED, 'sha256')} {integrity_of(GOOD)}"}, ["bytes"],
    ),
    "a weaker hash of other bytes": ({"integrity": integrity_of(SCRIPTED, "sha384")}, ["bytes"]),
    "an earlier time": ({"published": datetime(2020, 1, 1, tzinfo=UTC)}, ["published"]),
    "no time, and vetted before it was published": (
        {"published": None, "vetted-on": date(2020, 1, 1)}, ["published"],
    ),
    "a package that it does not carry": ({"bundles": [{"package": "inner@1.0.0"}]}, ["bundles"]),
    "a shrinkwrap that it does not have": (
        {"shrinkwrap": [{"package": "inner@1.0.0", "integrity": integrity_of(GOOD)}]},
        ["shrinkwrap"],
    ),
    "in what it brings": (
        {"brings": [{"package": "aa@1.0.0", "integrity": integrity_of(SCRIPTED)}]}, ["bytes"],
    ),
    "a version that nobody published": (
        {"brings": [{"package": "aa@9.9.9", "integrity": integrity_of(GOOD)}]}, [""],
    ),
    "signals that were not found": (
        {"evidence": {"signals-version": 1, "score": 0, "signals": []}, "from": "0.9.0"}, ["?"],
    ),
    "a source, so that no registry is asked": (
        {"integrity": integrity_of(SCRIPTED), "resolved": GIT}, ["bytes"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_note_that_lies_differs(git_repo: GitRepo, shelf: Shelf, lie: str) -> None:
    keys, expected = LIES[lie]
    assert kinds(judged(git_repo, shelf, **keys)) == expected


@pytest.mark.parametrize("told", [{}, {"scripts": {"test": "true"}}])
def test_scripts_are_read_from_the_tarball_whatever_the_registry_says(
    git_repo: GitRepo, shelf: Shelf, told: dict[str, Any]
) -> None:
    shelf.serve(SCRIPTED, **told)
    assert kinds(judged(git_repo, shelf, integrity=integrity_of(SCRIPTED))) == ["scripts"]


@pytest.mark.parametrize(("changed", "found"), [(False, []), (True, ["bytes"])])
def test_a_checksum_is_of_what_the_client_packs(
    git_repo: GitRepo, shelf: Shelf, changed: bool, found: list[str]
) -> None:
    """A client that runs committed archives compares them with the lockfile's checksum alone."""
    like, data = "10c0/" + "0" * 128, SCRIPTED if changed else GOOD
    files = tarball_entries("aa", data, integrity_of(data))
    checksum = packed_checksum(like, "aa", b"", files)
    assert kinds(judged(git_repo, shelf, checksum=checksum)) == found


def test_scripts_that_the_note_names_are_confirmed(git_repo: GitRepo, shelf: Shelf) -> None:
    shelf.serve(SCRIPTED)
    found = judged(
        git_repo, shelf, integrity=integrity_of(SCRIPTED), scripts=["postinstall"],
        criteria=["health", "scripts"],
    )  # fmt: skip
    assert found.findings == ()


def test_a_build_with_gyp_is_a_script(git_repo: GitRepo, shelf: Shelf) -> None:
    built = packed(files={"binding.gyp": "{}"})
    shelf.serve(built)
    assert kinds(judged(git_repo, shelf, integrity=integrity_of(built))) == ["scripts"]


def test_a_bundled_package_that_the_note_leaves_out_differs(
    git_repo: GitRepo, shelf: Shelf
) -> None:
    """npm installs it from the tarball, also where the lockfile does not name it."""
    shelf.serve(BUNDLING)
    assert kinds(judged(git_repo, shelf, integrity=integrity_of(BUNDLING))) == ["bundles"]


def test_a_note_on_a_repository_covers_no_published_version(
    git_repo: GitRepo, shelf: Shelf
) -> None:
    """It is compared with no registry where nothing locks it, so its hash must not count later."""
    found = judged(git_repo, shelf, {}, integrity=integrity_of(SCRIPTED), resolved=GIT)
    assert found.findings == ()
    manifest = {"name": "p", "version": "1.0.0", "dependencies": {"aa": "1.0.0"}}
    locked = {"version": "1.0.0", "integrity": integrity_of(SCRIPTED)}
    locked["resolved"] = f"{shelf.server.url}aa/-/aa-1.0.0.tgz"
    git_repo.write("package-lock.json", lockfile(manifest, {"node_modules/aa": locked}))
    git_repo.commit("Lock it")
    with contextlib.chdir(git_repo.path), opened(from_ref="HEAD~", to_ref="HEAD") as (_, change):
        assert [change.verdict(use).covered for use in change.uses()] == [False]


FAST = ("other bytes than it says", "no tarball")
"""The answers of the fast suite; tests/registry tries how all of them are read."""


def _is_slow(shelf: Shelf) -> None:
    def answer(handler: Any) -> None:
        time.sleep(1.5)
        body(b"{}")(handler)

    shelf.patience = QUICK
    shelf.server.answers["/aa"] = answer


ANSWERS: dict[str, tuple[Callable[[Shelf], None], list[str]]] = {
    "other bytes than it says": (
        lambda shelf: shelf.server.answers.update({"/aa/-/aa-1.0.0.tgz": body(SCRIPTED)}), ["bytes"],
    ),
    "another hash": (lambda shelf: shelf.serve(dist={"integrity": integrity_of(b"x")}), ["bytes"]),
    "no hash": (
        lambda shelf: shelf.serve(dist={"integrity": None, "shasum": None}), ["bytes"],
    ),
    "only a sha1": (
        lambda shelf: shelf.serve(dist={"integrity": None, "shasum": hashlib.sha1(GOOD).hexdigest()}),
        [],
    ),
    "no tarball": (lambda shelf: shelf.server.answers.update({"/aa/-/aa-1.0.0.tgz": body(b"", 404)}), ["?"]),
    "a tarball of another host": (
        lambda shelf: shelf.serve(dist={"tarball": "http://169.254.169.254/aa.tgz"}), ["?"],
    ),
    "a tarball that is a file": (lambda shelf: shelf.serve(dist={"tarball": "file:///etc/passwd"}), ["?"]),
    "no package": (lambda shelf: shelf.server.answers.clear(), [""]),
    "no such version": (lambda shelf: shelf.describe({"versions": {}}), [""]),
    "another package": (
        lambda shelf: shelf.describe({"name": "bb", "versions": {"1.0.0": {}}}), ["?"],
    ),
    "no time": (
        lambda shelf: shelf.describe({"versions": {"1.0.0": {
            "name": "aa", "version": "1.0.0",
            "dist": {"integrity": integrity_of(GOOD), "tarball": f"{shelf.server.url}aa/-/aa-1.0.0.tgz"},
        }}}), ["published"],
    ),
    "an impossible time": (
        lambda shelf: shelf.describe({"versions": {"1.0.0": {}}, "time": {"1.0.0": "soon"}}), ["?"],
    ),
    "no JSON": (lambda shelf: shelf.server.answers.update({"/aa": body(b"<html>")}), ["?"]),
    "a list": (lambda shelf: shelf.server.answers.update({"/aa": body(b"[]")}), ["?"]),
    "nesting": (lambda shelf: shelf.server.answers.update({"/aa": body(b"[" * 200_000)}), ["?"]),
    "more than the limit": (
        lambda shelf: shelf.server.answers.update({"/aa": body(b" " * 400_000)}), ["?"],
    ),
    "a bomb": (
        lambda shelf: shelf.server.answers.update(
            {"/aa": body(gzip.compress(b" " * 5_000_000), headers={"Content-Encoding": "gzip"})}
        ), ["?"],
    ),
    "a tarball that is a bomb": (
        lambda shelf: shelf.server.answers.update({"/aa/-/aa-1.0.0.tgz": body(bomb(5))}), ["bytes"],
    ),
    "nothing in time": (_is_slow, ["?"]),
    "a wrong status": (
        lambda shelf: shelf.server.answers.update({"/aa": body(b"{}", 418)}), ["?"],
    ),
    "that it is forbidden": (
        lambda shelf: shelf.server.answers.update({"/aa": body(b"{}", 403)}), ["?"],
    ),
    "to look at a host that is this machine's": (
        lambda shelf: shelf.server.answers.update({"/aa": redirect("http://192.0.2.7/aa")}), ["?"],
    ),
    "to look at itself, for ever": (
        lambda shelf: shelf.server.answers.update({"/aa": redirect("/aa")}), ["?"],
    ),
    "that nothing has changed": (
        lambda shelf: shelf.server.answers.update({"/aa": body(b"", 304)}), ["?"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [pytest.param(each, marks=() if each in FAST else pytest.mark.slow) for each in ANSWERS],
)
def test_a_registry_that_says(git_repo: GitRepo, shelf: Shelf, answer: str) -> None:
    change, expected = ANSWERS[answer]
    change(shelf)
    found = judged(git_repo, shelf)
    assert kinds(found) == expected
    assert found.statuses == ({3} if "?" in expected else set())


def test_no_credential_goes_where_a_registry_points(git_repo: GitRepo, shelf: Shelf) -> None:
    """A token of the person is for one host: a tarball elsewhere is fetched without it."""
    with serving() as elsewhere:
        elsewhere.answers["/aa.tgz"] = body(GOOD)
        shelf.serve(dist={"tarball": f"{elsewhere.url}aa.tgz"})
        home = git_repo.path / ".." / "person"
        home.mkdir()
        prefix = shelf.server.url.removeprefix("http:")
        (home / ".npmrc").write_text(f"{prefix}:_authToken=secret\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOME", str(home))
            assert judged(git_repo, shelf).findings == ()
        assert [each.headers.get("Authorization") for each in shelf.server.asked] == [
            "Bearer secret"
        ] * len(shelf.server.asked)
        assert [each.headers.get("Authorization") for each in elsewhere.asked] == [None]


def test_of_several_registries_the_one_that_confirms_is_asked(
    git_repo: GitRepo, shelf: Shelf
) -> None:
    """Nothing locks the version yet, and another project's registry does not have it."""
    with serving() as other:
        git_repo.write("a/package.json", '{"name": "a", "dependencies": {"bb": "1.0.0"}}')
        git_repo.write("a/.npmrc", f"registry={other.url}\nignore-scripts=true\n")
        assert judged(git_repo, shelf, {}).findings == ()
        assert other.asked != []


def test_a_scope_has_its_own_registry(git_repo: GitRepo, shelf: Shelf) -> None:
    judged(git_repo, shelf)
    with serving() as private:
        npmrc = git_repo.path / ".npmrc"
        npmrc.write_text(f"{npmrc.read_text()}@s:registry={private.url}\n")
        url = f"{private.url}@s/aa/-/aa-1.0.0.tgz"
        release = {
            "name": "@s/aa", "version": "1.0.0",
            "dist": {"integrity": integrity_of(GOOD), "tarball": url},
        }  # fmt: skip
        packument = {"name": "@s/aa", "versions": {"1.0.0": release}, "time": {"1.0.0": OLD}}
        private.answers["/@s%2Faa"] = private.answers["/@s/aa"] = body(
            json.dumps(packument).encode()
        )
        private.answers["/@s/aa/-/aa-1.0.0.tgz"] = body(GOOD)
        keys = {"published": PUBLISHED, "scripts": [], "vetted-on": date(2024, 4, 20)}
        for bytes_, expected in ((GOOD, []), (SCRIPTED, ["bytes"])):
            note = note_text("@s/aa", "1.0.0", integrity=integrity_of(bytes_), **keys)
            git_repo.write(".vetting/notes/@s/aa/1.0.0.toml", note)
            git_repo.commit("A private package")
            with (
                contextlib.chdir(git_repo.path),
                opened(from_ref="HEAD~", to_ref="HEAD") as (_, change),
            ):
                assert kinds(recomputed_evidence(change)) == expected


def test_signals_are_not_computed_of_what_no_registry_has(git_repo: GitRepo, shelf: Shelf) -> None:
    evidence = {"signals-version": 1, "score": 0, "signals": []}
    keys = {"resolved": GIT, "evidence": evidence, "from": "0.9.0"}
    assert judged(git_repo, shelf, {}, **keys).findings == ()


def test_every_commit_of_a_range_counts(git_repo: GitRepo, shelf: Shelf) -> None:
    judged(git_repo, shelf, integrity=integrity_of(SCRIPTED))
    git_repo.write("README.md", "More.\n")
    git_repo.commit("More")
    with contextlib.chdir(git_repo.path), opened(from_ref="HEAD~2", to_ref="HEAD") as (_, change):
        assert kinds(recomputed_evidence(change)) == ["bytes"]


def test_a_group_note_and_a_routine_note_are_compared_too(git_repo: GitRepo, shelf: Shelf) -> None:
    judged(git_repo, shelf)
    listed = [{"package": "aa@1.0.0", "integrity": integrity_of(SCRIPTED), "from": "0.9.0",
               "published": PUBLISHED}]  # fmt: skip
    group = note_text(None, None, accepts=listed)
    git_repo.write(".vetting/notes/_groups/2026-11-22-aa-0000.toml", group)
    git_repo.commit("Group")
    with contextlib.chdir(git_repo.path), opened(from_ref="HEAD~", to_ref="HEAD") as (_, change):
        assert kinds(recomputed_evidence(change)) == ["bytes"]
    routine = note_text(
        "aa", "1.0.0", integrity=integrity_of(SCRIPTED), criteria=[], why=None, scripts=[],
        published=PUBLISHED, **{"from": "0.9.0"},
        evidence={"signals-version": 1, "score": 0, "signals": []},
    )  # fmt: skip
    git_repo.write(".vetting/routine/aa/1.0.0.toml", routine)
    git_repo.commit("Routine")
    with contextlib.chdir(git_repo.path), opened(from_ref="HEAD~", to_ref="HEAD") as (_, change):
        assert "bytes" in kinds(recomputed_evidence(change))
