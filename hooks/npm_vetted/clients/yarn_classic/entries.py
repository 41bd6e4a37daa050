"""The entries of a yarn.lock of version 1, and the lookup of the entry for a requirement."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from npm_vetted.clients.shared.lockfile import Lockfile
from npm_vetted.clients.shared.yarn import YarnLockfile, refuse_conflict
from npm_vetted.clients.shared.yarn.places import TwiceError, find_entries
from npm_vetted.errors import DocumentError
from npm_vetted.formats.yarnrc import BODY, ENTRY, HEAD, TOKENS, token
from npm_vetted.model import (
    Artifact,
    Entry,
    Group,
    Kind,
    Read,
    Requirement,
)
from npm_vetted.packages.ranges import satisfies

_GROUPS: Final = {"dependencies:": Group.PRODUCTION, "optionalDependencies:": Group.OPTIONAL}
_FIELDS: Final = ("name", "version", "uid", "resolved", "integrity", "registry")
_NAME: Final = re.compile(r"(?:@[^/@:\s]+/)?[^/@:\s]+\Z")
_VERSION: Final = re.compile(r"^# yarn lockfile v(\d+)", re.MULTILINE)
_GIT: Final = re.compile(
    r"(?:git[+:@]|ssh:|github:|gitlab:|bitbucket:)|https?://[^?#]*\.git(?:[?#]|\Z)"
    r"|https?://(?:github\.com|gitlab\.com|bitbucket\.(?:com|org))/[^/?#]+/[^/?#]+(?:#|\Z)"
)
"""Git sources. The last line is Yarn's rule: a path of two segments on a git host is a repository."""
_GIT_TARBALL: Final = re.compile(
    r"https://(?:codeload\.github\.com|gitlab\.com|bitbucket\.org)/[^#]*tar\.gz"
)
_LOCAL: Final = re.compile(r"(?:file:|\.{0,2}/|~/|[A-Za-z]:[/\\])")
_COMMENTS: Final = re.compile(r"(?:#[^\n]*+|\n++)+")
_END: Final = re.compile(r"\n(?! )")
_USUAL: Final = re.compile(
    r'"?((?:@[^/@:"\\\s]++/)?[^/@:"\\\s]++)@(?!npm:)[^",\\\n]*"?:\n'
    r'  version [^\n]*+\n  resolved "https://'
)
"""The usual entry: one plain pattern and a URL. The artifact then has the name in the pattern."""


_DIRECTORY: Final = re.compile(r"(?:@[^/]+/)?[^/]+")
_WRONG_KEY: Final = re.compile(r"/\Z|/{2,}|\*+\Z")
"""Yarn's parsePackagePath and isValidPackagePath."""
_SOURCE: Final = re.compile(r"[a-z][a-z0-9+.-]*:|\.{1,2}/|https?:|[^@:/\s]+/[^:/\s]+\Z|git@")


def _is_source(wanted: str) -> bool:
    """Whether Yarn can read a resolution's value: a range, or a source of one of its resolvers."""
    return satisfies("0.0.0", wanted) is not None or _SOURCE.match(wanted) is not None


def split_pattern(pattern: str) -> tuple[str | None, str]:
    """The name and the range of a pattern ``name@range``; None as the name if it is only a source."""
    name, at, wanted = pattern[1:].partition("@")
    name = pattern[:1] + name
    if not _NAME.match(name) or (not at and name.startswith((".", "~"))):
        return None, pattern
    return name, wanted


def alias_target(wanted: str) -> str | None:
    """The real name behind the range ``npm:real@^1``; None: no alias."""
    return split_pattern(wanted[4:])[0] if wanted.startswith("npm:") else None


class ClassicEntries(YarnLockfile):
    """A yarn.lock of version 1."""

    format = "yarn.lock 1"

    def __init__(self, path: str, text: str, read: Read, like: Lockfile | None = None) -> None:
        super().__init__(path, text, read)
        try:
            found = find_entries(text, ENTRY, self._after_comments, self._alike(like))
        except TwiceError as error:
            raise self._wrong(f"the entry {error.key!r} appears twice", error.start) from None
        assert found is not None
        self._places = found.places
        self.taken = found.taken

    def _after_comments(self, at: int) -> int:
        """The offset behind the comments at ``at``; raises DocumentError if there is other text."""
        lines = _COMMENTS.match(self._text, at)
        if lines is None:
            refuse_conflict(self.path, self._text)
            raise self._unread(at)
        for version in _VERSION.finditer(lines[0]):
            if version[1] != "1":
                message = f"expected lockfile version 1, found {version[1][:20]}"
                raise self._wrong(message, at + version.start())
        return lines.end()

    def _unread(self, at: int) -> DocumentError:
        """The error of an entry that cannot be read, with the line where it becomes unreadable."""
        end = _END.search(self._text, at)
        lines = self._text[at : end and end.start()].split("\n")
        wrong = (
            number
            for number, text in enumerate(lines)
            if not (BODY if text.startswith(" ") else HEAD).fullmatch(text)
        )
        line = next(wrong, len(lines) - 1)
        at += sum(len(text) + 1 for text in lines[:line])
        shown = lines[line].strip()[:60]
        return self._wrong(f"not yarn.lock version 1: cannot read {shown!r}", at)

    def _wrong(self, message: str, offset: int) -> DocumentError:
        return DocumentError(message, path=self.path, line=self._line_at(offset))

    def descriptors(self, key: str) -> Sequence[str]:
        """The patterns of an entry."""
        if '"' not in key:
            return key.split(", ")
        if key.rfind('"', 1, -1) < 0 and "\\" not in key:
            return [key[1:-1]]
        return [token(text) for text in TOKENS.findall(key)]

    def names(self, key: str) -> set[str]:
        """The names in the entry's patterns."""
        return {name for name, _ in map(split_pattern, self.descriptors(key)) if name}

    def package_names(self) -> set[str]:
        """The names of all artifacts, read from the patterns of usual entries without decoding them."""
        _ = self.index
        found: set[str] = set()
        for key, (start, _) in self._places.items():
            usual = _USUAL.match(self._text, start)
            if usual is not None:
                found.add(usual[1])
            elif (artifact := self.entry(key).artifact) is not None:
                found.add(artifact.name)
        return found

    def _naming(self, names: Collection[str]) -> Iterable[str]:
        """The keys of entries that may be of these packages: by a pattern, by an alias, or by ``name``."""
        found = dict.fromkeys(self._keys_at(self._finds("\n  name ")))
        for each, key in self.index.items():
            if each[: each.find("@", 1)] in names or each in names or "@npm:" in each:
                found[key] = None
        return found

    def _asking(self, names: Collection[str]) -> Iterable[str]:
        escaped = "\\" in self._text  # a token may be written as "\u0061"
        return self._keys if escaped else self._keys_at(self._asked(names))

    def _decode(self, key: str) -> Entry:
        fields: dict[str, str] = {}
        requires: list[Requirement] = []
        seen: set[tuple[Group, str]] = set()
        group: Group | None = None
        start = self.line(key)
        for offset, line in enumerate(str(self.blocks[key]).split("\n")):
            if not line.startswith("  "):
                continue
            if line.startswith("    "):
                assert group is not None
                name, wanted = map(token, TOKENS.findall(line))
                if (group, name) in seen:
                    raise self.fail(f"the dependency {name!r} appears twice", key, offset)
                seen.add((group, name))
                requires.append(
                    Requirement(name=name, specifier=wanted, group=group, line=start + offset)
                )
            elif (word := line[2:]) in _GROUPS:
                group = _GROUPS[word]
            else:
                name, value = map(token, TOKENS.findall(line))
                if name in fields or name not in _FIELDS:
                    reason = "appears twice" if name in fields else "is not known"
                    raise self.fail(f"the field {name!r} {reason}", key, offset)
                fields[name] = value
        return Entry(
            key=key, line=start, artifact=self._artifact(key, fields), requires=tuple(requires)
        )

    def _artifact(self, key: str, fields: Mapping[str, str]) -> Artifact | None:
        patterns = [split_pattern(pattern) for pattern in self.descriptors(key)]
        if "version" not in fields:
            raise self.fail("the field 'version' is missing", key)
        resolved = fields.get("resolved")
        kind = _kind(resolved, [wanted for _, wanted in patterns])
        if kind is None:
            tarball = next(
                (each for _, wanted in patterns if (each := self._tarball(wanted))), None
            )
            if tarball is None:
                return None
            # Yarn unpacks a file and copies a folder, whatever the entry says.
            kind, resolved = Kind.FILE, f"file:{tarball}"
        return Artifact(
            name=self._name(key, patterns, fields.get("name")),
            version=fields["version"],
            kind=kind,
            resolved=resolved,
            integrity=fields.get("integrity"),
        )

    def _tarball(self, wanted: str) -> str | None:
        """The tarball that ``file:x`` names, as written; None for a folder, a link or a missing path.

        Git's object type decides whether it is a file, not the name.
        """
        if wanted.startswith("link:") or not _LOCAL.match(wanted):
            return None
        path = posixpath.normpath(posixpath.join(self.base, wanted.removeprefix("file:")))
        inside = not path.startswith(("../", "/", "~"))
        return path if inside and self._read(path) is not None else None

    def _name(self, key: str, patterns: Sequence[tuple[str | None, str]], field: str | None) -> str:
        """The real name: an alias's target, else the pattern's name, else the field ``name``."""
        targets = {target for _, wanted in patterns if (target := alias_target(wanted))}
        plain = {name for name, wanted in patterns if name and not alias_target(wanted)}
        local = {name for name, wanted in patterns if name and alias_target(wanted)}
        # A resolution puts an alias in the place of a range of the same local name.
        named = targets if len(targets) == 1 and plain <= local else targets | plain
        if len(named) > 1:
            words = " and ".join(sorted(named))
            raise self.fail(f"one entry for {words}: expected one package", key)
        if not named and field is None:
            raise self.fail("an entry without a name", key)
        return named.pop() if named else str(field)

    @property
    def importers(self) -> Mapping[str, tuple[Requirement, ...]]:
        """Always empty: the format does not record the manifests' requirements."""
        return {}

    def resolve(
        self,
        origin: str | None,  # noqa: ARG002
        requirement: Requirement,
        importer: str = "",  # noqa: ARG002
    ) -> str | None:
        """The entry of the pattern ``name@specifier``, or of its replacement by ``resolutions``."""
        if requirement.group is Group.PEER:
            return None
        name, wanted = requirement.name, requirement.specifier
        found = self.index.get(f"{name}@{wanted}")
        if found is None and not wanted:
            found = self.index.get(name)
        if found is None and name in self.overrides:
            found = next(
                (
                    self.index[pattern]
                    for override in self.overrides[name]
                    if (pattern := f"{name}@{override}") in self.index
                ),
                None,
            )
        return found

    @cached_property
    def overrides(self) -> Mapping[str, tuple[str, ...]]:
        """The root's ``resolutions``: package -> the ranges that replace its own.

        Yarn ignores a resolution that it cannot read, with a warning.
        """
        found: dict[str, tuple[str, ...]] = {}
        for key, wanted in self.resolutions.items():
            path = [each[0] for each in _DIRECTORY.finditer(key)]
            if path and not _WRONG_KEY.search(key) and _is_source(wanted):
                found[path[-1]] = (*found.get(path[-1], ()), wanted)
        return found

    def replaces(self, name: str, asker: str | None) -> bool:
        """Whether a resolution may replace the package ``name`` as a requirement of the manifest ``asker``.

        ``a/b`` only replaces what ``a`` requires, so it does not apply to a manifest of another name.
        """
        for key in self.resolutions:
            *parents, last = [each[0] for each in _DIRECTORY.finditer(key)] or [""]
            if last == name and (not parents or parents[-1] == asker or "*" in parents[-1]):
                return True
        return False

    @property
    def kept(self) -> frozenset[str]:
        """The entries that ``resolutions`` name: Yarn locks them even if nothing requires them."""
        patterns = (f"{name}@{each}" for name, every in self.overrides.items() for each in every)
        return frozenset(self.index[pattern] for pattern in patterns if pattern in self.index)


def _kind(resolved: str | None, ranges: Sequence[str]) -> Kind | None:
    """The kind of source of an entry's bytes; None: a link or a folder."""
    if resolved is None:
        local = any(wanted.startswith("link:") or _LOCAL.match(wanted) for wanted in ranges)
        return None if local else Kind.REGISTRY
    if _GIT.match(resolved) or _GIT_TARBALL.match(resolved):
        return Kind.GIT
    if resolved.startswith(("https://", "http://")):
        source = resolved.partition("#")[0].partition("?")[0]
        return Kind.REGISTRY if "/-/" in source else Kind.TARBALL
    if re.match(r"[A-Za-z][A-Za-z0-9+.\-]+:", resolved) and not resolved.startswith("file:"):
        return Kind.OTHER
    return Kind.FILE
