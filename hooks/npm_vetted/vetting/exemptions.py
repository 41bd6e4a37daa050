"""The exemptions: ``.vetting/exemptions.txt``, one artifact a line, accepted without a review."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final, NamedTuple

from npm_vetted.errors import DocumentError, UsageError
from npm_vetted.formats.document import decode

EXEMPTIONS: Final = ".vetting/exemptions.txt"
_FEW: Final = 16
"""Up to so many searches of ten thousand lines are faster than building an index (7 ms)."""


def _labelled(name: str, version: str = "") -> str:
    """``name@version`` with percent-encoding for characters at which a line is split."""
    return f"{_quoted(name, '@/!+.-_~')}@{_quoted(version, '/!+.-_~')}"


def _quoted(text: str, safe: str) -> str:
    if text.isascii() and all(char in safe or char.isalnum() for char in text):
        return text
    from urllib.parse import quote

    return quote(text, safe=safe)


class Exemption(NamedTuple):
    """One artifact accepted without a review: exactly these bytes from this source.

    ``version`` is ``-`` where the lockfile has none; ``pinned`` is written by ``pins.write_pinned``.
    """

    name: str
    version: str
    pinned: str
    scripts: bool
    reason: str

    def __str__(self) -> str:
        flag = "scripts" if self.scripts else "-"
        reason = " ".join(self.reason.split())
        return f"{_labelled(self.name, self.version)} {self.pinned} {flag} {reason}"


class Exemptions:
    """The lines of exemptions.txt, indexed by artifact."""

    def __init__(self, text: str = "") -> None:
        self._text = "\n" + text
        self._asked = 0

    @classmethod
    def read(cls, data: bytes | None) -> Exemptions:
        """Read the file's bytes; a line is decoded when a caller needs it."""
        try:
            return cls(decode(EXEMPTIONS, data or b"").replace("\r\n", "\n"))
        except DocumentError as error:
            raise UsageError(error.message, path=error.path, line=error.line) from None

    def of(self, name: str, version: str | None = None) -> list[Exemption]:
        """The exemptions of a package, or of one version of it."""
        if version is None:
            found: Iterable[int] = self._by_name.get(_labelled(name), [])
        elif self._asked < _FEW:
            self._asked += 1
            found = self._starting(f"{_labelled(name, version)} ")
        else:
            found = self._places.get(_labelled(name, version), [])
        return [self._at(place) for place in found]

    def _starting(self, start: str) -> Iterator[int]:
        """The offsets of the lines that start with a text."""
        at = self._text.find(f"\n{start}")
        while at >= 0:
            yield at + 1
            at = self._text.find(f"\n{start}", at + 1)

    @cached_property
    def _by_name(self) -> Mapping[str, list[int]]:
        found: dict[str, list[int]] = {}
        for label, places in self._places.items():
            found.setdefault(label[: label.rfind("@") + 1], []).extend(places)
        return found

    @cached_property
    def _places(self) -> Mapping[str, list[int]]:
        """The offsets of the lines, by their first word."""
        found: dict[str, list[int]] = {}
        at = 1
        for line in self._text[1:].split("\n"):
            label, blank, _ = line.partition(" ")
            if blank:
                found.setdefault(label, []).append(at)
            at += len(line) + 1
        return found

    def _at(self, place: int) -> Exemption:
        end = self._text.find("\n", place)
        return _exemption(self._text[place : end if end >= 0 else None], self._text, place)

    def all(self) -> Iterator[Exemption]:
        """Every exemption; raises UsageError at the first line that is none."""
        at = 1
        for line in self._text[1:].split("\n"):
            if line.strip() and not line.startswith("#"):
                yield _exemption(line, self._text, at)
            at += len(line) + 1

    def lines(self) -> frozenset[str]:
        """The exemptions as lines of text."""
        return frozenset(str(each) for each in self.all())

    def comments(self) -> list[str]:
        """The lines that a person wrote beside the exemptions."""
        return [line for line in self._text[1:].split("\n") if line.startswith("#")]

    def line_of(self, exemption: Exemption) -> int:
        """The number of an exemption's line."""
        at = self._text.find(f"\n{exemption}")
        return self._text.count("\n", 0, max(at, 0) + 1)

    def write(self, kept: Iterable[Exemption]) -> bytes:
        """The file's bytes with these exemptions: comments first, then sorted lines, each once."""
        lines = [*self.comments(), *sorted({str(each) for each in kept})]
        return "".join(f"{line}\n" for line in lines).encode()


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def _exemption(line: str, text: str, at: int) -> Exemption:
    words = line.split(" ", 3)
    name, mark, version = words[0].rpartition("@")
    if len(words) != 4 or not mark or not name or words[2] not in ("-", "scripts"):
        raise UsageError(
            f"expected 'name@version hash-or-source -|scripts reason', found {line[:80]!r}",
            path=EXEMPTIONS,
            line=text.count("\n", 0, at),
            fix="npm-vetted exempt writes these lines; remove or correct this one",
        )
    return Exemption(_unquoted(name), _unquoted(version), words[1], words[2] == "scripts", words[3])
