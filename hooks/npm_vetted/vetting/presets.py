"""The two policies that ``init --policy`` writes, each explained in the file itself."""

from __future__ import annotations

from typing import Final

from npm_vetted import SITE

_HEAD: Final = f"""\
#:schema {SITE}schemas/config.schema.json
# The policy of npm-vetted in this repository. {SITE}configuration/
# explains each key. A change that loosens something is committed alone.
format = 2
"""
_TAIL: Final = """
[registries]
allowed = ["https://registry.npmjs.org/"]
"""
_STRICT: Final = """
# Preset "strict": a person writes a note for each new package and for each upgrade. These are the
# defaults of npm-vetted, so each line may also be left out.
[policy]
new = ["health"]           # a new package: who is behind it, is it alive, is it what it says
upgrade = ["changelog"]    # an upgrade: its changelog was read
scripts = ["scripts"]      # in addition, for a package with lifecycle scripts: they were read
transitive = "accepted"    # what a package brings is listed in the package's own note
cooldown-days = 7          # a younger version waits, or its note says why it cannot
"""
_BALANCED: Final = """
# Preset "balanced": a person looks at what is new, at each major step, and at lifecycle scripts. For
# a minor or patch step, `npm-vetted note` asks the registry; where nothing in the release is
# unusual, it writes a routine note below .vetting/routine/: evidence without a person's words.
# Otherwise it asks a person.
#
# What this promises depends on one thing: `npm-vetted check --ci --online` must be a required check
# of every pull request. It asks the registry again for each fact that a routine note claims. The
# hook works offline and believes them, so without that check a routine note proves nothing.
[policy]
new = ["health"]           # a name that is new to the repository always needs a person
scripts = ["scripts"]      # a package with lifecycle scripts always needs a person
transitive = "accepted"    # what a package brings is listed in the package's own note

# Below 1.0.0 the second number counts as major. So do prereleases and downgrades.
upgrade = { major = ["changelog"], minor = [], patch = [] }

# Days that a version must be out before it enters. Most bad releases are found within a week.
cooldown-days = { major = 14, minor = 7, patch = 7, new = 14 }

# For our own packages, or while an incident lasts. A routine note is never written for a version
# inside the cooldown, exempt or not.
# [[cooldown-exempt]]
# packages = ["@acme/*"]
# reason = "published by us, from the reviewed main branch"
# until = 2027-01-31       # at most a year from now
"""
PRESETS: Final = {"strict": _HEAD + _STRICT + _TAIL, "balanced": _HEAD + _BALANCED + _TAIL}
"""The whole config.toml by the preset's name."""
DEFAULT_PRESET: Final = "strict"
