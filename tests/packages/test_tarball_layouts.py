"""The URL layouts of registries: each names its package and version, for every client."""

from __future__ import annotations

import pytest

from npm_vetted.clients import clients
from npm_vetted.packages.urls import tarball_of
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check
from tests.support.registry_layouts import LAYOUTS, VERSION, WRITERS, Row, files, policy, rows

PUBLIC = "https://registry.npmjs.org/"


def test_there_are_enough_layouts() -> None:
    assert len(LAYOUTS) >= 41
    assert len({(allowed, path) for _, allowed, path in LAYOUTS}) == len(LAYOUTS)


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.registry}-{row.name}")
def test_a_layout_names_package_and_version(row: Row) -> None:
    assert tarball_of(row.url) == (row.name, VERSION)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://npm.fontawesome.com/@a/b/-/6.4.0/b-6.4.1.tgz", ("@a/b", "b-6.4.1")),
        ("https://npm.fontawesome.com/@a/b/-/6.4.0/c-6.4.0.tgz", ("@a/b", "c-6.4.0")),
        ("https://cdn.npmmirror.com/packages/a/1.0.0/a-1.0.1.tgz", ("a", "a-1.0.1")),
        ("https://cdn.npmmirror.com/other/packages/a/1.0.0/a-1.0.0.tgz", None),
        ("https://git.example/api/v4/projects/7/packages/generic/a/1.0.0/a-1.0.0.tgz", None),
        ("https://dl.cloudsmith.io/public/o/r/npm/a-1.0.0-rc.1.tgz", ("a", "1.0.0-rc.1")),
        ("https://dl.cloudsmith.io/public/o/r/npm/b/a-1.0.0.tgz", ("b", "a-1.0.0")),
        ("https://dl.cloudsmith.io/public/o/r/raw/a-1.0.0.tgz", None),
        ("https://files.example/public/o/r/npm/a-1.0.0.tgz", None),
        ("https://npm.pkg.github.com/download/@a/b/1.0.0/latest", None),
        # the public registry has npm's own layout and no other
        (f"{PUBLIC}a/-/1.0.0/a-1.0.0.tgz", None),
        (f"{PUBLIC}packages/a/1.0.0/a-1.0.0.tgz", None),
        (f"{PUBLIC}download/@a/b/1.0.0/{'0' * 40}", None),
    ],
)
def test_what_is_near_a_layout(url: str, named: tuple[str, str] | None) -> None:
    assert tarball_of(url) == named


def test_the_table_has_every_client_that_records_urls() -> None:
    """Rush writes no lockfile of its own: the reader is that of the client that it runs."""
    assert {name.partition(",")[0] for name in WRITERS} == set(clients()) - {"rush"}


@pytest.mark.parametrize("client", WRITERS)
def test_nothing_is_said_of_a_listed_registry(git_repo: GitRepo, client: str) -> None:
    every = rows()
    for path, text in files(client, every).items():
        git_repo.write(path, text)
    git_repo.write(".vetting/config.toml", f"format = 1\n{policy(every)}")
    assert check(git_repo, "--all", "--strict", "lockfile-source").findings == []


@pytest.mark.parametrize("client", WRITERS)
def test_another_package_in_each_layout_is_an_error(git_repo: GitRepo, client: str) -> None:
    every = rows(as_name="@acme/evil")
    for path, text in files(client, every).items():
        git_repo.write(path, text)
    git_repo.write(".vetting/config.toml", f"format = 1\n{policy(every)}")
    found = check(git_repo, "--all", "lockfile-source").findings
    told = {each["package"] for each in found if each["level"] == "error"}
    assert sorted({row.name for row in every} - told) == []
