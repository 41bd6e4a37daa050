"""Every reader as a function of bytes that an attacker chose, and real files to start from.

A reader may raise our own errors and nothing else, and may not take longer than its input's length
allows. ``tests/end_to_end/test_fuzz.py`` runs them for seconds, ``fuzz/run.py`` for as long as is wanted.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from npm_vetted.checks._runner import open_change, run_checks
from npm_vetted.clients import Client, clients
from npm_vetted.clients.shared.lockfile import PATCH_SUFFIXES, Lockfile
from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.globs import glob_matcher
from npm_vetted.formats.json import load_json, load_jsonc
from npm_vetted.formats.npmrc import load_npmrc, switch_problem
from npm_vetted.formats.terminal_text import printable
from npm_vetted.formats.toml import load_toml
from npm_vetted.formats.yaml import load_yaml
from npm_vetted.formats.yarnrc import load_yarnrc
from npm_vetted.git.comparison import Comparison
from npm_vetted.git.objects import Objects
from npm_vetted.git.repository import ChangedPath, TreeEntry
from npm_vetted.git.snapshot import EmptySnapshot, Snapshot
from npm_vetted.installs import install_problems as judge_installs
from npm_vetted.model import Artifact
from npm_vetted.packages import integrity as hashes
from npm_vetted.packages import urls as sources
from npm_vetted.packages.manifest import read_manifest, read_pin
from npm_vetted.packages.ranges import is_strict_range, lies_in
from npm_vetted.packages.versions import newest, step
from npm_vetted.projects.discovery import Projects
from npm_vetted.registry.packument import read_packument
from npm_vetted.registry.settings import load_settings
from npm_vetted.registry.tarball import open_tarball
from npm_vetted.review.changelog import find_changelog, hosted
from npm_vetted.review.signals.extract import extract_facts
from npm_vetted.review.signals.facts import FileFacts, facts_from_json, facts_to_json
from npm_vetted.review.signals.weighing import compare_packages
from npm_vetted.review.treediff import diff_trees
from npm_vetted.vetting.exemptions import Exemptions
from npm_vetted.vetting.note_paths import file_stem, package_folder
from npm_vetted.vetting.notes import mentions, read_note
from npm_vetted.vetting.pins import read_pinned, write_pinned
from npm_vetted.vetting.policy import Policy, read_policy
from tests.review.signals.stand_ins import HONEST, STAND_INS
from tests.support.tarballs import integrity_of, package_of

HERE = Path(__file__).parents[1]
FIXTURES = HERE / "fixtures"
CASES = HERE / "fuzz_cases"

SECONDS = 2.0
SECONDS_PER_BYTE = 100e-6
"""Processor time: YAML's own parser takes 30 microseconds a byte here (measured)."""


class TooSlowError(Exception):
    """A reader took longer than its input's length allows."""


Seeds = Callable[[], Sequence[bytes]]


@dataclass(frozen=True)
class Target:
    """A reader, and real files that it reads."""

    read: Callable[[bytes], object]
    seeds: Seeds

    def run(self, data: bytes, patience: float = 1.0) -> None:
        """Read; only our own errors may come of it, and not late."""
        before = time.process_time()
        try:
            self.read(data)
        except NpmVettedError as error:
            printable(error.message).encode()
        took = time.process_time() - before
        if took > patience * (SECONDS + SECONDS_PER_BYTE * len(data)):
            raise TooSlowError(f"{took:.1f} s for {len(data)} bytes")


class MemoryObjects(Objects):
    """The files' bytes, without a git that has them."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, oid: str, path: str) -> bytes:
        return self._files[path]


class MemorySnapshot(Snapshot):
    """Files that stand nowhere but here."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__("memory", MemoryObjects(files))
        self.files = files

    def entry(self, path: str) -> TreeEntry | None:
        return TreeEntry("100644", "0" * 40) if path in self.files else None

    def everything(self) -> Iterator[str]:
        return iter(self.files)

    def grep(self, words: Collection[str], below: str, names: Collection[str] = ()) -> set[str]:
        return {
            path
            for path, data in self.files.items()
            if path.startswith(below)
            and any(word.encode() in data for word in words)
            and (not names or path.rpartition("/")[2] in names)
        }

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)


MANIFEST = b"""{
  "name": "judged", "private": true, "workspaces": ["packages/*", "!packages/not"],
  "packageManager": "pnpm@10.1.0",
  "dependencies": {"ms": "^2.1.3", "left-pad": "1.3.0", "alias": "npm:abbrev@1.1.1"},
  "devDependencies": {"@scope/dep": "*"}, "optionalDependencies": {"fsevents": "^2.3.2"}
}
"""
TEXTS = {
    "note": [
        b"""package = "express"
version = "4.19.2"
integrity = "sha512-5T6nhjsT+EOMzuck8JjBHARTHfMht0POzlA60WV2pMD3gyXw2LZnZ+ueGdNxG+0calOJcWKbpFcuzLZ91YWq9Q=="
from = "4.18.2"
criteria = ["health", "changelog"]
vetted-by = "Ada <ada@example.com>"
vetted-on = 2026-11-22
published = 2024-03-25T14:12:02Z
scripts = []
why = \"\"\"
Read from top to bottom.
\"\"\"
brings = [
  { package = "accepts@1.3.8", resolved = "git+https://example.com/a#0123456789abcdef", scripts = ["install"] },
]
"""
    ],
    "config": [
        b"""format = 1
[policy]
new = ["health"]
upgrade = { major = ["source"], minor = ["changelog"] }
transitive = "note"
cooldown-days = 7
[policy.development]
new = []
[registries]
allowed = ["https://registry.npmjs.org/"]
[[first-party]]
scopes = ["@acme"]
registry = "https://npm.acme.example/"
[[deny]]
package = "event-stream"
versions = ">=3.3.6 <4.0.0"
reason = "flatmap-stream"
[[exclude]]
path = "templates/**/{a,b}?c"
reason = "not ours"
[[ignore]]
check = "install-command"
path = "legacy/*"
reason = "soon gone"
until = 2027-01-31
[criteria]
crypto = "the cryptography was read"
"""
    ],
    "exemptions": [
        (b"# by hand\nms@2.1.3 sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/"
        b"tXtF3WRTlA== - at adoption\n@a/b@1.0.0 git+https://example.com/a#01234567 scripts why not\n"),
    ],
    "npmrc": [
        (b"registry=https://registry.npmjs.org/\nignore-scripts=true ; why\n@acme:registry = \"https://a/\"\n"
        b"//a/:_authToken=${TOKEN}\n[section]\nca[]='x'\n; comment\nkey\n"),
    ],
    "yarnrc": [
        b'# comment\nregistry "https://registry.yarnpkg.com"\nignore-scripts true\n"--install.x" 1\n'
    ],
    "jsonc": [b'// a\n{"a": [1, 2, /* b */ {"c": "\\u00e9",},], "d": null}\n'],
    "text": [
        b"sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==",
        b"sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA= sha256-x?opt",
        b"10c0/d924b57e7312b3b63ad21fc5b3dc0af5e78d61a1fc7cfb5457edaf26326bf62be5307cc87ffb6862ef1c2b33b0233cdb5d4f01c4c958cc0d660948b65a287a48",
        b"https://registry.npmjs.org/@a%2fb/-/b-1.0.0-rc.1.tgz#0123456789abcdef",
        b"git+ssh://git@github.com/a/b.git#commit=0123456789abcdef0123456789abcdef01234567",
        b">=1.0.0-rc.1 <2.0.0 || 3.x", b"1.2.3-beta.4+build",
    ],
    "glob": [b"packages/**/{a,b*}/?x\npackages/one/a/yx", b"**/**/**/*a*a*a*b\naaaaaaaa/aaaaaaaaaaaa"],
    "packument": [
        b"""{"name": "left-pad", "dist-tags": {"latest": "1.3.0"}, "time": {"created": "2014-03-14T09:09:21.000Z",
"1.3.0": "2018-04-09T00:28:36.000Z"}, "versions": {"1.3.0": {"name": "left-pad", "version": "1.3.0",
"scripts": {"postinstall": "node x"}, "maintainers": [{"name": "a", "email": "a@b"}], "bin": "x", "gypfile": true,
"repository": {"type": "git", "url": "git+https://github.com/a/b.git", "directory": "c"}, "license": "MIT",
"engines": {"node": ">=1"}, "bundleDependencies": ["z"], "deprecated": "no",
"dist": {"integrity":
"sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA==",
"shasum": "5b8a3a7765dfe001261dde915589e782f8c94d1e", "tarball": "https://registry.npmjs.org/left-pad/-/left-pad-1.3.0.tgz",
"fileCount": 9, "unpackedSize": 9, "attestations": {"url": "x"}}}}}"""
    ],
    "changelog": [
        (b"# Changelog\n\n## [2.0.0] - 2024-01-01\n* broke\n\n## 1.1.0\n- added\n\n1.0.0 / 2020-01-01\n"
        b"====\nfirst\n"
        b"<h2>0.9.0</h2>\nv0.8.0: old\n"),
    ],
    "powershell": [
        b"if ($x) { npm ci --ignore-scripts } else { & npm install }\n# c\n$env:A = 'b'; npm `\n  i\n",
        b'Set-Location app; npm.cmd install "--ignore-scripts" | Out-Null\n@\'\nnpm i\n\'@\n',
    ],
    "files": [b"one\ntwo\nthree\n\0one\n2\nthree\nfour\n"],
}  # fmt: skip


def files_named(*names: str) -> Callable[[], list[bytes]]:
    """Every different fixture with one of these names (a suffix, where it begins with ``*``)."""

    def found() -> list[bytes]:
        paths = (path for path in sorted(FIXTURES.rglob("*")) if path.is_file())
        data = (
            path.read_bytes()
            for path in paths
            if any(path.name.endswith(name.lstrip("*")) for name in names)
        )
        return list(dict.fromkeys(data))

    return found


def texts(*names: str) -> Callable[[], list[bytes]]:
    """The texts above."""
    return lambda: [text for name in names for text in TEXTS[name]]


def use_lockfile(lockfile: Lockfile, files: Mapping[str, bytes]) -> None:
    """Ask a lockfile for everything that checks ask for."""
    manifests = {"": read_manifest("package.json", files["package.json"])}
    list(lockfile.artifacts())
    for key in lockfile.blocks:
        lockfile.line(key)
        lockfile.may_lack_hash(lockfile.entry(key))
    list(lockfile.named(["ms", "left-pad"]))
    list(lockfile.disagreements(manifests))
    lockfile.patch_files()
    lockfile.production(manifests)
    dict(lockfile.parents)


def read_lockfile(client: Client, name: str, data: bytes) -> None:
    """A lockfile beside a manifest."""
    if client.recognises(name, data):
        files = {"package.json": MANIFEST, name: data}
        use_lockfile(client.read_lockfile(name, data, files.get), files)


def read_alone(
    client: Client, name: str, data: bytes, like: Lockfile | None = None
) -> Lockfile | None:
    """A lockfile without anything beside it but patches; None where it is not one of the client's."""
    if not client.recognises(name, data):
        return None
    return client.read_lockfile(
        name, data, lambda path: b"+" if path.endswith(PATCH_SUFFIXES) else None, like
    )


def read_like(client: Client, name: str, data: bytes, like: Lockfile) -> Lockfile | None:
    """A lockfile that can be read alone, read with what it shares with another version."""
    try:
        return read_alone(client, name, data, like)
    except NpmVettedError as error:
        raise AssertionError("read alone, and refused beside another version") from error


def differ(before: Artifact | None, after: Artifact | None) -> bool:
    """Whether two artifacts differ in more than that one format tells of scripts, another not."""
    if before and after and None in (before.scripts, after.scripts):
        before, after = before._replace(scripts=None), after._replace(scripts=None)
    return before != after


def compare_versions(client: Client, name: str, old: bytes, new: bytes) -> None:
    """Hold what is told of two versions side by side against what each says by itself.

    An artifact that differs is among what changed; and what is answered from the text alone
    (names, who depends on whom) is what all entries say when they are decoded.
    """
    alone = [read_alone(client, name, data) for data in (old, new)]
    after = read_alone(client, name, new)
    before = None if after is None else read_like(client, name, old, after)
    if before is None or after is None:
        return
    changed = set(after.changed([before]))
    told = {key: after.entry(key) for key in after.blocks}
    had, has = ({entry.key: entry for entry in each.entries()} for each in alone if each)
    assert told == has, "an entry reads otherwise beside another version"
    assert {entry.key: entry for entry in before.entries()} == had, "so does an earlier one"
    assert list(before.blocks) == list(had)
    patched = {
        key for each in (before, after) for keys in each.patch_files().values() for key in keys
    }  # change.py compares those by the patch
    missed = {
        key for key, entry in has.items()
        if key not in had or differ(had[key].artifact, entry.artifact)
    } - changed - patched  # fmt: skip
    assert not missed, missed
    artifacts = {entry.artifact for entry in has.values() if entry.artifact}
    names = {artifact.name for artifact in artifacts}
    assert after.package_names() == names
    few = set(sorted(names)[:3])
    assert set(after.named(few)) == {each for each in artifacts if each.name in few}
    keys = list(has)[:20]
    assert all(alone)
    full = {key: set(alone[1].parents.get(key, ())) for key in keys} if alone[1] else {}
    assert {key: set(found) for key, found in after.dependents(keys).items()} == full


def compare_with_seed(client: Client, name: str, seeds: Seeds, data: bytes) -> None:
    """A version of the seed that the first byte chooses, beside that seed."""
    found = seeds()
    if data:
        compare_versions(client, name, found[data[0] % len(found)], data[1:])


def each_project(files: Mapping[str, bytes]) -> None:
    """Everything that clients say of the projects that some files make."""
    registries = Policy().registries
    for project in Projects(MemorySnapshot(files), lambda _: False).all():
        for client in clients().values():
            for ask in (client.scripts_run, client.allowances, client.switch_off):
                _asked(partial(_listed, ask, project))
            _asked(partial(_listed, client.unsafe_settings, project, registries))
            _asked(partial(client.registry_of, project, "@acme/x"))
            _asked(partial(client.workspaces, project.manifest, project.read))
            _asked(partial(client.rebuild, project, [("ms", "2.1.3")]))
            _asked(partial(client.allow_list, project, [("ms", "2.1.3")]))


def _listed(ask: Callable[..., Iterable[object]], *arguments: object) -> list[object]:
    return list(ask(*arguments))


def _asked(ask: Callable[[], object]) -> None:
    try:
        ask()
    except NpmVettedError as error:
        printable(error.message).encode()


def read_settings(data: bytes) -> None:
    """One text as every settings file there is."""
    names = {name for client in clients().values() for name in client.SETTINGS}
    for name in names - {"package.json"}:
        each_project({"package.json": MANIFEST, name: data})


def read_package_json(data: bytes) -> None:
    """A manifest, alone and as the root of workspaces."""
    read_pin(read_manifest("package.json", data))
    each_project({"package.json": data, "packages/a/package.json": MANIFEST})


def judge_files(files: Mapping[str, bytes]) -> None:
    """Judge some files as everything that a repository holds."""
    after = MemorySnapshot({"package.json": MANIFEST, **files})
    comparison = Comparison(
        parents=(EmptySnapshot("empty", after.objects),),
        after=after,
        policy_source=after,
        touched={path: ChangedPath(None, after.entry(path)) for path in after.files},
        everything=True,
    )
    for finding in run_checks(open_change(comparison)).findings:
        printable(finding.message).encode()


def judge_as(name: str, data: bytes) -> None:
    """Judge one file beside a manifest."""
    judge_files({name: data})


def judge_note(data: bytes) -> None:
    """A note, by itself and among what needs it."""
    lock = next(iter(files_named("package-lock.json")()))
    _asked(
        lambda: judge_files(
            {".vetting/notes/ms/2.1.3.toml": data, ".vetting/notes/_groups/a.toml": data,
             "package-lock.json": lock}
        )
    )  # fmt: skip
    note = read_note(".vetting/notes/ms/2.1.3.toml", data)
    for name, version, mention in mentions(note):
        place = package_folder(name) + file_stem(version, mention.pinned)
        assert place.startswith(".vetting/notes/"), place
        assert ".." not in place.split("/"), place


def judge_policy(name: str, data: bytes) -> None:
    """config.toml or exemptions.txt, by itself and where it judges."""
    lock = next(iter(files_named("package-lock.json")()))
    files = {".vetting/config.toml": b"", f".vetting/{name}": data, "package-lock.json": lock}
    _asked(lambda: judge_files(files))
    if name == "config.toml":
        read_policy(data, adopted=True)
    else:
        list(Exemptions.read(data).all())


def read_npmrc(data: bytes) -> None:
    """npm's settings, as the client and as the registry client read them."""
    switch_problem(".npmrc", load_npmrc(".npmrc", data))
    load_settings({}, registry_of=lambda _: None, project=(".npmrc", data), trusts=lambda _: True)


def read_words(data: bytes) -> None:
    """Hashes, sources, versions: one text each."""
    text = data.decode("utf-8", "replace")
    one, _, other = text.partition("\n")
    for ask in (
        lambda: hashes.unsound(text), lambda: hashes.same_bytes(one, other),
        lambda: hashes.same_checksum(one, other), lambda: hashes.fragment_integrity(text),
        lambda: sources.tarball_of(text), lambda: sources.is_tarball_of(one, other, "1.0.0"),
        lambda: sources.Registries((one,)).allows(other), lambda: write_pinned(read_pinned(text)),
        lambda: hosted(text), lambda: is_strict_range(text), lambda: lies_in(one, other),
        lambda: step(one, other), lambda: newest([one, other]), lambda: package_folder(text),
    ):  # fmt: skip
        _asked(ask)


def read_glob(data: bytes) -> None:
    """A glob on the first line, the path that it is asked about on the second."""
    pattern, _, path = data.decode("utf-8", "replace").partition("\n")
    glob_matcher(pattern).match(path)


def read_answer(data: bytes) -> None:
    """What a registry says of a package."""
    found = read_packument("https://registry.example/left-pad", "left-pad", data)
    _asked(lambda: (found.tags, found.created, found.unpublished))
    for version in found.versions:
        _asked(partial(found.release, version))


def open_package(data: bytes) -> None:
    """A tarball whose hash is right, as the one of a hostile release is."""
    open_tarball("left-pad@1.3.0", data, integrity_of(data))


def compare_files(data: bytes) -> None:
    """Two files, parted by a NUL, and a changelog of theirs."""
    old, _, new = data.partition(b"\0")
    diff_trees({"a.js": old, "b.js": new}, {"a.js": new, "c.js": old})


def judge_place(path: str, data: bytes) -> None:
    """A file with commands, in an npm project without its switch."""
    files = {"package.json": MANIFEST, ".npmrc": b"", path: data}
    judge_files(files) if path == "package.json" else list(_problems(path, files))


def judge_powershell(data: bytes) -> None:
    """The text of a step that PowerShell runs."""
    text = data.decode("utf-8", "replace").replace("\n", "\n    ")
    judge_place("azure-pipelines.yml", f"steps:\n- pwsh: |\n    {text}\n".encode())


def _problems(path: str, files: Mapping[str, bytes]) -> Iterator[object]:
    from npm_vetted.checks.install_command import View
    from npm_vetted.vetting.note_store import NoteStore
    from npm_vetted.vetting.resolver import Vetting

    snapshot = MemorySnapshot(files)
    vetting = Vetting(Policy(), Exemptions(""), NoteStore(snapshot, ()))
    yield from judge_installs(
        path, View(snapshot, Projects(snapshot, lambda _: False), vetting, lambda _: False)
    )


PLACES = {
    "azure": "azure-pipelines.yml", "circleci": ".circleci/config.yml", "dockerfile": "Dockerfile",
    "github": ".github/workflows/ci.yml", "gitlab": ".gitlab-ci.yml", "justfile": "justfile",
    "makefile": "Makefile", "shell": "install.sh", "others": "lefthook.yml",
    "devcontainer": ".devcontainer/devcontainer.json",
}  # fmt: skip


def place_seeds(kind: str) -> list[bytes]:
    """The labelled cases of one kind of file."""
    file = HERE / "installs" / f"{kind}.toml"
    if not file.exists():
        return [b"npm ci --ignore-scripts\n", b'{"postCreateCommand": ["npm", "ci"]}\n']
    return [case["text"].encode() for case in tomllib.loads(file.read_text())["case"]]


LOCKFILES = {
    "npm": ("package-lock.json",),
    "pnpm": ("pnpm-lock.yaml",),
    "yarn-classic": ("yarn.lock",),
    "yarn-berry": ("yarn.lock",),
    "bun": ("*.lock",),
}


def _lockfile_targets() -> Iterator[tuple[str, Target]]:
    for client in LOCKFILES:
        found, name, seeds = clients()[client], file_name(client), partial(own_seeds, client)
        yield f"lockfile-{client}", Target(partial(read_lockfile, found, name), seeds)
        yield f"judge-{client}", Target(partial(judge_as, name), seeds)
        compared = partial(compare_with_seed, found, name, seeds)
        yield f"changed-{client}", Target(compared, numbered(seeds))


@cache
def own_seeds(client: str) -> list[bytes]:
    """The fixtures that are a client's lockfiles."""
    found = files_named(*LOCKFILES[client])()
    return [data for data in found if clients()[client].recognises(file_name(client), data)]


def file_name(client: str) -> str:
    """What a client's lockfile is called."""
    return LOCKFILES[client][0].replace("*", "bun")


def numbered(seeds: Seeds) -> Seeds:
    """Each seed with its number before it."""
    return lambda: [bytes([at % 256]) + data for at, data in enumerate(seeds())]


def _place_targets() -> Iterator[tuple[str, Target]]:
    for kind, path in PLACES.items():
        yield f"place-{kind}", Target(partial(judge_place, path), partial(place_seeds, kind))


def read_signals(data: bytes) -> None:
    """The facts of a script and of a text, and the comparison with the same script, twice as long."""
    read = [extract_facts(kind, data) for kind in ("code", "text")]
    assert [facts_from_json(facts_to_json(each)) for each in read] == read
    manifest = {"package.json": data, "index.js": data}
    compare_packages(
        manifest, {"package.json": data * 2, "index.js": data * 2, "binding.gyp": data}, _facts
    )


def _facts(files: Iterable[tuple[str, bytes]]) -> list[FileFacts]:
    return [extract_facts(kind, data) for kind, data in files]


def signal_seeds() -> list[bytes]:
    """The scripts of the stand-ins, and a manifest."""
    changes = [each.change for each in (*STAND_INS.values(), *HONEST.values())]
    return [MANIFEST, *(text.encode() for each in changes for text in each.values())]


TARGETS: dict[str, Target] = {
    "json": Target(lambda data: load_json("a.json", data).line_of("a"), files_named("package.json")),
    "jsonc": Target(lambda data: load_jsonc("a.json", data).line_of("a"), texts("jsonc")),
    "yaml": Target(lambda data: load_yaml("a.yml", data), files_named(".yml", "*.yaml")),
    "toml": Target(
        lambda data: load_toml("a.toml", data).line_of("a"), texts("note", "config")
    ),
    "npmrc": Target(read_npmrc, texts("npmrc")),
    "yarnrc": Target(lambda data: load_yarnrc(".yarnrc", data), texts("yarnrc")),
    **dict(_lockfile_targets()),
    "settings": Target(
        read_settings, lambda: [*files_named("*.yml", "pnpm-workspace.yaml")(), *texts("npmrc", "yarnrc")()]
    ),
    "manifest": Target(read_package_json, lambda: [MANIFEST, *files_named("package.json")()]),
    "note": Target(judge_note, texts("note")),
    "config": Target(partial(judge_policy, "config.toml"), texts("config")),
    "exemptions": Target(partial(judge_policy, "exemptions.txt"), texts("exemptions")),
    **dict(_place_targets()),
    "place-powershell": Target(judge_powershell, texts("powershell")),
    "packument": Target(read_answer, texts("packument")),
    "tarball": Target(
        open_package, lambda: [*files_named("*.tgz")(), package_of({"package.json": "{}", "a/b": "c"})]
    ),
    "changelog": Target(
        lambda data: find_changelog({"CHANGELOG.md": data}, "1.0.0", "2.0.0"), texts("changelog")
    ),
    "treediff": Target(compare_files, texts("files", "changelog")),
    "signals": Target(read_signals, signal_seeds),
    "words": Target(read_words, texts("text")),
    "glob": Target(read_glob, texts("glob")),
}  # fmt: skip
