"""Reads one file's facts out of its bytes. Pure, and only ever run in the reader's process."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Final

from npm_vetted.review.signals.disguise import (
    GluedText,
    as_source,
    find_disguises,
    glued_texts,
    machine_names,
)
from npm_vetted.review.signals.facts import NO_TEXT_LIMIT, SIZE_LIMIT, FileFacts, Mark
from npm_vetted.review.signals.powers import POWER_OF, find_loads, find_powers
from npm_vetted.review.signals.search import ScriptText
from npm_vetted.review.signals.tells import find_hosts, find_tells
from npm_vetted.review.signals.tree import SyntaxTree, TooMuchError, is_comment

CODE: Final = "code"
MAYBE: Final = "maybe"
TEXT: Final = "text"
_LONG: Final = 1_000
_AVERAGE: Final = 200


def extract_facts(kind: str, data: bytes) -> FileFacts:
    """The facts of a file: a script (``CODE``), a text that may be one (``MAYBE``), with the mark
    ``errors`` if it is none, or a text that only the tells are looked for in.
    """
    size = len(data)
    unread = "" if size <= SIZE_LIMIT else f"it has more than {SIZE_LIMIT >> 20} MiB"
    data = data[:SIZE_LIMIT]
    longest = max(map(len, BytesIO(data + b"\n"))) - 1  # one line after the other, not all at once
    lines = data.count(b"\n") + 1
    readable = longest <= _LONG or len(data) <= _AVERAGE * lines
    facts = FileFacts(size=size, longest=longest, readable=readable, unread=unread)
    if kind == TEXT:
        source = ScriptText(data)
        marks = dict(find_tells(source, lambda _: False))
        return facts._replace(marks=marks, hosts=find_hosts(source, lambda _: False))
    return _code(facts, data, may_be_prose=kind == MAYBE)


def _look_into(
    tree: SyntaxTree,
    glued: Sequence[GluedText],
    marks: dict[str, Mark],
    hosts: dict[str, int],
) -> None:
    """Add what only the texts say that are put together of literals."""
    source = as_source(glued)
    for name, mark in find_tells(source, lambda _: False):
        marks.setdefault(name, Mark(tree.line(glued[mark.line - 1].at), mark.text))
    for host, line in find_hosts(source, lambda _: False).items():
        hosts.setdefault(host, tree.line(glued[line - 1].at))


def _is_no_text(data: bytes, text: str | None) -> bool:
    """Whether more than a hundredth is NUL or no UTF-8."""
    wrong = data.count(b"\0")
    if text is not None:
        wrong += text.count("\ufffd") - data.count("\ufffd".encode())
    return wrong * 100 > len(data)


def _refuse_large(data: bytes) -> None:
    """The parser goes on after an error, of which such a file has one at nearly every byte: it works
    fifty times as long on it.
    """
    if len(data) > NO_TEXT_LIMIT:
        raise TooMuchError("it is no text")


def _code(facts: FileFacts, data: bytes, *, may_be_prose: bool) -> FileFacts:
    text = None if data.isascii() else data.decode("utf-8", errors="replace")
    marks: dict[str, Mark] = {}
    source = ScriptText(data.replace(b"\0", b" "))  # where the parser would see the file's end
    if facts.unread:
        return _without_a_tree(facts, source, marks)
    try:
        if _is_no_text(data, text):
            marks["not-text"] = Mark(1)
            _refuse_large(data)
        tree = SyntaxTree(source)
        glued = glued_texts(tree)
        for name, mark in (
            *find_powers(tree),
            *find_disguises(tree, text, facts.readable, glued),
            *find_tells(source, lambda at: is_comment(tree.chain(at, 2))),
        ):
            marks.setdefault(name, mark)
            power = POWER_OF.get(mark.text.removeprefix("node:")) if name == "split-name" else None
            if power is not None:
                marks.setdefault(power, mark)
        hosts = find_hosts(source, lambda at: is_comment(tree.chain(at, 2)))
        if glued:
            _look_into(tree, glued, marks, hosts)
        loads = find_loads(tree)
        tree.confirm()
        if may_be_prose and tree.broken:
            marks["errors"] = Mark(1)
        return facts._replace(marks=marks, hosts=hosts, loads=loads)
    except TooMuchError as error:
        kept = {name: mark for name, mark in marks.items() if name == "not-text"}
        return _without_a_tree(facts._replace(unread=str(error)), source, kept)


def _without_a_tree(facts: FileFacts, source: ScriptText, marks: dict[str, Mark]) -> FileFacts:
    """What words alone say of a script that is beyond a limit."""
    marks.update(machine_names(source))
    marks.update(find_tells(source, lambda _: False))
    return facts._replace(marks=marks, hosts=find_hosts(source, lambda _: False))
