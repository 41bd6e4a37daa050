"""What commands say where something is missing, odd or already done; the registry is one of Python's."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import Server, body, serving
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import (
    LONG_AGO,
    Done,
    adopt,
    entry,
    listed,
    lockfile,
    note_text,
    run,
    sri,
    write_note,
    write_project,
)
from tests.support.tarballs import integrity_of, package_of
from tests.support.terminal import converse
from tests.test_schemas import check_output

WORDS = ("-m", "Read all of it, twice.", "--criteria", "health")
CHANGELOG = "# Changelog\n\n## 2.0.0\n- Faster\n\n## 1.0.0\n- First\n"


class Shop:
    """A registry that publishes what a test says, and a project that locks it."""

    def __init__(self, server: Server, repo: GitRepo) -> None:
        self.server, self.repo = server, repo
        self._documents: dict[str, dict[str, Any]] = {}
        self._integrity: dict[tuple[str, str], str] = {}

    def publish(
        self, name: str, version: str, *, files: Mapping[str, str] | None = None,
        published: str = LONG_AGO, **manifest: Any,
    ) -> None:  # fmt: skip
        """Publish a version; the last is the latest."""
        manifest = {"name": name, "version": version, "license": "MIT", **manifest}
        content = {"index.js": f"module.exports = '{version}'\n", **(files or {})}
        data = package_of({"package.json": json.dumps(manifest), **content})
        place = f"{name}/-/{name}-{version}.tgz"
        self._integrity[name, version] = integrity_of(data)
        document = self._documents.setdefault(name, {"name": name, "time": {}, "versions": {}})
        dist = {"tarball": f"{self.server.url}{place}", "integrity": integrity_of(data)}
        document["versions"][version] = {**manifest, "dist": dist}
        document["time"] |= {version: published, "created": LONG_AGO}
        document["dist-tags"] = {"latest": version}
        self.server.answers[f"/{place}"] = body(data)
        self.server.answers[f"/{name}"] = body(json.dumps(document).encode())

    def lock(self, *labels: str, **more: dict[str, Any]) -> None:
        """A project that locks these versions, staged."""
        packages = dict(more)
        for name, version in (label.split("@") for label in labels):
            place = f"{self.server.url}{name}/-/{name}-{version}.tgz"
            integrity = self._integrity[name, version]
            packages[name] = entry(name, version, resolved=place, integrity=integrity)
        write_project(self.repo, packages)
        self.repo.write(".npmrc", f"registry={self.server.url}\nignore-scripts=true\n")
        self.repo.add()

    def run(self, *words: str, **environment: str) -> Done:
        """Run a command in the project."""
        return run(self.repo.path, *words, **environment)

    def read(self, note: str) -> str:
        """A note's text."""
        return (self.repo.path / ".vetting/notes" / note).read_text()


@pytest.fixture
def shop(git_repo: GitRepo) -> Iterator[Shop]:
    with serving() as server:
        found = Shop(server, git_repo)
        found.publish("a", "1.0.0", files={"CHANGELOG.md": CHANGELOG})
        found.publish("a", "2.0.0", files={"CHANGELOG.md": CHANGELOG})
        found.publish("b", "1.0.0", scripts={"postinstall": "node x.js"}, files={"x.js": "1\n"})
        git_repo.write(".vetting/config.toml", "format = 1\n")
        found.lock("a@1.0.0")
        yield found


# suggest, inspect and diff


def test_suggest_lists_what_is_open(shop: Shop) -> None:
    shop.lock(
        "a@1.0.0", "b@1.0.0", g=entry("g", resolved="git+ssh://git@x.example/g.git#" + "0" * 40)
    )
    done = shop.run("suggest", "--limit", "1")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "b@1.0.0  unvetted  direct  3 lines"
    assert lines[-2:] == [
        "[2 more: --limit 0 lists all]",
        "npm-vetted: 3 unvetted, 0 exempt; 12 lines to read, 1 of unknown size",
    ]
    every = shop.run("suggest", "--format", "json").json["suggestions"]
    assert [(each["package"], each["lines"], each["unknown"]) for each in every] == [
        ("b", 3, None), ("a", 9, None), ("g", None, "not from a registry"),
    ]  # fmt: skip
    offline = shop.run("suggest", "--offline", "--format", "json").json
    assert {each["unknown"] for each in offline["suggestions"]} == {
        "not asked",
        "not from a registry",
    }


def test_suggest_measures_a_delta_from_what_is_vetted_and_names_the_exceptions(shop: Shop) -> None:
    assert shop.run("note", "a", *WORDS).status == 0
    shop.repo.write(
        ".vetting/config.toml",
        'format = 1\n[[ignore]]\ncheck = "install-command"\npath = "x"\nreason = "at adoption"\n',
    )
    shop.lock("a@2.0.0")
    done = shop.run("suggest")
    assert done.out.splitlines()[0] == "a@2.0.0  unvetted  direct  4 lines"
    assert "npm-vetted diff a@1.0.0 2.0.0" in done.out.replace('"', "")
    assert "accepted install-command/* x: at adoption" in done.out
    assert done.out.splitlines()[-1].endswith("4 lines to read; 1 findings accepted")


def test_suggest_without_a_repository(tmp_path: Path) -> None:
    done = run(tmp_path, "suggest")
    assert (done.status, done.out) == (2, "")
    assert "git" in done.err


def test_inspect_takes_the_locked_version_a_tag_or_the_latest(shop: Shop) -> None:
    for label, version in (("a", "1.0.0"), ("a@latest", "2.0.0"), ("b", "1.0.0")):
        done = shop.run("inspect", label, "--format", "json")
        check_output("inspect", done.out)
        found = done.json
        assert (found["name"], found["package_version"]) == (label.split("@")[0], version)
    done = shop.run("inspect", "b", "--scripts")
    assert "node x.js" in done.out
    (shop.repo.path / ".npmrc").unlink()
    outside = shop.repo.path.parent
    Path(os.environ["HOME"], ".npmrc").write_text(f"registry={shop.server.url}\n")
    assert run(outside, "inspect", "a", "--format", "json").json["package_version"] == "2.0.0"


def test_diff_says_where_to_begin_or_that_it_does_not_know(shop: Shop) -> None:
    done = shop.run("diff", "a", "2.0.0")
    assert (done.status, "no other version of a is vetted in this repository" in done.err) == (
        2,
        True,
    )
    assert shop.run("note", "a", *WORDS).status == 0
    signals, _, page = shop.run("diff", "a", "2.0.0").out.partition("\n\n")
    assert signals == "newly, since 1.0.0: no signal"
    assert page.startswith("a 1.0.0 -> 2.0.0\n")
    done = shop.run("diff", "a@1.0.0", "2.0.0", "--format", "json")
    check_output("diff", done.out)
    found = done.json
    assert (found["old"], found["new"]) == ("1.0.0", "2.0.0")
    Path(os.environ["HOME"], ".npmrc").write_text(f"registry={shop.server.url}\n")
    assert run(shop.repo.path.parent, "diff", "a", "2.0.0").status == 2


def test_diff_without_versions_compares_what_the_working_tree_brings_with_head(shop: Shop) -> None:
    shop.repo.commit("Lock a 1.0.0")
    shop.lock("a@2.0.0")
    found = shop.run("diff", "a", "--format", "json").json
    assert (found["old"], found["new"]) == ("1.0.0", "2.0.0")
    assert shop.run("diff", "unknown").status == 2


@pytest.mark.parametrize(
    ("pager", "expected"),
    [
        ("sed s/^/paged:/", "paged:a 1.0.0 -> 2.0.0"),
        ("no-such-pager", "\na 1.0.0 -> 2.0.0"),
        ("head -n 1", "newly, since 1.0.0"),
    ],
)
def test_a_long_page_goes_through_the_pager(shop: Shop, pager: str, expected: str) -> None:
    long = "".join(f"line {number}\n" for number in range(20_000))
    shop.publish("a", "2.0.0", files={"long.js": long})
    words = ["diff", "a@1.0.0", "2.0.0", "--unfold"]
    status, screen = converse(words, [], cwd=shop.repo.path, env={"PAGER": pager})
    assert status == 0
    assert expected in f"\n{screen}"


# note


def test_a_note_taken_offline_is_completed_once(shop: Shop) -> None:
    assert shop.run("note", "a", "--offline", *WORDS).status == 0
    assert "published" not in shop.read("a/1.0.0.toml")
    assert shop.run("note", "a", "--complete").status == 0
    text = shop.read("a/1.0.0.toml")
    assert "published = 2020-01-01T00:00:00" in text
    assert text.index("published") < text.index("why = ")
    assert shop.run("note", "a", "--complete").status == 0
    assert shop.read("a/1.0.0.toml") == text
    done = shop.run("note", "b", "--complete")
    assert (done.status, "there is no note of b" in done.err) == (2, True)


def test_a_note_of_other_bytes_than_are_published_is_not_completed(shop: Shop) -> None:
    assert shop.run("note", "a", "--offline", *WORDS).status == 0
    shop.publish("a", "1.0.0", files={"evil.js": "evil()\n"})
    done = shop.run("note", "a", "--complete")
    assert (done.status, "the registry publishes other bytes than were vetted" in done.err) == (
        1,
        True,
    )
    assert shop.run("note", "a", "--whole", "--criteria", "source", *WORDS[:2]).status == 1


def test_what_a_note_denies_is_added_to_it(shop: Shop) -> None:
    assert shop.run("note", "a", "--offline", *WORDS).status == 0
    for name in ("aa", "ab", "aa"):
        assert shop.run("note", "a", "--not-lookalike-of", name).status == 0
    assert 'not-lookalike-of = ["aa", "ab"]' in shop.read("a/1.0.0.toml")
    (shop.repo.path / ".vetting/notes/a/1.0.0.toml").unlink()
    assert (
        "the note is not in the working tree"
        in shop.run("note", "a", "--not-lookalike-of", "x").err
    )


def test_an_amended_note_without_words_keeps_its_order(shop: Shop) -> None:
    text = note_text("a", integrity=shop._integrity["a", "1.0.0"])
    shop.repo.write(".vetting/notes/a/1.0.0.toml", text.replace("why = ", '"why" = '))
    shop.repo.add()
    assert shop.run("note", "a", "--waive-cooldown", "It closes a hole.").status == 0
    assert shop.read("a/1.0.0.toml").endswith('cooldown-waiver = "It closes a hole."\n')


def test_an_upgrade_without_a_terminal_says_what_a_person_would_have_seen(shop: Shop) -> None:
    assert shop.run("note", "a", "--offline", *WORDS).status == 0
    shop.repo.commit("Adopt")
    shop.publish("a", "2.0.0", files={"CHANGELOG.md": CHANGELOG}, published="2099-01-01T00:00:00Z")
    shop.lock("a@2.0.0", "b@1.0.0")
    done = shop.run("note", "--staged", "-m", "Read the changelog and the script.",
                    "--criteria", "health,changelog,scripts")  # fmt: skip
    assert done.status == 0, done.err
    assert "a 1.0.0 -> 2.0.0: changelog: CHANGELOG.md names 2.0.0" in done.err
    assert "b@1.0.0 runs postinstall: node x.js" in done.err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("note", ""), 2, "names no package"),
        (("note", "@1"), 2, "is neither staged nor locked"),
        (
            ("note", "a", "-m", "It was read.", "--criteria", ""),
            2,
            "-m and --criteria are required",
        ),
        (("note", "c@1.0.0", *WORDS), 3, "c"),
        (("note", "a", "--waive-cooldown", "x"), 2, "--waive-cooldown needs words"),
        (("note", "--to-ref", "HEAD"), 2, "--to-ref needs --from-ref"),
        (("exempt", "c@1.0.0", "--reason", "It is known."), 2, "neither staged nor locked"),
        (("audit", "zz"), 0, ""),
        (("explain", "unvetted", "--format", "json"), 0, ""),
    ],
)
def test_what_is_wrong_is_said(shop: Shop, words: tuple[str, ...], status: int, said: str) -> None:
    done = shop.run(*words)
    assert done.status == status, done.err
    assert said in done.err


def test_a_note_ahead_of_a_lockfile_needs_a_project_to_ask_for(git_repo: GitRepo) -> None:
    git_repo.commit("Empty")
    done = run(git_repo.path, "note", "a@1.0.0", *WORDS)
    assert (done.status, "no project here names a registry to ask" in done.err) == (2, True)


def test_without_a_name_nobody_vets(shop: Shop) -> None:
    shop.repo.git("config", "user.useConfigOnly", "true")
    for key in ("user.name", "user.email"):
        shop.repo.git("config", "--unset", key)
    done = shop.run("note", "a", "--offline", *WORDS)
    assert (done.status, "git does not know who you are" in done.err) == (2, True)


# exempt, prune, audit


def test_what_nothing_binds_is_not_exempted(git_repo: GitRepo) -> None:
    adopt(git_repo)
    write_project(git_repo, {"a": entry("a", resolved=None, integrity=None)})
    git_repo.add()
    done = run(git_repo.path, "exempt", "a@1.0.0", "--reason", "It is known for years.")
    assert (done.status, "has neither a hash nor a source" in done.err) == (2, True)


def test_prune_keeps_what_a_note_starts_from(git_repo: GitRepo) -> None:
    lines = [f"{name}@1.0.0 {sri(f'{name}@1.0.0')} - known for years" for name in "abz"]
    adopt(git_repo, exemptions="".join(f"{line}\n" for line in lines))
    write_project(git_repo, {"a": entry("a", "2.0.0"), "l": entry("l")})
    write_note(git_repo, "a", "2.0.0", from_="1.0.0", criteria=["changelog"],
               brings=[listed("b", "2.0.0", from_="1.0.0"), listed("c")])  # fmt: skip
    git_repo.write(".vetting/notes/x/1.0.0.toml", "package = 1\n")
    git_repo.add()
    assert run(git_repo.path, "prune", "--dry-run").out == "z@1.0.0\n"


def test_audit_tells_who_brought_an_exemption(git_repo: GitRepo) -> None:
    line = f"a@1.0.0 {sri('a@1.0.0')} - known for years\n"
    write_project(git_repo, {"a": entry("a")})
    adopt(git_repo, exemptions=line)
    done = run(git_repo.path, "audit", "a")
    assert done.out.splitlines()[:2] == [
        "a@1.0.0: exempt by .vetting/exemptions.txt", "    | known for years",
    ]  # fmt: skip
    assert f"brought by {git_repo.git('rev-parse', 'HEAD')[:12]} of Ada Example" in done.out
    git_repo.write(".vetting/exemptions.txt", line + line.replace("a@", "b@"))
    git_repo.write(".vetting/notes/b/1.0.0.toml", "package = 1\n")
    git_repo.add()
    assert run(git_repo.path, "audit", "b").out.endswith("    not committed yet\n")
    assert run(git_repo.path, "audit", "zz").out == "zz: no note, group or exemption names it\n"


def test_audit_leaves_out_what_is_covered_until_it_is_asked_for(git_repo: GitRepo) -> None:
    packages = {"a": entry("a", dependencies={"b": "*"}), "b": entry("b")}
    write_project(git_repo, packages, asked=["a"])
    write_note(git_repo, "a", brings=[listed("b")])
    adopt(git_repo)
    short, long = run(git_repo.path, "audit").out, run(git_repo.path, "audit", "-v").out
    assert "and 1 covered transitive package (-v shows them)" in short
    assert "b@1.0.0" not in short
    assert "b@1.0.0" in long


# rebuild


def fake_npm(folder: Path, status: int) -> str:
    """A PATH on which npm ends so; git stays."""
    folder.mkdir()
    file = folder / "npm"
    file.write_text(f"#!/bin/sh\nexit {status}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def approved(repo: GitRepo, *names: str) -> None:
    """A project with packages that declare scripts, each approved by a note."""
    write_project(repo, {name: entry(name, hasInstallScript=True) for name in names})
    for name in names:
        text = note_text(name, criteria=["health", "scripts"], scripts=["postinstall"])
        repo.write(f".vetting/notes/{name.replace('$', '%24')}/1.0.0.toml", text)
    adopt(repo)


def test_rebuild_says_what_the_client_answered(git_repo: GitRepo, tmp_path: Path) -> None:
    approved(git_repo, "a")
    assert run(git_repo.path, "rebuild", "--print").out.startswith("npm rebuild")
    assert run(git_repo.path, "rebuild", PATH=fake_npm(tmp_path / "good", 0)).status == 0
    done = run(git_repo.path, "rebuild", PATH=fake_npm(tmp_path / "bad", 5))
    assert (done.status, done.err.endswith(": exit status 5\n")) == (1, True)
    empty = tmp_path / "empty"
    empty.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        if (git := Path(place, "git")).exists():
            (empty / "git").symlink_to(git)
            break
    done = run(git_repo.path, "rebuild", PATH=str(empty))
    assert (done.status, "npm cannot be run: " in done.err) == (3, True)


def test_rebuild_leaves_out_what_is_not_approved_or_not_of_a_registry(git_repo: GitRepo) -> None:
    exotic = entry("g", resolved="git+ssh://git@x.example/g.git#" + "0" * 40, integrity=None,
                   hasInstallScript=True)  # fmt: skip
    write_project(git_repo, {"a": entry("a", hasInstallScript=True), "b": entry("b"), "g": exotic})
    write_note(git_repo, "a", criteria=["health"])
    write_note(git_repo, "b", criteria=["health", "scripts"], scripts=[])
    adopt(git_repo)
    done = run(git_repo.path, "rebuild", "--print")
    assert (done.status, done.out) == (0, "")


def test_rebuild_writes_no_allow_list_over_what_is_not_staged(git_repo: GitRepo) -> None:
    manifest = {"name": "p", "version": "1.0.0", "dependencies": {"a": "*"}}
    git_repo.write("package.json", json.dumps({**manifest, "packageManager": "bun@1.3.0"}))
    git_repo.write("bun.lock", BUN)
    git_repo.write(".vetting/config.toml", "format = 1\n")
    git_repo.write(
        ".vetting/notes/a/1.0.0.toml",
        note_text("a", criteria=["health", "scripts"], scripts=["postinstall"]),
    )
    git_repo.commit("Adopt")
    assert run(git_repo.path, "rebuild", "--write-allow-list").status == 0
    written = git_repo.git("show", ":package.json")
    assert '"trustedDependencies": [' in written
    git_repo.write("package.json", written.replace('"1.0.0"', '"1.0.1"'))
    done = run(git_repo.path, "rebuild", "--write-allow-list")
    assert (done.status, "changed while the command ran, or not staged" in done.err) == (2, True)
    assert '"1.0.1"' in (git_repo.path / "package.json").read_text()


BUN = f"""\
{{
  "lockfileVersion": 1,
  "workspaces": {{
    "": {{
      "name": "p",
      "dependencies": {{
        "a": "*",
      }},
    }},
  }},
  "packages": {{
    "a": ["a@1.0.0", "", {{}}, "{sri("a@1.0.0")}"],
  }}
}}
"""


def test_an_npm_lockfile_of_two_projects(git_repo: GitRepo) -> None:
    """The project around the current folder is asked first."""
    manifest = {"name": "p", "version": "1.0.0", "dependencies": {"a": "*"}}
    for folder in ("one", "two"):
        git_repo.write(f"{folder}/package.json", json.dumps(manifest))
        git_repo.write(f"{folder}/package-lock.json", lockfile(manifest, {"a": entry("a")}))
    git_repo.add()
    with serving() as server:
        git_repo.write("two/.npmrc", f"registry={server.url}\n")
        git_repo.add()
        done = run(git_repo.path / "two", "inspect", "a")
        assert (done.status, f"{server.url}a" in done.err) == (3, True)
        assert [each.path for each in server.asked] == ["/a"]
