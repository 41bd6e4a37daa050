"""The words that this project does not use: CONTRIBUTING.md says why."""

from __future__ import annotations

import re

from tests.support.real_clients import ROOT

BANNED = re.compile(
    r"\b(?:heed(?:s|ed)?|mend(?:s|ed|ing)?|bears? out|vouch(?:es|ed|ing)?|whoever|stood|stands?"
    r"|held against|asks? for|asked for(?! \w+(?:, \w+)* in)|speaks? of|cannot be told)\b(?!-)",
    re.IGNORECASE,
)


def test_words_with_a_plain_equivalent_are_not_used() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for pattern in ("*.md", "docs/**/*.md", "hooks/**/*.py")
        for path in ROOT.glob(pattern)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if BANNED.search(line)
    ]
    assert found == []
