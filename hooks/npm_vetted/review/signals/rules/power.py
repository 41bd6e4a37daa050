"""Abilities that the package has for the first time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.review.signals.comparison import PackageComparison, Reason
from npm_vetted.review.signals.table import WEIGHTS
from npm_vetted.review.signals.wording import POWERS

_NAMES: Final = (
    "exec", "eval", "net", "fetch", "env-all", "native", "detached", "clipboard", "inject-script",
    "dyn-require", "worker",
)  # fmt: skip
CODES = tuple(f"power:{name}" for name in _NAMES)
_BINARIES: Final = (".node", ".so", ".dylib", ".dll", ".exe")


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """Each power that some new or changed script has and no earlier script had."""
    if comparison.fresh:
        return
    for name in _NAMES:
        found = comparison.first(name)
        if found is not None and not comparison.had(name):
            path, mark = found
            yield Reason(
                f"power:{name}", f"can {POWERS[name]} (first time: {mark.text})", path, mark.line
            )
        elif name == "native":
            yield from _binaries(comparison)


def _binaries(comparison: PackageComparison) -> Iterator[Reason]:
    """A program or library for machines, where there was none."""
    if any(path.lower().endswith(_BINARIES) for path in comparison.old or ()):
        return
    for path in comparison.changed_paths:
        if path.lower().endswith(_BINARIES):
            yield Reason("power:native", "brings machine code (first time)", path, 1)
            return


assert {f"power:{name}" for name in _NAMES} <= WEIGHTS.keys()
