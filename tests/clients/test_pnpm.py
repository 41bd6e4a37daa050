"""pnpm's lockfile and manifests: against independent parsers, the YAML reader, and attackers."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.clients.pnpm import client as pnpm
from npm_vetted.clients.pnpm import layout as layouts
from npm_vetted.clients.pnpm.keys import without_suffix
from npm_vetted.clients.pnpm.layout import Layout, read_layout
from npm_vetted.clients.pnpm.lockfile import PnpmLockfile
from npm_vetted.errors import DocumentError
from npm_vetted.model import Artifact, Group, Kind, Manifest, Read
from npm_vetted.packages.manifest import read_manifest
from tests.support.corpus import Case, broken, by_size, cases, expected, pairs, rows

FIXTURES = Path(__file__).parents[1] / "fixtures" / "pnpm"
VERSIONS = ("pnpm9", "pnpm10", "pnpm11", "pnpm12")


def reader(root: Path) -> Read:
    def read(path: str) -> bytes | None:
        file = root / path
        return file.read_bytes() if file.is_file() else None

    return read


def nothing(_: str) -> bytes | None:
    return None


def lockfile(data: bytes | str, read: Read = nothing) -> PnpmLockfile:
    content = data.encode() if isinstance(data, str) else data
    found = pnpm.read_lockfile("pnpm-lock.yaml", content, read)
    assert isinstance(found, PnpmLockfile)
    return found


def of_case(case: Case) -> PnpmLockfile:
    return lockfile(case.data, reader(case.folder))


def manifests(root: Path, folders: Callable[[str], bool]) -> dict[str, Manifest]:
    """The root's manifest and its workspaces', by directory."""
    found = {}
    for file in sorted(root.rglob("package.json")):
        folder = file.parent.relative_to(root).as_posix().removeprefix(".")
        if folders(folder):
            path = f"{folder}/package.json" if folder else "package.json"
            found[folder] = read_manifest(path, file.read_bytes())
    return found


def is_member(folder: str) -> bool:
    return not folder or folder.startswith("packages/")


def fixture(version: str) -> tuple[PnpmLockfile, dict[str, Manifest]]:
    root = FIXTURES / version
    found = lockfile((root / "pnpm-lock.yaml").read_bytes(), reader(root))
    return found, manifests(root, is_member)


# Agreement with independent parsers


@pytest.mark.parametrize("case", by_size(cases("pnpm")))
def test_every_lockfile_of_the_corpus_has_the_artifacts_of_its_truth(case: Case) -> None:
    found = of_case(case)
    artifacts = [artifact for _, artifact in found.artifacts()]
    extra = case.extra

    assert rows(one for one in artifacts if not one.environment) == expected(case)
    assert rows(one for one in artifacts if one.environment) == _rows(extra, "env_document", 5)
    assert {(a.name, a.version) for a in artifacts if a.scripts} == _rows(
        extra, "install_scripts", 2
    )
    assert {(a.name, a.version) for a in artifacts if a.patch} == _rows(extra, "patched", 2)
    bundling = [entry.artifact for entry in found.entries() if entry.bundles and entry.artifact]
    assert {(a.name, a.version) for a in bundling} == _rows(extra, "bundled", 2)


def _rows(extra: Mapping[str, object], key: str, width: int) -> set[tuple[object, ...]]:
    listed = extra.get(key, [])
    assert isinstance(listed, list)
    return {tuple(row[:width]) for row in listed}


@pytest.mark.parametrize("case", by_size(cases("pnpm")))
@pytest.mark.slow
def test_everything_that_is_locked_is_asked_for_by_something_that_is_locked(case: Case) -> None:
    found = of_case(case)
    assert found.reach(found.direct({})) == set(found.blocks)
    targets = {one.target for entry in found.entries() for one in entry.requires} - {None}
    assert targets <= set(found.blocks)


@pytest.mark.parametrize(("before", "after"), pairs("pnpm"), ids=str)
@pytest.mark.slow
def test_what_changed_between_two_versions_is_what_their_truths_say(
    before: Case, after: Case
) -> None:
    old, new = of_case(before), of_case(after)
    assert _new_rows(new, old) == expected(after) - expected(before)
    assert _new_rows(old, new) == expected(before) - expected(after)


def _new_rows(one: PnpmLockfile, other: PnpmLockfile) -> set[tuple[str | None, ...]]:
    changed = [one.entry(key).artifact for key in one.changed([other])]
    found = rows(artifact for artifact in changed if artifact is not None)
    return set(found - rows(artifact for _, artifact in other.artifacts()))


@pytest.mark.parametrize("case", broken("pnpm"), ids=str)
def test_merge_markers_are_refused_with_their_line(case: Case) -> None:
    with pytest.raises(DocumentError) as error:
        of_case(case)
    assert error.value.line > 1


# What pnpm itself wrote agrees with the manifests beside it

_MADE = [
    case
    for case in cases("pnpm")
    if "made/" in case.path.as_posix() and (case.folder / "package.json").exists()
]


@pytest.mark.parametrize("case", _MADE, ids=str)
def test_a_lockfile_of_the_corpus_agrees_with_its_manifests(case: Case) -> None:
    found = manifests(case.folder, is_member)
    assert list(of_case(case).disagreements(found)) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_lockfile_that_pnpm_wrote_agrees_with_its_manifests(version: str) -> None:
    found, asked = fixture(version)
    assert list(found.disagreements(asked)) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_workspace_as_each_pnpm_locks_it(version: str) -> None:
    found, _ = fixture(version)
    artifacts = {artifact.label: artifact for _, artifact in found.artifacts()}
    patch = (FIXTURES / version / "patches/left-pad@1.3.0.patch").read_bytes()
    digest = base64.b64encode(hashlib.sha256(patch).digest()).decode()

    locked = {
        "dep@1.0.0", "fsevents@2.3.3", "is-number@6.0.0", "is-odd@3.0.1", "js-tokens@4.0.0",
        "left-pad@1.3.0", "loose-envify@1.4.0", "react@18.2.0", "use-sync-external-store@1.2.0",
    }  # fmt: skip
    environment = {"is-positive@3.1.0"} if version in ("pnpm11", "pnpm12") else set()
    assert set(artifacts) == locked | environment
    assert {one.label for one in artifacts.values() if one.environment} == environment
    assert {one.label: one.patch for one in artifacts.values() if one.patch} == {
        "left-pad@1.3.0": f"sha256-{digest}"
    }
    dep = artifacts["dep@1.0.0"]
    assert (dep.kind, dep.resolved) == (Kind.FILE, "file:vendor/dep-1.0.0.tgz")
    direct = {
        found.entry(key).artifact: groups
        for key, groups in found.direct({}).items()
        if found.entry(key).artifact
    }
    assert direct[artifacts["left-pad@1.3.0"]] == {Group.PRODUCTION}
    assert direct[artifacts["fsevents@2.3.3"]] == {Group.OPTIONAL}
    assert found.dependents(["left-pad@1.3.0"]) == {
        "left-pad@1.3.0": ("dep@file:vendor/dep-1.0.0.tgz",)
    }
    assert found.patch_files() == {"patches/left-pad@1.3.0.patch": ("left-pad@1.3.0",)}
    assert {one.label for one in found.named({"left-pad"})} == {"left-pad@1.3.0"}


@pytest.mark.parametrize("version", VERSIONS)
def test_dependents_by_search_are_those_of_the_whole_graph(version: str) -> None:
    found, _ = fixture(version)
    whole = {key: tuple(sorted(found.parents.get(key, ()))) for key in found.blocks}
    assert {k: tuple(sorted(v)) for k, v in found.dependents(list(whole)).items()} == whole


# What a lockfile must not say

SHA = "sha512-" + "a" * 86 + "=="


def of(
    packages: str = "",
    *,
    importer: str = "",
    snapshots: str = "",
    top: str = "",
    version: str = "'9.0'",
) -> str:
    """A lockfile with the parts that a test is about."""
    return (
        f"lockfileVersion: {version}\n\n{top}importers:\n\n  .:{importer or ' {}'}\n\n"
        f"packages:\n\n{packages}\nsnapshots:\n\n{snapshots}"
    )


LEFT = f"  left-pad@1.3.0:\n    resolution: {{integrity: {SHA}}}\n"
LEFT_ASKED = """
    dependencies:
      left-pad:
        specifier: {specifier}
        version: {version}"""
LEFT_SNAPSHOT = "  left-pad@1.3.0: {}\n"


def manifest_of(dependencies: str) -> dict[str, Manifest]:
    return {"": read_manifest("package.json", f'{{"dependencies": {dependencies}}}'.encode())}


@pytest.mark.parametrize(
    ("asked", "specifier", "version", "key", "value"),
    [
        ('{"left-pad": "^1.0.0"}', "^1.0.0", "1.3.0", None, None),
        ('{"left-pad": "^2.0.0"}', "^2.0.0", "1.3.0", "left-pad@^2.0.0", "left-pad@1.3.0"),
        ('{"left-pad": "latest"}', "latest", "1.3.0", None, None),
        ('{"left-pad": "^2.0.0"}', "^1.0.0", "1.3.0", "left-pad@^2.0.0", "^1.0.0"),
        ("{}", "^1.0.0", "1.3.0", "left-pad@^1.0.0", ""),
        ('{"left-pad": "^1.0.0", "x": "1"}', "^1.0.0", "1.3.0", "x@1", ""),
        ('{"left-pad": "^1.0.0"}', "^1.0.0", "evil@1.0.0", "left-pad@^1.0.0", "evil@1.0.0"),
        ('{"left-pad": "npm:evil@1"}', "npm:evil@1", "evil@1.0.0", None, None),
        ('{"left-pad": "npm:evil@1"}', "npm:evil@1", "1.3.0", "left-pad@npm:evil@1", "left-pad@1.3.0"),
        ('{"left-pad": "^1.0.0"}', "^1.0.0", "1.4.0", "left-pad@^1.0.0", "left-pad@1.4.0"),
        ('{"left-pad": "npm:^1.0.0"}', "npm:^1.0.0", "1.3.0", None, None),
        ('{"left-pad": "npm:^2.0.0"}', "npm:^2.0.0", "1.3.0", "left-pad@npm:^2.0.0", "left-pad@1.3.0"),
        ('{"left-pad": "^1.0.0"}', "^1.0.0", "link:vendor/x", "left-pad@^1.0.0", "link:vendor/x"),
    ],
)  # fmt: skip
def test_manifest_against_lockfile(
    asked: str, specifier: str, version: str, key: str | None, value: str | None
) -> None:
    text = of(
        LEFT + LEFT.replace("left-pad@1.3.0", "\n  evil@1.0.0").replace("  \n", "\n"),
        importer=LEFT_ASKED.format(specifier=specifier, version=version),
        snapshots=LEFT_SNAPSHOT + "\n  evil@1.0.0: {}\n",
    )
    found = [(one.key, one.value) for one in lockfile(text).disagreements(manifest_of(asked))]
    assert found == ([] if key is None else [(key, value)])


@pytest.mark.parametrize(
    ("packages", "words"),
    [
        ("  x@1.0.0:\n    resolution: {type: custom}\n", "resolution.type"),
        ("  x@1.0.0:\n    engines: {node: '1'}\n", "resolution: expected a table"),
        (f"  x@1.0.0:\n    resolution: {{integrity: {SHA}}}\n    name: evil\n", "its name says"),
        (f"  x@1.0.0:\n    resolution: {{integrity: {SHA}}}\n    version: 2.0.0\n", "its version"),
        (f"  x@https://h.example/x.tgz:\n    resolution: {{integrity: {SHA}}}\n", "tarball"),
        ("  x@1.0.0:\n    resolution: {integrity: 1}\n", "expected a string"),
    ],
)
def test_an_entry_that_says_two_things_or_none_is_refused(packages: str, words: str) -> None:
    key = packages.split(":\n", maxsplit=1)[0].strip()
    found = lockfile(of(packages))
    with pytest.raises(DocumentError, match=words) as error:
        found.entry(key)
    assert error.value.line == 9


_GIT = "{commit: abc, repo: https://h.example/r.git, type: git}"
_TARBALL = "{tarball: https://codeload.github.com/u/r/tar.gz/abc}"


def _entry(reference: str, resolution: str) -> str:
    return f"  x@{reference}:\n    resolution: {resolution}\n    version: 1.0.0\n"


@pytest.mark.parametrize(
    ("entry", "expected_artifact"),
    [
        (
            _entry("git+https://h.example/r.git#abc", _GIT),
            Artifact(
                name="x", version="1.0.0", kind=Kind.GIT, resolved="https://h.example/r.git#abc"
            ),
        ),
        (
            _entry("https://codeload.github.com/u/r/tar.gz/abc", _TARBALL),
            Artifact(
                name="x",
                version="1.0.0",
                kind=Kind.GIT,
                resolved="https://codeload.github.com/u/r/tar.gz/abc",
            ),
        ),
        (
            f"  '@s/x@1.0.0':\n    resolution: {{integrity: {SHA}, tarball: https://h.example/x}}\n",
            Artifact(
                name="@s/x",
                version="1.0.0",
                kind=Kind.REGISTRY,
                integrity=SHA,
                resolved="https://h.example/x",
            ),
        ),
        ("  x@file:dir:\n    resolution: {directory: dir, type: directory}\n", None),
    ],
)
def test_where_an_artifact_comes_from(entry: str, expected_artifact: Artifact | None) -> None:
    found = lockfile(of(entry))
    (key,) = found.blocks
    assert found.entry(key).artifact == expected_artifact


@pytest.mark.parametrize("version", ["4", "5.5", "'8.0'", "'10.0'", "true", "'9.0.1'"])
def test_an_unknown_version_is_refused(version: str) -> None:
    with pytest.raises(DocumentError, match="lockfileVersion"):
        lockfile(of(version=version))


def test_a_shrinkwrap_of_pnpm_2_is_refused_with_the_way_on() -> None:
    with pytest.raises(DocumentError) as error:
        pnpm.read_lockfile("shrinkwrap.yaml", b"shrinkwrapVersion: 3\n", nothing)
    assert "pnpm@3" in (error.value.fix or "")


def test_a_snapshot_without_a_package_is_refused() -> None:
    with pytest.raises(DocumentError, match="has no package"):
        lockfile(of(LEFT, snapshots="  evil@1.0.0: {}\n"))


def test_a_key_that_would_hide_behind_the_environments_is_refused() -> None:
    key = "'environment: left-pad@1.3.0'"
    with pytest.raises(DocumentError, match="is no package's key") as error:
        lockfile(f"---\n{of(LEFT)}\n---\n{of(LEFT.replace('left-pad@1.3.0', key))}")
    assert error.value.line == 25


PATCHED = "patchedDependencies:\n  left-pad@1.3.0:\n    hash: {hash}\n    path: {path}\n\n"


@pytest.mark.parametrize(
    ("path", "content", "patch", "message"),
    [
        ("p.patch", b"x\n", "good", None),
        ("p.patch", b"other\n", "other", "is not the patch that the lockfile records"),
        ("p.patch", None, "missing", "is not in the repository"),
        ("../p.patch", b"x\n", "missing", "is not in the repository"),
        ("/p.patch", b"x\n", "missing", "is not in the repository"),
    ],
)
def test_a_patch_is_bound_by_its_own_bytes(
    path: str, content: bytes | None, patch: str, message: str | None
) -> None:
    top = PATCHED.format(hash=hashlib.sha256(b"x\n").hexdigest(), path=path)
    found = lockfile(
        of(LEFT, top=top, snapshots=LEFT_SNAPSHOT),
        lambda name: content if name == "p.patch" else None,
    )
    artifact = found.entry("left-pad@1.3.0").artifact
    assert artifact is not None
    digests = {
        "good": f"sha256-{base64.b64encode(hashlib.sha256(b'x' + bytes([10])).digest()).decode()}",
        "other": f"sha256-{base64.b64encode(hashlib.sha256(b'other' + bytes([10])).digest()).decode()}",
    }
    assert artifact.patch == digests.get(patch, patch)
    problems = [one.message for one in found.disagreements(manifest_of("{}"))]
    assert [message in one for one in problems if message] == [True] * (message is not None)


@pytest.mark.parametrize(
    ("key", "base"),
    [
        ("x@1.0.0", "x@1.0.0"),
        ("x@1.0.0(a@1)(b@2)", "x@1.0.0"),
        ("x@1.0.0(a@1(b@2(c@3(d@4(e@5(f@6))))))(g@7)", "x@1.0.0"),
        ("x@1.0.0(patch_hash=0f)(@s/p@1)", "x@1.0.0"),
        ("x@file:a(b)c(p@1)", "x@file:a(b)c"),
        ("x@file:a(b)", "x@file:a"),
        ("x@1())(x(B)", "x@1())(x"),
        ("x@1((a)", "x@1((a)"),
        ("(a)", "(a)"),
    ],
)
def test_where_the_peers_of_a_key_begin(key: str, base: str) -> None:
    assert without_suffix(key) == base


# A chunk of text is an entry only where the YAML reader agrees


def values(found: Layout) -> list[object]:
    """All that a layout says, with the lines of entries."""
    return [
        (
            {key: found.top(part, key) for key in part.top if key not in part.entries},
            {
                section: {key: (found.entry(at), found.line(at)) for key, at in entries.items()}
                for section, entries in part.entries.items()
            },
        )
        for part in found.parts
    ]


def whole(data: bytes) -> Layout:
    return layouts._whole("pnpm-lock.yaml", data)


@pytest.mark.parametrize("case", by_size(cases("pnpm")))
@pytest.mark.slow
def test_the_text_of_a_real_lockfile_reads_as_its_yaml(case: Case) -> None:
    found = read_layout("pnpm-lock.yaml", case.data)
    assert not found.whole
    assert values(found) == values(whole(case.data))


DEAD = f"  evil@1.0.0:\n    resolution: {{integrity: {SHA}}}"


@pytest.mark.parametrize(
    "text",
    [
        f"lockfileVersion: '9.0'\n\nnote: |\n\n  packages:\n\n{DEAD}\n",
        f"lockfileVersion: '9.0'\n\nnote: |1\n\n packages:\n\n{DEAD}\n",
        f"lockfileVersion: '9.0'\n\nnote: >-\n\npackages:\n\n{DEAD}\n",
        f"lockfileVersion: '9.0'\n\npackages:\n      |-\n\n{DEAD}\n",
        f"lockfileVersion: '9.0'\n\npackages: |-\n\n{DEAD}\n",
        f"lockfileVersion: '9.0'\n\npackages: # |\n\n{DEAD}\n",
        f"lockfileVersion: '9.0'\n\nnote: 'open\n\npackages:\n\n{DEAD}\n\n  b: c'\n",
        f"lockfileVersion: '9.0'\n\nnote: \"open\n\npackages:\n\n{DEAD}\n\n  b: c\"\n",
        "lockfileVersion: '9.0'\n\nnote: {a: [\n\nb,\n\n  c\n\n]}\n\npackages: {}\n",
        f"lockfileVersion: '9.0'\n\nother:\n\n{DEAD}\n\npackages: {{}}\n",
        f"lockfileVersion: '9.0'\n\npackages:\n\n  # comment\n    evil@1.0.0:\n      a: b\n\n{DEAD}\n",
        f"lockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\n...\n",
        f"lockfileVersion: '9.0'\n\npackages:\n\n\n{DEAD}\n",
        f"lockfileVersion: '9.0'\n\npackages:\n{DEAD}\n",
        f"lockfileVersion: '9.0'\npackages:\n\n{DEAD}\n",
        f"# comment\n\nlockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\n",
        f"lockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\n    deprecated: |-\n      a\n\n      b\n\n  c@1: {{}}\n",
        f"lockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\n    deprecated: |-\n      a\n\n  c@1: {{}}\n",
        f"lockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\n\n  ? c@1\n  : {{}}\n",
        f"lockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\n  c@1: {{}}\n",
        f"lockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\n    x: &a {{}}\n",
        f"lockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\n    <<: {{}}\n",
        f"lockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\n\n{DEAD}\n",
        f"lockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\n\npackages:\n\n  b@1: {{}}\n",
        f"lockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\n\t\n",
        f"lockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\r  b: c\n",
        f"--- |\n  a\n\n---\nlockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\n",
        f"%YAML 1.2\n---\nlockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\n",
        f"lockfileVersion: '9.0'\n\npackages:\n\n{DEAD}\n    a:\n      - b\n      c: d\n",
    ],
)
def test_text_that_only_looks_like_entries_is_read_as_yaml_reads_it(text: str) -> None:
    data = text.encode()
    assert _told(lambda: read_layout("pnpm-lock.yaml", data)) == _told(lambda: whole(data))


def _told(read: Callable[[], Layout]) -> object:
    """What a reading says, or that it is refused."""
    try:
        return values(read())
    except DocumentError:
        return "refused"


_SEED = (FIXTURES / "pnpm12" / "pnpm-lock.yaml").read_text()
_PIECES = st.sampled_from(
    [
        "\n", "\n\n", "\n\n  ", "  ", "    ", " ", "'", '"', "{", "}", "[", "]", ": ", ":", "- ",
        "#", " #", "|", ">", "|-\n", "---\n", "...\n", "&a ", "*a", "!t ", "? ", "%", "\t", "\r",
        ",", "a", "packages:", "a: b", "\n  x@1: {}\n", "''", "\\", "~", "null", "1", "é", "<<: ",
    ]
)  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, len(_SEED)), st.integers(0, 30), _PIECES), max_size=4))
def test_a_mutated_lockfile_reads_as_its_yaml(edits: list[tuple[int, int, str]]) -> None:
    text = _SEED
    for at, length, piece in edits:
        text = text[:at] + piece + text[at + length :]
    data = text.encode()
    assert _told(lambda: read_layout("pnpm-lock.yaml", data)) == _told(lambda: whole(data))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_only_our_own_errors(data: bytes) -> None:
    with contextlib.suppress(DocumentError):
        lockfile(b"lockfileVersion: '9.0'\n\npackages:\n\n" + data)


def test_two_versions_differ_by_value_where_one_is_laid_out_otherwise() -> None:
    plain = of(LEFT, snapshots=LEFT_SNAPSHOT)
    squeezed = plain.replace("\n\n", "\n")
    assert lockfile(plain).changed([lockfile(squeezed)]) == []
    assert lockfile(squeezed).changed([lockfile(plain)]) == []
    other = squeezed.replace(SHA, SHA.replace("a", "b"))
    assert lockfile(plain).changed([lockfile(other)]) == ["left-pad@1.3.0"]


@pytest.mark.parametrize(
    "data",
    [
        b"lockfileVersion: '9.0'\n\npackages: " + b"[" * 100_000,
        b"lockfileVersion: '9.0'\n\npackages:\n" + b"".join(b" " * n + b"a:\n" for n in range(500)),
        b"a: &a [x]\nb: [" + b"*a, " * 50_000 + b"]\n",
        b"lockfileVersion: '9.0'\n\npackages:\n\n  " + b"a" * 2_000_000,
        b"lockfileVersion: '9.0'\n\npackages:\n\n  a: " + b"'' " * 500_000,
        b"lockfileVersion: '9.0'\n\npackages:\n\n  a: {" + b"a: b, " * 300_000,
        b"lockfileVersion: '9.0'\n\npackages:\n\n" + b"  a:\n    b: c\n" * 20_000,
        b"x" * 50_000_000,
        b"\xff\xfe",
    ],
    ids=["flow", "deep", "bomb", "key", "quotes", "pairs", "twins", "50 MB", "UTF-16"],
)
def test_hostile_files_are_refused_quickly(data: bytes) -> None:
    start = time.process_time()
    with pytest.raises(DocumentError):
        lockfile(data)
    assert time.process_time() - start < 5  # not a benchmark: quadratic time takes minutes
