"""config.toml: what it may say, what holds where it says nothing, what is refused."""

from __future__ import annotations

import datetime

import pytest

from npm_vetted.errors import UsageError
from npm_vetted.model import Artifact, Finding, Kind, Location
from npm_vetted.packages.versions import ARRIVALS
from npm_vetted.vetting.policy import (
    CONFIG,
    Demands,
    Deny,
    Exclude,
    FirstParty,
    Ignore,
    Policy,
    read_policy,
)
from npm_vetted.vetting.presets import PRESETS

EVERYTHING = """\
format = 1

[policy]
new = ["health", "crypto"]
upgrade = { major = ["health", "changelog"], minor = ["changelog"], patch = [] }
scripts = ["source"]
transitive = "note"
cooldown-days = 14

[policy.development]
transitive = "ignore"
cooldown-days = 0

[registries]
allowed = ["https://registry.npmjs.org/", "https://npm.other.example/"]

[[first-party]]
scopes = ["@acme", "@acme-labs"]
registry = "https://npm.acme.example/"

[[deny]]
package = "event-stream"
versions = "3.3.6"
reason = "flatmap-stream"

[[exclude]]
path = "templates/**"
reason = "nobody installs these"

[[ignore]]
check = "install-command"
path = "legacy/Dockerfile"
reason = "goes away"
until = 2027-01-31

[criteria]
crypto = "the cryptography was read by someone who knows it"
"""


def test_everything_that_it_may_say() -> None:
    policy = read_policy(EVERYTHING.encode(), adopted=True)
    assert policy.demands == Demands(
        new=("health", "crypto"),
        upgrade={"major": ("health", "changelog"), "minor": ("changelog",), "patch": ()},
        scripts=("source",),
        transitive="note",
        cooldown_days=dict.fromkeys(ARRIVALS, 14),
    )
    assert policy.development == Demands(
        new=("health", "crypto"),
        upgrade={"major": ("health", "changelog"), "minor": ("changelog",), "patch": ()},
        scripts=("source",),
        transitive="ignore",
        cooldown_days=dict.fromkeys(ARRIVALS, 0),
    )
    assert policy.registries.urls == (
        "https://registry.npmjs.org/",
        "https://npm.other.example/",
        "https://npm.acme.example/",
    )
    assert policy.first_party == (
        FirstParty(scopes=("@acme", "@acme-labs"), registry="https://npm.acme.example/"),
    )
    [denied] = policy.deny
    assert denied._replace(line=0) == Deny("event-stream", ("3.3.6",), "flatmap-stream", 0)
    assert policy.exclude == (Exclude(path="templates/**", reason="nobody installs these"),)
    assert policy.ignore == (
        Ignore(
            check="install-command", path="legacy/Dockerfile", reason="goes away",
            until=datetime.date(2027, 1, 31),
            line=31,
        ),
    )  # fmt: skip
    assert policy.criteria["crypto"] == "the cryptography was read by someone who knows it"


@pytest.mark.parametrize("data", [None, b"", b"format = 1\n", PRESETS["strict"].encode()])
def test_the_defaults(data: bytes | None) -> None:
    policy = read_policy(data, adopted=True)
    assert policy._replace(format=2) == Policy(adopted=True)
    assert policy.demands == Demands(
        new=("health",),
        upgrade=dict.fromkeys(("major", "minor", "patch"), ("changelog",)),
        scripts=("scripts",),
        transitive="accepted",
        cooldown_days=dict.fromkeys(ARRIVALS, 7),
    )
    assert policy.asks(development=True) == policy.demands
    assert policy.registries.urls == ("https://registry.npmjs.org/",)


def test_days_by_step() -> None:
    text = """format = 2
[policy]
cooldown-days = { major = 14, new = 30 }
[policy.development]
cooldown-days = { patch = 0 }
"""
    policy = read_policy(text.encode(), adopted=True)
    assert policy.demands.cooldown_days == {"major": 14, "minor": 7, "patch": 7, "new": 30}
    assert policy.asks(development=True).cooldown_days == {
        "major": 14, "minor": 7, "patch": 0, "new": 30,
    }  # fmt: skip


def test_who_need_not_wait() -> None:
    text = f"format = 2\n{EXEMPT}until = 2027-01-31\n"
    policy = read_policy(text.encode(), adopted=True)
    last = datetime.date(2027, 1, 31)
    names = ("@acme/a", "@acme/b/c", "left-pad", "acme", "@acmes/a", "left-pads")
    assert [policy.needs_no_wait(name, last) for name in names] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
    assert not policy.needs_no_wait("left-pad", last + datetime.timedelta(days=1))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_can_be_read_and_explains_each_key(name: str) -> None:
    policy = read_policy(PRESETS[name].encode(), adopted=True)
    assert (policy.format, policy.development) == (2, None)
    assert all(len(line) <= 104 for line in PRESETS[name].splitlines())


def test_what_balanced_says() -> None:
    demands = read_policy(PRESETS["balanced"].encode(), adopted=True).demands
    assert demands == Demands(
        new=("health",),
        upgrade={"major": ("changelog",), "minor": (), "patch": ()},
        scripts=("scripts",),
        transitive="accepted",
        cooldown_days={"major": 14, "minor": 7, "patch": 7, "new": 14},
    )


EXEMPT = '[[cooldown-exempt]]\npackages = ["@acme/*", "left-pad"]\nreason = "ours"\n'
BAD = [
    (f"format = 1\n{EXEMPT}until = 2027-01-31", "cooldown-exempt: needs format = 2", 1),
    (
        f"format = 2\n{EXEMPT}",
        "cooldown-exempt[0]: the key 'until' is missing: a last day, at most a year from now", 2,
    ),
    (
        "format = 2\n[[cooldown-exempt]]\npackages = []\nreason = 'r'\nuntil = 2027-01-31",
        "cooldown-exempt[0]: the key 'packages' is missing or empty", 2,
    ),
    (
        "format = 2\n[[cooldown-exempt]]\npackages = ['acme*']",
        "cooldown-exempt[0].packages[0]: expected a name, or a scope as '@acme/*', found 'acme*'", 3,
    ),
    (
        "format = 2\n[[cooldown-exempt]]\npackages = ['*']",
        "cooldown-exempt[0].packages[0]: expected a name, or a scope as '@acme/*', found '*'", 3,
    ),
    ("format = 1\n[policy]\ncooldown-days = { patch = 1 }", "policy.cooldown-days: needs format = 2", 3),
    (
        "format = 2\n[policy]\ncooldown-days = { patch = -1 }",
        "policy.cooldown-days.patch: expected days, 0 or more, found -1", 3,
    ),
    (
        "format = 2\n[policy]\ncooldown-days = { mayor = 1 }",
        "policy.cooldown-days.mayor: unknown key; did you mean 'major'?", 3,
    ),
    ("formt = 1", "formt: unknown key; did you mean 'format'?", 1),
    ("format = 'one'", "format: expected a whole number, found the string 'one'", 1),
    ("format = 0", "format: expected 2, found 0", 1),
    ("format = 3", "format: format 3 is newer than this npm-vetted knows (2)", 1),
    ("[policy]\nnews = []", "policy.news: unknown key; did you mean 'new'?", 2),
    ("[policy]\nnew = 'health'", "policy.new: expected a list of strings, found the string 'health'", 2),
    ("[policy]\nnew = [1]", "policy.new[0]: expected a string, found the number 1", 2),
    (
        "[policy]\nnew = ['helth']",
        "policy.new[0]: unknown criterion 'helth'; did you mean 'health'?", 2,
    ),
    (
        "[policy]\nupgrade = { mayor = [] }",
        "policy.upgrade.mayor: unknown key; did you mean 'major'?", 2,
    ),
    (
        "[policy]\ntransitive = 'none'",
        "policy.transitive: unknown value 'none'; did you mean 'note'?", 2,
    ),
    ("[policy]\ncooldown-days = -1", "policy.cooldown-days: expected days, 0 or more, found -1", 2),
    ("[policy]\ncooldown-days = true", "policy.cooldown-days: expected a whole number, found true", 2),
    ("[policy]\ncooldown-days = 1.5", "policy.cooldown-days: expected a whole number, found the number 1.5", 2),
    (
        "[policy.development]\ndevelopment = {}",
        ("policy.development.development: unknown key (known: cooldown-days, new, scripts, "
        "transitive, upgrade)"), 2,
    ),
    (
        "[registries]\nallowed = ['http://x.example/']",
        "registries.allowed[0]: expected an https URL of a registry, found 'http://x.example/'", 2,
    ),
    ("[registries]\nallow = []", "registries.allow: unknown key; did you mean 'allowed'?", 2),
    ("[[first-party]]\nscopes = ['@a']", "first-party[0]: the key 'registry' is missing", 1),
    (
        "[[first-party]]\nregistry = 'https://x.example/'",
        "first-party[0]: the key 'scopes' is missing or empty", 1,
    ),
    (
        "[[first-party]]\nscopes = ['acme']\nregistry = 'https://x.example/'",
        "first-party[0].scopes[0]: expected a scope such as '@acme', found 'acme'", 2,
    ),
    ("[first-party]\nscopes = ['@a']", "first-party: expected a list of tables, found a table", 1),
    ("[[deny]]\nreason = 'bad'", "deny[0]: the key 'package' is missing", 1),
    ("[[deny]]\npackage = 'a'\nreason = ' '", "deny[0].reason: say why: the reason is empty", 3),
    (
        "[[deny]]\npackage = 'a'\nversions = 'one'\nreason = 'bad'",
        "deny[0].versions: expected an exact version, a range such as '>=1.0 <2', or '*', found 'one'", 3,
    ),
    ("[[exclude]]\npath = 'a'", "exclude[0]: the key 'reason' is missing", 1),
    (
        "[[ignore]]\ncheck = 'unvetted'\npath = 'a'\nreason = 'x'\nuntil = '2027-01-31'",
        "ignore[0].until: expected a date such as 2027-01-31", 5,
    ),
    (
        "[criteria]\nhealth = 'x'",
        "criteria.health: a built-in criterion cannot be given another meaning", 2,
    ),
    ("[criteria]\ncrypto = 1", "criteria.crypto: expected a string, found the number 1", 2),
    ("format = 1\nformat = 1", "not TOML: Cannot overwrite a value", 2),
    ("[policy", "not TOML: Expected ']' at the end of a table declaration", 1),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "line"), BAD)
def test_what_is_wrong_is_named_with_its_line(text: str, message: str, line: int) -> None:
    with pytest.raises(UsageError) as raised:
        read_policy(text.encode(), adopted=True)
    assert (raised.value.message, raised.value.path, raised.value.line) == (message, CONFIG, line)
    assert raised.value.status == 2


def test_a_newer_format_says_how_to_go_on() -> None:
    with pytest.raises(UsageError) as raised:
        read_policy(b"format = 3", adopted=True)
    assert raised.value.fix == (
        "upgrade npm-vetted: pre-commit autoupdate, or pip install --upgrade npm-vetted"
    )


@pytest.mark.parametrize(
    ("pattern", "path", "excluded"),
    [
        ("templates/**", "templates/a/package.json", True),
        ("templates/**", "templates/package.json", True),
        ("templates/**", "my-templates/package.json", False),
        ("templates", "templates/a/package.json", True),
        ("templates/*", "templates/a/b/package.json", True),
        ("**/fixtures", "a/b/fixtures/c/package.json", True),
        ("{a,b}/x/*", "b/x/package.json", True),
        ("{a,b}/x", "b/x/package.json", False),
        ("{a,b}/x", "{a,b}/x/package.json", True),
        ("*.json", "a/package.json", False),
        ("a", "A/package.json", False),
    ],
)
def test_exclude(pattern: str, path: str, excluded: bool) -> None:
    policy = Policy(exclude=(Exclude(path=pattern, reason="x"),))
    assert policy.excludes(path) is excluded


@pytest.mark.parametrize(
    ("check", "path", "package", "day", "accepted"),
    [
        ("unvetted", "a/package-lock.json", "ms", 30, True),
        ("unvetted", "a/package-lock.json", "ms", 31, True),
        ("unvetted", "a/package-lock.json", "ms", 32, False),
        ("unvetted", "a/package-lock.json", "debug", 1, False),
        ("unvetted", "a/package-lock.json", None, 1, False),
        ("unvetted", "b/package-lock.json", "ms", 1, False),
        ("cooldown", "a/package-lock.json", "ms", 1, False),
    ],
)
def test_ignore(check: str, path: str, package: str | None, day: int, accepted: bool) -> None:
    until = datetime.date(2027, 1, 31)
    entry = Ignore(check="unvetted", path="a/*", package="ms", reason="x", until=until)
    when = datetime.date(2026, 12, 31) + datetime.timedelta(days=day)
    finding = Finding(check=check, message="", location=Location(path), package=package)
    assert Policy(ignore=(entry,)).accepts(finding, when) is accepted


@pytest.mark.parametrize(
    ("name", "ours"), [("@acme/a", True), ("@acme-x/a", False), ("acme", False), ("@acme", True)]
)
def test_whose_a_package_is(name: str, ours: bool) -> None:
    policy = read_policy(EVERYTHING.encode(), adopted=True)
    owner = policy.owner_of(Artifact(name=name, version="1.0.0", kind=Kind.REGISTRY))
    assert (owner is not None) is ours


@pytest.mark.parametrize(
    ("path", "at", "matches"),
    [
        ("a/*/Dockerfile", "a/b/Dockerfile", True),
        ("a/[id]/Dockerfile", "a/[id]/Dockerfile", True),
        ("a/[id]/Dockerfile", "a/i/Dockerfile", False),
        ("{{cookiecutter.x}}/package.json", "{{cookiecutter.x}}/package.json", True),
        ("a", "A", False),
    ],
)
def test_a_path_is_literal_unless_it_has_a_star(path: str, at: str, matches: bool) -> None:
    assert Ignore(check="unvetted", path=path, reason="x").matches_path(at) is matches
    assert Exclude(path=path, reason="x").covers(at) is matches


@pytest.mark.parametrize(
    ("keys", "accepted"),
    [
        ({"code": "git-program"}, True),
        ({"code": "proxy"}, False),
        ({"key": "git"}, True),
        ({"key": "proxy"}, False),
    ],
)
def test_an_ignore_may_name_the_code_and_the_key(keys: dict[str, str], accepted: bool) -> None:
    entry = Ignore(
        check="client-settings",
        path=".npmrc",
        reason="x",
        code=keys.get("code"),
        key=keys.get("key"),
    )
    finding = Finding(
        check="client-settings",
        message="",
        location=Location(".npmrc"),
        code="git-program",
        key="git",
    )
    assert entry.applies(finding) is accepted
    assert not entry.applies(finding._replace(acceptable=False))


@pytest.mark.parametrize(
    ("package", "versions", "denied", "passes"),
    [
        ("a", '"1.0.0"', ["1.0.0"], ["1.0.1"]),
        ("a", '["1.0.0", "2.0.0"]', ["1.0.0", "2.0.0"], ["1.5.0"]),
        ("a", '">=1.0.0 <2.0.0"', ["1.0.0", "1.9.9"], ["2.0.0"]),
        ("a", '"*"', ["1.0.0", "9.9.9-rc.1"], []),
        ("a", None, ["1.0.0"], []),
        ("a", '"1.0.1 || 1.0.0"', ["1.0.0", "1.0.1"], ["1.0.2"]),
        ("a", '">= 0.9, < 2"', ["0.9.0", "1.9.9"], ["0.8.0", "2.0.0"]),
        ("a", '"^1.2"', ["1.2.0", "1.9.9-rc.1"], ["1.1.9", "2.0.0"]),
    ],
)
def test_which_versions_are_denied(
    package: str, versions: str | None, denied: list[str], passes: list[str]
) -> None:
    line = "" if versions is None else f"versions = {versions}\n"
    text = f'format = 2\n[[deny]]\npackage = "{package}"\n{line}reason = "bad"\n'
    policy = read_policy(text.encode(), adopted=True)
    assert all(policy.denies("a", each) for each in denied)
    assert not any(policy.denies("a", each) for each in passes)
    assert policy.denies("a", None), "a version that is unknown is denied"
    assert policy.denies("b", "1.0.0") is None


def test_a_scope_may_be_denied() -> None:
    text = b'format = 2\n[[deny]]\npackage = "@evil/*"\nreason = "bad"\n'
    policy = read_policy(text, adopted=True)
    assert policy.denies("@evil/x", "1.0.0")
    assert policy.denies("@evilx/x", "1.0.0") is None


@pytest.mark.parametrize("package", ["evil/*", "*", "@evil/x*", "ev*il"])
def test_other_globs_cannot_be_denied(package: str) -> None:
    text = f'format = 2\n[[deny]]\npackage = "{package}"\nreason = "bad"\n'
    with pytest.raises(UsageError):
        read_policy(text.encode(), adopted=True)


def read(text: str) -> Policy:
    return read_policy(f"format = 2\n{text}".encode(), adopted=True)


DAY = datetime.date(2026, 3, 1)


@pytest.mark.parametrize(
    ("keys", "accepted"),
    [
        ({"check": "lockfile-sync", "code": "no-lockfile", "path": "package.json"}, True),
        ({"check": "lockfile-sync", "path": "package.json"}, True),
        ({"check": "lockfile-sync", "path": "*"}, True),
        ({"check": "lockfile-sync", "code": "unread-lockfile", "path": "package.json"}, False),
        ({"check": "unvetted", "code": "no-lockfile", "path": "package.json"}, False),
        ({"check": "lockfile-sync", "code": "no-lockfile", "path": "x/package.json"}, False),
    ],
)
@pytest.mark.parametrize(
    ("until", "holds"), [(None, True), (DAY, True), (DAY - datetime.timedelta(1), False)]
)
def test_that_there_is_no_lockfile_may_be_accepted(
    keys: dict[str, str], accepted: bool, until: datetime.date | None, holds: bool
) -> None:
    lines = "".join(f'{key} = "{value}"\n' for key, value in keys.items())
    last = "" if until is None else f"until = {until}\n"
    policy = read(f'[[ignore]]\n{lines}{last}reason = "a library"\n')
    assert policy.accepts_no_lockfile("package.json", DAY) is (accepted and holds)


def test_what_an_exception_says() -> None:
    (found,) = read(
        '[[ignore]]\npath = "x"\ncheck = "cooldown"\npackage = "a"\ncode = "c"\nkey = "k"\nreason = " r "\n'
    ).ignore
    assert found == Ignore(
        check="cooldown", path="x", reason="r", package="a", code="c", key="k", line=4
    )


def test_where_entries_are() -> None:
    policy = read(
        '[[deny]]\nreason = "r"\npackage = "a"\n'
        '[[cooldown-exempt]]\nreason = "r"\nuntil = 2027-01-31\npackages = ["a"]\n'
    )
    assert policy.deny == (Deny("a", (), "r", 4),)
    (exempt,) = policy.cooldown_exempt
    assert exempt == (("a",), "r", datetime.date(2027, 1, 31), 8)


def test_development_may_name_the_criteria_of_the_policy() -> None:
    policy = read('[policy.development]\nnew = ["crypto"]\n[criteria]\ncrypto = "x"\n')
    assert policy.development is not None
    assert policy.development.new == ("crypto",)
    assert read("").development is None


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("", ("changelog",) * 3),
        ("upgrade = []", ()),
        ('upgrade = ["source"]', ("source",) * 3),
        ('upgrade = { minor = ["source"] }', ("changelog", "source", "changelog")),
        ("upgrade = {}", ("changelog",) * 3),
    ],
)
def test_what_upgrades_need(text: str, steps: tuple[str, ...]) -> None:
    upgrade = read(f"[policy]\n{text}\n").demands.upgrade
    expected = dict(zip(("major", "minor", "patch"), steps or ("",) * 3, strict=True))
    assert upgrade == {key: (name,) if name else () for key, name in expected.items()}


def test_proxies_and_authorities_are_exact_values() -> None:
    registries = read(
        '[registries]\nproxies = ["http://p.example:80"]\nauthorities = ["ca.pem"]\n'
    ).registries
    assert (registries.proxies, registries.authorities) == (("http://p.example:80",), ("ca.pem",))
    assert registries.urls == ("https://registry.npmjs.org/",)
    assert (read("").registries.proxies, read("").registries.authorities) == ((), ())


def test_a_policy_without_a_format_is_of_the_first() -> None:
    assert read_policy(b"", adopted=True).format == 1
    assert read("").format == 2
    assert read_policy(None, adopted=False) == Policy(adopted=False)
    assert read_policy(b"", adopted=False).adopted
