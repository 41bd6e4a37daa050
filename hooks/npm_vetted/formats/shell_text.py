"""The possible texts of a word in a shell command; UNKNOWN_TEXT marks an unknown part.

UNKNOWN_TEXT is a character that no word of a shell can contain. A ``Value`` is a tuple of the word's
possible texts. If there are too many, the value is UNKNOWN_TEXT alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Final

Value = tuple[str, ...]

UNKNOWN_TEXT: Final = "\x00"
UNKNOWN: Final[Value] = (UNKNOWN_TEXT,)
_MOST = 24
_LONGEST = 2_000
"""Characters: a variable that is made from itself twice, line after line, doubles each time."""


def known(text: str) -> bool:
    """Whether all parts of a text are known."""
    return UNKNOWN_TEXT not in text


def either(*values: Iterable[str]) -> Value:
    """The union of some values."""
    found = tuple(dict.fromkeys(text for value in values for text in value))
    return found if 0 < len(found) <= _MOST and sum(map(len, found)) <= _LONGEST else UNKNOWN


def concat(values: Sequence[Value]) -> Value:
    """Values one after the other as one text."""
    if sum(len(max(value, key=len)) for value in values) > _LONGEST:
        return UNKNOWN
    if all(len(value) == 1 for value in values):
        return ("".join(value[0] for value in values),)
    total = 1
    for value in values:
        total *= len(value)
        if total > _MOST:
            return UNKNOWN
    return either("".join(parts) for parts in product(*values))


def replaced(variable: re.Pattern[str], one: Callable[[re.Match[str]], str], text: str) -> str:
    """A text with its variables replaced; UNKNOWN_TEXT if it becomes longer than the limit."""
    parts: list[str] = []
    last, left = 0, _LONGEST
    for found in variable.finditer(text):
        value = one(found)
        left -= len(value)
        if left < 0:
            return UNKNOWN_TEXT
        parts += (text[last : found.start()], value)
        last = found.end()
    return "".join((*parts, text[last:]))


def shown(text: str) -> str:
    """A text for people, with an ellipsis for each unknown part."""
    return text.replace(UNKNOWN_TEXT, "…")


def word_set(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())
