"""The paths of notes: where the note of a package and version belongs below ``.vetting/``.

A note's path follows from the package's name and the version, so that a note is found without a search:
``.vetting/notes/NAME/VERSION.toml``, with ``.2``, ``.3``, … before the suffix for further notes of the version.
"""

from __future__ import annotations

import re
from typing import Final

from npm_vetted.vetting.notes import FOLDER, FOLDERS, GROUPS, Note
from npm_vetted.vetting.pins import Pins
from npm_vetted.vetting.routine import ROUTINE

_LONGEST_STEM: Final = 100
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)")
_UNSAFE: Final = re.compile(r"[^a-z0-9._-]")


def is_note_path(path: str) -> bool:
    """Whether a file is in a folder of notes and has the suffix ``.toml``."""
    return path.startswith(FOLDERS) and path.endswith(".toml")


def encode_name(name: str) -> str:
    """A part of a package's name, or a version, as a file name on every file system.

    Any character but ``a-z 0-9 . _ -`` is percent-encoded, so are the first letter of a name that
    Windows reserves (or that is the groups' folder) and a trailing dot. No result is ``.``,
    ``..`` or empty, and two different names never share a result.
    """
    text = _UNSAFE.sub(lambda found: _percent(found.group()), name)
    if _RESERVED.match(text) or text == "_groups":
        text = _percent(text[0]) + text[1:]
    if text.endswith("."):
        text = text[:-1] + "%2e"
    return text or "%"


def _percent(char: str) -> str:
    return "".join(f"%{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))


def package_folder(package: str, folder: str = FOLDER) -> str:
    """The folder of a package's notes, or of its routine notes, with its trailing slash."""
    scope, slash, rest = package.partition("/")
    if slash and scope.startswith("@") and len(scope) > 1 and rest:
        return f"{folder}@{encode_name(scope[1:])}/{encode_name(rest)}/"
    return f"{folder}{encode_name(package)}/"


def file_stem(version: str | None, pinned: Pins) -> str:
    """The name of a note's file without ``.toml``: its version, else its commit or hash."""
    if version is not None:
        return encode_name(version)
    import base64
    import hashlib

    if pinned.specifier is not None:
        stem = encode_name(pinned.specifier)
        short = len(stem) <= _LONGEST_STEM
        return stem if short else hashlib.sha256(pinned.specifier.encode()).hexdigest()[:12]
    commit = re.search(r"#(?:commit=)?([0-9a-f]{12})", pinned.resolved or "")
    if commit:
        return commit.group(1)
    word = (pinned.integrity or "").split(" ")[0].partition("-")[2]
    try:
        digest = base64.b64decode(word, validate=True)
    except ValueError:
        digest = b""
    if not digest:
        digest = hashlib.sha256((pinned.resolved or pinned.checksum or "").encode()).digest()
    return digest.hex()[:12]


def belongs_at(note: Note) -> bool:
    """Whether a note's file is where its package and version say."""
    if note.package is None:
        return note.path.startswith(GROUPS)
    rest = note.path.removeprefix(stem_of(note))
    return rest != note.path and re.fullmatch(r"(?:\.[1-9][0-9]*)?\.toml", rest) is not None


def stem_of(note: Note) -> str:
    """The path where a note belongs, without its number and ``.toml``."""
    folder = ROUTINE if note.routine else FOLDER
    return package_folder(note.package or "", folder) + file_stem(note.version, note.pinned)
