"""Follows a shell script command by command, with the folder and variables of each.

tree-sitter-bash parses the script. It goes on after an error, so one construct that it does not know does
not hide the rest. (bashlex, the other parser on PyPI, stops at ``case``, ``[[ =~`` and arithmetic.)

1. Statements are followed in order. No command is run.
2. All branches are followed, each from a copy of the state; afterwards a variable has every branch's value.
3. A loop is followed once, with every value of its variable. A function is followed where it is called.
4. A part of a word that is not known is UNKNOWN_TEXT.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from npm_vetted.errors import UndecidedError
from npm_vetted.formats.shell_text import UNKNOWN, UNKNOWN_TEXT, Value, concat, either
from npm_vetted.installs.shell.expansion import DEPTH, Expansion, matching, printed_by, single
from npm_vetted.installs.shell.parsed import Parsed
from npm_vetted.installs.shell.source import Source, joined
from npm_vetted.installs.shell.state import State

if TYPE_CHECKING:
    from tree_sitter import Node

SIZE_LIMIT: Final = 2_000_000
_COMMANDS: Final = 20_000
_BROKEN: Final = re.compile(r"(?<=[^\s\\])\\\n(?=[^\s#])")
_ASKED: Final = re.compile(
    r"(?:\[\[?|test)\s+-[fe]\s+([\"']?)(?P<path>[\w./-]+)\1(?:\s+\]\]?)?\s*\Z", re.ASCII
)
"""``[ -f yarn.lock ]``: a condition that a file exists."""
_QUESTION: Final = re.compile(
    r"\[|\(\(|\$|(?:test|command|which|type|hash|e?grep|pgrep|cmp|diff|false)\b"
)
_ANY_CASE: Final = re.compile(r"\(?\s*\*\s*\)")
_WRITES: Final = (">", ">>", ">|", "&>", "&>>")


class Listener(Protocol):
    """Receives the actions of a shell."""

    def command(self, words: list[str], state: State, source: Source, depth: int) -> None:
        """A command runs; ``source`` is its own text."""

    def assigned(self, name: str, value: Value, line: int) -> None:
        """A variable that programs see was set for more than one command."""

    def wrote(self, target: str, text: str | None, append: bool, state: State) -> None:
        """A redirection wrote a file; None means that its content is unknown."""

    def unreadable(self, source: Source) -> None:
        """A part of the script that the parser cannot read."""

    def lacks(self, path: str, state: State) -> bool:
        """Whether a file that a condition needs is certainly not there."""

    def alternatives(self, lines: Sequence[list[str]]) -> Iterator[list[str]]:
        """The argument lists of which a command has one, while they are run."""


class Shell:
    """Follows scripts and calls a listener. ``depth`` is the number of shells around the present one."""

    def __init__(self, path: str, listener: Listener) -> None:
        self.path = path
        self.listener = listener
        self.functions: dict[str, tuple[Node, ParsedScript]] = {}
        self.called: set[str] = set()
        self.running: set[str] = set()
        self.commands = 0
        self.read = 0

    def run(self, source: Source, state: State, depth: int = 0) -> None:
        """Follow a script; raises UndecidedError where it is too large or nested too deeply."""
        self.read += len(source.text)  # parsed scripts are kept: nested evals repeat them
        if self.read > SIZE_LIMIT:
            raise UndecidedError(
                "a script too large to follow", path=self.path, line=source.line(0)
            )
        text = source.text.replace("\r\n", "\n").replace(UNKNOWN_TEXT, "\ufffd")
        source = Source(text, source.marks) if len(text) == len(source.text) else _shrunk(source)
        script = ParsedScript(self, _separated(_unbroken(source)))
        script.follow(state, depth)

    def finish(self, state: State) -> None:
        """Follow the functions that nobody called here: another file may."""
        for name, (body, script) in list(self.functions.items()):
            if name not in self.called:
                script.visit(body, state.branch(), 1)

    def count(self, line: int) -> None:
        """Count a command; raises UndecidedError where functions and loops make too many."""
        self.commands += 1
        if self.commands > _COMMANDS:
            raise UndecidedError("too many commands to follow", path=self.path, line=line)


def _shrunk(source: Source) -> Source:
    """The source without carriage returns, its marks moved accordingly."""
    marks = tuple((mark - source.text.count("\r\n", 0, mark), line) for mark, line in source.marks)
    return Source(source.text.replace("\r\n", "\n").replace(UNKNOWN_TEXT, "\ufffd"), marks)


def _unbroken(source: Source) -> Source:
    """The source with words joined that a backslash splits over two lines (tree-sitter reads two words).

    A line with a ``#`` before the backslash stays, because a comment does not continue.
    """
    text = source.text
    cuts = [
        found.start()
        for found in _BROKEN.finditer(text)
        if "#" not in text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
    ]
    if not cuts:
        return source
    marks = [(mark - 2 * bisect_left(cuts, mark), line) for mark, line in source.marks]
    marks += [(cut - 2 * count, source.line(cut + 2)) for count, cut in enumerate(cuts)]
    starts = [0, *(cut + 2 for cut in cuts)]
    pieces = (text[start:end] for start, end in zip(starts, [*cuts, len(text)], strict=True))
    return Source("".join(pieces), tuple(sorted(marks)))


_CLOSED: Final = re.compile(r"\)(?P<gap>[ \t])(?=[ \t]*(?:else|elif|fi|then|do|done)\b)")


def _separated(source: Source) -> Source:
    """The source with a semicolon after a parenthesis before ``else``: sh needs none, tree-sitter-bash does."""
    text = _CLOSED.sub(");", source.text)
    return source if text == source.text else Source(text, source.marks)


class ParsedScript:
    """A parsed script."""

    def __init__(self, shell: Shell, source: Source) -> None:
        self.shell = shell
        self.parsed = Parsed(source)
        self.words = Expansion(shell.path, self.parsed, self.visit_all)
        self.statements: dict[str, Callable[[Node, State, int], None]] = {
            "list": self._list,
            "pipeline": self._pipeline,
            "command": self._command,
            "redirected_statement": self._redirected,
            "subshell": self._subshell,
            "if_statement": self._if,
            "case_statement": self._case,
            "for_statement": self._for,
            "while_statement": self._while,
            "c_style_for_statement": self._while,
            "function_definition": self._function,
            "variable_assignment": self._assignment,
            "declaration_command": self._declaration,
            "unset_command": self._unset,
            "comment": lambda *_: None,
            "ERROR": self._error,
        }

    def follow(self, state: State, depth: int) -> None:
        """Follow the whole script."""
        self.visit_all(self.parsed.statements(), state, depth)

    def visit_all(self, nodes: Sequence[Node], state: State, depth: int) -> None:
        """Follow statements one after the other."""
        for node in nodes:
            if node.is_named:
                self.visit(node, state, depth)

    def visit(self, node: Node, state: State, depth: int) -> None:
        """Follow one statement."""
        if depth > DEPTH:
            raise UndecidedError(
                "commands nested too deeply", path=self.shell.path, line=self.parsed.line(node)
            )
        if any(child.is_missing for child in node.children):  # `{npm,ci}` is no block, but a word
            self.shell.listener.unreadable(self.parsed.part(node))
        handler = self.statements.get(node.type)
        if handler is not None:
            handler(node, state, depth + 1)
        else:
            self.visit_all(node.children, state, depth + 1)

    # -- statements

    def _error(self, node: Node, state: State, depth: int) -> None:
        self.shell.listener.unreadable(self.parsed.part(node))
        self.visit_all(node.children, state, depth)

    def _list(self, node: Node, state: State, depth: int) -> None:
        self._chain(_items(node), state, depth)

    def _chain(self, items: Sequence[tuple[str, Node]], state: State, depth: int) -> None:
        """The commands of a list: what is behind a question may not run, nor what is behind ``||``."""
        inner = state
        before: Node | None = None
        for operator, item in items:
            if operator == "||":
                other = state.branch()
                self.visit(item, other, depth)
                if inner is state:
                    other.cwd = state.cwd
                    state.merge([other])
                else:
                    state.merge([inner, other], complete=True)
                    inner = state
            else:
                if inner is state and before is not None and self._asks(before):
                    inner = state.branch()
                self.visit(item, inner, depth)
            before = item
        if inner is not state:
            state.merge([inner])

    def _may_stop(self, node: Node) -> bool:
        """Whether the last command of a list may not run: the redirection behind it is its own."""
        items = _items(node) if node.type == "list" else []
        return any(op == "||" for op, _ in items) or any(self._asks(each) for _, each in items[:-1])

    def _asks(self, node: Node) -> bool:
        """Whether a command only answers a question: ``[ … ]``, ``command -v``, ``grep``."""
        while node.type in ("pipeline", "redirected_statement", "negated_command") and (
            named := [child for child in node.children if child.is_named]
        ):
            if node.type == "negated_command":
                return True
            node = named[-1 if node.type == "pipeline" else 0]
        return _QUESTION.match(self.parsed.text(node)) is not None

    def _pipeline(self, node: Node, state: State, depth: int) -> None:
        fed = state.stdin
        for part in (child for child in node.children if child.is_named):
            inner = state.fork()
            inner.stdin = fed
            self.visit(part, inner, depth)
            printed = self.printed(part, inner)
            fed = None if printed is None else joined([(printed, self.parsed.line(part))])

    def printed(self, node: Node, state: State) -> str | None:
        """The output of a simple command; None if it is unknown."""
        if node.type == "redirected_statement" and node.children:
            node = node.children[0]
        while node.type == "list" and node.children:  # `cd a && echo b > c`: the last one prints
            node = node.children[-1]
        if node.type in ("compound_statement", "subshell"):
            return self._printed_by_group(node, state)
        if node.type != "command":
            return None
        lines = self.words.lines_of(node, state)
        if len(lines) != 1:
            return None
        if lines[0] == ["cat"] and state.stdin is not None:
            return state.stdin.text
        return printed_by(lines[0])

    def _printed_by_group(self, node: Node, state: State) -> str:
        """The output of ``{ a; b; }``; a command with unknown output adds an unknown line."""
        parts = (child for child in node.children if child.is_named and child.type != "comment")
        texts = (self.printed(part, state) for part in parts)
        return "".join(f"{UNKNOWN_TEXT}\n" if text is None else text for text in texts)

    def _subshell(self, node: Node, state: State, depth: int) -> None:
        self.visit_all(node.children, state.fork(), depth)

    def _if(self, node: Node, state: State, depth: int) -> None:
        clauses = [each for each in node.children if each.type in ("elif_clause", "else_clause")]
        first = [each for each in node.children if each not in clauses]
        found = [self._branch(first, state, depth)]
        found += [self._branch(clause.children, state.branch(), depth) for clause in clauses]
        complete = any(each.type == "else_clause" for each in clauses)
        state.merge([each for each in found if each is not None], complete=complete)

    def _branch(self, children: Sequence[Node], asking: State, depth: int) -> State | None:
        """One branch of a condition that is asked in ``asking``; None if it lacks a file that it needs."""
        body = asking
        taken = children[:1] != [] and children[0].type == "else"
        lacks = False
        for child in children:
            if child.type == "then":
                taken = True
                body = asking.branch()
            elif child.is_named and not taken:
                asked = _ASKED.match(self.parsed.text(child))
                lacks = asked is not None and self.shell.listener.lacks(asked["path"], asking)
                self.visit(child, asking, depth)
            elif child.is_named and not lacks:
                self.visit(child, body, depth)
        return None if lacks else body

    def _case(self, node: Node, state: State, depth: int) -> None:
        branches = []
        complete = False
        for child in node.children:
            if child.type == "case_item":
                complete = complete or _ANY_CASE.match(self.parsed.text(child)) is not None
                body = state.branch()
                inner = [c for c in child.children if c.type in self.statements or _compound(c)]
                self.visit_all(inner, body, depth)
                branches.append(body)
        state.merge(branches, complete=complete)

    def _for(self, node: Node, state: State, depth: int) -> None:
        name: str | None = None
        options: list[Value] = []
        for child in node.children:
            if child.type == "variable_name" and name is None:
                name = self.parsed.text(child)
            elif child.type == "do_group":
                body = state.branch()
                if name is not None:
                    body.set(name, either(*options) if options else UNKNOWN)
                self.visit_all(child.children, body, depth)
                state.merge([body])
            elif child.is_named:
                options.extend(self._options(child, state, depth))

    def _options(self, node: Node, state: State, depth: int) -> Iterator[Value]:
        """The values of a loop's variable; patterns are matched against the repository's files."""
        for value, splits in self.words.spread(node, state, depth):
            yield from self._looped(value, splits, state)

    @staticmethod
    def _looped(value: Value, splits: bool, state: State) -> Iterator[Value]:
        for text in value:
            for part in text.split() if splits else [text]:
                if any(char in part for char in "*?[") and UNKNOWN_TEXT not in part:
                    yield matching(part, state)
                else:
                    yield (part,)

    def _while(self, node: Node, state: State, depth: int) -> None:
        body = state.branch()
        self.visit_all(node.children, body, depth)
        state.merge([body])

    def _function(self, node: Node, state: State, depth: int) -> None:  # noqa: ARG002
        name = node.child_by_field_name("name")
        body = node.child_by_field_name("body")
        if name is not None and body is not None:
            self.shell.functions[self.parsed.text(name)] = (body, self)

    def _redirected(self, node: Node, state: State, depth: int) -> None:
        body: Node | None = None
        heredoc: Source | None = None
        writes: list[tuple[str, Value]] = []
        after: list[Node] = []
        for child in node.children:
            if child.type == "file_redirect":
                writes.extend(self._target(child, state, depth))
            elif child.type in ("heredoc_redirect", "herestring_redirect"):
                heredoc = self._heredoc(child, state, depth, writes, after)
            elif child.is_named:
                body = child
        inner = state
        if heredoc is not None:
            inner = state.fork()
            inner.stdin = heredoc
        if body is not None:
            self.visit(body, inner, depth)
            if inner is not state:
                state.cwd, state.variables = inner.cwd, inner.variables
        printed = "" if body is None else self.printed(body, inner)
        writer = state.branch() if body is not None and self._may_stop(body) else state
        for operator, target in writes:
            for text in target:
                self.shell.listener.wrote(text, printed, ">>" in operator, writer)
        for each in after:
            if each.type == "pipeline" and printed is not None:  # `cat <<EOF | bash`
                state = state.fork()
                state.stdin = (
                    heredoc
                    if heredoc and heredoc.text == printed
                    else joined([(printed, self.parsed.line(node))])
                )
            self.visit(each, state, depth)

    def _target(self, node: Node, state: State, depth: int) -> Iterator[tuple[str, Value]]:
        operator = next((c.type for c in node.children if c.type in _WRITES), None)
        target = next((c for c in reversed(node.children) if c.is_named), None)
        if operator is not None and target is not None:
            yield operator, self.words.word(target, state, depth)[0]

    def _heredoc(
        self,
        node: Node,
        state: State,
        depth: int,
        writes: list[tuple[str, Value]],
        after: list[Node],
    ) -> Source:
        """The text of a heredoc; the rest of the command's line is followed later."""
        parts: list[tuple[str, int]] = []
        quoted = False
        for child in node.children:
            if child.type == "heredoc_start":
                quoted = self.parsed.text(child)[:1] in ("'", '"', "\\")
            elif child.type == "heredoc_body":
                parts.extend(self._heredoc_text(child, state, depth, quoted))
            elif child.type == "file_redirect":
                writes.extend(self._target(child, state, depth))
            elif node.type == "herestring_redirect" and child.is_named:
                parts.append(
                    (single(self.words.word(child, state, depth)[0]), self.parsed.line(child))
                )
            elif child.is_named and child.type not in ("heredoc_end", "file_descriptor"):
                after.append(child)
        return joined(parts)

    def _heredoc_text(
        self, node: Node, state: State, depth: int, quoted: bool
    ) -> Iterator[tuple[str, int]]:
        cursor = node.start_byte
        for child in () if quoted else node.children:
            yield self.parsed.raw(cursor, child.start_byte)
            if child.type == "heredoc_content":
                yield self.parsed.text(child), self.parsed.line(child)
            else:
                yield single(self.words.word(child, state, depth)[0]), self.parsed.line(child)
            cursor = child.end_byte
        yield self.parsed.raw(cursor, node.end_byte)

    # -- variables

    def _assign(self, node: Node, state: State, depth: int) -> tuple[str, Value]:
        """The name and value of an assignment; arrays are stored separately."""
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        label = self.parsed.text(name) if name is not None else ""
        if value is None:
            return label, ("",)
        if value.type == "array":
            words = [self.words.word(c, state, depth)[0] for c in value.children if c.is_named]
            added = "+=" in {c.type for c in node.children}
            state.arrays[label] = [*(state.arrays.get(label, []) if added else []), *words]
            return "", ()
        found, _ = self.words.word(value, state, depth)
        if any(c.type == "+=" for c in node.children):
            found = concat([state.value(label) or UNKNOWN, found])
        return label, found

    def _assignment(self, node: Node, state: State, depth: int) -> None:
        name, value = self._assign(node, state, depth)
        if name:
            self._set(name, value, state, self.parsed.line(node), export=False)

    def _set(self, name: str, value: Value, state: State, line: int, *, export: bool) -> None:
        state.set(name, value, export)
        if name in state.exported:
            self.shell.listener.assigned(name, value, line)

    def _declaration(self, node: Node, state: State, depth: int) -> None:
        keyword = self.parsed.text(node.children[0]) if node.children else ""
        flags = [self.parsed.text(c) for c in node.children if c.type == "word"]
        export = keyword == "export" or any("x" in flag for flag in flags)
        for child in node.children:
            if child.type == "variable_assignment":
                name, value = self._assign(child, state, depth)
                if name:
                    self._set(name, value, state, self.parsed.line(child), export=export)
            elif child.type == "variable_name" and export:
                name = self.parsed.text(child)
                state.exported.add(name)
                if (found := state.variables.get(name)) is not None:
                    self.shell.listener.assigned(name, found, self.parsed.line(child))
            elif child.is_named:
                for text in self.words.word(child, state, depth)[0]:
                    name, equals, value_of = text.partition("=")
                    if equals:
                        self._set(name, (value_of,), state, self.parsed.line(child), export=export)

    def _unset(self, node: Node, state: State, depth: int) -> None:  # noqa: ARG002
        for child in node.children:
            if child.type == "variable_name":
                state.variables.pop(self.parsed.text(child), None)

    # -- commands

    def _command(self, node: Node, state: State, depth: int) -> None:
        line = self.parsed.line(node)
        self.shell.count(line)
        prefix: list[tuple[str, Value]] = []
        writes: list[tuple[str, Value]] = []
        inner = state
        for child in node.children:
            if child.type == "variable_assignment":
                name, value = self._assign(child, state, depth)
                if name:
                    prefix.append((name, value))
            elif child.type == "herestring_redirect":
                inner = state.fork()
                inner.stdin = self._heredoc(child, state, depth, writes, [])
            elif child.type == "file_redirect":
                writes.extend(self._target(child, state, depth))
        lines = self.words.lines_of(node, inner, depth)
        if prefix:
            inner = inner.fork()
            for name, value in prefix:
                inner.set(name, value, export=True)
            inner.prefix = tuple(name for name, _ in prefix)
        self._run_each([words for words in lines if words], inner, node, depth)
        if inner is not state and not prefix:
            state.variables = inner.variables
        for operator, target in writes:
            printed = self.printed(node, inner)
            for text in target:
                self.shell.listener.wrote(text, printed, ">>" in operator, state)

    def _run_each(self, lines: Sequence[list[str]], state: State, node: Node, depth: int) -> None:
        """Run a command with several possible argument lists, each like a branch."""
        if len(lines) == 1:
            self._run(lines[0], state, node, depth)
            return
        forks = []
        for words in self.shell.listener.alternatives(lines):
            fork = state.branch()
            self._run(words, fork, node, depth)
            forks.append(fork)
        if forks:
            state.cwd = forks[0].cwd
            state.guesses = ()
            state.merge(forks)

    def _run(self, words: list[str], state: State, node: Node, depth: int) -> None:
        found = self.shell.functions.get(words[0])
        if found is not None:
            self.shell.called.add(words[0])
            if words[0] in self.shell.running:  # a function that calls itself was followed already
                return
            self.shell.running.add(words[0])
            body, script = found
            before = state.arguments, state.call
            state.arguments = [(word,) for word in words[1:]]
            state.call = state.call or self.parsed.part(node)
            script.visit(body, state, depth + 4)
            state.arguments, state.call = before
            self.shell.running.discard(words[0])
            return
        # a function that runs its arguments is judged where it is called
        given = self.parsed.text(node).startswith(('"$@"', "$@", '"$*"', "$*", '"$1"', "$1"))
        part = state.call if given and state.call is not None else self.parsed.part(node)
        self.shell.listener.command(words, state, part, depth)


def _items(node: Node) -> list[tuple[str, Node]]:
    """The commands of ``a && b || c``, each with what is before it: nested to the left."""
    items: list[tuple[str, Node]] = []
    current: Node | None = node
    while current is not None and current.type == "list":
        operator, right = "", None
        for child in current.children[1:]:
            if child.type in ("&&", "||"):
                operator = child.type
            elif child.is_named:
                right = child
        if right is not None:
            items.append((operator, right))
        current = current.children[0] if current.children else None
    if current is not None:
        items.append(("&&", current))
    return items[::-1]


def _compound(node: Node) -> bool:
    return node.is_named and node.type in (
        "compound_statement", "negated_command", "test_command", "variable_assignments",
    )  # fmt: skip
