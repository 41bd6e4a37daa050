"""The checks ``notes``, ``policy`` and ``install-scripts`` on real commits."""

from __future__ import annotations

import shlex
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

NOTES = ".vetting/notes/"


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A project that uses a 1.0.0, vetted, and has adopted."""
    write_project(git_repo, {"a": entry("a")})
    write_note(git_repo, "a")
    adopt(git_repo)
    return git_repo


def said(repo: GitRepo, *checks: str) -> list[tuple[str, int, str]]:
    findings = check(repo, *checks).findings
    return [(each["path"], each["line"], each["message"]) for each in findings]


# notes


@pytest.mark.parametrize(
    ("path", "text", "line", "message"),
    [
        ("b/1.0.0.toml", note_text("b", criteria=["helth"]), 4,
         "criteria[0]: unknown criterion 'helth'; did you mean 'health'?"),
        ("b/1.0.0.toml", note_text("b") + "vettedby = 1\n", 8,
         "vettedby: unknown key; did you mean 'vetted-by'?"),
        ("c/1.0.0.toml", note_text("b"), 1,
         "misplaced: a note of b@1.0.0 belongs at .vetting/notes/b/1.0.0.toml"),
        ("B/1.0.0.toml", note_text("B"), 1,
         "misplaced: a note of B@1.0.0 belongs at .vetting/notes/%42/1.0.0.toml"),
        ("b/1.1.0.toml", note_text("b", "1.1.0", from_="1.0.0"), 1,
         "this note only reviews the changes since 1.0.0, and 1.0.0 itself is not vetted"),
        ("b/notes.txt", "words", 1,
         "not a note: expected NAME.toml (or .gitattributes, CODEOWNERS, README, README.md, README.txt)"),
    ],
)  # fmt: skip
def test_notes_that_are_wrong(repo: GitRepo, path: str, text: str, line: int, message: str) -> None:
    repo.write(NOTES + path, text)
    assert said(repo) == [(NOTES + path, line, message)]


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("config.tml", "; did you mean '.vetting/config.toml'?"),
        ("exemption.txt", "; did you mean '.vetting/exemptions.txt'?"),
        ("note/b.toml", "; did you mean '.vetting/notes/'?"),
        (
            "CODEOWNERS2",
            (" (known: .vetting/baseline.txt, .vetting/config.toml, .vetting/exemptions.txt, "
            ".vetting/notes/, .vetting/routine/)"),
        ),
    ],
)  # fmt: skip
def test_a_file_that_nothing_reads(repo: GitRepo, path: str, hint: str) -> None:
    repo.write(f".vetting/{path}", "words\n")
    assert said(repo) == [(f".vetting/{path}", 1, f"an unknown file: nothing reads it{hint}")]


@pytest.mark.parametrize(
    "name", ["README.md", "CODEOWNERS", ".gitattributes", "../README.md", "b/README"]
)
def test_what_may_stand_beside_notes(repo: GitRepo, name: str) -> None:
    repo.write(NOTES + name, "words\n")
    assert said(repo) == []


def test_a_note_for_what_is_not_locked_yet_is_valid(repo: GitRepo) -> None:
    write_note(repo, "b")
    assert said(repo) == []


def test_a_note_that_is_gone_while_needed(repo: GitRepo) -> None:
    repo.git("rm", "-q", f"{NOTES}a/1.0.0.toml")
    [found] = check(repo).findings
    assert (found["check"], found["path"], found["package"]) == ("notes", "package-lock.json", "a")
    assert found["code"] == "removed-while-needed"
    assert found["fix"] == (f"git restore --source=HEAD --staged --worktree {NOTES}a/1.0.0.toml")


def test_a_note_may_go_with_what_it_was_for(repo: GitRepo) -> None:
    repo.git("rm", "-q", f"{NOTES}a/1.0.0.toml")
    write_project(repo, {})
    assert said(repo) == []


def test_an_exemption_that_is_gone_while_needed(repo: GitRepo) -> None:
    repo.write(".vetting/exemptions.txt", f"b@1.0.0 {sri('b@1.0.0')} - at adoption\n")
    repo.commit("Exempt b")
    write_project(repo, {"a": entry("a"), "b": entry("b")})
    assert said(repo) == []
    repo.commit("Add b")
    repo.write(".vetting/exemptions.txt", "")
    assert check(repo).judged == [("notes", "b")]


@pytest.mark.parametrize(
    ("versions", "version", "denied"),
    [
        ('versions = "3.3.6"\n', "3.3.6", True),
        ('versions = "3.3.6"\n', "3.3.5", False),
        ('versions = ">=3.0.0 <4.0.0"\n', "3.3.5", True),
        ("", "1.0.0", True),
    ],
)
def test_deny_beats_notes(repo: GitRepo, versions: str, version: str, denied: bool) -> None:
    repo.write(
        ".vetting/config.toml",
        f'[[deny]]\npackage = "event-stream"\n{versions}reason = "flatmap-stream"\n',
    )
    repo.commit("Deny")
    name = "event-stream"
    write_project(repo, {"a": entry("a"), name: entry(name, version)})
    write_note(repo, name, version)
    messages = [message for _, _, message in said(repo)]
    assert messages == (["the policy denies it: flatmap-stream"] if denied else [])


# policy

LOOSER = "[policy]\ncooldown-days = 1\n"


def test_a_loosening_on_its_own_is_a_notice(repo: GitRepo) -> None:
    repo.write(".vetting/config.toml", LOOSER)
    done = check(repo)
    [found] = done.findings
    assert done.status == 0
    assert (found["level"], found["path"], found["line"], found["message"]) == (
        "notice", ".vetting/config.toml", 1,
        "loosens the policy: the cooldown shrinks from 7 to 1 days",
    )  # fmt: skip


def test_a_loosening_beside_anything_else_is_a_finding(repo: GitRepo) -> None:
    repo.write(".vetting/config.toml", LOOSER)
    repo.write("README.md", "words\n")
    done = check(repo)
    assert done.judged == [("policy", None)]
    fix = done.findings[0]["fix"]
    assert fix == 'git commit -m "Policy: say why" -- .vetting/config.toml'
    repo.git(*shlex.split(fix)[1:])
    assert check(repo).findings == []


def test_a_tightening_may_stand_beside_anything(repo: GitRepo) -> None:
    repo.write(".vetting/config.toml", "[policy]\ncooldown-days = 30\n")
    repo.write("README.md", "words\n")
    assert check(repo).findings == []


def test_a_range_loosens_as_a_commit_does(repo: GitRepo) -> None:
    start = repo.git("rev-parse", "HEAD")
    repo.write(".vetting/config.toml", LOOSER)
    repo.commit("Loosen")
    assert check(repo, "--from-ref", start).status == 0
    repo.write("README.md", "words\n")
    repo.commit("Words")
    assert check(repo, "--from-ref", start).judged == [("policy", None)]


def test_taking_the_whole_policy_away_is_rejected_while_notes_are_needed(repo: GitRepo) -> None:
    repo.git("rm", "-qr", ".vetting")
    assert ("notes", "a") in check(repo).judged


@pytest.fixture
def with_notes_only(git_repo: GitRepo) -> GitRepo:
    """A repository that has adopted with a note (which nothing needs any more) and no policy file."""
    write_project(git_repo, {"a": entry("a")})
    write_note(git_repo, "a")
    git_repo.write(".npmrc", "ignore-scripts=true\n")
    git_repo.commit("Adopt")
    write_project(git_repo, {})
    git_repo.commit("Drop a")
    return git_repo


def test_notes_alone_adopt_and_taking_them_away_loosens(with_notes_only: GitRepo) -> None:
    repo = with_notes_only
    repo.git("rm", "-qr", ".vetting")
    done = check(repo)
    assert [(each["level"], each["message"]) for each in done.findings] == [
        ("notice", "loosens the policy: the policy is removed")
    ]
    repo.write("README.md", "words\n")
    done = check(repo)
    assert done.judged == [("policy", None)]
    fix = done.findings[0]["fix"]
    assert fix == 'git commit -m "Policy: say why" -- .vetting'
    repo.git(*shlex.split(fix)[1:])
    assert check(repo).findings == []


def test_where_notes_alone_adopted_a_first_policy_may_not_be_looser(
    with_notes_only: GitRepo,
) -> None:
    repo = with_notes_only
    repo.write(".vetting/config.toml", LOOSER)
    repo.write("README.md", "words\n")
    assert check(repo).judged == [("policy", None)]
    (repo.path / ".vetting/notes/a/1.0.0.toml").unlink()
    assert check(repo).judged == [("policy", None)]


def test_the_policy_before_the_change_judges(repo: GitRepo) -> None:
    repo.write(".vetting/config.toml", "[policy]\nnew = []\n")
    write_project(repo, {"a": entry("a"), "b": entry("b")})
    write_note(repo, "b", criteria=["changelog"])
    assert check(repo).judged == [("policy", None), ("unvetted", "b")]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("config.toml", "polcy = 1\n"),
        ("config.toml", '[[ignore]]\ncheck = "unveted"\npath = "a"\nreason = "r"\n'),
        ("exemptions.txt", "a@1.0.0\n"),
        ("exemptions.txt", b"\xff\n"),
    ],
)
def test_a_policy_that_is_wrong_is_a_wrong_command_line(
    repo: GitRepo, file: str, text: str | bytes
) -> None:
    repo.write(f".vetting/{file}", text)
    repo.add()
    done = run(repo.path, "check")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"npm-vetted: .vetting/{file}:")
    done = check(repo)
    assert (done.status, len(done.findings)) == (2, 1)
    assert done.judged == [("undecided", None)]
    assert done.findings[0]["path"] == f".vetting/{file}"


BROKEN = [
    ("config.toml", "polcy = 1\n"), ("exemptions.txt", "a@1.0.0\n"), ("baseline.txt", "x\n"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "text"), BROKEN)
def test_a_policy_that_was_wrong_can_be_repaired_alone(repo: GitRepo, file: str, text: str) -> None:
    """The last policy that could be read judges the repair, as a commit and as a range."""
    repo.write(".vetting/config.toml", 'format = 2\n\n[policy]\nnew = ["health", "source"]\n')
    repo.commit("A policy")
    sound = repo.git("rev-parse", "HEAD")
    repo.write(f".vetting/{file}", text)
    repo.commit("Break it")
    repo.write("README.md", "More.\n")
    repo.commit("Go on")
    repo.git("checkout", "-q", sound, "--", ".vetting")
    if file != "config.toml":
        repo.git("rm", "-q", "--cached", f".vetting/{file}")
        (repo.path / ".vetting" / file).unlink(missing_ok=True)
    assert check(repo).status == 0
    repo.write("other.txt", "More.\n")
    assert check(repo).status == 2, "with anything else it is no repair"
    repo.git("rm", "-qf", "other.txt")
    repo.commit("Repair")
    assert check(repo, "--from-ref", "HEAD~", "--to-ref", "HEAD", add=False).status == 0


@pytest.mark.parametrize(("file", "text"), BROKEN)
def test_a_repair_that_loosens_says_so(repo: GitRepo, file: str, text: str) -> None:
    repo.write(".vetting/config.toml", 'format = 2\n\n[policy]\nnew = ["health", "source"]\n')
    repo.commit("A policy")
    repo.write(f".vetting/{file}", text)
    repo.commit("Break it")
    if file != "config.toml":
        (repo.path / ".vetting" / file).unlink()
    repo.write(".vetting/config.toml", 'format = 2\n\n[policy]\nnew = ["health"]\n')
    done = check(repo)
    assert [each["code"] for each in done.findings] == ["loosened"]


@pytest.mark.parametrize(
    ("file", "text"), [("config.toml", "polcy = 1\n"), ("exemptions.txt", "a@1.0.0\n")]
)
def test_a_lockfile_that_cannot_be_read_weighs_more_than_a_wrong_policy(
    repo: GitRepo, file: str, text: str
) -> None:
    repo.write(f".vetting/{file}", text)
    repo.write("package-lock.json", "{")
    done = check(repo)
    assert done.status == 3
    assert [(each["check"], each["path"]) for each in done.findings] == [
        ("undecided", "package-lock.json"), ("undecided", f".vetting/{file}"),
    ]  # fmt: skip
    text_of_both = run(repo.path, "check").out
    assert "package-lock.json:1: " in text_of_both
    assert f".vetting/{file}:1: " in text_of_both
    for words in (["audit"], ["note", "a", "-m", "Read it all.", "--criteria", "health"],
                  ["exempt", "a@1.0.0", "--reason", "It was always there."], ["prune"],
                  ["suggest"], ["init"], ["rebuild", "--print"]):  # fmt: skip
        done = run(repo.path, *words)
        assert done.status == 3, words
        assert "package-lock.json:1: " in done.out + done.err, words


# install-scripts


@pytest.mark.parametrize(
    ("locked", "keys", "message"),
    [
        ({}, {"scripts": []}, None),
        ({"hasInstallScript": True}, {"criteria": ["health", "scripts"]}, None),
        ({"hasInstallScript": True}, {"criteria": ["health", "source"]}, None),
        ({"hasInstallScript": True}, {}, "{} does not name scripts"),
        ({}, {"scripts": ["postinstall"]}, "{} does not name scripts"),
        ({}, {"scripts": ["postinstall"], "criteria": ["health", "scripts"]}, None),
    ],
)
def test_lifecycle_scripts(
    repo: GitRepo, locked: dict[str, Any], keys: dict[str, Any], message: str | None
) -> None:
    write_project(repo, {"a": entry("a"), "b": entry("b", **locked)})
    path = write_note(repo, "b", **keys)
    start = "runs scripts when it is installed, and "
    expected = [] if message is None else [start + message.format(path)]
    assert [each["message"] for each in check(repo).findings] == expected


@pytest.mark.parametrize(
    ("inner", "criteria", "message"),
    [
        ({}, ["health", "scripts"], "{} lists it without its scripts"),
        ({"scripts": ["install"]}, ["health"], "{} does not name scripts"),
        ({"scripts": ["install"]}, ["health", "scripts"], None),
    ],
)
def test_lifecycle_scripts_of_what_a_note_brings(
    repo: GitRepo, inner: dict[str, Any], criteria: list[str], message: str | None
) -> None:
    packages = {
        "a": entry("a"), "b": entry("b", dependencies={"c": "*"}),
        "c": entry("c", hasInstallScript=True),
    }  # fmt: skip
    write_project(repo, packages, asked=["a", "b"])
    path = write_note(repo, "b", criteria=criteria, brings=[listed("c", **inner)])
    start = "runs scripts when it is installed, and "
    expected = [] if message is None else [start + message.format(path)]
    assert [each["message"] for each in check(repo).findings] == expected


@pytest.mark.parametrize(
    ("spec", "value", "criteria", "rejected"),
    [
        ("a", True, ["health"], True),
        ("a@1.0.0", True, ["health"], True),
        ("a@2.0.0", True, ["health"], False),
        ("a", False, ["health"], False),
        ("a", True, ["health", "scripts"], False),
        ("z", True, ["health"], False),
    ],
)
def test_an_allow_list(
    repo: GitRepo, spec: str, value: bool, criteria: list[str], rejected: bool
) -> None:
    write_note(repo, "a", criteria=criteria)
    repo.commit("The note")
    write_project(repo, {"a": entry("a")}, allowScripts={spec: value})
    found = check(repo, "install-scripts").findings
    errors = [each["code"] for each in found if each["level"] == "error"]
    assert errors == (["allowance-not-reviewed"] if rejected else [])


def test_an_exempt_package_may_have_scripts(repo: GitRepo) -> None:
    _exempt_with_scripts(repo)
    assert check(repo).judged == []


def _exempt_with_scripts(repo: GitRepo, **keys: Any) -> None:
    """A package with install scripts that an exemption admits."""
    repo.write(".vetting/exemptions.txt", f"b@1.0.0 {sri('b@1.0.0')} scripts known for years\n")
    repo.commit("Exempt b")
    write_project(repo, {"a": entry("a"), "b": entry("b", hasInstallScript=True)}, **keys)


def _scripts_findings(repo: GitRepo, *words: str) -> list[tuple[str, str]]:
    found = check(repo, "install-scripts", *words).findings
    return [(each["code"], each["level"]) for each in found]


def test_an_exemption_switches_no_scripts_on(repo: GitRepo) -> None:
    _exempt_with_scripts(repo)
    repo.commit("Take b in")
    _exempt_with_scripts(repo, allowScripts={"b": True})
    assert _scripts_findings(repo) == [("allowance-not-reviewed", "error")]
    write_note(repo, "b", criteria=["health", "scripts"])
    assert _scripts_findings(repo) == []


def test_an_entry_that_was_there_is_judged_again_with_what_it_allows(repo: GitRepo) -> None:
    _exempt_with_scripts(repo, allowScripts={"b": True})
    repo.commit("Before the rule")
    _exempt_with_scripts(repo, allowScripts={"b": True}, description="a word more")
    assert _scripts_findings(repo) == []
    assert _scripts_findings(repo, "--all") == [("allowance-not-reviewed", "error")]
    repo.write(".vetting/exemptions.txt", f"b@1.0.1 {sri('b@1.0.1')} scripts known for years\n")
    repo.commit("Exempt the next version")
    write_project(
        repo, {"a": entry("a"), "b": entry("b", "1.0.1", hasInstallScript=True)},
        allowScripts={"b": True},
    )  # fmt: skip
    assert _scripts_findings(repo) == [("allowance-not-reviewed", "error")]


@pytest.mark.parametrize(
    ("entry_of_list", "found"),
    [
        ("z", ("allowance-unused", "warning")),
        ("a@2.0.0", ("allowance-unused", "warning")),
        ("file:vendor/x", ("allowance-of-a-folder", "error")),
        ("./vendor/x", ("allowance-of-a-folder", "error")),
        ("a@file:vendor/x", ("allowance-of-a-folder", "error")),
        ("https://evil.example/x.tgz", ("allowance-of-a-folder", "error")),
        ("git+ssh://git@github.com/a/b.git", ("allowance-of-a-folder", "error")),
        ("owner/repository", ("allowance-of-a-folder", "error")),
    ],
)
def test_an_entry_that_no_locked_package_answers_to(
    repo: GitRepo, entry_of_list: str, found: tuple[str, str]
) -> None:
    write_project(repo, {"a": entry("a")}, allowScripts={entry_of_list: True})
    assert _scripts_findings(repo) == [found]


def test_what_a_tarball_carries_may_be_denied(repo: GitRepo) -> None:
    """The lockfile need not name it: the note of the tarball does."""
    config = 'format = 2\n[policy]\ncooldown-days = 0\n[[deny]]\nreason = "bad"\npackage = '
    repo.write(".vetting/config.toml", config + '"@evil/*"\n')
    repo.commit("Deny")
    write_project(repo, {"a": entry("a"), "b": entry("b")})
    write_note(repo, "b", bundles=[{"package": "@evil/one@1.0.0"}])
    assert [(each["code"], each["package"]) for each in check(repo, "notes").findings] == [
        ("denied", "@evil/one")
    ]
    write_note(repo, "b", bundles=[{"package": "@good/one@1.0.0"}])
    assert check(repo, "notes").findings == []


@pytest.mark.parametrize(
    ("package", "versions", "found"),
    [
        ("a", "1.0.0", [("deny-locked", "warning")]),
        ("a", "*", [("deny-locked", "warning")]),
        ("a", "2.0.0", []),
        ("z", ">=1.0.0 <2.0.0", []),
        ("z", ">1.0.0 <1.0.1", []),
        ("z", ">=2.0.0 <1.0.0", [("deny-matches-nothing", "error")]),
        ("a@1.0.0", "*", [("deny-matches-nothing", "error")]),
        ("npm:a", "*", [("deny-matches-nothing", "error")]),
    ],
)
def test_a_new_deny_entry_says_what_it_meets(
    repo: GitRepo, package: str, versions: str, found: list[tuple[str, str]]
) -> None:
    repo.write(
        ".vetting/config.toml",
        "format = 2\n[policy]\ncooldown-days = 0\n"
        f'[[deny]]\npackage = "{package}"\nversions = "{versions}"\nreason = "bad"\n',
    )
    judged = check(repo, "policy").findings
    assert [
        (each["code"], each["level"]) for each in judged if each["code"].startswith("deny")
    ] == found


def test_an_ignore_that_matches_nothing_is_a_warning_of_all(repo: GitRepo) -> None:
    repo.write(
        ".vetting/config.toml",
        "format = 2\n[policy]\ncooldown-days = 0\n"
        '[[ignore]]\ncheck = "install-command"\npath = "gone.sh"\nreason = "was there"\n',
    )
    repo.commit("Ignore")
    judged = check(repo, "--all").findings
    assert [(each["code"], each["level"]) for each in judged] == [("ignore-unused", "warning")]
    write_project(repo, {})
    assert [each["code"] for each in check(repo).findings] == []


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({}, {"bundles": [{"package": "c@1.0.0"}]}, ["rewritten"]),
        ({}, {"shrinkwrap": [{"package": "c@1.0.0", "integrity": sri("c@1.0.0")}]}, ["rewritten"]),
        ({"scripts": ["install"]}, {"scripts": []}, ["rewritten"]),
        ({}, {"scripts": ["install"]}, []),
        ({"bundles": [{"package": "c@1.0.0"}]}, {}, []),
    ],
)
def test_a_note_of_before_says_nothing_new_of_the_contents(
    repo: GitRepo, before: dict[str, Any], after: dict[str, Any], found: list[str]
) -> None:
    repo.write(".vetting/config.toml", "format = 2\n[policy]\ncooldown-days = 0\n")
    write_note(repo, "b", **before)
    repo.commit("A note")
    write_note(repo, "b", **after)
    assert [each["code"] for each in check(repo, "notes").findings] == found
