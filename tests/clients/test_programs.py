"""Programs that a setting names are bound by their content, and by what they reach."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pytest

from npm_vetted.clients.shared.programs import bound_to_files, program_value
from npm_vetted.model import Location, Problem, Project
from npm_vetted.packages.manifest import read_manifest

FILES = {
    "package.json": "{}",
    "tools/run.cjs": "require('./a'); import('../lib/b.mjs')",
    "tools/a.js": "1",
    "lib/b.mjs": "export {x} from './c.ts'",
    "lib/c.ts": "2",
    "tools/other.js": "3",
    "x.sh": "echo",
    "config/settings.yaml": "a: 1",
}


def project(files: Mapping[str, str]) -> Project:
    def read(path: str) -> bytes | None:
        return files[path].encode() if path in files else None

    def tracked(folder: str) -> list[tuple[str, str]]:
        inside = [path for path in files if not folder or path.startswith(f"{folder}/")]
        return [(path, hashlib.sha1(files[path].encode()).hexdigest()) for path in inside]

    manifest = read_manifest("package.json", b"{}")
    return Project("", manifest, {}, "npm", (), None, read, tracked=tracked)


def value_with(path: str, text: str, name: str = "./tools/run.cjs", **more: str) -> str:
    return program_value(project({**FILES, **more, path: text}), "", name)


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("tools/run.cjs", True), ("tools/a.js", True), ("lib/b.mjs", True), ("lib/c.ts", True),
        ("tools/other.js", False), ("x.sh", False),
    ],
)  # fmt: skip
def test_what_a_program_reaches_counts(path: str, counts: bool) -> None:
    same = program_value(project(FILES), "", "tools/run.cjs")
    assert (value_with(path, "changed") != same) is counts


@pytest.mark.parametrize("call", ["require(name)", "import(`./${x}`)", "require ( a + 'b' )"])
def test_a_computed_name_may_be_any_file_of_the_folder(call: str) -> None:
    files = {**FILES, "tools/run.cjs": call}
    same = program_value(project(files), "", "tools/run.cjs")
    for path in ("tools/other.js", "tools/new/deep.js"):
        assert program_value(project({**files, path: "changed"}), "", "tools/run.cjs") != same
    assert program_value(project({**files, "x.sh": "changed"}), "", "tools/run.cjs") == same


@pytest.mark.parametrize("name", ["../x.sh", "/etc/passwd", "missing.js", ".", ""])
def test_a_program_that_is_not_in_the_repository(name: str) -> None:
    assert program_value(project(FILES), "", name) == "absent"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("./x.sh", "x.sh"),
        ("--require ./tools/run.cjs --import=./lib/b.mjs", "lib/c.ts"),
        ('{"./config/settings.yaml": "*"}', "config/settings.yaml"),
        ('["./tools/run.cjs"]', "tools/a.js"),
        ("true", "x.sh"),
    ],
)
def test_a_setting_is_bound_to_the_files_that_it_names(value: str, path: str) -> None:
    problem = Problem("", Location(".npmrc"), code="program", key="git", value=value)
    implied = () if value != "true" else ("x.sh",)
    before = bound_to_files(problem, project(FILES), *implied)
    after = bound_to_files(problem, project({**FILES, path: "changed"}), *implied)
    assert before.value.startswith(value)
    assert before.value != after.value


def test_a_value_that_is_a_hash_or_names_no_file_is_left_alone() -> None:
    for value in (program_value(project(FILES), "", "x.sh"), "https://x.example/x.sh", "22.0.0"):
        problem = Problem("", Location(".npmrc"), code="program", value=value)
        assert bound_to_files(problem, project(FILES)).value.rstrip("\n") == value


SCRIPT = "#!/bin/sh\n. ./env.sh\nsource lib.sh\nexec node ../tools/a.js\n"


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("bin/run.sh", True), ("bin/env.sh", True), ("bin/lib.sh", True), ("tools/a.js", True),
        ("bin/other.sh", False), ("x.sh", False),
    ],
)  # fmt: skip
def test_what_a_shell_script_includes_counts(path: str, counts: bool) -> None:
    names = ("bin/env.sh", "bin/lib.sh", "bin/other.sh")
    files = {**FILES, **dict.fromkeys(names, ""), "bin/run.sh": SCRIPT}
    same = program_value(project(files), "", "bin/run.sh")
    changed = program_value(project({**files, path: "changed"}), "", "bin/run.sh")
    assert (changed != same) is counts


def test_the_manifest_of_a_required_folder_says_what_is_loaded() -> None:
    files = {**FILES, "tools/run.cjs": "require('./part')", "tools/part/index.js": "1"}
    same = program_value(project(files), "", "tools/run.cjs")
    more = {"tools/part/package.json": '{"main": "x.js"}', "tools/part/x.js": "2"}
    shadowed = program_value(project({**files, **more}), "", "tools/run.cjs")
    changed = program_value(project({**files, **more, "tools/part/x.js": "3"}), "", "tools/run.cjs")
    assert len({same, shadowed, changed}) == 3
