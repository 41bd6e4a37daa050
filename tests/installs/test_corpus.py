"""Commands in context: the labelled corpus, the real clients, real commits, and hostile files."""

from __future__ import annotations

import functools
import json
import shlex
import shutil
import subprocess
import time
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.checks.install_command import View
from npm_vetted.clients.npm import commands as npm
from npm_vetted.git.repository import TreeEntry
from npm_vetted.git.snapshot import Snapshot
from npm_vetted.installs import install_problems, kinds, mentions_client
from npm_vetted.model import Level, Problem
from npm_vetted.projects.discovery import Projects
from npm_vetted.vetting.exemptions import Exemptions
from npm_vetted.vetting.note_store import NoteStore
from npm_vetted.vetting.policy import Policy
from npm_vetted.vetting.resolver import Vetting
from tests.support.git_repo import GitRepo
from tests.support.real_clients import NODE, Clients, Marker

CORPUS = Path(__file__).parent
ALWAYS = 2
"""So many of the cases that run a real client are run every time; all of them with ``-m slow``."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file with commands, in a repository, and what the check must say."""

    name: str
    label: str
    repository: str
    path: str
    reason: str
    text: str
    line: int = 0
    truth: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)


def repositories() -> dict[str, dict[str, str]]:
    """The files of each repository by its name."""
    data = tomllib.loads((CORPUS / "repositories.toml").read_text())
    return {name: table["files"] for name, table in data.items()}


def corpus() -> list[Case]:
    """Every labelled case."""
    found = []
    for file in sorted(CORPUS.glob("*.toml")):
        if file.stem != "repositories":
            for number, case in enumerate(tomllib.loads(file.read_text())["case"], start=1):
                found.append(Case(name=f"{file.stem}-{number}", **case))
    return found


CASES = corpus()
REPOSITORIES = repositories()
TRUTHS = [case for case in CASES if case.truth]


class MemorySnapshot(Snapshot):
    """Files that stand nowhere but in the test."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self.files = {
            path: text.encode() if isinstance(text, str) else text for path, text in files.items()
        }

    def entry(self, path: str) -> TreeEntry | None:
        return TreeEntry("100644", "0" * 40) if path in self.files else None

    def everything(self) -> Iterator[str]:
        return iter(self.files)

    def grep(self, words: Collection[str], below: str, names: Collection[str] = ()) -> set[str]:
        return set()

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)


def problems(path: str, files: Mapping[str, str | bytes]) -> list[Problem]:
    """What is wrong with the commands of one of these files."""
    snapshot = MemorySnapshot(files)
    vetting = Vetting(Policy(), Exemptions(""), NoteStore(snapshot, ()))
    view = View(snapshot, Projects(snapshot, lambda _: False), vetting, lambda _: False)
    return list(install_problems(path, view))


def in_shell(text: str, repository: str = "npm", path: str = "run.sh") -> list[Problem]:
    """What is wrong with a shell script in one of the corpus' repositories."""
    return problems(path, {**REPOSITORIES[repository], "sub/a.js": "", path: text})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_corpus(case: Case) -> None:
    found = problems(
        case.path, {**REPOSITORIES[case.repository], **case.files, case.path: case.text}
    )
    errors = [each for each in found if each.level is Level.ERROR]
    words = [f"{each.location.line}: {each.message}" for each in found]
    match case.label:
        case "safe":
            assert words == []
        case "unsafe":
            assert errors, words
            assert case.line in {each.location.line for each in errors}, words
        case "rewrites":
            assert not errors, words
            assert [each.location.line for each in found] == [case.line]
            assert "lockfile" in found[0].message
        case "warned":
            assert not errors, words
            assert [each.location.line for each in found] == [case.line], words
        case "undecided":
            assert not errors, words
            assert found, "silence"
            assert any(
                each.message.startswith("undecided: ") and each.location.line == case.line
                for each in found
            ), words
        case _:
            pytest.fail(f"no such label: {case.label}")


def test_the_corpus_is_what_the_issue_asks_for() -> None:
    labels = [case.label for case in CASES]
    assert len(CASES) >= 200
    assert len(TRUTHS) >= 200
    assert min(labels.count(each) for each in ("safe", "unsafe", "undecided")) >= 15


def _truth(case: Case, clients: Clients, marker: Marker, folder: Path) -> bool:
    """Whether the marker's script runs when the case's text does."""
    assert case.truth is not None
    folder.mkdir()
    manifest = {"name": "app", "version": "1.0.0", "private": True}
    data = {**manifest, "dependencies": {marker.name: marker.specifier}}
    (folder / "package.json").write_text(json.dumps(data))
    shutil.copy(marker.tarball, folder / "marker.tgz")
    for name in (".npmrc", ".yarnrc", "pnpm-workspace.yaml", "bunfig.toml"):
        if name in REPOSITORIES[case.repository]:
            (folder / name).write_text(REPOSITORIES[case.repository][name])
    if case.truth.startswith("yarn4"):
        settings_of = REPOSITORIES[case.repository][".yarnrc.yml"]
        local = "nodeLinker: node-modules\nenableGlobalCache: false\n"
        (folder / ".yarnrc.yml").write_text(settings_of + local)
        (folder / "yarn.lock").write_text("")
    if "npm ci" in case.text or "clean-install" in case.text.split():
        clients.run(case.truth, "install", "--package-lock-only", "--ignore-scripts", cwd=folder)
    (folder / "run.sh").write_text(case.text)
    subprocess.run(
        ["bash", "run.sh"],
        cwd=folder,
        env=clients.environment(case.truth, _outside(folder)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
    )
    return marker.ran


def _outside(folder: Path) -> dict[str, str]:
    """Where global installs go; pnpm must not take a script's effects from what it built before."""
    return {
        "npm_config_prefix": str(folder.parent / "global"),
        "npm_config_side_effects_cache": "false",
        "PNPM_HOME": str(folder.parent / "pnpm"),
        "BUN_INSTALL": str(folder.parent / "bun"),
    }


def _slow_from(start: int) -> list[object]:
    return [
        pytest.param(case, id=case.name, marks=[pytest.mark.slow] if index >= start else [])
        for index, case in enumerate(sorted(TRUTHS, key=lambda case: hash_of(case.name)))
    ]


def hash_of(name: str) -> int:
    """A fixed shuffle, so that the few that always run are of every kind."""
    return functools.reduce(lambda total, char: (total * 31 + ord(char)) % 10_007, name, 7)


@pytest.mark.parametrize("case", _slow_from(ALWAYS))
def test_the_real_client_agrees(
    case: Case, clients: Clients, marker_package: Callable[..., Marker], tmp_path: Path
) -> None:
    assert _truth(case, clients, marker_package(), tmp_path / "app") == (case.label == "unsafe")


NOPT = """
const [root, values] = [process.argv[1], JSON.parse(process.argv[2])]
const { definitions, shorthands } = require(root + '/node_modules/@npmcli/config/lib/definitions')
const nopt = require(root + '/node_modules/nopt')
const types = Object.fromEntries(Object.entries(definitions).map(([key, { type }]) => [key, type]))
const words = (...line) => nopt(types, shorthands, ['node', 'npm', ...line]).argv.remain
console.log(JSON.stringify(Object.keys(types).flatMap(key =>
  values.map(value => [key, value, words('--' + key, value, 'install')]))))
"""
"""Which words npm's own parser leaves of ``npm --key value install``, for every key it knows."""


@pytest.mark.parametrize(
    "version",
    [*(pytest.param(each, marks=pytest.mark.slow) for each in ("npm10", "npm11")), "npm12"],
)
def test_npm_s_own_parser_agrees_on_which_options_take_a_word(
    version: str, clients: Clients
) -> None:
    root = str(clients.modules / version)
    done = subprocess.run(
        [str(NODE), "-e", NOPT, root, json.dumps(["x", "1", "true"])],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    truth = json.loads(done.stdout)
    assert len(truth) > 300
    for key, value, words in truth:
        acts = list(npm.read(["npm", f"--{key}", value, "install"], {}))
        ours = npm._taken_apart([f"--{key}", value, "install"]).words
        assert ours == words, key
        if words == ["install"] and key not in npm._NOTHING:
            assert acts, key


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("true\nnp\\\nm i -g x\n", [2]),
        ("npm inst\\\nall -g x\nnpm i -g y\n", [1, 3]),
        ("# a comment \\\nnpm i -g x\n", [2]),
        ("true # a comment\\\nnpm i -g x\n", [2]),
        ("echo a\\\\\nnpm i -g x\n", [2]),
        ("echo a \\\n  b\\\nc\n", []),
    ],
)
def test_a_word_may_go_on_in_the_next_line(text: str, lines: list[int]) -> None:
    assert [each.location.line for each in in_shell(text, "bare")] == lines


@pytest.mark.parametrize(
    "line",
    [
        "npm --proxy http://proxy.example:3128 install",
        "npm --audit-level high ci",
        "npm --to install",
        "pnpm --virtual-store-dir store install",
        "pnpm --https-proxy http://proxy.example:3128 install",
        "yarn --har add left-pad",
        "bun --network-concurrency 4 install",
    ],
)
def test_an_option_s_value_is_not_taken_for_the_command(line: str) -> None:
    assert [each.message for each in in_shell(line, "bare")] != []


# -- messages


def test_a_finding_says_what_where_and_what_instead() -> None:
    text = "FROM node:22\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci --omit=dev\n"
    found = problems("Dockerfile", {**REPOSITORIES["npm"], "Dockerfile": text})
    assert [(each.message, each.location.line, each.fix) for each in found] == [
        (
            "`npm ci --omit=dev` runs install scripts: .npmrc is not there when it runs",
            4,
            (("npm", "ci", "--ignore-scripts", "--omit=dev"),),
        )
    ]


@pytest.mark.parametrize(
    ("repository", "text", "fix"),
    [
        ("npm", "npm ci --ignore-scripts=false", "npm ci --ignore-scripts"),
        ("npm", "npm ci --ignore-scripts false", "npm ci --ignore-scripts"),
        ("npm", "sudo npm i -g serve", "npm i --ignore-scripts -g serve"),
        ("bare", "npx cowsay@1.6.0 hi", "npx --ignore-scripts cowsay@1.6.0 hi"),
        ("pnpm", "pnpm i --no-ignore-scripts", "pnpm i --ignore-scripts"),
        ("pnpm", "pnpm dlx a@1.0.0", "pnpm --config.ignore-scripts=true dlx a@1.0.0"),
        ("pnpm", "pnpx a@1.0.0", "pnpm --config.ignore-scripts=true dlx a@1.0.0"),
        ("npm", "yarn global add serve", "env YARN_IGNORE_SCRIPTS=true yarn global add serve"),
        ("bun", "bun add --trust left-pad", "bun add --ignore-scripts left-pad"),
    ],
)
def test_the_fix_is_the_command_to_paste(repository: str, text: str, fix: str) -> None:
    found = [each for each in in_shell(text, repository) if each.level is Level.ERROR]
    assert [" ".join(words) for each in found for words in each.fix] == [fix]
    assert [each for each in in_shell(fix, repository) if each.level is Level.ERROR] == []


@pytest.mark.parametrize(
    "text",
    ["npm i -g bun", "npm i -g bun@1.3.0", "npm i -g @pnpm/exe", "npm i -g bun left-pad"],
)
def test_no_fix_breaks_a_package_that_needs_its_script(text: str) -> None:
    assert [each.fix for each in in_shell(text)] == [()]


@pytest.mark.parametrize("text", ["corepack prepare pnpm --activate", "pnpm self-update"])
def test_a_client_is_no_package_to_lock(text: str) -> None:
    assert [each.fix for each in in_shell(text)] == [()]


def test_each_fix_of_the_corpus_removes_its_finding() -> None:
    """``test_fixes.py`` runs fixes; here every one that is printed is judged again."""
    judged = 0
    for case in CASES:
        if case.label != "unsafe" or case.path != "run.sh":
            continue
        files = {**REPOSITORIES[case.repository], **case.files}
        for found in problems("run.sh", {**files, "run.sh": case.text}):
            if len(found.fix) == 1 and not _locks(found.fix[0]):
                judged += 1
                left = problems("run.sh", {**files, "run.sh": shlex.join(found.fix[0])})
                assert [each for each in left if each.level is Level.ERROR] == [], case.name
    assert judged > 50


def _locks(words: Sequence[str]) -> bool:
    return "--save-dev" in words or "--dev" in words


# -- commits


def _check(repo: GitRepo, *arguments: str) -> tuple[int, list[dict[str, object]]]:
    import sys

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "npm_vetted",
            "check",
            "install-command",
            "--format",
            "json",
            *arguments,
        ],
        cwd=repo.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


def _npm_repository(repo: GitRepo, dockerfile: str) -> None:
    for path, text in REPOSITORIES["npm"].items():
        repo.write(path, text)
    repo.write("Dockerfile", dockerfile)
    repo.commit()


SAFE = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"


def test_a_commit_that_adds_an_unsafe_command_is_rejected(git_repo: GitRepo) -> None:
    _npm_repository(git_repo, SAFE)
    git_repo.write("Dockerfile", SAFE.replace("npm ci", "npm ci --no-ignore-scripts"))
    git_repo.add()
    status, found = _check(git_repo)
    assert status == 1
    assert [(each["path"], each["line"], each["level"]) for each in found] == [
        ("Dockerfile", 4, "error")
    ]


def test_a_commit_that_touches_no_such_file_reads_none(git_repo: GitRepo) -> None:
    _npm_repository(git_repo, "FROM node\nRUN npm i -g serve\n")
    git_repo.write("src/index.js", "1\n")
    git_repo.add()
    assert _check(git_repo) == (0, [])


@pytest.mark.parametrize(
    ("path", "text"), [(".npmrc", None), (".dockerignore", ".npmrc\n")], ids=["gone", "left out"]
)
def test_a_commit_that_takes_away_what_a_command_relied_on(
    git_repo: GitRepo, path: str, text: str | None
) -> None:
    _npm_repository(git_repo, SAFE)
    if text is None:
        git_repo.git("rm", "-q", path)
    else:
        git_repo.write(path, text)
    git_repo.add()
    status, found = _check(git_repo)
    assert status == 1
    assert ("Dockerfile", 4) in [(each["path"], each["line"]) for each in found]


def test_rebuilding_what_a_note_covers_passes(git_repo: GitRepo) -> None:
    _npm_repository(git_repo, SAFE)
    note = (
        f'package = "esbuild"\nversion = "0.25.0"\nintegrity = "sha512-{"A" * 86}=="\n'
        'criteria = ["health", "scripts"]\nvetted-by = "Ada Example <ada@example.com>"\n'
        'vetted-on = 2026-01-01\nscripts = ["postinstall"]\nwhy = """\nThe bundler; its script was read.\n"""\n'
    )
    git_repo.write(".vetting/notes/esbuild/0.25.0.toml", note)
    git_repo.write(".vetting/config.toml", "format = 1\n")
    git_repo.commit()
    git_repo.write("a.sh", "npm ci\nnpm rebuild --ignore-scripts=false esbuild@0.25.0\n")
    git_repo.write("b.sh", "npm rebuild --ignore-scripts=false esbuild eslint\n")
    git_repo.add()
    _, found = _check(git_repo)
    assert [(each["path"], each["line"]) for each in found] == [("b.sh", 1)]


# -- what cannot be read, and what must not take long


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml",
        ".gitlab-ci.yml",
        ".circleci/config.yml",
        "azure-pipelines.yml",
        "lefthook.yml",
        "package.json",
        ".devcontainer/devcontainer.json",
    ],
)
def test_a_file_that_cannot_be_read_is_undecided(path: str) -> None:
    found = problems(path, {path: "{ npm: [ci\n"})
    assert [each.level for each in found] == [Level.WARNING]
    assert found[0].message.startswith("undecided: not ")


def test_shell_that_cannot_be_read_is_undecided() -> None:
    found = in_shell("if then fi (( npm install -g x\n")
    assert any(each.message.startswith("undecided: ") for each in found)


DEEP = {
    "subshells": "(" * 5_000 + "npm i -g x" + ")" * 5_000,
    "substitutions": "$(" * 5_000 + "npm i -g x" + ")" * 5_000,
    "conditions": "if npm; then " * 3_000,
    "chain": "npm ci && " * 3_000 + "true",
    "expansions": "npm i ${a:-" * 3_000,
    "functions": "f() { f; f; npm ci; }; f; f",
    "functions that call functions": "".join(
        f"f{n}() {{ f{n + 1}; f{n + 1}; }}\n" for n in range(40)
    )
    + "f40() { npm ci; }\nf0\n",
    "shells": "bash -c '" * 200 + "npm ci",
    "alternatives": "".join(f"for v{n} in a b c d; do\n" for n in range(15))
    + "npm i $v0 $v1 $v2 $v3\n"
    + "done\n" * 15,
    "heredocs": "cat <<A\nnpm i\nA\n" * 3_000,
    "variables": "a=$a$a$a$a npm\n" * 3_000,
    "appends": "echo npm >> .npmrc\n" * 3_000,
    "copies": "cp -r . ./a && cp .npmrc b/.npmrc\n" * 3_000 + "npm ci\n",
    "wrappers": "sudo env " * 3_000 + "npm ci",
    "workspaces": "yarn " + "workspace a " * 3_000 + "install",
    "programs": "npx a " * 3_000,
    "assignments": "A=1 " * 20_000 + "npm ci",
    "words": "npm i " + "a{b,c} " * 8_000,
    "globs": "for d in */*/*; do cd $d; npm ci; done\n" * 300,
    "aliases": "alias a='b x' b='a x'\na npm ci\n",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_hostile_shell_is_answered_in_time(text: str) -> None:
    start = time.process_time()
    in_shell(text)
    assert time.process_time() - start < 8


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "Makefile",
            "".join(f"A{n} = $(A{n + 1})$(A{n + 1})\n" for n in range(60))
            + "all:\n\tnpm ci $(A0)\n",
        ),
        ("Makefile", "all:\n\tnpm " + "$(" * 5_000 + "\n"),
        ("Makefile", "define A\n" * 5_000 + "npm ci\n"),
        ("justfile", "a:\n    npm " + "{{ " * 5_000 + "\n"),
        ("Dockerfile", "FROM node\n" + "RUN echo npm >> .npmrc\n" * 2_000),
        ("Dockerfile", "FROM node\n" + "COPY . /a\n" * 10_000 + "RUN npm ci\n"),
        ("Dockerfile", "FROM node AS a\nCOPY --from=a / /\nCOPY --from=a /pack* /\nRUN npm ci\n"),
        ("Dockerfile", "RUN <<A <<B\n" * 3_000 + "npm ci\n"),
        ("Dockerfile", "FROM node\nRUN npm \\\n" + "# x\n" * 50_000 + " ci\n"),
        ("package.json", '{"scripts": {"a": ' + "[" * 5_000 + '"npm ci"'),
        (".github/workflows/a.yml", "a: " + "[" * 5_000 + "npm ci"),
        (".github/workflows/a.yml", "jobs: {a: {steps: [" + "{run: npm ci}, " * 1_500 + "]}}"),
        ("azure-pipelines.yml", "steps:\n- script: npm $(" + "a" * 50_000 + ")\n"),
    ],
)
def test_hostile_files_are_answered_in_time(path: str, text: str) -> None:
    start = time.process_time()
    problems(path, {**REPOSITORIES["npm"], path: text})
    assert time.process_time() - start < 8


def test_a_bomb_of_aliases_is_answered_in_time() -> None:
    levels = "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" if n else "a0: &a0 [npm ci]\n"
        for n in range(40)
    )
    for path, key in (
        (".gitlab-ci.yml", "job: {script: *a39}\n"),
        ("azure-pipelines.yml", "steps: *a39\n"),
    ):
        start = time.process_time()
        problems(path, {path: levels + key})
        assert time.process_time() - start < 8


def test_a_chain_of_images_that_copy_twice_is_answered_in_time() -> None:
    stages = "FROM node AS s0\nCOPY . /a\n" + "".join(
        f"FROM node AS s{n}\nCOPY --from=s{n - 1} /a /a\nCOPY --from=s{n - 1} /a /a\n"
        for n in range(1, 100)
    )
    start = time.process_time()
    problems(
        "Dockerfile", {**REPOSITORIES["npm"], "Dockerfile": stages + "WORKDIR /b\nRUN npm ci\n"}
    )
    assert time.process_time() - start < 8


@given(st.text(max_size=200), st.sampled_from([case for case in CASES if case.label != "safe"]))
def test_any_text_is_answered(noise: str, case: Case) -> None:
    """Whatever is before or behind a command: a list of problems, never a crash."""
    for text in (noise + case.text, case.text + noise, case.text[: len(case.text) // 2] + noise):
        problems(case.path, {**REPOSITORIES[case.repository], case.path: text})


@given(st.binary(max_size=300))
def test_any_bytes_are_answered(data: bytes) -> None:
    for path in ("Dockerfile", "a.sh", ".gitlab-ci.yml", "Makefile", "justfile", "package.json"):
        problems(path, {path: b"npm " + data})


# -- which files are looked at


@pytest.mark.parametrize(
    "text",
    ["npm ci", "n\\pm ci", "n'p'm ci", 'y"ar"n', "np\\\nm ci", "$'\\x6epm' ci", "NPM", "n^pm ci"],
)
def test_the_filter_lets_every_spelling_through(text: str) -> None:
    assert mentions_client(text.encode())


@pytest.mark.parametrize("text", ["pip install x", "cargo build", "make all", "FROM node"])
def test_the_filter_spares_the_rest(text: str) -> None:
    assert not mentions_client(text.encode())


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("Dockerfile", b""), ("a/Dockerfile.dev", b""), ("web.Dockerfile", b""),
        ("Containerfile", b""), ("dockerfile", b""), (".github/workflows/x.yaml", b""),
        ("action.yml", b""), (".gitlab-ci.yml", b""), (".gitlab/ci/build.yml", b""),
        (".circleci/config.yml", b""), ("azure-pipelines.yml", b""),
        (".azuredevops/build.yml", b""), (".devcontainer/devcontainer.json", b""),
        ("GNUmakefile", b""), ("rules.mk", b""), ("Justfile", b""), (".justfile", b""),
        ("x.sh", b""), ("x.zsh", b""), ("bin/x", b"#!/bin/sh\n"), ("bin/x", b"#!/usr/bin/env bash\n"),
        (".husky/pre-commit", b""), ("lefthook.yml", b""), ("package.json", b""),
        ("bin/x", b"#!/usr/bin/env node\n"), ("bin/x", b"#!/usr/bin/python3\n"),
    ],
)  # fmt: skip
def test_files_that_hold_commands(path: str, head: bytes) -> None:
    assert any(kind.recognises(path, head) for kind in kinds())


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("README.md", b""), ("docs/Dockerfile.md", b""), (".dockerignore", b""),
        ("config.yml", b""), ("bin/x", b"#!/usr/bin/awk -f\n"),
        ("node_modules/a/package.json", b""), ("Makefile.md", b""),
    ],
)  # fmt: skip
def test_files_that_hold_none(path: str, head: bytes) -> None:
    assert not any(kind.recognises(path, head) for kind in kinds())
