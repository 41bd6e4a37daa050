"""New abilities of the code that runs at install."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.review.signals.comparison import PackageComparison, Reason
from npm_vetted.review.signals.facts import FileFacts
from npm_vetted.review.signals.wording import POWERS

CODES = ("install-code-acts", "install-code-changed")
_ACTS: Final = (
    "net", "fetch", "exec", "eval", "env-all", "env-secret", "decode", "dyn-require", "hex-names",
    "hidden-string", "split-name", "shell-fetch", "cred-path", "token-shape", "detached", "ip-url",
)  # fmt: skip


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """New powers of the files that an install runs; else that these files changed."""
    paths = [path for path in comparison.install_files if path in set(comparison.changed_paths)]
    if not paths:
        return
    facts = dict(zip(paths, comparison.read(_request(comparison, p) for p in paths), strict=True))
    had = _marks_before(comparison)
    for path, found in facts.items():
        news = [mark for mark in _ACTS if mark in found.marks and mark not in had]
        if news:
            can = ", ".join(dict.fromkeys(POWERS.get(mark, mark) for mark in news[:4]))
            line = min(found.marks[mark].line for mark in news)
            yield Reason("install-code-acts", f"code that runs at install can: {can}", path, line)
            return
    kept = [
        name
        for name, command in comparison.scripts.items()
        if comparison.old_scripts.get(name) == command
    ]
    if kept and not comparison.fresh:
        yield Reason(
            "install-code-changed", "the code that its install script runs changed", paths[0], 1
        )


def _request(comparison: PackageComparison, path: str) -> tuple[str, bytes]:
    return (
        "text" if path.lower().endswith((".sh", ".bat", ".gyp", ".gypi", ".json")) else "code"
    ), comparison.new[path]


def _marks_before(comparison: PackageComparison) -> set[str]:
    """The abilities of the earlier version's install files."""
    old = comparison.old
    if old is None:
        return set()
    files = PackageComparison(None, old, comparison.read).install_files
    facts: list[FileFacts] = comparison.read([("code", old[path]) for path in files])
    return {mark for each in facts for mark in each.marks}
