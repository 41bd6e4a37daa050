"""The tables and the examples of the reference pages are what the program does."""

from __future__ import annotations

import re
import tomllib
from typing import Final

import jsonschema
import pytest

from npm_vetted.errors import FOUND, MISUSED, UNDECIDED
from npm_vetted.vetting.notes import read_note
from npm_vetted.vetting.policy import BUILT_IN_CRITERIA, read_policy
from tests.docs.pages import PAGES
from tests.test_schemas import SCHEMAS, plain

CONFIGURATION: Final = PAGES["configuration.md"]


def first_cells(page: str, heading: str) -> list[str]:
    """What is in the first column of the table under a heading, without its own heading."""
    section = PAGES[page].text.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [row.split("|")[1].strip().strip("`") for row in rows][2:]


def test_the_exit_statuses() -> None:
    expected = ["0", str(FOUND), str(MISUSED), str(UNDECIDED)]
    assert first_cells("configuration.md", "## Exit statuses") == expected


def test_the_criteria_are_the_policys() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \|", PAGES["reviewing.md"].text, re.MULTILINE)
    assert rows == list(BUILT_IN_CRITERIA)


def test_the_configuration_shows_the_defaults() -> None:
    (text,) = CONFIGURATION.blocks("toml")
    assert read_policy(text.encode(), adopted=True) == read_policy(b"format = 2", adopted=True)


def test_the_examples_of_the_configuration_are_valid() -> None:
    (text,) = CONFIGURATION.blocks("toml")
    uncommented = re.sub(r"^# ", "", text, flags=re.MULTILINE)
    policy = read_policy(uncommented.encode(), adopted=True)
    assert (policy.deny[0].package, policy.ignore[0].path) == ("event-stream", "legacy/Dockerfile")
    jsonschema.validate(plain(tomllib.loads(uncommented)), SCHEMAS["config"])


def test_the_example_of_a_note_is_valid() -> None:
    (text,) = PAGES["formats.md"].blocks("toml")
    note = read_note(".vetting/notes/nanoid/1.0.0.toml", text.encode(), BUILT_IN_CRITERIA)
    assert (note.label, note.brings[0].name) == ("nanoid@1.0.0", "ms")
    jsonschema.validate(plain(tomllib.loads(text)), SCHEMAS["note"])


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_on_the_page_of_the_formats(name: str) -> None:
    assert f"(schemas/{name}.schema.json)" in PAGES["formats.md"].text


def test_the_toml_of_other_pages_is_a_policy() -> None:
    for name, page in PAGES.items():
        if name not in ("configuration.md", "formats.md") and not name.startswith("clients/"):
            for text in page.blocks("toml"):
                read_policy(text.encode(), adopted=True)
