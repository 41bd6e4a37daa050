"""Decides which folders a root's workspace globs name, as the clients match them.

Measured with npm 10 and 12, pnpm 10 and 12, Yarn 1 and 4.18, Bun 1.2 and 1.4:

- All agree on plain characters, ``*``, ``?``, ``**`` as a whole name, ``[a-z]``, ``[!a-z]``,
  ``{a,b}`` (nested, too), a leading ``./``, a trailing slash and doubled slashes.
- ``*`` takes no name that starts with a dot.
- They differ about everything else: extended globs, backslashes, ``{a..b}``, ``{a}``, ``[^a]``, a
  leading slash, ``..``. Such a pattern is unclear: which folders it names depends on the client.
- They differ about ``!``, see ``Negation``.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from npm_vetted.errors import UndecidedError
from npm_vetted.formats.globs import LENGTH_LIMIT, Glob


class Negation(enum.Enum):
    """The effect of ``!folder`` among the globs of workspaces."""

    IGNORED = "nothing: Yarn 1"
    ALWAYS = "it excludes the folder, wherever it is written: pnpm, Yarn 4"
    GLOBS_ONLY = "it excludes the folder unless that is named without a wildcard: Bun 1.4"
    IN_ORDER = "it excludes the folder unless a later glob names it: npm"


_LIMIT: Final = 2_000
"""Globs of one root; the largest real repositories have some dozens."""

_UNCLEAR: Final = re.compile(
    r"""
    \\                               # an escape
    | [@+*?!]\(                       # an extended glob
    | \{ [^{},]* \}                   # one alternative, or a range
    | \[ [!]? (?: \^ | \[: )          # another negation, a POSIX class
    | (?:\A|/) \.{1,2} (?:/|\Z)       # a detour
    | \A [/#]                         # the file system's top; a comment
    | [^/] \*\* | \*\* [^/]           # a double star within a name
    """,
    re.VERBOSE,
)
_DOT_NAME: Final = re.compile(r"(?:\A|[/{,])\.")
_SPECIAL: Final = re.compile(r"[*?\[\]{}]")


def is_unclear(glob: str) -> bool:
    """Whether clients differ about the folders that a glob names."""
    text = _tidy(glob)
    return len(text) > LENGTH_LIMIT or _UNCLEAR.search(text) is not None or not _is_balanced(text)


def _is_balanced(text: str) -> bool:
    """Whether every brace and bracket that opens is closed."""
    without = re.sub(r"\[!?\]?[^\]]*\]", "", text)
    depth = 0
    for character in without:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0 or character in "[]":
            return False
    return depth == 0


def _tidy(glob: str) -> str:
    """A glob without its ``!`` and the parts that all clients drop: ``./``, doubled and last slashes."""
    text = re.sub(r"/{2,}", "/", glob.removeprefix("!"))
    return text.removeprefix("./").removesuffix("/")


@lru_cache(maxsize=4_096)
def _matcher(pattern: str) -> Glob:
    return Glob(pattern, classes=True)


def _matches(glob: str, folder: str) -> bool:
    pattern = _tidy(glob)
    if pattern == folder:  # pnpm 10 and Yarn 4 find the folder ``[id]`` by its own name
        return True
    if len(pattern) > LENGTH_LIMIT:
        return False  # reported as unclear
    hidden = _DOT_NAME.search(folder) is not None and _DOT_NAME.search(pattern) is None
    return not hidden and _matcher(pattern).match(folder) is not None


def is_member(globs: Sequence[str], folder: str, negation: Negation) -> bool:
    """Whether a folder, relative to the root's, is one of its workspaces.

    Raises UndecidedError where there are more globs than any root has.
    """
    if len(globs) > _LIMIT:
        raise UndecidedError(f"{len(globs):,} patterns of workspaces: more than {_LIMIT:,}")
    plain = [each for each in globs if not each.startswith("!")]
    if not any(_matches(each, folder) for each in plain):
        return False
    negated = [at for at, each in enumerate(globs) if each.startswith("!")]
    hits = [at for at in negated if _matches(globs[at], folder)]
    if not hits or negation is Negation.IGNORED:
        return True
    if negation is Negation.ALWAYS:
        return False
    if negation is Negation.GLOBS_ONLY:
        return any(_tidy(each) == folder for each in plain if not _SPECIAL.search(each))
    # A negation before every other glob counts after them all.
    first = next(at for at, each in enumerate(globs) if not each.startswith("!"))
    if hits[0] < first:
        return False
    return any(_matches(each, folder) for each in globs[hits[-1] :] if not each.startswith("!"))


def literal_start(glob: str) -> tuple[str, str | None]:
    """The leading folders of a glob without wildcards, and the rest of it; None: the rest contains ``**``."""
    parts = _tidy(glob).split("/")
    at = next((at for at, part in enumerate(parts) if _SPECIAL.search(part)), len(parts))
    rest = "/".join(parts[at:])
    return "/".join(parts[:at]), None if "**" in rest else rest
