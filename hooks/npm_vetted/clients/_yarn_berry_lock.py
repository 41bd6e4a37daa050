"""yarn.lock of Yarn 2 and later, the lockfile of Yarn berry (FORMATS.md)."""

from __future__ import annotations

import base64
import hashlib
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final
from urllib.parse import unquote

from npm_vetted.clients._yarn import YarnLockfile, beside, lock_text, out_of_range
from npm_vetted.clients._yarn_locators import (
    Reference,
    aliases,
    escaped,
    normal,
    patched,
    resolution_pattern,
    split_ident,
)
from npm_vetted.clients.lockfile import PATCH_SUFFIXES
from npm_vetted.documents.strict_yaml import load_yaml
from npm_vetted.errors import DocumentError
from npm_vetted.model import (
    Artifact,
    Entry,
    Group,
    Kind,
    Location,
    Manifest,
    Problem,
    Read,
    Requirement,
)

VERSIONS: Final = range(4, 11)
"""``__metadata.version``: 4 and 5 of Yarn 2, 6 of 3, 7 to 10 of 4."""

_QUOTED: Final = r'"[^"\\\n]*+"'
_PLAIN: Final = r"""[A-Za-z0-9_/^~.=(<][^\n:#"'\[\]{},`\\]*+"""
_KEY: Final = rf"(?:{_QUOTED}|[A-Za-z0-9_/][^\n:#\"'\[\]{{}},`\\]*+)"
_SCALAR: Final = rf"(?:{_QUOTED}|{_PLAIN})"
_THIRD: Final = rf"(?:\n      {_KEY}: {_SCALAR})++"
_SECOND: Final = rf"(?:\n    {_KEY}:(?: {_SCALAR}|{_THIRD}))++"
_FIRST: Final = rf"(?:\n  {_KEY}:(?: {_SCALAR}|{_SECOND}))++"
_BLOCK: Final = re.compile(
    r"""(?:"([^"\\\n]*+)"|([A-Za-z0-9_/][^\n:#"'\[\]{},`\\]*+)|\? "([^"\\\n]*+)"\n):"""
    rf"{_FIRST}"
)
"""One canonical entry, its key captured: lines that are whole, each deeper only below a key."""
_SAME_NAME: Final = re.compile(
    r'"?((?:@[^/@"\n]++/)?[^/@"\n]++)@[^"\n]*+"?:\n  version: [^\n]*+\n  resolution: "\1@'
)
_RESOLUTION: Final = re.compile(r'\n  resolution: "([^"\n]*+)"')
_COMMENTS: Final = re.compile(r"(?:#[^\n]*+\n?)++")
_LEGACY: Final = re.compile(r"#\s+yarn\s+lockfile\s+v1", re.IGNORECASE)

_KNOWN: Final = frozenset({
    "version", "resolution", "dependencies", "peerDependencies", "dependenciesMeta",
    "peerDependenciesMeta", "bin", "checksum", "conditions", "languageName", "linkType",
})  # fmt: skip
_COMMIT: Final = re.compile(r"[#&]commit[=:]")
_FOLDERS: Final = ("workspace:", "link:", "portal:")
_TARBALL: Final = (".tgz", ".tar.gz", ".tar")
_BUILTIN: Final = re.compile(r"~?builtin<[^<>]*>\Z")
_FLAGS: Final = re.compile(r"\A(?:[a-z]++!)++")
_DEPTH: Final = 5
_RESOLVED: Final = '\n  resolution: "'
_REGISTRY: Final = re.compile(r'((?:@[^/@"\\]+/)?[^/@"\\]+)@npm:[^"\\:#]+"')
_ENTRY_GROUPS: Final = (Group.PRODUCTION, Group.DEVELOPMENT, Group.OPTIONAL)


class BerryLockfile(YarnLockfile):
    """A yarn.lock with ``__metadata``. Canonical text is read here, any other YAML by libyaml."""

    names_hosts = False

    def __init__(self, path: str, data: bytes, read: Read) -> None:
        text = lock_text(path, data)
        if _LEGACY.search(text, 0, 10_000):
            raise DocumentError(
                "the header of yarn.lock version 1 above entries of Yarn berry: "
                "each Yarn reads something else",
                path=path,
            )
        super().__init__(path, text, read)
        self._blocks, self._begins, self._tables = self._canonical() or self._parsed()
        version = str(self._fields("__metadata").get("version"))
        if not version.isascii() or not version.isdigit() or int(version[:4]) not in VERSIONS:
            line = self._text.count("\n", 0, self._text.find("__metadata")) + 1
            raise DocumentError(
                f"__metadata.version: expected {VERSIONS[0]} to {VERSIONS[-1]}, found {version!r}",
                path=path,
                line=line,
            )
        self.version = int(version)
        self.format = f"yarn.lock berry {version}"
        self._blocks.pop("__metadata")

    def _canonical(
        self,
    ) -> tuple[dict[str, object], dict[str, int], dict[str, Mapping[str, object]]] | None:
        """The blocks of text, where every one is canonical; None: some YAML reader must judge."""
        text = self._text
        if " \n" in text or " :" in text or text.endswith(" "):
            return None  # blanks that are no part of a key or value
        blocks: dict[str, object] = {}
        starts: dict[str, int] = {}
        start = 0
        matches = _BLOCK.fullmatch
        for chunk in text.split("\n\n"):
            block = chunk
            found = matches(block)
            if found is None and (block := chunk.strip("\n")):
                found = matches(block)
                if found is None and not _COMMENTS.fullmatch(block):
                    return None
            if found is not None:
                key = found[found.lastindex or 0]
                if key in blocks:
                    raise self._twice(key, start)
                blocks[key] = block
                starts[key] = start + (0 if block is chunk else chunk.index(block))
            start += len(chunk) + 2
        return (blocks, starts, {}) if "__metadata" in blocks else None

    def _twice(self, key: str, start: int) -> DocumentError:
        line = self._text.count("\n", 0, start + 1) + 1
        return DocumentError(
            f"the key {key!r} stands twice in one mapping", path=self.path, line=line
        )

    def _parsed(
        self,
    ) -> tuple[dict[str, object], dict[str, int], dict[str, Mapping[str, object]]]:
        """The decoded entries in the place of their text, for a file that no Yarn wrote so."""
        documents = load_yaml(self.path, self._text.encode(), strings_only=True)
        if len(documents) != 1:
            raise DocumentError("expected one YAML document", path=self.path)
        root = documents[0].root()
        tables: dict[str, Mapping[str, object]] = {}
        starts: dict[str, int] = {}
        offsets = [0, *(found.end() for found in re.finditer("\n", self._text))]
        for key in root.data:
            table = root.maybe_table(key)
            assert table is not None
            tables[key] = table.data
            starts[key] = offsets[min(table.line(), len(offsets)) - 1]
        if "__metadata" not in tables:
            raise DocumentError("the key '__metadata' is missing", path=self.path)
        return dict(tables), starts, tables

    @property
    def blocks(self) -> Mapping[str, object]:
        """The text of each entry by its key; decoded where the text is not canonical."""
        return self._blocks

    @cached_property
    def _starts(self) -> Mapping[str, int]:
        return self._begins

    def _fields(self, key: str) -> Mapping[str, object]:
        found = self._tables.get(key)
        return _decoded(self, key, str(self._blocks[key])) if found is None else found

    def descriptors(self, key: str) -> Sequence[str]:
        """The descriptors of an entry."""
        return (
            [text for text in key.replace(" ,", ",").split(", ") if text] if ", " in key else [key]
        )

    def names(self, key: str) -> set[str]:
        """The names that its descriptors give it."""
        return {found[0] for text in self.descriptors(key) if (found := split_ident(text))}

    def _decode(self, key: str) -> Entry:
        fields = self._fields(key)
        for name, value in fields.items():
            if name not in _KNOWN:
                raise self.fail(f"the field {name!r} is not known", key)
            table = name.endswith(("ependencies", "Meta", "bin"))
            if isinstance(value, dict) != table:
                raise self.fail(f"{name}: expected {'a table' if table else 'a string'}", key)
        ident, reference = self._locator(key, fields)
        return Entry(
            key=key,
            line=self.line(key),
            artifact=self._artifact(key, fields, ident, reference),
            requires=(*self._requires(key, fields), *self._sources(key)),
        )

    def _locator(self, key: str, fields: Mapping[str, object]) -> tuple[str, str]:
        resolution = fields.get("resolution")
        found = split_ident(resolution) if isinstance(resolution, str) else None
        if found is None:
            raise self.fail("resolution: expected name@protocol:…", key)
        return found

    def package_names(self) -> set[str]:
        """By the resolution's line, where it names a registry's version."""
        _ = self.index
        found: set[str] = set()
        for key, block in self._blocks.items():
            line = str(block).split(_RESOLVED, 1)[1:] if isinstance(block, str) else []
            registry = _REGISTRY.match(line[0]) if line else None
            if registry is not None:
                found.add(registry[1])
            elif (artifact := self.entry(key).artifact) is not None:
                found.add(artifact.name)
        return found

    def _requires(self, key: str, fields: Mapping[str, object]) -> Iterator[Requirement]:
        meta = _table(fields, "dependenciesMeta")
        lines = self._dependency_lines(key)
        for name, wanted in _table(fields, "dependencies").items():
            if not isinstance(wanted, str):
                raise self.fail(f"dependencies.{name}: expected a string", key)
            optional = _table(meta, name).get("optional") == "true"
            yield Requirement(
                name=name,
                specifier=wanted,
                group=Group.OPTIONAL if optional else Group.PRODUCTION,
                line=lines.get(name, self.line(key)),
            )

    def _dependency_lines(self, key: str) -> Mapping[str, int]:
        block = self._blocks.get(key)
        if not isinstance(block, str):
            return {}
        found: dict[str, int] = {}
        inside = False
        for number, line in enumerate(block.split("\n"), start=self.line(key)):
            if not line.startswith("    "):
                inside = line == "  dependencies:"
            elif inside:
                found[_split_line(line)[0]] = number
        return found

    def _sources(self, key: str) -> Iterator[Requirement]:
        """What a patched entry is made from: another entry of this lockfile."""
        seen = set()
        for descriptor in self.descriptors(key):
            source = patched(descriptor)
            if source and source not in seen:
                seen.add(source)
                yield Requirement(
                    name=source[0], specifier=source[1], target="source", line=self.line(key)
                )

    def _artifact(
        self, key: str, fields: Mapping[str, object], ident: str, reference: str
    ) -> Artifact | None:
        version = fields.get("version")
        if not isinstance(version, str):
            raise self.fail("the field 'version' is missing", key)
        name, kind = self._source(key, ident, reference, version)
        if kind is None:
            return None
        checksum = fields.get("checksum")
        return Artifact(
            name=name,
            version=version,
            kind=kind,
            resolved=self._archive(key, reference) or f"{ident}@{reference}",
            checksum=checksum if isinstance(checksum, str) else None,
            patch=self._patch(reference),
            # Seen with Yarn 4.18: no checksum is written for a package with conditions, nor
            # missed by --immutable, even where the package was fetched.
            unhashed=kind is Kind.REGISTRY and checksum is None and "conditions" in fields,
        )

    def _source(self, key: str, name: str, reference: str, version: str) -> tuple[str, Kind | None]:
        """The name and kind of the bytes below any patch; None: a workspace, link, directory."""
        for _ in range(_DEPTH):
            parts = Reference.parse(reference)
            if parts.protocol != "patch:":
                return name, self._kind(key, reference, parts, version)
            inner = split_ident(unquote(parts.source))
            if inner is None:
                raise self.fail("resolution: a patch of nothing", key)
            name, reference = inner[0], normal(inner[1])
        raise self.fail("resolution: patches of patches without end", key)

    def _archive(self, key: str, reference: str) -> str | None:
        """The URL that a registry package is fetched from, where it is not its registry's usual one."""
        parts = Reference.parse(reference)
        for _ in range(_DEPTH):
            if parts.protocol != "patch:":
                break
            inner = split_ident(unquote(parts.source))
            parts = Reference.parse(normal(inner[1] if inner else ""))
        url = parts.params.get("__archiveUrl") if parts.protocol == "npm:" else None
        if url is not None and "://" not in url:
            raise self.fail(f"resolution: __archiveUrl: expected a URL, found {url!r}", key)
        return url

    def _kind(self, key: str, reference: str, parts: Reference, version: str) -> Kind | None:
        if parts.protocol == "npm:":
            if parts.source != version:
                raise self.fail(f"version: expected {parts.source}, found {version}", key)
            if parts.params.keys() - {"__archiveUrl"} or parts.selector is not None:
                raise self.fail("resolution: expected name@npm:version", key)
            return Kind.REGISTRY
        if parts.protocol in _FOLDERS:
            return None
        if parts.protocol == "file:":
            return Kind.FILE if parts.source.endswith(_TARBALL) else None
        if _COMMIT.search(reference) or parts.protocol.startswith(("git:", "git+", "ssh:")):
            return Kind.GIT
        if parts.protocol in ("https:", "http:"):
            return Kind.GIT if parts.source.endswith(".git") else Kind.TARBALL
        if not parts.protocol:
            raise self.fail("resolution: expected name@protocol:…", key)
        return Kind.OTHER

    # -- patches

    def _patch_paths(self, reference: str) -> Iterator[tuple[str | None, str]]:
        """Each patch file: its path from the top (None: not in the repository), and its text."""
        for _ in range(_DEPTH):
            parts = Reference.parse(reference)
            if parts.protocol != "patch:":
                return
            for text in (parts.selector or "").split("&"):
                path = _FLAGS.sub("", unquote(text), count=1)
                if path and not _BUILTIN.match(path):
                    yield self._patch_path(path, parts.params.get("locator")), path
            inner = split_ident(unquote(parts.source))
            reference = inner[1] if inner else ""

    def _patch_path(self, path: str, locator: str | None) -> str | None:
        folder = ""
        if path.startswith("~/"):
            path = path[2:]
        elif locator is not None:
            found = split_ident(locator)
            if found is None or not found[1].startswith("workspace:"):
                return None
            folder = found[1].removeprefix("workspace:")
        joined = posixpath.normpath(beside(self.path, posixpath.join(folder, path)))
        if joined.startswith(("/", "../")) or path.startswith("/"):
            return None
        return joined if joined.endswith(PATCH_SUFFIXES) else None

    def _patch(self, reference: str) -> str | None:
        """The hashes of the patch files; a file that cannot be read has none that a note holds."""
        found = [_digest(self._read, path, text) for path, text in self._patch_paths(reference)]
        return " ".join(found) or None

    def patch_files(self) -> Mapping[str, tuple[str, ...]]:
        """The patch files of the repository by path, with the keys of the entries they change."""
        found: dict[str, list[str]] = {}
        for key, block in self.blocks.items():
            if "@patch:" in str(block):
                _, reference = self._locator(key, self._fields(key))
                for path, _ in self._patch_paths(reference):
                    if path is not None:
                        found.setdefault(path, []).append(key)
        return {path: tuple(keys) for path, keys in found.items()}

    # -- who asks for what

    @cached_property
    def importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """What each workspace asks for, production and development together, as Yarn records it."""
        return {
            folder: tuple(self._requires(key, self._fields(key)))
            for folder, key in self._workspaces.items()
        }

    @cached_property
    def _workspaces(self) -> Mapping[str, str]:
        """The key of each workspace's entry by its folder relative to the lockfile."""
        found: dict[str, str] = {}
        for key, block in self.blocks.items():
            if "@workspace:" not in key and "@workspace:" not in str(block):
                continue
            _, reference = self._locator(key, self._fields(key))
            if reference.startswith("workspace:"):
                folder = reference.removeprefix("workspace:")
                folder = "" if folder == "." else folder
                if folder in found:
                    raise self.fail(f"the workspace {folder or '.'!r} has two entries", key)
                found[folder] = key
        return found

    def asked(self, manifests: Mapping[str, Manifest]) -> Mapping[str, tuple[Requirement, ...]]:
        """What the workspaces ask for, with the manifests' own fields as groups."""
        return {
            folder: tuple(
                asked._replace(group=group)
                for asked in requires
                for group in _groups(manifests.get(folder), asked)
            )
            for folder, requires in self.importers.items()
        }

    @cached_property
    def _found(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Keys by normalised descriptor, and by the descriptor that a builtin patch wraps."""
        plain = dict(self.index)
        wrapped: dict[str, str] = {}
        for descriptor, key in self.index.items():
            if "@npm:" in descriptor and "@patch:" not in descriptor:
                continue  # normal as it stands
            split = split_ident(descriptor)
            if split is None:
                continue
            name, wanted = split
            plain.setdefault(f"{name}@{normal(wanted)}", key)
            if wanted.startswith("patch:") and "builtin<compat/" in wanted:
                source = patched(descriptor)
                if source:
                    wrapped.setdefault(f"{source[0]}@{normal(source[1])}", key)
        return plain, wrapped

    def resolve(
        self, origin: str | None, requirement: Requirement, importer: str = ""
    ) -> str | None:
        """The entry of a descriptor, after ``resolutions``, catalogs and Yarn's own patches."""
        if requirement.group is Group.PEER:
            return None
        plain, wrapped = self._found
        name = requirement.name
        wanted = normal(self._catalogued(name, requirement.specifier))
        parent = origin if origin is not None else self._workspaces.get(importer)
        if requirement.target == "source":
            return plain.get(f"{name}@{wanted}")
        override = self._override(parent, name, wanted)
        for text, asker in ((override, self._workspaces.get("")), (wanted, parent)):
            if text is None:
                continue
            for candidate in self._bound(text, asker):
                descriptor = f"{name}@{candidate}"
                found = wrapped.get(descriptor) or plain.get(descriptor)
                if found is not None:
                    return found
        return None

    def _bound(self, wanted: str, asker: str | None) -> Iterator[str]:
        """A range as it is, and bound to who asks (a path is relative to that)."""
        yield wanted
        if asker is not None:
            name, reference = self._locator(asker, self._fields(asker))
            join = "&" if "::" in wanted else "::"
            yield f"{wanted}{join}locator={escaped(f'{name}@{reference}')}"

    def _catalogued(self, name: str, wanted: str) -> str:
        """What ``catalog:`` stands for, by .yarnrc.yml; the text itself where nothing says."""
        if not wanted.startswith("catalog:"):
            return wanted
        which = wanted.removeprefix("catalog:")
        table = self._catalogs.get(which)
        found = table.get(name) if isinstance(table, dict) else None
        return found if isinstance(found, str) else wanted

    @cached_property
    def _catalogs(self) -> Mapping[str, object]:
        path = beside(self.path, ".yarnrc.yml")
        data = self._read(path)
        documents = load_yaml(path, data, strings_only=True) if data else []
        if not documents or documents[0].data is None:
            return {}
        settings = documents[0].root().data
        named = settings.get("catalogs")
        return {**(named if isinstance(named, dict) else {}), "": settings.get("catalog")}

    def _override(self, parent: str | None, name: str, wanted: str) -> str | None:
        """What the first fitting entry of the root's ``resolutions`` puts in a range's place."""
        for pattern, text in self._patterns:
            whom, whose, target, ranged = pattern
            if target != name or (ranged is not None and normal(ranged) != wanted):
                continue
            if whom is not None and parent is not None:
                ident, reference = self._locator(parent, self._fields(parent))
                if ident != whom or (whose is not None and normal(whose) != reference):
                    continue
            return normal(self._catalogued(name, text))
        return None

    @cached_property
    def _patterns(
        self,
    ) -> Sequence[tuple[tuple[str | None, str | None, str, str | None], str]]:
        """``resolutions`` taken apart: parent's name and reference, name and range, new range."""
        return [
            (pattern, text)
            for key, text in self.resolutions.items()
            if (pattern := resolution_pattern(key)) is not None
        ]

    # -- does it agree with the manifests

    def disagreements(self, manifests: Mapping[str, Manifest]) -> Iterator[Problem]:
        """Where workspaces' entries and manifests differ, and where entries contradict themselves.

        Yarn writes into a workspace's entry what its manifest asks for, so the two are compared
        name by name; ranges count as equal once both carry their protocol.
        """
        for folder, manifest in manifests.items():
            if folder not in self._workspaces:
                name = manifest.name or manifest.path
                yield self._problem(
                    f"the workspace {name} has no entry in {self.path}", manifest.path, 1
                )
                continue
            yield from self._differences(folder, manifest)
        for folder, key in self._workspaces.items():
            if folder not in manifests:
                yield self._problem(
                    f"{self.path} has an entry for the workspace {folder or '.'!r}, "
                    "which has no package.json here",
                    self.path,
                    self.line(key),
                )
        yield from self._unapplied(manifests.get(""))
        yield from self._contradictions()

    def _carried_out(self, name: str, wanted: str) -> bool:
        """As written, bound to the root; a patch or folder by any entry of the same protocol."""
        text = normal(self._catalogued(name, wanted))
        if any(f"{name}@{each}" in self.index for each in self._bound(text, self._workspaces[""])):
            return True
        protocol = text.partition(":")[0] + ":"
        return protocol != "npm:" and any(
            descriptor.startswith(f"{name}@{protocol}") for descriptor in self.index
        )

    def _unapplied(self, root: Manifest | None) -> Iterator[Problem]:
        if root is None or "" not in self._workspaces:
            return
        for key, name in self.unapplied():
            yield self._problem(
                f"{root.path} resolves {key} to {self.resolutions[key]}, {self.path} does not",
                root.path,
                root.line_of("resolutions", key),
                name,
            )

    def _differences(self, folder: str, manifest: Manifest) -> Iterator[Problem]:
        locked = {asked.name: asked for asked in self.importers[folder]}
        wanted = _wanted(manifest)
        for name, asked in wanted.items():
            found = locked.get(name)
            if found is None or normal(found.specifier) != normal(asked.specifier):
                has = "nothing" if found is None else found.specifier
                yield self._problem(
                    f"{manifest.path} asks for {name}@{asked.specifier}, "
                    f"{self.path} has {has} for it",
                    manifest.path,
                    asked.line,
                    name,
                )
            else:
                yield from self._unlocked(folder, found)
        for name, found in locked.items():
            if name not in wanted:
                yield self._problem(
                    f"{self.path} has {name}@{found.specifier} for {manifest.path}, "
                    "which does not ask for it",
                    self.path,
                    found.line,
                    name,
                )

    def _unlocked(self, folder: str, asked: Requirement) -> Iterator[Problem]:
        """A dependency of a workspace without an entry, or with one of another version."""
        name, wanted = asked.name, normal(self._catalogued(asked.name, asked.specifier))
        key = self.resolve(None, asked, folder)
        if key is None:
            message = f"{name}@{asked.specifier} has no entry in {self.path}"
            yield self._problem(message, self.path, asked.line, name)
        elif self._override(self._workspaces[folder], name, wanted) is None:
            found = self.entry(key).artifact
            if out_of_range(found, wanted):
                assert found is not None
                message = f"{name}@{asked.specifier} is locked to {found.version}"
                yield self._problem(message, self.path, self.line(key), name)

    def _contradictions(self) -> Iterator[Problem]:
        """Entries that resolve a name to another package without an alias; missing patch files."""
        for key, block in self.blocks.items():
            text = block if isinstance(block, str) else ""
            if ", " not in key and "@patch:" not in text and _SAME_NAME.match(text):
                continue
            found = _RESOLUTION.search(text)
            name, reference = self._locator(
                key, {"resolution": found[1]} if found else self._fields(key)
            )
            if reference.startswith(_FOLDERS):
                continue
            for descriptor in self.descriptors(key):
                if not descriptor.startswith(f"{name}@") and not aliases(descriptor, name):
                    yield self._problem(
                        f"{descriptor} resolves to {name}@{reference}, of which it is no alias",
                        self.path,
                        self.line(key),
                        name,
                    )
            for path, shown in self._patch_paths(reference):
                if path is None or self._read(path) is None:
                    yield self._problem(
                        f"the patch file {shown} of {name} is not in the repository, as a .patch "
                        "or .diff file: what is installed cannot be vetted",
                        self.path,
                        self.line(key),
                        name,
                    )

    def _problem(self, message: str, path: str, line: int, package: str | None = None) -> Problem:
        return Problem(
            message=message,
            location=Location(path, line),
            package=package,
            fix=(("yarn", "install", "--mode=skip-build"), ("git", "add", self.path)),
        )


def _split_line(line: str) -> tuple[str, str]:
    """The key and the value (or nothing) of a canonical line, without indentation and quotes."""
    line = line.lstrip(" ")
    if line.startswith('"'):
        end = line.index('"', 1)
        key, value = line[1:end], line[end + 3 :]
    else:
        key, _, value = line.partition(":")
        value = value[1:]
    return key, value[1:-1] if value.startswith('"') else value


def _decoded(lockfile: BerryLockfile, key: str, block: str) -> Mapping[str, object]:
    """The fields of a canonical block; a key that stands twice is an error."""
    root: dict[str, object] = {}
    tables: list[dict[str, object]] = [root]
    for offset, line in enumerate(block.split("\n")):
        indent = (len(line) - len(line.lstrip(" "))) // 2
        if indent == 0:
            continue
        name, value = _split_line(line)
        del tables[indent:]
        table = tables[-1]
        if name in table:
            raise lockfile.fail(f"the key {name!r} stands twice in one mapping", key, offset)
        if line.endswith(":"):
            inner: dict[str, object] = {}
            table[name] = inner
            tables.append(inner)
        else:
            table[name] = value
    return root


def _table(fields: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = fields.get(key)
    return found if isinstance(found, dict) else {}


def _digest(read: Read, path: str | None, text: str) -> str:
    data = None if path is None else read(path)
    if data is None:
        return f"missing-{text}"
    return "sha256-" + base64.b64encode(hashlib.sha256(data).digest()).decode()


def _wanted(manifest: Manifest) -> dict[str, Requirement]:
    """What an entry of a workspace has: a later field wins over an earlier one, as in Yarn."""
    order = (Group.PRODUCTION, Group.OPTIONAL, Group.DEVELOPMENT)
    return {
        asked.name: asked for group in order for asked in manifest.requires if asked.group is group
    }


def _groups(manifest: Manifest | None, asked: Requirement) -> tuple[Group, ...]:
    if manifest is None:
        return (asked.group,)
    found = {
        own.group
        for own in manifest.requires
        if own.name == asked.name and own.group in _ENTRY_GROUPS
    }
    return tuple(sorted(found)) or (asked.group,)
