"""Makes text from registries, lockfiles and tarballs safe to show: no control or hidden characters."""

from __future__ import annotations

import re
from typing import Final

_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0e\U000e0100-\U000e01ef]"
)
"""What ``str.isprintable`` lets pass although nothing is seen of it: joiners, fillers, variation
selectors (whole programs have been hidden in them). U+FE0F is kept behind a symbol: emoji have it.
"""


_COMMAND: Final = re.compile(r"(?m)^(?P<blank>[^\S\n]*+):(?=:)|#(?=#(?:vso|teamcity)?\[)")
"""What a CI system takes for a command where it is in a log: ``::error`` at a line's start (blanks
before it do not matter) on GitHub, ``##[`` and ``##vso[`` anywhere on Azure, ``##teamcity[``.
"""


def printable(text: str, keep: str = "") -> str:
    r"""Every character that controls a terminal, reorders text or cannot be seen, as ``\u{…}``.

    These are control and format characters (escape sequences, bidirectional marks, zero-width
    characters, tags), separators other than the space, lone surrogates, private and unassigned
    ones. ``keep`` names characters that stay: a newline, a tab. Commands of CI systems are broken.
    """
    if "::" in text or "##" in text:
        text = _COMMAND.sub(_broken, text)
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    before = ""
    for character in text:
        shown.append(
            character if _is_seen(character, before, keep) else code_point_escape(character)
        )
        before = character
    return "".join(shown)


def _is_seen(character: str, before: str, keep: str) -> bool:
    if character == "\ufe0f":
        return before > "\xa8" and before != character and _UNSEEN.match(before) is None
    return (character.isprintable() and _UNSEEN.match(character) is None) or character in keep


def _broken(found: re.Match[str]) -> str:
    return (found["blank"] or "") + code_point_escape(found.group()[-1])


def code_point_escape(character: str) -> str:
    r"""One character by its number: ``\u{202e}``."""
    return f"\\u{{{ord(character):x}}}"


def json_text(data: object) -> str:
    """JSON that no terminal and no CI system acts on: ASCII, and no ``##[`` in a line."""
    import json

    text = json.dumps(data, indent=2)
    return text.replace("##", "\\u0023#").replace("\x7f", "\\u007f")


def line(text: str, limit: int = 200) -> str:
    """``printable`` text on one line, its blanks drawn together, cut to a length."""
    words = printable(" ".join(text[: limit * 20].split()))
    return words if len(words) <= limit else words[: limit - 1] + "…"
