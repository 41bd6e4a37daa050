"""How ``.npmrc`` reads, and when it switches install scripts off."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted.errors import DocumentError
from npm_vetted.formats.npmrc import (
    NpmrcSetting,
    depends_on_environment,
    effective,
    load_npmrc,
    switch_problem,
)
from tests.support.real_clients import Clients, Marker


def values(text: str | bytes) -> dict[str, object]:
    """The keys above any section, with what they are set to in the end."""
    data = text.encode() if isinstance(text, str) else text
    settings = load_npmrc(".npmrc", data)
    keys = dict.fromkeys(setting.key for setting in settings if setting.section is None)
    found = {key: effective(settings, key) for key in keys}
    return {key: setting.value for key, setting in found.items() if setting is not None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("a=b", {"a": "b"}),
        (" a = b ", {"a": "b"}),
        ("a", {"a": True}),
        ("a=", {"a": ""}),
        ("a=true\nb=false\nc=null", {"a": True, "b": False, "c": None}),
        ("a=True\nb=1\nc=undefined", {"a": "True", "b": "1", "c": "undefined"}),
        ("a=b=c", {"a": "b=c"}),
        ("=b", {}),
        ("; a=b\n  # c=d\n\t;e", {}),
        ("a=b ; c\nd=e#f", {"a": "b", "d": "e"}),
        (r"a=b\;c", {"a": "b;c"}),
        (r"a=b\#c", {"a": "b#c"}),
        (r"a=\\b", {"a": r"\b"}),
        (r"a=\b", {"a": r"\b"}),
        ("a=b\\", {"a": "b\\"}),
        ('a="b ; c"', {"a": "b ; c"}),
        ("a='b # c'", {"a": "b # c"}),
        ('a="b" ; c', {"a": '"b"'}),
        ('a="b', {"a": '"b'}),
        (r'a="tr\u0075e"', {"a": True}),
        (r'a="\q"', {"a": r'"\q"'}),
        ("a='\"b\"'", {"a": "b"}),
        ("a='1'\nb='{\"c\":1}'", {"a": "'1'", "b": "'{\"c\":1}'"}),
        ("a='NaN'", {"a": "NaN"}),
        ("a='[\"b\",true]'", {"a": ("b", True)}),
        ('"a"=b\n\'c\'=d', {"a": "b", "c": "d"}),
        ("a=1\na=2", {"a": "2"}),
        ("a[]=1\na[]=2", {"a": ("1", "2")}),
        ("a=1\na[]=2", {"a": ("1", "2")}),
        ("a[]=1\na=2", {"a": ("1", "2")}),
        ("[]=1", {"[]": "1"}),
        ("\ufeffa=b", {"a": "b"}),
        ("a=b\r\nc=d\re=f\n\n\ng=h", {"a": "b", "c": "d", "e": "f", "g": "h"}),
        ("a=b\u2028c", {}),
        ("a\u00a0=\u3000b", {"a": "b"}),
        ("a\x85=\x1cb", {"a\x85": "\x1cb"}),
        (b"a=\xff", {"a": "\ufffd"}),
        ("a=b\0", {"a": "b\0"}),
        ("[s]\na=b", {}),
        (" [s]\na=b", {"[s]": True, "a": "b"}),
        ("[s] \na=b", {}),
        ("a=${B}", {"a": "${B}"}),
    ],
)  # fmt: skip
def test_reads_as_npm_does(text: str | bytes, expected: dict[str, object]) -> None:
    assert values(text) == expected


def test_says_line_section_and_text() -> None:
    assert load_npmrc(".npmrc", b"a=1\r\n\r\n; x\r[s]\nb[] = 2 ; y\n") == (
        NpmrcSetting(key="a", value="1", line=1, raw="a=1"),
        NpmrcSetting(key="", value=None, line=4, raw="[s]", section="s"),
        NpmrcSetting(key="b", value="2", line=5, raw="b[] = 2 ; y", section="s", listed=True),
    )


@pytest.mark.parametrize("key", ["'1'", "'null'", "'true'", "'{}'", "'[]'"])
def test_a_key_that_is_no_text_is_an_error(key: str) -> None:
    with pytest.raises(DocumentError) as raised:
        load_npmrc("x/.npmrc", f"\n{key}=1".encode())
    assert (raised.value.path, raised.value.line) == ("x/.npmrc", 2)


def test_hostile_depth_is_an_error() -> None:
    deep = b"'" + b"[" * 100_000 + b"]" * 100_000 + b"'"
    with pytest.raises(DocumentError):
        load_npmrc(".npmrc", b"a=" + deep)


@pytest.mark.parametrize(
    ("text", "depends"),
    [
        ("a=${B}", True),
        ("a=x${B?}y", True),
        ("a=${B-c}", True),
        ("a=${B:-c}", True),
        ("a[]=${B}", True),
        ("${A}=b", True),
        ("a=$B", False),
        ("a={B}", False),
        ("a=${", False),
    ],
)
def test_flags_what_depends_on_the_environment(text: str, depends: bool) -> None:
    assert [setting.environment for setting in load_npmrc(".npmrc", text.encode())] == [depends]


def problem(text: str | bytes) -> tuple[int, str] | None:
    data = text.encode() if isinstance(text, str) else text
    found = switch_problem(".npmrc", load_npmrc(".npmrc", data))
    return None if found is None else (found.location.line, found.message)


SWITCHED_OFF: list[str | bytes] = [
    "ignore-scripts=true",
    "ignore-scripts",
    "ignore-scripts=",
    "ignore-scripts = true",
    "\tignore-scripts\t=\ttrue\t",
    "ignore-scripts=;yes",
    'ignore-scripts="true"',
    "ignore-scripts='true'",
    "ignore-scripts='\"true\"'",
    'ignore-scripts=""',
    'ignore-scripts=" true "',
    r'ignore-scripts="tr\u0075e"',
    '"ignore-scripts"=true',
    "'ignore-scripts'=true",
    "ignore-scripts=true ; why not",
    "ignore-scripts=true#x",
    "\ufeffignore-scripts=true",
    "\u00a0ignore-scripts=\u2003true\u3000",
    "a=b\r\nignore-scripts=true\r\n",
    "a=b\rignore-scripts=true\r",
    "ignore-scripts=false\nignore-scripts=true",
    "ignore-scripts=true\n[s]\nignore-scripts=false",
    "ignore-scripts=true\nignore_scripts=false",
    "ignore-scripts=true\nIGNORE-SCRIPTS=false",
    "ignore-scripts=true\n;ignore-scripts=false",
    "ignore-scripts=true\n//host/${PATH}/:_authToken=${TOKEN}",
    'ignore-scripts=true\nfoo="a\\nignore-scripts=false"',
    b"; caf\xe9\nignore-scripts=true",
    "ignore-scripts=true\n=false",
    "ignore-scripts=true\nignore-scripts=false\u2028",
    "ignore-scripts=true\n__proto__=x\n[__proto__]\nignore-scripts=false",
    "no-ignore-scripts=true\nignore-scripts=true",
    "ignore-scripts[]=true",
    "ignore-scripts='[\"true\"]'",
    "ignore-scripts='[]'\nignore-scripts=true",
]
"""Files that switch scripts off, as the differential test proves with the real npm."""

PLAIN = "expected ignore-scripts=true"
LINE = "expected the line ignore-scripts=true"
ACCIDENT = f"is no boolean: npm keeps it as text, and scripts are off only by accident; {PLAIN}"
LISTED = ACCIDENT.replace("text", "a list")
NOTHING = f"nothing switches the install scripts of dependencies off; {LINE}"
DOUBT = "may change ignore-scripts, by npm's version or the environment"
OVERRIDE = f"{DOUBT}: expected one plain line ignore-scripts=true"
SECTION = "is below the section [s], where npm does not read it"
RUNS = "lets install scripts run: expected ignore-scripts=true"
UNSET = "depends on the environment: undecidable; expected ignore-scripts=true"

REFUSED: list[tuple[str | bytes, int, str]] = [
    ("", 1, NOTHING),
    ("a=b", 1, NOTHING),
    ("; ignore-scripts=true", 1, NOTHING),
    ("ignore-scripts=false", 1, f"'ignore-scripts=false' {RUNS}"),
    ("ignore-scripts=true\nignore-scripts=false", 2, f"'ignore-scripts=false' {RUNS}"),
    ("ignore-scripts=true\r\rignore-scripts=false", 3, f"'ignore-scripts=false' {RUNS}"),
    ("ignore-scripts=null", 1, f"'ignore-scripts=null' {RUNS}"),
    ("ignore-scripts=undefined", 1, f"'ignore-scripts=undefined' {RUNS}"),
    ("ignore-scripts=' false '", 1, f'"ignore-scripts=\' false \'" {RUNS}'),
    ("ignore-scripts=0", 1, f"'ignore-scripts=0' {ACCIDENT}"),
    ("ignore-scripts=1", 1, f"'ignore-scripts=1' {ACCIDENT}"),
    ("ignore-scripts='1'", 1, f'"ignore-scripts=\'1\'" {ACCIDENT}'),
    ("ignore-scripts=yes", 1, f"'ignore-scripts=yes' {ACCIDENT}"),
    ("ignore-scripts=no", 1, f"'ignore-scripts=no' {ACCIDENT}"),
    ("ignore-scripts=True", 1, f"'ignore-scripts=True' {ACCIDENT}"),
    ("ignore-scripts=False", 1, f"'ignore-scripts=False' {ACCIDENT}"),
    ("ignore-scripts='true", 1, f'"ignore-scripts=\'true" {ACCIDENT}'),
    ('ignore-scripts="true" ; x', 1, f"'ignore-scripts=\"true\" ; x' {ACCIDENT}"),
    ("ignore-scripts=true\0", 1, rf"'ignore-scripts=true\x00' {ACCIDENT}"),
    ("ignore-scripts=${V}", 1, f"'ignore-scripts=${{V}}' {UNSET}"),
    ("ignore-scripts=${V?}", 1, f"'ignore-scripts=${{V?}}' {UNSET}"),
    ("ignore-scripts=${V:-true}", 1, f"'ignore-scripts=${{V:-true}}' {UNSET}"),
    ("ignore-scripts[]=false", 1, f"'ignore-scripts[]=false' {LISTED}"),
    ("ignore-scripts[]=", 1, f"'ignore-scripts[]=' {LISTED}"),
    ("ignore-scripts=true\nignore-scripts[]=x", 2, f"'ignore-scripts[]=x' {LISTED}"),
    ("ignore-scripts='[]'", 1, f'"ignore-scripts=\'[]\'" {LISTED}'),
    ("ignore-scripts=true\n${V}=null", 2, f"'${{V}}=null' {OVERRIDE}"),
    ("ignore-scripts=true\nignore-scripts${V?}=null", 2,
     f"'ignore-scripts${{V?}}=null' {OVERRIDE}"),
    ("ignore-scripts=true\n[ignore-scripts.x]", 2, f"'[ignore-scripts.x]' {OVERRIDE}"),
    ("ignore-scripts=true\n[__proto__.ignore-scripts.x]", 2,
     f"'[__proto__.ignore-scripts.x]' {OVERRIDE}"),
    ("ignore-scripts=true\n[${V}]", 2, f"'[${{V}}]' {OVERRIDE}"),
    ("[s]\nignore-scripts=true", 2,
     f"'ignore-scripts=true' {SECTION}; {LINE} above any section"),
    *(
        (f"a=b\n{line}", 2,
         f"npm does not know {line!r}; {LINE}")
        for line in (
            "ignore_scripts=true", "ignoreScripts=true", "IGNORE-SCRIPTS=true",
            "no-ignore-scripts=false", "ignore-scripts:true", "ignore-scripts true",
            "[ignore-scripts=true", "--ignore-scripts=true", "ignore scripts",
        )
    ),
    ("ignore-scripts=true".encode("utf-16"), 1,
     f"ignore-scripts is written in UTF-16, which npm cannot read; {LINE}"),
    ("ignore-scripts\u200b=true", 1,
     rf"npm does not know 'ignore-scripts\u200b=true'; {LINE}"),
]  # fmt: skip


@pytest.mark.parametrize("text", SWITCHED_OFF)
def test_scripts_are_off(text: str | bytes) -> None:
    assert problem(text) is None


@pytest.mark.parametrize(("text", "line", "message"), REFUSED)
def test_scripts_are_not_off_beyond_doubt(text: str | bytes, line: int, message: str) -> None:
    assert problem(text) == (line, message)


@pytest.mark.parametrize(
    ("path", "fix"),
    [
        (".npmrc", ("npm", "config", "set", "ignore-scripts=true", "--location=project")),
        (
            "a/b/.npmrc",
            ("npm", "--prefix", "a/b", "config", "set", "ignore-scripts=true",
             "--location=project"),
        ),
    ],
)  # fmt: skip
def test_the_fix_sets_the_switch_and_stages_the_file(path: str, fix: tuple[str, ...]) -> None:
    found = switch_problem(path, ())
    assert found is not None
    assert found.fix == (fix, ("git", "add", path))


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_read_or_are_our_own_error(data: bytes) -> None:
    with contextlib.suppress(DocumentError):
        settings = load_npmrc(".npmrc", data)
        switch_problem(".npmrc", settings)
        assert [s.line for s in settings] == sorted(s.line for s in settings)


# What the real npm does. Each file goes into a project of its own, whose one dependency leaves a
# mark when its postinstall runs.

SPELLINGS: list[str | bytes] = [
    f"{before}{key}{equals}{value}{after}"
    for before in ("", "\ufeff", "[s]\n")
    for key in ("ignore-scripts", '"ignore-scripts"', "ignore-scripts[]")
    for equals, value in (
        ("", ""), ("=", ""), ("=", "true"), (" = ", '"true"'), ("=", "false"), ("=", "null"),
        ("=", "1"), ("=", "'[true]'"), ("=", "${UNSET?}"),
    )
    for after in ("", " ; x", "\r\nignore-scripts=false")
]  # fmt: skip
MORE: list[str | bytes] = [
    "ignore-scripts=tr\\ue", "ignore-scripts=true\\;", "ignore-scripts=TRUE", "ignore-scripts=on",
    "ignore-scripts=${UNSET}", "ignore-scripts=${UNSET-true}", "ignore-scripts='tr\\u0075e'",
    "ignore-scripts='true ", "ignore-scripts=true\u2028", "ignore-scripts=true\u0085",
    "ignore-scripts\x1c=true", "ignore-scripts=\x00", b"ignore-scripts=\xfftrue",
    "\x00ignore-scripts=true", "ignore-scripts==true", "ignore-scripts=\"true\"\"",
    "ignore-scripts='{}'", "ignore-scripts='0'", "ignore-scripts='null'", "ignore-scripts='false'",
]  # fmt: skip


def _project(folder: Path, marker: Marker, text: str | bytes) -> Path:
    folder.mkdir(parents=True)
    data = text.encode() if isinstance(text, str) else text
    (folder / ".npmrc").write_bytes(data)
    manifest = {"name": "p", "version": "1.0.0", "dependencies": {"marker": marker.specifier}}
    (folder / "package.json").write_text(json.dumps(manifest))
    return folder


def _agrees(clients: Clients, npm: str, folder: Path, marker: Marker, text: str | bytes) -> None:
    """Our judgement against npm's answer and npm's deed."""
    cwd = _project(folder, marker, text)
    passes = problem(text) is None
    answer = clients.run(npm, "config", "get", "ignore-scripts", cwd=cwd, check=False)
    if answer.stdout.strip() == "true" and answer.returncode == 0:
        settings = load_npmrc(".npmrc", text.encode() if isinstance(text, str) else text)
        by_environment = any(
            depends_on_environment(f"{each.key}{each.section}") for each in settings
        )
        assert passes or by_environment, "npm takes it for true"
    if passes:
        marker.clear()
        clients.run(npm, "install", "--no-package-lock", cwd=cwd)
        assert not marker.ran


@pytest.mark.parametrize(
    "text",
    [
        "ignore-scripts=true",
        pytest.param("\ufeffignore-scripts", marks=pytest.mark.slow),
        "ignore-scripts=false",
        pytest.param("a=b", marks=pytest.mark.slow),
    ],
)
def test_the_real_npm_agrees(
    clients: Clients, marker_package: Callable[..., Marker], tmp_path: Path, text: str
) -> None:
    marker = marker_package()
    _agrees(clients, "npm11", tmp_path / "p", marker, text)
    if problem(text) is not None:
        clients.run("npm11", "install", "--no-package-lock", cwd=tmp_path / "p")
        assert marker.ran


DIFFERENTIAL = [*SWITCHED_OFF, *(text for text, _, _ in REFUSED), *MORE]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("npm", "text"),
    [
        *(("npm10", text) for text in [*DIFFERENTIAL, *SPELLINGS]),
        *(("npm11", text) for text in [*DIFFERENTIAL, *SPELLINGS[::4]]),
        *(("npm12", text) for text in [*DIFFERENTIAL, *SPELLINGS[1::4]]),
    ],
)
def test_every_real_npm_agrees(
    clients: Clients,
    marker_package: Callable[..., Marker],
    tmp_path: Path,
    npm: str,
    text: str | bytes,
) -> None:
    _agrees(clients, npm, tmp_path / "p", marker_package(), text)
