"""The domain's nouns as frozen data. It imports nothing of this package, and reads and writes nothing."""

from __future__ import annotations

import datetime
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

Read = Callable[[str], "bytes | None"]
"""Read a file of one snapshot by its path from the top of the repository; None: not there."""


class Level(StrEnum):
    """How much a finding weighs: only errors fail, unless ``--strict``."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Location(NamedTuple):
    """A place in the repository: a path from its top and a line that counts from 1."""

    path: str
    line: int = 1


class Problem(NamedTuple):
    """A defect that a client's reader saw. The check that called the reader makes a finding of it.

    The fields mean what they mean in a ``Finding``.
    """

    message: str
    location: Location
    level: Level = Level.ERROR
    package: str | None = None
    version: str | None = None
    fix: tuple[tuple[str, ...], ...] = ()
    code: str = ""
    key: str = ""
    value: str = ""
    acceptable: bool = True


class Finding(NamedTuple):
    """One reason why a commit is rejected (or warned about).

    ``code`` is the stable name of the reason below its check (``git-program``). ``key`` names what
    the finding is about and ``value`` its present state: a setting and its value, a dependency and
    its hash (docs/formats.md, "baseline.txt"). ``acceptable`` is False if neither the baseline nor an
    ``[[ignore]]`` may accept the finding: a secret, a note, the policy. ``fix`` are the commands that
    resolve it, each as an argument list; the program ``npm-vetted`` means the running executable.
    """

    check: str
    message: str
    location: Location
    level: Level = Level.ERROR
    project: str | None = None
    package: str | None = None
    version: str | None = None
    fix: tuple[tuple[str, ...], ...] = ()
    code: str = ""
    key: str = ""
    value: str = ""
    acceptable: bool = True

    @property
    def identity(self) -> str:
        """16 hex digits that name the finding across commits; no line number is part of it."""
        return hashed(b"\0".join(_encoded(each) for each in self._about()))[:16]

    @property
    def fingerprint(self) -> str:
        """64 hex digits that also bind the value: the baseline accepts exactly this state."""
        fields = [_encoded(each) for each in (*self._about(), self.value)]
        return hashed(b"".join(b"%d:%s" % (len(each), each) for each in fields))

    def _about(self) -> tuple[str, ...]:
        name = self.package or ""
        return (self.check, self.code, self.project or "", self.location.path, name, self.key)


def _encoded(text: str) -> bytes:
    """UTF-8; surrogates (of a path that is not UTF-8, of a hostile JSON string) keep their code."""
    return text.encode("utf-8", "surrogatepass")


def hashed(data: bytes) -> str:
    """SHA-256 in hex digits."""
    import hashlib

    return hashlib.sha256(data).hexdigest()


def identities(findings: Iterable[Finding]) -> Iterator[str]:
    """The identity of each finding; ``:n`` marks the n-th equal one, from the second on."""
    seen: dict[str, int] = {}
    for finding in findings:
        identity = finding.identity
        seen[identity] = seen.get(identity, 0) + 1
        yield identity if seen[identity] == 1 else f"{identity}:{seen[identity]}"


_EXACT: Final = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?").fullmatch


class Kind(StrEnum):
    """Where an artifact's bytes come from. Links, workspaces and directories are no artifacts."""

    REGISTRY = "registry"
    GIT = "git"
    TARBALL = "tarball"
    FILE = "file"
    OTHER = "other"


class Artifact(NamedTuple):
    """An installable item that a lockfile pins: its name, its source and its bytes.

    ``name`` is the real published name, never an alias. ``integrity`` is the lockfile's own SRI
    text, ``checksum`` Yarn berry's own hash; either may be None, as may be ``version`` (git, URL).
    ``unhashed``: the client itself records no hash of it (Yarn berry, for entries with
    ``conditions``).
    ``patch`` is ``sha256-<base64>`` of the patch file applied to it. ``scripts`` says whether the
    lockfile declares lifecycle scripts; None where the format does not tell. ``specifier`` is what a
    manifest requires, where no lockfile pins anything. ``shrinkwrap``: npm installs the pins of an
    npm-shrinkwrap.json in its tarball.
    """

    name: str
    version: str | None
    kind: Kind
    resolved: str | None = None
    integrity: str | None = None
    checksum: str | None = None
    patch: str | None = None
    specifier: str | None = None
    scripts: bool | None = None
    bundled: bool = False
    environment: bool = False
    unhashed: bool = False
    shrinkwrap: bool = False

    @property
    def exact_version(self) -> str | None:
        """Its version; where no lockfile pins it, the one that its specifier spells out."""
        return self.version or (
            self.specifier if self.specifier and _EXACT(self.specifier) else None
        )

    @property
    def label(self) -> str:
        """``name@version`` as people write it; its source where there is none."""
        return f"{self.name}@{self.version or self.specifier or self.resolved or '?'}"


class Group(StrEnum):
    """The field of a manifest that requires a dependency."""

    PRODUCTION = "dependencies"
    DEVELOPMENT = "devDependencies"
    OPTIONAL = "optionalDependencies"
    PEER = "peerDependencies"


class Requirement(NamedTuple):
    """A requirement of a manifest or of a locked package.

    ``name`` is the name in node_modules (an alias, where there is one). ``target`` is the
    lockfile's own pointer to the entry that satisfies it, in formats that have one (pnpm).
    """

    name: str
    specifier: str
    group: Group = Group.PRODUCTION
    target: str | None = None
    line: int = 1


class Entry(NamedTuple):
    """One entry of a lockfile. ``artifact`` is None for links, workspaces and directories.

    ``bundled_by`` is the key of the entry whose tarball carries this one; ``bundles`` the names
    that this entry's tarball carries.
    """

    key: str
    line: int
    artifact: Artifact | None
    requires: tuple[Requirement, ...] = ()
    bundled_by: str | None = None
    bundles: frozenset[str] = frozenset()


class Manifest(NamedTuple):
    """A package.json: ``requires`` are its dependency fields, each with the line it is on."""

    path: str
    name: str | None
    version: str | None
    private: bool
    requires: tuple[Requirement, ...]
    workspaces: tuple[str, ...] | None
    scripts: Mapping[str, str]
    data: Mapping[str, object]
    line_of: Callable[..., int]
    """``line_of("allowScripts", "esbuild")``: the line of a key path, or of its ancestor."""

    @property
    def folder(self) -> str:
        """The directory from the top of the repository, '' for the top."""
        return self.path.rpartition("/")[0]


class Pin(NamedTuple):
    """The client and version a project says it uses.

    ``minimum`` is the lowest version that may run: exact for ``packageManager``, the range's
    minimum for ``devEngines``. ``enforced`` is False where a wrong version only warns.
    """

    client: str
    minimum: tuple[int, int, int] | None
    exact: bool
    enforced: bool
    location: Location


class Project(NamedTuple):
    """A directory that is installed on its own, as one snapshot holds it.

    ``path`` is its directory from the top of the repository ('' for the top), ``members`` its
    workspaces' manifests by directory (the root's not among them), ``client`` the name of the
    module under ``clients/``; ``read`` takes paths from the top of the repository. ``nearby`` are
    the files named like a client's settings in the directories above and below it: a client may
    read those too, when it runs there. ``tracked`` lists the files below a directory, which is given
    from the top of the repository, each with git's name of its content.
    """

    path: str
    manifest: Manifest
    members: Mapping[str, Manifest]
    client: str | None
    lockfiles: tuple[str, ...]
    pin: Pin | None
    read: Read
    nearby: Callable[[], Iterable[str]] = tuple
    tracked: Callable[[str], Iterable[tuple[str, str]]] = lambda _: ()
    folders: frozenset[str] = frozenset()
    """The members that are no workspaces: folders that the root depends on."""

    def join(self, name: str) -> str:
        """``name`` in this project's directory, as a path from the top of the repository."""
        path = f"{self.path}/{name}" if self.path else name
        return posixpath.normpath(path) if name.startswith("../") else path

    def read_own(self, name: str) -> bytes | None:
        """Read a file that is beside the project's package.json."""
        return self.read(self.join(name))

    @property
    def manifests(self) -> Mapping[str, Manifest]:
        """All its manifests by directory from the top of the repository, the root's first."""
        return {self.path: self.manifest, **self.members}


CodeReader: TypeAlias = (
    "Callable[[Callable[[str], Project | None], Iterable[tuple[str, bytes]]], Iterator[Problem]]"
)
"""Reads files of code, each its path and content; it is handed a function that finds a file's project."""


TaskReader: TypeAlias = "Callable[[str, bytes], Iterator[tuple[str, int]]]"
"""Reads a file of tasks by its path and content: the shell text of each task, and its line."""


class Allowance(NamedTuple):
    """An entry of an allow-list: the client runs this package's scripts; no version: any.

    ``source`` is the folder, tarball or repository that the entry names behind the package; ``text``
    the entry as it is written, where several of these come from one.
    """

    package: str
    version: str | None
    setting: str
    location: Location
    source: str | None = None
    text: str = ""

    def means(self, artifact: Artifact) -> bool:
        """Whether the client runs the scripts of a locked artifact because of the entry."""
        if artifact.name != self.package:
            return False
        if self.source is not None:
            return artifact.kind is not Kind.REGISTRY
        return self.version in (None, artifact.version)


class Edit(NamedTuple):
    """A file's new content and a description of the change; the file is not written yet."""

    path: str
    content: bytes
    reason: str


class BundledPackage(NamedTuple):
    """A package inside another's tarball, or one that an npm-shrinkwrap.json there pins.

    ``path`` is its folder below the carrier's own; ``integrity`` is of a pinned one only.
    """

    name: str
    version: str
    path: str
    scripts: tuple[str, ...] = ()
    integrity: str | None = None


class Published(NamedTuple):
    """A registry's statement on a version, as a note records it.

    ``published`` is the time of publication, ``integrity`` the SRI text, ``scripts`` the names of the
    lifecycle scripts. ``evidence`` is the note's ``[evidence]`` table: its texts are safe to print;
    what the registry does not say is left out. ``bundles`` is what the verified tarball carries and
    ``shrinkwrap`` what its npm-shrinkwrap.json pins; None where there is none, or nobody looked.
    """

    published: datetime.datetime | None
    integrity: str | None
    scripts: tuple[str, ...]
    evidence: Mapping[str, str | int | list[str]]
    bundles: tuple[BundledPackage, ...] = ()
    shrinkwrap: tuple[BundledPackage, ...] | None = None
