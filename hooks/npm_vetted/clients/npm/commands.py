"""npm and npx, as npm 10, 11 and 12 read their command lines (lib/utils/cmd-list.js, nopt)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from npm_vetted.clients.shared.command_line import (
    Line,
    Options,
    boolean_switch,
    created,
    fetched,
    opposite,
    pairs,
    rebuilds,
    take_apart,
    tidies,
    unknown_command,
    variable_setting,
)
from npm_vetted.formats.client_action import (
    ActionKind,
    ClientAction,
    ClientRules,
    SettingFile,
    Switch,
)
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, Value, word_set

PROGRAMS: Final = ("npm", "npx")
WHOLE_WORDS: Final[tuple[str, ...]] = ()
LOCKING: Final[Mapping[str, tuple[str, ...]]] = {
    "npm": ("npm", "--prefix", ".", "install", "--save-dev", "--save-exact", "--ignore-scripts")
}

_VERBS: Final = {
    "install": ("install", "add", "i", "in", "ins", "inst", "insta", "instal", "isnt", "isnta",
                "isntal", "isntall"),
    "ci": ("ci", "clean-install", "ic", "install-clean", "isntall-clean"),
    "install-test": ("install-test", "it"),
    "install-ci-test": ("install-ci-test", "cit", "clean-install-test", "sit"),
    "update": ("update", "up", "upgrade", "udpate", "u"),
    "link": ("link", "ln"),
    "rebuild": ("rebuild", "rb"),
    "exec": ("exec", "x"),
    "init": ("init", "create", "innit"),
    "dedupe": ("dedupe", "ddp"),
    "prune": ("prune",),
    "uninstall": ("uninstall", "unlink", "remove", "rm", "r", "un"),
    "audit": ("audit",),
    "config": ("config", "c"),
    "set": ("set",),
    "explore": ("explore",),
    "approve-scripts": ("approve-scripts",),
    "install-scripts": ("install-scripts",),
}  # fmt: skip
"""The commands that touch an installed tree, with every alias of npm 10 to 12."""

_OTHERS: Final = (
    "access", "add-user", "adduser", "author", "bugs", "cache", "completion", "deny-scripts",
    "deprecate", "diff", "dist-tag", "dist-tags", "docs", "doctor", "edit", "explain", "find",
    "find-dupes", "fund", "get", "help", "help-search", "hlep", "home", "hook", "info", "issues",
    "la", "list", "ll", "login", "logout", "ls", "ogr", "org", "outdated", "owner", "pack", "patch",
    "ping", "pkg", "prefix", "profile", "publish", "query", "repo", "restart", "root", "rum", "run",
    "run-script", "s", "sbom", "se", "search", "show", "shrinkwrap", "stage", "star", "stars",
    "start", "stop", "t", "team", "test", "token", "trust", "tst", "undeprecate", "unpublish",
    "unstar", "urn", "v", "verison", "version", "view", "whoami", "why",
)  # fmt: skip

_NAMES: Final = {alias: verb for verb, aliases in _VERBS.items() for alias in aliases}
_ALL: Final = (*_NAMES, *_OTHERS)

_VALUED: Final = word_set(
    "_auth access allow-directory allow-file allow-git allow-remote allow-scripts also "
    "audit-level auth-type before browser ca cache cache-max cache-min cafile call cert cidr cpu "
    "depth diff diff-dst-prefix diff-src-prefix diff-unified edit-dir editor expect-result-count "
    "expires extension-file fetch-retries fetch-retry-factor fetch-retry-maxtimeout "
    "fetch-retry-mintimeout fetch-timeout git global-ignore-file globalconfig heading https-proxy "
    "include init-author-email init-author-name init-author-url init-license init-module "
    "init-type init-version init.author.email init.author.name init.author.url init.license "
    "init.module init.version install-strategy key libc local-address location lockfile-version "
    "loglevel logs-dir logs-max maxsockets message min-release-age min-release-age-exclude name "
    "node-gyp node-options node-version noproxy omit only orgs orgs-permission os otp "
    "pack-destination package packages packages-and-scopes-permission password patches-dir prefix "
    "preid provenance-file proxy registry replace-registry-host save-prefix sbom-format sbom-type "
    "scope scopes script-shell searchexclude searchlimit searchopts searchstaleness shell tag "
    "tag-version-prefix to token-description umask user-agent userconfig viewer which workspace"
)
_SHORT: Final = {
    "a": "all", "c": "call", "f": "force", "g": "global", "L": "location", "l": "long",
    "m": "message", "p": "parseable", "C": "prefix", "S": "save", "B": "save-bundle",
    "D": "save-dev", "E": "save-exact", "O": "save-optional", "P": "save-prod", "h": "usage",
    "H": "usage", "?": "usage", "v": "version", "w": "workspace", "y": "yes", "n": "no-yes",
    "d": "loglevel-info", "q": "quiet", "s": "silent", "ws": "workspaces", "reg": "registry",
    "iwr": "include-workspace-root", "no": "no-yes", "help": "usage", "local": "no-global",
}  # fmt: skip
_EXEC_SHORT: Final = {**_SHORT, "p": "package"}
_ON: Final = ("dangerously-allow-all-scripts",)
_ABBREVIATED: Final = {
    "ignore-scripts": "ig", "dangerously-allow-all-scripts": "da", "allow-scripts": "allow-s",
    "prefix": "prefi", "location": "locat", "userconfig": "userc", "globalconfig": "globalc",
    "script-shell": "scr",
}  # fmt: skip
"""Options that decide about scripts -> their shortest abbreviation that npm 10 or 11 accepts."""
_DROP: Final = (
    "allow-scripts", "dangerously-allow-all-scripts",
    *(sign + "ignore-scripts"[:end] for sign in ("", "no-") for end in range(2, 15)),
)  # fmt: skip
"""Options that a fix removes from a command line, with their abbreviations."""
_SHORTENED: Final = frozenset(
    full[:end]
    for full, least in _ABBREVIATED.items() if full in _VALUED
    for end in range(len(least), len(full))
)  # fmt: skip
"""Abbreviations of options whose value is the next word -> the whole name."""
_NOTHING: Final = ("usage", "version", "dry-run", "package-lock-only")


def verb_of(word: str) -> str | None:
    """The npm command that a word means: its name, an alias, or an unambiguous abbreviation of it."""
    if word in _NAMES:
        return _NAMES[word]
    if word in _OTHERS or not word:
        return None
    dashed = "".join("-" + c.lower() if c.isupper() else c for c in word)
    meant = {_NAMES.get(name, name) for name in _ALL if name.startswith(dashed)}
    return next(iter(meant)) if len(meant) == 1 and meant <= set(_VERBS) else None


def _setting_file(key: str) -> SettingFile:  # noqa: ARG001
    return SettingFile(".npmrc", "{key}={value}")


RULES: Final = ClientRules(
    folder_is_exact=True, frozen={"npm": "npm ci"}, setting_file=_setting_file
)


def variable(name: str, text: str) -> Switch:
    """``npm_config_ignore_scripts`` in any letter case; an empty value has no effect."""
    lowered = name.lower().replace("-", "_")
    if not lowered.startswith("npm_config_") or text == "":
        return Switch.UNSET
    match lowered.removeprefix("npm_config_"):
        case "ignore_scripts":
            # npm 6 to 8 read 0 as false, npm 10 to 12 as true (each was run)
            return Switch.ON if text == "0" else boolean_switch(text)
        case "dangerously_allow_all_scripts":
            return Switch.ON if text not in ("false", "null", "undefined") else Switch.UNSET
        case "allow_scripts":
            return Switch.ON
    return Switch.UNSET


def source_variable(name: str) -> str | None:
    """The source setting of a variable such as ``npm_config_registry``; None: it sets no source."""
    return variable_setting(name, ("npm_config_",))


def read(words: Sequence[str], environment: Mapping[str, Value]) -> Iterator[ClientAction]:
    """The actions of an npm or npx command line."""
    if words[0] == "npx":
        options = take_apart(words[1:], valued=_VALUED, short=_EXEC_SHORT, stop=True, loose=True)
        yield from _exec(_line(words, "npx", options, environment))
        return
    options = _taken_apart(words[1:])
    if not options.words or options.has(*_NOTHING):
        return
    word = options.words[0]
    if word.startswith(UNKNOWN_TEXT):
        yield unknown_command("npm")
        return
    verb = verb_of(word)
    if verb is not None:
        yield from _READERS[verb](_line(words, word, options, environment))


def _taken_apart(words: Sequence[str]) -> Options:
    """Split a command line into options and words.

    npm 10 reads the ``install`` in ``--to install`` as the command, npm 12 as a value. So if the usual
    way finds no command, the line is split again as if no option had a value.
    """
    options = _spelled_out(take_apart(words, valued=_VALUED | _SHORTENED, short=_SHORT, loose=True))
    first = options.words[0] if options.words else ""
    if first in _OTHERS or UNKNOWN_TEXT in first or verb_of(first) is not None:
        return options
    other = _spelled_out(take_apart(words, valued=(), short=_SHORT, loose=True))
    return other if other.words and verb_of(other.words[0]) is not None else options


def _spelled_out(options: Options) -> Options:
    """Replace abbreviated options by their names, as nopt reads them: ``--no-ig``, ``--ig=false``.

    npm 12 has more options, so it accepts fewer abbreviations. Therefore an abbreviation that switches
    scripts off stays as written and counts for nothing.
    """
    found = [(_full(name, value), value) for name, value in options.options]
    return replace(options, options=found)


def _full(name: str, value: str | None) -> str:
    start = name.lower()
    dropped = start.removeprefix("no-")
    for full, least in _ABBREVIATED.items():
        if full != dropped and dropped.startswith(least) and full.startswith(dropped):
            off = (start != dropped) != (value == "false")
            if full != "ignore-scripts" or off:
                return full if start == dropped else f"no-{full}"
    return name


def _line(
    words: Sequence[str], verb: str, options: Options, environment: Mapping[str, Value]
) -> Line:
    own = Options(options.options, options.words[:1]) if verb == "npx" else options
    switch, by = switched(own)  # what is behind the package's name is the package's own
    return Line(
        client="npm",
        words=words,
        options=options,
        verb=verb,
        switch=switch,
        by=by,
        flag="--ignore-scripts",
        drop=_DROP,
        folder=options.value("prefix"),
        alone=("no-workspaces", None) in options.options or options.value("workspaces") == "false",
        outside=_global(options, environment),
    )


def _install(line: Line) -> Iterator[ClientAction]:
    if line.outside:
        yield line.act(ActionKind.GLOBAL, packages=line.arguments)
        return
    kind = ActionKind.ADD if line.arguments else ActionKind.INSTALL
    frozen = True if _leaves_lockfile(line.options) and not line.arguments else None
    yield line.act(kind, packages=line.arguments, frozen=frozen)


def _ci(line: Line) -> Iterator[ClientAction]:
    yield line.act(ActionKind.INSTALL, frozen=True)


def _update(line: Line) -> Iterator[ClientAction]:
    yield line.act(
        ActionKind.GLOBAL if line.outside else ActionKind.INSTALL, packages=line.arguments
    )


def _link(line: Line) -> Iterator[ClientAction]:
    if line.arguments:
        yield from _install(line)


def _audit(line: Line) -> Iterator[ClientAction]:
    if line.arguments[:1] == ("fix",):
        yield line.act(ActionKind.INSTALL, frozen=False)


def _npm_exec(line: Line) -> Iterator[ClientAction]:
    rest = list(line.words[1:])
    rest.remove(line.verb)
    options = take_apart(rest, valued=_VALUED, short=_EXEC_SHORT, loose=True)
    yield from _exec(replace(line, options=options))


def _init(line: Line) -> Iterator[ClientAction]:
    if line.arguments:
        yield line.fetches(created(line.arguments[0]), ())
    else:
        yield line.starts()


def _explore(line: Line) -> Iterator[ClientAction]:
    yield line.runs(*(line.options.rest or line.arguments[1:]))


def _config(line: Line) -> Iterator[ClientAction]:
    own = line.options.value("location") == "project"
    match line.arguments:
        case ("set", *words):
            yield from (line.sets(key, value, own=own) for key, value in pairs(words))
        case ("delete" | "rm", *keys):
            yield from (line.sets(key, "", own=own) for key in keys)


def _set(line: Line) -> Iterator[ClientAction]:
    own = line.options.value("location") == "project"
    yield from (line.sets(key, value, own=own) for key, value in pairs(line.arguments))


def _approve(line: Line) -> Iterator[ClientAction]:
    if not line.options.has("allow-scripts-pending", "pending"):
        named = () if line.options.has("all") else line.arguments
        yield line.act(ActionKind.ALLOW, packages=named)


def _install_scripts(line: Line) -> Iterator[ClientAction]:
    if line.arguments[:1] == ("approve",):
        named = () if line.options.has("all") else line.arguments[1:]
        yield line.act(ActionKind.ALLOW, packages=named)


def _global(options: Options, environment: Mapping[str, Value]) -> bool:
    if options.has("global") or options.value("location") == "global":
        return True
    for name, value in environment.items():
        key = name.lower().replace("-", "_")
        if (key == "npm_config_global" and "true" in value) or (
            key == "npm_config_location" and "global" in value
        ):
            return True
    return False


def _leaves_lockfile(options: Options) -> bool:
    return any(
        (name == "no-save" and value != "false") or (name == "save" and value == "false")
        for name, value in options.options
    )


def switched(options: Options) -> tuple[Switch, str | None]:
    """The effect of the flags; abbreviations of the flag count (nopt, until npm 11)."""
    found, by = Switch.UNSET, None
    for name, value in options.options:
        bare = name.removeprefix("no-")
        if len(bare) > 7 and "ignore-scripts".startswith(bare):
            found = boolean_switch(value)
            if name.startswith("no-"):
                found = opposite(found)
            by = f"--{name}" + (f"={value}" if value is not None else "")
    for name, value in options.options:
        loud = name in _ON and value != "false"
        if found is not Switch.OFF and (loud or (name == "allow-scripts" and value)):
            return Switch.ON, f"--{name}"
    if found is Switch.UNSET and options.unknown:
        return Switch.UNKNOWN, None
    return found, by


_BESIDE: Final = {"node", "npm", "npx"}
"""The programs beside npm itself: npx runs those that are there, and fetches no package of the name."""


def _exec(line: Line) -> Iterator[ClientAction]:
    options = line.options
    if options.has("usage", "version"):
        return
    call = options.value("call")
    packages, command = fetched(options)
    stays = options.has("no-install") or ("no-yes", None) in options.options
    if packages and not stays and set(packages) <= _BESIDE:
        yield replace(line.runs(*command), shell=call)
    elif packages and not stays:
        unknown = Switch.UNKNOWN if packages[0].startswith(UNKNOWN_TEXT) else None
        act = line.act(ActionKind.RUN, packages=packages, switch=unknown)
        yield replace(act, then=tuple(command), shell=call)
    elif call or command:
        yield replace(line.runs(*command), shell=call)


_READERS: Final[Mapping[str, Callable[[Line], Iterator[ClientAction]]]] = {
    "install": _install,
    "install-test": _install,
    "ci": _ci,
    "install-ci-test": _ci,
    "update": _update,
    "link": _link,
    "rebuild": rebuilds,
    "dedupe": tidies,
    "prune": tidies,
    "uninstall": tidies,
    "audit": _audit,
    "exec": _npm_exec,
    "init": _init,
    "explore": _explore,
    "config": _config,
    "set": _set,
    "approve-scripts": _approve,
    "install-scripts": _install_scripts,
}
