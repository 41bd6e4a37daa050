"""Decides whether a command would run install scripts, by its flags, variables and settings."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from npm_vetted.client_names import WORDS
from npm_vetted.errors import NpmVettedError
from npm_vetted.formats.client_action import (
    UNKNOWN_COMMAND,
    UNREAD_SETTINGS,
    ActionKind,
    ClientAction,
    SettingFile,
    Switch,
    source_setting,
)
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, Value, known, shown
from npm_vetted.installs import CLIENT_PROGRAM, SETTINGS_ENDINGS, Context
from npm_vetted.installs.context.disk import (
    CHECKOUT,
    Copied,
    Disk,
    Found,
    Written,
    resolve,
    under,
)
from npm_vetted.installs.context.ownership import is_own, of_repository
from npm_vetted.installs.context.scene import Scene
from npm_vetted.installs.shell.builtins import BUILTINS, SETTINGS, Call
from npm_vetted.installs.shell.parser import Shell
from npm_vetted.installs.shell.source import Source, joined
from npm_vetted.installs.shell.state import State
from npm_vetted.installs.shell.wrappers import QUIET, Wrapped, program_name, reads_script, unwrap
from npm_vetted.model import Level, Location, Problem

_EXACT: Final = re.compile(
    r"[v=]?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\Z", re.ASCII
)
_ARCHIVES: Final = (".tgz", ".tar.gz", ".tar")
"""What npm takes for a file, whatever is before it."""
_GENERATES: Final = re.compile(r"(?:\A|/)create(?:-|@|\Z)|\A(?:degit|tiged|giget)(?:@|\Z)")
"""Packages that make a project."""
_FOLDER: Final = re.compile(r"[\w][\w./-]*\Z", re.ASCII)
_COMMIT: Final = re.compile(r"#[0-9a-f]{40}\Z")
_CLIENT: Final = re.compile(rf"(?<![\w./@-])(?:{CLIENT_PROGRAM})(?:\.cmd)?\s+\S", re.ASCII)
_MANAGER: Final = (
    r"(?:pkg|package|pack)_?(?:manager|mgr)|\bpm\b|pm_?cmd|_pm\b|install_?(?:cmd|command)"
)
_NAMED: Final = re.compile(rf"{'|'.join(WORDS)}|{_MANAGER}", re.IGNORECASE)
"""Variables that may hold a client: what others hold is not a question for this check."""
_VARIABLE: Final = re.compile(rf"\$[{{(]?\w*(?:{_MANAGER})", re.IGNORECASE)
_MANY: Final = 200
"""So many projects are asked whether they lock a package, where nobody can tell which one is meant."""
_RUNTIMES: Final = ("node", "nodejs", "tsx")
_STARTED: Final = re.compile(
    rf"({CLIENT_PROGRAM}|corepack)(?:-cli)?(?:-\d[\w.-]*)?\.[cm]?js\Z", re.ASCII
)
_INSTALLED_FIRST: Final = re.compile(r"install-run-([a-z-]+)\.js\Z", re.ASCII)
"""A script of the repository that installs a client of an exact version, and starts it."""
_UNREADABLE: Final = "this shell text cannot be read"
_PROSE: Final = re.compile(r"\W*[A-Z][a-z']*[ ,:]|[^\"'|;&]*[a-z]{2}[.:!?](?:\s|\Z)")
"""A text for people: a word with a capital first, or the end of a sentence."""
_PLACEHOLDER: Final = re.compile(r"\$\{__unknown(?:_\d+)?\}")
"""A template that nobody can fill, where single quotes kept the shell from replacing it."""
CommandLines: TypeAlias = "tuple[tuple[str, ...], ...]"
_INTERPRETERS: Final = re.compile(r"(?:python|node|ruby|perl|php|osascript|tsx|deno|bun)[\d.]*\Z")
_DEPTH: Final = 72
_ENVIRONMENT_FILE: Final = 100_000
"""Characters of ``$GITHUB_ENV`` that are kept: a script may write it in a loop."""
_VERBS: Final = ("install", "ci", "i", "add", "update", "upgrade", "rebuild", "dlx", "exec")

UNKNOWN_FLAGS: Final = (
    "its flags are not known here, because a part of the command is filled in elsewhere"
)

GITHUB_ENV: Final = "/\x01github_env"
"""Where ``$GITHUB_ENV`` leads: what is written there is a variable of the steps that follow."""


def environment_lines(text: str) -> Iterator[tuple[str, str]]:
    """The variables of a ``$GITHUB_ENV`` file: ``NAME=value``, or ``NAME<<END`` up to the line END."""
    lines = iter(text.split("\n"))
    for line in lines:
        name, mark, end = line.partition("<<")
        if mark and "=" not in name and end:
            value = "\n".join(itertools.takewhile(end.__ne__, lines))
        else:
            name, mark, value = line.partition("=")
        if mark and name.replace("_", "").isalnum():
            yield name, value


def base_state(context: Context, path: str) -> State:
    """The state in a checkout of the repository, at its top."""
    disk = Disk([Copied(context.tracked(), "", CHECKOUT)])
    return State(disk=disk, script=f"{CHECKOUT}/{path}", home="/~home")


def folders_above(path: str) -> tuple[str, ...]:
    """The folders of a checkout that a file is in, the nearest first, without the top."""
    folder = path.rpartition("/")[0]
    found = []
    while folder:
        found.append(f"{CHECKOUT}/{folder}")
        folder = folder.rpartition("/")[0]
    return tuple(found)


@dataclass(slots=True, kw_only=True)
class ShellFollower:
    """Judges the commands of all shells of one file.

    ``ci``: whether an install must not change a lockfile; ``knows_ci``: whether the clients see that
    they run in CI. ``installed`` are the places with an install, ``persisted`` the variables that
    later steps see.
    """

    path: str
    context: Context
    ci: bool = False
    knows_ci: bool = False
    problems: list[Problem] = field(default_factory=list)
    shell: Shell = field(init=False)
    installed: set[str] = field(default_factory=set)
    persisted: dict[str, Value] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    lost: bool = False
    """Whether the repository is at a path that the file does not say."""
    _environment_file: str = ""
    _seen: set[tuple[str, int]] = field(default_factory=set)
    _fetched: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.shell = Shell(self.path, self)

    # -- what places call

    def run(self, source: Source, state: State, depth: int = 0) -> None:
        """Follow a shell script."""
        try:
            self.shell.run(source, state, depth)
        except NpmVettedError as error:
            self._gave_up(error.message, error.line)

    def _gave_up(self, message: str, line: int) -> None:
        """The shell is beyond a limit: that matters where the file names a client."""
        text = (self.context.read(self.path) or b"").decode("utf-8", "replace")
        bare = re.sub(r"[\\\\'\"^`]", "", text)
        if _CLIENT.search(bare) or _VARIABLE.search(bare):
            self.undecided(message, line)

    def variable(self, name: str, value: Value, line: int) -> None:
        """A variable that programs see is set for more than one command."""
        self.source_variable(name, value, line)
        for text in value:
            for reader in dict.fromkeys(self.context.readers().values()):
                switch = reader.variable(name, text)
                if switch is Switch.ON:
                    self.report(
                        f"{name}={shown(text)} switches install scripts on for every command that sees it",
                        line,
                        code="variable-switches-on",
                        key=f"{name}={shown(text)}",
                    )
                elif switch is Switch.UNKNOWN:
                    self.undecided(
                        f"{name} is {shown(text)!r}: whether install scripts run is not known here, "
                        "because clients read this value in different ways",
                        line,
                        key=f"{name}={shown(text)}",
                    )

    def source_variable(self, name: str, value: Value, line: int) -> None:
        """A variable that says where packages come from."""
        settings = {
            each.source_variable(name) for each in dict.fromkeys(self.context.readers().values())
        } - {None}
        for setting in settings:
            for text in value:
                self._sources(f"{name}={shown(text)}", [(setting or "", text)], line)

    def _sources(
        self, label: str, settings: Sequence[tuple[str, str]], line: int, fix: CommandLines = ()
    ) -> None:
        """The settings of package sources that the policy does not allow."""
        for name, value in settings:
            if not known(value):
                message = f"{label}: {name} is not known here, because it is filled in elsewhere"
                self.undecided(f"{message}: packages may come from anywhere", line, key=label)
        for _, message in self.context.source_problems(
            [each for each in settings if known(each[1])]
        ):
            self.report(f"{label}: {message}", line, code="other-source", key=label, fix=fix)

    def report(
        self,
        message: str,
        line: int,
        level: Level = Level.ERROR,
        fix: CommandLines = (),
        *,
        code: str,
        key: str,
        basis: Sequence[str] = (),
    ) -> None:
        """Add a problem, once for each line and message.

        ``key`` is the command with its white space folded and its credentials masked. ``basis`` has
        the other facts of the decision: the folder, and the reason.
        """
        message, key = message.replace(CHECKOUT, "."), key.replace(CHECKOUT, ".")
        if (message, line) in self._seen:
            return
        self._seen.add((message, line))
        self.problems.append(
            Problem(
                message=message,
                location=Location(self.path, line),
                level=level,
                fix=_command_lines(fix),
                code=code,
                key=masked(key),
                value="\n".join((masked(key), *basis)),
            )
        )

    def undecided(self, message: str, line: int, *, key: str = "") -> None:
        """Add a warning about a command that cannot be decided from the files."""
        self.report(
            f"undecided: {message}", line, Level.WARNING, code="undecided", key=key or message
        )

    def finish(self) -> Iterator[Problem]:
        """Every problem, by line."""
        return iter(sorted(self.problems, key=lambda each: each.location.line))

    # -- what the shell tells

    def assigned(self, name: str, value: Value, line: int) -> None:
        """An exported variable."""
        self.variable(name, value, line)

    def unreadable(self, source: Source) -> None:
        """Text that is no shell; ``{npm,ci}`` is words."""
        if _CLIENT.search(source.text.replace(",", " ")):
            self.undecided(_UNREADABLE, source.line(0))

    def wrote(self, target: str, text: str | None, append: bool, state: State) -> None:
        """A settings file that a command writes hides the repository's own."""
        if target == GITHUB_ENV:
            self._persist(text or "")
            return
        for place in state.places(target):
            if place.rpartition("/")[2] not in SETTINGS and not place.endswith(SETTINGS_ENDINGS):
                continue
            data = None if text is None else text.encode()
            before = self._content(state.disk.find(place)) if append else b""
            if data is not None and before:
                data = before + (b"" if before.endswith(b"\n") else b"\n") + data
            elif before is None:
                data = None
            state.disk.put(Written(place, data, state.maybe))

    def _persist(self, text: str) -> None:
        """``NAME=value`` lines, and values of several lines, that later steps of a job see."""
        self._environment_file = (self._environment_file + text)[-_ENVIRONMENT_FILE:]
        for name, value in environment_lines(self._environment_file):
            self.persisted[name] = (value,)

    def forget_persisted(self) -> None:
        """Another job begins."""
        self.persisted.clear()
        self._environment_file = ""

    def cloned(self, address: str, places: Iterable[str], state: State) -> None:
        """``git clone``: somebody else's files, or this very repository's."""
        mine = is_own(self.context, address)
        for place in places:
            if UNKNOWN_TEXT not in place:
                for layer in of_repository(self.context.tracked(), place, mine):
                    state.disk.put(layer)

    def _content(self, found: Found | None) -> bytes | None:
        if found is None:
            return b""
        return found.text if found.path is None else self.context.read(found.path)

    def command(self, words: list[str], state: State, source: Source, depth: int) -> None:
        """A command line that runs."""
        words = [_PLACEHOLDER.sub(UNKNOWN_TEXT, word) for word in words]
        if depth > _DEPTH:
            self._gave_up("commands nested too deeply", source.line(0))
            return
        call = Call(
            self, _client_script(words, self.context.readers()) or words, state, source, depth
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
        acts = list(
            self.context.readers()[name].read([name, *call.words[1:]], call.state.environment())
        )
        for variable in call.state.prefix if acts else ():
            self.source_variable(variable, call.state.variables[variable], call.source.line(0))
        for act in acts:
            self._act(act, call)
        if not acts:
            self._prefix(call)

    def _prefix(self, call: Call) -> None:
        """Variables set for one command that is no install itself, but may run one."""
        for name in call.state.prefix:
            self.variable(name, call.state.variables[name], call.source.line(0))

    # -- commands within commands

    def unwrap(self, wrapped: Wrapped, call: Call) -> None:
        """The command that a wrapper runs, in the state that it gives it."""
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
        """A script that a shell is fed."""
        inner = call.state.fork()
        inner.stdin = None
        if elsewhere:
            inner.cwd, inner.guesses = (UNKNOWN_TEXT,), ()
        self.run(
            Source(script.text.replace(UNKNOWN_TEXT, " "), script.marks), inner, call.depth + 3
        )

    def text(self, text: str, state: State, source: Source, depth: int) -> None:
        """Shell text within a command: it is where the command does, line by line if it can."""
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
        """A program that is not known: it matters where it looks like an install."""
        looks = any(word.startswith("--ignore-scripts") for word in words[1:3])
        head = source.text.removeprefix("eval").split(None, 1)[:1]
        named = (
            bool(head) and head[0].startswith(("$", '"$')) and _NAMED.search(head[0]) is not None
        )
        is_global = not {"-g", "--global", "global"}.isdisjoint(words[1:])
        looks = looks or (words[1:2] != [] and words[1] in _VERBS and is_global)
        if looks or named or words[1:2] in (["ci"], ["dlx"]) or words[1:] in (["install"], ["i"]):
            shortened = source.text.strip()[:80]
            message = f"which program `{shortened}` runs is not known here, because its name is filled in elsewhere"
            self.undecided(message, source.line(0))

    def _stranger(self, call: Call) -> None:
        """A program that is not known to run others: an install among its words is a doubt."""
        name = program_name(call.words[0])
        if name in QUIET:
            return
        self._prefix(call)
        doubt = ShellFollower(path=self.path, context=self.context)
        state, depth = call.state.fork(), call.depth + 8
        for index, word in enumerate(call.words[1:], start=1):
            if program_name(word) in self.context.readers() and index + 1 < len(call.words):
                doubt.command(call.words[index:], state, call.source, depth)
                break
            if " " in word and _CLIENT.search(word) and not _PROSE.match(word):
                doubt.text(word, state, call.source, depth)
                quoted = () if doubt.problems or not _INTERPRETERS.match(name) else _quoted(word)
                for text in quoted:
                    doubt.text(text, state, call.source, depth)
        for problem in [each for each in doubt.problems if each.key != _UNREADABLE][:1]:
            where = problem.location.line
            self.undecided(f"if `{shown(name)}` runs it: {problem.key}", where, key=problem.key)

    # -- what a client's command does

    def _act(self, act: ClientAction, call: Call) -> None:
        inner = call.state.fork()
        if act.folder is not None:
            inner.enter((act.folder,))
        if act.sources:
            label = f"`{shown(' '.join(call.words))[:120]}`"
            self._sources(label, act.sources, call.source.line(0), _without_sources(call.words))
        if act.setting is not None and act.sources:
            return
        if act.starts:
            self._start(inner)
        if act.setting is not None:
            self._configure(act, inner, call.source.line(0))
        elif act.kind is not ActionKind.CONFIG:
            self._judge_each(act, call.words, inner, call.source.line(0))
        if act.kind is ActionKind.RUN and any(map(_GENERATES.search, act.packages)):
            self._generated(call.words, inner)
        if act.shell is not None:
            self.text(act.shell, inner, call.source, call.depth + 2)
        elif act.then:
            self.command(list(act.then), inner, call.source, call.depth + 2)

    def _start(self, state: State) -> None:
        for folder in state.cwd:
            place = f"{folder.rstrip('/')}/package.json"
            if UNKNOWN_TEXT not in folder and state.disk.find(place) is None:
                state.disk.put(Written(place, b"{}", state.maybe))

    def _generated(self, words: Sequence[str], state: State) -> None:
        """A program made a project in a folder that the command line names: nobody can tell which."""
        for word in words[2:]:
            if _FOLDER.match(word):
                for place in state.places(word):
                    if not state.disk.has_folder(place):
                        state.disk.put(Written(f"{place}/package.json", None, state.maybe))

    def _judge_each(self, act: ClientAction, words: list[str], state: State, line: int) -> None:
        """Where nobody can tell which of several places it runs in, the worst one counts."""
        places = tuple(dict.fromkeys(state.cwd))
        before = len(self.problems)
        for place in places:
            self._judge(act, words, state, place, line)
        if len(places) > 1 and len(self.problems) > before + 1:
            found = self.problems[before:]
            worst = next((each for each in found if each.level is Level.ERROR), found[0])
            self.problems[before:] = [worst]

    def _judge(
        self, act: ClientAction, words: list[str], state: State, place: str, line: int
    ) -> None:
        exact = act.folder is not None and self.context.readers()[act.client].RULES.folder_is_exact
        scene = Scene(self.context, state, place, act.client, exact, act.alone)
        command = shown(" ".join(words))
        label = f"`{command[:120]}`"
        self._sources(label, scene.written_sources(act), line)
        if scene.excluded is not None and act.kind in (ActionKind.INSTALL, ActionKind.ADD):
            self.report(
                f"{label} installs in {scene.excluded}, which [[exclude]] in .vetting/config.toml calls "
                "no project: nobody checks what is installed there; take the entry out",
                line, code="excluded-folder", key=command, basis=(scene.excluded,),
            )  # fmt: skip
        fix = self._fix(act, scene)
        switch, by = self._switch(act, scene)
        allowed = bool(act.packages) and all(
            known(each) and self.context.reviewed(scene.project, each) for each in act.packages
        )
        if act.kind in (ActionKind.REBUILD, ActionKind.ALLOW) and allowed:
            return
        if act.kind is ActionKind.ALLOW:
            message = f"{label} lets packages run install scripts that no note covers"
            self.report(message, line, code="allows-scripts", key=command)
            return
        if switch is Switch.ON:
            self.report(
                f"{label}: {by} switches install scripts on", line, fix=fix, code="scripts-on",
                key=command, basis=(str(by),),
            )  # fmt: skip
            return
        if act.kind is ActionKind.RUN and self._judge_fetched(act, scene, command, line):
            return
        if switch is Switch.UNKNOWN and act.by == UNREAD_SETTINGS:
            message = f"{label}: the settings of {act.client} are not read"
            self.undecided(message, line, key=command)
            return
        if switch is Switch.UNKNOWN:
            self.undecided(f"{label}: {UNKNOWN_FLAGS}", line, key=command)
            return
        if (
            act.kind in (ActionKind.GLOBAL, ActionKind.RUN)
            and switch is Switch.UNSET
            and _are_clients(act.packages, self.context.readers())
        ):
            message = (
                f"{label} installs a client by its exact version, outside any lockfile and with "
                "its install scripts on"
            )
            self.report(message, line, Level.WARNING, code="client", key=command, fix=fix)
            return
        held = switch is Switch.OFF or self._in_force(act, scene, command, line, fix)
        if act.kind in (ActionKind.INSTALL, ActionKind.ADD, ActionKind.TIDY):
            self.installed.add(scene.where)
        if held:
            self._pinned(act, scene, command, line)

    def _pinned(self, act: ClientAction, scene: Scene, command: str, line: int) -> None:
        """What a command that runs no script installs: what the lockfile says, or what nobody can tell."""
        if act.kind is ActionKind.RUN and not _all_known(_loose(act.packages)):
            message = (
                "which version it fetches is not known here, because it is filled in elsewhere"
            )
            self.undecided(f"`{command[:120]}`: {message}", line, key=command)
        self._lockfile(act, scene, command, line)

    def _judge_fetched(self, act: ClientAction, scene: Scene, command: str, line: int) -> bool:
        """Whether a package that is fetched and run needs no look at its scripts, or has its finding.

        A package has one finding on a line: a loop runs it with other words each time.
        """
        if not act.fetches_always and self._stays(act, scene):
            return True
        label = f"`{command[:120]}`"
        loose = _loose(act.packages)
        if any(not known(_name(each)) for each in act.packages):
            message = (
                "which package it runs is not known here, because its name is filled in elsewhere"
            )
            self.undecided(f"{label}: {message}", line, key=command)
            return True
        if loose and (loose[0], line) in self._fetched:
            return True
        if reason := self._may_be_local(act, scene):
            message = (
                f"whether a locked package has this program is not known here, because {reason}"
            )
            self.undecided(f"{label}: {message}", line, key=command)
        elif loose and _all_known(loose):
            self.report(
                f"{label} fetches and runs {loose[0]}: no lockfile pins it, and its version is not exact",
                line,
                fix=self._locking(act, scene, loose),
                code="unpinned",
                key=command,
            )
        else:
            return False
        self._fetched.add((loose[0], line))
        return True

    def _fix(self, act: ClientAction, scene: Scene) -> CommandLines:
        if not act.fix or self._needs_scripts(act):
            return ()
        if (flag := scene.rules.flag.get(scene.client)) is not None:
            return (tuple(flag if word == "--ignore-scripts" else word for word in act.fix),)
        return (act.fix,)

    def _needs_scripts(self, act: ClientAction) -> bool:
        """Whether a package that it names does not run without its script: no fix leaves that out."""
        rules = [each.RULES for each in self.context.readers().values()]
        return any(_name(name) in rule.needs_script for name in act.packages for rule in rules)

    def _locking(self, act: ClientAction, scene: Scene, loose: Sequence[str]) -> CommandLines:
        """The command that locks the package, and the command line that then runs the locked copy.

        None where no project is there, where a version or a tag is named, or where the package only
        makes a project.
        """
        project = scene.project
        package = self.context.package_of(loose[0]) if len(act.packages) == 1 else ""
        plain = bool(package) and "@" not in loose[0][1:] and "/" not in loose[0].partition("/")[2]
        if project is None or not plain or "create-" in package:
            return ()
        if act.fetches_always and not act.locked:
            return ()
        commands = (
            each.LOCKING.get(scene.owner) for each in dict.fromkeys(self.context.readers().values())
        )
        command = next(filter(None, commands), None)
        if command is None:
            return ()
        at = command.index(".")
        inside = (*command[:at], project.path, *command[at + 1 :])
        first = (*(inside if project.path else (*command[: at - 1], *command[at + 1 :])), package)
        return (first, act.locked) if act.fetches_always and act.locked else (first,)

    def _stays(self, act: ClientAction, scene: Scene) -> bool:
        """Whether everything that it runs is locked by the project, or its own."""
        return all(
            package.startswith((".", "/", "file:")) or self.context.locks(scene.around, package)
            for package in act.packages
            if known(package)
        ) and all(map(known, act.packages))

    def _may_be_local(self, act: ClientAction, scene: Scene) -> str:
        """Why a locked direct dependency may own the program: a lockfile that lists no programs.

        Or any lockfile, where nobody can tell in which project it runs. "" if none may.
        """
        loose = _loose(act.packages)
        if act.fetches_always or not loose or not all(map(known, act.packages)):
            return ""
        if any("@" in each[1:] for each in act.packages):
            return ""
        if self._is_lost(scene) and self._locked_somewhere(act.packages):
            return scene.why_anywhere
        if (scene.project is None or scene.unknown) and self._has_installed(scene.where):
            return "a command installed other packages there"
        if any(self._locked_at(guess, act.packages) for guess in scene.state.guesses):
            return "the file does not say where it is started"
        plain = not act.names_packages and not any(
            each.startswith(("@", "create-")) or "/" in each for each in act.packages
        )
        if plain and self.context.may_have_programs(scene.project):
            return "the lockfile does not list programs"
        return ""

    def _has_installed(self, place: str) -> bool:
        """Whether something was installed at a place or above it: npx looks upwards."""
        return any(under(folder, place) is not None for folder in self.installed)

    @staticmethod
    def _is_lost(scene: Scene) -> bool:
        """Whether a command runs where nobody can tell, or somewhere in the user's home."""
        at_home = under(scene.state.home, scene.place) is not None
        return scene.project is None and (UNKNOWN_TEXT in scene.place or at_home)

    def _locked_somewhere(self, packages: Sequence[str]) -> bool:
        folders = [path.rpartition("/")[0] for path in self.context.tracked().manifests[:_MANY]]
        return all(
            any(self.context.locks(self.context.project_at(each), _name(name)) for each in folders)
            for name in packages
        )

    def _locked_at(self, place: str, packages: Sequence[str]) -> bool:
        """Whether the project of a folder of the checkout locks some packages."""
        project = self.context.project_at(place[len(CHECKOUT) :].strip("/"))
        return all(self.context.locks(project, _name(name)) for name in packages)

    def _switch(self, act: ClientAction, scene: Scene) -> tuple[Switch, str | None]:
        """The combined effect of flags and variables; a flag wins over a variable."""
        if act.switch in (Switch.ON, Switch.OFF):
            if act.by is not None and not scene.rules.counts(act.by, scene.client):
                return Switch.UNSET, None
            return act.switch, act.by
        if act.by in (UNKNOWN_COMMAND, UNREAD_SETTINGS):
            return act.switch, act.by
        found = scene.variables(act)
        if found[0] is Switch.ON or (found[0] is Switch.OFF and act.switch is Switch.UNSET):
            return found
        return (act.switch, act.by) if found[0] is Switch.UNSET else found

    def _in_force(
        self, act: ClientAction, scene: Scene, command: str, line: int, fix: CommandLines
    ) -> bool:
        """Whether settings make it safe; else the reason is reported."""
        label = f"`{command[:120]}`"
        if act.kind is ActionKind.TIDY and scene.where in self.installed:
            return True
        if UNKNOWN_TEXT in scene.where and act.kind is not ActionKind.GLOBAL:
            if scene.everywhere_safe(act):
                return True
            if scene.where == UNKNOWN_TEXT:
                message = f"where it runs is not known here, because {scene.why_anywhere}"
                self.undecided(f"{label}: {message}", line, key=command)
                return False
        verdict = scene.settings_hold(act)
        if verdict is True:
            return True
        if verdict is None:
            message = "holds when it runs is not known here, because a program puts it there"
            self.undecided(f"{label}: what {scene.doubt} {message}", line, key=command)
        elif act.kind is ActionKind.TIDY:
            message = f"{label} runs install scripts where packages are still missing"
            self.undecided(message, line, key=command)
        else:
            reason = scene.reason(act)
            self.report(
                f"{label} runs install scripts: {reason}", line, fix=fix, code="scripts-run",
                key=command, basis=(shown(scene.where), scene.client, reason),
            )  # fmt: skip
        return False

    def _lockfile(self, act: ClientAction, scene: Scene, command: str, line: int) -> None:
        """An install that may rewrite the lockfile where it should not."""
        label = f"`{command[:120]}`"
        project = scene.project
        if not self.ci or project is None or not project.lockfiles or act.frozen:
            return
        if act.kind is ActionKind.ADD and _loose(act.packages):
            message = f"{label} installs what the lockfile does not pin"
            self.report(message, line, Level.WARNING, code="not-locked", key=command)
        elif act.kind is ActionKind.INSTALL:
            default = self.knows_ci or "true" in scene.state.variables.get("CI", ())
            if act.frozen is None and default and scene.client in scene.rules.frozen_in_ci:
                return
            better = scene.rules.frozen.get(scene.client, "a frozen install")
            self.report(
                f"{label} may install other versions than the lockfile's and rewrite it; {better} does not",
                line,
                Level.WARNING,
                code="lockfile-may-change",
                key=command,
            )

    # -- settings that commands change

    def _configure(self, act: ClientAction, state: State, line: int) -> None:
        assert act.setting is not None
        key, value, _ = act.setting
        bare = key.replace("_", "-").lower()
        switches_on = (
            (bare in ("ignore-scripts", "ignorescripts") and value in ("false", "null", ""))
            or (bare == "enablescripts" and value in ("true", "1"))
            or (
                bare.replace("-", "") in ("dangerouslyallowallbuilds", "dangerouslyallowallscripts")
                and value != "false"
            )
        )
        if switches_on:
            self.report(
                f"setting {key} to {shown(value)!r} switches install scripts on", line,
                code="setting-switches-on", key=f"{key}={shown(value)}",
            )  # fmt: skip
            return
        file = self.context.readers()[act.client].RULES.setting_file(key)
        if file is not None:
            self._write_setting(file, act.setting, state)

    def _write_setting(
        self, file: SettingFile, setting: tuple[str, str, bool], state: State
    ) -> None:
        key, value, own = setting
        for folder in state.cwd if own and file.may_be_own else [state.home]:
            place = f"{folder}/{file.name}"
            before = self._content(state.disk.find(place)) or b""
            if file.once:
                lines = before.splitlines(keepends=True)
                before = b"".join(each for each in lines if not each.startswith(key.encode()))
            text = file.line.format(key=key, value=value) + "\n"
            state.disk.put(Written(place, before + text.encode(), state.maybe))


def _command_lines(fix: CommandLines) -> CommandLines:
    """The command lines of a fix; none if one of their words is unknown."""
    return () if any(not known(word) for line in fix for word in line) else fix


def _without_sources(words: Sequence[str]) -> CommandLines:
    """The command line without the options that name a registry; none where it is only about one."""
    kept: list[str] = []
    skip = False
    for word in words:
        name, equals, _ = word.lstrip("-").partition("=")
        if word.startswith("-") and source_setting(name) is not None:
            skip = not equals
        elif skip and not word.startswith("-"):
            skip = False
        else:
            kept.append(word)
            skip = False
    return () if len(kept) == len(words) else (tuple(kept),)


def _mounted(wrapped: Wrapped, state: State) -> tuple[str, ...]:
    """Where a container's directory is out here, if it is a mounted one."""
    for source, target in wrapped.mounts:
        inner = under(target, wrapped.inside or "")
        if inner is not None:
            return tuple(resolve(place, inner or ".") for place in state.places(source))
    return (UNKNOWN_TEXT,)


def _fed(state: State) -> list[str]:
    """The words that a command is fed."""
    fed = state.stdin
    return fed.text.split() if fed is not None and known(fed.text) else [UNKNOWN_TEXT]


def _quoted(text: str) -> Iterator[str]:
    """The commands of a client in the text of another language, up to the quote that ends them."""
    for found in _CLIENT.finditer(text):
        yield re.split(r"['\"`;)]", text[found.start() :], maxsplit=1)[0]


def _client_script(words: Sequence[str], programs: Collection[str]) -> list[str] | None:
    """``node …/npm-cli.js ci``: a client that is started by its file."""
    if program_name(words[0]) not in _RUNTIMES:
        return None
    for index, word in enumerate(words[1:], start=1):
        if word.startswith("-"):
            continue
        stem = word.rpartition("/")[2]
        if found := _STARTED.match(stem):
            return [found.group(1), *words[index + 1 :]]
        installed = _INSTALLED_FIRST.match(stem)
        if installed and installed.group(1) in programs:
            return [installed.group(1), *words[index + 1 :]]
        return [stem, *words[index + 1 :]] if stem in programs else None
    return None


_CREDENTIALS = re.compile(
    r"(://[^/@\s]*:)[^/@\s]+(@)|((?:_authToken|_auth|_password|--otp)[= ])\S+|\bnpm_[A-Za-z0-9]{20,}"
)


def masked(command: str) -> str:
    """A command with its white space folded and its credentials replaced by stars."""
    folded = " ".join(command.split())
    return _CREDENTIALS.sub(
        lambda found: f"{found[1] or found[3] or ''}***{found[2] or ''}", folded
    )


def _name(package: str) -> str:
    return package[:1] + package[1:].partition("@")[0]


def _are_clients(packages: Sequence[str], programs: Collection[str]) -> bool:
    """Whether all of some packages are clients of an exact version."""
    return (
        bool(packages)
        and not _loose(packages)
        and all(_name(each) in (*programs, "corepack") for each in packages)
    )


def _all_known(packages: Sequence[str]) -> bool:
    return all(map(known, packages))


def _is_archive(package: str) -> bool:
    return package.endswith(_ARCHIVES) and "://" not in package


def _loose(packages: Sequence[str]) -> list[str]:
    """The packages without an exact version."""
    found = []
    for package in packages:
        if package.startswith((".", "/", "file:", "~")) or _is_archive(package):
            continue
        _, _, version = package[1:].partition("@")
        if not _EXACT.match(version) and not _COMMIT.search(package):
            found.append(package)
    return found
