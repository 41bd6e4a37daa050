"""Each kind of finding: take the first printed fix, run it as printed, judge again, until accepted.

A person adds only what no program can know: the words of ``-m``, a reason in place of ``REASON``.
"""

from __future__ import annotations

import datetime
import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import (
    adopt,
    check,
    entry,
    listed,
    note_text,
    run,
    sri,
    write_note,
    write_project,
)

WORDS = "The changelog and the code were read; nothing concerns us."
OLD = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
LIMIT = 8


def run_fix(repo: GitRepo, line: str) -> list[str]:
    """Run one printed command as a person does; its words."""
    words = shlex.split(line)
    words = [WORDS if word == "REASON" else word for word in words]
    if words[0] == "git":
        repo.git(*words[1:])
    elif words[0] == "mkdir":
        for path in words[2:]:
            (repo.path / path).mkdir(parents=True, exist_ok=True)
    else:
        if "note" in words and "--waive-cooldown" not in words:
            words += ["-m", WORDS, "--offline"]
        done = run(repo.path, *words[1:])
        assert done.status == 0, (line, done.err)
    return words


def walk(repo: GitRepo) -> list[str]:
    """Run first fixes until nothing is rejected; the commands. Policy is committed on its own."""
    ran: list[str] = []
    for _ in range(LIMIT):
        done = check(repo, add=False, PRE_COMMIT="1")
        errors = [each for each in done.findings if each["level"] == "error"]
        if not errors:
            repo.commit("Accepted", add=False)
            return ran
        fixed = [each for each in errors if each.get("fix")]
        assert fixed, errors
        lines = fixed[0]["fix"].splitlines()
        words = run_fix(repo, lines[0])
        if lines[0].startswith(("mkdir", "git rm")):
            for line in lines[1:]:
                run_fix(repo, line)
        ran.append(" ".join(words[1:3]) if words[0] != "git" else "git " + words[1])
        if "exempt" in words or "accept" in words:
            repo.git("commit", "-qm", "Policy", "--no-verify", "--", ".vetting")
    raise AssertionError(f"still rejected after {ran}: {errors}")


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A project that uses a 1.0.0, which brings b; both vetted."""
    write_project(
        git_repo, {"a": entry("a", dependencies={"b": "*"}), "b": entry("b")}, asked=["a"]
    )
    write_note(git_repo, "a", brings=[listed("b", published=OLD)], published=OLD)
    adopt(git_repo, "[policy]\ncooldown-days = 0\n")
    return git_repo


def with_b(a: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"a": {**a, "dependencies": {"b": "*"}}, "b": entry("b"), **more}


def new_package(repo: GitRepo) -> None:
    write_project(repo, with_b(entry("a"), c=entry("c")), asked=["a", "c"])


def new_with_scripts_that_brings(repo: GitRepo) -> None:
    c = entry("c", hasInstallScript=True, dependencies={"d": "*"})
    write_project(repo, with_b(entry("a"), c=c, d=entry("d")), asked=["a", "c"])


def two_new(repo: GitRepo) -> None:
    write_project(repo, with_b(entry("a"), c=entry("c"), d=entry("d")), asked=["a", "c", "d"])


def upgrade(repo: GitRepo) -> None:
    write_project(repo, with_b(entry("a", "1.1.0")), asked=["a"])


def downgrade(repo: GitRepo) -> None:
    write_project(repo, with_b(entry("a", "0.9.0")), asked=["a"])


def brought_alone(repo: GitRepo) -> None:
    packages = {"a": entry("a", dependencies={"b": "*"}), "b": entry("b", "1.0.1")}
    write_project(repo, packages, asked=["a"])


def promotion(repo: GitRepo) -> None:
    write_project(repo, with_b(entry("a")), asked=["a", "b"])


def weak_hash(repo: GitRepo) -> None:
    c = entry("c", integrity=sri("c", "sha1"))
    write_project(repo, with_b(entry("a"), c=c), asked=["a", "c"])


def allowed_builder(repo: GitRepo) -> None:
    c = entry("c", hasInstallScript=True)
    write_project(
        repo, with_b(entry("a"), c=c), asked=["a", "c"], allowScripts={"c@1.0.0": True},
        packageManager="npm@12.0.0",
    )  # fmt: skip


def note_that_lacks_criteria(repo: GitRepo) -> None:
    new_package(repo)
    write_note(repo, "c", criteria=["changelog"], published=OLD)


def note_of_a_chain_without_start(repo: GitRepo) -> None:
    upgrade(repo)
    write_note(repo, "a", "1.1.0", from_="1.0.0", criteria=["changelog"], published=OLD)


def misplaced_note(repo: GitRepo) -> None:
    new_package(repo)
    repo.write(".vetting/notes/d/1.0.0.toml", note_text("c"))


def note_that_is_not_staged(repo: GitRepo) -> None:
    new_package(repo)
    repo.git("add", "-A")
    write_note(repo, "c", published=OLD)


def removed_note(repo: GitRepo) -> None:
    repo.git("rm", "-q", ".vetting/notes/a/1.0.0.toml")


def unknown_file(repo: GitRepo) -> None:
    repo.write(".vetting/notes.txt", "words\n")


def git_dependency(repo: GitRepo) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    c = {"version": "1.0.0", "resolved": f"git+https://github.com/o/c.git#{commit}"}
    asked = {"a": "*", "c": f"github:o/c#{commit}"}
    write_project(repo, with_b(entry("a"), c=c), asked=asked)


def lookalike(repo: GitRepo) -> None:
    write_project(repo, with_b(entry("a"), expres=entry("expres")), asked=["a", "expres"])


@pytest.mark.parametrize(
    ("change", "commands"),
    [
        (new_package, ["note c@1.0.0"]),
        (new_with_scripts_that_brings, ["note c@1.0.0"]),
        (two_new, ["note c@1.0.0", "note d@1.0.0"]),
        (upgrade, ["note a@1.1.0"]),
        (downgrade, ["note a@0.9.0"]),
        (brought_alone, ["note --criteria"]),
        (promotion, ["note b@1.0.0"]),
        (weak_hash, ["exempt c@1.0.0"]),
        (allowed_builder, ["note c@1.0.0"]),
        (note_that_lacks_criteria, ["note c@1.0.0"]),
        (note_of_a_chain_without_start, []),
        (misplaced_note, None),
        (note_that_is_not_staged, ["git add"]),
        (removed_note, ["git restore"]),
        (unknown_file, ["git rm"]),
        (git_dependency, None),
        (lookalike, None),
    ],
)
def test_the_first_fix_leads_to_acceptance(
    repo: GitRepo, change: Callable[[GitRepo], None], commands: list[str] | None
) -> None:
    change(repo)
    if change is not note_that_is_not_staged:
        repo.git("add", "-A")
    ran = walk(repo)
    if commands is not None:
        assert ran == commands


def test_the_first_fix_of_a_young_version_is_not_a_waiver(repo: GitRepo) -> None:
    repo.write(".vetting/config.toml", "format = 1\n[policy]\ncooldown-days = 7\n")
    repo.commit("Policy")
    new_package(repo)
    write_note(repo, "c", published=datetime.datetime.now(datetime.UTC).replace(microsecond=0))
    [finding] = check(repo).findings
    lines = finding["fix"].splitlines()
    assert lines[0] == "git restore --staged package-lock.json package.json"
    assert "--waive-cooldown" in lines[-1]
    assert run(repo.path, *shlex.split(lines[-1])[1:]).status == 2
    run_fix(repo, lines[-1])
    assert check(repo).findings == []


def test_one_package_has_one_fix(repo: GitRepo) -> None:
    allowed_builder(repo)
    found = [each for each in check(repo).findings if each["package"] == "c"]
    assert len({each["fix"] for each in found}) == 1 < len(found)


def test_a_lockfile_that_does_not_tell_of_scripts_names_their_criteria(repo: GitRepo) -> None:
    repo.git("rm", "-q", "package-lock.json")
    manifest = {"name": "p", "version": "1.0.0", "dependencies": {"c": "1.0.0"}}
    repo.write("package.json", json.dumps(manifest))
    repo.write(".yarnrc", "ignore-scripts true\n")
    repo.write(
        "yarn.lock",
        '# yarn lockfile v1\n\n\nc@1.0.0:\n  version "1.0.0"\n'
        f'  resolved "https://registry.yarnpkg.com/c/-/c-1.0.0.tgz#{"0" * 40}"\n'
        f"  integrity {sri('c@1.0.0')}\n",
    )
    [finding] = check(repo, "unvetted").findings
    assert finding["fix"].endswith('note "c@1.0.0" --criteria health,scripts')
    repo.git("add", "-A")
    assert walk(repo) == ["note c@1.0.0"]


def test_a_step_that_needs_nothing_claims_nothing(repo: GitRepo) -> None:
    rules = "[policy]\nupgrade = { patch = [] }\n"
    repo.write(".vetting/config.toml", f"format = 2\n{rules}")
    repo.commit("Policy")
    write_project(repo, with_b(entry("a", "1.0.1")), asked=["a"])
    [finding] = check(repo, "unvetted").findings
    assert finding["fix"].endswith('note "a@1.0.1"')


def test_a_new_patch_is_noted_again(git_repo: GitRepo) -> None:
    repo = git_repo

    def locked(line: str) -> None:
        text = f"--- a/index.js\n+++ b/index.js\n@@ -1 +1,2 @@\n x\n+{line}\n"
        patch = {"integrity": sri(text), "path": "patches/ms@2.1.2.patch"}
        fields: dict[str, Any] = {"patchedDependencies": {"ms@2.1.2": "patches/ms@2.1.2.patch"}}
        write_project(
            repo, {"ms": entry("ms", "2.1.2", patched=patch)}, asked={"ms": "2.1.2"}, **fields
        )
        lock = json.loads((repo.path / "package-lock.json").read_text())
        lock["lockfileVersion"] = 4
        del lock["packages"][""]["patchedDependencies"]
        repo.write("package-lock.json", json.dumps(lock, indent=2))
        repo.write("patches/ms@2.1.2.patch", text)
        repo.git("add", "-A")

    adopt(repo, "[policy]\ncooldown-days = 0\n")
    locked("// ours")
    walk(repo)
    locked("// ours too")
    codes = {each["code"] for each in check(repo, add=False).findings}
    assert codes == {"not-the-vetted-patch"}
    assert walk(repo) == ["note ms@2.1.2"]
