"""Compare the tables of known settings with the keys that the clients themselves know.

``python tools/known_settings.py`` prints, for each client, the keys that its newest installed version
knows and its ``known-settings.toml`` does not list, and exits 1 if there are any.
``python tools/known_settings.py --write`` adds them to ``unverified`` and writes the version down.

Nothing is classified by itself. Only a person moves a key to ``harmless``, after reading what it does:
no value of it can make a script of a dependency run, change where packages come from or which bytes
are accepted, execute a program or read another file as one, or weaken TLS. A key that is not
harmless is reported to users as ``client-settings/unknown-setting``.

Where the keys come from:

- npm: the definitions in its own ``@npmcli/config``;
- pnpm 11: the type table in its bundle. pnpm 12 is a binary without such a table; its additions (and
  what pnpm 9 and 10 alone know) were read in pnpm.io/settings and in the binary, and are listed here;
- Yarn 1: every ``getOption('…')`` in its bundle (it asks for them in .yarnrc, then in .npmrc);
- Yarn berry: ``yarn config --json``;
- Bun: the words of its reader of bunfig.toml, which stand in one place of its binary;
- Deno: the words of its reader of deno.json. The binary has the keys of several words in one run: what
  the known ones leave of it is a key that is new.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from npm_vetted.clients.shared.settings import known_settings  # noqa: E402
from tests.support.real_clients import NODE, Clients, install  # noqa: E402

TABLES: Final = ROOT / "hooks" / "npm_vetted" / "clients"
DEFINITIONS: Final = "node_modules/@npmcli/config/lib/definitions/definitions.js"
_MORE_OF_PNPM: Final = (
    "addMissingPeerTypes", "allowSkills", "cargo", "concurrencyGroups", "githubActions",
    "githubActionsServer", "globalShims", "include", "macosBackup", "packageConfigs", "permissions",
    "pipelineBase", "pipelines", "pnprServer", "publishWaitTimeout", "python", "remoteCache",
    "remoteSideEffectsCache", "skills", "tasks", "versioning",
    "executionEnv", "ignorePatchFailures", "lockfileDirectory", "useNodeVersion", "useStoreServer",
)  # fmt: skip
_BUN: Final = {  # the words of its reader, by the table that they belong to
    "install": (
        "auto", "ca", "cafile", "cache", "concurrentScripts", "dev", "dryRun", "exact", "frozenLockfile",
        "globalBinDir", "globalDir", "globalStore", "hoistPattern", "ignoreScripts",
        "linkWorkspacePackages", "linker", "lockfile", "logLevel", "minimumReleaseAge",
        "minimumReleaseAgeExcludes", "optional", "peer", "prefer", "production", "publicHoistPattern",
        "registry", "saveTextLockfile", "scopes", "security",
    ),
    "run": ("bun", "noOrphans", "shell", "silent"),
    "": (
        "bundle", "console", "debug", "define", "env", "jsx", "jsxFactory", "jsxFragment", "jsxImportSource",
        "loader", "logLevel", "origin", "preload", "serve", "smol", "telemetry", "test",
    ),
}  # fmt: skip
_DENO: Final = (
    "allowScripts", "bench", "catalog", "catalogs", "compile", "compilerOptions", "deploy", "description",
    "exclude", "exports", "fmt", "importMap", "imports", "jsrDepsInNodeModules", "license", "links",
    "lint", "lock", "minimumDependencyAge", "name", "nodeModulesDir", "nodeModulesLinker", "patch",
    "permissions", "preferPackageJson", "publish", "scopes", "tasks", "test", "unstable", "vendor",
    "version", "workspace",
)  # fmt: skip
"""The words of Deno's reader."""
_RUN_OF_DENO: Final = re.compile(rb"LockConfig(compilerOptions[A-Za-z]+?allowScripts)")
_TABLES_OF_BUN: Final = ("install.cache", "install.lockfile", "install.security")


def keys_of_npm(clients: Clients) -> set[str]:
    """The keys that ``npm config ls -l`` lists."""
    file = clients.modules / "npm12" / DEFINITIONS
    script = f"console.log(JSON.stringify(Object.keys(require({str(file)!r}))))"
    done = subprocess.run([NODE, "-e", script], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def keys_of_pnpm(clients: Clients) -> set[str]:
    """The type table in the bundle of pnpm 11, as keys of pnpm-workspace.yaml; those of pnpm 12."""
    text = (clients.modules / "pnpm11/dist/pnpm.mjs").read_text(encoding="utf-8", errors="replace")
    middle = text.index('"auto-install-peers": Boolean')
    table = text[text.rindex("{", 0, middle) : text.index("};", middle)]
    keys = re.findall(r'(?m)^\s*"?([a-zA-Z-]+)"?:', table)
    return {re.sub("-([a-z])", lambda found: found[1].upper(), key) for key in keys} | {
        *_MORE_OF_PNPM
    }


def keys_of_yarn_classic(clients: Clients) -> set[str]:
    """The options that the bundle of Yarn 1 asks for by name."""
    text = (clients.modules / "yarn1/lib/cli.js").read_text(encoding="utf-8", errors="replace")
    return set(re.findall(r"getOption\('([A-Za-z_-]+)'", text))


def keys_of_yarn_berry(clients: Clients) -> set[str]:
    """The keys that ``yarn config --json`` lists."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "package.json").write_text("{}")
        Path(folder, "yarn.lock").touch()
        done = clients.run("yarn4.18", "config", "--json", cwd=Path(folder))
    return {json.loads(line)["key"] for line in done.stdout.splitlines()}


def keys_of_bun(clients: Clients) -> set[str]:
    """Those words of its reader that are in the binary of Bun 1.4, with their tables."""
    binary = clients.path("bun1.4").read_text().split("'")[1]
    data = Path(binary).read_bytes()
    return {
        f"{table}.{key}".lstrip(".")
        for table, keys in _BUN.items() for key in keys
        if key.encode() in data and f"{table}.{key}" not in _TABLES_OF_BUN
    }  # fmt: skip


def keys_of_deno(clients: Clients) -> set[str]:
    """Those words of its reader that are in the binary, and what is new in their run there."""
    data = Path(clients.path("deno2.9").read_text().split("'")[1]).read_bytes()
    found = {key for key in _DENO if key.encode() in data}
    run = _RUN_OF_DENO.search(data)
    left = run[1].decode() if run else "no run of keys"
    for key in sorted(_DENO, key=len, reverse=True):
        left = left.replace(key, " ")
    return found | set(left.split())


READERS: Final[dict[str, tuple[str, Callable[[Clients], set[str]]]]] = {
    "npm": ("npm12", keys_of_npm),
    "pnpm": ("pnpm12", keys_of_pnpm),
    "yarn_classic": ("yarn1", keys_of_yarn_classic),
    "yarn_berry": ("yarn4.18", keys_of_yarn_berry),
    "bun": ("bun1.4", keys_of_bun),
    "deno": ("deno2.9", keys_of_deno),
}
_NAMES: Final = {"yarn_classic": "Yarn", "yarn_berry": "Yarn", "bun": "Bun", "deno": "Deno"}


def compare(clients: Clients) -> dict[str, list[str]]:
    """The keys that each client knows and its table does not list."""
    return {
        folder: sorted(keys_of(clients) - known_settings(folder).names)
        for folder, (_, keys_of) in READERS.items()
    }


def version_of(clients: Clients, folder: str) -> str:
    """The name and version of a client, as ``verified`` has them."""
    name = READERS[folder][0]
    with tempfile.TemporaryDirectory() as where:
        done = clients.run(name, "--version", cwd=Path(where))
    number = done.stdout.strip().removeprefix("deno ").split()[0]
    return f"{_NAMES.get(folder, folder)} {number}"


def write(folder: str, version: str, missing: Iterable[str]) -> None:
    """Add keys to ``unverified`` of a table, and write the version down."""
    file = TABLES / folder / "known-settings.toml"
    text = file.read_text(encoding="utf-8")
    keys = sorted({*known_settings(folder).unverified, *missing})
    block = "unverified = [\n" + "".join(f'    "{key}",\n' for key in keys) + "]\n"
    text = re.sub(r'(?m)^verified = ".*"$', f'verified = "{version}"', text)
    if re.search(r"(?m)^unverified = \[$", text):
        text = re.sub(r"(?ms)^unverified = \[\n.*?^\]\n", lambda _: block, text)
    else:
        comment = "# The client reads these, and nobody has shown that they are harmless.\n"
        before, values, after = text.partition("# Harmless with these values only.")
        text = f"{before}{comment}{block}\n{values}{after}"
    file.write_text(text, encoding="utf-8")


def main() -> int:
    """Print what is not listed yet; with ``--write``, list it."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        clients = Clients(install(), Path(folder, "bin"))
        found = compare(clients)
        for client, missing in found.items():
            version = version_of(clients, client)
            if "--write" in sys.argv:
                write(client, version, missing)
            print(f"{client} ({version}): {', '.join(missing) or 'all listed'}")
    return 1 if any(found.values()) and "--write" not in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
