"""``npm-vetted completion``: the shells' scripts, what they are answered, and the manual page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from npm_vetted.checks import checks
from npm_vetted.cli import main
from npm_vetted.commands import command_names
from npm_vetted.commands.completion import SHELLS

PROGRAM: Final = str(Path(sys.executable).parent / "npm-vetted")
ASKS: Final[Mapping[str, tuple[str, ...]]] = {
    "npm-vetted ": tuple(command_names()),
    "npm-vetted re": ("rebuild",),
    "npm-vetted explain ": tuple(checks()),
    "npm-vetted check --format ": ("text", "json", "sarif", "github", "gitlab", "markdown"),
    "npm-vetted check --from-": ("--from-ref",),
}


@pytest.mark.parametrize(("line", "expected"), ASKS.items())
def test_a_shell_is_answered(line: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    asked = {
        "_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer), "COMP_LINE": line, "COMP_POINT": str(len(line)),
    }  # fmt: skip
    subprocess.run([PROGRAM], env={**os.environ, **asked}, cwd=tmp_path, check=True)
    assert set(expected) <= set(answer.read_text(encoding="utf-8").split("\n"))


def test_bash_completes_a_command(tmp_path: Path) -> None:
    """The real bash, with the script that is printed."""
    script = (
        f"PATH={Path(PROGRAM).parent}:$PATH; source <(npm-vetted completion bash)\n"
        "COMP_WORDS=(npm-vetted sug); COMP_CWORD=1; COMP_LINE='npm-vetted sug'; COMP_POINT=14\n"
        "COMP_TYPE=9; _python_argcomplete npm-vetted sug npm-vetted; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["suggest"], done.stderr


@pytest.mark.shells
@pytest.mark.parametrize(
    ("line", "expected"),
    [("npm-vetted sug", "suggest"), ("npm-vetted check --format sa", "sarif")],
)
def test_fish_completes(line: str, expected: str, tmp_path: Path) -> None:
    """The real fish, with the script in the place that the help names."""
    home = tmp_path / ".config" / "fish" / "completions"
    home.mkdir(parents=True)
    environment = in_home(tmp_path)
    script = subprocess.run([PROGRAM, "completion", "fish"], capture_output=True, check=True)
    (home / "npm-vetted.fish").write_bytes(script.stdout)
    done = subprocess.run(
        ["fish", "-c", f"complete -C '{line}'"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split("\t")[0] == expected


ZSH: Final = """
zmodload zsh/zpty
zpty shell 'zsh -f -i'
zpty -w shell 'fpath=($PWD $fpath); autoload -U compinit; compinit -u; print REA""DY'
zpty -r shell out '*READY*'
zpty -n -w shell $'npm-vetted sug\\t'
zpty -r shell out '*npm-vetted suggest*' && print -r -- completed
zpty -d shell
"""


@pytest.mark.shells
def test_zsh_completes(tmp_path: Path) -> None:
    """The real zsh, at a terminal: a person types ``sug`` and the tab key."""
    script = subprocess.run([PROGRAM, "completion", "zsh"], capture_output=True, check=True)
    (tmp_path / "_npm-vetted").write_bytes(script.stdout)
    done = subprocess.run(
        ["zsh", "-f", "-c", ZSH],
        cwd=tmp_path, env=in_home(tmp_path), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "completed" in done.stdout, done.stdout + done.stderr


def in_home(home: Path) -> dict[str, str]:
    """An environment with an empty home and npm-vetted on PATH."""
    path = f"{Path(PROGRAM).parent}{os.pathsep}{os.environ['PATH']}"
    found = {**os.environ, "HOME": str(home), "PATH": path, "TERM": "dumb"}
    return {name: value for name, value in found.items() if not name.startswith("XDG_")}


@pytest.mark.parametrize("words", [["check", "--all"], ["check"], ["audit"]])
def test_a_completion_in_the_environment_lets_nothing_pass(
    words: list[str], tmp_path: Path
) -> None:
    """A gate that completes in place of judging would say yes."""
    done = subprocess.run(
        [PROGRAM, *words], cwd=tmp_path, env={**os.environ, "_ARGCOMPLETE": "1"}, check=False,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode != 0


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "npm-vetted" in capsys.readouterr().out


def test_the_manual_page_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "man"]) == 0
    page = capsys.readouterr().out
    assert page.startswith(".TH NPM-VETTED 1")
    assert page.isascii()
    for name in command_names():
        assert f".SS {name}\n" in page
    groff = shutil.which("groff")
    if groff:  # the page is plain roff: where the formatter is there, it has nothing to warn of
        done = subprocess.run(
            [groff, "-man", "-Tascii", "-ww"],
            input=page,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
