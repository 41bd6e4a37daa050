"""pnpm's settings: whatever ``scripts_run`` passes, no real pnpm ran a dependency's script."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from npm_vetted.clients.pnpm import client as pnpm
from npm_vetted.errors import UndecidedError
from npm_vetted.model import Level, Location, Project
from npm_vetted.packages.manifest import read_manifest, read_pin
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check
from tests.support.real_clients import Clients, Marker

VERSIONS = {"pnpm9": "9.15.9", "pnpm10": "10.34.9", "pnpm11": "11.28.11", "pnpm12": "12.21.0"}
LATER = ("pnpm10", "pnpm11", "pnpm12")
OFF = "ignore-scripts=true\n"
ROOT = "packages:\n  - .\n"
"""What pnpm 9 wants of a pnpm-workspace.yaml, whatever else is there."""


def project_in(root: Path) -> Project:
    """The project that a folder is, as the working tree holds it."""

    def read(path: str) -> bytes | None:
        file = root / path
        return file.read_bytes() if file.is_file() else None

    manifest = read_manifest("package.json", (root / "package.json").read_bytes())
    members = {
        file.parent.relative_to(root).as_posix(): read_manifest(
            file.relative_to(root).as_posix(), file.read_bytes()
        )
        for file in sorted(root.glob("packages/*/package.json"))
    }
    return Project(
        path="",
        manifest=manifest,
        members=members,
        client="pnpm",
        lockfiles=("pnpm-lock.yaml",),
        pin=read_pin(manifest),
        read=read,
    )


@dataclass(frozen=True)
class Given:
    """The files of a project; ``SPEC`` stands for what depends on the marker."""

    npmrc: str = ""
    workspace: str = ""
    pnpm: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def write(self, root: Path, pin: str | None, marker: Marker | None = None) -> Project:
        specifier = marker.specifier if marker else "file:./marker.tgz"
        manifest: dict[str, object] = {"name": "p", "dependencies": {"marker": specifier}}
        if self.pnpm:
            manifest["pnpm"] = self.pnpm
        if pin:
            manifest["packageManager"] = f"pnpm@{pin}"
        root.mkdir(exist_ok=True)
        files = {"package.json": json.dumps(manifest), **self.files}
        files |= {".npmrc": self.npmrc} if self.npmrc else {}
        files |= {"pnpm-workspace.yaml": self.workspace} if self.workspace else {}
        for name, text in files.items():
            (root / name).write_text(text.replace("SPEC", specifier))
        return project_in(root)


def hook(body: str) -> str:
    return f"module.exports = {{hooks: {{updateConfig(c) {{ {body}; return c }}}}}}\n"


ON = "c.ignoreScripts = false; c.dangerouslyAllowAllBuilds = true"
ALL = "dangerouslyAllowAllBuilds"

# A name, the files, and the pins under which the project passes ("" is no pin).
MATRIX: list[tuple[str, Given, set[str]]] = [
    ("nothing", Given(), {*LATER}),
    ("npmrc", Given(OFF), {"", "pnpm9", *LATER}),
    ("npmrc, quoted", Given('ignore-scripts="true"\n'), {"", "pnpm9", *LATER}),
    ("npmrc, bare", Given("ignore-scripts\n"), {"", "pnpm9", *LATER}),
    ("npmrc, CRLF and BOM", Given("\ufeffignore-scripts=true\r\n"), {"", "pnpm9", *LATER}),
    ("npmrc false", Given("ignore-scripts=false\n"), {*LATER}),
    ("npmrc, last wins", Given(f"{OFF}ignore-scripts=false\n"), {*LATER}),
    ("npmrc by accident", Given("ignore-scripts=yes\n"), {*LATER}),
    ("npmrc of the environment", Given("ignore-scripts=${X}\n"), {*LATER}),
    ("npmrc, below a section", Given(f"[a]\n{OFF}"), {*LATER}),
    ("npmrc, camel", Given("ignoreScripts=true\n"), {*LATER}),
    ("workspace", Given(workspace=f"{ROOT}ignoreScripts: true\n"), {*LATER}),
    ("workspace, kebab", Given(workspace=f"{ROOT}ignore-scripts: true\n"), {*LATER}),
    ("workspace as text", Given(OFF, f"{ROOT}ignoreScripts: 'true'\n"), set()),
    ("workspace yes", Given(OFF, f"{ROOT}ignoreScripts: yes\n"), set()),
    ("workspace null", Given(OFF, f"{ROOT}ignoreScripts: null\n"), set()),
    ("workspace interpolated", Given(OFF, f"{ROOT}ignoreScripts: ${{X:-true}}\n"), set()),
    ("both", Given(OFF, f"{ROOT}ignoreScripts: true\n"), {"", "pnpm9", *LATER}),
    ("they disagree", Given(OFF, f"{ROOT}ignoreScripts: false\n"), {"", "pnpm9", *LATER}),
    ("all allowed", Given(workspace=f"{ROOT}{ALL}: true\n"), set()),
    ("all allowed, npmrc", Given(OFF, f"{ROOT}{ALL}: true\n"), {"pnpm9", "pnpm10"}),
    ("all allowed, both", Given(OFF, f"{ROOT}ignoreScripts: true\n{ALL}: true\n"),
     {"", "pnpm9", *LATER}),
    ("all allowed as text", Given(OFF, f"{ROOT}{ALL}: 'true'\n"), {"pnpm9", "pnpm10"}),
    ("all allowed, one", Given(OFF, f"{ROOT}{ALL}: 1\n"), {"pnpm9", "pnpm10"}),
    ("all allowed, interpolated", Given(OFF, f"{ROOT}{ALL}: ${{X:-true}}\n"),
     {"pnpm9", "pnpm10"}),
    ("all allowed by an alias", Given(workspace=f"{ROOT}x: &on true\n{ALL}: *on\n"), set()),
    ("off by an alias", Given(OFF, f"{ROOT}{ALL}: &on true\nignoreScripts: *on\n"),
     {"", "pnpm9", *LATER}),
    ("all allowed in npmrc", Given("dangerously-allow-all-builds=true\n"), {"pnpm11", "pnpm12"}),
    ("all allowed in the manifest", Given(pnpm={ALL: True}), {*LATER}),
    ("none never built", Given(workspace=f"{ROOT}neverBuiltDependencies: []\n"),
     {"pnpm11", "pnpm12"}),
    ("none never built, off", Given(OFF, f"{ROOT}neverBuiltDependencies: []\n"),
     {"", "pnpm9", *LATER}),
    ("none never built, switched on",
     Given(OFF, f"{ROOT}ignoreScripts: false\nneverBuiltDependencies: []\n"),
     {"pnpm9", "pnpm11", "pnpm12"}),
    ("none never built, manifest", Given(pnpm={"neverBuiltDependencies": []}),
     {"pnpm11", "pnpm12"}),
    ("a list in a file", Given(workspace=f"{ROOT}onlyBuiltDependenciesFile: l.json\n",
                               files={"l.json": '["marker"]'}), {"pnpm11", "pnpm12"}),
    ("a hook", Given(OFF, f"{ROOT}ignoreScripts: true\n", files={".pnpmfile.cjs": hook(ON)}),
     {"pnpm9"}),
]  # fmt: skip


@pytest.mark.parametrize(("given_", "passing"), [row[1:] for row in MATRIX],
                         ids=[row[0] for row in MATRIX])  # fmt: skip
def test_under_which_pins_a_project_passes(
    tmp_path: Path, given_: Given, passing: set[str]
) -> None:
    found = set()
    for name in ("", *VERSIONS):
        project = given_.write(tmp_path / (name or "none"), VERSIONS.get(name))
        problems = list(pnpm.scripts_run(project))
        assert all(problem.message and problem.location.line > 0 for problem in problems)
        if not problems:
            found.add(name)
    assert found == passing


def test_a_merge_key_is_refused_with_its_line_and_a_way_on(tmp_path: Path) -> None:
    project = Given(OFF, "x: &x {ignoreScripts: true}\n<<: *x\n").write(tmp_path, None)
    [problem] = pnpm.scripts_run(project)
    assert problem.message == "a merge key (<<) is not read here: write the keys out"
    assert problem.location == Location("pnpm-workspace.yaml", 2)


def _agree(clients: Clients, root: Path, row: tuple[str, Given, set[str]], name: str,
           marker: Marker) -> bool:  # fmt: skip
    """Install for real; whether a script ran that the settings were passed for."""
    _, files, passing = row
    marker.clear()
    project = files.write(root, VERSIONS[name], marker)
    if list(pnpm.allowances(project)):
        return False
    clients.run(name, "install", "--no-frozen-lockfile", cwd=root, check=False)
    return marker.ran and (name in passing or "" in passing)


_QUICK = {("pnpm9", "a hook"), ("pnpm12", "nothing")}
"""What belongs to the fast suite: one row that a setting makes pass, one that nothing does."""


@pytest.mark.parametrize(
    ("name", "row"),
    [
        pytest.param(
            name, row, id=f"{name}-{row[0]}",
            marks=() if (name, row[0]) in _QUICK else pytest.mark.slow,
        )
        for name in VERSIONS for row in MATRIX
    ],
)  # fmt: skip
def test_real_pnpm_runs_nothing_where_the_settings_pass(
    clients: Clients,
    tmp_path: Path,
    marker_package: Callable[..., Marker],
    row: tuple[str, Given, set[str]],
    name: str,
) -> None:
    assert not _agree(clients, tmp_path / "project", row, name, marker_package())


@pytest.mark.parametrize("name", VERSIONS)
@pytest.mark.slow
def test_the_marker_does_run_where_everything_is_allowed(
    clients: Clients, tmp_path: Path, marker_package: Callable[..., Marker], name: str
) -> None:
    marker = marker_package()
    allowed = Given("dangerously-allow-all-builds=true\n", f"{ROOT}{ALL}: true\n")
    allowed.write(tmp_path / "project", VERSIONS[name], marker)
    clients.run(name, "install", "--no-frozen-lockfile", cwd=tmp_path / "project", check=False)
    assert marker.ran


@pytest.mark.parametrize("name", VERSIONS)
@pytest.mark.slow
def test_rebuild_runs_the_scripts_of_the_named_packages_and_no_others(
    clients: Clients, tmp_path: Path, marker_package: Callable[..., Marker], name: str
) -> None:
    one, other = marker_package("one"), marker_package("other")
    root = tmp_path / "project"
    root.mkdir()
    dependencies = {"one": one.specifier, "other": other.specifier}
    (root / "package.json").write_text(json.dumps({"name": "p", "dependencies": dependencies}))
    (root / ".npmrc").write_text(OFF)
    (root / "pnpm-workspace.yaml").write_text(f"{ROOT}ignoreScripts: true\n")
    clients.run(name, "install", "--no-frozen-lockfile", cwd=root)
    assert not one.ran

    (command,) = pnpm.rebuild(project_in(root), [("one", "1.0.0")])
    clients.run(name, *command[1:], cwd=root)

    assert one.events == ["postinstall"]
    assert not other.ran


@pytest.mark.parametrize("name", VERSIONS)
@pytest.mark.slow
def test_rebuild_reaches_what_only_a_workspace_depends_on(
    clients: Clients, tmp_path: Path, marker_package: Callable[..., Marker], name: str
) -> None:
    marker, other = marker_package("one"), marker_package("other")
    member = tmp_path / "packages" / "a"
    member.mkdir(parents=True)
    asked = {"one": marker.specifier, "other": other.specifier}
    (member / "package.json").write_text(json.dumps({"name": "a", "dependencies": asked}))
    (tmp_path / "package.json").write_text('{"name": "root"}')
    (tmp_path / ".npmrc").write_text(OFF)
    (tmp_path / "pnpm-workspace.yaml").write_text(
        "packages:\n  - packages/*\nignoreScripts: true\n"
    )
    clients.run(name, "install", "--no-frozen-lockfile", cwd=tmp_path)

    (command,) = pnpm.rebuild(project_in(tmp_path), [("one", "1.0.0")])
    clients.run(name, *command[1:], cwd=tmp_path)

    assert marker.events == ["postinstall"]
    assert not other.ran


@pytest.mark.parametrize(
    ("npmrc", "passes"),
    [
        ("save-exact=true\n", True),
        (OFF, True),
        ("ignore-scripts=false\n", False),
        ("ignore-scripts=${X}\n", False),
        ("dangerously-allow-all-builds=true\n", False),
    ],
)
def test_a_members_npmrc_must_not_undo_the_roots(tmp_path: Path, npmrc: str, passes: bool) -> None:
    (tmp_path / "packages" / "a").mkdir(parents=True)
    (tmp_path / "packages" / "a" / "package.json").write_text("{}")
    (tmp_path / "packages" / "a" / ".npmrc").write_text(npmrc)
    project = Given(OFF, "packages:\n  - packages/*\n").write(tmp_path, None)
    assert (list(pnpm.scripts_run(project)) == []) is passes


TWO = """lockfileVersion: '9.0'

importers:

  .: {}

packages:

  x@1.0.0:
    resolution: {integrity: sha512-a}

  x@2.0.0:
    resolution: {integrity: sha512-b}

snapshots:

  x@1.0.0: {}

  x@2.0.0: {}
"""


def test_rebuild_refuses_to_build_a_version_that_is_not_asked_for(tmp_path: Path) -> None:
    files = Given(files={"pnpm-lock.yaml": TWO})
    older = files.write(tmp_path / "older", "11.28.11")
    assert pnpm.rebuild(older, [("x", "1.0.0")])[0][-1] == "x@1.0.0"
    newer = files.write(tmp_path / "newer", None)
    assert pnpm.rebuild(newer, [("x", "1.0.0"), ("x", "2.0.0")])[0][-1] == "x"
    with pytest.raises(UndecidedError, match=r"x@2\.0\.0 is not among those"):
        pnpm.rebuild(newer, [("x", "1.0.0")])


@pytest.mark.parametrize(
    ("pin", "files", "edits"),
    [
        (None, Given(), {".npmrc": OFF}),
        (None, Given("# mine\nignore-scripts=false # off\n"), None),
        ("9.15.9", Given("save-exact=true\n"), {".npmrc": f"save-exact=true\n{OFF}"}),
        ("10.34.9", Given(), {}),
        ("11.28.11", Given(), {}),
        (
            "11.28.11",
            Given(workspace=f"# ours\n{ALL}: true # why\n"),
            {"pnpm-workspace.yaml": f"# ours\n{ALL}: true # why\nignoreScripts: true\n"},
        ),
        (
            None,
            Given(workspace=f"{ROOT}ignoreScripts: 'false'  # why\n"),
            {".npmrc": OFF, "pnpm-workspace.yaml": f"{ROOT}ignoreScripts: true  # why\n"},
        ),
    ],
)
def test_switching_off_makes_the_project_pass_and_keeps_what_is_there(
    tmp_path: Path, pin: str | None, files: Given, edits: dict[str, str] | None
) -> None:
    project = files.write(tmp_path / "p", pin)
    found = {edit.path: edit.content.decode() for edit in pnpm.switch_off(project)}
    if edits is not None:
        assert found == edits
    for path, content in found.items():
        (tmp_path / "p" / path).write_text(content)
    assert list(pnpm.scripts_run(project_in(tmp_path / "p"))) == []
    assert list(pnpm.switch_off(project_in(tmp_path / "p"))) == []


class Npmjs:
    def allows(self, url: str) -> bool:
        return url.startswith("https://registry.npmjs.org/")

    def allows_proxy(self, url: str) -> bool:
        return url == "http://proxy.allowed.example/"

    def allows_authority(self, value: str) -> bool:
        return value == "allowed.pem"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        (Given(workspace="registries:\n  default: https://registry.npmjs.org/\n"), None),
        (
            Given(workspace="registries:\n  default: http://registry.npmjs.org/\n"),
            "registry-not-https",
        ),
        (Given(workspace="registries:\n  '@a': https://evil.example/\n"), "registry-not-allowed"),
        (Given(workspace="registry: https://evil.example/\n"), "registry-not-allowed"),
        (Given("registry=https://evil.example/\n"), "registry-not-allowed"),
        (Given("strict-ssl=false\n"), "tls-off"),
        (Given("//registry.npmjs.org/:_authToken=npm_abc\n"), "secret"),
        (Given("//registry.npmjs.org/:tokenHelper=./x.sh\n"), "program"),
        (Given("pnpmfile=x.cjs\n"), "program"),
        (Given("dangerously-allow-all-builds=true\n"), "allow-all-scripts"),
        (Given(workspace="scriptShell: ./x.sh\n"), "program"),
        (Given(workspace="nodeOptions: --require ./x.js\n"), "program"),
        (Given(workspace="pnpmfile: x.cjs\n"), "program"),
        (Given(workspace="strictSsl: false\n"), "tls-off"),
        (Given(workspace="blockExoticSubdeps: false\n"), "other-sources"),
        (Given(workspace="minimumReleaseAge: 0\n"), "cooldown-off"),
        (Given(workspace="minimumReleaseAge: 60\n"), None),
        (Given(workspace=f"{ALL}: true\n"), "allow-all-scripts"),
        (Given(workspace="configDependencies:\n  x: 1.0.0\n"), "program"),
        (Given(workspace="lockfile: false\n"), "lockfile-off"),
        (Given("lockfile=false\n"), "lockfile-off"),
        (Given("lockfile=true\n"), None),
        (Given(workspace="gitBranchLockfile: true\n"), "other-lockfile"),
        (Given("git-branch-lockfile=true\n"), "other-lockfile"),
        (Given("git-branch-lockfile=${X}\n"), "other-lockfile"),
        (Given(workspace="lockfileDir: ../x\n"), "other-lockfile"),
        (Given(workspace="sharedWorkspaceLockfile: false\n"), None),
        (Given(workspace="verifyStoreIntegrity: false\n"), "integrity-off"),
        (Given("verify-store-integrity=false\n"), "integrity-off"),
        (Given(workspace="storeDir: ./store\n"), "cache-in-repository"),
        (Given("store-dir=.pnpm-store\n"), "cache-in-repository"),
        (Given("store-dir=~/.pnpm-store\n"), None),
        (
            Given("color=always\nnode-mirror:release=https://evil.example/\n"),
            "host-not-allowed",
        ),
        (Given(workspace="minimumReleaseAgeExclude: ['*']\n"), "cooldown-off"),
        (Given(workspace="minimumReleaseAgeExclude: ['@acme/*']\n"), None),
        (Given(workspace="include: other.yaml\n"), "other-settings"),
        (Given(workspace="python:\n  enabled: true\n"), "program"),
        (Given(workspace="python:\n  enabled: false\n"), None),
        (Given(workspace="httpsProxy: http://p.example/\n"), "proxy"),
        (Given(workspace="cafile: x.pem\n"), "authority"),
        (Given(workspace="shamefullyHoisst: true\n"), "unknown-setting"),
        (Given(workspace="modulesDir: lib\n"), "unverified-value"),
        (
            Given(workspace="registries:\n  https://registry.npmjs.org/:\n    scopes: ['@a']\n"),
            None,
        ),
        (
            Given(workspace="registries:\n  https://evil.example/:\n    scopes: ['@a']\n"),
            "registry-not-allowed",
        ),
        (
            Given(workspace="registries:\n  https://registry.npmjs.org/: {serverType: pnpr}\n"),
            "unverified-value",
        ),
        (
            Given(workspace="registries:\n  //evil.example/: {scopes: ['@a']}\n"),
            "registry-not-https",
        ),
        (Given(workspace="minimumReleaseAge: -1\n"), "cooldown-off"),
        (Given(workspace="minimumReleaseAge: 1440\n"), None),
        (Given(workspace="minimumReleaseAge: soon\n"), "cooldown-off"),
        (Given(workspace="strictSsl: 'no'\n"), "tls-off"),
        (Given(workspace="lockfile: {integrityTarget: tar}\n"), None),
        (Given(workspace="lockfile: {enabled: false}\n"), "lockfile-off"),
        (Given("lockfile-directory=..\n"), "unknown-setting"),
        (Given(pnpm={"configDependencies": {"a": "1.0.0"}}), "program"),
        (Given(pnpm={"executionEnv": {"nodeVersion": "22.0.0"}}), "unknown-setting"),
        (Given(pnpm={"a-tool-of-ours": 1}), None),
        (Given(workspace="dangerouslyAllowAllBuilds: yes\n"), "allow-all-scripts"),
        (Given(workspace="<<: {dangerouslyAllowAllBuilds: true}\n"), "unreadable"),
        (Given(workspace="catalog: &c {a: 1.0.0}\n<<: *c\n"), "unreadable"),
        (Given(workspace="useNodeVersion: 22.0.0\n"), "unknown-setting"),
        (Given("use-node-version=22.0.0\n"), "unknown-setting"),
        (Given("a_tool_of_ours=1\n"), "unknown-setting"),
        (Given("modules-dir=lib\n"), "unverified-value"),
        (Given("call=x\n"), None),
        (Given(workspace="updateConfig: {ignoreDependencies: [a]}\nnodeVersion: 22.0.0\n"), None),
        (Given(workspace="strictStorePkgContentCheck: false\n"), "unverified-value"),
        (Given(workspace="cargo: {enabled: true}\n"), "unknown-setting"),
        (Given(workspace="tasks: {a: {}}\n"), "unknown-setting"),
        (Given(files={".pnpmfile.cjs": ""}), "program"),
        (Given(files={".pnpmfile.mjs": ""}), "program"),
        (Given(workspace="a: 1\n---\nb: 1\n"), "unreadable"),
    ],
)
def test_settings_that_undo_protection(tmp_path: Path, files: Given, code: str | None) -> None:
    found = list(pnpm.unsafe_settings(files.write(tmp_path / "p", None), Npmjs()))
    assert [each.code for each in found] == ([code] if code else [])


@pytest.mark.parametrize(
    ("npmrc", "pin", "level"),
    [
        ("use-node-version=22.0.0\n", "10.34.9", Level.ERROR),
        ("use-node-version=22.0.0\n", "12.21.0", Level.WARNING),
        ("a_tool_of_ours=1\n", "10.34.9", Level.WARNING),
    ],
)
def test_an_unknown_key_of_npmrc_is_an_error_where_pnpm_reads_it(
    tmp_path: Path, npmrc: str, pin: str, level: Level
) -> None:
    (found,) = pnpm.unsafe_settings(Given(npmrc).write(tmp_path / "p", pin), Npmjs())
    assert (found.code, found.level) == ("unknown-setting", level)


@pytest.mark.parametrize(
    ("given_", "separately"),
    [
        (Given(), False),
        (Given(workspace="sharedWorkspaceLockfile: true\n"), False),
        (Given(workspace="sharedWorkspaceLockfile: false\n"), True),
        (Given(workspace="sharedWorkspaceLockfile: 'false'\n"), True),
        (Given(workspace="sharedWorkspaceLockfile: ${X:-false}\n"), True),
        (Given("shared-workspace-lockfile=false\n"), True),
        (Given("shared-workspace-lockfile=${X}\n"), True),
        (Given("shared-workspace-lockfile=true\n"), False),
    ],
)
def test_whether_each_workspace_is_locked_by_itself(
    tmp_path: Path, given_: Given, separately: bool
) -> None:
    project = given_.write(tmp_path, None)
    assert pnpm.locks_members(project.manifest, project.read) is separately


def test_allow_lists(tmp_path: Path) -> None:
    files = Given(
        "only-built-dependencies[]=a\n",
        "allowBuilds:\n  b: true\n  c@1.0.0 || 2.0.0: true\n  d: false\n"
        "onlyBuiltDependencies:\n  - '@s/e'\npermissions:\n  f:\n    build: true\n",
        {"onlyBuiltDependencies": ["g"]},
    )
    found = pnpm.allowances(files.write(tmp_path / "p", None))
    assert [(one.package, one.version, one.location.line) for one in found] == [
        ("@s/e", None, 6),
        ("b", None, 2),
        ("c", "1.0.0", 3),
        ("c", "2.0.0", 3),
        ("g", None, 1),
        ("f", None, 8),
        ("a", None, 1),
    ]


def test_the_allow_list_is_written_where_pnpms_default_is_what_blocks(tmp_path: Path) -> None:
    old = "# ours\nallowBuilds:\n  gone: true\n  no: false\n# after\ncatalog: {}\n"
    project = Given(workspace=old).write(tmp_path / "p", "11.28.11")
    found = pnpm.allow_list(project, [("esbuild", "0.25.0")])
    assert not isinstance(found, str)
    assert found.content.decode() == (
        "# ours\nallowBuilds:\n  'no': false\n  'esbuild@0.25.0': true\n# after\ncatalog: {}\n"
    )
    off = Given(workspace="ignoreScripts: true\n").write(tmp_path / "q", "11.28.11")
    assert "beats any allow-list" in str(pnpm.allow_list(off, []))
    assert "pnpm before 11" in str(pnpm.allow_list(Given().write(tmp_path / "r", None), []))


@pytest.mark.parametrize(
    ("files", "package", "registry"),
    [
        (Given(), "x", None),
        (Given("registry=https://a.example/\n"), "x", "https://a.example/"),
        (Given("@s:registry=https://s.example/\n"), "@s/x", "https://s.example/"),
        (Given("@s:registry=https://s.example/\n"), "x", None),
        (
            Given("registry=https://a.example/\n", "registries:\n  default: https://b.example/\n"),
            "@s/x",
            "https://b.example/",
        ),
    ],
)
def test_the_registry_of_a_package(
    tmp_path: Path, files: Given, package: str, registry: str | None
) -> None:
    assert pnpm.registry_of(files.write(tmp_path / "p", None), package) == registry


@pytest.mark.parametrize(
    ("text", "globs"),
    [
        (None, None),
        ("packages:\n  - 'a/*'\n  - '!a/b'\n", ("a/*", "!a/b")),
        ("catalog: {}\n", ()),
        ("", ()),
    ],
)
def test_workspaces(text: str | None, globs: tuple[str, ...] | None) -> None:
    manifest = read_manifest("sub/package.json", b"{}")
    files = {"sub/pnpm-workspace.yaml": text}
    found = pnpm.workspaces(
        manifest, lambda path: None if (data := files.get(path)) is None else data.encode()
    )
    assert found == globs


@pytest.mark.parametrize("home", ["", "app/"])
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("packages/m/pnpm-workspace.yaml", True),
        ("packages/pnpm-workspace.yaml", True),
        ("packages/m/sub/pnpm-workspace.yaml", False),
        ("docs/pnpm-workspace.yaml", False),
    ],
)
def test_a_workspace_is_no_root_of_its_own(
    git_repo: GitRepo, home: str, path: str, found: bool
) -> None:
    """pnpm 10 to 12 run scripts there that the root's settings switch off, with another lockfile."""
    pin = {"name": "p", "private": True, "packageManager": "pnpm@12.21.0"}
    git_repo.write(f"{home}package.json", json.dumps(pin))
    git_repo.write(f"{home}pnpm-workspace.yaml", "packages:\n  - packages/*\nignoreScripts: true\n")
    git_repo.write(f"{home}packages/m/package.json", '{"name": "m", "version": "1.0.0"}')
    git_repo.write(f"{home}pnpm-lock.yaml", "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n")
    git_repo.commit("Start")
    git_repo.write(f"{home}{path}", "dangerouslyAllowAllBuilds: true\n")
    said = [each["key"] for each in check(git_repo).findings if each["code"] == "other-settings"]
    assert said == ([f"{home}{path}"] if found else [])
