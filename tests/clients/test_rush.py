"""Rush: what the real Rush 5.179 wrote, and what must not pass there."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from npm_vetted.clients import clients, pinned_client
from npm_vetted.clients.rush.commands import RULES
from npm_vetted.model import Location, Pin
from tests.support.git_repo import GitRepo, made_once
from tests.support.npm_projects import check, run, sri, write_note

RUSH = {
    "rushVersion": "5.179.0",
    "pnpmVersion": "9.15.9",
    "projects": [
        {"packageName": "a", "projectFolder": "packages/a"},
        {"packageName": "@acme/b", "projectFolder": "apps/b", "subspaceName": "web"},
    ],
}
CONFIG = "common/config/rush/pnpm-config.json"
LOCK = "common/config/rush/pnpm-lock.yaml"
NPMRC = "common/config/rush/.npmrc"


def lock(*importers: str, up: str = "../..", packages: str = "", settings: str = "") -> str:
    """A lockfile as Rush writes it, with the packages that the importers ask for."""
    asked = {
        "packages/a": "    dependencies:\n      ms:\n        specifier: 1.0.0\n        version: 1.0.0\n",
        "apps/b": "    devDependencies:\n      '@s/x':\n        specifier: ~1.0.0\n        version: 1.0.0\n",
    }
    names = [
        name for name, folder in (("@s/x", "apps/b"), ("ms", "packages/a")) if folder in importers
    ]
    text = (
        "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: false\n"
        "  excludeLinksFromLockfile: false\n\n"
        f"{settings}pnpmfileChecksum: kjiy455cgchvlc7orvc57y6wr4\n\nimporters:\n\n  .: {{}}\n"
    )
    text += "".join(f"\n  {up}/{folder}:\n{asked[folder]}" for folder in sorted(importers))
    text += "\npackages:\n"
    for name in names:
        text += f"\n  '{name}@1.0.0':\n    resolution: {{integrity: {sri(f'{name}@1.0.0')}}}\n"
    text += f"{packages}\nsnapshots:\n" + "".join(f"\n  '{name}@1.0.0': {{}}\n" for name in names)
    return text


@made_once
def adopted(git_repo: GitRepo) -> None:
    """A repository as Rush makes it, adopted."""
    git_repo.write("rush.json", "/* Rush */\n" + json.dumps(RUSH, indent=2))
    git_repo.write(CONFIG, json.dumps({"useWorkspaces": True}))
    git_repo.write(NPMRC, "registry=https://registry.npmjs.org/\nignore-scripts=true\n")
    manifest = {"name": "a", "version": "1.0.0", "dependencies": {"ms": "1.0.0"}}
    git_repo.write("packages/a/package.json", json.dumps(manifest))
    manifest = {"name": "@acme/b", "version": "1.0.0", "devDependencies": {"@s/x": "~1.0.0"}}
    git_repo.write("apps/b/package.json", json.dumps(manifest))
    git_repo.write(LOCK, lock("packages/a", "apps/b"))
    git_repo.commit("Start")
    assert run(git_repo.path, "init").status == 0
    git_repo.commit("Adopt")


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    return adopted(git_repo)


def codes(repo: GitRepo, *words: str) -> list[tuple[str, str, str]]:
    return [
        (each["check"], each["code"], each["path"])
        for each in check(repo, *words).findings
        if each["level"] == "error"
    ]


def configure(repo: GitRepo, **keys: Any) -> None:
    repo.write(CONFIG, json.dumps({"useWorkspaces": True, **keys}))


def test_an_adopted_repository_passes(repo: GitRepo) -> None:
    assert codes(repo, "--all") == []


def test_a_package_that_enters_needs_a_note(repo: GitRepo) -> None:
    manifest = {"name": "a", "dependencies": {"ms": "1.0.0", "new": "1.0.0"}}
    repo.write("packages/a/package.json", json.dumps(manifest))
    assert codes(repo) == [("lockfile-sync", "out-of-date", "packages/a/package.json")]
    text = (
        lock("packages/a", "apps/b")
        .replace(
            "        version: 1.0.0\n\npackages:",
            "        version: 1.0.0\n      new:\n        specifier: 1.0.0\n        version: 1.0.0\n"
            f"\npackages:\n\n  new@1.0.0:\n    resolution: {{integrity: {sri('new@1.0.0')}}}\n",
        )
        .replace("snapshots:\n", "snapshots:\n\n  new@1.0.0: {}\n")
    )
    repo.write(LOCK, text)
    assert codes(repo) == [("unvetted", "new", LOCK)]
    write_note(repo, "new")
    assert codes(repo) == []


def test_a_package_by_another_way_is_rejected(repo: GitRepo) -> None:
    stray = "\n  evil@1.0.0:\n    resolution: {tarball: http://evil.example/x.tgz}\n    version: 1.0.0\n"
    repo.write(LOCK, lock("packages/a", "apps/b", packages=stray))
    assert {code for _, code, _ in codes(repo)} == {
        "halves-differ",
        "host-not-allowed",
        "new",
        "no-hash",
        "unneeded",
    }


def test_settings_of_rush_are_those_of_the_lockfile(repo: GitRepo) -> None:
    configure(repo, globalOverrides={"ms": "2.0.0"})
    assert ("lockfile-sync", "out-of-date", LOCK) in codes(repo)
    repo.write(LOCK, lock("packages/a", "apps/b", settings="overrides:\n  ms: 2.0.0\n\n"))
    assert "overrides" not in str(codes(repo))


@pytest.mark.parametrize(
    ("pnpm", "keys", "code", "key"),
    [
        ("10.34.9", {"globalNeverBuiltDependencies": []}, "allow-all-scripts", "pnpm.neverBuilt"),
        ("10.34.9", {"globalOnlyBuiltDependencies": ["evil"]}, "allows-unlocked", "pnpm.onlyBuilt"),
        ("10.34.9", {"globalOnlyBuiltDependencies": ["ms"]}, "allowance-not-reviewed", "pnpm.only"),
        ("11.28.11", {"globalAllowBuilds": {"ms": True}}, "allowance-not-reviewed", "allowBuilds"),
        ("11.28.11", {"globalOnlyBuiltDependencies": ["ms"]}, "allowance-not-reviewed", "allowBui"),
        ("9.15.9", {"unsupportedPackageJsonSettings": {"x": 1}}, "other-settings", "unsupported"),
        ("9.15.9", {"environmentVariables": {"A": {"value": "1"}}}, "program", "environ"),
        (
            "10.34.9",
            {
                "environmentVariables": {
                    "NPM_CONFIG_DANGEROUSLY_ALLOW_ALL_BUILDS": {"value": "true"}
                }
            },
            "allow-all-scripts",
            "NPM_CONFIG_DANGER",
        ),
        ("9.15.9", {"someKeyOfTheFuture": True}, "unknown-setting", "someKeyOfTheFuture"),
        ("10.34.9", {"minimumReleaseAgeMinutes": 0}, "cooldown-off", "minimumReleaseAge"),
    ],
)
def test_settings_of_pnpm_config(
    repo: GitRepo, pnpm: str, keys: dict[str, Any], code: str, key: str
) -> None:
    repo.write("rush.json", json.dumps({**RUSH, "pnpmVersion": pnpm}))
    if "NeverBuilt" in str(keys):
        repo.write(NPMRC, "\n")
    configure(repo, **keys)
    repo.write(".vetting/exemptions.txt", "")
    found = [each for each in check(repo).findings if each["level"] == "error"]
    told = [(each["code"], each["key"], each["path"]) for each in found]
    assert any(one == code and two.startswith(key) and path == CONFIG for one, two, path in told), (
        told
    )


@pytest.mark.parametrize(
    ("path", "text", "code", "line"),
    [
        (
            NPMRC,
            "a=1\nregistry=http://evil.example/\nignore-scripts=true\n",
            "registry-not-https",
            2,
        ),
        (NPMRC, "ignore-scripts=true\nscript-shell=./x.sh\n", "program", 2),
        (NPMRC, "ignore-scripts=true\n//r.example/:_authToken=abcdef0123\n", "secret", 2),
        ("common/config/rush/.npmrc-publish", "//r.example/:_authToken=abcdef0123\n", "secret", 1),
        ("common/config/rush/.pnpmfile.cjs", "module.exports = {hooks: {}}\n", "program", 1),
        (
            "common/config/rush/rush-plugins.json",
            '{"plugins":\n[{"packageName":"p"}]}',
            "program",
            2,
        ),
        ("rush.json", json.dumps({**RUSH, "eventHooks": {"preRushInstall": ["x"]}}), "program", 1),
        ("rush.json", json.dumps({**RUSH, "eventHooks": {"newHook": ["x"]}}), "program", 1),
        ("rush.json", json.dumps({**RUSH, "pnpmOptions": {"a": 1}}), "other-settings", 1),
        ("rush.json", json.dumps({**RUSH, "npmOptions": {"a": 1}}), "other-settings", 1),
        (
            "common/config/rush/artifactory.json",
            '{"packageRegistry":\n{"enabled": true, "userNpmrcLinesToAdd": ["a=1"]}}',
            "other-settings",
            2,
        ),
        (
            "common/config/rush/artifactory.json",
            '{"packageRegistry":\n{"enabled": true, "registryUrl": "https://evil.example/"}}',
            "registry-not-allowed",
            2,
        ),
    ],
)
def test_other_settings(repo: GitRepo, path: str, text: str, code: str, line: int) -> None:
    repo.write(path, text)
    found = [each for each in check(repo).findings if each["level"] == "error"]
    assert (code, path, line) in [(each["code"], each["path"], each["line"]) for each in found]


def test_the_switch(repo: GitRepo) -> None:
    repo.write(NPMRC, "registry=https://registry.npmjs.org/\n")
    assert codes(repo) == [("ignore-scripts", "scripts-on", NPMRC)]
    assert run(repo.path, "init").status in (0, 1)
    repo.write("rush.json", json.dumps({**RUSH, "pnpmVersion": None}))
    assert ("ignore-scripts", "unreadable", "rush.json") in codes(repo)


def test_the_pnpmfile_of_rush_init_does_nothing(repo: GitRepo) -> None:
    text = (
        "'use strict';\n\n/** When using PNPM … */\nmodule.exports = {\n  hooks: {\n    readPackage\n"
        "  }\n};\n\nfunction readPackage(packageJson, context) {\n\n"
        "  // // The karma types …\n\n  return packageJson;\n}\n"
    )
    repo.write("common/config/rush/.pnpmfile.cjs", text)
    assert codes(repo) == []
    repo.write("common/config/rush/.pnpmfile.cjs", text.replace("return p", "evil(); return p"))
    assert codes(repo) == [("client-settings", "program", "common/config/rush/.pnpmfile.cjs")]


def test_subspaces(repo: GitRepo) -> None:
    repo.git("rm", "-q", LOCK)
    repo.write("common/config/rush/subspaces.json", '{"subspacesEnabled": true}')
    base = "common/config/subspaces"
    repo.write(f"{base}/default/pnpm-lock.yaml", lock("packages/a", up="../../.."))
    repo.write(f"{base}/web/pnpm-lock.yaml", lock("apps/b", up="../../.."))
    assert codes(repo) == []
    assert codes(repo, "--all") == []
    repo.commit("Subspaces")
    repo.write("apps/b/package.json", json.dumps({"name": "@acme/b"}))
    assert codes(repo) == [("lockfile-sync", "out-of-date", "apps/b/package.json")]


def test_rebuild_names_the_pnpm_of_rush(repo: GitRepo) -> None:
    write_note(repo, "ms", scripts=["install"], criteria=["health", "scripts"])
    repo.commit("Note")
    done = run(repo.path, "rebuild", "--print")
    assert done.status == 0
    assert "common/temp/pnpm-local/node_modules/.bin/pnpm -C common/temp -r rebuild" in done.out


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("rush install\n", []),
        ("rush update --full\n", []),
        ("rush build\n", []),
        ("node common/scripts/install-run-rush.js install\n", []),
        (
            "npm_config_ignore_scripts=false node common/scripts/install-run-rush.js install\n",
            ["scripts-on"],
        ),
        ("npm_config_ignore_scripts=false rush install\n", ["scripts-on"]),
        ("RUSH_PREVIEW_VERSION=5.1.0 rush install\n", ["settings-aside"]),
        ("rush-pnpm dlx evil\n", ["unpinned"]),
        ("export RUSH_VARIANT=\nexport RUSH_PNPM_STORE_PATH=$HOME/s\nrush install\n", []),
        ("node common/scripts/install-run-rush-pnpm.js dlx evil\n", ["unpinned"]),
        ("node common/scripts/install-run.js evil evil\n", ["unpinned"]),
    ],
)
def test_commands(repo: GitRepo, text: str, found: list[str]) -> None:
    repo.write("build.sh", f"#!/bin/sh\n{text}")
    assert [each["code"] for each in check(repo, "install-command").findings] == found


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("RUSH_PREVIEW_VERSION", "1", True), ("RUSH_PREVIEW_VERSION", "", True), ("RUSH_VARIANT", "x", True),
        ("RUSH_VARIANT", "", False), ("RUSH_PNPM_VERIFY_STORE_INTEGRITY", "0", True),
        ("RUSH_PNPM_VERIFY_STORE_INTEGRITY", "1", False), ("RUSH_GIT_BINARY_PATH", "./git", True),
        ("RUSH_TAR_BINARY_PATH", "./tar", True), ("_RUSH_LIB_PATH", "./lib", True),
        ("INSTALL_RUN_RUSH_LOCKFILE_PATH", "x.json", True), ("RUSH_GLOBAL_FOLDER", "tools/rush", True),
        ("RUSH_GLOBAL_FOLDER", "/opt/rush", False), ("RUSH_PARALLELISM", "4", False),
    ],
)  # fmt: skip
def test_variables_with_which_rush_runs_something_else(
    name: str, value: str, *, found: bool
) -> None:
    weakness = RULES.weakens(name, value)
    assert (weakness is not None) == found


def test_a_project_without_an_own_lockfile_uses_what_is_locked(repo: GitRepo) -> None:
    manifest = json.loads((repo.path / "packages/a/package.json").read_text())
    repo.write("packages/a/package.json", json.dumps({**manifest, "scripts": {"v": "npx ms"}}))
    assert codes(repo) == []


@pytest.mark.parametrize(
    ("key", "version", "found"),
    [
        ("rushVersion", "5.180.0", [("unvetted", "package-manager", "rush.json")]),
        ("pnpmVersion", "9.15.10", [("unvetted", "package-manager", "rush.json")]),
        ("rushVersion", "^5.180.0", [("client-settings", "program", "rush.json")]),
        ("pnpmVersion", "npm:evil@1.0.0", [("client-settings", "program", "rush.json")]),
    ],
)
def test_the_programs_that_rush_json_names_need_a_note(
    repo: GitRepo, key: str, version: str, found: list[tuple[str, str, str]]
) -> None:
    exempt = (repo.path / ".vetting/exemptions.txt").read_text()
    assert "@microsoft/rush@5.179.0 " in exempt
    assert "pnpm@9.15.9 " in exempt
    repo.write("rush.json", json.dumps({**RUSH, key: version}))
    assert codes(repo) == found
    if found[0][0] == "unvetted":
        name = {"rushVersion": "@microsoft/rush"}.get(key, "pnpm")
        done = run(repo.path, "note", f"{name}@{version}", "--offline", "--waive-cooldown", "urgent security fix",
                   "--criteria", "changelog", "-m", "Its changelog and its release notes were read.")  # fmt: skip
        assert done.status == 0, done.err
        assert codes(repo) == []


@pytest.mark.parametrize(
    "name", ["install-run", "install-run-rush", "install-run-rushx", "install-run-rush-pnpm"]
)
def test_the_scripts_that_fetch_rush_are_bound_by_their_content(repo: GitRepo, name: str) -> None:
    path = f"common/scripts/{name}.js"
    repo.write(path, "// What Rush writes\n")
    (found,) = check(repo).findings
    assert (found["code"], found["path"]) == ("program", path)
    assert found["fix"].splitlines()[0] == "rush update"
    run(repo.path, "accept", found["identity"], "--reason", "As rush update writes it")
    repo.commit("Accept what Rush writes")
    assert codes(repo, "--all") == []
    repo.write(path, "// What Rush writes\nevil()\n")
    assert codes(repo) == [("client-settings", "program", path)]


def test_other_scripts_of_the_repository_are_its_own(repo: GitRepo) -> None:
    repo.write("common/scripts/release.js", "release()\n")
    assert codes(repo) == []


@pytest.mark.parametrize(
    ("client", "major", "name"),
    [
        ("npm", 10, "npm"),
        ("pnpm", 10, "pnpm"),
        ("yarn", 1, "yarn-classic"),
        ("yarn", 4, "yarn-berry"),
    ],
)
def test_a_pin_means_the_client_itself_though_rush_can_run_it(
    client: str, major: int, name: str
) -> None:
    pin = Pin(client, (major, 0, 0), exact=True, enforced=True, location=Location("package.json"))
    found = pinned_client(pin)
    assert found is not None
    assert name == found.NAME
    assert clients()["rush"].fits(pin)


def test_a_configuration_that_extends_another_is_refused(repo: GitRepo) -> None:
    """The real Rush ran the scripts that the other file lets run."""
    configure(repo, extends="../other.json")
    repo.write("common/config/other.json", '{"globalNeverBuiltDependencies": []}')
    done = check(repo)
    assert done.status == 3
    assert "npm-vetted does not read the file that it names" in str(done.findings)


def in_subspaces(repo: GitRepo) -> str:
    """Give each of the two projects a subspace; returns the folder of their lockfiles."""
    base = "common/config/subspaces"
    repo.git("rm", "-q", LOCK)
    repo.write("common/config/rush/subspaces.json", '{"subspacesEnabled": true}')
    repo.write(f"{base}/default/pnpm-lock.yaml", lock("packages/a", up="../../.."))
    repo.write(f"{base}/web/pnpm-lock.yaml", lock("apps/b", up="../../.."))
    repo.commit("Subspaces")
    return base


@pytest.mark.parametrize("name", ["default", "web"])
def test_a_subspace_without_a_lockfile(repo: GitRepo, name: str) -> None:
    path = f"{in_subspaces(repo)}/{name}/pnpm-lock.yaml"
    repo.git("rm", "-q", path)
    assert ("lockfile-sync", "no-lockfile", path) in codes(repo)
    assert ("lockfile-sync", "no-lockfile", path) in codes(repo, "--all")


def test_the_pnpmfile_of_a_subspace_is_a_program(repo: GitRepo) -> None:
    path = f"{in_subspaces(repo)}/web/.pnpmfile.cjs"
    repo.write(path, "require('./.helper.cjs')\n")
    assert codes(repo) == [("client-settings", "program", path)]


def test_what_a_pnpmfile_requires_is_bound_with_it(repo: GitRepo) -> None:
    path = "common/config/rush/.pnpmfile.cjs"
    repo.write(path, "module.exports = require('./.helper.cjs')\n")
    repo.write("common/config/rush/.helper.cjs", "module.exports = {hooks: {}}\n")
    (found,) = check(repo).findings
    assert (
        run(repo.path, "accept", found["identity"], "--reason", "It only renames a package").status
        == 0
    )
    repo.commit("Accept the pnpmfile")
    assert codes(repo, "--all") == []
    repo.write("common/config/rush/.helper.cjs", "evil()\n")
    assert codes(repo) == [("client-settings", "program", path)]


def test_a_variants_lockfile_is_named_as_unread(repo: GitRepo) -> None:
    path = "common/config/rush/variants/old/pnpm-lock.yaml"
    repo.write(path, lock("packages/a"))
    assert codes(repo) == [("lockfile-sync", "unread-lockfile", path)]


def test_the_npmrc_that_goes_takes_the_switch_with_it(repo: GitRepo) -> None:
    repo.write("rush.json", json.dumps({**RUSH, "pnpmVersion": "10.34.9"}))
    configure(repo, globalNeverBuiltDependencies=[])
    repo.write(".vetting/exemptions.txt", "")
    assert not {code for _, code, _ in codes(repo)} & {"allow-all-scripts", "scripts-on"}
    repo.commit("pnpm 10, with the switch in .npmrc")
    repo.git("rm", "-q", NPMRC)
    assert ("ignore-scripts", "allow-all-scripts", CONFIG) in codes(repo)


def test_a_switch_that_depends_on_a_variable_does_not_count(repo: GitRepo) -> None:
    """Rush leaves the line out where the variable is not set, and the scripts ran."""
    repo.write(NPMRC, "ignore-scripts=true ; ${UNSET}\n")
    assert codes(repo) == [("ignore-scripts", "scripts-on", NPMRC)]
    repo.write(NPMRC, "# ${X}\nignore-scripts=true\n//r.example/:_authToken=${TOKEN}\n")
    assert ("ignore-scripts", "scripts-on", NPMRC) not in codes(repo)


def test_the_commands_of_command_line_json_are_read(repo: GitRepo) -> None:
    path = "common/config/rush/command-line.json"
    command = {"commandKind": "global", "name": "x", "shellCommand": "npx evil"}
    repo.write(path, json.dumps({"commands": [command]}))
    assert codes(repo) == [("install-command", "unpinned", path)]


TOOLS = "common/autoinstallers/tools"


def autoinstaller(version: str = "1.0.0") -> dict[str, str]:
    """The files of one, as ``rush update-autoinstaller`` writes them."""
    manifest = {
        "name": "tools",
        "version": "1.0.0",
        "private": True,
        "dependencies": {"ms": version},
    }
    text = (
        "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n"
        "  excludeLinksFromLockfile: false\n\nimporters:\n\n  .:\n    dependencies:\n"
        f"      ms:\n        specifier: {version}\n        version: {version}\n\npackages:\n\n"
        f"  ms@{version}:\n    resolution: {{integrity: {sri(f'ms@{version}')}}}\n\nsnapshots:\n\n"
        f"  ms@{version}: {{}}\n"
    )
    return {f"{TOOLS}/package.json": json.dumps(manifest), f"{TOOLS}/pnpm-lock.yaml": text}


def write(repo: GitRepo, files: dict[str, str]) -> None:
    for path, text in files.items():
        repo.write(path, text)


def test_an_autoinstaller_obeys_the_common_settings(repo: GitRepo) -> None:
    """Rush copies the common .npmrc over its own, which ``rush init`` keeps out of git."""
    write(repo, autoinstaller())
    assert codes(repo) == []
    assert codes(repo, "--all") == []
    assert run(repo.path, "init").status == 0
    assert not (repo.path / TOOLS / ".npmrc").exists()
    repo.commit("Tools")
    write(repo, autoinstaller("1.0.1"))
    assert codes(repo) == [("unvetted", "upgraded", f"{TOOLS}/pnpm-lock.yaml")]


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        (f"{TOOLS}/.npmrc", "registry=https://evil.example/\n", []),
        (f"{TOOLS}/pnpm-lock.yaml", "", [("lockfile-sync", "no-lockfile", f"{TOOLS}/package.json")]),
        (f"{TOOLS}/package.json", '{"name": "tools", "dependencies": {"ms": "2.0.0"}}',
         [("lockfile-sync", "out-of-date", f"{TOOLS}/package.json")]),
        (f"{TOOLS}/package.json",
         '{"name": "tools", "dependencies": {"ms": "1.0.0"}, "pnpm": {"neverBuiltDependencies": []}}',
         []),
        (f"{TOOLS}/.pnpmfile.cjs", "evil()\n", [("client-settings", "program", f"{TOOLS}/.pnpmfile.cjs")]),
        ("pnpm-workspace.yaml", "packages: [common/autoinstallers/*]\n",
         [("client-settings", "other-settings", "pnpm-workspace.yaml")]),
    ],
)  # fmt: skip
def test_what_an_autoinstaller_may_not_have(
    repo: GitRepo, path: str, text: str, found: list[tuple[str, str, str]]
) -> None:
    write(repo, autoinstaller())
    repo.commit("Tools")
    if text:
        repo.write(path, text)
    else:
        repo.git("rm", "-q", path)
    assert codes(repo) == found


@pytest.mark.parametrize("version", ["9.15.9", "10.34.9", "11.28.11"])
def test_what_install_run_installs_by_npm_runs_no_scripts(repo: GitRepo, version: str) -> None:
    repo.write("rush.json", json.dumps({**RUSH, "pnpmVersion": version}))
    repo.write("common/scripts/install-run.js", "// Rush's own\n")
    repo.write(NPMRC, "ignore-scripts=${X-true}\n")
    repo.git("rm", "-rq", "--cached", ".vetting")
    shutil.rmtree(repo.path / ".vetting")
    repo.commit("Start")
    done = run(repo.path, "init")
    assert done.status == 0, done.err
    assert (repo.path / NPMRC).read_text().endswith("ignore-scripts=true\n")
    repo.commit("Adopt")
    assert codes(repo, "--all") == []
    repo.write(NPMRC, "ignore-scripts=${X-true}\n")
    assert codes(repo) == [("ignore-scripts", "scripts-on", NPMRC)]


def test_a_lockfile_of_npm_at_the_top_is_of_the_tools_there(repo: GitRepo) -> None:
    """``npm install`` beside rush.json: the projects stay Rush's, and its settings are the common ones."""
    tool = {"version": "1.0.0", "integrity": sri("tool@1.0.0"),
            "resolved": "https://registry.npmjs.org/tool/-/tool-1.0.0.tgz"}  # fmt: skip
    manifest = {"name": "top", "devDependencies": {"tool": "1.0.0"}}
    packages = {"": manifest, "node_modules/tool": {**tool, "dev": True}}
    locked = {"name": "top", "lockfileVersion": 3, "requires": True, "packages": packages}
    repo.write("package.json", json.dumps(manifest))
    repo.write("package-lock.json", json.dumps(locked))
    repo.write(".npmrc", "ignore-scripts=true\n")
    assert codes(repo) == [("unvetted", "new", "package-lock.json")]
    repo.write("package.json", json.dumps({**manifest, "devDependencies": {"tool": "2.0.0"}}))
    assert ("lockfile-sync", "out-of-date", "package.json") in codes(repo)
    repo.write("package.json", json.dumps(manifest))
    repo.write(
        "packages/a/package.json", json.dumps({"name": "a", "dependencies": {"ms": "2.0.0"}})
    )
    assert ("lockfile-sync", "out-of-date", "packages/a/package.json") in codes(repo)
