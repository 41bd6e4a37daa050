"""Reads YAML of CI files: anchors, aliases, merges and tags are permitted, and positions are kept.

An alias becomes the same node object as its anchor, so a bomb of aliases costs nothing to read. A caller that
walks the nodes must limit how many it visits (``NodeBudget``). libyaml yields the events; nodes are built
in a loop, so deep nesting needs no stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from npm_vetted.errors import DocumentError, UndecidedError
from npm_vetted.formats.document import DEPTH_LIMIT, decode
from npm_vetted.installs.shell.source import Source, located

_VISITS: Final = 200_000
_ITEMS: Final = 20_000


@dataclass(eq=False, slots=True)
class Node:
    """A scalar (``text``), a sequence (``items``) or a mapping (``pairs``)."""

    line: int
    end: int
    tag: str | None = None
    text: str | None = None
    block: bool = False
    items: list[Node] | None = None
    pairs: list[tuple[Node, Node]] | None = None

    def get(self, key: str) -> Node | None:
        """The value of a key, also one that a merge (``<<``) brings; the mapping's own wins."""
        return self.table().get(key)

    def table(self) -> dict[str, Node]:
        """The mapping by key, with merged mappings included."""
        found: dict[str, Node] = {}
        queue: list[tuple[Node, int]] = [(self, 0)]
        seen: set[int] = set()
        while queue:
            node, depth = queue.pop(0)
            if id(node) in seen or depth > 20:
                continue
            seen.add(id(node))
            for key, value in node.pairs or ():
                if key.text == "<<":
                    queue.extend((each, depth + 1) for each in value.items or [value])
                elif key.text is not None:
                    if node is self:
                        found[key.text] = value
                    else:
                        found.setdefault(key.text, value)
        return found

    def scalar(self, key: str) -> str | None:
        """The text of a key's scalar."""
        node = self.get(key)
        return None if node is None else node.text

    def texts(self, key: str) -> list[Node]:
        """The scalars of a key that holds one or a list of them."""
        node = self.get(key)
        return [] if node is None else list(scalars(node))


def scalars(node: Node) -> Iterator[Node]:
    """The scalars of a scalar or of a (nested) sequence, in order; a bomb of aliases yields only the first."""
    stack = [node]
    for _ in range(_ITEMS):
        if not stack:
            return
        node = stack.pop()
        if node.text is not None:
            yield node
        stack.extend(reversed(node.items or ()))


class NodeBudget:
    """How many nodes may be visited before a file counts as a bomb."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._left = _VISITS

    def spend(self, node: Node) -> None:
        """Count a visit; raises UndecidedError after too many."""
        self._left -= 1
        if self._left < 0:
            raise UndecidedError("too many aliases to follow", path=self._path, line=node.line)


def every_node(root: Node, path: str) -> Iterator[Node]:
    """Every node once, in the file's order; a node that aliases share is not visited again."""
    budget = NodeBudget(path)
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        budget.spend(node)
        yield node
        children = list(node.items or ())
        children += [value for _, value in node.pairs or ()]
        stack.extend(reversed(children))


@dataclass(slots=True)
class YamlFile:
    """The documents of a file, and its lines."""

    path: str
    lines: list[str] = field(repr=False)
    documents: list[Node] = field(default_factory=list)

    def source(self, node: Node) -> Source:
        """A scalar's text with the lines that it is on."""
        text = (node.text or "").replace("\x00", "\ufffd")
        first = node.line
        return located(text, self.lines[first - 1 : node.end], first)


def read_yaml(path: str, data: bytes) -> YamlFile:
    """Read a YAML file; raises DocumentError with the line of a syntax error."""
    text = decode(path, data)
    builder = _Builder(YamlFile(path, text.splitlines()))
    import yaml

    loader = yaml.CLoader if hasattr(yaml, "CLoader") else yaml.Loader
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "cannot be read"
        raise DocumentError(f"not YAML: {problem}", path=path, line=line) from None
    return builder.file


class _Builder:
    def __init__(self, file: YamlFile) -> None:
        self.file = file
        self._anchors: dict[str, Node] = {}
        self._stack: list[tuple[Node, Node | None]] = []

    def take(self, event: object) -> None:
        import yaml

        match event:
            case yaml.ScalarEvent():
                node = _node(event)
                node.text = event.value
                node.block = event.style in ("|", ">")
                self._anchor(event, node)
                self._place(node)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                node = _node(event)
                if isinstance(event, yaml.SequenceStartEvent):
                    node.items = []
                else:
                    node.pairs = []
                self._anchor(event, node)
                self._place(node)
                if len(self._stack) >= DEPTH_LIMIT:
                    raise DocumentError("nested too deeply", path=self.file.path, line=node.line)
                self._stack.append((node, None))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._stack.pop()
            case yaml.AliasEvent():
                line = _line(event)
                if event.anchor not in self._anchors:
                    raise DocumentError(
                        f"an alias of nothing: *{event.anchor}", path=self.file.path, line=line
                    )
                self._place(self._anchors[event.anchor])
            case yaml.DocumentStartEvent():
                self._anchors.clear()

    def _anchor(self, event: object, node: Node) -> None:
        anchor: str | None = event.anchor  # type: ignore[attr-defined]
        if anchor is not None:
            self._anchors[anchor] = node

    def _place(self, node: Node) -> None:
        if not self._stack:
            self.file.documents.append(node)
            return
        parent, key = self._stack[-1]
        if parent.items is not None:
            parent.items.append(node)
        elif key is None:
            self._stack[-1] = (parent, node)
        else:
            assert parent.pairs is not None
            parent.pairs.append((key, node))
            self._stack[-1] = (parent, None)


def _line(event: object) -> int:
    return int(event.start_mark.line) + 1  # type: ignore[attr-defined]


def _node(event: object) -> Node:
    start, end = event.start_mark, event.end_mark  # type: ignore[attr-defined]
    return Node(start.line + 1, end.line + 1, tag=event.tag)  # type: ignore[attr-defined]
