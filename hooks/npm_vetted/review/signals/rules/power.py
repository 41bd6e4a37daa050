"""Abilities that the package has for the first time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.review.signals.comparison import PackageComparison, Reason
from npm_vetted.review.signals.facts import FileFacts
from npm_vetted.review.signals.table import WEIGHTS
from npm_vetted.review.signals.wording import POWERS

_NAMES: Final = (
    "exec", "eval", "net", "fetch", "env-all", "env-secret", "native", "detached", "clipboard", "inject-script",
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
            if name == "dyn-require" and any(each.endswith(".node") for each in comparison.new):
                text = "can load machine code by a computed name (first time)"
                yield Reason("power:native", text, path, mark.line)
        elif name == "native":
            yield from _binaries(comparison)


def _binaries(comparison: PackageComparison) -> Iterator[Reason]:
    """A program or library for machines where there was none, or one that no file loaded."""
    if not any(path.lower().endswith(_BINARIES) for path in comparison.old or ()):
        for path in comparison.changed_paths:
            if path.lower().endswith(_BINARIES):
                yield Reason("power:native", "brings machine code (first time)", path, 1)
                return
    for each in comparison.changed:
        line = _loads_binary(each.facts)
        if line and not any(map(_loads_binary, comparison.earlier())):
            yield Reason("power:native", "loads machine code (first time)", each.path, line)
            return


def _loads_binary(facts: FileFacts) -> int:
    """The line where a script loads an add-on by its name; 0 where it does not."""
    return next((line for name, line in facts.loads.items() if name.endswith(".node")), 0)


assert {f"power:{name}" for name in _NAMES} <= WEIGHTS.keys()
