"""The manifest names another source repository than before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from npm_vetted.review.signals.comparison import PackageComparison, Reason, manifest_line

CODES = ("repo-changed",)


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """Where both versions name one, and not the same."""
    before, after = _repository(comparison.old_manifest), _repository(comparison.manifest)
    if before and after and before != after:
        line = manifest_line(comparison.new, '"repository"')
        yield Reason(
            "repo-changed",
            f"its repository is another one: {after}, before: {before}",
            "package.json",
            line,
        )


def _repository(manifest: Mapping[str, object]) -> str:
    found = manifest.get("repository")
    text = found.get("url") if isinstance(found, dict) else found
    if not isinstance(text, str):
        return ""
    text = re.sub(r"^(?:git\+|git:|ssh:|https?:|github:|//|git@|www\.)+", "", text[:300].lower())
    text = re.sub(r"(?:/tree/.*|#.*)$", "", text).rstrip("/").removesuffix(".git")
    return text.removeprefix("//").replace("github.com:", "github.com/").removeprefix("github.com/")
