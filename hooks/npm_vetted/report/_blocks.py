"""Groups findings into blocks that are shown together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from npm_vetted.model import Finding

_FEW: Final = 3
"""Up to this many findings of a kind are shown by themselves."""
_EXEMPT: Final = ("npm-vetted", "exempt")
EXEMPT_WORDS: Final = 4
"""The words of such a command that are no package: the program, ``exempt``, ``--reason REASON``."""
_MOST: Final = 40
"""So many packages are in one command: a line has a limit."""


def is_without_note(finding: Finding) -> bool:
    """Whether a package has no note; one with a note that no hash ties to it is another kind."""
    return finding.check == "unvetted" and finding.code != "unbound"


def families(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    """Findings that one command resolves, the one it is about first; others by themselves.

    Findings on files are shown together where the same is said of all of them.
    """
    together: dict[object, list[Finding]] = {}
    for finding in findings:
        words = finding.message if finding.package is None else ""
        key = (finding.check, finding.level, finding.project, finding.fix, words)
        label = (finding.package, finding.version)
        twin = any((each.package, each.version) == label for each in together.get(key, ()))
        alone = not finding.fix or (twin and finding.package is not None)
        together.setdefault(finding if alone else key, []).append(finding)
    for family in together.values():
        words = " ".join(word for command in family[0].fix for word in command)
        family.sort(key=lambda each: f"{each.package}@{each.version}" not in words)
        yield family


def alike_families(found: Sequence[list[Finding]]) -> list[list[list[Finding]]]:
    """Families of one kind: of a check and code, a level, a project and a file."""
    together: dict[object, list[list[Finding]]] = {}
    for family in found:
        first = family[0]
        code = "" if is_without_note(first) else first.code
        kind = (first.check, code, first.level, first.project, first.location.path)
        together.setdefault(kind, []).append(family)
    return list(together.values())


def is_one_block(alike: Sequence[list[Finding]]) -> bool:
    """Whether families of one kind say the same of many packages, with one command or none."""
    if not is_without_note(alike[0][0]) and exempted_together([each[0] for each in alike]):
        return len(alike) > 1
    if len(alike) <= _FEW or is_without_note(alike[0][0]):
        return False
    return all(not each[0].fix and each[0].package for each in alike)


def as_one(findings: list[Finding]) -> list[Finding]:
    """Findings that are shown together, the first with the command for all of them."""
    command = exempted_together(findings)
    if command is not None:
        findings[0] = findings[0]._replace(fix=(command,))
    return findings


def exempted_together(findings: Sequence[Finding]) -> tuple[str, ...] | None:
    """The one command that takes in what no note can bind (weak or missing hashes); None: not all are such."""
    labels: dict[str, None] = {}
    for finding in findings:
        if len(finding.fix) != 1 or finding.fix[0][:2] != _EXEMPT:
            return None
        labels |= dict.fromkeys(finding.fix[0][2:-2])
    return (*_EXEMPT, *list(labels)[:_MOST], "--reason", "REASON")


def one_each(findings: Iterable[Finding]) -> list[list[Finding]]:
    """The families, where many that say the same of packages are one."""
    found: list[list[Finding]] = []
    for alike in alike_families(list(families(findings))):
        if is_one_block(alike):
            found.append(as_one([finding for family in alike for finding in family]))
        else:
            found.extend(alike)
    return found
