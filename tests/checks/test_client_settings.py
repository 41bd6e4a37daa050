"""The check ``client-settings`` on real commits: what each client must not be told by a repository."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

import pytest

from tests.support.git_repo import GitRepo
from tests.support.npm_projects import adopt, check, run

PROXY, AUTHORITY = "http://proxy.acme.example:8080/", "acme.pem"
LISTED = f'[registries]\nproxies = ["{PROXY}"]\nauthorities = ["{AUTHORITY}"]\n'

CLIENTS: Mapping[str, Mapping[str, str]] = {
    "npm@11.21.2": {".npmrc": "ignore-scripts=true\n"},
    "pnpm@10.34.9": {
        ".npmrc": "ignore-scripts=true\n", "pnpm-workspace.yaml": "ignoreScripts: true\n",
    },
    "pnpm@12.21.0": {"pnpm-workspace.yaml": "ignoreScripts: true\n"},
    "yarn@1.22.22": {".yarnrc": "ignore-scripts true\n", ".npmrc": ""},
    "yarn@4.18.1": {".yarnrc.yml": "enableScripts: false\n"},
    "bun@1.4.5": {"bunfig.toml": "[install]\nignoreScripts = true\n", ".npmrc": ""},
}  # fmt: skip
"""Each client with settings that switch scripts off; lines are added to these files."""

PLACES = [
    ("npm@11.21.2", ".npmrc", "https-proxy={}\n", "cafile={}\n"),
    ("npm@11.21.2", ".npmrc", "proxy = \"{}\"\n", "ca[]={}\n"),
    ("pnpm@10.34.9", ".npmrc", "https-proxy={}\n", "cafile={}\n"),
    ("pnpm@10.34.9", "pnpm-workspace.yaml", "httpsProxy: {}\n", "cafile: {}\n"),
    ("pnpm@12.21.0", "pnpm-workspace.yaml", "httpProxy: {}\n", "ca: {}\n"),
    ("pnpm@12.21.0", ".npmrc", "proxy={}\n", "cafile={}\n"),
    ("yarn@1.22.22", ".yarnrc", 'https-proxy "{}"\n', 'cafile "{}"\n'),
    ("yarn@1.22.22", ".npmrc", "http-proxy={}\n", "cafile={}\n"),
    ("yarn@4.18.1", ".yarnrc.yml", "httpsProxy: {}\n", "httpsCaFilePath: {}\n"),
    ("bun@1.4.5", ".npmrc", "https-proxy={}\n", "cafile={}\n"),
    ("bun@1.4.5", "bunfig.toml", "", 'cafile = "{}"\n'),
]  # fmt: skip
"""Where each client takes a proxy and an authority from."""


def write(repo: GitRepo, client: str, folder: str = "") -> None:
    """A project of a client, with a dependency that nothing locks yet."""
    data = {
        "name": "p",
        "version": "1.0.0",
        "dependencies": {"ms": "2.1.3"},
        "packageManager": client,
    }
    repo.write(f"{folder}package.json", json.dumps(data, indent=2) + "\n")
    for name, text in CLIENTS[client].items():
        repo.write(folder + name, text)
    if client.startswith("yarn@4"):
        repo.write(f"{folder}yarn.lock", "__metadata:\n  version: 10\n  cacheKey: 10c0\n")


def append(repo: GitRepo, path: str, text: str) -> int:
    """Add a line to a file; its number."""
    file = repo.path / path
    old = file.read_text() if file.exists() else ""
    repo.write(path, old + text)
    return old.count("\n") + 1


def found(repo: GitRepo) -> list[tuple[str, str, int, str]]:
    """The errors of the check: code, path, line, key."""
    return sorted(
        (each["code"], each["path"], each["line"], each["key"])
        for each in check(repo, "client-settings").findings
        if each["level"] == "error"
    )


@pytest.mark.parametrize(("client", "path", "proxy", "authority"), PLACES)
def test_a_proxy_and_an_authority_are_errors_unless_the_policy_lists_them(
    git_repo: GitRepo, client: str, path: str, proxy: str, authority: str
) -> None:
    write(git_repo, client)
    adopt(git_repo, LISTED)
    append(git_repo, path, proxy.format(PROXY) + authority.format(AUTHORITY))
    assert found(git_repo) == []
    git_repo.git("checkout", "-q", "HEAD", "--", ".")
    git_repo.run("clean", "-fdq")
    append(git_repo, path, proxy.format("http://evil.example/") + authority.format("evil.pem"))
    assert [code for code, *_ in found(git_repo)] == ["authority", *["proxy"] * bool(proxy)]


SETTINGS = [
    ("pnpm@12.21.0", "pnpm-workspace.yaml", "include: {./x.yaml: '*'}\n", "other-settings", "include"),
    ("pnpm@12.21.0", "pnpm-workspace.yaml", "python: {enabled: true}\n", "program", "python"),
    ("pnpm@12.21.0", "pnpm-workspace.yaml", "cargo: {enabled: true}\n", "unknown-setting", "cargo"),
    ("pnpm@12.21.0", "pnpm-workspace.yaml", "pnpmfile: ./x.cjs\n", "program", "pnpmfile"),
    ("pnpm@10.34.9", "pnpm-workspace.yaml", "configDependencies: {a: 1.0.0}\n", "program", "configDependencies"),
    ("pnpm@10.34.9", "pnpm-workspace.yaml", "ignore-scripts: true\n", "unknown-setting", "ignore-scripts"),
    ("pnpm@10.34.9", ".npmrc", "use-node-version=22.0.0\n", "unknown-setting", "useNodeVersion"),
    ("npm@11.21.2", ".npmrc", "package[]=evil\n", "unknown-setting", "package"),
    ("npm@11.21.2", ".npmrc", "@acme:registry=https://evil.example/\n", "registry-not-allowed", "@acme:registry"),
    ("yarn@1.22.22", ".npmrc", "cache-folder=./c\n", "unknown-setting", "cache-folder"),
    ("yarn@4.18.1", ".yarnrc.yml", "enableConstraintsChecks: true\n", "program", "enableConstraintsChecks"),
    ("yarn@4.18.1", ".yarnrc.yml", "rcFilename: x\n", "other-settings", "rcFilename"),
    ("bun@1.4.5", ".npmrc", "cache=./c\n", "cache-in-repository", "cache"),
    ("bun@1.4.5", "bunfig.toml", 'security.scanner = "x"\n', "unknown-setting", "install.security.scanner"),
    ("bun@1.4.5", ".env", "HTTPS_PROXY=http://evil.example/\n", "environment-file", "HTTPS_PROXY"),
]  # fmt: skip


@pytest.mark.parametrize(("client", "path", "text", "code", "key"), SETTINGS)
def test_a_setting_that_is_not_known_to_be_harmless(
    git_repo: GitRepo, client: str, path: str, text: str, code: str, key: str
) -> None:
    write(git_repo, client)
    adopt(git_repo)
    line = append(git_repo, path, text)
    assert (code, path, line, key) in found(git_repo)


def test_registries_by_url(git_repo: GitRepo) -> None:
    """pnpm 11.23 and later."""
    write(git_repo, "pnpm@12.21.0")
    adopt(git_repo)
    text = 'registries:\n  "https://{}/":\n    scopes: ["@acme"]\n'
    append(git_repo, "pnpm-workspace.yaml", text.format("registry.npmjs.org"))
    assert found(git_repo) == []
    write(git_repo, "pnpm@12.21.0")
    append(git_repo, "pnpm-workspace.yaml", text.format("evil.example"))
    assert [code for code, *_ in found(git_repo)] == ["registry-not-allowed"]


def test_settings_above_a_project_of_yarn_1(git_repo: GitRepo) -> None:
    """It reads the .npmrc of every folder above; npm does not."""
    for client in ("yarn@1.22.22", "npm@11.21.2"):
        write(git_repo, client, f"{client[:3]}/")
    adopt(git_repo)
    git_repo.write(".npmrc", "cache-folder=./c\nproxy=http://evil.example/\n")
    assert found(git_repo) == [
        ("proxy", ".npmrc", 2, "proxy"), ("unknown-setting", ".npmrc", 1, "cache-folder"),
    ]  # fmt: skip


def test_a_line_above_many_projects_is_one_finding_and_one_acceptance(git_repo: GitRepo) -> None:
    """Projects with a lockfile of their own below the top read its .yarnrc.yml as well."""
    write(git_repo, "yarn@4.18.1")
    for folder in ("one", "two", "three"):
        git_repo.write(f"{folder}/package.json", '{"dependencies": {"a": "^1.0.0"}}')
        git_repo.write(f"{folder}/yarn.lock", "__metadata:\n  version: 8\n")
    git_repo.write(".vetting/config.toml", "format = 2\n")
    git_repo.commit("Adopt npm-vetted")
    git_repo.write(".yarn/releases/yarn.cjs", "1")
    append(git_repo, ".yarnrc.yml", "yarnPath: .yarn/releases/yarn.cjs\n")
    assert [code for code, *_ in found(git_repo)] == ["program"]
    [finding] = check(git_repo, "client-settings").findings
    accepted = run(git_repo.path, "accept", finding["identity"], "--reason", "Yarn's own release")
    assert accepted.status == 0
    git_repo.git("commit", "-qm", "Accept the release", "--", ".vetting")
    assert found(git_repo) == []


PROGRAMS = [
    ("npm@11.21.2", ".npmrc", "git=./x.sh\n", "x.sh"),
    ("npm@11.21.2", ".npmrc", "cafile=./x.pem\n", "x.pem"),
    ("pnpm@12.21.0", "pnpm-workspace.yaml", "pnpmfile: ./x.cjs\n", "x.cjs"),
    ("pnpm@12.21.0", "pnpm-workspace.yaml", "include: {./x.yaml: '*'}\n", "x.yaml"),
    ("pnpm@12.21.0", "pnpm-workspace.yaml", "python: {enabled: true}\n", "pyproject.toml"),
    ("yarn@1.22.22", ".yarnrc", "yarn-path ./x\n", "x"),
    ("yarn@4.18.1", ".yarnrc.yml", "enableConstraintsChecks: true\n", "yarn.config.cjs"),
    ("yarn@4.18.1", ".yarnrc.yml", "plugins: [./x.cjs]\n", "x.cjs"),
    ("bun@1.4.5", "bunfig.toml", 'security.scanner = "./x.ts"\n', "x.ts"),
]


@pytest.mark.parametrize(("client", "path", "text", "program"), PROGRAMS)
def test_a_commit_of_the_file_alone_that_an_accepted_setting_names(
    git_repo: GitRepo, client: str, path: str, text: str, program: str
) -> None:
    write(git_repo, client)
    append(git_repo, path, text)
    git_repo.write(program, "1\n")
    git_repo.commit("before")
    assert run(git_repo.path, "init").status in (0, 1)
    git_repo.commit("adopt")
    assert found(git_repo) == []
    git_repo.write("notes.md", "x\n")
    assert found(git_repo) == []
    git_repo.write(program, "2\n")
    git_repo.git("add", "-A")
    assert run(git_repo.path, "check").status == 1
    assert [each[1] for each in found(git_repo)] == [path]


def test_the_printed_fix_accepts_the_finding_once_a_reason_is_given(git_repo: GitRepo) -> None:
    write(git_repo, "npm@11.21.2")
    git_repo.commit("before")
    run(git_repo.path, "init")
    git_repo.commit("adopt")
    append(git_repo, ".npmrc", "call=x\n")
    (finding,) = check(git_repo, "client-settings").findings
    first, last = finding["fix"].splitlines()
    assert first == "git restore --staged .npmrc"
    words = shlex.split(last)
    assert words[1:3] == ["accept", finding["identity"]]
    reason = [word.replace("REASON", "our npx needs it") for word in words[1:]]
    assert run(git_repo.path, *words[1:]).status == 2, "a placeholder is no reason"
    assert run(git_repo.path, *reason).status == 0
    git_repo.git("commit", "-qm", "Accept it", "--", ".vetting/baseline.txt")
    assert check(git_repo, "client-settings").findings == []


@pytest.mark.parametrize(
    ("key", "meant"),
    [("save-exakt", "save-exact"), ("a_tool_of_ours", None), ("x" * 5000, None)],
)
def test_the_nearest_known_key_is_named(git_repo: GitRepo, key: str, meant: str | None) -> None:
    write(git_repo, "npm@11.21.2")
    append(git_repo, ".npmrc", f"{key}=1\n")
    (finding,) = check(git_repo, "client-settings").findings
    assert len(finding["message"]) < 200
    assert (f"did you mean '{meant}'" in finding["message"]) is (meant is not None)
