"""Yarn berry's descriptors and locators: ``name@protocol:source#selector::params``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

_IDENT: Final = re.compile(r"((?:@[^/@\s]+/)?[^/@\s]+)@(.+)\Z", re.DOTALL)
_RANGE: Final = re.compile(r"(?:([a-z][a-z0-9+.\-]*:))?([^#]*?)(?:#(.*?))?(?:::(.*))?\Z", re.DOTALL)


_NAME: Final = r"(?:@[^/@]+/[^/@]+|[^/@]+)"
_RESOLUTION: Final = re.compile(
    rf"(?:(?P<whom>{_NAME})(?:@(?P<whose>[^/]+))?/)?(?P<name>{_NAME})(?:@(?P<range>[^/]+))?"
)


class Reference(NamedTuple):
    """A range or reference, taken apart: ``protocol:source#selector::params``."""

    protocol: str
    source: str
    selector: str | None
    params: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Take a text apart; every text is some reference."""
        found = _RANGE.match(text)
        assert found is not None
        pairs = (pair.partition("=") for pair in (found[4] or "").split("&") if pair)
        params = {unquoted(key): unquoted(value) for key, _, value in pairs}
        return cls(found[1] or "", found[2], found[3], params)


def unquoted(text: str) -> str:
    """Text without its percent-encoding; most has none, and the import for it takes 2 ms."""
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def split_ident(text: str) -> tuple[str, str] | None:
    """``@scope/name@reference`` as name and reference; None where it is neither."""
    found = _IDENT.match(text)
    return (found[1], found[2]) if found else None


def normal(wanted: str) -> str:
    """A range as Yarn 4 writes it: versions and tags carry the protocol ``npm:``."""
    return wanted if ":" in wanted or "/" in wanted else f"npm:{wanted}"


def uri_component(text: str) -> str:
    """Text as JavaScript's ``encodeURIComponent`` writes it."""
    from urllib.parse import quote

    return quote(text, safe="!~*'()")


def patched(descriptor: str) -> tuple[str, str] | None:
    """The descriptor that ``x@patch:<descriptor>#…`` wraps; None: no patch."""
    split = split_ident(descriptor)
    if split is None or not split[1].startswith("patch:"):
        return None
    return split_ident(unquoted(split[1].removeprefix("patch:").partition("#")[0]))


def aliases(descriptor: str, name: str) -> bool:
    """Whether ``alias@npm:name@range`` requires ``name``."""
    split = split_ident(descriptor)
    target = split_ident(split[1].removeprefix("npm:")) if split else None
    return target is not None and target[0] == name


def resolution_pattern(key: str) -> tuple[str | None, str | None, str, str | None] | None:
    """``parent@reference/name@range`` taken apart; None: a form that Yarn ignores.

    The grammar is Yarn's own (``resolution.pegjs`` of @yarnpkg/parsers): one parent at most, and no
    slash in a range. Globs (``**/name``) are an error there, and the resolution is dropped.
    """
    found = None if key.startswith(("*/", "**/")) else _RESOLUTION.fullmatch(key)
    return (found["whom"], found["whose"], found["name"], found["range"]) if found else None


def locator_hash(name: str, reference: str) -> str:
    """Yarn's name for a locator in hex: SHA-512 over the hash of the name and the reference."""
    import hashlib

    ident = hashlib.sha512(name.removeprefix("@").replace("/", "", 1).encode()).hexdigest()
    return hashlib.sha512((ident + reference).encode()).hexdigest()
