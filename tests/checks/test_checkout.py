"""Git attributes that make a checkout another file than the one that was judged."""

from __future__ import annotations

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import SWITCH, check, entry, write_project

SCRIPT = "#!/bin/sh\nnpm ci --ignore-scripts\n"


def found(repo: GitRepo) -> set[tuple[str, int, str]]:
    """Where each finding about a checkout is: path, line, and the file with its attribute."""
    return {
        (each["path"], each["line"], each["key"])
        for each in check(repo, add=False).findings
        if each["code"] == "checkout-differs" and each["level"] == "error"
    }


@pytest.fixture
def project(git_repo: GitRepo) -> GitRepo:
    write_project(git_repo, {"ms": entry("ms")})
    git_repo.write(".npmrc", SWITCH)
    git_repo.write("build.sh", SCRIPT)
    git_repo.write("logo.png", "x")
    git_repo.write("LICENSE", "npm\n")
    git_repo.write("patches/ms.patch", "--- a\n+++ b\n")
    git_repo.commit("before")
    return git_repo


LOCK, MANIFEST = "package-lock.json", "package.json"


@pytest.mark.parametrize(
    ("line", "files", "name"),
    [
        (".npmrc filter=lfs diff=lfs merge=lfs -text", [".npmrc"], "filter"),
        ("*.json filter=git-crypt", [LOCK, MANIFEST], "filter"),
        ("[p]ackage.json filter=x", [MANIFEST], "filter"),
        ('"\\056npmrc" filter=x', [".npmrc"], "filter"),
        ("* filter=x", [".npmrc", LOCK, MANIFEST, "build.sh", "patches/ms.patch"], "filter"),
        ("build.sh filter=x", ["build.sh"], "filter"),
        (".npmrc working-tree-encoding=UTF-16LE", [".npmrc"], "working-tree-encoding"),
        ("*.sh text working-tree-encoding=UTF-16", ["build.sh"], "working-tree-encoding"),
        (".NPMRC working-tree-encoding=utf-8-bom", [".npmrc"], "working-tree-encoding"),
        ("*.sh eol=crlf", ["build.sh"], "eol"),
        ("* text=auto eol=crlf", ["build.sh", "patches/ms.patch"], "eol"),
        ("package.json export-subst", [MANIFEST], "export-subst"),
        ("*lock.json export-subst", [LOCK], "export-subst"),
    ],
)  # fmt: skip
def test_attributes_of_judged_files(
    project: GitRepo, line: str, files: list[str], name: str
) -> None:
    project.write(".gitattributes", f"# ours\n{line}\n")
    project.add(".gitattributes")
    assert found(project) == {(".gitattributes", 2, f"{file} {name}") for file in files}


@pytest.mark.parametrize(
    "lines",
    [
        "* text=auto", "*.sh text eol=lf", "*.png filter=lfs diff=lfs merge=lfs -text",
        "assets/** filter=lfs", "LICENSE filter=lfs", "*.[jJ][pP][gG] filter=lfs", "* ident",
        "*.ps1 text eol=crlf working-tree-encoding=UTF-16LE", "*.json text eol=crlf",
        ".npmrc working-tree-encoding=UTF-8", ".npmrc -filter", ".npmrc filter", "*.sh -text eol=crlf",
        "* filter=lfs\n* !filter", "* eol=crlf\n*.sh eol=lf\n*.patch -text",
        "package-lock.json -diff linguist-generated", "[attr]odd filter=x", "*.lock binary",
        ".vetting/** filter=lfs", ".npmrc/ filter=x", "*.json export-ignore",
        "*.json export-subst=1", "* eol",
    ],
)  # fmt: skip
def test_attributes_that_change_nothing_that_is_judged(project: GitRepo, lines: str) -> None:
    project.write("build.ps1", "npm ci --ignore-scripts\n")
    project.add()
    project.write(".gitattributes", f"{lines}\n")
    project.add(".gitattributes")
    assert found(project) == set()


def test_text_that_a_checkout_writes_over(project: GitRepo) -> None:
    """git writes the blob's name over everything between the two dollar signs."""
    project.write("package.json", '{"name":"$Id:","scripts":{},"version":"$"}')
    project.write(".gitattributes", "package.json ident\n")
    project.add()
    assert found(project) == {(".gitattributes", 1, "package.json ident")}


def test_a_file_that_comes_under_attributes_that_were_there(git_repo: GitRepo) -> None:
    git_repo.write(".gitattributes", "[attr]hidden filter=x\n")
    git_repo.write("app/.gitattributes", ".npmrc hidden\n")
    git_repo.commit("before")
    write_project(git_repo, {"ms": entry("ms")}, folder="app")
    git_repo.write("app/.npmrc", SWITCH)
    git_repo.add()
    assert found(git_repo) == {("app/.gitattributes", 1, "app/.npmrc filter")}


def test_a_line_that_is_taken_out_uncovers_another(project: GitRepo) -> None:
    project.write(".gitattributes", "*rc filter=x\n")
    project.write("app/.gitattributes", "*rc -filter\n")
    project.write("app/.npmrc", SWITCH)
    project.write("app/package.json", "{}")
    project.git("add", "-A")
    project.git("commit", "-q", "--no-verify", "-m", "before")
    project.git("rm", "-q", "app/.gitattributes")
    assert found(project) == {(".gitattributes", 1, "app/.npmrc filter")}


def test_a_hostile_number_of_lines(project: GitRepo) -> None:
    project.write(".gitattributes", "x* filter=x\n" * 6000)
    project.add(".gitattributes")
    assert {(path, key) for path, _, key in found(project)} >= {(".npmrc", ".npmrc")}
