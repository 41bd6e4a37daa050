"""Two powers in one file that together are the usual shape of an attack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.review.signals.comparison import PackageComparison, Reason

_NET: Final = ("net", "fetch")
_SECRETS: Final = (
    "env-all",
    "env-secret",
    "env-file",
    "cred-path",
    "token-shape",
    "identity",
    "secrets-read",
)
_DECODES: Final = ("decode", "charcode")
_PAIRS: Final = {
    "send-secrets": (_SECRETS, _NET, "one file reads secrets and opens connections"),
    "fetch-run": (_NET, ("exec",), "one file downloads and starts programs"),
    "fetch-eval": (_NET, ("eval",), "one file downloads and evaluates text as code"),
    "decode-eval": (_DECODES, ("eval",), "one file decodes data and evaluates it as code"),
    "hidden-process": (("detached",), ("exec",), "one file starts programs that outlive it"),
    "decode-exec": (("decode",), ("exec",), "one file decodes data and starts programs"),
    "decode-load": (_DECODES, ("dyn-require",), "one file decodes data and loads what it computed"),
    "files-of-home": (("home",), ("fs",), "one file works on files of the home folder"),
    "changes-files": (
        ("fs",),
        ("writes", "removes"),
        "one file writes or removes files, for the first time",
    ),
    "overwrites-code": (
        ("resolves",),
        ("writes",),
        "one file finds other packages' code and writes files",
    ),
}
CODES = tuple(f"pair:{name}" for name in _PAIRS)


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """Each pair that one new or changed script has, and no script of the earlier version had."""
    for name, (some, others, text) in _PAIRS.items():
        pairs = [(one, other) for one in some for other in others]
        found = next(filter(None, (comparison.first(*pair) for pair in pairs)), None)
        if found is not None and not any(comparison.had(*pair) for pair in pairs):
            path, mark = found
            yield Reason(f"pair:{name}", f"{text} ({mark.text})", path, mark.line)
