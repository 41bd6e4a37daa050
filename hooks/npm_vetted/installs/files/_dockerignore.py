"""The files that .dockerignore leaves out of an image's build context."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from functools import cache

from npm_vetted.installs import Context


@cache
def pattern_of(pattern: str) -> re.Pattern[str]:
    """A pattern of .dockerignore: like Go's filepath.Match, with ``**``; it also covers files below."""
    out = []
    index = 0
    text = posixpath.normpath(pattern.strip()).lstrip("/")
    while index < len(text):
        char = text[index]
        if text.startswith("**/", index):
            out.append("(?:.*/)?")
            index += 3
            continue
        if text.startswith("**", index):
            out.append(".*")
            index += 2
            continue
        if char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[" and "]" in text[index + 2 :]:
            end = text.index("]", index + 2)
            inner = text[index + 1 : end].replace("\\", "\\\\")
            out.append(f"[{inner}]" if not inner.startswith("!") else f"[^{inner[1:]}]")
            index = end
        else:
            out.append(re.escape(char))
        index += 1
    try:
        return re.compile("".join(out) + r"(?:/.*)?\Z", re.DOTALL)
    except re.error:
        return re.compile(r"(?!)")


def ignorer(path: str, base: str, context: Context) -> Callable[[str], bool]:
    """The test for ignored files; ``Dockerfile.dockerignore`` beside the file takes precedence."""
    data = context.read(f"{path}.dockerignore")
    for name in (".dockerignore", ".containerignore"):
        if data is None:
            data = context.read(posixpath.join(base, name) if base else name)
    if data is None:
        return lambda _: False
    rules = []
    for line in data.decode("utf-8", "replace").splitlines():
        text = line.strip()
        if text and not text.startswith("#"):
            rules.append((not text.startswith("!"), text.lstrip("!").strip()))
    rules = rules[:2000]

    @cache
    def ignores(file: str) -> bool:
        inner = file[len(base) :].lstrip("/") if base else file
        found = False
        for drops, pattern in rules:
            if drops != found and pattern_of(pattern).match(inner):
                found = drops
        return found

    return ignores
