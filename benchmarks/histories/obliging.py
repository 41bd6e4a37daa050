"""npm-vetted in a process of its own, with a registry that confirms whatever a lockfile says."""

from __future__ import annotations

import datetime
import gc
import importlib
import json
import os
import pkgutil
import socket
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

import npm_vetted
import npm_vetted.commands._routine_notes as routine
import npm_vetted.commands.note as noting
from npm_vetted.cli import main
from npm_vetted.commands._note_dialogue import NoteDialogue
from npm_vetted.model import Artifact, Kind, Published
from npm_vetted.recording.proposals import Draft
from npm_vetted.registry import Registry
from npm_vetted.review.signals.weighing import Score
from npm_vetted.vetting.resolver import Vetting

for _found in pkgutil.walk_packages(npm_vetted.__path__, "npm_vetted."):
    if "__main__" not in _found.name:  # imported once, for every process
        importlib.import_module(_found.name)
gc.freeze()

MADE_UP = "sha512-" + "A" * 86 + "=="
PUBLISHED = datetime.datetime(2012, 1, 1, tzinfo=datetime.UTC)


class Answer(NamedTuple):
    """What a run gave."""

    status: int
    out: str
    err: str


BUILDERS = {
    "@swc/core",
    "cypress",
    "esbuild",
    "fsevents",
    "puppeteer",
    "sharp",
    "simple-git-hooks",
    "workerd",
}
"""Not every lockfile tells who has install scripts; these do."""


def _scripts(artifact: Artifact) -> tuple[str, ...]:
    return ("postinstall",) if artifact.scripts or artifact.name in BUILDERS else ()


def _confirmed(_: NoteDialogue, drafts: Sequence[Draft]) -> dict[Artifact, Published]:
    items = [item.artifact for draft in drafts for item in draft.items]
    return {
        each: Published(PUBLISHED, each.integrity or MADE_UP, _scripts(each), {})
        for each in items
        if each.kind is Kind.REGISTRY
    }


def _no_network(*_: object, **__: object) -> NoReturn:
    raise OSError("no registry is asked in a replay")


class World(NamedTuple):
    """What a run finds: the moment of the commit, hashes that only later lockfiles pin, the rules."""

    moment: datetime.datetime | None
    hashes: Mapping[str, str]
    new_names: bool


class _AnyMoment(type(datetime.datetime)):  # type: ignore[misc]
    """Makes the moments of TOML and of the standard library count as those of the stopped clock."""

    def __instancecheck__(cls, each: object) -> bool:
        return isinstance(each, _RealMoment)


_RealMoment = datetime.datetime


def _stop_the_clock(moment: datetime.datetime) -> None:
    """Let every module that asks for the time get the one of the commit."""

    class Stopped(datetime.datetime, metaclass=_AnyMoment):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
            return moment.astimezone(tz)

    datetime.datetime = Stopped  # type: ignore[misc]


def _obliging(world: World) -> None:
    """Put the stand-ins in place; AttributeError where the program has moved on from them."""

    def released(_: Registry, name: str, version: str) -> Published:
        """What no lockfile pins yet, a client's own package for one."""
        integrity = world.hashes.get(f"{name}@{version}", MADE_UP)
        return Published(PUBLISHED, integrity, ("postinstall",) if name in BUILDERS else (), {})

    _ = (
        noting.seen_by_registry,
        noting.say_what_remains,
        routine.scores_of,
        socket.create_connection,
    )
    noting.seen_by_registry = _confirmed
    Registry.version = released  # type: ignore[method-assign]
    noting.say_what_remains = lambda _: None  # ``check`` says it next
    routine.scores_of = lambda wanted, **_: [Score(0, ()) for _ in wanted]
    socket.create_connection = _no_network
    socket.socket.connect = _no_network  # type: ignore[method-assign]
    if world.moment is not None:
        _stop_the_clock(world.moment)
    if not world.new_names:
        _ = Vetting.is_new_name
        Vetting.is_new_name = lambda *_: False  # type: ignore[method-assign]


def _reasons() -> int:
    from reasons import facts

    print(json.dumps(facts()))
    return 0


def run_program(folder: Path, words: Sequence[str], world: World) -> Answer:
    """``npm-vetted WORDS`` in a folder, with nobody there, as a hook runs it."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            os.chdir(folder)
            os.environ["PRE_COMMIT"] = "1"
            nobody = os.open(os.devnull, os.O_RDONLY)
            for at, file in enumerate((nobody, out.fileno(), err.fileno())):
                os.dup2(file, at)
            status = 70
            try:
                _obliging(world)
                status = _reasons() if list(words) == ["reasons"] else main(list(words))
            except SystemExit as ended:
                status = int(ended.code or 0)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        return Answer(
            os.waitstatus_to_exitcode(ended),
            out.read().decode(),
            err.read().decode(errors="replace"),
        )
