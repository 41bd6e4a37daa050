"""Change the code in small ways, and see whether the tests beside it notice: ``python -m tools.mutation``.

mutmut makes the changes (mutants) and runs the tests. It is given one module at a time, with the tests
beside that module only: a mutant that only a distant test notices counts as one that survives.

    python -m tools.mutation                      every module of TARGETS, every mutant: some hours
    python -m tools.mutation --share 20           about a fifth of the mutants
    python -m tools.mutation --digits 6           another tenth: those whose number ends in 6
    python -m tools.mutation vetting/resolver     one module

It prints a line a module, and below it the diff of each mutant that survived. ``docs/mutation.md`` has the
last figures and the survivors that change nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
SCRIPTS: Final = Path(sys.executable).parent

TARGETS: Final[dict[str, tuple[str, ...]]] = {
    **{
        f"vetting/{name}": (f"vetting/test_{name}.py",)
        for name in (
            "baseline", "exemptions", "note_paths", "note_store", "notes", "pins", "policy", "policy_diff",
            "programs", "resolver",
            "routine", "streak",
        )
    },
    **{
        f"projects/{name}": (f"projects/test_{name}.py",)
        for name in (
            "case_folding", "change", "discovery", "file_names", "folder_dependencies", "links",
            "lockfile_owner", "lockfiles", "manifests", "package_manager", "paths",
            "project_change", "unlocked", "unread_names",
        )
    },
    "projects/introduced": ("projects/test_introduced.py", "projects/test_project_change.py"),
    "checks/unvetted": ("checks/test_unvetted.py",),
    "packages/integrity": ("packages/test_integrity.py",),
    "clients/npm/lockfile": ("clients/npm/test_lockfile.py", "clients/test_npm_lockfile.py"),
    "clients/pnpm/lockfile": ("clients/pnpm/test_lockfile.py",),
    "clients/pnpm/entries": ("clients/pnpm/test_entries.py",),
}  # fmt: skip
"""Modules of hooks/npm_vetted, and the files below tests that have to notice.

``vetting/presets`` is missing: it is data, and mutmut changes functions only.
"""

LEFT_OUT: Final = "not real_ and not _time and not any_key and not whatever"
"""Tests that start a client, measure the time (instrumented code is slow) or try many examples."""
KILLED: Final = frozenset({1, 3, 36, 24, 152, 255, -24})
"""How the tests end that fail, or take so long that mutmut stops them."""
LAST_DIGITS: Final = {10: "[3]", 20: "[37]", 30: "[370]", 50: "[13579]", 100: "*"}


def settings(module: str, tests: tuple[str, ...]) -> str:
    """mutmut's settings, to be added to the copy of pyproject.toml."""
    chosen = {
        "source_paths": ["src"],
        "only_mutate": [f"src/npm_vetted/{module}.py"],
        "also_copy": ["tools"],
        "pytest_add_cli_args": ["-q", "-n0", "-p", "no:cacheprovider", "-k", LEFT_OUT],
        "pytest_add_cli_args_test_selection": [f"tests/{each}" for each in tests],
    }
    return "\n[tool.mutmut]\n" + "".join(
        f"{key} = {json.dumps(value)}\n" for key, value in chosen.items()
    )


def copied(folder: Path, module: str) -> None:
    """A copy of the repository in the layout that mutmut knows: the package below ``src``."""
    for source, target in (("hooks", "src"), ("tests", "tests"), ("tools", "tools")):
        shutil.copytree(
            ROOT / source, folder / target, ignore=shutil.ignore_patterns("__pycache__")
        )
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    own = settings(module, TARGETS[module])
    (folder / "pyproject.toml").write_text(text + own, encoding="utf-8")
    (folder / "mutants" / "src").mkdir(
        parents=True
    )  # Python looks for a folder of its path only once


def run(module: str, digits: str, workers: int, folder: Path) -> tuple[int, list[str]]:
    """How many of a module's mutants were tried, and the names of those that survived."""
    copied(folder, module)
    pattern = f"npm_vetted.{module.replace('/', '.')}.*__mutmut_*{digits}"
    environment = {**os.environ, "PYTHONPATH": str(folder / "mutants" / "src")}
    command = [SCRIPTS / "mutmut", "run", "--max-children", str(workers), pattern]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    meta = folder / "mutants" / "src" / "npm_vetted" / f"{module}.py.meta"
    found = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    tried = {name: code for name, code in found.items() if code is not None}
    if not tried:
        sys.exit(f"{module}: nothing was tried\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return len(tried), [name for name, code in tried.items() if code not in KILLED]


def difference(name: str, folder: Path) -> str:
    """What a mutant changes."""
    done = subprocess.run(
        [SCRIPTS / "mutmut", "show", name], cwd=folder, capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if re.match(r"[-+](?![-+])", line)]
    return "\n".join([f"  {name}", *(f"    {line}" for line in lines)])


def main() -> None:
    """Try the modules that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", choices=[*TARGETS, []], metavar="MODULE")
    parser.add_argument(
        "--digits", metavar="DIGITS", help="in place of a share: mutants whose number ends in one"
    )
    parser.add_argument("--share", type=int, choices=LAST_DIGITS, default=100, metavar="PERCENT")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    digits = f"[{chosen.digits}]" if chosen.digits else LAST_DIGITS[chosen.share]
    for module in chosen.modules or TARGETS:
        with tempfile.TemporaryDirectory(prefix="mutation-") as name:
            folder = Path(name)
            tried, survived = run(module, digits, chosen.workers, folder)
            print(f"{module}: {tried - len(survived)} of {tried} killed", flush=True)
            for each in survived:
                print(difference(each, folder), flush=True)


if __name__ == "__main__":
    main()
