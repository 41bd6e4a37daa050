"""Nothing that a repository holds or configures is run or imported while it is judged."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from npm_vetted.errors import UndecidedError
from npm_vetted.git.process import git_environment, git_program, trusted_folders
from tests.support.git_repo import GitRepo
from tests.support.program import npm_vetted, npm_vetted_here

SOURCE = Path(__file__).parents[2] / "hooks"
MANIFEST = json.dumps({"name": "judged", "private": True, "dependencies": {"ms": "2.1.3"}})
LOCKFILE = json.dumps(
    {
        "name": "judged",
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "judged", "dependencies": {"ms": "2.1.3"}},
            "node_modules/ms": {
                "version": "2.1.3",
                "resolved": "https://registry.npmjs.org/ms/-/ms-2.1.3.tgz",
                "integrity": "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/"
                "tXtF3WRTlA==",
            },
        },
    },
    indent=2,
)
NOTE = (
    "note",
    "ms@2.1.3",
    "--offline",
    "--criteria",
    "health",
    "-m",
    "read it, it is twenty lines",
)


@pytest.fixture
def project(git_repo: GitRepo) -> GitRepo:
    """A repository that has adopted, with a dependency staged."""
    git_repo.write(".vetting/config.toml", "format = 1\n[policy]\ncooldown-days = 0\n")
    git_repo.write(".npmrc", "ignore-scripts=true\n")
    git_repo.commit("Adopt")
    git_repo.write("package.json", MANIFEST)
    git_repo.write("package-lock.json", LOCKFILE)
    git_repo.add()
    return git_repo


def program(path: Path, mark: Path) -> str:
    """An executable that leaves a mark and does nothing else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {path.name} >> {mark}\ncat\nexit 0\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def trapped(project: GitRepo, tmp_path: Path) -> tuple[GitRepo, Path]:
    """A repository whose configuration names a program wherever git would run one."""
    mark = tmp_path / "marks"
    for name in ("pre-commit", "post-index-change", "reference-transaction", "post-checkout"):
        program(project.path / ".git" / "hooks" / name, mark)
        program(project.path / "traps" / "hooks" / name, mark)

    def trap(name: str) -> str:
        return program(project.path / "traps" / name, mark)

    for key, value in {
        "core.hooksPath": str(project.path / "traps" / "hooks"),
        "core.fsmonitor": trap("fsmonitor"),
        "core.pager": trap("pager"),
        "core.editor": trap("editor"),
        "core.sshCommand": trap("ssh"),
        "core.askPass": trap("askpass"),
        "core.gitProxy": trap("proxy"),
        "core.alternateRefsCommand": trap("refs"),
        "credential.helper": trap("credential"),
        "pager.log": trap("pager-log"),
        "pager.diff-index": trap("pager-diff"),
        "diff.external": trap("external"),
        "diff.trap.command": trap("driver"),
        "diff.trap.textconv": trap("textconv"),
        "filter.trap.clean": trap("clean"),
        "filter.trap.smudge": trap("smudge"),
        "filter.trap.required": "true",
        "filter.tra=p.process": trap("process"),
        "merge.trap.driver": trap("merge"),
        "gpg.program": trap("gpg"),
        "gpg.ssh.program": trap("ssh-keygen"),
        "gpg.ssh.defaultKeyCommand": trap("key"),
        "log.showSignature": "true",
        "grep.fallbackToNoIndex": "true",
        "submodule.recurse": "true",
        "alias.diff-index": f"!{trap('alias')}",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::{trap('remote')}",
        "remote.origin.uploadpack": trap("uploadpack"),
        "protocol.allow": "always",
        "protocol.ext.allow": "always",
    }.items():
        project.git("config", key, value)
    project.write(".gitattributes", "* diff=trap filter=trap merge=trap\n*.txt filter=tra=p\n")
    project.write(".git/info/attributes", "* diff=trap filter=trap merge=trap\n")
    return project, mark


FEW = ("check", "check a range", "note")
COMMANDS = {
    "check": ("check",),
    "check --all": ("check", "--all"),
    "check a range": ("check", "--from-ref", "HEAD"),
    "note": NOTE,
    "init": ("init",),
    "suggest": ("suggest", "--offline"),
    "audit": ("audit", "ms"),
    "prune": ("prune",),
}


@pytest.mark.parametrize(
    "command",
    [each if each in FEW else pytest.param(each, marks=pytest.mark.slow) for each in COMMANDS],
)
def test_git_runs_nothing_that_the_repository_configures(
    trapped: tuple[GitRepo, Path], command: str
) -> None:
    repository, mark = trapped
    for file in ("package.json", "package-lock.json", ".npmrc"):  # git compares them by content
        os.utime(repository.path / file)
    npm_vetted(*COMMANDS[command], cwd=repository.path)
    assert not mark.exists(), mark.read_text()


def test_the_history_of_a_signed_note_is_read_without_the_repositorys_programs(
    project: GitRepo, trapped: tuple[GitRepo, Path]
) -> None:
    repository, mark = trapped
    done = npm_vetted(*NOTE, cwd=repository.path)
    assert done.returncode == 0, done.stderr
    tree = repository.run(
        "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=", "write-tree"
    ).stdout
    signed = (
        f"tree {tree}author A <a@b> 1700000000 +0000\ncommitter A <a@b> 1700000000 +0000\n"
        "gpgsig -----BEGIN PGP SIGNATURE-----\n x\n -----END PGP SIGNATURE-----\n\nsigned\n"
    )
    file = repository.write(".git/signed", signed)
    commit = repository.git("hash-object", "-t", "commit", "-w", "--no-filters", "--", str(file))
    repository.write(".git/refs/heads/main", commit + "\n")
    mark.unlink(missing_ok=True)
    done = npm_vetted("audit", "ms@2.1.3", cwd=repository.path)
    assert done.returncode in (0, 1), done.stderr
    assert not mark.exists(), mark.read_text()


def test_a_missing_blob_is_undecided_and_not_fetched(trapped: tuple[GitRepo, Path]) -> None:
    repository, mark = trapped
    oid = repository.git("rev-parse", ":package-lock.json")
    (repository.path / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    mark.unlink(missing_ok=True)
    done = npm_vetted("check", cwd=repository.path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "git does not have this file's content" in done.stdout
    assert not mark.exists(), mark.read_text()


@pytest.mark.parametrize(
    "variable", ["GIT_LITERAL_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_GLOB_PATHSPECS"]
)
def test_how_git_reads_paths_elsewhere_changes_nothing(project: GitRepo, variable: str) -> None:
    expected = npm_vetted("check", cwd=project.path)
    found = npm_vetted("check", cwd=project.path, environment={variable: "1"})
    assert expected.returncode == 1
    assert (found.returncode, found.stdout) == (expected.returncode, expected.stdout)


@pytest.mark.parametrize(
    "folder", [".", "", "bin", "{repository}/bin", "{repository}/node_modules/.bin"]
)
@pytest.mark.parametrize("command", [("check",), ("audit", "ms")])
def test_a_git_in_the_repository_is_not_run(
    project: GitRepo, tmp_path: Path, folder: str, command: tuple[str, ...]
) -> None:
    mark = tmp_path / "mark"
    for place in (".", "bin", "node_modules/.bin"):
        program(project.path / place / "git", mark)
    path = folder.format(repository=project.path) + os.pathsep + os.environ["PATH"]
    done = npm_vetted(*command, cwd=project.path, environment={"PATH": path})
    assert not mark.exists()
    assert done.returncode == (1 if command == ("check",) else 0), done.stdout + done.stderr


def test_without_git_nothing_is_decided(project: GitRepo, tmp_path: Path) -> None:
    program(project.path / "git", tmp_path / "mark")
    done = npm_vetted("check", cwd=project.path, environment={"PATH": f".{os.pathsep}{tmp_path}"})
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "npm-vetted: git is not on PATH\n  install git, or put its folder on PATH\n"
    )


MODULES = (
    "git", "yaml", "json", "subprocess", "argparse", "urllib3", "semver", "tomlkit", "colorama", "threading",
    "tempfile", "hooks", "tests", "difflib", "tomllib", "gc", "sitecustomize_", "npm_vetted_",
)  # fmt: skip


@pytest.fixture
def littered(
    project: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[GitRepo, Path]:
    """A repository with modules that stand where ours are looked for, and leave a mark."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # what measures, imports first
    mark = tmp_path / "imported"
    trap = f"open({str(mark)!r}, 'a').write(__name__ + '\\n')\n"
    for name in MODULES:
        project.write(f"{name}.py", trap)
    for name in ("git", "yaml", "hooks", "npm_vetted/checks"):
        project.write(f"{name}/__init__.py", trap)
    project.write("evil.pth", f"import os; open({str(mark)!r}, 'a')\n")
    (project.path / "npm_vetted" / "checks" / "__init__.py").unlink()
    return project, mark


def entry_point() -> str:
    """What the installed ``npm-vetted`` does, as setuptools writes it."""
    return "import sys; from npm_vetted.__main__ import main; sys.exit(main())"


@pytest.mark.parametrize("command", ["check", "note", "audit"])
@pytest.mark.parametrize("path", [".", "{repository}"])
def test_nothing_of_the_repository_is_imported(
    littered: tuple[GitRepo, Path], tmp_path: Path, command: str, path: str | None
) -> None:
    repository, mark = littered
    for place in (repository.path / "npm_vetted",):
        (place / "checks").rmdir()
        place.rmdir()
    environment = {"PYTHONPATH": path.format(repository=repository.path)} if path else {}
    environment["PYTHONSAFEPATH"] = "1"
    done = npm_vetted(
        *COMMANDS[command],
        cwd=repository.path,
        environment=environment,
        python=("-c", entry_point()),
    )
    assert not mark.exists(), mark.read_text()
    assert done.returncode in (0, 1), done.stderr


@pytest.mark.parametrize("command", ["check", "note"])
def test_python_m_imports_nothing_from_the_folder_it_stands_in(
    littered: tuple[GitRepo, Path], command: str
) -> None:
    repository, mark = littered
    for place in (repository.path / "npm_vetted" / "checks", repository.path / "npm_vetted"):
        place.rmdir()
    done = npm_vetted(*COMMANDS[command], cwd=repository.path)
    assert not mark.exists(), mark.read_text()
    assert done.returncode in (0, 1), done.stderr


def test_the_hooks_start_python_isolated(littered: tuple[GitRepo, Path]) -> None:
    """``sitecustomize`` and ``npm_vetted`` of PYTHONPATH come before any line of ours."""
    repository, mark = littered
    trap = (repository.path / "git.py").read_text()
    repository.write("sitecustomize.py", trap)
    repository.write("npm_vetted/__init__.py", trap)
    repository.write("npm_vetted/__main__.py", trap)
    done = npm_vetted(
        "check",
        cwd=repository.path,
        environment={"PYTHONPATH": "."},
        python=("-I", "-m", "npm_vetted"),
    )
    assert not mark.exists(), mark.read_text()
    assert done.returncode == 1, done.stderr
    hooks = Path(__file__).parents[2].joinpath(".pre-commit-hooks.yaml").read_text().splitlines()
    entries = [line.strip() for line in hooks if "entry:" in line]
    assert all(line.startswith("entry: python -I -m npm_vetted check") for line in entries), entries


def test_no_shell_is_ever_asked() -> None:
    asking = [
        str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*.py")
        if "shell=True" in (text := file.read_text())
        or "os.system(" in text
        or "os.popen(" in text
        or "create_subprocess_shell" in text
    ]
    assert asking == []


def test_trusted_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside, link = tmp_path / "repo" / "bin", tmp_path / "bin", tmp_path / "link"
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    inside.mkdir()
    outside.mkdir()
    link.symlink_to(inside)
    monkeypatch.chdir(tmp_path / "repo")
    monkeypatch.setenv(
        "PATH", os.pathsep.join(["", ".", "bin", str(inside), str(link), str(outside)])
    )
    assert trusted_folders() == (str(outside),)
    assert git_environment()["PATH"] == str(outside)
    with pytest.raises(UndecidedError, match="git is not on PATH"):
        git_program()
    program(outside / "git", tmp_path / "mark")
    assert git_program() == str(outside / "git")


_SLOW_IMPORTS = (
    "dataclasses", "git", "hashlib", "inspect", "textwrap", "urllib.parse", "yaml",
    "npm_vetted.installs.shell.follower", "npm_vetted.installs.files.dockerfile",
)  # fmt: skip
"""Modules that take milliseconds to import (benchmarks/README.md), and that no such commit needs."""


def test_a_commit_that_adds_a_vetted_package_imports_no_slow_module(project: GitRepo) -> None:
    npm_vetted_here(*NOTE, cwd=project.path)
    project.add()
    told = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules, sep='\\n', flush=True))\n"
        "from npm_vetted.__main__ import main; main()"
    )
    done = npm_vetted("check", cwd=project.path, python=("-c", told))
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.splitlines())
    assert "npm_vetted.checks.unvetted" in imported
    assert imported.isdisjoint(_SLOW_IMPORTS)
