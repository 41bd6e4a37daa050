"""Zero-installs: ``.pnp.cjs`` and ``.yarn/cache`` as the real Yarns write them, and as they must not be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from npm_vetted.clients.yarn_berry.pnp import code_hash, data_of, known_code
from tests.support.git_repo import GitRepo
from tests.support.npm_projects import check, run
from tests.support.real_clients import Clients, Marker

YARNS = ("yarn3.8", "yarn4.9", "yarn4.13", "yarn4.14", "yarn4.18")


@pytest.fixture
def zero(
    git_repo: GitRepo, clients: Clients, marker_package: Callable[..., Marker]
) -> Callable[..., GitRepo]:
    """A zero-install that a real Yarn wrote, adopted."""

    def make(yarn: str, more: str = "") -> GitRepo:
        marker = marker_package("lib", scripts=())
        (git_repo.path / "vendor").mkdir()
        (git_repo.path / "vendor" / "lib.tgz").write_bytes(marker.tarball.read_bytes())
        manifest = {"name": "p", "version": "1.0.0", "workspaces": ["a"]}
        asked = {"dependencies": {"lib": "file:./vendor/lib.tgz"}}
        git_repo.write("package.json", json.dumps({**manifest, **asked}))
        git_repo.write("a/package.json", json.dumps({"name": "a", "version": "1.0.0"}))
        git_repo.write("yarn.lock", "")
        lines = ["enableScripts: false", "enableGlobalCache: false"]
        lines += [] if yarn == "yarn3.8" else ["pnpEnableEsmLoader: true"]
        git_repo.write(".yarnrc.yml", "".join(f"{line}\n" for line in lines) + more)
        git_repo.write(".gitignore", ".yarn/install-state.gz\n")
        clients.run(yarn, "install", cwd=git_repo.path)
        git_repo.commit("Start")
        assert run(git_repo.path, "init").status == 0
        git_repo.commit("Adopt")
        return git_repo

    return make


def codes(repo: GitRepo, *words: str) -> list[tuple[str, str, str]]:
    found = check(repo, *words).findings
    return [
        (each["check"], each["code"], each["path"]) for each in found if each["level"] == "error"
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "lines", ["", "pnpEnableInlining: false\npnpMode: loose\n", "compressionLevel: 9\n"]
)
@pytest.mark.parametrize("yarn", YARNS)
def test_what_yarn_wrote_is_known(zero: Callable[..., GitRepo], yarn: str, lines: str) -> None:
    repo = zero(yarn, lines)
    for name in (".pnp.cjs", ".pnp.loader.mjs"):
        file = repo.path / name
        if file.exists():
            assert code_hash(file.read_bytes()) in known_code()
    assert codes(repo, "--all") == []
    baseline = repo.path / ".vetting/baseline.txt"
    assert not baseline.exists() or "pnp" not in baseline.read_text()


def _archive(repo: GitRepo) -> Path:
    (file,) = (repo.path / ".yarn/cache").glob("lib-*.zip")
    return file


def test_a_zero_install_that_somebody_changes(
    zero: Callable[..., GitRepo], clients: Clients
) -> None:
    repo = zero("yarn4.18")
    archive = _archive(repo)
    path = str(archive.relative_to(repo.path))
    sound = archive.read_bytes()
    archive.write_bytes(sound + b"\0")
    assert codes(repo) == [("integrity", "archive-differs", path)]
    archive.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    assert codes(repo) == [("integrity", "archive-elsewhere", path)]
    archive.write_bytes(sound)
    repo.write(".yarn/cache/evil-npm-1.0.0-0123456789-0123456789.zip", "PK")
    evil = ".yarn/cache/evil-npm-1.0.0-0123456789-0123456789.zip"
    assert codes(repo) == [("integrity", "archive-unlocked", evil)]
    repo.git("rm", "-q", "-f", evil)
    repo.write(".gitignore", "")
    repo.write(".yarn/install-state.gz", "state")
    assert codes(repo) == [("client-settings", "program", ".yarn/install-state.gz")]
    repo.git("checkout", "-q", "HEAD", "--", ".gitignore")
    repo.git("rm", "-q", "-f", ".yarn/install-state.gz")

    pnp = repo.path / ".pnp.cjs"
    wrote = pnp.read_text()
    pnp.write_text(wrote.replace('"use strict";', '"use strict";require("./evil");', 1))
    assert codes(repo) == [("client-settings", "program", ".pnp.cjs")]
    pnp.write_text(wrote.replace("/node_modules/lib/", "/node_modules/other/"))
    assert codes(repo) == [("lockfile-sync", "pnp-differs", ".pnp.cjs")]
    (finding,) = (each for each in check(repo).findings if each["code"] == "pnp-differs")
    assert "yarn install --mode=skip-build" in finding["fix"]
    # the printed commands, with the real Yarn: it writes what was there
    repo.git("rm", "-q", "-f", "--", ".pnp.cjs")
    clients.run("yarn4.18", "install", "--mode=skip-build", cwd=repo.path)
    assert pnp.read_text() == wrote


def test_all_but_the_data_is_code() -> None:
    code = b"a\nconst RAW_RUNTIME_STATE =\n'%s';\nb"
    known = code_hash(code % b"{}")
    assert code_hash(code % rb"{\'}") == known
    assert code_hash(code % rb"{\\") == known
    for changed in (code % b"{};'" + b"evil", code % rb"{\\';evil;'", b"'" + code % b"{}"):
        assert code_hash(changed) != known


CODE = (
    "var __non_webpack_module__ = module;\n\nfunction $$SETUP_STATE(hydrateRuntimeState, basePath) {\n"
    "  return hydrateRuntimeState(%s, {basePath: basePath || __dirname});\n  }\n\n(function f() {})();\n"
)


@pytest.mark.parametrize(
    ("state", "known"),
    [
        ('{\n    "a": [\n      ["b", "npm:1.0.0"],\n    ],\n  }', True),
        ('{\n    "a": require("evil"),\n  }', False),
        ('{\n    "__proto__": {"a": []},\n  }', False),
        ('{\n    "\\u005f_proto__": {"a": []},\n  }', False),
        ("{\n  }, {basePath: basePath || __dirname});\n}\nevil();\nf({\n  }", False),
    ],
)
def test_only_data_is_left_aside_in_the_code_of_yarn_3_1(state: str, *, known: bool) -> None:
    """Yarn before 3.2 has the data in the code itself, with commas at ends."""
    code = (CODE % state).encode()
    assert (code_hash(code) == code_hash((CODE % '{\n    "c": [],\n  }').encode())) == known
    assert (data_of(".pnp.cjs", code) is not None) == known
    assert code_hash(code.replace(b"\n", b"\r\n")) == code_hash(code)


def test_the_data_of_a_file_with_crlf_line_ends_is_read() -> None:
    """A public repository has its .pnp.cjs so; a line that goes on ends in a backslash."""
    code = b"const RAW_RUNTIME_STATE =\n'{\\\n  \"a\": []\\\n}';\n"
    assert data_of(".pnp.cjs", code.replace(b"\n", b"\r\n")) == {"a": []}
