"""Write the names of the clients where the hook's start can afford to read them.

``python -m tools.client_names`` makes hooks/npm_vetted/client_names.py of the folders of the clients;
tests/test_client_names.py fails where it is not what they say.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
FILE: Final = ROOT / "hooks" / "npm_vetted" / "client_names.py"
HEAD: Final = '''"""The clients' programs and files by name: ``python -m tools.client_names`` writes this file.

The folders of the clients decide what is here. It is a file of its own because the way out of
``fast_path`` cannot wait for their modules, and because ``installs`` imports no client.
"""

from __future__ import annotations

'''


def rendered() -> str:
    """The file's text, as the clients' folders have it now."""
    from npm_vetted.clients import clients
    from npm_vetted.clients.shared import other_programs
    from npm_vetted.clients.shared.command_line import readers
    from npm_vetted.formats.client_action import ActionKind

    others = other_programs.PROGRAMS
    ours = {name: each for name, each in readers().items() if name not in others}
    common = {name for each in ours.values() for name in each.WHOLE_WORDS}
    runners = [
        name
        for name, each in ours.items()
        if any(act.kind is ActionKind.RUN for act in each.read((name, "package"), {}))
    ]
    known = clients().values()
    deciding = [name for each in known for name in (each.SWITCH_FILE, each.WORKSPACE_FILE)]
    locks = [name for each in known for name in each.LOCKFILES]
    return HEAD + "\n".join([
        _constant("PROGRAMS", ours, "The programs of the clients."),
        _constant("RUNNERS", runners, "Those that fetch the package whose name follows, and run it."),
        _constant("WORDS", _shortest(set(ours) - common), "Each program has one of these in its name,"),
        _constant("WHOLE_WORDS", common, "but for these, which texts also hold by chance."),
        _constant("OTHER_PROGRAMS", other_programs.WHOLE_WORDS,
                  "Programs that install npm packages and are no client; words of their own as well."),
        _constant("SETTINGS_FILES", _names([*deciding, "package.json"]),
                  "The files whose content decides what an install runs."),
        _constant("USER_FILES", _names(each.USER_FILE for each in known),
                  "The settings files in a user's home."),
        _constant("LOCKFILES", _names(locks), "The lockfiles."),
        _constant("CODE_WORDS", {word for each in known for word in each.CODE_WORDS},
                  "What code has in it that names packages by itself, where it names no program."),
        _constant("CODE_SUFFIXES", {suffix for each in known for suffix in each.CODE},
                  "The suffixes of such code."),
        _constant("TASK_FILES", {name for each in known for name in each.TASKS},
                  "Files of tasks that a client runs."),
        _constant("PROGRAM_FOLDERS", {name for each in known for name in each.PROGRAM_FOLDERS},
                  "Folders of modules that a client runs, whatever their files are called."),
    ])  # fmt: skip


def _names(paths: Iterable[str | None]) -> set[str]:
    return {path.rpartition("/")[2] for path in paths if path}


def _shortest(names: Collection[str]) -> list[str]:
    return [name for name in names if not any(each != name and each in name for each in names)]


def _constant(name: str, values: Collection[str], meaning: str) -> str:
    listed = "".join(f"    {_quoted(each)},\n" for each in sorted(values))
    inner = f"\n{listed}" if len(values) > 1 else listed.strip()
    return f'{name} = ({inner})\n"""{meaning}"""\n'


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "hooks"))
    FILE.write_text(rendered(), encoding="utf-8")
