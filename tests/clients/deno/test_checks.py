"""Projects of Deno, as ``check`` judges their commits."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check

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
    assert found == [
        (check, code, "deno.lock")
        for _ in range(3)
        for check, code in (("lockfile-source", "source-not-accepted"), ("unvetted", "new"))
    ]


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
