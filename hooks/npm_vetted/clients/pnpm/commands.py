"""pnpm and pnpx, as pnpm 9 to 12 read their command lines (each command's ``commandNames``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from npm_vetted.clients.shared.command_line import (
    Line,
    Options,
    boolean_switch,
    fetched,
    inserted,
    opposite,
    pairs,
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

PROGRAMS: Final = ("pnpm", "pnpx", "pn", "pnx")
WHOLE_WORDS: Final[tuple[str, ...]] = ("pn",)
LOCKING: Final[Mapping[str, tuple[str, ...]]] = {
    "pnpm": (
        "pnpm",
        "--dir",
        ".",
        "add",
        AT_WORKSPACE_ROOT,
        "--save-dev",
        "--save-exact",
        "--ignore-scripts",
    )
}

_INSTALL: Final = ("install", "i", "install-test", "it")
_CLEAN: Final = ("ci", "clean-install", "ic", "install-clean")
_UPDATE: Final = ("update", "up", "upgrade")
_TIDY: Final = ("remove", "rm", "uninstall", "un", "uni", "prune", "dedupe", "unlink", "dislink")
_RECURSIVE: Final = ("recursive", "multi", "m")
_OTHERS: Final = word_set(
    "audit bin bugs c cache cat-file cat-index clean completion config deprecate dist-tag docs "
    "doctor env fetch find-hash get help ignored-builds import info la licenses link list "
    "ll ln login logout ls outdated owner pack patch patch-commit patch-remove ping pkg prefix "
    "publish rebuild restart root rt run run-script runtime sbom search server "
    "setup show stage start stop store t test token unpublish version view whoami why set"
)
_VALUED: Final = word_set(
    "C allow-build ca cache-dir cafile call cert changed-files-ignore-pattern child-concurrency "
    "cpu cwd dir fetch-retries fetch-retry-factor fetch-retry-maxtimeout fetch-retry-mintimeout "
    "fetch-timeout filter filter-prod global-bin-dir global-dir global-pnpmfile hoist-pattern "
    "https-proxy key libc location lockfile-dir lockfile-directory loglevel modules-dir "
    "network-concurrency node-linker noproxy npm-path only os package package-import-method "
    "pnpmfile prefix proxy public-hoist-pattern registry reporter save-catalog-name save-prefix "
    "scripts-prepend-node-path store store-dir test-pattern trust-policy use-node-version "
    "virtual-store-dir workspace workspace-concurrency"
)
_SHORT: Final = {
    "C": "dir", "F": "filter", "g": "global", "r": "recursive", "w": "workspace-root",
    "D": "save-dev", "P": "save-prod", "O": "save-optional", "E": "save-exact", "f": "force",
    "s": "silent", "h": "help", "v": "version", "L": "latest", "i": "interactive", "c": "shell-mode",
    "prefix": "dir",
}  # fmt: skip
_ON: Final = ("dangerously-allow-all-builds", "config.dangerouslyAllowAllBuilds",
              "config.dangerously-allow-all-builds")  # fmt: skip
_DLX_FLAG: Final = "--config.ignore-scripts=true"
_FLAGS: Final = ("ignore-scripts", "config.ignore-scripts", "config.ignoreScripts")
_DROP: Final = (*_FLAGS, *_ON, "no-ignore-scripts", "allow-build")


def _holds(names: Sequence[str], kind: ActionKind, major: int | None) -> bool:
    """Whether variables of these names count: ``npm_config_`` until pnpm 10, ``pnpm_config_`` from 11 (run)."""
    kinds = {name.lower().split("_config_")[0] for name in names}
    if kinds == {"npm", "pnpm"}:
        return True
    if kind is ActionKind.RUN:
        return major is not None and (kinds == {"pnpm"}) == (major >= 11)
    return kinds == {"npm"} or (major is not None and major >= 10)


def _decides(kind: ActionKind, major: int | None) -> bool | None:
    """What the version alone decides: False: scripts may run whatever the project's settings are; True: they
    do not run; None: the settings decide. Each was run.

    ``dlx`` reads no project's settings from pnpm 11 on, ``rebuild`` reads none until 9. A global install
    runs scripts until 9, and none from 10 on.
    """
    match kind:
        case ActionKind.RUN if major is None or major >= 11:
            return False
        case ActionKind.REBUILD if major is None or major < 10:
            return False
        case ActionKind.GLOBAL if major is not None and major >= 10:
            return True
    return None


def _setting_file(key: str) -> SettingFile:  # noqa: ARG001
    return SettingFile(".npmrc", "{key}={value}")


RULES: Final = ClientRules(
    holds=_holds,
    decides=_decides,
    defaults_hold_for_fetched=False,
    why_fetched="pnpm from 11 reads no project's settings there",
    needs_script=frozenset({"@pnpm/exe"}),
    frozen={"pnpm": "--frozen-lockfile"},
    frozen_in_ci=frozenset({"pnpm"}),
    setting_file=_setting_file,
    newest=12,
)


def variable(name: str, text: str) -> Switch:
    """The effect of a variable on scripts: ``npm_config_…`` counts until pnpm 10, ``pnpm_config_…`` from 11."""
    lowered = name.lower().replace("-", "_")
    for prefix in ("npm_config_", "pnpm_config_"):
        if lowered.startswith(prefix) and text:
            key = lowered.removeprefix(prefix)
            if key == "ignore_scripts":
                return boolean_switch(text)
            if key == "dangerously_allow_all_builds":
                return Switch.ON if text != "false" else Switch.UNSET
    return Switch.UNSET


def source_variable(name: str) -> str | None:
    """The source setting of a variable (``npm_config_…``, ``pnpm_config_…``); None: it sets no source."""
    return variable_setting(name, ("npm_config_", "pnpm_config_"))


def read(words: Sequence[str], environment: Mapping[str, Value]) -> Iterator[ClientAction]:  # noqa: ARG001
    """The actions of a pnpm or pnpx command line."""
    if words[0] in ("pnpx", "pnx"):
        line = _line(words, words[0], Options([], []))
        yield from _dlx(line, list(words[1:]))
        return
    options = take_apart(words[1:], valued=_VALUED, short=_SHORT, loose=True)
    if options.words[:1] and options.words[0] in _RECURSIVE:
        options.words.pop(0)
    if options.words[:1] == [UNKNOWN_TEXT] and {*options.words[1:2]} & {*_READERS, *_OTHERS}:
        options.words.pop(0)  # an option that nobody can tell
        options.options.append((UNKNOWN_TEXT, None))
    if not options.words or options.has("help", "version"):
        return
    verb = options.words[0]
    if verb.startswith(UNKNOWN_TEXT):
        yield unknown_command("pnpm")
        return
    line = _line(words, verb, options)
    reader = _READERS.get(verb)
    if reader is not None:
        yield from reader(line)
    elif verb not in _OTHERS:
        yield line.runs(verb, *line.rest)  # a script of the project, or a program it has installed


def _line(words: Sequence[str], verb: str, options: Options) -> Line:
    switch, by = switched(options)
    return Line(
        client="pnpm",
        words=words,
        options=options,
        verb=verb,
        switch=switch,
        by=by,
        flag="--ignore-scripts",
        drop=_DROP,
        folder=options.value("dir", "C"),
        alone=options.has("ignore-workspace"),
        outside=options.has("global"),
    )


def _install(line: Line) -> Iterator[ClientAction]:
    if line.outside:
        yield line.act(ActionKind.GLOBAL, packages=line.arguments)
    elif not line.options.has("lockfile-only"):
        kind = ActionKind.ADD if line.arguments else ActionKind.INSTALL
        yield line.act(kind, packages=line.arguments, frozen=_frozen(line))


def _whole(line: Line) -> Iterator[ClientAction]:
    """Commands that install everything, with any arguments: ``ci``, ``update``, ``deploy``."""
    if line.outside:
        yield line.act(ActionKind.GLOBAL, packages=line.arguments)
    elif not line.options.has("lockfile-only"):
        yield line.act(ActionKind.INSTALL, frozen=_frozen(line))


def _link(line: Line) -> Iterator[ClientAction]:
    """``link --global NAME`` links a folder and runs no script (seen with pnpm 9.15.9)."""
    if line.arguments and not line.outside:
        yield from _install(line)


def _fetch_and_run(line: Line) -> Iterator[ClientAction]:
    before = list(line.words[1 : line.place])
    options = take_apart(before, valued=_VALUED, short=_SHORT, loose=True)
    yield from _dlx(replace(line, options=options), line.rest)


def _exec(line: Line) -> Iterator[ClientAction]:
    inner = take_apart(line.rest, valued=_VALUED, short=_SHORT, stop=True)
    yield line.runs(*inner.words, *(inner.rest or []))


def _approve(line: Line) -> Iterator[ClientAction]:
    named = [name for name in line.arguments if not name.startswith("!")]
    yield line.act(ActionKind.ALLOW, packages=() if line.options.has("all") else named)


def _config(line: Line) -> Iterator[ClientAction]:
    if line.verb == "set" or line.arguments[:1] == ("set",):
        words = line.arguments if line.verb == "set" else line.arguments[1:]
        own = line.options.value("location") == "project"
        yield from (line.sets(key, value, own=own) for key, value in pairs(words))


def _starts(line: Line) -> Iterator[ClientAction]:
    yield line.starts()


def _update_itself(line: Line) -> Iterator[ClientAction]:
    """``pnpm self-update`` fetches another pnpm: the newest release, if no version is named."""
    version = line.arguments[0] if line.arguments else "latest"
    yield line.fetches_client(f"pnpm@{version}")


def _frozen(line: Line) -> bool | None:
    if line.verb in (*_CLEAN, "deploy"):
        return True
    for name, value in reversed(line.options.options):
        if name == "frozen-lockfile":
            return value != "false"
        if name == "no-frozen-lockfile":
            return value == "false"
    return False if line.verb in _UPDATE else None


def switched(options: Options) -> tuple[Switch, str | None]:
    """The effect of the flags."""
    found, by = Switch.UNSET, None
    for name, value in options.options:
        bare = name.removeprefix("no-")
        if bare in _FLAGS:
            found = boolean_switch(value)
            if name.startswith("no-"):
                found = opposite(found)
            by = f"--{name}" + (f"={value}" if value is not None else "")
    for name, value in options.options:
        if found is not Switch.OFF and name in _ON and value != "false":
            return Switch.ON, f"--{name}"
        if found is not Switch.OFF and name == "allow-build":
            return Switch.ON, f"--{name}={value or ''}"
    if found is Switch.UNSET and options.unknown:
        return Switch.UNKNOWN, None
    return found, by


def _dlx(line: Line, rest: list[str]) -> Iterator[ClientAction]:
    """``pnpm dlx PACKAGE``: options after the package's name are the package's, those before are pnpm's."""
    inner = take_apart(rest, valued=_VALUED, short=_SHORT, stop=True)
    both = Options([*line.options.options, *inner.options], [])
    if both.has("help"):
        return
    whole = Options(both.options, inner.words, inner.rest)
    packages, command = fetched(whole, creates=line.verb == "create")
    if not packages:
        return
    switch, by = switched(both)
    if packages[0].startswith(UNKNOWN_TEXT):
        switch = Switch.UNKNOWN
    act = replace(line, by=by, options=both).act(ActionKind.RUN, packages=packages, switch=switch)
    kept = inserted(line.words, None, _DLX_FLAG, _DROP)
    short = line.words[0] in ("pnpx", "pnx")
    fix = ("pnpm", _DLX_FLAG, "dlx", *kept[2:]) if short else kept
    locked = ("pnpm", "exec", *command) if line.verb != "create" else ()
    yield replace(
        act, then=tuple(command), fix=fix, fetches_always=line.verb != "create", locked=locked
    )


_READERS: Final[Mapping[str, Callable[[Line], Iterator[ClientAction]]]] = {
    **dict.fromkeys(("add", *_INSTALL), _install),
    **dict.fromkeys((*_CLEAN, *_UPDATE, "deploy"), _whole),
    **dict.fromkeys(("link", "ln"), _link),
    **dict.fromkeys(_TIDY, tidies),
    **dict.fromkeys(("rebuild", "rb"), rebuilds),
    **dict.fromkeys(("dlx", "create"), _fetch_and_run),
    **dict.fromkeys(("config", "c", "set"), _config),
    "exec": _exec,
    "approve-builds": _approve,
    "init": _starts,
    "self-update": _update_itself,
}
