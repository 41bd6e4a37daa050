"""Parses the command lines of clients. Each client has a module ``commands``.

Such a module parses argument lists like its client, and knows nothing of files, projects or notes.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import cast

from npm_vetted._plugins import parts
from npm_vetted.formats.client_action import (
    UNKNOWN_COMMAND,
    ActionKind,
    ClientAction,
    CommandReader,
    Switch,
    source_setting,
)
from npm_vetted.formats.shell_text import UNKNOWN_TEXT


@cache
def readers() -> Mapping[str, CommandReader]:
    """The module that parses the command lines of each program, by the program's name."""
    found: dict[str, CommandReader] = {}
    package = importlib.import_module("npm_vetted.clients")
    for folder in parts(package.__path__):
        path = f"{package.__name__}.{folder}.commands"
        if importlib.util.find_spec(path) is not None:
            reader = cast("CommandReader", importlib.import_module(path))
            found.update(dict.fromkeys(reader.PROGRAMS, reader))
    others = cast(
        "CommandReader", importlib.import_module("npm_vetted.clients.shared.other_programs")
    )
    return {**dict.fromkeys(others.PROGRAMS, others), **found}


@dataclass(slots=True)
class Options:
    """The parts of a command line: options in order, words, and the words after ``--``."""

    options: list[tuple[str, str | None]]
    words: list[str]
    rest: list[str] | None = None

    def has(self, *names: str) -> bool:
        """Whether a boolean option with one of these names is on; the last occurrence counts."""
        found = False
        for name, value in self.options:
            if name in names:
                found = value != "false"
            elif name.startswith("no-") and name[3:] in names:
                found = value == "false"
        return found

    def value(self, *names: str) -> str | None:
        """The last value that options of these names have; None: no such option has a value."""
        found = None
        for name, value in self.options:
            if name in names and value is not None:
                found = value
        return found

    def values(self, *names: str) -> tuple[str, ...]:
        """All values of the options of these names."""
        return tuple(value for name, value in self.options if name in names and value is not None)

    @property
    def unknown(self) -> bool:
        """Whether a word begins with unknown text: it may then be any option."""
        return any(word.startswith(UNKNOWN_TEXT) for word in self.words) or any(
            name.startswith(UNKNOWN_TEXT) for name, _ in self.options
        )


def take_apart(
    words: Sequence[str],
    *,
    valued: Collection[str],
    short: Mapping[str, str],
    stop: bool = False,
    loose: bool = False,
) -> Options:
    """Split a command line as nopt, commander and clipanion do: ``--a=b``, ``--a b``, ``-abc``.

    ``valued`` are the options whose value is the next word. ``short`` maps letters to the long names
    of their options. ``stop``: all words after the first one without a dash are arguments. ``loose``
    (nopt): ``-name`` means ``--name``, and a boolean option may have ``true`` or ``false`` behind it.
    """
    found = Options([], [])
    queue = list(words)
    index = 0
    while index < len(queue):
        word = queue[index]
        index += 1
        if word == "--":
            found.rest = queue[index:]
            break
        if not word.startswith("-") or word == "-":
            found.words.append(word)
            if stop:
                found.words.extend(queue[index:])
                break
            continue
        for name, value in _named(word, short, loose):
            following = queue[index] if index < len(queue) else None
            given = value
            if given is None and following is not None and not following.startswith("-"):
                boolean = loose and following in ("true", "false", "null", "undefined")
                if name in valued or boolean or name.endswith(":registry"):
                    given = following
                    index += 1
            found.options.append((name, given))
    return found


def _named(word: str, short: Mapping[str, str], loose: bool) -> Iterator[tuple[str, str | None]]:
    name, equals, value = word.lstrip("-").partition("=")
    given = value if equals else None
    long = loose and len(name) > 1 and not all(letter in short for letter in name)
    if word.startswith("--") or (long and name not in short):
        yield short.get(name, name) if loose else name, given
        return
    if name in short:
        yield short[name], given
        return
    for letter in name:
        yield short.get(letter, letter), given


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A client's command line, split into parts; ``verb`` is the command as written (``i``, ``add``)."""

    client: str
    words: Sequence[str]
    options: Options
    verb: str
    switch: Switch
    by: str | None
    flag: str
    drop: Collection[str]
    folder: str | None = None
    obeys: bool = True
    alone: bool = False
    outside: bool = False
    """Whether the command installs outside any project (``npm install --global``)."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words after the command, without options."""
        return tuple(self.options.words[1:])

    @property
    def rest(self) -> list[str]:
        """All words after the command, with options."""
        return list(self.words[self.place + 1 :])

    @property
    def place(self) -> int:
        """The index of the command among the words; 0 if the program is the command (``pnpx``)."""
        words = list(self.words)
        return words.index(self.verb, 1) if self.verb in words[1:] else 0

    def act(
        self,
        kind: ActionKind,
        *,
        packages: Sequence[str] = (),
        frozen: bool | None = None,
        switch: Switch | None = None,
    ) -> ClientAction:
        """Build the action, with its flags and the safe command line."""
        return ClientAction(
            kind=kind,
            client=self.client,
            switch=self.switch if switch is None else switch,
            by=self.by,
            packages=tuple(packages),
            names_packages=bool(self.options.values("package")),
            folder=self.folder,
            frozen=frozen,
            obeys=self.obeys,
            alone=self.alone,
            sources=tuple(sources_of(self.options)),
            user_settings=self.options.value("userconfig"),
            fix=inserted(self.words, self.verb, self.flag, self.drop) if self.flag else (),
        )

    def runs(self, *words: str) -> ClientAction:
        """The action of running another command (``words``)."""
        return ClientAction(
            kind=ActionKind.CONFIG, client=self.client, folder=self.folder, then=words
        )

    def fetches_client(self, package: str) -> ClientAction:
        """The action of fetching a client's release, without install scripts; later commands run it."""
        return ClientAction(
            kind=ActionKind.RUN, client=self.client, packages=(package,), switch=Switch.OFF,
            fetches_always=True,
        )  # fmt: skip

    def starts(self) -> ClientAction:
        """The action of creating a package.json in a folder that has none."""
        return ClientAction(
            kind=ActionKind.CONFIG, client=self.client, folder=self.folder, starts=True
        )

    def sets(self, key: str, value: str, *, own: bool) -> ClientAction:
        """The action of changing a setting; ``own``: in the project's file, not in the user's."""
        name = source_setting(key)
        return ClientAction(
            kind=ActionKind.CONFIG, client=self.client, setting=(key, value, own),
            sources=((name, value),) if name and value else (),
        )  # fmt: skip

    def fetches(self, package: str, command: Sequence[str]) -> ClientAction:
        """The action of fetching a package and running its program."""
        unknown = Switch.UNKNOWN if package.startswith(UNKNOWN_TEXT) else None
        return replace(
            self.act(ActionKind.RUN, packages=(package,), switch=unknown), then=tuple(command)
        )


def sources_of(options: Options) -> Iterator[tuple[str, str]]:
    """The options of a command line that say where packages come from: setting and value."""
    for name, value in options.options:
        positive = name.removeprefix("no-")
        setting = source_setting(positive)
        if setting == "strict-ssl":
            on = (value != "false") == (name == positive)
            yield setting, "true" if on else "false"
        elif setting is not None and value is not None and name == positive:
            yield setting, value


def variable_setting(name: str, prefixes: Collection[str]) -> str | None:
    """The source setting that an environment variable sets: ``registry`` for ``npm_config_registry``.

    ``prefixes`` are those that the client reads, in lower case. None: the variable sets no source.
    """
    lowered = name.lower()
    found = next((each for each in prefixes if lowered.startswith(each)), None)
    return None if found is None else source_setting(lowered.removeprefix(found))


def tidies(line: Line) -> Iterator[ClientAction]:
    """The action of a command that removes or rearranges installed packages (``uninstall``, ``dedupe``)."""
    if not line.outside:
        yield line.act(ActionKind.TIDY)


def rebuilds(line: Line) -> Iterator[ClientAction]:
    """The action of a command that only runs the scripts of installed packages.

    It has no fix: with scripts off, such a command would do nothing, and ``yarn rebuild`` (4.13) and
    ``pnpm rebuild`` (9) refuse the flag.
    """
    yield replace(line.act(ActionKind.REBUILD, packages=line.arguments), fix=())


def fetched(options: Options, *, creates: bool = False) -> tuple[tuple[str, ...], list[str]]:
    """The packages that a command line fetches, and the command line that runs with them.

    Without ``--package`` the first word names the package and its program. ``creates``: that word is
    short for a package, as in ``npm init vite`` (``create-vite``).
    """
    command = [*options.words, *(options.rest or [])]
    packages = options.values("package")
    if packages or not command:
        return packages, command
    name = created(command[0]) if creates else command[0]
    return (name,), runner(name, command[1:])


def unknown_command(client: str) -> ClientAction:
    """A command line with an unknown command."""
    return ClientAction(
        kind=ActionKind.INSTALL, client=client, switch=Switch.UNKNOWN, by=UNKNOWN_COMMAND
    )


def pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    """The keys and values after ``config set``: ``key=value`` words, or a key and a value as two words."""
    found = [(key, value) for key, equals, value in (w.partition("=") for w in words) if equals]
    if not found and words:
        found = [(words[0], words[1] if len(words) > 1 else "true")]
    return found


def boolean_switch(text: str | None) -> Switch:
    """The effect of a value of ``ignore-scripts``: npm reads every value except false as true."""
    if text is None:
        return Switch.OFF
    if UNKNOWN_TEXT in text:
        return Switch.UNKNOWN
    return Switch.ON if text in ("false", "null", "undefined") else Switch.OFF


def opposite(switch: Switch) -> Switch:
    """The effect of the negated option, ``--no-…``."""
    return {Switch.OFF: Switch.ON, Switch.ON: Switch.OFF}.get(switch, switch)


def runner(package: str, arguments: Sequence[str]) -> list[str]:
    """The command line of a package's program, assuming that it is called like the package."""
    name = package if package.startswith("@") else package.partition("@")[0]
    return [name, *arguments]


def created(name: str) -> str:
    """The package that ``npm init name`` runs (npm's init documentation)."""
    if UNKNOWN_TEXT in name:
        return name
    if name.startswith("@"):
        scope, _, rest = name.partition("/")
        if not rest:
            scope, _, version = scope[1:].partition("@")
            return f"@{scope}/create" + (f"@{version}" if version else "")
        return f"{scope}/create-{rest}"
    return f"create-{name}"


def inserted(
    words: Sequence[str], verb: str | None, flag: str, drop: Collection[str]
) -> tuple[str, ...]:
    """The command line with ``flag`` after its verb, and without the options in ``drop``."""
    kept: list[str] = []
    skip = False
    for index, word in enumerate(words):
        if skip and word in ("true", "false"):
            skip = False
            continue
        name = word.lstrip("-").partition("=")[0]
        skip = word.startswith("-") and "=" not in word and name in drop
        if not (word.startswith("-") and name in drop) or index == 0:
            kept.append(word)
    at = kept.index(verb) + 1 if verb in kept[1:] else 1
    return (*kept[:at], flag, *kept[at:])
