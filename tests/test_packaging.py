"""The package: what is in the files of a release, and that they install everywhere."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from email.parser import HeaderParser
from pathlib import Path
from typing import Final

import pytest
import yaml

from npm_vetted import SITE, __version__
from tests.support.git_repo import GitRepo
from tests.support.real_clients import ROOT
from tests.support.story import SCRIPTS

PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS: Final = ("linux", "macos", "windows")
MOST_MEGABYTES: Final = 45
"""The limit for an environment with everything in it, as pre-commit makes it."""


def run(*command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    """Run a command that must succeed; what it printed."""
    done = subprocess.run(
        [str(each) for each in command], cwd=cwd,
        env={**os.environ, "UV_CACHE_DIR": str(ROOT / ".cache" / "uv"), **(env or {})},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def megabytes(folder: Path) -> float:
    """The size of all files below a folder."""
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file()) / 1_000_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> GitRepo:
    """The files that git knows, as they are now, in a repository of their own."""
    repo = GitRepo(tmp_path_factory.mktemp("source") / "repo")
    for name in run("git", "ls-files", "-z").split("\0"):
        if name and (ROOT / name).is_file():
            repo.write(name, (ROOT / name).read_bytes())
    repo.run("add", "-f", ".")
    repo.git("update-index", "--chmod=+x", "tools/action.sh")
    repo.commit("The release", add=False)
    return repo


@pytest.fixture(scope="module")
def release(source: GitRepo) -> Path:
    """The folder with the files of a release."""
    run(sys.executable, "-m", "build", "--outdir", source.path / "dist", ".", cwd=source.path)
    return source.path / "dist"


@pytest.fixture(scope="module")
def requirements(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the package requires, as a file of requirements."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    file = tmp_path_factory.mktemp("requirements") / "requirements.in"
    file.write_text(config["options"]["install_requires"].strip() + "\n")
    return file


def compiled(requirements: Path, *options: str) -> list[str]:
    """The versions that a resolver takes."""
    quiet = ("--quiet", "--no-annotate", "--no-header")
    return run(SCRIPTS / "uv", "pip", "compile", *quiet, *options, requirements).split()


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_lowest_versions_are_wheels(requirements: Path, python: str, system: str) -> None:
    """No compiler is needed: a resolver that may build takes the same versions as one that may not."""
    options = (
        "--resolution",
        "lowest-direct",
        "--python-version",
        python,
        "--python-platform",
        system,
    )
    lowest = compiled(requirements, *options)
    assert lowest == compiled(requirements, *options, "--only-binary", ":all:")
    bounds = dict(re.findall(r"^([\w-]+)>=([\d.]+)", requirements.read_text(), re.MULTILINE))
    found = dict(each.split("==") for each in lowest)
    for name, bound in bounds.items():
        assert found[name.lower()].startswith(bound.removesuffix(".0")), name


@pytest.mark.slow
@pytest.mark.parametrize("resolution", ["lowest-direct", "highest"])
def test_it_installs_and_judges(
    release: Path, git_repo: GitRepo, tmp_path: Path, resolution: str
) -> None:
    """The wheel, with the oldest and the newest libraries, in an environment as pre-commit's."""
    (wheel,) = release.glob("*.whl")
    place = tmp_path / "environment"
    run(sys.executable, "-m", "virtualenv", "--quiet", place)
    run(SCRIPTS / "uv", "pip", "install", "--quiet", "--python", place / "bin" / "python",
        "--resolution", resolution, "--only-binary", ":all:", "--compile-bytecode", wheel)  # fmt: skip
    git_repo.write("package.json", '{"name": "shop", "dependencies": {"ms": "^2.0.0"}}\n')
    git_repo.write("Dockerfile", "FROM node\nRUN npm install\n")
    git_repo.write(".github/workflows/ci.yml", "jobs: {a: {steps: [{run: npm ci}]}}\n")
    git_repo.add()
    program = place / "bin" / "npm-vetted"
    run(program, "init", cwd=git_repo.path)
    git_repo.commit("Adopt", add=False)
    assert "nothing found" in run(program, "check", "--all", cwd=git_repo.path)
    assert run(program, "--version").split()[1] == __version__
    assert "audit.schema.json" in run(program, "audit", "--schema", cwd=git_repo.path)
    assert megabytes(place) < MOST_MEGABYTES


@pytest.mark.slow
def test_the_files_of_a_release_are_right(release: Path) -> None:
    (wheel,) = release.glob("*.whl")
    (sdist,) = release.glob("*.tar.gz")
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
        (name,) = (each for each in inside if each.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    with tarfile.open(sdist) as archive_file:
        outside = {each.partition("/")[2] for each in archive_file.getnames()}
    package = ROOT / "hooks" / "npm_vetted"
    wanted = {
        name.removeprefix("hooks/")
        for name in run("git", "ls-files", "-z", "--", package).split("\0")
        if name and (ROOT / name).is_file()
    }
    assert wanted - inside == set()
    assert {each for each in inside if not each.startswith("npm_vetted")} == set()
    assert {each for each in outside if each.startswith("tests")} == set()
    assert {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "setup.cfg"} <= outside
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert f"Documentation, {SITE}" in metadata.get_all("Project-URL", [])


@pytest.mark.slow
def test_pre_commit_goes_from_one_tag_to_the_next(source: GitRepo, git_repo: GitRepo) -> None:
    """What people do at a release: raise `rev`, and run the hook of the new tag."""
    source.git("tag", "-f", "v0.1.99")
    source.git("commit", "-q", "--allow-empty", "-m", "The next release")
    source.git("tag", "-f", f"v{__version__}")
    config = {
        "repos": [{"repo": source.path.as_uri(), "rev": "v0.1.99", "hooks": [{"id": "npm-vetted"}]}]
    }
    git_repo.write(".pre-commit-config.yaml", yaml.safe_dump(config))
    git_repo.commit("Start")
    command = [sys.executable, "-m", "pre_commit"]
    env = {"PRE_COMMIT_HOME": str(git_repo.path.parent / "pre-commit")}
    run(*command, "autoupdate", cwd=git_repo.path, env=env)
    text = (git_repo.path / ".pre-commit-config.yaml").read_text()
    assert yaml.safe_load(text)["repos"][0]["rev"] == f"v{__version__}"
    git_repo.commit("Raise npm-vetted")
    said = run(*command, "run", "npm-vetted", "--all-files", cwd=git_repo.path, env=env)
    assert "Passed" in said
    (made,) = Path(env["PRE_COMMIT_HOME"]).glob("repo*/py_env-*")
    assert megabytes(made) < MOST_MEGABYTES


def test_the_hooks_say_which_pre_commit_they_need() -> None:
    """Stages have their present names from 3.2.0 on."""
    for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")):
        assert hook["minimum_pre_commit_version"] == "3.2.0"
        # Not in the manifest: there it would override the user's default_language_version.
        assert "language_version" not in hook
    page = (ROOT / "docs" / "installation.md").read_text(encoding="utf-8")
    assert "pre-commit 3.2.0" in page
