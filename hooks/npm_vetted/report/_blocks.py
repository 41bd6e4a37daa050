"""Groups findings into blocks that are shown together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from npm_vetted.model import Finding

_FEW: Final = 3
"""Up to this many findings of a kind are shown by themselves."""


def families(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    """Findings that one command resolves, the one it is about first; others by themselves."""
    together: dict[object, list[Finding]] = {}
    for finding in findings:
        key = (finding.check, finding.level, finding.project, finding.fix)
        label = (finding.package, finding.version)
        twin = any((each.package, each.version) == label for each in together.get(key, ()))
        alone = twin or not finding.fix or finding.package is None
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
        code = "" if first.check == "unvetted" else first.code
        kind = (first.check, code, first.level, first.project, first.location.path)
        together.setdefault(kind, []).append(family)
    return list(together.values())


def is_one_block(alike: Sequence[list[Finding]]) -> bool:
    """Whether families of one kind say the same of many packages, with no command for each."""
    if len(alike) <= _FEW or alike[0][0].check == "unvetted":
        return False
    return all(not each[0].fix and each[0].package for each in alike)


def one_each(findings: Iterable[Finding]) -> list[list[Finding]]:
    """The families, where many that say the same of packages are one."""
    found: list[list[Finding]] = []
    for alike in alike_families(list(families(findings))):
        if is_one_block(alike):
            found.append([finding for family in alike for finding in family])
        else:
            found.extend(alike)
    return found
