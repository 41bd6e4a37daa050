"""The report of ``init``: scripts that no longer run, accepted findings, and the steps left."""

from __future__ import annotations

import json
import posixpath
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from npm_vetted.clients import client_of
from npm_vetted.clients.shared.lifecycle import OF_INSTALL, OF_RELEASE
from npm_vetted.formats.terminal_text import printable
from npm_vetted.model import Finding, Project
from npm_vetted.report._shell_commands import command_line, this_program
from npm_vetted.vetting.baseline import BASELINE
from npm_vetted.vetting.exemptions import EXEMPTIONS, Exemption
from npm_vetted.vetting.policy import CONFIG, DEFAULT_REGISTRY, Policy

if TYPE_CHECKING:
    from npm_vetted.errors import NpmVettedError

_NETWORK: Final = {"proxy": "proxies", "authority": "authorities"}
"""The codes of findings about the network, and the keys of ``[registries]`` that allow them."""


SHOWN: Final = 4
"""So many lines of a paragraph are shown without ``-v``."""


def say(
    heading: str, lines: Iterable[str] = (), *, most: int | None = None, where: str = ""
) -> None:
    """A paragraph of the conversation, on standard error; ``where`` says where the rest can be read."""
    print(f"npm-vetted: {printable(heading)}", file=sys.stderr)
    every = list(lines)
    shown = every if most is None or len(every) <= most + 1 else every[:most]
    for line in shown:
        print(f"  {printable(line)}", file=sys.stderr)
    if len(shown) < len(every):
        rest = where or "git diff --cached"
        print(f"  and {len(every) - len(shown):,} more: {printable(rest)}", file=sys.stderr)


def say_which_scripts_stop(projects: Iterable[Project], *, verbose: bool = True) -> None:
    """The project's own scripts that no longer run by themselves, with the command instead."""
    lines: list[str] = []
    still: dict[str, None] = {}
    for project in projects:
        client = client_of(project)
        for folder, manifest in project.manifests.items():
            place = f" (in {folder})" if folder else ""
            lines += [
                f"{manifest.path}: {name!r}: {_instead(name, client.PROGRAM)}{place}"
                for name in client.scripts_stopped(manifest.scripts)
            ]
            if manifest.scripts and client.SWITCH_FILE and not client.scripts_stopped(["prepare"]):
                still[client.NAME] = None
    if lines:
        say(
            "these scripts of the project's own no longer run by themselves:",
            lines,
            most=None if verbose else SHOWN,
            where="npm-vetted init --settings -v",
        )
    if still:
        say(f"the project's own scripts still run with {', '.join(still)}")


def _instead(name: str, client: str) -> str:
    """When to run a script by hand, and how."""
    command = f"{client} run {name}"
    if name in OF_INSTALL:
        return f"after an install, run: {command}"
    if name in OF_RELEASE:
        return f"at a release, run: {command}"
    when, other = ("before", name[3:]) if name.startswith("pre") else ("after", name[4:])
    return f"{when} {client} run {other}, run: {command}"


def say_whose_scripts_stop(exempted: Iterable[Exemption], *, verbose: bool) -> None:
    """The dependencies whose install scripts do not run by themselves, with the commands to review each."""
    called = this_program()
    lines = []
    for label in sorted({f"{each.name}@{each.version}" for each in exempted if each.scripts}):
        review = ("npm-vetted", "inspect", label)
        record = ("npm-vetted", "note", label, "--criteria", "health,scripts")
        commands = [command_line([each], called) for each in (review, record)]
        lines.append(f"{label}: {'; '.join(each for each in commands if each)}")
    if lines:
        say(
            "these packages have install scripts, which do not run by themselves; where the project needs one, "
            "review it, record it, then run npm-vetted rebuild:",
            lines,
            most=None if verbose else SHOWN,
            where="npm-vetted rebuild names them",
        )


def say_what_is_accepted(
    count: int,
    accepted: Sequence[Finding],
    ignored: Sequence[Finding],
    registries: Sequence[str],
    *,
    verbose: bool,
) -> None:
    """Each thing that adoption takes over as it is, and the file that says so."""
    locked = "that is locked" if count == 1 else "that are locked"
    if count:
        say(
            f"exempted {_count(count, 'package')} {locked} ({EXEMPTIONS}): nobody has looked at "
            f"{'it' if count == 1 else 'them'}"
        )
    else:
        say("no package is locked yet: nothing to exempt")
    if registries:
        say(f"[registries] in {CONFIG}: the committed settings name these:", registries)
    if ignored:
        say(
            f"[[ignore]] in {CONFIG}:",
            map(_line_of, ignored),
            most=None if verbose else SHOWN,
            where=CONFIG,
        )
    if accepted:
        say(
            f"accepted {_count(len(accepted), 'existing finding')} (written to {BASELINE}, each "
            "with its present state):",
            map(_line_of, accepted) if verbose else _by_code(accepted),
        )


def _by_code(findings: Sequence[Finding]) -> Iterator[str]:
    """A line for each finding, or for those of one code where there are many."""
    if len(findings) <= SHOWN + 1:
        yield from map(_line_of, findings)
        return
    alike: dict[tuple[str, str], list[Finding]] = {}
    for each in findings:
        alike.setdefault((each.check, each.code), []).append(each)
    for (check, code), found in sorted(alike.items(), key=lambda item: -len(item[1])):
        files = {each.location.path for each in found}
        first = found[0].location
        words = f"{check}/{code}: {len(found):,}"
        where = f"{first.path}:{first.line}" + (
            f" and {len(files) - 1:,} files more" if files != {first.path} else ""
        )
        yield f"{words}, {where}"


def _line_of(finding: Finding) -> str:
    return (
        f"{finding.location.path}:{finding.location.line}: {finding.message} "
        f"[{finding.check}/{finding.code}]"
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def say_what_to_consider(
    projects: Iterable[Project], policy: Policy, accepted: Iterable[Finding]
) -> None:
    """First-party scopes, and settings of the network that belong elsewhere."""
    known = {scope for each in policy.first_party for scope in each.scopes}
    scopes: dict[str, str] = {}
    for project in projects:
        for manifest in project.manifests.values():
            name = manifest.name or ""
            scope = name.partition("/")[0]
            if name.startswith("@") and scope != name and scope not in known:
                url = client_of(project).registry_of(project, name)
                scopes[scope] = url or DEFAULT_REGISTRY
    for url in dict.fromkeys(scopes.values()):
        named = sorted(scope for scope, each in scopes.items() if each == url)
        say(
            f"to consider, in {CONFIG}, where {', '.join(named)} is yours on that registry:",
            ["[[first-party]]", f"scopes = {json.dumps(named)}", f'registry = "{url}"'],
        )
    network = [each for each in accepted if each.code in _NETWORK]
    if network:
        say(
            "to consider: these belong in each person's own configuration, where no commit changes them:",
            (f"{each.location.path}: {each.key}" for each in network),
        )
        lines = [f"{key} = {json.dumps(values)}" for key, values in _network_keys(network)]
        say(f"or, where all of you need them, in {CONFIG}:", ["[registries]", *lines])


def _network_keys(network: Iterable[Finding]) -> Iterator[tuple[str, list[str]]]:
    """The keys of ``[registries]`` that allow some settings, each with the exact values."""
    for code, key in _NETWORK.items():
        values = {each.value.partition("\n")[0]: None for each in network if each.code == code}
        if values:
            yield key, list(values)


def say_what_is_wrong(failed: Mapping[str, NpmVettedError], blocking: Iterable[Finding]) -> None:
    """Findings that a person has to repair, because adoption never accepts them."""
    lines = [
        f"{error.path or path or '.'}:{error.line}: {error.message}"
        + (f" ({error.fix})" if error.fix else "")
        for path, error in failed.items()
    ]
    lines += [
        f"{each.location.path}:{each.location.line}: {each.message} [{each.check}]"
        for each in blocking
    ]
    if lines:
        say("fix this before you commit:", dict.fromkeys(lines))
    folders = {posixpath.dirname(error.path or path) for path, error in failed.items()} - {""}
    if folders:
        say(
            f"for a template or a fixture, add this to {CONFIG}, then run npm-vetted init again:",
            (line for folder in sorted(folders) for line in _exclusion_of(folder)),
        )


def _exclusion_of(folder: str) -> tuple[str, ...]:
    return "[[exclude]]", f"path = {json.dumps(f'{folder}/**')}", 'reason = "..."'
