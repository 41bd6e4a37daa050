"""Texts in a script that give a purpose away, each new to the package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.review.signals.comparison import PackageComparison, Reason

_TEXTS: Final = {
    "hook-net": "replaces {} for the whole program",
    "wallet": "asks a wallet to sign or send ({})",
    "wallet-hook": "reaches for the wallet of a browser ({})",
    "wallet-address": "holds the address of a wallet: {}",
    "ai-cli": "runs an assistant, or turns the safety of one off ({})",
    "token-shape": "looks for tokens or private keys ({})",
    "cred-path": "names a file that holds credentials ({})",
    "cloud-metadata": "asks a cloud machine for its credentials ({})",
    "exfil-host": "names a host that is often used to take data away ({})",
    "ip-url": "names an address without a host name ({})",
    "shell-fetch": "downloads and runs by a shell command ({})",
    "persist": "writes where code is started later ({})",
    "wipes": "removes everything of a user or machine ({})",
    "publish": "publishes packages or reads publish tokens ({})",
}
_IN_TEXT: Final = (
    "shell-fetch",
    "ip-url",
    "cloud-metadata",
    "exfil-host",
    "cred-path",
    "persist",
    "publish",
    "wipes",
)
"""Also looked for in shell scripts and build files."""
CODES = tuple(f"tell:{name}" for name in _TEXTS)


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """Each tell of a new or changed script that the package never had."""
    for name, text in _TEXTS.items():
        found = comparison.first(name)
        if found is None and name in _IN_TEXT:
            texts = (
                (path, facts) for path, facts in comparison.changed_texts if name in facts.marks
            )
            shell = next(texts, None)
            if shell is not None and not comparison.had_in_text(name):
                found = shell[0], shell[1].marks[name]
        if found is not None and not comparison.had(name):
            path, mark = found
            yield Reason(f"tell:{name}", text.format(mark.text), path, mark.line)
