"""A syntax tree that tells the kind of a place in a file; only the reader's process imports it."""

from __future__ import annotations

from functools import cached_property
from itertools import accumulate
from typing import Final

import tree_sitter
import tree_sitter_javascript

from npm_vetted.review.signals.facts import DEPTH_LIMIT, MARK_LIMIT, NODE_LIMIT, STEP_LIMIT
from npm_vetted.review.signals.search import ScriptText

LANGUAGE: Final = tree_sitter.Language(tree_sitter_javascript.language())
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"([{)]}"))
_MARKS: Final = b";,.(){}[]=:+"
_STEP: Final = {ord(each): 1 if each in "([{" else -1 for each in "([{)]}"}
_PARTS_PER_BYTE: Final = 16
"""More nodes than a byte can be worth: ``[]`` has two of its own, in an array in a statement."""
_QUOTED: Final = ("string", "template_string", "string_fragment", "escape_sequence")
COMMENTS: Final = frozenset({"comment", "html_comment", "hash_bang_line"})


class TooMuchError(Exception):
    """The file exceeds a limit of the reader; the message names the limit."""


def bracket_depth(data: bytes) -> int:
    """How deeply brackets are nested, of every kind together, strings and comments included."""
    steps = map(_STEP.__getitem__, data.translate(None, _NO_BRACKETS))
    return max(accumulate(steps), default=0)


class SyntaxTree:
    """The tree of a script. TypeScript is read by the same grammar, with errors where it differs.

    It is made when a place is asked about for the first time: many files have no such place.
    """

    def __init__(self, source: ScriptText) -> None:
        data = source.data
        if bracket_depth(data) > DEPTH_LIMIT:
            raise TooMuchError("its brackets are nested too deeply")
        if len(data) - len(data.translate(None, _MARKS)) > MARK_LIMIT:
            raise TooMuchError("it has too many parts")
        self.source = source
        self.data = data
        self._steps = 0
        self.local: dict[bytes, bool] = {}
        """Whether the script declares a name, where that was asked."""

    @cached_property
    def _tree(self) -> tree_sitter.Tree:
        tree = tree_sitter.Parser(LANGUAGE).parse(self.data)
        if tree.root_node.descendant_count > NODE_LIMIT:
            raise TooMuchError("it has too many parts")
        return tree

    @cached_property
    def _cursor(self) -> tree_sitter.TreeCursor:
        return self._tree.walk()

    def confirm(self) -> None:
        """Raise TooMuchError for too many parts, also where no place was asked about."""
        if len(self.data) * _PARTS_PER_BYTE > NODE_LIMIT:
            _ = self._tree

    @property
    def broken(self) -> bool:
        """Whether there is a place that the parser could not read."""
        return self._tree.root_node.has_error

    def chain(self, position: int, length: int = 5) -> list[tree_sitter.Node]:
        """The innermost node around a byte and its ancestors, the nearest first.

        Raises TooMuchError if a file needs more steps than the limit.
        """
        cursor = self._cursor
        cursor.reset(self._tree.root_node)
        steps = 0
        while cursor.goto_first_child_for_byte(position) is not None:
            steps += 1
        self._steps += steps + 1
        if self._steps > STEP_LIMIT:
            raise TooMuchError("it is nested too deeply in too many places")
        while (node := cursor.node) is not None and node.start_byte > position:
            if not cursor.goto_parent():
                break
        found: list[tree_sitter.Node] = []
        while (node := cursor.node) is not None and len(found) < length:
            found.append(node)
            if not cursor.goto_parent():
                break
        return found

    def line(self, position: int) -> int:
        """The 1-based line of a byte."""
        return self.data.count(b"\n", 0, position) + 1

    def text(self, node: tree_sitter.Node | None, limit: int = 200) -> bytes:
        """The source of a node, cut to a length."""
        if node is None:
            return b""
        return self.data[node.start_byte : min(node.end_byte, node.start_byte + limit)]


def first_part(node: tree_sitter.Node | None) -> tree_sitter.Node | None:
    """The first named child of a node; None where there is none."""
    return node.named_child(0) if node is not None and node.named_child_count else None


def is_quoted(chain: list[tree_sitter.Node]) -> bool:
    """Whether a place is inside a string or the fixed part of a template."""
    return (bool(chain) and chain[0].type in _QUOTED) or (
        len(chain) > 1 and chain[0].type in ("'", '"', "`") and chain[1].type in _QUOTED
    )


def is_comment(chain: list[tree_sitter.Node]) -> bool:
    """Whether a place is inside a comment."""
    return bool(chain) and chain[0].type in COMMENTS


def enclosing_string(
    chain: list[tree_sitter.Node],
) -> tuple[tree_sitter.Node | None, list[tree_sitter.Node]]:
    """The string that a place is inside of, and the nodes around that string."""
    for index, node in enumerate(chain[:3]):
        if node.type in ("string", "template_string"):
            return node, chain[index + 1 :]
    return None, []
