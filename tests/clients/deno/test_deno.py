"""Deno: deno.json, deno.lock, the command line. Fixtures were written by Deno 2.9.6 and 2.1.4."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from npm_vetted.clients.deno import client as deno
from npm_vetted.clients.deno.commands import read
from npm_vetted.clients.deno.config import read_deno_config as read_config
from npm_vetted.clients.deno.lockfile import DenoLockfile
from npm_vetted.clients.deno.reader import read_deno_lockfile
from npm_vetted.clients.deno.specifiers import Specifier, canonical, plain_target, read_specifier
from npm_vetted.errors import DocumentError, UndecidedError
from npm_vetted.formats.client_action import ActionKind as Does
from npm_vetted.formats.client_action import Switch
from npm_vetted.model import Artifact, Kind, Manifest, Problem, Project
from npm_vetted.packages.manifest import read_manifest
from npm_vetted.packages.urls import Registries

FIXTURES: Final = Path(__file__).parents[2] / "fixtures" / "deno"
SHA: Final = "sha512-" + "A" * 86 + "=="
HEX: Final = "8adda0beefd90cbb653d60afe7d159df20765d398ca4fe0ebf3ae8d8d28f448e"
SRI: Final = "sha256-it2gvu/ZDLtlPWCv59FZ3yB2XTmMpP4Ovzro2NKPRI4="
LOCK: Final[dict[str, Any]] = {
    "version": "5",
    "specifiers": {"jsr:@std/path@1": "1.0.0", "npm:ms@2.1.2": "2.1.2"},
    "jsr": {"@std/path@1.0.0": {"integrity": HEX, "dependencies": ["npm:ms@2.1.2"]}},
    "npm": {"ms@2.1.2": {"integrity": SHA}},
    "redirects": {"https://a.example/latest.ts": "https://a.example/x@1/x.ts"},
    "remote": {"https://a.example/x@1/x.ts": HEX},
    "workspace": {"dependencies": ["jsr:@std/path@1", "npm:ms@2.1.2"]},
}
CONFIG: Final[dict[str, Any]] = {"imports": {"p": "jsr:@std/path@^1.0.0", "ms": "npm:ms@2.1.2"}}


def project(files: dict[str, object]) -> Project:
    data = {path: json.dumps(content).encode() for path, content in files.items()}
    found: dict[str, Manifest] = {}
    for path, content in data.items():
        folder, _, name = path.rpartition("/")
        if name in ("package.json", "deno.json"):
            reader = read_manifest if name == "package.json" else read_config
            if folder not in found or name == "package.json":
                found[folder] = reader(path, content)
    root = found.pop("")
    return Project("", root, found, "deno", ("deno.lock",), None, data.get)


def lockfile(content: object = LOCK, files: dict[str, object] | None = None) -> DenoLockfile:
    data = {path: json.dumps(each).encode() for path, each in (files or {}).items()}
    return read_deno_lockfile("deno.lock", json.dumps(content, indent=2).encode(), data.get)


def disagreements(lock: object, files: dict[str, object]) -> list[tuple[str, str, str]]:
    found = lockfile(lock, files).disagreements(project(files).manifests)
    return [(each.code, each.location.path, each.key) for each in found]


def settings(config: object, **others: object) -> list[tuple[str, str]]:
    at = project({"deno.json": config, **others})
    found = deno.unsafe_settings(at, Registries(("https://registry.npmjs.org/",)))
    return [(each.code, each.key) for each in found]


@pytest.mark.parametrize("version", ["3", "4", "5"])
def test_every_version_reads(version: str) -> None:
    data = (FIXTURES / f"version-{version}.lock").read_bytes()
    found = DenoLockfile("deno.lock", data, lambda _: None)
    assert found.version == version
    artifacts = [artifact for _, artifact in found.artifacts()]
    assert all(each.integrity and each.kind is Kind.REGISTRY for each in artifacts)
    direct = {key for key in found.direct({}) if "debug" in key}
    assert len(direct) == 1
    (debug,) = direct
    assert [key.partition("@")[0] for key in found.children(debug)] == ["npm:ms"]
    assert found.reach(found.direct({})) == set(found.blocks)
    told = {each.name for each in artifacts if each.scripts}
    assert told == ({"esbuild"} if version == "5" else set())
    for entry in found.entries():
        children = {asked.name: found.resolve(entry.key, asked) for asked in entry.requires}
        assert None not in children.values()
        for child in children.values():
            assert child is not None
            assert entry.key in found.dependents([child])[child]


def test_an_alias_has_the_name_of_its_package() -> None:
    found = DenoLockfile("d", (FIXTURES / "version-4.lock").read_bytes(), lambda _: None)
    asked = {each.name: found.resolve("npm:x", each)
             for each in found.entry("npm:@isaacs/cliui@8.0.2").requires}  # fmt: skip
    assert asked["string-width-cjs"] == "npm:string-width@4.2.3"
    assert asked["string-width"] == "npm:string-width@5.1.2"


def test_peers_are_no_part_of_the_version() -> None:
    found = DenoLockfile("d", (FIXTURES / "version-5.lock").read_bytes(), lambda _: None)
    artifact = found.artifact("npm:react-dom@18.2.0_react@18.2.0")
    assert artifact is not None
    assert (artifact.name, artifact.version) == ("react-dom", "18.2.0")


def test_jsr_packages_and_modules_have_their_own_hashes() -> None:
    found = lockfile()
    assert found.artifact("jsr:@std/path@1.0.0") == Artifact(
        name="@jsr/std__path", version="1.0.0", kind=Kind.TARBALL, integrity=SRI, scripts=False,
        resolved="https://jsr.io/@std/path/1.0.0_meta.json",
    )  # fmt: skip
    url = "https://a.example/x@1/x.ts"
    assert found.artifact(url) == Artifact(
        name="a.example/x%401/x.ts", version=None, kind=Kind.TARBALL, resolved=url, integrity=SRI,
        scripts=False,
    )  # fmt: skip
    assert list(found.children("jsr:@std/path@1.0.0")) == ["npm:ms@2.1.2"]
    assert set(found.kept) == {url}
    assert set(found.keys_of({"@jsr/std__path", "ms", "a.example/x%401/x.ts"})) == set(found.blocks)
    assert found.package_names() == {"@jsr/std__path", "ms", "a.example/x%401/x.ts"}
    long = "https://a.example/" + "x" * 5000
    artifact = lockfile({"version": "5", "remote": {long: HEX}}).artifact(long)
    assert artifact is not None
    assert len(artifact.name) < 200


@pytest.mark.parametrize(
    "change",
    [
        {"version": "6"}, {"version": "2"}, {"version": 5}, {"bogus": {}}, {"npm": []},
        {"npm": {"ms@2.1.2": []}}, {"npm": {"ms": {}}}, {"npm": {"ms@x": {}}},
        {"npm": {"ms@2.1.2": {"integrity": 1}}}, {"npm": {"ms@2.1.2": {"dependencies": [1]}}},
        {"npm": {"ms@2.1.2": {"dependencies": "ms"}}, "jsr": {"@std/path@1.0.0": {}}},
        {"jsr": {"path@1.0.0": {"integrity": HEX}}}, {"remote": {"https://a.example/x": "aa"}},
        {"remote": {"file:///x": HEX}}, {"specifiers": {"x": "1"}},
        {"workspace": {"dependencies": ["x"]}},
    ],
)  # fmt: skip
def test_what_is_no_lockfile_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(DocumentError):
        _read_whole({**LOCK, **change})


def _read_whole(content: object) -> None:
    found = lockfile(content)
    list(found.entries())
    found.direct({})


@pytest.mark.parametrize(
    ("lock", "files", "keys"),
    [
        ({}, {"deno.json": CONFIG}, []),
        ({}, {"deno.json": {"imports": {**CONFIG["imports"], "x": "npm:evil"}}}, ["evil"]),
        ({}, {"deno.json": {"imports": {"p": "jsr:@std/path@1"}}}, ["ms"]),
        ({}, {"deno.json": {"imports": {"p": "jsr:@std/path@2", "ms": "npm:ms@2.1.2"}}},
         ["@std/path", "@std/path"]),
        ({"specifiers": {**LOCK["specifiers"], "npm:ms@2.1.2": "2.0.0"},
          "npm": {"ms@2.0.0": {"integrity": SHA}}}, {"deno.json": CONFIG}, ["ms"]),
        ({"specifiers": {"npm:ms@2.1.2": "2.1.2"}}, {"deno.json": CONFIG}, ["@std/path"]),
        ({}, {"deno.json": {"importMap": "m.json"}, "m.json": CONFIG}, []),
        ({}, {"deno.json": {"imports": {**CONFIG["imports"], "y": "https://a.example/y.ts"}}},
         ["https://a.example/y.ts"]),
        ({}, {"deno.json": {"imports": {**CONFIG["imports"], "y": "https://a.example/latest.ts"}}}, []),
        ({}, {"deno.json": {"imports": {**CONFIG["imports"], "y/": "https://a.example/y/"}}},
         ["https://a.example/y/"]),
        ({}, {"deno.json": {"imports": {**CONFIG["imports"], "y/": "https://a.example/x@1/"}}}, []),
        ({"workspace": {"packageJson": {"dependencies": ["npm:ms@2.1.2"]},
                        "dependencies": ["jsr:@std/path@1"]}},
         {"package.json": {"dependencies": {"ms": "2.1.2", "g": "github:a/b"}},
          "deno.json": {"imports": {"p": "jsr:@std/path@1"}}}, []),
        ({"workspace": {**LOCK["workspace"], "members": {"a": {"dependencies": ["npm:ms@2.1.2"]}}}},
         {"deno.json": {**CONFIG, "workspace": ["./a"]}, "a/deno.json": {}}, ["ms"]),
        ({"workspace": {**LOCK["workspace"], "members": {"b": {"dependencies": ["npm:ms@2.1.2"]}}}},
         {"deno.json": CONFIG}, ["b"]),
    ],
)  # fmt: skip
def test_manifests_and_lockfile_agree(
    lock: dict[str, object], files: dict[str, object], keys: list[str]
) -> None:
    assert [key for _, _, key in disagreements({**LOCK, **lock}, files)] == keys


PACKAGE_LOCK: Final[dict[str, Any]] = {
    "version": "5",
    "specifiers": {"npm:ms@^2.1.0": "2.0.0"},
    "npm": {"ms@2.0.0": {"integrity": SHA}},
    "workspace": {"packageJson": {"dependencies": ["npm:ms@^2.1.0"], "overrides": {"ms": "2.0.0"}}},
}


@pytest.mark.parametrize(
    ("manifest", "keys"),
    [
        ({"overrides": {"ms": "2.0.0"}}, []),
        ({"overrides": {"ms": "2.0.1"}}, ["overrides"]),
        ({}, ["overrides"]),
        ({"overrides": {"ms": "2.0.0", "a": {"b": "1"}}}, ["overrides"]),
    ],
)
def test_overrides_are_those_of_the_manifest(manifest: dict[str, Any], keys: list[str]) -> None:
    content = {"dependencies": {"ms": "^2.1.0"}, **manifest}
    assert [key for _, _, key in disagreements(PACKAGE_LOCK, {"package.json": content})] == keys


@pytest.mark.parametrize(
    ("config", "specifier", "keys"),
    [
        ({"catalog": {"ms": "2.1.2"}}, "catalog:", []),
        ({"catalogs": {"x": {"ms": "2.1.2"}}}, "catalog:x", []),
        ({"catalog": {"ms": "2.1.3"}}, "catalog:", ["ms", "ms"]),
        ({}, "catalog:", ["ms", "ms"]),
    ],
)
def test_catalogs_are_of_the_root(config: object, specifier: str, keys: list[str]) -> None:
    lock = {
        "version": "5",
        "specifiers": {"npm:ms@2.1.2": "2.1.2"},
        "npm": {"ms@2.1.2": {"integrity": SHA}},
        "workspace": {"packageJson": {"dependencies": ["npm:ms@2.1.2"]}},
    }
    files = {"deno.json": config, "package.json": {"dependencies": {"ms": specifier}}}
    assert [key for _, _, key in disagreements(lock, files)] == keys


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("^4.0.0", "4"), ("4.x", "4"), (">=4.0.0 <5.0.0", "4"), ("~4.3.0", "4.3"), ("4.3.x", "4.3"),
        ("", "*"), ("x", "*"), ("^0.5.0", "0.5"), ("=4.3.4", "4.3.4"), ("v4.3.4", "4.3.4"),
        ("^4.3.0 || ^3.0.0", "^4.3.0 || 3"), ("3 - 4", ">=3.0.0 <5.0.0"), ("^4.0", "4"),
        ("~0.7.0", "0.7"), ("~4", "4"), ("^0.8.1", "~0.8.1"), ("^0.0.1", "^0.0.1"), ("latest", "latest"),
    ],
)  # fmt: skip
def test_ranges_in_deno_s_short_form(one: str, other: str) -> None:
    first, second = Specifier("npm", "a", one or "*"), Specifier("npm", "a", other)
    assert canonical(first) == canonical(second)


@pytest.mark.parametrize(
    ("one", "other"),
    [("^4.0.0", "4.0"), ("4.0.0", "4"), ("~4.3.1", "4.3"), ("latest", "next"), (">4.0.0", "4"),
     ("1.0.0-a", "1.0.0")],
)  # fmt: skip
def test_ranges_that_differ(one: str, other: str) -> None:
    assert canonical(Specifier("npm", "a", one)) != canonical(Specifier("npm", "a", other))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("npm:ms@2.1.2", ("npm", "ms", "2.1.2")), ("npm:/ms@2.1.2/x", ("npm", "ms", "2.1.2")),
        ("npm:@a/b", ("npm", "@a/b", "*")), ("jsr:@std/path@^1/x", ("jsr", "@std/path", "^1")),
        ("https://x", None), ("./x.ts", None), ("npm:", None), ("node:fs", None),
    ],
)  # fmt: skip
def test_specifiers(text: str, expected: tuple[str, str, str] | None) -> None:
    found = read_specifier(text)
    assert (tuple(found) if found else None) == expected


def _allowed(value: object) -> tuple[list[str], list[tuple[str, str | None]]]:
    at = project({"deno.json": {"allowScripts": value}})
    problems: list[Problem] = list(deno.scripts_run(at))
    return [each.code for each in problems], [
        (each.package, each.version) for each in deno.allowances(at)
    ]


@pytest.mark.parametrize(
    ("value", "codes", "entries"),
    [
        (True, ["allow-all-scripts"], []), (False, [], []), ([], [], []),
        (["npm:a", "npm:b@1.0.0", "npm:c@^1"], [], [("a", None), ("b", "1.0.0"), ("c", None)]),
        ({"allow": True, "deny": ["npm:a"]}, ["allow-all-scripts"], []),
        ({"allow": ["npm:a", "npm:b"], "deny": ["npm:a"]}, [], [("b", None)]),
        ({"deny": ["npm:a"]}, [], []),
        (["a"], ["switch-unclear"], []), ("all", ["switch-unclear"], []),
        ({"allow": "x"}, ["switch-unclear"], []), ({"all": True}, ["switch-unclear"], []),
    ],
)  # fmt: skip
def test_allow_scripts_in_its_shapes(
    value: object, codes: list[str], entries: list[tuple[str, str | None]]
) -> None:
    assert _allowed(value) == (codes, entries)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, []), ({"name": "@a/b", "fmt": {}, "tasks": {"x": "y"}, "nodeModulesDir": "auto"}, []),
        ({"bogus": 1}, [("unknown-setting", "bogus")]),
        ({"nodeModulesDir": "x"}, [("unverified-value", "nodeModulesDir")]),
        ({"lock": False}, [("lockfile-off", "lock")]), ({"lock": "x.lock"}, [("other-lockfile", "lock")]),
        ({"lock": {"frozen": True}}, []), ({"lock": {"path": "x.lock"}}, [("other-lockfile", "lock")]),
        ({"minimumDependencyAge": 0}, [("cooldown-off", "minimumDependencyAge")]),
        ({"minimumDependencyAge": "P0D"}, [("cooldown-off", "minimumDependencyAge")]),
        ({"minimumDependencyAge": {"age": "0"}}, [("cooldown-off", "minimumDependencyAge")]),
        ({"minimumDependencyAge": "P3D"}, []), ({"minimumDependencyAge": 4320}, []),
        ({"minimumDependencyAge": "P1Y2M3W4DT5H6M7S"}, []), ({"minimumDependencyAge": {"age": "P1W"}}, []),
        ({"minimumDependencyAge": {"exclude": ["npm:x"]}}, []),
        ({"minimumDependencyAge": -5}, [("cooldown-off", "minimumDependencyAge")]),
        ({"minimumDependencyAge": "-P3D"}, [("cooldown-off", "minimumDependencyAge")]),
        ({"minimumDependencyAge": "PT0.5S"}, [("cooldown-off", "minimumDependencyAge")]),
        ({"minimumDependencyAge": "PT0S"}, [("cooldown-off", "minimumDependencyAge")]),
        ({"minimumDependencyAge": "2099-01-01"}, [("cooldown-off", "minimumDependencyAge")]),
        ({"minimumDependencyAge": True}, [("cooldown-off", "minimumDependencyAge")]),
        ({"links": ["../x"]}, [("other-sources", "links")]), ({"links": ["./x"]}, [("other-sources", "links")]),
        ({"patch": ["https://x"]}, [("other-sources", "patch")]),
        ({"importMap": "https://x/m.json"}, [("other-settings", "importMap")]),
        ({"importMap": "HTTPS:x/m.json"}, [("other-settings", "importMap")]),
        ({"importMap": "data:application/json,{}"}, [("other-settings", "importMap")]),
        ({"imports": {"x": " HTTP:x/y.ts"}}, [("registry-not-https", "imports.x")]),
        ({"imports": {"x": "http://x/y.ts"}}, [("registry-not-https", "imports.x")]),
        ({"lint": {"plugins": ["./p.ts"]}}, [("program", "lint.plugins")]),
        ({"unstable": ["kv"]}, []), ({"unstable": ["x"]}, [("unverified-value", "unstable")]),
        ({"vendor": True}, [("program", "vendor")]), ({"vendor": False}, []),
    ],
)  # fmt: skip
def test_settings(config: dict[str, object], expected: list[tuple[str, str]]) -> None:
    assert settings(config) == expected


def test_rebuild_and_allow_list_name_versions() -> None:
    at = project({"deno.json": {"allowScripts": True}, "package.json": {}})
    packages = [("esbuild", "0.21.5"), ("core-js", "3.37.0")]
    flag = "--allow-scripts=npm:core-js@3.37.0,npm:esbuild@0.21.5"
    assert deno.rebuild(at, packages) == [["deno", "install", "--frozen", flag]]
    below = at._replace(path="sub")
    where = ["--config", "sub/deno.json"]
    assert deno.rebuild(below, packages) == [["deno", "install", *where, "--frozen", flag]]
    edit = deno.allow_list(at, packages)
    assert not isinstance(edit, str)
    expected = {"allowScripts": ["npm:core-js@3.37.0", "npm:esbuild@0.21.5"]}
    assert json.loads(edit.content) == expected
    (off,) = deno.switch_off(at)
    assert json.loads(off.content) == {"allowScripts": []}
    assert not deno.switch_off(project({"deno.json": {}}))


def test_no_script_runs_without_node_modules() -> None:
    packages = [("core-js", "3.37.0")]
    with pytest.raises(UndecidedError):
        deno.rebuild(project({"deno.json": {}}), packages)
    assert deno.rebuild(project({"deno.json": {"nodeModulesDir": "auto"}}), packages)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("deno install", [(Does.INSTALL, Switch.UNSET, (), None)]),
        ("deno ci", [(Does.INSTALL, Switch.UNSET, (), True)]),
        ("deno install --frozen", [(Does.INSTALL, Switch.UNSET, (), True)]),
        ("deno install --lockfile-only", []),
        ("deno install --allow-scripts", [(Does.INSTALL, Switch.ON, (), None)]),
        ("deno install --allow-scripts=npm:a@1.0.0,npm:b",
         [(Does.ALLOW, Switch.UNSET, ("a@1.0.0", "b"), None), (Does.INSTALL, Switch.UNSET, (), None)]),
        ("deno add npm:ms@2.1.2", [(Does.ADD, Switch.UNSET, ("ms@2.1.2",), None)]),
        ("deno install -g npm:serve@1.0.0", [(Does.GLOBAL, Switch.UNSET, ("serve@1.0.0",), None)]),
        ("deno run npm:vite@5.0.0/bin --port 1", [(Does.RUN, Switch.UNSET, ("vite@5.0.0",), None)]),
        ("deno run -A --allow-scripts npm:x", [(Does.RUN, Switch.ON, ("x",), None)]),
        ("deno run main.ts", []), ("deno task build", []), ("deno test", []), ("deno --version", []),
        ("deno x create-vite", [(Does.RUN, Switch.UNSET, ("create-vite",), None)]),
        ("deno x @a/b@1.0.0", [(Does.RUN, Switch.UNSET, ("@a/b@1.0.0",), None)]),
        ("deno approve-scripts npm:a", [(Does.ALLOW, Switch.UNSET, ("a",), None)]),
        ("deno approve-scripts --all", [(Does.ALLOW, Switch.UNSET, (), None)]),
        ("deno update", [(Does.INSTALL, Switch.UNSET, (), None)]), ("deno outdated", []),
        ("deno remove ms", [(Does.TIDY, Switch.UNSET, (), None)]),
        ("deno cache --allow-scripts main.ts", [(Does.INSTALL, Switch.ON, (), None)]),
        ("deno run --preload npm:a@1.0.0 main.ts", [(Does.RUN, Switch.UNSET, ("a@1.0.0",), None)]),
        ("deno create npm:vite", [(Does.RUN, Switch.UNSET, ("create-vite",), None)]),
        ("deno init --npm vite x", [(Does.RUN, Switch.UNSET, ("create-vite",), None)]),
        ("deno init x", []), ("deno fmt --no-lock", []), ("deno build --no-lock", []),
        ("deno deploy --prod", [(Does.RUN, Switch.UNSET, ("@jsr/deno__deploy",), None)]),
        ("deno run https://a.example/x@1.ts", [(Does.RUN, Switch.UNSET, ("a.example/x%401.ts",), None)]),
        ("deno test a.ts https://a.example/x.ts", [(Does.RUN, Switch.UNSET, ("a.example/x.ts",), None)]),
    ],
)  # fmt: skip
def test_commands(words: str, expected: list[object]) -> None:
    found = read(words.split(), {})
    assert [(each.kind, each.switch, each.packages, each.frozen) for each in found] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NPM:a@1", "npm:a@1"), (" npm:a@1\n", "npm:a@1"), ("n\tpm:a@1", "npm:a@1"), ("Jsr:@a/b", "jsr:@a/b"),
        ("https:a.example/x", "https://a.example/x"), ("HTTPS:\\\\a.example/x", "https://a.example/x"),
        ("https://a.example/x", "https://a.example/x"), ("./x.ts", "./x.ts"), ("node:fs", "node:fs"),
        ("npm", "npm"), ("", ""),
    ],
)  # fmt: skip
def test_a_target_is_read_as_an_url(text: str, expected: str) -> None:
    assert plain_target(text) == expected
