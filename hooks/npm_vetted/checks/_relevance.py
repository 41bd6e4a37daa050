"""Decides which paths any check reads; a commit that touches none of them is accepted at once."""

from __future__ import annotations

from npm_vetted.checks import checks
from npm_vetted.git.snapshot import VETTING
from npm_vetted.installs import place_of
from npm_vetted.projects.case_folding import imitated
from npm_vetted.projects.file_names import is_of_a_project
from npm_vetted.projects.paths import in_node_modules
from npm_vetted.projects.unread_names import is_program, is_unread


def may_hold_commands(path: str) -> bool:
    """Whether some reader of ``installs`` may find commands in a file of this name.

    Most names are decided without importing these readers, which takes 50 ms.
    """
    if is_unread(path):
        return False
    return is_program(path) or place_of(path, b"") is not None


def is_relevant(path: str) -> bool:
    """Whether any check reads a file of this name; a check with special files has a function ``reads``."""
    if path.startswith(VETTING) or is_of_a_project(path) or in_node_modules(path):
        return True
    if imitated(path) is not None:
        return True
    return any(
        reads(path) for check in checks().values() if (reads := getattr(check, "reads", None))
    )
