"""Finds the projects of a snapshot, with their manifests, workspaces, clients and lockfiles.

How the project of a file is found (``Projects.of``, ``root_of``):

1. The nearest folder upwards with a manifest is its home. A file in node_modules has no project.
2. A root above whose workspace globs name the home is the project.
3. Otherwise, if the home has no lockfile, a project that depends on it as a folder (``file:``) is the project.
4. Otherwise the home is the project, unless an ``[[exclude]]`` of the policy covers it.

How a project is built (``_build``):

1. Its members are the workspaces, and the folders that it depends on.
2. Its client is that of its lockfile, else the pinned one, else that of a marker file, else npm.
3. A folder without lockfile, requirements and unclear globs is no project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial

from npm_vetted.clients import Client, client_of, clients
from npm_vetted.clients.shared.workspaces import is_member, is_unclear
from npm_vetted.errors import DocumentError
from npm_vetted.git.snapshot import Snapshot
from npm_vetted.model import Manifest, Project
from npm_vetted.packages.manifest import NAME, read_pin
from npm_vetted.projects.file_names import inherited_names, manifest_names
from npm_vetted.projects.folder_dependencies import FOLDER_WORDS, required_folder
from npm_vetted.projects.lockfiles import Lockfiles
from npm_vetted.projects.manifests import Manifests
from npm_vetted.projects.paths import ancestors, below, folder_of, in_node_modules, join


class Projects:
    """The projects of one snapshot; a manifest is read when a caller needs it."""

    def __init__(self, snapshot: Snapshot, excluded: Callable[[str], bool]) -> None:
        self.snapshot = snapshot
        self._excludes = excluded
        self._lockfiles = Lockfiles(snapshot)
        self._manifests = Manifests(snapshot, excluded, self._lockfiles)
        self._projects: dict[str, Project | None] = {}
        self._clients: dict[str, Client] = {}
        self._folders: dict[str, dict[str, Manifest]] = {}
        self._globs: dict[str, tuple[str, ...] | None] = {}

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """Every folder with a manifest outside node_modules."""
        paths = self.snapshot.named(manifest_names())
        return tuple(sorted({folder_of(path) for path in paths if not in_node_modules(path)}))

    def _excluded(self, path: str) -> bool:
        """Whether an ``[[exclude]]`` covers a path; a manifest at the repository's top is never excluded."""
        return "/" in path and self._excludes(path)

    def counts(self, path: str) -> bool:
        """Whether a path may belong to a project: not below node_modules, and not excluded.

        The policy cannot exclude a workspace of a project: the project's client installs it.
        """
        if in_node_modules(path):
            return False
        return not self._excluded(path) or self._root_above(folder_of(path)) is not None

    @property
    def unreadable(self) -> Mapping[str, DocumentError]:
        """The manifests that cannot be read, by path: templates and fixtures, or broken ones."""
        return self._manifests.unreadable

    def manifest(self, folder: str) -> Manifest | None:
        """The manifest in a directory; None where there is none, or it is among the unreadable."""
        return self._manifests.at(folder)

    def manifest_path(self, folder: str) -> str:
        """The path of the manifest in a directory."""
        return self._manifests.path_of(folder)

    def globs(self, folder: str) -> tuple[str, ...] | None:
        """The workspace globs of a folder; None: it is no workspace root.

        They are kept, because every manifest below needs them and rush.json takes long to read.
        """
        if folder not in self._globs:
            self._globs[folder] = self._read_globs(folder)
        return self._globs[folder]

    def _read_globs(self, folder: str) -> tuple[str, ...] | None:
        manifest = self.manifest(folder)
        if manifest is None:
            return None
        name = manifest.path.rpartition("/")[2]  # the client whose own manifest this is comes first
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
        negation = self.client_at(root).NEGATION
        return is_member(globs, inner, negation)

    def _root_above(self, home: str) -> str | None:
        """The root that a folder with a manifest belongs to; None: the folder is a root itself.

        An excluded root is no project, so it has no workspaces.
        """
        for above in ancestors(home):
            if above != home and self.manifest(above) and self.is_workspace(above, home):
                return None if self._excluded(self.manifest_path(above)) else above
        return None if self._lockfiles.exists_in(home) else self._dependent_above(home)

    def _dependent_above(self, home: str) -> str | None:
        """A root that depends on a folder (``file:``), preferably one above it; None: there is none."""
        for above in ancestors(home):
            if above != home and home in self.folder_dependencies(above):
                return None if self._excluded(self.manifest_path(above)) else above
        return next(iter(self._dependents(home)), None)

    def _dependents(self, home: str) -> list[str]:
        """The roots that depend on a folder (``file:``)."""
        if not home or not self._folder_users:
            return []
        return [
            root
            for root in self._folder_users
            if root != home and home in self.folder_dependencies(root)
        ]

    @cached_property
    def _folder_users(self) -> tuple[str, ...]:
        """The roots of all manifests whose text may require a folder."""
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

    def folder_dependencies(self, root: str) -> dict[str, Manifest]:
        """The folders that a root depends on, directly or through other folders, with their manifests.

        Their dependencies are installed with those of the root, and locked in its lockfile.
        """
        if root not in self._folders:
            found: dict[str, Manifest] = {}
            self._folders[root] = found
            manifest = self.manifest(root)
            prefixes = self.client_at(root).FOLDER_PREFIXES if manifest else ()
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
        """The folder of the project that a folder belongs to; None: to no project.

        The module's docstring has the steps.
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
                else:
                    self._manifests.must_be_read(join(folder, NAME))
        return found

    def unclear_globs(self, root: str) -> tuple[str, ...]:
        """The workspace globs of a root about which the clients' versions differ."""
        return tuple(each for each in self.globs(root) or () if is_unclear(each))

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
        """The project in a folder, even if it has neither dependencies nor a lockfile yet."""
        return self.at(root) or self._build(root, empty=True)

    def _build(self, root: str, *, empty: bool = False) -> Project | None:
        manifest = self.manifest(root)
        if manifest is None:
            return None
        workspaces = self.members(root)
        folders = {
            folder: found
            for folder, found in self.folder_dependencies(root).items()
            if folder not in workspaces
        }
        members = {**workspaces, **folders}
        lockfiles = tuple(self._lockfiles.pinned_first(root, read_pin(manifest)))
        asking = (*self._manifests.own(root), manifest, *members.values())
        unclear = self.unclear_globs(root)
        asks = lockfiles or unclear or any(each.requires for each in asking)
        if not asks and not empty:
            return None
        pin = read_pin(manifest)
        client = self.client_at(root)
        return Project(
            path=root,
            manifest=manifest,
            members=members,
            folders=frozenset(folders),
            client=client.NAME,
            lockfiles=(*lockfiles, *self._lockfiles.of_members(client, manifest, members)),
            pin=pin,
            read=self._lockfiles.read,
            nearby=partial(self._nearby, root),
            tracked=self._tracked,
        )

    def _tracked(self, folder: str) -> Iterator[tuple[str, str]]:
        snapshot = self.snapshot
        for path in snapshot.below(f"{folder}/") if folder else snapshot.everything():
            entry = snapshot.entry(path)
            if entry is not None:
                yield path, entry.oid

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

    def client_at(self, root: str) -> Client:
        """The client that installs a directory."""
        if root not in self._clients:
            manifest = self.manifest(root)
            pin = None if manifest is None else read_pin(manifest)
            self._clients[root] = self._lockfiles.installer(root, pin)
        return self._clients[root]
