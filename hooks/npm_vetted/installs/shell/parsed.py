"""A shell script as tree-sitter-bash reads it: its nodes' texts, and the lines they are on."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from npm_vetted.installs.shell.source import Source

if TYPE_CHECKING:
    from tree_sitter import Node, Parser


@cache
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


class Parsed:
    """A parsed script. tree-sitter counts in bytes, a source in characters."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.data = source.text.encode()
        self._inner = [found.start() for found in re.finditer(rb"[\x80-\xbf]", self.data)]

    def statements(self) -> Sequence[Node]:
        """The statements at the top."""
        return _parser().parse(self.data).root_node.children

    def text(self, node: Node) -> str:
        """A node's own text."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def offset(self, position: int) -> int:
        """A byte offset as an offset in the text."""
        return position - bisect_left(self._inner, position)

    def part(self, node: Node) -> Source:
        """A node's text with its lines."""
        return self.source.at(self.offset(node.start_byte), self.offset(node.end_byte))

    def line(self, node: Node) -> int:
        """The line of the file that a node starts on."""
        return self.source.line(self.offset(node.start_byte))

    def raw(self, start: int, end: int) -> tuple[str, int]:
        """Some bytes as text, with the line they start on."""
        text = self.data[start:end].decode("utf-8", "replace")
        return text, self.source.line(self.offset(start))
