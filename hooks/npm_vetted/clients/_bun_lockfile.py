"""bun.lock, versions 0 to 3: JSON with trailing commas, each entry of ``packages`` on its own line.

A file laid out as Bun writes it is split by lines and an entry is decoded when it is asked for; any
other is parsed whole. Bun takes an entry's identity from its first element only; the key is the
path below node_modules (FORMATS.md, and experiments with Bun 1.2.23, 1.3.14 and 1.4.5).
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from posixpath import dirname, isabs, join, normpath
from typing import Final

from npm_vetted.clients.lockfile import PATCH_SUFFIXES, Lockfile
from npm_vetted.documents.base import DEPTH_LIMIT, Document, Table, decode, named
from npm_vetted.documents.strict_json import load_json, load_jsonc
from npm_vetted.errors import DocumentError
from npm_vetted.model import Artifact, Entry, Group, Kind, Manifest, Problem, Read, Requirement

KNOWN_VERSIONS: Final = range(4)
"""Bun 1.4 writes 3 where overrides are nested, and refuses 4 (seen by running it)."""
FIRST_TO_TELL_SCRIPTS: Final = 2
"""From this version on the lockfile has ``hasInstallScript`` where there is one."""

_START: Final = '\n  "packages": {\n'
_END: Final = re.compile(r"\n  \},?\n\}\n*\Z")
_TRAILING_COMMA: Final = re.compile(r",(\n *[}\]])")
_CONFLICT: Final = re.compile(rb"^<{7} ", re.MULTILINE)
_CONTROLS: Final = bytes(set(range(32)) - {10, 13})
_EXACT: Final = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\Z")
_INNER: Final = ("root:", "workspace:", "link:", "file:")
"""What is no artifact: the project itself, and directories (``file:`` is one; a tarball's path
stands without it)."""
_GIT: Final = ("git+", "git:", "git@", "ssh:", "github:", "gitlab:", "bitbucket:", "gist:")
_GIT_HOSTS: Final = (
    "https://codeload.github.com/",
    "https://gitlab.com/",
    "https://bitbucket.org/",
)
_TARBALLS: Final = (".tgz", ".tar.gz")
_FEW: Final = 16


@dataclass(frozen=True, slots=True)
class _Layout:
    """A lockfile split up: what stands above ``packages``, its entries, and the line of each."""

    head: Document
    blocks: Mapping[str, object]
    line_of: Callable[[str], int]


class BunLockfile(Lockfile):
    """One version of a bun.lock."""

    def __init__(self, path: str, data: bytes, read: Read) -> None:
        self.path = path
        self._read = read
        layout = _split(path, data) or _whole(path, data)
        self.head = layout.head.root()
        self._raw = layout.blocks
        self._line_of = layout.line_of
        self.version = self._known_version()
        self.format = f"bun.lock {self.version}"
        self._entries: dict[str, Entry] = {}

    def _known_version(self) -> int:
        version = self.head.maybe_number("lockfileVersion")
        if version is None or version not in KNOWN_VERSIONS:
            last = KNOWN_VERSIONS[-1]
            raise self.head.fail(
                f"version {version} of bun.lock is not known (0 to {last} are)",
                "lockfileVersion",
                fix="upgrade npm-vetted",
            )
        return version

    @cached_property
    def blocks(self) -> Mapping[str, object]:
        """The entries' own text (or data), with the patch that is applied to them."""
        patched = {key for keys in self._patched.values() for key in keys}
        if not patched:
            return self._raw
        return {
            key: (block, self._digests[self._locator(block)]) if key in patched else block
            for key, block in self._raw.items()
        }

    @cached_property
    def _patches(self) -> Mapping[str, str]:
        """The patch files by what they change (``name@version``): paths from the top."""
        table = self.head.maybe_table("patchedDependencies")
        folder = dirname(self.path)
        found: dict[str, str] = {}
        for locator in table.data if table else ():
            assert table is not None
            text = table.text(locator)
            path = normpath(join(folder, text))
            if isabs(text) or path == ".." or path.startswith("../") or "\\" in text:
                raise table.fail(f"the patch file {text!r} leads outside the repository", locator)
            if not path.endswith(PATCH_SUFFIXES):
                message = f"expected a file name with .patch or .diff, found {text!r}"
                raise table.fail(message, locator)
            found[locator] = path
        return found

    @cached_property
    def _digests(self) -> Mapping[str, str]:
        found = {}
        for locator, path in self._patches.items():
            data = self._read(path)
            if data is None:
                line = self.head.line("patchedDependencies", locator)
                message = f"the patch file {path} of {locator} is not there"
                raise DocumentError(message, path=self.path, line=line)
            found[locator] = "sha256-" + b64encode(sha256(data).digest()).decode()
        return found

    @cached_property
    def _patched(self) -> Mapping[str, tuple[str, ...]]:
        """The keys of the entries that are patched, by what the patch says it changes."""
        if not self._patches:
            return {}
        found: dict[str, list[str]] = {}
        for key, block in self._raw.items():
            locator = self._locator(block)
            if locator in self._patches:
                found.setdefault(locator, []).append(key)
        return {locator: tuple(keys) for locator, keys in found.items()}

    @staticmethod
    def _locator(block: object) -> str:
        """The first element of a block, as it stands; '' where it has none."""
        if isinstance(block, str):
            return block.split('"', 4)[3]
        first = block[0] if isinstance(block, list) and block else ""
        return first if isinstance(first, str) else ""

    def patch_files(self) -> Mapping[str, tuple[str, ...]]:
        """The patch files and the entries that they change."""
        found: dict[str, list[str]] = {}
        for locator, keys in self._patched.items():
            found.setdefault(self._patches[locator], []).extend(keys)
        return {path: tuple(keys) for path, keys in found.items()}

    def line(self, key: str) -> int:
        """The line of an entry, which need not be decoded for it."""
        return self._line_of(key)

    def fail(self, message: str, key: str) -> DocumentError:
        """The error to raise about one entry."""
        return DocumentError(f"{key}: {message}", path=self.path, line=self.line(key))

    def _values(self, key: str) -> list[object]:
        block = self._raw[key]
        if isinstance(block, str):
            try:
                found = load_json(self.path, _alone(block).encode()).data
            except DocumentError as error:
                raise self.fail(error.message, key) from None
            assert isinstance(found, dict)
            block = found[key]
        assert isinstance(block, list)
        return block

    def entry(self, key: str) -> Entry:
        """Decode one entry; raises DocumentError where it is not of a shape that Bun writes."""
        if key not in self._entries:
            self._entries[key] = self._decode(key)
        return self._entries[key]

    def _decode(self, key: str) -> Entry:
        if key.count("/") > DEPTH_LIMIT:
            line = self.line(key)
            raise DocumentError(f"{key[:60]}…: nested too deeply", path=self.path, line=line)
        values = self._values(key)
        locator = values[0] if values else None
        if not isinstance(locator, str) or locator.find("@", 1) < 0:
            raise self.fail("expected name@version as the first element", key)
        at = locator.index("@", 1)
        name, reference = locator[:at], locator[at + 1 :]
        kind = _kind(reference)
        if kind is None and not reference.startswith(_INNER):
            raise self.fail(f"expected an exact version or a source, found {reference!r}", key)
        shape = _SHAPES[kind]
        if not shape.fewest <= len(values) <= shape.most:
            raise self.fail(f"expected {shape.words}, found {len(values)} elements", key)
        info = self._info(key, values, shape)
        artifact = None
        if kind is not None:
            registry = kind is Kind.REGISTRY
            flag = info.get("hasInstallScript")
            artifact = Artifact(
                name=name,
                version=reference if registry else None,
                kind=kind,
                resolved=(self._text(key, values, 1) or None) if registry else reference,
                integrity=self._text(key, values, shape.integrity) or None,
                patch=self._digests[locator] if locator in self._patches else None,
                scripts=flag is True or (None if self.version < FIRST_TO_TELL_SCRIPTS else False),
            )
        # An entry marked ``bundled`` is no different: Bun records the registry's version and hash
        # of it, and fetches those bytes where the parent's tarball does not carry it (seen in 1.2
        # to 1.4), so it is judged like any other.
        return Entry(
            key=key,
            line=self.line(key),
            artifact=artifact,
            requires=tuple(self._requires(key, info)),
        )

    def package_names(self) -> set[str]:
        """By the first elements of the entries."""
        found: set[str] = set()
        for key, block in self._raw.items():
            locator = self._locator(block)
            name, at, reference = locator[1:].partition("@")
            if at and "\\" not in str(block) and _EXACT.match(reference):
                found.add(locator[:1] + name)
            elif (artifact := self.entry(key).artifact) is not None:
                found.add(artifact.name)
        return found

    def _text(self, key: str, values: Sequence[object], index: int) -> str:
        if index >= len(values):
            return ""
        value = values[index]
        if not isinstance(value, str):
            raise self.fail(f"expected a string as element {index + 1}", key)
        return value

    def _info(self, key: str, values: Sequence[object], shape: _Shape) -> Mapping[str, object]:
        if shape.info >= len(values):
            return {}
        info = values[shape.info]
        if not isinstance(info, dict):
            raise self.fail(f"expected an object as element {shape.info + 1}", key)
        return info

    def _requires(self, key: str, info: Mapping[str, object]) -> Iterator[Requirement]:
        for group in Group:
            wanted = info.get(group.value)
            if wanted is None:
                continue
            if not isinstance(wanted, dict):
                raise self.fail(f"expected an object in {group.value}", key)
            for name, specifier in wanted.items():
                if not isinstance(specifier, str):
                    raise self.fail(f"expected a string in {group.value}.{name}", key)
                line = self.line(key)
                yield Requirement(name=name, specifier=specifier, group=group, line=line)

    @cached_property
    def workspaces(self) -> Mapping[str, Table]:
        """The manifests as the lockfile records them, by directory relative to it."""
        table = self.head.maybe_table("workspaces")
        found: dict[str, Table] = {}
        for folder in table.data if table else ():
            assert table is not None
            inner = table.maybe_table(folder)
            assert inner is not None
            found[folder] = inner
        return found

    @cached_property
    def importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """What the manifests ask for, as ``workspaces`` records it."""
        return {folder: tuple(_recorded(table)) for folder, table in self.workspaces.items()} or {
            "": ()
        }

    def resolve(
        self, origin: str | None, requirement: Requirement, importer: str = ""
    ) -> str | None:
        """Look for the name below the path that asks, then below each path above it."""
        start = origin
        if origin is None and importer in self.workspaces:
            start = self.workspaces[importer].maybe_text("name") if importer else None
        for above in _upwards(start):
            key = f"{above}/{requirement.name}" if above else requirement.name
            if key in self._raw:
                return key
        return None

    def dependents(self, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Who asks for these keys; of few keys, only the entries that name them are decoded."""
        if len(keys) > _FEW or any(not isinstance(block, str) for block in self._raw.values()):
            return super().dependents(keys)
        found: dict[str, tuple[str, ...]] = {}
        for key in keys:
            mention = f'"{last_name(key)}": '
            naming = [
                parent
                for parent, block in self._raw.items()
                if isinstance(block, str) and block.find(mention, len(parent) + 7) >= 0
            ]
            found[key] = tuple(parent for parent in naming if key in self.children(parent))
        return found

    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        """Where the manifests and this lockfile disagree."""
        from npm_vetted.clients._bun_sync import disagreements

        return disagreements(self, manifests)

    def aliases(self) -> Iterator[str]:
        """The keys whose folder is named otherwise than the package in it."""
        for key, block in self._raw.items():
            # Mostly a line starts with ``    "key": ["key@``; only the others are looked at.
            if isinstance(block, str) and block.startswith(f"{key}@", len(key) + 9):
                continue
            if not self._locator(block).startswith(f"{last_name(key)}@"):
                yield key


def _recorded(table: Table) -> Iterator[Requirement]:
    for group in Group:
        inner = table.maybe_table(group.value)
        for name in inner.data if inner else ():
            assert inner is not None
            yield Requirement(
                name=name, specifier=inner.text(name), group=group, line=inner.line(name)
            )


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where the elements of an entry stand: how few, how many, and the indexes of two of them."""

    fewest: int
    most: int
    info: int
    integrity: int
    words: str


_SHAPES: Final[Mapping[Kind | None, _Shape]] = {
    None: _Shape(1, 2, 1, 9, "[locator, info?]"),
    Kind.REGISTRY: _Shape(4, 4, 2, 3, "[name@version, registry, info, integrity]"),
    Kind.GIT: _Shape(3, 4, 1, 3, "[locator, info, tag, integrity?]"),
    Kind.TARBALL: _Shape(2, 3, 1, 2, "[locator, info, integrity?]"),
    Kind.FILE: _Shape(2, 3, 1, 2, "[locator, info, integrity?]"),
}


def _kind(reference: str) -> Kind | None:
    """Where what a locator names comes from; None: nothing that is fetched, or nothing known."""
    if reference.startswith(_INNER):
        return None
    if _EXACT.match(reference):
        return Kind.REGISTRY
    if reference.startswith((*_GIT, *_GIT_HOSTS)):
        return Kind.GIT
    if reference.startswith(("https:", "http:")):
        return Kind.TARBALL
    return Kind.FILE if reference.endswith(_TARBALLS) else None


def components(key: str) -> list[str]:
    """The names along a path: ``a/@s/b`` is ``a`` and ``@s/b``."""
    found: list[str] = []
    for part in key.split("/"):
        if found and found[-1].startswith("@") and "/" not in found[-1]:
            found[-1] += f"/{part}"
        else:
            found.append(part)
    return found


def last_name(key: str) -> str:
    """The folder that a path ends with: ``a/@s/b`` ends with ``@s/b``."""
    head, _, last = key.rpartition("/")
    scope = head[head.rfind("/") + 1 :]
    return f"{scope}/{last}" if scope.startswith("@") else last


def _upwards(key: str | None) -> Iterator[str]:
    """A path and those above it, '' (node_modules itself) last."""
    parts = components(key) if key else []
    while parts:
        yield "/".join(parts)
        parts.pop()
    yield ""


def _whole(path: str, data: bytes) -> _Layout:
    """Parse the whole file, whatever its layout."""
    marker = _CONFLICT.search(data)
    if marker is not None:
        line = data.count(b"\n", 0, marker.start()) + 1
        raise DocumentError("merge conflict markers", path=path, line=line, fix="bun install")
    document = load_jsonc(path, data)
    table = document.root().maybe_table("packages")
    blocks = dict(table.data) if table else {}
    for key, block in blocks.items():
        if table and not isinstance(block, list):  # a text is the mark of a line
            raise table.fail(f"expected a list, found {named(block)}", key)
    return _Layout(document, blocks, lambda key: document.line_of("packages", key))


def _split(path: str, data: bytes) -> _Layout | None:
    """Split a file that is laid out as Bun writes it; None where that is not certain.

    Certain means: above ``packages`` the text is a JSON object that is still open, below it nothing
    but two closing braces follows, and each line in between is empty or holds exactly one key and
    one list, which its brackets prove. For that no line may hold a backslash: then what stands
    between two quotes is a string.
    """
    if len(data.translate(None, _CONTROLS)) != len(data):
        return None
    text = decode(path, data).replace("\r\n", "\n")
    start = text.find(_START)
    end = _END.search(text, max(start, len(text) - 64)) if start >= 0 else None
    if end is None or "\r" in text:
        return None
    head = _open_object(path, text[:start] + '\n  "packages": {}\n}')
    if head is None:
        return None
    first = start + len(_START)
    entries = _entries(text[first : end.start()], text.count("\n", 0, first) + 1)
    if entries is None:
        return None
    blocks, lines = entries
    return _Layout(head, blocks, lines.__getitem__)


def _open_object(path: str, text: str) -> Document | None:
    try:
        return load_json(path, _TRAILING_COMMA.sub(r"\1", text).encode())
    except DocumentError:
        return None  # comments, or an error that the reader of the whole file will tell


def _entries(region: str, number: int) -> tuple[dict[str, object], dict[str, int]] | None:
    """The lines of ``packages`` by key, and their numbers; None where one is not just an entry."""
    if "\\" in region:
        return None
    blocks: dict[str, object] = {}
    lines: dict[str, int] = {}
    shapes: set[str] = set()
    for each, line in enumerate(region.split("\n"), start=number):
        if not line:
            continue
        pieces = line.split('"')
        shape = '"'.join(pieces[::2])
        if shape not in shapes:
            if len(pieces) % 2 == 0 or not _is_entry(shape):
                return None
            shapes.add(shape)
        key = pieces[1]
        if key in blocks:
            return None
        blocks[key] = line
        lines[key] = each
    return blocks, lines


def _is_entry(shape: str) -> bool:
    """Whether a line whose strings are emptied is one key and one list that starts with a string."""
    if not shape.startswith('    ": ["') or not shape.endswith("],"):
        return False
    try:
        pairs = json.loads(
            "{" + _alone(shape.replace('"', '""'))[1:-1] + "}", object_pairs_hook=list
        )
    except (ValueError, RecursionError):
        return False
    return len(pairs) == 1 and isinstance(pairs[0][1], list)


def _alone(line: str) -> str:
    """A line of ``packages`` as an object of its own."""
    return "{" + line.strip().removesuffix(",") + "}"
