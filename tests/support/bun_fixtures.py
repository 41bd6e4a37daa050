"""The projects whose bun.lock each Bun wrote into tests/fixtures/bun.

``python tests/support/bun_fixtures.py`` writes them anew, with the real clients and the public registry.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.real_clients import Clients, install, make_tarball

FOLDER: Final = Path(__file__).parents[1] / "fixtures" / "bun"
BUNS: Final = ("bun1.2", "bun1.3", "bun1.4")

Files = Mapping[str, object]
"""Text, or what is written as JSON, by path."""

PATCH: Final = """\
diff --git a/index.js b/index.js
index 0000001..0000002 100644
--- a/index.js
+++ b/index.js
@@ -1,1 +1,2 @@
+// patched
 /* This program is free software. It comes without any warranty, to
"""

TARBALLS: Final[Mapping[str, Mapping[str, str]]] = {
    "vendor/tool-1.0.0.tgz": {"package.json": '{"name": "tool", "version": "1.0.0"}'},
    "vendor/bundler-1.0.0.tgz": {
        "package.json": json.dumps(
            {
                "name": "bundler",
                "version": "1.0.0",
                "dependencies": {"left-pad": "^1.3.0", "is-odd": "3.0.1"},
                "bundleDependencies": ["left-pad"],
            }
        ),
        "node_modules/left-pad/package.json": '{"name": "left-pad", "version": "1.2.0"}',
    },
}

CASES: Final[Mapping[str, Files]] = {
    "sources": {
        "dir/package.json": {
            "name": "real-dir",
            "version": "1.0.0",
            "dependencies": {"is-odd": "^2.0.0"},
        },
        "package.json": {
            "name": "sources",
            "dependencies": {
                "alias": "file:vendor/tool-1.0.0.tgz",
                "bundler": "file:vendor/bundler-1.0.0.tgz",
                "dd": "file:dir",
                "is-odd": "3.0.1",
                "lp": "npm:left-pad@1.2.0",
                "tar": "https://registry.npmjs.org/is-even/-/is-even-1.0.0.tgz",
                "kind-of": "6.0.3",
            },
            "devDependencies": {"is-buffer": "*"},
            "optionalDependencies": {"fsevents": "2.3.3", "kind-of": "6.0.2"},
            "peerDependencies": {"is-buffer": ">=1", "ghost": "*"},
            "peerDependenciesMeta": {"ghost": {"optional": True}, "spook": {"optional": True}},
        },
    },
    "workspaces": {
        "packages/a/package.json": {
            "name": "@w/a",
            "version": "1.0.0",
            "dependencies": {"@w/b": "workspace:*", "is-number": "^4.0.0", "kind-of": "catalog:t"},
            "trustedDependencies": ["is-number"],
        },
        "packages/b/package.json": {
            "name": "@w/b",
            "version": "2.0.0",
            "devDependencies": {"is-number": "^6.0.0"},
        },
        "package.json": {
            "name": "root",
            "version": "1.0.0",
            "workspaces": {
                "packages": ["packages/*"],
                "catalog": {"is-odd": "3.0.1", "unused": "1.0.0"},
                "catalogs": {"t": {"kind-of": "6.0.3"}, "empty": {}},
            },
            "dependencies": {"is-odd": "catalog:"},
        },
    },
    "patched": {
        "patches/left-pad@1.3.0.patch": PATCH,
        "package.json": {
            "name": "patched",
            "dependencies": {"left-pad": "1.3.0", "is-odd": "3.0.1"},
            "patchedDependencies": {"left-pad@1.3.0": "patches/left-pad@1.3.0.patch"},
            "trustedDependencies": ["left-pad", "nowhere"],
        },
    },
    "overrides": {
        "package.json": {
            "name": "overrides",
            "dependencies": {"is-odd": "3.0.1", "is-even": "1.0.0", "left-pad": "^1.3.0"},
            "overrides": {"is-number": "6.0.0", "is-odd": "$is-odd", "kind-of": "6.0.3"},
        },
    },
    "nested-overrides": {
        "package.json": {
            "name": "nested",
            "dependencies": {"is-odd": "3.0.1", "is-even": "1.0.0"},
            "overrides": {"is-even": {"is-odd": "3.0.1"}, "kind-of@6": "6.0.3"},
        },
    },
    "resolutions": {
        "package.json": {
            "name": "resolutions",
            "dependencies": {"is-odd": "3.0.1"},
            "resolutions": {"**/is-number": "6.0.0", "is-odd/kind-of": "6.0.3"},
        },
    },
}


def write(folder: Path, case: str) -> None:
    """Write the files of a case."""
    for path, content in CASES[case].items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content, indent=2) + "\n"
        file.write_text(text)
    for path, files in TARBALLS.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        make_tarball(folder / path, files)


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        clients = Clients(install(), top / "bins")
        for case in CASES:
            for bun in BUNS:
                folder = top / case / bun
                folder.mkdir(parents=True)
                os.environ["HOME"] = str(top / "home" / bun)
                write(folder, case)
                clients.run(bun, "install", "--ignore-scripts", cwd=folder)
                (FOLDER / f"{case}.{bun}.lock").write_bytes((folder / "bun.lock").read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
