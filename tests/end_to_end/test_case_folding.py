"""On a file system that takes letters of either case for the same: exFAT, mounted for real."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.end_to_end.test_processes import LOCKFILE, MANIFEST
from tests.support.git_repo import GitRepo
from tests.support.program import npm_vetted

TOOLS: Final = ("mkfs.exfat", "mount.exfat-fuse", "losetup")
PAIRS: Final = [
    (".npmrc", ".NPMRC"),
    ("package.json", "Package.json"),
    ("package-lock.json", "package-lock.JSON"),
    ("app/.npmrc", "App/.npmrc"),
    ("app/package-lock.json", "APP/package-lock.json"),
    ("patches/ms.patch", "patches/MS.patch"),
    ("caf\u00e9/.npmrc", "CAF\u00c9/.npmrc"),
    (".vetting/config.toml", ".vetting/Config.toml"),
    (".vetting/config.toml", ".Vetting/config.toml"),
]


@pytest.fixture
def folding(tmp_path: Path) -> Iterator[Path]:
    """A folder on such a file system."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)}: apt-get install exfatprogs exfat-fuse mount")
    image, folder = tmp_path / "image", tmp_path / "mounted"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    run("mkfs.exfat", str(image))
    device = run("losetup", "--find", "--show", str(image))
    try:
        run("mount.exfat-fuse", device, str(folder))
        try:
            yield folder
        finally:
            run("umount", str(folder))
    finally:
        run("losetup", "--detach", device)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize(("judged", "other"), PAIRS)
def test_what_such_a_checkout_hides_is_a_finding(
    git_repo: GitRepo, folding: Path, judged: str, other: str
) -> None:
    """Both in git, one in the checkout: whichever it is, the commit that added it was rejected."""
    git_repo.write(".npmrc", "ignore-scripts=true\n")
    git_repo.write("package.json", MANIFEST)
    git_repo.write("package-lock.json", LOCKFILE)
    git_repo.write(".vetting/config.toml", "format = 1\n")
    git_repo.write(judged, "judged\n" if judged.endswith(".patch") else b"")
    git_repo.commit("As it was judged")
    oid = git_repo.git("hash-object", "-w", str(git_repo.write("evil", "# evil\n")))
    git_repo.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{other}")
    done = npm_vetted("check", "lockfile-sync", cwd=git_repo.path)
    assert (done.returncode, other in done.stdout) == (1, True), done.stdout + done.stderr
    git_repo.git("commit", "-qm", "Another", "--no-verify")
    clone = folding / "clone"
    git_repo.git("clone", "-q", str(git_repo.path), str(clone))
    names = [path.casefold() for path in (judged, other)]
    found = [
        path for path in clone.rglob("*") if path.relative_to(clone).as_posix().casefold() in names
    ]
    assert len(found) == 1, "this file system tells them apart"


@pytest.mark.slow
def test_every_command_works_there(folding: Path) -> None:
    """No hard links, no permissions, no difference of case: what is written is whole all the same."""
    repository = GitRepo(folding / "repo")
    assert repository.git("config", "core.ignorecase") == "true"
    repository.write("package.json", MANIFEST)
    repository.write("package-lock.json", LOCKFILE)
    repository.commit("A project")
    assert npm_vetted("init", cwd=repository.path).returncode == 0
    repository.commit("Adopt")
    names = {"JSONStream": "1.3.5", "jsonstream": "1.0.3"}
    text = MANIFEST.replace(
        '"ms"', "".join(f'"{name}": "{names[name]}", ' for name in names) + '"ms"'
    )
    repository.write("package.json", text)
    entries = "".join(
        f'"node_modules/{name}": {{"version": "{version}", "resolved": '
        f'"https://registry.npmjs.org/{name}/-/{name}-{version}.tgz", '
        f'"integrity": "sha512-{"A" * 86}=="}}, '
        for name, version in names.items()
    )
    repository.write(
        "package-lock.json", LOCKFILE.replace('"node_modules/ms"', f'{entries}"node_modules/ms"')
    )
    repository.add()
    for label in (f"{name}@{version}" for name, version in names.items()):
        done = npm_vetted("note", "--offline", label, "-m", "Read from top to bottom, twice.",
                          "--criteria", "health", cwd=repository.path)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    notes = [path for path in repository.git("ls-files").splitlines() if "/notes/" in path]
    assert len({path.casefold() for path in notes}) == 2, notes
    done = npm_vetted("check", "unvetted", "notes", cwd=repository.path)
    assert done.returncode == 0, done.stdout + done.stderr
