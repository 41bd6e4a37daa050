"""Which package.json belongs to which project, which client it uses, what it pins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Document
from npm_vetted.packages.manifest import read_manifest, read_pin
from npm_vetted.projects.discovery import Projects
from tests.support.npm_projects import MemorySnapshot
from tests.support.project_trees import BERRY_LOCK, DEP, LOCK, PNPM_LOCK, every, moved


def projects(files: Mapping[str, Any], excluded: str = "") -> dict[str, list[str]]:
    """The members of each project, by its folder."""
    texts = {
        path: data if isinstance(data, str) else json.dumps(data) for path, data in files.items()
    }
    found = Projects(
        MemorySnapshot(texts), lambda path: bool(excluded) and path.startswith(excluded)
    )
    return {project.path: sorted(project.members) for project in found.all()}


def workspaces(*globs: str, members: tuple[str, ...]) -> dict[str, Any]:
    return {
        "package.json": {"workspaces": list(globs)},
        "package-lock.json": LOCK,
        **{f"{folder}/package.json": DEP for folder in members},
    }


@pytest.mark.parametrize(
    ("globs", "folders", "members"),
    [
        (("packages/*",), ("packages/a", "packages/b"), ["packages/a", "packages/b"]),
        (("./packages/*/",), ("packages/a",), ["packages/a"]),
        (("packages/a",), ("packages/a", "packages/b"), ["packages/a"]),
        (("packages/*", "!packages/b"), ("packages/a", "packages/b"), ["packages/a"]),
        (
            ("packages/{a,b}",),
            ("packages/a", "packages/b", "packages/c"),
            ["packages/a", "packages/b"],
        ),
        (
            ("packages/**",),
            ("packages/a", "packages/a/deep/er"),
            ["packages/a", "packages/a/deep/er"],
        ),
        (("**",), ("x/y/z",), ["x/y/z"]),
        (("packages/*",), ("packages/a/nested",), []),
        (("apps/*/web",), ("apps/one/web", "apps/one/api"), ["apps/one/web"]),
        (("packages/?",), ("packages/a", "packages/ab"), ["packages/a"]),
    ],
)
def test_workspaces(globs: tuple[str, ...], folders: tuple[str, ...], members: list[str]) -> None:
    found = projects(workspaces(*globs, members=folders))
    alone: dict[str, list[str]] = {folder: [] for folder in folders if folder not in members}
    assert found == {"": members, **alone}


@pytest.mark.parametrize(
    ("files", "found"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"package.json": {}}, {}, id="neither dependencies nor a lockfile"),
        pytest.param({"package.json": DEP}, {"": []}, id="dependencies"),
        pytest.param({"package.json": {}, "package-lock.json": LOCK}, {"": []}, id="a lockfile"),
        pytest.param({"package-lock.json": LOCK}, {}, id="a lockfile alone"),
        pytest.param(
            {"node_modules/a/package.json": DEP, "x/node_modules/b/package.json": DEP}, {},
            id="installed packages",
        ),
        pytest.param({"a/package.json": DEP, "b/c/package.json": DEP}, {"a": [], "b/c": []}, id="two"),
        pytest.param(
            {"package.json": DEP, "sub/package.json": DEP}, {"": [], "sub": []}, id="one below one"
        ),
        pytest.param(
            {"package.json": {"workspaces": {"packages": ["p/*"]}}, "p/a/package.json": DEP},
            {"": ["p/a"]}, id="workspaces as a table",
        ),
    ],
)  # fmt: skip
def test_what_is_a_project(files: Mapping[str, Any], found: dict[str, list[str]]) -> None:
    assert projects(files) == found


class CountingSnapshot(MemorySnapshot):
    """Counts how often rush.json is read."""

    reads = 0

    def read(self, path: str) -> bytes | None:
        """A file's content."""
        self.reads += path == "rush.json"
        return super().read(path)


@pytest.mark.parametrize("count", [3, 30])
def test_the_file_that_names_the_workspaces_is_not_read_for_each(count: int) -> None:
    """It may have a thousand lines with comments."""
    folders = [f"apps/a{number}" for number in range(count)]
    listed = [{"packageName": name[5:], "projectFolder": name} for name in folders]
    texts = {
        "rush.json": json.dumps({"pnpmVersion": "9.15.9", "projects": listed}),
        **{f"{folder}/package.json": json.dumps(DEP) for folder in folders},
    }
    snapshot = CountingSnapshot(texts)
    (project,) = Projects(snapshot, lambda _: False).all()
    assert set(folders) <= set(project.members)
    assert snapshot.reads < 10


def test_excluded_paths_are_no_projects() -> None:
    files = {"package.json": DEP, "templates/a/package.json": DEP}
    assert projects(files, excluded="templates/") == {"": []}


def test_a_workspace_cannot_be_excluded() -> None:
    """The client installs it, whatever the policy says."""
    files = workspaces("packages/*", members=("packages/a", "templates/b"))
    assert projects(files, excluded="packages/") == {"": ["packages/a"], "templates/b": []}


def test_the_top_of_the_repository_cannot_be_excluded() -> None:
    assert projects({"package.json": DEP}, excluded="package.json") == {"": []}


def test_an_excluded_root_has_no_workspaces() -> None:
    files = {f"x/{path}": data for path, data in workspaces("p/*", members=("p/a",)).items()}
    assert projects(files, excluded="x/") == {}


@pytest.mark.parametrize(
    ("root", "folder", "found"),
    [
        ({"dependencies": {"x": "file:libs/x"}}, {}, {"": ["libs/x"]}),
        ({"dependencies": {"x": "file:./libs/x"}}, {}, {"": ["libs/x"]}),
        ({"devDependencies": {"x": "link:libs/x"}}, {}, {"": ["libs/x"]}),
        # A folder of its own lockfile is a project of its own as well.
        (
            {"dependencies": {"x": "file:libs/x"}}, {"libs/x/package-lock.json": LOCK},
            {"": ["libs/x"], "libs/x": []},
        ),
        ({"dependencies": {"x": "^1.0.0"}}, {}, {"": [], "libs/x": []}),
        ({"dependencies": {"x": "file:../libs/x"}}, {}, {"": [], "libs/x": []}),
        (
            {"dependencies": {"x": "file:libs/x"}},
            {"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}, {"": ["libs/x"]},
        ),
        # pnpm installs nothing for a linked folder.
        (
            {"dependencies": {"x": "link:libs/x"}},
            {"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}, {"": [], "libs/x": []},
        ),
    ],
)  # fmt: skip
def test_a_folder_that_the_root_depends_on_is_judged_with_it(
    root: Mapping[str, Any], folder: Mapping[str, str], found: dict[str, list[str]]
) -> None:
    assert projects({"package.json": root, "libs/x/package.json": DEP, **folder}) == found


def test_an_unclear_glob_makes_a_project() -> None:
    """Whether the root has members cannot be told, so it is judged."""
    assert projects({"package.json": {"workspaces": ["p/@(x)"]}}) == {"": []}


@pytest.mark.parametrize(
    ("files", "client"),
    [
        ({"package-lock.json": LOCK}, "npm"),
        ({"npm-shrinkwrap.json": LOCK}, "npm"),
        ({"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}, "pnpm"),
        ({"yarn.lock": "# yarn lockfile v1\n"}, "yarn-classic"),
        ({"yarn.lock": "__metadata:\n  version: 8\n"}, "yarn-berry"),
        ({"bun.lock": "{}"}, "bun"),
        ({}, "npm"),
        ({"pnpm-workspace.yaml": "packages: []\n"}, "pnpm"),
        ({".yarnrc.yml": ""}, "yarn-berry"),
        ({"bunfig.toml": ""}, "bun"),
    ],
)
def test_the_client_by_its_files(files: Mapping[str, str], client: str) -> None:
    snapshot = MemorySnapshot({"package.json": json.dumps(DEP), **files})
    [project] = Projects(snapshot, lambda _: False).all()
    assert project.client == client


@pytest.mark.parametrize(
    ("fields", "client", "minimum", "exact", "enforced"),
    [
        ({"packageManager": "pnpm@10.1.2"}, "pnpm", (10, 1, 2), True, True),
        ({"packageManager": "yarn@4.9.4+sha512.abc"}, "yarn", (4, 9, 4), True, True),
        ({"packageManager": "pnpm@^10"}, "pnpm", None, False, False),
        ({"packageManager": "npm"}, "npm", None, False, False),
        (
            {"devEngines": {"packageManager": {"name": "pnpm", "version": "^10.2.0"}}},
            "pnpm", (10, 2, 0), False, True,
        ),
        (
            {"devEngines": {"packageManager": {"name": "pnpm", "version": "10.2.0", "onFail": "download"}}},
            "pnpm", (10, 2, 0), True, True,
        ),
        (
            {"devEngines": {"packageManager": {"name": "pnpm", "version": ">=11", "onFail": "warn"}}},
            "pnpm", (11, 0, 0), False, False,
        ),
        (
            {"devEngines": {"packageManager": {"name": "pnpm", "version": "^11 || ^9.1"}}},
            "pnpm", (9, 1, 0), False, True,
        ),
        (
            {"devEngines": {"packageManager": {"name": "pnpm", "version": "<12"}}},
            "pnpm", None, False, True,
        ),
        (
            {"packageManager": "pnpm@10.20.0",
             "devEngines": {"packageManager": {"name": "pnpm", "version": "9.15.0", "onFail": "download"}}},
            "pnpm", (9, 15, 0), False, True,
        ),
        (
            {"packageManager": "pnpm@10.20.0",
             "devEngines": {"packageManager": {"name": "pnpm", "version": "^10.20.0"}}},
            "pnpm", (10, 20, 0), False, True,
        ),
        (
            {"packageManager": "pnpm@10.20.0",
             "devEngines": {"packageManager": {"name": "pnpm", "version": "10.20.0"}}},
            "pnpm", (10, 20, 0), True, True,
        ),
        (
            {"packageManager": "pnpm@10.20.0",
             "devEngines": {"packageManager": {"name": "pnpm", "version": ">=9", "onFail": "warn"}}},
            "pnpm", (10, 20, 0), True, True,
        ),
        ({"devEngines": {"packageManager": {"name": "npm"}}}, "npm", None, False, False),
    ],
)  # fmt: skip
def test_pins(
    fields: dict[str, Any],
    client: str,
    minimum: tuple[int, int, int] | None,
    exact: bool,
    enforced: bool,
) -> None:
    pin = read_pin(read_manifest("package.json", json.dumps(fields).encode()))
    assert pin is not None
    assert (pin.client, pin.minimum, pin.exact, pin.enforced) == (client, minimum, exact, enforced)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"devEngines": {}},
        {"devEngines": {"runtime": {"name": "node"}}},
        {"devEngines": {"packageManager": [{"name": "npm"}, {"name": "pnpm"}]}},
    ],
)
def test_no_pin(fields: dict[str, Any]) -> None:
    assert read_pin(read_manifest("package.json", json.dumps(fields).encode())) is None


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("[]", "expected a table, found a list", 1),
        ('{\n"dependencies": []}', "dependencies: expected a table, found a list", 2),
        ('{"dependencies": {\n"a": 1}}', "dependencies.a: expected a string, found the number 1", 2),
        ('{"workspaces": "packages/*"}',
         "workspaces: expected a list of strings, found the string 'packages/*'", 1),
        ('{"workspaces": [1]}', "workspaces[0]: expected a string, found the number 1", 1),
        ('{"name": 1}', "name: expected a string, found the number 1", 1),
        ('{"a": 1,\n"a": 2}', "the key 'a' appears twice in one object", 2),
        ("{", "not JSON: Expecting property name enclosed in double quotes", 1),
    ],
)  # fmt: skip
def test_a_manifest_that_is_wrong(text: str, message: str, line: int) -> None:
    with pytest.raises(DocumentError) as raised:
        read_manifest("package.json", text.encode())
    assert (raised.value.message, raised.value.line) == (message, line)


def test_a_document_gives_the_line_of_the_nearest_ancestor() -> None:
    lines: dict[tuple[str | int, ...], int] = {("a",): 3, ("a", "b"): 5}
    document = Document("x", {}, lambda keys: lines.get(keys))  # noqa: PLW0108
    assert [document.line_of(*keys) for keys in (("a",), ("a", "b", 0, "c"), ("z",))] == [3, 5, 1]


USER = {
    "apps/a/package.json": {"dependencies": {"x": "file:../../libs/x"}},
    "apps/a/package-lock.json": LOCK,
}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, {"apps/a": ["libs/x"]}),
        # A folder with a lockfile is a project of its own as well.
        ({"libs/x/package-lock.json": LOCK}, {"apps/a": ["libs/x"], "libs/x": []}),
        (
            {
                "libs/x/package.json": {"dependencies": {"y": "file:../y"}},
                "libs/y/package.json": DEP,
            },
            {"apps/a": ["libs/x", "libs/y"]},
        ),
        ({"package.json": {"workspaces": ["libs/*"]}, "package-lock.json": LOCK},
         {"": ["libs/x"], "apps/a": ["libs/x"]}),
    ],
)  # fmt: skip
def test_a_folder_outside_the_root_belongs_to_the_project_that_depends_on_it(
    more: Mapping[str, Any], found: dict[str, list[str]]
) -> None:
    files = {**USER, "libs/x/package.json": DEP, **more}
    assert projects(files) == found
    texts = {
        path: each if isinstance(each, str) else json.dumps(each) for path, each in files.items()
    }
    every = Projects(MemorySnapshot(texts), lambda _: False)
    for path in texts:
        if path.startswith("libs/") and path.endswith("package.json"):
            assert "apps/a" in {project.path for project in every.steered_by(path)}


@pytest.mark.parametrize("spelled", ["file:..\\/..\\/libs/x", "f\\u0069le:../../libs/x"])
def test_such_a_folder_is_found_however_json_spells_it(spelled: str) -> None:
    files = {
        "apps/a/package.json": f'{{"dependencies": {{"x": "{spelled}"}}}}',
        "apps/a/package-lock.json": LOCK,
        "libs/x/package.json": json.dumps(DEP),
    }
    every = Projects(MemorySnapshot(files), lambda _: False)
    assert [each.path for each in every.steered_by("libs/x/package.json")] == ["apps/a"]


# What a project knows.


def test_the_settings_above_and_below_a_project() -> None:
    files = {
        ".npmrc": "", "a/package.json": DEP, "a/.npmrc": "", "a/sub/.npmrc": "", "b/.npmrc": "",
        "a/node_modules/x/.npmrc": "", "a/other.txt": "",
    }  # fmt: skip
    (found,) = every(files).all()
    assert sorted(found.nearby()) == [".npmrc", "a/sub/.npmrc"]


def test_the_files_below_a_folder() -> None:
    (found,) = every({"a/package.json": DEP, "a/x/y": "", "b": ""}).all()
    assert [path for path, _ in found.tracked("a")] == ["a/package.json", "a/x/y"]
    assert [path for path, _ in found.tracked("")] == ["a/package.json", "a/x/y", "b"]


def test_a_project_that_will_have_dependencies() -> None:
    found = every({"package.json": {"name": "p"}, "a/package.json": DEP})
    assert found.at("") is None
    prospective = found.prospective("")
    assert prospective is not None
    assert (prospective.path, prospective.lockfiles, prospective.client) == ("", (), "npm")
    assert found.prospective("a") == found.at("a")
    assert found.prospective("x") is None


# Which projects a file concerns.

TREE = {
    "package.json": {**DEP, "workspaces": ["w"]}, "package-lock.json": LOCK, "w/package.json": DEP,
    "a/package.json": DEP, "a/b/package.json": DEP, "a/b/yarn.lock": "# yarn lockfile v1\n",
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "own", "steered"),
    [
        ("package.json", "", [""]),
        ("w/package.json", "", [""]),
        ("w/deep/x.js", "", [""]),
        ("a/package.json", "a", ["a"]),
        ("a/b/yarn.lock", "a/b", ["a/b"]),
        (".yarnrc", "", ["", "a/b"]),  # Yarn reads those above a project, npm does not
        ("a/.yarnrc", "a", ["a", "a/b"]),
        (".npmrc", "", ["", "a/b"]),
        ("node_modules/x/package.json", None, []),
        ("a/node_modules/x/package.json", None, []),
    ],
)
def test_the_projects_that_a_file_concerns(path: str, own: str | None, steered: list[str]) -> None:
    found = every(TREE)
    project = found.of(path)
    assert (None if project is None else project.path) == own
    assert [each.path for each in found.steered_by(path)] == steered


def test_an_excluded_file_concerns_no_project_unless_a_workspace_holds_it() -> None:
    found = every({**TREE, "t/package.json": DEP}, excluded="t/")
    assert (found.of("t/package.json"), found.counts("t/package.json")) == (None, False)
    workspace = every(TREE, excluded="w/")
    assert workspace.counts("w/package.json")
    assert not workspace.counts("node_modules/x")


def test_what_is_told_of_a_root_s_globs() -> None:
    found = every({"package.json": {"workspaces": ["a/*", "b/@(x)"]}, "c/package.json": DEP})
    assert found.globs("") == ("a/*", "b/@(x)")
    assert found.unclear_globs("") == ("b/@(x)",)
    assert (found.globs("c"), found.globs("none")) == (None, None)
    assert found.is_workspace("", "a/x")
    assert not found.is_workspace("", "")
    assert not found.is_workspace("c", "c/x")
    assert (found.manifest_path("c"), found.manifest_path("x")) == (
        "c/package.json",
        "x/package.json",
    )


# The same in a folder.


@pytest.mark.parametrize(
    ("pin", "lockfiles", "client"),
    [
        ("pnpm@9.1.0", ["pnpm-lock.yaml", "yarn.lock"], "pnpm"),
        ("yarn@4.9.4", ["yarn.lock", "pnpm-lock.yaml"], "yarn-berry"),
        ("yarn@1.22.22", ["pnpm-lock.yaml", "yarn.lock"], "pnpm"),
    ],
)
def test_a_project_in_a_folder_is_found_as_one_at_the_top(
    pin: str, lockfiles: list[str], client: str
) -> None:
    files = {
        "package.json": {**DEP, "packageManager": pin, "workspaces": ["w", "v/@(y)"]},
        "pnpm-lock.yaml": PNPM_LOCK, "yarn.lock": BERRY_LOCK, "w/package.json": DEP,
    }  # fmt: skip
    for prefix, tree in (("", files), ("x/", moved(files))):
        projects = every(tree)
        (found,) = projects.all()
        assert (found.client, list(found.members)) == (client, [f"{prefix}w"])
        assert list(found.lockfiles) == [f"{prefix}{each}" for each in lockfiles]
        assert projects.unclear_globs(found.path) == ("v/@(y)",)
        for _ in range(2):  # what was read ahead to tell the client can be read again
            assert found.read(f"{prefix}yarn.lock") == BERRY_LOCK.encode()


def test_a_workspace_that_depends_on_a_folder_brings_it_to_its_root() -> None:
    files = {
        "package.json": {"workspaces": ["w"]}, "package-lock.json": LOCK,
        "w/package.json": {"dependencies": {"f": "file:../f"}}, "f/package.json": DEP,
    }  # fmt: skip
    for prefix, tree in (("", files), ("x/", moved(files))):
        (found,) = every(tree).all()
        assert sorted(found.members) == [f"{prefix}f", f"{prefix}w"]
        assert found.folders == {f"{prefix}f"}


def test_a_manifest_of_a_shared_folder_concerns_all_that_depend_on_it() -> None:
    user = {"dependencies": {"x": "file:../../libs/x"}}
    tree = {
        **{f"apps/{name}/package.json": user for name in "ab"},
        **{f"apps/{name}/package-lock.json": LOCK for name in "ab"},
        "libs/x/package.json": DEP, "libs/x/index.js": "",
    }  # fmt: skip
    found = every(tree)
    both = [each.path for each in found.steered_by("libs/x/package.json")]
    assert both == ["apps/a", "apps/b"]
    assert [each.path for each in found.steered_by("libs/x/index.js")] == ["apps/a"]


def test_a_manifest_of_a_folder_concerns_every_root_above_that_depends_on_it() -> None:
    tree = {
        "package.json": {"dependencies": {"x": "file:apps/libs/x"}}, "package-lock.json": LOCK,
        "apps/package.json": {"dependencies": {"x": "file:libs/x"}}, "apps/package-lock.json": LOCK,
        "apps/libs/x/package.json": DEP,
    }  # fmt: skip
    found = [each.path for each in every(tree).steered_by("apps/libs/x/package.json")]
    assert found == ["apps", ""]


def test_a_dependency_on_a_folder_without_a_manifest_is_no_project() -> None:
    found = every({"package.json": {"dependencies": {"x": "file:libs/x"}}, "libs/x/index.js": ""})
    assert found.folder_dependencies("") == {}


def test_a_broken_workspace_is_told_with_its_path() -> None:
    tree = moved({"package.json": {**DEP, "workspaces": ["w"]}, "w/package.json": "{"})
    found = every(tree, excluded="x/w")
    (project,) = found.all()
    assert (project.manifest.path, list(found.unreadable)) == (
        "x/package.json",
        ["x/w/package.json"],
    )


def test_settings_concern_only_the_projects_below_them() -> None:
    yarn = {"package.json": DEP, "yarn.lock": "# yarn lockfile v1\n"}
    tree = {f"{folder}/{path}": each for folder in ("a/b", "c") for path, each in yarn.items()}
    assert [each.path for each in every(tree).steered_by("a/.yarnrc")] == ["a/b"]


@pytest.mark.parametrize(
    ("files", "globs"),
    [
        ({"package.json": {"workspaces": ["m"]}}, ("m",)),
        ({"package.json": {"workspaces": ["m"]}, "pnpm-workspace.yaml": "packages: [p]"}, ("p",)),
        ({"deno.json": {"workspace": ["d"]}}, ("d",)),
        # The client of the manifest decides, before another client's file of workspaces.
        ({"deno.json": {"workspace": ["d"]}, "pnpm-workspace.yaml": "packages: [p]"}, ("d",)),
        (
            {"rush.json": {"projects": [{"packageName": "r", "projectFolder": "r"}]},
             "pnpm-workspace.yaml": "packages: [p]"}, ("r",),
        ),
    ],
)  # fmt: skip
def test_which_file_names_the_workspaces(files: Mapping[str, Any], globs: tuple[str, ...]) -> None:
    for tree, folder in ((files, ""), (moved(files), "x")):
        assert set(every(tree).globs(folder) or ()) == set(globs)


@pytest.mark.parametrize(
    ("lockfile", "member"),
    [({"package-lock.json": LOCK}, True), ({"pnpm-lock.yaml": PNPM_LOCK}, False)],
)
def test_the_client_decides_what_a_negated_glob_does(
    lockfile: Mapping[str, str], member: bool
) -> None:
    globs = ["p/*", "!p/a", "p/a"]
    tree = {"package.json": {"workspaces": globs}, "p/a/package.json": DEP, **lockfile}
    assert every(tree).is_workspace("", "p/a") is member


def test_a_folder_of_an_excluded_root_is_a_project_of_its_own() -> None:
    tree = moved({"package.json": {"dependencies": {"y": "file:y"}}, "y/package.json": DEP})
    assert projects(tree, excluded="x/package.json") == {"x/y": []}


def test_a_project_has_the_lockfiles_of_its_workspaces() -> None:
    tree = {
        "package.json": DEP, "pnpm-lock.yaml": PNPM_LOCK, "w/package.json": DEP,
        "w/pnpm-lock.yaml": PNPM_LOCK,
        "pnpm-workspace.yaml": "packages: [w]\nsharedWorkspaceLockfile: false\n",
    }  # fmt: skip
    (found,) = every(tree).all()
    assert found.lockfiles == ("pnpm-lock.yaml", "w/pnpm-lock.yaml")
