"""The projects of a snapshot: their manifests, workspaces, clients and lockfiles."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial

from npm_vetted.clients import Client, client_of, clients, default_client, pinned_client
from npm_vetted.clients.shared.workspaces import is_member, is_unclear, literal_start
from npm_vetted.errors import DocumentError
from npm_vetted.git.process import path_text
from npm_vetted.git.repository import LINK, SUBMODULE, TreeEntry
from npm_vetted.git.snapshot import Snapshot
from npm_vetted.model import Manifest, Pin, Project
from npm_vetted.packages.manifest import NAME, read_manifest, read_pin
from npm_vetted.projects.file_names import inherited_names, manifest_names, own_manifests
from npm_vetted.projects.folder_dependencies import ANY_FOLDER, FOLDER_WORDS, required_folder
from npm_vetted.projects.lockfile_owner import client_of_lockfile, fits_pin
from npm_vetted.projects.paths import ancestors, below, folder_of, in_node_modules, join


def _toml_text(text: str) -> str:
    """A basic string of TOML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _exclusion(path: str) -> str:
    """The entry of the policy for a manifest that is no project."""
    return (
        "correct it; for a template or fixture, add to .vetting/config.toml: "
        f'[[exclude]] path = {_toml_text(path)} reason = "..."'
    )


class Projects:
    """The projects of one snapshot; a manifest is read when a caller needs it."""

    def __init__(self, snapshot: Snapshot, excluded: Callable[[str], bool]) -> None:
        self.snapshot = snapshot
        self._excludes = excluded
        self._manifests: dict[str, Manifest | None] = {}
        self._projects: dict[str, Project | None] = {}
        self._errors: dict[str, DocumentError] = {}
        self._clients: dict[str, str] = {}
        self._folders: dict[str, dict[str, Manifest]] = {}
        self._ahead: dict[str, bytes] = {}
        self._globs: dict[str, tuple[str, ...] | None] = {}
        self.unreadable: dict[str, DocumentError] = {}
        """The manifests that cannot be read, by path: templates and fixtures, or broken ones."""

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """Every directory with a manifest, but for installed packages."""
        paths = self.snapshot.named(manifest_names())
        return tuple(sorted({folder_of(path) for path in paths if not in_node_modules(path)}))

    def _excluded(self, path: str) -> bool:
        """Whether the policy calls a path no project; what is at the top is one all the same."""
        return "/" in path and self._excludes(path)

    def counts(self, path: str) -> bool:
        """Whether a path may belong to a project: not below node_modules, and not excluded.

        The policy cannot exclude a workspace of a project: the project's client installs it.
        """
        if in_node_modules(path):
            return False
        return not self._excluded(path) or self._root_above(folder_of(path)) is not None

    def manifest(self, folder: str) -> Manifest | None:
        """The manifest in a directory; None where there is none, or it is among the unreadable."""
        if folder not in self._manifests:
            self._manifests[folder] = self._read_manifest(join(folder, NAME), read_manifest)
            if self.snapshot.entry(join(folder, NAME)) is None:
                self._manifests[folder] = next(self._own(folder), None)
        return self._manifests[folder]

    def _own(self, folder: str) -> Iterator[Manifest]:
        """The manifests in a directory that only one client reads."""
        for name, reader in own_manifests().items():
            found = self._read_manifest(join(folder, name), reader)
            if found is not None:
                yield found

    def _read_manifest(
        self, path: str, reader: Callable[[str, bytes], Manifest]
    ) -> Manifest | None:
        data = None if in_node_modules(path) else self.snapshot.read(path)
        try:
            return None if data is None else reader(path, data)
        except DocumentError as error:
            commented = self._read_commented(path, data) if data is not None else None
            if commented is not None:
                return commented
            error.fix = error.fix or _exclusion(path)
            self._errors[path] = error
            if not self._excludes(path):  # at the top, too: what no client can read is no project
                self.unreadable[path] = error
            return None

    def _read_commented(self, path: str, data: bytes) -> Manifest | None:
        """A manifest with comments, where the client that installs it reads those; else None.

        The nearest lockfile upwards tells the client; where there is none, the pin or a marker does.
        """
        if path.rpartition("/")[2] != NAME:
            return None
        try:
            found = read_manifest(path, data, comments=True)
        except DocumentError:
            return None
        folders = tuple(ancestors(folder_of(path)))
        for home in folders:
            locks = list(self._all_lockfiles(home))
            if locks:
                owners = (client_of_lockfile(each, self._read_ahead) for each in locks)
                return found if all(each.COMMENTED_MANIFESTS for each in owners) else None
        pin = read_pin(found)
        pinned = None if pin is None else pinned_client(pin)
        if pinned is not None:
            return found if pinned.COMMENTED_MANIFESTS else None
        markers = {
            name
            for client in clients().values()
            if client.COMMENTED_MANIFESTS
            for name in client.MARKERS
        }
        marked = (self.snapshot.entry(join(home, name)) for home in folders for name in markers)
        return found if any(marked) else None

    def globs(self, folder: str) -> tuple[str, ...] | None:
        """The workspace globs of a directory that is a root; None where it is none.

        Every manifest below a root needs them, and rush.json takes long to read.
        """
        if folder not in self._globs:
            self._globs[folder] = self._read_globs(folder)
        return self._globs[folder]

    def _read_globs(self, folder: str) -> tuple[str, ...] | None:
        manifest = self.manifest(folder)
        if manifest is None:
            return None
        name = manifest.path.rpartition("/")[2]  # the client of a manifest that is its own decides
        for client in sorted(clients().values(), key=lambda each: name not in each.OWN_MANIFESTS):
            files = {*client.OWN_MANIFESTS, client.WORKSPACE_FILE} - {None}
            if any(self.snapshot.entry(join(folder, str(each))) is not None for each in files):
                found = client.workspaces(manifest, self.snapshot.read)
                if found is not None:
                    return found
        return manifest.workspaces

    def is_workspace(self, root: str, folder: str) -> bool:
        """Whether the workspace globs of a root name a directory below it."""
        inner = below(root, folder)
        globs = self.globs(root) if inner else None
        if not inner or not globs:
            return False
        negation = clients()[self._client_at(root)].NEGATION
        return is_member(globs, inner, negation)

    def _root_above(self, home: str) -> str | None:
        """The workspace root above a directory that names it; None: there is none.

        A root that is excluded is no project, so it has no workspaces.
        """
        for above in ancestors(home):
            if above != home and self.manifest(above) and self.is_workspace(above, home):
                return None if self._excluded(self.manifest_path(above)) else above
        return None if self._has_lockfile(home) else self._dependent_above(home)

    def _has_lockfile(self, folder: str) -> bool:
        names = (name for client in clients().values() for name in client.LOCKFILES)
        return any(self.snapshot.entry(join(folder, name)) is not None for name in names)

    def _dependent_above(self, home: str) -> str | None:
        """The root that depends on a directory as a folder, first one above it; None: there is none."""
        for above in ancestors(home):
            if above != home and home in self._folders_of(above):
                return None if self._excluded(self.manifest_path(above)) else above
        return next(iter(self._dependents(home)), None)

    def _dependents(self, home: str) -> list[str]:
        """The roots that are not above a directory and depend on it as a folder."""
        if not home or not self._folder_users:
            return []
        return [
            root
            for root in self._folder_users
            if root != home and below(root, home) is None and home in self._folders_of(root)
        ]

    @cached_property
    def _folder_users(self) -> tuple[str, ...]:
        """The roots of the manifests that may depend on a folder outside of their own."""
        found = set()
        for path in sorted(self.snapshot.grep(FOLDER_WORDS, "", manifest_names())):
            folder = folder_of(path)
            if in_node_modules(path) or self.manifest(folder) is None:
                continue
            roots = (each for each in ancestors(folder) if each != folder and self.manifest(each))
            root = next((each for each in roots if self.is_workspace(each, folder)), folder)
            if not self._excluded(self.manifest_path(root)):
                found.add(root)
        return tuple(sorted(found))

    def _folders_of(self, root: str) -> dict[str, Manifest]:
        """The folders that a root's manifest depends on, and those that they depend on.

        Their dependencies are installed with the root's and locked in its lockfile.
        """
        if root not in self._folders:
            found: dict[str, Manifest] = {}
            self._folders[root] = found
            manifest = self.manifest(root)
            prefixes = clients()[self._client_at(root)].FOLDER_PREFIXES if manifest else ()
            members = self.members(root) if manifest and prefixes else {}
            todo = [manifest, *members.values()] if manifest and prefixes else []
            while todo:
                asking = todo.pop()
                for asked in asking.requires:
                    folder = required_folder(asking.folder, asked, prefixes)
                    named = None if folder is None else self.manifest(folder)
                    if folder and named and folder != root and folder not in found:
                        found[folder] = named
                        if folder not in members:
                            todo.append(named)
        return self._folders[root]

    def root_of(self, folder: str) -> str | None:
        """The directory of the project that a directory belongs to; None: to none.

        The nearest package.json upwards, and from there the workspace root that names it.
        """
        for home in ancestors(folder):
            if self.manifest(home):
                above = self._root_above(home)
                if above is not None:
                    return above
                if not self._excluded(self.manifest_path(home)):
                    return home
        return None

    def members(self, root: str) -> dict[str, Manifest]:
        """The manifests of a root's workspaces by directory."""
        found: dict[str, Manifest] = {}
        for folder in self.folders if self.globs(root) else ():
            if self.is_workspace(root, folder):
                manifest = self.manifest(folder)
                if manifest is not None:
                    found[folder] = manifest
                elif (path := join(folder, NAME)) in self._errors:
                    self.unreadable[path] = self._errors[path]
        return found

    def elsewhere(self, root: str) -> Iterator[tuple[str, TreeEntry]]:
        """The links and submodules that a root's workspaces or folder dependencies lead through.

        Git does not hold what is installed from there.
        """
        seen = set()
        for path in (*self._linked_workspaces(root), *self._linked_folders(root)):
            entry = self.snapshot.entry(path)
            if entry is not None and path not in seen:
                seen.add(path)
                yield path, entry

    def _linked_workspaces(self, root: str) -> Iterator[str]:
        """The links and submodules among what the globs name, and above it."""
        globs = [each for each in self.globs(root) or () if not each.startswith("!")]
        for glob in globs:
            fixed, rest = literal_start(glob)
            start = join(root, fixed)
            yield from self._links_above(start, root)
            inside = f"{start}/" if start else ""
            deep = rest is None or "/" in rest
            listed = self.snapshot.below(inside) if deep else self.snapshot.files_in(inside)
            for path in listed if rest != "" else ():
                if self._leads_away(path) and self._may_be_workspace(root, path):
                    yield path

    def _may_be_workspace(self, root: str, path: str) -> bool:
        """Whether a link or submodule is a workspace, or in the place of a folder above some."""
        if self.is_workspace(root, path):
            return self._may_hold_manifest(path, at_once=True)
        inner = below(root, path)
        negation = clients()[self._client_at(root)].NEGATION
        starts = {
            "/".join(parts[:depth])
            for each in self.globs(root) or ()
            if not each.startswith("!")
            for parts in [[part for part in each.split("/") if part not in ("", ".")]]
            for depth in range(1, len(parts))
        }
        above = inner is not None and any(is_member((each,), inner, negation) for each in starts)
        return above and self._may_hold_manifest(path, at_once=False)

    def _may_hold_manifest(self, path: str, *, at_once: bool) -> bool:
        """Whether what a link leads to may have a manifest; nobody can tell of a submodule."""
        entry = self.snapshot.entry(path)
        if entry is None or entry.mode != LINK:
            return True
        text = path_text(self.snapshot.objects.read(entry.oid, path))
        target = posixpath.normpath(posixpath.join(folder_of(path), text))
        if text.startswith("/") or target.startswith("../"):
            return True
        found = self.snapshot.entry(target)
        if found is not None:
            return found.mode in (LINK, SUBMODULE)
        inside = self.snapshot.files_in if at_once else self.snapshot.below
        return any(each.rpartition("/")[2] in manifest_names() for each in inside(f"{target}/"))

    def _leads_away(self, path: str) -> bool:
        entry = self.snapshot.entry(path)
        return entry is not None and entry.mode in (LINK, SUBMODULE)

    def _links_above(self, folder: str, root: str) -> Iterator[str]:
        """The links and submodules on the way from a root to a folder, that one included."""
        for each in ancestors(folder):
            if each and each != root and self._leads_away(each):
                yield each

    def _linked_folders(self, root: str) -> Iterator[str]:
        """The links and submodules that folder dependencies lead through."""
        manifest = self.manifest(root)
        if manifest is None:
            return
        for asking in (manifest, *self.members(root).values(), *self._folders_of(root).values()):
            for asked in asking.requires:
                folder = required_folder(asking.folder, asked, ANY_FOLDER)
                if folder is not None:
                    yield from self._links_above(folder, root)

    def unclear_globs(self, root: str) -> tuple[str, ...]:
        """The workspace globs of a root about which the clients' versions differ."""
        return tuple(each for each in self.globs(root) or () if is_unclear(each))

    def manifest_path(self, folder: str) -> str:
        """The path of the manifest in a directory."""
        manifest = self.manifest(folder)
        return join(folder, NAME) if manifest is None else manifest.path

    def at(self, root: str) -> Project | None:
        """The project whose root is this directory, or None."""
        if root not in self._projects:
            self._projects[root] = self._build(root)
        return self._projects[root]

    def of(self, path: str) -> Project | None:
        """The project that a file belongs to."""
        if not self.counts(path):
            return None
        root = self.root_of(folder_of(path))
        return None if root is None else self.at(root)

    def steered_by(self, path: str) -> Iterator[Project]:
        """The projects that a file may steer: its own, and for settings those below it."""
        own = self.of(path)
        if own is not None:
            yield own
        name = path.rpartition("/")[2]
        home = folder_of(path)
        users = self._dependents(home) if name in manifest_names() else []
        for dependent in dict.fromkeys((self._dependent_above(home), *users)):
            if dependent is not None and (own is None or own.path != dependent):
                project = self.at(dependent)
                if project is not None:
                    yield project
        if name not in inherited_names():
            return
        folder = folder_of(path)
        for root in self.folders:
            if root != folder and below(folder, root) is not None and self.root_of(root) == root:
                project = self.at(root)
                if project is not None and name in client_of(project).INHERITED:
                    yield project

    def all(self) -> Iterator[Project]:
        """Every project, by path."""
        for root in sorted(
            {root for each in self.folders if (root := self.root_of(each)) is not None}
        ):
            project = self.at(root)
            if project is not None:
                yield project

    def prospective(self, root: str) -> Project | None:
        """The project that a manifest's folder will be once it has dependencies."""
        return self.at(root) or self._build(root, empty=True)

    def _build(self, root: str, *, empty: bool = False) -> Project | None:
        manifest = self.manifest(root)
        if manifest is None:
            return None
        workspaces = self.members(root)
        folders = {
            folder: found
            for folder, found in self._folders_of(root).items()
            if folder not in workspaces
        }
        members = {**workspaces, **folders}
        lockfiles = tuple(self._lockfiles(root, read_pin(manifest)))
        asking = (*self._own(root), manifest, *members.values())
        unclear = self.unclear_globs(root)
        asks = lockfiles or unclear or any(each.requires for each in asking)
        if not asks and not empty:
            return None
        pin = read_pin(manifest)
        client = self._client_at(root)
        return Project(
            path=root,
            manifest=manifest,
            members=members,
            folders=frozenset(folders),
            client=client,
            lockfiles=(*lockfiles, *self._of_members(clients()[client], manifest, members)),
            pin=pin,
            read=self._read,
            nearby=partial(self._nearby, root),
            tracked=self._tracked,
        )

    def _tracked(self, folder: str) -> Iterator[tuple[str, str]]:
        snapshot = self.snapshot
        for path in snapshot.below(f"{folder}/") if folder else snapshot.everything():
            entry = snapshot.entry(path)
            if entry is not None:
                yield path, entry.oid

    def _read_ahead(self, path: str) -> bytes | None:
        """Read the lockfiles of a directory ahead, to tell which client each belongs to."""
        data = self.snapshot.read(path)
        if data is not None:
            self._ahead[path] = data
        return data

    def _read(self, path: str) -> bytes | None:
        return self._ahead.pop(path) if path in self._ahead else self.snapshot.read(path)

    def _nearby(self, root: str) -> Iterator[str]:
        """The settings files in the folders above and below a root."""
        for path in self._settings:
            folder = folder_of(path)
            if folder != root and (below(root, folder) or folder in ancestors(root)):
                yield path

    @cached_property
    def _settings(self) -> tuple[str, ...]:
        names = frozenset(
            name.rpartition("/")[2] for client in clients().values() for name in client.SETTINGS
        )
        return tuple(path for path in self.snapshot.named(names) if self.counts(path))

    def _lockfiles(self, root: str, pin: Pin | None) -> list[str]:
        """The lockfiles of a directory, those of the pinned client first."""
        found = list(self._all_lockfiles(root))
        if pin is None or len(found) < 2:
            return found
        fitting = [path for path in found if fits_pin(path, pin, self.snapshot.read)]
        return [*fitting, *(path for path in found if path not in fitting)]

    def _all_lockfiles(self, root: str) -> Iterator[str]:
        seen: set[str] = set()
        for client in clients().values():
            for name in client.LOCKFILES:
                for path in self._matching(root, name):
                    if path not in seen and self.snapshot.entry(path) is not None:
                        seen.add(path)
                        yield path

    def _matching(self, root: str, name: str) -> Iterable[str]:
        """A path in a root, or the paths that its name means where one of the folders is ``*``."""
        before, star, after = name.partition("*")
        before = join(root, before)
        if not star:
            return (before,)
        inside = self.snapshot.below(before)
        return sorted(
            each for each in inside if each.removeprefix(before).partition("/")[2] == after[1:]
        )

    def _of_members(
        self, client: Client, manifest: Manifest, members: Iterable[str]
    ) -> Iterator[str]:
        """The lockfiles of workspaces, where each has its own."""
        if members and client.locks_members(manifest, self.snapshot.read):
            paths = (join(folder, name) for folder in members for name in client.LOCKFILES)
            yield from (path for path in paths if self.snapshot.entry(path) is not None)

    def _client_at(self, root: str) -> str:
        """The name of the client that installs a directory."""
        if root not in self._clients:
            manifest = self.manifest(root)
            pin = None if manifest is None else read_pin(manifest)
            self._clients[root] = self._client(root, pin)
        return self._clients[root]

    def _client(self, root: str, pin: Pin | None) -> str:
        """The name of the client: by the lockfile, else the pin, else a file that marks it.

        Of several lockfiles, one of the pinned client's decides.
        """
        for path in self._lockfiles(root, pin):
            return client_of_lockfile(path, self._read_ahead).NAME
        pinned = None if pin is None else pinned_client(pin)
        if pinned is not None:
            return pinned.NAME
        for client in clients().values():
            if any(self.snapshot.entry(join(root, name)) is not None for name in client.MARKERS):
                return client.NAME
        return default_client().NAME
