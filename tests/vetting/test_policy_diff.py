"""Which changes of policy are loosenings: whatever is not provably a tightening."""

from __future__ import annotations

import pytest

from npm_vetted.model import Finding, Location
from npm_vetted.vetting.baseline import BASELINE, line_of
from npm_vetted.vetting.exemptions import EXEMPTIONS
from npm_vetted.vetting.policy import CONFIG
from npm_vetted.vetting.policy_diff import Loosening, adopted, loosenings
from tests.support.npm_projects import MemorySnapshot, sri

OURS = '[[first-party]]\nscopes = ["@a"]\nregistry = "https://npm.a.example/"\n'
DENY = '[[deny]]\npackage = "a"\nversions = "1.0.0"\nreason = "bad"\n'
DENY_MORE = '[[deny]]\npackage = "a"\nreason = "bad"\n'
EXCLUDE = '[[exclude]]\npath = "x/**"\nreason = "r"\n'
EXEMPT = 'format = 2\n[[cooldown-exempt]]\npackages = ["a"]\nreason = "r"\n'
IGNORE = '[[ignore]]\ncheck = "cooldown"\npath = "x"\nreason = "r"\n'
REGISTRIES = '[registries]\nallowed = ["https://registry.npmjs.org/", "https://b.example/"]\n'
CRITERIA = '[criteria]\ncrypto = "{}"\n'


def differences(before: str | None, after: str | None, /, **exemptions: str) -> list[Loosening]:
    """The loosenings between two configs."""
    snapshots = []
    for text, side in ((before, "before"), (after, "after")):
        files = {} if text is None else {CONFIG: text}
        if side in exemptions:
            files[EXEMPTIONS] = exemptions[side]
        snapshots.append(MemorySnapshot(files))
    return list(loosenings(*snapshots))


def of(before: str | None, after: str | None, /, **exemptions: str) -> list[tuple[str, str, int]]:
    """The words, path and line of each loosening between two configs."""
    found = differences(before, after, **exemptions)
    return [(each.words, each.location.path, each.location.line) for each in found]


def policy(text: str) -> str:
    return f"format = 2\n[policy]\n{text}\n"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (policy(""), policy("new = []"), "a new package no longer needs health"),
        (policy('new = ["health", "source"]'), policy(""), "a new package no longer needs source"),
        (
            policy('upgrade = ["source"]'),
            policy('upgrade = { major = ["source"], minor = ["source"], patch = [] }'),
            "a patch upgrade no longer needs source",
        ),
        (policy(""), policy("scripts = []"), "a package with scripts no longer needs scripts"),
        (policy('transitive = "note"'), policy(""), "transitive packages: note becomes accepted"),
        (policy(""), policy('transitive = "ignore"'), "transitive packages: accepted becomes ignore"),
        (policy(""), policy("cooldown-days = 6"), "the cooldown shrinks from 7 to 6 days"),
        (
            policy(""), policy("cooldown-days = { major = 9, new = 1 }"),
            "the cooldown of a new package shrinks from 7 to 1 days",
        ),
        ("", EXEMPT + "until = 2027-01-31\n", "a need not wait until 2027-01-31: r"),
        (
            EXEMPT + "until = 2026-01-31\n", EXEMPT + "until = 2027-01-31\n",
            "a need not wait until 2027-01-31: r",
        ),
        ("", REGISTRIES, "packages may come from https://b.example/"),
        (DENY, "", "a 1.0.0 is no longer denied"),
        (DENY_MORE, DENY, "a (any version) is no longer denied"),
        ("", EXCLUDE, "x/** is no longer checked"),
        ("", IGNORE, "cooldown is ignored at x: r"),
        (IGNORE + "until = 2026-01-31\n", IGNORE + "until = 2027-01-31\n", "cooldown is ignored at x: r"),
        (IGNORE + "until = 2026-01-31\n", IGNORE, "cooldown is ignored at x: r"),
        (IGNORE + 'package = "a"\n', IGNORE, "cooldown is ignored at x: r"),
        (
            CRITERIA.format("read by an expert"), CRITERIA.format("glanced at"),
            "the criterion crypto gets another description",
        ),
    ],
)  # fmt: skip
def test_loosened(before: str, after: str, words: str) -> None:
    assert [found[0] for found in of(before, after)] == [words]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", policy('new = ["health", "source"]')),
        ("", policy('transitive = "note"')),
        ("", policy("cooldown-days = 8")),
        (REGISTRIES, ""),
        (OURS, ""),
        ("", DENY),
        (DENY, DENY + DENY_MORE),
        (EXCLUDE, ""),
        (IGNORE, ""),
        (IGNORE, IGNORE + "until = 2027-01-31\n"),
        (IGNORE, IGNORE + 'package = "a"\n'),
        (IGNORE, "# a comment\n" + IGNORE),
        ("", CRITERIA.format("x")),
        (None, policy("new = []")),
    ],
)
def test_not_loosened(before: str | None, after: str) -> None:
    assert of(before, after) == []


def test_first_party_loosens_twice() -> None:
    assert of("", OURS) == [
        ("packages may come from https://npm.a.example/", CONFIG, 1),
        ("@a need no note", CONFIG, 2),
    ]


def test_development_that_asks_less() -> None:
    assert of(policy(""), policy("[policy.development]\nnew = []")) == [
        ("for development, a new package no longer needs health", CONFIG, 3)
    ]


def test_taking_the_policy_away() -> None:
    [first, *_] = of(policy("new = ['source']"), None)
    assert first == ("the policy is removed", CONFIG, 1)


OTHER_DENY = DENY.replace('"a"', '"b"')
OTHER_EXCLUDE = EXCLUDE.replace("x/", "y/")
UNTIL = "until = 2027-01-31\n"


@pytest.mark.parametrize(
    ("before", "after", "key", "package", "line"),
    [
        ("", "\n" + policy("new = []"), "policy a new package no longer needs health", None, 3),
        (
            policy(""), policy("[policy.development]\nscripts = []"),
            "policy for development, a package with scripts no longer needs scripts", None, 3,
        ),
        ("", "\n" + REGISTRIES, "registry https://b.example/", None, 2),
        (DENY + OTHER_DENY, "\n" + OTHER_DENY, "deny a ('1.0.0',)", "a", 1),  # its line is gone
        (OTHER_EXCLUDE, OTHER_EXCLUDE + EXCLUDE, "exclude x/**", None, 5),
        ("", EXEMPT + UNTIL, "cooldown-exempt a 2027-01-31", "a", 3),
        (CRITERIA.format("x"), "\n" + CRITERIA.format("y"), "criterion crypto y", None, 2),
        (CRITERIA.format("x"), "", None, None, None),
    ],
)  # fmt: skip
def test_the_key_and_place_of_a_loosening(
    before: str, after: str, key: str | None, package: str | None, line: int | None
) -> None:
    found = [(each.key, each.package, each.location) for each in differences(before, after)]
    expected = [] if key is None or line is None else [(key, package, Location(CONFIG, line))]
    assert found == expected


def test_two_first_parties_have_two_keys() -> None:
    more = OURS.replace("@a", "@b")
    (one,) = differences(OURS, OURS + more)
    assert one.key == "first-party ('@b',) https://npm.a.example/"
    assert one.location == Location(CONFIG, 5)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (IGNORE, "\n" + IGNORE, True),  # its line does not count
        (IGNORE, IGNORE + UNTIL, False),
        (IGNORE, IGNORE + 'package = "a"\n', False),
        (IGNORE, IGNORE.replace('"x"', '"y"'), False),
    ],
)
def test_two_exceptions_have_one_key_where_they_accept_the_same(
    one: str, other: str, same: bool
) -> None:
    (first,), (second,) = differences("", one), differences("", other)
    assert (first.key == second.key) is same
    check = other[: other.index("check")].count("\n") + 1
    assert second.location == Location(CONFIG, check)


@pytest.mark.parametrize(
    ("config", "rule"),
    [
        ("", "new = []"),
        ("[policy.development]\nnew = []\n", "new = []\nscripts = []"),
    ],
)
def test_development_is_compared_with_what_it_asked(config: str, rule: str) -> None:
    before = policy(config or "[policy.development]\n")
    assert [each.key for each in differences(before, policy(f"[policy.development]\n{rule}"))] == [
        "policy for development, a new package no longer needs health"
        if not config
        else "policy for development, a package with scripts no longer needs scripts"
    ]


def test_a_policy_that_is_deleted_while_exemptions_stay_is_compared_with_the_default() -> None:
    line = f"a@1.0.0 {sri('a')} - at adoption\n"
    found = differences(policy('new = ["source"]'), None, before=line, after=line)
    assert [each.key for each in found] == ["policy a new package no longer needs source"]


def test_the_policy_that_is_taken_away_has_a_key() -> None:
    assert [each.key for each in differences("", None)] == ["adopted"]


FINDING = Finding(
    check="client-settings", code="program", message="", location=Location(".npmrc", 2), project=".",
    key="git", value="./x.sh",
)  # fmt: skip


def test_a_line_more_of_the_baseline() -> None:
    more = line_of(FINDING, "in a hurry")
    before = MemorySnapshot({BASELINE: "# why\n"})
    after = MemorySnapshot({BASELINE: f"# why\n{more}\n"})
    (found,) = loosenings(before, after)
    assert (found.key, found.location) == (
        f"baseline {FINDING.fingerprint}",
        Location(BASELINE, 2),
    )
    assert list(loosenings(after, before)) == []
    assert list(loosenings(after, after)) == []


def test_the_key_of_an_exemption_is_its_line() -> None:
    line = f"a@1.0.0 {sri('a')} - at adoption"
    (found,) = differences("", "", before="# why\n", after=f"# why\n{line}\n")
    assert (found.key, found.package, found.location) == (
        f"exemption {line}", "a", Location(EXEMPTIONS, 2),
    )  # fmt: skip


def test_an_exemption_more() -> None:
    line = f"a@1.0.0 {sri('a')} - at adoption\n"
    more = f"b@1.0.0 {sri('b')} - in a hurry\n"
    assert of("", "", before=line, after=line + more) == [
        ("b@1.0.0 is exempt: in a hurry", EXEMPTIONS, 2)
    ]
    assert of("", "", before=line + more, after=line) == []


@pytest.mark.parametrize(
    ("path", "holds"), [(".vetting/README.md", True), (".vetting", False), ("a/.vetting/x", False)]
)
def test_adopted(path: str, holds: bool) -> None:
    assert adopted(MemorySnapshot({path: ""})) is holds
