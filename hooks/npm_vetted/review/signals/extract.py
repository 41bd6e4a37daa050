"""Reads one file's facts out of its bytes. Pure, and only ever run in the reader's process."""

from __future__ import annotations

from typing import Final

from npm_vetted.review.signals.disguise import find_disguises, machine_names
from npm_vetted.review.signals.facts import NO_TEXT_LIMIT, SIZE_LIMIT, FileFacts, Mark
from npm_vetted.review.signals.powers import POWER_OF, find_loads, find_powers
from npm_vetted.review.signals.search import ScriptText
from npm_vetted.review.signals.tells import find_hosts, find_tells
from npm_vetted.review.signals.tree import SyntaxTree, TooMuchError, is_comment

CODE: Final = "code"
TEXT: Final = "text"
_LONG: Final = 1_000
_AVERAGE: Final = 200


def extract_facts(kind: str, data: bytes) -> FileFacts:
    """The facts of a file: a script (``CODE``), or text that only the tells are looked for in."""
    size = len(data)
    unread = "" if size <= SIZE_LIMIT else f"it has more than {SIZE_LIMIT >> 20} MiB"
    data = data[:SIZE_LIMIT]
    longest = max(map(len, data.split(b"\n")), default=0)
    lines = data.count(b"\n") + 1
    readable = longest <= _LONG or len(data) <= _AVERAGE * lines
    facts = FileFacts(size=size, longest=longest, readable=readable, unread=unread)
    if kind != CODE:
        source = ScriptText(data)
        marks = dict(find_tells(source, lambda _: False))
        return facts._replace(marks=marks, hosts=find_hosts(source, lambda _: False))
    return _code(facts, data)


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


def _code(facts: FileFacts, data: bytes) -> FileFacts:
    text = None if data.isascii() else data.decode("utf-8", errors="replace")
    marks: dict[str, Mark] = {}
    source = ScriptText(data.replace(b"\0", b" "))  # where the parser would see the file's end
    try:
        if _is_no_text(data, text):
            marks["not-text"] = Mark(1)
            _refuse_large(data)
        tree = SyntaxTree(source)
        for name, mark in (
            *find_powers(tree),
            *find_disguises(tree, text, facts.readable),
            *find_tells(source, lambda at: is_comment(tree.chain(at, 2))),
        ):
            marks.setdefault(name, mark)
            power = POWER_OF.get(mark.text.removeprefix("node:")) if name == "split-name" else None
            if power is not None:
                marks.setdefault(power, mark)
        hosts = find_hosts(source, lambda at: is_comment(tree.chain(at, 2)))
        loads = find_loads(tree)
        tree.confirm()
        return facts._replace(marks=marks, hosts=hosts, loads=loads)
    except TooMuchError as error:
        marks = {name: mark for name, mark in marks.items() if name == "not-text"}
        marks.update(machine_names(source))
        marks.update(find_tells(source, lambda _: False))
        return facts._replace(
            unread=facts.unread or str(error),
            marks=marks,
            hosts=find_hosts(source, lambda _: False),
        )
