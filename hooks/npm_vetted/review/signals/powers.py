"""A script's abilities, by the modules that it loads and the globals that it uses.

A word is searched in the bytes, and the syntax tree tells the kind of each place: a comment never
counts, nor does a property of another object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from npm_vetted.review.signals.facts import Mark
from npm_vetted.review.signals.search import near, starting_with, whole_words
from npm_vetted.review.signals.tree import SyntaxTree, enclosing_string, first_part, is_comment

if TYPE_CHECKING:
    import tree_sitter

    Chain = list[tree_sitter.Node]

MODULES: Final = {
    "exec": frozenset({
        "child_process", "execa", "cross-spawn", "shelljs", "node-pty", "tinyexec", "nano-spawn",
        "zx", "child-process-promise", "cluster",
    }),
    "net": frozenset({
        "http", "https", "http2", "net", "tls", "dgram", "dns", "axios", "got", "node-fetch",
        "cross-fetch", "undici", "request", "superagent", "ws", "needle", "phin", "ky",
        "isomorphic-fetch", "bent", "ofetch", "socket.io-client",
    }),
    "eval": frozenset({"vm", "vm2", "isolated-vm", "inspector", "repl"}),
    "worker": frozenset({"worker_threads"}),
    "native": frozenset({"ffi-napi", "koffi", "ref-napi"}),
    "fs": frozenset({"fs", "fs-extra", "graceful-fs"}),
    "os": frozenset({"os"}),
}  # fmt: skip
"""Modules by the power that who loads them has."""
POWER_OF: Final = {name: power for power, names in MODULES.items() for name in names}
_GLOBALS: Final = frozenset({
    b"globalThis", b"window", b"self", b"global", b"top", b"parent", b"frames", b"root", b"Bun",
    b"Deno", b"process", b"navigator", b"module", b"this",
})  # fmt: skip
_TRIES: Final = 300
"""Places of one word that are looked at; where none of so many counts, the word does."""
_LOAD: Final = re.compile(
    rb"""\b(?:(?:require(?:\.resolve)?|import)\s{0,20}\(\s{0,200}|from\s{0,20}|import\s{0,20})"""
    rb"""(['"`])([^'"`\\\n]{1,200})\1"""
)
_BUILTIN: Final = re.compile(
    rb"""(['"`])(?:node:)?("""
    + b"|".join(sorted(re.escape(name.encode()) for name in POWER_OF))
    + rb""")(?:/[\w/.-]{1,40})?\1"""
)
_COMPUTED: Final = re.compile(rb"\b(?:require|import)\s{0,20}\(")
_ALIAS: Final = re.compile(
    rb"[=(,:]\s{0,20}(?:module\.)?require\s{0,20}[;,)\n}]"
    rb"|(?<![\w$.])(?:module\.)?require\s{0,9}\.\s{0,9}(?:apply|call|bind)\b"
)
_PROCESS: Final = re.compile(
    rb"""(?<![\w$])([\w$]{1,60})\s{0,9}=\s{0,9}(?:(?:globalThis|global|window)\.)?process\b(?!\s{0,9}[.\[?])"""
    rb"""|(?<![\w$])([\w$]{1,60})\s{0,9}=\s{0,9}require\(\s{0,9}['"](?:node:)?process['"]\s{0,9}\)(?!\.)"""
    rb"""|import\s{1,9}(?:\*\s{0,9}as\s{1,9})?([\w$]{1,60})\s{1,9}from\s{0,9}['"](?:node:)?process['"]"""
)
_ENV_IMPORT: Final = re.compile(
    rb"""\{[^{}\n]{0,200}\benv\b[^{}\n]{0,200}\}\s{0,9}(?:from|=\s{0,9}require\()\s{0,9}['"](?:node:)?process['"]"""
)
_ENV_PATTERN: Final = re.compile(
    rb"\{[^{}\n]{0,200}\benv\b\s{0,9}(:?)[^{}\n]{0,200}\}\s{0,9}=\s{0,9}(?:(?:globalThis|global)\.)?process\b(?!\s{0,9}[.\[?(])"
)
_WHOLE_PROCESS: Final = re.compile(
    rb"\b(?:Object|Reflect)\s{0,9}\.\s{0,9}\w{2,30}\(\s{0,9}(?:(?:globalThis|global)\.)?process\s{0,9}[,)]"
    rb"|\bprocess\s{0,9}\.\s{0,9}report\s{0,9}\.\s{0,9}getReport\b"
)
_SECRET_NAME: Final = re.compile(
    rb"TOKEN|SECRET|PASS(?:W|PHRASE|_)|API_?KEY|PRIVATE|MNEMONIC|CREDENTIAL|ACCESS_KEY|_AUTH\b",
    re.IGNORECASE,
)
_BINARY_ENCODINGS: Final = re.compile(rb"""(['"`])(?:base64(?:url)?|hex)\1""")
_HARMLESS_FUNCTION: Final = re.compile(
    rb"""\(\s*(?:['"`]\s*(?:(?:"use strict";)?\s*return\s+(?:this|globalThis)\s*;?\s*)?['"`])?\s*\)"""
)


def find_powers(tree: SyntaxTree) -> Iterator[tuple[str, Mark]]:
    """Each power with its first place; a name may come more than once."""
    yield from _modules(tree)
    yield from _words(tree)
    yield from _environment(tree)
    yield from _patterns(tree)


def find_loads(tree: SyntaxTree) -> dict[str, int]:
    """The modules that a script names where it loads them, by its own words, with their lines."""
    found: dict[str, int] = {}
    for match in starting_with(_LOAD, tree.source, b"require", b"import", b"from"):
        name = match[2].decode("utf-8", errors="replace")
        if (
            name not in found
            and len(found) < 2_000
            and not is_comment(tree.chain(match.start(1), 2))
        ):
            found[name] = tree.line(match.start())
    return found


def _modules(tree: SyntaxTree) -> Iterator[tuple[str, Mark]]:
    """Modules that are loaded by any function: ``require``, another name for it, ``import``."""
    computed: bool | None = None
    done: set[str] = set()
    tries: dict[str, int] = {}
    for match in _BUILTIN.finditer(tree.data):
        name = match[2].decode("ascii")
        power = POWER_OF[name]
        tries[name] = tries.get(name, 0) + 1
        if power in done or tries[name] > _TRIES:
            continue
        string, around = enclosing_string(tree.chain(match.start(2), 8))
        around = _outside(around)
        if string is None or not around:
            continue
        kind = around[0].type
        loads = kind in ("import_statement", "export_statement") or (
            kind == "arguments" and _takes_module_name(tree, around)
        )
        if not loads and power in ("exec", "net", "eval") and kind in _VALUES:
            computed = _is_computed(tree) if computed is None else computed
            loads = computed and match[1] != b"`"
        if loads:
            done.add(power)
            yield power, Mark(tree.line(match.start()), name)
    if "exec" not in done:
        yield from _named_by_key(tree)


def _outside(around: Chain) -> Chain:
    """What is around a value, without what only chooses or groups it: ``(0, "x")``, ``a && "x"``."""
    start = next((at for at, node in enumerate(around) if node.type not in _GROUPING), 0)
    return around[start:]


def _named_by_key(tree: SyntaxTree) -> Iterator[tuple[str, Mark]]:
    """``Object.keys({ child_process: 1 })``, where the script loads modules by computed names."""
    for at in islice(whole_words(tree.source, b"child_process"), _TRIES):
        chain = tree.chain(at, 2)
        if len(chain) > 1 and chain[0].type == "property_identifier" and chain[1].type == "pair":
            if _is_computed(tree):
                yield "exec", Mark(tree.line(at), "child_process")
            return


_GROUPING: Final = ("parenthesized_expression", "sequence_expression", "binary_expression")
_VALUES: Final = frozenset({
    "array", "variable_declarator", "assignment_expression", "pair", "ternary_expression",
    "assignment_pattern", "arrow_function", "return_statement",
})  # fmt: skip


def _takes_module_name(tree: SyntaxTree, around: Chain) -> bool:
    """Whether a call of which this string is the argument may load a module."""
    if len(around) < 2 or around[1].type not in ("call_expression", "new_expression"):
        return False
    function = around[1].child_by_field_name("function")
    if function is None:
        return False
    if function.type == "member_expression":
        name = tree.text(function.child_by_field_name("property"))
        return name in (
            b"require",
            b"getBuiltinModule",
            b"binding",
            b"_linkedBinding",
            b"_load",
        ) or (name in (b"call", b"apply") and b"require" in tree.text(function, 60))
    if function.type == "subscript_expression":
        return True
    if around[0].named_child_count > 1:
        return tree.text(function, 60) in (b"require", b"import")
    return function.type in ("identifier", "import", "call_expression", "parenthesized_expression")


def _is_computed(tree: SyntaxTree) -> bool:
    """Whether some module's name is computed, or ``require`` is given another name."""
    return next(_dynamic(tree), None) is not None


def _dynamic(tree: SyntaxTree) -> Iterator[Mark]:
    for tries, match in enumerate(starting_with(_COMPUTED, tree.source, b"require", b"import")):
        if tries >= _TRIES:
            yield Mark(tree.line(match.start()))
            return
        chain = tree.chain(match.start(), 3)
        call = next((node for node in chain[1:] if node.type == "call_expression"), None)
        if call is None or call.start_byte != match.start():
            continue
        arguments = call.child_by_field_name("arguments")
        given = arguments.named_children[:20] if arguments is not None else []
        first = next((node for node in given if node.type != "comment"), None)
        if first is not None and not _is_fixed(first):
            yield Mark(tree.line(match.start()), tree.text(call, 60).decode("utf-8", "replace"))
            return
    for match in islice(near(_ALIAS, tree.source, b"require", before=30, after=30), 20):
        at = match.start() + match.group().index(b"require")
        chain = tree.chain(at, 2)
        if chain and chain[0].type in ("identifier", "property_identifier"):
            yield Mark(tree.line(at), "require under another name")
            return


def _is_fixed(name: tree_sitter.Node) -> bool:
    """Whether a module's name is written out."""
    if name.type == "template_string":
        return all(each.type != "template_substitution" for each in name.named_children[:100])
    return name.type == "string"


# What the words below mean, where they are really used.


def _used(tree: SyntaxTree, chain: Chain) -> bool:
    """A global that is called, read, or taken from the global object."""
    if len(chain) < 2:
        return False
    node, parent = chain[0], chain[1]
    if node.type == "property_identifier":
        holder = parent.child_by_field_name("object")
        return parent.type == "member_expression" and tree.text(holder) in _GLOBALS
    if node.type == "shorthand_property_identifier_pattern":
        declared = chain[2] if len(chain) > 2 else None
        value = declared.child_by_field_name("value") if declared is not None else None
        return tree.text(value) in _GLOBALS
    if node.type == "identifier":
        if parent.type in ("call_expression", "new_expression"):
            return True
        return parent.type in (
            "variable_declarator", "assignment_expression", "sequence_expression", "arguments",
            "parenthesized_expression", "pair", "return_statement", "ternary_expression",
            "member_expression", "array", "binary_expression",
        ) and not _is_declared(parent, node)  # fmt: skip
    string, around = enclosing_string(chain)
    return (
        string is not None
        and bool(around)
        and around[0].type == "subscript_expression"
        and tree.text(around[0].child_by_field_name("object")) in _GLOBALS
    )


def _is_declared(parent: tree_sitter.Node, node: tree_sitter.Node) -> bool:
    for field in ("name", "left", "property"):
        child = parent.child_by_field_name(field)
        if child is not None and child.start_byte == node.start_byte:
            return True
    return parent.type == "binary_expression" and b"typeof" in (parent.text or b"")[:200]


def _evaluates(tree: SyntaxTree, chain: Chain) -> bool:
    """``Function`` with a text to compile; not the idiom that returns the global object."""
    if not _used(tree, chain) or chain[1].type not in (
        "call_expression",
        "new_expression",
        "member_expression",
    ):
        return False
    call = (
        chain[1]
        if chain[1].type != "member_expression"
        else chain[2]
        if len(chain) > 2
        else chain[1]
    )
    if call.type not in ("call_expression", "new_expression"):
        return False
    arguments = call.child_by_field_name("arguments")
    if arguments is None or arguments.named_child_count == 0:
        return False
    return _HARMLESS_FUNCTION.fullmatch(tree.text(arguments, 80)) is None


def _makes_a_function(tree: SyntaxTree, chain: Chain) -> bool:
    """``Reflect.construct(Function, …)``."""
    if not _holder_is(tree, chain, b"Reflect") or len(chain) < 3:
        return False
    first = first_part(chain[2].child_by_field_name("arguments"))
    return tree.text(first) in (b"Function", b"globalThis.Function")


def _property(_: SyntaxTree, chain: Chain) -> bool:
    """A property of any object, by its name or by a string."""
    if not chain:
        return False
    if chain[0].type in (
        "property_identifier",
        "identifier",
        "shorthand_property_identifier_pattern",
    ):
        return len(chain) > 1 and chain[1].type not in (
            "formal_parameters",
            "method_definition",
            "pair",
        )
    string, around = enclosing_string(chain)
    return string is not None and bool(around) and around[0].type == "subscript_expression"


def _compiles(tree: SyntaxTree, chain: Chain) -> bool:
    """``x.constructor("code")``: a function made from a text without naming Function."""
    if not _property(tree, chain):
        return False
    _, around = enclosing_string(chain)
    outer = around[1:] if around else chain[2:]
    call = outer[0] if outer else None
    if call is None or call.type not in ("call_expression", "new_expression"):
        return False
    arguments = call.child_by_field_name("arguments")
    first = first_part(arguments)
    if first is None:
        return False
    if len(chain) > 1 and _is_of_a_function(tree, chain[1]):
        return first.type not in ("string", "template_string") or not _is_harmless(tree, first)
    return first.type in ("string", "template_string") and not _is_harmless(
        tree, first
    ) and re.search(rb"[(;= ]", tree.text(first)) is not None  # fmt: skip


def _is_harmless(tree: SyntaxTree, first: tree_sitter.Node) -> bool:
    return _HARMLESS_FUNCTION.fullmatch(b"(" + tree.text(first, 80) + b")") is not None


def _is_of_a_function(tree: SyntaxTree, member: tree_sitter.Node) -> bool:
    """Whether ``constructor`` is asked of what is surely a function: then it is ``Function``."""
    held = member.child_by_field_name("object")
    while held is not None and held.type == "parenthesized_expression":
        held = first_part(held)
    if held is None:
        return False
    if held.type in ("arrow_function", "function_expression", "generator_function"):
        return True
    if held.type == "member_expression":
        return tree.text(held.child_by_field_name("property")) == b"constructor"
    return held.type == "call_expression" and b"getPrototypeOf" in tree.text(held)


def _timer(tree: SyntaxTree, chain: Chain) -> bool:
    """A timer whose first argument is a text, which is compiled."""
    if not _used(tree, chain) or chain[1].type != "call_expression":
        return False
    arguments = chain[1].child_by_field_name("arguments")
    first = first_part(arguments)
    return first is not None and first.type in ("string", "template_string")


def _assigned(tree: SyntaxTree, chain: Chain) -> bool:
    """A function of the whole program that is replaced: by its holder, or as an undeclared name."""
    for index, node in enumerate(chain[1:4], 1):
        if node.type == "assignment_expression":
            left = node.child_by_field_name("left")
            if left is None or chain[index - 1].start_byte != left.start_byte:
                return False
            name = tree.text(left)
            if left.type != "identifier":
                return _of_program(tree, left) and not _fills_a_gap(tree, left)
            return name in (b"fetch", b"XMLHttpRequest") and not _is_local(tree, name)
        if node.type not in ("member_expression", "subscript_expression", "string"):
            break
    return False


def _fills_a_gap(tree: SyntaxTree, left: tree_sitter.Node) -> bool:
    """Whether a function is only set where there is none: ``self.fetch || (self.fetch = …)``."""
    name = tree.text(left)
    for node in tree.chain(left.start_byte, 12):
        if node.type == "binary_expression":
            operator = tree.text(node.child_by_field_name("operator"))
            if operator in (b"||", b"??") and tree.text(node.child_by_field_name("left")) == name:
                return True
        if node.type == "if_statement":
            condition = tree.text(node.child_by_field_name("condition"))
            return condition.strip(b"( )") in (b"!" + name, b"typeof " + name + b" === 'undefined'")
    return False


def _replaced(_: SyntaxTree, chain: Chain) -> bool:
    """A property of any object that is replaced: ``x._load = …``, ``x["_load"] = …``."""
    for index, node in enumerate(chain[1:4], 1):
        if node.type == "assignment_expression":
            left = node.child_by_field_name("left")
            return (
                left is not None
                and left.type in ("member_expression", "subscript_expression")
                and chain[index - 1].start_byte == left.start_byte
                and left.end_byte == chain[index - 1].end_byte
            )
        if node.type not in ("member_expression", "subscript_expression", "string"):
            break
    return False


def _is_local(tree: SyntaxTree, name: bytes) -> bool:
    """Whether a script declares a name somewhere."""
    if name not in tree.local:
        declared = re.compile(rb"\b(?:let|var|const|function)\s[^;=(]{0,80}\b" + name + rb"\b")
        found = near(declared, tree.source, name, before=100, after=len(name) + 1)
        tree.local[name] = next(found, None) is not None
    return tree.local[name]


def _of_program(tree: SyntaxTree, left: tree_sitter.Node) -> bool:
    text = tree.text(left, 80)
    return (
        re.match(
            rb"(?:globalThis|window|self|global|https?|[\w$.]{0,40}XMLHttpRequest(?:\.prototype)?"
            rb"|(?:[\w$.()'\"]{0,40}\.)?(?:Socket|TLSSocket|ClientRequest|OutgoingMessage)\.prototype)[.\[]",
            text,
        )
        is not None
    )


def _argument(_: SyntaxTree, chain: Chain) -> bool:
    """A string that is an argument of a call."""
    string, around = enclosing_string(chain)
    return string is not None and bool(around) and around[0].type == "arguments"


_WRITES: Final = (
    b"writeFile", b"writeFileSync", b"appendFile", b"appendFileSync", b"createWriteStream", b"copyFile",
    b"copyFileSync", b"renameSync", b"symlinkSync",
)  # fmt: skip
_REMOVES: Final = (b"rm", b"rmSync", b"rmdirSync", b"unlink", b"unlinkSync", b"truncateSync")
Test = Callable[[SyntaxTree, "Chain"], bool]
_WORDS: Final[tuple[tuple[bytes, str, Test], ...]] = (
    (b"eval", "eval", _used),
    (b"Function", "eval", _evaluates),
    (b"construct", "eval", _makes_a_function),
    (b"constructor", "eval", _compiles),
    (b"_compile", "eval", _property),
    (b"runInThisContext", "eval", _property),
    (b"runInNewContext", "eval", _property),
    (b"setTimeout", "eval", _timer),
    (b"setInterval", "eval", _timer),
    (b"spawnSync", "exec", lambda tree, chain: _holder_is(tree, chain, b"Bun")),
    (b"spawn", "exec", lambda tree, chain: _holder_is(tree, chain, b"Bun")),
    (b"Command", "exec", lambda tree, chain: _holder_is(tree, chain, b"Deno")),
    (b"fetch", "fetch", _used),
    (b"XMLHttpRequest", "fetch", _used),
    (b"WebSocket", "net", _used),
    (b"EventSource", "net", _used),
    (b"RTCPeerConnection", "net", _used),
    (b"WebTransport", "net", _used),
    (b"Image", "fetch", lambda _, chain: len(chain) > 1 and chain[1].type == "new_expression"),
    (b"sendBeacon", "fetch", _property),
    (b"atob", "decode", _used),
    (b"createDecipheriv", "decode", _property),
    (b"createDecipher", "decode", _property),
    (b"inflateSync", "decode", _property),
    (b"gunzipSync", "decode", _property),
    (b"brotliDecompressSync", "decode", _property),
    (b"inflateRawSync", "decode", _property),
    (b"fromCharCode", "charcode", _property),
    (b"fromCodePoint", "charcode", _property),
    (b"codePointAt", "charcode", _property),
    (b"dlopen", "native", _property),
    (b"clipboard", "clipboard", lambda tree, chain: _holder_is(tree, chain, b"navigator")),
    (b"userInfo", "identity", _property),
    (b"homedir", "home", _property),
    (b"USERPROFILE", "home", _property),
    (b"HOME", "home", lambda tree, chain: _holder_is(tree, chain, b"env")),
    *((word, "writes", _property) for word in _WRITES),
    *((word, "removes", _property) for word in _REMOVES),
    (b"resolve", "resolves", lambda tree, chain: _holder_is(tree, chain, b"require")),
    (b"hostname", "identity", lambda tree, chain: _holder_is(tree, chain, b"os")),
    (b"networkInterfaces", "identity", _property),
    (b"cookie", "secrets-read", lambda tree, chain: _holder_is(tree, chain, b"document")),
)  # fmt: skip
_HOOKS: Final = (b"fetch", b"XMLHttpRequest", b"open", b"send", b"request", b"write", b"connect")
_DEFINES: Final = re.compile(
    rb"\b(?:Object|Reflect)\s{0,9}\.\s{0,9}(?:defineProperty|defineProperties|assign|set)\(\s{0,9}(?:globalThis|window|self|global)\s{0,9},"
    rb"[^;]{0,60}?\b(?:fetch|XMLHttpRequest)\b"
)
_OF_LOADER: Final = re.compile(
    rb"\.prototype\s{0,9}\.\s{0,9}require\s{0,9}=(?!=)"
    rb"|(?:\brequire\s{0,9}\.\s{0,9}extensions|\b_extensions)\s{0,9}\[[^\]\n]{1,60}\]\s{0,9}=(?!=)"
)
_TO_LOADER: Final = re.compile(
    rb"""register(?:Hooks)?\b[^{}\n]{0,100}\}\s{0,9}(?:from|=\s{0,9}require\()\s{0,9}['"](?:node:)?module['"]"""
    rb"""|require\(\s{0,9}['"](?:node:)?module['"]\s{0,9}\)\s{0,9}\.\s{0,9}register(?:Hooks)?\s{0,9}\("""
)
_OF_ALL: Final = re.compile(
    rb"JSON\s{0,9}\.\s{0,9}(?:parse|stringify)\s{0,9}=(?![=>])"
    rb"|Promise\.prototype\.then\s{0,9}=(?![=>])"
    rb"""|(?:crypto|require\(\s{0,9}['"](?:node:)?crypto['"]\s{0,9}\))\s{0,9}\.\s{0,9}"""
    rb"(?:randomBytes|getRandomValues|randomUUID)\s{0,9}=(?![=>])"
)
_LOADER: Final = (b"_load", b"_resolveFilename")
"""The parts of Node.js's module loader through which every module of a program comes."""


_REPLACES: Final = (
    (_DEFINES, (b"Object", b"Reflect"), "fetch or the like"),
    (_OF_LOADER, (b".prototype", b"require", b"_extensions"), "the module loader"),
    (_TO_LOADER, (b"register", b"require"), "the module loader"),
    (_OF_ALL, (b"JSON", b"Promise", b"crypto", b"require"), "a function of the runtime"),
)


def _holder_is(tree: SyntaxTree, chain: Chain, holder: bytes) -> bool:
    return (
        len(chain) > 1
        and chain[1].type == "member_expression"
        and tree.text(chain[1].child_by_field_name("object")).rpartition(b".")[2] == holder
    )


def _words(tree: SyntaxTree) -> Iterator[tuple[str, Mark]]:
    done: set[str] = set()
    for word, mark, test in _WORDS:
        if mark in done:
            continue
        at = _first(tree, word, test)
        if at is not None:
            done.add(mark)
            yield mark, Mark(tree.line(at), word.decode("ascii"))
    for word in _HOOKS:
        at = _first(tree, word, _assigned) if tree.source.may_have(word) else None
        if at is not None:
            yield "hook-net", Mark(tree.line(at), word.decode("ascii"))
            return
    for word in _LOADER:
        at = _first(tree, word, _replaced)
        if at is not None:
            yield "hook-net", Mark(tree.line(at), f"the module loader's {word.decode('ascii')}")
            return
    for pattern, words, said in _REPLACES:
        for match in islice(starting_with(pattern, tree.source, *words), _TRIES):
            if not is_comment(tree.chain(match.start(), 2)):
                yield "hook-net", Mark(tree.line(match.start()), said)
                return


def _first(tree: SyntaxTree, word: bytes, test: Test) -> int | None:
    for tries, at in enumerate(whole_words(tree.source, word)):
        if tries >= _TRIES:
            # So many harmless places may be there to tire a reader: a plain property is one.
            return at if test not in (_property, _assigned, _replaced, _compiles, _timer) else None
        if test(tree, tree.chain(at, 5)):
            return at
    return None


def _environment(tree: SyntaxTree) -> Iterator[tuple[str, Mark]]:
    """The whole environment, and variables of it whose names are those of secrets."""
    holders = {b"process", b"Bun", b"Deno"}
    for match in islice(near(_PROCESS, tree.source, b"process", before=160, after=30), 50):
        holders.add(match[1] or match[2] or match[3])
    for match in islice(near(_WHOLE_PROCESS, tree.source, b"process", before=90, after=40), _TRIES):
        if not is_comment(tree.chain(match.start(), 2)):
            yield "env-all", Mark(tree.line(match.start()), "process.env")
            break
    if not tree.source.may_have(b"env"):
        return
    patterns = list(islice(near(_ENV_PATTERN, tree.source, b"process", before=450, after=12), 50))
    for match in patterns:
        if match[1] and not is_comment(tree.chain(match.start(), 2)):
            yield "env-all", Mark(tree.line(match.start()), "process.env")
            break
    imports = near(_ENV_IMPORT, tree.source, b"process'", b'process"', before=480, after=8)
    bare = next(imports, None) is not None or bool(patterns)
    found: set[str] = set()
    for tries, at in enumerate(whole_words(tree.source, b"env")):
        if tries >= _TRIES * 10 or len(found) == 2:
            break
        mark = _env_use(tree, tree.chain(at, 6), holders, bare)
        if mark and mark not in found:
            found.add(mark)
            yield mark, Mark(tree.line(at), "process.env")


def _env_use(tree: SyntaxTree, chain: Chain, holders: set[bytes], bare: bool) -> str | None:
    """``env-all``, ``env-secret`` or None, for one place of the word ``env``."""
    if len(chain) < 3:
        return None
    node, around = chain[0], chain[1:]
    if node.type == "property_identifier" and around[0].type == "member_expression":
        member, around = around[0], around[1:]
    elif node.type == "identifier" and bare and around[0].type not in (
        "import_specifier", "variable_declarator", "object_pattern",
    ):  # fmt: skip
        member = node
    else:
        string, outer = enclosing_string(chain)
        if string is None or not outer or outer[0].type != "subscript_expression":
            return None
        member, around = outer[0], outer[1:]
    holder = member.child_by_field_name("object")
    if member is not node and tree.text(holder).rpartition(b".")[2] not in holders:
        return None
    return _whole_or_named(tree, member, around[0] if around else None)


def _whole_or_named(
    tree: SyntaxTree, member: tree_sitter.Node, outer: tree_sitter.Node | None
) -> str | None:
    if outer is None:
        return "env-all"
    if outer.type in ("member_expression", "subscript_expression"):
        holder = outer.child_by_field_name("object")
        if holder is not None and holder.start_byte == member.start_byte:
            key = outer.child_by_field_name("property") or outer.child_by_field_name("index")
            return "env-secret" if _SECRET_NAME.search(tree.text(key)) else None
    if outer.type == "variable_declarator":
        pattern = outer.child_by_field_name("name")
        if pattern is not None and pattern.type == "object_pattern":
            text = tree.text(pattern, 2_000)
            if b"..." in text:
                return "env-all"
            return "env-secret" if _SECRET_NAME.search(text) else None
    if outer.type in ("binary_expression", "unary_expression"):
        return None
    if outer.type == "assignment_expression":
        left = outer.child_by_field_name("left")
        if left is not None and left.start_byte == member.start_byte:
            return None
    return "env-all"


_PATTERNS: Final = (
    ("detached", rb"\bdetached\s{0,9}:\s{0,9}(?:true|!0)", (b"detached",)),
    ("inject-script", rb"""createElement\(\s{0,9}['"`]script['"`]""", (b"createElement(",)),
    ("inject-script", rb"""createElement\(\s{0,9}['"`]iframe['"`]""", (b"createElement(",)),
    ("inject-script", rb"\bserviceWorker\s{0,9}\.\s{0,9}register\(", (b"serviceWorker",)),
    ("inject-script", rb"""document\.write(?:ln)?\([^;\n]{0,40}<script""", (b"document.write",)),
    ("eval", rb"\beval\s{0,9}:\s{0,9}(?:true|!0)", (b"eval",)),
    ("eval", rb"\bimport\(\s{0,9}['\"`](?:data|https?):", (b"import(",)),
    (
        "eval",
        rb"""(?:execPath|['"`]node['"`])\s{0,9},\s{0,9}\[\s{0,9}['"`](?:-e|-p|-pe|--eval|--print)['"`]""",
        (b"execPath", b"'node", b'"node', b"`node"),
    ),
    ("exec", rb"\bprocess\s{0,9}\.\s{0,9}(?:binding|_linkedBinding)\s{0,9}\(", (b"process",)),
    ("exec", rb"\bBun\s{0,9}\.\s{0,9}\$", (b"Bun",)),
)
"""Powers by a pattern and the words that it starts with; a place counts outside of comments."""
_COMPILED: Final = [(mark, re.compile(pattern), words) for mark, pattern, words in _PATTERNS]


def _patterns(tree: SyntaxTree) -> Iterator[tuple[str, Mark]]:
    yield from _encodings(tree)
    for mark, pattern, words in _COMPILED:
        for match in islice(starting_with(pattern, tree.source, *words), _TRIES):
            if is_comment(tree.chain(match.start(), 2)):
                continue
            yield mark, Mark(tree.line(match.start()), _shown(match))
            break
    for found in _dynamic(tree):
        yield "dyn-require", found


def _shown(match: re.Match[bytes]) -> str:
    return match.group()[:40].decode("utf-8", "replace")


def _encodings(tree: SyntaxTree) -> Iterator[tuple[str, Mark]]:
    """Where bytes are made of a text by an encoding of bytes."""
    found = near(_BINARY_ENCODINGS, tree.source, b"base64", b"hex", before=1, after=10)
    for match in islice(found, _TRIES):
        chain = tree.chain(match.start() + 1, 6)
        if _argument(tree, chain) and _decodes(tree, chain):
            yield "decode", Mark(tree.line(match.start()), _shown(match))
            return


def _decodes(tree: SyntaxTree, chain: Chain) -> bool:
    """Whether the encoding is the one that bytes are read from: ``from(text, "hex")``."""
    _, around = enclosing_string(chain)
    if len(around) < 2 or around[1].type not in ("call_expression", "new_expression"):
        return False
    function = around[1].child_by_field_name("function") or around[1].child_by_field_name(
        "constructor"
    )
    name = tree.text(function, 400).rpartition(b".")[2]
    return name in (b"from", b"Buffer", b"write", b"update", b"setInputEncoding", b"final") or (
        function is not None and function.type == "subscript_expression"
    )
