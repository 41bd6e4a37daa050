"""Which changes of policy are loosenings: whatever is not provably a tightening."""

from __future__ import annotations

import pytest

from npm_vetted.vetting.exemptions import EXEMPTIONS
from npm_vetted.vetting.policy import CONFIG
from npm_vetted.vetting.policy_diff import adopted, loosenings
from tests.support.npm_projects import MemorySnapshot, sri

OURS = '[[first-party]]\nscopes = ["@a"]\nregistry = "https://npm.a.example/"\n'
DENY = '[[deny]]\npackage = "a"\nversions = "1.0.0"\nreason = "bad"\n'
DENY_MORE = '[[deny]]\npackage = "a"\nreason = "bad"\n'
EXCLUDE = '[[exclude]]\npath = "x/**"\nreason = "r"\n'
EXEMPT = 'format = 2\n[[cooldown-exempt]]\npackages = ["a"]\nreason = "r"\n'
IGNORE = '[[ignore]]\ncheck = "cooldown"\npath = "x"\nreason = "r"\n'
REGISTRIES = '[registries]\nallowed = ["https://registry.npmjs.org/", "https://b.example/"]\n'
CRITERIA = '[criteria]\ncrypto = "{}"\n'


def of(before: str | None, after: str | None, /, **exemptions: str) -> list[tuple[str, str, int]]:
    """The words, path and line of each loosening between two configs."""
    snapshots = []
    for text, side in ((before, "before"), (after, "after")):
        files = {} if text is None else {CONFIG: text}
        if side in exemptions:
            files[EXEMPTIONS] = exemptions[side]
        snapshots.append(MemorySnapshot(files))
    return [(each.words, each.location.path, each.location.line) for each in loosenings(*snapshots)]


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
        ("", EXCLUDE, "x/** is not looked at"),
        ("", IGNORE, "cooldown is ignored at x: r"),
        (IGNORE + "until = 2026-01-31\n", IGNORE + "until = 2027-01-31\n", "cooldown is ignored at x: r"),
        (IGNORE + "until = 2026-01-31\n", IGNORE, "cooldown is ignored at x: r"),
        (IGNORE + 'package = "a"\n', IGNORE, "cooldown is ignored at x: r"),
        (
            CRITERIA.format("read by an expert"), CRITERIA.format("glanced at"),
            "the criterion crypto means something else",
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
        ("@a need no note", CONFIG, 1),
    ]


def test_development_that_asks_less() -> None:
    assert of(policy(""), policy("[policy.development]\nnew = []")) == [
        ("for development, a new package no longer needs health", CONFIG, 3)
    ]


def test_taking_the_policy_away() -> None:
    [first, *_] = of(policy("new = ['source']"), None)
    assert first == ("the policy is taken away", CONFIG, 1)


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
