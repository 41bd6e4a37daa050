"""Write down which dependencies Yarn adds to known packages by itself.

``python tools/yarn_extensions.py`` asks the npm registry for ``@yarnpkg/extensions``, the list that Yarn
has built in, and writes its dependencies into ``clients/yarn_berry/built-in-extensions.txt``. Yarn locks
such a dependency without a word of who asks for it.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Final

PACKAGE: Final = "@yarnpkg/extensions"
TABLE: Final = (
    Path(__file__).resolve().parents[1]
    / "hooks/npm_vetted/clients/yarn_berry/built-in-extensions.txt"
)
_PRINT: Final = (
    "console.log(JSON.stringify([require(process.argv[1] + '/package.json').version,"
    " require(process.argv[1]).packageExtensions]))"
)


def main() -> None:
    """Install the list without scripts, and write the table."""
    with tempfile.TemporaryDirectory() as place:
        install = (
            "npm",
            "install",
            "--ignore-scripts",
            "--legacy-peer-deps",
            "--prefix",
            place,
            PACKAGE,
        )
        subprocess.run(install, check=True, capture_output=True)
        where = str(Path(place, "node_modules", PACKAGE))
        done = subprocess.run(["node", "-e", _PRINT, where], check=True, capture_output=True)
    version, extensions = json.loads(done.stdout)
    rows = sorted(
        "\t".join((descriptor, name, wanted))
        for descriptor, more in extensions
        for name, wanted in more.get("dependencies", {}).items()
    )
    head = (
        f"# {PACKAGE} {version}: a package and its versions, what Yarn adds to it, in which range\n"
    )
    TABLE.write_text(head + "\n".join(rows) + "\n")
    print(f"{len(rows)} rows of {PACKAGE} {version}")


if __name__ == "__main__":
    main()
