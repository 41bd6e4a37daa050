"""Deno's specifiers: ``npm:name@range/path``, ``jsr:@scope/name@range`` and URLs.

Deno writes a range into deno.lock in the shortest form that means the same (seen with 2.9.6:
``^4.0.0`` becomes ``4``, ``~4.3.0`` becomes ``4.3``), so ranges are compared by what they admit.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from npm_vetted.model import hashed

_SPECIFIER: Final = re.compile(
    r"(?P<kind>npm|jsr):/?(?P<name>(?:@[^/@\s]+/)?[^/@\s]+)(?:@(?P<range>[^/]*))?(?:/.*)?\Z",
    re.DOTALL,
)
_NUMBER: Final = r"(?:\d{1,9}|[xX*])"
_COMPARATOR: Final = re.compile(
    rf"(?P<operator>\^|~>?|=|>=|<=|>|<)?\s*v?(?P<major>{_NUMBER})(?:\.(?P<minor>{_NUMBER}))?"
    rf"(?:\.(?P<patch>{_NUMBER}))?(?P<tag>-[0-9A-Za-z.-]+)?(?:\+\S*)?(?=\s|\Z)"
)
_HYPHEN: Final = re.compile(r"(\S+)\s+-\s+(\S+)\Z")
_LONGEST: Final = 256
_LONGEST_NAME: Final = 120
_DROPPED: Final = re.compile(r"[\t\n\r]")
_BLANKS: Final = "".join(map(chr, range(33)))
_SLASHES: Final = "/\\"
_Numbers = tuple[int, ...]


class Specifier(NamedTuple):
    """The parts of a specifier: ``npm:`` or ``jsr:``, the package, and the range (``*`` if there is none)."""

    kind: str
    name: str
    range: str

    @property
    def text(self) -> str:
        """The specifier as deno.lock has it, except that the range may be in another form."""
        return f"{self.kind}:{self.name}@{self.range}"


def read_specifier(text: str) -> Specifier | None:
    """Split a specifier; None if it names no package of npm or jsr (a URL, a path)."""
    found = _SPECIFIER.match(text)
    if found is None:
        return None
    return Specifier(found["kind"], found["name"], (found["range"] or "").strip() or "*")


def plain_target(text: str) -> str:
    """The target of an import as Deno's URL parser reads it.

    The parser drops tabs, line ends and surrounding blanks. It reads ``NPM:`` as ``npm:`` and
    ``https:host`` as ``https://host`` (seen with 2.9.6).
    """
    cleaned = _DROPPED.sub("", text.strip(_BLANKS))
    scheme, colon, rest = cleaned.partition(":")
    lowered = scheme.lower()
    if colon and lowered in ("http", "https"):
        return f"{lowered}://{rest.lstrip(_SLASHES)}"
    return f"{lowered}:{rest}" if colon and lowered in ("npm", "jsr") else cleaned


def module_name(url: str) -> str:
    """A package name for a remote module: the URL without its scheme, ``@`` encoded; long URLs are hashed.

    Empty if the URL has no host.
    """
    from urllib.parse import urlsplit  # here: it takes 2 ms to import

    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    name = url.partition("://")[2].replace("@", "%40") if host else ""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{(host or '')[:_LONGEST_NAME]}/~{hashed(url.encode())[:16]}"


def canonical(specifier: Specifier) -> Specifier:
    """A specifier with its range in a canonical form: equal ranges have equal forms."""
    text = specifier.range
    if len(text) > _LONGEST:
        return specifier
    parts = sorted(repr(_alternative(each.strip())) for each in text.split("||"))
    return specifier._replace(range=" || ".join(parts))


def _alternative(text: str) -> object:
    hyphen = _HYPHEN.match(text)
    if hyphen is not None:
        text = f">={hyphen[1]} <={hyphen[2]}"
    bounds: list[tuple[str, _Numbers, str]] = []
    at = 0
    while at < len(text):
        found = _COMPARATOR.match(text, at)
        if found is None:
            return text
        bounds += _bounds(found)
        at = found.end()
        while at < len(text) and text[at] in " \t,":
            at += 1
    return sorted(set(bounds))


def _bounds(found: re.Match[str]) -> list[tuple[str, _Numbers, str]]:
    """The lower and the upper bound of one comparator; empty for ``*``."""
    parts: list[int] = []
    for name in ("major", "minor", "patch"):
        if found[name] is None or not found[name].isdigit():
            break
        parts.append(int(found[name]))
    operator, tag = found["operator"] or "", found["tag"] or ""
    if not parts:
        return []
    low = (*parts, 0, 0)[:3]
    if operator in ("", "=") and len(parts) == 3:
        return [("=", low, tag)]
    if operator == ">=":
        return [(">=", low, tag)]
    if operator == "<":
        return [("<", low, tag)]
    if operator == ">":
        return [(">", low, tag)] if len(parts) == 3 else [(">=", _above(parts), tag)]
    if operator == "<=":
        return [("<=", low, tag)] if len(parts) == 3 else [("<", _above(parts), tag)]
    if operator == "^":
        fixed = next((at for at, part in enumerate(parts) if part), len(parts) - 1)
        return [(">=", low, tag), ("<", _above(parts[: fixed + 1]), "")]
    kept = parts[:2] if operator.startswith("~") else parts
    return [(">=", low, tag), ("<", _above(kept), "")]


def _above(parts: list[int]) -> _Numbers:
    return (*parts[:-1], parts[-1] + 1, 0, 0)[:3]
