"""Whether a command would run install scripts: its flags, its variables, the settings in force."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from npm_vetted.errors import NpmVettedError
from npm_vetted.installs import Context
from npm_vetted.installs.commands import Act, Kind, Switch, readers
from npm_vetted.installs.disk import (
    CHECKOUT,
    Copied,
    Disk,
    Found,
    Gone,
    Taken,
    Tracked,
    Written,
    resolve,
    under,
)
from npm_vetted.installs.shell import Shell, printed_by
from npm_vetted.installs.source import Source, joined
from npm_vetted.installs.state import State
from npm_vetted.installs.words import HOLE, Value, known, shown
from npm_vetted.installs.wrappers import QUIET, Wrapped, program, reads_script, unwrap
from npm_vetted.model import Level, Location, Pin, Problem, Project, Read

_EXACT: Final = re.compile(
    r"[v=]?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\Z", re.ASCII
)
_COMMIT: Final = re.compile(r"#[0-9a-f]{40}\Z")
_CLIENT: Final = re.compile(
    r"(?<![\w./@-])(?:npm|npx|pnpm|pnpx|yarn|bunx?)(?:\.cmd)?\s+\S", re.ASCII
)
_NAMED: Final = re.compile(r"npm|npx|yarn|bun|pkg|package|install|pm_|_pm\b", re.IGNORECASE)
_USER_FILES: Final = {
    "npm": ".npmrc",
    "pnpm": ".npmrc",
    "yarn-classic": ".yarnrc",
    "yarn-berry": ".yarnrc.yml",
    "bun": ".bunfig.toml",
}
_OWN_FILES: Final = {**_USER_FILES, "bun": "bunfig.toml"}
_SETTINGS: Final = frozenset(
    (".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml", "bunfig.toml", "package.json")
)
_LOCKFILE_DEFAULTS: Final = frozenset(("pnpm", "yarn-berry"))
_LABELS: Final = {"npm": "npm ci", "pnpm": "--frozen-lockfile", "yarn-classic": "--frozen-lockfile",
                  "yarn-berry": "--immutable", "bun": "--frozen-lockfile"}  # fmt: skip
_RUNTIMES: Final = ("node", "nodejs", "tsx")
_STARTED: Final = re.compile(
    r"(npm|npx|pnpm|pnpx|yarn|corepack)(?:-cli)?(?:-\d[\w.-]*)?\.[cm]?js\Z", re.ASCII
)
_DEPTH: Final = 24
_TEMPORARY: Final = "/tmp/"  # noqa: S108
_MANY: Final = 200

GITHUB_ENV: Final = "/\x01github_env"
"""Where ``$GITHUB_ENV`` leads: what is written there is a variable of the steps that follow."""


def base_state(context: Context, path: str, tracked: Tracked | None = None) -> State:
    """The state in a checkout of the repository, at its top."""
    tracked = tracked or Tracked(context.paths())
    disk = Disk([Copied(tracked, "", CHECKOUT)])
    return State(disk=disk, script=f"{CHECKOUT}/{path}", home="/~home")


@dataclass(slots=True, kw_only=True)
class Judge:
    """Judges what the shells of one file do. ``ci``: whether an install must not change a lockfile;
    ``frozen_in_ci``: whether the clients know that they run in CI (``CI=true``)."""

    path: str
    context: Context
    ci: bool = False
    knows_ci: bool = False
    problems: list[Problem] = field(default_factory=list)
    shell: Shell = field(init=False)
    installed: set[str] = field(default_factory=set)
    persisted: dict[str, Value] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    _seen: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.shell = Shell(self.path, self)

    # -- what places call

    def run(self, source: Source, state: State, depth: int = 0) -> None:
        """Follow a shell script."""
        try:
            self.shell.run(source, state, depth)
        except NpmVettedError as error:
            self.undecided(error.message, error.line)

    def variable(self, name: str, value: Value, line: int) -> None:
        """A variable that programs see is set for more than one command."""
        for text in value:
            for reader in dict.fromkeys(readers().values()):
                switch = reader.variable(name, text)
                if switch is Switch.ON:
                    self.report(
                        f"{name}={shown(text)} switches install scripts on for every command that sees it",
                        line,
                    )
                elif switch is Switch.UNKNOWN:
                    self.undecided(
                        f"{name} is {shown(text)!r}: whether install scripts run cannot be told",
                        line,
                    )

    def report(
        self, message: str, line: int, level: Level = Level.ERROR, fix: Sequence[str] = ()
    ) -> None:
        """Add a problem, once a line and message."""
        if (message, line) in self._seen:
            return
        self._seen.add((message, line))
        self.problems.append(
            Problem(
                message=message,
                location=Location(self.path, line),
                level=level,
                fix=(tuple(shown(word) for word in fix),) if fix else (),
            )
        )

    def undecided(self, message: str, line: int) -> None:
        """Add a warning about what nobody can tell from the files."""
        self.report(f"undecided: {message}", line, Level.WARNING)

    def finish(self) -> Iterator[Problem]:
        """Every problem, by line."""
        return iter(sorted(self.problems, key=lambda each: each.location.line))

    # -- what the shell tells

    def assigned(self, name: str, value: Value, line: int) -> None:
        """An exported variable."""
        self.variable(name, value, line)

    def unreadable(self, source: Source) -> None:
        """Text that is no shell."""
        if _CLIENT.search(source.text):
            self.undecided("this shell text cannot be read", source.line(0))

    def wrote(self, target: str, text: str | None, append: bool, state: State) -> None:
        """A settings file that a command writes hides the repository's own."""
        if target == GITHUB_ENV:
            self._persist(text or "")
            return
        for place in state.places(target):
            if place.rpartition("/")[2] not in _SETTINGS and not place.endswith(
                ("npmrc", "yarnrc")
            ):
                continue
            data = None if text is None else text.encode()
            before = self._content(state.disk.find(place)) if append else b""
            if data is not None and before:
                data = before + (b"" if before.endswith(b"\n") else b"\n") + data
            elif before is None:
                data = None
            state.disk.put(Written(place, data, state.maybe))

    def _persist(self, text: str) -> None:
        """``NAME=value`` lines that later steps of a job see."""
        for line in text.split("\n"):
            name, equals, value = line.partition("=")
            if equals and name.replace("_", "").isalnum():
                self.persisted[name] = (value,)

    def _content(self, found: Found | None) -> bytes | None:
        if found is None:
            return b""
        return found.text if found.path is None else self.context.read(found.path)

    def command(self, words: list[str], state: State, source: Source, depth: int) -> None:
        """A command line that runs."""
        if depth > _DEPTH * 3:
            self.undecided("commands nested too deeply", source.line(0))
            return
        name = program(words[0])
        handler = _BUILTINS.get(name)
        if handler is not None:
            handler(self, words, state, source, depth)
            return
        if name in _RUNTIMES and (script := _client_script(words)):
            words, name = script, script[0]
        if words[0].startswith(HOLE):
            self._nameless(words, state, source)
            return
        if state.stdin is not None and reads_script(words):
            self._script(state.stdin, state, depth)
            return
        if state.stdin is not None and name == "ssh" and unwrap(words) is None:
            inner = state.fork()
            inner.cwd, inner.guesses = (HOLE,), ()
            self._script(state.stdin, inner, depth)
            return
        wrapped = unwrap(words)
        if wrapped is not None:
            self._unwrap(wrapped, words, state, source, depth)
            return
        if name in self.aliases:
            self._text(" ".join([self.aliases[name], *words[1:]]), state, source, depth + 1)
            return
        reader = readers().get(name)
        acts = list(reader.read([name, *words[1:]], state.environment())) if reader else []
        for act in acts:
            self._act(act, words, state, source, depth)
        if reader is None:
            self._stranger(words, state, source, depth)
        if not acts and name not in QUIET:
            for variable in state.prefix:
                self.variable(variable, state.variables[variable], source.line(0))

    # -- commands within commands

    def _unwrap(
        self, wrapped: Wrapped, words: list[str], state: State, source: Source, depth: int
    ) -> None:
        inner = state.fork()
        if wrapped.clears:
            inner.exported.clear()
        for name in wrapped.removed:
            inner.exported.discard(name)
        for name, text in wrapped.variables:
            inner.set(name, (text,), export=True)
        if wrapped.variables:
            inner.prefix = (*inner.prefix, *(name for name, _ in wrapped.variables))
        if wrapped.home is not None:
            inner.home = wrapped.home
        if wrapped.folder is not None:
            inner.enter((wrapped.folder,))
        if wrapped.elsewhere:
            inner.cwd, inner.guesses = self._mounted(wrapped, state), ()
        if wrapped.text is not None:
            self._text(wrapped.text, inner, source, depth)
        elif wrapped.words:
            given = list(wrapped.words)
            if program(words[0]) == "xargs":
                given += self._fed(state)
            self.command(given, inner, source, depth + 1)

    @staticmethod
    def _mounted(wrapped: Wrapped, state: State) -> tuple[str, ...]:
        """Where a container's directory is out here, if it is a mounted one."""
        for source, target in wrapped.mounts:
            inner = under(target, wrapped.inside or "")
            if inner is not None:
                return tuple(resolve(place, inner or ".") for place in state.places(source))
        return (HOLE,)

    def _script(self, source: Source, state: State, depth: int) -> None:
        """A script that a shell is fed."""
        if HOLE in source.text:
            source = Source(source.text.replace(HOLE, " "), source.marks)
        inner = state.fork()
        inner.stdin = None
        self.run(source, inner, depth + 3)

    def _fed(self, state: State) -> list[str]:
        known_text = state.stdin is not None and known(state.stdin.text)
        return state.stdin.text.split() if state.stdin and known_text else [HOLE]

    def _text(self, text: str, state: State, source: Source, depth: int) -> None:
        """Shell text within a command: it stands where the command stands, line by line if it can."""
        if HOLE in text and not _CLIENT.search(text) and not text.replace(HOLE, "").strip():
            return
        at = source.text.find(text)
        inner = (
            source.at(at, at + len(text))
            if at >= 0
            else joined([(text.replace("\n", "; "), source.line(0))])
        )
        if HOLE in inner.text:
            inner = Source(inner.text.replace(HOLE, "${__unknown}"), inner.marks)
        self.run(inner, state, depth + 3)

    def _nameless(self, words: list[str], state: State, source: Source) -> None:
        """A program that is not known: it matters where what follows looks like an install."""
        verbs = ("install", "ci", "i", "add", "update", "upgrade", "rebuild", "dlx", "exec")
        looks = any(word in verbs or word.startswith("--ignore-scripts") for word in words[1:3])
        head = source.text.split(None, 1)[0] if source.text.split() else ""
        named = head.startswith(("$", '"$', "eval")) and _NAMED.search(head)
        if looks or named:
            self.undecided(
                f"which program `{source.text.strip()[:80]}` runs cannot be told", source.line(0)
            )

    def _stranger(self, words: list[str], state: State, source: Source, depth: int) -> None:
        """A program that is not known to run others: an install among its words is a doubt."""
        if program(words[0]) in QUIET or len(words) < 2:
            return
        doubt = Judge(path=self.path, context=self.context)
        for index, word in enumerate(words[1:], start=1):
            if program(word) in readers() and index + 1 < len(words):
                doubt.command(words[index:], state.fork(), source, depth + 8)
                break
            if " " in word and _CLIENT.search(word):
                doubt._text(word, state.fork(), source, depth + 8)
                for found in () if doubt.problems else _CLIENT.finditer(word):
                    text = re.split(r"['\"`;)]", word[found.start() :], maxsplit=1)[0]
                    doubt._text(text, state.fork(), source, depth + 8)
        if doubt.problems:
            first = doubt.problems[0]
            message = first.message.removeprefix("undecided: ")
            self.undecided(f"if `{shown(words[0])}` runs it: {message}", first.location.line)

    # -- what a client's command does

    def _act(self, act: Act, words: list[str], state: State, source: Source, depth: int) -> None:
        inner = state
        if act.folder is not None:
            inner = state.fork()
            inner.enter((act.folder,))
        if act.setting is not None:
            self._configure(act, inner, source.line(0))
        elif act.kind is not Kind.CONFIG:
            for place in dict.fromkeys(inner.cwd):
                self._judge(act, words, inner, place, source.line(0))
        if act.shell is not None:
            self._text(act.shell, inner.fork(), source, depth + 2)
        elif act.then:
            self.command(list(act.then), inner.fork(), source, depth + 2)

    def _judge(self, act: Act, words: list[str], state: State, place: str, line: int) -> None:
        exact = act.client == "npm" and act.folder is not None
        scene = Scene(self.context, state, place, act.client, exact, act.alone)
        label = f"`{shown(' '.join(words))[:120]}`"
        fix = self._fix(act, scene)
        switch, by = self._switch(act, scene)
        allowed = bool(act.packages) and all(
            known(each) and self.context.reviewed(scene.project, each) for each in act.packages
        )
        if act.kind in (Kind.REBUILD, Kind.ALLOW) and allowed:
            return
        if act.kind is Kind.ALLOW:
            self.report(f"{label} lets packages run install scripts that no note covers", line)
            return
        if switch is Switch.ON:
            self.report(f"{label}: {by} switches install scripts on", line, fix=fix)
            return
        if act.kind is Kind.RUN and self._stays(act, scene):
            return
        if act.kind is Kind.RUN and (loose := _loose(act.packages)) and not _all_known(loose):
            self.undecided(f"{label}: which version it fetches cannot be told", line)
        elif act.kind is Kind.RUN and loose:
            self.report(
                f"{label} fetches and runs {loose[0]}, which the project does not lock and whose "
                "version is not exact",
                line,
                fix=(),
            )
            return
        if switch is Switch.UNKNOWN:
            self.undecided(f"{label}: which flags it gets cannot be told", line)
            return
        if switch is not Switch.OFF and not self._in_force(act, scene, label, line, fix):
            return
        self._lockfile(act, scene, label, line)

    def _fix(self, act: Act, scene: Scene) -> tuple[str, ...]:
        if act.client == "yarn" and scene.client == "yarn-berry":
            return tuple("--mode=skip-build" if w == "--ignore-scripts" else w for w in act.fix)
        return act.fix

    def _stays(self, act: Act, scene: Scene) -> bool:
        """Whether everything that it runs is locked by the project, or its own."""
        return all(
            package.startswith((".", "/", "file:"))
            or self.context.locks(scene.project, _name(package))
            for package in act.packages
            if known(package)
        ) and all(map(known, act.packages))

    def _switch(self, act: Act, scene: Scene) -> tuple[Switch, str | None]:
        """What flags and variables say together; a flag beats a variable."""
        if act.switch in (Switch.ON, Switch.OFF):
            if (
                act.client == "yarn"
                and act.by == "--ignore-scripts"
                and scene.client == "yarn-berry"
            ):
                return Switch.UNSET, None  # berry refuses the flag
            if act.client == "yarn" and act.by == "--mode" and scene.client == "yarn-classic":
                return Switch.UNSET, None  # classic does not know it (ran)
            return act.switch, act.by
        if act.by == "its command":
            return act.switch, act.by
        found = scene.variables(act)
        if found[0] is Switch.ON or (found[0] is Switch.OFF and act.switch is Switch.UNSET):
            return found
        return (act.switch, act.by) if found[0] is Switch.UNSET else found

    def _in_force(
        self, act: Act, scene: Scene, label: str, line: int, fix: tuple[str, ...]
    ) -> bool:
        """Whether settings make it safe; else the reason is reported."""
        if act.kind is Kind.TIDY and scene.where in self.installed:
            return True
        if HOLE in scene.where and act.kind is not Kind.GLOBAL and scene.everywhere_safe(act):
            return True
        if scene.where == HOLE:
            if act.kind is not Kind.GLOBAL:
                self.undecided(
                    f"{label}: where it runs cannot be told, so which settings hold", line
                )
                return False
        verdict = scene.settings_hold(act)
        if verdict is True:
            return True
        if verdict is None:
            self.undecided(f"{label}: what {scene.doubt} holds when it runs cannot be told", line)
        elif act.kind is Kind.TIDY:
            self.undecided(f"{label} runs install scripts where packages are still missing", line)
        else:
            self.report(f"{label} runs install scripts: {scene.reason(act)}", line, fix=fix)
        return False

    def _lockfile(self, act: Act, scene: Scene, label: str, line: int) -> None:
        """An install that may rewrite the lockfile where it should not."""
        if act.kind in (Kind.INSTALL, Kind.ADD, Kind.TIDY):
            self.installed.add(scene.where)
        project = scene.project
        if not self.ci or project is None or not project.lockfiles or act.frozen:
            return
        if act.kind is Kind.ADD and _loose(act.packages):
            self.report(f"{label} installs what the lockfile does not pin", line, Level.WARNING)
        elif act.kind is Kind.INSTALL:
            default = self.knows_ci or "true" in scene.state.variables.get("CI", ())
            if act.frozen is None and default and scene.client in _LOCKFILE_DEFAULTS:
                return
            better = _LABELS.get(scene.client, "a frozen install")
            self.report(
                f"{label} may install other versions than the lockfile's and rewrite it; {better} does not",
                line,
                Level.WARNING,
            )

    # -- settings that commands change

    def _configure(self, act: Act, state: State, line: int) -> None:
        assert act.setting is not None
        key, value, own = act.setting
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
            self.report(f"setting {key} to {shown(value)!r} switches install scripts on", line)
            return
        names = {"npm": (".npmrc",), "pnpm": (".npmrc",), "yarn": (".yarnrc", ".yarnrc.yml")}[
            act.client
        ]
        for name in names:
            berry = name == ".yarnrc.yml"
            if berry != (bare == "enablescripts") and act.client == "yarn":
                continue
            if act.client == "yarn" and not berry:
                own = False
            folders = list(state.cwd) if own else [state.home]
            text = (
                f"{key}: {value}\n"
                if berry
                else f"{key} {value}\n"
                if name == ".yarnrc"
                else f"{key}={value}\n"
            )
            for folder in folders:
                place = f"{folder}/{name}"
                before = self._content(state.disk.find(place)) or b""
                if berry:
                    before = b"".join(
                        each
                        for each in before.splitlines(keepends=True)
                        if not each.startswith(key.encode())
                    )
                state.disk.put(Written(place, before + text.encode(), state.maybe))


@dataclass(slots=True)
class Scene:
    """Where one command runs: its project there, the client that runs, the settings in force."""

    context: Context
    state: State
    place: str
    program: str
    exact: bool = False
    alone: bool = False
    project: Project | None = None
    root: str | None = None
    where: str = HOLE
    foreign: bool = False
    doubt: str = ""
    missing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if HOLE in self.place:
            self.where = self.place if self.place.startswith(_TEMPORARY) else HOLE
            return
        self.where = self.place
        for candidate in (self.place, *self.state.guesses):
            if self._find(candidate):
                return

    def _find(self, place: str) -> bool:
        folder = place
        while True:
            found = self.state.disk.find(f"{folder.rstrip('/')}/package.json")
            if found is not None:
                self.foreign = found.path is None
                if found.path is not None:
                    self._settle(found.path.rpartition("/")[0], folder)
                return True
            parent = folder.rpartition("/")[0] or "/"
            if self.state.disk.is_foreign(folder):
                return True
            if self.exact or parent == folder or folder in ("/", CHECKOUT):
                return False
            folder = parent

    def _settle(self, home: str, folder: str) -> None:
        self.project = self.context.project_at(home)
        self.root = folder
        self.where = folder
        if self.project is not None and self.project.path != home and not self.alone:
            inner = home[len(self.project.path) :].strip("/")
            if folder.endswith("/" + inner):
                self.root = folder[: -len(inner) - 1] or "/"

    @property
    def client(self) -> str:
        """The NAME of the client that runs."""
        if self.program != "yarn":
            return self.program
        if self.project is not None and self.project.client in ("yarn-classic", "yarn-berry"):
            return self.project.client
        if self.root is not None and self.state.disk.find(f"{self.root}/.yarnrc.yml"):
            return "yarn-berry"
        pin = self.pin
        return "yarn-berry" if pin and pin.minimum and pin.minimum[0] > 1 else "yarn-classic"

    @property
    def pin(self) -> Pin | None:
        """The project's pin, where it pins the program that runs."""
        pin = self.project.pin if self.project else None
        return pin if pin is not None and pin.client == self.program else None

    def variables(self, act: Act) -> tuple[Switch, str | None]:
        """What the environment says to this client."""
        from npm_vetted.installs.commands import readers

        reader = readers()[self.program]
        environment = self.state.environment()
        found: dict[str, set[Switch]] = {}
        for name, value in environment.items():
            for text in value:
                switch = reader.variable(name, text)
                if switch is not Switch.UNSET:
                    found.setdefault(name, set()).add(switch)
        found = self._heeded(found)
        for wanted in (Switch.ON, Switch.UNKNOWN):
            for name, switches in found.items():
                if wanted in switches:
                    return wanted, f"{name}={shown('|'.join(environment[name]))}"
        names = [name for name, switches in found.items() if switches == {Switch.OFF}]
        if not names:
            return Switch.UNSET, None
        return self._off(act, names)

    def _heeded(self, found: dict[str, set[Switch]]) -> dict[str, set[Switch]]:
        if self.program != "yarn":
            return found
        wanted = "yarn_enable_scripts" if self.client == "yarn-berry" else "yarn_ignore_scripts"
        return {name: each for name, each in found.items() if name.lower() == wanted}

    def _off(self, act: Act, names: list[str]) -> tuple[Switch, str | None]:
        """pnpm heeds ``npm_config_`` until 10 and ``pnpm_config_`` from 11 (both were run)."""
        if self.program != "pnpm":
            return Switch.OFF, names[0]
        kinds = {name.lower().split("_config_")[0] for name in names}
        pin = self.pin
        major = pin.minimum[0] if pin and pin.minimum and pin.exact else None
        if kinds == {"npm", "pnpm"}:
            return Switch.OFF, names[0]
        if act.kind is Kind.RUN:
            fits = major is not None and (kinds == {"pnpm"}) == (major >= 11)
            return (Switch.OFF if fits else Switch.UNSET), names[0]
        fits = kinds == {"npm"} or (major is not None and major >= 10)
        return (Switch.OFF if fits else Switch.UNSET), names[0]

    # -- settings

    def everywhere_safe(self, act: Act) -> bool:
        """Whether the settings hold in every project of the checkout that it may run in."""
        prefix = self.place.split(HOLE, 1)[0]
        if under(CHECKOUT, prefix.rstrip("/")) is None:
            return False
        layers = [each for each in self.state.disk.layers if isinstance(each, Copied)]
        base = prefix[len(CHECKOUT) :].strip("/")
        found = [
            path.rpartition("/")[0]
            for layer in layers
            if not layer.source and layer.place == CHECKOUT
            for path in layer.tracked.manifests
            if path.startswith(base)
        ]
        scenes = [
            Scene(self.context, self.state, f"{CHECKOUT}/{folder}".rstrip("/"), self.program)
            for folder in found[:_MANY]
        ]
        return (
            bool(found) and len(found) <= _MANY and all(each.settings_hold(act) for each in scenes)
        )

    def settings_hold(self, act: Act) -> bool | None:
        """Whether the settings where it runs switch scripts off; None: that cannot be told."""
        if not act.obeys:
            return False
        if act.kind is Kind.RUN and self.program == "pnpm":
            major = (
                self.pin.minimum[0] if self.pin and self.pin.minimum and self.pin.exact else None
            )
            if major is None or major >= 11:
                return False
        if act.kind is Kind.REBUILD and self.program == "pnpm":
            if self.pin is None or self.pin.minimum is None or self.pin.minimum[0] < 10:
                return False
        project = None if act.kind is Kind.GLOBAL or self.foreign else self.project
        if act.kind is Kind.RUN and self.program == "pnpm" and project is not None:
            project = replace(project, pin=None)  # what blocks by default does not block here
        answers = set()
        for maybe in (True, False) if self.state.disk.doubts else (True,):
            self.doubt = ""
            view = self._view(project, maybe)
            safe = self.context.safe(project, self.client, view)
            answers.add(None if self.doubt else safe)
        if act.kind is Kind.GLOBAL and self.program == "pnpm" and self.project is not None:
            pinned = self.pin is not None and self.pin.exact and (self.pin.minimum or (0,))[0] >= 10
            return pinned or answers == {True}
        if answers == {True}:
            return True
        return None if None in answers else False

    def _view(self, project: Project | None, maybe: bool) -> Read:
        user = _USER_FILES.get(self.client, "")
        own = _OWN_FILES.get(self.client, "")
        base = project.path if project else ""

        def read(path: str) -> bytes | None:
            inner = path[len(base) :].lstrip("/") if base else path
            found = None
            if self.root is not None and (project is not None or self.foreign):
                found = self.state.disk.find(f"{self.root.rstrip('/')}/{inner}", maybe)
            data = self._bytes(found, inner)
            if inner == own and user:
                home = self._bytes(self.state.disk.find(f"{self.state.home}/{user}", maybe), user)
                if home is not None and self.client != "yarn-berry":
                    data = home + b"\n" + (data or b"")
                elif home is not None and data is None:
                    data = home
            return data

        return read

    def _bytes(self, found: Found | None, name: str) -> bytes | None:
        if found is None:
            return None
        if found.path is not None:
            return self.context.read(found.path)
        if found.text is None or _doubtful(found.text):
            self.doubt = name
        return (found.text or b"").replace(HOLE.encode(), b"x")

    def reason(self, act: Act) -> str:
        """Why no setting holds."""
        if not act.obeys:
            return "it is told to leave the project's settings aside"
        if act.kind is Kind.GLOBAL:
            return "outside a project no committed setting holds"
        if self.program == "pnpm" and act.kind is Kind.RUN and self.project is not None:
            return "pnpm from 11 heeds no project's settings there"
        if self.project is None:
            return "no project of this repository is there, so none of its settings holds"
        lost = [
            name
            for name in (_OWN_FILES.get(self.client, ""), "pnpm-workspace.yaml")
            if name
            and self.context.read(self.project.join(name)) is not None
            and self._elsewhere(name)
        ]
        if lost:
            return f"{self.project.join(lost[0])} is not there when it runs"
        return "the project's committed settings do not switch them off"

    def _elsewhere(self, name: str) -> bool:
        assert self.project is not None
        found = self.state.disk.find(f"{(self.root or '').rstrip('/')}/{name}", maybe=False)
        return found is None or found.path != self.project.join(name)


def _doubtful(text: bytes) -> bool:
    """Whether what cannot be told of a settings file may be more than the value of one key."""
    hole = HOLE.encode()
    return any(
        hole in line and (b"=" not in line.split(hole)[0] and b":" not in line.split(hole)[0])
        for line in text.split(b"\n")
    )


def _client_script(words: Sequence[str]) -> list[str] | None:
    """``node …/npm-cli.js ci``: a client that is started by its file."""
    for index, word in enumerate(words[1:], start=1):
        if word.startswith("-"):
            continue
        stem = word.rpartition("/")[2]
        if found := _STARTED.match(stem):
            return [found.group(1), *words[index + 1 :]]
        return [stem, *words[index + 1 :]] if stem in readers() else None
    return None


def _name(package: str) -> str:
    return package[:1] + package[1:].partition("@")[0]


def _all_known(packages: Sequence[str]) -> bool:
    return all(map(known, packages))


def _loose(packages: Sequence[str]) -> list[str]:
    """The packages without an exact version."""
    found = []
    for package in packages:
        if package.startswith((".", "/", "file:", "~")):
            continue
        _, _, version = package[1:].partition("@")
        if not _EXACT.match(version) and not _COMMIT.search(package):
            found.append(package)
    return found


# -- the commands of the shell itself, and those that move files


def _cd(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:  # noqa: ARG001
    arguments = [word for word in words[1:] if word not in ("-P", "-L", "--", "/d", "/D")]
    if program(words[0]) == "pushd":
        state.stack.append(state.cwd)
    if arguments[:1] == ["-"]:
        state.cwd = state.stack[-1] if state.stack else (HOLE,)
        return
    state.stack = (
        state.stack[-20:] if program(words[0]) == "pushd" else [*state.stack[-20:], state.cwd]
    )
    target = arguments[0] if arguments else state.home
    # Windows writes its directories with backslashes
    state.enter((target.replace("\\", "/"),))


def _popd(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:  # noqa: ARG001
    state.cwd = state.stack.pop() if state.stack else (HOLE,)


def _eval(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:
    text = " ".join(words[1:])
    if HOLE in text and (text.strip() == HOLE):
        judge._nameless(
            [HOLE, *words[2:]],
            state,
            Source("eval " + source.text.partition("eval")[2].strip(), ((0, source.line(0)),)),
        )
        if _NAMED.search(source.text):
            judge.undecided(
                f"what `{source.text.strip()[:80]}` runs cannot be told", source.line(0)
            )
        return
    judge._text(text, state, source, depth)


def _set_builtin(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:  # noqa: ARG001
    if "--" in words[1:]:
        state.arguments = [(word,) for word in words[words.index("--") + 1 :]]
        return
    flags = "".join(
        word[1:] for word in words[1:] if word.startswith("-") and not word.startswith("--")
    )
    if "a" in flags or "allexport" in words:
        state.exports_all = "+a" not in words
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if equals and name.replace("_", "").isalnum():
            state.set(name, (value,), export=True)  # cmd's set
            judge.assigned(name, (value,), source.line(0))


def _git(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:
    """``git clone``: the folder is somebody else's repository from then on."""
    if "rm" in words[1:3]:
        _remove(judge, words[words.index("rm") :], state, source, depth)
    if words[1:2] in (["checkout"], ["restore"]):
        for word in words[2:]:
            if word.rpartition("/")[2] in _SETTINGS:
                judge.wrote(word, None, append=False, state=state)
    if "clone" not in words[1:4]:
        return
    arguments = [word for word in words[words.index("clone") + 1 :] if not word.startswith("-")]
    urls = [i for i, word in enumerate(arguments) if "/" in word or ":" in word]
    if not urls:
        return
    at = urls[0]
    folder = (
        arguments[at + 1]
        if at + 1 < len(arguments)
        else arguments[at].rstrip("/").rpartition("/")[2].removesuffix(".git")
    )
    for place in state.places(folder):
        if HOLE not in place:
            state.disk.put(Gone(place, folder=True))


def _remove(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:  # noqa: ARG001
    for word in words[1:]:
        if word.startswith("-"):
            continue
        for place in state.places(word):
            folder, _, pattern = place.rpartition("/")
            names = [name for name in _SETTINGS if fnmatch.fnmatchcase(name, pattern)]
            for name in names or ([pattern] if pattern.endswith("npmrc") else []):
                state.disk.put(Gone(f"{folder}/{name}", maybe=state.maybe))


def _copy(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:  # noqa: ARG001
    arguments = [word for word in words[1:] if not word.startswith("-")]
    if len(arguments) < 2:
        return
    *sources, target = arguments
    before = state.disk.copy()
    for goal in state.places(target):
        folder = (
            target.endswith("/")
            or target in (".", "..")
            or len(sources) > 1
            or before.has_folder(goal)
        )
        for one in sources:
            for place in state.places(one):
                if HOLE in place or HOLE in goal:
                    continue
                name = place.rstrip("/").rpartition("/")[2]
                end = (
                    f"{goal.rstrip('/')}/{name}"
                    if folder and name != "." and not one.endswith("/.")
                    else goal
                )
                if before.find(place) is not None or before.has_folder(place):
                    state.disk.put(Taken(before, place, end, state.maybe))
                elif end.rpartition("/")[2] in _SETTINGS:
                    empty = b"" if place == "/dev/null" else None
                    state.disk.put(Written(end, empty, state.maybe))
                if program(words[0]) == "mv" and name in _SETTINGS:
                    state.disk.put(Gone(place, maybe=state.maybe))


def _trap(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:
    """``trap 'command' SIGNAL``."""
    if len(words) > 2 and not words[1].startswith("-"):
        judge._text(words[1], state.fork(), source, depth)


def _alias(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:  # noqa: ARG001
    for word in words[1:]:
        name, equals, text = word.partition("=")
        if equals and name != text.split(" ")[0]:
            judge.aliases[name] = text


def _read(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:  # noqa: ARG001
    for word in words[1:]:
        if not word.startswith("-"):
            state.set(word, (HOLE,))


def _printf(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:  # noqa: ARG001
    if words[1:2] == ["-v"] and len(words) > 3:
        state.set(words[2], (printed_by(["printf", *words[3:]]) or HOLE,))


def _find(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:
    """``find -delete`` takes files away; ``-exec`` runs a command."""
    if "-delete" in words:
        for option, pattern in pairwise(words):
            if option in ("-name", "-iname", "-path"):
                _remove(judge, ["rm", pattern], state, source, depth)
    wrapped = unwrap(words)
    if wrapped is not None:
        judge._unwrap(wrapped, words, state, source, depth)


def _tee(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:  # noqa: ARG001
    text = state.stdin.text if state.stdin is not None else None
    for word in words[1:]:
        if not word.startswith("-"):
            judge.wrote(word, text, any(each in ("-a", "--append") for each in words), state)


def _truncate(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:  # noqa: ARG001
    for word in words[1:]:
        judge.wrote(word, "", append=False, state=state)


def _edit(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:  # noqa: ARG001
    """``sed -i`` and its kin change a file in a way that nobody can tell."""
    if not any(word.startswith(("-i", "--in-place")) for word in words[1:]):
        return
    for word in words[1:]:
        name = word.rpartition("/")[2]
        if name in _SETTINGS and name != "package.json":
            for place in state.places(word):
                state.disk.put(Written(place, None))


def _download(judge: Judge, words: list[str], state: State, source: Source, depth: int) -> None:  # noqa: ARG001
    for option, word in pairwise(words):
        if (
            option in ("-o", "-O", "--output", "--output-document")
            and word.rpartition("/")[2] in _SETTINGS
        ):
            judge.wrote(word, None, append=False, state=state)


_BUILTINS: Final = {
    "cd": _cd,
    "chdir": _cd,
    "Set-Location": _cd,
    "pushd": _cd,
    "Push-Location": _cd,
    "popd": _popd,
    "Pop-Location": _popd,
    "eval": _eval,
    "iex": _eval,
    "Invoke-Expression": _eval,
    "set": _set_builtin,
    "git": _git,
    "rm": _remove,
    "unlink": _remove,
    "cp": _copy,
    "mv": _copy,
    "ln": _copy,
    "tee": _tee,
    "trap": _trap,
    "alias": _alias,
    "read": _read,
    "printf": _printf,
    "find": _find,
    "truncate": _truncate,
    "sed": _edit,
    "curl": _download,
    "wget": _download,
}
