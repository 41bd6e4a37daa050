"""Small npm projects, notes and policies as text, and npm-vetted run on them as a user runs it."""

from __future__ import annotations

import base64
import datetime
import hashlib
import io
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npm_vetted.checks import checks
from npm_vetted.cli import main
from npm_vetted.git.repository import TreeEntry
from npm_vetted.git.snapshot import Snapshot
from tests.support.git_repo import GitRepo

REGISTRY = "https://registry.npmjs.org/"
SWITCH = "ignore-scripts=true\n"
LONG_AGO = "2020-01-01T00:00:00Z"


def sri(text: str, algorithm: str = "sha512") -> str:
    """The integrity of some bytes: ``sri("ms@2.1.3")``."""
    digest = hashlib.new(algorithm, text.encode()).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


@dataclass(frozen=True)
class Done:
    """What a run of the command gave."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output as JSON."""
        return json.loads(self.out)

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The findings of ``check --format json``."""
        found: list[dict[str, Any]] = self.json["findings"]
        return found

    @property
    def judged(self) -> list[tuple[str, str | None]]:
        """The check and package of each finding that is an error."""
        return [
            (each["check"], each["package"]) for each in self.findings if each["level"] == "error"
        ]


def run(folder: Path, *words: str, **environment: str) -> Done:
    """``npm-vetted WORDS``, in this process: the command line as a user gives it."""
    before, kept = Path.cwd(), {key: os.environ.get(key) for key in environment}
    out, err = io.StringIO(), io.StringIO()
    try:
        os.environ.update(environment)
        os.chdir(folder)
        with redirect_stdout(out), redirect_stderr(err):
            try:
                status = main(list(words))
            except SystemExit as ended:  # argparse ends so
                status = int(ended.code or 0)
    finally:
        os.chdir(before)
        for key, value in kept.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
    return Done(status, out.getvalue(), err.getvalue())


def check(repo: GitRepo, *words: str, add: bool = True, **environment: str) -> Done:
    """``check --format json`` on what is in the folder, once it is staged."""
    if add:
        repo.git("add", "-A")
    done = run(repo.path, "check", "--format", "json", *words, **environment)
    assert unlisted_codes(done) == [], "each code is listed in the CODES of its check"
    return done


def unlisted_codes(done: Done) -> list[tuple[str, str]]:
    """The codes of findings that their check does not list."""
    if not done.out.startswith("{"):
        return []
    known = {(name, code) for name, check in checks().items() for code in check.CODES}
    found = {(each["check"], each["code"]) for each in done.findings}
    return sorted(each for each in found - known if each[0] != "undecided")


Locked = Mapping[str, Mapping[str, Any]]


def entry(name: str, version: str = "1.0.0", /, **more: Any) -> dict[str, Any]:
    """What npm locks of a registry package; ``key=None`` leaves a key out."""
    file = f"{name.rpartition('/')[2]}-{version}.tgz"
    fields = {
        "version": version,
        "resolved": f"{REGISTRY}{name}/-/{file}",
        "integrity": sri(f"{name}@{version}"),
        **more,
    }
    return {key: value for key, value in fields.items() if value is not None}


def lockfile(manifest: Mapping[str, Any], packages: Locked) -> str:
    """A package-lock.json of version 3: ``packages`` by their place in node_modules."""
    root = {key: manifest[key] for key in manifest if key not in ("scripts", "private")}
    places = {f"node_modules/{place}": fields for place, fields in packages.items()}
    data = {"name": "p", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": root, **places}}
    return json.dumps(data, indent=2) + "\n"


def write_project(
    repo: GitRepo,
    packages: Locked,
    *,
    asked: Mapping[str, str] | Sequence[str] | None = None,
    folder: str = "",
    **fields: Any,
) -> None:
    """A package.json that requires these (default: all that stand at the top), and its lockfile."""
    names = [place for place in packages if "/node_modules/" not in place]
    wanted = names if asked is None else asked
    dependencies = wanted if isinstance(wanted, Mapping) else dict.fromkeys(wanted, "*")
    manifest = {"name": "p", "version": "1.0.0", "dependencies": dict(dependencies), **fields}
    prefix = f"{folder}/" if folder else ""
    repo.write(f"{prefix}package.json", json.dumps(manifest, indent=2) + "\n")
    repo.write(f"{prefix}package-lock.json", lockfile(manifest, packages))


def note_text(package: str | None, version: str | None = "1.0.0", /, **keys: Any) -> str:
    """A note with these keys; ``None`` leaves one out, dashes are written as underscores."""
    own = (
        {} if package is None else {
            "package": package, "version": version, "integrity": sri(f"{package}@{version}"),
        }
    )  # fmt: skip
    fields = {
        **own,
        "criteria": ["health"],
        "vetted-by": "Ada Example <ada@example.com>",
        "vetted-on": datetime.date(2020, 1, 2),
        "why": "A small library; its code was read.",
        **{key.strip("_").replace("_", "-"): value for key, value in keys.items()},
    }
    lines = [f"{key} = {_toml(value)}" for key, value in fields.items() if value is not None]
    return "\n".join(lines) + "\n"


def routine_text(package: str, version: str, since: str, /, **keys: Any) -> str:
    """A routine note of a step; ``None`` leaves a key out."""
    fields = {
        "from_": since,
        "criteria": [],
        "published": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
        "scripts": [],
        "why": None,
        "evidence": {"signals-version": 1, "score": 0, "signals": []},
        **keys,
    }
    return note_text(package, version, **fields)


def write_routine_note(repo: GitRepo, package: str, version: str, since: str, **keys: Any) -> str:
    """Write a routine note where it belongs; its path."""
    path = f".vetting/routine/{package}/{version}.toml"
    repo.write(path, routine_text(package, version, since, **keys))
    return path


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return value.isoformat() if isinstance(value, datetime.date) else json.dumps(value)


def listed(package: str, version: str = "1.0.0", /, **keys: Any) -> dict[str, Any]:
    """An entry of ``brings`` or ``accepts``."""
    fields = {"package": f"{package}@{version}", "integrity": sri(f"{package}@{version}"), **keys}
    return {
        key.strip("_").replace("_", "-"): each for key, each in fields.items() if each is not None
    }


def write_note(repo: GitRepo, package: str, version: str = "1.0.0", **keys: Any) -> str:
    """Write a note where it belongs (for names that are written as they are); its path."""
    path = f".vetting/notes/{package}/{version}.toml"
    repo.write(path, note_text(package, version, **keys))
    return path


def adopt(repo: GitRepo, config: str = "", exemptions: str = "") -> None:
    """A repository that has adopted and switched scripts off, with what is there committed."""
    repo.write(".vetting/config.toml", f"format = 1\n{config}")
    if exemptions:
        repo.write(".vetting/exemptions.txt", exemptions)
    repo.write(".npmrc", SWITCH)
    repo.commit("Adopt")


class _Contents:
    """Git's objects, each found by the path that it is read for."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, oid: str, path: str) -> bytes:
        return self._files[path]


class MemorySnapshot(Snapshot):
    """A state of a repository as a mapping: for rules that many examples are tried on.

    ``modes`` are the modes of what is no ordinary file, by path.
    """

    def __init__(
        self, files: Mapping[str, str | bytes], modes: Mapping[str, str] | None = None
    ) -> None:
        self._modes = modes or {}
        self._files = {
            path: data.encode() if isinstance(data, str) else data for path, data in files.items()
        }
        super().__init__("memory", _Contents(self._files))  # type: ignore[arg-type]

    def entry(self, path: str) -> TreeEntry | None:
        return TreeEntry(self._modes.get(path, "100644"), "") if path in self._files else None

    def everything(self) -> Iterable[str]:
        return self._files

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    def grep(self, words: Collection[str], below: str, names: Collection[str] = ()) -> set[str]:
        return {
            path
            for path, data in self._files.items()
            if path.startswith(below)
            and any(word.encode() in data for word in words)
            and (not names or path.rpartition("/")[2] in names)
        }
