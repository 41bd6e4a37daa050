"""What every client's story has in common: a package that is added, then upgraded, under the hooks."""

from __future__ import annotations

import json
from typing import Final

from tests.support.story import SCRIPTS, Story, fixes

WHY: Final = "Tells odd numbers; its author, its one dependency and all of its code looked at."
RUSHS_OWN: Final = ("common/scripts/", "common/git-hooks/")
NOTE: Final = ".vetting/notes/is-odd/3.0.0.toml"


def rows(version: str, note: str) -> list[tuple[object, ...]]:
    """What ``audit`` says where is-odd is at a version that a note covers; the first brought is-number."""
    return [
        (".", "is-number", "6.0.0", "registry", False, False, "accepted", NOTE),
        (".", "is-odd", version, "registry", True, False, "vetted", note),
    ]


def audit_rows(story: Story) -> list[tuple[object, ...]]:
    """What ``audit`` says of is-odd and what it brings, but for their hashes."""
    done = story.run(str(SCRIPTS / "npm-vetted"), "audit", "--format", "json")
    keys = ("project", "package", "version", "source", "direct", "development", "status", "note")
    found = (tuple(row[key] for key in keys) for row in json.loads(done.stdout)["artifacts"])
    return sorted(row for row in found if str(row[1]).startswith("is-"))


def everything_holds(story: Story) -> bool:
    """Whether ``check --all`` says nothing but that nobody vetted the pinned client.

    The scripts that Rush puts into a repository do not count: prose in them names commands.
    """
    done = story.run(str(SCRIPTS / "npm-vetted"), "check", "--all", "--format", "json")
    found = json.loads(done.stdout)["findings"]
    own = [each for each in found if not str(each["path"]).startswith(RUSHS_OWN)]
    return {each["code"] for each in own} <= {"package-manager", "package-manager-without-hash"}


def added(story: Story, lockfile: str, *offline: str) -> None:
    """is-odd is staged: be rejected, note it, be accepted; then everything holds."""
    said = story.rejected("commit", "-m", "Add is-odd")
    assert f"{lockfile}:" in said
    assert "is-odd@3.0.0: new, and no note or exemption covers it [unvetted]" in said
    assert "1 package more: is-number@6.0.0" in said
    (command,) = fixes(said)
    story.shell(" ".join([command, *offline, f"-m '{WHY}'"]))
    story.accepted("commit", "-m", "Add is-odd")
    assert story.repo.git("status", "--porcelain") == ""
    assert everything_holds(story)
    assert audit_rows(story) == rows("3.0.0", NOTE)


def upgraded(story: Story) -> None:
    """An upgrade of is-odd is staged: be rejected, note it, be accepted; the whole branch passes."""
    said = story.rejected("commit", "-m", "Upgrade is-odd")
    assert "is-odd@3.0.1: upgraded from 3.0.0, and no note covers it [unvetted]" in said
    (command,) = fixes(said)
    story.shell(f"{command} -m 'The same code; only the licence and the readme changed.'")
    story.accepted("commit", "-m", "Upgrade is-odd")
    assert story.repo.git("status", "--porcelain") == ""
    assert everything_holds(story)
    ((note, *_),) = [row[-1:] for row in audit_rows(story) if row[1] == "is-odd"]
    assert audit_rows(story) == rows("3.0.1", str(note))
    adopted = story.git("log", "--format=%H", "--", ".vetting/config.toml").stdout.strip()
    story.vetted("check", "--from-ref", adopted, "--to-ref", "HEAD")
    story.git("checkout", "-q", "-b", "lost", adopted)
    story.git("checkout", "main", "--", ".", ":!.vetting/notes")
    story.git("commit", "-q", "--no-verify", "-m", "The same without notes")
    done = story.run(
        str(SCRIPTS / "npm-vetted"), "check", "--from-ref", adopted, "--to-ref", "HEAD", check=False
    )
    assert done.returncode == 1
    assert "is-odd@3.0.1: new" in done.stdout
