"""The pages of the documentation, and the blocks of code in them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.real_clients import ROOT

DOCS: Final = ROOT / "docs"
BLOCK: Final = re.compile(
    r"^(?:<!-- scene: (?P<scene>[a-z]+) -->\n)?"
    r"(?P<indent> *)```(?P<language>[a-z]+)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


class Page(NamedTuple):
    """One file of the documentation."""

    path: Path

    @property
    def text(self) -> str:
        """Its Markdown."""
        return self.path.read_text(encoding="utf-8")

    def blocks(self, language: str) -> list[str]:
        """The blocks of a language, also those inside tabs."""
        return [
            textwrap.dedent(found["text"])
            for found in BLOCK.finditer(self.text)
            if found["language"] == language
        ]


PAGES: Final[Mapping[str, Page]] = {
    "README.md": Page(ROOT / "README.md"),
    **{path.relative_to(DOCS).as_posix(): Page(path) for path in sorted(DOCS.rglob("*.md"))},
}
