"""Inspections and comparisons as pages of text for a person. Texts of a package are escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from npm_vetted.formats.terminal_text import line, printable
from npm_vetted.review.releases import Inspection, LifecycleScript, ReleaseComparison, Sized
from npm_vetted.review.treediff import FileChange, FileDiff, FileKind, TreeDiff

Painter = Callable[..., str]
"""``paint(text, "red", "bold")``; ``report._screen.Paint`` is one."""

_MARGIN: Final = 14
_NAMED: Final = 6
_WIDE: Final = 400
_LOOKED_AT: Final = 10 * _WIDE
_RUN_OF_BLANKS: Final = re.compile(r"[ \t]{60,}")
_KEPT: Final = "\t"


def uncoloured(text: str, *_: str) -> str:
    """A painter without colours."""
    return text


def inspection_text(found: Inspection, paint: Painter = uncoloured) -> str:
    """One screen."""
    lines = [paint(line(f"{found.name}@{found.version}"), "bold"), line(found.description)]
    rows: list[tuple[str, str]] = [
        ("published", _published(found)),
        ("package", _package(found)),
        ("publisher", _publisher(found, paint)),
        ("maintainers", _maintainers(found, paint)),
        ("licence", found.licence or paint("none named", "yellow")),
        ("repository", line(found.repository or "") or paint("none named", "yellow")),
        ("size", f"{size(found.size)} in {counted(found.files, 'file')}"),
        ("engines", ", ".join(f"{key} {value}" for key, value in found.engines.items())),
        ("commands", _named(found.bins)),
        ("brings", _dependencies(found)),
        ("native code", _sized(found.native)),
        ("minified", _sized(found.minified)),
        ("integrity", found.integrity or paint("none", "red")),
    ]
    if found.deprecated:
        rows.insert(0, ("deprecated", paint(line(found.deprecated), "red")))
    lines += [_row(name, value) for name, value in rows if value]
    lines += _scripts(found, paint)
    lines += [_row("conflict", paint(line(each), "red")) for each in found.conflicts]
    return "\n".join(filter(None, lines))


def _row(name: str, value: str) -> str:
    return f"  {name:<{_MARGIN}}{value}"


def _published(found: Inspection) -> str:
    if found.published is None:
        return "the registry does not say when"
    age = _age(found.age_days or 0)
    latest = line(found.latest or "unknown")
    standing = "it is the latest" if found.version == found.latest else f"latest is {latest}"
    others = ", ".join(tag for tag in map(line, found.tags) if tag != "latest")
    return f"{_day(found.published)}, {age} ago; {standing}" + (
        f"; tagged {others}" if others else ""
    )


def _package(found: Inspection) -> str:
    count = counted(found.versions, "version")
    if found.created is None:
        return count
    return f"since {_day(found.created)}, {_age(found.package_age_days or 0)}; {count}"


def _publisher(found: Inspection, paint: Painter) -> str:
    if found.publisher is None:
        return "the registry does not say"
    text = line(found.publisher)
    if found.publisher_changed:
        before = line(f"{found.previous_publisher} published {found.previous} before it")
        return f"{text}  {paint(f'CHANGED: {before}', 'red')}"
    return text + (line(f", as of {found.previous}") if found.publisher_changed is False else "")


def _maintainers(found: Inspection, paint: Painter) -> str:
    parts = [_listed(found.maintainers) or "the registry does not say"]
    for word, people in (("new", found.maintainers_added), ("gone", found.maintainers_removed)):
        if people:
            parts.append(paint(f"{word}: {_listed(people)}", "red"))
    return "; ".join(parts)


def _dependencies(found: Inspection) -> str:
    if not found.dependencies:
        return "no dependencies"
    since = f" since {line(found.previous)}" if found.previous else ""
    new = f"; new{since}: {_listed(found.new_dependencies)}" if found.new_dependencies else ""
    return counted(len(found.dependencies), "dependency", "dependencies") + new


def _scripts(found: Inspection, paint: Painter) -> Iterator[str]:
    if not found.scripts:
        yield _row("scripts", "none runs on install")
    for script in found.scripts:
        new = paint(" NEW", "red") if script.name in found.new_scripts else ""
        yield _row("scripts", f"{script.name}:{new} {paint(line(script.command), 'yellow')}")
        for each in script.files:
            yield _row("", f"calls {line(each.path)} ({size(each.size)})")


def script_text(script: LifecycleScript) -> str:
    """A lifecycle script with the files that it names, to be read before it is approved."""
    parts = [f"{script.name}: {printable(script.command)}"]
    for each in script.files:
        parts.append(f"--- {line(each.path)} ({size(each.size)})")
        parts.extend(map(code_line, each.text.split("\n")))
    return "\n".join(parts)


def comparison_text(
    found: ReleaseComparison,
    paint: Painter = uncoloured,
    *,
    stat: bool = False,
    limit: int = 20_000,
) -> str:
    """The changelog, the manifest in words, the code. ``stat``: sizes in place of the code."""
    parts = [paint(line(f"{found.name} {found.old} -> {found.new}"), "bold")]
    parts += ["", paint("Changelog", "bold"), *_bounded(_changelog(found), limit // 4)]
    manifest = [line(each, 700) for each in found.manifest] or ["nothing that matters has changed"]
    parts += ["", paint("package.json", "bold"), *_bounded(manifest, 200)]
    parts += ["", paint("Code", "bold"), *stat_lines(found.code)]
    if not stat:
        parts += _bounded(diff_lines(found.code, paint), limit)
    return "\n".join(parts)


def _bounded(lines: Iterable[str], limit: int) -> Iterator[str]:
    more = 0
    for count, text in enumerate(lines):
        if count < limit:
            yield text
        else:
            more += 1
    if more:
        yield f"[{more:,} more lines]"


def _changelog(found: ReleaseComparison) -> Iterator[str]:
    changelog = found.changelog
    if changelog.sections:
        yield f"from {line(changelog.path or '')} of {line(found.new)}"
        for section in changelog.sections:
            yield ""
            yield from (code_line(each) for each in section.text.split("\n"))
    elif changelog.path is None:
        yield "none is shipped in the tarball"
    else:
        newest = (
            f"; the newest that it names is {line(changelog.newest)}" if changelog.newest else ""
        )
        yield f"{line(changelog.path)} says nothing about these versions{newest}"
    named = any(section.version == found.new for section in changelog.sections)
    if changelog.sections and not named:
        yield f"it says nothing about {line(found.new)} itself"
    if not named:
        yield from (f"  see {line(link, 500)}" for link in found.links)
        yield "  the note must say what was read instead"


def stat_lines(diff: TreeDiff) -> Iterator[str]:
    """A line for each file, and the sum."""
    for each in diff.files:
        yield f"  {_stat(each):<24} {_title(each)}"
    yield (
        f"  {counted(len(diff.files), 'file')} changed, "
        f"{counted(diff.added, 'line')} added, {counted(diff.removed, 'line')} removed"
    )


def _stat(each: FileDiff) -> str:
    if each.change is FileChange.RENAMED:
        return "renamed"
    if each.kind is FileKind.TEXT or each.hunks:
        return f"{each.change.value} +{each.added} -{each.removed}"
    return each.change.value


def _title(each: FileDiff) -> str:
    if each.change is FileChange.RENAMED:
        return f"{line(each.old_path or '')} -> {line(each.path)}"
    if each.kind is FileKind.TEXT:
        return line(each.path)
    sizes = {FileChange.ADDED: size(each.new_size), FileChange.REMOVED: size(each.old_size)}
    shown = sizes.get(each.change) or f"{size(each.old_size)} -> {size(each.new_size)}"
    return f"{line(each.path)} ({each.kind.value}, {shown})"


def diff_lines(diff: TreeDiff, paint: Painter = uncoloured) -> Iterator[str]:
    """The unified diff of all files that are shown."""
    for each in diff.files:
        if not each.hunks:
            continue
        path = line(each.path, 1_000)
        old = "/dev/null" if each.change is FileChange.ADDED else f"a/{path}"
        new = "/dev/null" if each.change is FileChange.REMOVED else f"b/{path}"
        yield ""
        yield paint(f"--- {old}", "bold")
        yield paint(f"+++ {new}", "bold")
        yield from (_painted(text, paint) for text in _without_returns(each.hunks))


def _without_returns(hunks: Sequence[str]) -> Iterator[str]:
    """The lines; where all end as on Windows, that is no news."""
    everywhere = all(text.endswith("\r") for text in hunks if text[0] in " +-")
    return (text.removesuffix("\r") if everywhere else text for text in hunks)


def _painted(text: str, paint: Painter) -> str:
    colour = {"+": "green", "-": "red", "@": "cyan"}.get(text[:1])
    shown = code_line(text)
    return paint(shown, colour) if colour else shown


def code_line(text: str) -> str:
    """A line of a package's file, shown so that blanks and the screen's edge hide no part of it."""
    short = _RUN_OF_BLANKS.sub(lambda run: f" [{len(run[0]):,} blanks] ", text[:_LOOKED_AT])
    more = len(short[_WIDE:]) + len(text[_LOOKED_AT:])
    end = f"… [{more:,} more characters]" if more else ""
    return printable(short[:_WIDE], _KEPT) + end


def size(count: int) -> str:
    """Bytes as people read them."""
    if count < 1000:
        return f"{count} B"
    for unit in ("kB", "MB"):
        count_in = count / (1e3 if unit == "kB" else 1e6)
        if count_in < 999.5 or unit == "MB":
            return f"{count_in:,.1f} {unit}"
    raise AssertionError


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 file``, ``2 files``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def _age(days: int) -> str:
    if days < 1:
        return "less than a day"
    if days < 60:
        return counted(days, "day")
    return counted(days // 30, "month") if days < 730 else counted(days // 365, "year")


def _listed(texts: Collection[str]) -> str:
    shown = [line(text, 80) for text in list(texts)[:_NAMED]]
    more = len(texts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _named(names: Collection[str]) -> str:
    return _listed(tuple(names))


def _sized(files: Collection[Sized]) -> str:
    return _listed([f"{line(each.path, 60)} ({size(each.size)})" for each in files])
