"""The commands that findings print: safe to paste into every shell, or not printed."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm_vetted import __version__
from npm_vetted.report._shell_commands import command_line, quoted, quoted_program, this_program


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("express", "express"),
        ("express@4.18.2", '"express@4.18.2"'),
        ("@babel/core@7.0.0", '"@babel/core@7.0.0"'),
        ("health,changelog", "health,changelog"),
        ("git+https://github.com/o/r.git#1", '"git+https://github.com/o/r.git#1"'),
        ("a b", '"a b"'),
        ("it's", '"it\'s"'),
        ("a$b", None),
        ("a`b`", None),
        ("a!b", None),
        ("a\\b", None),
        ('a"b', None),
        ("a\nb", None),
        ("é", None),
        ("", None),
    ],
)
def test_quoted(argument: str, expected: str | None) -> None:
    assert quoted(argument) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/opt/npm-vetted", "/opt/npm-vetted"),
        ("/opt/a b/npm-vetted", '"/opt/a b/npm-vetted"'),
        (r"C:\Users\ada\npm-vetted.exe", '"C:/Users/ada/npm-vetted.exe"'),
        (r"C:\Program Files (x86)\npm-vetted.exe", '"C:/Program Files (x86)/npm-vetted.exe"'),
        (r"C:\$Recycle\npm-vetted.exe", None),
    ],
)
def test_a_program_of_windows_is_quoted(path: str, expected: str | None) -> None:
    """cmd.exe and Git Bash take it as it is; PowerShell needs an ampersand in front."""
    assert quoted_program(path) == expected


@given(st.text(min_size=1))
def test_what_is_quoted_is_one_word_of_a_shell(argument: str) -> None:
    text = quoted(argument)
    assert text is None or shlex.split(text) == [argument]


@pytest.mark.parametrize(
    ("fix", "expected"),
    [
        ((), None),
        ((("npm-vetted", "note", "a@1"),), '/opt/npm-vetted note "a@1"'),
        ((("git", "rm", "x"), ("npm-vetted", "check")), "git rm x\n/opt/npm-vetted check"),
        ((("npm-vetted", "note", "a$(x)@1"),), None),
        ((("git", "rm", "x"), ("git", "rm", "$x")), None),
    ],
)
def test_command_line(fix: tuple[tuple[str, ...], ...], expected: str | None) -> None:
    assert command_line(fix, "/opt/npm-vetted") == expected


def script(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    file = folder / "npm-vetted"
    file.write_text(f"#!{sys.executable}\nprint('npm-vetted {version}')\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def test_its_name_where_the_users_path_has_this_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = script(tmp_path / "own", __version__), script(tmp_path / "user", __version__)
    monkeypatch.setattr(sys, "argv", [str(own)])
    monkeypatch.setenv("PATH", str(other.parent))
    assert this_program() == "npm-vetted"


@pytest.mark.parametrize("users", [None, "0.0.0"])
def test_the_full_path_where_it_has_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, users: str | None
) -> None:
    own = script(tmp_path / "its own", __version__)
    path = [str(own.parent)]
    if users is not None:
        path.append(str(script(tmp_path / "user", users).parent))
    monkeypatch.setattr(sys, "argv", [str(own)])
    monkeypatch.setenv("PATH", os.pathsep.join([*path, "relative"]))
    monkeypatch.setenv("PRE_COMMIT", "1")
    assert this_program() == f'"{own}"'


def test_the_interpreter_where_there_is_no_executable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["-c"])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", "")
    assert this_program() == f"{tmp_path / 'python'} -m npm_vetted"
