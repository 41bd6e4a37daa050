"""``.npmrc`` as npm reads it: npm's ``ini`` package, then npm's own reading of each value.

Every text that npm accepts is accepted, because npm's reading decides. Values that depend on the
environment are flagged and never resolved. The rules come from ``npm help npmrc``, ``npm config
get`` and real installs (tests/formats/test_npmrc.py runs both).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from npm_vetted.errors import DocumentError
from npm_vetted.model import Location, Problem

BLANKS: Final = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""What JavaScript's ``trim`` takes away: unlike Python's it has the byte order mark."""

Scalar: TypeAlias = "str | bool | None"
Value: TypeAlias = "Scalar | tuple[Scalar, ...]"

SWITCH: Final = "ignore-scripts"
LINES_LIMIT: Final = 2_000

_LINE: Final = re.compile(r"[^\r\n]+")
_BREAK: Final = re.compile(r"\r\n|\r|\n")
_SECTION: Final = re.compile(r"\[([^\]]*)\]")
_UNSEEN: Final = re.compile("[\u2028\u2029]")
_VARIABLE: Final = re.compile(r"\$\{[^{}]*\}")
_WORDS: Final = {"true": True, "false": False, "null": None}


class NpmrcSetting(NamedTuple):
    """One line of an ``.npmrc``: a key, its value, and the line number.

    ``section`` is the header above it; npm reads only lines without one. The header itself is
    a setting with an empty key. ``listed`` says that the key was written ``key[]``. A value that
    npm reads as a number or an object (JSON between single quotes) is the text in the file.
    """

    key: str
    value: Value
    line: int
    raw: str
    section: str | None = None
    listed: bool = False

    @property
    def environment(self) -> bool:
        """Whether the key or the value depends on an environment variable."""
        return any(depends_on_environment(text) for text in (self.key, *_texts(self.value)))


def depends_on_environment(text: str) -> bool:
    """Whether a text holds ``${VAR}``, ``${VAR?}``, ``${VAR-default}`` or ``${VAR:-default}``."""
    return _VARIABLE.search(text) is not None


def _texts(value: Value) -> Iterator[str]:
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, str):
            yield item


def load_npmrc(path: str, data: bytes) -> tuple[NpmrcSetting, ...]:
    """Every line with a setting, in the file's order.

    Bytes that are not UTF-8 become U+FFFD as in Node.js. Raises DocumentError, with the line, for a
    key that is JSON but no text (npm stops at some of those), and for more settings than a person
    writes, because the effective value is computed key by key.
    """
    found = tuple(islice(_settings(path, data.decode("utf-8", errors="replace")), LINES_LIMIT + 1))
    if len(found) > LINES_LIMIT:
        raise DocumentError(f"more than {LINES_LIMIT:,} settings", path=path, line=found[-1].line)
    return found


def _settings(path: str, text: str) -> Iterator[NpmrcSetting]:
    section: str | None = None
    line, last = 1, 0
    for match in _LINE.finditer(text):
        line += len(_BREAK.findall(text, last, match.start()))
        last = match.start()
        raw = match.group()
        if not raw.strip(BLANKS) or raw.lstrip(BLANKS)[0] in ";#":
            continue
        if header := _SECTION.fullmatch(raw.rstrip(BLANKS)):
            section = _text(path, line, header.group(1))
            yield NpmrcSetting(key="", value=None, line=line, raw=raw, section=section)
            continue
        name, equals, value = raw.partition("=")
        if not name or _UNSEEN.search(value):
            continue  # npm's expression for a line does not match it: as if it were not there
        key = _text(path, line, name)
        listed = len(key) > 2 and key.endswith("[]")
        yield NpmrcSetting(
            key=key[:-2] if listed else key,
            value=_value(path, line, value) if equals else True,
            line=line,
            raw=raw,
            section=section,
            listed=listed,
        )


def _text(path: str, line: int, text: str) -> str:
    key = _unquoted(path, line, text)
    if not isinstance(key, str):
        raise DocumentError("a key that is no text", path=path, line=line)
    return key


def _value(path: str, line: int, text: str) -> Value:
    value = _unquoted(path, line, text)
    if isinstance(value, list):
        return tuple(_scalar(item, text) for item in value)
    return _scalar(value, text)


def _scalar(value: object, text: str) -> Scalar:
    if isinstance(value, str):
        return _WORDS.get(value, value)
    return value if value is None or isinstance(value, bool) else text.strip(BLANKS)


def _unquoted(path: str, line: int, text: str) -> object:
    """Text without its quotes, escapes and trailing comment."""
    text = text.strip(BLANKS)
    if not _is_quoted(text):
        return _uncommented(text)
    if text[0] == "'":
        text = text[1:-1]
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise DocumentError("nested too deeply", path=path, line=line) from None
    except ValueError:
        return text


def _is_quoted(text: str) -> bool:
    return text != "" and text[0] in "\"'" and text[-1] == text[0]


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _uncommented(text: str) -> str:
    """Text up to the first ``;`` or ``#`` that no backslash precedes."""
    found: list[str] = []
    escaped = False
    for char in text:
        if escaped:
            found.append(char if char in "\\;#" else "\\" + char)
            escaped = False
        elif char in ";#":
            break
        elif char == "\\":
            escaped = True
        else:
            found.append(char)
    if escaped:
        found.append("\\")
    return "".join(found).strip(BLANKS)


def effective(settings: Iterable[NpmrcSetting], key: str) -> NpmrcSetting | None:
    """The effective value of a key: the last line wins, ``key[]`` lines collect a list.

    Once a key holds a list, a plain ``key=value`` adds to it too.
    """
    found: NpmrcSetting | None = None
    gathered: list[Scalar] | None = None
    for setting in settings:
        if setting.key != key or setting.section is not None:
            continue
        value = setting.value
        if gathered is not None:
            gathered.extend(value if isinstance(value, tuple) else (value,))
        elif setting.listed or isinstance(value, tuple):
            old = () if found is None or not setting.listed else (found.value,)
            new = value if isinstance(value, tuple) else (value,)
            gathered = [item for item in (*old, *new) if not isinstance(item, tuple)]
        found = setting
    return found if found is None or gathered is None else found._replace(value=tuple(gathered))


def switch_problem(path: str, settings: Iterable[NpmrcSetting]) -> Problem | None:
    """Why these settings do not say ``ignore-scripts=true`` beyond doubt; None: they do.

    npm takes ``true`` (quoted or not), the bare key and an empty value as true. Any other text is
    truthy to it, so that scripts are off by accident, or in some versions only; ``null`` and
    ``undefined`` switch them on.
    """
    settings = tuple(settings)
    found = effective(settings, SWITCH)
    doubt = next((setting for setting in settings if _may_override(setting)), None)
    if doubt is not None:
        line = doubt.line
        message = (
            f"{_shown(doubt)} may change {SWITCH}, by npm's version or the environment: "
            f"expected one plain line {SWITCH}=true"
        )
        code, value = "switch-unclear", doubt.raw.strip(BLANKS)
    elif found is None:
        line, message = _missing(settings)
        code, value = "scripts-on", ""
    elif _says_true(found.value):
        return None
    else:
        line, message = found.line, _wrong(found)
        code, value = "switch-unclear", found.raw.strip(BLANKS)
        if found.value in (False, "false", None, "null", "undefined"):
            code = "scripts-on"
    return Problem(
        message=message, location=Location(path, line), fix=_fix(path), code=code, key=SWITCH,
        value=value,
    )  # fmt: skip


def _says_true(value: Value) -> bool:
    """A list of one true is printed as true by npm, and is as true to it."""
    if isinstance(value, tuple):
        return len(value) == 1 and value[0] not in ("", None) and _says_true(value[0])
    return value is True or (isinstance(value, str) and value.strip(BLANKS) in ("true", ""))


def _may_override(setting: NpmrcSetting) -> bool:
    """Whether a line other than a plain ``ignore-scripts=…`` can become that key in npm's hands."""
    name = setting.key
    if setting.section is not None:
        if name:
            return False  # a key of the section's table, never a key of its own
        name = setting.section
        if SWITCH in name:
            return True
    return depends_on_environment(name) and set(_VARIABLE.sub("", name)) <= set(SWITCH + "\\.")


def _wrong(found: NpmrcSetting) -> str:
    shown = _shown(found)
    if found.environment:
        return f"{shown} depends on the environment: undecidable; expected {SWITCH}=true"
    value = found.value.strip(BLANKS) if isinstance(found.value, str) else found.value
    if value in (False, None, "false", "null", "undefined"):
        return f"{shown} lets install scripts run: expected {SWITCH}=true"
    kept = "a list" if isinstance(found.value, tuple) else "text"
    return (
        f"{shown} is no boolean: npm keeps it as {kept}, and scripts are off only by accident; "
        f"expected {SWITCH}=true"
    )


def _missing(settings: tuple[NpmrcSetting, ...]) -> tuple[int, str]:
    """Why no line sets the switch: a section above it, another spelling, another encoding."""
    expected = f"expected the line {SWITCH}=true"
    for setting in settings:
        if setting.key == SWITCH:
            where = f"is below the section [{setting.section}], where npm does not read it"
            return setting.line, f"{_shown(setting)} {where}; {expected} above any section"
    for setting in settings:
        if "\0" in setting.raw and _letters(setting.raw.replace("\0", "")).startswith(_LETTERS):
            return setting.line, f"{SWITCH} is written in UTF-16, which npm cannot read; {expected}"
        if _letters(setting.raw).startswith((_LETTERS, "no" + _LETTERS)):
            return setting.line, f"npm does not know {_shown(setting)}; {expected}"
    return 1, f"nothing switches the install scripts of dependencies off; {expected}"


_LETTERS: Final = "ignorescripts"


def _letters(text: str) -> str:
    """The letters of a word in lower case, so that two spellings of it compare equal."""
    return "".join(char for char in text if char.isascii() and char.isalpha()).lower()


def _shown(setting: NpmrcSetting) -> str:
    """A line as messages quote it, short and without control characters."""
    text = setting.raw.strip(BLANKS)
    return repr(text if len(text) <= 80 else text[:79] + "…")


def _fix(path: str) -> tuple[tuple[str, ...], ...]:
    folder = path.rpartition("/")[0]
    prefix = ("--prefix", folder) if folder else ()
    return (
        ("npm", *prefix, "config", "set", f"{SWITCH}=true", "--location=project"),
        ("git", "add", path),
    )
