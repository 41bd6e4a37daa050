"""Programs that commands start, on Windows too: what Linux can show of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from npm_vetted.commands._programs import split_command, started


def test_a_client_is_started_by_the_file_that_it_is_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, tools = tmp_path / "repo", tmp_path / "tools"
    for folder in (repository / ".git", tools):
        folder.mkdir(parents=True)
    for folder in (repository, tools):
        (folder / "npm.cmd").touch()
    monkeypatch.chdir(repository)
    monkeypatch.setenv("PATH", f"{repository}:{tools}")
    command = ["npm", "--version"]
    assert started(command, windows=True) == [str(tools / "npm.cmd"), "--version"]
    assert started(command, windows=False) == command
    assert started(["yarn", "x"], windows=True) == ["yarn", "x"]


@pytest.mark.parametrize(
    ("text", "windows", "words"),
    [
        (r"C:\Windows\notepad.exe", True, [r"C:\Windows\notepad.exe"]),
        (r'"C:\Program Files\code.exe" --wait', True, [r"C:\Program Files\code.exe", "--wait"]),
        ("code --wait", True, ["code", "--wait"]),
        (r"vi\ m -u 'a b'", False, ["vi m", "-u", "a b"]),
        ("", True, []),
    ],
)
def test_the_words_of_an_editor(text: str, windows: bool, words: list[str]) -> None:
    assert split_command(text, windows=windows) == words
