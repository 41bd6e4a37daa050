"""Parses the command lines of clients. Each client has a module ``commands``.

Such a module reads argument lists as its client does, and knows nothing of files, projects or
notes.
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
    """The readers by program."""
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
        """Whether one of some boolean options is on; the last one counts."""
        found = False
        for name, value in self.options:
            if name in names:
                found = value != "false"
            elif name.startswith("no-") and name[3:] in names:
                found = value == "false"
        return found

    def value(self, *names: str) -> str | None:
        """The last value of some options."""
        found = None
        for name, value in self.options:
            if name in names and value is not None:
                found = value
        return found

    def values(self, *names: str) -> tuple[str, ...]:
        """All the values of some options."""
        return tuple(value for name, value in self.options if name in names and value is not None)

    @property
    def unknown(self) -> bool:
        """Whether a word may be anything, so also an option."""
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
    """Read options as nopt, commander and clipanion do: ``--a=b``, ``--a b``, ``-abc``.

    ``valued`` are the options that take the next word, ``short`` what letters mean. With
    ``stop`` the first word that is no option ends them: the rest are words. With ``loose`` one
    dash is as good as two, and a boolean takes a ``true`` or ``false`` that follows it (nopt).
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
    """A client's command line, taken apart; ``verb`` is its command as it was written."""

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
    """Whether it installs outside any project."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words behind the command."""
        return tuple(self.options.words[1:])

    @property
    def rest(self) -> list[str]:
        """Everything that was written behind the command, options as well."""
        return list(self.words[self.place + 1 :])

    @property
    def place(self) -> int:
        """Where the command is among the words; ``pnpx`` is both program and command."""
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
        """Another command that it runs."""
        return ClientAction(
            kind=ActionKind.CONFIG, client=self.client, folder=self.folder, then=words
        )

    def fetches_client(self, package: str) -> ClientAction:
        """A release of a client that it fetches, without install scripts, for later commands to run."""
        return ClientAction(
            kind=ActionKind.RUN, client=self.client, packages=(package,), switch=Switch.OFF,
            fetches_always=True,
        )  # fmt: skip

    def starts(self) -> ClientAction:
        """A package.json that it makes where none is."""
        return ClientAction(
            kind=ActionKind.CONFIG, client=self.client, folder=self.folder, starts=True
        )

    def sets(self, key: str, value: str, *, own: bool) -> ClientAction:
        """A setting that it changes."""
        name = source_setting(key)
        return ClientAction(
            kind=ActionKind.CONFIG, client=self.client, setting=(key, value, own),
            sources=((name, value),) if name and value else (),
        )  # fmt: skip

    def fetches(self, package: str, command: Sequence[str]) -> ClientAction:
        """A package that it fetches and runs."""
        unknown = Switch.UNKNOWN if package.startswith(UNKNOWN_TEXT) else None
        return replace(
            self.act(ActionKind.RUN, packages=(package,), switch=unknown), then=tuple(command)
        )


def sources_of(options: Options) -> Iterator[tuple[str, str]]:
    """The sources of packages in the options of a command line."""
    for name, value in options.options:
        positive = name.removeprefix("no-")
        setting = source_setting(positive)
        if setting == "strict-ssl":
            on = (value != "false") == (name == positive)
            yield setting, "true" if on else "false"
        elif setting is not None and value is not None and name == positive:
            yield setting, value


def variable_setting(name: str, prefixes: Collection[str]) -> str | None:
    """The setting that ``npm_config_registry`` names, for the prefixes that a client reads."""
    lowered = name.lower()
    found = next((each for each in prefixes if lowered.startswith(each)), None)
    return None if found is None else source_setting(lowered.removeprefix(found))


def tidies(line: Line) -> Iterator[ClientAction]:
    """A command that takes packages away or arranges them: it changes an installed tree."""
    if not line.outside:
        yield line.act(ActionKind.TIDY)


def rebuilds(line: Line) -> Iterator[ClientAction]:
    """A command that runs the scripts of packages that are there: no flag leaves anything of it.

    ``yarn rebuild`` and ``pnpm rebuild`` refuse one (4.13 and 9 were run).
    """
    yield replace(line.act(ActionKind.REBUILD, packages=line.arguments), fix=())


def fetched(options: Options, *, creates: bool = False) -> tuple[tuple[str, ...], list[str]]:
    """The packages that a command line fetches, and the command line that is run with them.

    Without ``--package`` the first word is both; ``creates``: it is a short name, as for ``npm init``.
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
    """``key=value`` words, or a key and its value apart, as ``config set`` takes them."""
    found = [(key, value) for key, equals, value in (w.partition("=") for w in words) if equals]
    if not found and words:
        found = [(words[0], words[1] if len(words) > 1 else "true")]
    return found


def boolean_switch(text: str | None) -> Switch:
    """The meaning of a value of ``ignore-scripts``: for npm, every value but false is true."""
    if text is None:
        return Switch.OFF
    if UNKNOWN_TEXT in text:
        return Switch.UNKNOWN
    return Switch.ON if text in ("false", "null", "undefined") else Switch.OFF


def opposite(switch: Switch) -> Switch:
    """``--no-…``."""
    return {Switch.OFF: Switch.ON, Switch.ON: Switch.OFF}.get(switch, switch)


def runner(package: str, arguments: Sequence[str]) -> list[str]:
    """The command that a package runs with its arguments: its own name, as far as one can tell."""
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
    """The command line with a flag after its verb, and without options that switch scripts on."""
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
