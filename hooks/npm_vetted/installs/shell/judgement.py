"""Decides whether a client's action would run install scripts, by its flags, variables and settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from npm_vetted.formats.client_action import (
    UNKNOWN_COMMAND,
    UNREAD_SETTINGS,
    ActionKind,
    ClientAction,
    SettingFile,
    Switch,
)
from npm_vetted.formats.shell_text import UNKNOWN_TEXT, known, shown
from npm_vetted.installs.context.disk import Found, Written
from npm_vetted.installs.context.scene import Scene
from npm_vetted.installs.shell.fetched import (
    all_known,
    are_clients,
    bare_name,
    locking,
    loose_among,
    put_modules,
    safe_line,
    stays,
    was_installed,
    why_maybe_local,
)
from npm_vetted.installs.shell.reports import CommandLines, Reports
from npm_vetted.installs.shell.state import State
from npm_vetted.model import Level, Project

UNKNOWN_FLAGS: Final = (
    "its flags are not known here, because a part of the command is filled in elsewhere"
)


@dataclass(slots=True, kw_only=True)
class ActionJudge:
    """Judges the actions of clients, one after the other, and adds problems to ``reports``.

    ``ci``: an install must not change a lockfile. ``knows_ci``: the clients can detect that they run in CI.
    ``installed`` are the places where a command installed packages, each with its project.
    """

    reports: Reports
    ci: bool = False
    knows_ci: bool = False
    installed: dict[str, Project | None] = field(default_factory=dict)
    _fetched: set[tuple[str, int]] = field(default_factory=set)

    def judge_each(self, act: ClientAction, words: list[str], state: State, line: int) -> None:
        """Judge an action; if it may run in several places, only the worst problem is kept."""
        places = tuple(dict.fromkeys(state.cwd))
        before = len(self.reports.problems)
        for place in places:
            self._judge(act, words, state, place, line)
        if len(places) > 1 and len(self.reports.problems) > before + 1:
            found = self.reports.problems[before:]
            worst = next((each for each in found if each.level is Level.ERROR), found[0])
            self.reports.problems[before:] = [worst]

    def _judge(
        self, act: ClientAction, words: list[str], state: State, place: str, line: int
    ) -> None:
        exact = (
            act.folder is not None
            and self.reports.context.readers()[act.client].RULES.folder_is_exact
        )
        scene = Scene(self.reports.context, state, place, act.client, exact, act.alone)
        if act.only_for not in (None, scene.client):
            return
        command = shown(" ".join(words))
        label = f"`{command[:120]}`"
        self._written_sources(act, scene, label, line)
        self._excluded(act, scene, command, line)
        fix = safe_line(act, scene)
        switch, by = self._switch(act, scene)
        allowed = bool(act.packages) and all(
            known(each) and self.reports.context.reviewed(scene.project, each)
            for each in act.packages
        )
        if act.kind in (ActionKind.REBUILD, ActionKind.ALLOW) and allowed:
            return
        if act.kind is ActionKind.ALLOW:
            message = f"{label} lets packages run install scripts that no note covers"
            self.reports.report(message, line, code="allows-scripts", key=command)
            return
        if switch is Switch.ON:
            self.reports.report(
                f"{label}: {by} switches install scripts on", line, fix=fix, code="scripts-on",
                key=command, basis=(str(by),),
            )  # fmt: skip
            return
        if act.kind is ActionKind.RUN and self._judge_fetched(act, scene, words, line):
            return
        if switch is Switch.UNKNOWN and act.by == UNREAD_SETTINGS:
            message = f"{label}: the settings of {act.client} are not read"
            self.reports.undecided(message, line, key=command)
            return
        if switch is Switch.UNKNOWN:
            self.reports.undecided(f"{label}: {UNKNOWN_FLAGS}", line, key=command)
            return
        if (
            act.kind in (ActionKind.GLOBAL, ActionKind.RUN)
            and switch is Switch.UNSET
            and are_clients(act.packages, self.reports.context.readers())
        ):
            message = (
                f"{label} installs a client by its exact version, outside any lockfile and with "
                "its install scripts on"
            )
            self.reports.report(message, line, Level.WARNING, code="client", key=command, fix=fix)
            return
        held = switch is Switch.OFF or self._in_force(act, scene, command, line, fix)
        if act.kind in (ActionKind.INSTALL, ActionKind.ADD, ActionKind.TIDY):
            self.installed[scene.where] = scene.project
        if act.kind is ActionKind.ADD:
            put_modules(act, scene)
        if held:
            self._pinned(act, scene, command, line)

    def _written_sources(self, act: ClientAction, scene: Scene, label: str, line: int) -> None:
        """Report package sources in settings that a command wrote, if the action fetches packages."""
        if act.kind is not ActionKind.RUN or act.fetches_always or not stays(act, scene):
            self.reports.sources(label, scene.written_sources(act), line)

    def _excluded(self, act: ClientAction, scene: Scene, command: str, line: int) -> None:
        """Report an install in a folder that an ``[[exclude]]`` says is no project."""
        if scene.excluded is not None and act.kind in (ActionKind.INSTALL, ActionKind.ADD):
            self.reports.report(
                f"`{command[:120]}` installs in {scene.excluded}, which [[exclude]] in .vetting/config.toml calls "
                "no project: nobody checks what is installed there; take the entry out",
                line, code="excluded-folder", key=command, basis=(scene.excluded,),
            )  # fmt: skip

    def _pinned(self, act: ClientAction, scene: Scene, command: str, line: int) -> None:
        """Judge an install without scripts: whether a lockfile pins the packages that it installs."""
        if act.kind is ActionKind.RUN and not all_known(loose_among(act.packages)):
            message = (
                "which version it fetches is not known here, because it is filled in elsewhere"
            )
            self.reports.undecided(f"`{command[:120]}`: {message}", line, key=command)
        self._lockfile(act, scene, command, line)

    def _judge_fetched(
        self, act: ClientAction, scene: Scene, words: Sequence[str], line: int
    ) -> bool:
        """Judge an action that fetches and runs a package; True: its scripts need no further judgement.

        A package is reported once for each line, because a loop may run it with different words.
        """
        if not act.fetches_always and (
            stays(act, scene) or was_installed(act, scene, self.installed)
        ):
            return True
        command = shown(" ".join(words))
        label = f"`{command[:120]}`"
        loose = loose_among(act.packages)
        if any(not known(bare_name(each)) for each in act.packages):
            message = (
                "which package it runs is not known here, because its name is filled in elsewhere"
            )
            self.reports.undecided(f"{label}: {message}", line, key=command)
            return True
        if loose and (loose[0], line) in self._fetched:
            return True
        if reason := why_maybe_local(act, scene, self.installed):
            message = (
                f"whether a locked package has this program is not known here, because {reason}"
            )
            self.reports.undecided(f"{label}: {message}", line, key=command)
        elif loose and all_known(loose):
            self.reports.report(
                f"{label} fetches and runs {loose[0]}: no lockfile pins it, and its version is not exact",
                line,
                fix=locking(act, scene, loose, words),
                code="unpinned",
                key=command,
            )
        else:
            return False
        self._fetched.add((loose[0], line))
        return True

    def _switch(self, act: ClientAction, scene: Scene) -> tuple[Switch, str | None]:
        """The combined effect of flags and variables; a flag wins over a variable."""
        if act.switch in (Switch.ON, Switch.OFF):
            if act.by is not None and not scene.rules.counts(act.by, scene.client):
                return Switch.UNSET, None
            return act.switch, act.by
        if act.by in (UNKNOWN_COMMAND, UNREAD_SETTINGS):
            return act.switch, act.by
        found = scene.variables(act)
        if found[0] is Switch.ON or (found[0] is Switch.OFF and act.switch is Switch.UNSET):
            return found
        return (act.switch, act.by) if found[0] is Switch.UNSET else found

    def _in_force(
        self, act: ClientAction, scene: Scene, command: str, line: int, fix: CommandLines
    ) -> bool:
        """Whether settings switch scripts off; if not, the reason is reported."""
        label = f"`{command[:120]}`"
        if act.kind is ActionKind.TIDY and scene.where in self.installed:
            return True
        if UNKNOWN_TEXT in scene.where and act.kind is not ActionKind.GLOBAL:
            if scene.everywhere_safe(act):
                return True
            if scene.where == UNKNOWN_TEXT:
                message = f"where it runs is not known here, because {scene.why_anywhere}"
                self.reports.undecided(f"{label}: {message}", line, key=command)
                return False
        verdict = scene.settings_hold(act)
        if verdict is True:
            return True
        if verdict is None:
            message = "holds when it runs is not known here, because a program puts it there"
            self.reports.undecided(f"{label}: what {scene.doubt} {message}", line, key=command)
        elif act.kind is ActionKind.TIDY:
            message = f"{label} runs install scripts where packages are still missing"
            self.reports.undecided(message, line, key=command)
        else:
            reason = scene.reason(act)
            self.reports.report(
                f"{label} runs install scripts: {reason}", line, fix=fix, code="scripts-run",
                key=command, basis=(shown(scene.where), scene.client, reason),
            )  # fmt: skip
        return False

    def _lockfile(self, act: ClientAction, scene: Scene, command: str, line: int) -> None:
        """Report an install in CI that may change the lockfile."""
        label = f"`{command[:120]}`"
        project = scene.project
        if not self.ci or project is None or not project.lockfiles or act.frozen:
            return
        if act.kind is ActionKind.ADD and loose_among(act.packages):
            message = f"{label} installs what the lockfile does not pin"
            self.reports.report(message, line, Level.WARNING, code="not-locked", key=command)
        elif act.kind is ActionKind.INSTALL:
            default = self.knows_ci or "true" in scene.state.variables.get("CI", ())
            if act.frozen is None and default and scene.client in scene.rules.frozen_in_ci:
                return
            if act.frozen is None and scene.rules.frozen_by(project):
                return
            better = scene.rules.frozen.get(scene.client, "a frozen install")
            self.reports.report(
                f"{label} may install other versions than the lockfile's and rewrite it; {better} does not",
                line,
                Level.WARNING,
                code="lockfile-may-change",
                key=command,
            )

    # -- settings that commands change

    def configure(self, act: ClientAction, state: State, line: int) -> None:
        assert act.setting is not None
        key, value, _ = act.setting
        bare = key.replace("_", "-").lower()
        switches_on = (
            (bare in ("ignore-scripts", "ignorescripts") and value in ("false", "null", ""))
            or (bare == "enablescripts" and value in ("true", "1"))
            or (
                bare.replace("-", "") in ("dangerouslyallowallbuilds", "dangerouslyallowallscripts")
                and value != "false"
            )
        )
        if switches_on:
            self.reports.report(
                f"setting {key} to {shown(value)!r} switches install scripts on", line,
                code="setting-switches-on", key=f"{key}={shown(value)}",
            )  # fmt: skip
            return
        file = self.reports.context.readers()[act.client].RULES.setting_file(key)
        if file is not None:
            self._write_setting(file, act.setting, state)

    def _write_setting(
        self, file: SettingFile, setting: tuple[str, str, bool], state: State
    ) -> None:
        key, value, own = setting
        for folder in state.cwd if own and file.may_be_own else [state.home]:
            place = f"{folder}/{file.name}"
            before = self.content_of(state.disk.find(place)) or b""
            if file.once:
                lines = before.splitlines(keepends=True)
                before = b"".join(each for each in lines if not each.startswith(key.encode()))
            text = file.line.format(key=key, value=value) + "\n"
            state.disk.put(Written(place, before + text.encode(), state.maybe))

    def content_of(self, found: Found | None) -> bytes | None:
        if found is None:
            return b""
        return found.text if found.path is None else self.reports.context.read(found.path)
