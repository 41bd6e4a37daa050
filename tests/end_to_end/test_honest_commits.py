"""What honest people commit: each must pass (exit 0), with the default policy unless it says otherwise."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from tests.attacks.lockfiles import (
    NAMES,
    PINS,
    REGISTRY,
    WRITERS,
    YARN_REGISTRY,
    Package,
    npm_version_2,
)
from tests.attacks.test_attacks import (
    BROUGHT,
    EVIL,
    FIRST_PARTY,
    GOOD,
    GOOD_FIXED,
    good_note,
    merging,
    with_deny,
    with_good,
)
from tests.attacks.world import Verdict, World, Worlds, adopt, worlds
from tests.support.real_clients import Clients

__all__ = ["worlds"]

CLIENTS: Final = tuple(NAMES)
Do = Callable[[World], None]


@dataclass(frozen=True)
class Commit:
    """What an honest person does; ``before`` is committed already."""

    name: str
    do: Do
    clients: tuple[str, ...]
    before: Do | None


COMMITS: list[Commit] = []


def honest(
    name: str, *, clients: tuple[str, ...] = ("npm",), before: Do | None = None
) -> Callable[[Do], Do]:
    """Register a commit."""

    def register(do: Do) -> Do:
        COMMITS.append(Commit(name, do, clients, before))
        return do

    return register


def cases() -> Iterator[object]:
    """The first client's is part of the short run."""
    for each in COMMITS:
        for number, client in enumerate(each.clients):
            marks = [pytest.mark.slow] if number else []
            yield pytest.param(each, client, id=f"{client}: {each.name}", marks=marks)


def passes(verdict: Verdict) -> None:
    assert (verdict.status, verdict.errors) == (0, set()), verdict.text


@honest("nothing but a README", clients=CLIENTS)
def _readme(world: World) -> None:
    world.append("README.md", "\nMore words.\n")


@honest("a package with a note", clients=CLIENTS)
def _with_note(world: World) -> None:
    with_good(world)


@honest("a note alone, before anything needs it", clients=CLIENTS)
def _note_alone(world: World) -> None:
    good_note(world)


@honest("the package that a note was written for earlier", clients=CLIENTS, before=_note_alone)
def _package_alone(world: World) -> None:
    world.install(GOOD, BROUGHT)


@honest("an upgrade with a delta note", clients=CLIENTS, before=with_good)
def _upgrade(world: World) -> None:
    world.install(GOOD_FIXED, group=None)
    world.write_note(GOOD_FIXED, criteria=["changelog"], **{"from": GOOD.version})


@honest("an upgrade of what is exempt, with a delta note", clients=CLIENTS)
def _upgrade_of_exempt(world: World) -> None:
    newer = replace(world.tree.named("left-pad"), version="1.3.1")
    world.install(newer, group=None)
    world.write_note(newer, criteria=["changelog"], **{"from": "1.3.0"})


@honest("a dependency removed", clients=CLIENTS)
def _removed(world: World) -> None:
    asked = world.tree.manifest["dependencies"]
    assert isinstance(asked, dict)
    del asked["left-pad"]
    world.drop_unasked()
    world.write_project()


@honest(
    "a dependency removed with what it brought, the note left", clients=CLIENTS, before=with_good
)
def _removed_with_transitive(world: World) -> None:
    asked = world.tree.manifest["dependencies"]
    assert isinstance(asked, dict)
    del asked[GOOD.name]
    world.drop_unasked()
    world.write_project()


@honest("a dependency removed together with its note", clients=CLIENTS, before=with_good)
def _removed_with_note(world: World) -> None:
    _removed_with_transitive(world)
    world.remove(f".vetting/notes/{GOOD.name}")


@honest("a dependency moved to development", clients=CLIENTS)
def _moved(world: World) -> None:
    asked = world.tree.manifest["dependencies"]
    assert isinstance(asked, dict)
    spec = asked.pop("left-pad")
    world.tree.manifest["devDependencies"] = dict(
        sorted({**world.tree.asked("devDependencies"), "left-pad": spec}.items())
    )
    world.write_project()


@honest("a script and a version of one's own", clients=CLIENTS)
def _script(world: World) -> None:
    world.json("package.json", lambda d: d.update(scripts={"test": "node --test"}, version="1.1.0"))
    if world.client == "npm":
        world.json(world.lockfile, lambda data: data.update(version="1.1.0"))
        world.json(world.lockfile, lambda data: data["packages"][""].update(version="1.1.0"))


@honest("a script alone, the lockfile's copy of the version left behind", clients=CLIENTS)
def _script_alone(world: World) -> None:
    world.json("package.json", lambda data: data.update(scripts={"lint": "eslint ."}))


@honest("a project renamed", clients=CLIENTS)
def _named(world: World) -> None:
    """Bun writes the root's name once and never again (1.2 to 1.4 tried)."""
    world.tree.manifest["name"] = "store"
    if world.client == "bun":
        world.write_manifest()
    else:
        world.write_project()


@honest("a bun update: the manifest's range raised, the lockfile's left", clients=("bun",))
def _raised(world: World) -> None:
    world.edit("package.json", '"debug": "^4.3.4"', '"debug": "^4.3.3"')
    world.edit(world.lockfile, '"debug": "^4.3.4"', '"debug": "^4.3.3"')
    world.commit("Asked for a little less")
    world.edit("package.json", '"debug": "^4.3.3"', '"debug": "^4.3.4"')


@honest("another indentation of the lockfile")
def _indented(world: World) -> None:
    world.write(world.lockfile, json.dumps(json.loads(world.read(world.lockfile)), indent=4) + "\n")


@honest("Windows line endings", clients=CLIENTS)
def _crlf(world: World) -> None:
    for name in ("package.json", world.lockfile):
        world.write(name, world.read(name).replace("\n", "\r\n"))


@honest("the keys of the lockfile in another order")
def _reordered(world: World) -> None:
    data = json.loads(world.read(world.lockfile))
    data["packages"] = dict(reversed(data["packages"].items()))
    world.write(world.lockfile, json.dumps(data, indent=2) + "\n")


def _version_2(world: World) -> None:
    world.write(world.lockfile, npm_version_2(world.tree))


@honest("a lockfile of version 2 in place of 3")
def _to_version_2(world: World) -> None:
    _version_2(world)


@honest("a lockfile of version 3 in place of 2", before=_version_2)
def _to_version_3(world: World) -> None:
    world.write_project()


def _migrated(world: World) -> None:
    """From npm: the same bytes under another client's lockfile."""
    world.remove(world.lockfile)
    world.client = "pnpm"
    world.tree.manifest["packageManager"] = PINS["pnpm"]
    world.write_project()


@honest("a migration from npm to pnpm with notes and exemptions", before=with_good)
def _to_pnpm(world: World) -> None:
    _migrated(world)


@honest("a project's folder renamed, the settings with it", clients=CLIENTS)
def _renamed(world: World) -> None:
    settings = (".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml", "pnpm-workspace.yaml")
    for name in ("package.json", world.lockfile, *settings):
        if (world.path / name).exists():
            world.write(f"app/{name}", world.read(name))
            world.remove(name)


def _workspace(world: World) -> None:
    world.tree.manifest["workspaces"] = ["packages/*"]
    world.write_project()
    world.json(world.lockfile, lambda d: d["packages"][""].update(workspaces=["packages/*"]))


@honest("a workspace that uses what is locked", before=_workspace)
def _new_workspace(world: World) -> None:
    world.write(
        "packages/a/package.json",
        '{"name": "a", "version": "1.0.0", "dependencies": {"left-pad": "^1.3.0"}}\n',
    )

    def lock(data: dict[str, dict[str, dict[str, object]]]) -> None:
        data["packages"]["node_modules/a"] = {"resolved": "packages/a", "link": True}
        data["packages"]["packages/a"] = {
            "version": "1.0.0", "dependencies": {"left-pad": "^1.3.0"},
        }  # fmt: skip

    world.json(world.lockfile, lock)


@honest("a second project that uses what the first does", clients=CLIENTS)
def _second_project(world: World) -> None:
    settings = (".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml", "pnpm-workspace.yaml")
    for name in ("package.json", world.lockfile, *settings):
        if (world.path / name).exists():
            world.write(f"tools/{name}", world.read(name))


@honest("the policy tightened together with a package and its note", clients=CLIENTS)
def _tightened(world: World) -> None:
    with_good(world)
    world.edit(".vetting/config.toml", "cooldown-days = 7", "cooldown-days = 14")
    world.append(".vetting/config.toml", '\n[[deny]]\npackage = "quietly-evil"\nreason = "known"\n')


@honest("the policy loosened alone", clients=CLIENTS)
def _loosened(world: World) -> None:
    world.edit(".vetting/config.toml", "cooldown-days = 7", "cooldown-days = 3")


def _loosened_exempt(world: World) -> None:
    world.append(".vetting/exemptions.txt", f"{EVIL.label} {EVIL.integrity} - taken as it is\n")


@honest("an exemption alone")
def _exempted(world: World) -> None:
    _loosened_exempt(world)


@honest("what was exempted before", before=_loosened_exempt)
def _use_of_exempted(world: World) -> None:
    world.install(EVIL)


@honest("an exemption that nothing needs any more taken away with the package", clients=CLIENTS)
def _pruned(world: World) -> None:
    _removed(world)
    lines = world.read(".vetting/exemptions.txt").splitlines(keepends=True)
    world.write(
        ".vetting/exemptions.txt", "".join(x for x in lines if not x.startswith("left-pad@"))
    )


@honest("a revert of the commit that added a package", clients=CLIENTS, before=with_good)
def _reverted(world: World) -> None:
    world.git("revert", "--no-commit", "HEAD")


@honest("a package with scripts, whose note says they were read")
def _scripted(world: World) -> None:
    world.install(replace(EVIL, scripts=True))
    world.write_note(EVIL, criteria=["health", "scripts"], scripts=["postinstall"])


@honest("a young version with a waiver", clients=CLIENTS)
def _waiver(world: World) -> None:
    world.install(EVIL)
    world.write_note(
        EVIL,
        published=datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=2),
        cooldown_waiver="fixes CVE-2026-1234, which our upload form is exposed to; diff read",
    )


@honest("a package of a scope with capitals and digits in its version", clients=CLIENTS)
def _scoped(world: World) -> None:
    package = Package(name="@some-scope/some.thing_2", version="1.0.0-beta.10")
    world.tree.manifest["dependencies"] = {
        **world.tree.asked("dependencies"), package.name: "1.0.0-beta.10",
    }  # fmt: skip
    world.install(package)
    path = ".vetting/notes/@some-scope/some.thing_2/1.0.0-beta.10.toml"
    text = world.read(world.write_note(package))
    world.remove(f".vetting/notes/{package.name}")
    world.write(path, text)


@honest("platform packages, as esbuild has them")
def _platforms(world: World) -> None:
    names = ("@esbuild/linux-x64", "@esbuild/darwin-arm64")
    children = [Package(name=name, version="0.21.5") for name in names]
    main = Package(name="esbuild", version="0.21.5", scripts=True)
    world.install(main, *children)

    def lock(data: dict[str, dict[str, dict[str, object]]]) -> None:
        packages = data["packages"]
        packages["node_modules/esbuild"]["optionalDependencies"] = dict.fromkeys(names, "0.21.5")
        for name in names:
            system, cpu = name.partition("/")[2].split("-")
            packages[f"node_modules/{name}"].update(optional=True, os=[system], cpu=[cpu])

    world.json(world.lockfile, lock)
    world.write_note(
        main,
        criteria=["health", "scripts"],
        scripts=["postinstall"],
        brings=[{"package": each.label, "integrity": each.integrity,
                 "published": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)}
                for each in children],
    )  # fmt: skip


@honest("what a package's tarball carries")
def _bundled(world: World) -> None:
    world.install(Package(name=EVIL.name, version=EVIL.version))

    def lock(data: dict[str, dict[str, dict[str, object]]]) -> None:
        packages = data["packages"]
        packages[f"node_modules/{EVIL.name}"].update(
            bundleDependencies=["inside"], dependencies={"inside": "^1.0.0"}
        )
        packages[f"node_modules/{EVIL.name}/node_modules/inside"] = {
            "version": "1.0.3", "inBundle": True, "license": "MIT",
        }  # fmt: skip

    world.json(world.lockfile, lock)
    world.write_note(EVIL, bundles=[{"package": "inside@1.0.3"}])


_COMMIT: Final = "0123456789abcdef0123456789abcdef01234567"
_GIT: Final = f"git+ssh://git@github.com/acme/tool.git#{_COMMIT}"


@honest("a git dependency with a note for that commit")
def _git(world: World) -> None:
    def lock(data: dict[str, dict[str, dict[str, object]]]) -> None:
        data["packages"]["node_modules/tool"] = {
            "version": "1.0.0", "resolved": _GIT, "integrity": EVIL.integrity, "license": "MIT",
        }  # fmt: skip
        asked = data["packages"][""]["dependencies"]
        assert isinstance(asked, dict)
        asked["tool"] = "github:acme/tool"

    world.json("package.json", lambda d: d["dependencies"].update(tool="github:acme/tool"))
    world.json(world.lockfile, lock)
    tool = Package(name="tool", version="1.0.0")
    world.write_note(tool, integrity=EVIL.integrity, resolved=_GIT)


ACME: Final = "https://npm.acme.example/"
OURS: Final = Package(name="@acme/billing", version="2.0.0")


def _first_party(world: World) -> None:
    world.append(".vetting/config.toml", FIRST_PARTY)


@honest("a package of ours from our registry", before=_first_party)
def _ours(world: World) -> None:
    world.install(OURS)
    world.edit(world.lockfile, OURS.url(), OURS.url(ACME))
    world.append(".npmrc", f"\n@acme:registry={ACME}\n")


def _private_registry(world: World) -> None:
    world.edit(
        ".vetting/config.toml",
        'allowed = ["https://registry.npmjs.org/"]',
        f'allowed = ["https://registry.npmjs.org/", "{ACME}"]',
    )


@honest("a package with a note from a registry that is listed", before=_private_registry)
def _private(world: World) -> None:
    world.install(EVIL)
    world.edit(world.lockfile, EVIL.url(), EVIL.url(ACME))
    world.append(".npmrc", f"\nregistry={ACME}\n")
    world.write_note(EVIL)


def _github_registry(world: World) -> None:
    world.edit(
        ".vetting/config.toml",
        'allowed = ["https://registry.npmjs.org/"]',
        'allowed = ["https://registry.npmjs.org/", "https://npm.pkg.github.com/"]',
    )


@honest("a package from GitHub's registry, whose tarballs are called otherwise",
        clients=("npm", "yarn-classic"), before=_github_registry)  # fmt: skip
def _from_github(world: World) -> None:
    package = Package(name="@org/tool", version="1.0.0")
    world.install(package)
    known = package.url(YARN_REGISTRY if world.client == "yarn-classic" else REGISTRY)
    url = f"https://npm.pkg.github.com/download/@org/tool/1.0.0/{'ab' * 20}"
    world.edit(world.lockfile, known, url)
    world.append(".npmrc", "\n@org:registry=https://npm.pkg.github.com\n")
    world.write_note(package)


@honest("an npm dedupe: a nested copy gives way to one that is locked", clients=("npm",))
def _dedupe(world: World) -> None:
    ms = world.tree.named("ms")
    nested = {"version": ms.version, "resolved": ms.url(), "integrity": ms.integrity}
    world.json(world.lockfile,
               lambda d: d["packages"].update({"node_modules/debug/node_modules/ms": nested}))  # fmt: skip
    world.commit("Nested")
    world.write_project()


@honest("a package of Haskell's", clients=("pnpm",))
def _haskell(world: World) -> None:
    world.append("pnpm-workspace.yaml", "packages: ['packages/*']\n")
    world.write("server/package.yaml", "name: server\ndependencies:\n- base >= 4.7\n")


@honest("documentation beside the policy")
def _documentation(world: World) -> None:
    world.write(".vetting/README.md", "How we vet.\n")
    world.write(".vetting/notes/README.md", "What is here.\n")


@pytest.mark.parametrize(("commit", "client"), list(cases()))
def test_an_honest_commit_passes(
    worlds: Worlds, tmp_path: Path, commit: Commit, client: str
) -> None:
    """As a commit, and as a range (what CI judges)."""
    world = worlds.copy(client, tmp_path / "repo")
    if commit.before is not None:
        commit.before(world)
        passes(world.judge_commit())
        world.commit("Before")
    commit.do(world)
    passes(world.judge_commit())
    start = world.git("rev-parse", "HEAD")
    world.commit()
    passes(world.check("--from-ref", start, "--to-ref", "HEAD"))


def test_what_was_malformed_can_be_mended(worlds: Worlds, tmp_path: Path) -> None:
    """It may have gone in unverified, or before there was a hook."""
    world = worlds.copy("npm", tmp_path / "repo")

    def change(data: dict[str, dict[str, dict[str, object]]]) -> None:
        data["packages"]["node_modules/debug"] |= {"hasInstallScript": "no", "dependencies": []}
        data["packages"]["node_modules/ms"]["name"] = {}

    world.json(world.lockfile, change)
    assert world.judge_commit().status == 3
    world.commit()
    world.write_project()
    passes(world.judge_commit())


@pytest.mark.parametrize("client", CLIENTS)
def test_a_merge_of_a_trunk_with_notes_passes(worlds: Worlds, tmp_path: Path, client: str) -> None:
    world = worlds.copy(client, tmp_path / "repo")
    world.git("checkout", "-q", "-b", "branch")
    world.write("src/index.js", "1\n")
    world.commit("Branch")
    world.git("checkout", "-q", "main")
    with_good(world)
    world.commit("Trunk")
    world.git("checkout", "-q", "branch")
    world.git("merge", "-q", "--no-ff", "--no-commit", "main")
    passes(world.judge_commit())
    world.commit("Merge")
    passes(world.check("--from-ref", "main", "--to-ref", "branch"))


def _ignored(world: World) -> None:
    world.append(
        ".vetting/config.toml",
        '\n[[ignore]]\ncheck = "install-command"\npath = "legacy/**"\nreason = "old"\n',
    )


def _other_note_alone(world: World) -> None:
    world.write_note(EVIL)


def _beside(world: World) -> None:
    world.write("docs/more.md", "more\n")


MERGES: Final = {
    "a loosening on the side": (_ignored, _beside),
    "a loosening on main": (_beside, _ignored),
    "a tightening on the side": (with_deny, _beside),
    "a package on the side, a tightening on main": (with_good, with_deny),
    "the project changed on both sides": (with_good, _script_alone),
    "a note on each side": (_note_alone, _other_note_alone),
}


@pytest.mark.parametrize("name", MERGES)
def test_a_merge_as_git_makes_it_passes(worlds: Worlds, tmp_path: Path, name: str) -> None:
    passes(merging(worlds, tmp_path, *MERGES[name]).judge_commit())


def test_a_loosening_alone_passes_with_a_notice(worlds: Worlds, tmp_path: Path) -> None:
    world = worlds.copy("npm", tmp_path / "repo")
    _loosened(world)
    verdict = world.judge_commit()
    assert (verdict.status, verdict.notices) == (0, {"policy"})


def test_a_first_commit_with_everything_passes(tmp_path: Path) -> None:
    """A template's: ``.vetting/`` is from the start, and judges itself."""
    path = tmp_path / "repo"
    path.mkdir()
    world = World(path, "npm")
    world.git("init", "-q", "-b", "main", "--template=")
    world.git("config", "user.name", "Ada Example")
    world.git("config", "user.email", "ada@example.com")
    world.write(".npmrc", "ignore-scripts=true\n")
    world.write(".vetting/config.toml", "format = 1\n")
    world.tree.manifest["dependencies"] = {}
    world.tree.manifest["devDependencies"] = {}
    world.tree.packages = []
    world.install(GOOD, BROUGHT)
    good_note(world)
    passes(world.judge_commit())


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new"), [("npm6", "npm11"), ("npm10", "npm12")])
def test_a_lockfile_rewritten_by_the_real_npm_passes(
    clients: Clients, tmp_path: Path, old: str, new: str
) -> None:
    """The same project locked by an older npm, adopted, and rewritten as version 3."""
    path = tmp_path / "repo"
    path.mkdir()
    world = World(path, "npm")
    world.git("init", "-q", "-b", "main")
    world.git("config", "user.name", "Ada Example")
    world.git("config", "user.email", "ada@example.com")
    world.write(".gitignore", "node_modules/\n")
    world.write(
        "package.json",
        json.dumps({"name": "shop", "version": "1.0.0", "dependencies": {"left-pad": "1.3.0"}}),
    )
    clients.run(old, "install", "--package-lock-only", "--ignore-scripts", cwd=path)
    world.commit("A project")
    adopt(world)
    flags = ("--package-lock-only", "--ignore-scripts", "--lockfile-version=3")
    clients.run(new, "install", *flags, cwd=path)
    passes(world.judge_commit())


def test_every_client_is_tried() -> None:
    assert set(WRITERS) == set(NAMES) == {client for each in COMMITS for client in each.clients}
