"""The patch files of Yarn berry: ``name@patch:<descriptor>#<files>::locator=<dependent>``."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from npm_vetted.clients.shared.lockfile import PATCH_SUFFIXES, beside
from npm_vetted.clients.shared.yarn.locators import Reference, split_ident, unquoted
from npm_vetted.model import Read

PATCHES: Final = 5
"""How many patches may lie upon each other."""
_BUILTIN: Final = re.compile(r"~?builtin<[^<>]*>\Z")
_FLAGS: Final = re.compile(r"\A(?:[a-z]++!)+")


class PatchFile(NamedTuple):
    """A patch file as a lockfile names it; ``path`` is None where it is not in the repository."""

    text: str
    path: str | None

    def digest(self, read: Read) -> str:
        """The SRI text of its content; one that no note holds where it cannot be read."""
        data = None if self.path is None else read(self.path)
        if data is None:
            return f"missing-{self.text}"
        import base64
        import hashlib

        return "sha256-" + base64.b64encode(hashlib.sha256(data).digest()).decode()


def patch_files(lockfile: str, reference: str) -> Iterator[PatchFile]:
    """The patch files that a locator's reference names; Yarn's own are none."""
    for _ in range(PATCHES):
        parts = Reference.parse(reference)
        if parts.protocol != "patch:":
            return
        for text in (parts.selector or "").split("&"):
            path = _FLAGS.sub("", unquoted(text), count=1)
            if path and not _BUILTIN.match(path):
                yield PatchFile(path, _path(lockfile, path, parts.params.get("locator")))
        inner = split_ident(unquoted(parts.source))
        reference = inner[1] if inner else ""


def settled(reference: str) -> str:
    """A reference without the part that depends on Yarn's version: the name of a built-in patch.

    ``#~builtin<compat/x>`` or ``#optional!builtin<compat/x>``, with a hash of the patch it brings.
    """
    parts = Reference.parse(reference)
    texts = [_FLAGS.sub("", unquoted(text), count=1) for text in (parts.selector or "").split("&")]
    if parts.protocol != "patch:" or not all(_BUILTIN.match(text) for text in texts):
        return reference
    own = "&".join(text.removeprefix("~") for text in texts)
    return f"patch:{unquoted(parts.source)}#{own}"


def _path(lockfile: str, path: str, locator: str | None) -> str | None:
    """From the top of the repository; None where it leads out, or is called like no patch."""
    folder = ""
    if path.startswith("~/"):
        path = path[2:]
    elif locator is not None:
        found = split_ident(locator)
        if found is None or not found[1].startswith("workspace:"):
            return None
        folder = found[1].removeprefix("workspace:")
    joined = posixpath.normpath(beside(lockfile, posixpath.join(folder, path)))
    if joined.startswith(("/", "../")) or path.startswith("/"):
        return None
    return joined if joined.endswith(PATCH_SUFFIXES) else None
