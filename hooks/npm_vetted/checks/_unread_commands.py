"""A notice that lists files with install commands which no reader of ``installs`` reads.

The notice is for ``--all``, ranges and pushes. A commit that touches only such files takes the fast path;
reading the files would take longer than the limit of that path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Final

from npm_vetted.client_names import RUNNERS
from npm_vetted.errors import DocumentError, UndecidedError
from npm_vetted.formats.json import without_comments
from npm_vetted.installs import place_of
from npm_vetted.model import Finding, Level, Location
from npm_vetted.projects.change import Change

CODE: Final = "not-read"
_PROSE: Final = (
    ".md", ".mdx", ".markdown", ".rst", ".txt", ".adoc", ".org", ".tex", ".html", ".htm", ".ipynb",
    ".po", ".pot", ".svg", ".css", ".scss", ".jsx", ".tsx", ".vue", ".svelte", ".astro", ".csv",
    ".snap", ".map", ".lock", ".log", ".xml", ".mjml", ".hbs", ".ejs", ".pug", ".patch", ".diff",
    ".mdc", ".sample", ".schema.json", "ignore", ".gitattributes", ".browserslistrc", ".editorconfig",
)  # fmt: skip
"""Text for people, pages, and data that tools wrote."""
_COMMENT: Final = re.compile(rb'[ \t]*(?:#|//|/?\*|--|<!--|;|"(?://|\$?comment|description)")')
"""How a line for people starts, in most formats; JSON has keys for it."""
_JSON: Final = (".json", ".jsonc", ".json5")
_FOLDERS: Final = frozenset(
    {
        "docs",
        "doc",
        "issue_template",
        "i18n",
        "locales",
        "documentation",
        "node_modules",
        "__snapshots__",
        "vendor",
    }
)
_NAMES: Final = ("license", "changelog", "readme", "contributing", "authors", "codeowners")
_FEW: Final = 200
"""Up to so many files are read one by one; for more, git searches them all at once."""
_HEAD: Final = 100_000
_LARGEST: Final = 1_000_000


def commands_in_unread_files(check: str, change: Change, paths: Iterable[str]) -> Iterator[Finding]:
    """One notice for each of some touched files that names a client with an install verb.

    ``paths`` are files that no other part of the check has read.
    """
    if not change.everything and change.comparison.scope[:1] != ("--from-ref",):
        return
    wanted = [path for path in paths if _may_hold_commands(path)]
    if len(wanted) > _FEW:
        there = change.after.grep(_words(), "")
        wanted = [path for path in wanted if path in there]
    for path in wanted:
        try:
            data = change.after.read(path) or b""
        except UndecidedError:  # a link, or what a partial clone lacks: nothing is said of it
            continue
        found = _said(path, data[:_LARGEST])
        if found is not None and place_of(path, data[:_HEAD]) is None:
            command = " ".join(found[0].decode("ascii", "replace").split())
            yield Finding(
                check=check,
                message=f"not read: npm-vetted does not read files of this kind, and `{command}` is in it",
                location=Location(path, found.string.count(b"\n", 0, found.start()) + 1),
                level=Level.NOTICE,
                code=CODE,
                key=path,
                value=command,
            )


def _said(path: str, data: bytes) -> re.Match[bytes] | None:
    """The first command in a file outside comments; a comment is for people."""
    if b"\0" in data[:8000] or _command().search(data) is None:
        return None
    if path.endswith(_JSON):
        with suppress(DocumentError):  # it is no JSON
            data = without_comments(path, data.decode("utf-8", "replace")).encode()
    commands = _command().finditer(data)
    return next((each for each in commands if not _is_comment(data, each.start())), None)


def _is_comment(data: bytes, at: int) -> bool:
    return _COMMENT.match(data, data.rfind(b"\n", 0, at) + 1, at) is not None


def _may_hold_commands(path: str) -> bool:
    """Whether a path has no kind that a reader reads, and is not prose either."""
    *folders, name = path.lower().split("/")
    return (
        not name.endswith(_PROSE)
        and not name.startswith(_NAMES)
        and _FOLDERS.isdisjoint(folders)
        and ".vetting" not in folders
        and place_of(path, b"") is None
    )


@cache
def _command() -> re.Pattern[bytes]:
    """A client's program with a verb that installs, or one that fetches and runs."""
    from npm_vetted.clients.shared.command_line import readers

    programs = (each for each in readers() if len(each) > 2)  # `ni` and `na` are words as well
    names = "|".join(sorted(map(re.escape, programs), key=len, reverse=True))
    return re.compile(
        rb"(?<![\w./@-])(?:(?:%s)[ \t]+(?:install|ci|add|dlx)(?![\w-])|(?:%s)[ \t]+[a-z@-][\w@/.-]*)"
        % (names.encode(), "|".join(RUNNERS).encode()),
    )


@cache
def _words() -> frozenset[str]:
    """The fixed strings that git searches for: each such command contains one of them."""
    return frozenset(
        (" install", " ci", " add", " dlx", "\tinstall", *(f"{name} " for name in RUNNERS))
    )
