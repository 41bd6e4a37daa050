"""The text for people: blocks, folding, why once, the source line, widths and links."""

from __future__ import annotations

import io
import shlex
from typing import Any, Final

import pytest

from npm_vetted.checks import checks
from npm_vetted.checks._runner import CheckResult
from npm_vetted.model import Finding, Level, Location
from npm_vetted.report import Style, report
from tests.commands.test_init import adopt, npm_project, vetted
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt as adopt_synthetic
from tests.support.npm_projects import entry, run, sri, write_project

NEW: Final = Finding(
    check="unvetted", code="new", message="new, and no note or exemption covers it",
    location=Location("package-lock.json", 7), package="b", version="1.0.0", key="b@1.0.0",
    fix=(("npm-vetted", "note", "b@1.0.0"),),
)  # fmt: skip
WEAK: Final = NEW._replace(
    check="lockfile-source", code="weak-hash", message="only a weak hash binds its bytes", fix=()
)


def printed(findings: tuple[Finding, ...], **style: Any) -> list[str]:
    result = CheckResult(findings=findings, projects=1, artifacts=2, notes=0)
    out = io.StringIO()
    report("text").print_result(result, None, Style(**style), out)
    return out.getvalue().splitlines()


def many(finding: Finding, count: int) -> tuple[Finding, ...]:
    """Findings of packages of their own, each with its own command where there is one."""
    return tuple(
        finding._replace(
            package=f"p{at}", key=f"p{at}@1.0.0",
            fix=(("npm-vetted", "note", f"p{at}@1.0.0"),) if finding.fix else (),
        )
        for at in range(count)
    )  # fmt: skip


def heads(lines: list[str]) -> list[str]:
    """The first line of each block."""
    return [line for line in lines if ": error: " in line or ": warning: " in line]


def test_666_weak_hashes_are_one_block() -> None:
    lines = printed(many(WEAK, 666))
    assert len(heads(lines)) == 1
    assert "    and 665 packages more: p1@1.0.0, p2@1.0.0, p3@1.0.0, and 662 more" in lines
    assert "666 errors, about 666 packages" in lines[-1] or lines[-1].endswith("666 errors")
    assert len(lines) < 10


def test_notes_that_no_hash_ties_to_their_packages_are_one_block() -> None:
    """Yarn berry records no hash of a program for one platform: esbuild has 23 of them."""
    unbound = NEW._replace(code="unbound", level=Level.WARNING, message="no hash of it", fix=())
    lines = printed((*many(unbound, 23), NEW, *many(NEW, 1)))
    assert len(heads(lines)) == 2
    [head] = [line for line in heads(lines) if ": warning: " in line]
    assert "p0@1.0.0: no hash of it" in head
    assert "    and 22 packages more: p1@1.0.0, p2@1.0.0, p3@1.0.0, and 19 more" in lines


def test_verbose_shows_each() -> None:
    assert len(heads(printed(many(WEAK, 66), verbose=True))) == 66


def test_unvetted_packages_share_a_block_that_counts_them() -> None:
    brought = tuple(
        each._replace(code="brought", fix=NEW.fix) for each in many(NEW._replace(fix=()), 412)
    )
    upgrade = NEW._replace(code="upgraded", package="up", fix=(("npm-vetted", "note", "up"),))
    lines = printed((NEW, *many(NEW, 3), upgrade, *brought))
    [head] = heads(lines)
    assert "4 new packages and 1 upgrade without a note, and 412 that they bring" in head
    assert sum(line.startswith("    fix: ") for line in lines) == 5


def test_the_text_for_a_file_is_not_printed_as_a_command_to_run() -> None:
    fix = (("npm", "ci", "--ignore-scripts"), ("npm-vetted", "accept", "x", "--reason", "REASON"))
    found = NEW._replace(check="install-command", code="scripts-run", package=None, fix=fix)
    lines = printed((found,))
    assert "    write: npm ci --ignore-scripts" in lines
    assert any(line.startswith("    fix: ") and "accept" in line for line in lines)


def test_a_hundred_findings_fit_on_two_screens() -> None:
    commands = tuple(
        NEW._replace(check="install-command", code="x", package=None, key=str(at), fix=(("npm", str(at)),))
        for at in range(50)
    )  # fmt: skip
    assert len(printed((*many(NEW, 50), *commands), width=80)) < 60


KINDS: Final = (
    "integrity", "lockfile-source", "ignore-scripts", "client-settings", "lookalike", "install-scripts",
    "policy", "notes", "install-command",
)  # fmt: skip
"""Nine kinds of finding: a report of a bad day."""


def bad_day() -> tuple[Finding, ...]:
    """A finding of each kind, each with its own command, and ten unvetted packages."""
    message = f"expected {DIGEST}, found something else in its place in the lockfile"
    others = (
        NEW._replace(
            check=check, code="", package=check, message=message,
            fix=(("npm-vetted", "accept", check),),
        )
        for check in KINDS
    )  # fmt: skip
    return (*many(NEW, 10), *others)


DIGEST: Final = "sha512-" + "A" * 86 + "=="


def test_nine_kinds_of_findings_fit_on_two_screens_with_every_command() -> None:
    findings = bad_day()
    lines = printed(findings, width=80)
    assert len(lines) <= 64
    assert max(map(len, lines)) <= 81
    commands = {line.partition("fix: ")[2].replace('"', "") for line in lines if "fix: " in line}
    assert commands == {" ".join(each.fix[0]) for each in findings}


def test_a_long_report_says_where_the_pages_are_once() -> None:
    lines = printed(bad_day(), width=80)
    assert [line for line in lines if "see: " in line] == [lines[-2]]
    assert not any(DIGEST in line for line in lines)
    assert any("npm-vetted check -v" in line for line in lines)
    whole = printed(bad_day(), width=80, verbose=True)
    assert sum("see: " in line for line in whole) == len(KINDS) + 1
    assert any(DIGEST in line for line in whole)
    assert not any("check -v" in line for line in whole)


def test_a_package_is_named_where_its_command_does_not() -> None:
    unnamed = [each._replace(fix=(("npm-vetted", "note"),)) for each in many(NEW, 2)]
    other = unnamed[1]._replace(fix=(("npm-vetted", "note", "--staged"),))
    lines = printed((unnamed[0], other))
    assert any("p0@1.0.0" in line for line in lines)
    assert any("p1@1.0.0" in line for line in lines)


def test_a_command_of_a_long_report_is_printed_once() -> None:
    denied = many(NEW._replace(check="lookalike", code="one-slip-away"), 1)
    more = denied[0]._replace(fix=((*denied[0].fix[0], "--not-lookalike-of", "p"),))
    lines = printed((*bad_day(), more), width=80)
    assert sum('note "p0@1.0.0"' in line for line in lines) == 1
    assert "  resolved by a command above: p0@1.0.0" in lines


def test_packages_of_a_second_lockfile_need_no_second_command() -> None:
    second = tuple(
        each._replace(project="b", location=each.location._replace(path="b/package-lock.json"))
        for each in many(NEW, 2)
    )
    lines = printed((*many(NEW, 2), *second))
    assert len(heads(lines)) == 2
    assert sum("note" in line and "fix:" in line for line in lines) == 2
    assert "  resolved by a command above: p0@1.0.0, p1@1.0.0" in lines


@pytest.mark.parametrize("check", sorted(checks()))
def test_the_reason_of_a_check_fits_on_a_line(check: str) -> None:
    [reason] = [
        line for line in printed((NEW._replace(check=check, code=""),), width=80) if "why: " in line
    ]
    assert reason.endswith((".", "!"))


def test_why_is_said_once_for_each_check() -> None:
    findings = (WEAK, WEAK._replace(code="other", package="c"), NEW)
    assert sum("why: " in line for line in printed(findings)) == 2


def test_quiet_says_neither_why_nor_source() -> None:
    lines = printed((WEAK, NEW), quiet=True)
    assert not any("why: " in line for line in lines)
    assert "    fix: npm-vetted note b@1.0.0" in lines or any("fix: " in line for line in lines)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_lines_are_as_wide_as_the_terminal(width: int) -> None:
    lines = printed((WEAK, NEW, *many(WEAK, 20)), width=width)
    fixes = ("    fix: ", "    see: ", "    each: ", "npm-vetted: ")
    assert max(len(line) for line in lines if not line.startswith(fixes)) <= width


def test_a_long_word_stays_whole_to_be_copied() -> None:
    digest = "sha512-" + "A" * 86 + "=="
    lines = printed((NEW._replace(message=f"expected {digest}, found none"),), width=60)
    assert any(digest in line for line in lines)


def test_without_a_terminal_a_finding_is_one_line() -> None:
    text = "x " * 100
    assert heads(printed((NEW._replace(message=text.strip()),)))[0].endswith("x [unvetted]")


def test_the_check_is_a_link_where_the_terminal_shows_links() -> None:
    [plain] = heads(printed((NEW,)))
    [linked] = heads(printed((NEW,), links=True))
    assert (
        "\x1b]8;;https://npm-vetted.github.io/npm-vetted/checks/unvetted/#new\x1b\\[unvetted]"
        in linked
    )
    assert "\x1b" not in plain


def test_the_source_line_and_a_caret(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.commit("A shop")
    adopt(git_repo)
    git_repo.write(".npmrc", "ignore-scripts=true\n\tregistry = http://registry.example/ \n")
    git_repo.add()
    lines = vetted(git_repo, "check").stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if " | " in line and "registry = " in line)
    assert lines[at + 1].index("^") == lines[at].index("registry =")
    assert lines[at + 1].count("^") == len("registry")


def test_a_line_with_a_secret_is_not_shown(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.commit("A shop")
    adopt(git_repo)
    secret = "npm_" + "a1B2" * 9
    text = f"ignore-scripts=true\n//registry.npmjs.org/:_authToken={secret}\nproxy=http://me:{secret}@x.example/\n"
    git_repo.write(".npmrc", text)
    git_repo.add()
    done = vetted(git_repo, "check")
    assert done.returncode == 1
    assert secret not in done.stdout + done.stderr


@pytest.mark.parametrize("hashes", [{"integrity": sri("c", "sha1")}, {"integrity": None}])
def test_what_no_note_can_bind_is_one_block_with_one_command(
    git_repo: GitRepo, hashes: dict[str, Any]
) -> None:
    write_project(git_repo, {})
    adopt_synthetic(git_repo)
    names = [f"p{number}" for number in range(6)]
    write_project(git_repo, {name: entry(name, **hashes) for name in names})
    git_repo.add()
    out = run(git_repo.path, "check", "lockfile-source", "unvetted").out
    assert out.count(" error: ") == 2
    commands = {line.partition("fix: ")[2] for line in out.splitlines() if "fix: " in line}
    [command] = commands
    words = shlex.split(command)
    assert words[1:] == ["exempt", *(f"{name}@1.0.0" for name in names), "--reason", "REASON"]
    refused = run(
        git_repo.path, "note", "--criteria", "health", "-m", "Read all of it.", "--offline"
    )
    assert (refused.status, command.partition(" ")[2] in refused.err) == (1, True)
    assert run(git_repo.path, *words[1:-1], "our old registry").status == 0
    git_repo.git("commit", "-qm", "Policy", "--", ".vetting/exemptions.txt")
    assert run(git_repo.path, "check", "lockfile-source", "unvetted").status == 0


@pytest.mark.parametrize(("count", "said"), [(40, False), (41, True)])
def test_one_command_that_cannot_name_all_says_so(count: int, said: bool) -> None:
    weak = (
        each._replace(fix=(("npm-vetted", "exempt", f"p{at}@1.0.0", "--reason", "REASON"),))
        for at, each in enumerate(many(WEAK, count))
    )
    lines = printed(tuple(weak))
    assert any("that is for the first 40 of 41; then run: " in line for line in lines) is said


def test_levels_are_in_order() -> None:
    warning = WEAK._replace(level=Level.WARNING, package="w")
    assert [": error: " in line for line in heads(printed((warning, NEW)))] == [True, False]


def test_one_command_for_all_that_a_commit_adds(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.commit("A shop")
    adopt(git_repo)
    npm_project(git_repo, "", "ms", "debug", "nanoid")
    git_repo.add()
    lines = vetted(git_repo, "check", "unvetted").stdout.splitlines()
    assert len(heads(lines)) == 1
    commands = [line.partition("fix: ")[2] for line in lines if line.startswith("    fix: ")]
    assert commands[0].endswith(" note --criteria health")
    assert lines.index(f"    fix: {commands[0]}") < next(
        at for at, line in enumerate(lines) if "debug@" in line
    )
    done = vetted(git_repo, "note", "--staged", "--offline", "--waive-cooldown", "known for years",
                  "--criteria", "health", "-m", "Small; all of it was read.")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert vetted(git_repo, "check", "unvetted").returncode == 0


def test_several_lockfiles_have_one_command_before_those_of_each(git_repo: GitRepo) -> None:
    write_project(git_repo, {"a": entry("a")})
    adopt_synthetic(git_repo, "[policy]\ncooldown-days = 0\n")
    run(git_repo.path, "exempt", "a@1.0.0", "--reason", "there before")
    git_repo.commit("Start")
    write_project(git_repo, {"a": entry("a"), "b": entry("b")})
    for name in ("package.json", "package-lock.json"):
        text = (git_repo.path / name).read_text().replace('"b"', '"c"').replace("/b", "/c")
        git_repo.write(f"other/{name}", text)
    git_repo.write("other/.npmrc", "ignore-scripts=true\n")
    git_repo.add()
    lines = run(git_repo.path, "check").out.splitlines()
    assert "2 new packages without a note, in 2 lockfiles" in lines[0]
    first = next(line for line in lines if line.startswith("    fix: "))
    words = shlex.split(first.partition("fix: ")[2])[1:]
    assert words == ["note", "--criteria", "health"]
    reason = ("--offline", "-m", "Both were read: small libraries.")
    assert run(git_repo.path, *words, *reason).status == 0
    assert run(git_repo.path, "check", "unvetted").status == 0
