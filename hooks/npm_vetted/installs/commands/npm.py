"""npm and npx, as npm 10, 11 and 12 read their command lines (lib/utils/cmd-list.js, nopt)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from npm_vetted.installs.commands import (
    Act,
    Kind,
    Options,
    Switch,
    boolean_switch,
    inserted,
    opposite,
    take_apart,
)
from npm_vetted.installs.words import HOLE, Value, names

PROGRAMS: Final = ("npm", "npx")

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

_VALUED: Final = names(
    "_auth access allow-directory allow-file allow-git allow-remote allow-scripts also audit- "
    "level auth-type before ca cache cache-max cache-min cafile call cert cidr cpu depth diff "
    "editor expires fetch-retries fetch-retry-factor fetch-retry-maxtimeout fetch-retry- "
    "mintimeout fetch-timeout git globalconfig heading https-proxy include install-strategy key "
    "libc local-address location lockfile-version loglevel logs-dir logs-max maxsockets message "
    "min-release-age node-gyp node-options node-version noproxy omit only os otp package pack- "
    "destination prefix preid registry save-prefix scope script-shell shell tag tag-version- "
    "prefix umask user-agent userconfig viewer which workspace"
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
_DROP: Final = (
    "ignore-scripts",
    "no-ignore-scripts",
    "dangerously-allow-all-scripts",
    "allow-scripts",
)
_NOTHING: Final = ("usage", "version", "dry-run", "package-lock-only")


def verb_of(word: str) -> str | None:
    """The command that a word means: an alias, or a beginning that no other command has (abbrev)."""
    if word in _NAMES:
        return _NAMES[word]
    if word in _OTHERS or not word:
        return None
    dashed = "".join("-" + c.lower() if c.isupper() else c for c in word)
    meant = {_NAMES.get(name, name) for name in _ALL if name.startswith(dashed)}
    return next(iter(meant)) if len(meant) == 1 and meant <= set(_VERBS) else None


def variable(name: str, text: str) -> Switch:
    """``npm_config_ignore_scripts`` in any case; an empty value counts for nothing."""
    lowered = name.lower().replace("-", "_")
    if not lowered.startswith("npm_config_") or text == "":
        return Switch.UNSET
    match lowered.removeprefix("npm_config_"):
        case "ignore_scripts":
            return boolean_switch(text)
        case "dangerously_allow_all_scripts":
            return Switch.ON if text not in ("false", "null", "undefined") else Switch.UNSET
        case "allow_scripts":
            return Switch.ON
    return Switch.UNSET


def read(words: Sequence[str], environment: Mapping[str, Value]) -> Iterator[Act]:
    """What an npm or npx command line does."""
    if words[0] == "npx":
        yield from _exec(words, take_apart(words[1:], valued=_VALUED, short=_EXEC_SHORT,
                                           stop=True, loose=True), npx=True)  # fmt: skip
        return
    options = take_apart(words[1:], valued=_VALUED, short=_SHORT, loose=True)
    if not options.words or options.has(*_NOTHING):
        return
    word = options.words[0]
    if word.startswith(HOLE):
        yield Act(kind=Kind.INSTALL, client="npm", switch=Switch.UNKNOWN, by="its command")
        return
    verb = verb_of(word)
    packages = tuple(options.words[1:])
    base = {"client": "npm", "folder": options.value("prefix")}
    switch, by = switched(options)
    fix = inserted(words, word, "--ignore-scripts", _DROP)
    match verb:
        case "install" | "ci" | "install-test" | "install-ci-test" | "update" | "link":
            frozen = verb in ("ci", "install-ci-test")
            if _global(options, environment):
                if packages or verb in ("install", "update", "link"):
                    yield Act(kind=Kind.GLOBAL, client="npm", switch=switch, by=by,
                              packages=packages, fix=fix)  # fmt: skip
            elif verb != "link" or packages:
                named = packages if not frozen and verb != "update" else ()
                untouched = True if frozen or _leaves_lockfile(options) else None
                yield Act(kind=Kind.ADD if named else Kind.INSTALL, switch=switch, by=by, fix=fix,
                          packages=named, frozen=untouched, **base)  # type: ignore[arg-type]  # fmt: skip
        case "rebuild":
            yield Act(kind=Kind.REBUILD, switch=switch, by=by, packages=packages, fix=fix, **base)  # type: ignore[arg-type]
        case "dedupe" | "prune" | "uninstall":
            if not _global(options, environment):
                yield Act(kind=Kind.TIDY, switch=switch, by=by, fix=fix, **base)  # type: ignore[arg-type]
        case "audit":
            if packages[:1] == ("fix",):
                yield Act(kind=Kind.TIDY, switch=switch, by=by, fix=fix, **base)  # type: ignore[arg-type]
        case "exec":
            yield from _exec(words, take_apart(_after(words, word), valued=_VALUED,
                                               short=_EXEC_SHORT, loose=True), npx=False)  # fmt: skip
        case "init":
            if packages:
                yield Act(kind=Kind.RUN, switch=switch, by=by, packages=(created(packages[0]),),
                          fix=fix, **base)  # type: ignore[arg-type]  # fmt: skip
        case "explore":
            yield Act(kind=Kind.CONFIG, client="npm", then=tuple(options.rest or packages[1:]))
        case "config" | "set":
            yield from _config(verb, packages, options)
        case "approve-scripts" | "install-scripts":
            yield from _allow(verb, packages, options, words)


def _after(words: Sequence[str], verb: str) -> list[str]:
    rest = list(words[1:])
    rest.remove(verb)
    return rest


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
    """What the flags say; abbreviations of the flag count (nopt, until npm 11)."""
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


def _exec(words: Sequence[str], options: Options, *, npx: bool) -> Iterator[Act]:
    if options.has("usage", "version"):
        return
    switch, by = switched(options)
    command = [*options.words, *(options.rest or [])]
    packages = options.values("package")
    call = options.value("call")
    if not packages and command:
        packages, command = (command[0],), command[1:]
        then: list[str] = []
    else:
        then = command
    stays = options.has("no-install") or ("no-yes", None) in options.options
    if not packages or stays:
        if call or (stays and command):
            yield Act(kind=Kind.CONFIG, client="npm", then=tuple(command), shell=call)
        return
    verb = None if npx else next((word for word in words[1:] if verb_of(word) == "exec"), None)
    yield Act(
        kind=Kind.RUN,
        client="npm",
        switch=switch if not packages[0].startswith(HOLE) else Switch.UNKNOWN,
        by=by,
        packages=packages,
        folder=options.value("prefix"),
        then=tuple(then or runner(packages[0], command)),
        shell=call,
        fix=inserted(words, verb, "--ignore-scripts", _DROP),
    )


def runner(package: str, arguments: Sequence[str]) -> list[str]:
    """The command that a package runs with its arguments: its own name, as far as one can tell."""
    name = package if package.startswith("@") else package.partition("@")[0]
    return [name, *arguments]


def created(name: str) -> str:
    """The package that ``npm init name`` runs (npm's init documentation)."""
    if HOLE in name:
        return name
    if name.startswith("@"):
        scope, _, rest = name.partition("/")
        if not rest:
            scope, _, version = scope[1:].partition("@")
            return f"@{scope}/create" + (f"@{version}" if version else "")
        return f"{scope}/create-{rest}"
    return f"create-{name}"


def _config(verb: str, packages: tuple[str, ...], options: Options) -> Iterator[Act]:
    arguments = packages[1:] if verb == "config" and packages[:1] == ("set",) else packages
    if verb == "config" and packages[:1] != ("set",):
        if packages[:1] in (("delete",), ("rm",)):
            for key in packages[1:]:
                yield Act(kind=Kind.CONFIG, client="npm", setting=(key, "", _own(options)))
        return
    pairs = [word.partition("=") for word in arguments if "=" in word]
    if not pairs and len(arguments) >= 1:
        pairs = [(arguments[0], "=", arguments[1] if len(arguments) > 1 else "true")]
    for key, _, value in pairs:
        yield Act(kind=Kind.CONFIG, client="npm", setting=(key, value, _own(options)))


def _own(options: Options) -> bool:
    """Whether the project's own file is written."""
    return options.value("location") == "project"


def _allow(
    verb: str, packages: tuple[str, ...], options: Options, words: Sequence[str]
) -> Iterator[Act]:
    if verb == "install-scripts":
        if packages[:1] != ("approve",):
            return
        packages = packages[1:]
    if options.has("allow-scripts-pending", "pending"):
        return
    named = () if options.has("all") else packages
    yield Act(kind=Kind.ALLOW, client="npm", switch=Switch.ON, packages=named, fix=())
    _ = words
