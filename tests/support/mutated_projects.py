"""Projects whose manifests, settings and lockfiles no longer agree: for comparing with real clients.

A project starts as its client wrote it. Then a few mutations, chosen by a seed, change what a person,
a bot or an attacker could change in one commit.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SPECIFIERS: Final = (
    "^1.0.0", "~1.0.0", "1.0.0", "1.1.0", "2.0.0", "^2.0.0", "1.x", "*", "", "latest", "next",
    ">=1 <3", "1.0.0 || 2.0.0", "npm:aa@^1.0.0", "npm:aa@2.0.0", "npm:^1.0.0", "npm:bb@1.2.0",
    "npm:@s/dd@1.0.0", "file:./vendor/folder", "link:./vendor/folder", "file:./vendor/tt.tgz",
)  # fmt: skip
NAMES: Final = ("aa", "bb", "cc", "@s/dd", "ee", "pp", "tt", "alias", "other")
SECTIONS: Final = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
Files = dict[str, str]
LockfileEdit = Callable[[random.Random, str], str]


@dataclass
class Mutator:
    """Mutates the files of a project; ``settings`` mutate what only one client reads."""

    seed: int
    settings: tuple[Callable[[random.Random, Files], None], ...] = ()
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def base(self) -> dict[str, Any]:
        """A manifest that every client can resolve."""
        names = self.chance.sample(["aa", "bb", "cc", "@s/dd", "ee", "pp", "tt"], 3)
        first, second, third = names
        return {
            "name": "root",
            "version": "1.0.0",
            "private": True,
            "dependencies": {first: "^1.0.0", second: "1.0.0"},
            "devDependencies": {third: "~1.0.0", "alias": "npm:aa@^1.0.0"},
        }

    def mutate(self, files: Files, lockfile: str, edit: LockfileEdit | None = None) -> None:
        """One or two changes; ``edit`` changes a lockfile's text that has no blocks."""
        by_hand = self.chance.random() < (0.2 if edit is None else 0.5)
        if edit is None or not by_hand or self.chance.random() < 0.3:
            kinds = [
                *(self._manifest, self._manifest, self._manifest, mutate_members, mutate_peers),
                *(*self.settings, *self.settings),
            ]
            for change in self.chance.sample(kinds, self.chance.choice([1, 1, 2])):
                change(self.chance, files)
        if by_hand:
            if edit is None:
                self._lockfile(files, lockfile)
            else:
                files[lockfile] = edit(self.chance, files[lockfile])

    @staticmethod
    def _manifest(chance: random.Random, files: Files) -> None:
        path = chance.choice([each for each in files if each.endswith("package.json")
                              and "vendor" not in each])  # fmt: skip
        data = json.loads(files[path])
        section = chance.choice(SECTIONS)
        table = data.setdefault(section, {})
        kind = chance.choice(["add", "drop", "move", "twice"])
        present = [(each, name) for each in SECTIONS for name in data.get(each, {})]
        if kind == "add" or not present:
            table[chance.choice(NAMES)] = chance.choice(SPECIFIERS)
        else:
            where, name = chance.choice(present)
            wanted = data[where][name]
            if kind != "twice":
                del data[where][name]
            if kind != "drop":
                table[name] = wanted if kind == "move" else chance.choice(SPECIFIERS)
        files[path] = json.dumps({key: each for key, each in data.items() if each != {}}, indent=1)

    def _lockfile(self, files: Files, lockfile: str) -> None:
        """Drop an entry, or one line of it."""
        blocks = files[lockfile].split("\n\n")
        at = self.chance.randrange(1, len(blocks))
        lines = blocks[at].split("\n")
        asked = [place for place, line in enumerate(lines) if re.match(r"    \S+:? \S", line)]
        if asked and self.chance.random() < 0.7:
            place = self.chance.choice(asked)
            new = self.chance.choice(["tt", "bb"])
            lines[place] = re.sub(r'"?[\w@/]+"?', new, lines[place], count=1)
            blocks[at] = "\n".join(lines)
        else:
            del blocks[at]
        files[lockfile] = "\n\n".join(blocks)


def set_in_manifest(*keys: str) -> Callable[[random.Random, Files], None]:
    """A mutation of a table of selectors and ranges in the root's package.json."""

    def change(chance: random.Random, files: Files) -> None:
        data = json.loads(files["package.json"])
        table: Any = data
        for key in keys:
            table = table.setdefault(key, {})
        mutate_selectors(chance, table)
        files["package.json"] = json.dumps(data, indent=1)

    return change


SELECTORS: Final = (
    "aa", "bb", "@s/dd", "bb/aa", "cc/**/aa", "**/aa", "aa@^1.0.0", "bb>aa", "bb@1>aa", "tt", "ee",
    "aa@npm:^1.0.0", "bb@npm:1.2.0/aa", "bb@npm:^1.0.0/aa", "cc>bb",
)  # fmt: skip
VALUES: Final = ("1.0.0", "1.1.0", "2.0.0", "^2.0.0", "npm:tt@1.0.0", "$aa", "npm:1.0.0")


def mutate_selectors(chance: random.Random, table: dict[str, Any]) -> None:
    """Add an override, change one, or drop one."""
    if table and chance.random() < 0.4:
        name = chance.choice(sorted(table))
        if chance.random() < 0.5:
            del table[name]
        else:
            table[name] = chance.choice(VALUES)
    else:
        table[chance.choice(SELECTORS)] = chance.choice(VALUES)


def mutate_members(chance: random.Random, files: Files) -> None:
    """Rename a workspace, give it another version, ask for it, or take it away."""
    path = "packages/member/package.json"
    if path not in files:
        return
    member, root = json.loads(files[path]), json.loads(files["package.json"])
    kind = chance.choice(["rename", "version", "asked", "asked", "gone"])
    if kind == "rename":
        member["name"] = chance.choice(["tt", "renamed"])
    elif kind == "version":
        member["version"] = chance.choice(["1.0.1", "2.0.0"])
    elif kind == "asked":
        section = root.setdefault(chance.choice(SECTIONS), {})
        section["member"] = chance.choice(["*", "^1.0.0", "^2.0.0", "workspace:*"])
    files[path], files["package.json"] = as_json({"a": member, "b": root}).values()
    if kind == "gone":
        del files[path]


def mutate_peers(chance: random.Random, files: Files) -> None:
    """Ask for a peer, which may be missing."""
    data = json.loads(files["package.json"])
    name = chance.choice(NAMES)
    data.setdefault("peerDependencies", {})[name] = chance.choice(SPECIFIERS)
    if chance.random() < 0.6:
        data.setdefault("peerDependenciesMeta", {})[name] = {"optional": True}
    files["package.json"] = json.dumps(data, indent=1)


def as_json(files: Mapping[str, Any]) -> Files:
    """The files of a project: tables as JSON."""
    return {path: each if isinstance(each, str) else json.dumps(each, indent=1)
            for path, each in files.items()}  # fmt: skip
