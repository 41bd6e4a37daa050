"""``npm-vetted audit``: the rows of every lockfile, and what is said of one package."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.commands.test_init import GIT, SRI, adopt, locked, manifest, npm_lock, vetted
from tests.support import corpus
from tests.support.git_repo import GitRepo

KEYS: Final = ("package", "version", "integrity", "resolved", "source")
FORMATS: Final = ("npm", "pnpm", "yarn-classic", "yarn-berry", "bun")
SMALL: Final = 20_000
WHY: Final = "Small; all of it was read."


def audit(repo: GitRepo) -> dict[str, Any]:
    done = vetted(repo, "audit", "--format", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def lay_out(repo: GitRepo, case: corpus.Case) -> None:
    """A lockfile of the corpus with what is beside it, and a package.json in any case."""
    repo.write("package.json", manifest())
    if "made" in case.path.relative_to(corpus.CORPUS).parts:
        for file in case.folder.rglob("*"):
            inner = file.relative_to(case.folder)
            beside = not file.name.endswith((".truth.json", ".extra.json", ".diff.json"))
            if file.is_file() and beside and "node_modules" not in inner.parts:
                repo.write(inner.as_posix(), file.read_bytes())
    named = "package-lock.json" if case.format == "npm" else case.name
    repo.write("npm-shrinkwrap.json" if case.name == "npm-shrinkwrap.json" else named, case.data)
    repo.git("add", "-A", "-f")
    repo.commit("A project", add=False)


def _cases(*, small: bool) -> list[Any]:
    found: dict[tuple[str, str, bool], corpus.Case] = {}
    for case in corpus.cases(*FORMATS):
        if "conflict" not in case.path.parts:  # Yarn 1 merges conflicts; we refuse them
            key = (case.format, str(case.version), False) if small else (str(case), "", False)
            if not small or case.path.stat().st_size < SMALL:
                found.setdefault(key, case)
    return [pytest.param(case, id=str(case)) for case in found.values()]


def _rows_are_the_truth(repo: GitRepo, case: corpus.Case) -> None:
    lay_out(repo, case)
    rows = [row for row in audit(repo)["artifacts"] if row["project"] == "."]
    project = {tuple(row[key] for key in KEYS) for row in rows if not row["environment"]}
    assert project == corpus.expected(case)


@pytest.mark.parametrize("case", _cases(small=True))
def test_the_rows_of_one_lockfile_of_each_version(git_repo: GitRepo, case: corpus.Case) -> None:
    _rows_are_the_truth(git_repo, case)


@pytest.mark.slow
@pytest.mark.parametrize("case", _cases(small=False))
def test_the_rows_of_every_lockfile(git_repo: GitRepo, case: corpus.Case) -> None:
    _rows_are_the_truth(git_repo, case)


def _pairs() -> list[Any]:
    return [
        pytest.param(*pair, id=str(pair[0].pair))
        for family in FORMATS
        for pair in corpus.pairs(family)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), _pairs())
def test_what_a_change_adds_is_unvetted(
    git_repo: GitRepo, before: corpus.Case, after: corpus.Case
) -> None:
    lay_out(git_repo, before)
    git_repo.write(after.name, after.data)
    git_repo.add()
    done = vetted(git_repo, "check", "unvetted", "--format", "json")
    findings = json.loads(done.stdout)["findings"]
    found = {(each["package"], each["version"]) for each in findings if each["level"] == "error"}
    was, now = corpus.expected(before), corpus.expected(after)
    added = {row[:2] for row in now} - {row[:2] for row in was}
    changed = {row[:2] for row in now - was}
    # What a new tarball carries is judged by the note of that tarball.
    carried = {(name, version) for name, version in after.extra.get("bundled", ())}  # type: ignore[attr-defined]
    assert added - carried <= found <= changed


def test_each_status_is_told(git_repo: GitRepo) -> None:
    asked = {"ms": "^1.0.0", "debug": "^1.0.0", "tool": "github:acme/tool"}
    packages: dict[str, dict[str, object]] = {"debug": locked("debug")}
    git_repo.write("package.json", manifest(dependencies={"debug": "^1.0.0"}))
    git_repo.write("package-lock.json", npm_lock({"debug": "^1.0.0"}, packages))
    git_repo.commit("A shop")
    adopt(git_repo)
    packages["ms"] = locked("ms")
    packages["ms"]["dependencies"] = {"inner": "^1.0.0"}
    packages["inner"] = locked("inner")
    packages["tool"] = {"version": "1.0.0", "resolved": GIT}
    git_repo.write("package.json", manifest(dependencies=asked))
    git_repo.write("package-lock.json", npm_lock(asked, packages))
    git_repo.add()
    note = vetted(git_repo, "note", "ms", "--offline", "--waive-cooldown", "old",
                  "--criteria", "health", "-m", WHY)  # fmt: skip
    assert note.returncode == 0, note.stderr
    found = audit(git_repo)
    path = ".vetting/notes/ms/1.0.0.toml"
    assert [
        (row["package"], row["source"], row["direct"], row["status"], row["note"])
        for row in sorted(found["artifacts"], key=lambda row: str(row["package"]))
    ] == [
        ("debug", "registry", True, "exempt", ".vetting/exemptions.txt"),
        ("inner", "registry", False, "accepted", path),
        ("ms", "registry", True, "vetted", path),
        ("tool", "git", True, "unvetted", None),
    ]
    assert found["totals"] == {
        "vetted": 1, "accepted": 1, "exempt": 1, "first-party": 0, "unvetted": 1, "routine": 0,
    }  # fmt: skip
    assert found["projects"] == [{"path": ".", "client": "npm", "lockfile": "package-lock.json"}]


def test_the_lines_and_hashes_are_the_lockfiles(git_repo: GitRepo) -> None:
    asked = {"ms": "^1.0.0"}
    text = npm_lock(asked, {"ms": locked("ms")})
    git_repo.write("package.json", manifest(dependencies=asked))
    git_repo.write("package-lock.json", text)
    git_repo.commit("A shop")
    (row,) = audit(git_repo)["artifacts"]
    assert text.splitlines()[row["line"] - 1].strip() == '"node_modules/ms": {'
    assert row["integrity"] == SRI


def test_who_and_when_of_one_package(git_repo: GitRepo) -> None:
    asked = {"ms": "^1.0.0"}
    git_repo.commit("Start")
    adopt(git_repo)
    git_repo.write("package.json", manifest(dependencies=asked))
    git_repo.write("package-lock.json", npm_lock(asked, {"ms": locked("ms")}))
    git_repo.add()
    vetted(git_repo, "note", "ms", "--offline", "--waive-cooldown", "old",
           "--criteria", "health", "-m", WHY)  # fmt: skip
    commit = git_repo.commit("Add ms")
    done = vetted(git_repo, "audit", "ms@1.0.0", "--format", "json")
    (entry,) = json.loads(done.stdout)["said"]
    assert entry["kind"] == "vetted"
    assert entry["vetted-by"] == "Ada Example <ada@example.com>"
    assert entry["why"].strip() == WHY
    assert entry["commit"]["commit"] == commit
    assert "no note" in vetted(git_repo, "audit", "debug").stdout
