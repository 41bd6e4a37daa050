"""The command lines of Yarn classic and berry: the project decides which one reads the words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from npm_vetted.clients.shared.command_line import (
    Line,
    Options,
    fetched,
    rebuilds,
    take_apart,
    tidies,
    unknown_command,
    variable_setting,
)
from npm_vetted.formats.client_action import (
    AT_WORKSPACE_ROOT,
    ActionKind,
    ClientAction,
    ClientRules,
    SettingFile,
    Switch,
)
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, Value, word_set
from npm_vetted.model import Pin

PROGRAMS: Final = ("yarn", "yarnpkg", "jlpm")
"""``jlpm`` is the Yarn 3.5.0 that JupyterLab's builder brings (jupyter-builder 1.3.0 was run)."""
WHOLE_WORDS: Final[tuple[str, ...]] = ()
LOCKING: Final[Mapping[str, tuple[str, ...]]] = {
    "yarn-classic": (
        "yarn",
        "--cwd",
        ".",
        "add",
        AT_WORKSPACE_ROOT,
        "--dev",
        "--exact",
        "--ignore-scripts",
    ),
    "yarn-berry": ("yarn", "--cwd", ".", "add", "--dev", "--exact", "--mode=skip-build"),
}

_VALUED: Final = word_set(
    "cache-folder cwd emoji exclude from global-folder https-proxy include jobs link-folder mode "
    "modules-folder mutex network-concurrency network-timeout otp package pattern "
    "preferred-cache-folder prefix proxy registry scripts-prepend-node-path since tag use-yarnrc"
)
_SHORT: Final = {"p": "package", "D": "dev", "P": "peer", "O": "optional", "E": "exact", "s": "silent",
                 "h": "help", "v": "version", "W": "ignore-workspace-root-check", "g": "global",
                 "R": "recursive", "A": "all"}  # fmt: skip
_QUIET: Final = word_set(
    "access audit autoclean bin cache check clean constraints explain generate-lock-entry help "
    "import info licenses list login logout npm outdated owner pack patch patch-commit "
    "plugin publish run search stage tag team test unlink unplug version versions "
    "view why workspaces-info node start tsc"
)


_CLASSIC: Final = "yarn-classic"
_BERRY: Final = "yarn-berry"


def _which(locked: str | None, has: Callable[[str], bool], pin: Pin | None) -> str:
    """Which Yarn runs: by the lockfile, else by a .yarnrc.yml, else by the pin."""
    if locked in (_CLASSIC, _BERRY):
        return locked
    if has(".yarnrc.yml"):
        return _BERRY
    return _BERRY if pin is not None and pin.minimum and pin.minimum[0] > 1 else _CLASSIC


_MEANT_FOR: Final = {
    "yarn_enable_scripts": _BERRY, "yarn_ignore_scripts": _CLASSIC,
    "--ignore-scripts": _CLASSIC, "--mode": _BERRY,
}  # fmt: skip
"""Options and variables of one Yarn only.

berry refuses ``--ignore-scripts``, classic does not know ``--mode`` (both were run).
"""


_SWITCHED_OFF: Final = (
    ("YARN_ENABLE_SCRIPTS=0",), ("YARN_ENABLE_SCRIPTS=0", "YARN_IGNORE_SCRIPTS=true"),
)  # fmt: skip
"""The variables that switch scripts off for ``dlx`` (berry) and ``create`` (both)."""


def _counts(option: str, client: str) -> bool:
    return _MEANT_FOR.get(option.lower(), client) == client


def _setting_file(key: str) -> SettingFile:
    """The file that ``config set`` writes; classic writes only the user's."""
    if key.replace("_", "-").lower() == "enablescripts":
        return SettingFile(".yarnrc.yml", "{key}: {value}", once=True)
    return SettingFile(".yarnrc", "{key} {value}", may_be_own=False)


RULES: Final = ClientRules(
    name=_which,
    counts=_counts,
    flag={_BERRY: "--mode=skip-build"},
    frozen={_CLASSIC: "--frozen-lockfile", _BERRY: "--immutable"},
    frozen_in_ci=frozenset({_BERRY}),
    inherits=frozenset({_CLASSIC, _BERRY}),
    setting_file=_setting_file,
)


def variable(name: str, text: str) -> Switch:
    """``YARN_IGNORE_SCRIPTS`` (classic) and ``YARN_ENABLE_SCRIPTS`` (berry), in any case."""
    match name.lower():
        case "yarn_ignore_scripts" if text:
            return Switch.UNKNOWN if UNKNOWN_TEXT in text else _ignoring(text)
        case "yarn_enable_scripts" if text:
            if UNKNOWN_TEXT in text:
                return Switch.UNKNOWN
            return Switch.ON if text in ("true", "1") else Switch.OFF
    return Switch.UNSET


def _ignoring(text: str) -> Switch:
    return Switch.ON if text == "false" else Switch.OFF


def source_variable(name: str) -> str | None:
    """The source setting of a variable (``YARN_REGISTRY``, npm's variables); None: it sets none."""
    return variable_setting(name, ("npm_config_", "yarn_"))


def read(words: Sequence[str], environment: Mapping[str, Value]) -> Iterator[ClientAction]:
    """The actions of a yarn command line; ``client`` is ``yarn``: the project decides which Yarn runs."""
    options = take_apart(words[1:], valued=_VALUED, short=_SHORT)
    if options.has("help", "version") and not options.words:
        return
    if not options.words:
        options.words.append("install")
        words = (words[0], "install", *words[1:]) if len(words) > 1 else words
    verb = options.words[0]
    if verb.startswith(UNKNOWN_TEXT):
        yield unknown_command("yarn")
        return
    line = _line(words, verb, options)
    reader = _READERS.get(verb)
    if reader is not None:
        off = verb == "dlx" and _enables_none(environment)
        for act in reader(line):
            yield replace(act, switch=Switch.OFF) if off else act
    elif verb not in _QUIET:
        yield line.runs(verb, *line.rest)  # a script of the project, or a program it has installed


def _enables_none(environment: Mapping[str, Value]) -> bool:
    """Whether berry's variable switches scripts off: ``dlx`` exists only in berry, so it decides there."""
    texts = [
        (name, text)
        for name, value in environment.items() if name.lower() == "yarn_enable_scripts"
        for text in value
    ]  # fmt: skip
    return bool(texts) and all(variable(name, text) is Switch.OFF for name, text in texts)


def _line(words: Sequence[str], verb: str, options: Options) -> Line:
    switch, by = switched(options)
    return Line(
        client="yarn",
        words=words,
        options=options,
        verb=verb,
        switch=switch,
        by=by,
        flag="--ignore-scripts",
        drop=("mode", "no-ignore-scripts"),
        folder=options.value("cwd"),
        obeys=not (options.has("no-default-rc") or options.value("use-yarnrc")),
    )


def _install(line: Line) -> Iterator[ClientAction]:
    yield line.act(ActionKind.INSTALL, frozen=_frozen(line.options))


def _add(line: Line) -> Iterator[ClientAction]:
    yield line.act(ActionKind.ADD, packages=line.arguments)


def _change(line: Line) -> Iterator[ClientAction]:
    yield line.act(ActionKind.INSTALL, frozen=False)


def _link(line: Line) -> Iterator[ClientAction]:
    """``yarn link``: berry adds a resolution and installs; classic only makes a symbolic link (1.22.22)."""
    if line.arguments:
        yield replace(line.act(ActionKind.INSTALL, frozen=False), only_for=_BERRY)


def _global(line: Line) -> Iterator[ClientAction]:
    """``yarn global``: Yarn 1.22.22 ignores ``--ignore-scripts`` here; the variable and ~/.yarnrc work."""
    if line.arguments[:1] in (("add",), ("upgrade",)):
        act = replace(line, verb=line.arguments[0], by=None).act(
            ActionKind.GLOBAL, packages=line.arguments[1:], switch=Switch.UNSET
        )
        kept = [word for word in line.words if word != "--ignore-scripts"]
        yield replace(act, fix=("env", "YARN_IGNORE_SCRIPTS=true", *kept))


def _exec(line: Line) -> Iterator[ClientAction]:
    rest = line.rest
    yield line.runs(*(rest[1:] if rest[:1] == ["--"] else rest))


def _workspace(line: Line) -> Iterator[ClientAction]:
    """``yarn workspace NAME COMMAND`` runs the command in the folder of that workspace."""
    if line.rest[1:]:
        yield line.runs(line.words[0], *line.rest[1:])


def _workspaces(line: Line) -> Iterator[ClientAction]:
    if line.arguments[:1] == ("focus",):
        # It leaves yarn.lock alone, and does not know --immutable (seen with Yarn 4.12).
        yield replace(line, verb="focus").act(ActionKind.INSTALL, frozen=True)
    elif line.arguments[:1] == ("foreach",):
        rest = line.rest[line.rest.index("foreach") + 1 :]
        inner = take_apart(rest, valued=_VALUED, short={}, stop=True)
        if inner.words:
            yield line.runs(line.words[0], *inner.words)


def _config(line: Line) -> Iterator[ClientAction]:
    if line.arguments[:1] == ("set",) and len(line.arguments) > 2:
        own = not line.options.has("home", "H")
        yield line.sets(line.arguments[1], line.arguments[2], own=own)


def _starts(line: Line) -> Iterator[ClientAction]:
    yield line.starts()


def _set_version(line: Line) -> Iterator[ClientAction]:
    """``yarn set version stable`` and ``yarn policies set-version`` fetch a Yarn that later commands run."""
    match line.arguments:
        case ("version" | "set-version", version, *_) if version not in ("self", "from"):
            yield line.fetches_client(f"yarn@{version}")
        case ("set-version",):
            yield line.fetches_client("yarn@latest")


def _frozen(options: Options) -> bool | None:
    for name, value in reversed(options.options):
        if name in ("frozen-lockfile", "immutable", "pure-lockfile"):
            return value != "false"
        if name in ("no-immutable", "no-lockfile"):
            return False
    return None


def switched(options: Options) -> tuple[Switch, str | None]:
    """The effect of the flags: ``--ignore-scripts`` for classic, ``--mode=skip-build`` for berry.

    The returned ``by`` is the flag itself: the other Yarn does not know it.
    """
    found: tuple[Switch, str | None] = (Switch.UNSET, None)
    for name, value in options.options:
        if name == "ignore-scripts":
            found = (Switch.OFF, "--ignore-scripts")
        elif name == "mode" and value in ("skip-build", "update-lockfile"):
            found = (Switch.OFF, "--mode")
    if found[0] is Switch.UNSET and options.unknown:
        return Switch.UNKNOWN, None
    return found


def _dlx(line: Line) -> Iterator[ClientAction]:
    """``yarn dlx``: no flag switches scripts off, but a variable does."""
    inner = take_apart(line.rest, valued=_VALUED, short=_SHORT, stop=True)
    packages, command = fetched(inner, creates=line.verb == "create")
    if packages:
        unknown = packages[0].startswith(UNKNOWN_TEXT)
        act = line.act(
            ActionKind.RUN, packages=packages, switch=Switch.UNKNOWN if unknown else Switch.UNSET
        )
        yield replace(
            act,
            then=tuple(command),
            fix=("env", *_SWITCHED_OFF[line.verb == "create"], *line.words),
            fetches_always=line.verb != "create",
            locked=("yarn", "run", *command) if line.verb != "create" else (),
        )


_READERS: Final[Mapping[str, Callable[[Line], Iterator[ClientAction]]]] = {
    "install": _install,
    "add": _add,
    **dict.fromkeys(("up", "upgrade", "upgrade-interactive", "unplug"), _change),
    "link": _link,
    **dict.fromkeys(("remove", "dedupe"), tidies),
    "rebuild": rebuilds,
    "global": _global,
    **dict.fromkeys(("dlx", "create"), _dlx),
    "exec": _exec,
    "workspace": _workspace,
    "workspaces": _workspaces,
    "config": _config,
    "init": _starts,
    **dict.fromkeys(("set", "policies"), _set_version),
}
