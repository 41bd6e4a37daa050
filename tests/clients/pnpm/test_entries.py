"""The entries of pnpm-lock.yaml in each version of the format: artifacts, requirements, importers."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from npm_vetted.clients.pnpm.entries import PnpmEntries
from npm_vetted.clients.pnpm.lockfile import PnpmLockfile
from npm_vetted.errors import DocumentError
from npm_vetted.model import Artifact, Group, Kind, Requirement
from npm_vetted.packages.integrity import tar_checksum
from npm_vetted.packages.manifest import read_manifest
from tests.support.npm_projects import sri

A, B = sri("a"), sri("b")
PACKED = f"{{integrity: {A}}}"


def entries(text: str, files: Mapping[str, bytes] | None = None) -> PnpmEntries:
    return PnpmEntries("pnpm-lock.yaml", text.encode(), (files or {}).get)


def block(text: str, indent: int) -> str:
    return "".join(f"{' ' * indent}{line}\n" for line in text.splitlines())


def v9(
    packages: Mapping[str, str],
    snapshots: Mapping[str, str] | None = None,
    *,
    importers: Mapping[str, str] | None = None,
    top: str = "",
    version: str = "'9.0'",
) -> str:
    """A lockfile of pnpm 9 to 12: keys, each with its lines; each package has a snapshot."""
    sections = {
        "importers": importers or {".": "{}"},
        "packages": packages,
        "snapshots": dict.fromkeys(packages, "{}") if snapshots is None else snapshots,
    }
    text = f"lockfileVersion: {version}\n\n{top}"
    for name, rows in sections.items():
        text += f"{name}:\n" if rows else ""
        for key, lines in rows.items():
            at = f"  {json.dumps(key)}:"
            text += f"\n{at} {{}}\n" if lines == "{}" else f"\n{at}\n{block(lines, 4)}"
        text += "\n" if rows else ""
    return text


def packed(**more: str) -> str:
    """The lines of a package of the registry."""
    return "\n".join([f"resolution: {PACKED}", *(f"{key}: {value}" for key, value in more.items())])


def v5(packages: Mapping[str, str], top: str = "", version: str = "5.4") -> str:
    """A lockfile of pnpm 3 to 8 of one project."""
    text = f"lockfileVersion: {version}\n\n{top}packages:\n"
    return text + "".join(f"\n  {key}:\n{block(lines, 4)}" for key, lines in packages.items())


def of(name: str = "a", version: str | None = "1.0.0", **more: Any) -> Artifact:
    return Artifact(name=name, version=version, kind=more.pop("kind", Kind.REGISTRY), **more)


# Artifacts.

GIT = "git+ssh://git@h.example/r.git"
URL = "https://h.example/a.tgz"
HUB = "https://codeload.github.com/o/r/tar.gz/abc"
LAB = "https://gitlab.com/api/v4/projects/o%2Fr/repository/archive.tar.gz?ref=abc"
LAB_REGISTRY = "https://gitlab.com/api/v4/projects/1/packages/npm/a/-/a-1.0.0.tgz"
BUCKET = "https://bitbucket.org/o/r/get/abc.tar.gz"


@pytest.mark.parametrize(
    ("key", "resolution", "artifact"),
    [
        ("a@1.0.0", PACKED, of(integrity=A)),
        ("@s/a@1.0.0", PACKED, of("@s/a", integrity=A)),
        ("a@1.0.0", "{registry: 'https://h.example/'}", of(resolved="https://h.example/")),
        ("a@1.0.0", f"{{integrity: {A}, tarball: {URL}}}", of(integrity=A, resolved=URL)),
        (f"a@{URL}", f"{{tarball: {URL}}}", of(kind=Kind.TARBALL, resolved=URL)),
        (f"a@{HUB}", f"{{tarball: {HUB}}}", of(kind=Kind.GIT, resolved=HUB)),
        (f"a@{LAB}", f"{{tarball: '{LAB}'}}", of(kind=Kind.GIT, resolved=LAB)),
        (f"a@{BUCKET}", f"{{tarball: {BUCKET}}}", of(kind=Kind.GIT, resolved=BUCKET)),
        (f"a@{LAB_REGISTRY}", f"{{tarball: {LAB_REGISTRY}}}", of(kind=Kind.TARBALL, resolved=LAB_REGISTRY)),
        (f"a@{URL}", f"{{gitHosted: true, tarball: {URL}}}", of(kind=Kind.GIT, resolved=URL)),
        (f"a@{URL}", f"{{gitHosted: false, tarball: {URL}}}", of(kind=Kind.TARBALL, resolved=URL)),
        (
            "a@file:a.tgz", f"{{integrity: {A}, tarball: file:a.tgz}}",
            of(kind=Kind.FILE, integrity=A, resolved="file:a.tgz"),
        ),
        (
            f"a@{GIT}#abc", f"{{commit: abc, repo: {GIT}, type: git}}",
            of(kind=Kind.GIT, resolved=f"{GIT}#abc"),
        ),
        (
            f"a@{GIT}#abc", f"{{commit: abc, repo: {GIT}, path: /sub, integrity: {A}, type: git}}",
            of(kind=Kind.GIT, resolved=f"{GIT}#abc&path:/sub", integrity=A),
        ),
        ("a@file:a", "{directory: a, type: directory}", None),
    ],
)  # fmt: skip
def test_what_an_entry_pins(key: str, resolution: str, artifact: Artifact | None) -> None:
    found = entries(v9({key: f"resolution: {resolution}\nversion: 1.0.0"}))
    assert found.artifact(key) == artifact
    assert found.entry(key).artifact == artifact


def test_a_runtime_is_bound_by_all_that_the_lockfile_says_of_its_binaries() -> None:
    def binary(resolution: str) -> Artifact | None:
        key = "node@runtime:24.1.0"
        return entries(v9({key: f"resolution: {resolution}"})).artifact(key)

    one = binary(f"{{type: binary, url: {URL}, integrity: {A}, bin: x}}")
    text = json.dumps({"bin": "x", "integrity": A, "type": "binary", "url": URL}, sort_keys=True)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert one == of(
        "node", "24.1.0", kind=Kind.OTHER, resolved=URL, integrity=A,
        checksum=f"binary/sha256-{digest}",
    )  # fmt: skip
    assert binary(f"{{bin: x, integrity: {A}, url: {URL}, type: binary}}") == one
    several = binary("{type: variations, variants: [{a: 1}]}")
    other = binary("{type: variations, variants: [{a: 2}]}")
    assert several is not None
    assert other is not None
    assert (several.kind, several.resolved, several.integrity) == (Kind.OTHER, None, None)
    assert (several.checksum or "").startswith("variations/sha256-")
    assert several.checksum != other.checksum


def test_a_runtime_may_have_its_version_in_a_field() -> None:
    key = "node@runtime:24.1.0"
    fields = f"resolution: {{type: binary, url: {URL}}}\nversion: 24.1.9"
    found = entries(v9({key: fields})).artifact(key)
    assert found is not None
    assert found.label == "node@24.1.9"


@pytest.mark.parametrize(
    ("key", "more", "kind", "version"),
    [
        ("h.example/a/1.0.0", {"name": "a", "version": "1.0.0"}, Kind.REGISTRY, "1.0.0"),
        ("h.example:80/x/a/1.0.0", {"name": "a", "version": "1.0.0"}, Kind.REGISTRY, "1.0.0"),
        ("h.example/b/1.0.0", {"name": "a", "version": "1.0.0"}, Kind.TARBALL, "1.0.0"),
        ("h.example/a/2.0.0", {"name": "a", "version": "1.0.0"}, Kind.TARBALL, "1.0.0"),
        ("h.example/a/1.0.0", {"name": "a"}, Kind.TARBALL, None),
    ],
)
def test_a_key_with_a_host_is_of_a_registry_where_it_ends_with_the_name_and_version(
    key: str, more: dict[str, str], kind: Kind, version: str | None
) -> None:
    lines = f"resolution: {{integrity: {A}, tarball: {URL}}}\n" + "\n".join(
        f"{field}: {value}" for field, value in more.items()
    )
    found = entries(v5({key: lines}))
    assert found.artifact(key) == of("a", version, kind=kind, integrity=A, resolved=URL)


@pytest.mark.parametrize(
    ("text", "key", "scripts"),
    [
        (v5({"/a/1.0.0": packed(requiresBuild="true")}), "/a/1.0.0", True),
        (v5({"/a/1.0.0": packed()}), "/a/1.0.0", None),
        (v5({"/a@1.0.0": packed(requiresBuild="true")}, version="'6.0'"), "/a@1.0.0", True),
        (v9({"a@1.0.0": packed(requiresBuild="true")}, version="'7.0'"), "a@1.0.0", None),
        (v9({"a@1.0.0": packed(requiresBuild="true")}), "a@1.0.0", None),
    ],
)
def test_scripts_are_told_before_pnpm_9(text: str, key: str, scripts: bool | None) -> None:
    found = entries(text).artifact(key)
    assert found is not None
    assert (found.label, found.scripts) == ("a@1.0.0", scripts)


TAR = "settings:\n  integrityTarget: {}\n\n"


def test_a_hash_of_the_tar_is_a_checksum() -> None:
    found = entries(v9({"a@1.0.0": packed()}, top=TAR.format("tar")))
    assert found.hashes_tar
    assert found.artifact("a@1.0.0") == of(checksum=tar_checksum(A))
    plain = entries(v9({"a@1.0.0": packed()}, top="settings:\n  autoInstallPeers: true\n\n"))
    assert not plain.hashes_tar
    assert not entries(v9({"a@1.0.0": packed()})).hashes_tar


# What is refused.


@pytest.mark.parametrize(
    ("key", "lines", "words"),
    [
        ("a@1.0.0", "- x", "expected a table"),
        ("a@1.0.0", "resolution: x", "resolution: expected a table"),
        ("a@1.0.0", f"resolution: {PACKED}\nname: [x]", "name: expected a string"),
        ("a@1.0.0", f"resolution: {PACKED}\nname: b", "its name says 'b', its key 'a'"),
        ("a@1.0.0", f"resolution: {PACKED}\nversion: 2.0.0", "its version says '2.0.0'"),
        ("a@1.0.0", "resolution: {integrity: [x]}", "resolution.integrity: expected a string"),
        ("a@1.0.0", "resolution: {directory: a, type: directory}", "resolution.type: no version"),
        ("a@1.0.0", "resolution: {type: binary}", "is a binary"),
        ("a@1.0.0", "resolution: {type: other}", "pnpm has none called"),
        (f"a@{URL}", "resolution: {integrity: x}", "resolution.tarball: expected a string"),
        (f"a@{GIT}#b", f"resolution: {{type: git, repo: {GIT}}}", "resolution.commit: expected"),
        (f"a@{GIT}#b", "resolution: {type: git, commit: b}", "resolution.repo: expected"),
        ("a@1.0.0", f"resolution: {PACKED}\nbundledDependencies: x", "bundledDependencies: expected"),
        ("a@1.0.0", f"resolution: {PACKED}\nbundledDependencies: [1]", "bundledDependencies: expected"),
    ],
)  # fmt: skip
def test_a_malformed_entry_is_refused_at_its_line(key: str, lines: str, words: str) -> None:
    found = entries(v9({key: lines}))
    with pytest.raises(DocumentError) as raised:
        found.entry(key)
    assert words in raised.value.message
    assert (raised.value.path, raised.value.line) == ("pnpm-lock.yaml", 9)
    assert "pnpm install --lockfile-only" in (raised.value.fix or "")


def test_an_entry_without_a_name_is_refused() -> None:
    key = "h.example/a/1.0.0"
    with pytest.raises(DocumentError, match="the key 'name' is missing") as raised:
        entries(v5({key: packed()})).artifact(key)
    assert raised.value.line == 5


@pytest.mark.parametrize(
    ("target", "integrity", "words", "line"),
    [("zip", A, "expected tar, found", 3), ("tar", sri("a", "sha1"), "expected one sha512", 12)],
)
def test_another_target_or_a_weak_hash_of_a_tar_is_refused(
    target: str, integrity: str, words: str, line: int
) -> None:
    packages = {"a@1.0.0": f"resolution: {{integrity: {integrity}}}"}
    with pytest.raises(DocumentError, match=words) as raised:
        entries(v9(packages, top=TAR.format(target))).artifact("a@1.0.0")
    assert raised.value.line == line


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        ("- x", "expected a table"),
        ("dependencies: x", "dependencies: expected a table"),
        ("dependencies:\n  b: [x]", "dependencies.b: expected a string"),
        ("optionalDependencies:\n  b: [x]", "optionalDependencies.b: expected a string"),
    ],
)
def test_a_malformed_snapshot_is_refused_at_its_line(snapshot: str, words: str) -> None:
    found = entries(v9({"a@1.0.0": packed()}, {"a@1.0.0": snapshot}))
    for read in (found.entry, lambda key: list(found.children(key))):
        with pytest.raises(DocumentError) as raised:
            read("a@1.0.0")
        assert words in raised.value.message
        assert raised.value.line == 14


@pytest.mark.parametrize(
    ("importer", "words"),
    [
        ("- x", "expected a table"),
        ("specifiers: x", "specifiers: expected a table"),
        ("dependencies: x", "dependencies: expected a table"),
        ("dependencies:\n  a: {specifier: 1, version: 1.0.0}", "dependencies.a: expected a specifier"),
        ("dependencies:\n  a: {specifier: '1'}", "dependencies.a: expected a specifier"),
        ("dependencies:\n  a: 1.0.0", "dependencies.a: expected a specifier"),
    ],
)  # fmt: skip
def test_a_malformed_importer_is_refused_at_its_line(importer: str, words: str) -> None:
    found = entries(v9({"a@1.0.0": packed()}, importers={".": importer}))
    with pytest.raises(DocumentError) as raised:
        _ = found.importers
    assert words in raised.value.message
    assert raised.value.line == 5


# What entries ask for.


def asked(group: Group, name: str, reference: str, target: str | None, line: int) -> Requirement:
    return Requirement(name=name, specifier=reference, group=group, target=target, line=line)


PRODUCTION, OPTIONAL = Group.PRODUCTION, Group.OPTIONAL
THREE = {f"{name}@1.0.0": packed() for name in "abc"}
NESTED = "dependencies:\n  b: 1.0.0\n  l: link:../l\noptionalDependencies:\n  c: 1.0.0"


def test_the_requirements_are_those_of_the_snapshots() -> None:
    found = entries(v9(THREE, {"a@1.0.0": NESTED, "b@1.0.0": "{}", "c@1.0.0": "{}"}))
    assert found.entry("a@1.0.0").requires == (
        asked(PRODUCTION, "b", "1.0.0", "b@1.0.0", 20),
        asked(PRODUCTION, "l", "link:../l", None, 20),
        asked(OPTIONAL, "c", "1.0.0", "c@1.0.0", 20),
    )
    assert list(found.children("a@1.0.0")) == ["b@1.0.0", "c@1.0.0"]
    assert list(found.children("b@1.0.0")) == []


def test_the_variants_of_a_package_are_one_entry() -> None:
    snapshots = {
        "a@1.0.0(b@1.0.0)": "dependencies:\n  b: 1.0.0",
        "a@1.0.0(c@1.0.0)": "dependencies:\n  b: 1.0.0\n  c: 1.0.0(b@1.0.0)",
        "b@1.0.0": "{}",
        "c@1.0.0(b@1.0.0)": "{}",
    }
    found = entries(v9(THREE, snapshots))
    assert [(each.name, each.target) for each in found.entry("a@1.0.0").requires] == [
        ("b", "b@1.0.0"), ("c", "c@1.0.0"),
    ]  # fmt: skip
    assert set(found.children("a@1.0.0")) == {"b@1.0.0", "c@1.0.0"}
    assert list(found.dangling("a@1.0.0")) == []


@pytest.mark.parametrize(
    ("version", "key", "other", "reference"),
    [
        ("5.4", "/{}/1.0.0", "/c/1.0.0_b@1.0.0", "1.0.0_b@1.0.0"),
        ("'6.0'", "/{}@1.0.0", "/c@1.0.0(b@1.0.0)", "1.0.0(b@1.0.0)"),
    ],
)
def test_before_pnpm_9_the_entry_itself_asks(
    version: str, key: str, other: str, reference: str
) -> None:
    one, two = key.format("a"), key.format("b")
    lines = f"dependencies:\n  b: 1.0.0\noptionalDependencies:\n  c: {reference}"
    found = entries(
        v5({one: f"{packed()}\n{lines}", two: packed(), other: packed()}, version=version)
    )
    assert found.entry(one).requires == (
        asked(PRODUCTION, "b", "1.0.0", two, 5),
        asked(OPTIONAL, "c", reference, other, 5),
    )
    assert list(found.children(one)) == [two, other]
    assert list(found.dangling(one)) == []
    assert found.has_snapshot(one)


@pytest.mark.parametrize(
    ("group", "reference", "found"),
    [
        ("dependencies", "1.0.0", []),
        ("dependencies", "link:../b", []),
        ("dependencies", "1.0.0(c@1.0.0)", [("b", "1.0.0(c@1.0.0)")]),
        ("dependencies", "2.0.0", []),  # a required one that is missing is another finding
        ("optionalDependencies", "2.0.0", [("b", "2.0.0")]),
    ],
)
def test_a_reference_that_leads_to_no_snapshot(
    group: str, reference: str, found: list[tuple[str, str]]
) -> None:
    snapshots = {"a@1.0.0": f"{group}:\n  b: {reference}", "b@1.0.0": "{}", "c@1.0.0": "{}"}
    assert list(entries(v9(THREE, snapshots)).dangling("a@1.0.0")) == found


@pytest.mark.parametrize(
    ("name", "reference", "leads"),
    [
        ("a", "1.0.0", True),
        ("a", "2.0.0", False),
        ("x", "a@1.0.0", True),
        ("b", "1.0.0", False),
        ("b", "1.0.0(a@1.0.0)", True),
        ("x", "link:anywhere", True),
    ],
)
def test_where_a_reference_of_a_manifest_leads(name: str, reference: str, leads: bool) -> None:
    packages = {key: packed() for key in ("a@1.0.0", "b@1.0.0")}
    found = entries(v9(packages, {"a@1.0.0": "{}", "b@1.0.0(a@1.0.0)": "{}"}))
    assert found.leads(name, reference) is leads


def test_which_entries_have_a_snapshot() -> None:
    found = entries(v9(THREE, {"a@1.0.0": "{}", "b@1.0.0(a@1.0.0)": "{}"}))
    assert [found.has_snapshot(key) for key in THREE] == [True, True, False]


@pytest.mark.parametrize(
    ("field", "bundles"),
    [
        ("bundledDependencies: [b, c]", {"b", "c"}),
        ("bundleDependencies: [b]", {"b"}),
        ("bundledDependencies: true", set()),
        ("bundledDependencies: false", set()),
        ("deprecated: x", set()),
    ],
)
def test_what_a_tarball_carries(field: str, bundles: set[str]) -> None:
    found = entries(v9({"a@1.0.0": f"{packed()}\n{field}"}))
    assert found.entry("a@1.0.0").bundles == bundles


@pytest.mark.parametrize(
    ("resolution", "folder"),
    [
        ("{directory: x/y, type: directory}", "x/y"),
        (PACKED, None),
        ("x", None),
        ("{directory: 1}", None),
    ],
)
def test_the_folder_that_an_entry_is_installed_from(resolution: str, folder: str | None) -> None:
    key = "a@file:x/y"
    assert entries(v9({key: f"resolution: {resolution}"})).folder_of(key) == folder


def test_the_name_and_version_of_an_entry() -> None:
    found = entries(v9({
        "a@1.0.0": packed(),
        f"b@{URL}": f"resolution: {{tarball: {URL}}}\nversion: 3.0.0",
        "c@file:c": "resolution: {directory: c, type: directory}",
    }))  # fmt: skip
    assert [found.identity(key) for key in found.keys()] == [  # noqa: SIM118 (no mapping)
        ("a", "1.0.0"), ("b", "3.0.0"), None,
    ]  # fmt: skip
    assert [found.line_of(key) for key in found.keys()] == [9, 12, 16]  # noqa: SIM118
    assert (found.has("a@1.0.0"), found.has("a@2.0.0")) == (True, False)


# Importers.

MEMBER = "devDependencies:\n  b:\n    specifier: ^1.0.0\n    version: 1.0.0"
ROOT = """dependencies:
  a:
    specifier: ^1.0.0
    version: 1.0.0
  l:
    specifier: '*'
    version: link:l"""


def test_what_each_manifest_asks_for() -> None:
    found = entries(v9(THREE, importers={".": ROOT, "w": MEMBER}))
    assert found.importers == {
        "": (
            Requirement("a", "^1.0.0", PRODUCTION, "a@1.0.0", line=5),
            Requirement("l", "*", PRODUCTION, None, line=5),
        ),
        "w": (Requirement("b", "^1.0.0", Group.DEVELOPMENT, "b@1.0.0", line=14),),
    }
    assert found.importer("w")["devDependencies"] == {
        "b": {"specifier": "^1.0.0", "version": "1.0.0"}
    }
    assert found.importer("x") == {}


SPECIFIERS = "specifiers:\n  a: ^1.0.0\n  b: ^1.0.0\n\n"


def test_a_single_project_before_pnpm_9_is_its_own_importer() -> None:
    top = f"{SPECIFIERS}dependencies:\n  a: 1.0.0\n\noptionalDependencies:\n  b: 1.0.0\n\n"
    found = entries(v5({"/a/1.0.0": packed(), "/b/1.0.0": packed()}, top))
    (requirements,) = found.importers.values()
    assert list(found.importers) == [""]
    assert [(each.name, each.specifier, each.group, each.target) for each in requirements] == [
        ("a", "^1.0.0", PRODUCTION, "/a/1.0.0"),
        ("b", "^1.0.0", OPTIONAL, "/b/1.0.0"),
    ]
    assert {each.line for each in requirements} == {7}
    assert found.importer("")["specifiers"] == {"a": "^1.0.0", "b": "^1.0.0"}


def test_a_single_project_before_pnpm_9_keeps_what_its_manifest_says_of_dependencies() -> None:
    top = f"{SPECIFIERS}dependenciesMeta:\n  a:\n    injected: true\n\n"
    found = entries(v5({"/a/1.0.0": packed()}, top)).importer("")
    assert found["dependenciesMeta"] == {"a": {"injected": True}}


def test_a_lockfile_without_requirements_has_an_importer_that_asks_for_nothing() -> None:
    assert entries("lockfileVersion: 5.4\n").importers == {"": ()}
    assert entries("lockfileVersion: 5.4\n\nimporters: {}\n").importers == {}


# The environment's document, which pnpm 11 and 12 write first.

TOOLS = "configDependencies:\n  cfg:\n    specifier: 2.0.0\n    version: 2.0.0"
PINNED = "\npackageManagerDependencies:\n  pnpm:\n    specifier: 12.0.0\n    version: 12.0.0"


def two_documents() -> PnpmEntries:
    first = v9({"cfg@2.0.0": packed(), "pnpm@12.0.0": packed()}, importers={".": TOOLS + PINNED})
    return entries(f"---\n{first}\n---\n{v9(THREE, importers={'.': ROOT})}")


def test_the_environment_has_entries_of_its_own() -> None:
    found = two_documents()
    key = "environment: cfg@2.0.0"
    assert list(found.keys()) == [key, "environment: pnpm@12.0.0", *THREE]
    assert found.artifact(key) == of("cfg", "2.0.0", integrity=A, environment=True)
    artifact = found.artifact("a@1.0.0")
    assert artifact is not None
    assert not artifact.environment
    assert (found.has(key), found.has("cfg@2.0.0")) == (True, False)
    assert found.line_of(key) < found.line_of("a@1.0.0")


def test_what_the_environment_asks_for_is_asked_for_at_the_root() -> None:
    found = two_documents()
    assert [(each.name, each.group, each.target) for each in found.importers[""]] == [
        ("a", PRODUCTION, "a@1.0.0"),
        ("l", PRODUCTION, None),
        ("cfg", PRODUCTION, "environment: cfg@2.0.0"),
        ("pnpm", PRODUCTION, "environment: pnpm@12.0.0"),
    ]
    assert [each.name for each in found.project_importers[""]] == ["a", "l"]


def test_an_entry_of_the_environment_requires_entries_of_the_environment() -> None:
    snapshots = {"cfg@2.0.0": "dependencies:\n  pnpm: 12.0.0", "pnpm@12.0.0": "{}"}
    first = v9(dict.fromkeys(snapshots, packed()), snapshots, importers={".": TOOLS + PINNED})
    found = entries(f"---\n{first}\n---\n{v9(THREE, importers={'.': ROOT})}")
    assert list(found.children("environment: cfg@2.0.0")) == ["environment: pnpm@12.0.0"]
    assert list(found.dangling("environment: cfg@2.0.0")) == []


def test_the_prefix_of_the_environment_means_nothing_in_one_document() -> None:
    assert not entries(v9({"cfg@2.0.0": packed()})).has("environment: cfg@2.0.0")


# Patches.

PATCH = "patchedDependencies:\n  a@1.0.0:\n    hash: x\n    path: p.patch\n\n"


def test_an_entry_is_bound_to_its_patch() -> None:
    found = entries(v9(THREE, top=PATCH), {"p.patch": b"x"})
    digest = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    assert found.artifact("a@1.0.0") == of(integrity=A, patch=f"sha256-{digest}")
    assert found.artifact("b@1.0.0") == of("b", integrity=A)
    assert found.patches.line == 3
    assert entries(v9(THREE)).patches.line == 1


@pytest.mark.parametrize(
    ("snapshot", "patched"),
    [
        ("b@1.0.0(patch_hash=y)(a@1.0.0(patch_hash=x))", True), ("b@1.0.0(a@1.0.0)(patch_hash=y)", True),
        ("b@1.0.0(a@1.0.0(patch_hash=x))", False), ("b@1.0.0(c@1.0.0(a@1.0.0(patch_hash=x)))(d@1.0.0)", False),
    ],
)  # fmt: skip
def test_a_peer_s_patch_is_not_the_package_s_own(snapshot: str, *, patched: bool) -> None:
    """pnpm 11.28.11 and 12.21.0 write the hash of a peer's patch into the keys of what depends on it."""
    text = v9({"a@1.0.0": packed(), "b@1.0.0": packed()}, {snapshot: "{}"}, top=PATCH)
    assert entries(text, {"p.patch": b"x"}).artifact("b@1.0.0") == of(
        "b", integrity=A, patch="missing" if patched else None
    )


def test_the_format_is_named_with_its_version() -> None:
    assert entries(v9({})).format == "pnpm-lock.yaml 9.0"
    assert (entries(v9({})).generation, entries(v5({})).generation) == (9, 5)
    assert entries(v9({}, top="overrides:\n  a: 1\n\n")).setting("overrides") == {"a": 1}
    assert entries(v9({})).setting("overrides") is None


ONE, TWO = "a@1.0.0", "b@1.0.0(a@1.0.0)"


@pytest.mark.parametrize(
    ("snapshots", "found"),
    [
        ({ONE: "{}", "b@1.0.0": "{}"}, []),
        ({ONE: "{}", TWO: "dependencies:\n  a: 1.0.0"}, []),
        ({ONE: "{}"}, [("b@1.0.0", "")]),
        ({}, [("a@1.0.0", ""),
              ("b@1.0.0", "")]),
        ({ONE: "optionalDependencies:\n  b: 1.0.0(z@1.0.0)", "b@1.0.0": "{}"},
         [("a@1.0.0", "b 1.0.0(z@1.0.0)")]),
    ],
)  # fmt: skip
def test_packages_without_a_snapshot(
    snapshots: dict[str, str], found: list[tuple[str, str]]
) -> None:
    """pnpm's frozen install stops there, and another takes what it finds (the slow trials saw it)."""
    text = v9({ONE: packed(), "b@1.0.0": packed()}, snapshots)
    lockfile = PnpmLockfile("pnpm-lock.yaml", text.encode(), lambda _: None)
    problems = lockfile.contradictions(list(lockfile.blocks), [])
    assert [(each.key, each.value) for each in problems] == found


@pytest.mark.parametrize(
    ("workspace", "keys"),
    [
        ("configDependencies: {cfg: 2.0.0}", []),
        ("configDependencies: {cfg: 2.0.0+sha512-AAAA}", []),
        ("configDependencies: {cfg: 2.0.1}", ["configDependencies.cfg"]),
        ("configDependencies: {cfg: 2.0.0, evil: 1.0.0}", ["configDependencies.evil"]),
        ("{}", ["configDependencies.cfg"]),
    ],
)
def test_what_runs_before_an_install_is_locked(workspace: str, keys: list[str]) -> None:
    """pnpm 11 and 12 refuse others when the lockfile is frozen, else fetch and run them."""
    first = v9({"cfg@2.0.0": packed()}, importers={".": TOOLS})
    text = f"---\n{first}\n---\n{v9({}, importers={'.': '{}'})}"
    files = {
        "package.json": b'{"name": "x", "packageManager": "pnpm@11.28.11"}',
        "pnpm-workspace.yaml": workspace.encode(),
    }
    lockfile = PnpmLockfile("pnpm-lock.yaml", text.encode(), files.get)
    manifest = read_manifest("package.json", files["package.json"])
    assert [each.key for each in lockfile.disagreements({"": manifest})] == keys


def test_hooks_excuse_no_difference() -> None:
    """A pnpmfile is accepted once; what the manifest then newly requires is locked nevertheless."""
    text = v9({}, importers={".": "{}"}, top="pnpmfileChecksum: sha256-AAAA\n\n")
    files = {
        "package.json": b'{"dependencies": {"evil": "1.0.0"}, "packageManager": "pnpm@11.28.11"}',
        ".pnpmfile.cjs": b"module.exports = {}",
    }
    lockfile = PnpmLockfile("pnpm-lock.yaml", text.encode(), files.get)
    manifest = read_manifest("package.json", files["package.json"])
    assert [each.key for each in lockfile.disagreements({"": manifest})] == ["evil@1.0.0"]
