"""Rush with npm 6 and Yarn 1: lockfiles as the real Rush 5.179 wrote them, and what must not pass."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.support.git_repo import GitRepo, made_once
from tests.support.npm_projects import check, run, sri, write_note

VERSIONS = {"npm": "6.14.18", "yarn": "1.22.22"}
LOCKS = {"npm": "common/config/rush/npm-shrinkwrap.json", "yarn": "common/config/rush/yarn.lock"}
NPMRC = "common/config/rush/.npmrc"
SHOP = {"name": "shop", "version": "1.0.0", "dependencies": {"ms": "^2.0.0", "lib-b": "1.0.0"}}
LIBRARY = {"name": "lib-b", "version": "1.0.0", "devDependencies": {"is-odd": "3.0.0"}}
URL = "https://registry.npmjs.org"


def _from_registry(name: str, version: str) -> dict[str, str]:
    url = f"{URL}/{name}/-/{name}-{version}.tgz"
    return {"version": version, "resolved": url, "integrity": sri(f"{name}@{version}")}


def npm_lock(**more: object) -> str:
    """What npm 6 locks for Rush."""
    made = {"lib-b": {"is-odd": "3.0.0"}, "shop": {"ms": "^2.0.0"}}
    locked: dict[str, object] = {
        f"@rush-temp/{name}": {
            "version": f"file:projects/{name}.tgz", "integrity": sri(name), "requires": asked,
        }
        for name, asked in made.items()
    }  # fmt: skip
    for name, version in (("is-odd", "3.0.0"), ("ms", "2.1.3")):
        locked[name] = _from_registry(name, version)
    locked |= more
    head = {"name": "rush-common", "version": "0.0.0", "lockfileVersion": 1, "requires": True}
    return json.dumps({**head, "dependencies": locked}, indent=2)


def yarn_lock() -> str:
    """What Yarn 1 locks for Rush."""
    made = {"lib-b": 'is-odd "3.0.0"', "shop": 'ms "^2.0.0"'}
    text = "# yarn lockfile v1\n\n"
    for name, asked in made.items():
        text += (
            f'\n"@rush-temp/{name}@file:./projects/{name}.tgz":\n  version "0.0.0"\n'
            f'  resolved "file:./projects/{name}.tgz#{"0" * 40}"\n  dependencies:\n    {asked}\n'
        )
    for name, asked, version in (("is-odd", "3.0.0", "3.0.0"), ("ms", "^2.0.0", "2.1.3")):
        text += (
            f'\n{name}@{asked}:\n  version "{version}"\n'
            f'  resolved "https://registry.yarnpkg.com/{name}/-/{name}-{version}.tgz"\n'
            f"  integrity {sri(f'{name}@{version}')}\n"
        )
    return text


@pytest.fixture(params=VERSIONS)
def client(request: pytest.FixtureRequest) -> str:
    """The client that Rush runs."""
    return str(request.param)


@made_once
def adopted(git_repo: GitRepo, client: str) -> None:
    """A repository as Rush makes it, adopted."""
    projects = [
        {"packageName": "shop", "projectFolder": "apps/shop"},
        {"packageName": "lib-b", "projectFolder": "libs/b"},
    ]
    rush = {"rushVersion": "5.179.0", f"{client}Version": VERSIONS[client], "projects": projects}
    git_repo.write("rush.json", "// Rush\n" + json.dumps(rush, indent=2))
    git_repo.write(NPMRC, "registry=https://registry.npmjs.org/\n")
    git_repo.write("apps/shop/package.json", json.dumps(SHOP))
    git_repo.write("libs/b/package.json", json.dumps(LIBRARY))
    git_repo.write(LOCKS[client], {"npm": npm_lock, "yarn": yarn_lock}[client]())
    git_repo.commit("Start")
    assert run(git_repo.path, "init").status == 0
    git_repo.commit("Adopt")


@pytest.fixture
def repo(git_repo: GitRepo, client: str) -> GitRepo:
    return adopted(git_repo, client)


def codes(repo: GitRepo, *words: str) -> set[tuple[str, str]]:
    found = check(repo, *words).findings
    return {(each["code"], each["path"]) for each in found if each["level"] == "error"}


def test_an_adopted_repository_passes_with_its_switch(repo: GitRepo, client: str) -> None:
    assert codes(repo, "--all") == set()
    exempt = (repo.path / ".vetting/exemptions.txt").read_text()
    assert [each.partition(" ")[0] for each in exempt.splitlines()] == sorted(
        ["@microsoft/rush@5.179.0", "is-odd@3.0.0", "ms@2.1.3", f"{client}@{VERSIONS[client]}"]
    )
    path, line = {
        "npm": (NPMRC, "ignore-scripts=true"),
        "yarn": (".yarnrc", "ignore-scripts true"),
    }[client]
    assert line in (repo.path / path).read_text()
    repo.write(path, "")
    assert ("scripts-on", path) in codes(repo)


def edit(repo: GitRepo, client: str, old: str, new: str) -> None:
    path = LOCKS[client]
    text = (repo.path / path).read_text()
    assert old in text
    repo.write(path, text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("file:{}projects/shop.tgz", URL + "/left-pad/-/left-pad-1.3.0.tgz", "new"),
        ("file:{}projects/shop.tgz", "file:../../vendor/shop.tgz", "new"),
        ("file:{}projects/shop.tgz", "file:{}projects/lib-b.tgz", "new"),
        ("@rush-temp/shop", "@rush-temp/ghost", "new"),
        ("2.1.3", "1.0.0", "unsatisfied"),
    ],
)
def test_an_edited_lockfile_is_rejected(
    repo: GitRepo, client: str, old: str, new: str, expected: str
) -> None:
    dot = "" if client == "npm" else "./"
    edit(repo, client, old.format(dot), new.format(dot))
    found = codes(repo)
    wanted = (
        "out-of-date" if (client, expected) == ("yarn", "unsatisfied") else expected
    )  # Yarn's own rule
    assert (wanted, LOCKS[client]) in found, found


def test_a_project_that_asks_for_something_else_is_out_of_date(repo: GitRepo, client: str) -> None:
    repo.write(
        "libs/b/package.json", json.dumps({**LIBRARY, "devDependencies": {"is-odd": "3.0.1"}})
    )
    (found,) = [each for each in check(repo).findings if each["level"] == "error"]
    assert (found["code"], found["path"]) == ("out-of-date", "libs/b/package.json")
    assert "rush purge" in found["fix"]


def test_a_package_that_only_the_lockfile_gives_a_project_is_rejected(
    repo: GitRepo, client: str
) -> None:
    old, new = {
        "npm": ('"ms": "^2.0.0"', '"ms": "^2.0.0", "is-odd": "3.0.0"'),
        "yarn": ('    ms "^2.0.0"', '    is-odd "3.0.0"\n    ms "^2.0.0"'),
    }[client]
    edit(repo, client, old, new)
    assert codes(repo) == {("out-of-date", "apps/shop/package.json")}


def test_another_project_is_linked_only_where_its_version_fits(repo: GitRepo, client: str) -> None:
    repo.write("libs/b/package.json", json.dumps({**LIBRARY, "version": "2.0.0"}))
    assert codes(repo) == {("out-of-date", "apps/shop/package.json")}


def test_a_new_package_needs_a_note(repo: GitRepo, client: str) -> None:
    shop = {**SHOP, "dependencies": {**SHOP["dependencies"], "new": "1.0.0"}}  # type: ignore[dict-item]
    repo.write("apps/shop/package.json", json.dumps(shop))
    if client == "npm":
        text = npm_lock(new=_from_registry("new", "1.0.0"))
        text = text.replace('"ms": "^2.0.0"', '"ms": "^2.0.0", "new": "1.0.0"')
    else:
        text = yarn_lock().replace('    ms "^2.0.0"', '    ms "^2.0.0"\n    new "1.0.0"') + (
            '\nnew@1.0.0:\n  version "1.0.0"\n'
            '  resolved "https://registry.yarnpkg.com/new/-/new-1.0.0.tgz"\n'
            f"  integrity {sri('new@1.0.0')}\n"
        )
    repo.write(LOCKS[client], text)
    assert codes(repo) == {("new", LOCKS[client])}
    write_note(repo, "new")
    assert codes(repo) == set()


def test_the_lockfile_of_another_client_is_not_read_in_its_place(
    repo: GitRepo, client: str
) -> None:
    other = "yarn" if client == "npm" else "npm"
    repo.write(LOCKS[other], {"npm": npm_lock, "yarn": yarn_lock}[other]())
    done = check(repo)
    assert done.status == 3
    assert ("undecided", LOCKS[other]) in codes(repo)


def _nearer(repo: GitRepo) -> None:
    repo.write("common/.yarnrc", "ignore-scripts false\n")


def _program(repo: GitRepo) -> None:
    repo.write(".yarnrc", "ignore-scripts true\nyarn-path ./x.js\n")


def _registry(repo: GitRepo) -> None:
    repo.write(NPMRC, "registry=http://evil.example/\n")


@pytest.mark.parametrize("client", ["yarn"], indirect=True)
@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        (_nearer, "switch-unclear", "common/.yarnrc"),
        (_program, "program", ".yarnrc"),
        (_registry, "registry-not-https", NPMRC),
    ],
)
def test_settings_that_yarn_reads_in_common_temp(
    repo: GitRepo, client: str, change: Callable[[GitRepo], None], code: str, path: str
) -> None:
    change(repo)
    assert (code, path) in codes(repo)


@pytest.mark.parametrize("client", ["npm"], indirect=True)
def test_a_lockfile_of_npm_7_is_refused_with_the_way_out(repo: GitRepo, client: str) -> None:
    edit(repo, client, '"lockfileVersion": 1', '"lockfileVersion": 3, "packages": {}')
    done = check(repo)
    assert done.status == 3
    assert "Rush cannot install with npm 7 and later" in str(done.findings)


def test_rebuild_works_in_what_rush_generated(repo: GitRepo, client: str) -> None:
    write_note(repo, "ms", "2.1.3", scripts=["install"], criteria=["health", "scripts"])
    repo.commit("Note")
    done = run(repo.path, "rebuild", "--print")
    assert done.status == 0
    program = "common/temp/npm-local/node_modules/.bin/npm" if client == "npm" else "npm"
    assert f"{program} rebuild --prefix common/temp" in done.out
