"""Time and memory: both grow with the length of what is read, whatever an attacker writes there.

Each reading is measured in a process of its own, above what the interpreter and the imports take.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.attacks.lockfiles import PINS, WRITERS, Package, Tree
from tests.end_to_end.test_processes import MANIFEST
from tests.support.fuzz_targets import file_name
from tests.support.git_repo import GitRepo
from tests.support.program import npm_vetted

CLIENTS: Final = tuple(WRITERS)
MEGABYTE: Final = 1_000_000

MEASURED: Final = """
import json, resource, sys, time
sys.path.insert(0, {tests!r})
from tests.support.fuzz_targets import TARGETS, NpmVettedError, clients, file_name
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))

def compare(client, paths):
    after, before = (
        clients()[client].read_lockfile(file_name(client), open(path, "rb").read(), lambda _: None)
        for path in paths
    )
    return [after.entry(key) for key in after.changed([before])]

def decode(client, paths):
    data = open(paths[0], "rb").read()
    found = clients()[client].read_lockfile(file_name(client), data, lambda _: None)
    return sum(1 for _ in found.entries()), len(found.parents)

def attack(target, paths):
    try:
        TARGETS[target].read(open(paths[0], "rb").read())
    except NpmVettedError:
        pass

what, about, *paths = sys.argv[1:]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.process_time()
globals()[what](about, paths)
seconds = time.process_time() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seconds, (peak - before) * 1024]))
"""


class Cost(NamedTuple):
    """What a reading took: processor time, and bytes of memory."""

    seconds: float
    memory: int


def measure(what: str, about: str, *paths: Path) -> Cost:
    """Read files in a process of its own."""
    program = MEASURED.format(tests=str(Path(__file__).parents[2]))
    done = subprocess.run(
        [sys.executable, "-c", program, what, about, *map(str, paths)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return Cost(*json.loads(done.stdout))


class Chain(Tree):
    """Packages of which each requires the next."""

    def __init__(self, client: str, length: int) -> None:
        names = [f"package-{number:06d}" for number in range(length)]
        following = {name: {after: "^1.2.0"} for name, after in pairwise(names)}
        packages = [
            Package(name=name, version="1.2.3", requires=following.get(name, {})) for name in names
        ]
        manifest: dict[str, object] = {
            "name": "shop", "packageManager": PINS[client], "dependencies": {names[0]: "^1.2.0"},
        }  # fmt: skip
        super().__init__(manifest, packages)
        self._named = {package.name: package for package in packages}

    def named(self, name: str) -> Package:
        return self._named[name]

    def specifiers(self, name: str) -> list[str]:
        return ["^1.2.0"]


def honest(client: str, length: int, folder: Path) -> Path:
    """A lockfile of so many packages, as the client would write it."""
    path = folder / f"{length}-{file_name(client)}"
    path.write_text(WRITERS[client](Chain(client, length)))
    return path


@pytest.mark.parametrize(
    "client", ["npm", *(pytest.param(each, marks=pytest.mark.slow) for each in CLIENTS[1:])]
)
def test_a_lockfile_costs_what_its_length_allows(client: str, tmp_path: Path) -> None:
    cost = measure("decode", client, honest(client, 3_000, tmp_path))
    assert cost.memory < 30 * MEGABYTE
    assert cost.seconds < 2


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_the_largest_lockfile_that_is_read(client: str, tmp_path: Path) -> None:
    """Some thirty megabytes: twice the length is twice the time, and memory stays in bounds."""
    size = honest(client, 1_000, tmp_path).stat().st_size
    most = 31 * MEGABYTE * 1_000 // size
    half, whole, other = (honest(client, each, tmp_path) for each in (most // 2, most, most - 1))
    decoded, first = measure("decode", client, whole), measure("decode", client, half)
    length = whole.stat().st_size
    assert decoded.seconds < 3 * first.seconds + 0.5
    assert decoded.memory < 12 * length
    compared = measure("compare", client, whole, other)
    assert compared.memory < 6 * 2 * length


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_fifty_megabytes_are_not_read_at_all(
    git_repo: GitRepo, client: str, tmp_path: Path
) -> None:
    git_repo.write(".vetting/config.toml", "format = 1\n")
    git_repo.commit("Adopt")
    git_repo.write("package.json", MANIFEST)
    head = honest(client, 10, tmp_path).read_bytes()
    git_repo.write(file_name(client), head + b"\n" * (50 * MEGABYTE))
    git_repo.add()
    done = npm_vetted("check", cwd=git_repo.path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "bytes: more than the 33,554,432 that are read" in done.stdout


def judged(client: str, length: int, repository: GitRepo) -> float:
    """The processor time of judging a commit that adds a chain of so many packages."""
    chain = Chain(client, length)
    repository.write("package.json", json.dumps(chain.manifest))
    repository.write(file_name(client), WRITERS[client](chain))
    repository.add()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert npm_vetted("check", cwd=repository.path).returncode == 1
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_twice_as_many_new_packages_take_twice_the_time(git_repo: GitRepo, client: str) -> None:
    git_repo.write(".vetting/config.toml", "format = 1\n")
    git_repo.commit("Adopt")
    first = judged(client, 4_000, git_repo)
    assert judged(client, 8_000, git_repo) < 3.2 * first + 1


def yarn(body: str) -> bytes:
    return f"# yarn lockfile v1\n\n\n{body}".encode()


def berry(body: str) -> bytes:
    return f"__metadata:\n  version: 8\n  cacheKey: 10c0\n\n{body}".encode()


def pnpm(body: str) -> bytes:
    return f"lockfileVersion: '9.0'\n\nimporters:\n\n  .: {{}}\n\npackages:\n\n{body}".encode()


def npm(body: str) -> bytes:
    return f'{{"lockfileVersion": 3, "packages": {{"": {{}}, {body}}}}}'.encode()


def bun(body: str) -> bytes:
    return (
        '{"lockfileVersion": 1, "workspaces": {"": {"name": "x"}}, "packages": {' + body + "}}"
    ).encode()


def lines(count: int, line: str) -> str:
    """So many lines, each with its number."""
    return "".join(line.replace("#", str(number)) for number in range(count))


SNAPSHOTS: Final = "  a@1.0.0:\n    resolution: {integrity: sha512-AA==}\n\nsnapshots:\n\n"
RESOLVED: Final = '"a@npm:1":\n  version: 1.0.0\n  resolution: "a@npm:1.0.0"\n'
LINKED: Final = "  languageName: node\n  linkType: hard\n"
HOSTILE: Final[dict[str, tuple[str, Callable[[int], bytes]]]] = {
    "JSON, nested": ("json", lambda n: b"[" * n),
    "JSON, objects nested": ("json", lambda n: b'{"a":' * (n // 5)),
    "JSON, a million keys": ("json", lambda n: b"{" + lines(n // 11, '"#":1,').encode() + b'"":1}'),
    "JSON, one string": ("json", lambda n: b'"' + b"x" * n + b'"'),
    "JSON, one number": ("json", lambda n: b"9" * n),
    "JSON, escapes": ("json", lambda n: b'"' + b"\\ud83d\\ude00" * (n // 12) + b'"'),
    "JSONC, a comment without an end": ("jsonc", lambda n: b"/*" * (n // 2)),
    "YAML, nested": ("yaml", lambda n: b"[" * n),
    "YAML, sequences nested": ("yaml", lambda n: b"- " * (n // 2)),
    "YAML, a bomb": (
        "yaml",
        lambda n: b"a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"a%d: &a%d [%s]\n" % (i, i, b",".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, n // 60)),
    ),
    "YAML, keys": ("yaml", lambda n: lines(n // 9, "k#: 1\n").encode()),
    "YAML, documents": ("yaml", lambda n: b"---\n" * (n // 4)),
    "TOML, nested": ("toml", lambda n: b"a=" + b"[" * n),
    "TOML, a dotted key": ("toml", lambda n: b"a." * (n // 2) + b"a=1\n"),
    "TOML, a dotted table": ("toml", lambda n: b"[" + b'"\\"".' * (n // 5) + b"a]\n"),
    "npm's settings": ("npmrc", lambda n: lines(n // 24, "//h#/:_authToken=x\n").encode()),
    "Yarn's settings": ("yarnrc", lambda n: lines(n // 9, "k# 1\n").encode()),
    "workspaces": ("manifest", lambda n: ('{"workspaces":[' + lines(n // 11, '"p#/*",') + '"p"]}').encode()),
    "npm: one package that requires all": (
        "lockfile-npm",
        lambda n: npm('"node_modules/a": {"dependencies": {' + lines(n // 12, '"d#":"1",') + '"b":"1"}}'),
    ),
    "npm: packages": (
        "lockfile-npm", lambda n: npm(lines(n // 26, '"node_modules/a#":{},') + '"node_modules/b":{}')
    ),
    "pnpm: variants of a package": (
        "lockfile-pnpm",
        lambda n: pnpm(SNAPSHOTS + lines(n // 27, "  a@1.0.0(b@#.0.0): {}\n\n")),
    ),
    "pnpm: peers of peers": (
        "lockfile-pnpm",
        lambda n: pnpm(f"{SNAPSHOTS}  a@1.0.0{'(' * (n // 2)}{')' * (n // 2)}: {{}}\n"),
    ),
    "Yarn 1: patterns of an entry": (
        "lockfile-yarn-classic",
        lambda n: yarn(lines(n // 9, "a@#, ") + 'a@x:\n  version "1.0.0"\n'),
    ),
    "Yarn: one package that requires all": (
        "lockfile-yarn-berry",
        lambda n: berry(f"{RESOLVED}  dependencies:\n" + lines(n // 18, '    d#: "npm:1"\n') + LINKED),
    ),
    "Yarn: patches of patches": (
        "lockfile-yarn-berry",
        lambda n: berry(RESOLVED.replace("a@", "a@" + "patch:a@" * (n // 16)) + LINKED),
    ),
    "Bun: packages": ("lockfile-bun", lambda n: bun(lines(n // 30, '"a#": ["a#@1.0.0", "", {}, ""],'))),
    "a shell's variable, doubled": ("place-shell", lambda n: b"A=xx\n" + b"A=$A$A\n" * (n // 7) + b"npm $A\n"),
    "what a command prints, doubled": ("place-shell", lambda n: b"A=xx\n" + b"A=$(echo $A $A)\n" * (n // 17)),
    "a shell's arguments, doubled": ("place-shell", lambda n: b"set -- x\n" + b'set -- "$@" "$@"\n' * (n // 17)),
    "shells within shells": ("place-shell", lambda n: b"eval " * (n // 5) + b"npm ci"),
    "an image's variable, doubled": (
        "place-dockerfile",
        lambda n: b"FROM node\nENV A=xx\n" + b"ENV A=$A$A\n" * (n // 11) + b"WORKDIR $A\nRUN npm ci\n",
    ),
    "a variable of PowerShell, doubled": (
        "place-powershell", lambda n: b"$A='xx'\n" + b'$A="$A$A"\n' * (n // 10) + b"npm $A\n"
    ),
    "stages of stages": (
        "place-dockerfile",
        lambda n: b"FROM node AS s0\n" + "".join(
            f"FROM node AS s{i + 1}\n" + "".join(f"COPY --from=s{i} /{c} /\n" for c in "abcdefgh")
            for i in range(n // 200)
        ).encode() + b"RUN npm ci\n",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_costs_what_its_length_allows(name: str, tmp_path: Path) -> None:
    target, make = HOSTILE[name]
    file = tmp_path / "file"
    file.write_bytes(make(400_000))
    length = file.stat().st_size
    cost = measure("attack", target, file)
    assert cost.seconds < 4 + 40e-6 * length
    assert cost.memory < 100 * MEGABYTE + 100 * length
