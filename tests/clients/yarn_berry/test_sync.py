"""A yarn.lock of Yarn berry against manifests and settings, by Yarn's own rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from npm_vetted.clients.shared.yarn.locators import resolution_pattern
from npm_vetted.clients.yarn_berry.lockfile import BerryLockfile
from npm_vetted.clients.yarn_berry.sync import disagreements
from npm_vetted.packages.manifest import read_manifest

HEAD = "__metadata:\n  version: 8\n  cacheKey: 10c0\n"


def entry(
    descriptors: str, locator: str, needs: Mapping[str, str] | None = None, more: str = ""
) -> str:
    """One entry; ``more`` are lines of its own."""
    version = locator.rpartition(":")[2] if "@npm:" in locator else "0.0.0-use.local"
    lines = "".join(f'    {name}: "{wanted}"\n' for name, wanted in (needs or {}).items())
    table = f"  dependencies:\n{lines}" if lines else ""
    kind = "hard" if "@npm:" in locator else "soft"
    language = "node" if kind == "hard" else "unknown"
    return (
        f'\n"{descriptors}":\n  version: {version}\n  resolution: "{locator}"\n{table}{more}'
        f"  languageName: {language}\n  linkType: {kind}\n"
    )


def lockfile(*entries: str, files: Mapping[str, Any]) -> BerryLockfile:
    contents = {path: json.dumps(each).encode() for path, each in files.items()}
    return BerryLockfile("yarn.lock", (HEAD + "".join(entries)).encode(), contents.get)


A1, A2 = entry("a@npm:^1.0.0", "a@npm:1.0.0"), entry("a@npm:2.0.0", "a@npm:2.0.0")
B = entry("b@npm:^1.0.0", "b@npm:1.2.0", {"a": "npm:^1.0.0"})


def root(needs: Mapping[str, str], more: str = "") -> str:
    return entry("r@workspace:.", "r@workspace:.", needs, more)


@pytest.mark.parametrize(
    ("resolutions", "second", "missing"),
    [
        ({}, A1, []),
        ({"a": "2.0.0"}, A2, []),
        ({"a": "2.0.0"}, A1, ["a@npm:2.0.0"]),
        ({"a@^1.0.0": "2.0.0"}, A1, ["a@npm:2.0.0"]),
        ({"a@npm:^1.0.0": "2.0.0"}, A1, ["a@npm:2.0.0"]),
        ({"a@^3.0.0": "2.0.0"}, A1, []),
        ({"b/a": "2.0.0"}, A1, ["a@npm:2.0.0"]),
        ({"b@npm:1.2.0/a": "2.0.0"}, A2, []),
        ({"b@1.2.0/a": "2.0.0"}, A1, ["a@npm:2.0.0"]),
        ({"b@npm:^1.0.0/a": "2.0.0"}, A1, []),
        ({"c/a": "2.0.0"}, A1, []),
        ({"**/a": "2.0.0", "c/**/a": "2.0.0"}, A1, []),
        ({}, A2, ["a@npm:^1.0.0"]),
    ],
)
def test_resolutions(resolutions: dict[str, str], second: str, missing: list[str]) -> None:
    manifest = {"name": "r", "dependencies": {"b": "^1.0.0"}, "resolutions": resolutions}
    files = {"package.json": manifest}
    found = lockfile(B, second, root({"b": "npm:^1.0.0"}), files=files)
    manifests = {"": read_manifest("package.json", json.dumps(manifest).encode())}
    keys = {each.key for each in found.disagreements(manifests)}
    keys |= {each.key for each in found.contradictions(list(found.blocks), [])}
    assert sorted(keys) == missing


@pytest.mark.parametrize(
    ("extension", "missing"),
    [
        ("b@*", ["t@npm:1.0.0"]),
        ("b@^1.0.0", ["t@npm:1.0.0"]),
        ("b@^2.0.0", []),
        ("nothing@*", []),
    ],
)
def test_package_extensions(extension: str, missing: list[str]) -> None:
    manifest = {"name": "r", "dependencies": {"b": "^1.0.0"}}
    settings = {"packageExtensions": {extension: {"dependencies": {"t": "1.0.0"}}}}
    files = {"package.json": manifest, ".yarnrc.yml": settings}
    found = lockfile(B, A1, root({"b": "npm:^1.0.0"}), files=files)
    manifests = {"": read_manifest("package.json", json.dumps(manifest).encode())}
    assert [each.key for each in found.disagreements(manifests)] == missing


@pytest.mark.parametrize(
    ("manifest", "more", "keys"),
    [
        ({"peerDependencies": {"p": "^1"}}, "  peerDependencies:\n    p: ^1\n", []),
        ({"peerDependencies": {"p": "^1"}}, "", ["peerDependencies.p"]),
        ({}, "  peerDependencies:\n    p: ^1\n", ["peerDependencies.p"]),
        ({"peerDependencies": {"p": "latest"}}, '  peerDependencies:\n    p: "*"\n', []),
        ({"dependenciesMeta": {"b": {"built": True}}}, "", ["dependenciesMeta.b"]),
        ({"dependenciesMeta": {"b": {"built": False}}},
         "  dependenciesMeta:\n    b:\n      built: true\n", ["dependenciesMeta.b"]),
    ],
)  # fmt: skip
def test_other_fields_of_a_workspace(manifest: dict[str, Any], more: str, keys: list[str]) -> None:
    data = {"name": "r", "dependencies": {"b": "^1.0.0"}, **manifest}
    found = lockfile(B, A1, root({"b": "npm:^1.0.0"}, more), files={"package.json": data})
    manifests = {"": read_manifest("package.json", json.dumps(data).encode())}
    assert [each.key for each in found.disagreements(manifests)] == keys


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("a", (None, None, "a", None)),
        ("@s/a@^1", (None, None, "@s/a", "^1")),
        ("b/a", ("b", None, "a", None)),
        ("@s/b@npm:1.0.0/@s/a@npm:^1", ("@s/b", "npm:1.0.0", "@s/a", "npm:^1")),
        ("**/a", None),
        ("b/**/a", None),
        ("b/a/c", None),
    ],
)
def test_the_keys_of_resolutions(key: str, found: object) -> None:
    assert resolution_pattern(key) == found


def test_an_empty_lockfile_has_no_entry_and_misses_the_workspace() -> None:
    data = {"name": "r", "dependencies": {"b": "^1.0.0"}}
    found = BerryLockfile("yarn.lock", b"# nothing yet\n\n", lambda _: None)
    manifests = {"": read_manifest("package.json", json.dumps(data).encode())}
    assert not found.blocks
    assert [each.location.path for each in found.disagreements(manifests)] == ["package.json"]


def test_what_yarn_adds_by_itself_is_needed() -> None:
    """Yarn's own list gives useragent a request for ^2.0.0, which the lockfile does not show."""

    def read(version: str) -> BerryLockfile:
        return lockfile(
            root({"useragent": "npm:*"}),
            entry("useragent@npm:*", f"useragent@npm:{version}"),
            entry("request@npm:^2.88.0", "request@npm:2.88.2"),
            files={"package.json": {"name": "r", "dependencies": {"useragent": "*"}}},
        )

    assert read("2.3.0").kept == {"request@npm:^2.88.0"}
    assert read("3.0.0").kept == set()


@pytest.mark.parametrize(("name", "keys"), [("r", []), ("renamed", ["name"]), (None, [])])
def test_a_workspace_is_locked_by_its_name(name: str | None, keys: list[str]) -> None:
    """Yarn 4 refuses another when the lockfile may not change: it may then answer other ranges."""
    manifest = {"dependencies": {"b": "^1.0.0"}} | ({} if name is None else {"name": name})
    found = lockfile(B, A1, root({"b": "npm:^1.0.0"}), files={"package.json": manifest})
    manifests = {"": read_manifest("package.json", json.dumps(manifest).encode())}
    assert [each.key for each in found.disagreements(manifests)] == keys


@pytest.mark.parametrize(
    ("locator", "kind", "found"),
    [
        ("a@npm:1.0.0", "hard", []),
        ("a@npm:1.0.0", "soft", ["a"]),
        ("a@file:./folder#./folder::hash=abcdef&locator=r%40workspace%3A.", "hard", ["a"]),
        ("a@link:./folder::locator=r%40workspace%3A.", "soft", ["a"]),
        ("a@portal:./folder::locator=r%40workspace%3A.", "hard", ["a", "a"]),
    ],
)
def test_what_a_range_of_a_registry_is_locked_to(locator: str, kind: str, found: list[str]) -> None:
    manifest = {"name": "r", "dependencies": {"a": "^1.0.0"}}
    locked = entry("a@npm:^1.0.0", locator).replace("hard", kind).replace("soft", kind)
    locked = locked.replace("0.0.0-use.local", "1.0.0")
    read = lockfile(root({"a": "npm:^1.0.0"}), locked, files={"package.json": manifest})
    known = read_manifest("package.json", json.dumps(manifest).encode())
    problems = disagreements(read, {"": known}, lambda _: None)
    assert [each.package for each in problems if each.package] == found
