"""The hook manifest: what pre-commit makes of it, and that its entries are commands that run."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import Any

import pytest
import yaml

from npm_vetted.checks import checks
from tests.support.git_repo import GitRepo
from tests.support.real_clients import ROOT
from tests.support.story import SCRIPTS

MANIFEST = ROOT / ".pre-commit-hooks.yaml"
HOOKS: list[dict[str, Any]] = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
STAGES = ["pre-commit", "pre-merge-commit", "pre-push", "manual"]
IDS = [hook["id"] for hook in HOOKS]

TROUBLED = {
    "package.json": '{"name": "shop", "dependencies": {"ms": "^2.1.3"}}\n',
    "package-lock.json": """\
{
  "name": "shop",
  "lockfileVersion": 3,
  "packages": {
    "": {"name": "shop", "dependencies": {"ms": "^2.1.3"}},
    "node_modules/ms": {
      "version": "2.1.3",
      "resolved": "https://mirror.example/ms/-/ms-2.1.3.tgz",
      "integrity": "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA=="
    }
  }
}
""",
}  # fmt: skip
"""No switch, no note, and a host that nobody agreed to: something for each of the hooks."""


def test_precommit_takes_the_manifest() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-manifest", str(MANIFEST)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_hooks_of_the_contract() -> None:
    assert IDS == ["npm-vetted", "npm-ignore-scripts", "npm-vetting-notes", "npm-lockfile"]


@pytest.mark.parametrize("hook", HOOKS, ids=IDS)
def test_a_hook_runs_at_every_commit_whatever_it_touches(hook: dict[str, Any]) -> None:
    """pre-commit leaves deleted files out, so names would not tell that `.npmrc` is gone."""
    settings = {key: hook.get(key) for key in ("language", "always_run", "pass_filenames")}
    assert settings == {"language": "python", "always_run": True, "pass_filenames": False}
    assert hook["stages"] == STAGES


@pytest.mark.parametrize(
    ("hook", "found"),
    [
        ("npm-vetted", {"ignore-scripts", "lockfile-source", "unvetted"}),
        ("npm-ignore-scripts", {"ignore-scripts"}),
        ("npm-vetting-notes", {"unvetted"}),
        ("npm-lockfile", {"lockfile-source"}),
    ],
)
def test_an_entry_runs_its_checks(git_repo: GitRepo, hook: str, found: set[str]) -> None:
    for path, text in TROUBLED.items():
        git_repo.write(path, text)
    git_repo.add()
    entry = next(each["entry"] for each in HOOKS if each["id"] == hook)
    program, *arguments = shlex.split(entry)
    assert (program, arguments[:3]) == ("python", ["-I", "-m", "npm_vetted"])
    done = subprocess.run(
        [str(SCRIPTS / program), *arguments],
        cwd=git_repo.path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    named = {line[1:-1].split("[")[-1] for line in done.stdout.splitlines() if line.endswith("]")}
    assert named & checks().keys() == found


def test_this_repository_is_guarded_by_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "npm_vetted", "check", "--all"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    ours = [
        hook for repo in config["repos"] for hook in repo["hooks"] if hook["id"] == "npm-vetted"
    ]
    assert [(hook["entry"], hook["stages"]) for hook in ours] == [("npm-vetted check", STAGES)]
    assert config["default_install_hook_types"] == ["pre-commit", "pre-merge-commit", "pre-push"]
