"""What git holds: the index that is committed, commits, ranges; and where nothing can be told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from npm_vetted.errors import UndecidedError, UsageError
from npm_vetted.git.comparison import Comparison, compare
from npm_vetted.git.objects import SIZE_LIMIT, Objects
from npm_vetted.git.repository import Repository
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check, entry, listed, run, write_note, write_project

UNVETTED = [("unvetted", "ms")]
MS = {"ms": entry("ms", "2.1.3")}
HOOK = f"""#!/bin/sh
exec {sys.executable} -m npm_vetted check --format json >"$OUT"
"""


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A repository that has adopted, with a project that depends on nothing."""
    write_project(git_repo, {})
    adopt(git_repo)
    return git_repo


def compared(repo: GitRepo, use: Callable[[Comparison], object], **options: object) -> object:
    repository = Repository.open(str(repo.path))
    with Objects(repository) as objects:
        return use(compare(repository, objects, **options))  # type: ignore[arg-type]


def read(repo: GitRepo, path: str) -> bytes | None:
    found = compared(repo, lambda comparison: comparison.after.read(path))
    assert found is None or isinstance(found, bytes)
    return found


# What git is committing.


@pytest.fixture
def hooked(repo: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    """The repository with the check as git's own hook; its findings land in ``out.json``."""
    monkeypatch.setenv("OUT", str(tmp_path / "out.json"))
    for name in ("pre-commit", "pre-merge-commit"):
        hook = repo.path / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(HOOK)
        hook.chmod(0o755)
    return repo


@pytest.mark.parametrize("words", [("-a",), ("package.json", "package-lock.json")])
def test_what_git_commits_without_staging_is_judged(
    hooked: GitRepo, words: tuple[str, ...]
) -> None:
    write_project(hooked, MS)
    assert hooked.run("commit", "-qm", "Add ms", *words, check=False).returncode == 1


def test_a_commit_of_one_path_is_not_judged_by_what_else_is_staged(hooked: GitRepo) -> None:
    write_project(hooked, MS)
    hooked.add()
    hooked.write("README.md", "words\n")
    hooked.git("add", "README.md")
    hooked.git("commit", "-qm", "Words", "--", "README.md")
    assert hooked.run("commit", "-qm", "Add ms", check=False).returncode == 1


def test_a_note_that_is_not_staged_does_not_count(hooked: GitRepo) -> None:
    write_project(hooked, MS)
    hooked.add()
    path = write_note(hooked, "ms", "2.1.3")
    assert hooked.run("commit", "-qm", "Add ms", check=False).returncode == 1
    hooked.git("add", path)
    hooked.git("commit", "-qm", "Add ms")


def test_an_amended_commit_is_judged_by_what_it_changes(hooked: GitRepo) -> None:
    write_project(hooked, MS)
    write_note(hooked, "ms", "2.1.3")
    hooked.commit("Add ms")
    hooked.git("commit", "-q", "--amend", "--no-edit")
    hooked.git("rm", "-q", ".vetting/notes/ms/2.1.3.toml")
    assert hooked.run("commit", "-q", "--amend", "--no-edit", check=False).returncode == 1


def test_an_empty_commit_has_nothing_to_judge(hooked: GitRepo, tmp_path: Path) -> None:
    hooked.git("commit", "-q", "--allow-empty", "-m", "Empty")
    assert '"all": false' in (tmp_path / "out.json").read_text()


def test_a_merge_judges_what_neither_parent_has(hooked: GitRepo) -> None:
    hooked.git("checkout", "-qb", "branch")
    write_project(hooked, {"a": entry("a")})
    write_note(hooked, "a")
    hooked.commit("Add a")
    hooked.git("checkout", "-q", "main")
    hooked.write("README.md", "words\n")
    hooked.commit("Words")
    hooked.git("merge", "-q", "--no-edit", "branch")
    hooked.git("checkout", "-qb", "other", "HEAD^1")
    write_project(hooked, {"b": entry("b")})
    write_note(hooked, "b")
    hooked.commit("Add b")
    assert hooked.run("merge", "-q", "main", check=False).returncode == 1  # a conflict
    write_project(hooked, {"a": entry("a"), "b": entry("b")})
    hooked.add()
    hooked.git("commit", "-qm", "Both")
    assert len(hooked.git("log", "-1", "--format=%P").split()) == 2


def test_an_evil_merge_is_rejected(hooked: GitRepo) -> None:
    hooked.git("checkout", "-qb", "branch")
    hooked.write("one", "1\n")
    hooked.commit("One")
    hooked.git("checkout", "-q", "main")
    hooked.write("two", "2\n")
    hooked.commit("Two")
    hooked.git("merge", "-q", "--no-commit", "branch")
    write_project(hooked, MS)
    hooked.add()
    assert hooked.run("commit", "-qm", "Merge", check=False).returncode == 1


def test_a_merge_that_drops_a_note_of_the_other_side_is_rejected(hooked: GitRepo) -> None:
    hooked.git("checkout", "-qb", "branch")
    write_project(hooked, MS)
    path = write_note(hooked, "ms", "2.1.3")
    hooked.commit("Add ms")
    hooked.git("checkout", "-q", "main")
    hooked.write("two", "2\n")
    hooked.commit("Two")
    hooked.git("merge", "-q", "--no-commit", "branch")
    hooked.git("rm", "-qf", path)
    assert hooked.run("commit", "-qm", "Merge", check=False).returncode == 1


# Before the first commit, and after.


def test_the_first_commit(git_repo: GitRepo) -> None:
    write_project(git_repo, MS)
    git_repo.write(".npmrc", "ignore-scripts=true\n")
    done = check(git_repo)
    assert done.judged == UNVETTED
    assert done.json["scope"] == {"before": "empty tree", "after": "index", "all": False}


def test_nothing_staged_means_everything(repo: GitRepo) -> None:
    write_project(repo, MS)
    repo.commit("Unjudged")
    done = check(repo)
    assert done.json["scope"] == {"before": "empty tree", "after": "index", "all": True}
    assert done.judged == UNVETTED
    assert check(repo, "--all").judged == UNVETTED


def test_nothing_staged_while_git_commits_means_nothing(repo: GitRepo) -> None:
    write_project(repo, MS)
    repo.commit("Unjudged")
    index = str(repo.path / ".git" / "index")
    done = run(repo.path, "check", GIT_INDEX_FILE=index)
    assert (done.status, done.out) == (0, "")
    assert done.err == "npm-vetted: nothing is staged; nothing to check\n"


# Where the repository is.


def test_a_worktree(repo: GitRepo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "branch")
    tree = GitRepo.__new__(GitRepo)
    tree.path = tmp_path / "tree"
    write_project(tree, MS)
    assert check(tree).judged == UNVETTED
    assert check(repo, "--all").judged == []


def test_inside_a_submodule_and_with_one(repo: GitRepo, tmp_path: Path) -> None:
    outer = GitRepo(tmp_path / "outer")
    write_project(outer, {})
    adopt(outer)
    outer.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo.path), "sub")
    assert check(outer).judged == []
    outer.commit("A submodule")
    inner = GitRepo.__new__(GitRepo)
    inner.path = outer.path / "sub"
    write_project(inner, MS)
    assert check(inner).judged == UNVETTED
    assert check(outer).status == 0


def test_a_subdirectory_sees_the_whole_repository(repo: GitRepo) -> None:
    write_project(repo, MS)
    repo.write("deep/er/file", "")
    repo.add()
    done = run(repo.path / "deep" / "er", "check", "--format", "json")
    assert done.judged == UNVETTED
    assert run(Path("/"), "-C", str(repo.path), "check", "--format", "json").judged == UNVETTED


@pytest.mark.parametrize("mode", ["--cone", "--no-cone"])
def test_a_sparse_checkout_is_judged_whole(repo: GitRepo, mode: str) -> None:
    write_project(repo, MS, folder="far")
    repo.write("far/.npmrc", "ignore-scripts=true\n")
    repo.write("near/file", "")
    repo.commit("Unjudged")
    repo.git(
        "sparse-checkout", "set", mode, *(["--sparse-index"] if mode == "--cone" else []), "near"
    )
    assert not (repo.path / "far").exists()
    assert check(repo, "--all", add=False).judged == UNVETTED
    done = run(repo.path, "note", "ms", "--offline", "--criteria", "health", "-m", "It was read.")
    assert (done.status, done.err.split(":")[1]) == (
        0,
        " wrote and staged .vetting/notes/ms/2.1.3.toml",
    )


def test_sha256(tmp_path: Path) -> None:
    path = tmp_path / "repo"
    subprocess.run(["git", "init", "-q", "--object-format=sha256", str(path)], check=True)
    repo = GitRepo(path)
    write_project(repo, MS)
    repo.write(".npmrc", "ignore-scripts=true\n")
    assert check(repo).judged == UNVETTED
    adopt(repo)
    assert check(repo, "--all").judged == UNVETTED
    write_note(repo, "ms", "2.1.3")
    first = repo.git("rev-parse", "HEAD")
    repo.commit("A note")
    assert check(repo, "--from-ref", first).judged == []
    assert check(repo, "--all").judged == []


@pytest.mark.parametrize("words", [(), ("--bare",)])
def test_no_work_tree(tmp_path: Path, words: tuple[str, ...]) -> None:
    if words:
        subprocess.run(["git", "init", "-q", *words, str(tmp_path)], check=True)
    done = run(tmp_path, "check")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(
        f"npm-vetted: {tmp_path} is not inside a git repository's work tree\n  run npm-vetted inside"
    )


def test_git_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = run(tmp_path, "check")
    assert done.status == 3
    assert done.err == "npm-vetted: git is not on PATH\n  install git, or put its folder on PATH\n"


# Names and kinds of files.


@pytest.mark.parametrize(
    "folder", ["ünï", "日本", "a b", "a\nb", "a\tb", "[x]*?", ":(top)x", "-x", "\udcff"]
)
def test_odd_paths(repo: GitRepo, folder: str) -> None:
    write_project(repo, MS, folder=folder)
    repo.write(f"{folder}/.npmrc", "ignore-scripts=true\n")
    done = check(repo)
    assert done.judged == UNVETTED
    assert done.findings[0]["path"] == f"{folder}/package-lock.json"
    assert check(repo, "--all").judged == UNVETTED
    repo.commit("Unjudged")
    assert check(repo, "--from-ref", "HEAD~1").judged == UNVETTED


def test_intent_to_add_is_not_there(repo: GitRepo) -> None:
    write_project(repo, MS, folder="new")
    repo.git("add", "-N", "new/package.json", "new/package-lock.json")
    assert check(repo, "--all", add=False).judged == []
    repo.write("README.md", "")
    repo.git("add", "README.md")
    assert check(repo, add=False).judged == []


@pytest.mark.parametrize("name", ["package.json", "package-lock.json", ".npmrc"])
def test_a_symbolic_link_is_never_followed(repo: GitRepo, name: str) -> None:
    target = repo.path / name
    target.rename(repo.path / "real")
    target.symlink_to("real")
    done = check(repo)
    assert done.status == 3
    assert {each["check"] for each in done.findings} == {"undecided"}
    assert {each["path"] for each in done.findings} == {name}
    assert "a symbolic link: what it points to is not what is committed" in done.out


def test_a_linked_policy_is_refused(repo: GitRepo) -> None:
    (repo.path / ".vetting/config.toml").rename(repo.path / "real")
    (repo.path / ".vetting/config.toml").symlink_to("../real")
    done = check(repo)
    assert done.status == 3
    assert "a symbolic link" in done.out


def test_an_unresolved_conflict_is_undecided(repo: GitRepo) -> None:
    repo.git("checkout", "-qb", "branch")
    write_project(repo, {"a": entry("a")})
    repo.commit("a")
    repo.git("checkout", "-q", "main")
    write_project(repo, {"b": entry("b")})
    repo.commit("b")
    repo.run("merge", "branch", check=False)
    done = check(repo, add=False)
    assert done.status == 3
    assert "a merge conflict is not resolved" in done.out


def test_what_is_too_large_is_undecided(repo: GitRepo) -> None:
    repo.write("package-lock.json", b" " * (SIZE_LIMIT + 1))
    done = check(repo)
    assert done.status == 3
    assert f"{SIZE_LIMIT + 1:,} bytes: more than the {SIZE_LIMIT:,} that are read" in done.out


def test_other_files_of_the_index_can_be_read(repo: GitRepo) -> None:
    repo.write("Dockerfile", "FROM x\n")
    repo.add()
    assert read(repo, "Dockerfile") == b"FROM x\n"
    assert read(repo, "nothing") is None


# Ranges.


def test_a_range_starts_at_the_merge_base(repo: GitRepo) -> None:
    repo.git("checkout", "-qb", "branch")
    write_project(repo, MS)
    repo.commit("Add ms")
    repo.git("checkout", "-q", "main")
    write_project(repo, {"a": entry("a")}, folder="other")
    repo.commit("Unjudged")
    done = check(repo, "--from-ref", "main", "--to-ref", "branch")
    assert done.judged == UNVETTED
    assert check(repo, "--to-ref", "branch").status == 2
    by_environment = check(repo, PRE_COMMIT_FROM_REF="main", PRE_COMMIT_TO_REF="branch")
    assert by_environment.judged == UNVETTED


def test_the_policy_of_a_range_is_its_start(repo: GitRepo) -> None:
    repo.git("checkout", "-qb", "branch")
    write_project(repo, MS)
    write_note(repo, "ms", "2.1.3")
    repo.commit("Add ms")
    repo.git("checkout", "-q", "main")
    repo.write(".vetting/config.toml", '[policy]\nnew = ["health", "source"]\n')
    repo.commit("Ask more")
    assert check(repo, "--from-ref", "main", "--to-ref", "branch").judged == UNVETTED


def test_a_range_with_zeros_starts_at_nothing(repo: GitRepo) -> None:
    write_project(repo, MS)
    repo.commit("Unjudged")
    assert check(repo, "--from-ref", "0" * 40).judged == UNVETTED


@pytest.mark.parametrize("ref", ["nowhere", "--help", "-x", "HEAD:package.json"])
def test_a_name_that_is_no_commit(repo: GitRepo, ref: str) -> None:
    done = run(repo.path, "check", f"--from-ref={ref}")
    assert done.status == 2
    first, fix = done.err.splitlines()
    assert first == f"npm-vetted: {ref!r} is not a commit of this repository"
    assert fix.startswith("  fetch it first: git fetch origin")


def test_a_shallow_clone_is_undecided(repo: GitRepo, tmp_path: Path) -> None:
    repo.git("checkout", "-qb", "branch")
    repo.commit("One")
    repo.git("checkout", "-q", "main")
    repo.commit("Two")
    url = repo.path.as_uri()
    clone = tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", "--no-single-branch", url, str(clone)], check=True
    )
    done = run(clone, "check", "--format", "json", "--from-ref", "origin/branch")
    assert done.status == 3
    [found] = done.findings
    assert found["check"] == "undecided"
    assert found["message"].endswith(
        ": the clone is shallow (fetch the full history: git fetch --unshallow (in CI: fetch-depth: 0))"
    )


def test_histories_that_share_nothing_are_undecided(repo: GitRepo) -> None:
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit("Another beginning")
    done = check(repo, "--from-ref", "main")
    assert done.status == 3
    assert "they share no history" in done.findings[0]["message"]


def test_a_partial_clone_asks_nobody_for_what_it_lacks(repo: GitRepo, tmp_path: Path) -> None:
    write_project(repo, MS)
    repo.commit("Unjudged")
    repo.git("config", "uploadpack.allowFilter", "true")
    url, clone = repo.path.as_uri(), tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "-q", "--no-checkout", "--filter=blob:none", url, str(clone)], check=True
    )
    subprocess.run(["git", "reset", "-q"], cwd=clone, check=True)
    done = run(clone, "check", "--format", "json", "--all")
    assert done.status == 3
    assert "git does not have this file's content (a partial or broken clone)" in done.out


# What the repository's own settings could do.


def test_nothing_that_the_repository_configures_is_run(repo: GitRepo, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho ran >>{mark}\ncat\n")
    program.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "diff.external",
        "core.pager",
        "filter.x.clean",
        "diff.x.textconv",
    ):
        repo.git("config", key, str(program))
    repo.write(".gitattributes", "*.json filter=x diff=x\n*.toml diff=x\n")
    write_project(repo, MS)
    repo.add()
    mark.unlink(missing_ok=True)
    assert check(repo, "unvetted", add=False).judged == UNVETTED
    assert run(repo.path, "audit", "ms").status == 0
    assert not mark.exists()


def test_attributes_hide_no_note(repo: GitRepo) -> None:
    repo.write(".gitattributes", ".vetting/** binary -diff\n")
    write_project(repo, {"a": entry("a"), "b": entry("b")}, asked=["a"])
    write_note(repo, "a", brings=[listed("b")])
    assert check(repo, "unvetted").judged == []


@pytest.mark.parametrize(
    "name", ["GIT_LITERAL_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_NOGLOB_PATHSPECS"]
)
def test_how_pathspecs_are_read_hides_nothing(
    repo: GitRepo, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_project(repo, MS)
    repo.add()
    monkeypatch.setenv(name, "1")
    assert check(repo, add=False).judged == UNVETTED
    assert check(repo, "--all", add=False).judged == UNVETTED


def test_errors_have_the_status_that_the_contract_gives_them(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Repository.open(str(tmp_path))
    assert (UsageError.status, UndecidedError.status) == (2, 3)
    assert os.environ.get("GIT_INDEX_FILE") is None
