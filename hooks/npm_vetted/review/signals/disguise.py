"""Finds disguised code: machine-made names, encoded strings, names assembled from parts."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from npm_vetted.review.signals.facts import Mark
from npm_vetted.review.signals.search import ScriptText, near, starting_with
from npm_vetted.review.signals.tree import (
    SyntaxTree,
    enclosing_string,
    first_part,
    is_comment,
    is_quoted,
)

if TYPE_CHECKING:
    import tree_sitter

_HEX_NAME: Final = re.compile(rb"\b_0x[0-9a-fA-F]{4,12}\b")
_HEX_NAMES: Final = 10
_ENCODED: Final = re.compile(rb"""['"`]([A-Za-z0-9+/_=-]{12,8000})['"`]""")
_NUMBERS: Final = re.compile(
    rb"(?:\[|fromC(?:harCode|odePoint)\()\s{0,9}((?:(?:0x[0-9a-fA-F]{1,2}|\d{1,3})\s{0,9},\s{0,9}){7,4000}(?:0x[0-9a-fA-F]{1,2}|\d{1,3}))"
)
_SAYS: Final = re.compile(
    r"""https?://[\w.-]{4,}|\brequire\s?\(|child_process|\beval\s?\(|\bcurl\s|\bwget\s|powershell|/bin/(?:ba)?sh"""
    r"""|process\.env|\bimport\(|console\.log\(|\bfunction\s?[\w$]*\s?\(|=>\s?\{|\bexec(?:Sync|File)?\(|\bfetch\("""
    r"""|https?://\d|\bbash -|cmd(?:\.exe)? /c|\bnode -e|\bnpm (?:publish|whoami|token)|\.ssh/|\.npmrc"""
)
_SPLIT: Final = frozenset({
    "child_process", "process", "require", "eval", "Function", "constructor", "execSync", "exec",
    "spawn", "spawnSync", "https", "http", "fetch", "XMLHttpRequest", "ethereum", "globalThis",
    "fromCharCode", "node:child_process", "node:https", "node:http", "node:fs", "node:net",
    "node:dns", "node:vm", "dns", "worker_threads", "mainModule", "binding", "_load", "_compile",
    "createRequire", "execFile", "execFileSync", "atob", "base64", "WebSocket", "sendBeacon", "env",
    "script", "cookie",
})  # fmt: skip
"""Names that nobody glues together of pieces without wanting to hide them."""
_GLUED: Final = re.compile(rb"""['"`]\s{0,40}(?:\)\s{0,9})?\+\s{0,40}(?:\(\s{0,9})?['"`]""")
_JOINED: Final = re.compile(
    rb"""[\])]\s{0,9}\.\s{0,9}join\s{0,9}\(|\.\s{0,9}(?:reverse|concat)\s{0,9}\("""
)
_CHANGED: Final = re.compile(
    rb"""['"`]\s{0,9}\.\s{0,9}(?:slice|substr(?:ing)?|trim(?:Start|End)?|replace(?:All)?|toString|valueOf)\s{0,9}\("""
)
_ESCAPED: Final = re.compile(
    rb"""(['"`])((?:\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\u\{[0-9a-fA-F]{1,6}\}|[\w$:/.-]){3,24})\1"""
)
_ESCAPE: Final = re.compile(r"\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\u\{([0-9a-fA-F]{1,6})\}")
_TEMPLATE: Final = re.compile(rb"""\$\{\s{0,9}['"`]""")
_OFFSCREEN: Final = re.compile(rb"(?<![ \t])[ \t]{120,}(?=[^\s])")
_BLANKS: Final = b" " * 120
_INVISIBLE: Final = re.compile(
    "[\u202a-\u202e\u2066-\u2069]|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,}"
    "|[\U000e0000-\U000e007f]{2,}|[\U000f0000-\U0010fffd]{2,}|[\u200b-\u200d\u2060\ufeff]{3,}"
    "|[\u115f\u1160\u3164\uffa0]"
)
_THIN: Final = re.compile("[\\x00-\\x7f][\u200b\u200c\u2060\ufeff]{1,2}(?=[\\x00-\\x7f])")
_THINS: Final = 10
"""Characters without width between plain letters: so many are a text of their own."""
_FOREIGN: Final = re.compile(r"[^\x00-\x7f]+")
_ALIKE: Final = re.compile("[Ѐ-ӿαοερικνυΑΒΕΖΗΙΚΜΝΟΡΤΥΧ]+")
_ALIKE_BEFORE: Final = re.compile("[Ѐ-ӿοΑΒΕΖΗΙΚΜΝΟΡΤΥΧ]")
_WASM: Final = re.compile(rb"AGFzb[A-Za-z0-9+/=_-]{4,}")
_ESCAPES: Final = 300
_PLACES: Final = 400
_PIECES: Final = 64


def find_disguises(
    tree: SyntaxTree, text: str | None, readable: bool, glued: Sequence[GluedText]
) -> Iterator[tuple[str, Mark]]:
    """Each disguise with its first place. ``text`` is the decoded source; None: it is all ASCII."""
    data = tree.data
    yield from machine_names(tree.source)
    yield from _hidden_strings(tree)
    yield from _glued_names(tree, glued)
    yield from _hidden_machine_code(tree)
    if readable:
        yield from _offscreen(tree)
    if text is not None:
        yield from invisible(text)
        yield from _mixed(tree, text)
    escapes = data.count(b"\\x")
    if escapes >= _ESCAPES and escapes * 4 * 10 >= len(data):
        yield "escapes", Mark(tree.line(data.find(b"\\x")), f"{escapes}")


def machine_names(source: ScriptText) -> Iterator[tuple[str, Mark]]:
    """Names such as ``_0x1a2b``, as the widespread obfuscator makes them."""
    names: set[bytes] = set()
    first = -1
    for match in starting_with(_HEX_NAME, source, b"_0x"):
        first = match.start() if first < 0 else first
        names.add(match.group())
        if len(names) == _HEX_NAMES:
            shown = min(names).decode("ascii")
            yield "hex-names", Mark(source.data.count(b"\n", 0, first) + 1, shown)
            return


def invisible(text: str) -> Iterator[tuple[str, Mark]]:
    """Characters that nobody sees, or that turn the direction of the text."""
    for part in _FOREIGN.finditer(text):
        match = _INVISIBLE.search(text, part.start(), part.end())
        if match is not None:
            line = text.count("\n", 0, match.start()) + 1
            yield "invisible", Mark(line, f"U+{ord(match.group()[0]):04X}")
            return
    thin = list(islice(_THIN.finditer(text), _THINS))
    if len(thin) == _THINS:
        line = text.count("\n", 0, thin[0].start()) + 1
        yield "invisible", Mark(line, f"U+{ord(thin[0].group()[1]):04X}")


def _mixed(tree: SyntaxTree, text: str) -> Iterator[tuple[str, Mark]]:
    for place in islice(_mixed_places(text), 50):
        at = len(text[:place].encode("utf-8", errors="surrogatepass"))
        chain = tree.chain(at, 2)
        if chain and chain[0].type.endswith(("identifier", "identifier_pattern")):
            shown = tree.text(chain[0], 60).decode("utf-8", "replace")
            yield "mixed-alphabet", Mark(tree.line(at), shown)
            return


def _mixed_places(text: str) -> Iterator[int]:
    """Where a Latin letter is next to one of another alphabet."""
    for match in _ALIKE.finditer(text):
        start, end = match.span()
        if start and _is_latin(text[start - 1]):
            yield start - 1
        elif end < len(text) and _is_latin(text[end]) and _ALIKE_BEFORE.match(text, end - 1):
            yield end - 1


def _is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()


def _offscreen(tree: SyntaxTree) -> Iterator[tuple[str, Mark]]:
    if _BLANKS not in tree.data.replace(b"\t", b" "):
        return
    for tries, match in enumerate(_OFFSCREEN.finditer(tree.data)):
        if tries >= _PLACES:
            return
        chain = tree.chain(match.end(), 2)
        if (
            not is_comment(chain)
            and not is_quoted(chain)
            and not is_quoted(tree.chain(match.start(), 2))
        ):
            yield "offscreen", Mark(tree.line(match.start()), f"{match.end() - match.start()}")
            return


def _hidden_strings(tree: SyntaxTree) -> Iterator[tuple[str, Mark]]:
    for match in _ENCODED.finditer(tree.data):
        said = _decoded(match[1])
        if said is not None and not is_comment(tree.chain(match.start(1), 2)):
            yield "hidden-string", Mark(tree.line(match.start()), said)
            return
    for match in _NUMBERS.finditer(tree.data):
        try:
            numbers = bytes(int(each, 0) for each in re.split(rb"[\s,]+", match[1]))
        except ValueError:
            continue
        said = says(numbers)
        if said is not None and not is_comment(tree.chain(match.start(1), 2)):
            yield "hidden-string", Mark(tree.line(match.start()), said)
            return


def _decoded(data: bytes, depth: int = 2) -> str | None:
    """The decoded text of an encoded string, if it contains an action."""
    for candidate in (data, data[::-1]):
        for raw in _decodings(candidate):
            said = says(raw)
            if said is not None:
                return said
            if depth and len(raw) >= 12 and re.fullmatch(rb"[A-Za-z0-9+/_=-]{12,}", raw.strip()):
                inner = _decoded(raw.strip(), depth - 1)
                if inner is not None:
                    return inner
    return None


def _decodings(data: bytes) -> Iterator[bytes]:
    if len(data) % 2 == 0 and re.fullmatch(rb"[0-9a-fA-F]+", data):
        yield bytes.fromhex(data.decode("ascii"))
    body = data.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    if len(body) % 4 != 1 and b"=" not in body:
        try:
            yield base64.b64decode(body + b"=" * (-len(body) % 4))
        except (binascii.Error, ValueError):
            return


def says(raw: bytes) -> str | None:
    """The first words of bytes that are plain text with an address, a command or code in it."""
    if not raw.isascii():
        return None
    text = raw.decode("ascii")
    bad = sum(not (each.isprintable() or each in "\n\r\t") for each in text)
    if bad or _SAYS.search(text) is None:
        return None
    return " ".join(text.split())[:60]


# Names that are glued together of pieces.


def _hidden_machine_code(tree: SyntaxTree) -> Iterator[tuple[str, Mark]]:
    """WebAssembly as text: a hash of its beginning and its size tell whether it is another one."""
    found = [match.group() for match in starting_with(_WASM, tree.source, b"AGFzb")]
    if found:
        digest = hashlib.sha256(b"\n".join(found)).hexdigest()[:16]
        yield "wasm-text", Mark(tree.line(tree.data.find(found[0])), digest)


class GluedText(NamedTuple):
    """A text that is put together of literals, and the place of its first."""

    at: int
    text: str


def glued_texts(tree: SyntaxTree) -> list[GluedText]:
    """Every text that is put together of literals by an expression."""
    return [GluedText(at, text) for at, text in _glued(tree)]


def as_source(glued: Iterable[GluedText]) -> ScriptText:
    """Such texts as a script has texts, one a line."""
    lines = (f"'{' '.join(each.text.split())[:2_000]}'" for each in glued)
    return ScriptText("\n".join(lines).encode("utf-8", errors="replace"))


def _glued_names(tree: SyntaxTree, glued: Iterable[GluedText]) -> Iterator[tuple[str, Mark]]:
    for at, name in glued:
        if name in _SPLIT or _is_hidden_code(name):
            code = "split-name" if name in _SPLIT else "hidden-string"
            yield code, Mark(tree.line(at), name[:60])
            if code == "split-name":
                return


def _is_hidden_code(text: str) -> bool:
    return (
        bool(re.fullmatch(r"[A-Za-z0-9+/=]{12,8000}", text)) and _decoded(text.encode()) is not None
    )


def _glued(tree: SyntaxTree) -> Iterator[tuple[int, str]]:
    """Texts that are put together of literals, with the place of each."""
    for find in (_sums, _joins, _changes, _templates, _escaped, _numbered):
        yield from find(tree)


def _sums(tree: SyntaxTree) -> Iterator[tuple[int, str]]:
    for match in islice(_GLUED.finditer(tree.data), _PLACES):
        _, around = enclosing_string(tree.chain(match.start(), 12))
        text = _outer_sum(tree, around)
        for each in _runs_of_texts(tree, around) if text is None else (text,):
            yield match.start(), each


def _joins(tree: SyntaxTree) -> Iterator[tuple[int, str]]:
    for match in islice(
        near(_JOINED, tree.source, b"join", b"reverse", b"concat", before=20, after=17), _PLACES
    ):
        yield from _enclosing(tree, match.end() - 1, match.start(), "call_expression")


def _changes(tree: SyntaxTree) -> Iterator[tuple[int, str]]:
    for match in islice(_CHANGED.finditer(tree.data), _PLACES):
        yield from _enclosing(tree, match.end() - 1, match.start(), "call_expression")


def _templates(tree: SyntaxTree) -> Iterator[tuple[int, str]]:
    for match in islice(_TEMPLATE.finditer(tree.data), _PLACES):
        yield from _enclosing(tree, match.start(), match.start(), "template_string")


def _enclosing(tree: SyntaxTree, at: int, place: int, kind: str) -> Iterator[tuple[int, str]]:
    """The text of the nearest expression of a kind around a place."""
    node = next((each for each in tree.chain(at, 4) if each.type == kind), None)
    text = _folded(tree, node)
    if text is not None:
        yield place, text


def _escaped(tree: SyntaxTree) -> Iterator[tuple[int, str]]:
    if b"\\x" not in tree.data and b"\\u" not in tree.data:
        return
    for match in islice(_ESCAPED.finditer(tree.data), 5_000):
        if b"\\" in match[2]:
            text = _unescape(match[2].decode("ascii"))
            if text in _SPLIT and not is_comment(tree.chain(match.start(2), 2)):
                yield match.start(), text


def _numbered(tree: SyntaxTree) -> Iterator[tuple[int, str]]:
    for match in islice(starting_with(_NUMBERS, tree.source, b"fromC"), _PLACES):
        with suppress(ValueError):
            numbers = bytes(int(each, 0) for each in re.split(rb"[\s,]+", match[1]))
            yield match.start(), numbers.decode("latin-1")


def _outer_sum(tree: SyntaxTree, around: list[tree_sitter.Node]) -> str | None:
    """The text of the largest sum of literals around a string."""
    text: str | None = None
    for node in around:
        if node.type == "parenthesized_expression":
            continue
        if node.type != "binary_expression":
            break
        folded = _folded(tree, node)
        if folded is None:
            break
        text = folded
    return text


def _runs_of_texts(tree: SyntaxTree, around: list[tree_sitter.Node]) -> list[str]:
    """The runs of texts in a sum of other things: ``home + "/.np" + "mrc"``."""
    sums = list(takewhile(lambda each: each.type == "binary_expression", around))
    node = sums[-1] if sums else None
    runs = [""]
    for _ in range(_PIECES):
        if node is None or node.type != "binary_expression":
            break
        text = _folded(tree, node.child_by_field_name("right"))
        runs = [*runs, ""] if text is None else [*runs[:-1], text + runs[-1]]
        node = node.child_by_field_name("left")
    return runs


def _folded(tree: SyntaxTree, node: tree_sitter.Node | None, pieces: int = _PIECES) -> str | None:
    """The text of an expression of literals; None where it is anything else, or is too long."""
    if node is None or pieces <= 0 or node.end_byte - node.start_byte > 8_000:
        return None
    fold = _FOLDS.get(node.type)
    return None if fold is None else fold(tree, node, pieces)


def _fold_string(tree: SyntaxTree, node: tree_sitter.Node, pieces: int) -> str | None:
    found = []
    for child in node.named_children:
        if child.type in ("string_fragment", "escape_sequence"):
            found.append(_unescape(tree.text(child, 8_000).decode("utf-8", errors="replace")))
        elif child.type == "template_substitution":
            inner = _folded(tree, first_part(child), pieces - 1)
            if inner is None:
                return None
            found.append(inner)
    return "".join(found)


def _fold_sum(tree: SyntaxTree, node: tree_sitter.Node, pieces: int) -> str | None:
    operator = node.child_by_field_name("operator")
    if operator is None or operator.type != "+":
        return None
    left = _folded(tree, node.child_by_field_name("left"), pieces - 1)
    right = (
        _folded(tree, node.child_by_field_name("right"), pieces - 1) if left is not None else None
    )
    return None if left is None or right is None else left + right


def _fold_parentheses(tree: SyntaxTree, node: tree_sitter.Node, pieces: int) -> str | None:
    return _folded(tree, first_part(node), pieces - 1)


def _fold_call(tree: SyntaxTree, node: tree_sitter.Node, pieces: int) -> str | None:
    """``[…].join("")``, ``"…".concat("…")``, ``"…".split("").reverse().join("")``."""
    function = node.child_by_field_name("function")
    arguments = node.child_by_field_name("arguments")
    if function is None or arguments is None or function.type != "member_expression":
        return None
    holder = function.child_by_field_name("object")
    name = tree.text(function.child_by_field_name("property"))
    if name == b"concat" and holder is not None and holder.type != "array":
        parts = [
            _folded(tree, each, pieces - 1)
            for each in (holder, *arguments.named_children[:_PIECES])
        ]
        return None if None in parts else "".join(each or "" for each in parts)
    if name in _CHANGES and holder is not None:
        return _fold_change(tree, name, holder, arguments, pieces)
    if name != b"join" or holder is None:
        return None
    items = _fold_list(tree, holder, pieces - 1)
    separator = _folded(tree, first_part(arguments), 1) if arguments.named_child_count else ","
    return None if items is None or separator is None else separator.join(items)


_CHANGES: Final = frozenset({
    b"slice", b"substring", b"substr", b"trim", b"trimStart", b"trimEnd", b"replace", b"replaceAll",
    b"toString", b"valueOf",
})  # fmt: skip


def _fold_change(
    tree: SyntaxTree,
    name: bytes,
    holder: tree_sitter.Node,
    arguments: tree_sitter.Node,
    pieces: int,
) -> str | None:
    """A literal that is cut or changed at once: ``"xfetch".slice(1)``."""
    text = _folded(tree, holder, pieces - 1)
    if text is None:
        return None
    given = arguments.named_children[:3]
    if name.startswith(b"trim") or name in (b"toString", b"valueOf"):
        return text.strip()
    if name.startswith(b"replace"):
        what, by = (
            [_folded(tree, each, pieces - 1) for each in given] if len(given) == 2 else (None, None)
        )
        return None if what is None or by is None else text.replace(what, by)
    numbers = [tree.text(each, 12) for each in given]
    if not all(re.fullmatch(rb"-?\d{1,4}", each) for each in numbers):
        return None
    cut = [int(each) for each in numbers]
    if name == b"substr" and len(cut) == 2:
        cut[1] += cut[0]
    return text[slice(*cut, *([None] * (2 - len(cut))))] if len(cut) < 3 else None


def _fold_list(tree: SyntaxTree, node: tree_sitter.Node, pieces: int) -> list[str] | None:
    if pieces <= 0:
        return None
    if node.type == "array":
        parts = [_folded(tree, each, pieces - 1) for each in node.named_children[: _PIECES * 4]]
        return None if None in parts else [each or "" for each in parts]
    function = node.child_by_field_name("function")
    if node.type != "call_expression" or function is None or function.type != "member_expression":
        return None
    name = tree.text(function.child_by_field_name("property"))
    holder = function.child_by_field_name("object")
    if holder is None:
        return None
    if name == b"reverse":
        items = _fold_list(tree, holder, pieces - 1)
        return None if items is None else items[::-1]
    if name == b"split":
        whole = _folded(tree, holder, pieces - 1)
        return None if whole is None else list(whole)
    return None


_FOLDS: Final = {
    "string": _fold_string,
    "template_string": _fold_string,
    "binary_expression": _fold_sum,
    "parenthesized_expression": _fold_parentheses,
    "call_expression": _fold_call,
}


def _unescape(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        number = int(match[1] or match[2] or match[3], 16)
        return chr(number) if number < 0x110000 else "?"

    return _ESCAPE.sub(character, text)
