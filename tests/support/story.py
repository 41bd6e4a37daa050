"""A repository guarded by npm-vetted as a user has it: the framework's hooks, a user's PATH."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock

from tests.support.git_repo import GitRepo
from tests.support.real_clients import ROOT, Clients

BEFORE: Final = "2025-01-01"
"""npm resolves as on that day (``--before``): the trees of the story stay as they are."""

SCRIPTS: Final = Path(sys.executable).parent
WHY: Final = "HTTP server by OpenJS; releases and maintainers looked at, nothing odd."


def framework_command(framework: str) -> list[str]:
    """How pre-commit or prek is called: the ones that the tests were installed with."""
    if framework == "pre-commit":
        return [sys.executable, "-m", "pre_commit"]
    return [str(SCRIPTS / "prek")]


def users_path(*first: Path) -> str:
    """PATH as a user has it who has not installed npm-vetted."""
    inherited = os.environ.get("PATH", os.defpath).split(os.pathsep)
    others = [each for each in inherited if each and not Path(each, "npm-vetted").exists()]
    return os.pathsep.join([*map(str, first), *others])


@dataclass(frozen=True, slots=True)
class HookRepository:
    """Where the framework clones npm-vetted from, and where it keeps what it builds."""

    url: str
    rev: str
    store: Path

    @classmethod
    def of_head(cls, folder: Path) -> HookRepository:
        """This checkout's committed HEAD, cloned so that later commits do not move it."""
        clone = folder / "hooks.git"
        with FileLock(folder / "hooks.lock"):  # pytest-xdist's workers share the folder
            if not clone.is_dir():
                _run(["git", "clone", "--quiet", "--bare", str(ROOT), str(clone)], folder, {})
        rev = _run(["git", "rev-parse", "HEAD"], clone, {}).stdout.strip()
        return cls(clone.as_uri(), rev, folder / "store")

    def entry(self, hook: str = "npm-vetted") -> str:
        """What ``repos:`` of .pre-commit-config.yaml says."""
        return f"  - repo: {self.url}\n    rev: {self.rev}\n    hooks:\n      - id: {hook}\n"


def local_entry(executable: Path) -> str:
    """What ``repos:`` says where an executable that is there already is the hook."""
    return f"""\
  - repo: local
    hooks:
      - id: npm-vetted
        name: npm-vetted (every check)
        language: system
        entry: '"{executable}" check'
        always_run: true
        pass_filenames: false
        stages: [pre-commit, pre-merge-commit, pre-push, manual]
"""


class Story:
    """A guarded repository, and the commands that a user types in it."""

    def __init__(
        self, repo: GitRepo, framework: str, entry: str, env: Mapping[str, str], clients: Clients
    ) -> None:
        self.repo = repo
        self.framework = framework
        self.env = {**os.environ, **env}
        self._clients = clients
        kinds = "pre-commit, pre-merge-commit, pre-push"
        repo.write(
            ".pre-commit-config.yaml", f"default_install_hook_types: [{kinds}]\nrepos:\n{entry}"
        )
        repo.write(".gitignore", "node_modules/\n")
        repo.write(".npmrc", "ignore-scripts=true\n")
        repo.write("README.md", "# Shop\n")
        repo.commit("Start")

    def install(self) -> None:
        """``pre-commit install``."""
        self.run(*framework_command(self.framework), "install")

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command at the top of the repository."""
        return _run(list(command), self.repo.path, self.env, check=check)

    def shell(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run what a user pastes into a shell."""
        return self.run("/bin/sh", "-c", line)

    def git(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run git with the user's environment."""
        return self.run("git", *args, check=check)

    def npm(self, *args: str) -> None:
        """Run the real npm, as on a day of 2025."""
        self._clients.run(
            "npm11", *args, "--before", BEFORE, cwd=self.repo.path,
            env={key: self.env[key] for key in ("npm_config_cache",) if key in self.env},
        )  # fmt: skip

    def vetted(self, *args: str) -> str:
        """Run the npm-vetted that the tests were installed with; what it printed."""
        done = self.run(str(SCRIPTS / "npm-vetted"), *args)
        return done.stdout + done.stderr

    def fix(self, said: str, why: str = WHY) -> None:
        """Run the one command that a rejection prints, as printed, with a person's words."""
        (command,) = fixes(said)
        assert Path(command.split()[0]).is_absolute(), f"not on the user's PATH: {command}"
        self.shell(f"{command} -m '{why}'")

    def add(self, *packages: str) -> str:
        """Install packages and commit them with their note; the commit's hash."""
        self.npm("install", "--package-lock-only", *packages)
        self.git("add", ".")
        self.fix(self.rejected("commit", "-m", "Add"))
        self.accepted("commit", "-m", f"Add {' and '.join(packages)}")
        return self.repo.git("rev-parse", "HEAD")

    def slip(self, *packages: str) -> None:
        """Install packages and commit them past the hooks."""
        self.npm("install", "--package-lock-only", *packages)
        self.git("add", ".")
        self.git("commit", "--no-verify", "-m", f"Slip {' and '.join(packages)} in")

    def accepted(self, *command: str) -> str:
        """Run a git command that the hooks must let through; what it printed."""
        done = self.git(*command, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def rejected(self, *command: str) -> str:
        """Run a git command that the hooks must stop; what npm-vetted said."""
        done = self.git(*command, check=False)
        assert done.returncode != 0, done.stdout + done.stderr
        return spoken(done.stdout + done.stderr)

    def checks(self, *, passes: bool = True) -> str:
        """``pre-commit run --all-files``; what npm-vetted said, where it says anything."""
        done = self.run(*framework_command(self.framework), "run", "--all-files", check=False)
        assert (done.returncode == 0) == passes, done.stdout + done.stderr
        return spoken(done.stdout + done.stderr)


def spoken(output: str) -> str:
    """What the hook itself printed, without what the framework prints before and around it.

    prek indents it by two spaces, pre-commit does not.
    """
    lines = output.splitlines()
    start = next((n for n, each in enumerate(lines, 1) if each.startswith("- exit code:")), None)
    if start is None:
        return ""
    end = next(n for n, each in enumerate(lines, 1) if re.match(r" *npm-vetted: .* checked", each))
    return textwrap.dedent("\n".join(lines[start:end])).strip("\n") + "\n"


def fixes(output: str) -> list[str]:
    """The commands that findings print, as they are printed."""
    return re.findall(r"^ *fix: (.*)$", output, re.MULTILINE)


def _run(
    command: list[str], folder: Path, env: Mapping[str, str], *, check: bool = True
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **env}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done
