"""A project whose committed settings let dependencies' lifecycle scripts run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from npm_vetted.checks import Explanation, finding_of
from npm_vetted.model import Finding
from npm_vetted.projects.change import Change

ID: Final = "ignore-scripts"
HOOKS: Final = frozenset({"settings"})
CODES: Final = {
    "scripts-on": "Settings that let install scripts run, or that do not switch them off.",
    "switch-unclear": "A switch whose value a version of the client may read otherwise.",
    "allow-all-scripts": "A setting that lets every dependency's scripts run.",
    "pnpmfile-changes-settings": "A hook file that can switch install scripts on again.",
    "other-settings": "A setting that makes the client read other settings.",
    "unreadable": "A settings file that cannot be read.",
}
EXPLANATION: Final = Explanation(
    what="A project whose committed settings let its dependencies' lifecycle scripts run.",
    why=(
        "An install script runs with your rights before anyone has read it. It starts the moment "
        "that a package is installed. That is how eslint-scope 3.7.2 took npm tokens in 2018, how ua-parser-js "
        "0.7.29 installed a miner in 2021, and how Shai-Hulud spread by itself in 2025.\n\n"
        "The switch belongs in the repository, where it holds for everyone and for CI. A setting "
        "that works only by accident (npm takes `ignore-scripts=no` as true!) is refused as well.\n\n"
        "npm 10 and older run `prepare` of workspaces and of `file:` folders all the same. That is code "
        "of this repository, which its own review covers; npm 11 and 12 leave it out."
    ),
    before="# .npmrc\nsave-exact=true",
    after="# .npmrc\nsave-exact=true\nignore-scripts=true",
    satisfy=(
        "`npm-vetted init --settings` writes the switch for the client that the project uses: "
        "`.npmrc` (npm), `pnpm-workspace.yaml` and `.npmrc` (pnpm), `.yarnrc` (Yarn classic), "
        "`.yarnrc.yml` (Yarn berry), `bunfig.toml` (Bun). Scripts that a package really needs are "
        "run by `npm-vetted rebuild`, once a note says that they were read."
    ),
    exception="An [[ignore]] entry in .vetting/config.toml with check, path and reason.",
)


def run(change: Change) -> Iterator[Finding]:
    """Judge each touched project's settings by its client."""
    for project in change.projects:
        for problem in project.client.scripts_run(project.after):
            yield finding_of(ID, problem, project.after, fix=("npm-vetted", "init", "--settings"))
