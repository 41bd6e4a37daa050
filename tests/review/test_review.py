"""What a reviewer sees: of packages that the real npm published to a real registry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from npm_vetted.errors import UndecidedError
from npm_vetted.registry import Registry
from npm_vetted.registry.settings import load_settings
from npm_vetted.registry.tarball import Package
from npm_vetted.review.releases import (
    Inspection,
    ReleaseComparison,
    compare_releases,
    inspect,
    manifest_changes,
)
from npm_vetted.review.text import (
    code_line,
    comparison_text,
    inspection_text,
    script_text,
    stat_lines,
)
from tests.support.git_repo import GitRepo
from tests.support.program import npm_vetted_here
from tests.support.tarballs import bomb, member, package_of, tarball_of
from tests.support.verdaccio import Verdaccio
from tests.test_schemas import check_output

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADA = {"name": "ada", "email": "ada@example.com"}
BOB = {"name": "bob", "email": "bob@example.com"}


def published(verdaccio: Verdaccio, name: str, **versions: tuple[datetime, dict[str, str]]) -> None:
    """What npm's own registry records and Verdaccio does not: when, and by whom."""

    def describe(data: dict[str, Any]) -> None:
        for key, (moment, person) in versions.items():
            version = key.removeprefix("v").replace("_", ".")
            data["time"][version] = moment.isoformat()
            data["versions"][version] |= {"_npmUser": person, "maintainers": [person]}
        data["time"]["created"] = min(moment for moment, _ in versions.values()).isoformat()

    verdaccio.edit(name, describe)


@pytest.fixture(scope="module")
def upgrade(verdaccio: Verdaccio) -> Verdaccio:
    """An upgrade with everything that should make a reviewer look twice."""
    repository = {"type": "git", "url": "git+https://github.com/acme/upgrade.git"}
    verdaccio.publish(
        "upgrade",
        "1.0.0",
        files={
            "CHANGELOG.md": "# Changelog\n\n## 1.0.0\n- First\n",
            "lib/run.js": "one()\ntwo()\nthree()\n",
            "dist/run.min.js": "one(),two()\n",
        },
        description="Runs things",
        repository=repository,
        dependencies={"left-pad": "^1.0.0"},
    )
    verdaccio.publish(
        "upgrade",
        "1.1.0",
        user="bob",
        files={
            "CHANGELOG.md": "# Changelog\n\n## 1.1.0\n- Faster\n\n## 1.0.0\n- First\n",
            "lib/run.js": "one()\n2()\nthree()\n",
            "dist/run.min.js": "one(),two(),evil()\n",
            "scripts/setup.js": "require('https').get('https://evil.example')\n",
        },
        description="Runs \x1b[31mthings\u202e",
        repository=repository,
        dependencies={"left-pad": "^1.0.0", "new-one": "2.0.0"},
        scripts={"postinstall": "node ./scripts/setup"},
        bin={"upgrade": "lib/run.js"},
    )
    published(
        verdaccio,
        "upgrade",
        v1_0_0=(NOW - timedelta(days=800), ADA),
        v1_1_0=(NOW - timedelta(hours=1), BOB),
    )
    return verdaccio


def registry_of(verdaccio: Verdaccio) -> Registry:
    return Registry(load_settings({}, registry_of=lambda _: verdaccio.url))


def inspected(verdaccio: Verdaccio, name: str, version: str) -> Inspection:
    registry = registry_of(verdaccio)
    packument = registry.packument(name)
    release = packument.release(version)
    return inspect(packument, release, registry.package(release), now=NOW)


def compared(verdaccio: Verdaccio, name: str, old: str, new: str) -> ReleaseComparison:
    registry = registry_of(verdaccio)
    releases = [registry.packument(name).release(version) for version in (old, new)]
    before, after = ((release, registry.package(release)) for release in releases)
    return compare_releases(before, after)


def test_a_changed_publisher_a_new_script_and_an_hour_of_age_on_one_screen(
    upgrade: Verdaccio,
) -> None:
    found = inspected(upgrade, "upgrade", "1.1.0")
    text = inspection_text(found)
    assert (
        text
        == f"""\
upgrade@1.1.0
Runs \\u{{1b}}[31mthings\\u{{202e}}
  published     2026-11-22, less than a day ago; it is the latest
  package       since 2024-09-13, 2 years; 2 versions
  publisher     bob <bob@example.com>  CHANGED: ada published 1.0.0 before it
  maintainers   bob <bob@example.com>; new: bob <bob@example.com>; gone: ada <ada@example.com>
  licence       MIT
  repository    git+https://github.com/acme/upgrade.git
  size          {found.size} B in 6 files
  commands      upgrade
  brings        2 dependencies; new since 1.0.0: new-one
  minified      dist/run.min.js (19 B)
  integrity     {found.integrity}
  scripts       postinstall: NEW node ./scripts/setup
                calls scripts/setup.js (45 B)"""
    )
    assert (found.publisher_changed, found.age_days, found.new_scripts) == (
        True,
        0,
        ("postinstall",),
    )


def test_the_first_version_has_nothing_to_compare_with(upgrade: Verdaccio) -> None:
    found = inspected(upgrade, "upgrade", "1.0.0")
    assert (found.previous, found.publisher_changed, found.new_scripts) == (None, None, ())
    assert found.new_dependencies == ("left-pad",)
    assert "latest is 1.1.0" in inspection_text(found)


def test_the_scripts_file_is_shown_before_it_is_approved(upgrade: Verdaccio) -> None:
    (script,) = inspected(upgrade, "upgrade", "1.1.0").scripts
    assert script_text(script) == (
        "postinstall: node ./scripts/setup\n"
        "--- scripts/setup.js (45 B)\n"
        "require('https').get('https://evil.example')\n"
    )


def test_the_whole_comparison(upgrade: Verdaccio) -> None:
    text = comparison_text(compared(upgrade, "upgrade", "1.0.0", "1.1.0"))
    code = text[text.index("\nCode\n") :]
    assert (
        text[: text.index("\nCode\n")]
        == """\
upgrade 1.0.0 -> 1.1.0

Changelog
from CHANGELOG.md of 1.1.0

## 1.1.0
- Faster

package.json
adds script postinstall (runs on install): node ./scripts/setup
adds dependency new-one: 2.0.0
adds command upgrade: lib/run.js
"""
    )
    assert "  changed                  dist/run.min.js (minified, 12 B -> 19 B)\n" in code
    assert "  added +1 -0              scripts/setup.js\n" in code
    assert (
        """
--- a/lib/run.js
+++ b/lib/run.js
@@ -1,3 +1,3 @@
 one()
-two()
+2()
 three()
"""
        in code
    )


def test_no_changelog_is_shipped(verdaccio: Verdaccio) -> None:
    repository = "github:acme/unlogged"
    for version in ("1.0.0", "1.1.0"):
        verdaccio.publish("unlogged", version, repository=repository)
    text = comparison_text(compared(verdaccio, "unlogged", "1.0.0", "1.1.0"), stat=True)
    assert (
        text
        == """\
unlogged 1.0.0 -> 1.1.0

Changelog
none is shipped in the tarball
  see https://github.com/acme/unlogged/releases
  see https://github.com/acme/unlogged/compare/v1.0.0...v1.1.0
  the note must say what was read instead

package.json
nothing that matters has changed

Code
  changed +1 -1            package.json
  1 file changed, 1 line added, 1 line removed"""
    )


def test_a_manifest_that_is_not_what_the_registry_shows(verdaccio: Verdaccio) -> None:
    verdaccio.publish("confused", "1.0.0")
    manifest = {
        "name": "confused",
        "version": "1.0.0",
        "scripts": {"install": "node evil.js"},
        "dependencies": {"evil": "*"},
    }
    files = {"package.json": json.dumps(manifest), "evil.js": "evil()"}
    verdaccio.replace_tarball("confused", "1.0.0", package_of(files), honest=True)
    found = inspected(verdaccio, "confused", "1.0.0")
    assert found.conflicts == (
        "script install: the registry says None, the tarball 'node evil.js'",
        "dependency evil: only in the tarball's manifest",
    )
    assert [(each.name, each.command) for each in found.scripts] == [("install", "node evil.js")]


HOSTILE = {
    "links": (
        tarball_of(
            member("package/package.json", b"{}"), member("package/x", kind=b"2", target="/")
        ),
        "'package/x' is a symbolic link",
    ),
    "leads-out": (
        tarball_of(member("package/../../../.bashrc", b"evil")),
        "'package/../../../.bashrc' may lead out of the package",
    ),
    "bomb": (
        bomb(720),
        "it unpacks to more than",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_tarball_is_refused(
    verdaccio: Verdaccio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    data, why = HOSTILE[name]
    verdaccio.publish(name, "1.0.0")
    verdaccio.replace_tarball(name, "1.0.0", data, honest=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UndecidedError, match=f"{name}@1.0.0: the tarball is refused: ") as caught:
        inspected(verdaccio, name, "1.0.0")
    assert why in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_native_code_and_what_it_would_run(verdaccio: Verdaccio) -> None:
    files = {
        "package.json": json.dumps({"name": "native", "version": "1.0.0"}),
        "binding.gyp": "{}",
        "prebuilt/addon.node": "\x7fELF",
        "tool": "\x7fELF\0\0",
        "readme.txt": "MZ is how a DOS program starts",
    }
    verdaccio.publish("native", "1.0.0")
    verdaccio.replace_tarball("native", "1.0.0", package_of(files), honest=True)
    found = inspected(verdaccio, "native", "1.0.0")
    assert [each.path for each in found.native] == ["binding.gyp", "prebuilt/addon.node", "tool"]
    assert [each.command for each in found.scripts] == ["node-gyp rebuild"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({"scripts": {"test": "a"}}, {"scripts": {"test": "b"}},
         ["changes script test: a becomes b"]),
        ({}, {"scripts": {"preinstall": "x"}}, ["adds script preinstall (runs on install): x"]),
        ({"scripts": {"install": "x"}}, {},
         ["drops script install (runs on install), which was x"]),
        ({"bin": "./a.js"}, {"bin": {"tool": "./a.js"}},
         ["drops command ., which was ./a.js", "adds command tool: ./a.js"]),
        ({"exports": "./a.js"}, {"exports": {".": "./a.js", "./b": {"import": "./b.mjs"}}},
         ['adds export ./b: {"import": "./b.mjs"}']),
        ({"engines": {"node": ">=18"}}, {"engines": {"node": ">=20"}},
         ["changes engine node: >=18 becomes >=20"]),
        ({"type": "commonjs"}, {"type": "module"}, ["type: commonjs becomes module"]),
        ({"license": "MIT"}, {}, ["license: MIT becomes nothing"]),
        ({"dependencies": {"a": "1"}}, {"dependencies": {}, "peerDependencies": {"a": "1"}},
         ["drops dependency a, which was 1", "adds peer dependency a: 1"]),
        ({"scripts": ["odd"], "dependencies": 1}, {"scripts": {}, "dependencies": "x"},
         ["drops script ., which was [\"odd\"]", "changes dependency .: 1 becomes x"]),
        ({"version": "1.0.0"}, {"version": "1.1.0"}, []),
        ({}, {"bin": {"a\x1b[2J": "\u202ex"}}, ["adds command a\\u{1b}[2J: \\u{202e}x"]),
    ],
)  # fmt: skip
def test_the_manifest_in_words(
    old: Mapping[str, object], new: Mapping[str, object], words: list[str]
) -> None:
    assert list(manifest_changes(old, new)) == words


def _nested(depth: int) -> object:
    value: object = {}
    for _ in range(depth):
        value = {"x": value}
    return value


def test_a_manifest_nested_too_deeply() -> None:
    with pytest.raises(UndecidedError, match="nested too deeply"):
        list(manifest_changes({}, {"exports": {".": _nested(100_000)}}))


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_a_package_without_a_manifest(upgrade: Verdaccio, data: bytes) -> None:
    registry = registry_of(upgrade)
    packument = registry.packument("upgrade")
    package = Package(name="upgrade@1.1.0", files={"package.json": data})
    with pytest.raises(UndecidedError, match=r"the tarball's package\.json is no"):
        inspect(packument, packument.release("1.1.0"), package, now=NOW)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb", "a\tb"),
        ("x" + " " * 500 + "evil()", "x [500 blanks] evil()"),
        (" " * 100 + "evil()", " [100 blanks] evil()"),
        ("    indented", "    indented"),
        ("x" * 1000, "x" * 400 + "… [600 more characters]"),
        ("a\x1b[8mhidden\x1b[0m", "a\\u{1b}[8mhidden\\u{1b}[0m"),
        (
            "if (admin\u202e\u2066// check\u2069) {",
            "if (admin\\u{202e}\\u{2066}// check\\u{2069}) {",
        ),
    ],
)
def test_nothing_hides_in_a_line_of_code(text: str, shown: str) -> None:
    assert code_line(text) == shown


# -- the commands --------------------------------------------------------------------------------


def project_at(repo: GitRepo, verdaccio: Verdaccio, version: str) -> None:
    """A project whose committed settings name the registry and whose lockfile locks ``upgrade``."""
    release = registry_of(verdaccio).packument("upgrade").release(version)
    repo.write(".npmrc", f"ignore-scripts=true\nregistry={verdaccio.url}\n")
    manifest = {"name": "app", "version": "1.0.0", "dependencies": {"upgrade": version}}
    repo.write("package.json", json.dumps(manifest))
    entry = {"version": version, "resolved": release.tarball, "integrity": release.integrity}
    lock = {
        "name": "app",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "requires": True,
        "packages": {"": manifest, "node_modules/upgrade": entry},
    }
    repo.write("package-lock.json", json.dumps(lock, indent=2))
    repo.commit()


def test_inspect_asks_the_registry_that_the_project_names(
    git_repo: GitRepo, upgrade: Verdaccio
) -> None:
    project_at(git_repo, upgrade, "1.0.0")
    done = npm_vetted_here("inspect", "upgrade", cwd=git_repo.path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.partition("\n\n")[2].startswith("upgrade@1.0.0\nRuns things\n")
    done = npm_vetted_here("inspect", "upgrade@latest", "--format", "json", cwd=git_repo.path)
    check_output("inspect", done.stdout)
    found = json.loads(done.stdout)
    assert (found["version"], found["package_version"]) == (1, "1.1.0")
    assert found["publisher_changed"] is True


def test_inspect_holds_the_tarball_against_the_lockfile(
    git_repo: GitRepo, upgrade: Verdaccio
) -> None:
    project_at(git_repo, upgrade, "1.0.0")
    lock = git_repo.path / "package-lock.json"
    other = registry_of(upgrade).packument("upgrade").release("1.1.0").integrity
    mine = registry_of(upgrade).packument("upgrade").release("1.0.0").integrity
    assert other is not None
    assert mine is not None
    lock.write_text(lock.read_text().replace(mine, other))
    done = npm_vetted_here("inspect", "upgrade@1.0.0", cwd=git_repo.path)
    assert (done.returncode, done.stdout) == (3, "")
    assert "upgrade@1.0.0: the tarball is not the one that was requested" in done.stderr


def test_inspect_of_what_is_not_there(git_repo: GitRepo, upgrade: Verdaccio) -> None:
    project_at(git_repo, upgrade, "1.0.0")
    done = npm_vetted_here("inspect", "upgrade@7.0.0", cwd=git_repo.path)
    assert (done.returncode, done.stdout, done.stderr) == (
        3,
        "",
        "npm-vetted: upgrade@7.0.0 does not exist in the registry; its latest is 1.1.0\n",
    )


def test_diff_starts_from_the_vetted_version(git_repo: GitRepo, upgrade: Verdaccio) -> None:
    git_repo.commit("no package")
    done = npm_vetted_here("diff", "upgrade", "1.1.0", cwd=git_repo.path)
    assert done.returncode == 2
    assert "no other version of upgrade is vetted in this repository" in done.stderr
    project_at(git_repo, upgrade, "1.0.0")
    release = registry_of(upgrade).packument("upgrade").release("1.0.0")
    git_repo.write(".vetting/config.toml", "format = 1\n")
    git_repo.write(".vetting/exemptions.txt", f"upgrade@1.0.0 {release.integrity} - at adoption\n")
    done = npm_vetted_here("diff", "upgrade", "latest", "--stat", cwd=git_repo.path)
    assert (done.returncode, done.stderr) == (0, "")
    signals, _, page = done.stdout.partition("\n\n")
    assert signals.startswith("newly, since 1.0.0 (score ")
    assert page.startswith("upgrade 1.0.0 -> 1.1.0\n\nChangelog\nfrom CHANGELOG.md")
    found = compared(upgrade, "upgrade", "1.0.0", "1.1.0")
    assert done.stdout.endswith("\n".join(stat_lines(found.code)) + "\n")


def test_suggest_orders_by_work(git_repo: GitRepo, upgrade: Verdaccio) -> None:
    project_at(git_repo, upgrade, "1.1.0")
    whole = json.loads(npm_vetted_here("suggest", "--format", "json", cwd=git_repo.path).stdout)
    (alone,) = whole["suggestions"]
    assert (alone["status"], alone["from"], alone["direct"]) == ("unvetted", None, True)
    release = registry_of(upgrade).packument("upgrade").release("1.0.0")
    git_repo.write(".vetting/config.toml", "format = 1\n")
    git_repo.write(".vetting/exemptions.txt", f"upgrade@1.0.0 {release.integrity} - reason\n")
    git_repo.commit()
    done = npm_vetted_here("suggest", cwd=git_repo.path)
    found = compared(upgrade, "upgrade", "1.0.0", "1.1.0").code
    lines = found.added + found.removed
    assert 0 < lines < alone["lines"]
    said = [line for line in done.stdout.splitlines() if not line.startswith("    - ")]
    assert said[0].startswith(f"upgrade@1.1.0  unvetted  direct  {lines} lines")
    assert said[1].endswith(' diff "upgrade@1.0.0" 1.1.0')
    assert said[2].endswith(' note "upgrade@1.1.0"')
    assert said[3] == (f"npm-vetted: 1 unvetted, 0 exempt; {lines} lines to read")


@pytest.mark.network
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("express", "4.18.2", "4.19.2"),
        ("debug", "4.3.4", "4.3.5"),
        ("esbuild", "0.18.20", "0.19.0"),
    ],
)
def test_the_public_registry(tmp_path: Path, name: str, old: str, new: str) -> None:
    seen = npm_vetted_here("inspect", f"{name}@{new}", cwd=tmp_path)
    assert (seen.returncode, seen.stderr) == (0, "")
    assert seen.stdout.startswith(f"{name}@{new}\n")
    seen = npm_vetted_here("diff", f"{name}@{old}", new, cwd=tmp_path)
    assert (seen.returncode, seen.stderr) == (0, "")
    assert f"{name} {old} -> {new}\n\nChangelog\n" in seen.stdout


def test_nothing_is_asked_of_a_home_that_is_not_there(tmp_path: Path) -> None:
    environment = {key: os.environ[key] for key in ("PATH",)}
    done = subprocess.run(
        [sys.executable, "-m", "npm_vetted", "inspect", "../../etc@1.0.0"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        3,
        "npm-vetted: not the name of a package in a registry: '../../etc'\n",
    )
