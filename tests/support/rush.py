"""The real Rush, in a repository that it makes itself; it fetches the client that it runs."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.support.git_repo import GitRepo
from tests.support.real_clients import MANIFESTS, NODE, Clients, install


def rush_program(clients: Clients, folder: Path) -> Path:
    """A folder for PATH with rush, npm and node; the first call on a machine installs Rush.

    pnpm 9 looks for npm beside the real file of node, so node is no symbolic link here.
    """
    folder.mkdir()
    node = folder / "node"
    try:
        os.link(NODE, node)
    except OSError:  # another file system
        shutil.copy(NODE, node)
    programs = {
        "npm": clients.modules / "npm11" / "bin" / "npm-cli.js",
        "rush": install(MANIFESTS / "rush") / "@microsoft" / "rush" / "bin" / "rush",
    }
    for name, script in programs.items():
        starter = folder / name
        starter.write_text(f"#!/bin/sh\nexec '{node}' '{script}' \"$@\"\n")
        starter.chmod(0o755)
    return folder


def write_rush(
    repo: GitRepo, versions: dict[str, str], projects: Mapping[str, Mapping[str, object]]
) -> None:
    """Put projects into the rush.json that ``rush init`` wrote, and the client that it shall run.

    ``versions`` is ``{"pnpmVersion": …}``; the comments of rush.json stay.
    """
    text = (repo.path / "rush.json").read_text()
    (version,) = versions.items()
    text = re.sub(r'"pnpmVersion": "[^"]*"', f'"{version[0]}": "{version[1]}"', text)
    rows = [
        json.dumps({"packageName": manifest["name"], "projectFolder": path})
        for path, manifest in projects.items()
    ]
    text = text.replace('"projects": [', f'"projects": [\n    {", ".join(rows)}\n', 1)
    repo.write("rush.json", text)
    for path, manifest in projects.items():
        repo.write(f"{path}/package.json", json.dumps(manifest, indent=2) + "\n")
