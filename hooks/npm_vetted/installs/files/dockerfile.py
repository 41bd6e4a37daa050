"""Dockerfiles and Containerfiles: follows the files of an image up to each install.

Stages, ONBUILD, mounts and copies are followed as Docker does (docs.docker.com/reference/dockerfile).
"""

from __future__ import annotations

import fnmatch
import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from npm_vetted.client_names import LOCKFILES, SETTINGS_FILES
from npm_vetted.errors import UndecidedError
from npm_vetted.formats.document import decode
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, replaced
from npm_vetted.installs import SETTINGS_ENDINGS, Context
from npm_vetted.installs.context.disk import (
    Copied,
    Disk,
    Gone,
    Taken,
    Tracked,
    Written,
    resolve,
    under,
)
from npm_vetted.installs.files._dockerfile_text import (
    Instruction,
    flags_of,
    instructions,
    mounts_of,
    pairs_of,
    with_heredocs,
    words_of,
)
from npm_vetted.installs.files._dockerignore import ignorer, pattern_of
from npm_vetted.installs.shell.builtins import SETTINGS
from npm_vetted.installs.shell.follower import ShellFollower
from npm_vetted.installs.shell.powershell import run_windows
from npm_vetted.installs.shell.source import Source, joined
from npm_vetted.installs.shell.state import State
from npm_vetted.installs.shell.wrappers import program_name
from npm_vetted.model import Level, Problem, Project

_NAME: Final = re.compile(
    r"(?:.*[._-])?(?:docker|container|earth)file(?:[._-].*)?\Z", re.IGNORECASE
)
_NOT: Final = (
    ".dockerignore", ".containerignore", ".md", ".ts", ".tsx", ".js", ".json", ".go", ".py", ".rb",
    ".yml", ".yaml", ".html", ".rst", ".txt", ".rs", ".java", ".lock", ".css", ".svg", ".png",
    ".sh", ".vim",
)  # fmt: skip
_TEMPLATES: Final = (
    ".tt", ".erb", ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".in", ".mustache", ".eex",
)  # fmt: skip
"""Suffixes of templates from which a Dockerfile is made; its final text is not known."""
_FILLED: Final = re.compile(r"<%[^\n]*?%>|\{\{[^\n]*?\}\}|\{%[^\n]*?%\}")
"""The parts of a template that are replaced."""
_VARIABLE: Final = re.compile(r"\\\$|\$(?:\{(\w+)(?:(:?[-+])([^}]*))?\}|(\w+))")
_ARCHIVES: Final = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".txz", ".tbz2")
"""Suffixes of archives that ADD unpacks."""
_EARTHLY: Final = ("LOCALLY", "FUNCTION", "COMMAND")
"""Instructions that begin a target of an Earthfile without an image of its own."""
_STAGES: Final = 200
_INSTRUCTIONS: Final = 20_000


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """``Dockerfile``, ``Dockerfile.dev``, ``web.Dockerfile``, ``Containerfile`` in any case."""
    name = path.rpartition("/")[2]
    return _NAME.match(name) is not None and not name.lower().endswith(_NOT)


def problems_of(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """The problems of a Dockerfile, built from the directory that it is most likely built from."""
    template = path.lower().endswith(_TEMPLATES)
    text = decode(path, data).replace(UNKNOWN_TEXT, "\ufffd")
    for problem in image_problems(
        path, _FILLED.sub("${__unknown}", text) if template else text, context
    ):
        yield problem._replace(level=Level.WARNING, fix=()) if template else problem


def image_problems(
    path: str, text: str, context: Context, base: str | None = None
) -> Iterator[Problem]:
    """The problems of a Dockerfile's text; ``base`` is the directory that it is built from."""
    parsed = list(instructions(text))
    if len(parsed) > _INSTRUCTIONS or sum(each.name == "FROM" for each in parsed) > _STAGES:
        raise UndecidedError("too many instructions to follow", path=path)
    tracked = context.tracked()
    if base is None:
        base = _context_of(path, parsed, tracked)
    else:
        base = posixpath.normpath(posixpath.join(posixpath.dirname(path), base)).removeprefix(".")
    build = Build(path, context, tracked, base)
    for each in parsed:
        build.take(each)
    build.end_stage()
    yield from build.follower.reports.finish()


def _context_of(path: str, parsed: Sequence[Instruction], tracked: Tracked) -> str:
    """The directory that an image is likely built from: it has most of the files that the image copies."""
    sources = [one for each in parsed for one in _local_sources(each)]
    folder = posixpath.dirname(path)
    best, most = folder, (-1, -1)
    candidate = folder
    while True:
        found = sum(_is_there(candidate, one, tracked) for one in sources)
        whole = any(posixpath.join(candidate, name) in tracked.paths for name in LOCKFILES)
        if (found, int(whole)) > most:
            best, most = candidate, (found, int(whole))
        if not candidate:
            return best
        candidate = posixpath.dirname(candidate)


def _is_there(folder: str, source: str, tracked: Tracked) -> bool:
    full = posixpath.normpath(posixpath.join(folder, source.lstrip("/") or ".")).removeprefix("./")
    full = "" if full == "." else full
    return bool(tracked.glob(full)) if full else True


def _local_sources(each: Instruction) -> list[str]:
    if each.name not in ("COPY", "ADD", "RUN"):
        return []
    flags, rest = flags_of(each.body.text)
    if each.name == "RUN":
        return [
            mount["source"]
            for mount in mounts_of(flags)
            if "source" in mount and mount.get("type", "bind") == "bind" and "from" not in mount
        ]
    if any(name == "from" for name, _ in flags):
        return []
    words = words_of(rest)
    return [
        word
        for word in words[:-1]
        if "$" not in word and "://" not in word and not word.startswith("<<")
    ]


@dataclass(slots=True)
class Stage:
    """The state of an image while a stage of the file builds it."""

    disk: Disk
    folder: str = "/"
    home: str = "/root"
    variables: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    shell: str = "sh"
    starts: dict[str, Instruction] = field(default_factory=dict)
    """The words of ENTRYPOINT and CMD; the last of each counts."""
    installed: dict[str, Project | None] = field(default_factory=dict)
    """The places with installed packages, and the project of each."""

    def copy(self) -> Stage:
        """The stage that starts from this one: its variables, not its arguments."""
        return Stage(self.disk.copy(), self.folder, self.home, dict(self.variables), {}, self.shell,
                     dict(self.starts), dict(self.installed))  # fmt: skip

    def expand(self, text: str) -> str:
        """Replace ``$NAME`` as Docker does outside RUN."""

        def one(found: re.Match[str]) -> str:
            if found.group(0) == "\\$":
                return "$"
            name = found.group(1) or found.group(4)
            value = self.variables.get(name, self.arguments.get(name))
            operator = found.group(2) or ""
            if operator.endswith("-"):
                return value or found.group(3)
            if operator.endswith("+"):
                return found.group(3) if value else ""
            return UNKNOWN_TEXT if value is None else value

        return replaced(_VARIABLE, one, text)


class Build:
    """Follows the instructions of a file."""

    def __init__(self, path: str, context: Context, tracked: Tracked, base: str) -> None:
        self.follower = ShellFollower(path=path, context=context, ci=True)
        self.tracked = tracked
        self.base = base
        self.ignores = ignorer(path, base, context)
        self.stages: dict[str, Stage] = {}
        self.globals: dict[str, str] = {}
        self.stage: Stage | None = None
        self._handlers: Mapping[str, Callable[[Instruction, Stage], None]] = {
            "ADD": self._copy,
            "CMD": self._start,
            "COPY": self._copy,
            "ENTRYPOINT": self._start,
            "ENV": self._env,
            "HEALTHCHECK": self._healthcheck,
            "ONBUILD": self._onbuild,
            "RUN": self._run,
            "SHELL": self._shell,
            "USER": self._user,
            "WORKDIR": self._workdir,
        }

    def take(self, each: Instruction) -> None:
        """Follow one instruction."""
        if each.name == "FROM":
            self.end_stage()
            self._from(each)
        elif each.name == "ARG":
            self._arg(each)
        elif each.name in _EARTHLY:
            self.end_stage()
            self.stage = Stage(Disk())
            if each.name == "LOCALLY":
                self.stage.disk.put(Copied(self.tracked, self.base, "/"))
        elif self.stage is not None and each.name in self._handlers:
            self._handlers[each.name](each, self.stage)

    def _from(self, each: Instruction) -> None:
        _, rest = flags_of(each.body.text)
        words = rest.split()
        stage = Stage(Disk(), arguments=dict(self.globals))
        image = stage.expand(words[0]) if words else ""
        base = self.stages.get(image.lower())
        self.stage = base.copy() if base is not None else Stage(Disk())
        self.follower.judge.installed = self.stage.installed
        self.stages[str(len({id(each) for each in self.stages.values()}))] = self.stage
        if len(words) >= 3 and words[1].upper() == "AS":
            self.stages[words[2].lower()] = self.stage

    def _arg(self, each: Instruction) -> None:
        for word in words_of(each.body.text):
            name, equals, value = word.partition("=")
            if self.stage is None:
                if equals:
                    self.globals[name] = value
                continue
            stage = self.stage
            if equals:
                stage.arguments[name] = stage.expand(value.strip("\"'"))
            elif name in self.globals:
                stage.arguments[name] = self.globals[name]
            self._told(name, stage.arguments.get(name), each.line)

    def _told(self, name: str, value: str | None, line: int) -> None:
        self.follower.reports.variable(name, (UNKNOWN_TEXT if value is None else value,), line)

    def _env(self, each: Instruction, stage: Stage) -> None:
        for name, value, offset in pairs_of(each.body.text):
            expanded = stage.expand(value)
            stage.variables[name] = expanded
            self._told(name, expanded, each.body.line(offset))

    def _workdir(self, each: Instruction, stage: Stage) -> None:
        stage.folder = resolve(stage.folder, stage.expand(each.body.text.strip().strip("\"'")))
        stage.disk.put(Gone(f"{stage.folder.rstrip('/')}/\x01", folder=True))

    def _user(self, each: Instruction, stage: Stage) -> None:
        user = stage.expand(each.body.text.strip()).partition(":")[0]
        stage.home = "/root" if user in ("root", "0") else f"/home/{user}"
        if UNKNOWN_TEXT in user or user.isdigit():
            stage.home = (
                "/root" if user == "0" else "/home/node" if user == "1000" else "/home/\x01"
            )

    def _shell(self, each: Instruction, stage: Stage) -> None:
        words = words_of(each.body.text)
        stage.shell = posixpath.basename(words[0].replace("\\", "/")) if words else "sh"

    def _onbuild(self, each: Instruction, stage: Stage) -> None:
        """ONBUILD: commands that run in images built from this one; the files there are not known."""
        inner, _ = with_heredocs(each.body, [], 0)
        if inner is not None:
            self.take(Instruction(inner.name, inner.body, each.heredocs))
        _ = stage

    # -- files

    def _copy(self, each: Instruction, stage: Stage) -> None:
        flags, rest = flags_of(each.body.text)
        named = dict(flags)
        words = [stage.expand(word) for word in words_of(rest)]
        if len(words) < 2:
            return
        *sources, target = words
        goal = resolve(stage.folder, target)
        into = (
            target.endswith("/") or target in (".", "./") or len(sources) > 1
            or goal == stage.folder or stage.disk.has_folder(goal)
        )  # fmt: skip
        if "from" in named:
            self._copy_from(stage, stage.expand(named["from"]), sources, goal, into)
            return
        texts = {f"<<{word}": text for word, text, _ in each.heredocs}
        for source in sources:
            bare = source.replace('"', "").replace("'", "").replace("<<-", "<<")
            if bare in texts:
                name = bare[2:]
                place = f"{goal.rstrip('/')}/{name}" if into else goal
                stage.disk.put(Written(place, stage.expand(texts[bare].text).encode()))
            else:
                self._copy_local(
                    stage, source, goal, into, "parents" in named, named.get("exclude"),
                    each.name == "ADD",
                )  # fmt: skip

    def _copy_installed(self, other: Stage, stage: Stage, place: str, goal: str) -> None:
        """Take over installed packages with a copy of ``node_modules``, or of a folder that contains one."""
        if posixpath.basename(place) == "node_modules" or goal.endswith("/node_modules"):
            owner = other.installed.get(place.removesuffix("/node_modules"))
            stage.installed[goal.removesuffix("/node_modules")] = owner
            return
        for folder, owner in other.installed.items():
            if (inner := under(place, folder)) is not None:
                stage.installed[resolve(goal, inner)] = owner

    def _copy_from(
        self, stage: Stage, name: str, sources: Sequence[str], goal: str, into: bool
    ) -> None:
        other = self.stages.get(name.lower())
        for source in sources:
            if other is None:
                self._copy_foreign(stage, source, goal, into)
                continue
            disk = _as_it_is(other, stage)
            place = resolve("/", source)
            base = posixpath.basename(place)
            as_file = disk.find(place) is not None
            if any(char in base for char in "*?["):
                folder = posixpath.dirname(place)
                for found in _known_names(base):
                    if disk.find(f"{folder}/{found}") is not None:
                        stage.disk.put(
                            Taken(disk, f"{folder}/{found}", f"{goal.rstrip('/')}/{found}")
                        )
                continue
            self._copy_installed(other, stage, place, goal)
            end = f"{goal.rstrip('/')}/{base}" if into and as_file else goal
            stage.disk.put(Taken(disk, place, end))
            if "." not in base and not as_file and not disk.has_folder(place):
                self._made_elsewhere(stage, end)

    @staticmethod
    def _made_elsewhere(stage: Stage, folder: str) -> None:
        """Mark a copied folder as unknown that a program made in another stage: it may be a project."""
        manifest = f"{folder.rstrip('/')}/package.json"
        if stage.disk.find(manifest) is None:
            stage.disk.put(Written(manifest, None))

    def _copy_foreign(self, stage: Stage, source: str, goal: str, into: bool) -> None:
        """A copy from an image that is not built here: it may be a settings file, or contain one."""
        name = posixpath.basename(source)
        if name in SETTINGS or posixpath.basename(goal) in SETTINGS:
            stage.disk.put(Written(f"{goal.rstrip('/')}/{name}" if into else goal, None))
        elif "." not in name:
            self._doubt(stage, goal)

    @staticmethod
    def _doubt(stage: Stage, folder: str) -> None:
        """Mark settings as unknown: files of an archive or a foreign folder may replace them."""
        if stage.disk.find(f"{folder.rstrip('/')}/package.json") is not None:
            for name in sorted(SETTINGS - {"package.json"}):
                stage.disk.put(Written(f"{folder.rstrip('/')}/{name}", None, maybe=True))

    def _copy_local(
        self,
        stage: Stage,
        source: str,
        goal: str,
        into: bool,
        parents: bool,
        exclude: str | None,
        unpacks: bool,
    ) -> None:
        if "://" in source or source.startswith("git@"):
            name = posixpath.basename(source)
            stage.disk.put(Written(f"{goal.rstrip('/')}/{name}" if into and name else goal, None))
            return
        if source.endswith(_ARCHIVES) and unpacks:
            self._doubt(stage, goal)
        inner = posixpath.normpath(source.lstrip("/") or ".")
        inner = "" if inner == "." else inner
        full = posixpath.join(self.base, inner) if inner else self.base
        ignores = self._ignoring(exclude)
        if UNKNOWN_TEXT in full:
            return
        for found in self.tracked.glob(full) if full else [""]:
            if found in self.tracked.paths:
                if ignores(found):
                    continue
                below = (
                    found[len(self.base) :].lstrip("/") if parents else posixpath.basename(found)
                )
                place = f"{goal.rstrip('/')}/{below}" if into or parents else goal
                stage.disk.put(Copied(self.tracked, found, place))
            else:
                below = found[len(self.base) :].strip("/") if parents else ""
                place = f"{goal.rstrip('/')}/{below}".rstrip("/") or "/"
                stage.disk.put(Copied(self.tracked, found, place, ignores))

    def _ignoring(self, exclude: str | None) -> Callable[[str], bool]:
        if exclude is None:
            return self.ignores

        def both(path: str) -> bool:
            inner = path[len(self.base) :].lstrip("/") if self.base else path
            return self.ignores(path) or bool(pattern_of(exclude).match(inner))

        return both

    # -- commands

    def _run(self, each: Instruction, stage: Stage) -> None:
        """Follow a RUN command: files that it writes stay in the image, mounted files do not."""
        flags, rest = flags_of(each.body.text)
        offset = len(each.body.text) - len(rest)
        disk = self._mounted(stage, mounts_of(flags))
        before = len(disk.layers)
        self._follow(each, each.body.at(offset, len(each.body.text)), stage, disk)
        if disk is not stage.disk:
            for layer in disk.layers[before:]:
                stage.disk.put(layer)

    def _mounted(self, stage: Stage, mounts: Sequence[dict[str, str]]) -> Disk:
        disk = stage.disk
        for mount in mounts:
            kind = mount.get("type", "bind")
            target = mount.get("target", mount.get("source", ""))
            if kind not in ("bind", "secret") or not target:
                continue
            if disk is stage.disk:
                disk = disk.copy()
            place = resolve(stage.folder, stage.expand(target))
            if kind == "secret":
                if place.endswith(SETTINGS_ENDINGS):
                    disk.put(
                        Written(place, None if not place.startswith(stage.home + "/") else b"")
                    )
                continue
            other = self.stages.get(mount.get("from", "").lower())
            source = mount.get("source", "")
            if other is not None:
                disk.put(Taken(_as_it_is(other, stage), resolve("/", source), place))
            elif "from" not in mount:
                inner = posixpath.normpath(posixpath.join(self.base, source.lstrip("/") or "."))
                inner = "" if inner == "." else inner
                disk.put(Copied(self.tracked, inner, place, self.ignores))
        return disk

    def _follow(self, each: Instruction, body: Source, stage: Stage, disk: Disk) -> None:
        state = State(disk=disk, cwd=(stage.folder,), home=stage.variables.get("HOME", stage.home))
        for name, value in {**stage.arguments, **stage.variables}.items():
            state.set(name, (value,), export=True)
        text = body.text.strip()
        if text.startswith("["):
            words = words_of(text)
            if words and text.endswith("]") and not text.startswith("[["):
                self.follower.command(words, state, Source(" ".join(words), ((0, each.line),)), 0)
                return
        if stage.shell.lower().removesuffix(".exe") in ("powershell", "pwsh", "cmd"):
            run_windows(self.follower, body, state, cmd=stage.shell.lower().startswith("cmd"))
            return
        if each.heredocs:
            self._heredocs(each, body, state)
            return
        self.follower.run(body, state)

    def _heredocs(self, each: Instruction, body: Source, state: State) -> None:
        """``RUN <<EOF``: the text is the script; ``RUN cat <<EOF > file``: the shell's own."""
        first = each.heredocs[0]
        if body.text.strip().startswith("<<"):
            text = first[1]
            shebang = text.text.split("\n", 1)[0] if text.text.startswith("#!") else "#!/bin/sh"
            if "sh" in shebang:
                self.follower.run(text, state)
            return
        parts = [(body.text + "\n", each.line)]
        for word, text, _ in each.heredocs:
            parts.append((text.text, text.line(0)))
            parts.append((word + "\n", text.line(len(text.text))))
        self.follower.run(joined(parts), state)

    @staticmethod
    def _start(each: Instruction, stage: Stage) -> None:
        stage.starts[each.name] = each

    def end_stage(self) -> None:
        """Judge what a container of the stage starts: CMD follows ENTRYPOINT if both are lists.

        If ENTRYPOINT is not a client (a script), it may run the words of CMD as a command of their own.
        """
        if self.stage is None:
            return
        found = self.stage.starts
        if len(found) == 2:
            program, more = (_list_of(found[name]) for name in ("ENTRYPOINT", "CMD"))
            if program and more and program_name(program[0]) in self.follower.context.readers():
                first = found["ENTRYPOINT"]
                whole = Source(f"ENTRYPOINT {json.dumps([*program, *more])}", ((0, first.line),))
                found = {"": Instruction("ENTRYPOINT", whole.at(11, len(whole.text)), ())}
        for each in found.values():
            self._follow(each, each.body, self.stage, self.stage.disk.copy())

    def _healthcheck(self, each: Instruction, stage: Stage) -> None:
        _, rest = flags_of(each.body.text)
        if rest[:4].upper() == "CMD ":
            start = len(each.body.text) - len(rest) + 4
            self._follow(each, each.body.at(start, len(each.body.text)), stage, stage.disk.copy())


def _list_of(each: Instruction) -> list[str]:
    """The words of an instruction in JSON form; empty for the shell form."""
    text = each.body.text.strip()
    return words_of(text) if text.startswith("[") and text.endswith("]") else []


def _as_it_is(other: Stage, stage: Stage) -> Disk:
    """The disk of another stage; if it is the stage being built, a copy of its present state."""
    return other.disk.copy() if other is stage else other.disk


def _known_names(pattern: str) -> list[str]:
    return [name for name in (*SETTINGS_FILES, *LOCKFILES) if fnmatch.fnmatchcase(name, pattern)]
