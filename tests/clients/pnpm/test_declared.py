"""Which settings each version of pnpm reads; the real ones agree (test_sync_with_real_clients.py)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from npm_vetted.clients.pnpm import client
from npm_vetted.clients.pnpm.declared import declared, extensions_checksum, override_target
from npm_vetted.packages.manifest import read_manifest
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check

MANIFEST: dict[str, Any] = {
    "dependencies": {"aa": "^1.0.0"},
    "resolutions": {"rr": "1.0.0", "both": "1.0.0"},
    "pnpm": {
        "overrides": {"pp": "1.0.0", "both": "2.0.0"},
        "ignoredOptionalDependencies": ["old"],
        "packageExtensions": {"x": {"dependencies": {"y": "1"}}},
    },
}
WORKSPACE: dict[str, Any] = {
    "overrides": {"ww": "$aa", "cc": "catalog:"},
    "catalog": {"cc": "^3.0.0"},
    "autoInstallPeers": False,
}
NPMRC = "exclude-links-from-lockfile=true\nauto-install-peers=true\n"
OLD = {"rr": "1.0.0", "both": "2.0.0", "pp": "1.0.0"}
NEW = {"ww": "^1.0.0", "cc": "^3.0.0"}


def read(files: dict[str, str]) -> Any:
    return lambda path: files[path].encode() if path in files else None


@pytest.mark.parametrize(
    ("major", "overrides", "ignored", "peers", "links"),
    [
        (9, OLD, ("old",), True, True),
        (10, OLD, ("old",), False, True),
        (11, NEW, (), False, False),
        (12, NEW, (), False, False),
    ],
)
def test_each_version_reads_its_own_files(
    major: int, overrides: dict[str, str], ignored: tuple[str, ...], peers: object, links: object
) -> None:
    files = {"pnpm-workspace.yaml": json.dumps(WORKSPACE), ".npmrc": NPMRC}
    found = declared(major, "", MANIFEST, read(files))
    assert found.overrides == overrides
    assert found.ignored == ignored
    assert found.switches["autoInstallPeers"] is peers
    assert found.switches["excludeLinksFromLockfile"] is links
    assert found.catalogs == {"default": {"cc": "^3.0.0"}}
    assert bool(found.extensions) is (major <= 10)


@pytest.mark.parametrize("own", [{}, {"pnpm": {"overrides": {}}}, {"resolutions": {}}])
def test_pnpm_10_takes_the_workspace_overrides_where_the_manifest_has_none(
    own: dict[str, Any],
) -> None:
    """With some of its own, those of pnpm-workspace.yaml are not read at all (10.34.9 tried)."""
    files = {"pnpm-workspace.yaml": json.dumps(WORKSPACE)}
    manifest = {"dependencies": {"aa": "^1.0.0"}, **own}
    assert declared(10, "", manifest, read(files)).overrides == NEW


@pytest.mark.parametrize("value", ["$nothing", "catalog:", "catalog:other"])
def test_a_reference_that_leads_nowhere_is_wrong(value: str) -> None:
    files = {"pnpm-workspace.yaml": json.dumps({"overrides": {"zz": value}})}
    found = declared(12, "", MANIFEST, read(files))
    assert (found.overrides, found.wrong) == ({}, ("zz",))


@pytest.mark.parametrize(
    ("selector", "name", "wanted", "parent"),
    [
        ("aa", "aa", None, None),
        ("@s/aa", "@s/aa", None, None),
        ("aa@^1", "aa", "^1", None),
        ("aa@>=1 <2", "aa", ">=1 <2", None),
        ("bb>aa", "aa", None, "bb"),
        ("@s/bb@1>@s/aa@2", "@s/aa", "2", "@s/bb@1"),
        (" aa ", "aa", None, None),
    ],
)
def test_selectors(selector: str, name: str, wanted: str | None, parent: str | None) -> None:
    assert override_target(selector) == (name, wanted, parent)


def test_the_order_of_extensions_does_not_count() -> None:
    one = {"a": {"dependencies": {"x": "1", "y": "2"}}, "b": {"peers": ["1", "2"]}}
    other = {"b": {"peers": ["2", "1"]}, "a": {"dependencies": {"y": "2", "x": "1"}}}
    assert extensions_checksum(one) == extensions_checksum(other) is not None
    assert extensions_checksum({}) is None


LINKED = """\
lockfileVersion: '9.0'

overrides:
  tt: link:./l

importers:

  .:
    dependencies:
      tt:
        specifier: ROOT
        version: ROOT

  packages/m:
    dependencies:
      tt:
        specifier: MEMBER
        version: MEMBER
"""


@pytest.mark.parametrize(
    ("root", "member", "found"),
    [
        ("link:l", "link:../../l", []),
        ("link:x", "link:../../l", ["tt@1.0.0"]),
        ("link:l", "link:l", ["tt@1.0.0"]),
        ("file:l", "link:../../l", ["tt@1.0.0", "tt@file:l"]),
    ],
)
def test_an_override_by_a_folder_is_locked_by_the_way_to_it(
    git_repo: GitRepo, root: str, member: str, found: list[str]
) -> None:
    """As pnpm 9 to 12 write it: from each importer to the folder."""
    needs = {"version": "1.0.0", "dependencies": {"tt": "1.0.0"}}
    pin = {"name": "p", "packageManager": "pnpm@12.21.0", **needs}
    git_repo.write("package.json", json.dumps(pin))
    git_repo.write("packages/m/package.json", json.dumps({"name": "m", **needs}))
    git_repo.write("l/package.json", '{"name": "tt", "version": "1.0.0"}')
    git_repo.write("pnpm-workspace.yaml", "packages: [packages/*]\noverrides: {tt: 'link:./l'}\n")
    git_repo.write("pnpm-lock.yaml", LINKED.replace("ROOT", root).replace("MEMBER", member))
    done = check(git_repo, "--all", "lockfile-sync")
    assert [each["key"] for each in done.findings if each["code"] == "out-of-date"] == found


PEERS = """\
lockfileVersion: '9.0'
overrides: {{tt: '{0}'}}
importers:
  .:
    dependencies:
      tt: {{specifier: '{0}', version: 'other@1.0.0'}}
packages:
  other@1.0.0: {{resolution: {{integrity: sha512-{1}==}}}}
snapshots:
  other@1.0.0: {{}}
"""


@pytest.mark.parametrize(
    ("value", "development", "messages"),
    [
        ("npm:other@1.0.0", {"tt": "1.0.0"}, []),
        ("npm:other@1.0.0", {}, []),
        ("1.0.0", {"tt": "1.0.0"}, ["has tt in devDependencies, pnpm-lock.yaml in dependencies"]),
    ],
)
def test_an_override_that_no_peer_may_have_makes_it_a_dependency(
    value: str, development: dict[str, str], messages: list[str]
) -> None:
    """pnpm 10's overrideDepsOfPkg; typescript-eslint replaces typescript this way."""
    data = {
        "name": "p", "packageManager": "pnpm@10.34.9", "peerDependencies": {"tt": ">=1"},
        "devDependencies": development, "pnpm": {"overrides": {"tt": value}},
    }  # fmt: skip
    manifest = read_manifest("package.json", json.dumps(data).encode())
    text = PEERS.format(value, "A" * 86)
    lockfile = client.read_lockfile("pnpm-lock.yaml", text.encode(), lambda _: None)
    found = [each.message for each in lockfile.disagreements({"": manifest})]
    assert [
        each for each in found if " in devDependencies, " in each or "installs" in each
    ] == messages
