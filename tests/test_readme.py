"""What the README says is what the program does."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from npm_vetted import SITE, cli, commands
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


def test_help_names_every_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "npm_vetted", "--help"], capture_output=True, text=True, check=True
    )
    assert re.findall(r"^    ([a-z]+)\b", done.stdout, re.MULTILINE) == list(
        commands.command_names()
    )


@pytest.mark.parametrize("hook", [hook["id"] for hook in HOOKS])
def test_every_hook_is_told_of(hook: str) -> None:
    assert f"`{hook}`" in README


def test_precommits_configuration_is_valid(tmp_path: Path) -> None:
    text = next(block for block in blocks("yaml") if "repos:" in block)
    file = tmp_path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_dependency_is_told_of() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    required = re.findall(r"^[\w-]+", config["options"]["install_requires"], re.MULTILINE)
    told = ", ".join(first_cells("## More")[2:])
    assert told.split(", ") == required


def test_the_first_screen_has_the_two_commands() -> None:
    """One judges this repository, one tests it."""
    first, second = blocks("sh")[:2]
    assert first.strip().endswith("npm-vetted check --all")
    assert second.strip().endswith("pytest -q -n 3")
    assert README.index(second) < README.index("## ")


def test_links_work_anywhere() -> None:
    """PyPI shows the README without the repository: no link is relative."""
    targets = re.findall(r"\]\(([^)\s]+)\)", README)
    assert [each for each in targets if not each.startswith("https://")] == []
    site = [each.removeprefix(SITE).rstrip("/") for each in targets if each.startswith(SITE)]
    assert {each for each in site if not (ROOT / "docs" / f"{each or 'index'}.md").exists()} == {
        "checks"  # made at the build
    }
    files = [each.partition("/blob/main/")[2] for each in targets if "/blob/main/" in each]
    assert files
    assert all((ROOT / each).exists() for each in files)


def test_it_is_read_in_a_minute() -> None:
    """Without the session and the table of dependencies: some 400 words."""
    text = re.sub(r"<!-- session: begin.*session: end -->", "", README, flags=re.DOTALL)
    assert len(text.split("\n## More", maxsplit=1)[0].split()) < 480
