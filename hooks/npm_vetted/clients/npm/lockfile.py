"""package-lock.json and npm-shrinkwrap.json: versions 2 to 4 as they are, older ones flattened.

Every version is converted into the shape of version 3, one table for each installed place
(``node_modules/a/node_modules/b``), so that one lookup serves them all. The fields are described in
docs.npmjs.com, "package-lock.json"; npm's treatment of odd values is in @npmcli/arborist.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from npm_vetted.clients.npm.layout import ASKING, FIELDS, Layout
from npm_vetted.clients.npm.places import (
    EXACT,
    MODULES,
    clean_path,
    folder_name,
    is_place,
    is_plain_place,
    parent_place,
    resolved_kind,
)
from npm_vetted.clients.shared.lockfile import PATCH_SUFFIXES, Lockfile, beside
from npm_vetted.clients.shared.workspaces import Negation, is_member
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import named
from npm_vetted.model import Artifact, Entry, Group, Kind, Read, Requirement
from npm_vetted.packages.platforms import Platform


class NpmLockfile(Lockfile):
    """A lockfile with ``packages``: one table an installed place, the root's under ``''``."""

    def __init__(self, layout: Layout, version: int, read: Read) -> None:
        self.path = layout.document.path
        self.version = version
        name = self.path.rpartition("/")[2]
        self.format = f"{name} {version}" if version else f"{name} without a version"
        self.layout = layout
        self.packages = layout.packages
        self.read = read
        self._check_places()

    @property
    def graph(self) -> bool:
        """Whether the entries record their requirements."""
        return True

    def programs(self) -> frozenset[str] | None:
        """Each place lists its own; a lockfile of npm 6 lists none."""
        found: set[str] = set()
        for place in self.packages.values():
            bins = place.get("bin")
            if isinstance(bins, Mapping):
                found.update(name for name in bins if isinstance(name, str))
        return frozenset(found)

    def _check_places(self) -> None:
        """Raises DocumentError if two keys may mean one folder, or if a link's target has no entry."""
        for place in self.layout.unusual:
            if place and not is_plain_place(place) and not is_place(place):
                raise self._fail(place, "expected a path such as node_modules/NAME")
            if self.packages[place].get("link"):
                self._target(place)

    def _target(self, place: str) -> str:
        """The key of a link's target."""
        resolved = self.text(place, "resolved")
        target = None if resolved is None else clean_path(resolved)
        if target is None or self.packages.get(target, {"link": True}).get("link"):
            raise self._fail(place, f"a link to {resolved!r}, which is not in the lockfile")
        return target

    def _fail(self, place: str, message: str, *keys: str) -> DocumentError:
        words = f"{place or 'the root'}: {''.join(f'{key}: ' for key in keys)}{message}"
        return DocumentError(words, path=self.path, line=self.layout.line_of(place, *keys))

    @property
    def blocks(self) -> Mapping[str, object]:
        """The table of each place, or its text; the root is left out, because it is no entry."""
        return self.layout.blocks

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
            artifact=self.artifact(key),
            requires=() if link else tuple(self.requirements(key)),
            bundled_by=bundler,
            bundles=self._bundles(key),
        )

    def artifact(self, key: str) -> Artifact | None:
        resolved = self._resolved(key)
        is_link = self._flag(key, "link")
        if is_link and not self._is_file(resolved):
            return None
        folder = folder_name(key)
        integrity = self.text(key, "integrity")
        if folder is None and resolved is None and integrity is None:
            return None  # what a link points to: a folder of the repository itself
        version = self.text(key, "version")
        if resolved is None and version is not None and not EXACT.match(version):
            version, resolved = None, version  # a converted file that kept version 1's fields
        kind = Kind.FILE if is_link else resolved_kind(resolved)
        if kind is None and self._is_file(resolved):
            kind = Kind.FILE  # npm takes a tarball by content, whatever its name
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
            shrinkwrap=self._flag(key, "hasShrinkwrap"),
        )

    def platform(self, key: str) -> Platform:
        return Platform.of(self.packages[key])

    def _is_file(self, resolved: str | None) -> bool:
        """Whether ``file:`` leads to a file of the repository, by git's object type."""
        path = clean_path(posixpath.join(self.base, (resolved or "").removeprefix("file:")))
        return path is not None and self.read(path) is not None

    def _resolved(self, key: str) -> str | None:
        """The entry's ``resolved``; None also for ``false``, which npm 5 and 6 wrote for an unknown source."""
        if self.packages[key].get("resolved") is False:
            return None
        return self.text(key, "resolved")

    def _scripts(self, key: str) -> bool | None:
        return self._flag(key, "hasInstallScript")

    def _is_bundled(self, key: str) -> bool:
        """Whether the entry is marked as part of another package's tarball, and that is not the project's."""
        return self._flag(key, "inBundle") and self._enclosing(key) is not None

    def _enclosing(self, key: str) -> str | None:
        """The nearest package above an entry that is installed from a tarball of its own."""
        place = parent_place(key)
        while place:
            raw = self.packages.get(place)
            if raw is not None and not raw.get("inBundle"):
                return place if folder_name(place) is not None else None
            place = parent_place(place)
        return None

    def _bundler(self, key: str) -> str | None:
        """The package whose tarball contains a bundled entry: it bundles the entry, or a dependent of it."""
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
        """The names that an entry requires; for a folder of the repository, its devDependencies too."""
        for field in FIELDS:
            yield from self._specifiers(key, field)
        if folder_name(key) is None:
            yield from self._specifiers(key, "devDependencies")

    def requirements(self, key: str) -> Iterator[Requirement]:
        """An entry's requirements; a folder of the repository requires its devDependencies too."""
        raw = self.packages[key]
        own_folder = folder_name(key) is None
        if key and own_folder and raw.get("extraneous") is True and key not in self._linked_folders:
            return  # npm 10 keeps the entry of a workspace that is gone
        line = 1 if key == "" else self.line(key)
        optional = self._specifiers(key, "optionalDependencies")
        for group in Group:
            if group.value not in raw or (group is Group.DEVELOPMENT and not own_folder):
                continue
            for name, specifier in self._specifiers(key, group.value).items():
                if group is Group.PRODUCTION and name in optional:
                    continue  # npm: what is optional too is optional only
                yield Requirement(name=name, specifier=specifier, group=group, line=line)

    @cached_property
    def _linked_folders(self) -> set[object]:
        """The folders that links lead to."""
        return {each.get("resolved") for each in self.packages.values() if each.get("link")}

    def _patch(self, key: str) -> str | None:
        """The hash of the patch file that npm 12 applies (``patched: {path, integrity}``)."""
        file = self._patch_file(key)
        if file is None:
            return None
        content = self.read(file)
        if content is None:
            raise self._fail(key, f"the patch file {file} is not there", "patched")
        import base64
        import hashlib

        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        return f"sha256-{digest}"

    def _patch_file(self, key: str) -> str | None:
        value = self.packages[key].get("patched")
        if value is None:
            return None
        path = value.get("path") if isinstance(value, dict) else None
        file = clean_path(path) if isinstance(path, str) else None
        if not file or file.startswith("../") or not file.endswith(PATCH_SUFFIXES):
            message = "expected a patch file of this project, called .patch or .diff"
            raise self._fail(key, message, "patched")
        return beside(self.path, file)

    def patch_files(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for key in self.layout.unusual:
            if "patched" in self.packages[key] and (file := self._patch_file(key)) is not None:
                found[file] = (*found.get(file, ()), key)
        return found

    @cached_property
    def linked(self) -> Mapping[str, list[str]]:
        """The links that lead to each target."""
        found: dict[str, list[str]] = {}
        for place in self.layout.unusual:
            if self.packages[place].get("link"):
                found.setdefault(self._target(place), []).append(place)
        return found

    @cached_property
    def workspaces(self) -> frozenset[str]:
        """The folders that are linked and that the lockfile's copy of ``workspaces`` names."""
        globs = self.packages.get("", {}).get("workspaces")
        if isinstance(globs, Mapping):
            globs = globs.get("packages")
        if not isinstance(globs, list):
            return frozenset()
        named = [each for each in globs if isinstance(each, str)]
        folders = (target for target in self.linked if target and target[:2] != "..")
        return frozenset(each for each in folders if is_member(named, each, Negation.IN_ORDER))

    @cached_property
    def importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """The requirements of the root and its workspaces, as the lockfile records them."""
        folders = ["", *sorted(self.workspaces)] if "" in self.packages else []
        return {folder: tuple(self.requirements(folder)) for folder in folders}

    def resolve(
        self, origin: str | None, requirement: Requirement, importer: str = ""
    ) -> str | None:
        """Node's lookup: the nearest node_modules upwards that has the name; links are followed."""
        return self.find(importer if origin is None else origin, requirement.name)

    def find(self, start: str, name: str) -> str | None:
        """The key of the entry that Node finds under a name from a folder; None also for the root."""
        place = self.place(start, name)
        link = None if place is None else self.linked_to(place)
        return place if link is None else link or None

    def linked_to(self, place: str) -> str | None:
        """The target of the link at a place ('' is the root); None: the place is no link."""
        return self._target(place) if self.packages[place].get("link") else None

    def place(self, start: str, name: str) -> str | None:
        """The place at which Node finds a name, from a folder upwards; links are not followed."""
        packages = self.packages
        place: str | None = start
        while place is not None:
            wanted = f"{place}/node_modules/{name}" if place else f"node_modules/{name}"
            if wanted in packages:
                return wanted
            place = parent_place(place)
        return None

    def names_of(self, key: str) -> set[str]:
        """The names under which an entry is found: its place's, and those of links to it."""
        places = (key, *self.linked.get(key, ()))
        return {name for place in places if (name := folder_name(place)) is not None}

    def line(self, key: str) -> int:
        """The line that an entry's key is on."""
        return self.layout.line_of(key)

    def dependents(self, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The dependents of these keys: only entries that require one of their names are looked up."""
        found: dict[str, list[str]] = {key: [] for key in keys}
        places = (place for key in keys for place in (key, *self.linked.get(key, ())))
        names = {name for place in places if (name := folder_name(place)) is not None}
        for asker in self.layout.asking(names):
            for child in self.children(asker) if asker else ():
                if child in found:
                    found[child].append(asker)
        return {key: tuple(askers) for key, askers in found.items()}

    @cached_property
    def _alone(self) -> Mapping[str, str]:
        """The names that only one place has, and that directly below the root, with that place.

        Every lookup of such a name ends there, so none is searched. Names with a link among their
        places are left out. No entry is decoded for this: links are among the unusual places.
        """
        found: dict[str, str] = {}
        twice: set[str] = set()
        unusual = self.layout.unusual
        for place in self.packages:
            name = folder_name(place)
            if name is None:
                continue
            if name in found or len(place) != len(MODULES + name) or place in unusual:
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
        for field in FIELDS if folder_name(key) is not None else ASKING:
            if field in raw:
                for name in self._specifiers(key, field):
                    place = alone.get(name) or self.find(key, name)
                    if place is not None:
                        yield place

    def changed(self, before: Iterable[Lockfile]) -> list[str]:
        """The changed keys, and the bundled entries whose carrier has another tarball, or none, now."""
        changed = list(self.blocks)
        for other in before:
            theirs = other.blocks
            fresh = {
                key
                for key, block in self.blocks.items()
                if theirs.get(key) != block and self._says(key, other)
            }
            fresh.update(key for key in self._bundled if self._is_recarried(key, other, fresh))
            changed = [key for key in changed if key in fresh]
        return changed

    def _says(self, key: str, other: Lockfile) -> bool:
        """Whether two versions of an entry differ in content; their texts may differ in layout only."""
        if not isinstance(other, NpmLockfile) or key not in other.packages:
            return True
        return other.packages[key] != self.packages[key]

    @cached_property
    def _bundled(self) -> list[str]:
        return [key for key in self.layout.unusual if key and self.packages[key].get("inBundle")]

    def _is_recarried(self, key: str, other: Lockfile, fresh: Collection[str]) -> bool:
        """Whether a bundled entry has another carrier, or a changed one; its own table does not show this."""
        if not isinstance(other, NpmLockfile) or key not in other.packages:
            return True
        try:
            carrier = self._bundler(key)
            if (carrier, self._is_bundled(key)) != (other._bundler(key), other._is_bundled(key)):
                return True
        except DocumentError:
            return True
        return carrier in fresh

    def named(self, names: Collection[str]) -> Iterator[Artifact]:
        """The artifacts with one of these names, under the name itself or an alias."""
        unusual = self.layout.unusual
        for key in self.blocks:
            if key.rpartition(MODULES)[2] in names or (
                key in unusual and "name" in self.packages[key]
            ):
                artifact = self.artifact(key)
                if artifact is not None and artifact.name in names:
                    yield artifact

    def package_names(self) -> set[str]:
        unusual = self.layout.unusual
        found = {key.rpartition(MODULES)[2] for key in self.blocks if key not in unusual}
        artifacts = (self.artifact(key) for key in unusual if key)
        return found | {artifact.name for artifact in artifacts if artifact is not None}
