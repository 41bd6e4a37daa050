"""The options and variables of Deno 2.9: the harmless ones, and those that bypass deno.lock or deno.json.

The options are those that ``deno VERB --help`` lists. Each of the second kind was run with a lockfile
whose hashes were wrong (docs/clients/deno.md).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Final

from npm_vetted.clients.deno.config import HARMLESS_UNSTABLE, NAMES, is_cooldown, is_remote
from npm_vetted.clients.shared.command_line import Options
from npm_vetted.formats.client_action import Weakness
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, word_set

SHORT: Final = {
    "A": "allow-all", "D": "dev", "E": "allow-env", "I": "allow-import", "L": "log-level",
    "N": "allow-net", "O": "save-optional", "P": "permission-set", "R": "allow-read",
    "S": "allow-sys", "V": "version", "W": "allow-write", "c": "config", "d": "display",
    "e": "entrypoint", "f": "force", "g": "global", "h": "help", "i": "interactive", "j": "jobs",
    "n": "name", "o": "output", "p": "package", "q": "quiet", "r": "reload", "u": "update",
    "w": "workspace", "y": "yes",
}  # fmt: skip

VALUED: Final = word_set(
    "app-name arch backend base branch category-docs cert checksum conditions config conn coverage-threshold cwd "
    "default-symbol-map depth display engine eval-file exclude ext filter format host icon import-map include "
    "indent-width inspect-publish-uid jobs junit-path level line-width location lock log-level "
    "min-dep-age minimum-dependency-age name node-modules-linker os outdir output package packages "
    "platform port pr preload prose-wrap related release-notes repeats reporter require retry root "
    "seed set-version shard source-map sourcemap start symbol-redirect-map target threshold token"
)
"""Options whose value is the next word."""

_HARMLESS: Final = VALUED - word_set(
    "cert config import-map lock min-dep-age minimum-dependency-age preload require"
) | word_set(
    "all all-targets allow-all allow-dirty allow-env allow-ffi allow-hrtime allow-import allow-net "
    "allow-read allow-run allow-scripts allow-slow-types allow-sys allow-write builtin bundle "
    "cached-only canary changed check clean code-splitting compact compatible compile compress "
    "coverage coverage-raw-data-only declaration deny-env deny-ffi deny-import "
    "deny-net deny-read deny-run deny-sys deny-write desktop detailed dev doc doc-only dry-run "
    "empty entrypoint env-file eval except exclude-unused-npm external fail-fast fix "
    "force frozen frozen-lockfile global help hide-stacktraces hmr html if-present ignore ignore-env "
    "ignore-read ignore-registry-errors ignore-scripts ignore-unfixable inline-imports inspect "
    "inspect-brk inspect-renderer inspect-wait install install-alias interactive json jsr junit "
    "keep-names kernel latest lcov lib lint lockfile-only members minify no-check no-clear-screen "
    "no-code-cache no-delta no-editorconfig no-npm no-prefix no-prompt no-provenance no-remote "
    "no-run no-save no-semicolons no-source-maps no-terminal no-workspace node-modules-dir npm open "
    "package-json parallel permission-set permit-no-files print private prod quiet recursive "
    "release-candidate reload rules rules-exclude rules-include rules-tags sanitize-ops "
    "sanitize-resources save-exact save-optional self-extracting serve shuffle single-quote "
    "skip-types socket strip-trailing-html unscoped update update-snapshots use-env-proxy use-tabs "
    "v8-flags version watch watch-exclude watch-hmr workspace yes unsafely-ignore-certificate-errors"
)
"""Options with which Deno reads the usual lockfile and configuration, and compares all hashes.

``cert`` and ``unsafely-ignore-certificate-errors`` are judged as sources of packages.
"""


_WEAK_VARIABLES: Final = (
    "DENO_CACHE_LSC_ENDPOINT", "DENO_INTERNAL_", "DENO_TSC_BIN", "DENO_UNSTABLE_CONTROL_SOCK",
)  # fmt: skip
"""Variables that name a program, a server or a socket (found in the text of Deno's binary)."""
_AGE_VARIABLE: Final = "npm_config_min_release_age"


def weaknesses(words: Sequence[str], options: Options) -> Iterator[Weakness]:
    """The options of a command line that bypass deno.lock or deno.json, or may."""
    for name, value in options.options:
        reason = _reason(name, value)
        if reason is not None:
            certain = UNKNOWN_TEXT not in f"{name}{value}" and reason != _UNKNOWN
            option = f"--{name}" + (f"={value}" if value is not None else "")
            yield Weakness(option, reason, certain, _without(words, name, value))


_UNKNOWN: Final = "is no option that npm-vetted knows of Deno"


def _reason(name: str, value: str | None) -> str | None:
    if name in _HARMLESS or name == "cert" or name.startswith(UNKNOWN_TEXT):
        return None
    text = value or ""
    match name:
        case "no-lock":
            return "ignores deno.lock: it fetches any version and compares no hash"
        case "no-config":
            return "ignores deno.json and deno.lock"
        case "lock":
            other = value is not None and posixpath.normpath(text) not in _LOCKS
            return f"compares what it fetches with {text}, not with deno.lock" if other else None
        case "config":
            other = posixpath.basename(text) not in NAMES
            return f"reads {text} in the place of deno.json" if other else None
        case "import-map" if is_remote(text):
            return f"reads its imports from {text}, which can change at any time"
        case "import-map":
            return f"reads its imports from {text}, which is not compared with deno.lock"
        case "vendor":
            return "runs the files in vendor/ without comparing a hash" if text != "false" else None
        case "min-dep-age" | "minimum-dependency-age":
            return None if is_cooldown(text) else "switches the cooldown off"
        case "preload" | "require":
            return None
    if name == "unstable" or name.removeprefix("unstable-") in HARMLESS_UNSTABLE:
        return None
    return _UNKNOWN


_LOCKS: Final = ("deno.lock", "true")


def _without(words: Sequence[str], name: str, value: str | None) -> tuple[str, ...]:
    """The command line without an option; empty if the option is written with its short name."""
    alone = f"--{name}"
    if alone in words:
        at = words.index(alone)
        taken = value is not None and name in VALUED and tuple(words[at + 1 : at + 2]) == (value,)
        return (*words[:at], *words[at + (2 if taken else 1) :])
    kept = tuple(word for word in words if word != f"{alone}={value}")
    return kept if len(kept) < len(words) else ()


def weak_variable(name: str, text: str) -> Weakness | None:
    """How a variable bypasses deno.lock or deno.json, or may; None: it does not."""
    if name.lower() == _AGE_VARIABLE:
        if text.isdigit() and int(text):
            return None
        return Weakness(
            f"{name}={text}", "switches the cooldown of npm and Deno off", UNKNOWN_TEXT not in text
        )
    if name.startswith(_WEAK_VARIABLES):
        return Weakness(f"{name}={text}", "names a program or a server that Deno uses")
    return None
