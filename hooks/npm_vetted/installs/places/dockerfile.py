"""Dockerfiles and Containerfiles: what an image has copied in when it installs.

The reader follows Docker's own (docs.docker.com/reference/dockerfile): escape directive, line
continuations with comments in between, heredocs, JSON and shell form, flags, ONBUILD, stages.
"""

from __future__ import annotations

import fnmatch
import json
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from npm_vetted.documents.base import decode
from npm_vetted.errors import UndecidedError
from npm_vetted.installs import Context
from npm_vetted.installs.disk import Copied, Disk, Gone, Taken, Tracked, Written, resolve
from npm_vetted.installs.judgement import Judge
from npm_vetted.installs.powershell import run_windows
from npm_vetted.installs.source import Source, joined
from npm_vetted.installs.state import State
from npm_vetted.installs.words import HOLE
from npm_vetted.model import Problem

_NAME: Final = re.compile(r"(?:.*[._-])?(?:docker|container)file(?:[._-].*)?\Z", re.IGNORECASE)
_NOT: Final = (
    ".dockerignore", ".containerignore", ".md", ".ts", ".tsx", ".js", ".json", ".go", ".py", ".rb",
    ".yml", ".yaml", ".html", ".rst", ".txt", ".rs", ".java", ".lock", ".css", ".svg", ".png",
    ".sh", ".vim",
)  # fmt: skip
_DIRECTIVE: Final = re.compile(r"#\s*escape\s*=\s*(\S)\s*\Z", re.IGNORECASE)
_HEREDOC: Final = re.compile(r"<<(-?)([\"']?)([A-Za-z_][A-Za-z0-9_]*)\2")
_FLAG: Final = re.compile(r"--([a-z-]+)(?:=(\S*))?\s+")
_VARIABLE: Final = re.compile(r"\\\$|\$(?:\{(\w+)(?:(:?[-+])([^}]*))?\}|(\w+))")
_STAGES: Final = 200
_INSTRUCTIONS: Final = 20_000


def recognises(path: str, head: bytes) -> bool:  # noqa: ARG001
    """``Dockerfile``, ``Dockerfile.dev``, ``web.Dockerfile``, ``Containerfile`` in any case."""
    name = path.rpartition("/")[2]
    return _NAME.match(name) is not None and not name.lower().endswith(_NOT)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its name in capitals, what follows it, and its heredocs by name."""

    name: str
    body: Source
    heredocs: tuple[tuple[str, Source, bool], ...] = ()

    @property
    def line(self) -> int:
        """The line that it starts on."""
        return self.body.line(0)


def instructions(text: str) -> Iterator[Instruction]:
    """The instructions of a file, continuation lines joined."""
    lines = text.replace("\r\n", "\n").split("\n")
    escape = "\\"
    index = 0
    while index < len(lines) and lines[index].startswith("#"):
        if found := _DIRECTIVE.match(lines[index].strip()):
            escape = found.group(1)
        index += 1
    index = 0
    while index < len(lines):
        stripped = lines[index].strip()
        if not stripped or stripped.startswith("#"):
            index += 1
            continue
        parts: list[tuple[str, int]] = []
        while index < len(lines):
            line = lines[index]
            if line.strip().startswith("#") or (parts and not line.strip()):
                index += 1
                continue
            body = line.rstrip()
            index += 1
            if body.endswith(escape):
                parts.append((body[:-1], index))
                continue
            parts.append((line, index))
            break
        yield_from, index = _with_heredocs(joined(parts), lines, index)
        if yield_from is not None:
            yield yield_from


def _with_heredocs(
    whole: Source, lines: Sequence[str], index: int
) -> tuple[Instruction | None, int]:
    text = whole.text
    lead = len(text) - len(text.lstrip())
    end = lead
    while end < len(text) and not text[end].isspace():
        end += 1
    name = text[lead:end].upper()
    start = end + (len(text[end:]) - len(text[end:].lstrip()))
    body = whole.at(start, len(text))
    heredocs = []
    if name in ("RUN", "COPY", "ADD") or (name == "ONBUILD" and "<<" in text):
        for dash, quote, word in _HEREDOC.findall(body.text):
            inner: list[tuple[str, int]] = []
            while index < len(lines):
                line = lines[index].lstrip("\t") if dash else lines[index]
                index += 1
                if line == word:
                    break
                inner.append((line + "\n", index))
            heredocs.append((word, joined(inner), bool(quote)))
    return Instruction(name, body, tuple(heredocs)), index


def judge(path: str, data: bytes, context: Context) -> Iterator[Problem]:
    """The file as it is built from each directory that it may be built from: the likeliest."""
    parsed = list(instructions(decode(path, data).replace(HOLE, "\ufffd")))
    if len(parsed) > _INSTRUCTIONS or sum(each.name == "FROM" for each in parsed) > _STAGES:
        raise UndecidedError("too many instructions to follow", path=path)
    tracked = context.tracked()
    base = _context_of(path, parsed, tracked)
    build = Build(path, context, tracked, base)
    for each in parsed:
        build.take(each)
    return build.judge.finish()


def _context_of(path: str, parsed: Sequence[Instruction], tracked: Tracked) -> str:
    """The directory that an image is built from: where most of what it copies stands."""
    sources = [one for each in parsed for one in _local_sources(each)]
    folder = posixpath.dirname(path)
    best, most = folder, (-1, -1)
    candidate = folder
    while True:
        found = sum(_stands(candidate, one, tracked) for one in sources)
        lockfiles = (
            "package-lock.json",
            "pnpm-lock.yaml",
            "yarn.lock",
            "bun.lock",
            "npm-shrinkwrap.json",
        )
        whole = any(posixpath.join(candidate, name) in tracked.paths for name in lockfiles)
        if (found, int(whole)) > most:
            best, most = candidate, (found, int(whole))
        if not candidate:
            return best
        candidate = posixpath.dirname(candidate)


def _stands(folder: str, source: str, tracked: Tracked) -> bool:
    full = posixpath.normpath(posixpath.join(folder, source.lstrip("/") or ".")).removeprefix("./")
    full = "" if full == "." else full
    return bool(tracked.glob(full)) if full else True


def _local_sources(each: Instruction) -> list[str]:
    if each.name not in ("COPY", "ADD", "RUN"):
        return []
    flags, rest = _flags(each.body.text)
    if each.name == "RUN":
        return [
            mount["source"]
            for mount in _mounts(flags)
            if "source" in mount and mount.get("type", "bind") == "bind" and "from" not in mount
        ]
    if any(name == "from" for name, _ in flags):
        return []
    words = _words(rest)
    return [
        word
        for word in words[:-1]
        if "$" not in word and "://" not in word and not word.startswith("<<")
    ]


def _flags(text: str) -> tuple[list[tuple[str, str]], str]:
    found = []
    while match := _FLAG.match(text):
        found.append((match.group(1), match.group(2) or ""))
        text = text[match.end() :]
    return found, text


def _mounts(flags: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    found = []
    for name, value in flags:
        if name == "mount":
            pairs = (each.partition("=") for each in value.split(","))
            mount = {key: text.strip("\"'") for key, _, text in pairs}
            for short, long in (("src", "source"), ("dst", "target"), ("destination", "target")):
                if short in mount:
                    mount.setdefault(long, mount[short])
            found.append(mount)
    return found


def _words(text: str) -> list[str]:
    stripped = text.strip()
    if stripped.startswith("["):
        try:
            values = json.loads(stripped)
        except (ValueError, RecursionError):
            values = None
        if isinstance(values, list) and all(isinstance(each, str) for each in values):
            return values
    return [word.strip("\"'") for word in stripped.split()]


@dataclass(slots=True)
class Stage:
    """An image while it is built."""

    disk: Disk
    folder: str = "/"
    home: str = "/root"
    variables: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    shell: str = "sh"

    def copy(self) -> Stage:
        """The stage that starts from this one: its variables, not its arguments."""
        return Stage(self.disk.copy(), self.folder, self.home, dict(self.variables), {}, self.shell)

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
            return HOLE if value is None else value

        return _VARIABLE.sub(one, text)


class Build:
    """Follows the instructions of a file."""

    def __init__(self, path: str, context: Context, tracked: Tracked, base: str) -> None:
        self.judge = Judge(path=path, context=context, ci=True)
        self.tracked = tracked
        self.base = base
        self.ignores = _ignorer(path, base, context)
        self.stages: dict[str, Stage] = {}
        self.globals: dict[str, str] = {}
        self.stage: Stage | None = None

    def take(self, each: Instruction) -> None:
        """Follow one instruction."""
        handler = getattr(self, f"_{each.name.lower()}", None) if each.name.isalpha() else None
        if each.name == "FROM":
            self._from(each)
        elif each.name == "ARG":
            self._arg(each)
        elif self.stage is not None and handler is not None:
            handler(each, self.stage)

    def _from(self, each: Instruction) -> None:
        _, rest = _flags(each.body.text)
        words = rest.split()
        stage = Stage(Disk(), arguments=dict(self.globals))
        image = stage.expand(words[0]) if words else ""
        base = self.stages.get(image.lower())
        self.stage = base.copy() if base is not None else Stage(Disk())
        self.judge.installed = set(self.judge.installed) if base is not None else set()
        self.stages[str(len({id(each) for each in self.stages.values()}))] = self.stage
        if len(words) >= 3 and words[1].upper() == "AS":
            self.stages[words[2].lower()] = self.stage

    def _arg(self, each: Instruction) -> None:
        for word in _words(each.body.text):
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
        self.judge.variable(name, (HOLE if value is None else value,), line)

    def _env(self, each: Instruction, stage: Stage) -> None:
        for name, value, offset in _pairs(each.body.text):
            expanded = stage.expand(value)
            stage.variables[name] = expanded
            self._told(name, expanded, each.body.line(offset))

    def _workdir(self, each: Instruction, stage: Stage) -> None:
        stage.folder = resolve(stage.folder, stage.expand(each.body.text.strip().strip("\"'")))
        stage.disk.put(Gone(f"{stage.folder.rstrip('/')}/\x01", folder=True))

    def _user(self, each: Instruction, stage: Stage) -> None:
        user = stage.expand(each.body.text.strip()).partition(":")[0]
        stage.home = "/root" if user in ("root", "0") else f"/home/{user}"
        if HOLE in user or user.isdigit():
            stage.home = (
                "/root" if user == "0" else "/home/node" if user == "1000" else "/home/\x01"
            )

    def _shell(self, each: Instruction, stage: Stage) -> None:
        words = _words(each.body.text)
        stage.shell = posixpath.basename(words[0].replace("\\", "/")) if words else "sh"

    def _onbuild(self, each: Instruction, stage: Stage) -> None:
        """What an image does to those that are built from it: their files are not ours to see."""
        inner, _ = _with_heredocs(each.body, [], 0)
        if inner is not None:
            self.take(Instruction(inner.name, inner.body, each.heredocs))
        _ = stage

    # -- files

    def _copy(self, each: Instruction, stage: Stage) -> None:
        flags, rest = _flags(each.body.text)
        named = dict(flags)
        words = [stage.expand(word) for word in _words(rest)]
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
                    stage, source, goal, into, "parents" in named, named.get("exclude")
                )

    _add = _copy

    def _copy_from(
        self, stage: Stage, name: str, sources: Sequence[str], goal: str, into: bool
    ) -> None:
        other = self.stages.get(name.lower())
        for source in sources:
            if other is None:
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
            end = f"{goal.rstrip('/')}/{base}" if into and as_file else goal
            stage.disk.put(Taken(disk, place, end))

    def _copy_local(
        self, stage: Stage, source: str, goal: str, into: bool, parents: bool, exclude: str | None
    ) -> None:
        if "://" in source or source.startswith("git@"):
            if into and posixpath.basename(source):
                stage.disk.put(Written(f"{goal.rstrip('/')}/{posixpath.basename(source)}", None))
            return
        inner = posixpath.normpath(source.lstrip("/") or ".")
        inner = "" if inner == "." else inner
        full = posixpath.join(self.base, inner) if inner else self.base
        ignores = self._ignoring(exclude)
        if HOLE in full:
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
            return self.ignores(path) or bool(_pattern(exclude).match(inner))

        return both

    # -- commands

    def _run(self, each: Instruction, stage: Stage) -> None:
        """A command; what it writes stays in the image, what was mounted for it does not."""
        flags, rest = _flags(each.body.text)
        offset = len(each.body.text) - len(rest)
        disk = self._mounted(stage, _mounts(flags))
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
                if place.endswith(("npmrc", ".yarnrc.yml")):
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
            words = _words(text)
            if words and text.endswith("]") and not text.startswith("[["):
                self.judge.command(words, state, Source(" ".join(words), ((0, each.line),)), 0)
                return
        if stage.shell.lower().removesuffix(".exe") in ("powershell", "pwsh", "cmd"):
            run_windows(self.judge, body, state, cmd=stage.shell.lower().startswith("cmd"))
            return
        if each.heredocs:
            self._heredocs(each, body, state)
            return
        self.judge.run(body, state)

    def _heredocs(self, each: Instruction, body: Source, state: State) -> None:
        """``RUN <<EOF``: the text is the script; ``RUN cat <<EOF > file``: the shell's own."""
        first = each.heredocs[0]
        if body.text.strip().startswith("<<"):
            text = first[1]
            shebang = text.text.split("\n", 1)[0] if text.text.startswith("#!") else "#!/bin/sh"
            if "sh" in shebang:
                self.judge.run(text, state)
            return
        parts = [(body.text + "\n", each.line)]
        for word, text, _ in each.heredocs:
            parts.append((text.text, text.line(0)))
            parts.append((word + "\n", text.line(len(text.text))))
        self.judge.run(joined(parts), state)

    def _cmd(self, each: Instruction, stage: Stage) -> None:
        self._follow(each, each.body, stage, stage.disk.copy())

    _entrypoint = _cmd


def _as_it_is(other: Stage, stage: Stage) -> Disk:
    """A stage's files; of the stage that is being built, those that it has so far."""
    return other.disk.copy() if other is stage else other.disk


def _known_names(pattern: str) -> list[str]:
    names = (".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml", "package.json", "package-lock.json",
             "pnpm-lock.yaml", "pnpm-workspace.yaml", "yarn.lock", "bun.lock")  # fmt: skip
    return [name for name in names if fnmatch.fnmatchcase(name, pattern)]


def _pairs(text: str) -> Iterator[tuple[str, str, int]]:
    """``ENV A=b C="d e"``, and the old ``ENV A b``; each with its offset."""
    stripped = text.strip()
    head = re.match(r"[\w.-]+", stripped)
    if head and "=" not in stripped.split(None, 1)[0]:
        yield head.group(), stripped[head.end() :].strip(), 0
        return
    index = 0
    while index < len(text):
        if text[index].isspace():
            index += 1
            continue
        start = index
        word: list[str] = []
        quote = ""
        while index < len(text) and (quote or not text[index].isspace()):
            char = text[index]
            if quote:
                if char == quote:
                    quote = ""
                else:
                    word.append(char)
            elif char in "\"'":
                quote = char
            elif char == "\\" and index + 1 < len(text):
                index += 1
                word.append(text[index])
            else:
                word.append(char)
            index += 1
        name, _, value = "".join(word).partition("=")
        yield name, value, start


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """A pattern of .dockerignore: like Go's filepath.Match, with ``**``; it covers what is below."""
    out = []
    index = 0
    text = posixpath.normpath(pattern.strip()).lstrip("/")
    while index < len(text):
        char = text[index]
        if text.startswith("**/", index):
            out.append("(?:.*/)?")
            index += 3
            continue
        if text.startswith("**", index):
            out.append(".*")
            index += 2
            continue
        if char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[" and "]" in text[index + 2 :]:
            end = text.index("]", index + 2)
            inner = text[index + 1 : end].replace("\\", "\\\\")
            out.append(f"[{inner}]" if not inner.startswith("!") else f"[^{inner[1:]}]")
            index = end
        else:
            out.append(re.escape(char))
        index += 1
    try:
        return re.compile("".join(out) + r"(?:/.*)?\Z", re.DOTALL)
    except re.error:
        return re.compile(r"(?!)")


def _ignorer(path: str, base: str, context: Context) -> Callable[[str], bool]:
    """What .dockerignore leaves out; ``Dockerfile.dockerignore`` beside the file goes first."""
    data = context.read(f"{path}.dockerignore")
    for name in (".dockerignore", ".containerignore"):
        if data is None:
            data = context.read(posixpath.join(base, name) if base else name)
    if data is None:
        return lambda _: False
    rules = []
    for line in data.decode("utf-8", "replace").splitlines():
        text = line.strip()
        if text and not text.startswith("#"):
            rules.append((not text.startswith("!"), text.lstrip("!").strip()))
    rules = rules[:2000]

    @cache
    def ignores(file: str) -> bool:
        inner = file[len(base) :].lstrip("/") if base else file
        found = False
        for drops, pattern in rules:
            if drops != found and _pattern(pattern).match(inner):
                found = drops
        return found

    return ignores
