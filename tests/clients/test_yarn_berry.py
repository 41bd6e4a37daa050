from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.yarn_berry import client as yarn_berry
from npm_vetted.clients.yarn_berry.lockfile import BerryLockfile
from npm_vetted.errors import DocumentError, UndecidedError, UsageError
from npm_vetted.model import Artifact, Edit, Group, Kind, Level, Location, Pin
from npm_vetted.packages.manifest import read_manifest
from tests.support import corpus
from tests.support.real_clients import Clients, Marker
from tests.support.yarn_projects import (
    Allowed,
    contents,
    contents_or_error,
    folder_reader,
    make_project,
    manifests_of,
    write,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "yarn-berry"
EVERYTHING = ["everything-3.8", "everything-4.18"]
CASES = corpus.cases("yarn-berry")


def open_case(case: corpus.Case) -> Lockfile:
    return yarn_berry.read_lockfile(case.name, case.data, folder_reader(case.folder))


def read(text: str, files: Mapping[str, bytes] | None = None) -> Lockfile:
    return yarn_berry.read_lockfile("yarn.lock", text.encode(), (files or {}).get)


def nothing(path: str) -> bytes | None:
    """A repository without files."""
    return None


def fixture(name: str) -> Lockfile:
    folder = FIXTURES / name
    data = (folder / "yarn.lock").read_bytes()
    return yarn_berry.read_lockfile("yarn.lock", data, folder_reader(folder))


# -- the lockfile


@pytest.mark.parametrize("case", corpus.by_size(CASES))
def test_artifacts_are_those_of_the_truth(case: corpus.Case) -> None:
    assert yarn_berry.recognises(case.name, case.data)
    assert corpus.rows_of(open_case(case)) == corpus.expected(case)


@pytest.mark.parametrize("case", corpus.by_size(CASES))
@pytest.mark.slow
def test_the_extra_facts(case: corpus.Case) -> None:
    lockfile = open_case(case)
    artifacts = [artifact for _, artifact in lockfile.artifacts()]
    sources = {str(lockfile.source_text(entry)) for entry, _ in lockfile.artifacts()}
    assert lockfile.format == f"yarn.lock berry {case.extra['lockfile_version']}"
    aliases, patched = case.extra["aliases"], case.extra["patched"]
    assert isinstance(aliases, list)
    assert isinstance(patched, list)
    names = {(artifact.name, artifact.version) for artifact in artifacts}
    assert {(real, version) for _, real, version in aliases} <= names
    assert {source for source in sources if "@patch:" in source} == {
        resolution for _, _, resolution in patched
    }
    assert len(lockfile.blocks) == case.extra["entries"]


@pytest.mark.slow
@pytest.mark.parametrize("case", corpus.by_size(CASES))
def test_every_yarn_packs_under_a_key_that_is_known(case: corpus.Case) -> None:
    lockfile = open_case(case)
    said = [problem.message for problem in lockfile.disagreements({})]
    assert not any("cacheKey" in message for message in said)
    assert not any(map(lockfile.unheeded, lockfile.entries()))


@pytest.mark.parametrize("case", corpus.broken("yarn-berry"), ids=str)
def test_broken_files_are_refused(case: corpus.Case) -> None:
    with pytest.raises(DocumentError, match="merge conflict"):
        open_case(case)


@pytest.mark.parametrize("pair", corpus.pairs("yarn-berry"), ids=lambda pair: str(pair[0].pair))
def test_changed_blocks_hold_all_that_a_pair_adds(pair: tuple[corpus.Case, corpus.Case]) -> None:
    before, after = open_case(pair[0]), open_case(pair[1])
    found = corpus.rows_of(after, after.changed([before]))
    assert corpus.expected(pair[1]) - corpus.expected(pair[0]) <= found
    assert found <= corpus.expected(pair[1])


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow if len(case.data) > 200_000 else ())
        for case in CASES
    ],
    ids=str,
)
def test_own_reader_and_libyaml_agree(case: corpus.Case) -> None:
    lazy = open_case(case)
    full = FullLockfile(case.name, case.data, folder_reader(case.folder))
    assert contents(full) == contents(lazy)
    assert all(isinstance(block, str) for block in lazy.blocks.values())
    assert not any(isinstance(block, str) for block in full.blocks.values())


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_project_that_yarn_wrote(name: str) -> None:
    lockfile = fixture(name)
    manifests = manifests_of(FIXTURES / name, "packages/a", "packages/b")
    assert list(lockfile.disagreements(manifests)) == []
    direct = lockfile.direct(manifests)
    artifacts = {entry.key for entry, _ in lockfile.artifacts()}
    assert artifacts <= lockfile.reach(direct), "resolutions and patches are followed"
    assert {
        (artifact.name, artifact.version, artifact.kind)
        for key in direct
        if (artifact := lockfile.entry(key).artifact)
    } == {
        ("fsevents", "2.3.3", Kind.REGISTRY),
        ("is-odd", "1.0.0", Kind.REGISTRY),
        ("is-odd", "3.0.1", Kind.REGISTRY),
        ("isarray", "2.0.5", Kind.REGISTRY),
        ("left-pad", "1.3.0", Kind.REGISTRY),
        ("local", "1.0.0", Kind.FILE),
        ("remote", "4.0.0", Kind.TARBALL),
        ("resolve", "1.22.14", Kind.REGISTRY),
    }
    isarray = "isarray@npm:2.0.5, isarray@npm:^2.0.5"
    assert direct[isarray] == {Group.DEVELOPMENT}
    assert direct["both@npm:is-odd@1.0.0"] == {Group.PRODUCTION, Group.DEVELOPMENT}
    assert set(lockfile.dependents([isarray])[isarray]) == {
        "@demo/a@workspace:^, @demo/a@workspace:packages/a",
        "demo@workspace:.",
    }


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_patch_file_is_part_of_the_artifact(name: str) -> None:
    lockfile = fixture(name)
    plain, patched = sorted(
        (artifact for _, artifact in lockfile.artifacts() if artifact.name == "left-pad"),
        key=lambda artifact: str(artifact.resolved),
    )
    assert (plain.patch, patched.patch) == (
        None,
        "sha256-b3n/WSCII30mo8rtBFW5K93J3p6J122updbCTS0iEB4=",
    )
    assert plain.checksum != patched.checksum
    assert list(lockfile.patch_files()) == ["patches/left-pad.patch"]
    builtin = [a.patch for _, a in lockfile.artifacts() if "builtin<compat" in str(a.resolved)]
    assert builtin == [None, None]


def test_a_missing_patch_file_is_said_and_matches_no_note() -> None:
    data = (FIXTURES / "everything-4.18" / "yarn.lock").read_bytes()
    lockfile = yarn_berry.read_lockfile("yarn.lock", data, nothing)
    patches = {artifact.patch for _, artifact in lockfile.artifacts()} - {None}
    assert patches == {"missing-./patches/left-pad.patch"}
    assert any("not in the repository" in p.message for p in lockfile.disagreements({}))


def test_catalogs() -> None:
    lockfile = fixture("catalogs-4.18")
    manifests = manifests_of(FIXTURES / "catalogs-4.18")
    assert list(lockfile.disagreements(manifests)) == []
    assert set(lockfile.direct(manifests)) == {"isarray@npm:^2.0.5", "ms@npm:2.1.3"}


HEAD = "__metadata:\n  version: 8\n  cacheKey: 10\n"


def entry(resolution: str, key: str | None = None, version: str = "1.0.0", more: str = "") -> str:
    key = key or resolution
    kind = "soft" if "@workspace:" in resolution else "hard"
    return (
        f'\n"{key}":\n  version: {version}\n  resolution: "{resolution}"\n{more}'
        f"  languageName: node\n  linkType: {kind}\n"
    )


X = entry("x@npm:1.0.0", "x@npm:^1")


@pytest.mark.parametrize(
    ("resolution", "kind"),
    [
        ("x@npm:1.0.0", Kind.REGISTRY),
        ("@s/x@npm:1.0.0", Kind.REGISTRY),
        ("x@patch:x@npm%3A1.0.0#optional!builtin<compat/x>::version=1.0.0&hash=1", Kind.REGISTRY),
        ("x@patch:x@npm%3A1.0.0#~builtin<compat/x>::version=1.0.0&hash=1", Kind.REGISTRY),
        ("x@patch:x@https://h/r.git%23commit=01#~/a.patch::version=1.0.0&hash=1", Kind.GIT),
        ("x@https://h/r.git#commit=0123", Kind.GIT),
        ("x@https://h/r.git#commit:0123", Kind.GIT),
        ("x@https://h/r.git#workspace=x&commit=0123", Kind.GIT),
        ("x@git@h:u/r.git#commit=0123", Kind.GIT),
        ("x@ssh://git@h/r#commit=0123", Kind.GIT),
        ("x@https://h/x.tgz", Kind.TARBALL),
        ("x@file:./v/x.tgz#./v/x.tgz::hash=1&locator=r%40workspace%3A.", Kind.FILE),
        ("x@exec:./make.js#./make.js::hash=1&locator=r%40workspace%3A.", Kind.OTHER),
        ("x@condition:A?^2:^1#0123", Kind.OTHER),
        ("x@file:./v#./v::hash=1&locator=r%40workspace%3A.", None),
        ("x@workspace:packages/x", None),
        ("x@link:./x::locator=r%40workspace%3A.", None),
        ("x@portal:./x::locator=r%40workspace%3A.", None),
    ],
)
def test_kinds(resolution: str, kind: Kind | None) -> None:
    lockfile = read(HEAD + entry(resolution))
    found = list(lockfile.artifacts())
    assert [artifact.kind for _, artifact in found] == ([] if kind is None else [kind])
    assert all(lockfile.source_text(each) == resolution for each, _ in found)


@pytest.mark.parametrize(
    "written",
    [
        "x@patch:x@npm%3A1.0.0#optional!builtin<compat/x>::version=1.0.0&hash=1",
        "x@patch:x@npm%3A1.0.0#~builtin<compat/x>::version=1.0.0&hash=22",
        "x@patch:x@npm:1.0.0#builtin<compat/x>",
    ],
)
def test_yarns_own_patches_are_the_same_however_a_yarn_names_them(written: str) -> None:
    [(_, artifact)] = read(HEAD + entry(written)).artifacts()
    assert artifact.resolved == "x@patch:x@npm:1.0.0#builtin<compat/x>"


@pytest.mark.parametrize(
    "written",
    [
        "x@patch:x@npm%3A1.0.0#~/a.patch::version=1.0.0&hash=1",
        "x@patch:x@npm%3A1.0.0#~builtin<compat/x>&~/a.patch::version=1.0.0&hash=1",
        "x@npm:1.0.0",
    ],
)
def test_other_patches_are_what_they_are(written: str) -> None:
    [(_, artifact)] = read(HEAD + entry(written)).artifacts()
    assert artifact.resolved == written


@pytest.mark.parametrize(
    "resolution",
    [
        "x@npm:1.0.0::__archiveUrl=https%3A%2F%2Fh%2Fx.tgz",
        (
            "x@patch:x@npm%3A1.0.0%3A%3A__archiveUrl=https%253A%252F%252Fh%252Fx.tgz#~/a.patch"
            "::version=1.0.0&hash=1"
        ),
    ],
)
def test_an_archive_of_its_own_is_where_a_registry_package_comes_from(resolution: str) -> None:
    [(_, artifact)] = read(HEAD + entry(resolution)).artifacts()
    assert (artifact.kind, artifact.resolved) == (Kind.REGISTRY, "https://h/x.tgz")


def test_an_archive_that_is_no_url_is_refused() -> None:
    with pytest.raises(DocumentError, match="__archiveUrl: expected a URL"):
        list(read(HEAD + entry("x@npm:1.0.0::__archiveUrl=%2F%2Fevil.example%2Fx.tgz")).artifacts())


def test_a_patched_alias_has_its_real_name() -> None:
    text = entry("a@patch:real@npm%3A1.0.0#~/p.patch::version=1.0.0&hash=1")
    assert [a.name for _, a in read(HEAD + text).artifacts()] == ["real"]


def test_a_very_long_key() -> None:
    key = ", ".join(f"x@npm:^1.{number}" for number in range(200))
    text = entry("x@npm:1.0.0", "KEY").replace('"KEY":', f'? "{key}"\n:')
    lockfile = read(HEAD + text)
    assert list(lockfile.blocks) == [key]
    assert lockfile.blocks[key] == text.strip("\n")
    assert [artifact for _, artifact in lockfile.artifacts()] == [
        Artifact(name="x", version="1.0.0", kind=Kind.REGISTRY, resolved="x@npm:1.0.0")
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (X, 1, "__metadata"),
        (HEAD.replace("8", "3"), 1, "expected 4 to 10, found '3'"),
        (HEAD.replace("8", "11"), 1, "expected 4 to 10"),
        (HEAD.replace("8", "eight"), 1, "expected 4 to 10"),
        (HEAD + X + X, 11, "appears twice"),
        (HEAD + X + entry("x@npm:1.1.0", "x@npm:^1.1, x@npm:^1"), 11, "is in two entries"),
        (HEAD + X.replace("  version: 1", "  version: 2\n  version: 1"), 7, "appears twice"),
        (HEAD + X.replace("version: 1.0.0", "version: 2.0.0"), 5, "expected 1.0.0, found 2.0.0"),
        (HEAD + X.replace("linkType", "resolved"), 5, "'resolved' is not known"),
        (HEAD + X.replace("  version: 1.0.0\n", ""), 5, "'version' is missing"),
        (HEAD + X.replace('"x@npm:1.0.0"', '"x"'), 5, "expected name@protocol"),
        (HEAD + X.replace('"x@npm:1.0.0"', '"x@1.0.0"'), 5, "expected name@protocol"),
        (HEAD + X.replace('"x@npm:1.0.0"', '&a "x@npm:1.0.0"'), 7, "anchor"),
        (HEAD + X.replace('"x@npm:1.0.0"', '!!str "x@npm:1.0.0"'), 7, "tag"),
        (HEAD + X.replace('"x@npm:1.0.0"', "*a"), 7, "alias"),
        (HEAD + X.replace("  version", "\tversion"), 6, "control character"),
        (HEAD + X.replace("1.0.0\n", "1.0.0\x85\n"), 6, "control character"),
        (HEAD + X[:40] + "\n", 8, "not YAML"),
        (HEAD + "\n<<<<<<< HEAD\n" + X, 5, "merge conflict"),
        ("# yarn lockfile v1\n\n" + HEAD + X, 1, "each Yarn reads something else"),
        (HEAD + X + "---\n" + HEAD, 1, "one YAML document"),
        ("[]\n", 1, "expected a table"),
        (HEAD + "\nx: 1\n", 5, "expected a table"),
        (HEAD + "\nx:" + " [" * 300, 5, "deep|not YAML"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(DocumentError, match=words) as caught:
        list(read(text).artifacts())
    assert caught.value.line == line


@pytest.mark.parametrize(
    "opening",
    [
        'zz:\n  bin: "a',
        "zz:\n  bin: 'a",
        "zz:\n  bin: |",
        "zz:\n  bin: >",
        "zz:\n  bin: [a,",
        "zz: {",
    ],
)
def test_a_block_that_was_dead_text_is_no_equal_of_a_live_one(opening: str) -> None:
    """Two commits: the first hides an entry inside a scalar, the second lets it out."""
    live = HEAD + X
    hidden = HEAD + f"\n{opening}\n" + X.replace("\n", "\n    ")
    dead = HEAD + f"\n{opening}\n" + X + '\nb": c"\n'
    for text in (hidden, dead):
        found = contents_or_error(read, text)
        if isinstance(found, DocumentError):
            continue
        assert read(live).changed([found[0]]) == ["x@npm:^1"]


REAL = (FIXTURES / "everything-4.18" / "yarn.lock").read_text("utf-8")


@st.composite
def mutations(draw: st.DrawFn, text: str = REAL) -> str:
    """The real file with one piece cut out, put in, or moved."""
    start = draw(st.integers(0, len(text)))
    end = min(len(text), start + draw(st.integers(0, 40)))
    other = draw(st.integers(0, len(text)))
    words = ['"', "'", "\n", "\n\n", "  ", ": ", "|", "&a ", "? ", "#", "[", "{", text[other:end]]
    return text[:start] + draw(st.sampled_from(words)) + text[end:]


@given(mutations())
def test_equal_blocks_are_equal_entries(text: str) -> None:
    found = contents_or_error(read, text)
    if isinstance(found, DocumentError):
        assert 1 <= found.line <= text.count("\n") + 2
        return
    after, entries = found
    before = read(REAL)
    changed = set(after.changed([before]))
    same = {key: value for key, value in entries.items() if key not in changed}
    assert same == {key: value for key, value in contents(before).items() if key in same}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hard\n", "hard "),
        ("version: ", "version : "),
        ("hard\n", "hard  \n"),
        ('"x@npm:^1"', "x@npm:^1"),
    ],
)
def test_blanks_that_mean_nothing(old: str, new: str) -> None:
    odd, plain = read(HEAD + X.replace(old, new)), read(HEAD + X)
    assert contents(odd) == contents(plain)


class FullLockfile(BerryLockfile):
    """The same lockfile, read by libyaml whatever its layout."""

    def _canonical_places(self, like: Lockfile | None) -> None:
        return None


@given(mutations())
def test_the_quick_reader_takes_nothing_that_libyaml_takes_otherwise(text: str) -> None:
    quick = contents_or_error(read, text)
    full = contents_or_error(lambda text: FullLockfile("yarn.lock", text.encode(), nothing), text)
    if isinstance(quick, DocumentError) or isinstance(full, DocumentError):
        assert isinstance(quick, DocumentError) == isinstance(full, DocumentError)
    else:
        assert quick[1] == full[1]


@given(st.text() | st.text(alphabet='a@npm:1",\n #?|&'))
def test_any_text_is_read_or_refused(text: str) -> None:
    clean = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    found = contents_or_error(read, HEAD + clean)
    assert not isinstance(found, DocumentError) or found.line >= 1


@pytest.mark.parametrize(
    "reference",
    ["#&" * 200_000, "https://h/" + "#commit" * 99_999, "patch:" + "a" * 400_000, "npm:" + "::" * 99_999,
     "patch:x@npm%3A1.0.0#" + "a!" * 99_999 + "&" * 99_999, "patch:x@" * 99_999],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_long_references_take_no_long_time(reference: str) -> None:
    found = contents_or_error(read, HEAD + entry(f"x@{reference}", "x@npm:^1"))
    assert isinstance(found, DocumentError) or len(found[1]) == 1


def disagree(manifest: Mapping[str, object], locked: str) -> list[str]:
    data = json.dumps({"name": "r", **manifest}, indent=1).encode()
    text = HEAD + locked
    found = read(text, {"package.json": data}).disagreements(
        {"": read_manifest("package.json", data)}
    )
    return [problem.message for problem in found]


def root(**dependencies: str) -> str:
    lines = "".join(f'    {name}: "{wanted}"\n' for name, wanted in dependencies.items())
    more = f"  dependencies:\n{lines}" if lines else ""
    return entry("r@workspace:.", version="0.0.0-use.local", more=more)


@pytest.mark.parametrize(
    ("manifest", "locked", "expected"),
    [
        ({"dependencies": {"x": "^1"}}, X + root(x="npm:^1"), []),
        ({"devDependencies": {"x": "npm:^1"}}, X + root(x="^1"), []),
        ({}, "", ["the workspace r has no entry in yarn.lock"]),
        (
            {"dependencies": {"x": "^2"}},
            X + root(x="npm:^1"),
            ["package.json requires x@^2, yarn.lock has npm:^1 for it"],
        ),
        (
            {"dependencies": {"x": "^1"}},
            X + root(),
            ["package.json requires x@^1, yarn.lock has nothing for it"],
        ),
        (
            {},
            X + root(x="npm:^1"),
            ["yarn.lock has x@npm:^1 for package.json, which does not require it"],
        ),
        ({"dependencies": {"x": "^1"}}, root(x="npm:^1"), ["x@npm:^1 has no entry in yarn.lock"]),
        (
            {"dependencies": {"x": "^2"}},
            X.replace("x@npm:^1", "x@npm:^2") + root(x="npm:^2"),
            ["x@npm:^2 is locked to 1.0.0"],
        ),
        (
            {"dependencies": {"x": "^1"}},
            entry("evil@npm:1.0.0", "x@npm:^1") + root(x="npm:^1"),
            ["x@npm:^1 resolves to evil@npm:1.0.0, of which it is no alias"],
        ),
        (
            {"dependencies": {"x": "npm:y@^1"}},
            entry("y@npm:1.0.0", "x@npm:y@^1") + root(x="npm:y@^1"),
            [],
        ),
        (
            {},
            root() + entry("q@workspace:q"),
            ["yarn.lock has an entry for the workspace 'q', which has no package.json here"],
        ),
    ],
)
def test_disagreements(manifest: Mapping[str, object], locked: str, expected: list[str]) -> None:
    assert disagree(manifest, locked) == expected


# -- settings

NEW = Pin(client="yarn", minimum=(4, 14, 0), exact=True, enforced=True, location=Location("x"))
OLD = Pin(client="yarn", minimum=(4, 13, 0), exact=True, enforced=True, location=Location("x"))
WARNS = Pin(client="yarn", minimum=(4, 18, 1), exact=True, enforced=False, location=Location("x"))

RUNS = "lets dependencies' install scripts run"
SPELLINGS: list[tuple[str | None, str | None]] = [
    ("enableScripts: false\n", None),
    ('enableScripts: "false"\n', None),
    ("enableScripts: false # said why\n", None),
    ("enableScripts: false\r\n", None),
    ("\ufeffenableScripts: false\n", None),
    ('"enableScripts": false\n', None),
    ("---\nenableScripts: false\n", None),
    ("{enableScripts: false}\n", None),
    (None, "no newer one is pinned"),
    ("", "no newer one is pinned"),
    ("nodeLinker: pnp\n", "no newer one is pinned"),
    ("enableScripts: true\n", RUNS),
    ("enableScripts: 1\n", RUNS),
    ("enableScripts: 0\n", "no plain boolean"),
    ("enableScripts: no\n", "Yarn stops at it"),
    ("enableScripts: off\n", "Yarn stops at it"),
    ("enableScripts: False\n", "Yarn stops at it"),
    ("enableScripts:\n", "Yarn stops at it"),
    ("enableScripts: [false]\n", "Yarn stops at it"),
    ("enableScripts: ${X:-false}\n", "depends on the environment"),
    ("enableScripts: ${X}\n", "depends on the environment"),
    ("enableScripts: !!bool false\n", "a tag"),
    ("enableScripts: &a false\n", "an anchor"),
    ("enableScripts: true\nenableScripts: false\n", "appears twice"),
    ("enableScripts: false\nenableScripts: true\n", "appears twice"),
    ("enable-scripts: false\n", "no newer one is pinned"),
    ("npmScopes:\n  a:\n    enableScripts: false\n", "no newer one is pinned"),
    ("enableScripts: false\n---\nenableScripts: true\n", "one YAML document"),
    ("# yarn lockfile v1\nenableScripts: false\n", "another grammar"),
    ("enableScripts false\n", "expected a table"),
]


@pytest.mark.parametrize(("text", "words"), SPELLINGS, ids=[repr(text) for text, _ in SPELLINGS])
def test_the_switch(text: str | None, words: str | None) -> None:
    project = make_project({} if text is None else {".yarnrc.yml": text})
    messages = [problem.message for problem in yarn_berry.scripts_run(project)]
    assert len(messages) == (words is not None)
    assert words is None or words in messages[0]


@pytest.mark.parametrize(
    ("pin", "text", "words"),
    [
        (NEW, "", None),
        (NEW, "enableScripts: false\n", None),
        (NEW, "enableScripts: true\n", RUNS),
        (NEW, "yarnPath: x.cjs\n", "another Yarn than the pinned 4.14.0"),
        (OLD, "", "Yarn 4.13.0 runs dependencies' install scripts"),
        (OLD, "enableScripts: false\n", None),
        (WARNS, "", "no newer one is pinned"),
    ],
)
def test_the_pinned_default(pin: Pin, text: str, words: str | None) -> None:
    messages = [
        problem.message
        for problem in yarn_berry.scripts_run(make_project({".yarnrc.yml": text}, pin))
    ]
    assert len(messages) == (words is not None)
    assert words is None or words in messages[0]


@pytest.mark.parametrize("folder", ["packages", "packages/a"])
def test_a_nearer_yarnrc(folder: str) -> None:
    files = {".yarnrc.yml": "enableScripts: false\n", "packages/a/package.json": '{"name": "a"}'}
    project = make_project({**files, f"{folder}/.yarnrc.yml": "x: 1\nenableScripts: true\n"})
    [problem] = yarn_berry.scripts_run(project)
    assert (problem.location.path, problem.location.line) == (f"{folder}/.yarnrc.yml", 2)
    assert problem.fix == (
        ("yarn", "--cwd", folder, "config", "set", "enableScripts", "false"),
        ("git", "add", f"{folder}/.yarnrc.yml"),
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("yarnPath: .yarn/releases/yarn.cjs\n", "program"),
        ("plugins:\n  - path: x.cjs\n", "program"),
        ("plugins: []\n", None),
        ("enableStrictSsl: false\n", "tls-off"),
        ("enableStrictSsl: true\n", None),
        ("unsafeHttpWhitelist:\n  - h.example\n", "registry-not-https"),
        ("lockfileFilename: other.lock\n", "other-lockfile"),
        ("defaultProtocol: 'git:'\n", "other-sources"),
        ("checksumBehavior: update\n", "integrity-off"),
        ("checksumBehavior: ignore\n", "integrity-off"),
        ("checksumBehavior: throw\n", None),
        ("enableHardenedMode: false\n", "integrity-off"),
        ("npmPreapprovedPackages: ['*']\n", "cooldown-off"),
        ("npmPreapprovedPackages: ['@acme/*']\n", None),
        ('approvedGitRepositories:\n  - "**"\n', "other-sources"),
        ("approvedGitRepositories:\n  - https://h.example/r.git\n", None),
        ("npmRegistryServer: https://registry.yarnpkg.com/\n", None),
        ("npmRegistryServer: http://registry.yarnpkg.com/\n", "registry-not-https"),
        ("npmRegistryServer: https://evil.example/\n", "registry-not-allowed"),
        ("npmRegistryServer: ${R}\n", "registry-unclear"),
        (
            "npmScopes:\n  a:\n    npmRegistryServer: https://evil.example/\n",
            "registry-not-allowed",
        ),
        ("npmAuthToken: abcdef\n", "secret"),
        ("npmAuthToken: ${TOKEN}\n", None),
        ("npmAuthToken: ${TOKEN:-}\n", None),
        ("npmAuthIdent: ${NAME}:${WORD}\n", None),
        ("npmAuthIdent: ada:${WORD}\n", None),
        ("npmAuthToken: ${TOKEN:-abcdef}\n", "secret"),
        ("npmAuthToken: ${TOKEN-abcdef}\n", "secret"),
        ("npmAuthToken: abc${TOKEN}\n", "secret"),
        ("npmAuthIdent: ${NAME}:abcdef\n", "secret"),
        ("npmScopes:\n  a:\n    npmAuthIdent: a:b\n", "secret"),
        ("npmRegistries:\n  //h.example:\n    npmAuthToken: abc\n", "secret"),
        ("enableConstraintsChecks: true\n", "program"),
        ("httpsProxy: http://proxy.example/\n", "proxy"),
        ("httpsProxy: http://proxy.allowed.example/\n", None),
        ("httpsCaFilePath: ./ca.pem\n", "authority"),
        ("cacheFolder: ../cache\n", "unverified-value"),
        ("cacheFolder: ./.yarn/cache\n", None),
        ("enableScript: false\n", "unknown-setting"),
        ("caFilePath: ./ca.pem\n", "authority"),
        ("constraintsPath: ./x.pro\n", "unknown-setting"),
        ("networkSettings:\n  '*.a.example':\n    enableNetwork: false\n", None),
        ("networkSettings:\n  a.example:\n    httpsProxy: http://proxy.allowed.example/\n", None),
        ("networkSettings:\n  a.example:\n    httpsProxy: http://proxy.example/\n", "proxy"),
        ("networkSettings:\n  a.example:\n    httpsCaFilePath: x.pem\n", "authority"),
        ("networkSettings:\n  a.example:\n    unheardOf: 1\n", "unknown-setting"),
        ("networkSettings:\n  a.example: [1]\n", "unknown-setting"),
        ("networkSettings: x\n", "unknown-setting"),
        ("supportedArchitectures:\n  os: [linux]\ninitScope: a\n", None),
    ],
)
def test_unsafe_settings(text: str, code: str | None) -> None:
    found = list(yarn_berry.unsafe_settings(make_project({".yarnrc.yml": text}), Allowed()))
    assert [(each.code, each.level) for each in found] == ([(code, Level.ERROR)] if code else [])


def test_a_switched_off_age_gate_is_a_warning() -> None:
    project = make_project({".yarnrc.yml": "initScope: b\nnpmMinimalAgeGate: 0\n"})
    [problem] = yarn_berry.unsafe_settings(project, Allowed())
    assert (problem.level, problem.location) == (Level.WARNING, Location(".yarnrc.yml", 2))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "enableScripts: false\n"),
        ("# why\na: b\n", "# why\na: b\n\nenableScripts: false\n"),
        ("a: b", "a: b\n\nenableScripts: false\n"),
        ("a: b\r\nenableScripts: true\r\n", "a: b\r\nenableScripts: false\r\n"),
        ("enableScripts: true # c\na: b\n", "enableScripts: false # c\na: b\n"),
        ("enableScripts: false\n", None),
    ],
)
def test_switching_off(before: str | None, after: str | None) -> None:
    edits = yarn_berry.switch_off(make_project({} if before is None else {".yarnrc.yml": before}))
    assert [(edit.path, edit.content.decode()) for edit in edits] == (
        [] if after is None else [(".yarnrc.yml", after)]
    )
    if edits:
        project = make_project({".yarnrc.yml": edits[0].content})
        assert not list(yarn_berry.scripts_run(project))


def test_a_layout_that_cannot_be_switched_off_is_said() -> None:
    with pytest.raises(UndecidedError, match=r"cannot write|not YAML"):
        yarn_berry.switch_off(make_project({".yarnrc.yml": "{enableScripts: true}\n"}))


def test_allowances_and_registries() -> None:
    meta = {
        "a": {"built": True}, "@s/b@1.0.0": {"built": True}, "c": {"built": False},
        "d": {"optional": True}, "e": {"built": "true"},
    }  # fmt: skip
    manifest = json.dumps({"name": "r", "dependenciesMeta": meta}, indent=2)
    rc = "npmRegistryServer: https://two/\nnpmScopes:\n  s:\n    npmRegistryServer: https://one/\n"
    project = make_project({"package.json": manifest, ".yarnrc.yml": rc})
    assert [(a.package, a.version, a.location.line) for a in yarn_berry.allowances(project)] == [
        ("a", None, 5),
        ("@s/b", "1.0.0", 8),
    ]
    assert yarn_berry.registry_of(project, "@s/x") == "https://one/"
    assert yarn_berry.registry_of(project, "x") == "https://two/"
    assert yarn_berry.registry_of(make_project({}), "x") is None
    assert yarn_berry.rebuild(project, [("a", "3.0.0"), ("@s/b", "1.0.0")]) == [
        ["yarn", "rebuild", "a", "@s/b"]
    ]
    with pytest.raises(UsageError, match=r"@s/b@2.0.0 only where"):
        yarn_berry.rebuild(project, [("@s/b", "2.0.0")])


BUILT = '"x@1.0.0": {\n      "built": true\n    }'
META = f'"dependenciesMeta": {{\n    {BUILT}\n  }}'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", f"{{\n  {META}\n}}"),
        ('{\n  "a": ["b", "c"]\n}\n', f'{{\n  "a": ["b", "c"],\n  {META}\n}}\n'),
        (
            '{\n  "dependenciesMeta": {},\n  "a": "\\u00e9 \\"}"\n}',
            f'{{\n  {META},\n  "a": "\\u00e9 \\"}}"\n}}',
        ),
        (
            '{\r\n\t"a": 1\r\n}\r\n',
            f'{{\n\t"a": 1,\n  {META}\n}}\n'.replace("  ", "\t").replace("\n", "\r\n"),
        ),
        (f'{{\n  {META},\n  "a": {{"b": {{}}}}\n}}', f'{{\n  {META},\n  "a": {{"b": {{}}}}\n}}'),
    ],
)
def test_the_allow_list_keeps_the_layout(before: str, after: str) -> None:
    edit = yarn_berry.allow_list(make_project({"package.json": before}), [("x", "1.0.0")])
    assert isinstance(edit, Edit)
    assert (edit.path, edit.content.decode()) == ("package.json", after)


# -- the real Yarn

MakeMarker = Callable[..., Marker]
VERSIONS = ("yarn3.8", "yarn4.9", "yarn4.13", "yarn4.14", "yarn4.18")


def prepare(folder: Path, marker: Marker, yarnrc: str | None) -> Path:
    manifest = {"name": "demo", "dependencies": {"marker": marker.specifier}}
    write(folder, {"package.json": json.dumps(manifest), "yarn.lock": ""})
    if yarnrc is not None:
        write(folder, {".yarnrc.yml": yarnrc})
    return folder


def matrix() -> list[object]:
    few = {("yarn4.13", "enableScripts: false\n"), ("yarn4.18", "enableScripts: true\n")}
    return [
        pytest.param(
            version,
            text,
            words,
            id=f"{version} {text!r}",
            marks=() if (version, text) in few else pytest.mark.slow,
        )
        for version in VERSIONS
        for text, words in SPELLINGS
    ]


@pytest.mark.parametrize(("version", "text", "words"), matrix())
def test_what_passes_runs_no_script(
    clients: Clients,
    tmp_path: Path,
    marker_package: MakeMarker,
    version: str,
    text: str | None,
    words: str | None,
) -> None:
    marker = marker_package("marker")
    folder = prepare(tmp_path / "project", marker, text)
    done = clients.run(version, "install", cwd=folder, check=False)
    assert not (marker.ran and words is None)
    if words == RUNS:
        assert marker.ran, done.stdout
    if words is None:
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("version", "runs"),
    [
        pytest.param("yarn4.13", True, marks=pytest.mark.slow),
        pytest.param("yarn4.14", False, marks=pytest.mark.slow),
        ("yarn4.18", False),
    ],
)
def test_the_default_of_each_version(
    clients: Clients, tmp_path: Path, marker_package: MakeMarker, version: str, runs: bool
) -> None:
    marker = marker_package("marker")
    clients.run(version, "install", cwd=prepare(tmp_path / "project", marker, None))
    assert marker.ran is runs


@pytest.mark.parametrize("version", [pytest.param("yarn3.8", marks=pytest.mark.slow), "yarn4.18"])
@pytest.mark.parametrize("linker", ["node-modules", pytest.param("pnp", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_rebuild_runs_exactly_what_the_allow_list_names(
    clients: Clients, tmp_path: Path, marker_package: MakeMarker, version: str, linker: str
) -> None:
    one, two = marker_package("one"), marker_package("two")
    manifest = {"name": "demo", "dependencies": {"one": one.specifier, "two": two.specifier}}
    files = {
        "package.json": json.dumps(manifest, indent=2),
        ".yarnrc.yml": f"enableScripts: false\nnodeLinker: {linker}\n",
        "yarn.lock": "",
    }
    folder = write(tmp_path / "project", files)
    clients.run(version, "install", cwd=folder)
    assert (one.ran, two.ran) == (False, False)
    edit = yarn_berry.allow_list(make_project(files), [("one", "1.0.0")])
    assert isinstance(edit, Edit)
    files["package.json"] = edit.content.decode()
    write(folder, files)
    for program, *args in yarn_berry.rebuild(make_project(files), [("one", "1.0.0")]):
        assert program == "yarn"
        clients.run(version, *args, cwd=folder)
    assert (set(one.events), two.events) == ({"postinstall"}, [])
