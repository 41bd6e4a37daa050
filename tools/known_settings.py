"""Compare the tables of known settings with the keys that the installed clients know.

``python tools/known_settings.py`` prints, for each client, the keys of its newest installed version
that its ``known-settings.toml`` does not list, and the version. Nothing is classified by itself: a
person reads what the key does, and lists it as ``harmless`` only where it cannot make a client run or
read another program or file, use another source, weaken TLS, or skip verification. What is not listed
is reported to users as ``client-settings/unknown-setting``.

The keys come from the clients' own code: npm's ``@npmcli/config`` definitions, the type table in
pnpm's bundle, the definitions in Yarn's bundle. Bun and Yarn 1 have no such table to read; their
lists were written by hand from their documentation and source.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from npm_vetted.clients.shared.settings import known_settings  # noqa: E402
from tests.support.real_clients import NODE, install  # noqa: E402

DEFINITIONS = "node_modules/@npmcli/config/lib/definitions/definitions.js"


def keys_of_npm(modules: Path) -> set[str]:
    """What ``npm config ls -l`` would list."""
    script = f"console.log(JSON.stringify(Object.keys(require({str(modules / 'npm12' / DEFINITIONS)!r}))))"
    done = subprocess.run([NODE, "-e", script], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def keys_of_pnpm(modules: Path) -> set[str]:
    """The type table in the bundle of pnpm 11, as keys of pnpm-workspace.yaml."""
    text = (modules / "pnpm11/dist/pnpm.mjs").read_text(encoding="utf-8", errors="replace")
    middle = text.index('"auto-install-peers": Boolean')
    table = text[text.rindex("{", 0, middle) : text.index("};", middle)]
    keys = re.findall(r'(?m)^\s*"?([a-zA-Z-]+)"?:', table)
    return {re.sub("-([a-z])", lambda found: found[1].upper(), key) for key in keys}


def keys_of_berry(modules: Path) -> set[str]:
    """The definitions in Yarn's bundle: each has a description."""
    text = (modules / "yarn4.18/bin/yarn.js").read_text(encoding="utf-8", errors="replace")
    return set(re.findall(r'(\w+):\{description:"', text))


READERS = {"npm": keys_of_npm, "pnpm": keys_of_pnpm, "yarn_berry": keys_of_berry}


def main() -> None:
    """Print what is not listed yet."""
    modules = install()
    for folder, keys_of in READERS.items():
        known = known_settings(folder)
        listed = known.harmless | known.judged | known.values.keys()
        missing = sorted(keys_of(modules) - listed)
        print(f"{folder} (verified: {known.verified}): {', '.join(missing) or 'all listed'}")


if __name__ == "__main__":
    main()
