"""The attack replay: what must be rejected with the default policy, and by which check.

Each attack changes the working tree of a repository that has adopted npm-vetted (``init``, committed)
and is judged by ``npm-vetted check``: as the commit that its author makes; and (the long run, -m slow)
as a range after ``--no-verify``, as an evil merge, and by a real pre-commit hook of ``git commit -a``.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from tests.attacks.incidents import CHALK_AND_DEBUG, CROSSENV_AND_SIBLINGS, INCIDENTS, Incident
from tests.attacks.lockfiles import (
    NAMES,
    PINS,
    REGISTRY,
    WRITERS,
    YARN_REGISTRY,
    Package,
    digest,
    npm_version_2,
)
from tests.attacks.world import World, Worlds, note_text, worlds
from tests.support.git_repo import GitRepo
from tests.support.story import HookRepository

__all__ = ["worlds"]

CLIENTS: Final = tuple(NAMES)
NODE: Final = ("npm", "pnpm", "yarn-classic", "yarn-berry")
EVIL: Final = Package(name="quietly-evil", version="1.0.0")
GOOD: Final = Package(name="carefully-read", version="1.2.0", requires={"brought-along": "^2.0.0"})
BROUGHT: Final = Package(name="brought-along", version="2.0.1")
GOOD_FIXED: Final = Package(name="carefully-read", version="1.2.1", requires=dict(GOOD.requires))
UNDECIDED: Final = "undecided"

Do = Callable[[World], None]


@dataclass(frozen=True)
class Attack:
    """One trick: what an attacker does, and the checks that must be among those that reject it."""

    name: str
    do: Do
    checks: frozenset[str]
    clients: tuple[str, ...]
    before: Do | None
    """What is committed honestly beforehand."""
    only: frozenset[str]
    """How it is judged, where not in every way."""


ATTACKS: list[Attack] = []


def attack(
    name: str,
    *checks: str,
    clients: tuple[str, ...] = ("npm",),
    before: Do | None = None,
    only: tuple[str, ...] = (),
) -> Callable[[Do], Do]:
    """Register a trick."""

    def register(do: Do) -> Do:
        found = Attack(name, do, frozenset(checks), clients, before, frozenset(only))
        ATTACKS.append(found)
        return do

    return register


def cases(way: str = "commit") -> Iterator[object]:
    """Every attack on every client; of the commits the short run takes every second, on one client."""
    for number, each in enumerate(ATTACKS):
        chosen = each.clients[number % len(each.clients)]
        for client in each.clients:
            if not each.only or way in each.only:
                spared = client != chosen or number % 2 == 1
                marks = [pytest.mark.slow] if way == "commit" and spared else []
                yield pytest.param(each, client, id=f"{client}: {each.name}", marks=marks)


def prepared(worlds: Worlds, folder: Path, tried: Attack, client: str) -> World:
    world = worlds.copy(client, folder / "repo")
    if tried.before is not None:
        tried.before(world)
        world.commit("Before")
    return world


def _list_bringing(world: World) -> dict[str, object]:
    bound = (
        {"checksum": BROUGHT.checksum}
        if world.client == "yarn-berry"
        else {"integrity": BROUGHT.integrity}
    )
    return {
        "package": BROUGHT.label,
        **bound,
        "published": datetime.datetime(2023, 1, 1, tzinfo=datetime.UTC),
    }


def good_note(world: World, **keys: object) -> str:
    """A note of what was reviewed, with what it brings."""
    return world.write_note(GOOD, brings=[_list_bringing(world)], **keys)


def with_good(world: World) -> None:
    """A dependency that entered with a note, and one that it brings."""
    world.install(GOOD, BROUGHT)
    good_note(world)


# --- what enters -------------------------------------------------------------------------------


@attack("a new package", "unvetted", clients=CLIENTS)
def _new_package(world: World) -> None:
    world.install(EVIL)


@attack("a new package for development", "unvetted", clients=CLIENTS)
def _new_for_development(world: World) -> None:
    world.install(EVIL, group="devDependencies")


@attack("a new optional package", "unvetted", clients=CLIENTS)
def _new_optional(world: World) -> None:
    world.install(EVIL, group="optionalDependencies")


@attack("a package that what is there suddenly requires", "unvetted", clients=CLIENTS)
def _below_an_old_one(world: World) -> None:
    old = world.tree.named("ms")
    world.install(replace(old, requires={EVIL.name: "^1.0.0"}), EVIL, group=None)


@attack("an upgrade within the range", "unvetted", clients=CLIENTS)
def _upgrade(world: World) -> None:
    world.install(replace(world.tree.named("left-pad"), version="1.3.1"), group=None)


@attack("a downgrade to a version with a hole", "unvetted", clients=CLIENTS)
def _downgrade(world: World) -> None:
    world.tree.manifest["dependencies"] = {"debug": "^4.3.4", "left-pad": "^1.0.0"}
    world.install(replace(world.tree.named("left-pad"), version="1.0.0"), group=None)


@attack("other bytes under the same version", "integrity", clients=CLIENTS)
def _other_bytes(world: World) -> None:
    world.install(replace(world.tree.named("left-pad"), content="evil"), group=None)


@attack("other bytes for what was vetted", "integrity", clients=CLIENTS, before=with_good)
def _other_bytes_than_vetted(world: World) -> None:
    world.install(replace(GOOD, content="evil"), group=None)


@attack("other bytes for what a note brings", "integrity", clients=CLIENTS, before=with_good)
def _other_bytes_than_brought(world: World) -> None:
    world.install(replace(BROUGHT, content="evil"), group=None)


@attack("a package locked before anything requires it", "lockfile-sync", "unvetted",
        clients=("npm", "pnpm", "bun"))  # fmt: skip
def _orphan(world: World) -> None:
    world.install(EVIL, group=None)


@attack("a package locked under a range that nothing requires", "lockfile-sync", "unvetted",
        clients=("yarn-classic", "yarn-berry"))  # fmt: skip
def _orphan_of_yarn(world: World) -> None:
    world.install(EVIL)
    del world.tree.manifest["dependencies"][EVIL.name]  # type: ignore[attr-defined]
    lockfile = world.read(world.lockfile)
    world.write_manifest()
    lockfile = lockfile.replace('    quietly-evil: "npm:^1.0.0"\n', "")
    world.write(world.lockfile, lockfile)


@attack("a manifest without its lockfile", "lockfile-sync", clients=CLIENTS)
def _manifest_only(world: World) -> None:
    world.json("package.json", lambda data: data["dependencies"].update({EVIL.name: "^1.0.0"}))


@attack("a manifest that moves a range away from what is locked", "lockfile-sync", clients=CLIENTS)
def _range_only(world: World) -> None:
    world.json("package.json", lambda data: data["dependencies"].update({"left-pad": "^2.0.0"}))


@attack("a manifest that turns to git, the lockfile left alone", "lockfile-sync", clients=CLIENTS)
def _manifest_to_git(world: World) -> None:
    url = "git+https://github.com/evil/left-pad.git"
    world.json("package.json", lambda data: data["dependencies"].update({"left-pad": url}))


@attack("a lockfile deleted", "lockfile-sync", clients=CLIENTS)
def _no_lockfile(world: World) -> None:
    world.remove(world.lockfile)


@attack("the lockfile of another client beside it", "lockfile-sync", clients=CLIENTS)
def _second_lockfile(world: World) -> None:
    other = "bun" if world.client != "bun" else "npm"
    world.write(NAMES[other], WRITERS[other](world.tree))


@attack("the client swapped together with its lockfile", "unvetted", clients=CLIENTS)
def _swapped_client(world: World) -> None:
    world.remove(world.lockfile)
    world.tree.manifest["packageManager"] = PINS["npm" if world.client != "npm" else "bun"]
    world.client = "npm" if world.client != "npm" else "bun"
    world.install(EVIL)


@attack("an empty lockfile", UNDECIDED, clients=("npm", "bun"))
def _empty_lockfile(world: World) -> None:
    world.write(world.lockfile, "")


@attack("a lockfile emptied of what the manifest requires", "lockfile-sync",
        clients=("yarn-classic", "yarn-berry", "pnpm"))  # fmt: skip
def _emptied_lockfile(world: World) -> None:
    heads = {
        "yarn-classic": "# yarn lockfile v1\n\n",
        "yarn-berry": "__metadata:\n  version: 8\n  cacheKey: 10c0\n",
        "pnpm": "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n",
    }
    world.write(world.lockfile, heads[world.client])


@attack("what comes from the registry locked as a folder", clients=("npm", "pnpm", "bun"))
def _as_folder(world: World) -> None:
    """pnpm 9 and Bun install what is there (tried)."""
    world.write("evil/package.json", '{"name": "left-pad", "version": "1.3.0"}\n')
    hash_ = world.tree.named("left-pad").integrity
    if world.client == "npm":
        link = {"resolved": "evil", "link": True}
        places = {"node_modules/left-pad": link, "evil": {"name": "left-pad", "version": "1.3.0"}}
        world.json(world.lockfile, lambda data: data["packages"].update(places))
    elif world.client == "pnpm":
        world.edit(world.lockfile, f"{{integrity: {hash_}}}", "{directory: evil, type: directory}")
    else:
        entry = f'["left-pad@1.3.0", "", {{}}, "{hash_}"]'
        world.edit(world.lockfile, entry, '["left-pad@file:evil", {}]')


@attack("pnpm: what comes from the registry locked as a program for each platform",
        clients=("pnpm",))  # fmt: skip
def _as_program(world: World) -> None:
    variant = (
        "{type: variations, variants: [{targets: [{os: linux, cpu: x64}], resolution: {type: "
        f"binary, url: 'https://evil.example/x.tgz', integrity: {EVIL.integrity}}}}}]}}"
    )
    found = f"{{integrity: {world.tree.named('left-pad').integrity}}}"
    world.edit(world.lockfile, found, variant)


@attack("what a package requires, no longer locked", "lockfile-sync",
        clients=("npm", "pnpm", "yarn-classic", "yarn-berry"))  # fmt: skip
def _not_locked(world: World) -> None:
    """An install that is not frozen takes the newest there is (``npm ci`` alone refuses)."""
    if world.client == "npm":
        world.json(world.lockfile, lambda data: data["packages"].pop("node_modules/ms"))
        return
    blocks = world.read(world.lockfile).split("\n\n")
    kept = [each for each in blocks if not each.strip(' \n"').startswith("ms@")]
    world.write(world.lockfile, "\n\n".join(kept))


@attack("a lockfile in the midst of a conflict", UNDECIDED, clients=CLIENTS)
def _conflict(world: World) -> None:
    text = world.read(world.lockfile)
    world.write(world.lockfile, f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> side\n")


# --- lockfile injection ------------------------------------------------------------------------


def resolved(world: World, name: str, url: str) -> None:
    """Change where npm or Yarn classic fetch a package."""
    package = world.tree.named(name)
    old = package.url("https://registry.yarnpkg.com/" if world.client == "yarn-classic" else
                      "https://registry.npmjs.org/")  # fmt: skip
    written = json.dumps(url, ensure_ascii=False)[1:-1] if world.client == "npm" else url
    world.edit(world.lockfile, old, written)


HOSTS: Final = {
    "another host": "https://evil.example/left-pad/-/left-pad-1.3.0.tgz",
    "plain http": "http://registry.npmjs.org/left-pad/-/left-pad-1.3.0.tgz",
    "a host that begins alike": "https://registry.npmjs.org.evil.example/left-pad/-/left-pad-1.3.0.tgz",
    "a host that ends alike": "https://evil-registry.npmjs.org/left-pad/-/left-pad-1.3.0.tgz",
    "the host as userinfo": "https://registry.npmjs.org@evil.example/left-pad/-/left-pad-1.3.0.tgz",
    "host and port as userinfo": "https://registry.npmjs.org:443@evil.example/left-pad/-/left-pad-1.3.0.tgz",
    "userinfo before the right host": "https://user:secret@registry.npmjs.org/left-pad/-/left-pad-1.3.0.tgz",
    "a backslash that ends the host": "https://evil.example\\@registry.npmjs.org/left-pad/-/left-pad-1.3.0.tgz",
    "another port": "https://registry.npmjs.org:8443/left-pad/-/left-pad-1.3.0.tgz",
    "a trailing dot": "https://registry.npmjs.org./left-pad/-/left-pad-1.3.0.tgz",
    "Cyrillic letters": "https://rеgistry.npmjs.org/left-pad/-/left-pad-1.3.0.tgz",
    "a tab in the scheme": "ht\ttps://evil.example/left-pad/-/left-pad-1.3.0.tgz",
    "no scheme": "//evil.example/left-pad/-/left-pad-1.3.0.tgz",
    "a fragment that hides the host": "https://evil.example#@registry.npmjs.org/left-pad/-/left-pad-1.3.0.tgz",
    "a query that hides the host": "https://evil.example?registry.npmjs.org/left-pad/-/left-pad-1.3.0.tgz",
    "another package's tarball": "https://registry.npmjs.org/evil/-/evil-1.3.0.tgz",
    "another version's tarball": "https://registry.npmjs.org/left-pad/-/left-pad-1.2.0.tgz",
    "another package's folder": "https://registry.npmjs.org/evil/-/left-pad-1.3.0.tgz",
    "a path that climbs": "https://registry.npmjs.org/left-pad/../evil/-/left-pad-1.3.0.tgz",
    "a path that climbs, encoded": "https://registry.npmjs.org/left-pad/%2e%2e/evil/-/left-pad-1.3.0.tgz",
    "a scoped package's tarball": "https://registry.npmjs.org/@evil/left-pad/-/left-pad-1.3.0.tgz",
    "an archive of GitHub's": "https://github.com/evil/left-pad/archive/main.tar.gz",
    "codeload": "https://codeload.github.com/evil/left-pad/tar.gz/0123456789abcdef0123456789abcdef01234567",
    "a git repository": "git+ssh://git@github.com/evil/left-pad.git#0123456789abcdef0123456789abcdef01234567",
    "a file": "file:evil.tgz",
    "an FTP server": "ftp://evil.example/left-pad/-/left-pad-1.3.0.tgz",
    "data": "data:application/gzip;base64,AAAA",
}


def _injection(url: str) -> Do:
    return lambda world: resolved(world, "left-pad", url)


for _words, _url in HOSTS.items():
    attack(f"lockfile injection: {_words}", "lockfile-source")(_injection(_url))
    if "\t" not in _url and "\\" not in _url:
        attack(f"lockfile injection: {_words}", "lockfile-source", clients=("yarn-classic",))(
            _injection(_url)
        )


def _vetted_injection(url: str) -> Do:
    def do(world: World) -> None:
        world.edit(world.lockfile, GOOD.url(), url)

    return do


for _words, _url in (
    ("another host", "https://evil.example/carefully-read/-/carefully-read-1.2.0.tgz"),
    ("another package", "https://registry.npmjs.org/evil/-/evil-1.2.0.tgz"),
):
    attack(f"lockfile injection into what was vetted: {_words}", "lockfile-source",
           before=with_good)(_vetted_injection(_url))  # fmt: skip


def _set_left_pad(key: str, value: object) -> Do:
    def do(world: World) -> None:
        def change(data: dict[str, dict[str, dict[str, object]]]) -> None:
            entry = data["packages"]["node_modules/left-pad"]
            if value is None:
                del entry[key]
            else:
                entry[key] = value

        world.json(world.lockfile, change)

    return do


_REAL: Final = Package(name="left-pad", version="1.3.0").integrity
_EVIL_HASH: Final = digest("evil")

attack("no hash any more", "integrity")(_set_left_pad("integrity", None))
attack("an empty hash", "integrity")(_set_left_pad("integrity", ""))
attack("a weak hash in its place", "integrity")(_set_left_pad("integrity", digest("x", "sha1")))
attack("two hashes", "integrity")(_set_left_pad("integrity", f"{_REAL} {_EVIL_HASH}"))
attack("two hashes, the evil one first", "integrity")(
    _set_left_pad("integrity", f"{_EVIL_HASH} {_REAL}")
)
attack("two hashes with a tab between", "integrity")(
    _set_left_pad("integrity", f"{_REAL}\t{_EVIL_HASH}")
)
attack("a hash with an option that is another hash", "integrity")(
    _set_left_pad("integrity", f"{_EVIL_HASH}?{_REAL}")
)
attack("a hash of an unknown algorithm", "integrity")(
    _set_left_pad("integrity", "sha999-" + base64.b64encode(b"x" * 64).decode())
)
attack("a strong evil hash beside a weaker real one", "integrity")(
    _set_left_pad("integrity", f"{digest('left-pad', 'sha256')} {_EVIL_HASH}")
)
attack("a name of another package", "unvetted")(_set_left_pad("name", EVIL.name))
attack("another version in the entry", "unvetted")(_set_left_pad("version", "1.3.1"))
attack("no version in the entry", "unvetted")(_set_left_pad("version", None))
attack("a version that is no version", "unvetted")(_set_left_pad("version", "latest"))
attack("a link to a folder in place of a package", UNDECIDED)(_set_left_pad("link", True))


@attack("a key twice in the lockfile", UNDECIDED)
def _duplicate_key(world: World) -> None:
    world.edit(
        world.lockfile,
        '    "node_modules/left-pad": {',
        '    "node_modules/left-pad": {"version": "9.9.9"},\n    "node_modules/left-pad": {',
    )


@attack("a key twice, once escaped", UNDECIDED)
def _duplicate_escaped_key(world: World) -> None:
    world.edit(
        world.lockfile,
        '    "node_modules/left-pad": {',
        '    "node_modules/left\\u002dpad": {"version": "9.9.9"},\n    "node_modules/left-pad": {',
    )


@attack("a place spelt with a detour", UNDECIDED)
def _detour(world: World) -> None:
    world.edit(world.lockfile, '"node_modules/left-pad"', '"node_modules/../node_modules/left-pad"')


@attack("a place outside the project", "lockfile-sync")
def _outside(world: World) -> None:
    world.edit(world.lockfile, '"node_modules/left-pad"', '"../../node_modules/left-pad"')


@attack("a nested copy of what is exempt, with other bytes", "unvetted")
def _nested_copy(world: World) -> None:
    evil = {"version": "9.9.9", "resolved": replace(EVIL, name="ms", version="9.9.9").url(),
            "integrity": _EVIL_HASH}  # fmt: skip
    world.json(
        world.lockfile,
        lambda data: data["packages"].update({"node_modules/debug/node_modules/ms": evil}),
    )


@attack("a nested copy of the same version with other bytes", "integrity")
def _nested_same_version(world: World) -> None:
    ms = world.tree.named("ms")
    evil = {"version": ms.version, "resolved": ms.url(), "integrity": _EVIL_HASH}
    world.json(
        world.lockfile,
        lambda data: data["packages"].update({"node_modules/debug/node_modules/ms": evil}),
    )


@attack("a bundled entry with a tarball of its own", "lockfile-source")
def _bundled_with_tarball(world: World) -> None:
    def change(data: dict[str, dict[str, dict[str, object]]]) -> None:
        data["packages"]["node_modules/debug"]["bundleDependencies"] = [EVIL.name]
        data["packages"]["node_modules/debug"]["dependencies"] = {
            "ms": "2.1.2", EVIL.name: "^1.0.0",
        }  # fmt: skip
        data["packages"][f"node_modules/debug/node_modules/{EVIL.name}"] = {
            "version": EVIL.version, "resolved": EVIL.url(), "integrity": EVIL.integrity,
            "inBundle": True,
        }  # fmt: skip

    world.json(world.lockfile, change)


@attack("a bundled entry that its exempt parent suddenly carries", "lockfile-source")
def _bundled_by_claim(world: World) -> None:
    """Without a tarball of its own npm fetches it from the registry where the parent has it not."""

    def change(data: dict[str, dict[str, dict[str, object]]]) -> None:
        data["packages"]["node_modules/debug/node_modules/" + EVIL.name] = {
            "version": EVIL.version, "inBundle": True,
        }  # fmt: skip

    world.json(world.lockfile, change)


def carried(world: World) -> None:
    """A package that another's tarball carries, as npm writes it."""

    def change(data: dict[str, dict[str, dict[str, object]]]) -> None:
        data["packages"]["node_modules/debug"]["bundleDependencies"] = [EVIL.name]
        data["packages"]["node_modules/debug/node_modules/" + EVIL.name] = {
            "version": EVIL.version, "inBundle": True,
        }  # fmt: skip

    world.json(world.lockfile, change)


@attack("what a tarball carried is left behind where it is carried no more", "lockfile-source",
        before=carried)  # fmt: skip
def _carried_no_more(world: World) -> None:
    world.json(
        world.lockfile,
        lambda data: data["packages"]["node_modules/debug"].pop("bundleDependencies"),
    )


@attack("what a tarball carries is once more where nothing carries it", "lockfile-source",
        before=carried)  # fmt: skip
def _carried_twice(world: World) -> None:
    world.json(
        world.lockfile,
        lambda data: data["packages"].update(
            {
                f"node_modules/ms/node_modules/{EVIL.name}": {
                    "version": EVIL.version,
                    "inBundle": True,
                }
            }
        ),
    )


def version_2(world: World) -> None:
    world.write(world.lockfile, npm_version_2(world.tree))


@attack("version 2's older half names another tarball", "lockfile-sync", before=version_2)
def _halves_disagree(world: World) -> None:
    url = "https://evil.example/left-pad/-/left-pad-1.3.0.tgz"
    world.json(
        world.lockfile, lambda data: data["dependencies"]["left-pad"].update({"resolved": url})
    )


@attack("version 2's older half names another hash", "lockfile-sync", before=version_2)
def _halves_hash(world: World) -> None:
    world.json(
        world.lockfile,
        lambda data: data["dependencies"]["left-pad"].update({"integrity": _EVIL_HASH}),
    )


@attack("version 2's older half has one package more", "lockfile-sync", before=version_2)
def _halves_more(world: World) -> None:
    extra = {"version": EVIL.version, "resolved": EVIL.url(), "integrity": EVIL.integrity}
    world.json(world.lockfile, lambda data: data["dependencies"].update({EVIL.name: extra}))


@attack("version 2's newer half has one package more", "unvetted", before=version_2)
def _newer_half_more(world: World) -> None:
    extra = {"version": EVIL.version, "resolved": EVIL.url(), "integrity": EVIL.integrity}
    world.json(
        world.lockfile,
        lambda data: data["packages"].update({f"node_modules/{EVIL.name}": extra}),
    )


@attack("a downgrade of the format that drops the newer half", "lockfile-source")
def _format_downgrade(world: World) -> None:
    def change(data: dict[str, object]) -> None:
        packages = data.pop("packages")
        assert isinstance(packages, dict)
        data["lockfileVersion"] = 1
        data["dependencies"] = entries = {
            place.removeprefix("node_modules/"): {
                key: entry[key] for key in ("version", "resolved", "integrity")
            }
            for place, entry in packages.items()
            if place
        }
        entries["left-pad"]["resolved"] = "https://evil.example/left-pad-1.3.0.tgz"

    world.json(world.lockfile, change)


@attack("a packages half under version 1, which npm 7 and later read all the same", "unvetted")
def _newer_half_of_version_1(world: World) -> None:
    older = json.loads(npm_version_2(world.tree))["dependencies"]
    world.install(EVIL)
    world.json(world.lockfile, lambda data: data.update(lockfileVersion=1, dependencies=older))
    world.git("restore", "package.json")


@attack("an older half under version 3, which npm 6 reads all the same", "lockfile-sync")
def _older_half_of_version_3(world: World) -> None:
    older = json.loads(npm_version_2(world.tree))["dependencies"]
    older["left-pad"]["resolved"] = "https://evil.example/left-pad/-/left-pad-1.3.0.tgz"
    world.json(world.lockfile, lambda data: data.update(dependencies=older))


@attack("an unknown format", UNDECIDED)
def _format_unknown(world: World) -> None:
    world.edit(world.lockfile, '"lockfileVersion": 3', '"lockfileVersion": 5')


@attack("a shrinkwrap that shadows the lockfile", "lockfile-sync", "unvetted")
def _shrinkwrap(world: World) -> None:
    kept = world.read("package.json"), world.read(world.lockfile)
    world.install(EVIL)
    world.write("npm-shrinkwrap.json", world.read(world.lockfile))
    world.write("package.json", kept[0])
    world.write(world.lockfile, kept[1])


@attack("a hidden lockfile in node_modules", "lockfile-source")
def _hidden_lockfile(world: World) -> None:
    world.write("node_modules/.package-lock.json", world.read(world.lockfile))


# --- pnpm, Yarn and Bun ------------------------------------------------------------------------


@attack("pnpm: a tarball of another host", "lockfile-source", clients=("pnpm",))
def _pnpm_tarball(world: World) -> None:
    integrity = world.tree.named("left-pad").integrity
    world.edit(
        world.lockfile,
        f"{{integrity: {integrity}}}",
        f"{{integrity: {integrity}, tarball: https://evil.example/left-pad-1.3.0.tgz}}",
    )


@attack("pnpm: a tarball of another host, without a hash", "integrity", "lockfile-source",
        clients=("pnpm",))  # fmt: skip
def _pnpm_tarball_alone(world: World) -> None:
    world.edit(
        world.lockfile,
        f"{{integrity: {world.tree.named('left-pad').integrity}}}",
        "{tarball: https://evil.example/left-pad-1.3.0.tgz}",
    )


@attack("pnpm: two hashes", "integrity", clients=("pnpm",))
def _pnpm_two_hashes(world: World) -> None:
    integrity = world.tree.named("left-pad").integrity
    world.edit(world.lockfile, f"{{integrity: {integrity}}}",
               f"{{integrity: '{integrity} {_EVIL_HASH}'}}")  # fmt: skip


@attack("pnpm: a git repository in a package's place", "unvetted", clients=("pnpm",))
def _pnpm_git(world: World) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    url = f"https://codeload.github.com/evil/left-pad/tar.gz/{commit}"
    text = world.read(world.lockfile)
    text = text.replace("        version: 1.3.0\n", f"        version: {url}\n")
    text = text.replace("        specifier: ^1.3.0\n", "        specifier: github:evil/left-pad\n")
    text = text.replace("  left-pad@1.3.0:\n    resolution: {integrity: "
                        f"{world.tree.named('left-pad').integrity}}}\n",
                        f"  left-pad@{url}:\n    resolution: {{tarball: {url}}}\n"
                        "    version: 1.3.0\n")  # fmt: skip
    text = text.replace("  left-pad@1.3.0: {}\n", f"  left-pad@{url}: {{}}\n")
    world.write(world.lockfile, text)
    world.json(
        "package.json",
        lambda data: data["dependencies"].update({"left-pad": "github:evil/left-pad"}),
    )


@attack("pnpm: a config dependency, which is installed first of all", clients=("pnpm",))
def _pnpm_config_dependency(world: World) -> None:
    world.append(
        "pnpm-workspace.yaml",
        f"configDependencies:\n  {EVIL.name}: 1.0.0+{EVIL.integrity}\n",
    )


@attack("pnpm: an override that redirects", "lockfile-sync", clients=("pnpm",))
def _pnpm_override(world: World) -> None:
    world.append("pnpm-workspace.yaml", "overrides:\n  left-pad: npm:quietly-evil@1.0.0\n")


@attack("pnpm: an override that redirects, locked", "unvetted", clients=("pnpm",))
def _pnpm_override_locked(world: World) -> None:
    world.append("pnpm-workspace.yaml", "overrides:\n  left-pad: npm:quietly-evil@1.0.0\n")
    text = world.read(world.lockfile).replace(
        "importers:", "overrides:\n  left-pad: npm:quietly-evil@1.0.0\n\nimporters:"
    )
    text = text.replace("        specifier: ^1.3.0\n        version: 1.3.0\n",
                        "        specifier: npm:quietly-evil@1.0.0\n"
                        "        version: quietly-evil@1.0.0\n")  # fmt: skip
    text = text.replace(world.tree.named("left-pad").integrity, EVIL.integrity)
    world.write(world.lockfile, text.replace("  left-pad@1.3.0:", "  quietly-evil@1.0.0:"))


@attack("a package manager from a URL", "client-settings",
        clients=("yarn-classic", "yarn-berry", "pnpm"))  # fmt: skip
def _manager_by_url(world: World) -> None:
    program = PINS[world.client].partition("@")[0]
    world.json("package.json",
               lambda data: data.update(packageManager=f"{program}@https://evil.example/m.js"))  # fmt: skip


@attack("corepack told to fetch the package manager elsewhere", "client-settings",
        clients=("yarn-classic", "yarn-berry", "pnpm"))  # fmt: skip
def _corepack(world: World) -> None:
    world.write(".corepack.env", "COREPACK_NPM_REGISTRY=https://evil.example/\n")


@attack("pnpm: an older version by devEngines, which pnpm 11 and 12 heed", "ignore-scripts",
        clients=("pnpm",))  # fmt: skip
def _older_by_engines(world: World) -> None:
    asked = {"packageManager": {"name": "pnpm", "version": "9.15.0", "onFail": "download"}}
    world.json("package.json", lambda data: data.update(devEngines=asked))


@attack("pnpm: a pnpmfile", "client-settings", clients=("pnpm",))
def _pnpmfile(world: World) -> None:
    world.write(".pnpmfile.cjs", "module.exports = {hooks: {readPackage: p => p}}\n")


@attack("Yarn berry: a plugin", "client-settings", clients=("yarn-berry",))
def _berry_plugin(world: World) -> None:
    world.append(".yarnrc.yml", "plugins:\n  - ./evil.cjs\n")


@attack("Yarn berry: another Yarn", "client-settings", clients=("yarn-berry",))
def _berry_path(world: World) -> None:
    world.append(".yarnrc.yml", "yarnPath: ./evil.cjs\n")


@attack("Yarn berry: checksums are not looked at", "client-settings", clients=("yarn-berry",))
def _berry_checksums(world: World) -> None:
    world.append(".yarnrc.yml", "checksumBehavior: ignore\n")


@attack("Yarn berry: no checksum any more", "integrity", clients=("yarn-berry",))
def _berry_no_checksum(world: World) -> None:
    world.edit(world.lockfile, f"  checksum: {world.tree.named('left-pad').checksum}\n", "")


@attack("Yarn berry: a resolution to another package", "unvetted", clients=("yarn-berry",))
def _berry_resolution(world: World) -> None:
    world.edit(
        world.lockfile,
        '  resolution: "left-pad@npm:1.3.0"\n',
        '  resolution: "quietly-evil@npm:1.3.0"\n',
    )


@attack("Yarn berry: an archive of another host", "lockfile-source", clients=("yarn-berry",))
def _berry_archive(world: World) -> None:
    url = "https%3A%2F%2Fevil.example%2Fleft-pad-1.3.0.tgz"
    world.edit(
        world.lockfile,
        '  resolution: "left-pad@npm:1.3.0"\n',
        f'  resolution: "left-pad@npm:1.3.0::__archiveUrl={url}"\n',
    )


@attack("Yarn classic: no hash any more", "integrity", clients=("yarn-classic",))
def _classic_no_hash(world: World) -> None:
    world.edit(world.lockfile, f"  integrity {world.tree.named('left-pad').integrity}\n", "")


@attack("Yarn classic: no hash at all", "integrity", clients=("yarn-classic",))
def _classic_nothing(world: World) -> None:
    left_pad = world.tree.named("left-pad")
    text = world.read(world.lockfile).replace(f"  integrity {left_pad.integrity}\n", "")
    head, _, tail = text.partition(left_pad.url("https://registry.yarnpkg.com/"))
    world.write(world.lockfile, head + left_pad.url("https://registry.yarnpkg.com/") + tail[41:])


@attack("Yarn classic: two hashes", "integrity", clients=("yarn-classic",))
def _classic_two(world: World) -> None:
    real = world.tree.named("left-pad").integrity
    world.edit(world.lockfile, f"integrity {real}", f'integrity "{real} {_EVIL_HASH}"')


@attack("Yarn classic: another Yarn", "client-settings", clients=("yarn-classic",))
def _classic_path(world: World) -> None:
    world.append(".yarnrc", 'yarn-path "./evil.cjs"\n')


@attack("Yarn classic: a registry of an attacker's", "client-settings", clients=("yarn-classic",))
def _classic_registry(world: World) -> None:
    world.append(".yarnrc", 'registry "https://evil.example/"\n')


@attack("Bun: a registry in the lockfile", "lockfile-source", clients=("bun",))
def _bun_registry(world: World) -> None:
    world.edit(
        world.lockfile,
        '["left-pad@1.3.0", ""',
        '["left-pad@1.3.0", "https://evil.example/left-pad-1.3.0.tgz"',
    )


@attack("Bun: a name of another package", "unvetted", clients=("bun",))
def _bun_alias(world: World) -> None:
    world.edit(world.lockfile, '["left-pad@1.3.0"', '["quietly-evil@1.3.0"')


@attack("Bun: no hash any more", "integrity", clients=("bun",))
def _bun_no_hash(world: World) -> None:
    world.edit(world.lockfile, f'"{world.tree.named("left-pad").integrity}"', '""')


@attack("Bun: two hashes", "integrity", clients=("bun",))
def _bun_two(world: World) -> None:
    real = world.tree.named("left-pad").integrity
    world.edit(world.lockfile, f'"{real}"', f'"{real} {_EVIL_HASH}"')


@attack("Bun: a preload", "client-settings", clients=("bun",))
def _bun_preload(world: World) -> None:
    world.write("bunfig.toml", 'preload = ["./evil.ts"]\n')


@attack("Bun: the binary lockfile in its place", clients=("bun",))
def _bun_binary(world: World) -> None:
    world.remove("bun.lock")
    world.write("bun.lockb", b"#!/usr/bin/env bun\nbun-lockfile-format-v0\n" + b"\0" * 64)


@attack("Bun: the binary lockfile beside it", "lockfile-sync", clients=("bun",))
def _bun_both(world: World) -> None:
    world.write("bun.lockb", b"#!/usr/bin/env bun\nbun-lockfile-format-v0\n" + b"\0" * 64)


# --- aliases, overrides, git, confusion ---------------------------------------------------------


@attack("an alias that redirects a trusted name", "unvetted")
def _alias(world: World) -> None:
    spec = "npm:quietly-evil@^1.0.0"

    def lock(data: dict[str, dict[str, dict[str, object]]]) -> None:
        entry = data["packages"]["node_modules/left-pad"]
        entry.update(name=EVIL.name, version=EVIL.version, resolved=EVIL.url(),
                     integrity=EVIL.integrity)  # fmt: skip
        asked = data["packages"][""]["dependencies"]
        assert isinstance(asked, dict)
        asked["left-pad"] = spec

    world.json("package.json", lambda data: data["dependencies"].update({"left-pad": spec}))
    world.json(world.lockfile, lock)


@attack("an override that redirects", "unvetted")
def _override(world: World) -> None:
    def lock(data: dict[str, dict[str, dict[str, object]]]) -> None:
        data["packages"]["node_modules/ms"].update(
            name=EVIL.name, version=EVIL.version, resolved=EVIL.url(), integrity=EVIL.integrity
        )

    world.json("package.json", lambda d: d.update(overrides={"ms": "npm:quietly-evil@1.0.0"}))
    world.json(world.lockfile, lock)


@attack("a resolution that redirects", "lockfile-sync",
        clients=("yarn-classic", "yarn-berry"))  # fmt: skip
def _resolutions(world: World) -> None:
    world.json(
        "package.json", lambda data: data.update(resolutions={"ms": "npm:quietly-evil@1.0.0"})
    )


@attack("Bun: an override that redirects", "lockfile-sync", clients=("bun",))
def _bun_override(world: World) -> None:
    world.json("package.json", lambda data: data.update(overrides={"ms": "npm:quietly-evil@1.0.0"}))


@attack("a git dependency, which may carry its own .npmrc", "unvetted", "lockfile-source")
def _git_dependency(world: World) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    spec = "github:evil/quietly-evil"

    def lock(data: dict[str, dict[str, dict[str, object]]]) -> None:
        data["packages"][f"node_modules/{EVIL.name}"] = {
            "version": "1.0.0",
            "resolved": f"git+ssh://git@github.com/evil/quietly-evil.git#{commit}",
            "integrity": EVIL.integrity,
        }
        asked = data["packages"][""]["dependencies"]
        assert isinstance(asked, dict)
        asked[EVIL.name] = spec

    world.json("package.json", lambda data: data["dependencies"].update({EVIL.name: spec}))
    world.json(world.lockfile, lock)


FIRST_PARTY: Final = """
[[first-party]]
scopes = ["@acme"]
registry = "https://npm.acme.example/"
"""
OURS: Final = Package(name="@acme/billing", version="9.9.9")


def with_first_party(world: World) -> None:
    world.append(".vetting/config.toml", FIRST_PARTY)


@attack("what a note covers, fetched from another host", "lockfile-source",
        clients=("npm", "yarn-classic", "pnpm", "bun"))  # fmt: skip
def _noted_from_elsewhere(world: World) -> None:
    """The note's hash is the registry's: no one accepted this source."""
    with_good(world)
    url = "https://evil.example/brought-along-2.0.1.tgz"
    if world.client == "pnpm":
        own = f"{{integrity: {BROUGHT.integrity}"
        world.edit(world.lockfile, own, f"{own}, tarball: '{url}'")
    elif world.client == "bun":
        world.edit(world.lockfile, '["brought-along@2.0.1", ""', f'["brought-along@2.0.1", "{url}"')
    else:
        known = BROUGHT.url(YARN_REGISTRY if world.client == "yarn-classic" else REGISTRY)
        world.edit(world.lockfile, known, url)


def _tool_at(world: World, commit: str) -> Package:
    tool = Package(name="tool", version="1.0.0")
    source = f"git+ssh://git@github.com/acme/tool.git#{commit}"
    entry = {"version": "1.0.0", "resolved": source, "integrity": tool.integrity}

    def lock(data: dict[str, dict[str, dict[str, object]]]) -> None:
        data["packages"]["node_modules/tool"] = dict(entry)
        asked = data["packages"][""]["dependencies"]
        assert isinstance(asked, dict)
        asked["tool"] = "github:acme/tool"

    world.json("package.json", lambda data: data["dependencies"].update(tool="github:acme/tool"))
    world.json(world.lockfile, lock)
    return tool


def with_git_dependency(world: World) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    tool = _tool_at(world, commit)
    world.write_note(tool, resolved=f"git+ssh://git@github.com/acme/tool.git#{commit}")


@attack("a git dependency moved to another commit under the noted hash", "lockfile-source",
        before=with_git_dependency)  # fmt: skip
def _moved_commit(world: World) -> None:
    """npm holds what it clones against no hash."""
    _tool_at(world, "76543210fedcba9876543210fedcba9876543210")


@attack("a git dependency that is whatever its branch is, with a note", "lockfile-source",
        clients=("npm", "yarn-classic"))  # fmt: skip
def _unpinned(world: World) -> None:
    spec, source = "github:acme/tool#main", "git+ssh://git@github.com/acme/tool.git#main"
    entry = {"version": "1.0.0", "resolved": source}
    world.json("package.json", lambda data: data["dependencies"].update(tool=spec))
    if world.client == "npm":
        world.json(
            world.lockfile, lambda data: data["packages"].update({"node_modules/tool": entry})
        )
        world.json(world.lockfile,
                   lambda data: data["packages"][""]["dependencies"].update(tool=spec))  # fmt: skip
    else:
        lines = f'\n"tool@{spec}":\n  version "1.0.0"\n  resolved "{source}"\n'
        world.append(world.lockfile, lines)
    world.write_note(Package(name="tool", version="1.0.0"), integrity=None, resolved=source)


@attack("dependency confusion: a name of ours from the public registry", "lockfile-source",
        clients=CLIENTS, before=with_first_party)  # fmt: skip
def _confusion(world: World) -> None:
    world.install(OURS)


# --- settings ----------------------------------------------------------------------------------

SETTINGS: Final = {
    "npm": (".npmrc", "ignore-scripts=true", "ignore-scripts=false"),
    "yarn-classic": (".yarnrc", "ignore-scripts true", "ignore-scripts false"),
    "yarn-berry": (".yarnrc.yml", "enableScripts: false", "enableScripts: true"),
}


@attack("the switch deleted", "ignore-scripts", clients=tuple(SETTINGS))
def _settings_deleted(world: World) -> None:
    world.remove(SETTINGS[world.client][0])


@attack("the switch turned", "ignore-scripts", clients=tuple(SETTINGS))
def _settings_turned(world: World) -> None:
    world.edit(*SETTINGS[world.client])


@attack("the switch said a second time, otherwise", "ignore-scripts", clients=("npm",))
def _settings_twice(world: World) -> None:
    world.append(".npmrc", "\nignore-scripts=false\n")


@attack("the switch shadowed by a section", "ignore-scripts")
def _settings_section(world: World) -> None:
    world.write(".npmrc", "[section]\n" + world.read(".npmrc"))


@attack("the switch left to the environment", "ignore-scripts")
def _settings_environment(world: World) -> None:
    world.edit(".npmrc", "ignore-scripts=true", "ignore-scripts=${IGNORE}")


@attack("the switch commented out", "ignore-scripts")
def _settings_commented(world: World) -> None:
    world.edit(".npmrc", "ignore-scripts=true", ";ignore-scripts=true")


@attack("the switch with an invisible character", "ignore-scripts")
def _settings_invisible(world: World) -> None:
    world.edit(".npmrc", "ignore-scripts=true", "ignore-\u200bscripts=true")


@attack("the switch in UTF-16", "ignore-scripts")
def _settings_encoding(world: World) -> None:
    world.write(".npmrc", "ignore-scripts=true\n".encode("utf-16"))


@attack("an .npmrc that is a folder", "ignore-scripts")
def _settings_folder(world: World) -> None:
    world.remove(".npmrc")
    world.write(".npmrc/README", "gone\n")


@attack("the settings deleted and the manifest moved", "ignore-scripts")
def _moved_without_settings(world: World) -> None:
    for name in ("package.json", world.lockfile):
        text = world.read(name)
        world.remove(name)
        world.write(f"app/{name}", text)
    world.remove(".npmrc")


@attack("the settings left behind when the manifest moves", "ignore-scripts")
def _moved_away_from_settings(world: World) -> None:
    for name in ("package.json", world.lockfile):
        text = world.read(name)
        world.remove(name)
        world.write(f"app/{name}", text)


NPMRC: Final = {
    "a registry of an attacker's": "registry=https://evil.example/\n",
    "a plain-http registry": "registry=http://registry.npmjs.org/\n",
    "a scope's registry": "@acme:registry=https://evil.example/\n",
    "a program for git": "git=./evil.sh\n",
    "a shell for scripts": "script-shell=./evil.sh\n",
    "a node-gyp": "node-gyp=./evil.js\n",
    "TLS switched off": "strict-ssl=false\n",
    "a literal token": "//registry.npmjs.org/:_authToken=npm_abcdefghijklmnopqrstuvwxyz0123456789\n",
    "a prefix": "prefix=./evil\n",
    "options for Node": "node-options=--require ./evil.js\n",
    "a user configuration": "userconfig=./evil.npmrc\n",
    "a global configuration": "globalconfig=./evil.npmrc\n",
}


def _appended(path: str, text: str) -> Do:
    return lambda world: world.append(path, "\n" + text)


for _words, _text in NPMRC.items():
    attack(f".npmrc: {_words}", "client-settings")(_appended(".npmrc", _text))


@attack("allow-lists edited: allowScripts", "install-scripts", clients=("npm",))
def _allow_scripts(world: World) -> None:
    world.install(GOOD, BROUGHT)
    good_note(world)
    world.json("package.json", lambda data: data.update(allowScripts={GOOD.name: True}))


@attack("allow-lists edited: trustedDependencies", "install-scripts", clients=("bun",))
def _trusted(world: World) -> None:
    world.install(GOOD, BROUGHT)
    good_note(world)
    world.json("package.json", lambda data: data.update(trustedDependencies=[GOOD.name]))


@attack("allow-lists edited: allowBuilds", "install-scripts", clients=("pnpm",))
def _allow_builds(world: World) -> None:
    world.install(GOOD, BROUGHT)
    good_note(world)
    world.append("pnpm-workspace.yaml", f"allowBuilds:\n  {GOOD.name}: true\n")


@attack("allow-lists edited: onlyBuiltDependencies", "install-scripts", clients=("pnpm",))
def _only_built(world: World) -> None:
    world.install(GOOD, BROUGHT)
    good_note(world)
    world.append("pnpm-workspace.yaml", f"onlyBuiltDependencies:\n  - {GOOD.name}\n")


@attack("every build allowed", clients=("pnpm",))
def _all_builds(world: World) -> None:
    world.append("pnpm-workspace.yaml", "dangerouslyAllowAllBuilds: true\n")


@attack("allow-lists edited: dependenciesMeta", "install-scripts", clients=("yarn-berry",))
def _dependencies_meta(world: World) -> None:
    world.install(GOOD, BROUGHT)
    good_note(world)
    world.json(
        "package.json", lambda data: data.update(dependenciesMeta={GOOD.name: {"built": True}})
    )


# --- install commands ---------------------------------------------------------------------------


@attack("a CI step that turns scripts on", "install-command")
def _workflow(world: World) -> None:
    world.write(
        ".github/workflows/ci.yml",
        "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - uses: actions/checkout@v4\n      - run: npm ci --ignore-scripts=false\n",
    )


@attack("an image without the settings", "install-command")
def _image(world: World) -> None:
    world.write("Dockerfile", "FROM node:22\nCOPY package*.json ./\nRUN npm ci\n")


# --- notes ---------------------------------------------------------------------------------------


@attack("a note for other bytes", "integrity", clients=CLIENTS)
def _note_for_other_bytes(world: World) -> None:
    world.install(EVIL)
    world.write_note(replace(EVIL, content="what was read"))


@attack("a note of another version", "unvetted", clients=CLIENTS)
def _note_of_other_version(world: World) -> None:
    world.install(EVIL)
    world.write_note(replace(EVIL, version="0.9.0"))


@attack("a note copied to another package's folder", "unvetted", "notes", before=with_good)
def _note_copied(world: World) -> None:
    world.install(EVIL)
    text = world.read(f".vetting/notes/{GOOD.name}/{GOOD.version}.toml")
    world.write(f".vetting/notes/{EVIL.name}/{EVIL.version}.toml", text)


@attack("a note moved to another package's folder", "notes", before=with_good)
def _note_moved(world: World) -> None:
    path = f".vetting/notes/{GOOD.name}/{GOOD.version}.toml"
    text = world.read(path)
    world.remove(path)
    world.write(f".vetting/notes/{EVIL.name}/{EVIL.version}.toml", text)


@attack("a note copied for another version", "integrity", before=with_good)
def _note_of_next_version(world: World) -> None:
    world.install(GOOD_FIXED, group=None)
    text = world.read(f".vetting/notes/{GOOD.name}/{GOOD.version}.toml")
    world.write(
        f".vetting/notes/{GOOD.name}/{GOOD_FIXED.version}.toml",
        text.replace('"1.2.0"', '"1.2.1"'),
    )


@attack("a note of no words", "notes")
def _note_empty(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, why="LGTM")


@attack("a note of nobody", "notes")
def _note_of_nobody(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, vetted_by=" ")


@attack("a note of invisible words", "notes")
def _note_invisible(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, why="\u200b\u2060\u00ad")


@attack("a note without a hash", "notes", "unvetted")
def _note_unbound(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, integrity=None)


@attack("a note with two hashes", "integrity")
def _note_two_hashes(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, integrity=f"{_EVIL_HASH} {digest('other')}")


@attack("a note bound by a source alone", "integrity")
def _note_by_source(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, integrity=None, resolved=EVIL.url())


@attack("a note bound by a checksum of another client's", "unvetted")
def _note_by_checksum(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, integrity=None, checksum="10c0/" + "0" * 128)


@attack("a note bound by a weak hash", "integrity")
def _note_by_weak_hash(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, integrity=digest("x", "sha1"))


@attack("a note with an unknown criterion", "notes", "unvetted")
def _note_unknown_criterion(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, criteria=["helth"])


@attack("a note that lacks what the policy asks of a new package", "unvetted")
def _note_lacks_criteria(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, criteria=["changelog"])


@attack("a delta from a version that was never vetted", "unvetted", "notes")
def _note_out_of_chain(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, criteria=["changelog"], **{"from": "0.9.0"})


@attack("a delta from itself", "unvetted", "notes")
def _note_from_itself(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, criteria=["changelog"], **{"from": EVIL.version})


@attack("two deltas from each other", "unvetted", "notes")
def _note_circle(world: World) -> None:
    world.install(EVIL)
    other = replace(EVIL, version="1.0.1")
    world.write_note(EVIL, criteria=["changelog"], **{"from": other.version})
    world.write_note(other, criteria=["changelog"], **{"from": EVIL.version})


@attack("a delta that calls a new package an upgrade, from a note of the same commit's hand",
        "unvetted")  # fmt: skip
def _note_fake_base(world: World) -> None:
    """The base's note lacks what a new package needs, so the delta is on nothing."""
    world.install(EVIL)
    world.write_note(EVIL, criteria=["changelog"], **{"from": "0.9.0"})
    world.write_note(replace(EVIL, version="0.9.0"), criteria=["changelog"])


@attack("a note widened to another package", "unvetted", before=with_good)
def _note_widened(world: World) -> None:
    """``brings`` covers what is not direct."""
    world.install(EVIL)
    path = f".vetting/notes/{GOOD.name}/{GOOD.version}.toml"
    bound = {"package": EVIL.label, "integrity": EVIL.integrity}
    world.write(path, note_text(GOOD, brings=[_list_bringing(world), bound]))


@attack("a note deleted that the lockfile needs", "notes", clients=CLIENTS, before=with_good)
def _note_deleted(world: World) -> None:
    world.remove(f".vetting/notes/{GOOD.name}/{GOOD.version}.toml")


@attack("a note deleted together with the words of what it brought", "notes", before=with_good)
def _note_narrowed(world: World) -> None:
    world.write_note(GOOD)


@attack("a note whose criteria shrink", "notes", before=with_good)
def _note_criteria_shrink(world: World) -> None:
    good_note(world, criteria=["changelog"])


@attack("a note broken on purpose", "notes", before=with_good)
def _note_broken(world: World) -> None:
    world.append(f".vetting/notes/{GOOD.name}/{GOOD.version}.toml", "\nthis is = = no TOML\n")


@attack("a transitive package promoted to direct", "unvetted", clients=CLIENTS, before=with_good)
def _promoted(world: World) -> None:
    asked = dict(world.tree.asked("dependencies"))
    world.tree.manifest["dependencies"] = dict(sorted({**asked, BROUGHT.name: "^2.0.0"}.items()))
    world.write_project()


def _young(hours: int) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=hours)


@attack("a version of two hours ago, noted in a hurry", "cooldown", clients=CLIENTS)
def _young_version(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, published=_young(2), vetted_on=_young(0).date())


@attack("a version whose time of publication is not told", "cooldown")
def _ageless(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, published=None, vetted_on=_young(0).date())


@attack("a version published in the future", "cooldown")
def _future(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, published=_young(-48), vetted_on=_young(0).date())


@attack("a waiver of no words", "notes")
def _waiver_empty(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL, published=_young(2), cooldown_waiver="ok")


@attack("a scripted package whose note is silent on scripts", "install-scripts",
        clients=("npm",))  # fmt: skip
def _silent_on_scripts(world: World) -> None:
    world.install(replace(EVIL, scripts=True))
    world.write_note(EVIL)


@attack("a scripted package that a note brings without its scripts", "install-scripts")
def _brought_with_scripts(world: World) -> None:
    world.install(GOOD, replace(BROUGHT, scripts=True))
    good_note(world, criteria=["health", "scripts"])


@attack("a typosquat with a note", "lookalike", clients=CLIENTS)
def _typosquat(world: World) -> None:
    squat = Package(name="crossenv", version="6.1.1")
    world.install(squat)
    world.write_note(squat)


@attack("a look-alike of what the project uses, with a note", "lookalike", clients=CLIENTS)
def _lookalike_of_used(world: World) -> None:
    squat = Package(name="leftpad", version="1.3.0")
    world.install(squat)
    world.write_note(squat)


@attack("a name in letters of another script", clients=("npm", "bun"))
def _unicode_name(world: World) -> None:
    world.install(Package(name="dеbug", version="4.3.4"))  # a Cyrillic е


@attack("a very long name")
def _long_name(world: World) -> None:
    world.install(Package(name="a" * 5000, version="1.0.0"))


@attack("a name that leads out of the notes' folder")
def _climbing_name(world: World) -> None:
    world.install(Package(name="../../../etc/passwd", version="1.0.0"))


@attack("a file among the notes that is none", "notes")
def _no_note(world: World) -> None:
    world.write(".vetting/notes/quietly-evil/1.0.0.yaml", "package: quietly-evil\n")


# --- policy ---------------------------------------------------------------------------------------


def _exemption(package: Package) -> str:
    return f"{package.label} {package.integrity} - because\n"


@attack("an exemption in the change that needs it", "policy", "unvetted")
def _exempted_at_once(world: World) -> None:
    world.install(EVIL)
    world.append(".vetting/exemptions.txt", _exemption(EVIL))


@attack("an exemption turned to other bytes", "policy", "integrity")
def _exemption_other_bytes(world: World) -> None:
    old = world.tree.named("left-pad")
    new = replace(old, content="evil")
    world.install(new, group=None)
    world.edit(".vetting/exemptions.txt", old.integrity, new.integrity)


@attack("an exemption taken away that the lockfile needs", "notes", clients=CLIENTS)
def _exemption_deleted(world: World) -> None:
    lines = world.read(".vetting/exemptions.txt").splitlines(keepends=True)
    world.write(
        ".vetting/exemptions.txt",
        "".join(line for line in lines if not line.startswith("left-pad@")),
    )


CONFIGS: Final = {
    "a cooldown of no days": ("cooldown-days = 7", "cooldown-days = 0"),
    "no criteria": ('new = ["health"]', "new = []"),
    "transitive packages ignored": ('transitive = "accepted"', 'transitive = "ignore"'),
    "another registry": (
        'allowed = ["https://registry.npmjs.org/"]',
        'allowed = ["https://registry.npmjs.org/", "https://evil.example/"]',
    ),
    "everything excluded": ("format = 2", 'format = 2\n[[exclude]]\npath = "**"\nreason = "all"\n'),
    "the check ignored": (
        "format = 2",
        'format = 2\n[[ignore]]\ncheck = "unvetted"\npath = "**"\nreason = "all"\n',
    ),
    "its owner made one of ours": (
        "format = 2",
        'format = 2\n[[first-party]]\nscopes = ["@evil"]\nregistry = "https://registry.npmjs.org/"\n',
    ),
    "a looser rule for development": (
        "[registries]",
        '[policy.development]\nnew = []\ntransitive = "ignore"\ncooldown-days = 0\n\n[registries]',
    ),
}


def _weakened(old: str, new: str) -> Do:
    def do(world: World) -> None:
        world.install(EVIL)
        world.edit(".vetting/config.toml", old, new)

    return do


for _words, (_old, _new) in CONFIGS.items():
    attack(f"the policy weakened in the change that needs it: {_words}", "policy", "unvetted")(
        _weakened(_old, _new)
    )


def with_lax_development(world: World) -> None:
    """What only development needs is taken in with less."""
    world.append(
        ".vetting/config.toml", '\n[policy.development]\nnew = ["changelog"]\ncooldown-days = 0\n'
    )
    world.commit("Ask for less in development")
    world.install(EVIL, group="devDependencies")
    world.write_note(EVIL, criteria=["changelog"])


@attack("moved from development to production", "unvetted", clients=CLIENTS,
        before=with_lax_development)  # fmt: skip
def _to_production(world: World) -> None:
    development = dict(world.tree.asked("devDependencies"))
    spec = development.pop(EVIL.name)
    world.tree.manifest["devDependencies"] = development
    world.tree.manifest["dependencies"] = {**world.tree.asked("dependencies"), EVIL.name: spec}
    world.write_project()


@attack("required by what is shipped, no longer by development alone", "unvetted",
        clients=CLIENTS, before=with_lax_development)  # fmt: skip
def _to_production_below(world: World) -> None:
    world.install(replace(world.tree.named("ms"), requires={EVIL.name: "^1.0.0"}), group=None)


def with_deny(world: World) -> None:
    world.append(
        ".vetting/config.toml",
        f'\n[[deny]]\npackage = "{EVIL.name}"\nreason = "known to be bad"\n',
    )


@attack("a denied package with a note", "notes", clients=CLIENTS, before=with_deny)
def _denied(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL)


@attack("a denied package, its entry taken out", "notes", "policy", before=with_deny)
def _denied_no_more(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL)
    text = world.read(".vetting/config.toml")
    world.write(".vetting/config.toml", text.partition("\n[[deny]]")[0])


@attack("a denied package behind an alias", "notes", before=with_deny)
def _denied_alias(world: World) -> None:
    _alias(world)
    world.write_note(EVIL)


@attack(".vetting/ deleted with the change that needs it", "policy", "unvetted", clients=CLIENTS)
def _vetting_deleted(world: World) -> None:
    world.install(EVIL)
    world.remove(".vetting")


@attack(".vetting/ deleted with another file", "policy")
def _vetting_deleted_quietly(world: World) -> None:
    world.remove(".vetting")
    world.write("src/index.js", "1\n")


@attack(".vetting as a symbolic link")
def _vetting_symlink(world: World) -> None:
    (world.path / ".vetting").rename(world.path / "elsewhere")
    (world.path / ".vetting").symlink_to("elsewhere")
    world.install(EVIL)


@attack(".vetting as a file")
def _vetting_file(world: World) -> None:
    world.remove(".vetting")
    world.write(".vetting", "nothing\n")
    world.install(EVIL)


@attack("config.toml as a symbolic link")
def _config_symlink(world: World) -> None:
    world.remove(".vetting/config.toml")
    world.write("lax.toml", "[policy]\nnew = []\n")
    (world.path / ".vetting/config.toml").symlink_to("../lax.toml")
    world.install(EVIL)


@attack("a note as a symbolic link")
def _note_symlink(world: World) -> None:
    world.install(EVIL)
    world.write("note.toml", note_text(EVIL))
    folder = world.path / ".vetting/notes" / EVIL.name
    folder.mkdir(parents=True)
    (folder / "1.0.0.toml").symlink_to("../../../note.toml")


@attack("the notes' folder as a symbolic link", before=with_good)
def _notes_symlink(world: World) -> None:
    (world.path / ".vetting/notes").rename(world.path / "notes")
    (world.path / ".vetting/notes").symlink_to("../notes")


@attack("a policy of a newer format", "misused")
def _newer_format(world: World) -> None:
    world.install(EVIL)
    world.edit(".vetting/config.toml", "format = 2", "format = 99")


@attack("a policy with a misspelt key", "misused")
def _misspelt(world: World) -> None:
    world.edit(".vetting/config.toml", "cooldown-days", "cooldown-dayz")


# --- files ---------------------------------------------------------------------------------------


def _linked(name: str) -> Do:
    def do(world: World) -> None:
        (world.path / name).rename(world.path / "elsewhere")
        (world.path / name).symlink_to("elsewhere")

    return do


attack("a lockfile as a symbolic link", UNDECIDED)(_linked("package-lock.json"))
attack("a manifest as a symbolic link", UNDECIDED)(_linked("package.json"))
attack("settings as a symbolic link")(_linked(".npmrc"))


@attack("a tracked node_modules/", "lockfile-source", clients=CLIENTS)
def _modules(world: World) -> None:
    world.write("node_modules/left-pad/index.js", "evil\n")
    world.git("add", "-f", "node_modules")


@attack("a tracked node_modules/ somewhere below", "lockfile-source")
def _modules_below(world: World) -> None:
    world.write("src/node_modules/left-pad/index.js", "evil\n")
    world.git("add", "-f", "src/node_modules")


@attack("node_modules as a symbolic link", "lockfile-source")
def _modules_link(world: World) -> None:
    world.write("vendor/left-pad/index.js", "evil\n")
    (world.path / "node_modules").symlink_to("vendor")


@attack("node_modules as a submodule", "lockfile-source")
def _modules_submodule(world: World) -> None:
    world.staged = True
    head = world.git("rev-parse", "HEAD")
    world.git("update-index", "--add", "--cacheinfo", f"160000,{head},node_modules/left-pad")


def _cased(old: str, new: str) -> Do:
    """Both names in the index: a case-folding file system keeps one of them."""

    def do(world: World) -> None:
        world.staged = True
        evil = {
            "package.json": '{"name": "evil"}',
            ".npmrc": "ignore-scripts=false\n",
            "package-lock.json": "{}",
            "node_modules/x": "x",
            ".vetting/config.toml": "x=1",
        }
        oid = world.git("hash-object", "-w", "--stdin", given=evil[old])
        world.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{new}")

    return do


for _old, _new in (
    ("package.json", "Package.json"),
    (".npmrc", ".NPMRC"),
    ("package-lock.json", "Package-Lock.json"),
    ("node_modules/x", "Node_Modules/x"),
    (".vetting/config.toml", ".Vetting/config.toml"),
    (".npmrc", ".npmrc\u200c"),
    ("package.json", "package.j\u017fon"),
):
    attack(f"{_old} in other letters: {_new!a}")(_cased(_old, _new))


def _in_a_folder_spelled_otherwise(name: str, content: str) -> Do:
    """A case-folding file system has one folder for both."""

    def do(world: World) -> None:
        world.staged = True
        oid = world.git("hash-object", "-w", "--stdin", given=content)
        world.git("update-index", "--add", "--cacheinfo", f"100644,{oid},Apps/one/{name}")

    return do


for _name, _content in (
    (".npmrc", "ignore-scripts=false\n"),
    ("package-lock.json", "{}\n"),
    ("package.json", '{"name": "other"}\n'),
    ("bunfig.toml", "[install]\n"),
):
    attack(f"a second {_name} in a folder spelled otherwise", "lockfile-sync",
           before=lambda world: with_project_below(world))(  # noqa: PLW0108
        _in_a_folder_spelled_otherwise(_name, _content)
    )  # fmt: skip


@attack("settings that a checkout has in an encoding that no client reads", "client-settings")
def _recoded(world: World) -> None:
    world.staged = True
    world.write(".gitattributes", ".npmrc working-tree-encoding=UTF-16LE\n")
    world.git("add", ".gitattributes")


@attack("a link in the place of a project's folder, spelled otherwise", "lockfile-sync",
        before=lambda world: with_project_below(world))  # fmt: skip  # noqa: PLW0108
def _link_spelled_otherwise(world: World) -> None:
    world.staged = True
    oid = world.git("hash-object", "-w", "--stdin", given="evil")
    world.git("update-index", "--add", "--cacheinfo", f"120000,{oid},APPS")


@attack("a manifest only intended to be added", "lockfile-sync", "unvetted", only=("commit",))
def _intended(world: World) -> None:
    """``git add -N`` of what the lockfile needs: the commit does not have it."""
    world.write("app/package.json", '{"name": "app", "dependencies": {"quietly-evil": "^1.0.0"}}')
    world.install(EVIL)
    world.staged = True
    world.git("add", "-N", "app/package.json")
    world.git("add", world.lockfile)


@attack("a note only intended to be added", "unvetted", only=("commit",))
def _intended_note(world: World) -> None:
    world.install(EVIL)
    path = world.write_note(EVIL)
    world.staged = True
    world.git("add", "package.json", world.lockfile)
    world.git("add", "-N", path)


@attack("a note in the working tree alone", "unvetted", only=("commit",))
def _unstaged_note(world: World) -> None:
    world.install(EVIL)
    world.write_note(EVIL)
    world.staged = True
    world.git("add", "package.json", world.lockfile)


@attack("settings repaired in the working tree alone", "ignore-scripts", only=("commit",))
def _unstaged_settings(world: World) -> None:
    kept = world.read(".npmrc")
    world.remove(".npmrc")
    world.git("add", "-A")
    world.write(".npmrc", kept)
    world.staged = True


# --- nested projects and workspaces -----------------------------------------------------------------


def nested(world: World, folder: str) -> None:
    """A project of its own below the first."""
    names = [world.lockfile, "package.json"]
    names += [name for name in (".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml",
                                "pnpm-workspace.yaml") if (world.path / name).exists()]  # fmt: skip
    kept = {name: world.read(name) for name in names}
    world.install(EVIL)
    for name in names:
        world.write(f"{folder}/{name}", world.read(name))
    for name, text in kept.items():
        world.write(name, text)


@attack("a project below, in a folder that nobody looks at", "unvetted", clients=CLIENTS)
def _nested(world: World) -> None:
    nested(world, "tools/deep/er")


@attack("a project in a hidden folder", "unvetted")
def _nested_hidden(world: World) -> None:
    nested(world, ".github/actions/run")


@attack("a project below without the switch", "ignore-scripts", clients=tuple(SETTINGS))
def _nested_no_switch(world: World) -> None:
    nested(world, "tools")
    world.remove(f"tools/{SETTINGS[world.client][0]}")


@attack("a project below a folder named like an exclusion", "unvetted")
def _nested_fixture(world: World) -> None:
    nested(world, "test/fixtures/app")


def with_workspace(world: World) -> None:
    """A workspace that uses what is locked."""
    world.tree.manifest["workspaces"] = ["packages/*"]
    world.write("packages/a/package.json", '{"name": "a", "version": "1.0.0"}\n')
    world.write_project()

    def lock(data: dict[str, dict[str, dict[str, object]]]) -> None:
        data["packages"][""]["workspaces"] = ["packages/*"]
        data["packages"]["node_modules/a"] = {"resolved": "packages/a", "link": True}
        data["packages"]["packages/a"] = {"version": "1.0.0"}

    world.json(world.lockfile, lock)


@attack("a lockfile in a workspace member", before=with_workspace)
def _member_lockfile(world: World) -> None:
    world.install(EVIL)
    text = world.read(world.lockfile)
    world.git("checkout", "-q", "HEAD", "--", ".")
    world.write(f"packages/a/{world.lockfile}", text)


@attack("a workspace member that requires more", "lockfile-sync", before=with_workspace)
def _member_asks(world: World) -> None:
    world.json(
        "packages/a/package.json", lambda data: data.update(dependencies={EVIL.name: "^1.0.0"})
    )


@attack("a new workspace member that requires more", "lockfile-sync", before=with_workspace)
def _member_new(world: World) -> None:
    world.write(
        "packages/b/package.json", '{"name": "b", "dependencies": {"quietly-evil": "^1.0.0"}}'
    )


@attack("workspaces that swallow a project with its own lockfile")
def _swallowed(world: World) -> None:
    nested(world, "tools")
    world.json("package.json", lambda data: data.update(workspaces=["tools"]))


@attack("a nested pnpm-workspace.yaml", "unvetted", clients=("pnpm",))
def _nested_workspace_file(world: World) -> None:
    nested(world, "tools")
    world.write("tools/pnpm-workspace.yaml", "packages: ['.']\n")


def with_project_below(world: World) -> None:
    """A second project that uses exactly what the first does."""
    for name in ("package.json", world.lockfile):
        world.write(f"apps/one/{name}", world.read(name))


def with_project_moved(world: World) -> None:
    """The project in a folder of its own, nothing beside .vetting/ at the top."""
    names = ("package.json", world.lockfile, ".yarnrc", ".yarnrc.yml")
    for name in names:
        if (world.path / name).exists():
            world.write(f"app/{name}", world.read(name))
            world.remove(name)


@attack("pnpm: a project whose manifest is YAML", "lockfile-sync", clients=("pnpm",))
def _yaml_manifest(world: World) -> None:
    world.write("tools/pnpm-lock.yaml", world.read(world.lockfile))
    world.write("tools/package.yaml", "name: tools\ndependencies:\n  quietly-evil: ^1.0.0\n")


@attack("pnpm: a project whose manifest is JSON5", "lockfile-sync", clients=("pnpm",))
def _json5_manifest(world: World) -> None:
    world.write("tools/package.json5", "{name: 'tools', dependencies: {'quietly-evil': '^1.0.0'}}")


@attack("pnpm: a workspace whose manifest is YAML", "lockfile-sync", clients=("pnpm",))
def _yaml_workspace(world: World) -> None:
    world.append("pnpm-workspace.yaml", "packages: ['packages/*']\n")
    world.write("packages/a/package.yaml", "name: a\ndependencies:\n  quietly-evil: ^1.0.0\n")


@attack("pnpm: a pnpm-workspace.yaml above a project, without a manifest", clients=("pnpm",),
        before=with_project_below)  # fmt: skip
def _workspace_file_above(world: World) -> None:
    """pnpm takes the nearest pnpm-workspace.yaml for the root: the project below obeys it."""
    world.write("apps/pnpm-workspace.yaml", "packages: ['*']\ndangerouslyAllowAllBuilds: true\n")


@attack("settings above the project, for all below", "client-settings",
        clients=("yarn-classic", "yarn-berry"), before=with_project_moved)  # fmt: skip
def _settings_above(world: World) -> None:
    """Yarn looks for its settings in every folder above."""
    if world.client == "yarn-classic":
        world.write(".yarnrc", 'yarn-path "./evil.cjs"\n')
    else:
        world.write(".yarnrc.yml", "yarnPath: ./evil.cjs\n")


# --- patches --------------------------------------------------------------------------------------

PATCH: Final = (
    "diff --git a/index.js b/index.js\n--- a/index.js\n+++ b/index.js\n@@ -1 +1 @@\n-1\n+{}\n"
)


def _patched(world: World) -> None:
    """A patched package as its client writes it, with an exemption of what was patched."""
    patch = PATCH.format(2)
    sum_ = hashlib.sha256(patch.encode()).hexdigest()
    text = world.read(world.lockfile)
    if world.client == "pnpm":
        world.write("patches/left-pad.patch", patch)
        world.append("pnpm-workspace.yaml",
                     "patchedDependencies:\n  left-pad: patches/left-pad.patch\n")  # fmt: skip
        text = text.replace("importers:\n",
            f"patchedDependencies:\n  left-pad:\n    hash: {sum_}\n"
            "    path: patches/left-pad.patch\n\nimporters:\n")  # fmt: skip
        text = text.replace(
            "        version: 1.3.0\n", f"        version: 1.3.0(patch_hash={sum_})\n"
        )
        text = text.replace(
            "  left-pad@1.3.0: {}\n", f"  left-pad@1.3.0(patch_hash={sum_}): {{}}\n"
        )
    else:
        world.write("patches/left-pad@1.3.0.patch", patch)
        path = "patches/left-pad@1.3.0.patch"
        world.json("package.json",
                   lambda data: data.update(patchedDependencies={"left-pad@1.3.0": path}))  # fmt: skip
        text = text.replace('  "packages": {', '  "patchedDependencies": {\n    "left-pad@1.3.0": '
                            f'"{path}",\n  }},\n  "packages": {{')  # fmt: skip
    world.write(world.lockfile, text)
    world.git("add", "-A")
    world.exempt("left-pad@1.3.0", reason="patched for the test of what follows")


@attack("a patch file swapped, the lockfile left alone", clients=("pnpm", "bun"), before=_patched)
def _swapped_patch(world: World) -> None:
    [path] = [path for path in world.git("ls-files").splitlines() if path.endswith(".patch")]
    world.write(path, PATCH.format("require('child_process')"))


@attack("a patch of what is exempt, unread", clients=("pnpm", "bun"))
def _new_patch(world: World) -> None:
    _patched(world)
    world.git("restore", "--source=HEAD", "--staged", "--worktree", ".vetting/exemptions.txt")


# --- incidents ------------------------------------------------------------------------------------


def _incident(incident: Incident) -> None:
    attack(incident.name, "unvetted", clients=CLIENTS)(incident.happen)


for _each in INCIDENTS:
    _incident(_each)


# --- how it is judged --------------------------------------------------------------------------------


def reject(verdict_errors: set[str], status: int, tried: Attack, text: str) -> None:
    assert status != 0, f"passed:\n{text}"
    if "misused" in tried.checks:
        assert status == 2, text
        return
    assert tried.checks <= verdict_errors, text
    assert status == (3 if UNDECIDED in verdict_errors else 1), text


@pytest.mark.parametrize(("tried", "client"), list(cases()))
def test_a_commit_is_rejected(worlds: Worlds, tmp_path: Path, tried: Attack, client: str) -> None:
    world = prepared(worlds, tmp_path, tried, client)
    tried.do(world)
    verdict = world.judge_commit()
    reject(verdict.errors, verdict.status, tried, verdict.text)


@pytest.mark.slow
@pytest.mark.parametrize(("tried", "client"), list(cases("range")))
def test_what_was_committed_unverified_is_rejected_as_a_range(
    worlds: Worlds, tmp_path: Path, tried: Attack, client: str
) -> None:
    world = prepared(worlds, tmp_path, tried, client)
    start = world.git("rev-parse", "HEAD")
    tried.do(world)
    world.commit()
    verdict = world.check("--from-ref", start, "--to-ref", "HEAD")
    reject(verdict.errors, verdict.status, tried, verdict.text)


@pytest.mark.slow
@pytest.mark.parametrize(("tried", "client"), list(cases("merge")))
def test_an_evil_merge_is_rejected(
    worlds: Worlds, tmp_path: Path, tried: Attack, client: str
) -> None:
    world = prepared(worlds, tmp_path, tried, client)
    verdict = world.judge_evil_merge(tried.do)
    reject(verdict.errors, verdict.status, tried, verdict.text)


@pytest.fixture(scope="session")
def installed_hook(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The hook that ``pre-commit install`` writes, and the store with what it built for us."""
    folder = tmp_path_factory.mktemp("hooks")
    hooks = HookRepository.of_head(folder)
    config = folder / "config.yaml"
    config.write_text(f"repos:\n{hooks.entry()}")
    repository = GitRepo(folder / "any")
    subprocess.run(
        [sys.executable, "-m", "pre_commit", "install", "--install-hooks", "--config", str(config)],
        cwd=repository.path, env={**os.environ, "PRE_COMMIT_HOME": str(hooks.store)},
        check=True, capture_output=True,
    )  # fmt: skip
    hook = (repository.path / ".git/hooks/pre-commit").read_text()
    return hook.replace("../config.yaml", str(config)), hooks.store


@pytest.mark.slow
@pytest.mark.parametrize(("tried", "client"), list(cases("hook")))
def test_git_commit_all_is_stopped_by_a_hook(
    worlds: Worlds, tmp_path: Path, installed_hook: tuple[str, Path], tried: Attack, client: str
) -> None:
    world = prepared(worlds, tmp_path, tried, client)
    tried.do(world)
    hook, store = installed_hook
    world.write(".git/hooks/pre-commit", hook).chmod(0o755)
    head = world.git("rev-parse", "HEAD")
    if not world.staged:
        world.git("add", "-A", "-N")
    done = subprocess.run(
        ["git", "commit", "-q", "-m", "An attack", *([] if world.staged else ["-a"])],
        cwd=world.path, env={**os.environ, "PRE_COMMIT_HOME": str(store), "PRE_COMMIT_COLOR": "never"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert "- hook id: npm-vetted\n- exit code:" in said, said
    assert world.git("rev-parse", "HEAD") == head


def test_every_name_of_the_incidents_is_rejected(worlds: Worlds, tmp_path: Path) -> None:
    """Not one of many: each package of the two widest incidents is named."""
    for number, names in enumerate((set(CROSSENV_AND_SIBLINGS), set(CHALK_AND_DEBUG))):
        world = worlds.copy("npm", tmp_path / str(number))
        incident = next(
            each for each in INCIDENTS if {package.name for package in each.released} == names
        )
        incident.happen(world)
        verdict = world.judge_commit()
        assert verdict.named("unvetted") == names


def test_hurried_notes_of_young_releases_do_not_help(worlds: Worlds, tmp_path: Path) -> None:
    """Automated: everything noted within two hours, as on 8 September 2025."""
    world = worlds.copy("npm", tmp_path / "repo")
    incident = next(each for each in INCIDENTS if each.name.startswith("chalk"))
    incident.happen(world)
    for package in incident.released:
        since = {"from": "4.3.4"} if package.name == "debug" else {}
        criteria = ["health", "changelog"]
        world.write_note(package, published=_young(2), criteria=criteria, **since)
    assert world.judge_commit().named("cooldown") == set(CHALK_AND_DEBUG)


# --- history --------------------------------------------------------------------------------------


def lax(world: World) -> None:
    """A .vetting/ of the branch's own, that lets everything in."""
    world.write(
        ".vetting/config.toml",
        '[policy]\nnew = []\nupgrade = []\nscripts = []\ntransitive = "ignore"\n'
        'cooldown-days = 0\n[[ignore]]\ncheck = "unvetted"\npath = "**"\nreason = "all"\n',
    )
    world.append(".vetting/exemptions.txt", _exemption(EVIL))


def test_a_branch_from_before_adoption_is_judged_by_the_trunks_policy(
    worlds: Worlds, tmp_path: Path
) -> None:
    world = worlds.copy("npm", tmp_path / "repo")
    world.git("checkout", "-q", "-b", "side", "HEAD~1")
    world.write(".npmrc", "ignore-scripts=true\n")
    world.install(EVIL)
    lax(world)
    world.commit("Adopt in our own way")
    verdict = world.check("--from-ref", "main", "--to-ref", "side")
    assert verdict.status == 1
    assert {"unvetted", "policy"} <= verdict.errors, verdict.text


def test_merging_such_a_branch_is_judged_by_the_trunks_policy(
    worlds: Worlds, tmp_path: Path
) -> None:
    """As a range over the merge commit: what CI sees of a pull request's merge."""
    world = worlds.copy("npm", tmp_path / "repo")
    world.git("checkout", "-q", "-b", "side", "HEAD~1")
    world.install(EVIL)
    lax(world)
    world.commit("Adopt in our own way")
    world.git("checkout", "-q", "main")
    world.git("merge", "-q", "--no-ff", "-X", "theirs", "-m", "Merge", "--no-verify", "side")
    verdict = world.check("--from-ref", "main~1", "--to-ref", "main")
    assert {"unvetted", "policy"} <= verdict.errors, verdict.text


def test_an_old_merge_base_does_not_escape_a_newer_deny_entry(
    worlds: Worlds, tmp_path: Path
) -> None:
    world = worlds.copy("npm", tmp_path / "repo")
    world.git("checkout", "-q", "-b", "side")
    world.install(EVIL)
    world.write_note(EVIL)
    world.commit("Add it with a note")
    assert world.check("--from-ref", "main", "--to-ref", "side").status == 0
    world.git("checkout", "-q", "main")
    with_deny(world)
    world.commit("Deny it")
    verdict = world.check("--from-ref", "main", "--to-ref", "side")
    assert (verdict.status, verdict.errors) == (1, {"notes"}), verdict.text


def test_an_old_merge_base_does_not_escape_a_newer_tightening(
    worlds: Worlds, tmp_path: Path
) -> None:
    world = worlds.copy("npm", tmp_path / "repo")
    world.git("checkout", "-q", "-b", "side")
    world.install(EVIL)
    world.write_note(EVIL)
    world.commit("Add it with a note")
    world.git("checkout", "-q", "main")
    world.edit(".vetting/config.toml", 'new = ["health"]', 'new = ["health", "source"]')
    world.commit("Ask for the source")
    verdict = world.check("--from-ref", "main", "--to-ref", "side")
    assert (verdict.status, verdict.errors) == (1, {"unvetted"}), verdict.text


def test_a_loosening_in_one_commit_and_its_use_in_the_next_is_rejected_as_a_range(
    worlds: Worlds, tmp_path: Path
) -> None:
    """Each commit passes by itself; together they are one change, judged by the policy before."""
    world = worlds.copy("npm", tmp_path / "repo")
    world.append(".vetting/exemptions.txt", _exemption(EVIL))
    assert world.judge_commit().status == 0
    world.commit("Exempt it")
    world.install(EVIL)
    assert world.judge_commit().status == 0
    world.commit("Use it")
    verdict = world.check("--from-ref", "HEAD~2", "--to-ref", "HEAD")
    assert {"policy", "unvetted"} <= verdict.errors, verdict.text


def test_a_range_without_a_merge_base_is_undecided(worlds: Worlds, tmp_path: Path) -> None:
    world = worlds.copy("npm", tmp_path / "repo")
    world.git("checkout", "-q", "--orphan", "elsewhere")
    world.commit("No history")
    assert world.check("--from-ref", "main", "--to-ref", "elsewhere").status == 3


def test_a_replaced_object_does_not_change_what_is_judged(worlds: Worlds, tmp_path: Path) -> None:
    """``git replace`` shows other bytes to whoever asks git in the ordinary way."""
    world = worlds.copy("npm", tmp_path / "repo")
    honest = world.git("rev-parse", f"HEAD:{world.lockfile}")
    world.install(EVIL)
    world.stage()
    evil = world.git("rev-parse", f":{world.lockfile}")
    world.git("replace", evil, honest)
    assert world.check().named("unvetted") == {EVIL.name}


def test_the_working_tree_and_attributes_are_not_believed(worlds: Worlds, tmp_path: Path) -> None:
    """An index that was told to assume nothing changed, and a diff that says so too."""
    world = worlds.copy("npm", tmp_path / "repo")
    kept = {name: world.read(name) for name in ("package.json", world.lockfile)}
    world.write(".gitattributes", "*.json -diff binary\npackage-lock.json export-ignore\n")
    world.install(EVIL)
    world.stage()
    for name, text in kept.items():
        world.git("update-index", "--assume-unchanged", name)
        world.write(name, text)
    assert world.check().named("unvetted") == {EVIL.name}


def test_a_note_for_what_a_later_merge_brings_counts(worlds: Worlds, tmp_path: Path) -> None:
    """The opposite of an evil merge: what is in either parent is not judged again."""
    world = worlds.copy("npm", tmp_path / "repo")
    world.git("checkout", "-q", "-b", "side")
    with_good(world)
    world.commit("Add what was read")
    world.git("checkout", "-q", "main")
    world.write("docs/main.md", "main\n")
    world.commit("Main")
    world.git("merge", "-q", "--no-ff", "--no-commit", "side")
    assert world.judge_commit().status == 0


def test_a_merge_that_drops_a_parents_note_is_rejected(worlds: Worlds, tmp_path: Path) -> None:
    world = worlds.copy("npm", tmp_path / "repo")
    world.git("checkout", "-q", "-b", "side")
    with_good(world)
    world.commit("Add what was read")
    world.git("checkout", "-q", "main")
    world.write("docs/main.md", "main\n")
    world.commit("Main")
    world.git("merge", "-q", "--no-ff", "--no-commit", "side")
    world.git("rm", "-q", "-r", "--cached", ".vetting/notes")
    world.remove(".vetting/notes")
    world.staged = True
    assert world.judge_commit().status == 1


def merging(worlds: Worlds, folder: Path, side: Do, main: Do) -> World:
    """A merge into main of a side branch, ready to be committed."""
    world = worlds.copy("npm", folder / "repo")
    world.git("checkout", "-q", "-b", "side")
    side(world)
    world.commit("Side")
    world.git("checkout", "-q", "main")
    main(world)
    world.commit("Main")
    world.git("merge", "-q", "--no-ff", "--no-commit", "side")
    return world


def elsewhere(world: World) -> None:
    world.write("docs/main.md", "main\n")


def without_project(world: World) -> None:
    for path in ("package.json", world.lockfile, ".npmrc"):
        world.remove(path)


def as_in(branch: str, *paths: str) -> Do:
    def do(world: World) -> None:
        world.git("checkout", branch, "--", *paths)
        world.staged = True

    return do


MERGES: Final = {
    "a deny entry of main's gone": (
        elsewhere, with_deny, as_in("side", ".vetting/config.toml"), "policy",
    ),
    "a loosening that nobody made": (
        elsewhere,
        with_deny,
        lambda world: world.edit(".vetting/config.toml", "cooldown-days = 7", "cooldown-days = 0"),
        "policy",
    ),
    "a project of one side without the settings that the other took away": (
        without_project, elsewhere, as_in("main", "package.json", "package-lock.json"),
        "ignore-scripts",
    ),
    "a lockfile of one side with the manifest of the other": (
        with_good, elsewhere, as_in("main", "package.json"), "lockfile-sync",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MERGES)
def test_a_merge_put_together_of_both_sides_is_judged(
    worlds: Worlds, tmp_path: Path, name: str
) -> None:
    """Each file is in a parent, or git would have merged it otherwise."""
    side, main, attack, check = MERGES[name]
    world = merging(worlds, tmp_path, side, main)
    assert world.judge_commit().status == 0
    attack(world)
    verdict = world.judge_commit()
    assert (verdict.status, verdict.errors) == (1, {check}), verdict.text
