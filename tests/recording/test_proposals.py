"""Which notes a change needs, what each is about, and which criteria it must name."""

from __future__ import annotations

from typing import Any

import pytest

from npm_vetted.recording.proposals import (
    Draft,
    bringers_first,
    by_criteria,
    drafts_of_change,
    item_ahead,
    item_of,
    since_of,
    uncovered,
)
from tests.support.changes import change, project, use
from tests.support.npm_projects import entry, note_text, sri

NOTES = ".vetting/notes/"


def noted(*each: tuple[str, str], **keys: Any) -> dict[str, str]:
    return {
        f"{NOTES}{name}/{version}.toml": note_text(name, version, **keys) for name, version in each
    }


def tree(a: str = "1.0.0", b: str = "1.0.0", **groups: Any) -> dict[str, str]:
    """A project that depends on ``a``, which brings ``b``."""
    packages = {"a": entry("a", a, dependencies={"b": "*"}), "b": entry("b", b)}
    return project(packages, **(groups or {"dependencies": {"a": "*"}}))


def told(drafts: list[Draft]) -> list[tuple[str | None, list[str], list[str], tuple[str, ...]]]:
    """Of each draft: its package, what it accepts, what it brings, and the criteria."""
    return [
        (
            each.own.artifact.label if each.own else None,
            [item.artifact.label for item in each.accepts],
            [item.artifact.label for item in each.brings],
            each.criteria,
        )
        for each in drafts
    ]


BEFORE = {**tree(), **noted(("a", "1.0.0"), ("b", "1.0.0"))}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, tree(), [("a@1.0.0", [], ["b@1.0.0"], ("health",))]),
        (
            {}, tree(dependencies={"a": "*", "b": "*"}),
            [("a@1.0.0", [], [], ("health",)), ("b@1.0.0", [], [], ("health",))],
        ),
        (BEFORE, {**BEFORE, **tree("2.0.0")}, [("a@2.0.0", [], [], ("changelog",))]),
        (BEFORE, {**BEFORE, **tree("1.1.0")}, [("a@1.1.0", [], [], ("changelog",))]),
        (BEFORE, {**BEFORE, **tree(b="1.1.0")}, [(None, ["b@1.1.0"], [], ("changelog",))]),
        (BEFORE, {**BEFORE, **tree("2.0.0", "2.0.0")}, [("a@2.0.0", [], ["b@2.0.0"], ("changelog",))]),
        (BEFORE, BEFORE, []),
        ({}, {**tree(), **noted(("a", "1.0.0"))}, [(None, ["b@1.0.0"], [], ("health",))]),
    ],
)  # fmt: skip
def test_the_notes_that_a_change_needs(
    before: dict[str, str], after: dict[str, str], expected: list[Any]
) -> None:
    assert told(drafts_of_change(change(before, after))) == expected


def test_what_is_settled_otherwise_needs_no_note() -> None:
    found = change({}, tree())
    settled = [use(found, "a@1.0.0").artifact]
    assert told(drafts_of_change(found, settled)) == [(None, ["b@1.0.0"], [], ("health",))]


@pytest.mark.parametrize(
    ("transitive", "expected"),
    [
        ("accepted", [("a@1.0.0", [], ["b@1.0.0"], ("health",))]),
        ("note", [("a@1.0.0", [], [], ("health",)), (None, ["b@1.0.0"], [], ("health",))]),
        ("ignore", [("a@1.0.0", [], [], ("health",))]),
    ],
)
def test_what_a_package_brings_is_in_its_note_where_the_policy_says_so(
    transitive: str, expected: list[Any]
) -> None:
    config = f'[policy]\ntransitive = "{transitive}"\n'
    assert told(drafts_of_change(change({}, tree(), config))) == expected


def test_scripts_need_their_criteria_wherever_they_are() -> None:
    packages = {"a": entry("a", dependencies={"b": "*"}), "b": entry("b", hasInstallScript=True)}
    (draft,) = drafts_of_change(change({}, project(packages, dependencies={"a": "*"})))
    assert draft.criteria == ("health", "scripts")


def test_a_covered_package_whose_scripts_nobody_reviewed_is_uncovered() -> None:
    files = project({"a": entry("a", hasInstallScript=True)})
    label = "a@1.0.0"
    assert [
        each.artifact.label for each in uncovered(change({}, {**files, **noted(("a", "1.0.0"))}))
    ] == [label]
    reviewed = noted(("a", "1.0.0"), criteria=["health", "scripts"], scripts=["install"])
    assert uncovered(change({}, {**files, **reviewed})) == []


def test_one_note_of_the_tarball_covers_what_it_carries() -> None:
    inner = {"inBundle": True, "resolved": None, "integrity": None}
    packages = {
        "out": entry("out", bundleDependencies=["in", "on"]),
        "out/node_modules/in": entry("in", **inner), "out/node_modules/on": entry("on", **inner),
    }  # fmt: skip
    files = project(packages, dependencies={"out": "*"})
    assert [each.artifact.label for each in uncovered(change({}, files))] == ["out@1.0.0"]
    found = change({}, {**files, **noted(("out", "1.0.0"))})
    assert [each.artifact.label for each in uncovered(found)] == ["out@1.0.0"]
    listed = noted(("out", "1.0.0"), bundles=[{"package": "in@1.0.0"}, {"package": "on@1.0.0"}])
    assert uncovered(change({}, {**files, **listed})) == []


def test_a_package_of_two_projects_is_uncovered_once() -> None:
    files = project({"a": entry("a")}, "x/") | project({"a": entry("a")}, "y/")
    assert [each.artifact.label for each in uncovered(change({}, files))] == ["a@1.0.0"]


def test_a_review_starts_from_the_newest_version_that_is_vetted_itself() -> None:
    before = project({"a": entry("a"), "n": entry("n"), "n/node_modules/a": entry("a", "1.1.0")})
    after = project({"a": entry("a", "1.2.0"), "n": entry("n")})
    subject = use(change(before, after), "a@1.2.0").subject
    for versions, expected in (
        ((), None), (("1.0.0",), "1.0.0"), (("1.0.0", "1.1.0"), "1.1.0"), (("0.9.0",), None),
    ):  # fmt: skip
        notes = noted(*(("a", version) for version in versions))
        assert since_of(change(before, {**after, **notes}), subject) == expected


def test_an_item_ahead_of_its_lockfile() -> None:
    found = change({}, {**tree(), **noted(("a", "1.0.0"))})
    artifact = use(found, "a@1.0.0").artifact._replace(version="1.1.0", integrity=sri("a@1.1.0"))
    item = item_ahead(found, artifact, ["1.0.0", "1.1.0"])
    assert (item.subject.previous, item.since, item.base, item.use) == (
        ("1.0.0",),
        "1.0.0",
        "1.0.0",
        None,
    )
    whole = item_ahead(found, artifact, ["1.0.0"], whole=True)
    assert (whole.since, whole.base) == (None, "1.0.0")


def test_one_call_records_a_group_for_each_set_of_criteria() -> None:
    files = project({"a": entry("a"), "b": entry("b"), "c": entry("c", hasInstallScript=True)})
    found = change({}, files)
    groups = by_criteria(found, drafts_of_change(found), lambda draft: draft.criteria)
    assert told(groups) == [
        (None, ["a@1.0.0", "b@1.0.0"], [], ("health",)),
        ("c@1.0.0", [], [], ("health", "scripts")),
    ]
    assert [each.label for each in groups] == ["a@1.0.0 and 1 more", "c@1.0.0"]
    assert [item.artifact.name for item in groups[0].items] == ["a", "b"]


def test_a_single_package_keeps_its_note() -> None:
    found = change({}, tree())
    drafts = drafts_of_change(found)
    assert by_criteria(found, drafts, lambda draft: draft.criteria) == drafts


def test_each_locked_line_of_a_package_starts_from_its_own() -> None:
    """Of two lines that are locked, a release of the older one is no downgrade from the newer."""

    def locked(top: str, below: str) -> dict[str, str]:
        packages = {
            "a": entry("a", dependencies={"b": "*"}),
            "b": entry("b", top),
            "a/node_modules/b": entry("b", below),
        }
        return project(packages, dependencies={"a": "*", "b": "*"})

    notes = noted(("a", "1.0.0"), ("b", "1.1.13"), ("b", "5.0.5"))
    found = change({**locked("1.1.13", "5.0.5"), **notes}, {**locked("1.1.14", "5.0.6"), **notes})
    starts = {each.artifact.label: since_of(found, each.subject) for each in uncovered(found)}
    assert starts == {"b@1.1.14": "1.1.13", "b@5.0.6": "5.0.5"}


def test_a_note_answers_for_each_project_that_uses_the_package() -> None:
    """What is new to one project is an upgrade in the other: one note names both criteria."""
    before = {**project({"a": entry("a")}, folder="w/", dependencies={"a": "*"}), **project({})}
    after = {
        **project({"a": entry("a", "2.0.0")}, folder="w/", dependencies={"a": "*"}),
        **project({"a": entry("a", "2.0.0")}, dependencies={"a": "*"}),
    }
    notes = noted(("a", "1.0.0"))
    found = change({**before, **notes}, {**after, **notes})
    [draft] = drafts_of_change(found)
    assert set(draft.criteria) == {"health", "changelog"}


def ringed(version: str) -> dict[str, str]:
    """``top`` is direct; ``mid`` and ``low`` require each other, and ``last`` is below them."""
    packages = {
        "last": entry("last", version),
        "low": entry("low", version, dependencies={"mid": "*", "last": "*"}),
        "mid": entry("mid", version, dependencies={"low": "*"}),
        "top": entry("top", version, dependencies={"low": "*"}),
    }
    return project(packages, dependencies={"top": "*"})


def test_what_brings_others_comes_before_them() -> None:
    found = change(ringed("1.0.0"), ringed("1.0.1"))
    items = [item_of(found, each) for each in uncovered(found)]
    names = [each.artifact.name for each in bringers_first(items)]
    assert names[0] == "top"
    assert names[-1] == "last"
    assert sorted(names) == ["last", "low", "mid", "top"]


def builder(version: str, *programs: str) -> dict[str, str]:
    """``b`` in a version, with its programs for one platform."""
    packages = {
        "b": entry("b", version, optionalDependencies=dict.fromkeys(programs, version)),
        **{name: entry(name, version, os=["linux"], cpu=["x64"]) for name in programs},
    }
    return project(packages, dependencies={"b": "*"})


@pytest.mark.parametrize(
    ("name", "criteria"),
    [
        ("@b/linux-x64", ("changelog",)),
        ("@evil/linux-x64", ("changelog", "health")),  # another's scope is a new name
        ("@b/windows-x64", ("changelog", "health")),  # not what its os says
    ],
)
def test_an_upgrade_brings_its_program_for_one_more_platform(
    name: str, criteria: tuple[str, ...]
) -> None:
    before = {**builder("1.0.0"), **noted(("b", "1.0.0"))}
    config = '[policy]\nupgrade = ["changelog"]\n'
    after = builder("2.0.0", name).items()
    found = change(before, {**before, **dict(after)}, config)
    (draft,) = drafts_of_change(found)
    assert (draft.label, [item.artifact.name for item in draft.brings]) == ("b@2.0.0", [name])
    assert draft.criteria == criteria
