"""docs/security-model.md names tests: each of them must exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = (HERE.parent / "docs" / "security-model.md").read_text(encoding="utf-8")
NAMES_A_TEST = re.compile(r"`(?:\w+/)*test_")
NAMED = sorted(set(re.findall(r"`((?:\w+/)*test_\w+\.py)(?:::(\w+))?`", PAGE)))


def functions_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 10


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_named_test_exists(file: str, name: str) -> None:
    assert not name or name in functions_in(HERE / file)


def test_every_promise_names_the_test_that_holds_it() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line]
    promises = [row for row in rows if not row.startswith("| promised")]
    assert promises
    assert [row for row in promises if NAMES_A_TEST.search(row.rsplit(" | ", 1)[-1]) is None] == []


def test_each_rule_has_promises() -> None:
    """The thirteen rules, one by one; ``test_a_named_test_exists`` looks at what their rows name."""
    rules = re.split(r"^### (?=\d+\. )", PAGE.partition("## Rule by rule")[2], flags=re.MULTILINE)
    numbers = [each.partition(".")[0] for each in rules[1:]]
    assert numbers == [str(number) for number in range(1, 14)]
    assert [each for each in rules[1:] if NAMES_A_TEST.search(each) is None] == []


def test_the_readme_links_the_page() -> None:
    readme = (HERE.parent / "README.md").read_text(encoding="utf-8")
    assert "https://npm-vetted.github.io/npm-vetted/security-model/" in readme
