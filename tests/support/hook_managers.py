"""The real hook managers that are npm packages, as ``npm ci`` leaves them in a clone."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.real_clients import MANIFESTS, Clients, install


def give_hook_managers(clients: Clients, clone: Path) -> str:
    """Link husky and simple-git-hooks into a clone's ``node_modules``; return what PATH needs.

    PATH gets npm's own ``npx``, which runs what is in ``node_modules/.bin``, and lefthook.
    """
    installed = install(MANIFESTS / "hooks")
    (clone / "node_modules").symlink_to(installed)
    with Path(clone, ".git", "info", "exclude").open("a") as file:
        file.write("/node_modules\n")
    return os.pathsep.join([str(clients.bin("npm11")), str(clients.bin("lefthook"))])
