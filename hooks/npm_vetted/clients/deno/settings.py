"""The keys of deno.json that affect an install: scripts, pinning, and sources of code.

Seen by running Deno 2.9.6 (docs/clients/deno.md). Only the file of the workspace's root counts for
``allowScripts``, ``lock``, ``minimumDependencyAge`` and ``nodeModulesDir``: elsewhere Deno warns.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final, NamedTuple

from npm_vetted.clients.deno.config import (
    HARMLESS_UNSTABLE,
    NAMES,
    all_imports,
    find_config,
    is_cooldown,
    is_remote,
    load_config,
)
from npm_vetted.clients.deno.specifiers import read_specifier
from npm_vetted.clients.shared.npmrc_rules import npmrc_problems, unknown_keys
from npm_vetted.clients.shared.programs import program_value
from npm_vetted.clients.shared.settings import (
    AllowedSources,
    known_settings,
    setting_problem,
    unknown_settings,
)
from npm_vetted.errors import DocumentError
from npm_vetted.formats.document import Document
from npm_vetted.formats.npmrc import SWITCH, load_npmrc
from npm_vetted.model import Location, Problem, Project, hashed

ALLOW: Final = "allowScripts"
_OWN_LOCKS: Final = ("deno.lock", "./deno.lock")


class Allowed(NamedTuple):
    """The value of ``allowScripts``: everything, or entries (text and line), or malformed."""

    everything: bool = False
    entries: tuple[tuple[str, int], ...] = ()
    malformed: bool = False
    denied: tuple[str, ...] = ()


def config_of(project: Project) -> Document | None:
    """The deno.json of a project's root."""
    return load_config(project.path, project.read)


def allowed(document: Document | None) -> Allowed:
    """``allowScripts`` in its four shapes: absent or a boolean, a list, or a table with allow and deny."""
    value = document.root().data.get(ALLOW) if document else None
    if document is None or value is None or isinstance(value, bool):
        return Allowed(everything=value is True)
    keys: tuple[str, ...] = (ALLOW,)
    denied: tuple[str, ...] = ()
    if isinstance(value, dict):
        if not value.keys() <= {"allow", "deny"}:
            return Allowed(malformed=True)
        deny = value.get("deny")
        denied = (
            tuple(each for each in deny if isinstance(each, str)) if isinstance(deny, list) else ()
        )
        value, keys = value.get("allow"), (ALLOW, "allow")
        if value is None or isinstance(value, bool):
            return Allowed(everything=value is True, denied=denied)
    if not isinstance(value, list):
        return Allowed(malformed=True)
    if not all(isinstance(each, str) and _is_of_npm(each) for each in value):
        return Allowed(malformed=True)
    lines = (document.line_of(*keys, at) for at in range(len(value)))
    return Allowed(entries=tuple(zip(value, lines, strict=True)), denied=denied)


def _is_of_npm(text: str) -> bool:
    found = read_specifier(text)
    return found is not None and found.kind == "npm"


def scripts_problems(project: Project) -> Iterator[Problem]:
    """The reasons why dependencies' scripts may run. Deno's default is off, and it ignores ``.npmrc``."""
    document = config_of(project)
    said = allowed(document)
    if document is None or not (said.everything or said.malformed):
        return
    code = "allow-all-scripts" if said.everything else "switch-unclear"
    message = (
        f"{ALLOW} lets every dependency's scripts run, whatever .npmrc says"
        if said.everything
        else f"{ALLOW} is malformed"
    )
    yield setting_problem(
        code, ALLOW, document.root().data[ALLOW], f"{message}: expected [] or npm: specifiers",
        Location(document.path, document.line_of(ALLOW)),
    )  # fmt: skip


def settings_problems(project: Project, registries: AllowedSources) -> Iterator[Problem]:
    """Unsafe settings in ``.npmrc`` and in the deno.json of the root and of each member."""
    path = project.join(".npmrc")
    data = project.read(path)
    if data is not None:
        settings = tuple(each for each in load_npmrc(path, data) if each.key != SWITCH)
        yield from npmrc_problems(path, settings, registries, is_read=True)
        yield from unknown_keys(path, settings, registries)
    for folder in project.manifests:
        document = load_config(folder, project.read)
        if document is not None:
            yield from _of_config(document, project)
            yield from _second_file(document, project)


def _of_config(document: Document, project: Project) -> Iterator[Problem]:
    for rule in (_age, _places, _import_map, _lint, _unstable):
        yield from rule(document)
    yield from _lock(document, project)
    yield from _vendor(document, project)
    table = document.root()
    for each in all_imports(document, project.read):
        if each.target.lower().startswith("http://"):
            yield setting_problem(
                "registry-not-https", f"imports.{each.name}", each.target,
                f"{each.target} is imported over plain http: expected https",
                Location(each.path, each.line),
            )  # fmt: skip
    found = ((key, value, _at(document, key)) for key, value in table.data.items())
    yield from unknown_settings(found, known_settings("deno"))


def _second_file(document: Document, project: Project) -> Iterator[Problem]:
    """A deno.jsonc beside deno.json: Deno reads it only if a command names it."""
    folder, name = posixpath.split(document.path)
    other = posixpath.join(folder, NAMES[1])
    if name == NAMES[0] and project.read(other) is not None:
        yield setting_problem(
            "other-settings", other, name,
            f"Deno reads {name} and leaves {NAMES[1]} aside, unless a command names it: expected one of them",
            Location(other, 1),
        )  # fmt: skip


def _at(document: Document, *keys: str | int) -> Location:
    return Location(document.path, document.line_of(*keys))


def _lock(document: Document, project: Project) -> Iterator[Problem]:
    """``lock``: false, a path, or a table with ``path`` and ``frozen``."""
    value = document.root().data.get("lock")
    inner = value if isinstance(value, dict) else {"path": value}
    path = inner.get("path")
    if value is False:
        yield setting_problem(
            "lockfile-off", "lock", value, "Deno ignores deno.lock: expected no such line",
            _at(document, "lock"),
        )  # fmt: skip
    elif not (path is None or path is True or path in _OWN_LOCKS) or not inner.keys() <= {
        "path", "frozen",
    }:  # fmt: skip
        yield from _other_lockfile(document, project, str(path))


def _other_lockfile(document: Document, project: Project, path: str) -> Iterator[Problem]:
    """The problem of a lockfile other than deno.lock; accepting it covers the file's present content only."""
    folder = posixpath.dirname(document.path)
    place = posixpath.normpath(posixpath.join(folder, path))
    target = posixpath.join(folder, "deno.lock")
    if place.startswith(("../", "/")) or not place.endswith((".lock", ".json")):
        raise DocumentError(
            f"Deno installs from the lockfile {path!r}, which npm-vetted does not read",
            path=document.path,
            line=document.line_of("lock"),
            fix=f"git mv {path} {target}, and remove the path from lock",
        )
    found = setting_problem(
        "other-lockfile", "lock", document.root().data["lock"],
        f"Deno installs from {path}, which npm-vetted does not read: expected deno.lock, and no path "
        "in lock",
        _at(document, "lock"),
    )  # fmt: skip
    content = program_value(project, folder, path)
    yield found._replace(
        value=f"{found.value}\n{content}",
        fix=(("git", "mv", place, target),) if content != "absent" else (),
    )


def _vendor(document: Document, project: Project) -> Iterator[Problem]:
    """``vendor``: Deno runs the files of the folder without comparing hashes; the value covers all files."""
    value = document.root().data.get("vendor")
    if value in (None, False):
        return
    folder = posixpath.join(posixpath.dirname(document.path), "vendor")
    files = "".join(f"{path}\0{oid}\n" for path, oid in sorted(project.tracked(folder)))
    yield setting_problem(
        "program", "vendor", value,
        "Deno runs what is in vendor/ and compares it with no hash: expected no such line, or the "
        "folder accepted as it is",
        _at(document, "vendor"),
    )._replace(value=f"{value}\n{hashed(files.encode('utf-8', 'surrogatepass'))}")  # fmt: skip


def _age(document: Document) -> Iterator[Problem]:
    """The problem of a ``minimumDependencyAge`` without effect; without the key, Deno 2.9 waits 24 hours.

    0, a negative duration and a date in the future mean no cooldown. A date in the past excludes newer
    versions.
    """
    value = document.root().data.get("minimumDependencyAge")
    age = value.get("age") if isinstance(value, dict) else value
    if age is not None and (isinstance(age, bool) or not is_cooldown(str(age))):
        yield setting_problem(
            "cooldown-off", "minimumDependencyAge", value,
            f"minimumDependencyAge: {age!r} is no cooldown: expected minutes or such as \"P3D\"",
            _at(document, "minimumDependencyAge"),
        )  # fmt: skip


def _places(document: Document) -> Iterator[Problem]:
    """``links`` (formerly ``patch``), which replace packages by folders, and ``workspace``: unsafe paths."""
    folder = posixpath.dirname(document.path)
    for key in ("links", "patch", "workspace"):
        value = document.root().data.get(key)
        listed = value.get("members") if isinstance(value, dict) else value
        for each in listed if isinstance(listed, list) else ([] if listed is None else [listed]):
            path = (
                posixpath.normpath(posixpath.join(folder, each)) if isinstance(each, str) else ".."
            )
            if path == ".." or path.startswith(("../", "/")) or "://" in str(each):
                yield setting_problem(
                    "other-sources", key, value,
                    f"{key}: {each!r} leads outside the repository: expected a folder in it",
                    _at(document, key),
                )  # fmt: skip
            elif key != "workspace":
                yield setting_problem(
                    "other-sources", key, each,
                    f"{key}: the folder {each!r} takes the place of a package that was vetted",
                    _at(document, key),
                )  # fmt: skip


def _import_map(document: Document) -> Iterator[Problem]:
    value = document.root().data.get("importMap")
    if isinstance(value, str) and is_remote(value):
        yield setting_problem(
            "other-settings", "importMap", value,
            f"the import map is read from {value[:100]}, which is no file: expected a file of the "
            "repository",
            _at(document, "importMap"),
        )  # fmt: skip


def _lint(document: Document) -> Iterator[Problem]:
    """``lint.plugins`` are programs that ``deno lint`` executes."""
    value = document.root().data.get("lint")
    plugins = value.get("plugins") if isinstance(value, dict) else None
    if plugins:
        yield setting_problem(
            "program", "lint.plugins", plugins, "deno lint executes these plugins",
            _at(document, "lint", "plugins"),
        )  # fmt: skip


def _unstable(document: Document) -> Iterator[Problem]:
    value = document.root().data.get("unstable")
    if value is None:
        return
    names = value if isinstance(value, list) else [value]
    for each in names:
        if not isinstance(each, str) or each not in HARMLESS_UNSTABLE:
            yield setting_problem(
                "unverified-value", "unstable", each,
                f"unstable: {each!r} is not known to be harmless", _at(document, "unstable"),
            )  # fmt: skip


def config_path(project: Project) -> str:
    """The configuration file of a project's root; if there is none, the path where to create it."""
    found = find_config(project.path, project.read)
    return found[0] if found else project.join("deno.json")
