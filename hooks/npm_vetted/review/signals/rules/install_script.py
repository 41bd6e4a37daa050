"""A new or changed command that an install runs."""

from __future__ import annotations

from collections.abc import Iterator

from npm_vetted.review.signals.comparison import PackageComparison, Reason, manifest_line, table_of

CODES = ("install-script-new", "install-script-changed")


def find(comparison: PackageComparison) -> Iterator[Reason]:
    """Each lifecycle script that is new or another, and the host that a program comes from at install."""
    yield from _binary_host(comparison)
    for name, command in comparison.scripts.items():
        before = comparison.old_scripts.get(name)
        if before == command:
            continue
        line = manifest_line(comparison.new, f'"{name}"')
        if before is None:
            text = (
                f"runs a script at install that the earlier version did not have: {name}: {command}"
            )
            if comparison.fresh:
                text = f"runs a script at install: {name}: {command}"
            yield Reason("install-script-new", text, "package.json", line)
        else:
            text = f"its install script is another command now: {name}: {command}, before: {before}"
            yield Reason("install-script-changed", text, "package.json", line)


def _binary_host(comparison: PackageComparison) -> Iterator[Reason]:
    """What node-pre-gyp and its like read: ``"binary": {"host": …}``."""
    before, after = (
        table_of(each, "binary") for each in (comparison.old_manifest, comparison.manifest)
    )
    changed = [
        key for key in ("host", "bucket", "staging_host") if before.get(key) != after.get(key)
    ]
    if changed and comparison.scripts and not comparison.fresh:
        shown = ", ".join(f"{key} {after.get(key)}" for key in changed)
        text = f"its install script downloads from another place now: {shown}"
        line = manifest_line(comparison.new, '"binary"')
        yield Reason("install-script-changed", text, "package.json", line)
