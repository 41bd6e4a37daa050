"""The command lines that are timed: our own, the floors, and what people use."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

from cases import Case
from measure import Command

HERE: Final = Path(__file__).parent
INTERPRETER: Final = (sys.executable, str(HERE / "floors" / "nothing.py"))


def command_of(case: Case, folder: Path) -> Command:
    """What a case itself runs in its repository."""
    if case.program != "check":
        return other(case.program, case, folder)
    program = Path(sys.executable).with_name("npm-vetted")
    return Command((str(program), "check", *case.arguments), folder, case.status)


def other(name: str, case: Case, folder: Path) -> Command:
    """A floor, or another tool, in the repository of a case."""
    if name == "staged":
        return Command((sys.executable, str(HERE / "floors" / "staged.py")), folder)
    if name == "pre-commit":
        program = str(Path(sys.executable).with_name("pre-commit"))
        home = {"PRE_COMMIT_HOME": str(folder.with_name("pre-commit"))}
        return Command((program, "run"), folder, environment=home)
    assert case.lockfile is not None
    if name == "lockfile-lint":
        kind = "npm" if case.lockfile.endswith(".json") else "yarn"
        words = (
            "--path", case.lockfile, "--type", kind, "--validate-https", "--allowed-hosts", kind,
            "--validate-integrity", "--validate-package-names",
        )  # fmt: skip
        _checked_out(folder, case.lockfile)
        return Command((*_lockfile_lint(), *words), folder)
    is_json = case.lockfile in ("package-lock.json", "deno.lock")
    words = (case.lockfile, *(["json"] if is_json else []))
    return Command((sys.executable, str(HERE / "floors" / "read_lockfile.py"), *words), folder)


NAMES: Final = frozenset({"staged", "read", "lockfile-lint", "pre-commit"})


def _checked_out(folder: Path, lockfile: str) -> None:
    """Lay the staged lockfile on the disk: lockfile-lint reads no other."""
    subprocess.run(["git", "checkout-index", "--force", lockfile], cwd=folder, check=True)


@cache
def _lockfile_lint() -> tuple[str, str]:
    """Node.js and lockfile-lint, as the tests install them: from the committed lockfile, scripts off."""
    script = (
        f"import sys; sys.path.insert(0, {str(HERE.parent)!r})\n"
        "from tests.support.real_clients import NODE, install\nprint(NODE)\nprint(install())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    node, modules = done.stdout.split("\n")[:2]
    return node, str(Path(modules, "lockfile-lint", "bin", "lockfile-lint.js"))
