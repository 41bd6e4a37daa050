"""Projects of Deno, as ``check`` judges their commits."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import pytest

from npm_vetted.clients.deno.code import imported
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check, run

SHA: Final = "sha512-" + "A" * 86 + "=="
HEX: Final = "8adda0beefd90cbb653d60afe7d159df20765d398ca4fe0ebf3ae8d8d28f448e"
NPM_LOCK: Final = {"lockfileVersion": 3, "requires": True, "packages": {"": {}}}


def _lock(*names: str, **others: object) -> dict[str, Any]:
    return {
        "version": "5",
        "specifiers": {f"npm:{name}@1.0.0": "1.0.0" for name in names},
        "npm": {f"{name}@1.0.0": {"integrity": SHA} for name in names},
        "workspace": {"dependencies": [f"npm:{name}@1.0.0" for name in names]},
        **others,
    }


def _config(*names: str, **others: object) -> dict[str, Any]:
    return {"imports": {name: f"npm:{name}@1.0.0" for name in names}, **others}


def _findings(repo: GitRepo, files: dict[str, object]) -> list[tuple[str, str, str]]:
    for path, content in files.items():
        repo.write(path, content if isinstance(content, str) else json.dumps(content))
    done = check(repo)
    return [(each["check"], each["code"], each["path"]) for each in done.findings]


@pytest.fixture
def repo(git_repo: GitRepo) -> GitRepo:
    """A repository whose only manifest is a deno.json."""
    git_repo.write("deno.json", json.dumps(_config()))
    git_repo.write("deno.lock", json.dumps(_lock()))
    adopt(git_repo)
    git_repo.commit("Begin")
    return git_repo


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"deno.json": _config("a"), "deno.lock": _lock("a")}, [("unvetted", "new", "deno.lock")]),
        ({"deno.json": _config("a")}, [("lockfile-sync", "out-of-date", "deno.json")]),
        ({"deno.json": _config(allowScripts=True)},
         [("ignore-scripts", "allow-all-scripts", "deno.json")]),
        ({"deno.json": _config(lock=False)}, [("client-settings", "lockfile-off", "deno.json")]),
        ({"deno.json": _config(tasks={"a": "deno install --allow-scripts"})},
         [("install-command", "scripts-on", "deno.json")]),
        ({"deno.json": _config(tasks={"a": {"command": "deno run npm:a@latest"}, "b": "deno lint"})},
         [("install-command", "unpinned", "deno.json")]),
        ({"deno.jsonc": _config("a", allowScripts=True)}, [("client-settings", "other-settings", "deno.jsonc")]),
        ({"sub/deno.json": _config("a")}, [("lockfile-sync", "no-lockfile", "sub/deno.json")]),
        ({"Dockerfile": "FROM denoland/deno\nCOPY . .\nRUN deno ci\nRUN deno ci --allow-scripts\n"},
         [("install-command", "scripts-on", "Dockerfile")]),
    ],
)  # fmt: skip
def test_a_project_without_package_json(
    repo: GitRepo, files: dict[str, object], found: list[tuple[str, str, str]]
) -> None:
    assert _findings(repo, files) == found


def test_each_remote_module_and_jsr_package_needs_a_note(repo: GitRepo) -> None:
    lock = _lock(
        remote={"https://a.example/x.ts": HEX, "https://a.example/y.ts": HEX},
        jsr={"@std/path@1.0.0": {"integrity": HEX}},
    )
    lock["specifiers"]["jsr:@std/path@1"] = "1.0.0"
    lock["workspace"]["dependencies"].append("jsr:@std/path@1")
    found = _findings(
        repo, {"deno.json": {"imports": {"p": "jsr:@std/path@^1"}}, "deno.lock": lock}
    )
    module = [("lockfile-source", "source-not-accepted"), ("unvetted", "new")]
    assert [each[:2] for each in found] == [("unvetted", "new"), *module, *module]


def test_a_deno_json_in_a_project_of_npm_needs_a_lockfile_of_its_own(git_repo: GitRepo) -> None:
    git_repo.write("package.json", "{}")
    git_repo.write("package-lock.json", json.dumps(NPM_LOCK))
    git_repo.write(".npmrc", "ignore-scripts=true\n")
    adopt(git_repo)
    git_repo.commit("Begin")
    assert _findings(git_repo, {"deno.json": _config("a")}) == [
        ("lockfile-sync", "unread-manifest", "deno.json")
    ]


def test_workspaces_are_of_deno_json(repo: GitRepo) -> None:
    lock = _lock("a")
    lock["workspace"] = {"members": {"m": {"dependencies": ["npm:a@1.0.0"]}}}
    files: dict[str, object] = {
        "deno.json": {"workspace": ["./m"]},
        "m/deno.json": _config("a"),
        "deno.lock": lock,
    }
    assert _findings(repo, files) == [("unvetted", "new", "deno.lock")]


@pytest.mark.parametrize(
    ("wanted", "version", "taken"),
    [
        ("1.0.0", "1.0.0", True), ("^1.0.0", "1.2.0", True), ("npm:m@1", "1.0.0", True),
        ("*", "3.0.0", True), ("^1.0.0", "1.0.1-rc.1", True), ("^1.0.0", "2.0.0", False),
        ("npm:m@1.0.0", "2.0.0", False), ("1.0.0", None, False), ("*", None, False),
        ("latest", "1.0.0", False),
    ],
)  # fmt: skip
def test_a_workspace_is_taken_by_its_version(
    repo: GitRepo, wanted: str, version: str | None, taken: bool
) -> None:
    """As Deno 2.9.6 does: it fetches what no workspace's version satisfies."""
    lock = _lock(workspace={"members": {"m": {}}})
    files: dict[str, object] = {
        "package.json": {"name": "p", "workspaces": ["m"], "dependencies": {"m": wanted}},
        "m/package.json": {"name": "m", **({"version": version} if version else {})},
        "deno.lock": lock,
    }
    found = _findings(repo, files)
    assert (("lockfile-sync", "out-of-date", "package.json") in found) == (not taken)


def test_a_workspace_is_not_its_own_dependency(repo: GitRepo) -> None:
    files: dict[str, object] = {
        "package.json": {"name": "p", "workspaces": ["m"]},
        "m/package.json": {"name": "m", "version": "1.0.0", "dependencies": {"m": "1.0.0"}},
        "deno.lock": _lock(workspace={"members": {"m": {}}}),
    }
    assert ("lockfile-sync", "out-of-date", "m/package.json") in _findings(repo, files)


URL: Final = "https://a.example/x.ts"
OTHER: Final = "https://a.example/x@1.ts"


@pytest.mark.parametrize(
    ("redirects", "bound"),
    [
        ({URL: OTHER}, True),
        ({URL: "https://a.example/y.ts", "https://a.example/y.ts": OTHER}, True),
        ({URL: "https://a.example/types@1/x.d.ts"}, True),
        ({URL: "https://evil.example/x.ts"}, False),
        ({URL: "data:text/javascript,evil()"}, False),
        ({URL: "data:text/javascript,evil()//.d.ts"}, False),
        ({URL: "file:///tmp/evil.ts"}, False),
        ({URL: URL}, False),
        ({URL: None}, False),
    ],
)
def test_a_redirect_leads_to_a_module_with_a_hash(
    repo: GitRepo, redirects: dict[str, object], bound: bool
) -> None:
    found = _findings(repo, {"deno.lock": _lock(remote={OTHER: HEX}, redirects=redirects)})
    assert (("lockfile-sync", "out-of-date", "deno.lock") in found) is not bound


@pytest.mark.parametrize(
    ("config", "lock", "found"),
    [
        # Deno takes the folder, and writes no hash for the package.
        ({"links": ["./v/a"]}, {"links": {"npm:a@1.0.0": {}}},
         [("client-settings", "other-sources", "deno.json")]),
        ({"patch": ["v/a"]}, {"patches": {"npm:a@1.0.0": {}}},
         [("client-settings", "other-sources", "deno.json")]),
        ({"links": ["./v/a"]}, {},
         [("client-settings", "other-sources", "deno.json"), ("lockfile-sync", "out-of-date", "deno.json")]),
        ({}, {"links": {"npm:a@1.0.0": {}}}, [("lockfile-sync", "out-of-date", "deno.json")]),
    ],
)  # fmt: skip
def test_a_folder_in_the_place_of_a_package(
    repo: GitRepo, config: dict[str, Any], lock: dict[str, Any], found: list[tuple[str, str, str]]
) -> None:
    locked = _lock("a", npm={"a@1.0.0": {}})
    locked["workspace"] |= lock
    files: dict[str, object] = {
        "v/a/package.json": {"name": "a", "version": "1.0.0"},
        "deno.json": _config("a", **config),
        "deno.lock": locked,
    }
    said = _findings(repo, files)
    assert [each for each in said if each[0] in ("client-settings", "lockfile-sync")] == found
    assert ("lockfile-source" in {each[0] for each in said}) is not bool(lock)


@pytest.mark.parametrize(
    ("source", "found"),
    [("npm:a@1.0.0", False), ("npm:a@^1.0.0", True), ("npm:evil", True), ("a", False)],
)
def test_what_jsx_imports_is_locked(repo: GitRepo, source: str, found: bool) -> None:
    config = _config("a", compilerOptions={"jsx": "react-jsx", "jsxImportSource": source})
    said = _findings(repo, {"deno.json": config, "deno.lock": _lock("a")})
    assert (("lockfile-sync", "out-of-date", "deno.json") in said) is found


def test_permissions_of_the_own_code_are_harmless(repo: GitRepo) -> None:
    assert _findings(repo, {"deno.json": _config(permissions={"default": {"read": True}})}) == []


def _adopt_as_it_is(repo: GitRepo) -> None:
    """Accept what is there in the baseline."""
    repo.commit("Begin")
    assert run(repo.path, "init").status == 0
    repo.commit("Adopt")
    assert check(repo, "--all").findings == []


@pytest.mark.parametrize(
    "path", ["vendor/a.example/x.ts", "vendor/a.example/#y_1", "vendor/jsr.io/z.css"]
)
def test_the_vendored_folder_is_accepted_as_it_is(git_repo: GitRepo, path: str) -> None:
    git_repo.write("deno.json", json.dumps(_config(vendor=True)))
    git_repo.write("deno.lock", json.dumps(_lock()))
    git_repo.write("vendor/a.example/x.ts", "export const x = 1;\n")
    _adopt_as_it_is(git_repo)
    assert _findings(git_repo, {"README.md": "Words"}) == []
    assert _findings(git_repo, {path: "evil();\n"}) == [("client-settings", "program", "deno.json")]


@pytest.mark.parametrize("lock", ["other.lock", {"path": "locks/other.json"}])
def test_another_lockfile_is_accepted_by_its_content_at_most(
    git_repo: GitRepo, lock: object
) -> None:
    path = lock["path"] if isinstance(lock, dict) else str(lock)
    git_repo.write("deno.json", json.dumps(_config(lock=lock)))
    git_repo.write("deno.lock", json.dumps(_lock()))
    git_repo.write(path, json.dumps(_lock()))
    _adopt_as_it_is(git_repo)
    assert _findings(git_repo, {"README.md": "Words"}) == []
    assert _findings(git_repo, {path: _lock("a")}) == [
        ("client-settings", "other-lockfile", "deno.json")
    ]
    (found,) = check(git_repo).findings
    assert found["fix"].splitlines()[0] == f"git mv {path} deno.lock"


@pytest.mark.parametrize("lock", ["../other.lock", "other.txt"])
def test_another_lockfile_that_cannot_be_bound_is_refused(repo: GitRepo, lock: str) -> None:
    repo.write("deno.json", json.dumps(_config(lock=lock)))
    done = check(repo)
    assert done.status == 3
    assert "which npm-vetted does not read" in str(done.findings)


@pytest.mark.parametrize(
    "target",
    [
        "NPM:a@1.0.0",
        " npm:a@1.0.0",
        "n\tpm:a@1.0.0",
        "https:a.example/x.ts",
        "HTTPS:\\\\a.example/x",
    ],
)
def test_an_import_in_another_spelling_is_locked_or_out_of_date(repo: GitRepo, target: str) -> None:
    """The real Deno refuses each with --frozen, and fetches the newest match without."""
    found = _findings(repo, {"deno.json": {"imports": {"a": target}}})
    assert found == [("lockfile-sync", "out-of-date", "deno.json")]


def test_jsx_from_a_server_needs_a_hash(repo: GitRepo) -> None:
    config = _config(
        compilerOptions={"jsx": "react-jsx", "jsxImportSource": "https://a.example/jsx"}
    )
    assert _findings(repo, {"deno.json": config}) == [("lockfile-sync", "out-of-date", "deno.json")]
    lock = _lock(remote={"https://a.example/jsx/jsx-runtime": HEX})
    found = _findings(repo, {"deno.json": config, "deno.lock": lock})
    assert {check for check, _, _ in found} == {"lockfile-source", "unvetted"}


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("deno run -A jsr:@a/b", True), ("deno x jsr:@a/b@^1", True), ("deno jsr:@a/b/cli", True),
        ("deno run -A jsr:@a/b@1.0.0/cli", False), ("deno run -A jsr:@std/path", False),
        ("deno run -A main.ts", False),
    ],
)  # fmt: skip
def test_a_jsr_package_that_a_command_runs_is_locked_or_exact(
    git_repo: GitRepo, command: str, *, found: bool
) -> None:
    lock = _lock(
        jsr={"@std/path@1.0.0": {"integrity": HEX}}, specifiers={"jsr:@std/path@1": "1.0.0"}
    )
    lock["workspace"]["dependencies"].append("jsr:@std/path@1")
    git_repo.write("deno.json", json.dumps({"imports": {"p": "jsr:@std/path@1"}}))
    git_repo.write("deno.lock", json.dumps(lock))
    _adopt_as_it_is(git_repo)
    expected = [("install-command", "unpinned", "run.sh")] if found else []
    assert _findings(git_repo, {"run.sh": f"#!/bin/sh\n{command}\n"}) == expected


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('import "npm:b@1.0.0";', True), ('import x from "npm:a@^1";', False), ('import "npm:a";', False),
        ('import "npm:a@2";', True), ('export * from "jsr:@evil/e";', True), ("await import('npm:b');", True),
        ('import { x } from\n  "https://evil.example/x.ts";', True), ('import "https://a.example/x.ts";', False),
        ('// import "npm:b";\n/** import "jsr:@x/y" */', False), ('import "./npm.ts"; import "node:fs";', False),
        ("await import(`https://evil.example/x.ts`)", True), ('import x from"https://evil.example/x.ts"', True),
        ('import x from // a\n  /* b */ "https://evil.example/x.ts"', True),
        ('import x from // a\r"https://evil.example/x.ts"', True),
        ('import x from // a\u2028"https://evil.example/x.ts"', True),
        ('const u = "//"; import "https://evil.example/x.ts"', True),
        ('const u = "http://a.example"; import "npm:b@1.0.0"', True),
        ('const u = "https://evil.example/x.ts";', False), ('import "std/x.ts"; import "http://h/x.ts"', True),
    ],
)  # fmt: skip
def test_what_code_imports_by_itself_is_locked(repo: GitRepo, code: str, *, found: bool) -> None:
    """With the real Deno 2.9.6 each of the found ones was fetched when the code ran."""
    repo.write("deno.json", json.dumps(_config("a")))
    repo.write("deno.lock", json.dumps(_lock("a", remote={"https://a.example/x.ts": HEX})))
    repo.commit("Lock a")
    expected = [("lockfile-sync", "out-of-date", "main.ts")] if found else []
    assert _findings(repo, {"main.ts": code + "\n"}) == expected


@pytest.mark.parametrize(
    "unit", ["//", "// ", "/* */ ", "/*", "/* ", "import /* ", "//a\n", "\n", "import "]
)
def test_hostile_code_takes_linear_time(unit: str) -> None:
    code = f"import {unit * 20_000} 'https:".encode()
    start = time.process_time()
    assert list(imported(code)) == []
    assert time.process_time() - start < 2


@pytest.mark.parametrize("suffix", ["cjs", "cts", "js", "jsx", "mjs", "mts", "tsx"])
def test_each_file_of_code_is_read_whatever_else_it_holds(repo: GitRepo, suffix: str) -> None:
    """The fast path may not pass a URL on a line of its own by."""
    code = 'const { x } = await import(\n  "https://evil.example/x.ts"\n);\n'
    path = f"src/main.{suffix}"
    assert _findings(repo, {path: code}) == [("lockfile-sync", "out-of-date", path)]


@pytest.mark.parametrize(
    ("frozen", "left", "code", "found"),
    [
        (False, "a", "", True), (False, "", "import 'https://a.example/b.ts';\n", True),
        (False, "", "", False), (True, "a", "", False), (True, "", "import 'https://a.example/b.ts';\n", False),
    ],
)  # fmt: skip
def test_a_module_keeps_its_hash_unless_the_lockfile_is_frozen(
    repo: GitRepo, left: str, code: str, *, frozen: bool, found: bool
) -> None:
    """deno.lock does not say which module imports another, and Deno 2.9.6 fetches what it lacks."""
    config = _config(lock={"frozen": True}) if frozen else _config()
    urls = {name: f"https://a.example/{name}.ts" for name in "ab"}
    repo.write("deno.json", json.dumps(config))
    repo.write("main.ts", code)
    repo.write("deno.lock", json.dumps(_lock(remote=dict.fromkeys(urls.values(), HEX))))
    repo.commit("Lock two modules")
    lock = _lock(remote={urls[name]: HEX for name in left}) if left else _lock()
    expected = [("integrity", "unpinned-modules", "deno.lock")] if found else []
    assert _findings(repo, {"deno.lock": lock}) == expected


def test_code_of_other_projects_is_not_read(git_repo: GitRepo) -> None:
    git_repo.write("package.json", "{}")
    git_repo.write("package-lock.json", json.dumps(NPM_LOCK))
    git_repo.write(".npmrc", "ignore-scripts=true\n")
    adopt(git_repo)
    git_repo.commit("Begin")
    assert _findings(git_repo, {"main.ts": 'import "npm:b@1.0.0";\n'}) == []


@pytest.mark.parametrize(
    ("lock", "command", "found"),
    [
        ({"frozen": True}, "deno install", []), ({"frozen": False}, "deno install", ["lockfile-may-change"]),
        ({"frozen": True}, "deno install --frozen=false", ["lockfile-may-change"]),
    ],
)  # fmt: skip
def test_a_frozen_lockfile_holds_in_an_image(
    repo: GitRepo, lock: object, command: str, found: list[str]
) -> None:
    repo.write("deno.json", json.dumps(_config(lock=lock)))
    repo.commit("Say so")
    repo.write("Dockerfile", f"FROM denoland/deno\nCOPY . .\nRUN {command}\n")
    assert [each["code"] for each in check(repo).findings] == found
