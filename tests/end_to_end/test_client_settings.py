"""Committed settings of each client, end to end: harmless, unknown and dangerous ones, with their key.

Each row is a setting that a commit adds to an adopted repository. What every table of known settings
lists as harmless passes all together, and what it lists as unverified is found key by key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import pytest

from npm_vetted.clients.shared.settings import known_settings
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check

EVIL: Final = "http://evil.example/"
TOKEN: Final = "npm_0123456789abcdef0123456789abcdef0123"


def _lines(prefix: str, form: str) -> Callable[[Mapping[str, Any]], str]:
    """A file of one line for each setting; ``prefix`` are its lines before."""

    def write(settings: Mapping[str, Any]) -> str:
        return prefix + "".join(form.format(key, _plain(value)) for key, value in settings.items())

    return write


def _yarnrc(settings: Mapping[str, Any]) -> str:
    lines = (f"{key} {json.dumps(value)}\n" for key, value in settings.items())
    return "ignore-scripts true\n" + "".join(lines)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _json(base: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], str]:
    def write(settings: Mapping[str, Any]) -> str:
        return json.dumps({**base, **settings}, indent=1)

    return write


def _yaml(base: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], str]:
    def write(settings: Mapping[str, Any]) -> str:
        return "".join(f"{json.dumps(key)}: {json.dumps(value)}\n"
                       for key, value in {**base, **settings}.items())  # fmt: skip

    return write


def _toml(settings: Mapping[str, Any]) -> str:
    tables: dict[str, list[str]] = {"": [], "install": ["ignoreScripts = true"]}
    for key, value in settings.items():
        table, _, name = key.rpartition(".")
        tables.setdefault(table, []).append(f'"{name}" = {json.dumps(value)}')
    return "".join(
        (f"[{table}]\n" if table else "") + "".join(f"{line}\n" for line in lines)
        for table, lines in tables.items()
    )


class Kind(NamedTuple):
    """A client: its file of settings, how that is written, and the other files of a project."""

    file: str
    write: Callable[[Mapping[str, Any]], str]
    files: Mapping[str, str]
    folder: str
    pin: str | None = None


RUSH: Final = {
    "rushVersion": "5.179.0", "pnpmVersion": "10.34.9",
    "projects": [{"packageName": "a", "projectFolder": "a"}],
}  # fmt: skip
BERRY: Final = "__metadata:\n  version: 10\n  cacheKey: 10c0\n"
KINDS: Final[Mapping[str, Kind]] = {
    "npm": Kind(".npmrc", _lines("ignore-scripts=true\n", "{}={}\n"), {}, "npm", "npm@11.21.2"),
    "pnpm": Kind(
        "pnpm-workspace.yaml", _yaml({"ignoreScripts": True}), {}, "pnpm", "pnpm@12.21.0"
    ),
    "yarn-classic": Kind(".yarnrc", _yarnrc, {}, "yarn_classic", "yarn@1.22.22"),
    "yarn-berry": Kind(
        ".yarnrc.yml", _yaml({"enableScripts": False}), {"yarn.lock": BERRY}, "yarn_berry", "yarn@4.18.1"
    ),
    "bun": Kind("bunfig.toml", _toml, {}, "bun", "bun@1.4.5"),
    "deno": Kind("deno.json", _json({}), {}, "deno"),
    "rush": Kind(
        "common/config/rush/pnpm-config.json",
        _json({"useWorkspaces": True}),
        {
            "rush.json": json.dumps(RUSH),
            "common/config/rush/.npmrc": "ignore-scripts=true\n",
            "a/package.json": json.dumps({"name": "a", "dependencies": {"ms": "2.1.3"}}),
        },
        "rush",
    ),
}  # fmt: skip


class Row(NamedTuple):
    """A setting, and the finding of the commit that adds it; no code: there is none."""

    client: str
    settings: Mapping[str, Any]
    code: str | None = None
    key: str = ""
    level: str = "error"


ROWS: Final = (
    Row("npm", {"save-exact": True}),
    Row("npm", {"registry": "https://registry.npmjs.org/"}),
    Row("npm", {"loglevel": "warn", "fund": False}),
    Row("npm", {"registry": EVIL}, "registry-not-https", "registry"),
    Row("npm", {"registry": "https://evil.example/"}, "registry-not-allowed", "registry"),
    Row("npm", {"@acme:registry": EVIL}, "registry-not-https", "@acme:registry"),
    Row("npm", {"strict-ssl": False}, "tls-off", "strict-ssl"),
    Row("npm", {"git": "./x.sh"}, "program", "git"),
    Row("npm", {"script-shell": "./x.sh"}, "program", "script-shell"),
    Row("npm", {"node-options": "--require ./x.js"}, "program", "node-options"),
    Row("npm", {"//registry.npmjs.org/:_authToken": TOKEN}, "secret", "//registry.npmjs.org/:_authToken"),
    Row("npm", {"https-proxy": EVIL}, "proxy", "https-proxy"),
    Row("npm", {"cafile": "./ca.pem"}, "authority", "cafile"),
    Row("npm", {"dangerously-allow-all-scripts": True}, "allow-all-scripts", "dangerously-allow-all-scripts"),
    Row("npm", {"allow-git": "all"}, "other-sources", "allow-git"),
    Row("npm", {"some-key-of-nobody": "1"}, "unknown-setting", "some-key-of-nobody", "warning"),
    Row("pnpm", {"packages": ["a"]}),
    Row("pnpm", {"registries": {"default": "https://registry.npmjs.org/"}}),
    Row("pnpm", {"registries": {"default": EVIL}}, "registry-not-https", "registries.default"),
    Row("pnpm", {"registries": {EVIL: {"scopes": ["@acme"]}}}, "registry-not-https", f"registries.{EVIL}"),
    Row("pnpm", {"strictSsl": False}, "tls-off", "strictSsl"),
    Row("pnpm", {"scriptShell": "./x.sh"}, "program", "scriptShell"),
    Row("pnpm", {"pnpmfile": "./x.cjs"}, "program", "pnpmfile"),
    Row("pnpm", {"python": {"enabled": True}}, "program", "python"),
    Row("pnpm", {"include": {"./x.yaml": "*"}}, "other-settings", "include"),
    Row("pnpm", {"dangerouslyAllowAllBuilds": True}, "allow-all-scripts", "dangerouslyAllowAllBuilds"),
    Row("pnpm", {"blockExoticSubdeps": False}, "other-sources", "blockExoticSubdeps"),
    Row("pnpm", {"minimumReleaseAge": 0}, "cooldown-off", "minimumReleaseAge"),
    Row("pnpm", {"verifyStoreIntegrity": False}, "integrity-off", "verifyStoreIntegrity"),
    Row("pnpm", {"lockfile": False}, "lockfile-off", "lockfile"),
    Row("pnpm", {"lockfileDir": ".."}, "other-lockfile", "lockfileDir"),
    Row("pnpm", {"storeDir": "./store"}, "cache-in-repository", "storeDir"),
    Row("pnpm", {"httpsProxy": EVIL}, "proxy", "httpsProxy"),
    Row("pnpm", {"cafile": "./ca.pem"}, "authority", "cafile"),
    Row("pnpm", {"someKeyOfNobody": 1}, "unknown-setting", "someKeyOfNobody"),
    Row("yarn-classic", {"save-prefix": ""}),
    Row("yarn-classic", {"registry": "https://registry.yarnpkg.com"}),
    Row("yarn-classic", {"registry": EVIL}, "registry-not-https", "registry"),
    Row("yarn-classic", {"strict-ssl": False}, "tls-off", "strict-ssl"),
    Row("yarn-classic", {"yarn-path": "./x.js"}, "program", "yarn-path"),
    Row("yarn-classic", {"https-proxy": EVIL}, "proxy", "https-proxy"),
    Row("yarn-classic", {"cafile": "./ca.pem"}, "authority", "cafile"),
    Row("yarn-classic", {"--install.some-flag": "true"}, "unknown-flag", "--install.some-flag"),
    Row("yarn-classic", {"some-key-of-nobody": "1"}, "unknown-setting", "some-key-of-nobody"),
    Row("yarn-berry", {"nodeLinker": "node-modules"}),
    Row("yarn-berry", {"npmRegistryServer": "https://registry.npmjs.org"}),
    Row("yarn-berry", {"npmRegistryServer": EVIL}, "registry-not-https", "npmRegistryServer"),
    Row("yarn-berry", {"npmScopes": {"a": {"npmRegistryServer": EVIL}}}, "registry-not-https",
        "npmScopes.a.npmRegistryServer"),
    Row("yarn-berry", {"npmAuthToken": TOKEN}, "secret", "npmAuthToken"),
    Row("yarn-berry", {"enableStrictSsl": False}, "tls-off", "enableStrictSsl"),
    Row("yarn-berry", {"unsafeHttpWhitelist": ["evil.example"]}, "registry-not-https", "unsafeHttpWhitelist"),
    Row("yarn-berry", {"yarnPath": "./x.cjs"}, "program", "yarnPath:./x.cjs"),
    Row("yarn-berry", {"plugins": ["./x.cjs"]}, "program", "plugins:./x.cjs"),
    Row("yarn-berry", {"enableConstraintsChecks": True}, "program", "enableConstraintsChecks"),
    Row("yarn-berry", {"checksumBehavior": "update"}, "integrity-off", "checksumBehavior"),
    Row("yarn-berry", {"lockfileFilename": "other.lock"}, "other-lockfile", "lockfileFilename"),
    Row("yarn-berry", {"injectEnvironmentFiles": [".env.x"]}, "environment-file", "injectEnvironmentFiles"),
    Row("yarn-berry", {"approvedGitRepositories": ["**"]}, "other-sources", "approvedGitRepositories"),
    Row("yarn-berry", {"npmMinimalAgeGate": 0}, "cooldown-off", "npmMinimalAgeGate", "warning"),
    Row("yarn-berry", {"httpsProxy": EVIL}, "proxy", "httpsProxy"),
    Row("yarn-berry", {"cacheFolder": "./cache"}, "unverified-value", "cacheFolder"),
    Row("yarn-berry", {"someKeyOfNobody": 1}, "unknown-setting", "someKeyOfNobody"),
    Row("bun", {"install.exact": True}),
    Row("bun", {"install.registry": "https://registry.npmjs.org/"}),
    Row("bun", {"install.registry": EVIL}, "registry-not-https", "install.registry"),
    Row("bun", {"install.cafile": "./ca.pem"}, "authority", "install.cafile"),
    Row("bun", {"preload": ["./x.ts"]}, "unknown-setting", "preload"),
    Row("bun", {"install.security.scanner": "./x.ts"}, "unknown-setting", "install.security.scanner"),
    Row("bun", {"install.someKeyOfNobody": 1}, "unknown-setting", "install.someKeyOfNobody"),
    Row("deno", {"nodeModulesDir": "auto"}),
    Row("deno", {"fmt": {"lineWidth": 90}}),
    Row("deno", {"lock": False}, "lockfile-off", "lock"),
    Row("deno", {"importMap": "https://evil.example/map.json"}, "other-settings", "importMap"),
    Row("deno", {"minimumDependencyAge": 0}, "cooldown-off", "minimumDependencyAge"),
    Row("deno", {"nodeModulesDir": "elsewhere"}, "unverified-value", "nodeModulesDir"),
    Row("deno", {"someKeyOfNobody": 1}, "unknown-setting", "someKeyOfNobody"),
    Row("rush", {"strictPeerDependencies": True}),
    Row("rush", {"globalOnlyBuiltDependencies": ["evil"]}, "allows-unlocked", "pnpm.onlyBuiltDependencies"),
    Row("rush", {"unsupportedPackageJsonSettings": {"a": 1}}, "other-settings", "unsupportedPackageJsonSettings"),
    Row("rush", {"minimumReleaseAgeMinutes": 0}, "cooldown-off", "minimumReleaseAge"),
    Row("rush", {"pnpmStore": "elsewhere"}, "unverified-value", "pnpmStore"),
    Row("rush", {"someKeyOfNobody": 1}, "unknown-setting", "someKeyOfNobody"),
)  # fmt: skip


def _project(repo: GitRepo, kind: Kind) -> None:
    """An adopted repository with a project of a client."""
    if "rush.json" not in kind.files:
        manifest = {"name": "p", "version": "1.0.0", "dependencies": {"ms": "2.1.3"}}
        pin = {"packageManager": kind.pin} if kind.pin else {}
        repo.write("package.json", json.dumps(manifest | pin))
    for path, text in kind.files.items():
        repo.write(path, text)
    if kind.folder == "rush":
        repo.write(
            "common/config/rush/pnpm-lock.yaml", "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"
        )
    repo.write(kind.file, kind.write({}))
    repo.write(".vetting/config.toml", "format = 2\n")
    repo.commit("Adopt")


def _found(repo: GitRepo, kind: Kind) -> list[tuple[str, str, str, str]]:
    """What the commit's check says: code, key, level, path."""
    keys = ("code", "key", "level", "path")
    found = check(repo, "client-settings").findings
    return [tuple(each[key] for key in keys) for each in found if each["path"] == kind.file]


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{row.client}-{next(iter(row.settings))}-{row.code}"
)
def test_a_commit_that_adds_a_setting(git_repo: GitRepo, row: Row) -> None:
    kind = KINDS[row.client]
    _project(git_repo, kind)
    git_repo.write(kind.file, kind.write(row.settings))
    expected = [] if row.code is None else [(row.code, row.key, row.level, kind.file)]
    assert _found(git_repo, kind) == expected


@pytest.mark.parametrize("client", KINDS)
def test_what_the_table_calls_harmless_passes(git_repo: GitRepo, client: str) -> None:
    kind = KINDS[client]
    _project(git_repo, kind)
    known = known_settings(kind.folder)
    settings: dict[str, Any] = dict.fromkeys(sorted(known.harmless - {"packages"}), "1")
    settings |= {key: _typed(min(values)) for key, values in known.values.items()}
    settings = {key: value for key, value in settings.items() if not _is_above(key, settings)}
    git_repo.write(kind.file, kind.write(settings))
    assert _found(git_repo, kind) == []


@pytest.mark.parametrize("client", KINDS)
def test_what_nobody_verified_is_found_key_by_key(git_repo: GitRepo, client: str) -> None:
    kind = KINDS[client]
    _project(git_repo, kind)
    known = known_settings(kind.folder)
    git_repo.write(kind.file, kind.write(dict.fromkeys(sorted(known.unverified), "1")))
    found = {key for code, key, _, _ in _found(git_repo, kind) if code == "unknown-setting"}
    assert found == known.unverified


def _typed(text: str) -> object:
    return {"true": True, "false": False}.get(text, text)


def _is_above(key: str, settings: Mapping[str, Any]) -> bool:
    """Whether a key is a table that other keys are in."""
    return any(each.startswith(f"{key}.") for each in settings)
