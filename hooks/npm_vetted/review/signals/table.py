"""The one table of weights: how many points each signal adds to a score.

Set after a measurement of honest upgrades; docs/signals.md has the rates.
"""

from __future__ import annotations

from typing import Final, NamedTuple

TABLE_VERSION: Final = 11
"""Raised whenever a weight, a rule or the facts' reader changes what is said of the same bytes."""
ATTENTION: Final = 5
"""From this score on, ``review`` shows a package, and no routine note is written for it."""
WORTH_A_LOOK: Final = 3
"""From this score on, ``review --all`` shows a package."""


class Weight(NamedTuple):
    """Points for an upgrade and for a new package. ``group``: only its heaviest few count."""

    upgrade: int
    new: int
    group: str = ""


PASSING: Final = frozenset({"deprecated", "burst"})
"""What a registry may say of a version later on, so that it says nothing against an earlier note."""
MOST: Final = {"obf": 2, "power": 4, "pair": 2}
"""How many reasons of a group count, the heaviest first: a bundle has every power at once."""
WEIGHTS: Final = {
    "install-script-new": Weight(8, 5),
    "install-script-changed": Weight(5, 0),
    "install-gyp-command": Weight(8, 8),
    "install-code-acts": Weight(6, 5),
    "install-code-changed": Weight(2, 0),
    "dep-nonregistry": Weight(8, 6),
    "dep-unused": Weight(3, 0),
    "dep-unpopular": Weight(3, 0),
    "dep-replaced": Weight(3, 0),
    "dep-bundled": Weight(5, 2),
    "obf:hex-names": Weight(8, 8, "obf"),
    "obf:invisible": Weight(8, 5, "obf"),
    "obf:hidden-string": Weight(7, 5, "obf"),
    "obf:offscreen": Weight(6, 2, "obf"),
    "obf:mixed-alphabet": Weight(5, 2, "obf"),
    "obf:escapes": Weight(5, 5, "obf"),
    "obf:line-jump": Weight(5, 0, "obf"),
    "obf:unread": Weight(4, 2, "obf"),
    "obf:not-text": Weight(6, 4, "obf"),
    "obf:split-name": Weight(8, 6, "obf"),
    "pair:new-host-near-secrets": Weight(6, 0, "pair"),
    "pair:send-secrets": Weight(5, 2, "pair"),
    "pair:fetch-run": Weight(6, 1, "pair"),
    "pair:fetch-eval": Weight(6, 1, "pair"),
    "pair:decode-eval": Weight(6, 1, "pair"),
    "pair:hidden-process": Weight(5, 1, "pair"),
    "pair:decode-exec": Weight(4, 1, "pair"),
    "pair:decode-load": Weight(5, 1, "pair"),
    "pair:files-of-home": Weight(5, 1, "pair"),
    "pair:changes-files": Weight(5, 0, "pair"),
    "pair:overwrites-code": Weight(5, 1, "pair"),
    "tell:hook-net": Weight(8, 3),
    "tell:wallet": Weight(6, 3),
    "tell:wallet-hook": Weight(6, 3),
    "tell:wallet-address": Weight(6, 3),
    "tell:ai-cli": Weight(8, 6),
    "tell:token-shape": Weight(6, 2),
    "tell:cred-path": Weight(6, 2),
    "tell:cloud-metadata": Weight(6, 3),
    "tell:exfil-host": Weight(6, 3),
    "tell:ip-url": Weight(5, 2),
    "tell:shell-fetch": Weight(5, 1),
    "tell:persist": Weight(5, 1),
    "tell:publish": Weight(5, 2),
    "tell:wipes": Weight(6, 3),
    "power:exec": Weight(6, 0, "power"),
    "power:eval": Weight(6, 0, "power"),
    "power:net": Weight(5, 0, "power"),
    "power:fetch": Weight(5, 0, "power"),
    "power:env-all": Weight(3, 0, "power"),
    "power:env-secret": Weight(5, 0, "power"),
    "power:native": Weight(5, 0, "power"),
    "power:detached": Weight(5, 0, "power"),
    "power:clipboard": Weight(3, 0, "power"),
    "power:inject-script": Weight(5, 0, "power"),
    "power:dyn-require": Weight(2, 0, "power"),
    "power:worker": Weight(2, 0, "power"),
    "host-new": Weight(2, 0),
    "file-bin": Weight(2, 0),
    "file-bin-shadows": Weight(6, 3),
    "file-activated": Weight(6, 0),
    "file-script": Weight(2, 1),
    "file-new-large": Weight(2, 0),
    "file-acts-in-tools": Weight(3, 1),
    "repo-changed": Weight(2, 0),
    "manifest-differs": Weight(6, 5),
    "publisher-new": Weight(3, 0),
    "provenance-lost": Weight(4, 0),
    "trusted-publisher-changed": Weight(3, 0),
    "deprecated": Weight(2, 2),
    "dep-young": Weight(5, 5),
    "dormant": Weight(1, 0),
    "burst": Weight(1, 0),
}
