"""What is measured, and what each case is held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_CLIENTS: Final = {
    "npm": "package-lock.json", "pnpm": "pnpm-lock.yaml", "yarn-classic": "yarn.lock",
    "yarn-berry": "yarn.lock", "bun": "bun.lock", "deno": "deno.lock",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """What is run: how its repository is made, what it is held against, what the ratio may be.

    ``program`` is ``check``, a floor or another tool (``commands.py``); so is ``against``, or it is the
    name of another case.
    """

    name: str
    made_by: str
    against: str | None = None
    bar: float | None = None
    lockfile: str | None = None
    status: int = 0
    arguments: tuple[str, ...] = ()
    program: str = "check"


def cases() -> list[Case]:
    """Every case, in the order of the table."""
    return [
        Case("nothing of npm's", "locked(path, 'npm', 10000, more=0)", "staged", 2),
        *_locked(),
        *_wide(),
        *_grown("notes", "wide(path, noted={}, touches_npm=True)", (100, 1_000, 10_000), 1.2),
        *_grown("projects", "monorepo(path, projects={})", (1, 50, 500), None),
        *_whole(),
        *_beside(),
    ]


def _locked() -> Iterator[Case]:
    """One package, and a hundred, in a lockfile of ten thousand."""
    for client, lockfile in _CLIENTS.items():
        bar = 1.5 if client in ("npm", "deno") else 2  # JSON, and every other format
        made = f"locked(path, '{client}', 10000"
        yield Case(f"locked {client} +1 vetted", f"{made})", "read", bar, lockfile)
        yield Case(
            f"locked {client} +1 rejected", f"{made}, vetted=False)", "read", bar, lockfile, 1
        )
        yield Case(f"locked {client} +100", f"{made}, more=100)", "read", None, lockfile)


def _wide() -> Iterator[Case]:
    """Ten times more files; beside what git itself takes to tell what is staged there."""
    kinds = (("nothing", False, "check", 1.2), ("a package", True, "check", 1.2))
    for words, touches, program, bar in (*kinds, ("git alone", False, "staged", None)):
        for more, fewer in ((1_000, None), (10_000, 1_000), (100_000, 10_000)):
            yield Case(
                f"{more:,} files, {words}",
                f"wide(path, files={more}, touches_npm={touches})",
                f"{fewer:,} files, {words}" if fewer else None,
                bar if fewer else None,
                program=program,
            )


def _grown(what: str, made: str, counts: tuple[int, ...], bar: float | None) -> Iterator[Case]:
    """One thing in growing numbers, each held against the number before."""
    fewer = None
    for count in counts:
        against = f"{fewer:,} {what}" if fewer else None
        yield Case(f"{count:,} {what}", made.format(count), against, bar if fewer else None)
        fewer = count


def _whole() -> Iterator[Case]:
    for more, fewer in ((1_000, None), (10_000, 1_000)):
        yield Case(
            f"--all, {more:,} packages",
            f"locked(path, 'npm', {more}, more=0)",
            f"--all, {fewer:,} packages" if fewer else None,
            fewer and 10,
            arguments=("--all",),
        )


def _beside() -> Iterator[Case]:
    """Beside what people use; ahead is a ratio below 1."""
    for client in ("npm", "yarn-classic"):
        made, lockfile = f"locked(path, '{client}', 10000)", _CLIENTS[client]
        linted = (f"locked {client} +1, beside lockfile-lint", made, "lockfile-lint", 1, lockfile)
        yield Case(*linted)
        yield Case(
            f"--all lockfile-source of {client}, beside lockfile-lint", *linted[1:],
            arguments=("--all", "lockfile-source"),
        )  # fmt: skip
    yield Case(
        "nothing of npm's, beside pre-commit with an empty hook", "framework(path)", "pre-commit", 1
    )
