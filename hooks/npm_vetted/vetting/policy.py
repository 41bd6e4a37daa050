"""The policy: ``.vetting/config.toml`` and ``.vetting/exemptions.txt``."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final, NamedTuple

from npm_vetted.errors import DocumentError, UsageError
from npm_vetted.formats.document import Table, decode, hint
from npm_vetted.formats.globs import glob_matcher
from npm_vetted.formats.toml import load_toml
from npm_vetted.model import Artifact, Kind
from npm_vetted.packages.urls import Registries
from npm_vetted.packages.versions import STEPS, comparators

CONFIG: Final = ".vetting/config.toml"
EXEMPTIONS: Final = ".vetting/exemptions.txt"
FORMAT: Final = 1
DEFAULT_REGISTRY: Final = "https://registry.npmjs.org/"
BUILT_IN_CRITERIA: Final = {
    "health": "who is behind it, is it alive, is it what it says",
    "changelog": "the changelog was read, or, where none is published, what `why` names instead",
    "scripts": "the lifecycle scripts were read",
    "source": "the code was read; implies `scripts`",
}
_FEW: Final = 20
"""So many searches of ten thousand exemptions take as long as an index of them."""
TRANSITIVE: Final = ("note", "accepted", "ignore")


class Demands(NamedTuple):
    """What the policy asks of an artifact. ``upgrade`` is by semver step."""

    new: tuple[str, ...] = ("health",)
    upgrade: Mapping[str, tuple[str, ...]] = dict.fromkeys(STEPS, ("changelog",))
    scripts: tuple[str, ...] = ("scripts",)
    transitive: str = "accepted"
    cooldown_days: int = 7


class FirstParty(NamedTuple):
    """Scopes that we publish ourselves, and the only registry they may come from."""

    scopes: tuple[str, ...]
    registry: str

    def covers(self, name: str) -> bool:
        """Whether a package is of one of the scopes (or is named outright)."""
        return name.partition("/")[0] in self.scopes if name.startswith("@") else False


class Deny(NamedTuple):
    """A package that is never taken in, whatever a note says."""

    package: str
    versions: str | None
    reason: str


class Exclude(NamedTuple):
    """Paths whose package.json are no projects."""

    path: str
    reason: str


class Ignore(NamedTuple):
    """An accepted exception to a check; ``until`` is its last day."""

    check: str
    path: str
    reason: str
    package: str | None = None
    until: datetime.date | None = None
    line: int = 1

    def applies(self, check: str, path: str, package: str | None) -> bool:
        """Whether a finding is the one that this exception accepts, whatever the day."""
        return (
            self.check == check
            and glob_matcher(self.path).match(path) is not None
            and self.package in (None, package)
        )


def _labelled(name: str, version: str = "") -> str:
    """``name@version`` without the characters that a line of exemptions is split at."""
    return f"{_quoted(name, '@/!+.-_~')}@{_quoted(version, '/!+.-_~')}"


def _quoted(text: str, safe: str) -> str:
    if text.isascii() and all(char in safe or char.isalnum() for char in text):
        return text
    from urllib.parse import quote

    return quote(text, safe=safe)


class Exemption(NamedTuple):
    """One artifact taken in without a review: exactly these bytes from this source.

    ``version`` is ``-`` where the lockfile has none; ``pinned`` is written by ``binding.py``.
    """

    name: str
    version: str
    pinned: str
    scripts: bool
    reason: str

    def __str__(self) -> str:
        flag = "scripts" if self.scripts else "-"
        reason = " ".join(self.reason.split())
        return f"{_labelled(self.name, self.version)} {self.pinned} {flag} {reason}"


class Policy(NamedTuple):
    """What a repository asks for; the defaults hold where ``.vetting/`` says nothing."""

    adopted: bool = False
    demands: Demands = Demands()
    development: Demands | None = None
    registries: Registries = Registries((DEFAULT_REGISTRY,))
    first_party: tuple[FirstParty, ...] = ()
    deny: tuple[Deny, ...] = ()
    exclude: tuple[Exclude, ...] = ()
    ignore: tuple[Ignore, ...] = ()
    criteria: Mapping[str, str] = BUILT_IN_CRITERIA

    def excludes(self, path: str) -> bool:
        """Whether a path lies where the policy says there are no projects."""
        return any(
            matcher.match(part)
            for each in self.exclude
            for matcher in [glob_matcher(each.path)]
            for part in _itself_and_folders(path)
        )

    def accepts(self, check: str, path: str, package: str | None, day: datetime.date) -> bool:
        """Whether an exception that still holds accepts such a finding."""
        return any(
            each.applies(check, path, package) and (each.until is None or each.until >= day)
            for each in self.ignore
        )

    def owner_of(self, artifact: Artifact) -> FirstParty | None:
        """The first-party entry that an artifact belongs to; what no registry published is no one's.

        Else a git dependency could take one of our names and need no note.
        """
        if artifact.kind not in (Kind.REGISTRY, Kind.TARBALL):
            return None
        return next((each for each in self.first_party if each.covers(artifact.name)), None)

    def asks(self, development: bool) -> Demands:
        """What is asked of an artifact that only development needs, or of one that is shipped."""
        return self.development if development and self.development else self.demands


def _itself_and_folders(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


def read_policy(config: bytes | None, *, adopted: bool) -> Policy:
    """Read config.toml; raises UsageError (exit 2) with file, line and the nearest known key."""
    if config is None:
        return Policy(adopted=adopted)
    try:
        table = load_toml(CONFIG, config).root(UsageError)
    except DocumentError as error:
        raise UsageError(error.message, path=error.path, line=error.line) from None
    _check_format(table)
    table.only(
        {"format", "policy", "registries", "first-party", "deny", "exclude", "ignore", "criteria"}
    )
    criteria = {**BUILT_IN_CRITERIA, **_criteria(table)}
    policy = table.maybe_table("policy")
    demands = _demands(policy, Demands(), criteria, {"development"}) if policy else Demands()
    inner = policy.maybe_table("development") if policy else None
    first_party = tuple(_first_party(each) for each in table.tables("first-party"))
    return Policy(
        adopted=True,
        demands=demands,
        development=_demands(inner, demands, criteria, set()) if inner else None,
        registries=Registries(
            (*_registries(table), *(each.registry for each in first_party)),
            proxies=_exact_values(table, "proxies"),
            authorities=_exact_values(table, "authorities"),
        ),
        first_party=first_party,
        deny=tuple(_deny(each) for each in table.tables("deny")),
        exclude=tuple(_exclude(each) for each in table.tables("exclude")),
        ignore=tuple(_ignore(each) for each in table.tables("ignore")),
        criteria=criteria,
    )


def _check_format(table: Table) -> None:
    found = table.maybe_number("format")
    if found is not None and found > FORMAT:
        raise table.fail(
            f"format {found} is newer than this npm-vetted knows ({FORMAT})",
            "format",
            fix="upgrade npm-vetted: pre-commit autoupdate, or pip install --upgrade npm-vetted",
        )
    if found is not None and found < 1:
        raise table.fail(f"expected {FORMAT}, found {found}", "format")


def _criteria(table: Table) -> dict[str, str]:
    inner = table.maybe_table("criteria")
    if inner is None:
        return {}
    for name in inner.data:
        if name in BUILT_IN_CRITERIA:
            raise inner.fail("a built-in criterion cannot be given another meaning", name)
    return {name: inner.text(name) for name in inner.data}


def _named_criteria(
    table: Table, key: str, default: tuple[str, ...], known: Mapping[str, str]
) -> tuple[str, ...]:
    names = table.maybe_texts(key)
    if names is None:
        return default
    for index, name in enumerate(names):
        if name not in known:
            raise table.fail(f"unknown criterion {name!r}{hint(name, known)}", key, index)
    return names


def _demands(
    table: Table, default: Demands, criteria: Mapping[str, str], more: set[str]
) -> Demands:
    table.only({"new", "upgrade", "scripts", "transitive", "cooldown-days"} | more)
    days = table.maybe_number("cooldown-days")
    if days is not None and days < 0:
        raise table.fail(f"expected days, 0 or more, found {days}", "cooldown-days")
    transitive = table.maybe_text("transitive")
    if transitive is not None and transitive not in TRANSITIVE:
        raise table.fail(
            f"unknown value {transitive!r}{hint(transitive, TRANSITIVE)}", "transitive"
        )
    return Demands(
        new=_named_criteria(table, "new", default.new, criteria),
        upgrade=_upgrade(table, default, criteria),
        scripts=_named_criteria(table, "scripts", default.scripts, criteria),
        transitive=transitive or default.transitive,
        cooldown_days=default.cooldown_days if days is None else days,
    )


def _upgrade(
    table: Table, default: Demands, criteria: Mapping[str, str]
) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(table.data.get("upgrade"), dict):
        names = _named_criteria(table, "upgrade", (), criteria)
        return dict.fromkeys(STEPS, names) if "upgrade" in table.data else default.upgrade
    inner = table.maybe_table("upgrade")
    assert inner is not None
    inner.only(STEPS)
    return {each: _named_criteria(inner, each, default.upgrade[each], criteria) for each in STEPS}


def _registries(table: Table) -> tuple[str, ...]:
    inner = table.maybe_table("registries")
    if inner is None:
        return (DEFAULT_REGISTRY,)
    inner.only({"allowed", "proxies", "authorities"})
    urls = inner.maybe_texts("allowed")
    for index, url in enumerate(urls or ()):
        _https(inner, url, "allowed", index)
    return (DEFAULT_REGISTRY,) if urls is None else urls


def _exact_values(table: Table, key: str) -> tuple[str, ...]:
    inner = table.maybe_table("registries")
    return (inner.maybe_texts(key) if inner else None) or ()


def _https(table: Table, url: str, *keys: str | int) -> str:
    if not Registries((url,)).allows(url):
        raise table.fail(f"expected an https URL of a registry, found {url!r}", *keys)
    return url


def _first_party(table: Table) -> FirstParty:
    table.only({"scopes", "registry"})
    scopes = table.maybe_texts("scopes")
    if not scopes:
        raise table.fail("the key 'scopes' is missing or empty")
    for index, scope in enumerate(scopes):
        if not scope.startswith("@") or "/" in scope or len(scope) < 2:
            raise table.fail(f"expected a scope such as '@acme', found {scope!r}", "scopes", index)
    return FirstParty(scopes=scopes, registry=_https(table, table.text("registry"), "registry"))


def _reason(table: Table) -> str:
    text = table.text("reason").strip()
    if not text:
        raise table.fail("say why: the reason is empty", "reason")
    return text


def _deny(table: Table) -> Deny:
    table.only({"package", "versions", "reason"})
    versions = table.maybe_text("versions")
    if versions is not None and any(comparators(each) is None for each in versions.split("||")):
        raise table.fail(
            f"expected an exact version, or bounds such as '>=1.0.0 <2.0.0', found {versions!r}",
            "versions",
        )
    return Deny(package=table.text("package"), versions=versions, reason=_reason(table))


def _exclude(table: Table) -> Exclude:
    table.only({"path", "reason"})
    return Exclude(path=table.text("path"), reason=_reason(table))


def _ignore(table: Table) -> Ignore:
    table.only({"check", "path", "package", "reason", "until"})
    check = table.text("check")
    until = table.data.get("until")
    if until is not None and (
        not isinstance(until, datetime.date) or isinstance(until, datetime.datetime)
    ):
        raise table.fail("expected a date such as 2027-01-31", "until")
    return Ignore(
        check=check,
        line=table.line("check"),
        path=table.text("path"),
        package=table.maybe_text("package"),
        reason=_reason(table),
        until=until,
    )


class Exemptions:
    """The lines of exemptions.txt, found by artifact: by a search for a few, for many by an index."""

    def __init__(self, text: str = "") -> None:
        self._text = "\n" + text
        self._asked = 0

    @classmethod
    def read(cls, data: bytes | None) -> Exemptions:
        """Read the file's bytes; lines are decoded when they are asked for."""
        try:
            return cls(decode(EXEMPTIONS, data or b"").replace("\r\n", "\n"))
        except DocumentError as error:
            raise UsageError(error.message, path=error.path, line=error.line) from None

    def of(self, name: str, version: str | None = None) -> list[Exemption]:
        """The exemptions of a package, or of one version of it."""
        self._asked += 1
        places: Iterable[int]
        if version is None:
            places = self._search(_labelled(name))
        elif self._asked <= _FEW:
            places = self._search(f"{_labelled(name, version)} ")
        else:
            places = self._places.get(_labelled(name, version), ())
        return [self._at(place) for place in places]

    def _search(self, start: str) -> Iterator[int]:
        """Where the lines stand that start so."""
        at = self._text.find(f"\n{start}")
        while at >= 0:
            yield at + 1
            at = self._text.find(f"\n{start}", at + 1)

    @cached_property
    def _places(self) -> Mapping[str, list[int]]:
        """Where the lines stand, by their first word."""
        found: dict[str, list[int]] = {}
        at = 1
        for line in self._text[1:].split("\n"):
            label, blank, _ = line.partition(" ")
            if blank:
                found.setdefault(label, []).append(at)
            at += len(line) + 1
        return found

    def _at(self, place: int) -> Exemption:
        end = self._text.find("\n", place)
        return _exemption(self._text[place : end if end >= 0 else None], self._text, place)

    def all(self) -> Iterator[Exemption]:
        """Every exemption; raises UsageError at the first line that is none."""
        at = 1
        for line in self._text[1:].split("\n"):
            if line.strip() and not line.startswith("#"):
                yield _exemption(line, self._text, at)
            at += len(line) + 1

    def lines(self) -> frozenset[str]:
        """The exemptions as lines of text."""
        return frozenset(str(each) for each in self.all())

    def comments(self) -> list[str]:
        """The lines that a person wrote beside the exemptions."""
        return [line for line in self._text[1:].split("\n") if line.startswith("#")]

    def line_of(self, exemption: Exemption) -> int:
        """The line that an exemption stands on."""
        at = self._text.find(f"\n{exemption}")
        return self._text.count("\n", 0, max(at, 0) + 1)

    def write(self, kept: Iterable[Exemption]) -> bytes:
        """The file's bytes with these exemptions: comments first, then sorted lines, each once."""
        lines = [*self.comments(), *sorted({str(each) for each in kept})]
        return "".join(f"{line}\n" for line in lines).encode()


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def _exemption(line: str, text: str, at: int) -> Exemption:
    words = line.split(" ", 3)
    name, mark, version = words[0].rpartition("@")
    if len(words) != 4 or not mark or not name or words[2] not in ("-", "scripts"):
        raise UsageError(
            f"expected 'name@version hash-or-source -|scripts reason', found {line[:80]!r}",
            path=EXEMPTIONS,
            line=text.count("\n", 0, at),
            fix="npm-vetted exempt writes these lines; take out or mend this one",
        )
    return Exemption(_unquoted(name), _unquoted(version), words[1], words[2] == "scripts", words[3])
