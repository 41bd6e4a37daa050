"""package-lock.json and npm-shrinkwrap.json: versions 2 to 4 as they stand, older ones flattened.

Every version is brought into the shape of version 3, one table an installed place
(``node_modules/a/node_modules/b``), so that one lookup serves them all. What the fields mean:
docs.npmjs.com, "package-lock.json"; what npm does with odd ones: @npmcli/arborist.
"""

from __future__ import annotations

import base64
import hashlib
import json
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final

from npm_vetted.clients import _npm_sync as sync
from npm_vetted.clients.lockfile import PATCH_SUFFIXES, Lockfile
from npm_vetted.documents.base import DEPTH_LIMIT, Document, decode, dotted, named
from npm_vetted.documents.strict_json import load_json
from npm_vetted.errors import DocumentError
from npm_vetted.model import Artifact, Entry, Group, Kind, Manifest, Problem, Read, Requirement

Raw = Mapping[str, object]

PATH_LIMIT: Final = 4096
"""No file system takes a longer path, so npm could not install there."""

_MODULES: Final = "node_modules/"
_USUAL: Final = re.compile(r"node_modules/(?:@[a-z0-9-]+/)?[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_FIELDS: Final = ("dependencies", "optionalDependencies", "peerDependencies")
_ASKING: Final = (*_FIELDS, "devDependencies")
_TARBALL: Final = re.compile(r"\.(?:tgz|tar\.gz|tar)\Z", re.IGNORECASE)
_GIT: Final = re.compile(
    r"(?:git(?:\+[a-z]+)?|ssh|github|gitlab|bitbucket|gist):|git@", re.IGNORECASE
)
_GIT_HOST: Final = re.compile(
    r"https://(?:codeload\.github\.com|gitlab\.com(?!/api/)|bitbucket\.org)/"
)
_EXACT: Final = re.compile(
    r"[=v\s]*\d{1,16}\.\d{1,16}\.\d{1,16}(?:[-+a-zA-Z][0-9A-Za-z.+-]*)?\s*\Z"
)
_SPACE: Final = re.compile(r"[ \t\n\r]*")


def read_npm_lockfile(path: str, data: bytes, read: Read) -> NpmLockfile:
    """Read a lockfile of any version; raises DocumentError with the line for what is none."""
    document = load_json(path, data)
    table = document.root()
    version = table.data.get("lockfileVersion", 0)
    if isinstance(version, bool) or version not in (0, 1, 2, 3, 4):
        raise table.fail(
            f"lockfile version {json.dumps(version)[:40]} is unknown (known: none, 1, 2, 3, 4)",
            "lockfileVersion",
            fix="upgrade npm-vetted, or write the lockfile with an npm that writes version 3",
        )
    assert isinstance(version, int | float)
    kind = NpmLockfile if version >= 2 else LegacyLockfile
    return kind(document, data, int(version), read)


class NpmLockfile(Lockfile):
    """A lockfile with ``packages``: one table an installed place, the root's under ``''``."""

    def __init__(self, document: Document, data: bytes, version: int, read: Read) -> None:
        self.path = document.path
        self.version = version
        name = document.path.rpartition("/")[2]
        self.format = f"{name} {version}" if version else f"{name} without a version"
        self._document = document
        self._data = data
        self._read = read
        self._check_places()

    @property
    def graph(self) -> bool:
        """Whether the entries say what they ask for."""
        return True

    @cached_property
    def packages(self) -> Mapping[str, Raw]:
        """The tables by place, the root's among them."""
        table = self._document.root().maybe_table("packages")
        if table is None:
            raise self._document.root().fail("the key 'packages' is missing")
        for place, value in table.data.items():
            if not isinstance(value, dict):
                raise table.fail(f"expected a table, found {named(value)}", place)
        return table.data  # type: ignore[return-value]

    def _check_places(self) -> None:
        """Raise where two keys may mean one folder, or a link leads nowhere."""
        for place, raw in self.packages.items():
            if place and not _is_place(place):
                raise self._fail(place, "no place that npm installs a package at")
            if raw.get("link"):
                self._target(place)

    def _target(self, place: str) -> str:
        """Where a link leads, as a key."""
        resolved = self.text(place, "resolved")
        target = None if resolved is None else joined(resolved)
        if target is None or self.packages.get(target, {"link": True}).get("link"):
            raise self._fail(place, f"a link to {resolved!r}, which is not in the lockfile")
        return target

    def _fail(self, place: str, message: str, *keys: str) -> DocumentError:
        words = f"{place or 'the root'}: {''.join(f'{key}: ' for key in keys)}{message}"
        return DocumentError(words, path=self.path, line=self._line_of(place, *keys))

    def _line_of(self, place: str, *keys: str) -> int:
        return self._document.line_of("packages", place, *keys)

    @cached_property
    def blocks(self) -> Mapping[str, object]:
        """The table of each place; the root's is no entry."""
        blocks: dict[str, object] = dict(self.packages)
        blocks.pop("", None)
        return blocks

    def text(self, place: str, key: str) -> str | None:
        value = self.packages[place].get(key)
        if value is not None and not isinstance(value, str):
            raise self._fail(place, f"expected a string, found {named(value)}", key)
        return value

    def _flag(self, place: str, key: str) -> bool:
        value = self.packages[place].get(key, False)
        if not isinstance(value, bool):
            raise self._fail(place, f"expected true or false, found {named(value)}", key)
        return value

    def _specifiers(self, place: str, key: str) -> Mapping[str, str]:
        value = self.packages[place].get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._fail(place, f"expected a table, found {named(value)}", key)
        for name, specifier in value.items():
            if type(specifier) is not str:
                message = f"expected a string, found {named(specifier)}"
                raise self._fail(place, message, key, name)
        return value

    def entry(self, key: str) -> Entry:
        link = self._flag(key, "link")
        bundler = None if link else self._bundler(key)
        return Entry(
            key=key,
            line=self.line(key),
            artifact=None if link else self._artifact(key),
            requires=() if link else tuple(self.requirements(key)),
            bundled_by=bundler,
            bundles=self._bundles(key),
        )

    def _artifact(self, key: str) -> Artifact | None:
        folder = folder_name(key)
        resolved = self._resolved(key)
        integrity = self.text(key, "integrity")
        if folder is None and resolved is None and integrity is None:
            return None  # what a link points to: a folder of the repository itself
        version = self.text(key, "version")
        if resolved is None and version is not None and not _EXACT.match(version):
            version, resolved = None, version  # a converted file that kept version 1's fields
        kind = kind_of(resolved)
        if kind is None:
            return None
        return Artifact(
            name=self.text(key, "name") or folder or key,
            version=version,
            kind=kind,
            resolved=resolved,
            integrity=integrity,
            patch=self._patch(key),
            scripts=self._scripts(key),
            bundled=self._is_bundled(key),
        )

    def _resolved(self, key: str) -> str | None:
        """``resolved``; false, which npm 5 and 6 wrote for what they did not know, is None."""
        if self.packages[key].get("resolved") is False:
            return None
        return self.text(key, "resolved")

    def _scripts(self, key: str) -> bool | None:
        return self._flag(key, "hasInstallScript")

    def _is_bundled(self, key: str) -> bool:
        """Whether it says that another package's tarball carries it; the project's own does not."""
        return self._flag(key, "inBundle") and self._enclosing(key) is not None

    def _enclosing(self, key: str) -> str | None:
        """The nearest package around it that is installed from a tarball of its own."""
        place = parent_place(key)
        while place:
            raw = self.packages.get(place)
            if raw is not None and not raw.get("inBundle"):
                return place if folder_name(place) is not None else None
            place = parent_place(place)
        return None

    def _bundler(self, key: str) -> str | None:
        """Whose tarball carries it: its parent lists it, or what it lists needs it."""
        if not self._is_bundled(key):
            return None
        around = self._enclosing(key)
        return around if around is not None and key in self._carried(around) else None

    def _carried(self, around: str) -> frozenset[str]:
        if around not in self._carried_by:
            found: set[str] = set()
            todo = [(around, name) for name in self._bundles(around)]
            while todo:
                origin, name = todo.pop()
                place = self.place(origin, name)
                if place is None or place in found or not place.startswith(f"{around}/"):
                    continue
                if not self._flag(place, "inBundle"):
                    continue
                found.add(place)
                todo += [(place, name) for name in self._wanted(place)]
            self._carried_by[around] = frozenset(found)
        return self._carried_by[around]

    @cached_property
    def _carried_by(self) -> dict[str, frozenset[str]]:
        return {}

    def _bundles(self, key: str) -> frozenset[str]:
        raw = self.packages[key]
        value = raw.get("bundleDependencies", raw.get("bundledDependencies"))
        if value is None or value is False:
            return frozenset()
        if value is True:
            return frozenset(self._wanted(key))
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise self._fail(key, "expected a list of names", "bundleDependencies")
        return frozenset(value)

    def _wanted(self, key: str) -> Iterator[str]:
        """The names that an entry asks for; a folder of the repository has devDependencies too."""
        for field in _FIELDS:
            yield from self._specifiers(key, field)
        if folder_name(key) is None:
            yield from self._specifiers(key, "devDependencies")

    def requirements(self, key: str) -> Iterator[Requirement]:
        """What an entry asks for; a folder of the repository asks for its devDependencies too."""
        raw = self.packages[key]
        own_folder = folder_name(key) is None
        line = 1 if key == "" else self.line(key)
        optional = self._specifiers(key, "optionalDependencies")
        for group in Group:
            if group.value not in raw or (group is Group.DEVELOPMENT and not own_folder):
                continue
            for name, specifier in self._specifiers(key, group.value).items():
                if group is Group.PRODUCTION and name in optional:
                    continue  # npm: what is optional too is optional only
                yield Requirement(name=name, specifier=specifier, group=group, line=line)

    def _patch(self, key: str) -> str | None:
        """The hash of the patch file that npm 12 applies (``patched: {path, integrity}``)."""
        file = self._patch_file(key)
        if file is None:
            return None
        content = self._read(file)
        if content is None:
            raise self._fail(key, f"the patch file {file} is not there", "patched")
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        return f"sha256-{digest}"

    def _patch_file(self, key: str) -> str | None:
        value = self.packages[key].get("patched")
        if value is None:
            return None
        path = value.get("path") if isinstance(value, dict) else None
        file = joined(path) if isinstance(path, str) else None
        if not file or file.startswith("../") or not file.endswith(PATCH_SUFFIXES):
            message = "expected a patch file of this project, called .patch or .diff"
            raise self._fail(key, message, "patched")
        folder = self.path.rpartition("/")[0]
        return f"{folder}/{file}" if folder else file

    def patch_files(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for key, raw in self.packages.items():
            if "patched" in raw and (file := self._patch_file(key)) is not None:
                found[file] = (*found.get(file, ()), key)
        return found

    @cached_property
    def linked(self) -> Mapping[str, list[str]]:
        """The links that lead to each target."""
        found: dict[str, list[str]] = {}
        for place, raw in self.packages.items():
            if raw.get("link"):
                found.setdefault(self._target(place), []).append(place)
        return found

    @cached_property
    def workspaces(self) -> frozenset[str]:
        """The folders below the root that are linked, where the root has workspaces.

        A ``file:`` dependency may be among them: whose dependencies count as direct then.
        """
        if not self.packages.get("", {}).get("workspaces"):
            return frozenset()
        return frozenset(target for target in self.linked if target and target[:2] != "..")

    @cached_property
    def importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """What the root and its workspaces ask for, as the lockfile recorded it."""
        folders = ["", *sorted(self.workspaces)] if "" in self.packages else []
        return {folder: tuple(self.requirements(folder)) for folder in folders}

    def resolve(
        self, origin: str | None, requirement: Requirement, importer: str = ""
    ) -> str | None:
        """Node's lookup: the nearest node_modules upwards that has the name; links are followed."""
        return self.find(importer if origin is None else origin, requirement.name)

    def find(self, start: str, name: str) -> str | None:
        """The same by name alone; what links to the root itself is nothing locked."""
        place = self.place(start, name)
        link = None if place is None else self.linked_to(place)
        return place if link is None else link or None

    def linked_to(self, place: str) -> str | None:
        """The target of a link ('' the root); None: it is no link."""
        return self._target(place) if self.packages[place].get("link") else None

    def place(self, start: str, name: str) -> str | None:
        """Where Node finds a name from a folder on upwards, a link as such."""
        packages = self.packages
        place: str | None = start
        while place is not None:
            wanted = f"{place}/node_modules/{name}" if place else f"node_modules/{name}"
            if wanted in packages:
                return wanted
            place = parent_place(place)
        return None

    def line(self, key: str) -> int:
        """The line that an entry's key stands on."""
        return self._lines.get(key) or self._scanned[key]

    @cached_property
    def _lines(self) -> Mapping[str, int]:
        """The lines of what is in node_modules, where a search for the keys cannot be misled.

        That is where the text escapes nothing and has each key once: five times as fast as a scan.
        """
        text = decode(self.path, self._data)
        keys = [key for key in self.packages if key.startswith(_MODULES)]
        if "\\" in text or text.count(f'"{_MODULES}') != len(keys):
            return {}
        lines: dict[str, int] = {}
        line, at = 1, 0
        for key in keys:
            found = text.index(f'"{key}"', at)
            line += text.count("\n", at, found)
            lines[key] = line
            at = found
        return lines

    @cached_property
    def _scanned(self) -> Mapping[str, int]:
        """The line of each place, by one scan of the text."""
        text = decode(self.path, self._data)
        lines: dict[str, int] = {}
        line, last = 1, 0
        for key, start in _members(text, "packages"):
            line += text.count("\n", last, start)
            last = start
            lines[key] = line
        return lines

    def dependents(self, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
        """By the names that the keys have: only who asks for one of them is looked up."""
        found: dict[str, list[str]] = {key: [] for key in keys}
        names = {folder_name(place) for key in keys for place in (key, *self.linked.get(key, ()))}
        for place, raw in self.packages.items():
            tables = (raw.get(field) for field in _ASKING)
            asked = any(isinstance(table, dict) and not names.isdisjoint(table) for table in tables)
            if place and asked:
                for child in self.children(place):
                    if child in found:
                        found[child].append(place)
        return {key: tuple(askers) for key, askers in found.items()}

    @cached_property
    def _alone(self) -> Mapping[str, str]:
        """Names that one place alone has, right below the root: any lookup from there ends so."""
        found: dict[str, str] = {}
        twice: set[str] = set()
        for place, raw in self.packages.items():
            name = folder_name(place)
            if name is None:
                continue
            if name in found or len(place) != len(_MODULES + name) or raw.get("link"):
                twice.add(name)
            found[name] = place
        return {name: place for name, place in found.items() if name not in twice}

    def reach(self, roots: Iterable[str]) -> set[str]:
        seen = set(roots)
        todo = list(seen)
        while todo:
            for child in self._children(todo.pop(), self._alone):
                if child not in seen:
                    seen.add(child)
                    todo.append(child)
        return seen

    def children(self, key: str) -> Iterator[str]:
        return self._children(key, {})

    def _children(self, key: str, alone: Mapping[str, str]) -> Iterator[str]:
        raw = self.packages[key]
        if raw.get("link"):
            return
        if key.startswith(".."):
            alone = {}
        for field in _FIELDS if folder_name(key) is not None else _ASKING:
            if field in raw:
                for name in self._specifiers(key, field):
                    place = alone.get(name) or self.find(key, name)
                    if place is not None:
                        yield place

    def changed(self, before: Iterable[Lockfile]) -> list[str]:
        """Also what another's tarball carries, where that is another tarball now, or none."""
        changed = list(self.blocks)
        for other in before:
            blocks = other.blocks
            changed = [
                key
                for key in changed
                if blocks.get(key) != self.blocks[key] or not self._carried_alike(key, other)
            ]
        return changed

    def _carried_alike(self, key: str, other: Lockfile) -> bool:
        """Whether the same carries an entry there: its own block tells only that it is carried."""
        if not self.packages[key].get("inBundle"):
            return True
        try:
            return isinstance(other, NpmLockfile) and self._carriage(key) == other._carriage(key)
        except DocumentError:
            return False

    def _carriage(self, key: str) -> tuple[bool, str | None, object]:
        carrier = self._bundler(key)
        return self._is_bundled(key), carrier, self.blocks.get(carrier or "")

    def named(self, names: Collection[str]) -> Iterator[Artifact]:
        """The artifacts of some packages: under their own names, or an alias."""
        for key, raw in self.packages.items():
            folder = key[key.rfind(_MODULES) + len(_MODULES) :]
            if key and (folder in names or raw.get("name") in names):
                artifact = self._artifact(key)
                if artifact is not None and artifact.name in names:
                    yield artifact

    def package_names(self) -> set[str]:
        found: set[str] = set()
        for key, raw in self.packages.items():
            folder, resolved = folder_name(key), raw.get("resolved")
            usual = isinstance(resolved, str) and resolved.startswith("https://")
            if folder and usual and not raw.get("name") and not raw.get("link"):
                found.add(folder)
            elif key and (artifact := self.entry(key).artifact) is not None:
                found.add(artifact.name)
        return found

    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        if self.version == 2:
            yield from self._halves()
        yield from sync.with_importers(self, manifests)
        yield from sync.with_patches(self, manifests)

    def _halves(self) -> Iterator[Problem]:
        """Where version 2's two halves differ: npm 7 reads the one, npm 6 the other."""
        other = LegacyLockfile(self._document, self._data, 1, self._read)
        return sync.halves(self, other)


class LegacyLockfile(NpmLockfile):
    """Version 1 and what npm 4 wrote: ``dependencies`` nested as in node_modules, no root.

    Each table is given the fields of version 3. What hangs below a link lies in its target.
    """

    @cached_property
    def packages(self) -> Mapping[str, Raw]:
        return {place: raw for place, (raw, _) in self._tree.items()}

    @property
    def graph(self) -> bool:
        """Whether ``requires`` is written at all; npm 4 and the first npm 5 did not."""
        return self._document.root().data.get("requires") is True

    @cached_property
    def _tree(self) -> Mapping[str, tuple[Raw, tuple[str, ...]]]:
        """Each place's table, with its keys in the document; in the file's order."""
        found: dict[str, tuple[Raw, tuple[str, ...]]] = {}
        todo: list[tuple[str, tuple[str, ...], Raw]] = [("", (), self._document.root().data)]
        while todo:
            folder, keys, holder = todo.pop()
            if len(keys) > DEPTH_LIMIT:
                raise self._at("nested too deeply", keys)
            below: list[tuple[str, tuple[str, ...], Raw]] = []
            keys = (*keys, "dependencies")
            for name, raw in self._table(holder, keys).items():
                path = (*keys, name)
                place = f"{folder}/{_MODULES}{name}" if folder else f"{_MODULES}{name}"
                if not isinstance(raw, dict):
                    raise self._at(f"expected a table, found {named(raw)}", path)
                if place in found:
                    raise self._at(f"a second entry for {place}", path)
                converted = self._converted(raw, path)
                found[place] = converted, path
                if converted.get("link"):
                    place = str(converted["resolved"])
                    target = {key: converted[key] for key in ("dependencies",) if key in converted}
                    found.setdefault(place, (target, path))
                below.append((place, path, raw))
            todo += reversed(below)
        return found

    def _table(self, holder: Raw, keys: tuple[str, ...]) -> Raw:
        """The table under the last of these keys; true stands for an unknown one."""
        value = holder.get(keys[-1])
        if value is None or value is True:
            return {}
        if not isinstance(value, dict):
            raise self._at(f"expected a table, found {named(value)}", keys)
        return value

    def _converted(self, raw: Raw, keys: tuple[str, ...]) -> Raw:
        """A table of version 1 with the fields of version 3."""
        version = raw.get("version")
        if version is not None and not isinstance(version, str):
            raise self._at(f"expected a string, found {named(version)}", (*keys, "version"))
        found: dict[str, object] = {
            "integrity": raw.get("integrity"),
            "inBundle": raw.get("bundled", False),
            "dependencies": self._table(raw, (*keys, "requires")),
        }
        if version is None or _EXACT.match(version):
            source = raw.get("from")
            if version is None and "resolved" not in raw and _is_folder(source):
                return found | {"link": True, "resolved": joined(_path_of(str(source)))}
            return found | {"version": version, "resolved": raw.get("resolved")}
        if version.startswith("npm:"):
            name, at, version = version[4:].rpartition("@")
            if not at or not name:
                raise self._at(f"no alias: {raw['version']!r}", (*keys, "version"))
            return found | {"name": name, "version": version, "resolved": raw.get("resolved")}
        if version.startswith("file:") and not _TARBALL.search(version):
            return found | {"link": True, "resolved": joined(_path_of(version))}
        return found | {"resolved": version, "version": _version_in_url(keys[-1], version)}

    def _at(self, message: str, keys: tuple[str, ...]) -> DocumentError:
        words = f"{dotted(keys)}: {message}"
        return DocumentError(words, path=self.path, line=self._document.line_of(*keys))

    def _line_of(self, place: str, *keys: str) -> int:
        return self._document.line_of(*self._tree[place][1], *keys)

    def line(self, key: str) -> int:
        return self._line_of(key)

    def _scripts(self, key: str) -> bool | None:  # noqa: ARG002
        return None

    def _bundles(self, key: str) -> frozenset[str]:
        """Not written: what an entry asks for and has below it, said to be bundled."""
        below = f"{key}/{_MODULES}"
        names = (name for name in self._wanted(key) if below + name in self.packages)
        return frozenset(name for name in names if self._flag(below + name, "inBundle"))

    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        """The root alone: npm 6 knows no workspaces, and ``npm ci`` refuses what is missing."""
        return sync.satisfied(self, "", manifests[""]) if "" in manifests else iter(())


def _is_folder(source: object) -> bool:
    """Whether npm 4's ``from`` is a folder: it then wrote nothing else."""
    return isinstance(source, str) and re.match(r"file:|\.{0,2}/", source) is not None


def _version_in_url(name: str, url: str) -> str | None:
    """The version in a tarball's file name, as npm guesses it where version 1 has only the URL."""
    base = url.partition("#")[0].partition("?")[0].rpartition("/")[2]
    prefix = f"{name.rpartition('/')[2]}-"
    if not base.startswith(prefix) or not base.endswith(".tgz"):
        return None
    version = base[len(prefix) : -len(".tgz")]
    return version if _EXACT.match(version) else None


def _path_of(specifier: str) -> str:
    """The path of ``file:…``, or of a bare path."""
    return specifier.removeprefix("file:")


def joined(path: str) -> str | None:
    """A relative path without detours, '' for the root; None: absolute, or no path."""
    if path.startswith("/") or "\\" in path or "\0" in path or len(path) > PATH_LIMIT:
        return None
    found = posixpath.normpath(path)
    return "" if found == "." else found


def folder_name(place: str) -> str | None:
    """The folder below the last node_modules (an alias or the name); None: no such place."""
    at = place.rfind(_MODULES)
    if at < 0 or (at > 0 and place[at - 1] != "/"):
        return None
    name = place[at + len(_MODULES) :]
    return name if name.count("/") == (1 if name.startswith("@") else 0) else None


def parent_place(place: str) -> str | None:
    """The folder whose node_modules Node looks in next; None: it leaves the project."""
    if not place or place == ".." or place.endswith("/.."):
        return None
    name = folder_name(place)
    if name is not None:
        return place[: -len(_MODULES + name)].rstrip("/")
    return place.rpartition("/")[0]


def _is_place(place: str) -> bool:
    """Whether a key is a path that npm writes: relative, without detours or odd characters."""
    if len(place) < PATH_LIMIT and _USUAL.match(place):
        return True
    if len(place) > PATH_LIMIT or joined(place) != place or not place.isprintable():
        return False
    return folder_name(place) is not None or _MODULES not in f"/{place}/"


def kind_of(resolved: str | None) -> Kind | None:
    """What kind of source a ``resolved`` names; None: a folder, whose content git holds."""
    if resolved is None:
        return Kind.REGISTRY
    if _GIT.match(resolved) or _GIT_HOST.match(resolved):
        return Kind.GIT
    if resolved.startswith("file:"):
        return Kind.FILE if _TARBALL.search(resolved) else None
    if resolved.startswith(("https://", "http://")):
        path = resolved.partition("?")[0].partition("#")[0]
        return Kind.REGISTRY if "/-/" in path else Kind.TARBALL
    return Kind.OTHER


def _members(text: str, wanted: str) -> Iterator[tuple[str, int]]:
    """Each key of one top-level table of valid JSON, and where in the text it stands."""
    scan = json.JSONDecoder().raw_decode
    at = _after_space(text, text.index("{") + 1)
    inside = False
    while text[at] != "}" or inside:
        if text[at] == "}":
            inside = False
            at = _after_space(text, at + 1)
        elif text[at] == ",":
            at = _after_space(text, at + 1)
        else:
            start = at
            key, at = scan(text, at)
            at = _after_space(text, _after_space(text, at) + 1)
            if inside:
                yield key, start
            elif key == wanted and text[at] == "{":
                inside = True
                at = _after_space(text, at + 1)
                continue
            at = _after_space(text, scan(text, at)[1])


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()
