"""How ``init`` lets the hook manager of a repository run npm-vetted.

Every edit only adds lines. The edited text is parsed again and must equal the old content plus the
addition; otherwise the file stays as it is, and a message lists the lines to add. No hook is
installed: git's hooks folder belongs to the manager, and the message names the manager's command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from npm_vetted import __version__
from npm_vetted.clients import client_of, default_client
from npm_vetted.clients.shared.lifecycle import OF_INSTALL
from npm_vetted.commands._hook_managers import CALL, CONFIGS, HOOKS, hooks_folder, read_small
from npm_vetted.errors import NpmVettedError, UsageError
from npm_vetted.formats.yaml import load_yaml
from npm_vetted.git.repository import Repository, run_git
from npm_vetted.git.writer import Store
from npm_vetted.model import Project

_COMMANDS: Final = {
    "pre-commit": "npm-vetted check",
    "pre-merge-commit": "npm-vetted check",
    "pre-push": 'npm-vetted check --pre-push "$1"',
}
"""What each of git's hooks runs."""
_URL: Final = "https://github.com/npm-vetted/npm-vetted"
_TYPES: Final = f"default_install_hook_types: [{', '.join(HOOKS)}]"
_OURS: Final = {"repo": _URL, "rev": f"v{__version__}", "hooks": [{"id": "npm-vetted"}]}
_ENTRY: Final = (
    f"- repo: {_URL}",
    f"  rev: v{__version__}",
    "  hooks:",
    "    - id: npm-vetted",
)
_PROGRAM: Final = (
    "The hook calls npm-vetted by name: install it for yourself with pipx install npm-vetted, or "
    "uv tool install npm-vetted."
)
_REFS: Final = (
    "# npm-vetted reads the refs that git writes, and hands them on.",
    "refs=$(cat)",
    'printf \'%s\\n\' "$refs" | npm-vetted check --pre-push "$1" || exit 1',
    "exec <<REFS",
    "$refs",
    "REFS",
)
"""For a pre-push hook that goes on to read its standard input (git-lfs does)."""


class Paragraph(NamedTuple):
    """The paragraph of ``init`` on a hook manager: the change that was made, or the steps to take."""

    heading: str
    lines: tuple[str, ...] = ()


class HookFile(NamedTuple):
    """A file's new text; None: there is no safe way to add the lines that ``wanted`` names."""

    path: str
    text: str | None
    wanted: tuple[str, ...]
    executable: bool = False


class HookManager(NamedTuple):
    """A hook manager in use, the lines to add for it, and the command that installs hooks in a clone.

    ``packaged``: the command is the program of a package that the project installs.
    """

    name: str
    changes: tuple[HookFile, ...]
    install: str
    remark: str = _PROGRAM
    packaged: bool = False


def hook_in(
    repository: Repository, top: Project | None, wanted: str | None = None
) -> list[Paragraph]:
    """Add npm-vetted to a hook manager and stage the change; report it and the steps left.

    ``wanted`` names the manager, whose file is then made where it is missing; without it, the
    manager in use gets the lines. ``top`` is the project at the repository's top.
    """
    manager = MANAGERS[wanted](repository, wanted) if wanted else hook_manager(repository)
    if manager is None:
        return [] if any(_guarded(repository)) else [_WITHOUT]
    said = [_written(repository, manager, each) for each in manager.changes]
    if any(_guarded(repository)) and not said:
        return []
    install = how_to_run(top, manager.install) if manager.packaged else manager.install
    said.append(Paragraph(f"in every clone, once (in this one, too): {install}"))
    if manager.remark:
        said.append(Paragraph(manager.remark))
    return said


def how_to_run(top: Project | None, command: str) -> str:
    """How a clone runs the command of an installed hook manager, in the words of the project's client.

    A dependency's own install script is off; the project's scripts run with some clients.
    """
    client = client_of(top) if top is not None else default_client()
    said = f"{client.RUN_INSTALLED.format(command)}, after an install"
    scripts = top.manifest.scripts if top is not None else {}
    program = command.partition(" ")[0]
    calling = [name for name in OF_INSTALL if program in scripts.get(name, "")]
    stopped = client.scripts_stopped(calling)
    if stopped:
        return f"{said} ({client.PROGRAM} no longer runs {stopped[0]} by itself)"
    running = next((name for name in calling if name.endswith("install")), None)
    return f"{said} (its script {running} does that, too)" if running else said


def hook_manager(repository: Repository) -> HookManager | None:
    """The hook manager whose files are here."""
    finders = dict.fromkeys(MANAGERS.values())
    return next((found for find in finders if (found := find(repository, None))), None)


def _guarded(repository: Repository) -> Iterator[str]:
    from npm_vetted.commands._hook_managers import guards_here

    return guards_here(repository)


def _written(repository: Repository, manager: HookManager, change: HookFile) -> Paragraph:
    """Write and stage one file, and show the lines; or say which to add by hand."""
    by_hand = Paragraph(f"{change.path} ({manager.name}): add this by hand:", change.wanted)
    store = Store(repository)
    try:
        before = store.read(change.path)
        if change.text is None or not _is_staged_as_it_is(repository, change.path, before):
            return by_hand
        data = change.text.encode()
        if before is None:
            with store.lock():
                store.create(change.path, data, executable=change.executable)
            store.stage([change.path])
        else:
            store.edit(change.path, data, before)
    except (NpmVettedError, OSError):
        return by_hand
    old = (before or b"").decode("utf-8", "replace").splitlines()
    return Paragraph(
        f"{change.path} ({manager.name}): written and staged:", tuple(_added(old, change.text))
    )


def _is_staged_as_it_is(repository: Repository, path: str, data: bytes | None) -> bool:
    """Whether the file on the disk is the one of the index: no half of a person's work is staged."""
    spec = f":(top,literal){path}"
    if data is None or not run_git("ls-files", "-z", "--", spec, cwd=repository.top):
        return True
    staged = run_git("cat-file", "blob", f":{path}", cwd=repository.top)
    return staged.replace(b"\r\n", b"\n") == data.replace(b"\r\n", b"\n")


def _added(old: list[str], text: str) -> Iterator[str]:
    import difflib

    for line in difflib.ndiff(old, text.splitlines()):
        if line.startswith(("+ ", "- ")):
            yield line


def _text_of(repository: Repository, path: str) -> str | None:
    return read_small(Path(repository.top, path))


def _yaml(path: str, text: str) -> dict[str, Any] | None:
    """A YAML file that is one mapping; None for any other."""
    try:
        documents = load_yaml(path, text.encode(), aliases=True)
    except NpmVettedError:
        return None
    data = documents[0].data if len(documents) == 1 else None
    return dict(data) if isinstance(data, Mapping) else None


def _pre_commit(repository: Repository, wanted: str | None) -> HookManager | None:
    """pre-commit and prek, which reads the same file."""
    found = _first_text(repository, CONFIGS["prek"][:2])
    if found is None and wanted is None:
        return None
    path, text = found or (CONFIGS["prek"][0], "repos: []\n")
    hook = read_small(hooks_folder(repository) / "pre-commit") or ""
    program = wanted or ("prek" if "prek" in hook else "pre-commit")
    done = bool(CALL.search(text))
    changes = () if done else (HookFile(path, with_repo(path, text), (_TYPES, *_ENTRY)),)
    return HookManager(program, changes, f"{program} install", remark="")


def _first_text(repository: Repository, paths: tuple[str, ...]) -> tuple[str, str] | None:
    """The first of these files that is there, and its text."""
    for path in paths:
        text = _text_of(repository, path)
        if text is not None:
            return path, text
    return None


def with_repo(path: str, text: str) -> str | None:
    """A pre-commit configuration with our repository at the end of its list; None: no safe way."""
    before = _yaml(path, text)
    repositories = before.get("repos") if before is not None else None
    if before is None or not isinstance(repositories, list):
        return None
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if re.match(r"repos:", line)), None)
    if start is None:
        return None
    if not repositories:
        lines[start] = "repos:"
    at, indent = _end_of_list(lines, start)
    lines[at:at] = [f"{' ' * indent}{line}" for line in _ENTRY]
    expected = {**before, "repos": [*repositories, _OURS]}
    if "default_install_hook_types" not in before:
        lines.insert(start, _TYPES)
        expected["default_install_hook_types"] = list(HOOKS)
    end = "\r\n" if "\r\n" in text else "\n"
    written = end.join(lines) + end
    return written if _yaml(path, written) == expected else None


def _end_of_list(lines: list[str], start: int) -> tuple[int, int]:
    """Where a list below a key ends: the line after its last one, and the indent of its items."""
    indent, end = 2, start + 1
    for at in range(start + 1, len(lines)):
        line = lines[at]
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        depth = len(line) - len(line.lstrip(" "))
        if depth == 0 and not line.startswith("-"):
            break
        if end == start + 1:
            indent = depth
        end = at + 1
    return end, indent


def _lefthook(repository: Repository, wanted: str | None) -> HookManager | None:
    found = _first_text(repository, CONFIGS["lefthook"])
    if found is None and wanted is None:
        return None
    path, text = found or (CONFIGS["lefthook"][0], "")
    changes: tuple[HookFile, ...] = ()
    if not CALL.search(text):
        written = with_lefthook(path, text) if path.endswith(("yml", "yaml")) else None
        changes = (HookFile(path, written, tuple(_lefthook_lines(HOOKS))),)
    packaged = '"lefthook"' in (_text_of(repository, "package.json") or "")
    return HookManager("lefthook", changes, "lefthook install", packaged=packaged)


def _lefthook_lines(hooks: tuple[str, ...]) -> Iterator[str]:
    for hook in hooks:
        yield from (f"{hook}:", "  commands:", *(f"    {each}" for each in _lefthook_command(hook)))


def _lefthook_command(hook: str) -> tuple[str, ...]:
    if hook == "pre-push":
        return "npm-vetted:", "  run: npm-vetted check --pre-push {1}", "  use_stdin: true"
    return "npm-vetted:", "  run: npm-vetted check"


def with_lefthook(path: str, text: str) -> str | None:
    """A lefthook.yml whose three hooks run npm-vetted; None: no safe way."""
    # lefthook's own first file has comments only.
    has_lines = any(not line.lstrip().startswith("#") for line in text.splitlines() if line.strip())
    before = _yaml(path, text) if has_lines else {}
    if before is None:
        return None
    lines = text.splitlines()
    expected = dict(before)
    for hook in HOOKS:
        ours = _lefthook_values(hook)
        known = before.get(hook)
        if known is None and hook not in before:
            lines += ["", *_lefthook_lines((hook,))] if lines else [*_lefthook_lines((hook,))]
            expected[hook] = {"commands": {"npm-vetted": ours}}
        elif isinstance(known, Mapping) and "jobs" not in known:
            at = next((n for n, line in enumerate(lines) if line.rstrip() == f"{hook}:"), None)
            if at is None or not _insert_command(lines, at, hook, "commands" in known):
                return None
            commands = {**(known.get("commands") or {}), "npm-vetted": ours}
            expected[hook] = {**known, "commands": commands}
        elif isinstance(known, Mapping) and isinstance(known["jobs"], list):
            at = next((n for n, line in enumerate(lines) if line.rstrip() == f"{hook}:"), None)
            if at is None or not _insert_job(lines, at, hook):
                return None
            expected[hook] = {**known, "jobs": [{"name": "npm-vetted", **ours}, *known["jobs"]]}
        else:
            return None
    end = "\r\n" if "\r\n" in text else "\n"
    written = end.join(lines) + end
    return written if _yaml(path, written) == expected else None


def _lefthook_values(hook: str) -> dict[str, object]:
    if hook == "pre-push":
        return {"run": "npm-vetted check --pre-push {1}", "use_stdin": True}
    return {"run": "npm-vetted check"}


def _insert_command(lines: list[str], at: int, hook: str, has_commands: bool) -> bool:
    """Add our command as the first below a hook's ``commands``."""
    outer = _indent_below(lines, at)
    command = _lefthook_command(hook)
    if not has_commands:
        lines[at + 1 : at + 1] = [
            f"{' ' * outer}commands:",
            *(f"{' ' * (outer + 2)}{each}" for each in command),
        ]
        return True
    place = _key_below(lines, at, "commands:")
    if place is None:
        return False
    inner = _indent_below(lines, place)
    lines[place + 1 : place + 1] = [f"{' ' * inner}{each}" for each in command]
    return True


def _insert_job(lines: list[str], at: int, hook: str) -> bool:
    place = _key_below(lines, at, "jobs:")
    if place is None:
        return False
    inner = _indent_below(lines, place)
    _, *values = _lefthook_command(hook)
    job = ["- name: npm-vetted", *values]
    lines[place + 1 : place + 1] = [f"{' ' * inner}{each}" for each in job]
    return True


def _key_below(lines: list[str], at: int, key: str) -> int | None:
    for place in range(at + 1, len(lines)):
        line = lines[place]
        if line.strip() and not line.startswith((" ", "#")):
            return None
        if line.strip() == key:
            return place
    return None


def _indent_below(lines: list[str], at: int) -> int:
    """The indent of the lines that are nested below a line."""
    own = len(lines[at]) - len(lines[at].lstrip(" "))
    for line in lines[at + 1 :]:
        if line.strip() and not line.lstrip().startswith("#"):
            depth = len(line) - len(line.lstrip(" "))
            return depth if depth > own or line.lstrip().startswith("-") else own + 2
    return own + 2


def _husky(repository: Repository, wanted: str | None) -> HookManager | None:
    if wanted is None and not Path(repository.top, ".husky").is_dir():
        return None
    changes = tuple(_scripts(repository, ".husky", executable=False))
    return HookManager("husky", changes, "husky", packaged=True)


def _scripts(repository: Repository, folder: str, *, executable: bool) -> Iterator[HookFile]:
    """The shell scripts that git's hooks are, below a folder of the repository."""
    for hook in HOOKS:
        path = f"{folder}/{hook}"
        text = _text_of(repository, path)
        if text is None:
            shebang = "#!/bin/sh\n" if executable else ""
            yield HookFile(path, f"{shebang}{_COMMANDS[hook]}\n", (_COMMANDS[hook],), executable)
        elif not CALL.search(text):
            yield HookFile(
                path, with_call(hook, text), (f"{_COMMANDS[hook]} || exit 1",), executable
            )


def with_call(hook: str, text: str) -> str | None:
    """A hook's script that runs npm-vetted before all else; None: it is no shell script."""
    lines = text.splitlines()
    at = 0
    if lines and lines[0].startswith("#!"):
        if not re.search(r"[/ ](?:ba|da|z|k)?sh\b", lines[0]):
            return None
        at = 1
    while at < len(lines) and re.match(r"\s*(?:#.*|\. .*husky\.sh.*)?$", lines[at]):
        at += 1
    lines[at:at] = _REFS if hook == "pre-push" else [f"{_COMMANDS[hook]} || exit 1"]
    return "\n".join(lines) + "\n"


def _simple_git_hooks(repository: Repository, wanted: str | None) -> HookManager | None:
    from npm_vetted.formats.json import load_json
    from npm_vetted.formats.json_edit import insert_members

    text = _text_of(repository, "package.json") or ""
    if wanted is None and "simple-git-hooks" not in text:
        return None
    try:
        table = load_json("package.json", text.encode()).root().maybe_table("simple-git-hooks")
    except NpmVettedError as error:
        if wanted is not None:
            raise UsageError(f"simple-git-hooks needs a package.json here: {error}") from error
        return None
    if table is None and wanted is None:
        return None
    members: dict[str, object] = {}
    for hook in HOOKS:
        known = table.data.get(hook) if table is not None else None
        if known is None:
            members[hook] = _COMMANDS[hook]
        elif isinstance(known, str) and not CALL.search(known):
            members[hook] = f"{_COMMANDS[hook]} && {known}"
    lines = tuple(f"{hook}: {command}" for hook, command in members.items())
    changes: tuple[HookFile, ...] = ()
    if members:
        try:
            data = insert_members("package.json", text.encode(), "simple-git-hooks", members)
            changes = (HookFile("package.json", data.decode(), lines),)
        except NpmVettedError:
            changes = (HookFile("package.json", None, lines),)
    return HookManager("simple-git-hooks", changes, "simple-git-hooks", packaged=True)


def _plain(repository: Repository, wanted: str | None) -> HookManager | None:
    """A folder of the repository that ``core.hooksPath`` names."""
    name = _own_hooks_folder(repository) or (".githooks" if wanted else None)
    if name is None:
        return None
    changes = tuple(_scripts(repository, name, executable=True))
    return HookManager("core.hooksPath", changes, f"git config core.hooksPath {name}")


def _own_hooks_folder(repository: Repository) -> str | None:
    """The folder of git's hooks, from the top, where it is one of the repository's files."""
    folder = hooks_folder(repository).resolve()
    top = Path(repository.top).resolve()
    if not folder.is_relative_to(top) or folder.is_relative_to(Path(repository.git_dir).resolve()):
        return None
    name = folder.relative_to(top).as_posix()
    return None if name in (".", "") or name.startswith(".git/") else name


MANAGERS: Final[Mapping[str, Callable[[Repository, str | None], HookManager | None]]] = {
    "pre-commit": _pre_commit,
    "prek": _pre_commit,
    "lefthook": _lefthook,
    "husky": _husky,
    "simple-git-hooks": _simple_git_hooks,
    "git": _plain,
}
"""The hook managers that ``init`` knows, by the name that ``--hook`` takes."""
_WITHOUT: Final = Paragraph(
    "no hook of this clone runs npm-vetted; to add one, run: npm-vetted init --hook pre-commit "
    f"(or {', '.join(name for name in MANAGERS if name != 'pre-commit')})"
)
