"""The baseline: findings accepted at adoption, or by ``npm-vetted accept``, each with its state.

A line is ``<check>/<code> <path> <key> <fingerprint> <reason to the end of the line>``. Fields are
percent-encoded, ``-`` is an empty field, and lines are sorted by their bytes. The fingerprint is a
hash over the finding's fields and its value (``model.Finding.fingerprint``): a changed value, another
command, or one more finding of the same kind is reported again. n equal lines accept n equal findings.

The baseline belongs to the policy: the baseline *before* a change judges the change, and a line that the
change adds is a loosening.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from npm_vetted.errors import DocumentError, UsageError
from npm_vetted.formats.document import decode
from npm_vetted.model import Finding

BASELINE: Final = ".vetting/baseline.txt"
_SAFE: Final = "@/!+.-_~:="
_LINE: Final = re.compile(r"([a-z-]+)/([a-z-]+) (\S+) (\S+) ([0-9a-f]{64}) (\S.*)")


class BaselineLine(NamedTuple):
    """One accepted finding."""

    check: str
    code: str
    path: str
    key: str
    fingerprint: str
    reason: str
    number: int = 0
    """The line's number in the file; 0: it is not in a file yet."""

    def __str__(self) -> str:
        reason = " ".join(self.reason.split())
        path, key = _encoded(self.path), _encoded(self.key)
        return f"{self.check}/{self.code} {path} {key} {self.fingerprint} {reason}"


def _encoded(text: str) -> str:
    from urllib.parse import quote  # here: it takes 2 ms to import

    return quote(text, safe=_SAFE, errors="surrogatepass") or "-" if text != "-" else "%2D"


def _decoded(word: str) -> str:
    from urllib.parse import unquote

    return "" if word == "-" else unquote(word, errors="surrogatepass")


def line_of(finding: Finding, reason: str) -> BaselineLine:
    """The line that accepts a finding as it is; the finding must be acceptable."""
    return BaselineLine(
        check=finding.check,
        code=finding.code,
        path=finding.location.path,
        key=finding.key,
        fingerprint=finding.fingerprint,
        reason=reason,
    )


class Baseline(NamedTuple):
    """The lines of baseline.txt, and the comments that a person wrote."""

    lines: tuple[BaselineLine, ...] = ()
    comments: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: bytes | None) -> Baseline:
        """Read the file's bytes; raises UsageError (exit 2) at a line that is malformed."""
        try:
            text = decode(BASELINE, data or b"")
        except DocumentError as error:
            raise UsageError(error.message, path=error.path, line=error.line) from None
        rows = [(number, row) for number, row in enumerate(text.splitlines(), 1) if row.strip()]
        return cls(
            lines=tuple(_read_line(row, number) for number, row in rows if row[0] != "#"),
            comments=tuple(row for _, row in rows if row[0] == "#"),
        )

    def counts(self) -> Counter[str]:
        """How many findings each fingerprint accepts."""
        return Counter(each.fingerprint for each in self.lines)

    def write(self, lines: Iterable[BaselineLine]) -> bytes:
        """The file's bytes with these lines: comments first, then the lines sorted by their bytes."""
        rows = sorted(str(each).encode("utf-8", "surrogatepass") for each in lines)
        return b"".join(each + b"\n" for each in (*(c.encode() for c in self.comments), *rows))

    def more_than(self, other: Baseline) -> Iterator[BaselineLine]:
        """The lines that this baseline has and another one lacks."""
        known = Counter(map(_bare, other.lines))
        for each in self.lines:
            if known[_bare(each)]:
                known[_bare(each)] -= 1
            else:
                yield each


def _bare(line: BaselineLine) -> BaselineLine:
    """The line without reason and number, which have no effect on what it accepts."""
    return line._replace(reason="", number=0)


def _read_line(row: str, number: int) -> BaselineLine:
    found = _LINE.fullmatch(row)
    if found is None:
        raise UsageError(
            f"expected 'check/code path key fingerprint reason', found {row[:80]!r}",
            path=BASELINE,
            line=number,
            fix="remove or correct this line; npm-vetted accept writes such lines",
        )
    check, code, path, key, fingerprint, reason = found.groups()
    return BaselineLine(check, code, _decoded(path), _decoded(key), fingerprint, reason, number)


def unaccepted(findings: Iterable[Finding], baseline: Baseline) -> Iterator[Finding]:
    """The findings that the baseline does not accept."""
    left = baseline.counts()
    for finding in findings:
        if finding.acceptable and left and left[finding.fingerprint] > 0:
            left[finding.fingerprint] -= 1
        else:
            yield finding
