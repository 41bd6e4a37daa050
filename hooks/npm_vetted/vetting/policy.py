"""The policy: ``.vetting/config.toml``, read into frozen data."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from npm_vetted.errors import DocumentError, UsageError
from npm_vetted.formats.document import Table, hint
from npm_vetted.formats.globs import glob_matcher
from npm_vetted.formats.toml import load_toml
from npm_vetted.model import Artifact, Finding, Kind
from npm_vetted.packages.urls import Registries
from npm_vetted.packages.versions import ARRIVALS, STEPS

CONFIG: Final = ".vetting/config.toml"
FORMAT: Final = 2
"""The newest format. Format 1 is that of npm-vetted 0.1.0, which cannot read the rest."""
DEFAULT_REGISTRY: Final = "https://registry.npmjs.org/"
BUILT_IN_CRITERIA: Final = {
    "health": "who is behind it, is it alive, is it what it says",
    "changelog": "the changelog was read, or, where none is published, what `why` names instead",
    "scripts": "the lifecycle scripts were read",
    "source": "the code was read; implies `scripts`",
}
LITERAL_ONLY: Final = frozenset({"unread-lockfile", "excluded-lockfile"})
"""Codes of findings that an ``[[ignore]]`` only accepts for one literal path, not for a pattern."""
_LONGEST_COOLDOWN: Final = 36500
_SCOPE: Final = re.compile(r"@[^@/*]+/\*")
TRANSITIVE: Final = ("note", "accepted", "ignore")


class Demands(NamedTuple):
    """The policy's requirements for an artifact.

    ``upgrade`` is by semver step; ``cooldown_days`` by step, and by ``new`` for a new package.
    """

    new: tuple[str, ...] = ("health",)
    upgrade: Mapping[str, tuple[str, ...]] = dict.fromkeys(STEPS, ("changelog",))
    scripts: tuple[str, ...] = ("scripts",)
    transitive: str = "accepted"
    cooldown_days: Mapping[str, int] = dict.fromkeys(ARRIVALS, 7)


class FirstParty(NamedTuple):
    """Scopes that the repository's owner publishes, and the only registry for them."""

    scopes: tuple[str, ...]
    registry: str

    def covers(self, name: str) -> bool:
        """Whether a package is in one of the scopes, or is listed by its name."""
        return name.partition("/")[0] in self.scopes if name.startswith("@") else False


class Deny(NamedTuple):
    """Versions that are always rejected, even with a note.

    ``package`` is a name, or a scope as ``@evil/*``; ``versions`` are ranges of which one must
    match, none: every version.
    """

    package: str
    versions: tuple[str, ...]
    reason: str
    line: int = 1

    def names(self, name: str) -> bool:
        """Whether the entry is about a package of this name."""
        if self.package.endswith("/*"):
            return name.startswith(self.package[:-1])
        return name == self.package

    def covers(self, name: str, version: str | None) -> bool:
        """Whether a version is denied; an unknown version (git, URL) is."""
        if not self.names(name):
            return False
        from npm_vetted.packages.ranges import lies_in  # here: few policies deny anything

        return not self.versions or any(lies_in(version, each) for each in self.versions)


class Exclude(NamedTuple):
    """Paths whose package.json are no projects; literal unless the path contains ``*``."""

    path: str
    reason: str

    def covers(self, path: str) -> bool:
        """Whether a file or folder is excluded itself."""
        if "*" not in self.path:
            return self.path == path
        return glob_matcher(self.path).match(path) is not None


class Ignore(NamedTuple):
    """An accepted exception to a check; ``until`` is its last day.

    ``path`` is literal unless it contains ``*``: ``{{cookiecutter.x}}`` and ``[id]`` are folders.
    """

    check: str
    path: str
    reason: str
    package: str | None = None
    until: datetime.date | None = None
    line: int = 1
    code: str | None = None
    key: str | None = None

    def applies(self, finding: Finding) -> bool:
        """Whether this exception accepts a finding; its expiry is not considered."""
        return (
            finding.acceptable
            and self.check == finding.check
            and not (finding.code in LITERAL_ONLY and "*" in self.path)
            and self.matches_path(finding.location.path)
            and self.package in (None, finding.package)
            and self.code in (None, finding.code)
            and self.key in (None, finding.key)
        )

    def matches_path(self, path: str) -> bool:
        """Whether the exception is about a path."""
        if "*" not in self.path:
            return self.path == path
        return glob_matcher(self.path).match(path) is not None


class CooldownExemption(NamedTuple):
    """Packages, or scopes as ``@acme/*``, that do not have to wait; ``until`` is the last day."""

    packages: tuple[str, ...]
    reason: str
    until: datetime.date
    line: int = 1

    def covers(self, name: str) -> bool:
        """Whether a package is one of these, or of one of these scopes."""
        return name in self.packages or (
            name.startswith("@") and f"{name.partition('/')[0]}/*" in self.packages
        )


class Policy(NamedTuple):
    """A repository's rules; a key that config.toml leaves out has its default."""

    adopted: bool = False
    format: int = FORMAT
    demands: Demands = Demands()
    development: Demands | None = None
    registries: Registries = Registries((DEFAULT_REGISTRY,))
    first_party: tuple[FirstParty, ...] = ()
    deny: tuple[Deny, ...] = ()
    exclude: tuple[Exclude, ...] = ()
    ignore: tuple[Ignore, ...] = ()
    cooldown_exempt: tuple[CooldownExemption, ...] = ()
    criteria: Mapping[str, str] = BUILT_IN_CRITERIA

    def excludes(self, path: str) -> bool:
        """Whether an ``[[exclude]]`` covers a path."""
        return any(each.covers(part) for each in self.exclude for part in _itself_and_folders(path))

    def accepts(self, finding: Finding, day: datetime.date) -> bool:
        """Whether an exception that has not expired accepts a finding."""
        return any(
            each.applies(finding) and (each.until is None or each.until >= day)
            for each in self.ignore
        )

    def accepts_no_lockfile(self, manifest: str, day: datetime.date) -> bool:
        """Whether a project without a lockfile is accepted: its specifiers are then judged."""
        return any(
            each.check == "lockfile-sync"
            and each.code in (None, "no-lockfile")
            and each.matches_path(manifest)
            and (each.until is None or each.until >= day)
            for each in self.ignore
        )

    def denies(self, name: str, version: str | None) -> Deny | None:
        """The entry that denies a version; None: none does."""
        return next((each for each in self.deny if each.covers(name, version)), None)

    def needs_no_wait(self, name: str, day: datetime.date) -> bool:
        """Whether a ``[[cooldown-exempt]]`` entry that has not expired covers a package."""
        return any(each.covers(name) and day <= each.until for each in self.cooldown_exempt)

    def owner_of(self, artifact: Artifact) -> FirstParty | None:
        """The first-party entry of an artifact; None for artifacts that are not from a registry.

        Otherwise a git dependency could use a first-party name and need no note.
        """
        if artifact.kind not in (Kind.REGISTRY, Kind.TARBALL):
            return None
        return next((each for each in self.first_party if each.covers(artifact.name)), None)

    def asks(self, development: bool) -> Demands:
        """The requirements for an artifact that only development needs, or for a production artifact."""
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
        {
            "format",
            "policy",
            "registries",
            "first-party",
            "deny",
            "exclude",
            "ignore",
            "cooldown-exempt",
            "criteria",
        }
    )
    criteria = {**BUILT_IN_CRITERIA, **_criteria(table)}
    policy = table.maybe_table("policy")
    demands = _demands(policy, Demands(), criteria, {"development"}) if policy else Demands()
    inner = policy.maybe_table("development") if policy else None
    _check_new_keys(table, [each for each in (policy, inner) if each is not None])
    first_party = tuple(_first_party(each) for each in table.tables("first-party"))
    return Policy(
        adopted=True,
        format=table.maybe_number("format") or 1,
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
        cooldown_exempt=_cooldown_exempt(table),
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


def _check_new_keys(table: Table, policies: list[Table]) -> None:
    """Raises if a policy of format 1 has keys that npm-vetted 0.1.0, which reads format 1, cannot read."""
    if (table.maybe_number("format") or 1) > 1:
        return
    new = [(table, "cooldown-exempt")] if "cooldown-exempt" in table.data else []
    new += [
        (each, "cooldown-days")
        for each in policies
        if isinstance(each.data.get("cooldown-days"), dict)
    ]
    for where, key in new:
        raise where.fail("needs format = 2", key, fix="npm-vetted init --upgrade")


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
        cooldown_days=_cooldown(table, default),
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


def _cooldown(table: Table, default: Demands) -> Mapping[str, int]:
    """Days by step and for new packages; one number is the same for all of them."""
    if not isinstance(table.data.get("cooldown-days"), dict):
        days = _days(table, "cooldown-days")
        return default.cooldown_days if days is None else dict.fromkeys(ARRIVALS, days)
    inner = table.maybe_table("cooldown-days")
    assert inner is not None
    inner.only(ARRIVALS)
    found = {each: _days(inner, each) for each in ARRIVALS}
    return {
        each: default.cooldown_days[each] if days is None else days for each, days in found.items()
    }


def _days(table: Table, key: str) -> int | None:
    days = table.maybe_number(key)
    if days is not None and days < 0:
        raise table.fail(f"expected days, 0 or more, found {days}", key)
    return None if days is None else min(days, _LONGEST_COOLDOWN)


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
    versions = _denied_versions(table)
    package = table.text("package")
    if "*" in package.removesuffix("/*") or (package.endswith("/*") and package[:1] != "@"):
        raise table.fail(f"expected a name, or a scope as '@evil/*', found {package!r}", "package")
    return Deny(
        package=package, versions=versions, reason=_reason(table), line=table.line("package")
    )


def _denied_versions(table: Table) -> tuple[str, ...]:
    """A list of exact versions, one or several ranges, or ``*``; none: every version."""
    from npm_vetted.packages.ranges import is_strict_range

    if isinstance(table.data.get("versions"), list):
        texts = table.maybe_texts("versions") or ()
    else:
        text = table.maybe_text("versions")
        plain = (text or "").replace(",", " ")  # advisories write ">= 1.0.0, < 2.0.0"
        texts = () if text is None else tuple(part.strip() for part in plain.split("||"))
    for text in texts:
        if not is_strict_range(text):
            raise table.fail(
                f"expected an exact version, a range such as '>=1.0 <2', or '*', found {text!r}",
                "versions",
            )
    return () if "*" in texts else texts


def _exclude(table: Table) -> Exclude:
    table.only({"path", "reason"})
    return Exclude(path=table.text("path"), reason=_reason(table))


def _cooldown_exempt(table: Table) -> tuple[CooldownExemption, ...]:
    return tuple(_exempt_from_cooldown(each) for each in table.tables("cooldown-exempt"))


def _exempt_from_cooldown(table: Table) -> CooldownExemption:
    table.only({"packages", "reason", "until"})
    packages = table.maybe_texts("packages")
    if not packages:
        raise table.fail("the key 'packages' is missing or empty")
    for index, name in enumerate(packages):
        if "*" in name and not _SCOPE.fullmatch(name):
            raise table.fail(
                f"expected a name, or a scope as '@acme/*', found {name!r}", "packages", index
            )
    until = _last_day(table)
    if until is None:
        raise table.fail("the key 'until' is missing: a last day, at most a year from now")
    return CooldownExemption(packages, _reason(table), until, table.line("packages"))


def _last_day(table: Table) -> datetime.date | None:
    until = table.data.get("until")
    if until is not None and (
        not isinstance(until, datetime.date) or isinstance(until, datetime.datetime)
    ):
        raise table.fail("expected a date such as 2027-01-31", "until")
    return until


def _ignore(table: Table) -> Ignore:
    table.only({"check", "path", "code", "key", "package", "reason", "until"})
    check = table.text("check")
    return Ignore(
        check=check,
        line=table.line("check"),
        path=table.text("path"),
        package=table.maybe_text("package"),
        reason=_reason(table),
        until=_last_day(table),
        code=table.maybe_text("code"),
        key=table.maybe_text("key"),
    )
