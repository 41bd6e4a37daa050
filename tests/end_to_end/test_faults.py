"""Whatever goes wrong, nothing is lost and nothing is a yes by accident; each fault for real."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.test_processes import LOCKFILE, MANIFEST, NOTE, project
from tests.support.git_repo import GitRepo
from tests.support.program import npm_vetted, npm_vetted_here, start_copy

__all__ = ["project"]

SHA512 = "sha512-" + "A" * 86 + "=="
EXEMPTIONS = f"# why we do this, by hand\nold@1.0.0 {SHA512} - at adoption\n"
EXEMPT = ("exempt", "ms@2.1.3", "--reason", "it is ours in all but name")
WRITERS = {"note": NOTE, "exempt": EXEMPT}


def start(*arguments: str, cwd: Path, **options: Any) -> subprocess.Popen[str]:
    """Start npm-vetted, its output caught."""
    return start_copy(
        arguments,
        cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        **options,
    )  # fmt: skip


def start_python(*arguments: str, cwd: Path, **options: Any) -> subprocess.Popen[str]:
    """The same with an interpreter that starts; a ``preexec_fn`` may change what root may do."""
    return subprocess.Popen(
        [sys.executable, "-m", "npm_vetted", *arguments],
        cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        **options,
    )  # fmt: skip


def tree(repository: GitRepo) -> dict[str, bytes]:
    """Every file of the working tree."""
    files = (path for path in repository.path.rglob("*") if path.is_file())
    return {
        path.relative_to(repository.path).as_posix(): path.read_bytes()
        for path in files
        if ".git" not in path.relative_to(repository.path).parts[:1]
    }


def adopt_with_comment(repository: GitRepo) -> None:
    """Commit exemptions with a comment that a person wrote, apart from what is staged."""
    repository.write(".vetting/exemptions.txt", EXEMPTIONS)
    repository.git("add", ".vetting/exemptions.txt")
    repository.git("commit", "-qm", "Exempt", "--", ".vetting/exemptions.txt")


@dataclass
class Killed:
    """How a command that was killed again and again left things."""

    nothing: int = 0
    part: int = 0
    all: int = 0


def kill_while(repository: GitRepo, arguments: tuple[str, ...], times: int) -> Killed:
    """Kill a command at so many moments; every file is the old one or the new one, whole.

    Where a part was written, the next run writes the rest.
    """
    before = tree(repository)
    index = repository.git("write-tree")
    assert npm_vetted_here(*arguments, cwd=repository.path).returncode == 0  # imports, once
    put_back(repository, before, index)
    process = start(*arguments, cwd=repository.path)
    began = time.monotonic()
    process.communicate()
    length = time.monotonic() - began
    whole = tree(repository)
    paths = [path for path in whole if whole[path] != before.get(path)]
    assert before.keys() <= whole.keys()
    chance, found = random.Random(7), Killed()
    for _ in range(times):
        put_back(repository, before, index)
        process = start(*arguments, cwd=repository.path)
        time.sleep(chance.uniform(0, length * 1.1))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        after = tree(repository)
        assert after.keys() <= whole.keys(), "a temporary file is left in the tree"
        for path in whole:
            assert after.get(path) in (before.get(path), whole[path]), f"{path} is half written"
        repository.git("fsck", "--no-dangling")
        (repository.path / ".git" / "index.lock").unlink(missing_ok=True)  # git's, if it was hit
        written = sum(after.get(path) == whole[path] for path in paths)
        if written == len(paths):
            found.all += 1
        elif not written:
            found.nothing += 1
        else:
            found.part += 1
            assert npm_vetted_here(*arguments, cwd=repository.path).returncode == 0
            assert tree(repository) == whole
    put_back(repository, before, index)
    assert npm_vetted_here(*arguments, cwd=repository.path).returncode == 0
    assert tree(repository) == whole
    return found


def put_back(repository: GitRepo, files: Mapping[str, bytes], index: str) -> None:
    """Leave the working tree and the index as they were."""
    for path in tree(repository).keys() - files.keys():
        (repository.path / path).unlink()
    for path, data in files.items():
        repository.write(path, data)
    repository.git("read-tree", index)


@pytest.fixture
def adopting(git_repo: GitRepo) -> GitRepo:
    """A repository that has yet to adopt, with settings that a person wrote."""
    git_repo.write("package.json", MANIFEST)
    git_repo.write("package-lock.json", LOCKFILE)
    git_repo.write(".npmrc", "; by hand\nsave-exact=true\n")
    git_repo.commit("A project")
    return git_repo


@pytest.mark.parametrize("command", ["exempt", pytest.param("note", marks=pytest.mark.slow)])
def test_killed_at_any_moment_a_file_is_whole_or_not_there(project: GitRepo, command: str) -> None:
    adopt_with_comment(project)
    kill_while(project, WRITERS[command], 10)
    assert "# why we do this, by hand\n" in (project.path / ".vetting/exemptions.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("command", WRITERS)
def test_killed_two_hundred_times(project: GitRepo, command: str) -> None:
    adopt_with_comment(project)
    found = kill_while(project, WRITERS[command], 200)
    assert found.nothing
    assert found.all


@pytest.mark.slow
def test_init_killed_two_hundred_times(adopting: GitRepo) -> None:
    found = kill_while(adopting, ("init",), 200)
    assert found.nothing
    assert found.part
    assert (adopting.path / ".npmrc").read_text().startswith("; by hand\nsave-exact=true\n")


def test_what_a_killed_command_left_in_gits_folder_is_swept_up(project: GitRepo) -> None:
    left = project.write(".git/npm-vetted/abc.tmp", "half")
    assert npm_vetted_here(*NOTE, cwd=project.path).returncode == 0
    assert not left.exists()
    assert sorted(path.name for path in left.parent.iterdir()) == ["lock"]


def full_disk() -> None:
    """No file may grow beyond what git itself needs for its index."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))


@pytest.mark.parametrize("command", WRITERS)
def test_on_a_full_disk_nothing_is_lost(project: GitRepo, command: str) -> None:
    adopt_with_comment(project)
    before = tree(project)
    process = start(*WRITERS[command], cwd=project.path, first=full_disk)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (3, ""), said
    assert "File too large" in said
    assert "internal error" not in said
    assert tree(project) == before
    assert npm_vetted_here(*WRITERS[command], cwd=project.path).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip(f"only root may mount: {mounted.stderr}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [NOTE, EXEMPT, ("init",)], ids=lambda words: words[0])
@pytest.mark.parametrize("left", [0, 4096, 8192, 16384])
def test_on_a_disk_that_is_really_full_nothing_is_lost(
    small_disk: Path, arguments: tuple[str, ...], left: int
) -> None:
    """However little is left: whatever was written is whole, and the next run writes the rest."""
    repository = GitRepo(small_disk / "repo")
    repository.write("package.json", MANIFEST)
    repository.write("package-lock.json", LOCKFILE)
    if arguments != ("init",):
        repository.write(".vetting/config.toml", "format = 1\n[policy]\ncooldown-days = 0\n")
        repository.write(".vetting/exemptions.txt", EXEMPTIONS)
    repository.write(".npmrc", "; by hand\n")
    repository.commit("Before")
    before = tree(repository)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 512):
            pass
    os.truncate(filler, filler.stat().st_size - left)
    done = npm_vetted(*arguments, cwd=repository.path)
    assert done.returncode in (0, 3), done.stderr
    assert "internal error" not in done.stderr
    short = tree(repository)
    filler.unlink()
    assert npm_vetted(*arguments, cwd=repository.path).returncode == 0
    whole = tree(repository)
    assert short.keys() <= whole.keys()
    assert all(data in (before.get(path), whole[path]) for path, data in short.items())
    assert all(short.get(path) in (data, whole[path]) for path, data in before.items())
    assert done.returncode == 3 or short == whole


def obey_permissions() -> None:
    """Take from root the right to write where the permissions do not let it."""
    cap_dac_override, pr_capbset_drop = 1, 24
    ctypes.CDLL(None).prctl(pr_capbset_drop, cap_dac_override, 0, 0, 0)


@pytest.mark.parametrize("command", WRITERS)
def test_in_a_read_only_tree_nothing_is_lost(project: GitRepo, command: str) -> None:
    adopt_with_comment(project)
    before = tree(project)
    folders = [project.path, *(each for each in project.path.rglob("*") if each.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    process = start_python(*WRITERS[command], cwd=project.path, preexec_fn=obey_permissions)
    out, said = process.communicate(timeout=60)
    for folder in folders:
        folder.chmod(0o755)
    assert (process.returncode, out) == (3, ""), said
    assert "Permission denied" in said
    assert "internal error" not in said
    assert tree(project) == before


def test_two_commands_at_once_lose_nothing(project: GitRepo) -> None:
    adopt_with_comment(project)
    processes = [start(*arguments, cwd=project.path) for arguments in (NOTE, EXEMPT, NOTE, EXEMPT)]
    results = [(*process.communicate(timeout=60), process.returncode) for process in processes]
    assert [status for _, _, status in results] == [0] * 4, results
    exemptions = (project.path / ".vetting/exemptions.txt").read_text().splitlines()
    assert exemptions[0] == "# why we do this, by hand"
    assert [line.split("@")[0] for line in exemptions[1:]] == ["ms", "old"]
    notes = sorted(path for path in tree(project) if path.startswith(".vetting/notes/"))
    assert ".vetting/notes/ms/2.1.3.toml" in notes
    assert project.git("diff", "--name-only") == "", "everything that was written is staged"


def test_a_file_that_was_edited_by_hand_meanwhile_is_not_replaced(project: GitRepo) -> None:
    from npm_vetted.errors import UsageError
    from npm_vetted.git.repository import Repository
    from npm_vetted.git.writer import Store

    store = Store(Repository.open(str(project.path)))
    path = ".vetting/config.toml"
    read = store.read(path)
    project.write(path, "format = 1 # by hand\n")
    with pytest.raises(UsageError, match="changed while the command ran"):
        store.replace(path, b"format = 1\n", read)
    assert (project.path / path).read_text() == "format = 1 # by hand\n"
    assert not store.create(path, b"other")


@pytest.mark.parametrize(
    ("stream", "target"),
    [
        ("stdout", "pipe"),
        ("stderr", "pipe"),
        ("both", "pipe"),
        ("stdout", "full"),
        ("both", "full"),
    ],
)
def test_findings_that_nobody_could_read_are_no_yes(
    project: GitRepo, stream: str, target: str
) -> None:
    if target == "pipe":
        reader, out = os.pipe()
        os.close(reader)
    else:
        out = os.open("/dev/full", os.O_WRONLY)
    process = subprocess.run(
        [
            sys.executable,
            "-m",
            "npm_vetted",
            "-C",
            "." if stream != "stderr" else "nowhere",
            "check",
        ],
        cwd=project.path,
        stdout=out if stream != "stderr" else subprocess.DEVNULL,
        stderr=out if stream != "stdout" else subprocess.DEVNULL,
        check=False,
    )
    os.close(out)
    assert process.returncode == 3


@pytest.mark.parametrize("closed", ["stdout", "stderr", "both"])
def test_closed_streams_change_no_verdict(project: GitRepo, closed: str) -> None:
    redirection = {"stdout": ">&-", "stderr": "2>&-", "both": ">&- 2>&-"}[closed]
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m npm_vetted check {redirection}', sys.executable],
        cwd=project.path, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr


@pytest.mark.parametrize("arguments", [("check",), NOTE])
def test_an_interrupt_is_neither_a_yes_nor_a_finding(
    project: GitRepo, arguments: tuple[str, ...]
) -> None:
    began = time.monotonic()
    finished = npm_vetted("check", cwd=project.path).returncode
    length = time.monotonic() - began
    for part in (0.4, 0.7, 0.9):
        process = start_python(*arguments, cwd=project.path, start_new_session=True)
        time.sleep(length * part)
        os.killpg(process.pid, signal.SIGINT)
        out, said = process.communicate(timeout=60)
        done = finished if arguments == ("check",) else 0
        python = "KeyboardInterrupt" in said or "Fatal Python error" in said
        early = python and "npm_vetted" not in said  # before a line of ours ran
        interrupted = early or process.returncode in (130, -signal.SIGINT, 3)
        complete = process.returncode == done and (
            out if done else "wrote" in said or "vetted" in said
        )
        assert interrupted or complete, (process.returncode, out, said)


def environment_without(*names: str) -> Mapping[str, str]:
    return {key: value for key, value in os.environ.items() if key not in names}


@pytest.mark.parametrize("arguments", [("check",), NOTE, ("audit", "ms")])
def test_without_a_home(project: GitRepo, arguments: tuple[str, ...]) -> None:
    process = start(
        *arguments,
        cwd=project.path,
        env=environment_without("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"),
    )
    out, said = process.communicate(timeout=60)
    assert process.returncode == (1 if arguments == ("check",) else 0), out + said


def test_a_shallow_clone_is_undecided(project: GitRepo, tmp_path: Path) -> None:
    project.commit("Add ms")
    project.write("README", "more\n")
    project.commit("More")
    project.git("clone", "-q", "--depth", "1", project.path.as_uri(), str(tmp_path / "clone"))
    done = npm_vetted_here("check", "--from-ref", "HEAD~1", cwd=tmp_path / "clone")
    assert done.returncode == 2, "the ref itself is not there"
    project.git("-C", str(tmp_path / "clone"), "fetch", "-q", "--depth", "1", "origin",
                project.git("rev-parse", "HEAD~1"))  # fmt: skip
    done = npm_vetted_here("check", "--from-ref", "FETCH_HEAD", cwd=tmp_path / "clone")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "the clone is shallow (fetch the full history" in done.stdout


def test_a_partial_clone_is_undecided(project: GitRepo, tmp_path: Path) -> None:
    project.commit("Add ms")
    project.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    project.git(
        "clone", "-q", "--filter=blob:none", "--no-checkout", project.path.as_uri(), str(clone)
    )
    done = npm_vetted_here("check", "--from-ref", "HEAD~1", cwd=clone)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "a partial or broken clone" in done.stdout + done.stderr


def test_a_merge_with_conflicts_is_undecided(project: GitRepo) -> None:
    project.commit("Ours")
    project.git("checkout", "-qb", "theirs", "HEAD~1")
    project.write("package-lock.json", LOCKFILE.replace("2.1.3", "2.1.2"))
    project.write("package.json", MANIFEST)
    project.commit("Theirs")
    project.run("merge", "main", check=False)
    done = npm_vetted_here("check", cwd=project.path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "a merge conflict is not resolved" in done.stdout + done.stderr


def test_a_rebase_that_stopped_is_judged_as_what_it_will_commit(project: GitRepo) -> None:
    project.commit("Add ms")
    project.git("checkout", "-qb", "side", "HEAD~1")
    project.write("README", "side\n")
    project.commit("Side")
    project.git("checkout", "-q", "main")
    process = project.run(
        "-c", "sequence.editor=sed -i s/^pick/edit/", "rebase", "-i", "side", check=False
    )
    assert process.returncode == 0
    project.git("reset", "-q", "--soft", "HEAD~1")
    done = npm_vetted_here("check", "unvetted", cwd=project.path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "package-lock.json:" in done.stdout


@pytest.mark.parametrize("command", ["cherry-pick", "revert", "am"])
def test_what_stopped_at_a_conflict_is_judged_as_it_was_resolved(
    project: GitRepo, command: str
) -> None:
    project.write("README", "ours\n")
    project.commit("Add ms, and ours")
    added = project.git("rev-parse", "HEAD")
    if command == "revert":
        project.write("README", "more\n")
        project.write("package-lock.json", "{}")
        project.commit("Another")
        project.write("README", "and more\n")
        project.commit("And another")
        project.run("revert", "HEAD~1", check=False)
    else:
        mail = project.git("format-patch", "-1", "--stdout", added)
        project.git("reset", "-q", "--hard", "HEAD~1")
        project.write("README", "theirs\n")
        project.commit("Theirs")
        file = project.path.parent / "mail"
        file.write_text(mail + "\n")
        given = (added,) if command == "cherry-pick" else ("-3", str(file))
        project.run(command, *given, check=False)
    done = npm_vetted_here("check", cwd=project.path)
    assert done.returncode == 3, "conflicts: " + done.stdout + done.stderr
    project.write("README", "both\n")
    project.write("package.json", MANIFEST)
    project.write("package-lock.json", LOCKFILE)
    project.add()
    done = npm_vetted_here("check", "unvetted", cwd=project.path)
    assert done.returncode == 1, done.stdout + done.stderr


def test_sha256_repositories(tmp_path: Path) -> None:
    repository = GitRepo.__new__(GitRepo)
    repository.path = tmp_path / "repo"
    repository.path.mkdir()
    repository.git("init", "-q", "-b", "main", "--object-format=sha256")
    repository.git("config", "user.name", "Ada Example")
    repository.git("config", "user.email", "ada@example.com")
    repository.write("package.json", MANIFEST)
    repository.write("package-lock.json", LOCKFILE)
    repository.write(".npmrc", "ignore-scripts=true\n")
    repository.write(".vetting/config.toml", "format = 1\n[policy]\ncooldown-days = 0\n")
    repository.add()
    assert npm_vetted_here("check", "unvetted", cwd=repository.path).returncode == 1
    assert npm_vetted_here(*NOTE, cwd=repository.path).returncode == 0
    done = npm_vetted_here("check", "unvetted", "notes", cwd=repository.path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_windows_line_endings(project: GitRepo) -> None:
    assert npm_vetted_here(*NOTE, cwd=project.path).returncode == 0
    for path in (*tree(project),):
        project.write(path, (project.path / path).read_bytes().replace(b"\n", b"\r\n"))
    project.add()
    done = npm_vetted_here("check", cwd=project.path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_locks_that_someone_left(project: GitRepo) -> None:
    project.write(".git/npm-vetted/lock", "")
    assert npm_vetted_here(*NOTE, cwd=project.path).returncode == 0, "a lock that no process holds"


@pytest.mark.slow
def test_gits_own_lock_is_waited_for_and_then_named(project: GitRepo) -> None:
    project.write(".git/index.lock", "")
    done = npm_vetted_here(*NOTE, cwd=project.path)
    assert done.returncode == 3
    assert "index.lock" in done.stderr
    (project.path / ".git/index.lock").unlink()
    assert npm_vetted_here("check", "unvetted", cwd=project.path).returncode == 1, (
        "it is not staged"
    )
