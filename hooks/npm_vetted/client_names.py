"""The clients' programs and files by name: ``python -m tools.client_names`` writes this file.

The folders of the clients decide what is here. It is a file of its own because the way out of
``fast_path`` cannot wait for their modules, and because ``installs`` imports no client.
"""

from __future__ import annotations

PROGRAMS = (
    "bun",
    "bunx",
    "deno",
    "install-run.js",
    "jlpm",
    "npm",
    "npx",
    "pn",
    "pnpm",
    "pnpx",
    "pnx",
    "rush",
    "rush-pnpm",
    "yarn",
    "yarnpkg",
)
"""The programs of the clients."""

RUNNERS = (
    "bunx",
    "npx",
    "pnpx",
    "pnx",
)
"""Those that fetch the package whose name follows, and run it."""

WORDS = (
    "bun",
    "deno",
    "install-run.js",
    "jlpm",
    "npm",
    "npx",
    "pnx",
    "yarn",
)
"""Each program has one of these in its name,"""

WHOLE_WORDS = (
    "pn",
    "rush",
)
"""but for these, which texts also hold by chance."""

OTHER_PROGRAMS = (
    "aube",
    "aubx",
    "corepack",
    "dx",
    "lerna",
    "meteor",
    "na",
    "nci",
    "ni",
    "nlx",
    "nup",
    "vlt",
    "vlx",
    "volta",
)
"""Programs that install npm packages and are no client; words of their own as well."""

SETTINGS_FILES = (
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    "bunfig.toml",
    "package.json",
    "pnpm-workspace.yaml",
)
"""The files whose content decides what an install runs."""

USER_FILES = (
    ".bunfig.toml",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
)
"""The settings files in a user's home."""

LOCKFILES = (
    "bun.lock",
    "bun.lockb",
    "deno.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "shrinkwrap.yaml",
    "yarn.lock",
)
"""The lockfiles."""

CODE_WORDS = ("jsr:",)
"""What code has in it that names packages by itself, where it names no program."""

CODE_SUFFIXES = (
    ".cjs",
    ".cts",
    ".js",
    ".jsx",
    ".mjs",
    ".mts",
    ".ts",
    ".tsx",
)
"""The suffixes of such code."""

TASK_FILES = (
    "deno.json",
    "deno.jsonc",
)
"""Files of tasks that a client runs."""

PROGRAM_FOLDERS = ("vendor",)
"""Folders of modules that a client runs, whatever their files are called."""
