from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.clients import clients as all_clients
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.yarn_classic import client as yarn_classic
from npm_vetted.errors import DocumentError
from npm_vetted.model import Group, Kind
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

FIXTURE = Path(__file__).parents[1] / "fixtures" / "yarn-classic" / "everything"


def read(text: str, files: Mapping[str, bytes] | None = None) -> Lockfile:
    return yarn_classic.read_lockfile("yarn.lock", text.encode(), (files or {}).get)


def readable(case: corpus.Case) -> bool:
    return b"<<<<<<<" not in case.data


CASES = [case for case in corpus.cases("yarn-classic") if readable(case)]


def test_the_two_yarns_are_found_by_themselves() -> None:
    assert {"yarn-classic", "yarn-berry"} <= set(all_clients())


@pytest.mark.parametrize("case", corpus.by_size(CASES))
def test_artifacts_are_those_of_the_truth(case: corpus.Case) -> None:
    assert yarn_classic.recognises(case.name, case.data)
    lockfile = yarn_classic.read_lockfile(case.name, case.data, folder_reader(case.folder))
    assert corpus.rows(artifact for _, artifact in lockfile.artifacts()) == corpus.expected(case)


@pytest.mark.parametrize("case", corpus.by_size(CASES))
def test_aliases_stand_under_their_real_names(case: corpus.Case) -> None:
    lockfile = yarn_classic.read_lockfile(case.name, case.data, folder_reader(case.folder))
    aliases = case.extra["aliases"]
    assert isinstance(aliases, list)
    names = {(artifact.name, artifact.version) for _, artifact in lockfile.artifacts()}
    assert {(real, version) for _, real, version in aliases} <= names


@pytest.mark.parametrize(
    "case",
    [case for case in corpus.cases("yarn-classic", "yarn-berry") if not readable(case)],
    ids=str,
)
def test_merge_markers_are_refused_though_yarn_merges(case: corpus.Case) -> None:
    with pytest.raises(DocumentError, match="merge conflict"):
        yarn_classic.read_lockfile(case.name, case.data, folder_reader(case.folder))


@pytest.mark.parametrize("pair", corpus.pairs("yarn-classic"), ids=lambda pair: str(pair[0].pair))
def test_changed_blocks_hold_all_that_a_pair_adds(pair: tuple[corpus.Case, corpus.Case]) -> None:
    before, after = (
        yarn_classic.read_lockfile(case.name, case.data, folder_reader(case.folder))
        for case in pair
    )
    changed = [after.entry(key).artifact for key in after.changed([before])]
    found = corpus.rows(artifact for artifact in changed if artifact)
    added = corpus.expected(pair[1]) - corpus.expected(pair[0])
    assert added <= found
    assert found <= corpus.expected(pair[1])


def test_a_project_that_yarn_wrote() -> None:
    lockfile = yarn_classic.read_lockfile(
        "yarn.lock", (FIXTURE / "yarn.lock").read_bytes(), folder_reader(FIXTURE)
    )
    manifests = manifests_of(FIXTURE, "packages/a", "packages/b")
    assert list(lockfile.disagreements(manifests)) == []
    assert {
        (entry.line, artifact.name, artifact.version, artifact.kind)
        for entry, artifact in lockfile.artifacts()
    } == {
        (5, "@types/ms", "2.1.0", Kind.REGISTRY),
        (10, "isarray", "2.0.5", Kind.REGISTRY),
        (18, "fsevents", "2.3.3", Kind.REGISTRY),
        (23, "is-number", "7.0.0", Kind.REGISTRY),
        (28, "is-number", "4.0.0", Kind.REGISTRY),
        (33, "is-odd", "3.0.1", Kind.REGISTRY),
        (40, "isarray", "2.0.5", Kind.REGISTRY),
        (45, "kind-of", "6.0.3", Kind.REGISTRY),
        (54, "local", "1.0.0", Kind.FILE),
        (58, "ms", "2.1.3", Kind.REGISTRY),
        (63, "is-odd", "2.0.0", Kind.REGISTRY),
        (70, "remote", "4.0.0", Kind.REGISTRY),
    }
    direct = lockfile.direct(manifests)
    assert lockfile.reach(direct) == set(lockfile.blocks), "resolutions are followed"
    assert direct["isarray@2.0.5"] == {Group.DEVELOPMENT}
    assert direct["fsevents@^2.3.2"] == {Group.OPTIONAL}
    wanted = ["is-number@7.0.0, is-number@^6.0.0", "is-number@^4.0.0", "isarray@2.0.5"]
    assert lockfile.dependents(wanted) == {
        "is-number@7.0.0, is-number@^6.0.0": ("is-odd@^3.0.1",),
        "is-number@^4.0.0": ('"odd@npm:is-odd@^2.0.0"',),
        "isarray@2.0.5": (),
    }


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("left-pad@^1:", "left-pad"),
        ('"@s/x@^1", "@s/x@^2":', "@s/x"),
        ('"alias@npm:real@^1":', "real"),
        ('"alias@npm:@s/real@^1":', "@s/real"),
        ('"string-width-cjs@npm:string-width@^4", string-width@^4.1.0:', "string-width"),
        ("bare:", "bare"),
        ('"x@https://host.example/x.tgz":', "x"),
        ('"git+ssh://git@host.example/u/r.git":', "named"),
        ("user/repo:", "named"),
    ],
)
def test_names(entry: str, name: str) -> None:
    text = f'{entry}\n  name named\n  version "1.0.0"\n  resolved "https://h/x/-/x.tgz#ab"\n'
    assert [artifact.name for _, artifact in read(text).artifacts()] == [name]


@pytest.mark.parametrize(
    ("wanted", "resolved", "kind"),
    [
        ("^1", "https://registry.yarnpkg.com/x/-/x-1.0.0.tgz#ab", Kind.REGISTRY),
        ("^1", "http://registry.npmjs.org/x/-/x-1.0.0.tgz", Kind.REGISTRY),
        ("https://h.example/x.tgz", "https://h.example/x.tgz#ab", Kind.TARBALL),
        ("u/r", "https://codeload.github.com/u/r/tar.gz/0123", Kind.GIT),
        ("git+https://h/r.git", "git+https://h/r.git#0123", Kind.GIT),
        ("https://github.com/u/r.git", "https://github.com/u/r.git#0123", Kind.GIT),
        ("git://h/r.git", "git://h/r.git#0123", Kind.GIT),
        ("git@h:u/r.git", "git@h:u/r.git#0123", Kind.GIT),
        ("ssh://git@h/u/r", "ssh://git@h/u/r#0123", Kind.GIT),
        ("file:./x.tgz", "file:./x.tgz#ab", Kind.FILE),
        ("file:./x.tgz", "./x.tgz#ab", Kind.FILE),
        ("^1", "x-1.0.0.tgz#ab", Kind.FILE),
        ("^1", "ftp://h/x.tgz", Kind.OTHER),
        ("^1", None, Kind.REGISTRY),
        ("file:./folder", None, None),
        ("link:./folder", None, None),
        ("./folder", None, None),
    ],
)
def test_kinds(wanted: str, resolved: str | None, kind: Kind | None) -> None:
    line = f'  resolved "{resolved}"\n' if resolved else ""
    lockfile = read(f'"x@{wanted}":\n  version "1.0.0"\n{line}')
    found = [artifact.kind for _, artifact in lockfile.artifacts()]
    assert found == ([] if kind is None else [kind])


A = 'a@^1:\n  version "1.0.0"\n  resolved "https://h/a/-/a-1.0.0.tgz#ab"\n'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# yarn lockfile v1\n",
        A,
        A.replace("\n", "\r\n"),
        "\ufeff" + A,
        "# yarn lockfile v1\n\n\n\n" + A + "\n\n",
        "# a comment\n" + A + "# another\n" + A.replace("a@", "b@"),
    ],
)
def test_layouts_that_yarn_reads(text: str) -> None:
    names = {artifact.name for _, artifact in read(text).artifacts()}
    assert names == {name for name in "ab" if f"{name}@" in text}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (A + "\n" + A, 5, "appears twice"),
        (A + "\n" + A.replace("a@^1", "b@^1, a@^1"), 5, "is in two entries"),
        (A + '  version "2.0.0"\n', 4, "appears twice"),
        (A + "\n  x 1\n\n" + A.replace("a@", "b@"), 5, "cannot read"),
        (A + "x\n", 4, "cannot read"),
        ('a@^1 "b@^1"\n', 1, "cannot read"),
        ("a@^1:\n", 1, "cannot read"),
        ("a@^1:\n  dependencies:\n", 2, "cannot read"),
        (A.replace("  version", "   version"), 2, "cannot read"),
        (A.replace("  version", "\tversion"), 2, "control character"),
        (A.replace("1.0.0", "1.0.0\u2028"), 2, "control character"),
        (A.replace("1.0.0", "1.0.0\0"), 2, "control character"),
        (A.replace('"1.0.0"\n', '"1.0.0'), 2, "cannot read"),
        (A.replace("version", "versions"), 2, "is not known"),
        (A + "  prebuiltVariants x\n", 4, "is not known"),
        (A.replace('  version "1.0.0"\n', ""), 1, "missing"),
        (A.replace("resolved ", "resolved"), 3, "cannot read"),
        ("# yarn lockfile v2\n" + A, 1, "version 1"),
        ("<<<<<<< a\n" + A, 1, "merge conflict"),
        (A + "<<<<<<< a\n=======\n>>>>>>> b\n", 4, "merge conflict"),
        (A.replace("a@^1:", "a@^1, b@^1:"), 1, "expected one package"),
        (A.replace("a@^1:", "user/repo:"), 1, "without a name"),
        (A + "  dependencies:\n    b 1\n    c x\n    c x\n", 5, "cannot read"),
        (A + '  dependencies:\n    c "1"\n    c "2"\n', 6, "appears twice"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(DocumentError, match=words) as caught:
        list(read(text).artifacts())
    assert caught.value.line == line


def disagree(lockfile: str, manifest: Mapping[str, object]) -> list[tuple[str, str, int]]:
    data = json.dumps(manifest, indent=1).encode()
    files = {"package.json": data}
    found = read(lockfile, files).disagreements({"": read_manifest("package.json", data)})
    return [(problem.key, problem.location.path, problem.location.line) for problem in found]


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ({"dependencies": {"a": "^1"}}, []),
        ({"dependencies": {"a": "^1"}, "peerDependencies": {"z": "1"}}, []),
        ({"dependencies": {"a": "^2"}, "resolutions": {"a": "^1"}}, []),
        (
            {"dependencies": {"a": "^2"}},
            [("a@^2", "package.json", 3)],
        ),
        (
            {"devDependencies": {"b": "1"}},
            [("b@1", "package.json", 3)],
        ),
    ],
)
def test_disagreements(
    manifest: Mapping[str, object], expected: list[tuple[str, str, int]]
) -> None:
    assert disagree(A, manifest) == expected


def test_a_version_that_the_range_does_not_hold() -> None:
    assert disagree(A.replace("a@^1", "a@^2"), {"dependencies": {"a": "^2"}}) == [
        ("a@^2", "yarn.lock", 1)
    ]


def test_an_entry_that_yarn_would_not_heed() -> None:
    text = 'a@^1:\n  version "1.0.0"\n  integrity sha512-ab\n'
    [(key, path, line)] = disagree(text, {"dependencies": {"a": "^1"}})
    assert key == "a@1.0.0"
    assert (path, line) == ("yarn.lock", 1)


REAL = (FIXTURE / "yarn.lock").read_text("utf-8")


@st.composite
def mutations(draw: st.DrawFn, text: str = REAL) -> str:
    """The real file with one piece cut out, put in, or moved."""
    start = draw(st.integers(0, len(text)))
    end = min(len(text), start + draw(st.integers(0, 40)))
    other = draw(st.integers(0, len(text)))
    pieces = st.sampled_from(['"', "\n", "\n\n", "  ", ":", ", ", "#", "\\", text[other:end]])
    return text[:start] + draw(pieces) + text[end:]


@given(mutations())
def test_equal_blocks_are_equal_entries(text: str) -> None:
    found = contents_or_error(read, text)
    if isinstance(found, DocumentError):
        assert 1 <= found.line <= text.count("\n") + 1
        return
    after, entries = found
    before = read(REAL)
    changed = set(after.changed([before]))
    same = {key: entry for key, entry in entries.items() if key not in changed}
    assert same == {key: entry for key, entry in contents(before).items() if key in same}


@given(st.text() | st.text(alphabet='a@^1:",\n #\\v'))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = contents_or_error(
        read, text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    )
    assert not isinstance(found, DocumentError) or found.line >= 1


# -- settings

RUNS = "Yarn 1 runs dependencies' install scripts"
SPELLINGS: list[tuple[str | None, str | None]] = [
    ("ignore-scripts true\n", None),
    ("ignore-scripts true # said why\n", None),
    ("ignore-scripts  true\n", "expected a line"),
    ("ignore-scripts: true\n", None),
    ('"ignore-scripts" true\n', None),
    ('ignore-scripts "true"\n', None),
    ("ignore-scripts true\r\n", None),
    ("\ufeffignore-scripts true\n", None),
    ("ignore-scripts false\nignore-scripts true\n", None),
    ('registry "https://registry.yarnpkg.com/"\nignore-scripts true\n', None),
    ("env:\n  X y\nignore-scripts true\n", None),
    (None, RUNS),
    ("", RUNS),
    ("ignore-scripts=true\n", "expected a line"),
    ("ignore-scripts\n", "expected a line"),
    ("ignore-scripts\ttrue\n", "expected a line"),
    ("ignore-scripts false\n", "lets install scripts run"),
    ('ignore-scripts ""\n', "lets install scripts run"),
    ("ignore-scripts 0\n", "lets install scripts run"),
    ('ignore-scripts "false"\n', "is text"),
    ("ignore-scripts 1\n", "is text"),
    ("ignore-scripts yes\n", "is text"),
    ("ignore-scripts trueish\n", "expected a line"),
    ("ignore-scripts true true\n", "expected a line"),
    ("ignore-scripts true, x\n", "expected a line"),
    ("ignore-scripts true\nignore-scripts false\n", "lets install scripts run"),
    ("IGNORE-SCRIPTS true\n", RUNS),
    ("--ignore-scripts true\n", "does not cover every command"),
    ("--install.ignore-scripts true\n", "does not cover every command"),
    ("env:\n  ignore-scripts true\n", RUNS),
    ("__proto__:\n  ignore-scripts true\n", "expected a line"),
    ("\n  x 1\nignore-scripts true\n", "expected a line"),
    ("# c\rignore-scripts true\n", "expected a line"),
    ("ignore-scripts true\n--no-default-rc true\n", "other settings"),
    ("ignore-scripts true\n--install.no-default-rc true\n", "other settings"),
    ('ignore-scripts true\n--use-yarnrc "./other"\n', "other settings"),
    ("ignore-scripts true\n<<<<<<< a\n=======\nignore-scripts false\n>>>>>>> b\n", "expected a"),
]


@pytest.mark.parametrize(("text", "words"), SPELLINGS, ids=[repr(text) for text, _ in SPELLINGS])
def test_the_switch(text: str | None, words: str | None) -> None:
    project = make_project({} if text is None else {".yarnrc": text})
    messages = [problem.message for problem in yarn_classic.scripts_run(project)]
    assert len(messages) == (words is not None)
    assert words is None or words in messages[0]


def test_npmrc_is_no_switch() -> None:
    [problem] = yarn_classic.scripts_run(make_project({".npmrc": "ignore-scripts=true\n"}))
    assert problem.message == (
        "Yarn 1 runs dependencies' install scripts: expected the line 'ignore-scripts true' in "
        ".yarnrc (ignore-scripts in .npmrc does nothing in Yarn 1)"
    )


@pytest.mark.parametrize("folder", ["packages", "packages/a"])
def test_a_nearer_yarnrc(folder: str) -> None:
    files = {".yarnrc": "ignore-scripts true\n", "packages/a/package.json": '{"name": "a"}'}
    project = make_project({**files, f"{folder}/.yarnrc": "x 1\nignore-scripts false\n"})
    [problem] = yarn_classic.scripts_run(project)
    assert (problem.location.path, problem.location.line) == (f"{folder}/.yarnrc", 2)


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        (".yarnrc", 'registry "https://registry.yarnpkg.com/"\n', None),
        (".yarnrc", 'registry "http://registry.npmjs.org/"\n', "registry-not-https"),
        (".yarnrc", 'registry "https://evil.example/"\n', "registry-not-allowed"),
        (".yarnrc", '"@s:registry" "https://evil.example/"\n', "registry-not-allowed"),
        (".yarnrc", "strict-ssl false\n", "tls-off"),
        (".yarnrc", "strict-ssl true\n", None),
        (".yarnrc", 'yarn-path ".yarn/releases/yarn.cjs"\n', "program"),
        (".yarnrc", 'script-shell "./sh"\n', "program"),
        (".yarnrc", "--cache-folder ./cache\n", "cache-in-repository"),
        (".yarnrc", '--install.cache-folder "cache"\n', "cache-in-repository"),
        (".yarnrc", "--cache-folder /var/cache/yarn\n", None),
        (".yarnrc", '"//h.example/:_authToken" abcdef\n', "secret"),
        (".yarnrc", "--install.check-files true\n", None),
        (".yarnrc", "--install.update-checksums true\n", "unknown-flag"),
        (".yarnrc", "--skip-integrity-check true\n", "unknown-flag"),
        (".npmrc", "registry=http://registry.npmjs.org/\n", "registry-not-https"),
        (".npmrc", "@s:registry=https://evil.example/\n", "registry-not-allowed"),
        (".npmrc", "registry=${REGISTRY}\n", "registry-unclear"),
        (".npmrc", "//registry.npmjs.org/:_authToken=abcdef\n", "secret"),
        (".npmrc", "//h.example/:_authToken=${TOKEN}\n", "token-for-other-host"),
        (".yarnrc", 'disturl "https://evil.example/"\n', "host-not-allowed"),
        (".yarnrc", 'https-proxy "http://proxy.example/"\n', "proxy"),
        (".npmrc", "sass_binary_site=https://evil.example/\n", "host-not-allowed"),
        (".npmrc", "script-shell=./sh\n", "program"),
        (".npmrc", "strict-ssl=false\n", "tls-off"),
        (".yarnrc.yml", "nodeLinker: pnp\nyarnPath: x.cjs\n", "program"),
        (".yarnrc", 'https-proxy "http://proxy.allowed.example/"\n', None),
        (".yarnrc", 'cafile "x.pem"\n', "authority"),
        (".yarnrc", "experimental-thing true\n", "unknown-setting"),
        (".yarnrc", 'env:\n  NODE_OPTIONS "--require ./x.js"\n', "unknown-setting"),
        (".npmrc", "[env]\nNODE_OPTIONS=--require ./x.js\n", "unknown-setting"),
        (".npmrc", "cache-folder=./cache\n", "unknown-setting"),
        (".npmrc", "save-exact=true\n[other]\nx=y\n", None),
        (".yarnrc.yml", "enableScripts: false\n", None),
    ],
)
def test_unsafe_settings(name: str, text: str, code: str | None) -> None:
    project = make_project({name: text})
    found = list(yarn_classic.unsafe_settings(project, Allowed()))
    assert [each.code for each in found] == ([code] if code else [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "ignore-scripts true\n"),
        ("# why\nregistry x\n", "# why\nregistry x\nignore-scripts true\n"),
        ("registry x", "registry x\nignore-scripts true\n"),
        ("a 1\r\nignore-scripts false\r\n# b\r\n", "a 1\r\nignore-scripts true\r\n# b\r\n"),
        ('ignore-scripts "false"\nx y\n', "ignore-scripts true\nx y\n"),
        ("ignore-scripts true\n", None),
    ],
)
def test_switching_off(before: str | None, after: str | None) -> None:
    project = make_project({} if before is None else {".yarnrc": before})
    edits = yarn_classic.switch_off(project)
    assert [(edit.path, edit.content.decode()) for edit in edits] == (
        [] if after is None else [(".yarnrc", after)]
    )
    if edits:
        assert not list(yarn_classic.scripts_run(make_project({".yarnrc": edits[0].content})))


def test_registries_and_rebuild() -> None:
    project = make_project(
        {".yarnrc": '"@s:registry" "https://one.example/"\n', ".npmrc": "registry=https://two/\n"}
    )
    assert yarn_classic.registry_of(project, "@s/x") == "https://one.example/"
    assert yarn_classic.registry_of(project, "x") == "https://two/"
    assert yarn_classic.registry_of(make_project({}), "x") is None
    assert yarn_classic.rebuild(project, [("esbuild", "1.0.0"), ("@s/x", "2.0.0")]) == [
        [
            "npm",
            "rebuild",
            "--ignore-scripts=false",
            "--dangerously-allow-all-scripts=true",
            "esbuild@1.0.0",
            "@s/x@2.0.0",
        ]
    ]
    assert "no allow-list" in str(yarn_classic.allow_list(project, []))


# -- the real Yarn 1

MakeMarker = Callable[..., Marker]


def scripts_ran(clients: Clients, folder: Path, marker: Marker, yarnrc: str | None) -> bool:
    """Whether a real ``yarn install`` or ``yarn add`` runs a dependency's postinstall."""
    manifest = json.dumps({"name": "demo", "dependencies": {"marker": marker.specifier}})
    other = "ignore-scripts false\n"
    write(folder, {"package.json": manifest, "other": other})
    if yarnrc is not None:
        write(folder, {".yarnrc": yarnrc})
    clients.run("yarn1", "install", "--offline", cwd=folder, check=False)
    clients.run("yarn1", "install", "--force", "--offline", cwd=folder, check=False)
    clients.run("yarn1", "add", marker.specifier, "--offline", cwd=folder, check=False)
    return marker.ran


FEW = {"ignore-scripts true\n", None}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(text, words, id=repr(text), marks=() if text in FEW else pytest.mark.slow)
        for text, words in SPELLINGS
    ],
)
def test_what_passes_runs_no_script(
    clients: Clients, tmp_path: Path, marker_package: MakeMarker, text: str | None, words: str
) -> None:
    ran = scripts_ran(clients, tmp_path / "project", marker_package("marker"), text)
    assert not (ran and words is None)
    if words in (RUNS, "lets install scripts run", "other settings"):
        assert ran, "a switch that works is refused"


@pytest.mark.slow
def test_rebuild_runs_exactly_what_it_names(
    clients: Clients, tmp_path: Path, marker_package: MakeMarker
) -> None:
    one, two = marker_package("one"), marker_package("two")
    manifest = {"dependencies": {"one": one.specifier, "two": two.specifier}}
    files = {"package.json": json.dumps(manifest), ".yarnrc": "ignore-scripts true\n"}
    folder = write(tmp_path / "project", files)
    clients.run("yarn1", "install", "--offline", cwd=folder)
    assert not one.ran
    project = make_project(files)
    for program, *args in yarn_classic.rebuild(project, [("one", "1.0.0"), ("two", "2.0.0")]):
        assert program == "npm"
        clients.run("npm11", *args, cwd=folder)
    assert (one.events, two.events) == (["postinstall"], [])
