"""Only the clients' folders spell a client's name, program or file; others take them from there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from npm_vetted import client_names
from npm_vetted.clients import clients
from tests.test_architecture import trees
from tools.client_names import FILE, rendered

OTHERS_NAMED_AFTER_A_CLIENT: Final = {
    "auditing.collect": "purl's type of a package is npm",
    "checks._guard_calls": "our own name",
    "commands.completion": "our own name",
    "commands._note_dialogue": "the .npmrc that npm, pnpm, Yarn 1 and Bun share",
    "formats.npmrc": "the format is called .npmrc in every client",
    "installs.files.azure": "tasks of Azure Pipelines that are called Npm and Yarn",
    "installs.files.circleci": "the clients that the orb node's parameter pkg-manager may name",
    "installs.files.declared_toml": "a tool npm:NAME of mise",
    "installs.files.declared_yaml": "a module of Ansible that is called npm",
    "installs.files.github": "actions for one client, and the .npmrc that setup-node writes",
    "installs.files.programs": "the globals of JavaScript runtimes that start programs",
    "installs.shell.fetched": "the client that npx comes with: it runs what a global install put there",
    "installs.shell.follower": "JavaScript runtimes among the interpreters",
    "installs.shell.wrappers": "options of volta, and what concurrently calls npm:SCRIPT",
    "packages.lookalikes": "what names of packages start and end with",
    "packages.tarball_layouts": "paths and hosts of registries",
    "projects.unlocked": "the specifier npm:NAME, which every client reads",
    "recording.tarball_contents": "the lockfile that a package's tarball may have",
    "registry.settings": "the person's own .npmrc",
    "review.signals.comparison": "the specifier npm:NAME, which every client reads",
    "review.signals.rules.dependency": "the lockfile that a package's tarball may have",
    "review.signals.disguise": "what malicious code mentions",
}
"""The modules that spell a name that is not a client's but a file format's, a registry's or another
tool's, and whose it is."""


def client_words() -> re.Pattern[str]:
    """A name, a program or a file of a client, as a word of its own."""
    known = clients().values()
    files = {
        path.rpartition("/")[2]
        for each in known
        for path in (*each.LOCKFILES, *each.SETTINGS, *each.MARKERS, each.USER_FILE or "")
    }
    names = {*client_names.PROGRAMS, *files, *(each.NAME for each in known)} - {""}
    alternatives = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return re.compile(rf"(?<![\w./-])(?:{alternatives})(?![\w.-])", re.IGNORECASE)


FOR_PEOPLE: Final = re.compile(
    r"\b(?:a|an|and|by|has|have|in|is|it|its|no|not|of|or|that|the|this|to|with|your)\b"
)
"""A text that has a word of this kind is a sentence: a message, or a page of ``explain``."""


def explained(tree: ast.Module) -> set[ast.AST]:
    """What ``explain`` prints: the texts of an ``Explanation`` and of ``CODES``."""
    return {
        part
        for node in ast.walk(tree)
        if (isinstance(node, ast.Call) and ast.unparse(node.func) == "Explanation")
        or (isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "CODES")
        for part in ast.walk(node)
    }


def texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """The string constants that are no docstring, no sentence and nothing that ``explain`` prints."""
    printed = explained(tree)
    alone = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node not in alone | printed
            and not FOR_PEOPLE.search(node.value)
        ):
            yield node


def test_nothing_outside_the_clients_spells_a_client() -> None:
    words = client_words()
    spelled: dict[str, list[str]] = {}
    for module, tree in trees().items():
        if module.startswith("clients") or module == "client_names":
            continue
        for node in texts(tree):
            if words.search(str(node.value)):
                spelled.setdefault(module, []).append(f"{node.lineno}: {str(node.value)[:60]}")
    unexpected = {
        name: found for name, found in spelled.items() if name not in OTHERS_NAMED_AFTER_A_CLIENT
    }
    assert unexpected == {}
    assert OTHERS_NAMED_AFTER_A_CLIENT.keys() - spelled.keys() == set(), (
        "an exception that is not needed"
    )


def test_the_table_of_names_is_what_the_clients_say() -> None:
    assert rendered() == FILE.read_text(encoding="utf-8"), "python -m tools.client_names writes it"


def test_the_clients_are_among_the_names() -> None:
    known = clients().values()
    assert {each.PROGRAM for each in known} <= set(client_names.PROGRAMS)
    assert {each.USER_FILE for each in known if each.USER_FILE} <= set(client_names.USER_FILES)
