"""Programs for platforms: packages that hold one machine's build of another package's program.

esbuild, SWC, Rollup and others publish one for each platform, next to the package that picks one of
them. Such a package is covered by the note of that parent (docs/security-model.md, rule 11).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

_OTHER_WORDS: Final = {"win32": ("windows", "win"), "darwin": ("macos", "mac")}
"""How packages name a system besides Node's own word for it."""


class Platform(NamedTuple):
    """What a lockfile says an entry is for: its systems (``os``) and processors (``cpu``)."""

    systems: tuple[str, ...] = ()
    processors: tuple[str, ...] = ()

    @classmethod
    def of(cls, entry: Mapping[str, object]) -> Platform:
        """From the keys ``os`` and ``cpu`` of an entry."""
        return cls(listed_words(entry.get("os")), listed_words(entry.get("cpu")))

    @property
    def is_one(self) -> bool:
        """Whether it names one platform: not two, and not all but one (``!win32``)."""
        words = (*self.systems, *self.processors)
        few = len(self.systems) <= 1 and len(self.processors) <= 1
        return bool(words) and few and not any(word.startswith("!") for word in words)


def listed_words(value: object) -> tuple[str, ...]:
    """``os`` or ``cpu`` as a format writes it: a word, or a list of words."""
    if isinstance(value, str):
        return (value,)
    return tuple(str(each) for each in value) if isinstance(value, (list, tuple)) else ()


def is_program_of(name: str, parent: str, platform: Platform) -> bool:
    """Whether a package is called like the build of a parent's program for one platform.

    Its publisher must be the parent's: it has the parent's scope, or the scope that is called like
    the parent (``esbuild``, ``@esbuild/linux-x64``), or the parent's name before its own
    (``lightningcss-linux-x64-gnu``). What follows must name the system, or the processor of any system.
    """
    scope, _, rest = name.rpartition("/")
    owner, _, _ = parent.rpartition("/")
    if scope:
        ours = scope in (owner, f"@{parent}")
    else:
        ours = not owner and name.startswith(f"{parent}-")
        rest = name[len(parent) + 1 :]
    return ours and platform.is_one and _names(rest, platform.systems or platform.processors)


def _names(text: str, words: Collection[str]) -> bool:
    """Whether a name has one of a platform's words among its parts."""
    parts = text.replace("_", "-").split("-")
    return any(each in parts for word in words for each in (word, *_OTHER_WORDS.get(word, ())))
