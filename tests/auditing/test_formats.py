"""The audit's formats: valid against their schemas, cut below their limits, and hostile text in each."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from npm_vetted.auditing.collect import purl_of
from npm_vetted.auditing.facts import (
    AuditReport,
    Brought,
    CommitFacts,
    ExceptionFacts,
    NoteFacts,
    PackageFacts,
    PolicyChange,
    Progress,
    ProjectFacts,
)
from npm_vetted.auditing.formats import Audit, audit_format, audit_formats
from npm_vetted.auditing.requirements import Gate
from npm_vetted.commands.audit import FORMATS
from npm_vetted.model import Artifact, Kind
from npm_vetted.report import Style
from tests.auditing.audited import make, sri
from tests.commands.test_init import vetted
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import entry, run, write_project
from tests.test_schemas import check_output

DATE = datetime.datetime(2026, 3, 10, 12, tzinfo=datetime.UTC)
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'\x1b[31m\u202e](http://evil.example)"


def commit(author: str = "Ada <ada@example.com>", subject: str = "Work (#1)") -> CommitFacts:
    return CommitFacts("ab" * 20, DATE, author, "none", subject, merge=False)


def package(name: str, text: str = "plain", **more: Any) -> PackageFacts:
    artifact = Artifact(name, "1.0.0", Kind.REGISTRY, integrity=sri(name))
    each = commit(f"{text} <a@example.com>", text)
    found = PackageFacts(
        project=".", artifact=artifact, purl=purl_of(artifact), source="registry", resolved=None,
        integrity=artifact.integrity, line=1, direct=True, development=False, scripts=None, status="vetted",
        also_exempt=False, criteria=("health",), note=".vetting/notes/a.toml", vetted_by=f"{text} <a@example.com>",
        vetted_on=DATE.date(), entered=Brought(each, each), same_person=True, squashed=False, requires=(),
    )  # fmt: skip
    return found._replace(**more)


def a_report(*packages: PackageFacts, text: str = "plain") -> AuditReport:
    """A report in which every text that others write is this one."""
    each = commit(f"{text} <a@example.com>", text)
    note = NoteFacts(
        path=f".vetting/notes/{text}.toml", label=text, vetted_by=text, vetted_on=DATE.date(),
        criteria=("health",), since=None, waiver=text, why=text, covers=1, used=False,
        brought=Brought(each, each), changed=each,
    )  # fmt: skip
    return AuditReport(
        tool="0.0.0", commit="cd" * 20, date=DATE, staged=False, shallow=False, complete=True, policy={},
        policy_history=(PolicyChange(each, False, (text,), (text,)),),
        projects=(ProjectFacts(text, "npm", text),), packages=packages, notes=(note,),
        broken_notes=((text, text),), exempt_now=1, exemptions_since=DATE,
        progress=(Progress("ef" * 20, DATE, 2, 0), Progress("ab" * 20, DATE, 1, 1)),
        exceptions=(ExceptionFacts("ignore", "cooldown", text, text, text, None, "unused"),),
        since=None, signers=None,
    )  # fmt: skip


def rendered(name: str, report: AuditReport, *gates: Gate) -> str:
    return audit_format(name).render(Audit(report, gates, Style()))


def test_the_command_offers_every_format() -> None:
    assert sorted(FORMATS) == sorted(audit_formats())
    assert FORMATS[0] == "text"


def test_json_fits_its_schema(git_repo: GitRepo) -> None:
    make(git_repo)
    done = vetted(
        git_repo, "audit", "--format", "json", "--since", "2026-02-01", "--require", "vetted,signed"
    )
    check_output("audit", done.stdout)


def test_the_schema_is_printed(git_repo: GitRepo) -> None:
    schema = json.loads(vetted(git_repo, "audit", "--schema").stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    assert schema["properties"]["version"] == {"const": 2}


def valid_cyclonedx(text: str) -> dict[str, Any]:
    # Four seconds of imports: every worker collects this file, one of them runs it.
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found: dict[str, Any] = json.loads(text)
    return found


def test_cyclonedx_of_a_repository_is_valid(git_repo: GitRepo) -> None:
    make(git_repo)
    text = vetted(git_repo, "audit", "--format", "cyclonedx").stdout
    data = valid_cyclonedx(text)
    assert data["metadata"]["timestamp"] == "2026-03-10T12:00:00Z"
    by_purl = {each["purl"]: each for each in data["components"]}
    second = by_purl["pkg:npm/second@1.0.0"]
    assert second["hashes"][0]["alg"] == "SHA-512"
    properties = {each["name"]: each["value"] for each in second["properties"]}
    assert properties["npm-vetted:status"] == "vetted"
    assert properties["npm-vetted:vetted-by"] == "Bob Builder <bob@example.com>"
    [root] = [each for each in data["dependencies"] if each["ref"] == "repository"]
    assert len(root["dependsOn"]) == 5


@pytest.mark.parametrize(
    "artifact",
    [
        Artifact("@scope/a", "1.0.0", Kind.REGISTRY, integrity=sri("a")),
        Artifact("a", None, Kind.GIT, resolved="git+ssh://git@github.com/a/b.git#" + "0" * 40),
        Artifact(
            "a", None, Kind.TARBALL, resolved="https://x.example/a b.tgz", integrity="sha1-abc"
        ),
        Artifact("a", None, Kind.REGISTRY, specifier="^1.0.0"),
        Artifact(HOSTILE, HOSTILE, Kind.REGISTRY, integrity=f"sha512-{HOSTILE}"),
    ],
)
def test_cyclonedx_of_every_kind_is_valid(artifact: Artifact) -> None:
    one = package("x", artifact=artifact, purl=purl_of(artifact))
    valid_cyclonedx(rendered("cyclonedx", a_report(one, one._replace(project="other"))))


def test_one_version_with_two_hashes_is_two_components() -> None:
    one = package("a")
    data = valid_cyclonedx(
        rendered("cyclonedx", a_report(one, one._replace(integrity=sri("other"))))
    )
    assert len({each["bom-ref"] for each in data["components"]}) == 2


def test_purls() -> None:
    assert purl_of(Artifact("@a/b", "1.0.0+x", Kind.REGISTRY)) == "pkg:npm/%40a/b@1.0.0%2Bx"


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_text_stays_text(name: str) -> None:
    hostile = package(HOSTILE, HOSTILE, project=HOSTILE, status="unvetted", note=HOSTILE)
    text = rendered(name, a_report(hostile, text=HOSTILE), Gate("vetted", (HOSTILE,)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    if name == "html":
        assert text.count("<script>") == 1
        assert "<img" not in text
        assert set(re.findall(r'(?:href|src)="([a-z]+://[^/"]*)', text)) == {
            "https://www.npmjs.com"
        }
    if name == "markdown":
        assert "<script" not in text.replace("\\<", "")
        assert "](http" not in text


def test_the_page_asks_no_host_and_has_one_script() -> None:
    text = rendered("html", a_report(package("a")))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    rules = policy[1].replace("&#x27;", "'")
    assert rules.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in rules
    assert not re.search(
        r"<(?:link|img|iframe|object|embed|form)\b|@import|url\(|\sstyle=|\son[a-z]+=", text
    )


def test_markdown_is_cut_below_the_limit() -> None:
    many = [package(f"p{at}", status="unvetted") for at in range(5_000)]
    text = rendered("markdown", a_report(*many))
    assert len(text) < 60_100
    assert re.search(r"- and [0-9,]+ more: `npm-vetted audit -v` shows them\n\Z", text)


def test_the_text_fits_80_columns(git_repo: GitRepo, tmp_path: Path) -> None:
    make(git_repo)
    lines = vetted(git_repo, "audit", "--require", "vetted,second-person").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("npm-vetted audit of ")
    assert any(line.startswith("attention") for line in lines)


def test_of_many_exempt_dependencies_some_have_a_line(git_repo: GitRepo) -> None:
    names = [f"p{number:02}" for number in range(30)]
    write_project(git_repo, {name: entry(name) for name in names})
    git_repo.commit("A shop")
    assert run(git_repo.path, "init").status == 0
    git_repo.commit("Adopt npm-vetted")
    lines = run(git_repo.path, "audit").out.splitlines()
    assert sum(line.startswith("  exempt ") for line in lines) == 20
    assert lines[-1] == "  and 10 exempt direct packages (-v shows them)"
    # Nothing is said of notes, where there are none.
    assert not any(line.startswith(("by age", "second person", "signed")) for line in lines)
    lines = run(git_repo.path, "audit", "-v").out.splitlines()
    assert sum(line.startswith("  exempt ") for line in lines) == 30
