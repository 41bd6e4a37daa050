"""Each kind of finding: take the first printed fix, run it as printed, judge again, until accepted.

A person adds only what no program can know: the words of ``-m``, a reason in place of ``REASON``.
"""

from __future__ import annotations

import base64
import datetime
import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from npm_vetted.checks import checks
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import (
    SWITCH,
    adopt,
    check,
    entry,
    listed,
    lockfile,
    note_text,
    run,
    sri,
    write_note,
    write_project,
    write_routine_note,
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
        if ("exempt" in words or "accept" in words) and words[0] != "git":
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


def settings(line: str) -> Callable[[GitRepo], None]:
    """The commit adds a line to .npmrc."""

    def change(repo: GitRepo) -> None:
        repo.write(".npmrc", f"{SWITCH}{line}\n")

    change.__name__ = f"settings {line}"
    return change


def policy(repo: GitRepo, text: str) -> None:
    repo.write(".vetting/config.toml", f"format = 2\n{text}")
    repo.commit("Policy")


def denied(repo: GitRepo) -> None:
    policy(repo, '[[deny]]\npackage = "c"\nversions = "*"\nreason = "it is not ours"\n')
    new_package(repo)
    write_note(repo, "c", published=OLD)


def bytes_that_are_not_the_vetted_ones(repo: GitRepo) -> None:
    write_project(repo, with_b(entry("a", integrity=sri("other"))), asked=["a"])


def a_hash_that_is_lost(repo: GitRepo) -> None:
    repo.git("rm", "-rq", ".vetting/notes")
    repo.write(".vetting/exemptions.txt", "".join(
        f"{name}@1.0.0 {sri(f'{name}@1.0.0')} - at adoption\n" for name in ("a", "b")
    ))  # fmt: skip
    repo.commit("Exempt")
    write_project(repo, with_b(entry("a", integrity=None)), asked=["a"])


def a_hash_that_changes(repo: GitRepo) -> None:
    repo.git("rm", "-rq", ".vetting/notes")
    policy(repo, "[policy]\nnew = []\nupgrade = []\ncooldown-days = 0\n")
    write_project(repo, with_b(entry("a", integrity=sri("other"))), asked=["a"])


def young(repo: GitRepo) -> None:
    policy(repo, "[policy]\ncooldown-days = 7\n")
    upgrade(repo)
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    write_note(repo, "a", "1.1.0", from_="1.0.0", criteria=["changelog"], published=now)


def policy_with_a_package(repo: GitRepo) -> None:
    new_package(repo)
    write_note(repo, "c", published=OLD)
    repo.write(".vetting/config.toml", "format = 2\n[policy]\nnew = []\n")


def edited_note(repo: GitRepo) -> None:
    path = repo.path / ".vetting/notes/a/1.0.0.toml"
    path.write_text(path.read_text().replace('["health"]', '["health", "source"]'))


def routine_note_of_a_new_name(repo: GitRepo) -> None:
    policy(repo, "[policy]\ncooldown-days = 0\nupgrade = { patch = [] }\n")
    new_package(repo)
    write_routine_note(repo, "c", "1.0.0", "0.9.0")


def listed_where_each_needs_its_own(repo: GitRepo) -> None:
    policy(repo, '[policy]\ncooldown-days = 0\ntransitive = "note"\n')
    new_package(repo)
    brings = {"a": entry("a", dependencies={"b": "*"}), "b": entry("b", "1.0.1"), "c": entry("c")}
    write_project(repo, brings, asked=["a", "c"])
    write_note(repo, "c", brings=[listed("b", "1.0.1", published=OLD)], published=OLD)


def package_manager(repo: GitRepo) -> None:
    pinned = f"npm@10.0.0+sha512.{'a' * 128}"
    write_project(repo, with_b(entry("a")), asked=["a"], packageManager=pinned)


def allowed_folder(repo: GitRepo) -> None:
    policy(repo, "[policy]\ncooldown-days = 0\n")
    write_project(repo, with_b(entry("a")), asked=["a"], allowScripts={"file:./x": True})


def scripts_that_a_note_does_not_name(repo: GitRepo) -> None:
    c = entry("c", hasInstallScript=True)
    write_project(repo, with_b(entry("a"), c=c), asked=["a", "c"])
    write_note(repo, "c", scripts=["install"], published=OLD)


def two_lockfiles(repo: GitRepo) -> None:
    repo.write("npm-shrinkwrap.json", (repo.path / "package-lock.json").read_text())


def modules(repo: GitRepo) -> None:
    repo.write("node_modules/x/index.js", "1\n")


def no_hash(repo: GitRepo) -> None:
    write_project(repo, with_b(entry("a"), c=entry("c", integrity=None)), asked=["a", "c"])


def workspace_lockfiles(repo: GitRepo) -> None:
    """Two of them: one command removes both."""
    write_project(repo, with_b(entry("a")), asked=["a"], workspaces=["w", "v"])
    lock = json.loads((repo.path / "package-lock.json").read_text())
    for name in ("w", "v"):
        repo.write(f"{name}/package.json", json.dumps({"name": name, "version": "1.0.0"}))
        repo.write(f"{name}/package-lock.json", lockfile({"name": name, "version": "1.0.0"}, {}))
        lock["packages"] |= {
            name: {"version": "1.0.0"}, f"node_modules/{name}": {"resolved": name, "link": True},
        }  # fmt: skip
    repo.write("package-lock.json", json.dumps(lock, indent=2))


def b64(digits: str) -> str:
    return base64.b64encode(bytes.fromhex(digits)).decode()


RESTORED = ["git restore"]
WALKED: list[tuple[Callable[[GitRepo], None], list[str] | None, str]] = [
    (new_package, ["note c@1.0.0"], "unvetted/new"),
    (new_with_scripts_that_brings, ["note c@1.0.0"], "unvetted/brought"),
    (two_new, ["note c@1.0.0", "note d@1.0.0"], "unvetted/new"),
    (upgrade, ["note a@1.1.0"], "unvetted/upgraded"),
    (downgrade, ["note a@0.9.0"], "unvetted/downgraded"),
    (brought_alone, ["note --criteria"], "unvetted/upgraded"),
    (promotion, ["note b@1.0.0"], "unvetted/promoted"),
    (weak_hash, ["exempt c@1.0.0"], "lockfile-source/weak-hash"),
    (no_hash, ["exempt c@1.0.0"], "lockfile-source/no-hash"),
    (allowed_builder, ["note c@1.0.0"], "install-scripts/allowance-not-reviewed"),
    (scripts_that_a_note_does_not_name, None, "install-scripts/scripts-not-reviewed"),
    (allowed_folder, None, "install-scripts/allowance-of-a-folder"),
    (note_that_lacks_criteria, ["note c@1.0.0"], "unvetted/criteria"),
    (listed_where_each_needs_its_own, None, "unvetted/own-note"),
    (package_manager, ["note npm@10.0.0"], "unvetted/package-manager"),
    (misplaced_note, None, "notes/misplaced"),
    (edited_note, RESTORED, "notes/rewritten"),
    (routine_note_of_a_new_name, ["git rm"], "notes/routine"),
    (removed_note, RESTORED, "notes/removed-while-needed"),
    (unknown_file, ["git rm"], "notes/unknown-file"),
    (denied, RESTORED, "notes/denied"),
    (young, RESTORED, "cooldown/too-young"),
    (bytes_that_are_not_the_vetted_ones, RESTORED, "integrity/not-the-vetted-hash"),
    (a_hash_that_is_lost, RESTORED, "integrity/hash-vanished"),
    (a_hash_that_changes, RESTORED, "integrity/hash-changed"),
    (policy_with_a_package, ["git commit"], "policy/loosened-with-others"),
    (git_dependency, None, "lockfile-source/source-not-accepted"),
    (modules, ["git rm"], "lockfile-source/committed-modules"),
    (lookalike, None, "lookalike/one-slip-away"),
    (two_lockfiles, ["git rm"], "lockfile-sync/two-lockfiles"),
    (workspace_lockfiles, ["git rm"], "lockfile-sync/workspace-lockfile"),
    (settings("registry=http://m.example/"), RESTORED, "client-settings/registry-not-https"),
    (settings("registry=https://m.example/"), RESTORED, "client-settings/registry-not-allowed"),
    (settings("registry=${X}"), RESTORED, "client-settings/registry-unclear"),
    (settings("strict-ssl=false"), RESTORED, "client-settings/tls-off"),
    (settings("proxy=http://m.example/"), RESTORED, "client-settings/proxy"),
    (settings("cafile=./ca.pem"), RESTORED, "client-settings/authority"),
    (settings("git=./x.sh"), RESTORED, "client-settings/program"),
    (settings("globalconfig=./x"), RESTORED, "client-settings/other-settings"),
    (settings("package-lock=false"), RESTORED, "client-settings/lockfile-off"),
    (settings("//m.example/:_authToken=npm_4f7b"), RESTORED, "client-settings/secret"),
    (settings("//m.example/:_authToken=${T}"), RESTORED, "client-settings/token-for-other-host"),
    (settings("allow-git=all"), RESTORED, "client-settings/other-sources"),
    (settings("min-release-age=0"), RESTORED, "client-settings/cooldown-off"),
    (settings("cache=./cache"), RESTORED, "client-settings/cache-in-repository"),
    (settings("${X}=1"), None, "client-settings/variable-key"),
    (settings("dangerously-allow-all-scripts=true"), RESTORED, "client-settings/allow-all-scripts"),
]
"""A commit, the commands that lead to acceptance, and the finding that the first of them is for."""
_CLIENT = "the fix is the client's own command: tests/clients run the real ones"
_ELSEWHERE = (
    "another client's, or a rare one: the fix is that of the codes of this check that are walked"
)
_WARNING = "a warning rejects nothing"
_READ = (
    "a person has to read it: the message says what is wrong and where, and no command repairs it"
)
NOT_WALKED = {
    "client-settings": {
        "host-not-allowed": _ELSEWHERE, "other-host": _WARNING, "other-lockfile": _ELSEWHERE,
        "integrity-off": _ELSEWHERE, "environment-file": _ELSEWHERE, "unknown-flag": _ELSEWHERE,
        "unknown-setting": _WARNING, "unverified-value": _ELSEWHERE, "force": _WARNING,
        "checkout-differs": _ELSEWHERE, "workspace-above": _ELSEWHERE, "allows-unlocked": _ELSEWHERE,
        "unreadable": _READ,
    },
    "ignore-scripts": {
        "scripts-on": _CLIENT, "switch-unclear": _CLIENT, "allow-all-scripts": _CLIENT,
        "pnpmfile-changes-settings": _READ, "other-settings": _READ, "unreadable": _READ,
    },
    "install-command": dict.fromkeys(
        (
            "scripts-run", "scripts-on", "allows-scripts", "variable-switches-on",
            "setting-switches-on", "unpinned", "not-locked", "lockfile-may-change", "other-source",
            "not-read", "client", "undecided", "excluded-folder", "settings-aside",
        ),
        "the fix is the command as it must stand in the file: tests/installs/test_fixes.py writes it there",
    ),
    "install-scripts": {"allowance-unused": _WARNING},
    "integrity": {
        "unsound-hash": _READ, "unpinned-modules": _CLIENT,
        "not-the-vetted-patch": "walked below, by a patch that changes",
        "all-checksums-changed": _CLIENT, "archive-differs": _CLIENT, "archive-unbound": _CLIENT,
        "archive-unlocked": _CLIENT, "archive-elsewhere": _READ,
    },
    "lockfile-source": {
        "host-not-allowed": _READ, "other-tarball": _READ, "unclear-tarball": _READ,
        "no-commit": _READ, "not-bundled": _READ, "bundled-with-source": _READ,
        "shrinkwrap": "note reads the tarball, for which it needs the registry",
        "shrinkwrap-differs": _CLIENT, "first-party-elsewhere": _READ,
    },
    "lockfile-sync": {
        **dict.fromkeys(
            (
                "no-lockfile", "other-client", "out-of-date", "halves-differ", "pnp-differs",
                "patch-differs", "missing", "unsatisfied", "unneeded",
            ),
            _CLIENT,
        ),
        **dict.fromkeys(
            (
                "unclear-workspaces", "elsewhere", "folder-for-package", "unread-manifest",
                "excluded-lockfile", "unread-lockfile", "case-imitation", "case-collision",
            ),
            _READ,
        ),
    },
    "notes": {
        "malformed": _READ,
        "chain": "note asks the registry for a version that nothing locks",
        "evidence-differs": "found only by check --online",
    },
    "policy": {
        "loosened": "a notice", "loosened-in-merge": "tests/vetting/test_policy_diff.py",
        "guard-removed": "a warning at a commit; in a range, a commit repairs it",
        "ignore-unused": _WARNING, "deny-matches-nothing": _READ, "deny-locked": _WARNING,
    },
    "unvetted": {
        "source-changed": _ELSEWHERE, "no-note": "found only by check --all", "chain": _ELSEWHERE,
        "bundled": "note reads the tarball, for which it needs the registry",
        "package-manager-without-hash": _WARNING, "unbound": _WARNING,
    },
}  # fmt: skip
"""Why a code is not among those above."""


@pytest.mark.parametrize(("change", "commands", "code"), WALKED)
def test_the_first_fix_leads_to_acceptance(
    repo: GitRepo, change: Callable[[GitRepo], None], commands: list[str] | None, code: str
) -> None:
    change(repo)
    repo.git("add", "-A", "-f")
    found = check(repo, add=False, PRE_COMMIT="1").findings
    assert code in {f"{each['check']}/{each['code']}" for each in found if each["level"] == "error"}
    ran = walk(repo)
    if commands is not None:
        assert ran == commands


@pytest.mark.parametrize(
    ("change", "commands"),
    [(note_of_a_chain_without_start, []), (note_that_is_not_staged, ["git add"])],
)
def test_notes_that_are_there(
    repo: GitRepo, change: Callable[[GitRepo], None], commands: list[str]
) -> None:
    change(repo)
    if change is not note_that_is_not_staged:
        repo.git("add", "-A")
    assert walk(repo) == commands


def test_each_code_is_walked_or_has_its_reason() -> None:
    every = {f"{name}/{code}" for name, each in checks().items() for code in each.CODES}
    told = {f"{name}/{code}" for name, codes in NOT_WALKED.items() for code in codes}
    walked = {code for _, _, code in WALKED}
    assert walked & told == set()
    assert walked | told == every


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


def test_the_first_command_of_a_report_takes_all_of_it_in(repo: GitRepo) -> None:
    """Also what another check says of one of the packages: an allow-list, scripts."""
    c = entry("c", hasInstallScript=True)
    write_project(
        repo, with_b(entry("a"), c=c, d=entry("d")), asked=["a", "c", "d"],
        allowScripts={"c@1.0.0": True},
    )  # fmt: skip
    repo.git("add", "-A")
    report = run(repo.path, "check", PRE_COMMIT="1").out
    assert "[install-scripts]" in report
    [first, *_] = [
        line.partition("fix: ")[2] for line in report.splitlines() if "    fix: " in line
    ]
    assert '"c@1.0.0"' not in first
    run_fix(repo, first)
    assert check(repo, add=False).judged == []


def test_the_first_command_names_what_a_package_manager_needs_too(repo: GitRepo) -> None:
    """A step of packageManager needs its changelog, whatever else the commit brings."""
    pinned = f'"packageManager": "npm@{{}}+sha512.{"a" * 128}"'
    manifest = repo.path / "package.json"
    write_project(repo, with_b(entry("a")), asked=["a"])
    plain = manifest.read_text()
    manifest.write_text(plain.replace("{", "{" + pinned.format("10.0.0") + ",", 1))
    write_note(repo, "npm", "10.0.0", integrity=f"sha512-{b64('aa' * 64)}", published=OLD)
    repo.commit("Pin npm")
    write_project(repo, with_b(entry("a"), c=entry("c")), asked=["a", "c"])
    manifest.write_text(manifest.read_text().replace("{", "{" + pinned.format("11.0.0") + ",", 1))
    repo.git("add", "-A")
    report = run(repo.path, "check", PRE_COMMIT="1").out
    [first, *_] = [
        line.partition("fix: ")[2] for line in report.splitlines() if "    fix: " in line
    ]
    assert first.endswith("note --criteria health,changelog,scripts"), report


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
