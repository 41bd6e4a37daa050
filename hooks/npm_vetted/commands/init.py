"""``npm-vetted init``: adopt: exempt locked artifacts, switch scripts off, write the policy.

The report lists the written files, the scripts that no longer run with the command to use instead,
and last the steps for a person. A file that cannot be read is named; all others are adopted.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from npm_vetted.checks._runner import UNDECIDED, open_change, run_checks
from npm_vetted.clients import client_of
from npm_vetted.commands._hook_edits import MANAGERS, hook_in
from npm_vetted.commands._init_report import (
    SHOWN,
    say,
    say_what_is_accepted,
    say_what_is_wrong,
    say_what_to_consider,
    say_which_scripts_stop,
    say_whose_scripts_stop,
)
from npm_vetted.commands._toml_edit import add_entries, edit_policy
from npm_vetted.commands.accept import add_to_baseline
from npm_vetted.commands.exempt import add_exemptions, exemption_of
from npm_vetted.errors import FOUND, NpmVettedError, UsageError
from npm_vetted.git.comparison import compare
from npm_vetted.git.objects import Objects
from npm_vetted.git.repository import Repository
from npm_vetted.git.snapshot import TreeSnapshot
from npm_vetted.git.worktree import compare_worktree
from npm_vetted.git.writer import Store
from npm_vetted.model import Edit, Finding, Level, Project
from npm_vetted.projects.change import Change
from npm_vetted.projects.file_names import interesting_names
from npm_vetted.projects.package_manager import pinned_managers
from npm_vetted.projects.project_change import ProjectChange
from npm_vetted.vetting.baseline import BASELINE, Baseline, line_of
from npm_vetted.vetting.exemptions import Exemption
from npm_vetted.vetting.policy import CONFIG, DEFAULT_REGISTRY, FORMAT, read_policy
from npm_vetted.vetting.presets import DEFAULT_PRESET, PRESETS
from npm_vetted.vetting.resolver import Status

HELP = "adopt: exempt what is there, switch install scripts off, write the config"

_REASON: Final = "at adoption"
_NEVER_ACCEPTED: Final = frozenset({"ignore-scripts", UNDECIDED, "policy", "notes"})
_IGNORED: Final = frozenset(
    {("lockfile-sync", "no-lockfile"), ("lockfile-sync", "unread-lockfile")}
)
"""Findings about a file that is missing or unread: there is no state that a line could bind."""
_ROUNDS: Final = 3
_TEMPLATE: Final = re.compile(r"(?:.*[-_.])?(?:template|fixture)s?(?:[-_.].*)?").fullmatch
"""A folder that is called so holds manifests to copy, or for tests."""
_PRESENT: Final = "present"
"""``--hook`` without a manager's name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``init``."""
    parser.add_argument(
        "--policy", choices=sorted(PRESETS), default=DEFAULT_PRESET,
        help="the policy to write: strict (default), or balanced, for teams with update bots",
    )  # fmt: skip
    parser.add_argument(
        "--settings", action="store_true", help="only switch install scripts off, exempt nothing"
    )
    parser.add_argument(
        "--hook", nargs="?", const=_PRESENT, choices=(*MANAGERS, _PRESENT), metavar="MANAGER",
        help="only let a hook manager run npm-vetted: the one that is here, or "
        f"{', '.join(MANAGERS)}",
    )  # fmt: skip
    parser.add_argument(
        "--no-exclude", action="store_true",
        help="name manifests that cannot be read (templates, fixtures) instead of excluding them",
    )  # fmt: skip
    parser.add_argument(
        "--upgrade", action="store_true",
        help="bring a repository that an older npm-vetted adopted to the present format",
    )  # fmt: skip


class Adoption(NamedTuple):
    """The state to adopt: all files in the index, judged by the policy in the working tree.

    ``tree`` is the state of the working tree, ``broken`` lists the projects that cannot be read.
    """

    store: Store
    staged: Change
    tree: Change
    adopted: bool
    broken: Mapping[str, NpmVettedError]

    def examined(self) -> Adoption:
        """The same, with the projects found that cannot be read: this reads every lockfile."""
        return self._replace(broken=_broken(self.tree, self.staged))

    def sound_projects(self) -> list[ProjectChange]:
        """The projects of the index, then those that only the working tree has (nothing is staged).

        Artifacts that only the working tree locks (an install that is not staged) are not adopted.
        """
        staged = {each.after.path for each in self.staged.projects}
        fresh = (each for each in self.tree.projects if each.after.path not in staged)
        found = (*self.staged.projects, *fresh)
        return [each for each in found if each.after.path not in self.broken]


def run(arguments: argparse.Namespace) -> int:
    """Write and stage the files of an adoption; 1 if a finding cannot be accepted."""
    if arguments.upgrade:
        return _upgrade()
    if arguments.hook:
        with _opened() as opened:
            _hook(opened, None if arguments.hook == _PRESENT else arguments.hook)
        return _adoption_is_next()
    with _opened() as opened:
        seen = opened.examined()
        if arguments.settings or seen.adopted:
            return _only_settings(seen, arguments)
        if seen.broken and not seen.sound_projects():
            raise next(iter(seen.broken.values()))
        preset = PRESETS[arguments.policy]
        if arguments.no_exclude or not _exclude(seen, preset, verbose=arguments.verbose):
            return _adopt(seen, preset, verbose=arguments.verbose)
    with _opened() as opened:  # without the projects that are excluded now
        return _adopt(opened.examined(), preset, verbose=arguments.verbose)


def _only_settings(seen: Adoption, arguments: argparse.Namespace) -> int:
    failed = dict(seen.broken) | _write_settings(seen, None, verbose=arguments.verbose)
    if arguments.settings:
        say_which_scripts_stop(seen.tree.projects_after.all())
    else:
        say(f"{CONFIG} is there already: adopted")
    say_what_is_wrong(failed, ())
    return max((each.status for each in failed.values()), default=0)


def _adopt(seen: Adoption, preset: str, *, verbose: bool) -> int:
    exempted = list(_exemptions(seen))
    days = _least_cooldown(seen, preset)
    failed = dict(seen.broken) | _write_settings(seen, days, verbose=verbose)
    _write_config(seen.store, preset)
    registries = _allow_registries(seen)
    count = add_exemptions(seen.store, exempted)
    carried = _carry_over(seen.broken)
    say_which_scripts_stop(seen.tree.projects_after.all(), verbose=verbose)
    say_whose_scripts_stop(exempted, verbose=verbose)
    say_what_is_accepted(
        count + carried.exempted, carried.accepted, carried.ignored, registries, verbose=verbose
    )
    projects = [each.after for each in seen.sound_projects()]
    say_what_to_consider(projects, seen.tree.policy, carried.accepted)
    _hook(seen)
    say_what_is_wrong(failed, carried.blocking)
    say('next: git commit -m "Adopt npm-vetted"; then: npm-vetted suggest')
    return FOUND if carried.blocking or failed else 0


def _least_cooldown(seen: Adoption, preset: str) -> int:
    """The days that a client can wait for every step: it cannot tell one from another."""
    is_written = seen.tree.after.entry(CONFIG) is not None
    policy = seen.tree.policy if is_written else read_policy(preset.encode(), adopted=True)
    return min(policy.demands.cooldown_days.values())


@contextmanager
def _opened(left_out: Collection[str] = ()) -> Iterator[Adoption]:
    repository = Repository.open()
    with Objects(repository) as objects:
        names = interesting_names()
        tree = open_change(compare_worktree(repository, objects, names, everything=True))
        index = open_change(compare(repository, objects, everything=True))
        index = _by_policy_of(tree, index, left_out)
        head = repository.head
        yield Adoption(
            store=Store(repository),
            staged=index,
            tree=tree,
            # A policy that is written but not committed yet (excludes, say) is what is adopted.
            adopted=head is not None
            and TreeSnapshot(head, objects, repository).entry(CONFIG) is not None,
            broken={},
        )


def _by_policy_of(tree: Change, index: Change, left_out: Collection[str]) -> Change:
    """Everything that the index holds, by the policy of the working tree: it may exclude projects."""
    return Change(
        comparison=index.comparison,
        policy=tree.policy,
        vetting=tree.vetting,
        earlier_vettings=index.earlier_vettings,
        today=index.today,
        baseline=tree.baseline,
        left_out=left_out,
    )


def _broken(tree: Change, index: Change) -> dict[str, NpmVettedError]:
    """The projects with a file that cannot be read, each with its error.

    For a project in the index, the index's state counts.
    """
    found: dict[str, NpmVettedError] = {}
    staged = {each.after.path for each in index.projects}
    fresh = (each for each in tree.projects if each.after.path not in staged)
    for project in (*index.projects, *fresh):
        try:
            _ = project.uses
        except NpmVettedError as error:
            found[project.after.path] = error
    return found


def _exclude(seen: Adoption, preset: str, *, verbose: bool) -> bool:
    """Write ``[[exclude]]`` for manifests that cannot be read, and for templates; whether there are any.

    A template has no lockfile: what it is copied to gets one. A settings file in it would be copied.
    """
    unreadable = seen.tree.projects_after.unreadable
    templates = [each.path for each in seen.tree.projects_after.all() if _is_template(each)]
    entries = [
        {"path": path, "reason": reason}
        for paths, reason in (
            (sorted(unreadable), "cannot be read as a manifest at adoption"),
            (sorted(templates), "a template or a fixture: nothing is installed there"),
        )
        for path in paths
    ]
    if entries:
        edit_policy(
            seen.store, lambda document: add_entries(document, "exclude", entries), new=preset
        )
    if unreadable:
        say(
            f"[[exclude]] in {CONFIG}: these manifests cannot be read, and are not checked:",
            [f"{path}:{error.line}: {error.message}" for path, error in sorted(unreadable.items())],
        )
    if templates:
        say(
            f"[[exclude]] in {CONFIG}: these templates and fixtures have no lockfile, and are not checked:",
            sorted(templates),
            most=None if verbose else SHOWN,
        )
    return bool(entries)


def _is_template(project: Project) -> bool:
    """Whether a project without a lockfile lies in a folder that is called a template or a fixture."""
    parts = project.path.lower().split("/")
    return not project.lockfiles and any(map(_TEMPLATE, parts))


def _exemptions(seen: Adoption) -> Iterator[Exemption]:
    unbound: dict[str, None] = {}
    for project in seen.sound_projects():
        for use in project.uses:
            if use.artifact.bundled or seen.staged.verdict(use).status is not Status.UNVETTED:
                continue
            try:
                yield exemption_of(use.artifact, _REASON)
            except UsageError:
                unbound[use.artifact.label] = None
    if unbound:
        words = (
            "the lockfile has neither a hash nor a source of these, so no exemption can bind them:"
        )
        say(words, unbound, most=SHOWN, where=BASELINE)
    sound = [each.after.path for each in seen.sound_projects()]
    for project, pinned in pinned_managers(seen.staged):
        if project.after.path in sound and not seen.staged.vetting.decide(pinned.request).covered:
            yield exemption_of(pinned.request.artifact, _REASON)


def _write_settings(
    seen: Adoption, days: int | None, *, verbose: bool
) -> dict[str, NpmVettedError]:
    """Switch scripts off and set the clients' cooldown to ``days``; return failures by path."""
    failed: dict[str, NpmVettedError] = {}
    edited: set[str] = set()
    lines = []
    for project in _to_be_set(seen.tree):
        try:
            for edit, base in _edits(project, days):
                seen.store.put(edit.path, edit.content, base)
                edited.add(edit.path)
                lines.append(f"{edit.path}: {edit.reason}")
        except NpmVettedError as error:
            failed[error.path or project.path or "."] = error
    if lines:
        say("settings, written and staged:", lines, most=None if verbose else SHOWN)
    seen.store.stage([*sorted(edited), *_unstaged(seen, edited)])
    return failed


def _to_be_set(change: Change) -> Iterator[Project]:
    """Every project, and the top manifest's future project if it has no dependencies yet."""
    projects = change.projects_after
    top = projects.prospective("")
    if top is not None and projects.at("") is None:
        yield top
    yield from projects.all()


def _edits(project: Project, days: int | None) -> Iterator[tuple[Edit, bytes | None]]:
    """One edit for each settings file, and the file of the working tree that it was made from."""
    client = client_of(project)
    content: dict[str, bytes] = {}
    reasons: dict[str, list[str]] = {}
    as_edited = project._replace(read=lambda path: content.get(path) or project.read(path))

    def take(edits: Iterable[Edit]) -> None:
        for edit in edits:
            content[edit.path] = edit.content
            reasons.setdefault(edit.path, []).append(edit.reason)

    take(client.switch_off(as_edited))
    if days:
        take(client.set_cooldown(as_edited, days))
    for path, data in content.items():
        yield Edit(path=path, content=data, reason=", ".join(reasons[path])), project.read(path)


def _unstaged(seen: Adoption, edited: Collection[str]) -> list[str]:
    """Settings that switch scripts off in the working tree alone: a killed run may leave such."""
    needed: set[str] = set()
    for project in _to_be_set(seen.staged):
        try:
            needed |= {edit.path for edit in client_of(project).switch_off(project)}
        except NpmVettedError:  # named already
            continue
    found = sorted(needed - set(edited))
    return [path for path in found if seen.store.read(path) is not None]


def _write_config(store: Store, preset: str) -> None:
    with store.lock():
        fresh = store.create(CONFIG, preset.encode())
        ours = fresh or (store.read(CONFIG) or b"").startswith(preset.encode())
    store.stage([CONFIG])
    say(f"{'wrote' if ours else 'kept'} the policy, {CONFIG}")


def _allow_registries(seen: Adoption) -> list[str]:
    """Write the registries in use that the committed settings name into ``[registries]``."""
    found: set[str] = set()
    for project in seen.sound_projects():
        url = client_of(project.after).registry_of(project.after, "any")
        if url and url.startswith("https://") and not seen.tree.policy.registries.allows(url):
            found.add(url)
    urls = sorted(found)
    if not urls:
        return []

    def edit(document: Any) -> None:
        table = document.setdefault("registries", {})
        table["allowed"] = [*table.get("allowed", [DEFAULT_REGISTRY]), *urls]

    try:
        edit_policy(seen.store, edit)
    except (
        NpmVettedError
    ):  # a URL that the policy does not take, a password in it: a finding says so
        return []
    return urls


class Carried(NamedTuple):
    """How adoption accepted the findings: by baseline lines, by ``[[ignore]]``, or not at all.

    ``exempted`` counts the packages that came to light when a missing lockfile was accepted.
    """

    accepted: tuple[Finding, ...]
    ignored: tuple[Finding, ...]
    blocking: tuple[Finding, ...]
    exempted: int


def _carry_over(left_out: Collection[str] = ()) -> Carried:
    """Judge the index: an acceptable finding becomes a baseline line, others block.

    An accepted finding may uncover others (without a lockfile, specifiers are judged), so this
    repeats.
    """
    accepted: list[Finding] = []
    ignored: list[Finding] = []
    exempted = 0
    for _ in range(_ROUNDS):
        with _opened(left_out) as seen:
            errors = [
                each for each in run_checks(seen.staged).findings if each.level is Level.ERROR
            ]
            blocking = [each for each in errors if not _may_be_accepted(each)]
            found = [each for each in errors if _may_be_accepted(each)]
            files = [each for each in found if (each.check, each.code) in _IGNORED]
            others = [each for each in found if each not in files]
            _ignore(seen.store, files)
            _accept(seen.store, others, seen.staged.baseline)
        accepted += others
        ignored += files
        if not any(each.code == "no-lockfile" for each in files):
            break
        with _opened() as seen:
            exempted += add_exemptions(seen.store, list(_exemptions(seen.examined())))
    return Carried(tuple(accepted), tuple(ignored), tuple(blocking), exempted)


def _may_be_accepted(finding: Finding) -> bool:
    """Whether adoption takes a finding over; secrets and switches that cannot be set it does not."""
    return finding.acceptable and finding.check not in _NEVER_ACCEPTED


def _set_format(document: Any) -> None:
    """A policy that a person wrote before the adoption may name format 1, which has no baseline."""
    document["format"] = FORMAT


def _accept(store: Store, findings: Sequence[Finding], in_force: Baseline) -> None:
    """Write findings into the baseline, each with its state."""
    if findings:
        edit_policy(store, _set_format)
        add_to_baseline(store, [line_of(each, _REASON) for each in findings], in_force)


def _ignore(store: Store, findings: Sequence[Finding]) -> None:
    """Write ``[[ignore]]`` entries for files that have no state to bind: a missing lockfile."""
    entries = [
        {"check": each.check, "code": each.code, "path": each.location.path, "reason": _REASON}
        for each in findings
    ]
    if entries:
        edit_policy(store, lambda document: add_entries(document, "ignore", entries))


def _hook(seen: Adoption, wanted: str | None = None) -> None:
    """Let a hook manager run npm-vetted: the one that is wanted, or the one that is here."""
    top = seen.tree.projects_after.prospective("")
    for paragraph in hook_in(Repository.open(), top, wanted):
        say(paragraph.heading, paragraph.lines)


def _adoption_is_next() -> int:
    """``--hook`` adds the hook only: say so where nothing is adopted, for then every package counts."""
    if not Path(Repository.open().top, CONFIG).is_file():
        say("not adopted here yet: npm-vetted init")
    return 0


def _is_of_adoption(entry: Mapping[str, object]) -> bool:
    """Whether 0.1.0 wrote an ``[[ignore]]`` when the repository adopted it."""
    return entry.get("reason") == _REASON and "code" not in entry


def _to_present_format(document: Any) -> None:
    _set_format(document)
    entries = document.get("ignore")
    kept = [each for each in entries or () if not _is_of_adoption(each)]
    if entries is not None and len(kept) < len(entries):
        del document["ignore"]
        if kept:
            document["ignore"] = kept


def _upgrade() -> int:
    """Bring a repository that npm-vetted 0.1.0 adopted to the present format.

    Each ``[[ignore]]`` of adoption becomes baseline lines for the findings that it accepts today,
    which is narrower. New findings are accepted in their present state, and listed.
    """
    edit_policy(Store(Repository.open()), _to_present_format)
    say(f"{CONFIG}: format = {FORMAT}")
    carried = _carry_over()
    say_what_is_accepted(carried.exempted, carried.accepted, carried.ignored, (), verbose=True)
    say_what_is_wrong({}, carried.blocking)
    say('commit this alone: git commit -m "Upgrade npm-vetted\'s policy" -- .vetting')
    return FOUND if carried.blocking else 0
