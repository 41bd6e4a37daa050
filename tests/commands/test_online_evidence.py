"""``check --online``: which facts of a note the registry must confirm, and what silence means."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from npm_vetted.commands._common import opened
from npm_vetted.commands._online_evidence import OnlineEvidence, recomputed_evidence
from tests.commands.test_audit_online import OLD, publish_pair, restoring, vetted
from tests.support.git_repo import GitRepo
from tests.support.verdaccio import Verdaccio

NOTE = ".vetting/notes/proved/1.0.0.toml"


@pytest.fixture(scope="module")
def pair(verdaccio: Verdaccio) -> tuple[str, str]:
    """A package that brings another; both were published long ago."""
    return publish_pair(verdaccio, "proved")


@pytest.fixture
def stocked(verdaccio: Verdaccio, pair: tuple[str, str]) -> Iterator[tuple[Verdaccio, str]]:
    """The registry, and the package's name; what a test changes is changed back."""
    yield from restoring(verdaccio, pair)


@pytest.fixture
def repo(git_repo: GitRepo, stocked: tuple[Verdaccio, str]) -> GitRepo:
    """A repository whose last commit adds a package, with its note."""
    registry, name = stocked
    git_repo.write("README.md", "An app.\n")
    git_repo.commit("Start")
    vetted(git_repo, registry.url, name)
    return git_repo


def evidence(repo: GitRepo, start: str = "HEAD~") -> OnlineEvidence:
    # Without what an earlier question left in the cache.
    shutil.rmtree(Path(os.environ["XDG_CACHE_HOME"]), ignore_errors=True)
    with contextlib.chdir(repo.path), opened(from_ref=start, to_ref="HEAD") as (_, change):
        return recomputed_evidence(change)


def rewrite(repo: GitRepo, old: str, new: str) -> None:
    [note] = (repo.path / ".vetting" / "notes").glob("*/*.toml")
    text = note.read_text()
    assert old in text
    note.write_text(text.replace(old, new, 1))
    repo.add()
    repo.git("commit", "-q", "--amend", "-m", "Add it, with a false note")


def test_a_true_note_is_confirmed(repo: GitRepo) -> None:
    assert evidence(repo) == OnlineEvidence((), frozenset())


@pytest.mark.parametrize(
    ("claimed", "kind"),
    [
        ("2020-01-01T00:00:00", "published"),
        ((OLD + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%S"), "published"),
    ],
)
def test_a_false_time_differs(repo: GitRepo, claimed: str, kind: str) -> None:
    rewrite(repo, "published = 2024-03-25T14:12:02", f"published = {claimed}")
    [finding] = evidence(repo).findings
    assert (finding.check, finding.code) == ("notes", "evidence-differs")
    assert finding.key == f"proved@1.0.0 {kind}"
    assert finding.location.path == NOTE
    assert not finding.acceptable


def test_a_false_time_of_what_it_brings_differs(repo: GitRepo) -> None:
    text = (repo.path / NOTE).read_text()
    head, _, tail = text.partition("brings")
    repo.write(NOTE, head + "brings" + tail.replace("2024-03-25", "2020-03-25"))
    repo.add()
    repo.git("commit", "-q", "--amend", "-m", "Add it, with a false list")
    [finding] = evidence(repo).findings
    assert finding.key == "proved-dep@1.0.0 published"
    assert finding.location.line > 1


def test_bundled_packages_that_the_tarball_does_not_carry_differ(repo: GitRepo) -> None:
    """What a note says of a tarball's contents is a claim too."""
    repo.write(".vetting/config.toml", "format = 2\n")
    rewrite(repo, "why = ", 'bundles = [{ package = "inner@1.0.0" }]\nwhy = ')
    found = evidence(repo)
    assert [each.key for each in found.findings] == ["proved@1.0.0 bundles"]


def test_other_bytes_differ(repo: GitRepo, stocked: tuple[Verdaccio, str]) -> None:
    def replace(data: dict[str, dict[str, dict[str, dict[str, str]]]]) -> None:
        data["versions"]["1.0.0"]["dist"]["integrity"] = "sha512-" + "A" * 86 + "=="

    stocked[0].edit("proved", replace)
    assert [each.key for each in evidence(repo).findings] == ["proved@1.0.0 bytes"]


def test_scripts_that_the_note_hides_differ(
    repo: GitRepo,
    stocked: tuple[Verdaccio, str],
) -> None:
    def add(data: dict[str, dict[str, dict[str, object]]]) -> None:
        data["versions"]["1.0.0"]["scripts"] = {"postinstall": "node ."}

    stocked[0].edit("proved", add)
    assert [each.key for each in evidence(repo).findings] == ["proved@1.0.0 scripts"]


def test_a_later_deprecation_is_no_false_claim(
    repo: GitRepo,
    stocked: tuple[Verdaccio, str],
) -> None:
    def deprecate(data: dict[str, dict[str, dict[str, object]]]) -> None:
        data["versions"]["1.0.0"]["deprecated"] = "use another"

    stocked[0].edit("proved", deprecate)
    assert evidence(repo) == OnlineEvidence((), frozenset())


def test_a_registry_that_does_not_answer_is_undecided(repo: GitRepo) -> None:
    npmrc = (repo.path / ".npmrc").read_text()
    url = npmrc.partition("registry=")[2].partition("\n")[0]
    repo.write(".npmrc", npmrc.replace(url, "http://127.0.0.1:9/"))
    repo.add()
    repo.git("commit", "-q", "--amend", "-m", "A registry that is gone")
    found = evidence(repo)
    assert found.statuses == {3}
    assert {each.check for each in found.findings} == {"undecided"}


def test_notes_that_the_range_does_not_touch_are_not_asked_for(repo: GitRepo) -> None:
    rewrite(repo, "published = 2024-03-25T14:12:02", "published = 2020-01-01T00:00:00")
    repo.write("README.md", "Another app.\n")
    repo.commit("Later")
    assert evidence(repo) == OnlineEvidence((), frozenset())
