"""Code that is disguised: machine-made names, invisible characters, encoded strings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.review.signals.comparison import PackageComparison, Reason

_TEXTS: Final = {
    "hex-names": "code with machine-made names ({})",
    "invisible": "invisible or text-reversing characters in code ({})",
    "hidden-string": "an encoded string says “{}”",
    "offscreen": "code pushed out of sight behind {} spaces",
    "mixed-alphabet": "a name mixes alphabets that look the same: {}",
    "escapes": "code written as {} character escapes",
    "not-text": "a script that is no text",
    "split-name": "glues the name of a module or global together: {}",
}
_PER_FILE: Final = ("offscreen", "mixed-alphabet")
"""Disguises that count in each file that newly has them; others only where no file had them."""
CODES = tuple(f"obf:{name}" for name in _TEXTS)


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """Each disguise of a new or changed script."""
    for name, text in _TEXTS.items():
        found = comparison.first(name)
        if found is not None and (name in _PER_FILE or not comparison.had(name)):
            path, mark = found
            yield Reason(f"obf:{name}", text.format(mark.text), path, mark.line)
