"""The changelog between two versions, from a package's tarball; without one, links to read.

There is no format: headings are recognised in every style that was met (markdown, setext, bold,
reStructuredText, AsciiDoc, HTML, a bare line with version and date). A heading that names a
version begins its section, the next one ends it. All of it is an attacker's text: one pass, no
line longer than a heading is looked at, and what is shown goes through ``sanitize``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Final

from npm_vetted.packages.versions import parse_version

if TYPE_CHECKING:
    from semver import Version

_FILE: Final = re.compile(
    r"(?P<kind>changelog|changes|history|news|releases?|release[-_]?notes)"
    r"(?:[-_.]?v?[0-9]{1,4}(?:\.x)?)?"
    r"(?:\.(?:md|mkd|mdx|markdown|txt|rst|adoc|asciidoc|textile|org|html?))?",
    re.IGNORECASE,
)
_KINDS: Final = ("changelog", "changes", "history", "news", "release")
_SIZE_LIMIT: Final = 2 << 20
_FILES_LIMIT: Final = 4
_SECTIONS_LIMIT: Final = 20_000
_HEADING_LIMIT: Final = 200

_VERSION: Final = (
    r"(?P<version>[0-9]{1,9}\.[0-9]{1,9}(?:\.[0-9]{1,9})?"
    r"(?:-[0-9A-Za-z][0-9A-Za-z.-]{0,60})?)"
)
_MARKUP: Final = re.compile(r"<[^<>]{0,150}>|[#*_=`\[\]()~>|]|:[a-z_]{1,30}:|&[a-z]{1,8};")
_DATE: Final = (
    r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[ -]?[A-Za-z]{3,9},? [0-9]{4}"
    r"|[A-Za-z]{3,9}\.? [0-9]{1,2}(?:st|nd|rd|th)?,? [0-9]{4})"
)
_LEAD: Final = (
    r"(?:version|versions|release|released|changes in|what.?s new in|ver|v)?\.?\s{0,3}:?\s{0,3}v?"
)
_TITLE: Final = re.compile(
    rf"[^\w@]{{0,20}}(?:{_DATE}[\s,:/–—-]{{1,5}})?(?:@?[\w./-]{{1,100}}(?:@|\s{{1,3}}))?"
    rf"{_LEAD}{_VERSION}(?![\w.])",
    re.IGNORECASE,
)
_BARE: Final = re.compile(
    rf"(?:[*+-]\s{{1,3}})?(?:{_DATE}[\s,:/–—-]{{1,5}})?{_LEAD}{_VERSION}"
    rf"(?:\s{{0,5}}:?\s{{0,5}}|\s{{0,5}}[:/,–—(\[-]{{0,2}}\s{{0,5}}{_DATE}.*|\s{{0,5}}[:–—-]\s.*)",
    re.IGNORECASE,
)
_ATX: Final = re.compile(
    r"\s{0,3}(?:#{1,6}|={1,6}(?=\s)|h[1-6]\.)\s{0,3}\S|\s{0,3}<h[1-6][\s>]", re.IGNORECASE
)
_BOLD: Final = re.compile(r"\s{0,3}(?:[*+-]\s{1,3})?(?:\*\*|__)\S")
_RULE: Final = re.compile(r"\s{0,3}(?:={3,}|-{3,}|~{3,}|\^{3,}|\*{3,}|\+{3,})\s*")
_UPCOMING: Final = re.compile(
    r"\W{0,20}(?:unreleased|upcoming|next|master|main|head)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A changelog's section on one version; the heading is its first line."""

    version: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changelog:
    """The changelog in a tarball. ``path`` is None if there is none.

    ``newest`` is the highest version that the file has a heading for, None where it has none.
    """

    path: str | None
    sections: tuple[Section, ...] = ()
    newest: str | None = None


def find_changelog(files: Mapping[str, bytes], old: str, new: str) -> Changelog:
    """The sections behind ``old`` up to ``new`` of the file that says most about them."""
    best = Changelog(path=None)
    for path in _candidates(files):
        text = files[path][:_SIZE_LIMIT].decode("utf-8", errors="replace")
        every = list(sections(text))
        found = tuple(each for each in every if _is_between(each.version, old, new))
        if found or best.path is None:
            best = Changelog(path=path, sections=found, newest=_newest(every))
        if found:
            break
    return best


def _candidates(files: Mapping[str, bytes]) -> list[str]:
    """The files that are called like a changelog: those at the top first."""
    found = []
    for path in files:
        folder, _, name = path.rpartition("/")
        match = _FILE.fullmatch(name)
        if match and path.count("/") < 3 and "node_modules" not in folder:
            kind = next(
                i for i, each in enumerate(_KINDS) if match["kind"].lower().startswith(each)
            )
            found.append((path.count("/"), kind, path))
    return [path for _, _, path in sorted(found)[:_FILES_LIMIT]]


def sections(text: str) -> Iterator[Section]:
    """The sections of a changelog, in its order.

    Where there are headings that are marked as such, only they count: a table of contents and a
    version at the start of a sentence do not.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    heads = _first(_headings(lines)) or _first(_bare_headings(lines))
    heads.append((len(lines), ""))
    for (start, version), (end, _) in pairwise(heads):
        if version:
            body = "\n".join(lines[start:end]).rstrip()
            yield Section(version=version, line=start + 1, text=body)


def _first(heads: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    return list(islice(heads, _SECTIONS_LIMIT))


def _headings(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Line and version of each marked heading; no version: one that only ends a section."""
    named = False
    for number, text in enumerate(lines):
        if not _is_marked(lines, number):
            continue
        title = _MARKUP.sub(" ", text[:_HEADING_LIMIT])
        match = _TITLE.match(title)
        version = _full(match) if match else None
        if version is not None:
            named = True
            yield number, version
        elif named and _UPCOMING.match(title):
            yield number, ""


def _is_marked(lines: list[str], number: int) -> bool:
    text = lines[number][:_HEADING_LIMIT]
    if _ATX.match(text) or _BOLD.match(text):
        return True
    below = lines[number + 1][:_HEADING_LIMIT] if number + 1 < len(lines) else ""
    return text.strip() != "" and _RULE.fullmatch(below) is not None and not _RULE.fullmatch(text)


def _bare_headings(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, text in enumerate(lines):
        match = _BARE.fullmatch(text) if len(text) <= _HEADING_LIMIT else None
        version = _full(match) if match else None
        if version is not None:
            yield number, version


def _full(match: re.Match[str]) -> str | None:
    """The version as written, if semver can read it; ``1.2`` means all of its patches."""
    text = match["version"].rstrip(".-")
    return text if _parsed(text) is not None else None


def _parsed(text: str) -> Version | None:
    return parse_version(text) or parse_version(_with_patch(text))


def _with_patch(text: str) -> str:
    number, dash, rest = text.partition("-")
    return f"{number}.0{dash}{rest}"


def _is_between(version: str, old: str, new: str) -> bool:
    found, before, after = _parsed(version), _parsed(old), _parsed(new)
    if found is None or before is None or after is None:
        return version == new
    if parse_version(version) is None and found.prerelease is None:
        series = (found.major, found.minor)
        return (before.major, before.minor) <= series <= (after.major, after.minor)
    return before < found <= after


def _newest(found: list[Section]) -> str | None:
    versions = [(parsed, each.version) for each in found if (parsed := _parsed(each.version))]
    return max(versions, key=lambda pair: pair[0])[1] if versions else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A repository at one of the large hosts."""

    host: str
    owner: str
    name: str

    @property
    def url(self) -> str:
        """Its page."""
        return f"https://{self.host}/{self.owner}/{self.name}"

    @property
    def releases(self) -> str:
        """The page of its releases."""
        match self.host:
            case "gitlab.com":
                return f"{self.url}/-/releases"
            case "bitbucket.org":
                return f"{self.url}/downloads/?tab=tags"
            case _:
                return f"{self.url}/releases"

    def compare(self, old: str, new: str) -> str:
        """The page that shows what changed from one tag or commit to another."""
        match self.host:
            case "gitlab.com":
                return f"{self.url}/-/compare/{old}...{new}"
            case "bitbucket.org":
                return f"{self.url}/branches/compare/{new}%0D{old}"
            case _:
                return f"{self.url}/compare/{old}...{new}"


_HOSTS: Final = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}
_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}"
_SHORT: Final = re.compile(
    rf"(?:(?P<host>github|gitlab|bitbucket):)?(?P<owner>{_PART})/(?P<name>{_PART})"
)
_LONG: Final = re.compile(
    r"(?:git\+)?(?:(?:https?|git|ssh)://)?(?:[A-Za-z0-9_-]{1,60}@)?(?:www\.)?"
    r"(?P<host>github\.com|gitlab\.com|bitbucket\.org)(?::[0-9]{1,5})?[/:]"
    rf"(?P<owner>{_PART})/(?P<name>{_PART})(?:[/#?].*)?",
    re.IGNORECASE,
)


def hosted(repository: str | None) -> Hosted | None:
    """The host, owner and name in a manifest's ``repository``, in any of the forms npm knows."""
    match = _LONG.fullmatch(repository or "") or _SHORT.fullmatch(repository or "")
    if match is None:
        return None
    host = (match["host"] or "github").lower()
    name = match["name"].removesuffix(".git")
    return Hosted(host=_HOSTS.get(host, host), owner=match["owner"], name=name) if name else None


_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


def compare_link(
    repository: str | None, old: tuple[str, str | None], new: tuple[str, str | None]
) -> str | None:
    """The link that compares two releases, each a version and its commit where that is known.

    Without both commits the usual tags ``v1.2.3`` are a guess, which a reader sees by its failing.
    """
    found = hosted(repository)
    if found is None:
        return None
    commits = [commit for _, commit in (old, new) if commit and _COMMIT.fullmatch(commit)]
    if len(commits) == 2:
        return found.compare(*commits)
    if parse_version(old[0]) is None or parse_version(new[0]) is None:
        return None
    return found.compare(f"v{old[0]}", f"v{new[0]}")
