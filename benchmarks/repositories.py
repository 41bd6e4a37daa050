"""The repositories that are judged: made once, by git, and never checked out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from lockfiles import FORMATS, Format, Package, Project, added, make_project

_IDENTITY = {
    "GIT_AUTHOR_NAME": "Benchmark", "GIT_AUTHOR_EMAIL": "benchmark@example.com",
    "GIT_COMMITTER_NAME": "Benchmark", "GIT_COMMITTER_EMAIL": "benchmark@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip
_ADOPTED = {".vetting/config.toml": "format = 1\n"}


class Repository:
    """A repository whose files stand in its commit and its index alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, given: bytes = b"") -> str:
        """What git says."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env={**os.environ, **_IDENTITY}, input=given,
            stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        return done.stdout.decode().strip()

    def commit(self, files: Iterable[tuple[str, str]]) -> None:
        """Make the one commit, and the index that goes with it."""
        lines = [
            b"commit refs/heads/main\ncommitter B <b@example.com> 1700000000 +0000\ndata 1\nb\n"
        ]
        for path, text in files:
            data = text.encode()
            lines.append(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n")
        self.git("fast-import", "--quiet", given=b"".join(lines))
        self.git("read-tree", "HEAD")

    def stage(self, files: Mapping[str, str]) -> None:
        """Put files into the index."""
        lines = []
        for path, text in files.items():
            oid = self.git("hash-object", "-w", "--stdin", given=text.encode())
            lines.append(f"100644 {oid}\t{path}\n")
        self.git("update-index", "--add", "--index-info", given="".join(lines).encode())


def source_files(count: int) -> Iterable[tuple[str, str]]:
    """So many files that have nothing to do with npm, in folders of fifty."""
    for place in range(count):
        folder = f"src/area-{place // 2500}/module-{place // 50 % 50}"
        yield f"{folder}/component_{place}.ts", f"export const component = {place};\n"


def notes(count: int) -> Iterable[tuple[str, str]]:
    """So many notes about packages that no lockfile here needs."""
    for package in (Package(f"noted-{place:05}-package", "1.0.0") for place in range(count)):
        yield note_of(package)


def note_of(package: Package, kind: Format = FORMATS["npm"]) -> tuple[str, str]:
    """The path and the text of a note that vets a package."""
    bound = f'integrity = "{package.sri}"'
    if kind.name == "yarn-berry":
        bound = f'checksum = "{package.checksum}"'
    text = (
        f'package = "{package.name}"\n'
        f'version = "{package.version}"\n'
        f"{bound}\n"
        'criteria = ["health", "changelog"]\n'
        'vetted-by = "Benchmark <benchmark@example.com>"\n'
        "vetted-on = 2026-01-02\n"
        "published = 2025-03-25T14:12:02Z\n"
        "scripts = []\n"
        'why = """\nMade for the benchmark; nobody has looked at it.\n"""\n'
    )
    return f".vetting/notes/{package.name}/{package.version}.toml", text


def exemptions(project: Project, kind: Format) -> tuple[str, str]:
    """All that is locked as ``init`` would exempt it."""
    lines = {
        f"{each.name}@{each.version} "
        f"{f'checksum:{each.checksum}' if kind.name == 'yarn-berry' else each.sri} - at adoption"
        for each in project.packages
    }
    return ".vetting/exemptions.txt", "".join(f"{line}\n" for line in sorted(lines))


def project_files(kind: Format, project: Project, folder: str = "") -> dict[str, str]:
    """A project's manifest, lockfile and settings."""
    files = {"package.json": kind.manifest(project), kind.lockfile: kind.write(project)}
    return {folder + path: text for path, text in (files | dict(kind.settings)).items()}


def locked(path: Path, client: str, packages: int, *, more: int = 1, vetted: bool = True) -> None:
    """A repository with one lockfile, and a staged commit that adds ``more`` packages to it."""
    kind, project = FORMATS[client], make_project(packages)
    repository = Repository(path)
    files = project_files(kind, project) | _ADOPTED
    repository.commit([*files.items(), exemptions(project, kind), *source_files(200)])
    new = added(more)
    if not new:
        repository.stage({"src/new.ts": "export {};\n"})
        return
    bigger = project.and_more(new)
    staged = {"package.json": kind.manifest(bigger), kind.lockfile: kind.write(bigger)}
    repository.stage(staged | (dict(note_of(each, kind) for each in new) if vetted else {}))


def wide(path: Path, *, files: int = 0, noted: int = 0, touches_npm: bool) -> None:
    """A repository of many files or notes with a small lockfile."""
    kind, project = FORMATS["npm"], make_project(100)
    repository = Repository(path)
    base = [*(project_files(kind, project) | _ADOPTED).items(), exemptions(project, kind)]
    repository.commit([*base, *notes(noted), *source_files(files)])
    if not touches_npm:
        repository.stage({"src/area-0/new.ts": "export {};\n"})
        return
    new = added(1)
    bigger = project.and_more(new)
    staged = {"package.json": kind.manifest(bigger), kind.lockfile: kind.write(bigger)}
    repository.stage(staged | dict(map(note_of, new)))


def monorepo(path: Path, *, projects: int) -> None:
    """Many projects with a lockfile each; one of them gets a package."""
    kind = FORMATS["npm"]
    repository = Repository(path)
    project = make_project(20)
    files = dict(_ADOPTED)
    for place in range(projects):
        files |= project_files(kind, project, f"packages/part-{place:03}/")
    repository.commit([*files.items(), exemptions(project, kind)])
    new = added(1)
    bigger = project.and_more(new)
    folder = f"packages/part-{projects // 2:03}/"
    staged = {
        f"{folder}package.json": kind.manifest(bigger),
        f"{folder}{kind.lockfile}": kind.write(bigger),
    }
    repository.stage(staged | dict(map(note_of, new)))


def framework(path: Path) -> None:
    """A small repository with an empty hook of the pre-commit framework, checked out."""
    hook = (
        "repos:\n- repo: local\n  hooks:\n"
        "  - {id: empty, name: empty, language: system, entry: 'true', always_run: true}\n"
    )
    repository = Repository(path)
    repository.commit([(".pre-commit-config.yaml", hook), *source_files(200)])
    repository.stage({"src/area-0/new.ts": "export {};\n"})
    repository.git("checkout-index", "--all", "--force")
