"""``npm-vetted init``: what it carries over, what it names, and what it leaves as it was."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest

from npm_vetted.cli import main
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import write_project

SRI: Final = "sha512-" + "A" * 86 + "=="
OTHER: Final = "sha512-" + "B" * 86 + "=="
GIT: Final = "git+ssh://git@github.com/acme/tool.git#" + "0123456789" * 4
REGISTRY: Final = "https://registry.npmjs.org"


def vetted(repo: GitRepo, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command there, in this process: the same code, without the interpreter's start."""
    said, errors = StringIO(), StringIO()
    with contextlib.chdir(repo.path), redirect_stdout(said), redirect_stderr(errors):
        status = main(arguments)
    return subprocess.CompletedProcess(arguments, status, said.getvalue(), errors.getvalue())


def manifest(**fields: object) -> str:
    return json.dumps({"name": "shop", "version": "1.0.0", "private": True, **fields}, indent=2)


def npm_lock(asked: dict[str, str], packages: dict[str, dict[str, object]]) -> str:
    """A package-lock.json of version 3, as npm writes it."""
    root = {"name": "shop", "version": "1.0.0", "dependencies": asked}
    found = {"": root} | {f"node_modules/{name}": each for name, each in packages.items()}
    data = {"name": "shop", "version": "1.0.0", "lockfileVersion": 3, "packages": found}
    return json.dumps(data, indent=2)


def locked(name: str, version: str = "1.0.0", **fields: object) -> dict[str, object]:
    tarball = f"{REGISTRY}/{name}/-/{name}-{version}.tgz"
    return {"version": version, "resolved": tarball, "integrity": SRI, **fields}


def npm_project(repo: GitRepo, folder: str = "", *names: str) -> None:
    """A project with these packages, all direct."""
    names = names or ("ms",)
    asked = dict.fromkeys(names, "^1.0.0")
    place = f"{folder}/" if folder else ""
    repo.write(f"{place}package.json", manifest(dependencies=asked))
    lock = npm_lock(asked, {name: locked(name) for name in names})
    repo.write(f"{place}package-lock.json", lock)


def exemptions(repo: GitRepo) -> list[str]:
    """The exempted ``name@version``."""
    file = repo.path / ".vetting/exemptions.txt"
    return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []


def ignored(repo: GitRepo) -> list[dict[str, Any]]:
    """The exceptions of the policy."""
    config = tomllib.loads((repo.path / ".vetting/config.toml").read_text())
    entries: list[dict[str, Any]] = config.get("ignore", [])
    return entries


def adopt(repo: GitRepo, status: int = 0) -> str:
    """Adopt, commit what was written, and see that everything holds; what init said."""
    done = vetted(repo, "init")
    assert done.returncode == status, done.stderr
    repo.commit("Adopt npm-vetted", add=False)
    if status == 0:
        check = vetted(repo, "check", "--all")
        assert check.returncode == 0, check.stdout + check.stderr
    return done.stderr


def files(repo: GitRepo) -> dict[str, bytes]:
    """Every file of the working tree."""
    return {
        path.relative_to(repo.path).as_posix(): path.read_bytes()
        for path in repo.path.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(repo.path).parts
    }


def test_what_is_locked_is_exempt_and_scripts_are_off(git_repo: GitRepo) -> None:
    npm_project(git_repo, "", "ms", "debug")
    git_repo.commit("A shop")
    said = adopt(git_repo)
    assert exemptions(git_repo) == ["debug@1.0.0", "ms@1.0.0"]
    assert (git_repo.path / ".npmrc").read_text() == "ignore-scripts=true\nmin-release-age=7\n"
    assert "exempted 2 packages that are locked" in said
    assert git_repo.git("status", "--porcelain") == ""


def test_a_second_run_changes_nothing(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.commit("A shop")
    adopt(git_repo)
    before = files(git_repo)
    done = vetted(git_repo, "init")
    assert (done.returncode, files(git_repo)) == (0, before)
    assert "adopted" in done.stderr
    assert git_repo.git("status", "--porcelain") == ""


def test_an_interrupted_adoption_is_taken_up(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.commit("A shop")
    vetted(git_repo, "init")
    staged = git_repo.git("write-tree")
    vetted(git_repo, "init")
    assert git_repo.git("write-tree") == staged


def test_no_commits_yet(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.add()
    adopt(git_repo)
    assert exemptions(git_repo) == ["ms@1.0.0"]


def test_nothing_is_staged_yet(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    assert vetted(git_repo, "init").returncode == 0
    git_repo.commit("A shop, guarded")
    check = vetted(git_repo, "check", "--all")
    assert (check.returncode, exemptions(git_repo)) == (0, ["ms@1.0.0"]), check.stdout


def test_no_project_at_all(git_repo: GitRepo) -> None:
    git_repo.write("README.md", "# Nothing of npm's\n")
    git_repo.commit("Start")
    adopt(git_repo)
    assert exemptions(git_repo) == []
    assert not (git_repo.path / ".npmrc").exists()


def test_outside_of_a_repository(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "npm_vetted", "init"], cwd=tmp_path, capture_output=True, text=True,
        check=False, timeout=60, env={"PATH": "/usr/bin:/bin", "GIT_CEILING_DIRECTORIES": "/"},
    )  # fmt: skip
    assert done.returncode in (2, 3)
    assert "git" in done.stderr
    assert list(tmp_path.iterdir()) == []


YARN_CLASSIC: Final = f"""\
# yarn lockfile v1


once@^1.0.0:
  version "1.4.0"
  resolved "https://registry.yarnpkg.com/once/-/once-1.4.0.tgz#583b1aa775961d4b113ac17d9c50baef9dd76bd1"
  integrity {SRI}
"""
YARN_BERRY: Final = f"""\
__metadata:
  version: 8
  cacheKey: 10c0

"once@npm:^1.0.0":
  version: 1.4.0
  resolution: "once@npm:1.4.0"
  checksum: 10c0/{"5d" * 64}
  languageName: node
  linkType: hard

"shop@workspace:.":
  version: 0.0.0-use.local
  resolution: "shop@workspace:."
  dependencies:
    once: ^1.0.0
  languageName: unknown
  linkType: soft
"""
PNPM: Final = f"""\
lockfileVersion: '9.0'

settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false

importers:

  .:
    dependencies:
      once:
        specifier: ^1.0.0
        version: 1.4.0

packages:

  once@1.4.0:
    resolution: {{integrity: {SRI}}}

snapshots:

  once@1.4.0: {{}}
"""
BUN: Final = f"""\
{{
  "lockfileVersion": 1,
  "workspaces": {{
    "": {{
      "name": "shop",
      "dependencies": {{
        "once": "^1.0.0",
      }},
    }},
  }},
  "packages": {{
    "once": ["once@1.4.0", "", {{}}, "{SRI}"],
  }}
}}
"""
CLIENTS: Final = {
    "pnpm": ("pnpm-lock.yaml", PNPM, ".npmrc"),
    "classic": ("yarn.lock", YARN_CLASSIC, ".yarnrc"),
    "berry": ("yarn.lock", YARN_BERRY, ".yarnrc.yml"),
    "bun": ("bun.lock", BUN, "package.json"),
}


def test_several_projects_with_different_clients(git_repo: GitRepo) -> None:
    npm_project(git_repo, "npm")
    for folder, (name, lockfile, _) in CLIENTS.items():
        git_repo.write(f"{folder}/package.json", manifest(dependencies={"once": "^1.0.0"}))
        git_repo.write(f"{folder}/{name}", lockfile)
    git_repo.commit("Five shops")
    adopt(git_repo)
    assert set(exemptions(git_repo)) == {"ms@1.0.0", "once@1.4.0"}
    written = git_repo.git("show", "--format=", "--name-only", "HEAD").split()
    switches = {f"{folder}/{switch}" for folder, (_, _, switch) in CLIENTS.items()}
    assert {"npm/.npmrc", "bun/bunfig.toml", *switches} == set(written) - {
        ".vetting/config.toml",
        ".vetting/exemptions.txt",
    }


@pytest.mark.parametrize(
    ("path", "content"),
    [
        pytest.param("package-lock.json", "{ not json", id="no JSON"),
        pytest.param("package-lock.json", '{"lockfileVersion": 99, "packages": {}}', id="newer"),
        pytest.param("package-lock.json", "<<<<<<< ours\n", id="a merge conflict"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_adopted(
    git_repo: GitRepo, path: str, content: str
) -> None:
    npm_project(git_repo)
    npm_project(git_repo, "other", "debug")
    git_repo.write("other/Dockerfile", "FROM node:22\nRUN npm install -g evil\n")
    git_repo.write(path, content)
    git_repo.commit("A shop in ruins")
    done = vetted(git_repo, "init")
    assert done.returncode == 1
    assert f"  {path}:1: " in done.stderr.partition("fix this before you commit")[2]
    assert done.stderr.count(f"{path}:1: ") == 1
    assert exemptions(git_repo) == ["debug@1.0.0"]
    assert (
        "install-command/scripts-run other/Dockerfile"
        in (git_repo.path / ".vetting/baseline.txt").read_text()
    )
    npm_project(git_repo)
    git_repo.commit("Repaired")
    [found] = json.loads(vetted(git_repo, "check", "--all", "--format", "json").stdout)["findings"]
    assert (found["check"], found["package"]) == ("unvetted", "ms")


def test_a_broken_fixture_is_excluded_as_the_report_says(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    npm_project(git_repo, "fixtures/broken", "debug")
    git_repo.write("fixtures/broken/package-lock.json", "{ not json")
    git_repo.commit("A shop with a fixture")
    done = vetted(git_repo, "init")
    assert done.returncode == 1
    told = done.stderr.partition("for a template or a fixture")[2].splitlines()[1:4]
    assert told == ["  [[exclude]]", '  path = "fixtures/broken/**"', '  reason = "..."']
    config = git_repo.path / ".vetting/config.toml"
    lines = "\n".join(told).replace("...", "a fixture of our parser")
    config.write_text(f"{config.read_text()}\n{lines}\n")
    assert vetted(git_repo, "init").returncode == 0
    git_repo.commit("Adopt npm-vetted")
    assert vetted(git_repo, "check", "--all").returncode == 0


def test_where_nothing_can_be_read_nothing_is_written(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.write("package-lock.json", "{ not json")
    git_repo.commit("A shop in ruins")
    before = files(git_repo)
    done = vetted(git_repo, "init")
    assert done.returncode == 3
    assert "package-lock.json:" in done.stderr
    assert (files(git_repo), git_repo.git("status", "--porcelain")) == (before, "")


def test_settings_that_cannot_be_written_stop_no_other_project(git_repo: GitRepo) -> None:
    path, content = ".npmrc", b"\xff\xfe\0"
    npm_project(git_repo)
    npm_project(git_repo, "other", "debug")
    git_repo.write(path, content)
    git_repo.commit("A shop with odd settings")
    done = vetted(git_repo, "init")
    assert done.returncode == 1
    assert path in done.stderr.partition("fix this before you commit")[2]
    assert (git_repo.path / "other/.npmrc").exists()
    assert exemptions(git_repo) == ["debug@1.0.0", "ms@1.0.0"]


@pytest.mark.parametrize("path", ["templates/{{name}}/package.json", "test/broken/package.json"])
def test_a_manifest_that_cannot_be_read_is_excluded_and_named(git_repo: GitRepo, path: str) -> None:
    npm_project(git_repo)
    git_repo.write(path, '{"name": {{name}}}')
    git_repo.commit("A template")
    said = adopt(git_repo)
    assert f"{path}:1: " in said
    config = tomllib.loads((git_repo.path / ".vetting/config.toml").read_text())
    assert [each["path"] for each in config["exclude"]] == [path]
    assert not (git_repo.path / path).with_name(".npmrc").exists()


def test_templates_are_excluded_and_get_no_settings(git_repo: GitRepo) -> None:
    """They are copied to where they are installed; a fixture with a lockfile may be installed from."""
    npm_project(git_repo)
    npm_project(git_repo, "fixtures/installed", "debug")
    for number in range(9):
        manifest = '{"name": "t", "dependencies": {"vue": "^3.0.0"}}'
        git_repo.write(f"create/template-{number}/package.json", manifest)
    git_repo.commit("A generator")
    said = adopt(git_repo)
    config = tomllib.loads((git_repo.path / ".vetting/config.toml").read_text())
    paths = [each["path"] for each in config["exclude"]]
    assert paths == [f"create/template-{number}" for number in range(9)]
    assert [path for path in files(git_repo) if path.endswith(".npmrc")] == [
        ".npmrc", "fixtures/installed/.npmrc",
    ]  # fmt: skip
    assert "and 5 more: git diff --cached" in said
    assert "ignore" not in config
    git_repo.commit("Adopt npm-vetted")
    assert vetted(git_repo, "check", "--all").returncode == 0


def test_many_findings_are_counted_and_told_with_v(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    for number in range(40):
        git_repo.write(f"jobs/{number}.sh", "npm install -g left-pad\n")
    start = git_repo.commit("Many jobs")
    said = adopt(git_repo)
    assert len(said.splitlines()) <= 24, said
    assert "jobs/0.sh:1 and 39 files more" in said
    git_repo.git("reset", "-q", "--hard", start)
    assert "jobs/39.sh:1: " in vetted(git_repo, "init", "-v").stderr


def test_what_no_exemption_can_bind_is_one_paragraph(git_repo: GitRepo) -> None:
    write_project(git_repo, {f"p{at}": {"version": "1.0.0"} for at in range(40)})
    git_repo.commit("Hashes are lost")
    said = vetted(git_repo, "init").stderr
    assert "neither a hash nor a source of these" in said
    assert "and 36 more: .vetting/baseline.txt" in said
    assert len(said.splitlines()) <= 24, said


def test_without_exclusions_it_is_named(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.write("test/broken/package.json", "{")
    git_repo.commit("A broken fixture")
    done = vetted(git_repo, "init", "--no-exclude")
    assert done.returncode == 1
    assert "test/broken/package.json:" in done.stderr


def test_a_literal_token_is_named_and_never_accepted(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.write(".npmrc", "# ours\n//registry.npmjs.org/:_authToken=npm_abcdefghijklmnop\n")
    git_repo.commit("A shop with its key in the door")
    said = adopt(git_repo, status=1)
    assert ".npmrc:2: " in said
    assert "npm_abcdefghijklmnop" not in said
    assert "fix this before you commit" in said
    assert [each for each in ignored(git_repo) if each["check"] == "client-settings"] == []
    assert vetted(git_repo, "check", "--all").returncode == 1


def test_a_comment_in_the_settings_stays(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.write(".npmrc", "# why we save exact versions\nsave-exact=true\n")
    git_repo.commit("A shop")
    adopt(git_repo)
    text = (git_repo.path / ".npmrc").read_text()
    assert text.startswith("# why we save exact versions\nsave-exact=true\n")
    assert "ignore-scripts=true" in text


def test_an_install_that_is_not_staged_is_not_adopted(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.commit("A shop")
    npm_project(git_repo, "", "ms", "stranger")
    adopt(git_repo)
    assert exemptions(git_repo) == ["ms@1.0.0"]
    assert "stranger" in (git_repo.path / "package-lock.json").read_text()
    assert git_repo.git("diff", "--name-only").split() == ["package-lock.json", "package.json"]
    git_repo.add()
    check = vetted(git_repo, "check")
    assert check.returncode == 1
    assert "stranger@1.0.0" in check.stdout


def test_what_the_index_locks_and_the_working_tree_no_more_is_adopted(git_repo: GitRepo) -> None:
    npm_project(git_repo, "", "ms", "debug")
    git_repo.commit("A shop")
    npm_project(git_repo)
    adopt(git_repo)
    assert exemptions(git_repo) == ["debug@1.0.0", "ms@1.0.0"]
    assert ignored(git_repo) == []


def test_a_policy_that_is_there_already_is_kept(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    text = "# ours\nformat = 1\n\n[policy]\ncooldown-days = 30  # we wait\n"
    git_repo.write(".vetting/config.toml", text)
    git_repo.commit("A shop with a policy")
    before = files(git_repo)
    done = vetted(git_repo, "init")
    assert done.returncode == 0
    after = files(git_repo)
    assert after.pop(".npmrc") == b"ignore-scripts=true\n"
    assert after == before


def test_a_policy_that_is_written_but_not_committed_is_what_is_adopted(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    npm_project(git_repo, "templates/app", "stranger")
    git_repo.commit("A shop with templates")
    text = 'format = 1\n\n# templates\n[[exclude]]\npath = "templates/**"\nreason = "templates"\n'
    git_repo.write(".vetting/config.toml", text)
    adopt(git_repo)
    assert exemptions(git_repo) == ["ms@1.0.0"]
    assert (git_repo.path / ".vetting/config.toml").read_text() == text
    assert not (git_repo.path / "templates/app/.npmrc").exists()


def test_a_policy_that_is_wrong_is_named(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.commit("A shop")
    git_repo.write(".vetting/config.toml", "format = 1\n\n[polcy]\n")
    before = files(git_repo)
    done = vetted(git_repo, "init")
    assert (done.returncode, files(git_repo)) == (2, before)
    assert ".vetting/config.toml:3: " in done.stderr


def test_the_projects_own_scripts_are_named_with_the_command_instead(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    scripts = {"prepare": "husky", "build": "tsc", "postbuild": "cp a b", "test": "jest"}
    asked = {"ms": "^1.0.0"}
    git_repo.write("package.json", manifest(dependencies=asked, scripts=scripts))
    git_repo.commit("A shop with husky")
    said = [line for line in adopt(git_repo).splitlines() if line.startswith("  package.json:")]
    assert said == [
        "  package.json: 'postbuild': after npm run build, run: npm run postbuild",
        "  package.json: 'prepare': after an install, run: npm run prepare",
    ]


@pytest.mark.parametrize(
    ("client", "stopped"),
    [
        ("pnpm", []),
        ("berry", []),
        ("bun", []),
        ("classic", ["'prepack'", "'prepare'"]),
    ],
)
def test_which_of_the_projects_own_scripts_stop_depends_on_the_client(
    git_repo: GitRepo, client: str, stopped: list[str]
) -> None:
    name, lockfile, _ = CLIENTS[client]
    scripts = {"prepare": "a", "prepack": "a", "version": "a", "build": "a", "postbuild": "a"}
    git_repo.write("package.json", manifest(dependencies={"once": "^1.0.0"}, scripts=scripts))
    git_repo.write(name, lockfile)
    git_repo.commit("A shop")
    said = adopt(git_repo)
    assert re.findall(r"  package.json: ('\w+'): ", said) == stopped
    assert ("the project's own scripts still run" in said) is not bool(stopped)


def test_dependencies_with_scripts_are_named_with_the_commands_to_review_each(
    git_repo: GitRepo,
) -> None:
    asked = {"ms": "^1.0.0", "@acme/esbuild": "^1.0.0"}
    git_repo.write("package.json", manifest(dependencies=asked))
    found = {"ms": locked("ms"), "@acme/esbuild": locked("@acme/esbuild", hasInstallScript=True)}
    found["@acme/esbuild"]["resolved"] = f"{REGISTRY}/@acme/esbuild/-/esbuild-1.0.0.tgz"
    git_repo.write("package-lock.json", npm_lock(asked, found))
    git_repo.commit("A shop that builds")
    [line] = [each for each in adopt(git_repo).splitlines() if "@acme/esbuild@1.0.0: " in each]
    commands = line.partition(": ")[2].split("; ")
    assert [each.partition("npm-vetted ")[2] for each in commands] == [
        'inspect "@acme/esbuild@1.0.0"',
        'note "@acme/esbuild@1.0.0" --criteria health,scripts',
    ]


def test_a_company_registry_that_is_in_use_is_allowed(git_repo: GitRepo) -> None:
    url = "https://acme.example/npm/"
    asked = {"ms": "^1.0.0"}
    entry = locked("ms", resolved=f"{url}ms/-/ms-1.0.0.tgz")
    git_repo.write("package.json", manifest(dependencies=asked))
    git_repo.write("package-lock.json", npm_lock(asked, {"ms": entry}))
    git_repo.write(".npmrc", f"registry={url}\n")
    git_repo.commit("A shop with its own registry")
    said = adopt(git_repo)
    assert f"  {url}\n" in said
    config = tomllib.loads((git_repo.path / ".vetting/config.toml").read_text())
    assert config["registries"]["allowed"] == ["https://registry.npmjs.org/", url]
    assert not (git_repo.path / ".vetting/baseline.txt").exists()


@pytest.mark.parametrize("url", ["http://acme.example/", "https://me:secret@acme.example/", "${R}"])
def test_a_registry_that_is_no_good_is_not_allowed(git_repo: GitRepo, url: str) -> None:
    npm_project(git_repo)
    git_repo.write(".npmrc", f"registry={url}\n")
    git_repo.commit("A shop with an odd registry")
    done = vetted(git_repo, "init")
    config = tomllib.loads((git_repo.path / ".vetting/config.toml").read_text())
    assert config["registries"]["allowed"] == ["https://registry.npmjs.org/"]
    assert "secret@" not in done.stderr


def test_the_scopes_of_workspaces_are_suggested_as_first_party(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    asked = {"ms": "^1.0.0"}
    git_repo.write("package.json", manifest(dependencies=asked, workspaces=["packages/*"]))
    git_repo.write("packages/a/package.json", json.dumps({"name": "@acme/a", "version": "1.0.0"}))
    git_repo.write(".npmrc", "@acme:registry=https://npm.acme.example/\n")
    git_repo.commit("Workspaces")
    done = vetted(git_repo, "init")
    assert done.returncode == 0, done.stderr
    lines = [each.strip() for each in done.stderr.splitlines()]
    start = lines.index("[[first-party]]")
    table = tomllib.loads("\n".join(lines[start : start + 3]))
    assert table == {
        "first-party": [{"scopes": ["@acme"], "registry": "https://npm.acme.example/"}]
    }


def test_a_project_without_dependencies_gets_its_settings(git_repo: GitRepo) -> None:
    git_repo.write("package.json", manifest())
    git_repo.write("src/package.json", '{"type": "module"}')
    git_repo.commit("A shop that begins")
    adopt(git_repo)
    assert (git_repo.path / ".npmrc").read_text() == "ignore-scripts=true\nmin-release-age=7\n"
    assert not (git_repo.path / "src/.npmrc").exists()


def test_each_thing_is_counted_once(git_repo: GitRepo) -> None:
    git_repo.write("package.json", manifest(dependencies={"ms": "^2.0.0"}))
    npm_project(git_repo, "a", "ms", "debug")
    npm_project(git_repo, "b", "ms", "debug")
    git_repo.commit("Three shops, one without a lockfile")
    said = adopt(git_repo)
    assert len(exemptions(git_repo)) == 3
    assert "exempted 3 packages" in said
    assert said.count("exempted") == 1


def test_a_git_dependency_is_carried_over(git_repo: GitRepo) -> None:
    asked = {"tool": "github:acme/tool"}
    git_repo.write("package.json", manifest(dependencies=asked))
    entry: dict[str, object] = {"version": "1.0.0", "resolved": GIT}
    git_repo.write("package-lock.json", npm_lock(asked, {"tool": entry}))
    git_repo.commit("A shop with a tool from git")
    adopt(git_repo)
    assert exemptions(git_repo) == ["tool@1.0.0"]
    moved = GIT.replace("0123456789", "9876543210", 1)
    entry["resolved"] = moved
    git_repo.write("package-lock.json", npm_lock(asked, {"tool": entry}))
    git_repo.add()
    check = vetted(git_repo, "check", "--format", "json")
    assert {each["check"] for each in json.loads(check.stdout)["findings"]} >= {"unvetted"}


def test_what_else_is_found_is_accepted_at_adoption(git_repo: GitRepo) -> None:
    asked = {"ms": "^1.0.0"}
    git_repo.write("package.json", manifest(dependencies={**asked, "debug": "^4.0.0"}))
    git_repo.write("package-lock.json", npm_lock(asked, {"ms": locked("ms")}))
    git_repo.write("Dockerfile", "FROM node:22\nRUN npm install -g evil\n")
    git_repo.commit("A shop out of step")
    adopt(git_repo)
    assert ignored(git_repo) == []
    lines = (git_repo.path / ".vetting/baseline.txt").read_text().splitlines()
    assert [line.split(" ")[:2] for line in lines] == [
        ["install-command/scripts-run", "Dockerfile"],
        ["lockfile-sync/out-of-date", "package.json"],
        ["lockfile-sync/out-of-date", "package.json"],
    ]
    assert vetted(git_repo, "check", "--all").returncode == 0
    git_repo.write(
        "Dockerfile", "FROM node:22\nRUN npm install -g evil\nRUN npm install -g worse\n"
    )
    git_repo.add()
    [found] = json.loads(vetted(git_repo, "check", "--format", "json").stdout)["findings"]
    assert (found["code"], found["line"]) == ("scripts-run", 3)


def test_a_library_without_a_lockfile(git_repo: GitRepo) -> None:
    git_repo.write("package.json", manifest(dependencies={"ms": "^2.0.0"}))
    git_repo.commit("A library")
    adopt(git_repo)
    assert [each["check"] for each in ignored(git_repo)] == ["lockfile-sync"]
    git_repo.write("package.json", manifest(dependencies={"ms": "^2.0.0", "left": "^1.0.0"}))
    git_repo.add()
    check = vetted(git_repo, "check")
    assert check.returncode == 1
    assert "left" in check.stdout


def test_only_the_settings(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.commit("A shop")
    done = vetted(git_repo, "init", "--settings")
    assert done.returncode == 0
    assert git_repo.git("diff", "--cached", "--name-only").split() == [".npmrc"]
    assert not (git_repo.path / ".vetting").exists()


def test_from_a_folder_below(git_repo: GitRepo) -> None:
    npm_project(git_repo)
    git_repo.write("src/index.js", "")
    git_repo.commit("A shop")
    done = vetted(git_repo, "-C", "src", "init")
    assert done.returncode == 0
    assert exemptions(git_repo) == ["ms@1.0.0"]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights on Windows")
def test_no_symbolic_link_is_followed(git_repo: GitRepo, tmp_path: Path) -> None:
    npm_project(git_repo)
    outside = tmp_path / "outside"
    outside.mkdir()
    (git_repo.path / ".vetting").symlink_to(outside)
    git_repo.commit("A shop with a trap")
    done = vetted(git_repo, "init")
    assert done.returncode != 0
    assert ".vetting" in done.stderr
    assert list(outside.iterdir()) == []
