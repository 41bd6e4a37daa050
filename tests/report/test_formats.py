"""SARIF, GitLab, GitHub and Markdown: what each file must hold, and hostile text in each."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from npm_vetted import SITE
from npm_vetted.checks import checks
from npm_vetted.checks._runner import CheckResult
from npm_vetted.cli import main
from npm_vetted.commands.check import FORMATS
from npm_vetted.model import Finding, Level, Location, identities
from npm_vetted.report import Style, formats, report
from npm_vetted.report._shared import by_danger
from tests.support.git_repo import GitRepo

NEW = Finding(
    check="unvetted", code="new", message="new, and no note covers it",
    location=Location("package-lock.json", 7), package="b", version="1.0.0", key="b@1.0.0",
    fix=(("npm-vetted", "note", "b@1.0.0", "--criteria", "health"),),
)  # fmt: skip
HASH = NEW._replace(check="integrity", code="hash-changed", package="c", fix=())
WARNED = NEW._replace(level=Level.WARNING, package="d", fix=())
UNDECIDED = Finding(check="undecided", message="cannot be read", location=Location("a b/é.json"))
HOSTILE = NEW._replace(
    message="\x1b[31m::error::x%0A](http://evil.example) <script>@team `x`\r\n- [ ] y", fix=()
)
EVERY = (NEW, HASH, WARNED, UNDECIDED, HOSTILE)


def printed(name: str, findings: tuple[Finding, ...] = EVERY, **more: Any) -> str:
    result = CheckResult(findings=findings, projects=1, artifacts=2, notes=0, **more)
    out = io.StringIO()
    report(name).print_result(result, None, Style(), out)
    return out.getvalue()


SCHEMAS = Path(__file__).parents[1] / "fixtures" / "schemas"


def valid(name: str, text: str) -> Any:
    """A document that fits the format's own schema."""
    schema = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    data = json.loads(text)
    jsonschema.validators.validator_for(schema)(schema).validate(data)
    return data


PLACES = (
    NEW._replace(location=Location(path, line))
    for path in (".", "a b/%.json", "é")
    for line in (0, 9)
)


@pytest.mark.parametrize("findings", [(), EVERY, tuple(PLACES), (UNDECIDED,)])
def test_the_documents_fit_their_schemas(findings: tuple[Finding, ...]) -> None:
    valid("sarif-2.1.0.json", printed("sarif", findings))
    valid("gitlab-code-quality.json", printed("gitlab", findings))


def vetted_or_left(repo: GitRepo, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What the command does; argparse leaves by an exception."""
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.chdir(repo.path), redirect_stdout(out), redirect_stderr(errors):
        try:
            status = main(arguments)
        except SystemExit as left:
            status = int(str(left.code))
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), errors.getvalue())


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("check", "--from-ref", "nowhere"), 2),
        (("check", "--to-ref", "HEAD"), 2),
        (("check", "--all"), 2),
        (("check", "no-such-check"), 2),
        (("check", "--no-such-option"), 2),
    ],
)
def test_a_usage_error_is_a_document_too(
    git_repo: GitRepo, arguments: tuple[str, ...], status: int
) -> None:
    """An empty file would close every alert that is open, or be refused."""
    git_repo.write("package.json", "{}")
    git_repo.write(".vetting/config.toml", "polcy = 1\n" if "--all" in arguments else "")
    git_repo.commit("Start")
    for name, schema in (("sarif", "sarif-2.1.0.json"), ("gitlab", "gitlab-code-quality.json")):
        done = vetted_or_left(git_repo, *arguments, "--format", name)
        assert (done.returncode, done.stderr != "") == (status, True)
        data = valid(schema, done.stdout)
        if name == "sarif":
            [run] = data["runs"]
            assert run["invocations"][0]["executionSuccessful"] is False
            assert [each["ruleId"] for each in run["results"]] == ["undecided"]
    assert "::error file=" in vetted_or_left(git_repo, *arguments, "--format", "github").stdout
    assert "**error**" in vetted_or_left(git_repo, *arguments, "--format=markdown").stdout


def test_sarif_keeps_the_most_dangerous() -> None:
    many = tuple(NEW._replace(package=f"p{at}", fix=()) for at in range(5_001))
    data = valid("sarif-2.1.0.json", printed("sarif", (*many, HASH)))
    found = [each["ruleId"] for each in data["runs"][0]["results"]]
    assert (len(found), found.count("integrity")) == (5_000, 1)


def test_check_offers_every_format() -> None:
    assert sorted(FORMATS) == formats()


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_text_stays_text(name: str) -> None:
    text = printed(name)
    assert "\x1b" not in text
    assert "\r" not in text
    if name == "github":
        assert not any(line.startswith("::error::") for line in text.splitlines())
    if name == "markdown":
        assert "<script>" not in text
        assert "](http" not in text.replace(f"]({SITE}", "")


def test_sarif() -> None:
    log = json.loads(printed("sarif"))
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [*checks(), "undecided"]
    for rule in rules:
        assert 0 < len(rule["shortDescription"]["text"]) <= 1024
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
        assert isinstance(rule["properties"].get("security-severity", "1.0"), str)
    for result, finding in zip(run["results"], EVERY, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.check
        [location] = result["locations"]
        assert location["physicalLocation"]["region"]["startLine"] == finding.location.line
        assert result["message"]["text"]
    assert run["results"][3]["locations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": "a%20b/%C3%A9.json"
    }
    marks = [each["partialFingerprints"]["primaryLocationLineHash"] for each in run["results"]]
    assert marks == list(identities(EVERY))
    assert len(set(marks)) == len(marks)


def test_sarif_says_that_an_undecided_check_did_not_succeed() -> None:
    assert json.loads(printed("sarif"))["runs"][0]["invocations"][0]["executionSuccessful"] is False
    clean = json.loads(printed("sarif", (NEW,)))
    assert clean["runs"][0]["invocations"][0]["executionSuccessful"] is True


def test_gitlab() -> None:
    entries = json.loads(printed("gitlab"))
    assert [each["severity"] for each in entries] == [
        "major",
        "critical",
        "minor",
        "major",
        "major",
    ]
    assert len({each["fingerprint"] for each in entries}) == len(entries)
    assert entries[0]["location"] == {"path": "package-lock.json", "lines": {"begin": 7}}
    assert json.loads(printed("gitlab", ())) == []


def test_github_shows_the_most_dangerous_first_and_says_how_many_more() -> None:
    many = tuple(NEW._replace(package=f"p{at}", fix=()) for at in range(30))
    lines = printed("github", (*many, HASH)).splitlines()
    errors = [line for line in lines if line.startswith("::error ")]
    assert len(errors) == 10
    assert "title=npm-vetted%3A integrity::c@1.0.0" in errors[0]
    assert errors[-1].endswith("and 22 more: npm-vetted check shows them")


def test_markdown_is_cut_below_the_limit() -> None:
    many = tuple(NEW._replace(package=f"p{at}", message="x" * 200, fix=()) for at in range(1_000))
    text = printed("markdown", many)
    assert len(text) < 65_536
    assert "more: `npm-vetted check` shows them" in text


def test_the_order_is_by_danger() -> None:
    cooldown = NEW._replace(check="cooldown")
    assert by_danger([WARNED, cooldown, NEW, HASH]) == [HASH, NEW, cooldown, WARNED]


@pytest.mark.parametrize(
    ("name", "mark"), [("github", "::error file="), ("markdown", "- **error**")]
)
def test_what_is_said_of_many_packages_is_said_once(name: str, mark: str) -> None:
    weak = NEW._replace(check="lockfile-source", code="weak-hash", fix=())
    many = tuple(weak._replace(package=f"p{at}") for at in range(666))
    text = printed(name, (*many, HASH))
    assert text.count(mark) == 2
    assert "(and 665 more)" in text
