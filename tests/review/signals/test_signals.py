"""What the comparison of two tarballs shows: on harmless stand-ins, and on honest changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest

from npm_vetted.review.signals.comparison import Reason
from npm_vetted.review.signals.facts import LOST, NO_TEXT_LIMIT, FileFacts
from npm_vetted.review.signals.reader import FactsReader
from npm_vetted.review.signals.table import ATTENTION
from npm_vetted.review.signals.weighing import Score, compare_packages, weigh
from tests.review.signals.stand_ins import (
    HONEST,
    LIGHT,
    PLAIN,
    STAND_INS,
    files_of,
    manifest,
    sides,
)


@pytest.fixture(scope="module")
def reader() -> Iterator[FactsReader]:
    with FactsReader() as found:
        yield found


@pytest.mark.parametrize("name", STAND_INS)
def test_a_stand_in_is_recognised(name: str, reader: FactsReader) -> None:
    case = STAND_INS[name]
    score = compare_packages(*sides(case), reader.read)
    found = {reason.code for reason in score.reasons}
    assert case.codes <= found
    assert score.complete
    assert score.points >= (2 if name in LIGHT else ATTENTION)


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_change_needs_no_attention(name: str, reader: FactsReader) -> None:
    score = compare_packages(*sides(HONEST[name]), reader.read)
    assert (score.points < 3, score.problems) == (True, ()), score


def test_the_same_bytes_give_no_reason(reader: FactsReader) -> None:
    files = files_of(PLAIN)
    assert compare_packages(files, dict(files), reader.read) == Score(0, ())


def test_each_reason_names_a_file_of_the_new_version_and_a_line_in_it(reader: FactsReader) -> None:
    for case in STAND_INS.values():
        old, new = sides(case)
        for reason in compare_packages(old, new, reader.read).reasons:
            assert 1 <= reason.line <= new[reason.path].count(b"\n") + 1, reason


def test_of_a_group_only_the_heaviest_few_count() -> None:
    disguises = [Reason(f"obf:{name}", "") for name in ("hex-names", "hidden-string", "escapes")]
    assert weigh(disguises, fresh=False).points == 8 + 7
    assert len(weigh(disguises, fresh=False).reasons) == 3


def test_a_drip_over_several_versions_is_seen_from_the_first(reader: FactsReader) -> None:
    """Each step is small; the comparison with the version that a person read is not."""
    one = files_of(PLAIN)
    steps = [b"exports.all = { ...process.env };\n", b"const load = require;\n"]
    versions = [one]
    for added in steps:
        last = versions[-1]
        versions.append({**last, "lib/main.js": last["lib/main.js"] + added})
    assert compare_packages(versions[0], versions[-1], reader.read).points >= ATTENTION
    assert (
        max(compare_packages(a, b, reader.read).points for a, b in pairwise(versions)) < ATTENTION
    )


def test_only_what_a_rule_asks_about_is_read(reader: FactsReader) -> None:
    """The old version, and what did not change, are read where a changed file says something new."""
    asked: list[bytes] = []

    def counted(files: Iterable[tuple[str, bytes]]) -> list[FileFacts]:
        wanted = list(files)
        asked.extend(data for _, data in wanted)
        return reader.read(wanted)

    old, new = sides(HONEST["a fix"])
    assert old is not None
    compare_packages(old, new, counted)
    assert asked == [new["lib/main.js"]]
    asked.clear()
    compare_packages(*sides(STAND_INS["downloads and runs"]), counted)
    assert len(asked) == len(set(asked))
    assert len(asked) >= 2


@pytest.mark.parametrize("side", ["old", "new"])
def test_a_score_is_not_complete_where_a_file_was_lost(side: str, reader: FactsReader) -> None:
    """Neither side: an old file that nobody read would make everything look new."""
    old, new = sides(STAND_INS["downloads and runs"])
    assert old is not None
    lost = (old if side == "old" else new)["lib/main.js"]

    def losing(files: Iterable[tuple[str, bytes]]) -> list[FileFacts]:
        return [
            FileFacts(unread=LOST) if data == lost else reader.read([(kind, data)])[0]
            for kind, data in files
        ]

    score = compare_packages(old, new, losing)
    assert (score.complete, "lib/main.js" in score.problems[0]) == (False, True)


@pytest.mark.parametrize(
    ("before", "codes"), [("app-DuHXsmcz.js", set()), ("other-DuHXsmcz.js", {"file-new-large"})]
)
def test_a_bundle_that_has_another_hash_in_its_name_is_not_new(
    before: str, codes: set[str], reader: FactsReader
) -> None:
    body = b"exports.rows = [\n" + b"  1,\n" * 25_000 + b"];\n"
    old = {**files_of(PLAIN), before: body}
    new = {**files_of(PLAIN), "app-9R1ayzTZ.js": body + b"// more\n"}
    found = compare_packages(old, new, reader.read)
    assert {reason.code for reason in found.reasons} == codes


@pytest.mark.parametrize(
    ("before", "after", "fires"),
    [
        ("github:a/b", "git+https://github.com/a/b.git", False),
        ("https://github.com/a/b/tree/main/packages/c", "https://github.com/A/b.git#readme", False),
        ("git@github.com:a/b.git", "https://www.github.com/a/b/", False),
        ("github:a/b", "github:c/b", True),
    ],
)
def test_the_same_repository_in_other_words(
    before: str, after: str, fires: bool, reader: FactsReader
) -> None:
    old, new = (
        files_of({**PLAIN, "package.json": manifest(repository=each)}) for each in (before, after)
    )
    found = [reason.code for reason in compare_packages(old, new, reader.read).reasons]
    assert found == (["repo-changed"] if fires else [])


@pytest.mark.parametrize(
    ("path", "data", "unseen"),
    [
        ("lib/fast.node", b"anything", True),
        ("lib/fast.wasm", b"\0asm\1", True),
        ("bin/tool", b"\x7fELF\2\1\0\0", True),
        ("bin/tool.png", b"\x7fELF\2\1\0\0", True),
        ("data.bin", b"\1\0\2", True),
        ("lib/deep.js", b"[" * 5_000, True),
        ("lib/deep.test.js", b"[" * 5_000, True),
        ("lib/odd.js", b"\xff" * (NO_TEXT_LIMIT + 1), True),
        ("lib/small.py", b"import os\n", True),
        ("bin/tool", b"#!/bin/sh\necho\n", True),
        ("bin/tool", b"#!/usr/bin/env node\n1;\n", False),
        ("get.sh", b"echo\n", True),
        ("dot.png", b"\x89PNG\0\0", False),
        ("notes.txt", "café".encode("latin-1"), False),
        ("lib/more.js", b"exports.a = 1;", False),
    ],
)
def test_new_and_changed_files_that_no_signal_looks_into_are_named(
    reader: FactsReader, path: str, data: bytes, unseen: bool
) -> None:
    plain = files_of(PLAIN)
    for old in (plain, {**plain, path: data + b"."}):
        score = compare_packages(old, {**plain, path: data}, reader.read)
        assert [each.startswith(f"{path}: ") for each in score.unseen] == [True] * unseen
    same = {**plain, path: data}
    assert compare_packages(same, dict(same), reader.read) == Score(0, ())


@pytest.mark.parametrize(("had", "unused"), [("@plain/linux-x64", False), ("ms", True)])
def test_one_more_program_for_a_platform_says_nothing(
    reader: FactsReader, had: str, unused: bool
) -> None:
    """As esbuild has it: its own code computes the name of the one that fits."""
    old, new = (
        files_of(
            {**PLAIN, "package.json": manifest(optionalDependencies=dict.fromkeys(names, "1.0.0"))}
        )
        for names in ([had], [had, "@plain/linux-arm64"])
    )
    codes = {reason.code for reason in compare_packages(old, new, reader.read).reasons}
    assert codes == ({"dep-unpopular", "dep-unused"} if unused else set())


def test_a_package_without_code_loads_nothing(reader: FactsReader) -> None:
    """Types that moved into the package itself, which the stub then depends on."""
    old = {"package.json": manifest("@types/plain").encode(), "index.d.ts": b"export {};"}
    new = {"package.json": manifest("@types/plain", dependencies={"chalk": "*"}).encode()}
    assert not compare_packages(old, new, reader.read).reasons


def test_webassembly_as_text_is_unseen_unless_some_file_had_it(reader: FactsReader) -> None:
    plain = files_of(PLAIN)
    one = {**plain, "lib/one.js": b"exports.a = 'AGFzbQEAAAAB';"}
    moved = {**plain, "lib/two.js": b"exports.b = 'AGFzbQEAAAAB';"}
    other = {**plain, "lib/two.js": b"exports.b = 'AGFzbQEAAAAC';"}
    seen = [compare_packages(a, b, reader.read).unseen for a, b in pairwise((plain, one, moved))]
    seen.append(compare_packages(one, other, reader.read).unseen)
    assert list(map(len, seen)) == [1, 0, 1]


@pytest.mark.parametrize("start", [b"\x7fELF\2", b"MZ\x90", b"\xcf\xfa\xed\xfe"])
def test_machine_code_that_the_manifest_names_is_not_parsed(
    reader: FactsReader, start: bytes
) -> None:
    """As sharp's libraries have it: ``"exports": {"./lib": "./lib/fast.so.8"}``."""
    plain = files_of({**PLAIN, "package.json": manifest(exports={"./lib": "./lib/fast.so.8"})})
    new = {**plain, "lib/fast.so.8": start + bytes(60) + bytes(range(256)) * 90}
    asked: list[bytes] = []

    def counted(files: Iterable[tuple[str, bytes]]) -> list[FileFacts]:
        wanted = list(files)
        asked.extend(data for _, data in wanted)
        return reader.read(wanted)

    score = compare_packages(plain, new, counted)
    assert new["lib/fast.so.8"] not in asked
    assert [each.split(":")[0] for each in score.unseen] == ["lib/fast.so.8"]


def test_a_script_that_passes_for_machine_code_is_parsed(reader: FactsReader) -> None:
    """Node.js runs what it loads with a suffix that it does not know."""
    payload = b"MZ = 0; /*\0*/ require('child_process').exec('echo');" + b" " * 100
    new = {**files_of(PLAIN), "lib/fast.so": payload}
    new["lib/main.js"] += b"require('./fast.so');\n"
    found = {each.code for each in compare_packages(files_of(PLAIN), new, reader.read).reasons}
    assert "power:exec" in found


@pytest.mark.parametrize(("name", "limit"), [("FILES_LIMIT", 3), ("BYTES_LIMIT", 60)])
def test_of_too_many_scripts_the_rest_is_unread_and_said_so(
    reader: FactsReader, monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    """An attacker may fill a package: its cost has a bound, and the rest counts as unread."""
    asked: list[bytes] = []

    def read(files: Iterable[tuple[str, bytes]]) -> list[FileFacts]:
        wanted = list(files)
        asked.extend(data for _, data in wanted)
        return reader.read(wanted)

    monkeypatch.setattr(f"npm_vetted.review.signals.comparison.{name}", limit)
    manifest = {"package.json": PLAIN["package.json"].encode()}
    many = {f"lib/{each}.js": b"exports.number = %d;" % each for each in range(10, 20)}
    score = compare_packages(manifest, {**manifest, **many}, read)
    assert [reason.code for reason in score.reasons] == ["obf:unread"]
    assert len(score.unseen) == 10 - len(set(asked))
    assert 0 < len(set(asked)) < 5


@pytest.mark.parametrize(("path", "unseen"), [("notes", True), ("a.js.map", False)])
def test_what_is_larger_than_anybody_reads_is_named(
    monkeypatch: pytest.MonkeyPatch, reader: FactsReader, path: str, unseen: bool
) -> None:
    monkeypatch.setattr("npm_vetted.review.signals.comparison.SIZE_LIMIT", 10)
    plain = files_of(PLAIN)
    found = compare_packages(plain, {**plain, path: b"plain text."}, reader.read).unseen
    assert [each.split(":")[0] for each in found] == [path] * unseen
