"""The scene of a command: where it runs, the project there, the client that runs, the settings in force.

1. The folder is searched upwards for a package.json, on the command's disk.
2. The repository's file behind that package.json tells the project.
3. The program, the project's lockfile and its pin tell the client and its version.
4. The client's settings files on the disk, above the folder and in the user's home tell whether scripts run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from npm_vetted.client_names import USER_FILES
from npm_vetted.formats.client_action import (
    ActionKind,
    ClientAction,
    ClientRules,
    Switch,
    source_setting,
)
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, shown
from npm_vetted.installs import Context
from npm_vetted.installs.context.disk import CHECKOUT, Copied, Found, Written, resolve, under
from npm_vetted.installs.shell.state import State
from npm_vetted.model import Location, Pin, Project, Read

_TEMPORARY: Final = "/tmp/"  # noqa: S108
_RELEASES: Final = "/~clients"
"""The folder of a disk in which the version of each client is noted that a command installed."""
_LEADING: Final = re.compile(r"[v=^~]?(\d+)(?:\.|\Z)")
_SYSTEM: Final = ("/tmp", "/usr", "/opt", "/etc", "/var", "/dev")  # noqa: S108
"""System folders: a checkout is usually not in one of these."""
_MANY: Final = 200
_SETTING: Final = re.compile(
    r"""^[ \t]*["']?(?P<key>@[\w.-]+:registry|[\w-]+)["']?"""
    r"""(?:[ \t]*[=:]|[ \t](?![ \t]*[=:]))[ \t]*["']?[ \t]*(?P<value>[^"'\s]+)""",
    re.MULTILINE,
)


@dataclass(slots=True)
class Scene:
    """Where one command runs; the module's docstring says how each attribute is found."""

    context: Context
    state: State
    place: str
    program: str
    exact: bool = False
    alone: bool = False
    project: Project | None = None
    around: Project | None = None
    """The project; if the nearest package.json is no project, the one above it, in which npx looks too."""
    root: str | None = None
    where: str = UNKNOWN_TEXT
    excluded: str | None = None
    """The folder of the command, if an ``[[exclude]]`` of the policy says that it is no project."""
    elsewhere: str = ""
    """The folder of the command, if it is outside the checkout and its content is not known."""
    foreign: bool = False
    unknown: bool = False
    """Whether the content of package.json is not known, because a program made it."""
    vague: bool = False
    """Whether the folder should be in the checkout but is not there, so its content is not known."""
    doubt: str = ""
    missing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if UNKNOWN_TEXT in self.place:
            self.where = self.place if self.place.startswith(_TEMPORARY) else UNKNOWN_TEXT
            return
        self.where = self.place
        for candidate in (self.place, *self.state.guesses):
            if self._find(candidate):
                return
        if (
            self.state.guesses and self.place == CHECKOUT
        ):  # a script that is run in folders that it does not name
            self.place, self.where = f"{CHECKOUT}/{UNKNOWN_TEXT}", UNKNOWN_TEXT
        elif self._may_be_checkout():
            self.place, self.where = f"{CHECKOUT}/{UNKNOWN_TEXT}", UNKNOWN_TEXT
        elif self._is_elsewhere():
            self.elsewhere, self.place, self.where = self.place, UNKNOWN_TEXT, UNKNOWN_TEXT

    def _is_elsewhere(self) -> bool:
        """Whether the folder is outside the checkout (such as in a container) and its content is not known."""
        known = (CHECKOUT, self.state.home, *_SYSTEM)
        return (
            self._has_checkout()
            and self.place.strip("/") != ""
            and all(under(folder, self.place) is None for folder in known)
            and not self.state.disk.has_folder(self.place)
        )

    def _has_checkout(self) -> bool:
        """Whether the whole repository is on the disk, as in a workflow, and not only copied files of it."""
        layers = (each for each in self.state.disk.layers if isinstance(each, Copied))
        return any(each.place == CHECKOUT and not each.source for each in layers)

    def _may_be_checkout(self) -> bool:
        """Whether an absolute path may lead into the checkout, whose real path is not known."""
        inside = self.place.strip("/")
        return (
            "/" in inside
            and under(CHECKOUT, self.place) is None
            and self._has_checkout()
            and any(
                f"{inside[at:]}/package.json" in self.context.tracked().paths
                for at in (0, *(each.end() for each in re.finditer("/", inside)))
            )
        )

    def _find(self, place: str) -> bool:
        folder = place
        while True:
            names = ("package.json", *self._own_manifests())
            paths = (f"{folder.rstrip('/')}/{name}" for name in names)
            found = next(filter(None, map(self.state.disk.find, paths)), None)
            if found is not None:
                inside = under(CHECKOUT, place) is not None
                self.vague = inside and folder != place and not self.state.disk.has_folder(place)
                self.foreign = found.path is None
                self.unknown = self.foreign and found.text is None
                self.root = self.where = folder
                before = found
                if self.unknown:  # a program wrote the repository's own package.json anew
                    before = self.state.disk.original(f"{folder.rstrip('/')}/package.json") or found
                if before.path is not None:
                    self._settle(before.path.rpartition("/")[0], folder)
                return True
            parent = folder.rpartition("/")[0] or "/"
            if self.state.disk.is_foreign(folder):
                return True
            if self.exact or parent == folder or folder in ("/", CHECKOUT):
                return False
            folder = parent

    def _own_manifests(self) -> tuple[str, ...]:
        """The names of manifests that the client reads instead of package.json."""
        return self.context.client_files(self.program).manifests

    def _settle(self, home: str, folder: str) -> None:
        self.project = self.around = self.context.project_at(home)
        if self.project is None and self.context.is_excluded(home):
            self.excluded = home
        above = home
        while self.around is None and above:
            above = above.rpartition("/")[0]
            self.around = self.context.project_at(above)
        self.root = folder
        self.where = folder
        if self.project is not None and self.project.path != home and not self.alone:
            inner = home[len(self.project.path) :].strip("/")
            if folder.endswith("/" + inner):
                self.root = folder[: -len(inner) - 1] or "/"

    @property
    def why_anywhere(self) -> str:
        """The reason why the folder is not known, for a message."""
        if self.elsewhere:
            return f"the content of {self.elsewhere} is not known"
        if self.state.guesses:
            return "the file does not say where it is started"
        return "its folder is filled in elsewhere"

    @property
    def client(self) -> str:
        """The NAME of the client that runs."""
        locked = self.project.client if self.project is not None else None
        return self.rules.name(locked, self._has, self.pin) or self.program

    def _has(self, name: str) -> bool:
        return self.root is not None and self.state.disk.find(f"{self.root}/{name}") is not None

    @property
    def rules(self) -> ClientRules:
        """The rules about command lines of the client that runs."""
        return self.context.readers()[self.program].RULES

    @property
    def owner(self) -> str:
        """The NAME of the client that owns the project's lockfile, even if another one runs."""
        return (self.project.client if self.project is not None else None) or self.client

    @property
    def pin(self) -> Pin | None:
        """The pin of the program that runs: the project's, or the release that a command installed."""
        pin = self.project.pin if self.project else None
        if pin is not None:
            return pin if pin.client == self.program else None
        found = self.state.disk.find(f"{_RELEASES}/{self.program}", maybe=False)
        return None if found is None else self._pin_of((found.text or b"").decode())

    def _pin_of(self, version: str) -> Pin | None:
        """A release as a pin; only its major version matters."""
        said, newest = _LEADING.match(version), self.rules.newest
        if newest is None or not (said or version in ("", "latest")):
            return None
        major = int(said[1]) if said else newest
        return Pin(self.program, (major, 0, 0), said is not None, True, Location("", 0))

    @property
    def major(self) -> int | None:
        """The major version, if the pin is exact; None: any version may run."""
        pin = self.pin
        return pin.minimum[0] if pin and pin.minimum and pin.exact else None

    def variables(self, act: ClientAction) -> tuple[Switch, str | None]:
        """The effect of environment variables on the client's scripts, and the variable that causes it."""
        reader = self.context.readers()[self.program]
        environment = self.state.environment()
        found: dict[str, set[Switch]] = {}
        for name, value in environment.items():
            for text in value:
                found.setdefault(name, set()).add(reader.variable(name, text))
        counts, client = self.rules.counts, self.client
        found = {name: each for name, each in found.items() if counts(name, client)}
        for wanted in (Switch.ON, Switch.UNKNOWN):
            for name, switches in found.items():
                if wanted in switches:
                    return wanted, f"{name}={shown('|'.join(environment[name]))}"
        names = [name for name, switches in found.items() if switches == {Switch.OFF}]
        if not names:
            return Switch.UNSET, None
        holds = self.rules.holds(names, act.kind, self.major)
        return (Switch.OFF if holds else Switch.UNSET), names[0]

    # -- settings

    def everywhere_safe(self, act: ClientAction) -> bool:
        """Whether the settings switch scripts off in every project of the checkout, as the folder is unknown."""
        prefix = self.place.split(UNKNOWN_TEXT, 1)[0]
        if under(CHECKOUT, prefix.rstrip("/")) is None:
            return False
        layers = [each for each in self.state.disk.layers if isinstance(each, Copied)]
        base = prefix[len(CHECKOUT) :].strip("/")
        found = [
            path.rpartition("/")[0]
            for layer in layers
            if not layer.source and layer.place == CHECKOUT
            for path in layer.tracked.manifests
            if path.startswith(base)
        ]
        scenes = [
            Scene(self.context, self.state, f"{CHECKOUT}/{folder}".rstrip("/"), self.program)
            for folder in found[:_MANY]
        ]
        return (
            bool(found) and len(found) <= _MANY and all(each.settings_hold(act) for each in scenes)
        )

    def settings_hold(self, act: ClientAction) -> bool | None:
        """Whether the settings in force switch scripts off; None: that is not known."""
        if not act.obeys:
            return False
        if (answer := self.rules.decides(act.kind, self.major)) is not None:
            return answer
        outside = act.kind is ActionKind.GLOBAL
        project = None if outside or (self.foreign and not self.unknown) else self.project
        if self.unknown and project is not None:
            project = project._replace(pin=None)
        if project is not None and project.pin is None and self.pin is not None:
            project = project._replace(pin=self.pin)
        fetched = act.kind is ActionKind.RUN and not self.rules.defaults_hold_for_fetched
        if fetched and project is not None:
            project = project._replace(pin=None)
        answers = set()
        doubts = []
        for maybe in (True, False) if self.state.disk.doubts else (True,):
            self.doubt = ""
            view = self._view(project, maybe)
            safe = self.context.safe(project, self.client, view, None if fetched else self.pin)
            answers.add(None if self.doubt else safe)
            doubts.append(self.doubt)
        self.doubt = next(filter(None, doubts), "")
        vague = self.vague and not self.unknown
        if answers == {True} and vague and act.kind in (ActionKind.INSTALL, ActionKind.ADD):
            self.doubt = "the folder"
            return None
        if answers == {True}:
            return True
        if self.unknown and not outside:
            self.doubt = self.doubt or "the folder"
            return None
        return None if None in answers else False

    def written_sources(self, act: ClientAction) -> list[tuple[str, str]]:
        """The sources of packages in the user's settings, and in settings that a command wrote here.

        The project's committed file is judged with the settings. The user's file does not belong to
        the repository, unless the repository's commands write or name it.
        """
        places = [self._user_file(act)]
        if self.root is not None:
            places += [f"{self.root.rstrip('/')}/{name}" for name in USER_FILES]
        found: dict[str, str] = {}
        for place in places:
            file = self.state.disk.find(place)
            name = place.rpartition("/")[2]
            own = (
                self.project is not None
                and file is not None
                and file.path == self.project.join(name)
            )
            data = None if file is None or own else self._text(file)
            for line in _SETTING.finditer((data or b"").decode("utf-8", "replace")):
                setting = source_setting(line["key"])
                if setting is not None:
                    found[setting] = line["value"]
        return list(found.items())

    def _user_file(self, act: ClientAction) -> str:
        named = act.user_settings
        for name, value in self.state.environment().items():
            if named is None and name.lower() == "npm_config_userconfig":
                named = value[0]
        return resolve(self.place, named) if named else f"{self.state.home}/.npmrc"

    def _text(self, found: Found) -> bytes | None:
        return found.text if found.path is None else self.context.read(found.path)

    def _view(self, project: Project | None, maybe: bool) -> Read:
        files = self.context.client_files(self.client)
        own, user = files.switch, files.user
        base = project.path if project else ""

        def read(path: str) -> bytes | None:
            inner = path[len(base) :].lstrip("/") if base else path
            found = None
            if self.alone and inner == files.workspace:
                return None
            if self.root is not None and (project is not None or self.foreign):
                found = self.state.disk.find(f"{self.root.rstrip('/')}/{inner}", maybe)
            data = self._bytes(found, inner)
            for outer in self._outer(own, user, maybe) if inner == own else ():
                if not inner.endswith(".yml"):
                    data = outer + b"\n" + (data or b"")
                elif data is None:
                    data = outer
            return data

        return read

    def _outer(self, own: str | None, user: str | None, maybe: bool) -> Iterator[bytes]:
        """The settings files that the client reads besides the project's, the nearest first."""
        places = []
        if self.client in self.rules.inherits:
            folder = self.root or self.where
            while folder.strip("/"):
                folder = folder.rpartition("/")[0]
                places.append(f"{folder}/{own}")
        if user:
            places.append(f"{self.state.home}/{user}")
        for place in places:
            name = place.rpartition("/")[2]
            if (data := self._bytes(self.state.disk.find(place, maybe), name)) is not None:
                yield data

    def _bytes(self, found: Found | None, name: str) -> bytes | None:
        if found is None:
            return None
        if found.path is not None:
            return self.context.read(found.path)
        if found.text is None or _doubtful(found.text):
            self.doubt = name
        return (found.text or b"").replace(UNKNOWN_TEXT.encode(), b"x")

    def reason(self, act: ClientAction) -> str:
        """The reason why no setting switches scripts off, for a message."""
        if not act.obeys:
            return "it is told to ignore the project's settings"
        if act.kind is ActionKind.GLOBAL:
            return "outside a project, no committed setting applies"
        if self.rules.why_fetched and act.kind is ActionKind.RUN and self.project is not None:
            return self.rules.why_fetched
        if self.project is None:
            return "no project is in that folder, so no committed setting applies"
        files = self.context.client_files(self.client)
        names = (files.switch, files.workspace)
        lost = [
            name
            for name in names
            if name
            and self.context.read(self.project.join(name)) is not None
            and self._elsewhere(name)
        ]
        if lost:
            return f"{self.project.join(lost[0])} is not there when it runs"
        return "the project's committed settings do not switch them off"

    def _elsewhere(self, name: str) -> bool:
        assert self.project is not None
        found = self.state.disk.find(f"{(self.root or '').rstrip('/')}/{name}", maybe=False)
        return found is None or found.path != self.project.join(name)


def release_of(client: str, version: str, maybe: bool) -> Written:
    """The layer that records which release of a client a command installed."""
    return Written(f"{_RELEASES}/{client}", version.encode(), maybe)


def _doubtful(text: bytes) -> bool:
    """Whether the unknown part of a settings file may be more than the value of one key."""
    hole = UNKNOWN_TEXT.encode()
    return any(
        hole in line and (b"=" not in line.split(hole)[0] and b":" not in line.split(hole)[0])
        for line in text.split(b"\n")
    )
