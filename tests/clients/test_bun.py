"""Bun: bun.lock, the settings, and what the real Bun makes of them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.clients import clients
from npm_vetted.clients.bun import client as bun
from npm_vetted.clients.bun.keys import components, last_name
from npm_vetted.clients.bun.layout import Whole
from npm_vetted.clients.bun.lockfile import BunLockfile
from npm_vetted.clients.bun.reader import read_bun_lockfile
from npm_vetted.errors import DocumentError, UndecidedError
from npm_vetted.model import Entry, Group, Kind, Manifest, Project, Requirement
from npm_vetted.packages.manifest import read_manifest
from tests.support import bun_fixtures, corpus
from tests.support.bun_fixtures import BUNS, CASES, FOLDER, TARBALLS
from tests.support.real_clients import Clients, Marker, make_marker, make_tarball
from tests.support.static_registry import static_registry

LOCKS = sorted(FOLDER.glob("*.lock"))


def nothing(path: str) -> bytes | None:
    return None


def lockfile(data: str | bytes, read: Callable[[str], bytes | None] = nothing) -> BunLockfile:
    return read_bun_lockfile("bun.lock", data.encode() if isinstance(data, str) else data, read)


def contents(case: str) -> dict[str, bytes]:
    """The files of a fixture's project."""
    return {
        path: (content if isinstance(content, str) else json.dumps(content, indent=2)).encode()
        for path, content in CASES[case].items()
    }


def fixture(path: Path) -> BunLockfile:
    return lockfile(path.read_bytes(), contents(path.name.partition(".")[0]).get)


def manifests(files: Mapping[str, bytes], folders: Mapping[str, object]) -> dict[str, Manifest]:
    found = {}
    for folder in folders:
        path = f"{folder}/package.json" if folder else "package.json"
        found[folder] = read_manifest(path, files[path])
    return found


def project(files: Mapping[str, object], *members: str) -> Project:
    data = {
        path: (content if isinstance(content, str) else json.dumps(content, indent=2)).encode()
        for path, content in files.items()
    }
    return Project(
        path="",
        manifest=read_manifest("package.json", data["package.json"]),
        members={
            folder: read_manifest(f"{folder}/package.json", data[f"{folder}/package.json"])
            for folder in members
        },
        client="bun",
        lockfiles=("bun.lock",),
        pin=None,
        read=data.get,
    )


# The lockfile


def test_it_is_found_as_a_client() -> None:
    assert clients()["bun"].LOCKFILES == bun.LOCKFILES


@pytest.mark.parametrize("case", corpus.cases("bun"), ids=str)
def test_artifacts_agree_with_an_independent_parser(case: corpus.Case) -> None:
    def read(path: str) -> bytes | None:
        file = case.folder / path
        return file.read_bytes() if file.is_file() else None

    found = (artifact for _, artifact in lockfile(case.data, read).artifacts())
    assert corpus.rows(found) == corpus.expected(case)


@pytest.mark.parametrize(("before", "after"), corpus.pairs("bun"), ids=str)
def test_changed_entries_hold_exactly_what_the_truths_add(
    before: corpus.Case, after: corpus.Case
) -> None:
    new = lockfile(after.data)
    entries = [new.entry(key) for key in new.changed([lockfile(before.data)])]
    changed = corpus.rows(entry.artifact for entry in entries if entry.artifact)
    assert changed - corpus.expected(before) == corpus.expected(after) - corpus.expected(before)


@pytest.mark.parametrize("case", corpus.broken("bun"), ids=str)
def test_merge_markers_are_refused(case: corpus.Case) -> None:
    with pytest.raises(DocumentError, match="merge conflict markers"):
        lockfile(case.data)


@pytest.mark.parametrize(
    ("key", "expected"),
    {
        "alias": ("tool", None, Kind.FILE, "vendor/tool-1.0.0.tgz"),
        "dd": None,
        "lp": ("left-pad", "1.2.0", Kind.REGISTRY, None),
        "tar": (
            "is-even",
            None,
            Kind.TARBALL,
            "https://registry.npmjs.org/is-even/-/is-even-1.0.0.tgz",
        ),
        "bundler/left-pad": ("left-pad", "1.3.0", Kind.REGISTRY, None),
        "tar/is-odd/is-number/kind-of": ("kind-of", "3.2.2", Kind.REGISTRY, None),
    }.items(),
)
def test_identity_is_the_first_elements(key: str, expected: tuple[object, ...] | None) -> None:
    found = fixture(FOLDER / "sources.bun1.4.lock").entry(key).artifact
    assert (found and (found.name, found.version, found.kind, found.resolved)) == expected


HASH = "sha512-" + base64.b64encode(hashlib.sha512(b"").digest()).decode()


def lock(*entries: str, version: int = 1, head: str = "") -> str:
    """A bun.lock as Bun lays it out, with these lines in ``packages``."""
    lines = "\n\n".join(f"    {entry}," for entry in entries)
    return (
        f'{{\n  "lockfileVersion": {version},\n  "workspaces": {{\n    "": {{\n'
        f'      "name": "r",\n    }},\n  }},\n{head}  "packages": {{\n{lines}\n  }}\n}}\n'
    )


@pytest.mark.parametrize(
    ("entry", "kind", "resolved", "integrity"),
    [
        (f'["a@1.0.0", "", {{}}, "{HASH}"]', Kind.REGISTRY, None, HASH),
        (f'["a@1.0.0-rc.1+b", "", {{}}, "{HASH}"]', Kind.REGISTRY, None, HASH),
        (
            f'["a@1.0.0", "https://npm.example/a.tgz", {{}}, "{HASH}"]',
            Kind.REGISTRY,
            "https://npm.example/a.tgz",
            HASH,
        ),
        ('["a@1.0.0", "", {}, ""]', Kind.REGISTRY, None, None),
        ('["a@git+https://h.example/r.git#ab12", {}, "ab12"]', Kind.GIT, ..., None),
        (f'["a@github:u/r#9cf28d2", {{}}, "u-r-9cf28d2", "{HASH}"]', Kind.GIT, ..., HASH),
        ('["a@git@h.example:u/r.git#ab12", {}, "ab12"]', Kind.GIT, ..., None),
        ('["a@https://h.example/a.tgz", {}]', Kind.TARBALL, ..., None),
        (f'["a@./a.tgz", {{}}, "{HASH}"]', Kind.FILE, ..., HASH),
        ('["a@link:../a", {}]', None, None, None),
        ('["a@file:dir", {}]', None, None, None),
        ('["a@workspace:packages/a"]', None, None, None),
        ('["a@workspace:packages/a", { "dependencies": { "b": "^1" } }]', None, None, None),
        ('["a@root:", { "bin": { "a": "a.js" } }]', None, None, None),
    ],
)
def test_each_kind_of_entry(
    entry: str, kind: Kind | None, resolved: object, integrity: str | None
) -> None:
    found = lockfile(lock(f'"a": {entry}')).entry("a").artifact
    reference = json.loads(entry)[0].partition("@")[2]
    expected = reference if resolved is ... else resolved
    got = found and (found.kind, found.resolved, found.integrity)
    assert got == (kind and (kind, expected, integrity))


@pytest.mark.parametrize(
    ("version", "info", "scripts"),
    [
        (1, "{}", None),
        (1, '{ "hasInstallScript": true }', True),
        (2, "{}", False),
        (3, '{ "hasInstallScript": true }', True),
    ],
)
def test_scripts_are_known_from_version_2_on(version: int, info: str, scripts: bool | None) -> None:
    text = lock(f'"a": ["a@1.0.0", "", {info}, "{HASH}"]', version=version)
    found = lockfile(text).entry("a").artifact
    assert found is not None
    assert found.scripts is scripts


GOOD = f'"a": ["a@1.0.0", "", {{}}, "{HASH}"]'

REFUSED = {
    "an unknown version": (lock(GOOD, version=4), "version 4 of bun.lock is not known", 2),
    "no version": (lock(GOOD).replace("lockfileVersion", "x"), "version None", 1),
    "a version that is text": (lock(GOOD).replace(": 1,", ': "1",', 1), "a whole number", 2),
    "cut short": (lock(GOOD)[:-9], "not JSON", 9),
    "one key twice": (lock(GOOD, GOOD), "'a' appears twice", 11),
    "one key twice, escaped": (lock(GOOD, GOOD.replace('"a"', '"\\u0061"')), "appears twice", 11),
    "one key twice in an entry": (
        lock(f'"a": ["a@1.0.0", "", {{ "os": "x", "os": "y" }}, "{HASH}"]'),
        "'os' appears twice",
        9,
    ),
    "two tables of packages": (lock(GOOD, head='  "packages": {},\n'), "appears twice", 9),
    "no list": (lock('"a": { "x": ["a@1.0.0"] }'), "expected a list", 9),
    "a text, and patches": (
        lock('"a": "b"', head='  "patchedDependencies": {\n    "a@1.0.0": "x.patch",\n  },\n'),
        "expected a list",
        12,
    ),
    "an empty list": (lock('"a": []'), "expected name@version", 9),
    "a range": (lock(GOOD.replace("a@1.0.0", "a@^1.0.0")), "'^1.0.0'", 9),
    "no version in the first element": (lock(GOOD.replace("a@1.0.0", "a")), "name@version", 9),
    "a registry entry without a hash": (lock('"a": ["a@1.0.0", "", {}]'), "found 3 elements", 9),
    "one element more": (lock(GOOD.replace("]", ', "x"]')), "found 5 elements", 9),
    "an info that is none": (lock(GOOD.replace("{}", "[]")), "expected an object", 9),
    "dependencies that are none": (
        lock(GOOD.replace("{}", '{ "dependencies": ["b"] }')),
        "an object in dependencies",
        9,
    ),
    "a path without end": (lock(f'"{"a/" * 500}a": ["a@1.0.0", "", {{}}, ""]'), "nested too", 9),
    "a hash that is no text": (lock(GOOD.replace(f'"{HASH}"', "1")), "a string as element 4", 9),
    "a patch outside": (
        lock(GOOD, head='  "patchedDependencies": {\n    "a@1.0.0": "../x.patch",\n  },\n'),
        "leads outside",
        9,
    ),
    "a patch that no commit would be noticed of": (
        lock(GOOD, head='  "patchedDependencies": {\n    "a@1.0.0": "x.txt",\n  },\n'),
        "a file name with .patch",
        9,
    ),
    "a patch that is not there": (
        lock(GOOD, head='  "patchedDependencies": {\n    "a@1.0.0": "x.patch",\n  },\n'),
        "x.patch of a@1.0.0 is not there",
        9,
    ),
    "deep": ("[" * 100_000, "nested too deeply", 1),
    "deep in an entry": (lock(f'"a": ["a@1.0.0", {"[" * 100_000}],'), "", 1),
    "no table": ("[]", "expected a table", 1),
    "not UTF-8": (b'{\n"\xff"}', "not UTF-8", 2),
    "a control character": (lock(GOOD.replace("a@", "a\x01@")), "not JSON", 9),
}


@pytest.mark.parametrize(("data", "message", "line"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_by_line(data: str | bytes, message: str, line: int) -> None:
    with pytest.raises(DocumentError) as caught:
        list(lockfile(data).entries())
    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == ("bun.lock", line)


def test_the_binary_lockfile_is_refused_with_the_way_on() -> None:
    with pytest.raises(DocumentError, match="binary") as caught:
        bun.read_lockfile("bun.lockb", b"#!/usr/bin/env bun\n", nothing)
    assert caught.value.fix is not None
    assert "bun install --save-text-lockfile" in caught.value.fix


def outcome(data: bytes) -> list[Entry] | None:
    """The entries; None where they cannot be read."""
    try:
        return list(lockfile(data, lambda path: b"patch").entries())
    except DocumentError:
        return None


WHOLE = b"// read whole\n"
"""Behind a file that Bun wrote, it keeps it from being split by lines."""


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_split_by_lines_reads_as_parsed_whole(path: Path) -> None:
    data = path.read_bytes()
    found = fixture(path)
    assert not isinstance(found.layout, Whole)
    assert outcome(data) == outcome(data + WHOLE)
    assert outcome(data) == outcome(data.replace(b"\n", b"\r\n"))
    assert outcome(data) == outcome(b"\xef\xbb\xbf" + data)


@pytest.mark.parametrize("case", corpus.cases("bun"), ids=str)
def test_split_by_lines_reads_as_parsed_whole_on_the_corpus(case: corpus.Case) -> None:
    assert outcome(case.data) == outcome(case.data + WHOLE)


PIECES = (
    '"', "[", "]", "{", "}", ",", ":", "\n", " ", "\\", "//", "/*", "*/", "],\n", '    "x": ["x@1.0.0"],\n',
    '  "packages": {\n', '": ["', "\r", "\t", "0", "null", '], "y": [', "  }\n}\n", '"a": "b", ', "\u2028", "é",
)  # fmt: skip


@given(st.data())
def test_mutations_read_the_same_by_lines_and_whole(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(LOCKS))
    text = path.read_text()
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.one_of(st.just(start), st.integers(start, min(len(text), start + 40))))
        text = text[:start] + data.draw(st.sampled_from(("", *PIECES))) + text[end:]
    assert outcome(text.encode()) == outcome(text.encode() + b"\n" + WHOLE)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    outcome(data)


def test_a_changed_patch_file_changes_its_entry() -> None:
    data = (FOLDER / "patched.bun1.4.lock").read_bytes()
    before = lockfile(data, contents("patched").get)
    after = lockfile(data, lambda path: b"another")
    assert after.changed([before]) == ["left-pad"]
    digest = base64.b64encode(hashlib.sha256(b"another").digest()).decode()
    found = after.entry("left-pad").artifact
    assert found is not None
    assert found.patch == f"sha256-{digest}"
    assert after.patch_files() == {"patches/left-pad@1.3.0.patch": ("left-pad",)}


@pytest.mark.parametrize(
    ("origin", "importer", "name", "key"),
    [
        (None, "", "is-odd", "is-odd"),
        (None, "packages/a", "is-number", "is-number"),
        (None, "packages/b", "is-number", "@w/b/is-number"),
        (None, "packages/a", "@w/b", "@w/b"),
        (None, "", "ghost", None),
        ("is-odd", "", "is-number", "is-odd/is-number"),
        ("is-odd/is-number", "", "kind-of", "kind-of"),
    ],
)
def test_resolution_goes_up_the_path(
    origin: str | None, importer: str, name: str, key: str | None
) -> None:
    found = fixture(FOLDER / "workspaces.bun1.4.lock")
    assert found.resolve(origin, Requirement(name=name, specifier="*"), importer) == key


def test_who_is_direct_and_who_asks() -> None:
    found = fixture(FOLDER / "workspaces.bun1.4.lock")
    assert found.direct({}) == {
        "is-odd": {Group.PRODUCTION},
        "@w/b": {Group.PRODUCTION},
        "is-number": {Group.PRODUCTION},
        "kind-of": {Group.PRODUCTION},
        "@w/b/is-number": {Group.DEVELOPMENT},
    }
    assert found.dependents(["is-odd/is-number", "kind-of"]) == {
        "is-odd/is-number": ("is-odd",),
        "kind-of": (),
    }


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_dependents_of_few_are_those_of_all(path: Path) -> None:
    found = fixture(path)
    keys = list(found.blocks)
    assert {key: found.dependents([key])[key] for key in keys} == found.dependents(keys * 20)


@pytest.mark.parametrize(
    ("key", "names"),
    {
        "a": ["a"],
        "a/b": ["a", "b"],
        "@s/a": ["@s/a"],
        "b/@s/a/@t/c/d": ["b", "@s/a", "@t/c", "d"],
    }.items(),
)
def test_a_path_is_names(key: str, names: list[str]) -> None:
    assert components(key) == names
    assert last_name(key) == names[-1]


# Where manifests and lockfile disagree


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_what_bun_wrote_agrees_with_its_manifests(path: Path) -> None:
    found = fixture(path)
    case, _, version = path.name.removesuffix(".lock").partition(".bun")
    files = contents(case)
    own = json.loads(files["package.json"])
    files["package.json"] = json.dumps({**own, "packageManager": f"bun@{version}.0"}).encode()
    assert list(found.disagreements(manifests(files, found.workspaces))) == []


@pytest.mark.parametrize(
    "case", [case for case in corpus.cases("bun") if case.path.parts[-4] == "made"], ids=str
)
def test_what_bun_wrote_for_the_corpus_agrees(case: corpus.Case) -> None:
    if not (case.folder / "package.json").is_file():
        return  # the corpus has no manifests of a pair's halves
    found = lockfile(case.data, lambda path: (case.folder / path).read_bytes())
    files = {
        file.relative_to(case.folder).as_posix(): file.read_bytes()
        for file in case.folder.rglob("package.json")
    }
    assert list(found.disagreements(manifests(files, found.workspaces))) == []


DISAGREEMENTS = {
    "a specifier": ("workspaces", '"is-number": "^4.0.0"', '"is-number": "^4.0.1"',
        ["is-number@4.0.0 is locked, where ^4.0.1 is required"]),
    "a field": ("workspaces", '"devDependencies"', '"optionalDependencies"',
        ["requires is-number@^6.0.0 in devDependencies, which bun.lock does not have",
         ("the lockfile has is-number@^6.0.0 in optionalDependencies of packages/b/package.json, "
          "which does not require it")]),
    "a catalog": ("workspaces", '"is-odd": "3.0.1"', '"is-odd": "3.0.0"',
        ["the lockfile has is-odd@3.0.0 in the catalog 'default', the manifest 3.0.1",
         "is-odd@3.0.1 is locked, where catalog: is required"]),
    "a trusted name": ("workspaces", '    "is-number",\n', '    "is-odd",\n',
        ["the lockfile trusts is-odd, no manifest does"]),
    "a workspace": ("workspaces", '"packages/b": {', '"packages/c": {',
        ["bun.lock does not have this workspace",
         "the lockfile has the workspace 'packages/c', which has no package.json"]),
    "a workspace's name": ("workspaces", '"name": "@w/b"', '"name": "@w/x"',
        ["packages/b/package.json is named @w/b, the lockfile has @w/x",
         "is-number@4.0.0 is locked, where ^6.0.0 is required"]),
    "a patch": ("patched", '"left-pad@1.3.0": "patches', '"is-odd@3.0.1": "patches',
        [("the lockfile patches is-odd@3.0.1 with patches/left-pad@1.3.0.patch, "
          "the manifest with None"),
         ("the lockfile patches left-pad@1.3.0 with None, "
          "the manifest with patches/left-pad@1.3.0.patch")]),
    "an override": ("overrides", '"kind-of": "6.0.3"', '"kind-of": "6.0.2"',
        ["the lockfile overrides kind-of with 6.0.2, the manifest with 6.0.3"]),
    "an override that refers": ("overrides", '"6.0.0",\n    "is-odd": "3.0.1"',
        '"6.0.0",\n    "is-odd": "0.1.2"',
        ["the lockfile overrides is-odd with 0.1.2, the manifest with 3.0.1",
         "is-odd@3.0.1 is locked, where 0.1.2 is required"]),
    "an override of its own": ("sources", '  "packages": {\n',
        '  "overrides": {\n    "is-odd": "0.1.2",\n  },\n  "packages": {\n',
        ["the lockfile overrides is-odd, the manifest does not",
         "is-odd@3.0.1 is locked, where 0.1.2 is required"]),
    "another package by a name": ("sources", '["is-number@6.0.0"', '["is-numbers@6.0.0"',
        ["is-numbers@6.0.0 is locked as is-number, where is-number is required"]),
    "another package, directly": ("sources", '"is-odd": ["is-odd@3.0.1"', '"is-odd": ["is-odds@3.0.1"',
        ["is-odds@3.0.1 is locked as is-odd, where is-odd is required"]),
    "another alias": ("sources", '"lp": ["left-pad@1.2.0"', '"lp": ["right-pad@1.2.0"',
        ["right-pad@1.2.0 is locked as lp, where left-pad is required"]),
    "another version": ("sources", '"lp": ["left-pad@1.2.0"', '"lp": ["left-pad@1.3.0"',
        ["left-pad@1.3.0 is locked, where npm:left-pad@1.2.0 is required"]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "old", "new", "messages"), DISAGREEMENTS.values(), ids=DISAGREEMENTS
)
def test_disagreements(case: str, old: str, new: str, messages: list[str]) -> None:
    text = (FOLDER / f"{case}.bun1.4.lock").read_text()
    assert old in text
    files = contents(case)
    folders = lockfile(text, files.get).workspaces
    changed = lockfile(text.replace(old, new, 1), files.get)
    found = changed.disagreements(manifests(files, folders))
    assert sorted({problem.message for problem in found}) == sorted(messages)


ASKED = {
    "a range without a name": ("npm:^2.1.1", "ms@2.1.3", True),
    "a version without a name": ("npm:2.1.3", "ms@2.1.3", True),
    "another version than the range": ("npm:^2.1.1", "ms@1.0.0", False),
    "another package than the range": ("npm:^2.1.1", "evil@2.1.3", False),
    "a number is a package's name": ("npm:2", "ms@2.1.3", False),
    "a name": ("npm:evil@^2.1.1", "ms@2.1.3", False),
}


@pytest.mark.parametrize(("specifier", "locked", "right"), ASKED.values(), ids=ASKED)
def test_a_range_behind_npm_is_one_of_the_package(specifier: str, locked: str, right: bool) -> None:
    text = lock(f'"ms": ["{locked}", "", {{}}, ""]').replace(
        '"name": "r",', f'"name": "r", "dependencies": {{"ms": "{specifier}"}},'
    )
    root = read_manifest(
        "package.json", json.dumps({"name": "r", "dependencies": {"ms": specifier}}).encode()
    )
    assert (list(lockfile(text).disagreements({"": root})) == []) is right


OVERRIDES: dict[str, tuple[int, dict[str, Any], dict[str, object] | None]] = {
    "as it is": (1, {"overrides": {"a": "1.0.0"}}, {"a": "1.0.0"}),
    "anywhere": (2, {"overrides": {"**/a": "1.0.0"}}, {"a": "1.0.0"}),
    "anywhere, before 1.4": (1, {"overrides": {"**/a": "1.0.0"}}, {"**/a": "1.0.0"}),
    "anywhere, by 1.4 in an older lockfile": (1, {"overrides": {"**/a": "1.0.0"}}, {"a": "1.0.0"}),
    "a reference, before 1.4": (1, {"overrides": {"**/b": "$b"}}, {"b": "^1.0.0"}),
    "a resolution anywhere": (1, {"resolutions": {"**/a": "1.0.0"}}, {"a": "1.0.0"}),
    "a dot": (2, {"overrides": {"a": {".": "1.0.0"}}}, {"a": "1.0.0"}),
    "a dot, before 1.4": (1, {"overrides": {"a": {".": "1.0.0", "c": "2.0.0"}}}, {"a": "1.0.0"}),
    "nested": (3, {"overrides": {"a": {"c": "1.0.0"}}}, {"a": {"c": "1.0.0"}}),
    "nested, before 1.4": (1, {"overrides": {"a": {"c": "1.0.0"}}}, None),
    "nested by a slash": (3, {"resolutions": {"@s/a/c": "1.0.0"}}, {"@s/a": {"c": "1.0.0"}}),
    "nested by an arrow": (3, {"overrides": {"a@1>c": "1.0.0"}}, {"a@1": {"c": "1.0.0"}}),
    "nested by stars": (3, {"overrides": {"a/**/c": "1.0.0"}}, {"a": {"c": "1.0.0"}}),
    "nested resolution, before 1.4": (1, {"resolutions": {"a/c": "1.0.0"}}, None),
    "a range": (3, {"overrides": {"a@^1": "1.0.0"}}, {"a@^1": {".": "1.0.0"}}),
    "a range behind npm:": (3, {"resolutions": {"a@npm:^1/c": "1.0.0"}}, {"a@^1": {"c": "1.0.0"}}),
    "two levels": (2, {"overrides": {"a": {"b": {"c": "1.0.0"}}}}, None),
    "both": (2, {"overrides": {"a": "1.0.0"}, "resolutions": {"c": "1.0.0"}}, {"a": "1.0.0"}),
    "none hides the other": (1, {"overrides": {}, "resolutions": {"a": "1.0.0"}}, None),
    "an empty one": (2, {"overrides": {"a": ""}}, None),
}
"""What Bun 1.2 to 1.4 wrote for each of these: the lockfile's version, the manifest, the lockfile."""


@pytest.mark.parametrize("name", OVERRIDES)
def test_overrides_as_each_bun_records_them(name: str) -> None:
    """As Bun recorded them they agree; with another value, or without them, they do not."""
    version, more, recorded = OVERRIDES[name]
    own: dict[str, Any] = {"name": "r", "dependencies": {"b": "^1.0.0"}}
    if name.endswith("before 1.4"):
        own["packageManager"] = "bun@1.3.14"
    root = read_manifest("package.json", json.dumps(own | more).encode())

    def agrees(table: object) -> bool:
        text = lock(
            '"b": ["b@1.0.0", "", {}, ""]',
            version=version,
            head=f'  "overrides": {json.dumps(table)},\n',
        ).replace('"name": "r",', '"name": "r", "dependencies": {"b": "^1.0.0"},')
        return not list(lockfile(text).disagreements({"": root}))

    assert agrees(recorded or {})
    assert agrees({}) is (recorded is None)
    other = json.loads(re.sub(r"\^?1\.0\.0", "6.6.6", json.dumps(recorded or {"z": "1.0.0"})))
    assert not agrees(other)


@pytest.mark.parametrize(("recorded", "agrees"), [("1.0.0", True), ("npm:1.0.1", False)])
def test_an_override_may_have_npm_before_its_range(recorded: str, agrees: bool) -> None:
    """Bun 1.4 leaves the lockfile as it is where only that changes."""
    own = {"name": "r", "dependencies": {"b": "^1.0.0"}, "overrides": {"b": "npm:1.0.0"}}
    root = read_manifest("package.json", json.dumps(own).encode())
    text = lock(
        '"b": ["b@1.0.0", "", {}, ""]',
        version=3,
        head=f'  "overrides": {json.dumps({"b": recorded})},\n',
    ).replace('"name": "r",', '"name": "r", "dependencies": {"b": "^1.0.0"},')
    assert (not list(lockfile(text).disagreements({"": root}))) is agrees


@pytest.mark.parametrize(
    ("pin", "agrees"), [(None, False), ("bun@1.4.5", False), ("bun@1.3.14", True)]
)
@pytest.mark.parametrize("table", [{}, {"a": {"c": "2.0.0"}}])
def test_a_nested_override_counts_unless_an_older_bun_is_pinned(
    pin: str | None, agrees: bool, table: dict[str, object]
) -> None:
    """Bun 1.3 wrote such a lockfile without it; 1.4 refuses that when frozen, else installs others."""
    own = {"name": "r", "packageManager": pin, "overrides": {"a": {"c": "1.0.0"}}}
    root = {key: value for key, value in own.items() if value is not None}
    text = lock("", head=f'  "overrides": {json.dumps(table)},\n')
    manifest = read_manifest("package.json", json.dumps(root).encode())
    assert (list(lockfile(text).disagreements({"": manifest})) == []) is agrees


LOCKED = {
    "what the override names": ("1.1.0", {"a": "1.1.0"}, True),
    "what is required, not the override": ("1.0.0", {"a": "1.1.0"}, False),
    "another parent's override": ("2.0.0", {"x": {"a": "2.0.0"}}, False),
    "an override of some ranges": ("2.0.0", {"a@^1": {".": "2.0.0"}}, True),
}


@pytest.mark.parametrize(("version", "overrides", "right"), LOCKED.values(), ids=LOCKED)
def test_what_is_locked_is_what_the_override_names(
    version: str, overrides: dict[str, object], right: bool
) -> None:
    wanted = {"name": "r", "dependencies": {"a": "^1.0.0"}, "overrides": overrides}
    text = lock(
        f'"a": ["a@{version}", "", {{}}, ""]',
        version=3,
        head=f'  "overrides": {json.dumps(overrides)},\n',
    ).replace('"name": "r",', '"name": "r", "dependencies": {"a": "^1.0.0"},')
    root = read_manifest("package.json", json.dumps(wanted).encode())
    assert (list(lockfile(text).disagreements({"": root})) == []) is right


UNLOCKED = {
    "required": ({"dependencies": {"a": "1"}}, {}, False),
    "for development": ({"devDependencies": {"a": "1"}}, {}, False),
    "a peer": ({"peerDependencies": {"a": "1"}}, {}, False),
    "a peer that may be missing": (
        {"peerDependencies": {"a": "1"}}, {"peerDependenciesMeta": {"a": {"optional": True}}}, True
    ),
    "optional": ({"optionalDependencies": {"a": "1"}}, {}, True),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "more", "right"), UNLOCKED.values(), ids=UNLOCKED)
def test_what_a_manifest_asks_for_is_locked(
    asked: dict[str, object], more: dict[str, object], right: bool
) -> None:
    tables = json.dumps(asked)[1:-1]
    text = lock('"b": ["b@1.0.0", "", {}, ""]').replace('"name": "r",', f'"name": "r", {tables},')
    root = read_manifest("package.json", json.dumps({"name": "r", **asked, **more}).encode())
    assert (list(lockfile(text).disagreements({"": root})) == []) is right


ENTRIES = {
    "a version in the range": ('"b": ["b@1.2.0", "", {}, ""]', True),
    "another version": ('"b": ["b@2.0.0", "", {}, ""]', False),
    "another package": ('"b": ["c@1.2.0", "", {}, ""]', False),
    "a workspace": ('"b": ["b@workspace:packages/b"]', True),
    "a folder": ('"b": ["b@file:vendor/b", {}]', False),
    "no workspace": ('"b": ["b@workspace:vendor/b"]', False),
    "a workspace of another name": ('"b": ["b@workspace:packages/d"]', False),
    "another version for another": (
        '"b": ["b@1.2.0", "", {}, ""],\n\n    "c/b": ["b@2.0.0", "", {}, ""]', True
    ),
}  # fmt: skip


@pytest.mark.parametrize("changed", ["a", "b"])
@pytest.mark.parametrize(("entry", "right"), ENTRIES.values(), ids=ENTRIES)
def test_what_an_entry_asks_for_is_locked_for_it(entry: str, right: bool, changed: str) -> None:
    """Whichever of the two the commit changes."""
    text = lock('"a": ["a@1.0.0", "", { "dependencies": { "b": "^1.0.0" } }, ""]', entry)
    members = '"packages/b": { "name": "b" }, "packages/d": { "name": "d" },'
    text = text.replace('"workspaces": {', f'"workspaces": {{ {members}', 1)
    found = list(lockfile(text).contradictions([changed], []))
    assert [each.code for each in found] == ([] if right else ["unsatisfied"])


def test_an_entry_goes_and_another_version_takes_its_place() -> None:
    asker = '"a": ["a@1.0.0", "", { "dependencies": { "b": "^1.0.0" } }, ""]'
    outer, inner = '"b": ["b@2.0.0", "", {}, ""]', '"a/b": ["b@1.0.0", "", {}, ""]'
    before, after = lockfile(lock(asker, outer, inner)), lockfile(lock(asker, outer))
    assert list(before.contradictions(["a"], [])) == []
    assert [each.code for each in after.contradictions([], [before])] == ["unsatisfied"]


PEERS = {
    "the manifest puts the alias there": ({"dependencies": {"p": "npm:@s/real@1.0.0"}}, True),
    "no other dependency leads to it": ({}, False),
    "a peer of the manifest only": ({"peerDependencies": {"p": "*"}}, False),
}


@pytest.mark.parametrize(("asked", "right"), PEERS.values(), ids=PEERS)
def test_an_alias_serves_a_peer_where_a_dependency_puts_it_there(
    asked: dict[str, dict[str, str]], right: bool
) -> None:
    tables = ", ".join(f'"{field}": {json.dumps(table)}' for field, table in asked.items())
    text = lock(
        '"p": ["@s/real@1.0.0", "", {}, ""]',
        '"q": ["q@1.0.0", "", {"peerDependencies": {"p": "*"}}, ""]',
    ).replace('"name": "r",', f'"name": "r", {tables + ", " if tables else ""}')
    root = read_manifest("package.json", json.dumps({"name": "r", **asked}).encode())
    assert (list(lockfile(text).disagreements({"": root})) == []) is right


MISSING = {
    "a peer": ('{"peerDependencies": {"p": "*"}}', 1, ["unsatisfied"]),
    "an optional peer": ('{"peerDependencies": {"p": "*"}, "optionalPeers": ["p"]}', 1, []),
    "one for development": ('{"devDependencies": {"p": "*"}}', 1, ["unsatisfied"]),
    "a peer, from Bun 1.4 on": ('{"peerDependencies": {"p": "*"}}', 2, []),
}


@pytest.mark.parametrize(("info", "version", "codes"), MISSING.values(), ids=MISSING)
def test_what_an_entry_names_and_nothing_locks(info: str, version: int, codes: list[str]) -> None:
    """Bun 1.3.14 ignores such a lockfile, and refuses it where it is frozen; 1.4.5 installs it."""
    found = lockfile(lock(f'"q": ["q@1.0.0", "", {info}, ""]', version=version))
    assert [each.code for each in found.contradictions(["q"], [])] == codes


@pytest.mark.parametrize(
    "specifier", ["npm:^1.0.0", "npm:1.0.0", "npm:>=1 <2", "npm:tt", "npm:tt@1"]
)
def test_what_bun_locks_for_a_word_behind_npm_agrees(
    clients: Clients, tmp_path: Path, specifier: str
) -> None:
    manifest = json.dumps({"name": "r", "dependencies": {"aa": specifier}})
    (tmp_path / "package.json").write_text(manifest)
    with static_registry() as url:
        (tmp_path / "bunfig.toml").write_text(f'[install]\nregistry = "{url}"\n')
        clients.run("bun1.4", "install", "--lockfile-only", "--ignore-scripts", cwd=tmp_path)
    text = (tmp_path / "bun.lock").read_text()
    root = read_manifest("package.json", manifest.encode())
    assert list(lockfile(text).disagreements({"": root})) == []


@pytest.mark.parametrize("size", [3_000])
def test_a_hostile_lockfile_costs_linear_time(size: int) -> None:
    """Aliases, overrides and catalogs without end; quadratic time would take minutes."""
    names = [f"n{number}" for number in range(size)]
    table = "".join(f'    "{name}": "1.0.0",\n' for name in names)
    head = f'  "overrides": {{\n{table}  }},\n  "catalog": {{\n{table}  }},\n'
    wanted = json.dumps({"dependencies": dict.fromkeys(names, "catalog:")})
    text = lock(
        f'"all": ["all@1.0.0", "", {wanted}, ""]',
        *(f'"{name}": ["x{name}@1.0.0", "", {{}}, ""]' for name in names),
        head=head,
    ).replace(
        '"name": "r",', f'"name": "r", "dependencies": {json.dumps(dict.fromkeys(names, "1"))}'
    )
    manifest = {"name": "r", "overrides": dict.fromkeys(names, "$n1")}
    found = lockfile(text)
    root = read_manifest("package.json", json.dumps(manifest).encode())
    assert sum(1 for _ in found.disagreements({"": root})) > size


# The settings


ON = {"package.json": {"dependencies": {"esbuild": "1.0.0"}}}
TRUE = "[install]\nignoreScripts = true\n"

SETTINGS: dict[str, tuple[dict[str, object], bool]] = {
    "nothing": ({}, False),
    "an empty list": ({"trusted": []}, True),
    "a list of others": ({"trusted": ["x"]}, True),
    "a member's list": ({"member": []}, True),
    "a text for a list": ({"trusted": "x"}, False),
    "null for a list": ({"trusted": None}, False),
    "bunfig": ({"bunfig.toml": TRUE}, True),
    "bunfig, dotted": ({"bunfig.toml": "install.ignoreScripts = true\n"}, True),
    "bunfig, inline": ({"bunfig.toml": "install = { ignoreScripts = true }\n"}, True),
    "bunfig, quoted": ({"bunfig.toml": '["install"]\n"ignoreScripts" = true\n'}, True),
    "bunfig, CRLF": ({"bunfig.toml": TRUE.replace("\n", "\r\n")}, True),
    "bunfig, byte order mark": ({"bunfig.toml": "\ufeff" + TRUE}, False),
    "bunfig, text": ({"bunfig.toml": '[install]\nignoreScripts = "true"\n'}, False),
    "bunfig, number": ({"bunfig.toml": "[install]\nignoreScripts = 1\n"}, False),
    "bunfig, kebab": ({"bunfig.toml": "[install]\nignore-scripts = true\n"}, False),
    "bunfig, snake": ({"bunfig.toml": "[install]\nignore_scripts = true\n"}, False),
    "bunfig, elsewhere": ({"bunfig.toml": "ignoreScripts = true\n"}, False),
    "bunfig, one table deeper": ({"bunfig.toml": "[install.x]\nignoreScripts = true\n"}, False),
    "bunfig, another name": ({".bunfig.toml": TRUE}, False),
    "bunfig, false": ({"bunfig.toml": "[install]\nignoreScripts = false\n"}, False),
    "npmrc": ({".npmrc": "ignore-scripts=true\n"}, True),
    "npmrc, spaces": ({".npmrc": " ignore-scripts = true\r\n"}, True),
    "npmrc, quoted": ({".npmrc": 'ignore-scripts="true"\n'}, True),
    "npmrc, quoted key": ({".npmrc": '"ignore-scripts"=true\n'}, True),
    "npmrc, bare": ({".npmrc": "ignore-scripts\n"}, True),
    "npmrc, byte order mark": ({".npmrc": "\ufeffignore-scripts=true\n"}, True),
    "npmrc, empty": ({".npmrc": "ignore-scripts=\n"}, False),
    "npmrc, 1": ({".npmrc": "ignore-scripts=1\n"}, False),
    "npmrc, yes": ({".npmrc": "ignore-scripts=yes\n"}, False),
    "npmrc, TRUE": ({".npmrc": "ignore-scripts=TRUE\n"}, False),
    "npmrc, a comment behind": ({".npmrc": "ignore-scripts=true ; why\n"}, False),
    "npmrc, a variable": ({".npmrc": "ignore-scripts=${X}\n"}, False),
    "npmrc, a list": ({".npmrc": "ignore-scripts[]=true\n"}, False),
    "npmrc, camel": ({".npmrc": "ignoreScripts=true\n"}, False),
    "npmrc, below a section": ({".npmrc": "[x]\nignore-scripts=true\n"}, False),
    "npmrc, below a lone CR": ({".npmrc": "a=1\rignore-scripts=true\n"}, False),
    "npmrc, true then false": ({".npmrc": "ignore-scripts=true\nignore-scripts=false\n"}, False),
    "npmrc, true then 0": ({".npmrc": "ignore-scripts=true\nignore-scripts=0\n"}, False),
    "npmrc true, bunfig false": (
        {".npmrc": "ignore-scripts=true\n", "bunfig.toml": "install.ignoreScripts = false\n"},
        False,
    ),
    "npmrc false, bunfig true": (
        {".npmrc": "ignore-scripts=false\n", "bunfig.toml": TRUE},
        False,
    ),
    "npmrc on other things, bunfig true": (
        {".npmrc": "save-exact=true\n", "bunfig.toml": TRUE},
        True,
    ),
    "a list, and switched on": (
        {"trusted": [], "bunfig.toml": "install.ignoreScripts = false\n"},
        True,
    ),
    ".env": ({"bunfig.toml": TRUE, ".env": "npm_config_ignore_scripts=false\n"}, True),
}  # fmt: skip
"""Settings, and whether they pass."""


def settings_files(settings: Mapping[str, object]) -> dict[str, object]:
    """The files of a project that depends on esbuild, a name that Bun trusts by itself."""
    root: dict[str, object] = {
        "name": "r",
        "workspaces": ["member"],
        "dependencies": {"esbuild": "1.0.0"},
    }
    member: dict[str, object] = {"name": "member", "version": "1.0.0"}
    if "trusted" in settings:
        root["trustedDependencies"] = settings["trusted"]
    if "member" in settings:
        member["trustedDependencies"] = settings["member"]
    others = {
        name: text
        for name, text in settings.items()
        if name not in ("trusted", "member") and isinstance(text, str)
    }
    return {"package.json": root, "member/package.json": member, **others}


@pytest.mark.parametrize(("settings", "passes"), SETTINGS.values(), ids=SETTINGS)
def test_whether_scripts_run(settings: dict[str, object], passes: bool) -> None:
    found = list(bun.scripts_run(project(settings_files(settings), "member")))
    assert (found == []) is passes, [problem.message for problem in found]


def test_a_bunfig_that_is_no_toml_is_undecided() -> None:
    files = settings_files({"bunfig.toml": TRUE + "ignoreScripts = false\n"})
    with pytest.raises(DocumentError) as caught:
        list(bun.scripts_run(project(files, "member")))
    assert (caught.value.path, caught.value.line) == ("bunfig.toml", 3)


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry on loopback that has esbuild 1.0.0, whose postinstall leaves a mark."""

    url: str
    marker: Marker


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    marker = make_marker(tmp_path_factory.mktemp("registry"), "esbuild", scripts=("postinstall",))
    tarball = marker.tarball.read_bytes()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            version = {
                "name": "esbuild",
                "version": "1.0.0",
                "hasInstallScript": True,
                "scripts": {"postinstall": "node mark.js postinstall"},
                "dist": {"tarball": f"{url}esbuild/-/esbuild-1.0.0.tgz", "integrity": integrity},
            }
            packument = {
                "name": "esbuild",
                "dist-tags": {"latest": "1.0.0"},
                "versions": {"1.0.0": version},
            }
            body = tarball if self.path.endswith(".tgz") else json.dumps(packument).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Registry(url, marker)
    server.shutdown()
    thread.join()
    server.server_close()


def write(folder: Path, files: Mapping[str, object]) -> Path:
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content, indent=2) + "\n"
        file.write_bytes(text.encode())
    return folder


def ran(clients: Clients, name: str, folder: Path, registry: Registry, settings: str) -> bool:
    """Whether the real Bun ran the script of the package that it trusts by itself."""
    registry.marker.clear()
    write(folder, settings_files(SETTINGS[settings][0]))
    env = {"BUN_CONFIG_REGISTRY": registry.url}
    clients.run(name, "install", cwd=folder, env=env, check=False)
    return registry.marker.ran


@pytest.mark.parametrize("name", BUNS)
def test_bun_runs_the_scripts_of_a_name_that_it_trusts_by_itself(
    clients: Clients, tmp_path: Path, registry: Registry, name: str
) -> None:
    assert ran(clients, name, tmp_path / "p", registry, "nothing")


SOME = (
    "an empty list",
    "a member's list",
    "bunfig",
    "npmrc",
    "npmrc, byte order mark",
    "bunfig, inline",
)


@pytest.mark.parametrize("settings", SOME)
@pytest.mark.parametrize("name", BUNS)
def test_what_passes_runs_no_script(
    clients: Clients, tmp_path: Path, registry: Registry, name: str, settings: str
) -> None:
    assert SETTINGS[settings][1]
    assert not ran(clients, name, tmp_path / "p", registry, settings)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [each for each, (_, passes) in SETTINGS.items() if passes])
@pytest.mark.parametrize("name", BUNS)
def test_nothing_that_passes_runs_a_script(
    clients: Clients, tmp_path: Path, registry: Registry, name: str, settings: str
) -> None:
    assert not ran(clients, name, tmp_path / "p", registry, settings)


ACCIDENTS: Final = {"a text for a list", "null for a list"}
"""What is refused though every Bun tried takes it for a list that names nothing."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [each for each, (_, passes) in SETTINGS.items() if not passes and each not in ACCIDENTS],
)
def test_what_is_refused_runs_scripts_in_some_version(
    clients: Clients, tmp_path: Path, registry: Registry, settings: str
) -> None:
    assert any(ran(clients, name, tmp_path / name, registry, settings) for name in BUNS)


class Allowed:
    """A policy that allows one registry."""

    def allows(self, url: str) -> bool:
        return url.startswith("https://npm.example/")

    def allows_proxy(self, url: str) -> bool:
        return url == "http://proxy.allowed.example/"

    def allows_authority(self, value: str) -> bool:
        return value == "allowed.pem"


UNSAFE = {
    "an allowed registry": ({".npmrc": "registry=https://npm.example/\n"}, []),
    "a key of .npmrc that nobody knows": ({".npmrc": "a=1\n"}, [(".npmrc", 1, "unknown-setting")]),
    "a cooldown": ({"bunfig.toml": "[install]\nminimumReleaseAge = 259200\n"}, []),
    "no cooldown": (
        {"bunfig.toml": "[install]\nminimumReleaseAge = 0\n"},
        [("bunfig.toml", 2, "cooldown-off")],
    ),
    "programs that bunfig.toml names": (
        {
            "bunfig.toml": 'preload = "./x.ts"\n[install.security]\nscanner = "./x.ts"\n[run]\nshell = "bun"\n'
        },
        [("bunfig.toml", 1, "unknown-setting"), ("bunfig.toml", 3, "unknown-setting")],
    ),
    "one scope in two spellings": (
        {
            "bunfig.toml": '[install.scopes]\nacme = "https://npm.example/a/"\n"@acme" = "https://npm.example/"\n'
        },
        [("bunfig.toml", 3, "registry-unclear")],
    ),
    "a proxy from the environment": (
        {".env.production": "A=1\nexport HTTPS_PROXY=http://evil.example/\nhttp_proxy=x\n"},
        [(".env.production", 2, "environment-file"), (".env.production", 3, "environment-file")],
    ),
    "variables of the application": ({".env": "BUN_PUBLIC_API=x\nNODE_ENV=test\nMY_PROXY=x\n"}, []),
    "a lockfile that is not written": (
        {"bunfig.toml": "[install.lockfile]\nsave = false\n"},
        [("bunfig.toml", 2, "unverified-value")],
    ),
    "another registry": (
        {".npmrc": "color=1\nregistry=https://evil.example/\n"},
        [(".npmrc", 2, "registry-not-allowed")],
    ),
    "a scope's registry without TLS": (
        {".npmrc": "@s:registry=http://npm.example/\n"},
        [(".npmrc", 1, "registry-not-https")],
    ),
    "a token": (
        {".npmrc": "//npm.example/:_authToken=abc\n//x.example/:_authToken=${T}\n"},
        [(".npmrc", 1, "secret"), (".npmrc", 2, "token-for-other-host")],
    ),
    "TLS off": (
        {".npmrc": "strict-ssl=false\n"},
        [(".npmrc", 1, "tls-off")],
    ),
    "bunfig's registries": (
        {
            "bunfig.toml": '[install]\nregistry = "http://npm.example/"\n[install.scopes]\n'
            'a = "https://evil.example/"\nb = { url = "https://npm.example/", token = "abc" }\n'
            'c = { url = "https://npm.example/", token = "$T" }\n'
            'd = "https://me:pw@npm.example/"\n'
        },
        [
            ("bunfig.toml", 2, "registry-not-https"),
            ("bunfig.toml", 4, "registry-not-allowed"),
            ("bunfig.toml", 5, "secret"),
            ("bunfig.toml", 7, "secret"),
        ],
    ),
    "a scanner": (
        {"bunfig.toml": '[install.security]\nscanner = "./scan.ts"\n'},
        [("bunfig.toml", 2, "unknown-setting")],
    ),
    "certificates": (
        {"bunfig.toml": '[install]\ncafile = "x.pem"\n'},
        [("bunfig.toml", 2, "authority")],
    ),
    "a cache in the repository": (
        {"bunfig.toml": '[install.cache]\ndir = "./cache"\n'},
        [("bunfig.toml", 1, "cache-in-repository")],
    ),
    "a cache elsewhere": ({"bunfig.toml": '[install.cache]\ndir = "~/.bun/install/cache"\n'}, []),
    "installs while it runs": (
        {"bunfig.toml": '[install]\nauto = "force"\n'},
        [("bunfig.toml", 2, "unverified-value")],
    ),
    "a cache by .env": (
        {".env": "BUN_INSTALL_CACHE_DIR=./cache\n"},
        [(".env", 1, "environment-file")],
    ),
    "a preload": (
        {"bunfig.toml": 'preload = ["./x.ts"]\n'},
        [("bunfig.toml", 1, "unknown-setting")],
    ),
    "a registry in .env": (
        {".env": "# BUN_CONFIG_REGISTRY=no\nA=1\nexport BUN_CONFIG_REGISTRY=https://x.example\n"},
        [(".env", 3, "environment-file")],
    ),
    "an honest .env": ({".env": "NODE_ENV=production\nBUN_PUBLIC_URL=https://x.example\n"}, []),
}


@pytest.mark.parametrize(("files", "expected"), UNSAFE.values(), ids=UNSAFE)
def test_unsafe_settings(files: dict[str, str], expected: list[tuple[str, int, str]]) -> None:
    found = bun.unsafe_settings(project({**ON, **files}), Allowed())
    assert [(each.location.path, each.location.line, each.code) for each in found] == expected


@pytest.mark.parametrize("file", [".env", ".env.local", ".env.production"])
@pytest.mark.parametrize("name", BUNS)
def test_bun_takes_its_registry_from_environment_files(
    clients: Clients, tmp_path: Path, registry: Registry, name: str, file: str
) -> None:
    folder = write(
        tmp_path / "p", {**settings_files({}), file: f"npm_config_registry={registry.url}\n"}
    )
    clients.run(name, "install", "--ignore-scripts", cwd=folder)
    manifest = json.loads((folder / "node_modules/esbuild/package.json").read_text())
    assert manifest["scripts"] == {"postinstall": "node mark.js postinstall"}


def test_an_allowance_is_for_what_is_locked_by_that_name() -> None:
    files = {
        "package.json": {"name": "r", "dependencies": {"lp": "*"}, "trustedDependencies": ["lp"]},
        "m/package.json": {"name": "m", "trustedDependencies": ["is-odd"]},
        "bun.lock": (FOLDER / "sources.bun1.4.lock").read_text(),
    }
    found = [
        (each.package, each.version, each.setting, each.location.path)
        for each in bun.allowances(project(files, "m"))
    ]
    assert found == [
        ("left-pad", None, "trustedDependencies", "package.json"),
        ("lp", None, "trustedDependencies", "package.json"),
        ("is-odd", None, "trustedDependencies", "m/package.json"),
    ]


@pytest.mark.parametrize(
    ("files", "package", "url"),
    [
        ({}, "a", None),
        ({".npmrc": "registry=https://x.example\n"}, "a", "https://x.example/"),
        ({".npmrc": "@s:registry=https://x.example/\n"}, "@s/a", "https://x.example/"),
        ({".npmrc": "@s:registry=https://x.example/\n"}, "@t/a", None),
        (
            {"bunfig.toml": 'install.registry = "https://x.example/"\n'},
            "@t/a",
            "https://x.example/",
        ),
        (
            {"bunfig.toml": '[install.scopes]\ns = "https://x.example/"\n'},
            "@s/a",
            "https://x.example/",
        ),
        (
            {
                "bunfig.toml": 'install.registry = { url = "https://x.example/" }\n',
                ".npmrc": "registry=https://y.example/\n",
            },
            "a",
            None,
        ),
    ],
)
def test_the_registry_of_a_package(files: dict[str, str], package: str, url: str | None) -> None:
    assert bun.registry_of(project({**ON, **files}), package) == url


def test_switching_off_adds_an_empty_list() -> None:
    text = '{\n\t"name": "r",\n\t"dependencies": {"esbuild": "1.0.0"}\n}\n'
    (edit,) = bun.switch_off(project({"package.json": text}))
    expected = text.replace("}\n}", '},\n\t"trustedDependencies": []\n}')
    assert (edit.path, edit.content.decode()) == ("package.json", expected)
    assert bun.switch_off(project({"package.json": expected})) == ()
    assert bun.switch_off(project({"package.json": text, "bunfig.toml": TRUE})) == ()


@dataclass(frozen=True, slots=True)
class Two:
    """A project with two packages that have scripts, of which one is approved."""

    folder: Path
    good: Marker
    bad: Marker

    @property
    def project(self) -> Project:
        files = {
            name: (self.folder / name).read_text()
            for name in ("package.json", "bun.lock", "bunfig.toml", ".npmrc")
            if (self.folder / name).is_file()
        }
        return project(files)

    @property
    def approved(self) -> list[tuple[str, str]]:
        return [("good", "vendor/good.tgz")]


@pytest.fixture
def two(tmp_path: Path) -> Two:
    folder = tmp_path / "p"
    good = make_marker(tmp_path / "markers", "good")
    bad = make_marker(tmp_path / "markers", "bad")
    (folder / "vendor").mkdir(parents=True)
    shutil.copy(good.tarball, folder / "vendor/good.tgz")
    shutil.copy(bad.tarball, folder / "vendor/bad.tgz")
    manifest = {
        "name": "r",
        "dependencies": {"alias": "file:vendor/good.tgz", "bad": "file:vendor/bad.tgz"},
        "trustedDependencies": [],
    }
    write(folder, {"package.json": manifest})
    return Two(folder, good, bad)


@pytest.mark.parametrize("files", [{}, {"bunfig.toml": TRUE}], ids=["a list", "bunfig"])
@pytest.mark.parametrize("name", BUNS)
def test_rebuild_runs_what_is_approved_and_nothing_else(
    clients: Clients, two: Two, name: str, files: dict[str, str]
) -> None:
    write(two.folder, files)
    clients.run(name, "install", cwd=two.folder)
    assert (two.good.ran, two.bad.ran) == (False, False)
    commands = bun.rebuild(two.project, two.approved)
    config = ["--config=/dev/null"] if files else []
    assert commands == [["bun", "pm", "trust", *config, "alias"]]
    for program, *arguments in commands:
        assert program == "bun"
        clients.run(name, *arguments, cwd=two.folder)
    assert (two.good.ran, two.bad.ran) == (True, False)
    two.good.clear()
    again = bun.rebuild(two.project, two.approved)
    assert again == [["bun", "install", *config, "--force", "--frozen-lockfile"]]
    clients.run(name, *again[0][1:], cwd=two.folder)
    assert (two.good.ran, two.bad.ran) == (True, False)


@pytest.mark.parametrize("name", BUNS)
def test_the_allow_list_lets_an_install_run_what_is_approved(
    clients: Clients, two: Two, name: str
) -> None:
    clients.run(name, "install", cwd=two.folder)
    edit = bun.allow_list(two.project, two.approved)
    assert not isinstance(edit, str)
    assert json.loads(edit.content)["trustedDependencies"] == ["alias"]
    (two.folder / edit.path).write_bytes(edit.content)
    shutil.rmtree(two.folder / "node_modules")
    clients.run(name, "install", cwd=two.folder)
    assert (two.good.ran, two.bad.ran) == (True, False)


def test_no_allow_list_works_beside_the_switch() -> None:
    found = bun.allow_list(project({**ON, "bunfig.toml": TRUE}), [])
    assert isinstance(found, str)
    assert "only where scripts are not switched off" in found


def test_a_name_that_stands_for_more_than_is_approved_is_refused() -> None:
    text = lock(f'"a": ["a@1.0.0", "", {{}}, "{HASH}"]', f'"b/a": ["a@2.0.0", "", {{}}, "{HASH}"]')
    files = {**ON, "bun.lock": text}
    with pytest.raises(UndecidedError, match=r"with a the scripts of a@2\.0\.0 would run too"):
        bun.rebuild(project(files), [("a", "1.0.0")])
    assert bun.rebuild(project(files), [("a", "1.0.0"), ("a", "2.0.0")]) == [
        ["bun", "pm", "trust", "a"]
    ]


def test_rebuild_refuses_where_no_command_runs_a_script() -> None:
    files = {**ON, "bun.lock": lock(GOOD), ".npmrc": "ignore-scripts=true\n"}
    with pytest.raises(UndecidedError, match="Bun runs no script at all"):
        bun.rebuild(project(files), [("a", "1.0.0")])


def test_rebuild_refuses_where_others_are_trusted() -> None:
    root = {"name": "r", "dependencies": {}, "trustedDependencies": ["a", "b"]}
    files = {"package.json": root, "bun.lock": lock(GOOD)}
    with pytest.raises(UndecidedError, match="would run the scripts of b too"):
        bun.rebuild(project(files), [("a", "1.0.0")])


# The fixtures


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", BUNS)
def test_bun_accepts_the_fixtures_as_they_stand(
    clients: Clients, tmp_path: Path, name: str, case: str
) -> None:
    bun_fixtures.write(tmp_path, case)
    shutil.copy(FOLDER / f"{case}.{name}.lock", tmp_path / "bun.lock")
    clients.run(name, "install", "--frozen-lockfile", "--ignore-scripts", cwd=tmp_path)


def test_the_fixtures_tarballs_are_the_same_every_time(tmp_path: Path) -> None:
    text = (FOLDER / "sources.bun1.4.lock").read_text()
    for path, files in TARBALLS.items():
        file = make_tarball(tmp_path / Path(path).name, files)
        digest = base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()
        assert digest in text
