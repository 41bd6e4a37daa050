"""Which module may import which: the table of docs/architecture.md, checked in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from tests.support.real_clients import ROOT

PACKAGE = ROOT / "hooks" / "npm_vetted"
FILES = sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> str:
    """``clients/npm.py`` is ``clients.npm``, ``clients/__init__.py`` is ``clients``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """The full names that a file imports, wherever in it; whether only for types."""
    nodes: list[tuple[ast.AST, bool]] = [(tree, False)]
    for node, for_types in nodes:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            nodes.extend((each, True) for each in node.body)
            nodes.extend((each, for_types) for each in node.orelse)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            yield from ((f"{node.module}.{alias.name}", for_types) for alias in node.names)
        elif not isinstance(node, ast.expr):
            nodes.extend((each, for_types) for each in ast.iter_child_nodes(node))


OURS = sorted(map(module_of, FILES))


@cache
def trees() -> dict[str, ast.Module]:
    """Each module parsed: on the first use, since each of pytest's workers collects this file."""
    return {module_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


@cache
def imported() -> dict[str, set[tuple[str, bool]]]:
    """What each module imports."""
    return {module_of(path): set(imports(path, trees()[module_of(path)])) for path in FILES}


def ours_of(module: str, *, types: bool = True) -> set[str]:
    """Which of our modules one imports; with ``types`` also those that only types need."""
    found = set()
    for name, only_types in imported()[module]:
        if not name.startswith("npm_vetted") or (only_types and not types):
            continue
        local = name.removeprefix("npm_vetted").lstrip(".")
        while local and local not in imported():
            local = local.rpartition(".")[0]
        found.add(local)
    return found - {""}


def below(module: str, *packages: str) -> bool:
    """Whether a module is one of these or is inside one."""
    return any(module == each or module.startswith(f"{each}.") for each in packages)


def test_no_modules_import_each_other() -> None:
    """Nor in a circle, wherever in them the imports stand, and what for."""
    TopologicalSorter({module: ours_of(module) - {module} for module in OURS}).prepare()


LAYERS = (
    "model", "errors", "_plugins", "client_names", "formats", "git", "packages", "clients", "vetting", "projects",
    "installs", "recording", "checks", "registry", "review", "report", "auditing", "fast_path",
    "commands", "cli", "__main__",
)  # fmt: skip
"""The folders and files at the top of the package in the order of the data flow.

``recording`` comes before ``checks``: a finding names the criteria that ``note`` will require, and
both take them from ``recording.proposals``.
"""


def layer(module: str) -> int:
    """The place of a module's folder in LAYERS."""
    return LAYERS.index(module.partition(".")[0])


def test_every_folder_has_its_layer() -> None:
    assert {module.partition(".")[0] for module in OURS} - {""} == set(LAYERS)


def test_few_files_are_beside_the_folders() -> None:
    assert len([path for path in PACKAGE.iterdir() if path.is_file()]) <= 10


def test_a_folder_imports_only_folders_above_it() -> None:
    below_it = {
        (module, each)
        for module in OURS
        if module
        for each in ours_of(module)
        if layer(each) > layer(module)
    }
    assert below_it == set()


def test_the_reader_of_commands_could_be_a_package_of_its_own() -> None:
    allowed = {"installs", "client_names", "formats", "model", "errors", "_plugins"}
    found = {
        each.partition(".")[0]
        for module in OURS
        if below(module, "installs")
        for each in ours_of(module)
    }
    assert found <= allowed


def protocol_members(module: str, protocol: str) -> frozenset[str]:
    """The names that each part of a package offers, by the protocol that its ``__init__`` has."""
    found = next(
        node
        for node in trees()[module].body
        if isinstance(node, ast.ClassDef) and node.name == protocol
    )
    return frozenset(node.name for node in found.body if isinstance(node, ast.FunctionDef))


PARTS = {
    "clients": protocol_members("clients", "Client"),
    "formats.client_action": protocol_members("formats.client_action", "CommandReader"),
    "checks": protocol_members("checks", "Check"),
    "commands": protocol_members("commands", "Command"),
    "installs.files": protocol_members("installs", "Place"),
    "report": protocol_members("report", "Report"),
    "report._overview": protocol_members("report._overview", "OverviewFormat"),
    "review.signals.rules": protocol_members("review.signals.rules", "Signal"),
    "review.signals.statements": protocol_members("review.signals.statements", "Statement"),
}
"""Packages of parts, with the names that all parts of one have: the same name is the same job."""

SAME_MEANING = {
    "render": "a format of the audit writes the whole report",
    "reads": "whether a check reads a file, by its path; the checks that read other files have it",
    "recognises": "whether a file is one of this part's: a client's lockfile, a kind of file",
    "run": "a part does its whole work: a check judges a change, a command does its job",
}
"""Other names that may be there twice: the name, and why it means the same."""


def job(module: str, name: str) -> str:
    """What makes a name the same as in another module: its part's protocol, or its module's role.

    The clients' folders have the same modules, so ``clients.npm.layout`` and ``clients.bun.layout``
    hold the same things for two clients.
    """
    package, _, rest = module.partition(".")
    client_part, _, role = rest.partition(".")
    if package == "clients":
        if name in PARTS["clients"] and client_part != "shared":
            return "Client"
        if name in PARTS["formats.client_action"]:
            return "Reader"
        return f"clients.*.{role}" if client_part != "shared" else module
    return next((each for each in PARTS if below(module, each) and name in PARTS[each]), module)


def test_the_value_of_a_finding_is_no_sentence() -> None:
    """Rewording a message must not change what a line of the baseline accepts."""
    worded = [
        f"{module}:{call.lineno}"
        for module, tree in trees().items()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for given in call.keywords
        if given.arg == "value" and ast.unparse(given.value) in ("message", "words")
    ]
    assert worded == []


def test_each_public_name_has_one_meaning() -> None:
    """One word, one meaning: a reader who knows a name from one module knows it in all."""
    jobs: dict[str, set[str]] = {}
    for module, tree in trees().items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                jobs.setdefault(node.name, set()).add(job(module, node.name))
    twice = {name for name, found in jobs.items() if len(found) > 1}
    assert twice == set(SAME_MEANING)


CLIENT_MODULES = {"client", "lockfile", "settings", "sync", "commands"}
ELSEWHERE = {
    (
        "yarn_berry",
        "commands",
    ): "one program, yarn: yarn_classic/commands reads it for both clients",
    ("rush", "sync"): "Rush lets pnpm install, so pnpm/sync compares what Rush generates",
}
"""Modules that a client's folder does not have, with the reason."""


def test_each_client_folder_has_the_same_modules() -> None:
    folders = {module.split(".")[1] for module in OURS if module.startswith("clients.")} - {
        "shared"
    }
    missing = {
        (folder, part)
        for folder in folders
        for part in CLIENT_MODULES
        if f"clients.{folder}.{part}" not in OURS
    }
    assert missing == set(ELSEWHERE)


def imports_between(
    importers: Collection[str], imported_ones: Collection[str]
) -> set[tuple[str, str]]:
    """Each module below one of some packages, with each that it imports from below others."""
    return {
        (module, each)
        for module in OURS
        if below(module, *importers)
        for each in ours_of(module)
        if below(each, *imported_ones)
    }


def test_the_model_imports_nothing_of_the_package() -> None:
    assert imports_between(("model", "errors"), LAYERS) == set()


def test_readers_do_not_know_git() -> None:
    assert imports_between(("clients", "formats"), ("git",)) == set()


def test_a_check_imports_no_other_check() -> None:
    others = {
        (module, each)
        for module, each in imports_between(("checks",), ("checks",))
        if each not in (module, "checks") and not each.startswith("checks._")
    }
    assert others == set()


def users_of(*libraries: str) -> set[str]:
    """Our modules that import one of these libraries, not only for types."""
    return {
        module
        for module, found in imported().items()
        if any(below(name, *libraries) for name, only_types in found if not only_types)
    }


def test_only_the_registry_knows_the_network() -> None:
    network = ("urllib3", "urllib.request", "http", "socket", "ssl", "requests", "httpx", "ftplib")
    assert {each for each in users_of(*network) if not below(each, "registry")} == set()


GIT = {"git.repository", "git.objects", "git.history", "git.writer", "git.no_index", "fast_path"}
RUN_SOMETHING_ELSE = {
    "report._shell_commands": "the npm-vetted on PATH, for its version",
    "commands._review_dialogue": "the pager",
    "commands._interactive": "the editor",
    "review.signals.reader": "the process that reads hostile scripts",
    "commands.rebuild": "the client, for the scripts that notes approve",
}


def test_only_these_run_processes() -> None:
    """A module that imports ``subprocess`` or GitPython runs git, or is one of the few others."""
    assert users_of("subprocess", "git", "pty") == GIT | RUN_SOMETHING_ELSE.keys()


ON_THE_HOOK_S_PATH = (
    "checks",
    "recording",
    "fast_path",
    "installs",
    "projects",
    "vetting",
    "clients",
)


ASKED_FOR = {"commands._online_evidence"}
"""What ``check`` imports only for ``--online``, which no hook has."""


def test_a_hook_imports_nothing_that_reads_packages() -> None:
    """The review of packages is for people who wait; a commit is decided by what git holds."""
    reached = {module for module in OURS if below(module, *ON_THE_HOOK_S_PATH)} | {"commands.check"}
    todo = list(reached)
    while todo:
        found = ours_of(todo.pop()) - reached - ASKED_FOR
        reached |= found
        todo += found
    assert {each for each in reached if below(each, "review.signals", "registry")} == set()


def test_nobody_evaluates_or_unpickles() -> None:
    assert users_of("pickle", "marshal", "shelve", "code", "runpy", "ctypes") == set()
    for module, tree in trees().items():
        calls = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert calls & {"eval", "exec", "compile", "__import__"} == set(), module


HEAVY = ("yaml", "semver", "difflib", "tomlkit", "tree_sitter", "git", "urllib3", "colorama")


def imported_at_the_top(module: str) -> set[str]:
    """What the import statements at the top level of a module name."""
    return {
        name
        for node in trees()[module].body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([each.name for each in node.names] if isinstance(node, ast.Import)
                     else [node.module or ""])
    }  # fmt: skip


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    """At the top of a module only where people wait anyway: a hook's start pays for each."""
    at_the_top = {
        (module, name)
        for module in OURS
        if not below(module, "registry", "review")
        for name in imported_at_the_top(module)
        if below(name, *HEAVY)
    }
    assert at_the_top == set()


def test_no_expression_repeats_a_group_possessively() -> None:
    """Python before 3.11.5 matches more than it says (gh-106052): ``(?:ab?c)++`` takes all of "aca".

    A single class is safe: ``[a-z]*+``.
    """
    repeated = re.compile(r"(?:\)[*+?]|\)\{[0-9,]+\}|[A-Z]\}[*+?])\+|\(\?>")
    found = [
        (module_of(path), each)
        for path in FILES
        for each in repeated.findall(path.read_text("utf-8").replace("()*+,", ""))  # of a URL
    ]
    assert found == []


DATA_ONLY = {"vetting.presets"}
"""Texts and names without a rule: the tests of what uses them see them."""


def test_each_module_in_the_middle_has_its_test_module() -> None:
    without = {
        module
        for module in OURS
        if below(module, "vetting", "projects", "recording") and "." in module
        if not (ROOT / "tests" / module.replace(".", "/test_")).with_suffix(".py").is_file()
    }
    assert without == DATA_ONLY


_SLOW: set[str] = {
    "base64",
    "dataclasses",
    "git",
    "hashlib",
    "inspect",
    "pathlib",
    "textwrap",
    "urllib",
    "yaml",
}
"""Modules that take up to 12 ms to import; a small commit is judged in about 100."""
_ON_THE_WAY = (
    "checks", "commands.check", "report.text", "vetting", "projects", "packages", "recording.proposals",
)  # fmt: skip
"""With each client's reader, these are imported for every commit that touches a lockfile."""


def _at_once(tree: ast.Module) -> Iterator[str]:
    """What a module imports when it is imported itself."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_a_commit_of_a_lockfile_imports_no_slow_module() -> None:
    """Import such a module in the function that needs it."""
    waiting = [each for each in OURS if below(each, *_ON_THE_WAY)]
    waiting += [
        each
        for each in OURS
        if below(each, "clients")
        and each.rpartition(".")[2] in ("client", "reader", "lockfile", "settings", "sync")
    ]
    seen: dict[str, str] = dict.fromkeys(waiting, "")
    slow = []
    while waiting:
        module = waiting.pop()
        for name in _at_once(trees()[module]):
            if name.partition(".")[0] in _SLOW:
                slow.append((module, name, seen[module]))
            local = name.removeprefix("npm_vetted.")
            local = local if local in trees() else local.rpartition(".")[0]
            if name.startswith("npm_vetted.") and local in trees() and local not in seen:
                seen[local] = module
                waiting.append(local)
    assert slow == []
