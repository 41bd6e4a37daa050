"""Finds Git attributes that make a file in a checkout differ from the blob that npm-vetted judges.

npm-vetted reads blobs; a client reads the checkout. Attributes may make the two differ: a ``filter`` (such
as git-lfs) writes the output of a program, ``working-tree-encoding`` another encoding, ``ident`` and
``export-subst`` replace marked text, ``eol=crlf`` changes every line end. Judged files must not have them.

1. The files are those that the commit touches, the main files of the projects that it touches, and, if it
   touches a ``.gitattributes``, every judged file below that.
2. For each, the attributes in force are computed, for case-sensitive and case-insensitive file systems.
3. An attribute that changes what the reader of that kind of file reads is a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from npm_vetted.checks._relevance import may_hold_commands
from npm_vetted.client_names import USER_FILES
from npm_vetted.clients.shared.lockfile import PATCH_SUFFIXES
from npm_vetted.git.snapshot import VETTING
from npm_vetted.installs import mentions_client, place_of
from npm_vetted.model import Finding, Location
from npm_vetted.projects.case_folding import ATTRIBUTES
from npm_vetted.projects.change import Change
from npm_vetted.projects.file_names import is_of_a_project
from npm_vetted.projects.paths import ancestors, folder_of, in_node_modules, join

if TYPE_CHECKING:
    from npm_vetted.formats.gitattributes import Assigned, AttributeFile, Rule

_WANTED: Final = (
    "filter", "working-tree-encoding", "eol", "text", "crlf", "ident", "export-subst",
)  # fmt: skip
_TEXTS: Final = ("filter", "working-tree-encoding", "eol")
_OF_WINDOWS: Final = (".ps1", ".psm1", ".psd1", ".bat", ".cmd")
"""Scripts whose interpreters read UTF-16 and CRLF."""
_DATA: Final = (".yml", ".yaml", ".json", ".json5", ".jsonc", ".toml", ".xml", *USER_FILES)
"""Formats that mean the same with either line end (tried with the settings of every client)."""
_HARMLESS: Final = frozenset({
    "diff", "merge", "whitespace", "delta", "encoding", "conflict-marker-size", "export-ignore",
})  # fmt: skip
_RULES_LIMIT: Final = 5_000
"""The most lines in the attribute files above one path; more are refused, as a hostile file may have many."""

_WHY: Final = {
    "filter": "a program of the user's writes the file at a checkout (git-lfs and others)",
    "working-tree-encoding": "a checkout has the file in an encoding that clients cannot read",
    "eol": "a checkout has it with CRLF, so each command's last word ends with a carriage return",
    "ident": "a checkout writes over the text between $Id and the next dollar sign",
    "export-subst": "git archive writes over the text between $Format: and the next dollar sign",
}


def findings_of_checkout(change: Change, check: str) -> Iterator[Finding]:
    """The attributes of judged files that make a checkout differ, one finding for each file."""
    attributes = _Attributes(change)
    for path in dict.fromkeys(_judged(change)):
        if attributes.are_too_many(path):
            yield _too_many(check, path)
            continue
        for name, found in attributes.of(path).items():
            if _differs(change, path, name, found):
                yield _finding(check, path, name, found, _WHY[name])


def _finding(check: str, path: str, name: str, found: Assigned, why: str) -> Finding:
    shown = f"{name}={found.value}" if isinstance(found.value, str) else name
    return Finding(
        check=check,
        message=f"{shown} for {path}: {why}, and not the file that was checked: expected no such "
        "attribute for this file",
        location=Location(found.path, found.line),
        code="checkout-differs",
        key=f"{path} {name}",
        value=shown,
    )


def _too_many(check: str, path: str) -> Finding:
    return Finding(
        check=check,
        message=f"more than {_RULES_LIMIT:,} lines of {ATTRIBUTES} may concern {path}: undecided",
        location=Location(path),
        code="checkout-differs",
        key=path,
    )


def _judged(change: Change) -> Iterator[str]:
    """The files to judge: touched files, files of touched projects, files below a touched attribute file."""
    for path, touched in change.touched.items():
        if path.rpartition("/")[2] == ATTRIBUTES:
            yield from filter(_is_read, _below(change, folder_of(path)))
        elif touched.after is not None and _is_read(path):
            yield path
    for project in change.projects:
        own = project.after
        names = (*own.lockfiles, own.manifest.path, *map(own.join, project.client.SETTINGS))
        yield from (path for path in names if change.after.entry(path) is not None)


def _below(change: Change, folder: str) -> Iterable[str]:
    return change.after.below(f"{folder}/") if folder else change.after.everything()


def _is_read(path: str) -> bool:
    """Whether a name is one that some check reads from a checkout; .vetting/ is read from git."""
    if path.startswith(VETTING) or in_node_modules(path):
        return False
    nameless = "." not in path.rpartition("/")[2]  # a script is then known by its first line
    return nameless or is_of_a_project(path) or may_hold_commands(path)


def _differs(change: Change, path: str, name: str, found: Assigned) -> bool:
    """Whether an attribute with this value changes what the reader of this file reads."""
    value = found.value
    if name not in _WHY or value in (None, False, ""):
        return False
    if name == "working-tree-encoding" and str(value).lower() in ("utf-8", "utf8"):
        return False
    if name in ("working-tree-encoding", "eol") and path.lower().endswith(_OF_WINDOWS):
        return False
    if (name in _TEXTS) is (value is True):
        return False  # git ignores `filter` without a text and `ident` with one
    if not is_of_a_project(path):
        data = _read(change, path)
        if place_of(path, data[:200]) is None:
            return False
        if name != "filter" and not mentions_client(data):
            return False
    if name == "eol":
        return value == "crlf" and _has_lines_of_commands(path)
    return name != "ident" or b"$Id" in _read(change, path)


def _has_lines_of_commands(path: str) -> bool:
    """Whether a carriage return at a line's end changes the file's meaning: in a shell script, in a patch."""
    if path.endswith(PATCH_SUFFIXES):
        return True
    return not is_of_a_project(path) and not path.lower().endswith(_DATA)


def _read(change: Change, path: str) -> bytes:
    entry = change.after.entry(path)
    is_file = entry is not None and entry.mode.startswith("100")
    return (change.after.read(path) or b"") if is_file else b""


class _Attributes:
    """The attribute files of a state, each read once."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self._files: dict[str, AttributeFile | None] = {}

    def are_too_many(self, path: str) -> bool:
        """Whether the lines above a path are more than a repository has."""
        return sum(len(each.rules) for each in self._above(path)) > _RULES_LIMIT

    def of(self, path: str) -> dict[str, Assigned]:
        """The attributes in force for a path, on case-sensitive or case-insensitive file systems."""
        files = self._above(path)
        if not files:
            return {}
        from npm_vetted.formats.gitattributes import attributes_of

        found: dict[str, Assigned] = {}
        for fold_case in (False, True):
            all_of_it = attributes_of(path, files, fold_case=fold_case)
            one = {name: all_of_it[name] for name in _WANTED if name in all_of_it}
            text = one.pop("text", None) or one.pop("crlf", None)
            if text is not None and text.value is False:
                one.pop("eol", None)  # `-text`: no line end is changed
            found |= {name: each for name, each in one.items() if each.value or name not in found}
        return found

    def _above(self, path: str) -> list[AttributeFile]:
        loaded = (self._load(folder) for folder in ancestors(folder_of(path)))
        return [each for each in loaded if each is not None]

    def _load(self, folder: str) -> AttributeFile | None:
        if folder not in self._files:
            data = _read(self._change, join(folder, ATTRIBUTES))
            self._files[folder] = _rules_that_count(folder, data) if data else None
        return self._files[folder]


def _rules_that_count(folder: str, data: bytes) -> AttributeFile | None:
    from npm_vetted.formats.gitattributes import AttributeFile, load_gitattributes

    rules = tuple(each for each in load_gitattributes(data) if _may_count(each))
    return AttributeFile(folder, rules) if rules else None


def _may_count(rule: Rule) -> bool:
    """Whether a line sets an attribute that affects more than diffs, merges and web pages."""
    return not all(
        name in _HARMLESS or name.startswith(("linguist-", "gitlab-"))
        for name, _ in rule.attributes
    )
