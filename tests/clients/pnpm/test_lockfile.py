"""What pnpm-lock.yaml says as a whole: names, patches, folders, dependents, and what changed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from npm_vetted.clients.pnpm.lockfile import PnpmLockfile
from npm_vetted.model import Group, Level, Manifest, Requirement
from npm_vetted.packages.manifest import read_manifest
from tests.clients.pnpm.test_entries import PACKED, THREE, TOOLS, packed, v5, v9
from tests.support.npm_projects import sri

FOLDER = "resolution: {directory: x/y, type: directory}"


def read(text: str, files: Mapping[str, bytes] | None = None) -> PnpmLockfile:
    return PnpmLockfile("pnpm-lock.yaml", text.encode(), (files or {}).get)


def squeezed(text: str) -> str:
    """The same without empty lines: it is then decoded as a whole."""
    return text.replace("\n\n", "\n")


OLD = v5(
    {
        "/a/1.0.0": packed(),
        "/@s/b/2.0.0_a@1.0.0": packed(),
        "h.example/c/1.0.0": packed(name="c", version="1.0.0"),
    }
)
NEW = v9({
    "a@1.0.0": packed(), "@s/b@2.0.0": packed(),
    "c@https://h.example/c.tgz": "resolution: {tarball: https://h.example/c.tgz}",
    "d@file:x/y": FOLDER,
})  # fmt: skip


@pytest.mark.parametrize("text", [OLD, NEW])
def test_the_names_of_the_packages(text: str) -> None:
    found = read(text)
    assert found.package_names() == {"a", "@s/b", "c"}
    assert [each.name for each in found.named({"@s/b", "x"})] == ["@s/b"]
    assert [each.name for each in found.named({"c"})] == ["c"]
    assert list(found.named({"d"})) == []


def asked(name: str, target: str | None = None) -> Requirement:
    return Requirement(name, "1.0.0", Group.PRODUCTION, target)


LINKED = v9(
    THREE, {"a@1.0.0": "dependencies:\n  x: b@1.0.0", "b@1.0.0": "{}", "c@1.0.0": "{}"},
    importers={".": "dependencies:\n  y:\n    specifier: npm:c@1\n    version: c@1.0.0"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("origin", "requirement", "found"),
    [
        (None, asked("a", "a@1.0.0"), "a@1.0.0"),
        (None, asked("a", "a@2.0.0"), None),
        (None, asked("y"), "c@1.0.0"),
        (None, asked("x"), None),
        ("a@1.0.0", asked("x"), "b@1.0.0"),
        ("a@1.0.0", asked("y"), None),
    ],
)
def test_where_a_requirement_leads(
    origin: str | None, requirement: Requirement, found: str | None
) -> None:
    assert read(LINKED).resolve(origin, requirement) == found
    assert read(LINKED).resolve(None, asked("y"), "w") is None


# Patches.

PATCHES = """patchedDependencies:
  a@1.0.0:
    hash: x
    path: p.patch
  b:
    hash: y
    path: p.patch

"""


def test_the_files_of_patches_with_what_they_change() -> None:
    assert read(v9(THREE, top=PATCHES)).patch_files() == {"p.patch": ("a@1.0.0", "b@1.0.0")}
    outside = PATCHES.replace("p.patch", "../p.patch")
    assert read(v9(THREE, top=outside)).patch_files() == {}
    assert read(v9(THREE)).patch_files() == {}


def test_the_block_of_a_patched_entry_has_the_patch() -> None:
    one, other = (read(v9(THREE, top=PATCHES), {"p.patch": text}) for text in (b"1", b"2"))
    assert one.block("a@1.0.0") != other.block("a@1.0.0")
    assert one.block("c@1.0.0") == other.block("c@1.0.0")
    assert one.blocks["c@1.0.0"] == one.block("c@1.0.0")


# Hashes.

TAR = "settings:\n  integrityTarget: tar\n\n"


def test_other_hashes_for_all_packages_are_a_warning() -> None:
    plain, tar = read(v9(THREE)), read(v9(THREE, top=TAR))
    found, back = tar.rehashed(plain), plain.rehashed(tar)
    assert found is not None
    assert back is not None
    assert (found.code, found.key, found.value) == (
        "all-checksums-changed", "integrityTarget", "tarball tar",
    )  # fmt: skip
    assert (found.level, found.location.path) == (Level.WARNING, "pnpm-lock.yaml")
    assert back.value == "tar tarball"
    assert (plain.rehashed(plain), tar.rehashed(tar)) == (None, None)


def test_the_hash_as_the_lockfile_has_it() -> None:
    for found in (read(v9(THREE)), read(v9(THREE, top=TAR))):
        assert found.hash_text(found.entry("a@1.0.0")) == sri("a")
    folder = read(v9({"d@file:x/y": FOLDER}))
    assert folder.hash_text(folder.entry("d@file:x/y")) is None


# Folders.


@pytest.mark.parametrize(
    ("folder", "keys"), [("x/y", ["d@file:x/y"]), ("x", []), ("x/y/", []), ("", [])]
)
def test_the_entries_of_a_folder(folder: str, keys: list[str]) -> None:
    assert list(read(NEW).folder_keys(folder)) == keys


SNAPSHOT = {
    "a@1.0.0": "dependencies:\n  b: 1.0.0\n  l: link:../l",
    "b@1.0.0": "{}",
    "c@1.0.0": "{}",
}


@pytest.mark.parametrize(
    ("name", "specifier", "group", "top", "recorded"),
    [
        ("b", "^1.0.0", Group.PRODUCTION, "", True),
        ("b", "^2.0.0", Group.PRODUCTION, "", False),
        ("b", "npm:b@^1.0.0", Group.PRODUCTION, "", True),
        ("b", "npm:c@^1.0.0", Group.PRODUCTION, "", False),
        ("b", "git+ssh://h/r", Group.PRODUCTION, "", True),  # what is locked is not of a range
        ("l", "^1.0.0", Group.PRODUCTION, "", False),
        ("x", "^1.0.0", Group.PRODUCTION, "", False),
        ("x", "^1.0.0", Group.PRODUCTION, "overrides:\n  x: '-'\n\n", True),
        ("x", "^1.0.0", Group.PRODUCTION, "overrides:\n  y>x: '-'\n\n", True),
        ("x", "^1.0.0", Group.PRODUCTION, "overrides:\n  y: '-'\n\n", False),
        ("x", "^1.0.0", Group.PEER, "", True),
        ("x", "^1.0.0", Group.PEER, "settings:\n  autoInstallPeers: true\n\n", False),
        ("x", "^1.0.0", Group.PEER, "settings:\n  autoInstallPeers: false\n\n", True),
    ],
)
def test_what_a_folder_s_entry_records_of_its_manifest(
    name: str, specifier: str, group: Group, top: str, recorded: bool
) -> None:
    found = read(v9(THREE, SNAPSHOT, top=top))
    assert found.records("a@1.0.0", Requirement(name, specifier, group)) is recorded


# Dependents.


@pytest.mark.parametrize("text", [LINKED, squeezed(LINKED)])
def test_the_dependents_of_an_entry(text: str) -> None:
    found = read(text)
    assert found.dependents(["b@1.0.0", "c@1.0.0"]) == {"b@1.0.0": ("a@1.0.0",), "c@1.0.0": ()}


def test_all_dependents_at_once_are_those_one_by_one() -> None:
    packages = {f"p{number}@1.0.0": packed() for number in range(20)}
    snapshots = dict.fromkeys(packages, "{}") | {
        "p0@1.0.0": "dependencies:\n  p1: 1.0.0\n  p2: 1.0.0", "p1@1.0.0": "dependencies:\n  p2: 1.0.0",
    }  # fmt: skip
    found = read(v9(packages, snapshots))
    every = found.dependents(list(packages))
    assert every["p2@1.0.0"] == ("p0@1.0.0", "p1@1.0.0")
    assert {key: found.dependents([key])[key] for key in packages} == every


def test_before_pnpm_9_a_dependent_has_its_peers_in_its_key() -> None:
    text = v5(
        {"/a@1.0.0(b@1.0.0)": f"{packed()}\ndependencies:\n  b: 1.0.0", "/b@1.0.0": packed()},
        version="'6.0'",
    )
    assert read(text).dependents(["/b@1.0.0"]) == {"/b@1.0.0": ("/a@1.0.0(b@1.0.0)",)}


# What changed.

REQUIRES = {"a@1.0.0": "dependencies:\n  b: 1.0.0", "b@1.0.0": "{}", "c@1.0.0": "{}"}
PEERED = {"a@1.0.0(b@1.0.0)": "dependencies:\n  b: 1.0.0", "b@1.0.0": "{}", "c@1.0.0": "{}"}
PLAIN = dict.fromkeys(THREE, "{}")


@pytest.mark.parametrize("reshape", [lambda text: text, squeezed])
@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        pytest.param(v9(THREE), v9(THREE), [], id="nothing"),
        pytest.param(v9({"a@1.0.0": packed()}), v9(THREE), ["b@1.0.0", "c@1.0.0"], id="added"),
        pytest.param(v9(THREE), v9({"a@1.0.0": packed()}), [], id="removed"),
        pytest.param(
            v9(THREE), v9({**THREE, "b@1.0.0": f"resolution: {{integrity: {sri('x')}}}"}),
            ["b@1.0.0"], id="other bytes",
        ),
        pytest.param(v9(THREE, PLAIN), v9(THREE, REQUIRES), ["a@1.0.0"], id="another requirement"),
        pytest.param(v9(THREE, REQUIRES), v9(THREE, PLAIN), ["a@1.0.0"], id="one requirement less"),
        pytest.param(
            v9(THREE), v9({**THREE, "c@1.0.0": f"{packed()}\nbundledDependencies: [x]"}),
            ["c@1.0.0"], id="carries another",
        ),
        pytest.param(
            v9(dict.fromkeys(THREE, f"resolution: {PACKED}"), version="'7.0'"), v9(THREE), [],
            id="another version of the format",
        ),
        pytest.param(
            v5({"/a/1.0.0": packed()}), v9({"a@1.0.0": packed()}), ["a@1.0.0"], id="other keys"
        ),
    ],
)  # fmt: skip
def test_what_changed(before: str, after: str, changed: list[str], reshape: object) -> None:
    assert callable(reshape)
    one, two = read(before), read(reshape(after))
    found = two.changed([one])
    assert set(changed) <= set(found)
    if one.generation == two.generation:
        assert found == changed
    assert two.changed([one, two]) == []
    assert two.changed([]) == list(two.keys())


@pytest.mark.parametrize(
    ("before", "after"),
    [(REQUIRES, PEERED), (PEERED, REQUIRES), ({**PEERED, **REQUIRES}, REQUIRES)],
)
def test_other_peers_are_another_entry(before: dict[str, str], after: dict[str, str]) -> None:
    assert read(v9(THREE, after)).changed([read(v9(THREE, before))]) == ["a@1.0.0"]


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({"p.patch": b"1"}, {"p.patch": b"1"}, []),
        ({"p.patch": b"1"}, {"p.patch": b"2"}, ["a@1.0.0", "b@1.0.0"]),
        ({}, {"p.patch": b"2"}, ["a@1.0.0", "b@1.0.0"]),
    ],
)
def test_another_patch_is_another_entry(
    before: Mapping[str, bytes], after: Mapping[str, bytes], changed: list[str]
) -> None:
    text = v9(THREE, top=PATCHES)
    assert read(text, after).changed([read(text, before)]) == changed
    assert read(squeezed(text), after).changed([read(text, before)]) == changed
    assert read(v9(THREE)).changed([read(text, before)]) == ["a@1.0.0", "b@1.0.0"]


def test_what_the_environment_gains() -> None:
    def documents(cfg: str) -> PnpmLockfile:
        first = v9({"cfg@2.0.0": f"resolution: {{integrity: {cfg}}}"}, importers={".": TOOLS})
        return read(f"---\n{first}\n---\n{v9(THREE)}")

    one, other = documents(sri("1")), documents(sri("2"))
    assert other.changed([one]) == ["environment: cfg@2.0.0"]
    assert one.changed([read(v9(THREE))]) == ["environment: cfg@2.0.0"]
    assert read(v9(THREE)).changed([one]) == []


# The two halves.


def manifest_of(dependencies: str) -> dict[str, Manifest]:
    return {"": read_manifest("package.json", f'{{"dependencies": {dependencies}}}'.encode())}


WHOLE = """lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      a:
        specifier: ^1.0.0
        version: 1.0.0(c@1.0.0)
      c:
        specifier: ^1.0.0
        version: 1.0.0

packages:

  a@1.0.0:
    resolution: {integrity: sha512-AA==}
    peerDependencies:
      c: '*'

  b@1.0.0:
    resolution: {integrity: sha512-AA==}

  c@1.0.0:
    resolution: {integrity: sha512-AA==}

snapshots:

  a@1.0.0(c@1.0.0):
    dependencies:
      c: 1.0.0
    optionalDependencies:
      b: 1.0.0

  b@1.0.0: {}

  c@1.0.0: {}
"""
BROKEN = {
    "a package without a snapshot": ("\n\n  c@1.0.0: {}", "", ["a@1.0.0", "c@1.0.0"], ["c@^1.0.0"]),
    "an optional one without a snapshot": ("\n\n  b@1.0.0: {}", "", ["a@1.0.0", "b@1.0.0"], []),
    "peers that no snapshot has": ("a@1.0.0(c@1.0.0):", "a@1.0.0:", [], ["a@^1.0.0"]),
    "a manifest's without peers": ("version: 1.0.0(c@1.0.0)", "version: 1.0.0", [], ["a@^1.0.0"]),
    "an entry's with peers": ("      c: 1.0.0\n", "      c: 1.0.0(b@1.0.0)\n", ["a@1.0.0"], []),
    "an optional one that is missing": ("b: 1.0.0\n", "b: 2.0.0\n", ["a@1.0.0"], []),
}  # fmt: skip
"""pnpm 9 to 12 call each of these broken in a frozen install."""


@pytest.mark.parametrize("commit", [False, True])
@pytest.mark.parametrize(("old", "new", "entries", "manifest"), BROKEN.values(), ids=BROKEN)
def test_packages_and_snapshots_that_are_not_of_one_piece(
    old: str, new: str, entries: list[str], manifest: list[str], commit: bool
) -> None:
    assert old in WHOLE
    before, after = read(WHOLE), read(WHOLE.replace(old, new, 1))
    assert list(before.contradictions(before.keys(), [])) == []
    changed = after.changed([before]) if commit else list(after.keys())
    found = list(after.contradictions(changed, [before] if commit else []))
    assert {each.key for each in found} == set(entries)
    assert {each.code for each in found} <= {"halves-differ"}
    asked = manifest_of('{"a": "^1.0.0", "c": "^1.0.0"}')
    assert list(before.disagreements(asked)) == []
    assert [each.key for each in after.disagreements(asked)] == manifest


def test_the_settings_patches_are_compared_with_the_lockfile_s() -> None:
    manifest = manifest_of("{}")
    found = read(v9({}, top=PATCHES), {"p.patch": b"x"})
    assert list(found.disagreements(manifest)) == []
    gone = read(v9({}, top=PATCHES))
    assert {each.code for each in gone.disagreements(manifest)} == {"patch-differs"}


def test_an_entry_has_changed_if_it_differs_from_every_earlier_version() -> None:
    one = read(v9({"a@1.0.0": packed()}))
    other = read(v9({"b@1.0.0": packed()}))
    now = read(v9(THREE))
    assert now.changed([one, other]) == ["c@1.0.0"]
    assert now.changed([other, one]) == ["c@1.0.0"]
