"""What the README says is what the program does."""

from __future__ import annotations

import configparser
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from npm_vetted import cli, commands
from npm_vetted.checks import checks
from npm_vetted.errors import FOUND, MISUSED, UNDECIDED
from npm_vetted.vetting.policy import Policy, read_policy
from tests.support.real_clients import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def first_cells(heading: str) -> list[str]:
    """What is in the first column of the table under a heading."""
    section = README.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [re.sub(r"[`\[]|\]\(.*?\)|\]", "", row.split("|")[1]).strip() for row in rows]


def command_lines() -> Iterator[str]:
    """Every ``npm-vetted …`` that the README tells someone to type."""
    yield from re.findall(r"`(npm-vetted [^`]+)`", README)
    for block in blocks("sh") + blocks("yaml"):
        for found in re.findall(r"(?:^|\s|/)(npm-vetted (?!\.)[a-z].*)$", block, re.MULTILINE):
            yield found.split("#")[0]


@pytest.mark.parametrize("line", sorted(set(command_lines())))
def test_a_command_is_taken(line: str) -> None:
    cli._parse(shlex.split(line)[1:])


def test_every_command_is_told_of() -> None:
    told = {line.split()[1] for line in command_lines()}
    assert told == set(commands.command_names())


def test_help_names_every_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "npm_vetted", "--help"], capture_output=True, text=True, check=True
    )
    assert re.findall(r"^    ([a-z]+)\b", done.stdout, re.MULTILINE) == list(
        commands.command_names()
    )


def test_every_check_is_told_of() -> None:
    assert sorted(first_cells("## The checks")[2:][: len(checks())]) == sorted(checks())


def test_the_page_of_the_checks_is_current() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "checks_page.py"))
    written = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    assert written == tool["page"](), "python tools/checks_page.py writes it"


@pytest.mark.parametrize("hook", [hook["id"] for hook in HOOKS])
def test_every_hook_is_told_of(hook: str) -> None:
    assert f"`{hook}`" in README


def test_the_criteria_are_the_policys() -> None:
    table = [cell for cell in first_cells("## How to say yes") if cell.isalpha()]
    assert table == ["criterion", *Policy().criteria]


def test_the_exit_statuses() -> None:
    assert first_cells("## Exit statuses")[2:] == ["0", str(FOUND), str(MISUSED), str(UNDECIDED)]


def test_the_configuration_shows_the_defaults() -> None:
    (text,) = blocks("toml")
    assert read_policy(text.encode(), adopted=True) == read_policy(None, adopted=True)


def test_the_examples_of_the_configuration_are_valid() -> None:
    (text,) = blocks("toml")
    uncommented = re.sub(r"^# ", "", text, flags=re.MULTILINE)
    policy = read_policy(uncommented.encode(), adopted=True)
    assert (policy.deny[0].package, policy.ignore[0].path) == ("event-stream", "legacy/Dockerfile")


def test_precommits_configuration_is_valid(tmp_path: Path) -> None:
    text = next(block for block in blocks("yaml") if "repos:" in block)
    file = tmp_path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_ci_recipe_sees_the_whole_range_and_may_only_read() -> None:
    recipe: dict[Any, Any] = next(
        data for block in blocks("yaml") if "jobs" in (data := yaml.safe_load(block))
    )
    (job,) = recipe["jobs"].values()
    checkout, judged = job["steps"]
    assert recipe["permissions"] == {"contents": "read"}
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}
    assert "check --from-ref" in judged["run"]


def test_every_dependency_is_told_of() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    required = re.findall(r"^[\w-]+", config["options"]["install_requires"], re.MULTILINE)
    told = ", ".join(first_cells("## Dependencies")[2:])
    assert told.split(", ") == required


@pytest.mark.parametrize("page", ["README.md", "docs/checks.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path
        assert file.exists(), f"{page} links to {target}"
        headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in {each.lower().replace(" ", "-") for each in headings}


def test_the_first_screen_has_the_two_commands() -> None:
    """One judges this repository, one tests it."""
    first, second = blocks("sh")[:2]
    assert first.strip().endswith("npm-vetted check --all")
    assert second.strip().endswith("pytest -q -n 2")
    assert README.index(second) < README.index("## ")
