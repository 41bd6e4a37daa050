"""Replay a repository's last lockfile commits as if it had adopted npm-vetted before them.

``python benchmarks/histories REPOSITORY --policy balanced`` adopts at the parent of the oldest of the
last 60 commits that touch a lockfile. Then it commits the real files of each. Where the hook rejects,
it runs ``note`` without words, as a bot's job does, and then, as a person would, the first fix that
is printed, until the commit is accepted. README.md says what the columns mean.

No registry is asked: one stands in that confirms what a lockfile says, and finds nothing unusual.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))

from obliging import Answer, World, run_program

LOCKFILES: Final = (
    "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "deno.lock",
)  # fmt: skip
WORDS: Final = "The changelog and the difference were read; nothing in them concerns us."
PROGRAM: Final = re.compile(
    r"^\+.*package = .*(?:linux|darwin|win32|windows)-?[\w-]*", re.MULTILINE
)
"""A package that is called after a platform, in a note that is added."""
LIMIT: Final = 8
"""So many commands are tried for one commit."""


@dataclass
class Replayed:
    """One commit: what the hook said, and what it took until the commit was accepted."""

    commit: str
    day: str
    author: str
    subject: str
    rejected: bool = False
    person: bool = False
    commands: list[str] = field(default_factory=list)
    """What a person ran, after the bot's job."""
    codes: dict[str, int] = field(default_factory=dict)
    """The findings that were left for a person."""
    why: list[str] = field(default_factory=list)
    """What ``note`` said of each package that it left."""
    left: list[dict[str, Any]] = field(default_factory=list)
    """Each package or finding that was left, and all reasons for it."""
    machine_code: bool = False
    """Whether a routine note covers a program for a platform: signals cannot see into these."""
    notes: int = 0
    lines: int = 0
    accepted: bool = True
    problem: str = ""


class History:
    """A clone that holds the real commits, and the branch that replays them."""

    def __init__(
        self, source: Path, folder: Path, *, new_names: bool, clock: bool, reasons: bool
    ) -> None:
        self.folder = folder
        self._building = ""
        """The index in which a tree is put together; empty: the clone's own."""
        self.reasons = reasons
        self.new_names = new_names
        self.clock = clock
        self.today: datetime.datetime | None = None
        self.hashes: dict[str, str] = {}
        self._there: set[str] = set()
        """Blobs that the clone is known to hold."""
        self.edits: dict[str, list[bytes]] = {}
        """The lines that ``init`` added to each of the repository's own files."""
        self.removed = folder.with_suffix(".removed")
        if not folder.exists():
            clone = ("git", "clone", "-q", "--shared", "--no-checkout", str(source), str(folder))
            subprocess.run(clone, check=True)
            self.git("update-ref", "refs/real", "HEAD")
        for key, value in (("user.name", "Ada Example"), ("user.email", "ada@example.com")):
            self.git("config", key, value)
        self.git("config", "core.hooksPath", "/dev/null")

    def git(self, *words: str, data: bytes | None = None) -> str:
        """git's answer; raises where it fails."""
        own = {"GIT_INDEX_FILE": self._building} if self._building else {}
        done = subprocess.run(
            ["git", *words], cwd=self.folder, input=data, capture_output=True, check=False,
            env={**os.environ, **own},
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"git {words}: {done.stderr.decode(errors='replace')[:300]}")
        return done.stdout.decode(errors="surrogateescape").rstrip("\n")

    def lockfile_commits(self, number: int) -> list[str]:
        """The last commits that change a lockfile against their first parent, oldest first."""
        paths = [f":(glob)**/{name}" for name in LOCKFILES]
        found = self.git(
            "log", "--first-parent", "-m", "--format=%H", f"-{number}", "refs/real", "--", *paths
        )
        return found.split("\n")[::-1]

    def learn_hashes(self, commits: list[str]) -> None:
        """Read the hashes of a client's own package from all lockfiles of the history.

        A manifest that pins pnpm does not have its hash; a lockfile that comes later may.
        """
        asked = ("-hA1", "-E", r"^  '?(@pnpm/exe|pnpm)@[0-9]", *commits, "--", "*pnpm-lock.yaml")
        try:
            lines = self.git("grep", *asked).splitlines()
        except RuntimeError:
            return  # no such lockfile
        for head, body in itertools.pairwise(lines):
            found = re.search(r"integrity: (sha512-[^},]+)", body)
            if found is not None:
                self.hashes[head.strip(" ':")] = found[1]

    def run(self, *words: str) -> Answer:
        """npm-vetted as it is at the moment of the commit."""
        moment = self.today if self.clock else None
        return run_program(self.folder, words, World(moment, self.hashes, self.new_names))

    def put(self, real: str, since: str) -> None:
        """Stage and write a real commit's files, with ours laid over them."""
        # Another index: the clone's own knows which files are on the disk as they should be.
        self._building = str(self.folder / ".git" / "building")
        try:
            tree = self._built(real, since)
        finally:
            self._building = ""
        self.git("read-tree", "--reset", "-u", tree)

    def _built(self, real: str, since: str) -> str:
        """The tree of a real commit's files, with ours laid over them."""
        ours = {path: self._blob("HEAD", path) for path in self.edits}
        self.git("read-tree", real)
        self._leave_out_what_is_missing()
        if self._blob("HEAD", ".vetting"):
            self.git("read-tree", "--prefix=.vetting/", "HEAD:.vetting")
        for path, mine in ours.items():
            base, theirs = self._blob(since, path), self._blob(real, path)
            if mine and theirs == base:
                self._lay(path, mine)
            elif mine and theirs:
                if path.endswith(".json"):
                    self._lay(path, self._merged_keys(mine, base, theirs))
                else:
                    self._lay(path, self._merged(mine, base, theirs, path))
        if self.removed.exists():
            self.git("update-index", "--force-remove", "--stdin", data=self.removed.read_bytes())
        return self.git("write-tree")

    def _leave_out_what_is_missing(self) -> None:
        """Drop files that the clone does not hold, such as large binaries."""
        rows = [row.partition("\t") for row in self.git("ls-files", "-s", "-z").split("\0")]
        named = {
            path: entry.split(" ")[1] for entry, _, path in rows if entry[:6] != "160000" and path
        }
        asked = sorted({*named.values()} - self._there)
        answers = self.git("cat-file", "--batch-check", data="\n".join(asked).encode()).split("\n")
        gone = {answer.split(" ")[0] for answer in answers if answer.endswith("missing")}
        self._there |= {*named.values()} - gone
        if gone:
            paths = "\0".join(path for path, blob in named.items() if blob in gone)
            self.git("update-index", "-z", "--force-remove", "--stdin", data=paths.encode())

    def _lay(self, path: str, blob: str) -> None:
        self.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")

    def _merged(self, mine: str, base: str | None, theirs: str, path: str) -> str:
        """The real file with the lines that ``init`` added; they win over lines of the same key."""
        old, ours, real = (self._lines(blob) for blob in (base, mine, theirs))
        added = self.edits[path]
        keys = {_key_of(line) for line in added if line.strip()}
        real = [line for line in real if line in added or _key_of(line) not in keys]
        with tempfile.TemporaryDirectory() as place:
            files = []
            for name, lines in (("mine", ours), ("base", old), ("theirs", real)):
                Path(place, name).write_bytes(b"".join(lines))
                files.append(str(Path(place, name)))
            merge = ["git", "merge-file", "-p", *files]
            done = subprocess.run(merge, capture_output=True, check=False)
        text = done.stdout
        if done.returncode:  # a conflict: the real file, and our lines below it
            whole = b"".join(real)
            text = b"".join([whole, b"" if whole.endswith(b"\n") else b"\n", *added])
        return self.git("hash-object", "-w", "--stdin", data=text)

    def _merged_keys(self, mine: str, base: str | None, theirs: str) -> str:
        """The real JSON with the keys that ``init`` added at the top, but for those that it has itself."""
        old, ours, real = (json.loads(b"".join(self._lines(b))) for b in (base, mine, theirs))
        real |= {key: value for key, value in ours.items() if key not in old and key not in real}
        data = f"{json.dumps(real, indent=2, ensure_ascii=False)}\n".encode()
        return self.git("hash-object", "-w", "--stdin", data=data)

    def _lines(self, blob: str | None) -> list[bytes]:
        asked = ["git", "cat-file", "blob", blob or ""]
        done = subprocess.run(asked, cwd=self.folder, capture_output=True, check=False)
        return done.stdout.splitlines(keepends=True)

    def _blob(self, commit: str, path: str) -> str | None:
        try:
            return self.git("rev-parse", "--verify", "-q", f"{commit}:{path}")
        except RuntimeError:
            return None

    def commit(self, message: str) -> None:
        """Commit what is staged, whatever it is."""
        self.git("commit", "-q", "--no-verify", "--allow-empty", "-m", message)

    def adopt(self, at: str, policy: str) -> Answer:
        """Adopt at a commit; what ``init`` said."""
        self.git("update-ref", "--no-deref", "HEAD", at)
        self.git("read-tree", at)
        self._leave_out_what_is_missing()
        self.git("checkout-index", "-q", "-a", "-f")
        self.commit("Start")
        self.today = self.moment_of(at)
        said = self.run("init", "--policy", policy)
        self.git("add", "-A")
        self.commit("Adopt npm-vetted")
        self.git("update-ref", "refs/adopted", "HEAD")
        self.know_edits()
        return said

    def know_edits(self) -> None:
        """Look up what ``init`` changed in the repository's own files."""
        changed = self.git("diff", "--name-only", "refs/adopted^", "refs/adopted").split("\n")
        for path in (each for each in changed if each and not each.startswith(".vetting/")):
            old, new = (self._lines(self._blob(f"refs/adopted{at}", path)) for at in ("^", ""))
            self.edits[path] = [line for line in new if line not in old]

    def moment_of(self, commit: str) -> datetime.datetime:
        """When a commit was made."""
        stamp = int(self.git("log", "-1", "--format=%ct", commit))
        return datetime.datetime.fromtimestamp(stamp, datetime.UTC)

    def judge(self) -> tuple[int, str]:
        """The status of the hook, and its report."""
        done = self.run("check", "--color", "never")
        if done.status and not done.out:
            raise RuntimeError(f"check: status {done.status}: {done.err[-400:]}")
        return done.status, done.out

    def errors(self) -> list[dict[str, Any]]:
        """What the hook rejects."""
        done = self.run("check", "--format", "json")
        return [each for each in json.loads(done.out)["findings"] if each["level"] == "error"]

    def replay(self, commit: str, last: str) -> Replayed:
        """Bring the real commit, as a bot or a person would."""
        parent = self.git("rev-parse", f"{commit}^1")
        self.put(parent, last)
        self._in_between()
        self.put(commit, parent)
        self.today = self.moment_of(commit)
        words = self.git("log", "-1", "--format=%cs%x00%an%x00%s", commit).split("\0")
        found = Replayed(commit[:12], *words)
        try:
            self._through_the_hook(found)
        except RuntimeError as error:
            found.problem, found.accepted = str(error), False
        self._count(found)
        self.commit(found.subject)
        return found

    def _in_between(self) -> None:
        """Commit what touches no lockfile, with the notes of a ``packageManager`` that it brings."""
        if any(path.endswith("package.json") for path in self._staged_paths()):
            self.run("note", "--staged", "-m", WORDS, "--criteria", "health,changelog,scripts")
        self.commit("What happened in between")

    def _staged_paths(self) -> list[str]:
        return self.git("diff", "--cached", "--name-only", "HEAD").splitlines()

    def _through_the_hook(self, found: Replayed) -> None:
        said = self.run("note", "--staged")
        found.why = [line for line in said.err.splitlines() if "needs a person" in line]
        if said.status > 2:
            found.problem = said.err[-300:]
        status, report = self.judge()
        found.person = status != 0
        found.rejected = found.person or "wrote and staged" in said.err
        if found.person and self.reasons:
            said = json.loads(self.run("reasons").out)
            found.codes, found.left = said["codes"], said["left"]
        for _ in range(LIMIT):
            if status == 0:
                return
            self._fix(report, found)
            status, report = self.judge()
        found.accepted = status == 0

    def _fix(self, report: str, found: Replayed) -> None:
        line = first_command(report)
        if line is None:
            errors = self.errors()
            first = errors[0] if errors else {}
            found.problem = found.problem or f"no command: {first.get('code')}: {first.get('fix')}"
            line = f'npm-vetted accept "{first.get("identity")}" --reason REASON'
        words = [WORDS if word == "REASON" else word for word in shlex.split(line)]
        found.commands.append(" ".join(word for word in words[1:] if word != WORDS)[:160])
        if words[0] == "git":
            self.git(*words[1:])
            if words[1] == "rm":  # the real history has the file again and again
                with self.removed.open("a") as known:
                    known.write("".join(f"{path}\n" for path in words[2:] if path[0] != "-"))
            return
        if words[1] == "note" and "-m" not in words:
            # At a terminal a person is asked for what only the registry tells: scripts.
            asked = [] if "--criteria" in words else ["--criteria", "scripts"]
            words += ["-m", WORDS, *asked]
        done = self.run(*words[1:])
        if done.status:
            found.problem = f"{line}: status {done.status}: {done.err[-300:]}"
        if words[1] in ("exempt", "accept"):
            self.git("commit", "-q", "--no-verify", "-m", "Policy", "--", ".vetting")

    def _count(self, found: Replayed) -> None:
        changed = self.git("diff", "--cached", "--numstat", "HEAD", "--", ".vetting")
        rows = [row.split("\t") for row in changed.split("\n") if row]
        found.notes = len(rows)
        added = self.git("diff", "--cached", "HEAD", "--", ".vetting/routine")
        found.machine_code = bool(PROGRAM.search(added))
        found.lines = sum(int(row[0]) for row in rows if row[0].isdigit())


def _key_of(line: bytes) -> bytes:
    """What stands before ``:`` or ``=`` in a line of a settings file."""
    return re.split(rb"[:=]", line, maxsplit=1)[0].strip()


def first_command(report: str) -> str | None:
    """The first command that a report for people prints for an error, if it is ours or git's.

    A client's command (an install, a setting) changes files that the real commit does not have.
    """
    level, told = "", False
    for line in report.splitlines():
        if found := re.match(r"\S.*?: (error|warning|notice): ", line):
            level, told = found[1], False
        _, mark, command = line.partition("    fix: ")
        if not mark:
            continue
        ours = command.startswith(("npm-vetted ", "git ", "/", '"/'))
        if level == "error" and ours and not told:
            return command
        told = True
    return None


def replays(arguments: argparse.Namespace, folder: Path, done: int) -> Iterator[Replayed]:
    """Each commit as it was replayed; ``done`` of them were by an earlier call."""
    history = History(
        arguments.repository,
        folder,
        new_names=not arguments.known_names,
        clock=arguments.clock,
        reasons=arguments.reasons,
    )
    commits = history.lockfile_commits(arguments.commits)
    history.learn_hashes(commits)
    if done:
        history.know_edits()
        last = commits[done - 1]
    else:
        last = history.git("rev-parse", f"{commits[0]}^1")
        said = history.adopt(last, arguments.policy)
        print(f"init: status {said.status}\n{said.out}{said.err}", file=sys.stderr)
    for commit in commits[done:][: arguments.chunk]:
        yield history.replay(commit, last)
        last = commit


def summary(found: list[Replayed]) -> str:
    """The figures of a history on one line."""
    persons = [each for each in found if each.person]
    noted = [each for each in found if each.notes]
    longest = max((len(each.commands) for each in found), default=0)
    per = sum(each.lines for each in noted) / max(len(noted), 1)
    notes = sum(each.notes for each in noted) / max(len(noted), 1)
    machine = sum(each.machine_code and not each.person for each in found)
    return (
        f"{len(found)} commits, {sum(each.rejected for each in found)} rejected, "
        f"{len(persons)} need a person ({100 * len(persons) / max(len(found), 1):.0f} %), "
        f"{sum(len(each.commands) == 1 for each in persons)} of them one command, longest {longest}; "
        f"{notes:.1f} notes and {per:.0f} lines per commit with notes; "
        f"{sum(not each.accepted for each in found)} never accepted; "
        f"{machine} more have machine code in a routine note"
    )


def main() -> int:
    """Replay, and print a line for each commit that was rejected."""
    parser = argparse.ArgumentParser(prog="python benchmarks/histories", description=__doc__)
    parser.add_argument("repository", type=Path, help="a clone with its history")
    parser.add_argument("--policy", choices=("strict", "balanced"), default="balanced")
    parser.add_argument("--commits", type=int, default=60)
    parser.add_argument("--known-names", action="store_true", help="without the rule on new names")
    parser.add_argument("--reasons", action="store_true", help="with --json: why, for reasons.py")
    parser.add_argument("--clock", action="store_true", help="at each commit's time")
    parser.add_argument("--json", type=Path, help="write every commit there")
    parser.add_argument(
        "--keep", type=Path, help="replay in this folder, and leave it; with --json, go on there"
    )
    parser.add_argument("--chunk", type=int, help="so many commits in this call")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = []
        if arguments.keep and arguments.keep.exists():
            found = [Replayed(**each) for each in json.loads(arguments.json.read_text())]
        for each in replays(arguments, arguments.keep or Path(place, "replay"), len(found)):
            found.append(each)
            if each.rejected:
                print(json.dumps(asdict(each)), flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps([asdict(e) for e in found], indent=1))
    print(summary(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
