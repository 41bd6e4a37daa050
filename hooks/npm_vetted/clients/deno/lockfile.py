"""deno.lock, versions 3 to 5: packages of npm and jsr, and remote modules, each with a hash.

Keys are ``npm:name@version``, ``jsr:@scope/name@version`` and URLs. The hash of a jsr package is the
SHA-256 of its ``<version>_meta.json``, which lists the hash of each file. The hash of a remote module is
the SHA-256 of its text (both seen with Deno 2.9.6). A jsr package is called ``@jsr/scope__name`` here, its
name in jsr's npm registry, so that it is never confused with an npm package ``@scope/name``.
"""

from __future__ import annotations

import posixpath
import re
from binascii import b2a_base64
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final

from npm_vetted.clients.deno.config import is_frozen
from npm_vetted.clients.deno.layout import Layout, fields, read_layout
from npm_vetted.clients.deno.specifiers import module_name, read_specifier
from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Table, named
from npm_vetted.model import (
    Artifact,
    Entry,
    Group,
    Kind,
    Read,
    Requirement,
)
from npm_vetted.packages.platforms import Platform
from npm_vetted.packages.ranges import parse_loose_version

KNOWN_VERSIONS: Final = ("3", "4", "5")
"""Deno 2.9 reads 1 to 5 and refuses 6; 1 and 2 are of Deno before 1.36 and have other sections."""
FIRST_TO_TELL_SCRIPTS: Final = "5"
_HEX: Final = re.compile(r"[0-9a-f]{64}\Z")
_FEW: Final = 40
_JSR: Final = "https://jsr.io/"
_KEYS: Final = frozenset(
    {"version", "specifiers", "npm", "jsr", "remote", "redirects", "workspace"}
)
_OLD_KEYS: Final = frozenset({"version", "packages", "remote", "redirects", "workspace"})
_GROUPS: Final = {
    "dependencies": Group.PRODUCTION, "optionalDependencies": Group.OPTIONAL,
    "optionalPeers": Group.PEER,
}  # fmt: skip


class DenoLockfile(Lockfile):
    """One version of a deno.lock."""

    _layout: Layout

    names_hosts = False
    own_registries = (_JSR,)

    def __init__(self, path: str, data: bytes, read: Read, like: Lockfile | None = None) -> None:
        self.path = path
        self.read = read
        self._layout = read_layout(
            path, data, like._layout if isinstance(like, DenoLockfile) else None
        )
        self._document = self._layout.head
        self.root = self._document.root()
        version = self.root.maybe_text("version")
        if version not in KNOWN_VERSIONS:
            raise self.root.fail(
                f"version {version} of deno.lock is not known (3 to 5 are)",
                "version",
                fix="deno install writes version 5; or upgrade npm-vetted",
            )
        self.version = str(version)
        self.format = f"deno.lock {version}"
        self._old = version == "3"
        for key in self.root.data:
            if key not in (_OLD_KEYS if self._old else _KEYS):
                raise self.root.fail(f"the section {key!r} is not known", key)
        packages = self.root.maybe_table("packages") if self._old else self.root
        self._npm, self._jsr = self._section(packages, "npm"), self._section(packages, "jsr")
        self._remote = self._section(self.root, "remote")
        self._specifiers = self._section(packages, "specifiers")

    @staticmethod
    def _section(table: Table | None, key: str) -> Mapping[str, object]:
        inner = table.maybe_table(key) if table else None
        return inner.data if inner else {}

    @cached_property
    def blocks(self) -> Mapping[str, object]:
        """The entries of all sections; those of npm and jsr are tables, that of a remote module is its hash."""
        pieces = self._layout.pieces
        found: dict[str, object] = dict(pieces.by_key) if pieces else {}
        found.update((f"npm:{key}", block) for key, block in self._npm.items())
        found.update((f"jsr:{key}", block) for key, block in self._jsr.items())
        found.update(self._remote)
        return found

    def line(self, key: str) -> int:
        """The line of an entry."""
        section, name = self._place(key)
        if section == "npm" and self._layout.pieces is not None:
            return self._layout.pieces.line_of(key)
        above = ("packages",) if self._old and section != "remote" else ()
        return self._document.line_of(*above, section, name)

    @staticmethod
    def _place(key: str) -> tuple[str, str]:
        for section in ("npm", "jsr"):
            if key.startswith(section + ":"):
                return section, key[4:]
        return "remote", key

    def fail(self, message: str, key: str) -> DocumentError:
        """The error to raise about one entry."""
        return DocumentError(f"{key[:100]}: {message}", path=self.path, line=self.line(key))

    def entry(self, key: str) -> Entry:
        return Entry(
            key=key,
            line=self.line(key),
            artifact=self.artifact(key),
            requires=tuple(self._requires(key)),
        )

    def artifact(self, key: str) -> Artifact | None:
        if key in self.links:
            return None  # a folder of the repository, in the place of this package
        section, name = self._place(key)
        if section == "remote":
            return self._module(key)
        return self._of_npm(key, name) if section == "npm" else self._of_jsr(key, name)

    def _table(self, key: str) -> Mapping[str, object]:
        block = self.blocks[key]
        if isinstance(block, bytes):
            return fields(block)
        if not isinstance(block, dict):
            raise self.fail(f"expected a table, found {named(block)}", key)
        return block

    def _text(self, key: str, field: str) -> str | None:
        value = self._table(key).get(field)
        if value is not None and not isinstance(value, str):
            raise self.fail(f"expected a string as {field}, found {named(value)}", key)
        return value

    def _of_npm(self, key: str, name: str) -> Artifact:
        package, version = split_id(name)
        if not package or parse_loose_version(version) is None:
            raise self.fail("expected name@version", key)
        scripts = self._table(key).get("scripts")
        told = self.version >= FIRST_TO_TELL_SCRIPTS
        return Artifact(
            name=package,
            version=version,
            kind=Kind.REGISTRY,
            resolved=self._text(key, "tarball"),
            integrity=self._text(key, "integrity"),
            scripts=(scripts is not None and scripts is not False) if told else None,
        )

    def platform(self, key: str) -> Platform:
        if self._place(key)[0] != "npm":
            return Platform()
        return Platform.of(self._table(key))

    def _of_jsr(self, key: str, name: str) -> Artifact:
        package, version = split_id(name)
        scope, slash, rest = package.partition("/")
        if not slash or not scope.startswith("@") or parse_loose_version(version) is None:
            raise self.fail("expected @scope/name@version", key)
        return Artifact(
            name=f"@jsr/{scope[1:]}__{rest}",
            version=version,
            kind=Kind.TARBALL,
            resolved=f"{_JSR}{package}/{version}_meta.json",
            integrity=self._sri(key, self._text(key, "integrity")),
            scripts=False,
        )

    def _module(self, key: str) -> Artifact:
        name = module_name(key)
        if not name or not key.startswith(("https://", "http://")):
            raise self.fail("expected the URL of a module", key)
        return Artifact(
            name=name,
            version=None,
            kind=Kind.TARBALL,
            resolved=key,
            integrity=self._sri(key, self.blocks[key]),
            scripts=False,
        )

    def _sri(self, key: str, value: object) -> str:
        if not isinstance(value, str) or not _HEX.match(value):
            raise self.fail("expected a SHA-256 of 64 hex digits", key)
        return "sha256-" + b2a_base64(bytes.fromhex(value), newline=False).decode()

    def _requires(self, key: str) -> Iterator[Requirement]:
        section, _ = self._place(key)
        if section == "remote":
            return
        line = self.line(key)
        for field, group in _GROUPS.items():
            for name, target in self._dependencies(key, field):
                found = target if section == "jsr" else f"npm:{target}"
                yield Requirement(name=name, specifier=target, group=group, target=found, line=line)

    def _dependencies(self, key: str, field: str) -> Iterator[tuple[str, str]]:
        """The names and targets in one field of dependencies: a list, or in version 3 a table."""
        value = self._table(key).get(field)
        if value is None:
            return
        pairs: Iterable[tuple[str | None, object]] = ((None, value),)
        if isinstance(value, dict):
            pairs = value.items()
        elif isinstance(value, list):
            pairs = ((None, each) for each in value)
        for name, target in pairs:
            if not isinstance(target, str):
                raise self.fail(f"expected strings in {field}", key)
            alias, mark, real = target.partition("@npm:")
            found = real if mark and alias else target
            yield name or (alias if mark else split_id(found)[0]), found

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[str, ...]]:
        """The keys of npm packages by name, without decoding an entry."""
        found: dict[str, list[str]] = {}
        for key in self.blocks:
            if key.startswith("npm:"):
                found.setdefault(split_id(key[4:])[0], []).append(key)
        return {name: tuple(keys) for name, keys in found.items()}

    @cached_property
    def _by_specifier(self) -> Mapping[str, str]:
        """The key that each specifier leads to; also for the bare name of a jsr package with one specifier."""
        found: dict[str, str] = {}
        short: dict[str, list[str]] = {}
        for text, version in self._specifiers.items():
            asked = read_specifier(text)
            if not isinstance(version, str) or asked is None:
                raise DocumentError(
                    f"the specifier {text[:100]!r} is not of npm or jsr", path=self.path
                )
            key = version if self._old else f"{asked.kind}:{asked.name}@{version}"
            found[text] = key
            short.setdefault(f"{asked.kind}:{asked.name}", []).append(key)
        return {name: keys[0] for name, keys in short.items() if len(set(keys)) == 1} | found

    def resolve(
        self,
        origin: str | None,
        requirement: Requirement,
        importer: str = "",  # noqa: ARG002
    ) -> str | None:
        """The entry of a requirement: by the table of specifiers; of an npm package, by the id in its entry."""
        target = requirement.target or requirement.specifier
        if origin is not None and origin.startswith("npm:"):
            if target in self.blocks:
                return target
            alone = self._by_name.get(target[4:], ())
            return alone[0] if len(alone) == 1 else None
        if target.startswith(("https://", "http://")):
            return self._module_key(target)
        key = self._by_specifier.get(target)
        return key if key in self.blocks else None

    def _module_key(self, url: str) -> str | None:
        """The key of the module that a URL leads to after the redirects that the lockfile records."""
        redirects = self.redirects
        for _ in range(10):
            if url in self._remote:
                return url
            following = redirects.get(url)
            if not isinstance(following, str):
                return None
            url = following
        return None

    @cached_property
    def recorded(self) -> Mapping[str, tuple[Requirement, ...]]:
        """The manifests' requirements as ``workspace`` records them: by folder, deno.json's first."""
        root = self.root.maybe_table("workspace")
        found = {"": tuple(self._asked(root))} if root else {}
        members = root.maybe_table("members") if root else None
        for folder in members.data if members else ():
            assert members is not None
            found[folder] = tuple(self._asked(members.maybe_table(folder)))
        return found

    @cached_property
    def overrides(self) -> Mapping[str, object]:
        """The root manifest's ``overrides`` as ``workspace`` records them."""
        root = self.root.maybe_table("workspace")
        return self._section(root.maybe_table("packageJson") if root else None, "overrides")

    @cached_property
    def links(self) -> frozenset[str]:
        """The packages that folders of the repository replace, as ``workspace`` records them."""
        root = self.root.maybe_table("workspace")
        return frozenset((*self._section(root, "links"), *self._section(root, "patches")))

    @property
    def redirects(self) -> Mapping[str, object]:
        """The redirects of URLs that Deno recorded when it wrote the file."""
        return self._section(self.root, "redirects")

    def binds(self, url: str) -> bool:
        """Whether a URL leads, over recorded redirects, to a module with a hash."""
        return self._module_key(url) is not None

    def unpinned(self, before: Lockfile) -> Collection[str]:
        """Modules of servers that lost their hash or redirect, unless deno.json freezes the lockfile.

        deno.lock does not say which module imports another, and Deno fetches what it lacks (seen with 2.9.6).
        """
        if not isinstance(before, DenoLockfile) or is_frozen(
            posixpath.dirname(self.path), self.read
        ):
            return ()
        return {*before.kept, *before.redirects} - {*self.kept, *self.redirects}

    def has_module(self, target: str) -> bool:
        """Whether the target of an import map has a hash; of a prefix (``/``): whether a module below it has."""
        if not target.endswith("/"):
            return self.binds(target)
        return any(url.startswith(target) for url in (*self._remote, *self.redirects))

    @cached_property
    def specifiers(self) -> Collection[str]:
        """Every specifier of manifests and of code."""
        return self._specifiers.keys()

    def _asked(self, table: Table | None) -> Iterator[Requirement]:
        if table is None:
            return
        for inner in (table, table.maybe_table("packageJson")):
            for at, text in enumerate((inner.maybe_texts("dependencies") or ()) if inner else ()):
                assert inner is not None
                asked = read_specifier(text)
                if asked is None:
                    raise inner.fail(f"{text[:100]!r} is not of npm or jsr", "dependencies", at)
                line = inner.line("dependencies", at)
                yield Requirement(name=asked.name, specifier=text, line=line)

    @cached_property
    def importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """The requirements in ``workspace``; specifiers that only code has count as the root's."""
        known = {each.specifier for asked in self.recorded.values() for each in asked}
        inline = [text for text in self._specifiers if text not in known]
        found = dict(self.recorded)
        more = (Requirement(name=text, specifier=text) for text in inline)
        found[""] = (*found.get("", ()), *more)
        return found

    @property
    def kept(self) -> Collection[str]:
        """The keys of remote modules: the lockfile does not record which code or module imports them."""
        return self._remote.keys()

    def package_names(self) -> set[str]:
        others = [*(f"jsr:{name}" for name in self._jsr), *self._remote]
        found = (self.artifact(key) for key in others)
        # As split_id has it, in a third of the time (3 ms of 10).
        npm = {
            key[4:at] if (at := key.find("@", 5)) > 0 else key[4:]
            for key in self.blocks
            if key.startswith("npm:")
        }
        return npm.union(each.name for each in found if each is not None)

    def keys_of(self, names: Collection[str]) -> Iterator[str]:
        if len(names) <= _FEW:
            starts = tuple(f"npm:{name}@" for name in names)
            yield from (key for key in self.blocks if key.startswith(starts))
        else:
            for name in names:
                yield from self._by_name.get(name, ())
        for name in self._jsr:
            if self._of_jsr(f"jsr:{name}", name).name in names:
                yield f"jsr:{name}"
        for url in self._remote:
            if self._module(url).name in names:
                yield url

    def dependents(self, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The dependents of these keys; only the entries that name one of the packages are decoded."""
        names = {split_id(self._place(key)[1])[0] for key in keys}
        found: dict[str, list[str]] = {key: [] for key in keys}
        tables = {**self._jsr, **self._npm}
        sections = [key for key in self.blocks if self._place(key)[1] in tables] if tables else []
        for asker in (*self._layout.asking(names), *sections):
            if _mentions(self._table(asker), names):
                for child in self.children(asker):
                    if child in found:
                        found[child].append(asker)
        return {key: tuple(askers) for key, askers in found.items()}


def split_id(text: str) -> tuple[str, str]:
    """The name and version in ``name@version_peer@version``; '' if there is no version."""
    at = text.find("@", 1)
    return (text, "") if at < 0 else (text[:at], text[at + 1 :].partition("_")[0])


def _mentions(block: Mapping[str, object], names: Collection[str]) -> bool:
    """Whether the table of an entry may have one of these packages among its dependencies."""
    for field in _GROUPS:
        value = block.get(field)
        texts = list(value.values()) if isinstance(value, dict) else value
        for text in texts if isinstance(texts, list) else ():
            if not isinstance(text, str):
                return True
            last = text.rpartition("npm:")[2].removeprefix("jsr:")
            if split_id(last)[0] in names:
                return True
    return False
