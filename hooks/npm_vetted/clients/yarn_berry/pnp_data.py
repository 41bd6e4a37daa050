"""Compares the JSON of ``.pnp.cjs`` with yarn.lock: the versions that each package gets, and their places.

Yarn makes the JSON from yarn.lock alone. For each package in it:

1. its place must be the archive of its locator;
2. each dependency must be the entry to which yarn.lock resolves it;
3. a peer must be the dependency of that name of the package that requires this one;
4. a dependency that no file names is accepted if it is locked under its own name, because Yarn's built-in
   corrections of packages add such dependencies.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final, NamedTuple

from npm_vetted.clients.shared.yarn.locators import Reference, locator_hash, split_ident
from npm_vetted.clients.yarn_berry.pnp import DATA_FILES, data_of, regenerate
from npm_vetted.clients.yarn_berry.resolution import BerryResolution
from npm_vetted.errors import DocumentError
from npm_vetted.formats.yaml import load_yaml
from npm_vetted.model import Group, Location, Problem, Read

_VIRTUAL: Final = re.compile(r"(.*?)/?(?:__virtual__|\$\$virtual)/[^/]+/([0-9]{1,3})/(.*)")
_PACKED: Final = re.compile(
    r"(?P<folder>(?:.*/)?[^/]+)/[^/]*-(?P<hash>[0-9a-f]{10})"
    r"(?P<zip>-(?:[0-9a-f]{10}|[0-9]+(?:c[0-9])?)\.zip)?/node_modules/(?P<name>(?:@[^/]+/)?[^/]+)"
)
_IGNORED: Final = (
    r"(^(?:\.yarn\/sdks(?:\/(?!\.{1,2}(?:\/|$))(?:(?:(?!(?:^|\/)\.{1,2}(?:\/|$)).)*?)|$))$)",
    r"(^(?:\.yarn\/sdks(?:\/(?!\.)(?:(?:(?!(?:^|\/)\.).)*?)|$))$)",
)
"""The default of ``pnpIgnorePatterns``, and that of Yarn 2.4: files there are found without this JSON."""
_MOST: Final = 20
"""The most findings for one file."""

Locator = tuple[str, str]
"""A package's name and reference; ('', '') means the root project."""
_TOP: Final[Locator] = ("", "")


def data_problems(lockfile: BerryResolution, read: Read) -> Iterator[Problem]:
    """The differences between the committed PnP files and the lockfile."""
    folder = posixpath.dirname(lockfile.path)
    for name in DATA_FILES:
        path = posixpath.join(folder, name)
        data = read(path)
        if data is None:
            continue
        try:
            state = data_of(path, data)
            settings = _settings(posixpath.join(folder, ".yarnrc.yml"), read)
        except DocumentError as error:
            yield _problem(path, folder, name, f"its data cannot be read: {error.message}")
            continue
        found = _Data(state or {}, lockfile).differences(settings)
        for at, (key, why) in enumerate(found):
            if at < _MOST:
                yield _problem(path, folder, key, why)


def _settings(path: str, read: Read) -> Mapping[str, object]:
    data = read(path)
    documents = load_yaml(path, data, strings_only=True) if data else []
    return documents[0].root().data if documents and documents[0].data is not None else {}


def _problem(path: str, folder: str, key: str, why: str) -> Problem:
    return Problem(
        message=f"{key}: {why}; Yarn writes this file again from yarn.lock",
        location=Location(path),
        fix=regenerate(path, folder),
        code="pnp-differs",
        key=key,
        value=why,
    )


class _Row(NamedTuple):
    """One package of the JSON: the locator that it gets for each name (None: nothing), and its place."""

    locator: Locator
    gets: Mapping[str, Locator | None]
    place: object

    @property
    def label(self) -> str:
        return "@".join(self.locator) if self.locator != _TOP else "the top"

    @property
    def is_virtual(self) -> bool:
        return self.locator[1].startswith("virtual:")


class _Data:
    """The JSON of one file, compared with a lockfile."""

    def __init__(self, state: Mapping[str, object], lockfile: BerryResolution) -> None:
        self._state = state
        self._lockfile = lockfile
        self._rows: dict[Locator, _Row] = {}
        self._twice: list[str] = []
        for row in _rows(state.get("packageRegistryData")):
            if row.locator in self._rows:
                self._twice.append(row.label)
            self._rows[row.locator] = row

    def differences(self, settings: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """Each difference: the name of the package (or key) with it, and a sentence."""
        yield from ((label, "is in the file twice") for label in self._twice)
        yield from self._of_pool(settings.get("pnpMode") == "loose")
        if "pnpIgnorePatterns" not in settings and self._state.get("ignorePatternData") not in (
            None,
            *_IGNORED,
        ):
            yield (
                "ignorePatternData",
                "expected Yarn's own, as .yarnrc.yml has no pnpIgnorePatterns",
            )
        for row in self._rows.values():
            why = self._misplaced(*row.locator, row.place)
            if why is not None:
                yield row.label, why
                continue
            for name, target in row.gets.items():
                why = self._wrong(row, name, target)
                if why is not None:
                    yield row.label, why
            yield from self._lacking(row)

    def _of_pool(self, loose: bool) -> Iterator[tuple[str, str]]:
        """Differences in ``fallbackPool``, the packages that all get; empty unless ``pnpMode`` is loose."""
        pool = self._state.get("fallbackPool")
        if pool not in (None, []) and not loose:
            yield "fallbackPool", "expected nothing, found packages that every other one gets"
        for name, target in _targets({"packageDependencies": pool}).items() if loose else ():
            if target is None or target not in self._rows or target[0] != name:
                found = "nothing" if target is None else "@".join(target)
                yield "fallbackPool", f"gives {found} to every package that requires {name}"

    def _is_of_yarn(self, found: re.Match[str]) -> bool:
        """Whether an archive is outside the repository, or in the cache folder, whose archives are hashed."""
        home = posixpath.dirname(self._lockfile.path)
        folder = posixpath.normpath(posixpath.join(home, found["folder"]))
        if folder.startswith(("../", "/")):
            return posixpath.basename(folder) in ("cache", "unplugged")
        own = posixpath.normpath(posixpath.join(home, ".yarn/unplugged"))
        return folder == (own if found["zip"] is None else str(self._lockfile.store).rstrip("/"))

    def _misplaced(self, name: str, reference: str, location: object) -> str | None:
        """Why a package's place is not the one that follows from yarn.lock; None: it is."""
        if not isinstance(location, str):
            return "has no place"
        place = _real(location)
        real = _settled(reference)
        parts = Reference.parse(real)
        if (name, reference) == _TOP:
            return None if place == "." else f"expected at ., found {location}"
        if not self._lockfile.is_locked(name, real):
            return "yarn.lock does not have it"
        if parts.protocol == "workspace:":
            wanted = posixpath.normpath(parts.source or ".")
            return None if place == wanted else f"expected at {wanted}, found {location}"
        if parts.protocol in ("link:", "portal:"):
            whose = split_ident(parts.params.get("locator", ""))
            home = whose[1].removeprefix("workspace:") if whose else "."
            wanted = posixpath.normpath(posixpath.join(home, parts.source))
            return None if place == wanted else f"expected at {wanted}, found {location}"
        found = _PACKED.fullmatch(place)
        hashes = {locator_hash(name, each)[:10] for each in (real, *self._forms[name, real])}
        sound = found is not None and found["hash"] in hashes and found["name"] == name
        if found is None or not sound or not self._is_of_yarn(found):
            return f"expected in the archive of {name}@{real}, found {location}"
        return None

    @cached_property
    def _forms(self) -> Mapping[Locator, list[str]]:
        """All forms of each package with peers (one for each dependent); unplugged, one form has the place."""
        found: dict[Locator, list[str]] = {}
        for name, reference in self._rows:
            found.setdefault((name, _settled(reference)), []).append(reference)
        return found

    @cached_property
    def _keys(self) -> Mapping[Locator, str]:
        """The key of each locator's entry; ``virtual:`` references are unwrapped; the root's for ('', '')."""
        found = {self._lockfile.locator(key): key for key in self._lockfile.blocks}
        root = self._lockfile.workspaces.get("")
        return found if root is None else {**found, _TOP: root}

    def _key(self, locator: Locator) -> str | None:
        return self._keys.get((locator[0], _settled(locator[1])))

    @cached_property
    def _askers(self) -> Mapping[Locator, list[_Row]]:
        """The packages that require each package, except those that have it as a peer."""
        found: dict[Locator, list[_Row]] = {}
        for row in self._rows.values():
            key = self._key(row.locator)
            # A package with peers requires its own alone: the others are peers, and Yarn itself adds a few.
            asks = row.gets if key is None or not row.is_virtual else self._asked(key).keys()
            peers = self._peers(key) if key is not None and row.is_virtual else ()
            for name, target in row.gets.items():
                if target is None or target == row.locator or name in peers:
                    continue
                if name in asks:
                    found.setdefault(target, []).append(row)
        return found

    def _wrong(self, row: _Row, name: str, target: Locator | None) -> str | None:
        """Why a package must not get the locator ``target`` for a name; None: it may."""
        if target is not None and target not in self._rows:
            return f"depends on {'@'.join(target)}, which the file itself does not have"
        found = "nothing" if target is None else "@".join(target)
        key = self._key(row.locator)
        if key is None:
            return None  # a lockfile without its root: lockfile-sync says so
        own = self._asked(key)
        if name in self._peers(key) and (row.is_virtual or name not in own):
            return self._wrong_peer(row, name, target, own.get(name))
        if name in own:
            wanted = own[name]
            right = target is not None and self._key(target) == wanted
            if wanted is None or right or (target is None and self._may_lack(wanted)):
                return None if target is None or self._is_bound(target) else f"gets {found} unbound"
            return f"gets {found} for {name}, yarn.lock has {self._label(wanted)}"
        itself = self._lockfile.locator(key)[0] == name
        if itself and target is not None and self._key(target) == key:
            return None
        if not itself and (target is None or (target[0] == name and not self._is_workspace(row))):
            return None
        return f"gets {found} for {name}, which it does not require"

    def _wrong_peer(
        self, row: _Row, name: str, target: Locator | None, own: str | None
    ) -> str | None:
        """Why a peer is wrong: it must be what the dependents of this package have, or its own dependency."""
        for asker in self._askers.get(row.locator, ()):
            given = asker.gets.get(name)
            if given is None and name == asker.locator[0]:
                given = asker.locator
            if target != given and (given is not None or self._key(target or _TOP) != own):
                one = "nothing" if target is None else "@".join(target)
                other = "nothing" if given is None else "@".join(given)
                return f"gets {one} for its peer {name}, and {asker.label} has {other}"
        return None

    def _lacking(self, row: _Row) -> Iterator[tuple[str, str]]:
        """Requirements that a package does not get: it would get the root's package of that name instead."""
        if row.locator != _TOP and row.locator[0] not in row.gets:
            yield row.label, "does not get itself"
        key = self._key(row.locator)
        alone = not self._is_workspace(row) and set(row.gets) <= {row.locator[0]}
        if key is None or (alone and row.locator not in self._askers):
            return  # a package with peers is bound to the packages that require it: nothing uses this row
        for name, wanted in self._asked(key).items():
            if name not in row.gets and wanted is not None and not self._may_lack(wanted):
                yield row.label, f"gets nothing for {name}, yarn.lock has {self._label(wanted)}"
        for name in self._table(key, "peerDependencies") if row.is_virtual else ():
            if name not in row.gets and self._wrong_peer(row, name, None, None) is not None:
                yield row.label, f"gets nothing for its peer {name}"

    def _is_bound(self, target: Locator) -> bool:
        """Whether a package with peers is in the form for one dependent, in which it gets its peers."""
        key = self._key(target)
        if key is None or target[1].startswith("virtual:"):
            return True
        return not self._table(key, "peerDependencies")

    def _may_lack(self, key: str) -> bool:
        """Whether Yarn does not install an entry on some machines."""
        return "conditions" in self._fields(key)

    def _is_workspace(self, row: _Row) -> bool:
        return row.locator == _TOP or _settled(row.locator[1]).startswith("workspace:")

    def _label(self, key: str) -> str:
        return "@".join(self._lockfile.locator(key))

    def _fields(self, key: str) -> Mapping[str, object]:
        if key not in self._fields_of:
            self._fields_of[key] = self._lockfile.fields(key)
        return self._fields_of[key]

    @cached_property
    def _fields_of(self) -> dict[str, Mapping[str, object]]:
        return {}

    def _table(self, key: str, field: str) -> Mapping[str, object]:
        found = self._fields(key).get(field)
        return found if isinstance(found, Mapping) else {}

    def _asked(self, key: str) -> Mapping[str, str | None]:
        """The requirements of an entry: name -> key of the entry that yarn.lock resolves it to."""
        if key not in self._asked_by:
            lockfile = self._lockfile
            self._asked_by[key] = {
                **lockfile.extended.get(key, {}),
                **{
                    each.name: lockfile.resolve(key, each)
                    for each in lockfile.requires(key, self._fields(key))
                    if each.group is not Group.PEER
                },
            }
        return self._asked_by[key]

    @cached_property
    def _asked_by(self) -> dict[str, Mapping[str, str | None]]:
        return {}

    def _peers(self, key: str) -> frozenset[str]:
        """The names of an entry's peers; Yarn adds ``@types/NAME`` for each, and its own corrections."""
        if key not in self._peers_of:
            meta = self._table(key, "peerDependenciesMeta")
            named = {**self._table(key, "peerDependencies"), **meta}
            types = (f"@types/{name.lstrip('@').replace('/', '__')}" for name in named)
            self._peers_of[key] = frozenset((*named, *types))
        return self._peers_of[key]

    @cached_property
    def _peers_of(self) -> dict[str, frozenset[str]]:
        return {}


def _settled(reference: str) -> str:
    """A reference without ``virtual:``, by which Yarn marks the form for one dependent."""
    return reference.partition("#")[2] if reference.startswith("virtual:") else reference


def _rows(packages: object) -> Iterator[_Row]:
    """Each package of the JSON."""
    for row in packages if isinstance(packages, list) else ():
        if not isinstance(row, list) or len(row) != 2 or not isinstance(row[1], list):
            continue
        for inner in row[1]:
            if isinstance(inner, list) and len(inner) == 2 and isinstance(inner[1], dict):
                locator = (str(row[0] or ""), str(inner[0] or ""))
                yield _Row(locator, _targets(inner[1]), inner[1].get("packageLocation"))


def _targets(info: Mapping[str, object]) -> Mapping[str, Locator | None]:
    found = info.get("packageDependencies")
    targets: dict[str, Locator | None] = {}
    for row in found if isinstance(found, list) else ():
        if isinstance(row, list) and len(row) == 2:
            name, target = str(row[0]), row[1]
            if isinstance(target, list) and len(target) == 2:
                targets[name] = (str(target[0]), str(target[1]))
            else:
                targets[name] = (name, target) if isinstance(target, str) else None
    return targets


def _real(location: str) -> str:
    """A place without ``__virtual__/NAME/UP/``, which Yarn inserts for forms of packages with peers."""
    found = _VIRTUAL.fullmatch(location)
    if found is not None:
        location = posixpath.join(found[1] or ".", *[".."] * int(found[2]), found[3])
    return posixpath.normpath(location)
