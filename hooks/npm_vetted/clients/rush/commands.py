"""Rush's command line: commands that install, and commands that pass their words to pnpm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from npm_vetted.clients.shared.command_line import (
    Line,
    take_apart,
    unknown_command,
    variable_setting,
)
from npm_vetted.formats.client_action import ActionKind, ClientAction, ClientRules, Switch, Weakness
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, Value, word_set

_INSTALLS_AND_RUNS: Final = "install-run.js"
"""Scripts that run ``npm install`` of the package in their first word, then its program in the second."""
PROGRAMS: Final = ("rush", "rush-pnpm", _INSTALLS_AND_RUNS)
WHOLE_WORDS: Final[tuple[str, ...]] = ("rush",)
LOCKING: Final[Mapping[str, tuple[str, ...]]] = {}
"""No command: ``rush add`` would ask which project is meant."""

_VALUED: Final = word_set(
    "max-install-attempts network-concurrency subspace variant t to T to-except f from i impacted-by "
    "I impacted-by-except o only to-version-policy from-version-policy p package"
)
_SHORT: Final = {"h": "help", "d": "debug", "q": "quiet"}
_FROZEN: Final = {"install": True, "update": False, "add": False, "remove": False}
_PASSED: Final = frozenset({"rebuild", "rb"})

_WEAK: Final = {
    "RUSH_PREVIEW_VERSION": "fetches another Rush than rush.json names",
    "RUSH_VARIANT": "installs from the lockfile of a variant, which is not read",
    "RUSH_PNPM_VERIFY_STORE_INTEGRITY": "lets pnpm install from its store without comparing a hash",
    "RUSH_GIT_BINARY_PATH": "names a program that Rush runs",
    "RUSH_TAR_BINARY_PATH": "names a program that Rush runs",
    "_RUSH_LIB_PATH": "names a program that Rush runs",
    "INSTALL_RUN_RUSH_LOCKFILE_PATH": "installs Rush from a lockfile that is not read",
}
"""Variables with which Rush ignores rush.json, the lockfile or its hashes, or runs another program.

Read in the text of Rush 5.179.0, which compares names and values as they are.
"""
_PROGRAMS_IN: Final = {"RUSH_GLOBAL_FOLDER", "RUSH_TEMP_FOLDER", "RUSH_PNPM_STORE_PATH"}
"""Folders that Rush takes programs or packages from, if they are there already."""
_HARMLESS_VALUES: Final = {"RUSH_PNPM_VERIFY_STORE_INTEGRITY": ("", "1"), "RUSH_VARIANT": ("",)}


def _weak_variable(name: str, text: str) -> Weakness | None:
    if name in _PROGRAMS_IN and text and not text.startswith(("/", "~", "$", UNKNOWN_TEXT)):
        return Weakness(
            f"{name}={text}", "may lead to files of the repository, which Rush then runs"
        )
    if name not in _WEAK or text in _HARMLESS_VALUES.get(name, ()):
        return None
    return Weakness(f"{name}={text}", _WEAK[name])


RULES: Final = ClientRules(weakens=_weak_variable)


def variable(name: str, text: str) -> Switch:
    """The effect of a variable on scripts: pnpm's variables reach the pnpm that Rush starts."""
    from npm_vetted.clients.pnpm.commands import variable as of_pnpm

    return of_pnpm(name, text)


def source_variable(name: str) -> str | None:
    """The source setting of a variable: npm's variables reach the pnpm that Rush starts."""
    return variable_setting(name, ("npm_config_", "pnpm_config_"))


def read(words: Sequence[str], environment: Mapping[str, Value]) -> Iterator[ClientAction]:
    """The actions of a command line of Rush.

    ``rush update`` and ``rush add`` write the lockfile anew and install, without dependencies'
    scripts where the settings switch them off; Rush has no flag that switches scripts on.
    """
    if words[0] == _INSTALLS_AND_RUNS:
        if len(words) > 2:
            from npm_vetted.clients.npm.commands import read as of_npm

            yield from of_npm(["npx", f"--package={words[1]}", *words[2:]], environment)
        return
    options = take_apart(words[1:], valued=_VALUED, short=_SHORT)
    if not options.words or options.has("help"):
        return
    verb = options.words[0]
    if verb.startswith(UNKNOWN_TEXT):
        yield unknown_command("rush")
        return
    line = Line(
        client="rush", words=words, options=options, verb=verb, switch=Switch.UNSET, by=None,
        flag="", drop=(),
    )  # fmt: skip
    if words[0] == "rush-pnpm":
        if verb in _PASSED:
            yield line.act(ActionKind.REBUILD, packages=tuple(options.words[1:]))
        elif verb in ("install", "i", "add", "update"):
            yield line.act(ActionKind.INSTALL)
        elif verb in ("dlx", "exec"):
            from npm_vetted.clients.pnpm.commands import read as of_pnpm

            yield from of_pnpm(["pnpm", *words[1:]], environment)
    elif verb in _FROZEN:
        kind = ActionKind.ADD if verb == "add" else ActionKind.INSTALL
        packages = options.values("package", "p") if verb == "add" else ()
        yield line.act(kind, packages=tuple(packages), frozen=_FROZEN[verb])
