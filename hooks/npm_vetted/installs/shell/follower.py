"""Follows the commands of a file: programs, wrappers, scripts within scripts, and the clients in them.

1. A module of ``files`` passes shell text to ``ShellFollower.run``.
2. ``Shell`` parses the text and calls ``command`` for each command line, with the shell's state.
3. A builtin changes the state. A wrapper (``sudo``, ``bash -c``) is unwrapped, and its inner command followed.
4. A client's command line becomes actions, by the client's module ``commands``. ``ActionJudge`` judges each.
5. Any other program with an install among its words is reported as undecided.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Final

from npm_vetted.client_names import LOCKFILES, WORDS
from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.client_action import (
    ActionKind,
    ClientAction,
)
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, Value, known, shown
from npm_vetted.installs import CLIENT_PROGRAM, SETTINGS_ENDINGS, Context
from npm_vetted.installs.context.disk import (
    CHECKOUT,
    Copied,
    Disk,
    Written,
    resolve,
    under,
)
from npm_vetted.installs.context.ownership import is_own, of_repository
from npm_vetted.installs.context.scene import Scene
from npm_vetted.installs.shell.builtins import BUILTINS, SETTINGS, Call
from npm_vetted.installs.shell.environment_file import GITHUB_ENV, EnvironmentFile
from npm_vetted.installs.shell.fetched import put_clients, put_programs
from npm_vetted.installs.shell.judgement import ActionJudge
from npm_vetted.installs.shell.parser import Shell
from npm_vetted.installs.shell.reports import Reports, without_sources
from npm_vetted.installs.shell.source import Source, joined
from npm_vetted.installs.shell.started import client_script
from npm_vetted.installs.shell.state import State
from npm_vetted.installs.shell.wrappers import (
    QUIET,
    SHELLS,
    Wrapped,
    program_name,
    reads_script,
    unwrap,
)

_GENERATES: Final = re.compile(r"(?:\A|/)create(?:-|@|\Z)|\A(?:degit|tiged|giget)(?:@|\Z)")
"""Packages whose program makes a new project."""
_FOLDER: Final = re.compile(r"[\w][\w./-]*\Z", re.ASCII)
_CLIENT: Final = re.compile(rf"(?<![\w./@-])(?:{CLIENT_PROGRAM})(?:\.cmd)?\s+\S", re.ASCII)
_MANAGER: Final = (
    r"(?:pkg|package|pack)_?(?:manager|mgr)|\bpm\b|pm_?cmd|_pm\b|install_?(?:cmd|command)"
)
_NAMED: Final = re.compile(rf"(?<![a-z])(?:{'|'.join(WORDS)})|{_MANAGER}", re.IGNORECASE)
"""Names of variables whose value may be a client; a command in another variable is ignored."""
_VARIABLE: Final = re.compile(rf"\$[{{(]?\w*(?:{_MANAGER})", re.IGNORECASE)
_UNREADABLE: Final = "this shell text cannot be read"
_PROSE: Final = re.compile(r"\W*[A-Z][a-z']*[ ,:]|[^\"'|;&]*[a-z]{2}[.:!?](?:\s|\Z)")
"""Text for people, not commands: it starts with a capitalized word, or has the end of a sentence."""
_ALL_WORDS: Final = r"""\s(?:"?\$(?:[@*]|\{[@*]\})"?|%\*)[ \t]*$"""
_HANDED: Final = re.compile(_ALL_WORDS)
_PASSES_ON: Final = re.compile(
    rf"""(?:^|[\s/"'])({CLIENT_PROGRAM})(?:\.cmd)?["']?{_ALL_WORDS}""", re.MULTILINE
)
"""A client that a script runs with all its arguments, so that the script's caller runs the client."""
_RUNS_WORDS: Final = re.compile(
    r"""(?:^[ \t]*|[;&|!][ \t]*|\b(?:if|until|while|exec|time|then|do|else)[ \t]+)"\$@"(?=[ \t;&|]|$)""",
    re.MULTILINE,
)
"""A script that runs its arguments as a command, to retry it or after a set-up."""
_OTHER_MANAGER: Final = re.compile(
    r"composer|poetry|pipenv|\bpip|_pip|bundle|cargo|\bgem\b|brew|conda|\bapt|helm|\bgo\b|_go\b",
    re.IGNORECASE,
)
"""Variables for the package manager of another language."""
_PLACEHOLDER: Final = re.compile(r"\$\{__unknown(?:_\w+)?\}")
"""A template inside single quotes: the shell does not replace it, and its value is not known."""
_INTERPRETERS: Final = re.compile(r"(?:python|node|ruby|perl|php|osascript|tsx|deno|bun)[\d.]*\Z")
_DEPTH: Final = 72
_VERBS: Final = ("install", "ci", "i", "add", "update", "upgrade", "rebuild", "dlx", "exec")


def base_state(context: Context, path: str) -> State:
    """The state in a checkout of the repository, at its top."""
    disk = Disk([Copied(context.tracked(), "", CHECKOUT)])
    return State(disk=disk, script=f"{CHECKOUT}/{path}", home="/~home")


def folders_above(path: str) -> tuple[str, ...]:
    """The folders above a file in the checkout, the nearest first, without the top."""
    folder = path.rpartition("/")[0]
    found = []
    while folder:
        found.append(f"{CHECKOUT}/{folder}")
        folder = folder.rpartition("/")[0]
    return tuple(found)


@dataclass(slots=True, kw_only=True)
class ShellFollower:
    """Follows the commands of all shells of one file, and judges what clients do in them."""

    path: str
    context: Context
    ci: InitVar[bool] = False
    knows_ci: InitVar[bool] = False
    reports: Reports = field(init=False)
    judge: ActionJudge = field(init=False)
    shell: Shell = field(init=False)
    environment: EnvironmentFile = field(default_factory=EnvironmentFile)
    aliases: dict[str, str] = field(default_factory=dict)
    lockfiles_made: set[str] = field(default_factory=set)
    lost: bool = False
    """Whether the path of the repository's checkout is not in the file."""
    names_client: bool | None = None
    """Whether the file names a client anywhere; None: nobody has looked."""

    def __post_init__(self, ci: bool, knows_ci: bool) -> None:
        self.reports = Reports(path=self.path, context=self.context)
        self.judge = ActionJudge(reports=self.reports, ci=ci, knows_ci=knows_ci)
        self.shell = Shell(self.path, self)

    # -- what places call

    def run(self, source: Source, state: State, depth: int = 0) -> None:
        """Follow a shell script."""
        try:
            self.shell.run(source, state, depth)
        except NpmVettedError as error:
            self._gave_up(error.message, error.line)

    def run_uncalled(self, state: State) -> None:
        """Follow the functions that nobody called in the file: another file may."""
        try:
            self.shell.finish(state)
        except NpmVettedError as error:
            self._gave_up(error.message, error.line)

    def _gave_up(self, message: str, line: int) -> None:
        """Report that a limit was exceeded, if the file mentions a client."""
        if self.names_client is None:  # each command beyond the limit comes here
            text = (self.context.read(self.path) or b"").decode("utf-8", "replace")
            bare = re.sub(r"[\\\\'\"^`]", "", text)
            self.names_client = bool(_CLIENT.search(bare) or _VARIABLE.search(bare))
        if self.names_client:
            self.reports.undecided(message, line)

    # -- what the shell tells

    def assigned(self, name: str, value: Value, line: int) -> None:
        """Judge a variable that the shell exports."""
        self.reports.variable(name, value, line)

    def unreadable(self, source: Source) -> None:
        """Read text that is not shell as plain words, because ``{npm,ci}`` is one."""
        if _CLIENT.search(source.text.replace(",", " ")):
            self.reports.undecided(_UNREADABLE, source.line(0))

    def lacks(self, path: str, state: State) -> bool:
        """Whether a lockfile is certainly missing: there is another lockfile, and no command makes this one."""
        name = path.rpartition("/")[2]
        if name not in LOCKFILES or name in self.lockfiles_made:
            return False
        folder = path.rpartition("/")[0] or "."
        bases = (*state.cwd, *state.guesses)
        places = [resolve(base, folder).rstrip("/") for base in bases]
        there = [
            {
                each
                for each in LOCKFILES
                if (file := state.disk.find(f"{place}/{each}")) and file.path
            }
            for place in places
        ]
        return any(there) and not any(name in each for each in there)

    def alternatives(self, lines: Sequence[list[str]]) -> Iterator[list[str]]:
        """What is told of one of them is not told again of the others."""
        return self.reports.told_once(lines)

    def wrote(self, target: str, text: str | None, append: bool, state: State) -> None:
        """Record a file that a command writes: it hides the repository's settings file at that place."""
        self._makes([target])
        if target == GITHUB_ENV:
            self.environment.append(text or "", maybe=state.maybe)
            return
        for place in state.places(target):
            if place.rpartition("/")[2] not in SETTINGS and not place.endswith(SETTINGS_ENDINGS):
                continue
            data = None if text is None else text.encode()
            before = self.judge.content_of(state.disk.find(place)) if append else b""
            if data is not None and before:
                data = before + (b"" if before.endswith(b"\n") else b"\n") + data
            elif before is None:
                data = None
            state.disk.put(Written(place, data, state.maybe))

    def _makes(self, words: Iterable[str]) -> None:
        """Remember the lockfiles among the words, because the command may make them."""
        self.lockfiles_made.update(
            {*LOCKFILES}.intersection(each.rpartition("/")[2] for each in words)
        )

    def cloned(self, address: str, places: Iterable[str], state: State) -> None:
        """Record the files of ``git clone``: another repository's, or this one's."""
        mine = is_own(self.context, address)
        for place in places:
            if UNKNOWN_TEXT not in place:
                for layer in of_repository(self.context.tracked(), place, mine):
                    state.disk.put(layer)

    def command(self, words: list[str], state: State, source: Source, depth: int) -> None:
        """A command line that runs."""
        words = [_PLACEHOLDER.sub(UNKNOWN_TEXT, word) for word in words]
        self._makes(words if words[0] != "test" else ())
        if depth > _DEPTH:
            self._gave_up("commands nested too deeply", source.line(0))
            return
        call = Call(
            self, client_script(words, self.context.readers()) or words, state, source, depth
        )
        name = program_name(call.words[0])
        wrapped = unwrap(call.words)
        if (builtin := BUILTINS.get(name)) is not None:
            builtin(call)
        elif name.startswith(UNKNOWN_TEXT):
            self.nameless(call.words, source)
        elif state.stdin is not None and (reads_script(words) or (name == "ssh" and not wrapped)):
            self._script(state.stdin, call, elsewhere=name == "ssh")
        elif wrapped is not None:
            self.unwrap(wrapped, call)
        elif name in self.aliases:
            self.text(" ".join([self.aliases[name], *words[1:]]), state, source, depth + 1)
        elif name in self.context.readers():
            self._client(name, call)
        else:
            self._stranger(call)

    def _client(self, name: str, call: Call) -> None:
        if call.words[1:] == [UNKNOWN_TEXT] and _HANDED.search(call.source.text):
            return  # what it installs is reported where the script is called
        acts = list(
            self.context.readers()[name].read([name, *call.words[1:]], call.state.environment())
        )
        for variable in call.state.prefix if acts else ():
            self.reports.source_variable(
                variable, call.state.variables[variable], call.source.line(0)
            )
        for act in acts:
            self._act(act, call)
        if not acts:
            self._prefix(call)

    def _prefix(self, call: Call) -> None:
        """Judge variables set for one command that is not an install, but may run one."""
        for name in call.state.prefix:
            self.reports.variable(name, call.state.variables[name], call.source.line(0))

    # -- commands within commands

    def unwrap(self, wrapped: Wrapped, call: Call) -> None:
        """Follow the command that a wrapper runs, with the folder and variables that the wrapper sets."""
        inner = call.state.fork()
        if wrapped.clears:
            inner.exported.clear()
        inner.exported.difference_update(wrapped.removed)
        for name, text in wrapped.variables:
            inner.set(name, (text,), export=True)
        inner.prefix = (*inner.prefix, *(name for name, _ in wrapped.variables))
        inner.home = wrapped.home or inner.home
        if wrapped.arguments is not None:
            inner.arguments = [(word,) for word in wrapped.arguments]
        if wrapped.folder is not None:
            inner.enter((wrapped.folder,))
        if wrapped.elsewhere:
            inner.cwd, inner.guesses = _mounted(wrapped, call.state), ()
        if wrapped.text is not None:
            self.text(wrapped.text, inner, call.source, call.depth)
        elif wrapped.words:
            fed = _fed(call.state) if program_name(call.words[0]) == "xargs" else []
            self.command([*wrapped.words, *fed], inner, call.source, call.depth + 1)

    def _script(self, script: Source, call: Call, *, elsewhere: bool) -> None:
        """Follow a script that a shell reads from its standard input."""
        inner = call.state.fork()
        inner.stdin = None
        if elsewhere:
            inner.cwd, inner.guesses = (UNKNOWN_TEXT,), ()
        self.run(
            Source(script.text.replace(UNKNOWN_TEXT, " "), script.marks), inner, call.depth + 3
        )

    def text(self, text: str, state: State, source: Source, depth: int) -> None:
        """Follow shell text inside a command; its lines are those of the command, if they can be found."""
        if UNKNOWN_TEXT in text and not text.replace(UNKNOWN_TEXT, "").strip():
            return
        at = source.text.find(text)
        inner = joined([(text.replace("\n", "; "), source.line(0))])
        if at >= 0:
            inner = source.at(at, at + len(text))
        if UNKNOWN_TEXT in inner.text:
            inner = Source(inner.text.replace(UNKNOWN_TEXT, "${__unknown}"), ((0, source.line(0)),))
        self.run(inner, state, depth + 3)

    def nameless(self, words: Sequence[str], source: Source) -> None:
        """Report a command whose program is not known, if its words look like an install."""
        looks = any(word.startswith("--ignore-scripts") for word in words[1:3])
        head = source.text.removeprefix("eval").split(None, 1)[:1]
        plain = _PLACEHOLDER.sub("", head[0]) if head else ""
        named = plain.startswith(("$", '"$')) and _NAMED.search(plain) is not None
        is_global = not {"-g", "--global", "global"}.isdisjoint(words[1:])
        looks = looks or (words[1:2] != [] and words[1] in _VERBS and is_global)
        if head and _OTHER_MANAGER.search(head[0]) and not named:
            return
        if looks or named or words[1:2] in (["ci"], ["dlx"]) or words[1:] in (["install"], ["i"]):
            shortened = _PLACEHOLDER.sub("…", source.text.strip())[:80]
            message = f"which program `{shortened}` runs is not known here, because its name is filled in elsewhere"
            self.reports.undecided(message, source.line(0))

    def _stranger(self, call: Call) -> None:
        """Report an unknown program with an install among its words: it may run the install."""
        if (passed := self._passed_on(call)) is not None:
            self.command(passed, call.state, call.source, call.depth + 3)
            return
        name = program_name(call.words[0])
        if name in QUIET:
            return
        self._prefix(call)
        doubt = ShellFollower(path=self.path, context=self.context)
        state, depth = call.state.fork(), call.depth + 8
        for index, word in enumerate(call.words[1:], start=1):
            if self._starts_client(call, index):
                doubt.command(call.words[index:], state, call.source, depth)
                break
            if " " in word and _CLIENT.search(word) and not _PROSE.match(word):
                doubt.text(word, state, call.source, depth)
                quoted = (
                    () if doubt.reports.problems or not _INTERPRETERS.match(name) else _quoted(word)
                )
                for text in quoted:
                    doubt.text(text, state, call.source, depth)
        for problem in [each for each in doubt.reports.problems if each.key != _UNREADABLE][:1]:
            where = problem.location.line
            self.reports.undecided(
                f"if `{shown(name)}` runs it: {problem.key}", where, key=problem.key
            )

    def _starts_client(self, call: Call, at: int) -> bool:
        """Whether a client may begin at a word, which is no option's value (``-t npm --tag x``) and no folder."""
        words = call.words
        if program_name(words[at]) not in self.context.readers() or at + 1 == len(words):
            return False
        if "/" in words[at] and any(map(call.state.disk.has_folder, call.state.places(words[at]))):
            return False
        return not (words[at - 1].startswith("-") and words[at + 1].startswith("-"))

    def _passed_on(self, call: Call) -> list[str] | None:
        """The client's command line behind ``./npmw ci``, if that script passes its arguments to a client."""
        at = 1 if program_name(call.words[0]) in SHELLS and len(call.words) > 1 else 0
        if "/" not in call.words[at] and not at:
            return None
        for place in call.state.places(call.words[at]):
            found = call.state.disk.find(place)
            data = self.context.read(found.path) if found is not None and found.path else None
            text = (data or b"").decode("utf-8", "replace")
            given = call.words[at + 1 :]
            if (client := _PASSES_ON.search(text)) is not None:
                return [client[1], *given]
            named = bool(given) and program_name(given[0]) in self.context.readers()
            if named and _RUNS_WORDS.search(text):
                return given
        return None

    # -- what a client's command does

    def _act(self, act: ClientAction, call: Call) -> None:
        inner = call.state.fork()
        if act.folder is not None:
            inner.enter((act.folder,))
        if act.sources:
            label = f"`{shown(' '.join(call.words))[:120]}`"
            self.reports.sources(
                label, act.sources, call.source.line(0), without_sources(call.words)
            )
        self.reports.weaknesses(" ".join(call.words), act.weakens, call.source.line(0))
        if act.setting is not None and act.sources:
            return
        if act.starts:
            self._start(inner)
        if (words := self._by_owner(act, inner)) is not None:
            self.command(words, inner, call.source, call.depth + 2)
            return
        if act.setting is not None:
            self.judge.configure(act, inner, call.source.line(0))
        elif act.kind is not ActionKind.CONFIG:
            self.judge.judge_each(act, call.words, inner, call.source.line(0))
            put_clients(act, self.context, inner)
            put_programs(act, inner)
            call.state.added = inner.added
        if act.kind is ActionKind.RUN and any(map(_GENERATES.search, act.packages)):
            self._generated(call.words, inner)
        if act.shell is not None:
            self.text(act.shell, inner, call.source, call.depth + 2)
        elif act.then:
            self.command(list(act.then), inner, call.source, call.depth + 2)

    def _by_owner(self, act: ClientAction, state: State) -> list[str] | None:
        """The command line that a program such as ``ni`` starts, for the client of the project."""
        if not act.by_owner:
            return None
        lines = dict(act.by_owner)
        scenes = [Scene(self.context, state, place, act.client) for place in state.cwd]
        found = {lines.get((each.project and each.project.client) or "") for each in scenes}
        words = found.pop() if len(found) == 1 else None
        return list(words) if words else None

    def _start(self, state: State) -> None:
        for folder in state.cwd:
            place = f"{folder.rstrip('/')}/package.json"
            if UNKNOWN_TEXT not in folder and state.disk.find(place) is None:
                state.disk.put(Written(place, b"{}", state.maybe))

    def _generated(self, words: Sequence[str], state: State) -> None:
        """Record that a program made a project in a folder among its words; its content is not known."""
        for word in words[2:]:
            if _FOLDER.match(word):
                for place in state.places(word):
                    if not state.disk.has_folder(place):
                        state.disk.put(Written(f"{place}/package.json", None, state.maybe))


def _mounted(wrapped: Wrapped, state: State) -> tuple[str, ...]:
    """The places outside a container of its working directory, if a mount contains that."""
    for source, target in wrapped.mounts:
        inner = under(target, wrapped.inside or "")
        if inner is not None:
            return tuple(resolve(place, inner or ".") for place in state.places(source))
    return (UNKNOWN_TEXT,)


def _fed(state: State) -> list[str]:
    """The words that a command reads from its standard input."""
    fed = state.stdin
    return fed.text.split() if fed is not None and known(fed.text) else [UNKNOWN_TEXT]


def _quoted(text: str) -> Iterator[str]:
    """The commands of clients in a text of another language, each up to its closing quote."""
    for found in _CLIENT.finditer(text):
        yield re.split(r"['\"`;)]", text[found.start() :], maxsplit=1)[0]
