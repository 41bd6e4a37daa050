"""Two versions of a package, or a new package: the input of the rules."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import accumulate, takewhile
from typing import Final, NamedTuple

from npm_vetted.registry.packument import lifecycle
from npm_vetted.registry.tarball import Package, UnpackedFiles
from npm_vetted.review.releases import called_files, is_machine_code, is_machine_program
from npm_vetted.review.signals.facts import (
    BYTES_LIMIT,
    FILES_LIMIT,
    LOST,
    SIZE_LIMIT,
    FileFacts,
    Mark,
)
from npm_vetted.review.signals.table import WEIGHTS

Files = Mapping[str, bytes]
ReadFacts = Callable[[Iterable[tuple[str, bytes]]], list[FileFacts]]

SCRIPT_SUFFIXES: Final = (
    ".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx", ".es6", ".es",
)  # fmt: skip
_TYPES: Final = (".d.ts", ".d.cts", ".d.mts")
SHELL_SUFFIXES: Final = (
    ".sh",
    ".bash",
    ".bat",
    ".cmd",
    ".ps1",
    ".psm1",
    ".py",
    ".vbs",
    ".rb",
    ".pl",
)
GYP_SUFFIXES: Final = (".gyp", ".gypi")
_DATA: Final = (
    ".json", ".node", ".wasm", ".css", ".map", ".md", ".html", ".png", ".svg", ".scss", ".less",
)  # fmt: skip
_NEVER_CODE: Final = (".json", ".node", ".map", *_TYPES)
"""What Node.js reads in another way, or no runtime loads, whatever names it."""
_OF_PAGES: Final = (".vue", ".svelte", ".astro")
_OTHER_LANGUAGES: Final = (
    *SHELL_SUFFIXES, ".zsh", ".fish", ".php", ".lua", ".wsf", ".hta", ".applescript", ".command", ".exs",
)  # fmt: skip
_ACTS: Final = re.compile(
    rb"\brequire\s?\(|\bimport\s?[({*'\"]|\bprocess\s?[.\[]|\beval\s?\(|\bFunction\s?\(|\bfetch\s?\(|\bconstructor\b"
    rb"|\bglobalThis\b|\bdocument\s?\.|\bXMLHttpRequest\b"
)
_BEFORE_CODE: Final = re.compile(
    rb"(?:\xef\xbb\xbf|\s|//[^\n]*\n|/\*(?:[^*]|\*(?!/)){0,20000}\*/|<!--[^\n]*\n){0,400}"
)
_NO_START: Final = re.compile(rb"#(?!!)|[<.:*=>|&%^?,)\]}@]")
"""What no script starts with, but titles, pages and style sheets do."""
_OF_TESTS: Final = re.compile(
    r"(?:^|/)(?:tests?|__tests__|specs?|fixtures?|examples?|demos?|bench(?:marks?)?|samples?|mocks?|__mocks__)/",
    re.IGNORECASE,
)
_SHOWN_TO_PEOPLE: Final = (
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".ico", ".icns", ".bmp", ".woff", ".woff2", ".ttf",
    ".otf", ".eot", ".mp3", ".mp4", ".ogg", ".wav", ".webm", ".pdf",
)  # fmt: skip
_ENDINGS: Final = ("", ".js", ".cjs", ".mjs", ".json", "/index.js", ".ts")
_CLOSURE: Final = 60
_COMMAND_LIMIT: Final = 2_000
_RUNS: Final = re.compile(
    r"(?:^|(?<=[\s;&|(]))(?:(?:run|run-script|--run|run-s|run-p|npm-run-all|yarn|pnpm|bun)\s{1,9})((?:[\w:.@/-]{1,80}\s{0,9}){1,20})"
)
_ALIAS: Final = re.compile(r"npm:((?:@[^/@\s]+/)?[^/@\s]+)")
_TOO_MANY: Final = "the package has too many scripts, or too large ones"


class Reason(NamedTuple):
    """One line for a reviewer: a new ability and its place. ``line`` is 1-based."""

    code: str
    text: str
    path: str = ""
    line: int = 1


class ChangedFile(NamedTuple):
    """A script that is new or changed."""

    path: str
    facts: FileFacts


@dataclass(frozen=True, eq=False)
class PackageComparison:
    """The two versions. ``old`` is None for a new package.

    FileFacts are read when a rule needs them, changed files first.
    """

    old: Files | None
    new: Files
    reader: ReadFacts

    def read(self, files: Iterable[tuple[str, bytes]]) -> list[FileFacts]:
        """The facts of some files, each read once. No file's bytes are kept."""
        wanted: list[tuple[str, bytes]] = []
        todo: dict[tuple[str, bytes], None] = {}

        def missing() -> Iterator[tuple[str, bytes]]:
            for kind, data in files:
                key = kind, sha256(data).digest()
                if key not in self._facts and key not in todo:
                    todo[key] = None
                    yield kind, data
                wanted.append(key)

        found = self.reader(missing())
        self._facts.update(zip(todo, found, strict=True))
        return [self._facts[each] for each in wanted]

    @cached_property
    def _facts(self) -> dict[tuple[str, bytes], FileFacts]:
        return {}

    @property
    def lost(self) -> list[str]:
        """The files of either version that a reader ended or hung over."""
        bad = {digest for (_, digest), facts in self._facts.items() if facts.unread == LOST}
        sides = (self.new, self.old or {}) if bad else ()
        return [
            path
            for files in sides
            for path, data in files.items()
            if not bad.isdisjoint(sha256(each).digest() for each in (data, code_of(path, data)))
        ]

    @property
    def unseen(self) -> list[str]:
        """New and changed files that no signal looks into, each with the reason."""
        read = (*((each.path, each.facts) for each in self.changed), *self.changed_texts)
        found = {path: facts.unread for path, facts in read if facts.unread}
        closed = (p for p in self.changed_paths if is_closed(p, self.new[p]))
        found |= dict.fromkeys(closed, "it is no text, and no picture, font or sound")
        foreign = (p for p in self.changed_paths if is_of_other_language(p, self.new[p]))
        found |= dict.fromkeys(foreign, "a program in another language")
        found |= dict.fromkeys(self._with_machine_code, "it holds machine code as text")
        return [f"{path}: {why}" for path, why in found.items() if why != LOST]

    @property
    def _with_machine_code(self) -> Iterator[str]:
        """Changed scripts with WebAssembly as text that no script had."""
        for path, facts in self.changed:
            code = facts.marks.get("wasm-text")
            if code is not None and not any(
                code.text == each.marks["wasm-text"].text
                for each in self.earlier()
                if "wasm-text" in each.marks
            ):
                yield path

    @property
    def fresh(self) -> bool:
        """Whether the package is new, so that there is no version to compare with."""
        return self.old is None

    @cached_property
    def manifest(self) -> Mapping[str, object]:
        """The new manifest; empty where it cannot be read."""
        return manifest_of(self.new)

    @cached_property
    def old_manifest(self) -> Mapping[str, object]:
        """The old manifest; empty where there is none."""
        return manifest_of(self.old or {})

    @cached_property
    def scripts(self) -> Mapping[str, str]:
        """The lifecycle scripts that an install of the new version runs."""
        return _scripts(self.new, self.manifest)

    @cached_property
    def old_scripts(self) -> Mapping[str, str]:
        """The same for the old version."""
        return _scripts(self.old or {}, self.old_manifest)

    @cached_property
    def changed_paths(self) -> tuple[str, ...]:
        """Files whose bytes no file of the old version had, in order."""
        had = set(_digests(self.old or {}).values())
        return tuple(sorted(p for p, digest in _digests(self.new).items() if digest not in had))

    @cached_property
    def changed(self) -> tuple[ChangedFile, ...]:
        """The scripts among them, with their facts."""
        paths = [path for path in self.changed_paths if self.is_script(path)]
        facts = self._up_to_the_limits("code", paths)
        odd = self._loaded_by_name(dict(zip(paths, facts, strict=True)))
        paths += odd
        facts += self.read(("code", self.new[path]) for path in odd)
        found = [*map(ChangedFile, paths, facts), *self._texts_of_code(set(paths))]
        return tuple(found)

    def _up_to_the_limits(self, kind: str, paths: Sequence[str]) -> list[FileFacts]:
        """The facts of new files; those beyond the limits for a package are unread."""
        count = _readable(self.new, paths)
        facts = self.read((kind, self.new[path]) for path in paths[:count])
        return facts + [FileFacts(len(self.new[p]), unread=_TOO_MANY) for p in paths[count:]]

    def _texts_of_code(self, known: set[str]) -> Iterator[ChangedFile]:
        """Other changed texts that are code: somebody may load them by a name that is computed."""
        paths = [p for p in self.changed_paths if p not in known and may_be_code(p, self.new[p])]
        paths = paths[: _readable(self.new, paths)]
        facts = self.read(("maybe", code_of(path, self.new[path])) for path in paths)
        for path, each in zip(paths, facts, strict=True):
            if "errors" not in each.marks or path.lower().endswith(_OF_PAGES):
                yield ChangedFile(path, each)

    @cached_property
    def activated(self) -> tuple[ChangedFile, ...]:
        """Unchanged files of tests that are newly named by the manifest, or loaded by a changed file."""
        if self.old is None:
            return ()
        named = self._named - self._old_named
        for each in self.changed:
            if not _is_of_tests(each.path):
                named |= self._newly_loaded_tests(each)
        paths = sorted(filter(self._is_kept_test, named))
        return tuple(map(ChangedFile, paths, self.read(("code", self.new[p]) for p in paths)))

    def _newly_loaded_tests(self, changed: ChangedFile) -> set[str]:
        loads = loaded_files(changed.path, changed.facts, self.new)
        found = set(filter(self._is_kept_test, loads))
        before = self.before(changed.path) if found else None
        return found - set(loaded_files(changed.path, before, self.new)) if before else found

    def _is_kept_test(self, path: str) -> bool:
        return (
            _is_of_tests(path)
            and path not in self.changed_paths
            and not path.lower().endswith(_NEVER_CODE)
        )

    def before(self, path: str) -> FileFacts | None:
        """What a file was in the old version; None where there was none.

        Only asked where the new file has something to ask about, which most have not.
        """
        if path not in (self.old or {}):
            return None
        if path not in self._before:
            assert self.old is not None
            self._before[path] = self.read([("code", code_of(path, self.old[path]))])[0]
        return self._before[path]

    @cached_property
    def _before(self) -> dict[str, FileFacts]:
        return {}

    def _loaded_by_name(self, scripts: Mapping[str, FileFacts]) -> list[str]:
        """Changed files that a changed script loads as code, with any suffix."""
        changed = set(self.changed_paths) - scripts.keys()
        found = dict.fromkeys(
            target
            for path, facts in scripts.items()
            for target in loaded_files(path, facts, self.new)
            if target in changed
            and not target.lower().endswith((".json", ".node"))
            and not is_machine_program(self.new[target])
        )
        return list(found)

    @cached_property
    def changed_texts(self) -> tuple[tuple[str, FileFacts], ...]:
        """New or changed shell scripts and build files, with their facts."""
        paths = [
            p for p in self.changed_paths if p.lower().endswith((*SHELL_SUFFIXES, *GYP_SUFFIXES))
        ]
        return tuple(zip(paths, self._up_to_the_limits("text", paths), strict=True))

    @cached_property
    def _unchanged(self) -> FactsOneByOne:
        changed = set(self.changed_paths)
        paths = (p for p in self.new if p not in changed and self.is_script(p))
        return FactsOneByOne(self, self.new, tuple(paths))

    def unchanged(self) -> Iterator[FileFacts]:
        """The facts of the new version's other scripts, read one after the other."""
        return iter(self._unchanged)

    @cached_property
    def _old_changed(self) -> FactsOneByOne:
        """Old scripts that are not in the new version as they were."""
        old, kept = self.old or {}, set(_digests(self.new).values())
        changed = sorted(path for path, digest in _digests(old).items() if digest not in kept)
        paths = (path for path in changed if _is_script(path, old, self._old_named))
        return FactsOneByOne(self, old, tuple(paths))

    @cached_property
    def _old_texts(self) -> tuple[FileFacts, ...]:
        old = self.old or {}
        paths = [p for p in sorted(old) if p.lower().endswith((*SHELL_SUFFIXES, *GYP_SUFFIXES))]
        return tuple(self.read(("text", old[path]) for path in paths))

    def earlier(self) -> Iterator[FileFacts]:
        """The facts of every script of the old version; the changed ones come first."""
        if self.old is not None:
            yield from self._old_changed
            yield from self._unchanged

    def had(self, *marks: str) -> bool:
        """Whether one file of the old version had all these marks."""
        return any(all(mark in facts.marks for mark in marks) for facts in self.earlier())

    def had_in_text(self, mark: str) -> bool:
        """Whether a shell script or build file of the old version had a mark."""
        return any(mark in facts.marks for facts in self._old_texts)

    def first(self, *marks: str) -> tuple[str, Mark] | None:
        """The first new or changed script with all these marks that its old self had not."""
        for each in self.changed:
            if not all(mark in each.facts.marks for mark in marks):
                continue
            before = self.before(each.path)
            if before is None or not all(mark in before.marks for mark in marks):
                return each.path, each.facts.marks[marks[0]]
        return None

    def is_script(self, path: str) -> bool:
        """Whether a file of the new version is code that a JavaScript runtime runs."""
        return _is_script(path, self.new, self._named)

    @cached_property
    def _named(self) -> frozenset[str]:
        return _named_files(self.new, self.manifest, self.scripts)

    @cached_property
    def _old_named(self) -> frozenset[str]:
        return _named_files(self.old or {}, self.old_manifest, self.old_scripts)

    @cached_property
    def install_files(self) -> tuple[str, ...]:
        """Files that an install runs: those that its commands name, and the files that these load."""
        commands = install_texts(self.new, self.scripts)
        order = dict.fromkeys(path for text in commands for path in called(text, self.new))
        seen: set[str] = set()
        while (todo := [path for path in order if path not in seen]) and len(order) <= _CLOSURE:
            seen.update(todo)
            scripts = [
                path
                for path in todo
                if not path.lower().endswith(_DATA) and not is_machine_program(self.new[path])
            ]
            facts = self.read(("code", self.new[path]) for path in scripts)
            for path, found in zip(scripts, facts, strict=True):
                order.update(dict.fromkeys(loaded_files(path, found, self.new)))
        return tuple(order)[:_CLOSURE]


class FactsOneByOne:
    """The facts of some files, each read when somebody first wants to have it, and then known."""

    def __init__(self, comparison: PackageComparison, files: Files, paths: Sequence[str]) -> None:
        self._found: list[FileFacts] = []
        self._comparison, self._files, self._paths = comparison, files, paths

    @cached_property
    def _count(self) -> int:
        return _readable(self._files, self._paths)

    def __iter__(self) -> Iterator[FileFacts]:
        at = 0
        while at < self._count:
            if at == len(self._found):
                data = self._files[self._paths[at]]
                self._found += self._comparison.read([("code", data)])
            yield self._found[at]
            at += 1


def _digests(files: Files) -> Mapping[str, bytes]:
    """What tells one content from another, for each file."""
    if isinstance(files, UnpackedFiles):
        return files.digests
    return {path: sha256(data).digest() for path, data in files.items()}


def manifest_of(files: Files) -> Mapping[str, object]:
    """A tarball's package.json; empty where it cannot be read, which the clients refuse."""
    try:
        manifest = json.loads(files.get("package.json", b"{}").decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def table_of(manifest: Mapping[str, object], key: str) -> dict[str, str]:
    """A table of texts in a manifest; other values are left out."""
    found = manifest.get(key)
    if not isinstance(found, dict):
        return {}
    return {str(name): value for name, value in found.items() if isinstance(value, str)}


def aliased_package(loaded: str, wanted: str) -> str:
    """The package that a dependency is: an alias, ``"ms": "npm:other@1"``, is loaded by one name and
    is the package of another.
    """
    alias = _ALIAS.match(wanted)
    return alias[1] if alias else loaded


def _scripts(files: Files, manifest: Mapping[str, object]) -> Mapping[str, str]:
    gyp = "binding.gyp" in files and manifest.get("gypfile") is not False
    table = table_of(manifest, "scripts")
    seen: set[str] = set()
    return {
        name: _with_what_it_runs(command, table, seen)
        for name, command in lifecycle(table, gyp=gyp).items()
    }


def _with_what_it_runs(command: str, table: Mapping[str, str], seen: set[str]) -> str:
    """A command, with the scripts of the same manifest that it runs: ``npm run x``. Each once."""
    found = command
    for match in _RUNS.finditer(command[:_COMMAND_LIMIT]):
        for word in match[1].split():
            for name in (f"pre{word}", word, f"post{word}"):
                if name in table and name not in seen and len(seen) < _CLOSURE:
                    seen.add(name)
                    found += f" ({name}: {_with_what_it_runs(table[name], table, seen)})"
    return found


def _readable(files: Files, paths: Sequence[str]) -> int:
    """How many of some files are read: from the first on, up to the limits for a package."""
    sizes = accumulate(len(files[path]) for path in paths[:FILES_LIMIT])
    return sum(1 for _ in takewhile(lambda size: size <= BYTES_LIMIT, sizes))


def is_closed(path: str, data: bytes) -> bool:
    """Whether a file is machine code, an archive or other data that a program must be made for, or
    larger than what is read of one.
    """
    lower = path.lower()
    if is_machine_code(path, data):
        return True
    if len(data) > SIZE_LIMIT and not lower.endswith(
        (*SCRIPT_SUFFIXES, *_NEVER_CODE, *_SHOWN_TO_PEOPLE)
    ):
        return True
    return b"\0" in data and not lower.endswith(_SHOWN_TO_PEOPLE)


def _is_of_tests(path: str) -> bool:
    return _OF_TESTS.search(path) is not None


def is_of_other_language(path: str, data: bytes) -> bool:
    """Whether a file is a program that some other interpreter runs: only words are searched in it."""
    if path.lower().endswith(_OTHER_LANGUAGES):
        return True
    return data.startswith(b"#!") and not _is_of_javascript(data)


def _is_of_javascript(data: bytes) -> bool:
    first = data[:80].partition(b"\n")[0]
    return any(word in first for word in (b"node", b"bun", b"deno", b"tsx", b"ts-node"))


def may_be_code(path: str, data: bytes) -> bool:
    """Whether a text with a name that says nothing, or something else, may be a script."""
    if path.lower().endswith((*_NEVER_CODE, *_OTHER_LANGUAGES)) or b"\0" in data:
        return False
    if _ACTS.search(data) is None:
        return False
    start = _BEFORE_CODE.match(data)
    return path.lower().endswith(_OF_PAGES) or (
        _NO_START.match(data, start.end() if start else 0) is None
    )


def code_of(path: str, data: bytes) -> bytes:
    """The script in a file: of a page's component, what is between its tags, on the same lines."""
    if not path.lower().endswith(_OF_PAGES):
        return data
    found = bytearray(_NO_LINE.sub(b" ", data))
    for match in _IN_PAGE.finditer(data):
        found[match.start(1) : match.end(1)] = match[1]
    return bytes(found)


_NO_LINE: Final = re.compile(rb"[^\n]")
_IN_PAGE: Final = re.compile(
    rb"<script\b[^>]{0,500}>(.*?)(?=</script\s{0,20}>|\Z)", re.DOTALL | re.IGNORECASE
)


def _is_script(path: str, files: Files, named: frozenset[str]) -> bool:
    lower = path.lower()
    if lower.endswith(_TYPES):
        return False
    if lower.endswith(SCRIPT_SUFFIXES):
        return True
    data = files[path]
    return (path in named and not lower.endswith(_DATA) and not is_machine_program(data)) or (
        data.startswith(b"#!") and any(word in data[:80] for word in (b"node", b"bun", b"deno"))
    )


def _named_files(
    files: Files, manifest: Mapping[str, object], scripts: Mapping[str, str]
) -> frozenset[str]:
    """Files that the manifest names as code, with any suffix."""
    package = Package(name="", files=files)
    texts = [
        *(str(manifest.get(key) or "")[:1_000] for key in ("main", "module")),
        *table_of(manifest, "bin").values(),
        *scripts.values(),
    ]
    if isinstance(manifest.get("bin"), str):
        texts.append(str(manifest["bin"]))
    texts += (
        json.dumps(manifest[key])[:10_000]
        for key in ("exports", "imports", "browser")
        if isinstance(manifest.get(key), str | dict)
    )
    found = {each.path for text in texts for each in called_files(text, package)}
    return frozenset(found)


def install_texts(files: Files, scripts: Mapping[str, str]) -> list[str]:
    """The commands of an install, those in build files among them."""
    gyp = [
        files[path][:100_000].decode("utf-8", errors="replace")
        for path in sorted(files)
        if path.endswith(GYP_SUFFIXES)
    ]
    return [*scripts.values(), *gyp]


def called(text: str, files: Files) -> list[str]:
    """The package's files that a command names."""
    return [each.path for each in called_files(text, Package(name="", files=files))]


def loaded_files(path: str, facts: FileFacts, files: Files) -> Iterator[str]:
    """The package's files that a script loads by relative specifiers."""
    for name in facts.loads:
        if name.startswith("."):
            base = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
            target = next((base + ending for ending in _ENDINGS if base + ending in files), None)
            if target is not None:
                yield target


def weight_of(reason: Reason, *, fresh: bool) -> int:
    """The points that a reason adds."""
    weight = WEIGHTS[reason.code]
    return weight.new if fresh else weight.upgrade


def manifest_line(files: Files, words: str) -> int:
    """The line of a manifest that first has some words; 1 where none has."""
    data = files.get("package.json", b"")
    at = data.find(words.encode("utf-8", errors="surrogatepass"))
    return data.count(b"\n", 0, max(at, 0)) + 1
